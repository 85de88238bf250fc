//! One streamed `/completion`: from events to text, tokens, end and usage.

use std::collections::HashMap;

use super::wire::{Entry, Event};
use crate::model::http::align::RawToken;
use crate::trace::record::Usage;

/// Token ids to their bytes, learned from the alternatives, which are shown
/// whole even where the sampled token is held back or fused.
pub(super) type Vocabulary = HashMap<i64, Vec<u8>>;

/// Why the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the delimiter.
    Word,
    /// At the end of the sequence.
    Eos,
    /// At the token limit or the end of the context.
    Limit,
    /// The server did not say.
    Unknown,
}

/// What one call gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Generated {
    pub text: String,
    pub tokens: Vec<RawToken>,
    /// `None` until the server says that it is done.
    pub stop: Option<Stop>,
    /// Whether the context ran full.
    pub truncated: bool,
    pub usage: Usage,
    /// Whether the server named its reason to stop.
    pub which_stop: bool,
    /// Most alternatives a token came with.
    pub top: usize,
}

impl Generated {
    /// Takes an event; returns the text it adds.
    pub fn take<'e>(&mut self, event: &'e Event, vocabulary: &mut Vocabulary) -> &'e str {
        let content = event.content.as_deref().unwrap_or_default();
        let entries = event
            .completion_probabilities
            .as_deref()
            .unwrap_or_default();
        self.text.push_str(content);
        for entry in entries {
            self.tokens
                .push(raw_token(entry, self.text.len(), vocabulary));
            let count = entry.top_logprobs.as_ref().map_or(0, Vec::len);
            self.top = self.top.max(count);
        }
        if entries.is_empty() && !content.is_empty() {
            // Text without a probability is text nevertheless.
            self.tokens.push(RawToken {
                shown: content.as_bytes().to_vec(),
                end: Some(self.text.len()),
                ..RawToken::default()
            });
        }
        self.count(event);
        if event.stop == Some(true) {
            self.truncated = event.truncated == Some(true);
            self.which_stop = event.stop_type.is_some();
            self.stop = Some(match event.stop_type.as_deref() {
                Some("word") => Stop::Word,
                Some("eos") => Stop::Eos,
                Some("limit") => Stop::Limit,
                _ => Stop::Unknown,
            });
        }
        content
    }

    fn count(&mut self, event: &Event) {
        let timings = event.timings.unwrap_or_default();
        let usage = &mut self.usage;
        match (timings.prompt_n, timings.cache_n) {
            (Some(computed), Some(cached)) => {
                usage.prompt = computed + cached;
                usage.cached = Some(cached);
            }
            // Without the cached part `prompt_n` may be short: the total is
            // in `tokens_evaluated`.
            (computed, _) => {
                if let Some(prompt) = event.tokens_evaluated.or(computed) {
                    usage.prompt = prompt;
                }
            }
        }
        let output = event.tokens_predicted.or(timings.predicted_n);
        usage.output = usage.output.max(output.unwrap_or_default());
    }
}

fn raw_token(entry: &Entry, end: usize, vocabulary: &mut Vocabulary) -> RawToken {
    let alternatives = entry.top_logprobs.as_deref().unwrap_or_default();
    let mut top: Vec<(Vec<u8>, f32)> = Vec::with_capacity(alternatives.len());
    for other in alternatives {
        let shown = other.shown();
        if let Some(id) = other.id
            && !shown.is_empty()
        {
            vocabulary.entry(id).or_insert_with(|| shown.clone());
        }
        if let Some(logprob) = other.logprob {
            top.push((shown, logprob));
        }
    }
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    RawToken {
        piece: entry.id.and_then(|id| vocabulary.get(&id).cloned()),
        shown: entry.shown(),
        end: Some(end),
        logprob: entry.logprob,
        top,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_alternatives_name_the_bytes_of_a_held_token() {
        let mut vocabulary = Vocabulary::new();
        let mut generated = Generated::default();
        generated.take(
            &event(
                r#"{"content":"","tokens":[198],"tokens_predicted":1,"tokens_evaluated":9,
                "completion_probabilities":[{"id":198,"token":"","bytes":[],"logprob":-0.3,
                "top_logprobs":[{"id":7,"token":"x","bytes":[120],"logprob":-2.0},
                {"id":198,"token":"\n","bytes":[10],"logprob":-0.3}]}]}"#,
            ),
            &mut vocabulary,
        );
        assert_eq!(generated.tokens[0].piece.as_deref(), Some(&b"\n"[..]));
        assert_eq!(generated.tokens[0].top[0].1, -0.3);
        assert_eq!(generated.usage.prompt, 9);
        assert_eq!(generated.usage.cached, None);
    }

    #[test]
    fn counts_and_ends_are_read_and_nulls_are_missing_fields() {
        let mut generated = Generated::default();
        generated.take(
            &event(
                r#"{"content":null,"completion_probabilities":null,"stop":true,"stop_type":"word",
                "tokens_predicted":5,"tokens_evaluated":30,
                "timings":{"cache_n":20,"prompt_n":10,"predicted_n":5}}"#,
            ),
            &mut Vocabulary::new(),
        );
        assert_eq!(generated.stop, Some(Stop::Word));
        let usage = Usage {
            prompt: 30,
            cached: Some(20),
            output: 5,
            ..Usage::default()
        };
        assert_eq!(generated.usage, usage);
    }
}
