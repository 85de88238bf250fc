//! Problems, data sets and answers: the lowest room, which knows nothing of
//! models, logs or screens.

pub mod answer;
mod area;
pub mod arithmetic;
pub mod dataset;
pub(crate) mod lines;
pub mod repeat;
pub mod shard;
pub mod split;

use serde::{Deserialize, Serialize};

pub use area::area;

/// One problem to be solved step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Unique within its data set: the data set's own id where it has one,
    /// otherwise `<stem>-<line>` (1-based).
    pub id: String,
    /// The question as the data set words it, without any prompt around it.
    pub question: String,
    /// The reference answer (not the worked solution); `None` where the data
    /// set gives none, and then nothing can be graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<String>,
    /// Difficulty on the data set's own scale (MATH 1–5, Omni-MATH 1–10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<f64>,
    /// Subject or topic, as the data set words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which data set and file format this came from, e.g. `gsm8k`.
    pub source: String,
}
