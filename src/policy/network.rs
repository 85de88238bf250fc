//! The policy network π_θ(a|o): an MLP with three hidden layers of 64 units
//! and a softmax over the K actions, evaluated by hand in f64 (about 10 k
//! multiplications: a decision takes microseconds and runs inline). Networks of
//! other shapes share the code.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Units of each hidden layer.
pub const HIDDEN: [usize; 3] = [64, 64, 64];

/// What stands between the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Tanh,
    Relu,
}

impl Activation {
    pub(super) fn of(self, value: f64) -> f64 {
        match self {
            Self::Tanh => value.tanh(),
            // Unlike `max` this lets what is no number through.
            Self::Relu if value < 0.0 => 0.0,
            Self::Relu => value,
        }
    }

    /// The derivative, told from the activation.
    pub(super) fn slope(self, activation: f64) -> f64 {
        match self {
            Self::Tanh => 1.0 - activation * activation,
            Self::Relu => f64::from(u8::from(activation > 0.0)),
        }
    }
}

/// A family of networks: all but the numbers of inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Units of each hidden layer.
    pub hidden: &'static [usize],
    pub activation: Activation,
}

impl Shape {
    /// The policy's own.
    pub const POLICY: Self = Self {
        hidden: &HIDDEN,
        activation: Activation::Tanh,
    };

    /// The numbers of inputs, hidden units and outputs, in order.
    pub(super) fn widths(self, inputs: usize, outputs: usize) -> Vec<usize> {
        let hidden = self.hidden.iter().copied();
        [inputs]
            .into_iter()
            .chain(hidden)
            .chain([outputs])
            .collect()
    }
}

/// The network: affine layers, one more than hidden ones, with an activation
/// between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub(super) layers: Vec<Layer>,
    pub(super) activation: Activation,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Row-major, `outputs × inputs`.
    pub(super) weight: Vec<f64>,
    pub(super) bias: Vec<f64>,
}

/// A checkpoint's tensors do not make this network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ShapeError {
    #[error("not a safetensors file: {0}")]
    Format(String),
    #[error("tensor `{0}` is missing")]
    Missing(String),
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        name: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    #[error("tensor `{name}` has type {found:?}, expected F32 or F64")]
    Type { name: String, found: Dtype },
    #[error("tensor `{0}` holds a value that is not finite")]
    NotFinite(String),
}

impl Network {
    /// A network with tanh of the given weights: for each layer
    /// `outputs × inputs` row-major weights and `outputs` biases.
    pub fn from_layers(layers: Vec<(usize, Vec<f64>, Vec<f64>)>) -> Self {
        Self::of_layers(layers, Activation::Tanh)
    }

    /// As [`Self::from_layers`], with another activation.
    pub fn of_layers(layers: Vec<(usize, Vec<f64>, Vec<f64>)>, activation: Activation) -> Self {
        let layers = layers
            .into_iter()
            .map(|(inputs, weight, bias)| Layer {
                inputs,
                outputs: bias.len(),
                weight,
                bias,
            })
            .collect();
        Self { layers, activation }
    }

    /// Reads a policy network for `features` inputs and `actions` outputs.
    pub fn from_safetensors(
        bytes: &[u8],
        features: usize,
        actions: usize,
    ) -> Result<Self, ShapeError> {
        Self::read(bytes, Shape::POLICY, features, actions)
    }

    /// Reads `layers.0.weight`, `layers.0.bias` … of a network of `shape`.
    pub fn read(
        bytes: &[u8],
        shape: Shape,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ShapeError> {
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|e| ShapeError::Format(e.to_string()))?;
        let widths = shape.widths(inputs, outputs);
        let mut layers = Vec::with_capacity(widths.len() - 1);
        for (index, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            let weight = read(
                &tensors,
                &format!("layers.{index}.weight"),
                &[outputs, inputs],
            )?;
            let bias = read(&tensors, &format!("layers.{index}.bias"), &[outputs])?;
            layers.push(Layer {
                inputs,
                outputs,
                weight,
                bias,
            });
        }
        Ok(Self {
            layers,
            activation: shape.activation,
        })
    }

    /// The weights as a safetensors file (F64).
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ShapeError> {
        let mut data: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
            data.push((
                format!("layers.{index}.weight"),
                vec![layer.outputs, layer.inputs],
                bytes(&layer.weight),
            ));
            data.push((
                format!("layers.{index}.bias"),
                vec![layer.outputs],
                bytes(&layer.bias),
            ));
        }
        let views: Result<Vec<_>, _> = data
            .iter()
            .map(|(name, shape, bytes)| {
                TensorView::new(Dtype::F64, shape.clone(), bytes).map(|view| (name.clone(), view))
            })
            .collect();
        views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|e| ShapeError::Format(e.to_string()))
    }

    /// Number of features the network reads.
    pub fn features(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// Number of actions K.
    pub fn actions(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// π(·|o) for normalised features of length [`Self::features`].
    pub fn probabilities(&self, features: &[f64]) -> Vec<f64> {
        softmax(&self.logits(features))
    }

    /// Derivatives of π(action|o) by the normalised features.
    pub fn gradient_of(&self, features: &[f64], action: usize) -> Vec<f64> {
        let last = self.layers.len().saturating_sub(1);
        let mut activations = vec![features.to_vec()];
        for (index, layer) in self.layers.iter().enumerate() {
            let mut out = layer.forward(&activations[index]);
            if index < last {
                out.iter_mut().for_each(|x| *x = self.activation.of(*x));
            }
            activations.push(out);
        }
        let pi = softmax(activations.last().map_or(&[][..], Vec::as_slice));
        let own = pi.get(action).copied().unwrap_or(0.0);
        let one = |place: usize| f64::from(u8::from(place == action));
        let by_logit = pi.iter().enumerate();
        let mut back: Vec<f64> = by_logit.map(|(at, p)| own * (one(at) - p)).collect();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            if index < last {
                let out = &activations[index + 1];
                let slopes = back.iter_mut().zip(out);
                slopes.for_each(|(g, &x)| *g *= self.activation.slope(x));
            }
            let mut before = vec![0.0; layer.inputs];
            for (row, g) in layer.weight.chunks_exact(layer.inputs.max(1)).zip(&back) {
                for (sum, w) in before.iter_mut().zip(row) {
                    *sum += g * w;
                }
            }
            back = before;
        }
        back
    }

    /// The logits before the softmax.
    pub fn logits(&self, features: &[f64]) -> Vec<f64> {
        let mut activation = features.to_vec();
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers.iter().enumerate() {
            activation = layer.forward(&activation);
            if index < last {
                activation
                    .iter_mut()
                    .for_each(|x| *x = self.activation.of(*x));
            }
        }
        activation
    }
}

impl Layer {
    fn forward(&self, input: &[f64]) -> Vec<f64> {
        self.weight
            .chunks_exact(self.inputs.max(1))
            .zip(&self.bias)
            .map(|(row, bias)| bias + row.iter().zip(input).map(|(w, x)| w * x).sum::<f64>())
            .collect()
    }
}

/// Softmax that neither overflows nor underflows to 0/0.
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|z| (z - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

fn read(tensors: &SafeTensors<'_>, name: &str, expected: &[usize]) -> Result<Vec<f64>, ShapeError> {
    let view = tensors
        .tensor(name)
        .map_err(|_| ShapeError::Missing(name.into()))?;
    if view.shape() != expected {
        return Err(ShapeError::Shape {
            name: name.into(),
            found: view.shape().to_vec(),
            expected: expected.to_vec(),
        });
    }
    let values: Vec<f64> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
            .collect(),
        Dtype::F64 => view
            .data()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|bytes| f64::from_le_bytes(*bytes))
            .collect(),
        found => {
            return Err(ShapeError::Type {
                name: name.into(),
                found,
            });
        }
    };
    if values.iter().any(|v| !v.is_finite()) {
        return Err(ShapeError::NotFinite(name.into()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(features: usize, actions: usize, seed: u64) -> Network {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let widths: Vec<usize> = [features]
            .into_iter()
            .chain(HIDDEN)
            .chain([actions])
            .collect();
        Network::from_layers(
            widths
                .windows(2)
                .map(|w| {
                    let weight = (0..w[0] * w[1])
                        .map(|_| rng.random_range(-0.5..0.5))
                        .collect();
                    let bias = (0..w[1]).map(|_| rng.random_range(-0.5..0.5)).collect();
                    (w[0], weight, bias)
                })
                .collect(),
        )
    }

    #[test]
    fn probabilities_sum_to_one_for_any_number_of_actions() {
        for actions in 2..6 {
            let p = random(7, actions, 3).probabilities(&[0.1, -2.0, 3.0, 0.0, 1.0, 9.0, -4.0]);
            assert_eq!(p.len(), actions);
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_forward_pass_agrees_with_candle() {
        use candle_core::{Device, Tensor};
        let network = random(5, 3, 11);
        let input = [0.3, -0.7, 1.1, 0.0, 2.5];
        let mut x = Tensor::from_slice(&input, (1, 5), &Device::Cpu).unwrap();
        for (index, layer) in network.layers.iter().enumerate() {
            let w = Tensor::from_slice(&layer.weight, (layer.outputs, layer.inputs), &Device::Cpu)
                .unwrap();
            let b = Tensor::from_slice(&layer.bias, (1, layer.outputs), &Device::Cpu).unwrap();
            x = x.matmul(&w.t().unwrap()).unwrap().add(&b).unwrap();
            if index + 1 < network.layers.len() {
                x = x.tanh().unwrap();
            }
        }
        let oracle: Vec<f64> = x.flatten_all().unwrap().to_vec1().unwrap();
        for (ours, theirs) in network.logits(&input).iter().zip(oracle) {
            assert!((ours - theirs).abs() < 1e-12);
        }
    }

    #[test]
    fn weights_survive_the_file() {
        let network = random(6, 2, 5);
        let bytes = network.to_safetensors().unwrap();
        assert_eq!(Network::from_safetensors(&bytes, 6, 2).unwrap(), network);
    }

    #[test]
    fn a_file_for_other_features_is_refused_by_tensor_and_shape() {
        let bytes = random(6, 2, 5).to_safetensors().unwrap();
        let error = Network::from_safetensors(&bytes, 7, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor `layers.0.weight` has shape [64, 6], expected [64, 7]"
        );
        assert!(Network::from_safetensors(b"junk", 6, 2).is_err());
    }
}
