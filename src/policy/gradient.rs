//! Derivatives of the network by hand in f64: the flat parameter vector θ, a
//! batched forward pass that keeps its activations, the Jacobian–vector
//! product (JVP, tangent) and the vector–Jacobian product (VJP, adjoint).
//!
//! θ is laid out like the checkpoint: for each layer its `outputs × inputs`
//! weights row by row, then its `outputs` biases.

use rand::Rng;

use super::network::{Activation, Layer, Network, Shape};
use super::product::{add_product, transposed};

/// A parameter vector of the wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network has {expected} parameters, found {found}")]
pub struct LengthError {
    pub expected: usize,
    pub found: usize,
}

/// A forward pass over `rows` inputs, with everything its derivatives need.
#[derive(Debug, Clone)]
pub struct Pass {
    rows: usize,
    /// Input of every layer (`rows × inputs`), then the outputs.
    values: Vec<Vec<f64>>,
    /// Weights of every layer, `inputs × outputs`.
    transposed: Vec<Vec<f64>>,
}

impl Pass {
    /// Number of inputs N.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Outputs before any softmax, `rows × actions`.
    pub fn outputs(&self) -> &[f64] {
        self.values.last().map_or(&[], Vec::as_slice)
    }
}

impl Network {
    /// A random policy network; see [`Self::random_of`].
    pub fn random(features: usize, actions: usize, last: f64, rng: &mut impl Rng) -> Self {
        Self::random_of(Shape::POLICY, features, actions, last, rng)
    }

    /// Random weights (Glorot's uniform range; biases 0) for a network of
    /// `shape`. The last layer is scaled by `last`: below 1 it starts a softmax
    /// near the uniform distribution.
    pub fn random_of(
        shape: Shape,
        inputs: usize,
        outputs: usize,
        last: f64,
        rng: &mut impl Rng,
    ) -> Self {
        let widths = shape.widths(inputs, outputs);
        let layers = widths.windows(2).enumerate().map(|(index, pair)| {
            let range = glorot(pair[0], pair[1])
                * if index == shape.hidden.len() {
                    last
                } else {
                    1.0
                };
            let weight = (0..pair[0] * pair[1])
                .map(|_| range * (2.0 * rng.random::<f64>() - 1.0))
                .collect();
            (pair[0], weight, vec![0.0; pair[1]])
        });
        Self::of_layers(layers.collect(), shape.activation)
    }

    /// Length of θ.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(Layer::parameter_count).sum()
    }

    /// θ as one vector.
    pub fn parameters(&self) -> Vec<f64> {
        let mut flat = Vec::with_capacity(self.parameter_count());
        for layer in &self.layers {
            flat.extend_from_slice(&layer.weight);
            flat.extend_from_slice(&layer.bias);
        }
        flat
    }

    /// Replaces θ.
    ///
    /// # Errors
    /// [`LengthError`] where the vector does not fit; nothing is changed then.
    pub fn set_parameters(&mut self, flat: &[f64]) -> Result<(), LengthError> {
        self.check_length(flat)?;
        let mut rest = flat;
        for layer in &mut self.layers {
            let (weight, bias);
            (weight, rest) = rest.split_at(layer.weight.len());
            (bias, rest) = rest.split_at(layer.bias.len());
            layer.weight.copy_from_slice(weight);
            layer.bias.copy_from_slice(bias);
        }
        Ok(())
    }

    /// The forward pass over inputs of `rows × features`, row-major. A last
    /// row that is cut short is not read.
    pub fn pass(&self, inputs: &[f64]) -> Pass {
        let features = self.features().max(1);
        let rows = inputs.len() / features;
        let mut values = vec![inputs[..rows * features].to_vec()];
        let weights: Vec<Vec<f64>> = self.layers.iter().map(Layer::transposed).collect();
        let last = self.layers.len().saturating_sub(1);
        for (index, (layer, weight)) in self.layers.iter().zip(&weights).enumerate() {
            let mut out = layer.bias.repeat(rows);
            add_product(
                &mut out,
                &values[index],
                weight,
                layer.inputs,
                layer.outputs,
            );
            if index < last {
                out.iter_mut()
                    .for_each(|value| *value = self.activation.of(*value));
            }
            values.push(out);
        }
        Pass {
            rows,
            values,
            transposed: weights,
        }
    }

    /// JVP: the change of the outputs (`rows × actions`) along a direction in
    /// parameter space, `J direction`.
    ///
    /// # Errors
    /// [`LengthError`] where the direction does not fit.
    pub fn tangent(&self, pass: &Pass, direction: &[f64]) -> Result<Vec<f64>, LengthError> {
        self.check_length(direction)?;
        let mut rest = direction;
        let mut tangent: Vec<f64> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let (weight, bias);
            (weight, rest) = rest.split_at(layer.weight.len());
            (bias, rest) = rest.split_at(layer.bias.len());
            let mut out = bias.repeat(pass.rows);
            let weight = transposed(weight, layer.inputs);
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            add_product(&mut out, &pass.values[index], &weight, inputs, outputs);
            // The inputs of the network do not depend on θ.
            if index > 0 {
                through(self.activation, &mut tangent, &pass.values[index]);
                add_product(&mut out, &tangent, &pass.transposed[index], inputs, outputs);
            }
            tangent = out;
        }
        Ok(tangent)
    }

    /// VJP: the gradient in θ of `Σ weights · outputs`, `Jᵀ weights`, for
    /// weights of `rows × actions`.
    pub fn adjoint(&self, pass: &Pass, weights: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.parameter_count()];
        let mut end = gradient.len();
        let mut delta = weights.to_vec();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let start = end - layer.parameter_count();
            let (weight, bias) = gradient[start..end].split_at_mut(layer.weight.len());
            end = start;
            for line in delta.chunks_exact(layer.outputs.max(1)) {
                for (sum, value) in bias.iter_mut().zip(line) {
                    *sum += value;
                }
            }
            let across = transposed(&delta, layer.outputs);
            add_product(
                weight,
                &across,
                &pass.values[index],
                pass.rows,
                layer.inputs,
            );
            if index > 0 {
                let mut below = vec![0.0; pass.rows * layer.inputs];
                add_product(
                    &mut below,
                    &delta,
                    &layer.weight,
                    layer.outputs,
                    layer.inputs,
                );
                through(self.activation, &mut below, &pass.values[index]);
                delta = below;
            }
        }
        gradient
    }

    fn check_length(&self, flat: &[f64]) -> Result<(), LengthError> {
        let expected = self.parameter_count();
        if flat.len() == expected {
            return Ok(());
        }
        Err(LengthError {
            expected,
            found: flat.len(),
        })
    }
}

impl Layer {
    fn parameter_count(&self) -> usize {
        self.weight.len() + self.bias.len()
    }

    fn transposed(&self) -> Vec<f64> {
        transposed(&self.weight, self.inputs)
    }
}

/// Multiplies by the activation's derivative, known from the activations.
fn through(activation: Activation, values: &mut [f64], activations: &[f64]) {
    for (value, known) in values.iter_mut().zip(activations) {
        *value *= activation.slope(*known);
    }
}

#[allow(clippy::cast_precision_loss, reason = "layer widths are small")]
fn glorot(inputs: usize, outputs: usize) -> f64 {
    (6.0 / (inputs + outputs).max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const H: f64 = 1e-6;

    fn setting(actions: usize, rows: usize) -> (Network, Vec<f64>, ChaCha8Rng) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let network = Network::random(5, actions, 1.0, &mut rng);
        let inputs = (0..rows * 5).map(|_| rng.random_range(-2.0..2.0)).collect();
        (network, inputs, rng)
    }

    fn direction(network: &Network, rng: &mut ChaCha8Rng) -> Vec<f64> {
        (0..network.parameter_count())
            .map(|_| rng.random_range(-1.0..1.0))
            .collect()
    }

    fn moved(network: &Network, direction: &[f64], by: f64) -> Network {
        let flat = network.parameters();
        let flat: Vec<f64> = flat
            .iter()
            .zip(direction)
            .map(|(t, d)| t + by * d)
            .collect();
        let mut moved = network.clone();
        moved.set_parameters(&flat).unwrap();
        moved
    }

    #[test]
    fn the_batched_pass_is_the_networks_own() {
        let (network, inputs, _) = setting(3, 9);
        let pass = network.pass(&inputs);
        for (row, input) in inputs.chunks(5).enumerate() {
            for (ours, theirs) in pass.outputs()[row * 3..].iter().zip(network.logits(input)) {
                // To the last bit, so that an on-policy importance weight is 1.
                assert_eq!(*ours, theirs);
            }
        }
    }

    #[test]
    fn jvp_agrees_with_central_differences() {
        let (network, inputs, mut rng) = setting(3, 6);
        let direction = direction(&network, &mut rng);
        let tangent = network.tangent(&network.pass(&inputs), &direction).unwrap();
        let up = moved(&network, &direction, H).pass(&inputs);
        let down = moved(&network, &direction, -H).pass(&inputs);
        for ((up, down), exact) in up.outputs().iter().zip(down.outputs()).zip(tangent) {
            let found = (up - down) / (2.0 * H);
            assert!(
                (found - exact).abs() < 1e-6 * exact.abs().max(1.0),
                "{found} {exact}"
            );
        }
    }

    #[test]
    fn vjp_agrees_with_central_differences_in_every_parameter() {
        let (network, inputs, mut rng) = setting(2, 4);
        let weights: Vec<f64> = (0..8).map(|_| rng.random_range(-1.0..1.0)).collect();
        let gradient = network.adjoint(&network.pass(&inputs), &weights);
        let value = |network: &Network| -> f64 {
            let pass = network.pass(&inputs);
            pass.outputs()
                .iter()
                .zip(&weights)
                .map(|(o, w)| o * w)
                .sum()
        };
        // Every 7th parameter reaches all layers, weights and biases.
        for index in (0..network.parameter_count()).rev().step_by(7) {
            let mut axis = vec![0.0; network.parameter_count()];
            axis[index] = 1.0;
            let found = (value(&moved(&network, &axis, H)) - value(&moved(&network, &axis, -H)))
                / (2.0 * H);
            assert!((found - gradient[index]).abs() < 1e-6, "{index}");
        }
    }

    #[test]
    fn jvp_and_vjp_are_adjoint_to_each_other() {
        let (network, inputs, mut rng) = setting(4, 13);
        let pass = network.pass(&inputs);
        let direction = direction(&network, &mut rng);
        let weights: Vec<f64> = (0..52).map(|_| rng.random_range(-1.0..1.0)).collect();
        let tangent = network.tangent(&pass, &direction).unwrap();
        let left: f64 = tangent.iter().zip(&weights).map(|(a, b)| a * b).sum();
        let adjoint = network.adjoint(&pass, &weights);
        let right: f64 = adjoint.iter().zip(&direction).map(|(a, b)| a * b).sum();
        assert!((left - right).abs() < 1e-9 * left.abs().max(1.0));
    }

    #[test]
    fn parameters_go_round_and_a_wrong_length_is_refused() {
        let (mut network, ..) = setting(2, 1);
        let flat = network.parameters();
        let before = network.clone();
        network.set_parameters(&flat).unwrap();
        assert_eq!(network, before);
        let error = network.set_parameters(&flat[1..]).unwrap_err();
        assert!(error.to_string().contains(&flat.len().to_string()));
    }

    #[test]
    fn a_pass_over_nothing_has_a_zero_gradient() {
        let (network, ..) = setting(2, 1);
        let pass = network.pass(&[]);
        assert_eq!(pass.rows(), 0);
        assert!(network.adjoint(&pass, &[]).iter().all(|g| *g == 0.0));
    }
}
