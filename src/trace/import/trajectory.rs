//! What a source holds of one trajectory, before it has a place in a log.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::problem::Problem;
use crate::problem::answer::Grade;
use crate::trace::label::Label;
use crate::trace::record::{
    Attempt, Confidence, Purpose, Sampling, StepEnd, Token, TopToken, TrajectoryEnd, Usage,
};

/// What routed, as far as the source says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Routing {
    /// Nobody, or nobody that the source names.
    #[default]
    None,
    /// A reward model ruled on drafts.
    Rsd { delta: Option<f64> },
    /// A judge ruled on drafts.
    SpecReason {
        tau: Option<f64>,
        /// Steps that the large model wrote first, unjudged.
        first: u32,
        /// Whether scores are means over the judge's digits.
        averaged: bool,
    },
}

/// What tells runs apart that are the same otherwise, and stands in the place
/// of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RepetitionKind {
    /// There is one run.
    #[default]
    Only,
    /// The seed itself.
    Seed,
    /// Which time the same problem was solved.
    Repetition,
}

/// The run that a trajectory is of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    pub routing: Routing,
    /// Names of the models, cheapest first as far as anybody knows.
    pub models: Vec<String>,
    /// Names of the models that score, by role.
    pub scorers: BTreeMap<String, String>,
    pub sampling: Sampling,
    /// Whether probabilities of tokens are told.
    pub probabilities: bool,
    pub repetition: u64,
    pub repetition_kind: RepetitionKind,
    /// Who says how trajectories came out; `None` where our rules do.
    pub graded_by: Option<String>,
    /// What the source does not hold, in words.
    pub not_held: Vec<String>,
}

/// A trajectory with all its branches.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    pub origin: Origin,
    pub problem: Problem,
    /// In log order: every step after the one it follows, and of several that
    /// follow the same one that of the main line last.
    pub steps: Vec<Step>,
    /// The calls of which it is known how probable their tokens were.
    pub written: Vec<Written>,
    /// `None` where it did not come to an end.
    pub conclusion: Option<Conclusion>,
    /// Remarks about this trajectory.
    pub notes: Vec<String>,
}

/// What a call wrote, and how probable it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The places in [`Trajectory::steps`] of what its text was split into.
    pub steps: Range<usize>,
    pub text: String,
    /// In order; they need not make the text, nor end with it.
    pub tokens: Vec<WrittenToken>,
}

/// A token as a source tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenToken {
    /// May be part of a character.
    pub bytes: Vec<u8>,
    /// Natural log-probability.
    pub logprob: Option<f32>,
    /// The most probable ones in its place, best first.
    pub top: Vec<TopToken>,
}

/// A step; places are those in [`Trajectory::steps`].
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Place of the step before it.
    pub parent: Option<usize>,
    /// Name of the model, or `person`.
    pub model: String,
    pub text: String,
    pub purpose: Purpose,
    /// False for a rejected draft.
    pub kept: bool,
    /// Empty where nothing is known of them.
    pub tokens: Vec<Token>,
    /// Measured from the tokens; `None` where nothing is known of them.
    pub confidence: Option<Confidence>,
    /// All zero where nothing is known.
    pub usage: Usage,
    pub attempts: Vec<Attempt>,
    pub end: StepEnd,
    pub end_note: Option<String>,
    /// 0 where it is not known.
    pub seconds: f64,
    /// RFC 3339; empty where it is not known.
    pub at: String,
    pub scores: Vec<Scored>,
    /// The ruling on it, where it is a draft.
    pub ruling: Option<Ruling>,
    /// Place of the rejected draft that it was written in place of.
    pub in_place_of: Option<usize>,
    pub marks: Vec<Mark>,
}

impl Step {
    /// A kept step of which no more is known than who wrote what.
    pub fn new(parent: Option<usize>, model: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            parent,
            model: model.into(),
            text: text.into(),
            purpose: Purpose::Step,
            kept: true,
            tokens: Vec::new(),
            confidence: None,
            usage: Usage::default(),
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            seconds: 0.0,
            at: String::new(),
            scores: Vec::new(),
            ruling: None,
            in_place_of: None,
            marks: Vec::new(),
        }
    }

    /// A draft that was ruled on.
    pub(super) fn draft(
        parent: Option<usize>,
        model: &str,
        text: impl Into<String>,
        kept: bool,
        ruling: Ruling,
    ) -> Self {
        Self {
            purpose: Purpose::Draft,
            kept,
            ruling: Some(ruling),
            ..Self::new(parent, model, text)
        }
    }

    /// A step that was written in place of a draft.
    pub(super) fn regenerated(
        parent: Option<usize>,
        model: &str,
        text: impl Into<String>,
        draft: usize,
    ) -> Self {
        Self {
            purpose: Purpose::Regenerated,
            in_place_of: Some(draft),
            ..Self::new(parent, model, text)
        }
    }
}

/// A score of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// `prm`, `judge` or `grader`.
    pub scorer: &'static str,
    pub model: Option<String>,
    pub value: Option<f64>,
    pub note: Option<String>,
    pub usage: Usage,
}

/// Whether a draft stands; fields as those of [`crate::trace::record::DecisionRecord`].
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    pub observation: BTreeMap<String, Option<f64>>,
    pub threshold: Option<f64>,
    /// Who writes the step.
    pub action: String,
    pub reason: String,
}

/// What a person says of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub who: String,
    /// Empty where it is not known.
    pub when: String,
    pub label: Label,
    pub note: Option<String>,
}

/// How a trajectory came out; fields as those of [`crate::trace::record::OutcomeRecord`].
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// Place of the last step.
    pub leaf: Option<usize>,
    pub grade: Grade,
    pub gold: Option<String>,
    pub grader: String,
    pub end: TrajectoryEnd,
    pub error: Option<String>,
}
