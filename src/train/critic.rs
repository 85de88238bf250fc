//! A critic V(o): the policy's architecture with one output, fitted to V-trace
//! targets by Adam on half the mean squared error.

use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::policy::{Adam, LengthError, Network};

use super::soft::count;

/// A critic with the state of its optimizer.
#[derive(Debug, Clone, PartialEq)]
pub struct Critic {
    network: Network,
    adam: Adam,
}

/// A critic as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriticState {
    parameters: Vec<f64>,
    adam: Adam,
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Half the mean squared error before the fit; 0 for an empty batch, NaN
    /// where it diverged.
    #[serde(with = "super::nullable")]
    pub loss: f64,
    /// Whether a loss or gradient was not finite: the rest of the fit was
    /// left out.
    pub diverged: bool,
}

impl Critic {
    /// An untrained critic for this many features; it starts at V = 0.
    pub fn random(features: usize, rng: &mut impl Rng) -> Self {
        let network = Network::random(features, 1, 0.0, rng);
        let adam = Adam::new(network.parameter_count());
        Self { network, adam }
    }

    /// V(o) of `N × features` observations.
    #[must_use]
    pub fn values(&self, inputs: &[f64]) -> Vec<f64> {
        self.network.pass(inputs).outputs().to_vec()
    }

    /// `steps` Adam steps towards the targets of the `N × features` inputs.
    pub fn fit(&mut self, inputs: &[f64], targets: &[f64], rate: f64, steps: u32) -> Fit {
        let mut fit = Fit {
            loss: 0.0,
            diverged: false,
        };
        if targets.is_empty() {
            return fit;
        }
        let mut parameters = self.network.parameters();
        for step in 0..steps {
            let pass = self.network.pass(inputs);
            let scale = 1.0 / count(targets.len());
            let errors = pass
                .outputs()
                .iter()
                .zip(targets)
                .map(|(v, target)| v - target);
            let errors: Vec<f64> = errors.collect();
            let loss = 0.5 * scale * errors.iter().map(|e| e * e).sum::<f64>();
            if step == 0 {
                fit.loss = loss;
            }
            let weights: Vec<f64> = errors.iter().map(|e| scale * e).collect();
            let gradient = self.network.adjoint(&pass, &weights);
            if !(loss.is_finite() && gradient.iter().all(|g| g.is_finite())) {
                fit.diverged = true;
                return fit;
            }
            self.adam.update(&mut parameters, &gradient, rate);
            if self.network.set_parameters(&parameters).is_err() {
                // Both come from the same network; nothing is lost by stopping.
                return fit;
            }
        }
        fit
    }

    /// What a resumed run needs.
    #[must_use]
    pub fn state(&self) -> CriticState {
        CriticState {
            parameters: self.network.parameters(),
            adam: self.adam.clone(),
        }
    }

    /// A stored critic.
    ///
    /// # Errors
    /// [`LengthError`] where it was made for another number of features.
    pub fn restore(features: usize, state: &CriticState) -> Result<Self, LengthError> {
        let mut rng = rand_chacha::ChaCha8Rng::from_seed([0; 32]);
        let mut critic = Self::random(features, &mut rng);
        critic.network.set_parameters(&state.parameters)?;
        for found in state.adam.lengths() {
            let expected = state.parameters.len();
            if found != expected {
                return Err(LengthError { expected, found });
            }
        }
        critic.adam = state.adam.clone();
        Ok(critic)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn data() -> (Vec<f64>, Vec<f64>) {
        let inputs: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
        let targets = inputs.iter().map(|x| 2.0 + (3.0 * x).sin()).collect();
        (inputs, targets)
    }

    #[test]
    fn a_critic_learns_a_function() {
        let mut critic = Critic::random(1, &mut ChaCha8Rng::seed_from_u64(1));
        let (inputs, targets) = data();
        let before = critic.fit(&inputs, &targets, 1e-3, 1500).loss;
        let after = critic.fit(&inputs, &targets, 1e-3, 1).loss;
        assert!(before > 2.0 && after < 2e-3, "{before} {after}");
    }

    #[test]
    fn a_stored_critic_goes_on_to_the_last_bit() {
        let mut critic = Critic::random(1, &mut ChaCha8Rng::seed_from_u64(1));
        let (inputs, targets) = data();
        critic.fit(&inputs, &targets, 1e-3, 3);
        let mut again = Critic::restore(1, &critic.state()).unwrap();
        critic.fit(&inputs, &targets, 1e-3, 3);
        again.fit(&inputs, &targets, 1e-3, 3);
        assert_eq!(critic, again);
        assert!(Critic::restore(2, &critic.state()).is_err());
    }

    #[test]
    fn targets_that_are_no_numbers_change_nothing_and_are_reported() {
        let mut critic = Critic::random(1, &mut ChaCha8Rng::seed_from_u64(1));
        let before = critic.clone();
        let fit = critic.fit(&[0.1, 0.2], &[f64::NAN, 1.0], 1e-3, 4);
        assert!(fit.diverged);
        assert_eq!(critic, before);
        assert_eq!(critic.fit(&[], &[], 1e-3, 4).loss, 0.0);
    }
}
