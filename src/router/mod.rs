//! The decision rules: who writes the next step, given what is seen of the
//! last one.

pub mod calibration;
mod explore;
pub mod fit;
mod fixed;
mod given;
mod panel;
pub mod percentile;
mod policy;
mod post_hoc;
pub mod query;
mod rsd;
mod slide;
mod spec;
mod specreason;
pub mod steer;
mod surface;
mod threshold;

use std::sync::Arc;

use crate::policy::Explanation;
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::{JUDGE, PRM, RouterFacts};

pub use explore::{EXPLORE, Explore};
pub use panel::{Panel, for_pool};
pub use rsd::Accept;
pub use slide::{Slide, Slider};
pub use spec::{DEFAULT_THRESHOLD, RouterError, RouterSpec, build};
pub use specreason::Params as SpecReasonParams;
pub use surface::{Cell, Grid, Surface};
pub use threshold::embedded_threshold;

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

    /// A draft stands as its writer wrote it.
    pub fn kept(writer: usize) -> Self {
        Self::certain(writer, "the draft stands")
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

/// When a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timing {
    /// Before a step is written, from the one before it (pre-hoc).
    Ahead,
    /// Once a step is drafted: it is kept, or another model writes it again
    /// (post-hoc).
    OnDraft,
    /// Once a problem, from its question.
    OnQuestion,
}

/// A score that a rule asks for before it rules on a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DraftScore {
    /// A process reward model's, 0 to 1.
    Prm,
    /// A judge's, 0 to 9.
    Judge,
}

impl DraftScore {
    /// The scorer as the log names it.
    pub fn scorer(self) -> &'static str {
        match self {
            Self::Prm => PRM,
            Self::Judge => JUDGE,
        }
    }
}

/// What a rule wants to know of a step before the step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Nothing: the step stands as it is written.
    None,
    /// What is observed of it.
    Observed,
    /// A score of it.
    Scored(DraftScore),
}

/// Decides which model writes which step.
///
/// The first step of a trajectory is drafted by the cheapest model, without a
/// decision, unless the rule says otherwise ([`Router::writer`]).
pub trait Router: Send + Sync {
    /// The rule with all its parameters, for the log and the run key.
    fn facts(&self) -> RouterFacts;

    /// Which confidence the rule reads.
    fn signal(&self) -> Source {
        Source::Prob
    }

    fn timing(&self) -> Timing {
        Timing::Ahead
    }

    /// The model that writes step `index` (from 1) where no decision names
    /// one: the first step, and every draft of a post-hoc rule.
    fn writer(&self, _index: u32, _models: usize) -> usize {
        0
    }

    /// Whether a step that was just written is a draft, on which
    /// [`Router::rule_on`] is asked before it stands.
    fn review(&self, _draft: &Observation) -> Review {
        Review::None
    }

    /// Keeps a draft (the action is its writer) or names the model that writes
    /// the step again. `score` is what [`Router::review`] asked for; `None`
    /// where the scorer gave none.
    fn rule_on(&self, draft: &Observation, _score: Option<f64>, _draw: f64) -> Choice {
        Choice::certain(draft.writer.unwrap_or(0), "the rule keeps every step")
    }

    /// Chooses the model for a whole problem, for rules that decide
    /// [`Timing::OnQuestion`]. `score` is what the rule's model made of the
    /// question.
    fn choose(&self, _score: Option<f64>, models: usize) -> Choice {
        Choice::certain(self.writer(1, models), "the rule reads no question")
    }

    /// The model that scores questions for [`Router::choose`], of rules that
    /// decide [`Timing::OnQuestion`].
    fn question_model(&self) -> Option<&Arc<query::QueryModel>> {
        None
    }

    /// The scorer that the rule asks, as the log names it.
    fn asks(&self) -> Option<&'static str> {
        None
    }

    /// The parameter that can be slid, of rules that have one.
    fn slider(&self) -> Option<Slider> {
        None
    }

    /// [`Router::decide`] for every value of the slider.
    fn slide(&self, observation: &Observation) -> Slide {
        Slide::fixed(self.decide(observation, 0.5).action)
    }

    /// [`Router::rule_on`] for every value of the slider.
    fn slide_on(&self, draft: &Observation, score: Option<f64>) -> Slide {
        Slide::fixed(self.rule_on(draft, score, 0.5).action)
    }

    /// Why it decides as it does, of rules that can say more than a sentence.
    fn explain(&self, _observation: &Observation) -> Option<Explanation> {
        None
    }

    /// Decides after a step who writes the next one. `draw` is uniform on
    /// [0, 1), from the session's seeded generator: the only randomness a rule
    /// may use.
    fn decide(&self, observation: &Observation, draw: f64) -> Choice;
}
