//! Scores of single steps (by a process reward model or a judge) and of
//! questions (by the encoder of a query router): asked for while a trajectory
//! is written, and charged to it.

use std::future::Future;
use std::pin::Pin;

use crate::model::endpoint::EndpointError;
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

pub type ReadyFuture<'a> = Pin<Box<dyn Future<Output = Result<(), EndpointError>> + Send + 'a>>;

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
