//! From the answers of OpenAI's routes to text, tokens and end.

use compact_str::CompactString;

use super::wire::{Choice, Entry, Logprobs, Reason, Reply};
use crate::model::endpoint::{DELIMITER, FailureKind};
use crate::model::http::align::RawToken;
use crate::model::http::error::Site;
use crate::model::http::generated::{Generated, Stop};
use crate::model::retry::Failure;
use crate::trace::record::Usage;

/// Adds an answer, or a piece of one, to what came before it.
///
/// # Errors
/// The provider filtered the step, or the server failed within it.
pub(in crate::model::http) fn take(
    generated: &mut Generated,
    reply: Reply,
    site: &Site,
) -> Result<(), Failure> {
    if let Some(counts) = &reply.usage {
        let usage = Usage::from(counts);
        // Streams count anew in every piece, the cached ones in the last only.
        generated.usage = Usage {
            cached: usage.cached.or(generated.usage.cached),
            reported: usage.reported.or(generated.usage.reported),
            ..usage
        };
    }
    for choice in reply.choices.into_iter().flatten() {
        take_choice(generated, choice, site)?;
    }
    Ok(())
}

fn take_choice(generated: &mut Generated, choice: Choice, site: &Site) -> Result<(), Failure> {
    let message = choice.message.or(choice.delta).unwrap_or_default();
    if let Some(refusal) = message.refusal.filter(|text| !text.is_empty()) {
        return Err(filtered(site, &refusal));
    }
    let text = choice.text.or(message.content).unwrap_or_default();
    generated.text.push_str(&text);
    if let Some(logprobs) = choice.logprobs {
        generated.extend(raw_tokens(logprobs));
    }
    generated.ids |= choice.token_ids.is_some_and(|ids| !ids.is_empty());
    let Some(finish) = choice.finish_reason else {
        return Ok(());
    };
    generated.which_stop =
        choice.stop_reason != Reason::Missing || choice.matched_stop != Reason::Missing;
    generated.stop = Some(match finish.as_str() {
        "length" | "max_tokens" => Stop::Limit,
        "content_filter" | "refusal" => return Err(filtered(site, "its finish reason says so")),
        "error" | "abort" => {
            return Err(Failure::new(
                FailureKind::Server,
                format!("{} gave up within the step ({finish})", site.url),
            ));
        }
        // What text-generation-inference says behind gateways.
        "stop_sequence" => Stop::Word,
        "eos_token" | "eos" => Stop::Eos,
        _ => stop(&choice.stop_reason, &choice.matched_stop),
    });
    Ok(())
}

/// What a plain `stop` was: the delimiter, or the end of the sequence.
fn stop(reason: &Reason, matched: &Reason) -> Stop {
    for reason in [reason, matched] {
        match reason {
            Reason::Text(text) if text == DELIMITER => return Stop::Word,
            Reason::Id => return Stop::Eos,
            // Some word that was not asked for: `repetition_detected` …, or
            // SGLang's end mark in its own words.
            Reason::Text(text) if text.starts_with('<') => return Stop::Eos,
            Reason::Text(_) | Reason::Null | Reason::Missing => {}
        }
    }
    match (reason, matched) {
        (Reason::Null, _) | (_, Reason::Null) => Stop::Eos,
        _ => Stop::Unknown,
    }
}

fn filtered(site: &Site, said: &str) -> Failure {
    Failure::new(
        FailureKind::Filtered,
        format!("{} filtered the step: {}", site.url, site.quote(said)),
    )
}

fn raw_tokens(logprobs: Logprobs) -> Vec<RawToken> {
    if let Some(entries) = logprobs.content {
        return entries.into_iter().map(entry).collect();
    }
    let mut values = logprobs.token_logprobs.into_iter().flatten();
    let mut tops = logprobs.top_logprobs.into_iter().flatten();
    let tokens = logprobs.tokens.unwrap_or_default();
    tokens
        .into_iter()
        .map(|token| {
            let value = values.next().flatten();
            let mut top = tops.next().flatten().unwrap_or_default().0;
            // Two tokens of the same text share an entry, which then may hold
            // the lesser of the two: the sampled one is known exactly.
            if let Some(value) = value
                && let Some(own) = top.iter_mut().find(|(text, _)| *text == token)
            {
                own.1 = own.1.max(value);
            }
            top.sort_by(|a, b| b.1.total_cmp(&a.1));
            RawToken {
                value,
                top,
                ..RawToken::showing(token.as_bytes())
            }
        })
        .collect()
}

/// Bytes that may be part of a character, to be shown.
fn text(bytes: &[u8]) -> CompactString {
    String::from_utf8_lossy(bytes).into()
}

/// A token as the chat route tells it.
pub(in crate::model::http) fn entry(entry: Entry) -> RawToken {
    fn bytes(entry: &Entry) -> &[u8] {
        match (&entry.bytes, &entry.token) {
            (Some(bytes), _) if !bytes.is_empty() => bytes,
            (_, Some(text)) => text.as_bytes(),
            _ => &[],
        }
    }
    let alternatives = entry.top_logprobs.as_deref().unwrap_or_default();
    let mut top: Vec<(CompactString, f32)> = alternatives
        .iter()
        .filter_map(|other| Some((text(bytes(other)), other.logprob?)))
        .collect();
    // The sampled one may stand first, whatever its rank.
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    RawToken {
        value: entry.logprob,
        top,
        ..RawToken::showing(bytes(&entry))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn site() -> Site {
        Site::plain("http://h", "vLLM")
    }

    fn taken(replies: &[Value]) -> Result<Generated, Failure> {
        let mut generated = Generated::default();
        for reply in replies {
            let reply = serde_json::from_value(reply.clone()).unwrap();
            take(&mut generated, reply, &site())?;
        }
        Ok(generated)
    }

    fn ended(choice: Value) -> (Option<Stop>, bool) {
        let generated = taken(&[json!({ "choices": [choice] })]).unwrap();
        (generated.stop, generated.which_stop)
    }

    #[test]
    fn every_server_is_understood_when_it_says_why_it_stopped() {
        for (choice, expected, named) in [
            (
                json!({"finish_reason": "stop", "stop_reason": "\n\n"}),
                Stop::Word,
                true,
            ),
            (
                json!({"finish_reason": "stop", "stop_reason": null}),
                Stop::Eos,
                true,
            ),
            (
                json!({"finish_reason": "stop", "stop_reason": 151_645}),
                Stop::Eos,
                true,
            ),
            (
                json!({"finish_reason": "stop", "stop_reason": "repetition_detected"}),
                Stop::Unknown,
                true,
            ),
            (
                json!({"finish_reason": "stop", "matched_stop": "\n\n"}),
                Stop::Word,
                true,
            ),
            (
                json!({"finish_reason": "stop", "matched_stop": 2}),
                Stop::Eos,
                true,
            ),
            (
                json!({"finish_reason": "stop", "matched_stop": "<|im_end|>"}),
                Stop::Eos,
                true,
            ),
            (json!({"finish_reason": "stop"}), Stop::Unknown, false),
            (json!({"finish_reason": "length"}), Stop::Limit, false),
            (json!({"finish_reason": "eos_token"}), Stop::Eos, false),
        ] {
            assert_eq!(ended(choice.clone()), (Some(expected), named), "{choice}");
        }
        assert_eq!(ended(json!({"text": "a", "finish_reason": null})).0, None);
    }

    #[test]
    fn a_step_that_the_provider_filtered_or_dropped_fails() {
        let fails = |choice: Value| taken(&[json!({ "choices": [choice] })]).unwrap_err();
        for choice in [
            json!({"finish_reason": "content_filter"}),
            json!({"message": {"refusal": "I cannot"}, "finish_reason": "stop"}),
        ] {
            assert!(fails(choice).message.contains("filtered"));
        }
        for finish in ["error", "abort"] {
            let failure = fails(json!({ "finish_reason": finish }));
            assert_eq!(failure.kind, FailureKind::Server);
        }
    }

    #[test]
    fn a_stream_is_the_same_as_one_answer() {
        let pieces = [
            json!({"choices": [{"text": "A", "finish_reason": null, "stop_reason": null,
                "logprobs": {"tokens": ["A"], "token_logprobs": [-0.5], "text_offset": [0],
                    "top_logprobs": [{"A": -0.5, "B": -1.5}]}}], "usage": {"prompt_tokens": 9,
                    "completion_tokens": 1}}),
            json!({"choices": [{"text": ".\n\n", "finish_reason": "stop", "stop_reason": "\n\n",
                "logprobs": {"tokens": [".\n\n"], "token_logprobs": [-0.1],
                    "top_logprobs": [{".\n\n": -0.1}]}}], "usage": null}),
            json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4}}}),
        ];
        let generated = taken(&pieces).unwrap();
        assert_eq!(generated.text, "A.\n\n");
        assert_eq!(generated.stop, Some(Stop::Word));
        let usage = Usage {
            prompt: 9,
            cached: Some(4),
            output: 2,
            ..Usage::default()
        };
        assert_eq!(generated.usage, usage);
        let whole = json!({"choices": [{"text": "A.\n\n", "finish_reason": "stop",
            "stop_reason": "\n\n", "logprobs": {"tokens": ["A", ".\n\n"],
                "token_logprobs": [-0.5, -0.1],
                "top_logprobs": [{"A": -0.5, "B": -1.5}, {".\n\n": -0.1}]}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4}}});
        let whole = taken(&[whole]).unwrap();
        assert_eq!(whole.tokens, generated.tokens);
        assert_eq!((whole.usage, whole.top), (generated.usage, generated.top));
    }

    #[test]
    fn the_best_alternative_comes_first_whatever_the_order() {
        let generated = taken(
            &[json!({"choices": [{"message": {"content": "b"}, "logprobs":
            {"content": [{"token": "b", "bytes": [98], "logprob": -2.0, "top_logprobs": [
                {"token": "b", "bytes": [98], "logprob": -2.0},
                {"token": "a", "bytes": [97], "logprob": -0.2}]}]}}]})],
        )
        .unwrap();
        assert_eq!(generated.tokens[0].top[0], ("a".into(), -0.2));
        // Two tokens of the same text: the dictionary holds the lesser one.
        let generated = taken(&[
            json!({"choices": [{"text": "", "logprobs": {"tokens": ["é"],
            "token_logprobs": [-0.1], "top_logprobs": [{"é": -7.0, "x": -3.0}]}}]}),
        ])
        .unwrap();
        assert_eq!(generated.tokens[0].top[0], ("é".into(), -0.1));
    }

    #[test]
    fn parts_of_characters_and_ids_have_no_bytes() {
        for token in ["", "\u{fffd}", "\u{fffd}\u{fffd}", "token_id:17"] {
            let generated = taken(&[json!({"choices": [{"text": "", "logprobs":
                {"tokens": [token], "token_logprobs": [-0.1]}}]})])
            .unwrap();
            assert_eq!(
                (
                    generated.tokens[0].piece.as_ref(),
                    generated.tokens[0].shown.len()
                ),
                (None, 0),
                "{token}"
            );
        }
    }

    #[test]
    fn unknown_cached_counts_stay_unknown() {
        for usage in [
            json!({"prompt_tokens": 9, "prompt_tokens_details": null}),
            json!({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": null}}),
            json!({"prompt_tokens": 9}),
        ] {
            let generated = taken(&[json!({ "choices": [], "usage": usage })]).unwrap();
            assert_eq!((generated.usage.prompt, generated.usage.cached), (9, None));
        }
        let generated = taken(&[json!({"usage": {"prompt_tokens": 9,
            "prompt_cache_hit_tokens": 3}})]);
        assert_eq!(generated.unwrap().usage.cached, Some(3));
    }
}
