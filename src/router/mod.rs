//! The decision rules: who writes the next step, given what is seen of the
//! last one.

mod explore;
mod fixed;
mod policy;
mod spec;
mod threshold;

use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

pub use explore::{EXPLORE, Explore};
pub use spec::{DEFAULT_THRESHOLD, RouterError, RouterSpec, build};

/// What a router decided at one step, with everything a person needs to see why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// π(a|o) by model in pool order; empty where the rule has none.
    pub probabilities: Vec<f64>,
    /// The threshold of the rule (κ, t …), where it has one.
    pub threshold: Option<f64>,
    /// Models allowed by the rule, in pool order.
    pub action_set: Vec<usize>,
    /// The model that writes the next step.
    pub action: usize,
    /// One sentence.
    pub reason: String,
    /// Probability with which this action was drawn; 1 for a deterministic rule.
    pub propensity: f64,
}

impl Choice {
    /// The probability of each of `models` models under the rule that made
    /// this choice.
    pub fn distribution(&self, models: usize) -> Vec<f64> {
        // A rule that draws says with which probabilities; π of a policy that
        // does not draw are no probabilities of its actions.
        let drawn = (self.propensity < 1.0).then_some(&self.probabilities);
        let of = |model: usize| match drawn {
            Some(probabilities) => probabilities.get(model).copied().unwrap_or(0.0),
            None => f64::from(u8::from(model == self.action)),
        };
        (0..models).map(of).collect()
    }

    /// A deterministic choice of a single action without probabilities.
    fn certain(action: usize, reason: impl Into<String>) -> Self {
        Self {
            probabilities: Vec::new(),
            threshold: None,
            action_set: vec![action],
            action,
            reason: reason.into(),
            propensity: 1.0,
        }
    }
}

/// Decides at each step which model writes the next one.
///
/// The first step of a trajectory is drafted by the cheapest model, without a
/// decision, unless the rule says otherwise ([`Router::first`]).
pub trait Router: Send + Sync {
    /// The rule with all its parameters, for the log and the run key.
    fn facts(&self) -> RouterFacts;

    /// Which confidence the rule reads.
    fn signal(&self) -> Source {
        Source::Prob
    }

    /// The model that drafts the first step.
    fn first(&self, _models: usize) -> usize {
        0
    }

    /// Decides after a step. `draw` is uniform on [0, 1), from the session's
    /// seeded generator: the only randomness a rule may use.
    fn decide(&self, observation: &Observation, draw: f64) -> Choice;
}
