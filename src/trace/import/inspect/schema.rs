//! What is read of a sample; everything else in it is passed over.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::events::{Events, events};

/// The confidence of runs that have none.
const NO_SIGNAL: &str = "none";

/// The head of a log: what was evaluated, and by whom.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Head {
    #[serde(default)]
    pub eval: Eval,
    /// Of a log that was cut off there are none.
    #[serde(default, deserialize_with = "lenient")]
    pub stats: Stats,
}

/// What a finished log came to.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Stats {
    /// All models that were asked, those that score among them.
    #[serde(default, deserialize_with = "or_default")]
    pub model_usage: BTreeMap<String, IgnoredAny>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Eval {
    #[serde(default, deserialize_with = "or_default")]
    pub task: String,
    #[serde(default, deserialize_with = "or_default")]
    pub model: String,
    /// Models by what they are asked for; some versions write names, others
    /// configurations that hold one.
    #[serde(default, deserialize_with = "lenient")]
    pub model_roles: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub model_generate_config: Generation,
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Exported,
    #[serde(default, deserialize_with = "lenient")]
    pub task_args: TaskArgs,
}

impl Eval {
    /// Whether our own export wrote the log.
    pub(super) fn is_ours(&self) -> bool {
        !self.metadata.route.pool.is_empty()
    }
}

/// What our own export says of the run's router.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TaskArgs {
    #[serde(default)]
    signal: Value,
}

impl TaskArgs {
    /// Whether the run had confidences.
    pub(super) fn names_signal(&self) -> bool {
        self.signal
            .as_str()
            .is_some_and(|signal| signal != NO_SIGNAL)
    }
}

/// What a log that was exported from ours says beside.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Exported {
    #[serde(default, deserialize_with = "or_default")]
    pub route: Route,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Route {
    /// The names of the models, cheapest first; of other logs there are none.
    #[serde(default, deserialize_with = "or_default")]
    pub pool: Vec<String>,
}

/// What a data set says of a problem, under the names that it mostly has.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct About {
    #[serde(default)]
    pub domain: Value,
    #[serde(default)]
    pub subject: Value,
    #[serde(default)]
    pub difficulty: Value,
    #[serde(default)]
    pub level: Value,
}

/// How the model was made to sample, where the log says.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Generation {
    #[serde(default)]
    pub temperature: Option<f64>,
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Whether it was asked for the probabilities of its tokens.
    #[serde(default)]
    pub logprobs: Option<bool>,
}

/// A sample; of a chunked one without its sequences.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Sample {
    /// A number or a text.
    #[serde(default)]
    pub id: Value,
    #[serde(default)]
    pub epoch: Option<u64>,
    #[serde(default, deserialize_with = "or_default")]
    pub input: Input,
    #[serde(default)]
    pub target: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: About,
    #[serde(default, deserialize_with = "or_default")]
    pub messages: Vec<Message>,
    /// Of a chunked sample: ranges of its messages that are the conversation.
    #[serde(default, deserialize_with = "or_default")]
    pub message_refs: Vec<(usize, usize)>,
    #[serde(default)]
    pub output: Option<Output>,
    #[serde(default, deserialize_with = "or_default")]
    pub scores: BTreeMap<String, Score>,
    #[serde(default, deserialize_with = "events")]
    pub events: Events,
    #[serde(default, deserialize_with = "lenient")]
    pub model_usage: BTreeMap<String, Usage>,
    #[serde(default)]
    pub error: Value,
    #[serde(default, deserialize_with = "lenient")]
    pub limit: Option<Limit>,
    #[serde(default, deserialize_with = "or_default")]
    pub attachments: BTreeMap<String, String>,
    /// Messages that events refer to.
    #[serde(default, deserialize_with = "or_default")]
    pub events_data: Pool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Pool {
    #[serde(default, deserialize_with = "or_default")]
    pub messages: Vec<Message>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Limit {
    #[serde(default, rename = "type")]
    pub kind: String,
}

/// A question, or the conversation that it stands in.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Messages(Vec<Message>),
}

impl Default for Input {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub role: String,
    /// `input` where the sample brought it along.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub content: Content,
    /// Where earlier versions kept it.
    #[serde(default)]
    pub reasoning: Option<String>,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tool_calls: Vec<Value>,
}

/// A text, or typed parts of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// `text`, `reasoning`, or something that is no text.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub reasoning: Option<String>,
    /// What is in `reasoning` is not meant to be read.
    #[serde(default)]
    pub redacted: Option<bool>,
    #[serde(default)]
    pub summary: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Output {
    #[serde(default, deserialize_with = "or_default")]
    pub model: String,
    #[serde(default, deserialize_with = "or_default")]
    pub choices: Vec<Choice>,
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Seconds.
    #[serde(default)]
    pub time: Option<f64>,
    #[serde(default)]
    pub error: Value,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "or_default")]
    pub message: Message,
    #[serde(default)]
    pub stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub logprobs: Logprobs,
}

/// What is told of the tokens that a model wrote.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Logprobs {
    #[serde(default, deserialize_with = "or_default")]
    pub content: Vec<Logprob>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Logprob {
    pub token: CompactString,
    /// Natural; `NaN` and infinities were read as `null`.
    #[serde(default)]
    pub logprob: Option<f32>,
    /// The token's bytes; of some providers its code points.
    #[serde(default, deserialize_with = "or_default")]
    pub bytes: Vec<u32>,
    /// Best first.
    #[serde(default, deserialize_with = "or_default")]
    pub top_logprobs: Vec<Alternative>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Alternative {
    pub token: CompactString,
    #[serde(default)]
    pub logprob: Option<f32>,
}

/// Tokens of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub(super) struct Usage {
    #[serde(default, deserialize_with = "count")]
    pub input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub total_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub input_tokens_cache_read: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub input_tokens_cache_write: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    pub reasoning_tokens: Option<u64>,
    /// USD.
    #[serde(default)]
    pub total_cost: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Score {
    #[serde(default)]
    pub value: Value,
    #[serde(default)]
    pub answer: Value,
    #[serde(default)]
    pub explanation: Option<String>,
}

/// `null` is as good as nothing.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What is not as it should be is as good as nothing, where little hangs on it.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// A count, however large; one that is no number is not known.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    // Beyond 2^64 the largest there is.
    let rounded = |number: f64| (number >= 0.0).then_some(number as u64);
    Ok(value.as_u64().or_else(|| value.as_f64().and_then(rounded)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::import::tolerant;

    #[test]
    fn counts_of_any_size_and_null_in_any_place_are_read() {
        let usage: Usage = tolerant::from_slice(
            br#"{"input_tokens": 99999999999999999999999, "output_tokens": 9223372036854775808,
                 "total_tokens": null, "total_cost": NaN}"#,
        )
        .unwrap();
        assert_eq!(usage.input_tokens, Some(u64::MAX));
        assert_eq!(usage.output_tokens, Some(1 << 63));
        assert_eq!((usage.total_tokens, usage.total_cost), (None, None));
        let sample: Sample = tolerant::from_slice(
            br#"{"id": 3, "input": null, "messages": null, "scores": null, "events": null,
                 "attachments": null, "store": {"x": NaN}}"#,
        )
        .unwrap();
        assert_eq!(sample.id, 3);
        assert!(sample.events.calls.is_empty());
    }

    #[test]
    fn metadata_of_any_shape_is_read() {
        let of = |metadata: &str| -> Sample {
            let text = format!("{{\"id\": 1, \"metadata\": {metadata}}}");
            tolerant::from_slice(text.as_bytes()).unwrap()
        };
        for odd in ["[1]", "null", "\"x\"", "{\"domain\": {}}"] {
            assert!(!of(odd).metadata.domain.is_string(), "{odd}");
        }
        let about = of(r#"{"domain": "a", "subject": "b", "level": "Level 3"}"#).metadata;
        assert_eq!((&about.domain, &about.subject), (&"a".into(), &"b".into()));
        assert_eq!(about.level, "Level 3");
        let eval = |route: &str| -> Eval {
            let text = format!("{{\"metadata\": {{\"route\": {route}}}}}");
            tolerant::from_slice(text.as_bytes()).unwrap()
        };
        assert_eq!(
            eval(r#"{"pool": ["s", "l"]}"#).metadata.route.pool,
            ["s", "l"]
        );
        assert!(eval("[1]").metadata.route.pool.is_empty());
    }
}
