//! The one interface to a model: one step a call.
//!
//! Dropping the future of [`Endpoint::step`] cancels the call and must stop
//! the generation behind it.

use std::future::Future;
use std::pin::Pin;

use super::scorer::step::EncodeFuture;
use crate::trace::record::{Attempt, Continuation, Role, StepEnd, Token, Usage, ValueKind};

pub use crate::trace::record::DELIMITER;

/// What an endpoint can do; stored in the log, checked before a run starts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Capabilities {
    pub continuation: Continuation,
    pub values: ValueKind,
    /// Whether tokens come with probabilities: not from a server that gives raw
    /// logits in their place.
    #[serde(default = "yes")]
    pub probabilities: bool,
    /// Most alternatives a token can come with.
    pub top: u32,
    /// Whether the server tells the end of a step from the end of the sequence.
    pub which_stop: bool,
    /// Whether the server reports cached prompt tokens.
    pub cached_count: bool,
    /// Context length in tokens, where known.
    pub context: Option<u32>,
    /// Whether tokens come with their ids.
    #[serde(default)]
    pub token_ids: bool,
    /// What the server says it is: its name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is lacking or odd, each a sentence that says what would help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What the probe's calls took.
    #[serde(default)]
    pub usage: Usage,
}

/// What logs of earlier versions do not say.
fn yes() -> bool {
    true
}

impl Capabilities {
    /// What a server can do that is only known to go on from a partial answer
    /// like this and to give such values: nothing else.
    pub fn bare(continuation: Continuation, values: ValueKind) -> Self {
        Self {
            continuation,
            values,
            probabilities: values != ValueKind::None,
            top: 0,
            which_stop: false,
            cached_count: false,
            context: None,
            token_ids: false,
            version: None,
            remarks: Vec::new(),
            usage: Usage::default(),
        }
    }
}

/// A request for one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRequest {
    /// The bare question; the endpoint applies its model's template.
    pub question: String,
    /// The partial answer, byte for byte: every whole step is followed by
    /// [`DELIMITER`]. Empty before the first step.
    pub prefix: String,
    /// 0 is greedy.
    pub temperature: f64,
    pub top_p: f64,
    pub max_tokens: u32,
    /// Seed of this step's sampling.
    pub seed: u64,
    pub role: Role,
    /// Calls with the same key share a prefix cache: the problem's id.
    pub affinity: String,
}

/// A finished step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReply {
    /// Without the delimiter. Never trimmed otherwise.
    pub text: String,
    /// Aligned with `text` as far as `coverage` says; `math` is not set here.
    pub tokens: Vec<Token>,
    /// Share of the text's bytes that `tokens` account for, 0..=1.
    pub coverage: f64,
    pub values: ValueKind,
    pub end: StepEnd,
    /// How the end was known where the server did not say, or a remark.
    pub end_note: Option<String>,
    pub continuation: Continuation,
    /// Of the attempt that gave the step.
    pub usage: Usage,
    /// The attempts before it.
    pub attempts: Vec<Attempt>,
    pub seconds: f64,
}

/// Why an endpoint gave no step.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{endpoint}: {message}")]
pub struct EndpointError {
    /// Name of the pool's model.
    pub endpoint: String,
    pub kind: FailureKind,
    /// What failed, on what, and what to do; never holds a key.
    pub message: String,
    /// What was paid for before it failed.
    pub attempts: Vec<Attempt>,
}

/// What a failure means for the run (the failure table of the protocols).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Nobody listens there.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// Key missing or refused.
    Auth,
    /// The server does not have the model or the route.
    NotFound,
    /// The server refused the request.
    Refused,
    /// The server failed, again and again.
    Server,
    RateLimited,
    /// The account has no credit.
    Quota,
    /// The stream ended early, again and again.
    CutStream,
    /// The answer was not what the protocol says.
    Malformed,
    /// Prompt and step do not fit the context: ends this problem only.
    Context,
    /// The provider filtered what the model wrote, or the model refused to
    /// write: another model may do it.
    Filtered,
    /// A recorded endpoint has no such step.
    NotRecorded,
    /// The configuration cannot work.
    Configuration,
}

impl FailureKind {
    /// Whether trying the same request later can help.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Timeout
                | Self::Server
                | Self::RateLimited
                | Self::CutStream
                | Self::Malformed
        )
    }
}

/// Receives the text of a step as it is generated. Called from the endpoint's
/// own thread or task; must not block.
pub trait Progress: Send + Sync {
    /// `text` is to be appended to what came before in this call.
    fn delta(&self, text: &str);
    /// The attempt so far is void (a retry): forget its text.
    fn restart(&self) {}
    /// Whether somebody looks at the text while it is written. Where nobody
    /// does, an endpoint may ask for a step in one piece, which costs less.
    fn is_watched(&self) -> bool {
        true
    }
}

/// Ignores progress.
pub struct NoProgress;

impl Progress for NoProgress {
    fn delta(&self, _: &str) {}

    fn is_watched(&self) -> bool {
        false
    }
}

pub type StepFuture<'a> =
    Pin<Box<dyn Future<Output = Result<StepReply, EndpointError>> + Send + 'a>>;

pub type ProbeFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Capabilities, EndpointError>> + Send + 'a>>;

/// A model that writes steps.
pub trait Endpoint: Send + Sync {
    /// Name of the pool's model.
    fn name(&self) -> &str;
    /// Names the weights behind the endpoint, where they can be known: a hash
    /// for the run key, so that two runs never share results of other weights.
    fn weights(&self) -> Option<String> {
        None
    }
    /// The hidden state with which the model ends the prompt of a question;
    /// `None` where that is out of reach. Calls of one affinity share a prefix
    /// cache.
    fn encode<'a>(&'a self, _question: &'a str, _affinity: &'a str) -> Option<EncodeFuture<'a>> {
        None
    }
    /// Makes ready (loads weights, asks the server) and says what it can do.
    fn probe(&self) -> ProbeFuture<'_>;
    /// What somebody should know who waits for it, such as that the server
    /// limits the rate of calls.
    fn notice(&self) -> Option<String> {
        None
    }
    /// Writes the next step. Drop the future to cancel.
    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a>;
}
