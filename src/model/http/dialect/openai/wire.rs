//! What the routes that OpenAI began answer, in the spelling of every server
//! that copied them. Every field may be missing or null.

use std::fmt;
use std::marker::PhantomData;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::http::events::Payload;
use crate::model::http::service::said_cost;
use crate::trace::record::Usage;

/// A completion, or a piece of one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Reply {
    pub choices: Option<Vec<Choice>>,
    pub usage: Option<Counts>,
    pub error: Option<Value>,
}

impl Payload for Reply {
    fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    fn is_foreign(&self) -> bool {
        self.choices.is_none() && self.usage.is_none()
    }
}

/// The one choice that is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Choice {
    /// Of the completions route.
    pub text: Option<String>,
    /// Of the chat route.
    pub message: Option<Message>,
    /// Of the chat route, where it streams.
    pub delta: Option<Message>,
    pub logprobs: Option<Logprobs>,
    pub finish_reason: Option<String>,
    /// vLLM.
    pub stop_reason: Reason,
    /// SGLang.
    pub matched_stop: Reason,
    /// vLLM, where it is asked for.
    pub token_ids: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Message {
    pub content: Option<String>,
    pub refusal: Option<String>,
}

/// Probabilities in the form of either route: llama.cpp answers both in that
/// of the chat route.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Logprobs {
    pub tokens: Option<Dozens<CompactString>>,
    pub token_logprobs: Option<Dozens<Option<f32>>>,
    pub top_logprobs: Option<Dozens<Option<Alternatives>>>,
    pub content: Option<Vec<Entry>>,
}

/// A list of a step's tokens. How long a list of JSON is shows at its end only;
/// with room for a usual step it need not be moved as it grows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::model::http) struct Dozens<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Dozens<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Dozens<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list with a place for every token")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::with_capacity(32);
                while let Some(one) = list.next_element()? {
                    found.push(one);
                }
                Ok(Dozens(found))
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

impl<T> IntoIterator for Dozens<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Values by the tokens' texts, in the server's order; those without a value
/// left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::model::http) struct Alternatives(pub Vec<(CompactString, f32)>);

impl<'de> Deserialize<'de> for Alternatives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Alternatives;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("log-probabilities by token")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(6));
                while let Some((text, value)) = map.next_entry::<CompactString, Option<f32>>()? {
                    pairs.extend(value.map(|value| (text, value)));
                }
                Ok(Alternatives(pairs))
            }
        }

        // A map of its own would be built and taken apart again, a token at a
        // time.
        deserializer.deserialize_map(Pairs)
    }
}

/// A token with its probability, as the chat route tells it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Entry {
    pub token: Option<String>,
    pub bytes: Option<Vec<u8>>,
    pub logprob: Option<f32>,
    pub top_logprobs: Option<Vec<Entry>>,
}

/// Why the server stopped, where it says more than `stop`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::model::http) enum Reason {
    /// The server has no such field.
    #[default]
    Missing,
    /// The end of the sequence, or the token limit.
    Null,
    /// The stop string that matched.
    Text(String),
    /// The token that matched: an end mark, since no token is asked for.
    Id,
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(text),
            _ => Self::Id,
        })
    }
}

/// Counted tokens. The cached ones are among those of the prompt.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Counts {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's spelling.
    pub prompt_cache_hit_tokens: Option<u64>,
    /// In USD, by vendors that say it.
    #[serde(deserialize_with = "said_cost")]
    pub cost: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct PromptDetails {
    /// Null is "not counted", and not zero.
    pub cached_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
}

impl From<&Counts> for Usage {
    fn from(counts: &Counts) -> Self {
        let details = counts.prompt_tokens_details.unwrap_or_default();
        Self {
            prompt: counts.prompt_tokens.unwrap_or_default(),
            cached: details.cached_tokens.or(counts.prompt_cache_hit_tokens),
            cache_write: details.cache_write_tokens.unwrap_or_default(),
            output: counts.completion_tokens.unwrap_or_default(),
            reported: counts.cost,
        }
    }
}

/// The models of a server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct Models {
    pub data: Vec<ModelEntry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::model::http) struct ModelEntry {
    pub id: String,
    /// vLLM and SGLang.
    pub max_model_len: Option<u32>,
    /// OpenRouter.
    pub context_length: Option<u32>,
}

impl ModelEntry {
    /// Context length in tokens.
    pub fn context(&self) -> Option<u32> {
        self.max_model_len.or(self.context_length)
    }
}
