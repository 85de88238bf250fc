//! Final answers: finding them in a model's text and comparing them.
//!
//! ```text
//! text ─extract▶ answer ─math▶ tree ─equivalence▶ verdict, with value: exact
//!                                    fractions, canonical forms, balls
//! ```

pub mod alike;
pub(super) mod budget;
pub mod equivalence;
pub mod extract;
pub(super) mod fraction;
mod grader;
pub(super) mod math;
pub(super) mod value;

pub use equivalence::{Comparison, Forms, compare, forms};
pub use extract::{Extracted, extract};
pub use grader::RuleGrader;

use serde::{Deserialize, Serialize};

/// What grading an answer came to. `Ungraded` is a state of its own: it never
/// counts as wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Correct,
    Wrong,
    Ungraded,
}

impl Verdict {
    /// As the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Wrong => "wrong",
            Self::Ungraded => "ungraded",
        }
    }
}

/// A verdict with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grade {
    pub verdict: Verdict,
    /// The answer found in the text, verbatim.
    pub extracted: Option<String>,
    /// The rule that found it, e.g. `boxed`; `None` where nothing was found or
    /// the answer was given as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extraction: Option<String>,
    /// The rule that decided, e.g. `exact-rational` or `no-answer`.
    pub rule: String,
    /// Both answers as they were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<Forms>,
    /// Why the answer could not be graded; set iff `verdict` is `Ungraded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Grade {
    /// No verdict, for that reason.
    pub fn ungraded(rule: &str, reason: &str) -> Self {
        Self {
            verdict: Verdict::Ungraded,
            extracted: None,
            extraction: None,
            rule: rule.to_owned(),
            forms: None,
            reason: Some(reason.to_owned()),
        }
    }
}

/// Decides whether a model's text gives the gold answer.
pub trait Grader: Send + Sync {
    /// Name for the log, e.g. `rules-v2`.
    fn name(&self) -> &str;
    /// Grades the final answer of `text` (a whole trajectory) against `gold`.
    fn grade(&self, gold: Option<&str>, text: &str) -> Grade;
}
