//! Why a policy decided as it did: what each feature adds to the margin of the
//! most capable model, the smallest change of one feature that would have had
//! another model run, and how far the observation is from what the policy was
//! trained on.

use super::action_set::select;
use super::checkpoint::Checkpoint;
use super::network::Network;

/// Points of the path that gradients are summed over: the sum is right to
/// about 1e-3 of π.
const POINTS: usize = 64;
/// Farther than so many standard deviations nothing is tried.
const FARTHEST: f64 = 4.0;
/// Stride of the search, in standard deviations.
const STRIDE: f64 = 0.1;
/// Halvings of the stride in which a flip lies.
const HALVINGS: u32 = 6;
/// Observations farther than this, in one feature, are unlike the training's.
const STRANGE: f64 = 3.0;

/// What one feature adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    pub feature: String,
    /// `None` where it is missing: it counts as the training mean.
    pub value: Option<f64>,
    /// Its part of π(large|o) − π(large|mean) by integrated gradients
    /// (Sundararajan et al. 2017) from the training mean: the parts sum to it.
    pub gradient: f64,
    /// π(large|o) less what it is with the feature at its training mean.
    pub without: f64,
    /// Standard deviations from the training mean.
    pub deviation: f64,
}

/// The smallest change of one feature that has another model run.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    pub feature: String,
    pub from: f64,
    pub to: f64,
    /// The model that runs then.
    pub action: usize,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// π(large|o).
    pub large: f64,
    /// π(large|mean): what is expected without an observation.
    pub expected: f64,
    pub kappa: f64,
    /// The model that runs.
    pub action: usize,
    /// The largest part first.
    pub features: Vec<Attribution>,
    /// `None` where no change of one feature within reach does.
    pub flip: Option<Flip>,
    /// Root of the mean squared deviation over the features.
    pub distance: f64,
}

impl Explanation {
    /// The margin of the most capable model: it runs where this is not
    /// negative.
    pub fn margin(&self) -> f64 {
        self.large - self.kappa
    }

    /// The feature that is farthest from what the policy was trained on, where
    /// that is far.
    pub fn strange(&self) -> Option<&Attribution> {
        let far = |of: &&Attribution| of.deviation.abs() > STRANGE;
        let features = self.features.iter().filter(far);
        features.max_by(|a, b| a.deviation.abs().total_cmp(&b.deviation.abs()))
    }
}

impl Checkpoint {
    /// Explains what is decided from `values`, in the order of the features;
    /// `None` where the policy is not asked: without a confidence.
    pub fn explain(&self, values: &[Option<f64>]) -> Option<Explanation> {
        let input = self.encode(values);
        if input.is_empty() || !input.iter().all(|value| value.is_finite()) {
            return None;
        }
        let (network, kappa) = (&self.network, self.facts.kappa);
        let large = network.actions().checked_sub(1)?;
        let pi = |input: &[f64]| network.probabilities(input)[large];
        let mean = vec![0.0; input.len()];
        let (here, expected) = (pi(&input), pi(&mean));
        let parts = integrated(network, &input, large);
        let names = self.facts.features.iter().zip(values).enumerate();
        let mut features: Vec<Attribution> = names
            .map(|(at, (name, value))| {
                let mut without = input.clone();
                without[at] = 0.0;
                Attribution {
                    feature: name.clone(),
                    value: *value,
                    gradient: parts[at],
                    without: here - pi(&without),
                    deviation: input[at],
                }
            })
            .collect();
        features.sort_by(|a, b| b.gradient.abs().total_cmp(&a.gradient.abs()));
        let squares: f64 = input.iter().map(|z| z * z).sum();
        Some(Explanation {
            large: here,
            expected,
            kappa,
            action: select(&network.probabilities(&input), kappa).action,
            features,
            flip: self.flip(&input, values),
            distance: (squares / input.len() as f64).sqrt(),
        })
    }

    /// The smallest change, in standard deviations, of one feature that has
    /// another model run. Who wrote the step is no feature that can change
    /// alone.
    fn flip(&self, input: &[f64], values: &[Option<f64>]) -> Option<Flip> {
        let runs =
            |input: &[f64]| select(&self.network.probabilities(input), self.facts.kappa).action;
        let own = runs(input);
        let mut nearest: Option<(f64, Flip)> = None;
        for (at, name) in self.facts.features.iter().enumerate() {
            if name.starts_with("writer_") {
                continue;
            }
            let Some(from) = values[at] else { continue };
            let mut changed = input.to_vec();
            let mut tried = |to: f64, raw: f64| {
                changed[at] = to;
                let action = runs(&changed);
                (action != own).then(|| {
                    let flip = Flip {
                        feature: name.clone(),
                        from,
                        to: raw,
                        action,
                    };
                    ((to - input[at]).abs(), flip)
                })
            };
            let found = match name.as_str() {
                "has_answer" => {
                    let raw = 1.0 - from;
                    tried(self.facts.normalisation.encode_one(at, name, raw), raw)
                }
                _ => {
                    let strides = (1..=(FARTHEST / STRIDE) as usize).map(|n| n as f64 * STRIDE);
                    let mut places = strides.flat_map(|by| [input[at] + by, input[at] - by]);
                    let mut at_place = |to: f64| {
                        let raw = self.facts.normalisation.decode(at, name, to)?;
                        let raw = match least(name) {
                            Some(least) => Some(raw.round()).filter(|raw| *raw >= least)?,
                            None => raw,
                        };
                        let to = self.facts.normalisation.encode_one(at, name, raw);
                        tried(to, raw)
                    };
                    let found = places.find_map(|to| Some((to, at_place(to)?)));
                    found.map(|(to, mut flip)| {
                        // Between the last place where nothing flips and this.
                        let (mut near, mut far) = (to - STRIDE * (to - input[at]).signum(), to);
                        for _ in 0..HALVINGS {
                            let middle = f64::midpoint(near, far);
                            match at_place(middle) {
                                Some(nearer) => (far, flip) = (middle, nearer),
                                None => near = middle,
                            }
                        }
                        flip
                    })
                }
            };
            let nearer =
                |(far, _): &(f64, Flip)| nearest.as_ref().is_none_or(|(known, _)| far < known);
            if let Some(found) = found.filter(nearer) {
                nearest = Some(found);
            }
        }
        nearest.map(|(_, flip)| flip)
    }
}

/// The least value of a feature that is counted; `None` of one that is not.
fn least(name: &str) -> Option<f64> {
    match name {
        "step" => Some(1.0),
        "tokens" => Some(0.0),
        _ => None,
    }
}

/// Integrated gradients from the training mean, by the midpoint rule.
fn integrated(network: &Network, input: &[f64], action: usize) -> Vec<f64> {
    let mut sums = vec![0.0; input.len()];
    for point in 0..POINTS {
        let share = (point as f64 + 0.5) / POINTS as f64;
        let place: Vec<f64> = input.iter().map(|z| z * share).collect();
        let gradient = network.gradient_of(&place, action);
        for (sum, slope) in sums.iter_mut().zip(gradient) {
            *sum += slope;
        }
    }
    let parts = sums.iter().zip(input);
    parts.map(|(sum, z)| z * sum / POINTS as f64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::CONFIDENCE;

    fn embedded() -> Checkpoint {
        Checkpoint::embedded().expect("the shipped policy")
    }

    fn observation(u: f64, step: u32, tokens: u32, answer: bool, large: bool) -> Vec<Option<f64>> {
        let checkpoint = embedded();
        let features = checkpoint.facts.features.iter();
        let value = |name: &String| match name.as_str() {
            "confidence" => Some(u),
            "step" => Some(f64::from(step)),
            "tokens" => Some(f64::from(tokens)),
            "has_answer" => Some(f64::from(u8::from(answer))),
            "difficulty" => Some(5.0),
            "writer_0" => Some(f64::from(u8::from(!large))),
            _ => Some(f64::from(u8::from(large))),
        };
        features.map(value).collect()
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let network = embedded().network;
        let input: Vec<f64> = (0..network.features())
            .map(|n| 0.3 * n as f64 - 0.8)
            .collect();
        let large = network.actions() - 1;
        let gradient = network.gradient_of(&input, large);
        for at in 0..input.len() {
            let moved = |by: f64| {
                let mut input = input.clone();
                input[at] += by;
                network.probabilities(&input)[large]
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((gradient[at] - slope).abs() < 1e-6, "{at}");
        }
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_a_flip_flips(
            u in 0.0..1.0f64, step in 1u32..20, tokens in 1u32..80,
            answer in any::<bool>(), large in any::<bool>(),
        ) {
            let checkpoint = embedded();
            let values = observation(u, step, tokens, answer, large);
            let found = checkpoint.explain(&values).unwrap();
            let sum: f64 = found.features.iter().map(|of| of.gradient).sum();
            prop_assert!((sum - (found.large - found.expected)).abs() < 5e-3, "{sum}");
            prop_assert_eq!(found.margin() >= 0.0, found.action + 1 == 2);
            if let Some(flip) = &found.flip {
                let mut changed = values.clone();
                let at = checkpoint.facts.features.iter().position(|name| *name == flip.feature);
                changed[at.unwrap()] = Some(flip.to);
                prop_assert!(least(&flip.feature).is_none_or(|least| flip.to >= least));
                let again = checkpoint.explain(&changed).unwrap();
                prop_assert_eq!(again.action, flip.action);
                prop_assert_ne!(again.action, found.action);
            }
        }
    }

    #[test]
    fn without_a_confidence_there_is_nothing_to_explain() {
        let mut values = observation(0.5, 2, 20, false, false);
        let checkpoint = embedded();
        let names = &checkpoint.facts.features;
        let at = names.iter().position(|name| name == CONFIDENCE).unwrap();
        values[at] = None;
        assert_eq!(checkpoint.explain(&values), None);
        // What is far from the training is told.
        let strange = checkpoint
            .explain(&observation(0.5, 2, 100_000, false, false))
            .unwrap();
        assert_eq!(strange.strange().unwrap().feature, "tokens");
        let usual = checkpoint
            .explain(&observation(0.9, 3, 22, false, false))
            .unwrap();
        assert!(usual.strange().is_none() && usual.distance < strange.distance);
    }
}
