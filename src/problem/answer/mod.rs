//! Final answers: finding them in a model's text and comparing them.

pub mod equivalence;
pub mod extract;
mod normal;
mod number;

pub use equivalence::{RuleGrader, compare};
pub use extract::{Extracted, extract};

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

/// A verdict with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grade {
    pub verdict: Verdict,
    /// The answer found in the text, verbatim.
    pub extracted: Option<String>,
    /// The rule that decided, e.g. `exact-rational` or `no-answer`.
    pub rule: String,
    /// Why the answer could not be graded; set iff `verdict` is `Ungraded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Decides whether a model's text gives the gold answer.
pub trait Grader: Send + Sync {
    /// Name for the log, e.g. `rules-v1`.
    fn name(&self) -> &str;
    /// Grades the final answer of `text` (a whole trajectory) against `gold`.
    fn grade(&self, gold: Option<&str>, text: &str) -> Grade;
}
