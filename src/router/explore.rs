//! The behaviour policy of an exploration: a coin between a uniform draw over
//! the models and another router. Its probabilities are μ(a|o) of §5.

use std::sync::Arc;

use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::{Choice, Router};

/// Name of this router in logs.
pub const EXPLORE: &str = "explore";

/// Uniform over the models with probability ε, else as another router says.
pub struct Explore {
    base: Arc<dyn Router>,
    epsilon: f64,
}

impl Explore {
    /// Explores around `base` with ε = `epsilon`, in (0, 1]: every model must
    /// have a chance at every step, or nothing could be learnt about it.
    ///
    /// # Errors
    /// An ε out of range, in words.
    pub fn new(base: Arc<dyn Router>, epsilon: f64) -> Result<Self, String> {
        if epsilon > 0.0 && epsilon <= 1.0 {
            Ok(Self { base, epsilon })
        } else {
            Err(format!(
                "epsilon {epsilon} must be above 0 and at most 1: every model needs a chance \
                 at every step"
            ))
        }
    }

    /// μ(a|o) by model.
    fn mixture(&self, models: usize, base: &Choice) -> Vec<f64> {
        let uniform = self.epsilon / models.max(1) as f64;
        let of_base = base.distribution(models).into_iter();
        of_base
            .map(|probability| uniform + (1.0 - self.epsilon) * probability)
            .collect()
    }
}

impl Router for Explore {
    fn facts(&self) -> RouterFacts {
        let base = self.base.facts();
        let mut parameters = base
            .parameters
            .into_iter()
            .map(|(name, value)| (format!("router.{name}"), value))
            .collect::<std::collections::BTreeMap<_, _>>();
        parameters.insert("router".to_owned(), base.name.into());
        parameters.insert("epsilon".to_owned(), self.epsilon.into());
        RouterFacts {
            spec: format!("{EXPLORE}:router={},epsilon={}", base.spec, self.epsilon),
            name: EXPLORE.to_owned(),
            parameters,
            files: base.files,
        }
    }

    fn signal(&self) -> Source {
        self.base.signal()
    }

    fn writer(&self, index: u32, models: usize) -> usize {
        self.base.writer(index, models)
    }

    fn decide(&self, observation: &Observation, draw: f64) -> Choice {
        let base = self.base.decide(observation, draw);
        let probabilities = self.mixture(observation.models, &base);
        let action = drawn(&probabilities, draw);
        Choice {
            // The router's threshold is on something else than these probabilities.
            threshold: None,
            action_set: (0..probabilities.len()).collect(),
            action,
            reason: format!(
                "explores with ε = {}: drew {draw:.3}; {}",
                self.epsilon, base.reason
            ),
            propensity: probabilities.get(action).copied().unwrap_or(1.0),
            probabilities,
        }
    }
}

/// The action that a uniform `draw` on [0, 1) falls on.
fn drawn(probabilities: &[f64], draw: f64) -> usize {
    let mut below = 0.0;
    for (action, probability) in probabilities.iter().enumerate() {
        below += probability;
        if draw < below {
            return action;
        }
    }
    // The sum of the probabilities may be a rounding short of the draw.
    probabilities.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::{RouterSpec, build};

    fn explore(base: &str, epsilon: f64) -> Explore {
        let spec: RouterSpec = base.parse().unwrap();
        let models = ["small".to_owned(), "large".to_owned()];
        Explore::new(build(&spec, &models, None).unwrap(), epsilon).unwrap()
    }

    fn seen(confidence: f64) -> Observation {
        Observation {
            confidence: Some(confidence),
            index: 1,
            difficulty: None,
            has_answer: false,
            tokens: Some(3),
            writer: Some(0),
            models: 2,
        }
    }

    #[test]
    fn the_propensity_is_the_probability_of_what_was_drawn() {
        let router = explore("threshold:t=0.5", 0.4);
        for (draw, action, propensity) in [(0.0, 0, 0.2), (0.19, 0, 0.2), (0.21, 1, 0.8)] {
            let choice = router.decide(&seen(0.3), draw);
            assert_eq!((choice.action, choice.propensity), (action, propensity));
            assert_eq!(choice.probabilities, [0.2, 0.8]);
            assert_eq!(choice.threshold, None);
        }
        let sure = router.decide(&seen(0.9), 0.79);
        assert_eq!((sure.action, sure.propensity), (0, 0.8));
    }

    #[test]
    fn a_coin_below_is_mixed_by_its_own_probabilities() {
        let choice = explore("random:p=0.1", 0.5).decide(&seen(0.9), 0.999);
        assert_eq!(choice.action, 1);
        assert!((choice.probabilities[1] - 0.3).abs() < 1e-12);
        assert_eq!(choice.propensity, choice.probabilities[1]);
    }

    #[test]
    fn every_draw_falls_on_a_model() {
        assert_eq!(drawn(&[0.3, 0.3, 0.399_999], 0.999_999_9), 2);
        let router = explore("small", 1.0);
        assert_eq!(router.decide(&seen(0.9), 0.5).probabilities, [0.5, 0.5]);
        let never = build(&RouterSpec::Small, &[] as &[String], None).unwrap();
        for wrong in [0.0, -1.0, 1.5, f64::NAN] {
            let error = Explore::new(Arc::clone(&never), wrong).err().unwrap();
            assert!(error.contains("above 0"), "{error}");
        }
    }

    #[test]
    fn the_facts_name_everything() {
        let facts = explore("threshold:t=0.5", 0.4).facts();
        assert_eq!(facts.spec, "explore:router=threshold:t=0.5,epsilon=0.4");
        assert_eq!(facts.parameters["router.t"], 0.5);
        assert_eq!(facts.parameters["epsilon"], 0.4);
    }
}
