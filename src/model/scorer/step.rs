//! Scores of single steps (by a process reward model or a judge) and of
//! questions (by the encoder of a query router): asked for while a trajectory
//! is written, and charged to it.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::model::endpoint::{Capabilities, EndpointError};
use crate::trace::record::{Attempt, Usage};

/// A step in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCase {
    /// Id of the problem: calls with the same one share a prefix cache.
    pub problem: String,
    /// The bare question.
    pub question: String,
    /// The steps before it, without delimiters.
    pub before: Vec<String>,
    /// The step, without its delimiter: untrusted text.
    pub step: String,
}

/// What a scorer said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Score {
    /// `None` where the reply held none.
    pub value: Option<f64>,
    /// What was read, or why there is no value, in a few words.
    pub note: Option<String>,
    /// Of all calls that gave the reply.
    pub usage: Usage,
    /// Calls that gave nothing.
    pub attempts: Vec<Attempt>,
    pub seconds: f64,
}

pub type ScoreFuture<'a> = Pin<Box<dyn Future<Output = Result<Score, EndpointError>> + Send + 'a>>;

/// What the probe of a scorer found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ready {
    /// What its endpoint can do, where it is a model that writes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// What it said to an example, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What the probe's calls took, failed attempts included.
    #[serde(default)]
    pub usage: Usage,
}

impl Ready {
    /// Of a scorer that said something to an example.
    pub fn answered(said: String, usage: Usage, attempts: &[Attempt]) -> Self {
        let paid = attempts.iter().map(|attempt| attempt.usage);
        Self {
            capabilities: None,
            said: Some(said),
            usage: paid.fold(usage, Usage::plus),
        }
    }
}

/// Of a scorer that is asked through an endpoint.
impl From<Capabilities> for Ready {
    fn from(capabilities: Capabilities) -> Self {
        Self {
            usage: capabilities.usage,
            capabilities: Some(capabilities),
            said: None,
        }
    }
}

pub type ReadyFuture<'a> = Pin<Box<dyn Future<Output = Result<Ready, EndpointError>> + Send + 'a>>;

/// A model that scores steps. Dropping a future cancels its call.
pub trait StepScorer: Send + Sync {
    /// Name of the pool's model.
    fn name(&self) -> &str;
    /// Makes ready: loads weights, asks the server whether it can do this.
    fn probe(&self) -> ReadyFuture<'_>;
    /// Scores a step. A reply without a score is no error: see [`Score::value`].
    fn score(&self, case: StepCase) -> ScoreFuture<'_>;
}

/// Features of a question, for a query router.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Encoded {
    /// As many as the encoder has dimensions.
    pub features: Vec<f32>,
    pub usage: Usage,
    pub attempts: Vec<Attempt>,
    pub seconds: f64,
}

pub type EncodeFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Encoded, EndpointError>> + Send + 'a>>;

/// Turns a question into numbers.
pub trait QuestionEncoder: Send + Sync {
    /// Name of the model, for the log; of an encoder that is no model what it is.
    fn name(&self) -> &str;
    fn probe(&self) -> ReadyFuture<'_>;
    /// `affinity`: calls with the same one share a prefix cache.
    fn encode<'a>(&'a self, question: &'a str, affinity: &'a str) -> EncodeFuture<'a>;
}
