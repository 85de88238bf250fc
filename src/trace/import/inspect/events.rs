//! What happened in a sample: its calls, and what they stood in. Everything
//! else is passed over.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema::{Message, Output, or_default};

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

impl Call {
    /// Whether it says how probable its tokens were.
    pub(super) fn tells_tokens(&self) -> bool {
        let output = self.output.as_ref();
        let choice = output.and_then(|output| output.choices.first());
        choice.is_some_and(|choice| !choice.logprobs.content.is_empty())
    }
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
pub(super) fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Events, D::Error> {
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

#[cfg(test)]
mod tests {
    use super::super::schema::Sample;
    use crate::trace::import::tolerant;

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
