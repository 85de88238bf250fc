//! One streamed `/completion`: from events to text, tokens, end and usage.

use compact_str::CompactString;
use std::collections::HashMap;

use super::wire::{Entry, Event};
use crate::model::http::align::RawToken;
use crate::model::http::generated::{Generated, Stop};
use crate::trace::record::Usage;

/// Token ids to their bytes, learned from the alternatives, which are shown
/// whole even where the sampled token is held back or fused.
pub(super) type Vocabulary = HashMap<i64, Vec<u8>>;

/// Adds an event to what came before it.
pub(super) fn take(generated: &mut Generated, event: &Event, vocabulary: &mut Vocabulary) {
    let content = event.content.as_deref().unwrap_or_default();
    let entries = event
        .completion_probabilities
        .as_deref()
        .unwrap_or_default();
    generated.text.push_str(content);
    let end = generated.text.len();
    for entry in entries {
        generated.ids |= entry.id.is_some();
        generated.push(raw_token(entry, end, vocabulary));
    }
    if entries.is_empty() && !content.is_empty() {
        // Text without a probability is text nevertheless.
        generated.push(RawToken {
            shown: content.as_bytes().into(),
            end: Some(end),
            ..RawToken::default()
        });
    }
    count(&mut generated.usage, event);
    if event.stop == Some(true) {
        generated.truncated = event.truncated == Some(true);
        generated.which_stop = event.stop_type.is_some();
        generated.stop = Some(match event.stop_type.as_deref() {
            Some("word") => Stop::Word,
            Some("eos") => Stop::Eos,
            Some("limit") => Stop::Limit,
            _ => Stop::Unknown,
        });
    }
}

fn count(usage: &mut Usage, event: &Event) {
    let timings = event.timings.unwrap_or_default();
    match (timings.prompt_n, timings.cache_n) {
        (Some(computed), Some(cached)) => {
            usage.prompt = computed + cached;
            usage.cached = Some(cached);
        }
        // Without the cached part `prompt_n` may be short: the total is in
        // `tokens_evaluated`.
        (computed, _) => {
            if let Some(prompt) = event.tokens_evaluated.or(computed) {
                usage.prompt = prompt;
            }
        }
    }
    let output = event.tokens_predicted.or(timings.predicted_n);
    usage.output = usage.output.max(output.unwrap_or_default());
}

fn raw_token(entry: &Entry, end: usize, vocabulary: &mut Vocabulary) -> RawToken {
    let alternatives = entry.top_logprobs.as_deref().unwrap_or_default();
    let mut top: Vec<(CompactString, f32)> = Vec::with_capacity(alternatives.len());
    for other in alternatives {
        let shown = other.shown();
        if let Some(id) = other.id
            && !shown.is_empty()
        {
            vocabulary.entry(id).or_insert_with(|| shown.clone());
        }
        if let Some(logprob) = other.logprob {
            top.push((String::from_utf8_lossy(&shown).into(), logprob));
        }
    }
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    RawToken {
        piece: entry
            .id
            .and_then(|id| vocabulary.get(&id).map(|piece| piece.as_slice().into())),
        shown: entry.shown().into(),
        end: Some(end),
        value: entry.logprob,
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
        take(
            &mut generated,
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
        take(
            &mut generated,
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
