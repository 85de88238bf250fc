//! What the learner consumes: one routed trajectory with its propensities.

use serde::{Deserialize, Serialize};

/// One decision: after step t the router saw o_t and picked who wrote s_{t+1}.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// o_t, normalised. A value that is not finite means that the policy was
    /// not consulted: the most capable allowed model goes on (see
    /// [`Transition::is_free`]).
    pub observation: Vec<f64>,
    /// m_t: 0-based place in the pool of the model that wrote s_t; `None`
    /// where no model of the pool did.
    pub writer: Option<usize>,
    /// Models allowed here, in pool order: all of them, or the most capable
    /// alone after an absorbing escalation.
    pub allowed: Vec<bool>,
    /// a_t: 0-based place in the pool.
    pub action: usize,
    /// μ(a_t|o_t) of the policy that ran; in (0, 1].
    pub propensity: f64,
    /// c_t of writing s_{t+1}, in any one unit, >= 0.
    pub cost: f64,
    /// The judge on s_t: `Some(true)` incorrect, `None` no verdict.
    pub incorrect: Option<bool>,
}

/// A trajectory from its first decision to its end. One without decisions
/// (s_1 already answered) is fine: it counts for the coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub steps: Vec<Transition>,
    /// R = 1: the final answer is right.
    pub success: bool,
    /// Probability that the large model alone is right (R_M): 0 or 1 for a
    /// single reference run, between them for an estimate from several.
    pub reference_success: f64,
}

/// An episode that cannot be learned from, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EpisodeError {
    #[error("decision {step}: {found} features, the policy reads {expected}")]
    Features {
        step: usize,
        found: usize,
        expected: usize,
    },
    #[error("decision {step}: {found} allowed flags for {expected} models")]
    Mask {
        step: usize,
        found: usize,
        expected: usize,
    },
    #[error("decision {step}: model {action} was not allowed to run")]
    Action { step: usize, action: usize },
    #[error("decision {step}: propensity {found} is not in (0, 1]")]
    Propensity { step: usize, found: f64 },
    #[error("decision {step}: cost {found} is not a finite number >= 0")]
    Cost { step: usize, found: f64 },
    #[error("reference success {0} is not a probability")]
    Reference(f64),
}

impl Transition {
    /// Whether the policy decides here: two or more models are allowed and
    /// the observation is complete. Elsewhere the most capable allowed model
    /// runs with certainty and nothing is learned.
    #[must_use]
    pub fn is_free(&self) -> bool {
        is_free(&self.observation, &self.allowed)
    }

    fn check(&self, step: usize, features: usize, models: usize) -> Result<(), EpisodeError> {
        if self.observation.len() != features {
            return Err(EpisodeError::Features {
                step,
                found: self.observation.len(),
                expected: features,
            });
        }
        if self.allowed.len() != models {
            return Err(EpisodeError::Mask {
                step,
                found: self.allowed.len(),
                expected: models,
            });
        }
        if self.allowed.get(self.action) != Some(&true) {
            let action = self.action;
            return Err(EpisodeError::Action { step, action });
        }
        let found = self.propensity;
        if !(found > 0.0 && found <= 1.0) {
            return Err(EpisodeError::Propensity { step, found });
        }
        let found = self.cost;
        if !(found.is_finite() && found >= 0.0) {
            return Err(EpisodeError::Cost { step, found });
        }
        Ok(())
    }
}

/// Whether the policy is consulted on an observation under a mask.
#[must_use]
pub fn is_free(observation: &[f64], allowed: &[bool]) -> bool {
    allowed.iter().filter(|allowed| **allowed).count() > 1
        && observation.iter().all(|value| value.is_finite())
}

impl Episode {
    /// 1[R = 1 or R_M = 0], in expectation over R_M: `1 − p_M (1 − R)`.
    #[must_use]
    pub fn covered(&self) -> f64 {
        if self.success {
            1.0
        } else {
            1.0 - self.reference_success
        }
    }

    /// C: sum of the step costs.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.steps.iter().map(|step| step.cost).sum()
    }

    /// Checks the episode against the policy's number of features and models.
    ///
    /// # Errors
    /// [`EpisodeError`] for the first thing that does not fit.
    pub fn check(&self, features: usize, models: usize) -> Result<(), EpisodeError> {
        for (step, transition) in self.steps.iter().enumerate() {
            transition.check(step, features, models)?;
        }
        if !(0.0..=1.0).contains(&self.reference_success) {
            return Err(EpisodeError::Reference(self.reference_success));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn transition(confidence: f64, action: usize) -> Transition {
        Transition {
            observation: vec![confidence, 0.0],
            writer: Some(0),
            allowed: vec![true, true],
            action,
            propensity: 0.5,
            cost: 1.0,
            incorrect: Some(false),
        }
    }

    pub(crate) fn episode(steps: Vec<Transition>, success: bool) -> Episode {
        Episode {
            steps,
            success,
            reference_success: 1.0,
        }
    }

    #[test]
    fn broken_episodes_are_refused_with_the_decision_and_the_value() {
        let good = episode(vec![transition(0.1, 0), transition(0.2, 1)], true);
        assert_eq!(good.check(2, 2), Ok(()));
        type Change = fn(&mut Episode);
        let broken: [(Change, &str); 7] = [
            (
                |e| e.steps[1].observation.push(0.0),
                "decision 1: 3 features",
            ),
            (|e| e.steps[0].allowed.push(true), "3 allowed flags for 2"),
            (|e| e.steps[1].action = 2, "model 2 was not allowed"),
            (|e| e.steps[1].allowed[1] = false, "model 1 was not allowed"),
            (|e| e.steps[0].propensity = f64::NAN, "propensity NaN"),
            (|e| e.steps[0].cost = -1.0, "cost -1"),
            (|e| e.reference_success = 1.5, "1.5 is not a probability"),
        ];
        for (change, says) in broken {
            let mut bad = good.clone();
            change(&mut bad);
            let error = bad.check(2, 2).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_missing_confidence_takes_the_decision_from_the_policy() {
        assert!(transition(0.3, 0).is_free());
        assert!(!transition(f64::NAN, 1).is_free());
        assert_eq!(
            episode(vec![transition(f64::NAN, 1)], true).check(2, 2),
            Ok(())
        );
    }

    #[test]
    fn coverage_is_a_joint_event() {
        let mut e = episode(vec![], false);
        assert_eq!(e.covered(), 0.0);
        e.reference_success = 0.25;
        assert_eq!(e.covered(), 0.75);
        e.success = true;
        assert_eq!(e.covered(), 1.0);
    }
}
