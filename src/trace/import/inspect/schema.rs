//! What is read of a sample; everything else in it is passed over.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The head of a log: what was evaluated, and by whom.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Head {
    #[serde(default)]
    pub eval: Eval,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Eval {
    #[serde(default, deserialize_with = "or_default")]
    pub task: String,
    #[serde(default, deserialize_with = "or_default")]
    pub model: String,
    /// Models by what they are asked for; some versions write names, others
    /// configurations that hold one.
    #[serde(default, deserialize_with = "or_default")]
    pub model_roles: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub model_generate_config: Generation,
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Exported,
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
    #[serde(default, deserialize_with = "or_default")]
    pub model_usage: BTreeMap<String, Usage>,
    #[serde(default)]
    pub error: Value,
    #[serde(default)]
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

/// The events that matter here.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub calls: Vec<Call>,
    /// Spans by their ids.
    pub spans: BTreeMap<String, Span>,
    /// Scores that were given on the way.
    pub intermediate: usize,
    /// Events that matter and could not be read.
    pub broken: usize,
}

/// A `model` event.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub span_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub timestamp: String,
    #[serde(default, deserialize_with = "or_default")]
    pub model: String,
    #[serde(default)]
    pub role: Option<String>,
    /// What was asked; of all but the first call it is let go.
    #[serde(default, deserialize_with = "or_default")]
    pub input: Vec<Message>,
    /// Where that is in the pool.
    #[serde(default, deserialize_with = "or_default")]
    pub input_refs: Vec<(usize, usize)>,
    #[serde(default)]
    pub output: Option<Output>,
    #[serde(default)]
    pub working_time: Option<f64>,
    /// When it was finished, where the log says.
    #[serde(default)]
    pub completed: Option<String>,
    #[serde(default)]
    pub error: Value,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    event: String,
}

/// What events stand in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Span {
    id: String,
    #[serde(default)]
    pub parent_id: Option<String>,
    /// Of a scorer its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
}

#[derive(Deserialize)]
struct ScoreEvent {
    #[serde(default)]
    intermediate: Option<bool>,
}

impl Events {
    /// Adds what matters of an event.
    fn add(&mut self, event: &RawValue) {
        let text = event.get();
        let Ok(tag) = serde_json::from_str::<Tag>(text) else {
            self.broken += 1;
            return;
        };
        match tag.event.as_str() {
            "model" => match serde_json::from_str::<Call>(text) {
                Ok(mut call) => {
                    if !self.calls.is_empty() {
                        call.input = Vec::new();
                    }
                    self.calls.push(call);
                }
                Err(_) => self.broken += 1,
            },
            "span_begin" => match serde_json::from_str::<Span>(text) {
                Ok(span) => {
                    self.spans.insert(span.id.clone(), span);
                }
                Err(_) => self.broken += 1,
            },
            "score" => {
                let score = serde_json::from_str::<ScoreEvent>(text).ok();
                let on_the_way = score.is_some_and(|one| one.intermediate == Some(true));
                self.intermediate += usize::from(on_the_way);
            }
            _ => {}
        }
    }

    /// Adds those of the next chunk.
    pub(super) fn extend(&mut self, other: Self) {
        let first = self.calls.is_empty();
        let calls = other.calls.into_iter().enumerate();
        self.calls.extend(calls.map(|(at, mut call)| {
            if !first || at > 0 {
                call.input = Vec::new();
            }
            call
        }));
        self.spans.extend(other.spans);
        self.intermediate += other.intermediate;
        self.broken += other.broken;
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        events(deserializer)
    }
}

/// Reads events one by one and lets go of those that do not matter.
fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Events, D::Error> {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Events;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of events")
        }

        fn visit_unit<E>(self) -> Result<Events, E> {
            Ok(Events::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Events, A::Error> {
            let mut events = Events::default();
            while let Some(event) = seq.next_element::<Box<RawValue>>()? {
                events.add(&event);
            }
            Ok(events)
        }
    }
    deserializer.deserialize_any(All)
}

/// `null` is as good as nothing.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What is not as it should be is as good as nothing, where little hangs on it.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
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

    #[test]
    fn only_events_that_matter_are_kept_and_broken_ones_counted() {
        let sample: Sample = tolerant::from_slice(
            br#"{"events": [
                {"event": "model", "model": "m", "input": [{"role": "user", "content": "q"}],
                 "output": {"choices": []}},
                {"event": "model", "model": "m", "input": [{"role": "user", "content": "q"}]},
                {"event": "tool", "input": 1, "output": [2]},
                {"event": "span_begin", "id": "s", "parent_id": null, "type": "scorer"},
                {"event": "score", "intermediate": true, "score": {"value": NaN}},
                {"event": "model", "output": 5}, 7]}"#,
        )
        .unwrap();
        let events = &sample.events;
        assert_eq!((events.calls.len(), events.broken), (2, 2));
        assert_eq!(
            (events.calls[0].input.len(), events.calls[1].input.len()),
            (1, 0)
        );
        assert_eq!(events.intermediate, 1);
        assert_eq!(events.spans["s"].kind, "scorer");
    }
}
