//! Training of the network that scores questions.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::policy::{Activation, Adam, Network, Normalisation, Shape, moments};

/// 256 and 64 hidden units with ReLU; its one output is a logit.
pub(super) const SHAPE: Shape = Shape {
    hidden: &[256, 64],
    activation: Activation::Relu,
};
/// Fewest problems a network can be trained on, a part held out.
const FEWEST: usize = 10;
/// Standard deviations beyond which an input counts as that many: an n-gram
/// that one training problem had must not outvote everything else.
const FARTHEST: f64 = 5.0;

/// What the network predicts, from the shares p of correct answers of the
/// small and of the large model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// How often the small model fails: 1 − p_small.
    Difficulty,
    /// How often an answer of the large model is better than one of the small
    /// model, ties by a coin: p_L (1 − p_S) + ½ (p_L p_S + (1 − p_L)(1 − p_S)).
    #[default]
    Gain,
}

impl Label {
    /// The name in files, flags and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Difficulty => "difficulty",
            Self::Gain => "gain",
        }
    }

    /// The label, 0 to 1.
    pub fn of(self, small: f64, large: f64) -> f64 {
        match self {
            Self::Difficulty => 1.0 - small,
            Self::Gain => {
                let ties = large * small + (1.0 - large) * (1.0 - small);
                large * (1.0 - small) + 0.5 * ties
            }
        }
    }
}

/// One problem to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub features: Vec<f32>,
    /// Share of the small model's answers that are correct.
    pub small: f64,
    /// Share of the large model's answers that are correct.
    pub large: f64,
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub label: Label,
    /// Of the split, the weights and the order of the batches.
    pub seed: u64,
    /// Most passes over the training problems.
    pub epochs: u32,
    /// Problems in a batch.
    pub batch: usize,
    /// Adam's learning rate.
    pub rate: f64,
    /// Share of the problems that are held out to know when to stop.
    pub held_out: f64,
    /// Passes without a lower held-out loss before training stops.
    pub patience: u32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            label: Label::Gain,
            seed: 0,
            epochs: 200,
            batch: 32,
            rate: 1e-3,
            held_out: 0.2,
            patience: 10,
        }
    }
}

/// A trained network, as it was when the held-out loss was lowest.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub network: Network,
    pub normalisation: Normalisation,
    pub recipe: Recipe,
    /// Problems it was trained on and problems held out.
    pub trained: usize,
    pub held_out: usize,
    /// The pass after which the held-out loss was lowest; 0 for none.
    pub epoch: u32,
    /// Lowest mean binary cross-entropy on the problems held out, in nats.
    pub held_out_loss: f64,
    /// The same of the best constant score, to hold against it.
    pub constant_loss: f64,
}

/// Why nothing can be learnt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("{found} problems are too few to train a query router: it needs {FEWEST} or more")]
    TooFew { found: usize },
    #[error(
        "problem {index} has {found} features where the first has {expected}: all must come from \
         one encoder"
    )]
    Dimension {
        index: usize,
        expected: usize,
        found: usize,
    },
    #[error(
        "problem {index} has a feature or a share of correct answers that is no number in range"
    )]
    Value { index: usize },
    #[error("training diverged in pass {epoch}: try a lower learning rate")]
    Diverged { epoch: u32 },
}

/// Inputs of `rows × features` with a label each.
struct Batch {
    inputs: Vec<f64>,
    labels: Vec<f64>,
}

impl Batch {
    /// What one of its problems counts.
    fn share(&self) -> f64 {
        (self.labels.len().max(1) as f64).recip()
    }
}

/// Trains a network on `examples`.
///
/// # Errors
/// [`FitError`].
pub fn fit(examples: &[Example], recipe: Recipe) -> Result<Fitted, FitError> {
    check(examples)?;
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
    let mut order: Vec<&Example> = examples.iter().collect();
    order.shuffle(&mut rng);
    let held = (recipe.held_out * examples.len() as f64).round() as usize;
    let (held, mut training) = {
        let (held, training) = order.split_at(held.clamp(1, examples.len() - 1));
        (held.to_vec(), training.to_vec())
    };
    let normalisation = standard(&training);
    let batch = |examples: &[&Example]| Batch {
        inputs: examples
            .iter()
            .flat_map(|example| standardised(&normalisation, &example.features))
            .collect(),
        labels: examples
            .iter()
            .map(|example| recipe.label.of(example.small, example.large))
            .collect(),
    };
    let held = batch(&held);
    let features = examples.first().map_or(0, |example| example.features.len());
    let mut network = first(features, &batch(&training).labels, &mut rng);
    let mut parameters = network.parameters();
    let mut adam = Adam::new(parameters.len());
    let constant_loss = loss(&network, &held);
    let mut best = (0, constant_loss, network.clone());
    for epoch in 1..=recipe.epochs {
        training.shuffle(&mut rng);
        for part in training.chunks(recipe.batch.max(1)) {
            let gradient = gradient(&network, &batch(part));
            adam.update(&mut parameters, &gradient, recipe.rate);
            // Both come from the same network.
            let _ = network.set_parameters(&parameters);
        }
        let now = loss(&network, &held);
        if !now.is_finite() {
            return Err(FitError::Diverged { epoch });
        }
        if now < best.1 {
            best = (epoch, now, network.clone());
        } else if epoch - best.0 >= recipe.patience {
            break;
        }
    }
    let (epoch, held_out_loss, network) = best;
    Ok(Fitted {
        network,
        normalisation,
        recipe,
        trained: training.len(),
        held_out: held.labels.len(),
        epoch,
        held_out_loss,
        constant_loss,
    })
}

fn check(examples: &[Example]) -> Result<(), FitError> {
    let found = examples.len();
    let Some(first) = examples.first().filter(|_| found >= FEWEST) else {
        return Err(FitError::TooFew { found });
    };
    for (index, example) in examples.iter().enumerate() {
        let (expected, found) = (first.features.len(), example.features.len());
        if found != expected {
            return Err(FitError::Dimension {
                index,
                expected,
                found,
            });
        }
        let share = |p: f64| (0.0..=1.0).contains(&p);
        let finite = example.features.iter().all(|x| x.is_finite());
        if !(finite && found > 0 && share(example.small) && share(example.large)) {
            return Err(FitError::Value { index });
        }
    }
    Ok(())
}

/// Mean and deviation of every feature.
fn standard(examples: &[&Example]) -> Normalisation {
    let features = examples.first().map_or(0, |example| example.features.len());
    let column = |feature: usize| -> Vec<f64> {
        let values = examples.iter().map(|example| example.features[feature]);
        values.map(f64::from).collect()
    };
    let (mean, scale) = (0..features)
        .map(|feature| moments(&column(feature)))
        .unzip();
    Normalisation {
        mean,
        scale,
        ranks: std::collections::BTreeMap::new(),
    }
}

/// The network's inputs for one question.
pub(super) fn standardised(normalisation: &Normalisation, features: &[f32]) -> Vec<f64> {
    let scales = normalisation.mean.iter().zip(&normalisation.scale);
    let values = features.iter().zip(scales);
    values
        .map(|(x, (mean, scale))| ((f64::from(*x) - mean) / scale).clamp(-FARTHEST, FARTHEST))
        .collect()
}

/// A network that gives every question the mean label.
fn first(features: usize, labels: &[f64], rng: &mut impl Rng) -> Network {
    let mut network = Network::random_of(SHAPE, features, 1, 0.0, rng);
    let mut parameters = network.parameters();
    let mean = labels.iter().sum::<f64>() / labels.len().max(1) as f64;
    let mean = mean.clamp(0.01, 0.99);
    if let Some(bias) = parameters.last_mut() {
        *bias = (mean / (1.0 - mean)).ln();
    }
    let _ = network.set_parameters(&parameters);
    network
}

/// The mean binary cross-entropy in nats.
fn loss(network: &Network, batch: &Batch) -> f64 {
    let pass = network.pass(&batch.inputs);
    let pairs = pass.outputs().iter().zip(&batch.labels);
    let sum: f64 = pairs.map(|(z, y)| softplus(*z) - y * z).sum();
    sum * batch.share()
}

/// The gradient of [`loss`] in the network's parameters.
fn gradient(network: &Network, batch: &Batch) -> Vec<f64> {
    let pass = network.pass(&batch.inputs);
    let pairs = pass.outputs().iter().zip(&batch.labels);
    let weights = pairs.map(|(z, y)| batch.share() * (sigmoid(*z) - y));
    network.adjoint(&pass, &weights.collect::<Vec<f64>>())
}

/// ln(1 + e^z) that does not overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

pub(super) fn sigmoid(z: f64) -> f64 {
    (1.0 + (-z).exp()).recip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_worked_out_by_hand() {
        assert_eq!(Label::Difficulty.of(0.25, 0.9), 0.75);
        // 0.75·0.5 + ½ (0.75·0.5 + 0.25·0.5) = 0.375 + 0.25 = 0.625.
        assert!((Label::Gain.of(0.5, 0.75) - 0.625).abs() < 1e-12);
        // Equally good models tie: ½ whatever p is. Never both: 1 and 0.
        assert!((Label::Gain.of(0.3, 0.3) - 0.5).abs() < 1e-12);
        assert_eq!(
            (Label::Gain.of(0.0, 1.0), Label::Gain.of(1.0, 0.0)),
            (1.0, 0.0)
        );
        assert_eq!(Label::default().name(), "gain");
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let network = Network::random_of(SHAPE, 4, 1, 1.0, &mut rng);
        let batch = Batch {
            inputs: (0..5 * 4).map(|_| rng.random_range(-2.0..2.0)).collect(),
            labels: vec![0.0, 1.0, 0.3, 0.5, 0.9],
        };
        let gradient = gradient(&network, &batch);
        let at = |direction: &[f64], by: f64| {
            let moved = network.parameters().into_iter().zip(direction);
            let moved: Vec<f64> = moved.map(|(p, d)| p + by * d).collect();
            let mut network = network.clone();
            network.set_parameters(&moved).unwrap();
            loss(&network, &batch)
        };
        for _ in 0..20 {
            let direction: Vec<f64> = gradient
                .iter()
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            // Small enough that hardly a unit passes its kink.
            let h = 1e-6;
            let slope = (at(&direction, h) - at(&direction, -h)) / (2.0 * h);
            let ours: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            assert!(
                (slope - ours).abs() < 1e-5 * (1.0 + ours.abs()),
                "{slope} {ours}"
            );
        }
        // Each of the biases of the output by itself.
        let last = gradient.len() - 1;
        let mut one = vec![0.0; gradient.len()];
        one[last] = 1.0;
        let slope = (at(&one, 1e-6) - at(&one, -1e-6)) / 2e-6;
        assert!((slope - gradient[last]).abs() < 1e-8);
    }

    #[test]
    fn losses_far_out_are_finite() {
        assert_eq!(softplus(-800.0), 0.0);
        assert_eq!(softplus(800.0), 800.0);
        assert!((softplus(0.0) - std::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!((sigmoid(-800.0), sigmoid(800.0)), (0.0, 1.0));
    }
}
