//! What one call to a model gave and what it took: tokens, confidence, usage.

use std::collections::BTreeMap;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One token of a step with what the server told about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub text: CompactString,
    /// Natural log-probability of the sampled token at temperature 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<f32>,
    /// Highest raw (pre-softmax, pre-temperature) logit at this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_logit: Option<f32>,
    /// The most probable tokens, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopToken>,
    /// The tokens of the highest raw logits, best first, from a server that
    /// gives logits in place of probabilities: without the whole vocabulary
    /// these have no normaliser, so `logprob` and `top` are empty then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_logits: Vec<TopLogit>,
    /// Whether this is a math token (J_t of the paper).
    #[serde(default)]
    pub math: bool,
}

/// One alternative at a token position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopToken {
    pub text: CompactString,
    /// Natural log-probability at temperature 1.
    pub logprob: f32,
}

/// One alternative at a token position, by its raw logit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopLogit {
    pub text: CompactString,
    /// Before softmax and temperature.
    pub logit: f32,
}

/// What the probabilities of a step are, best first (the confidence ladder).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// Raw logits of the whole vocabulary.
    RawLogit,
    /// Log-probabilities before temperature.
    LogprobPreTemperature,
    /// Log-probabilities after temperature: comparable at equal temperature only.
    LogprobPostTemperature,
    /// The server gives none.
    None,
}

/// Confidence u_t of a step (§2 of the algorithm).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// `None` where it is unavailable; never a made-up constant.
    pub value: Option<f64>,
    /// The measure: `logit` (mean max logit over math tokens) or `prob`
    /// (min top-1 probability over math tokens); others for comparison.
    pub source: String,
    /// True where the step has no math token and all tokens were used.
    #[serde(default)]
    pub fallback: bool,
    /// What the values were measured from.
    pub kind: ValueKind,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Every measure that could be computed, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<CompactString, f64>,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub prompt: u64,
    /// Prompt tokens served from the prefix cache; `None` where the server
    /// does not say: billed at the dearest prompt rate, and the cost is an
    /// upper bound.
    pub cached: Option<u64>,
    /// Prompt tokens written to the prefix cache, where that has a price of
    /// its own; none of them is among `cached`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Generated tokens.
    pub output: u64,
    /// What the vendor says the call cost, in USD; `None` where it does not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Decimal>,
}

impl Usage {
    /// The tokens of two calls; the cached ones are known only where both are,
    /// and what a vendor says they cost only where it is said of both. What
    /// took nothing need not be told.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let reported = match (self.is_nothing(), other.is_nothing()) {
            (true, _) => other.reported,
            (_, true) => self.reported,
            _ => {
                let both = self.reported.zip(other.reported);
                both.map(|(a, b)| a.saturating_add(b))
            }
        };
        let cached = self.cached.zip(other.cached);
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            cached: cached.map(|(a, b)| a.saturating_add(b)),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reported,
        }
    }

    /// Whether no token was read or written and nothing was said of a cost: a
    /// call that never reached its model.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.prompt == 0 && self.output == 0 && self.reported.is_none()
    }
}

/// For serde, which hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a call was for, in the full ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Step,
    Draft,
    Judge,
    Prm,
    Verifier,
    Grader,
    Probe,
    /// The features of a question, for a query router.
    Encoder,
}

/// One attempt at a call that did not give the step: retried, cut, empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub role: Role,
    pub usage: Usage,
    /// Why the attempt was not used.
    pub failure: String,
    /// True where the usage is our estimate, the server having sent none.
    pub estimated: bool,
}
