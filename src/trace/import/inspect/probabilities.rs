//! What a call tells of its tokens, in the order in which it wrote them.

use std::ops::Range;

use crate::trace::import::trajectory::{Written, WrittenToken};
use crate::trace::record::TopToken;

use super::schema::{Logprob, Logprobs};

/// Most bytes of a token: what is longer is none.
const LONGEST: usize = 512;
/// Log-probabilities above this are none; up to it they were rounded.
const MOST: f32 = 0.01;

/// The tokens of a call that wrote `steps`; `None` where it tells of none.
///
/// # Errors
/// In words, why what it tells is not of tokens.
pub(super) fn written(
    told: &Logprobs,
    steps: Range<usize>,
    text: &str,
) -> Result<Option<Written>, &'static str> {
    let told = &told.content;
    if told.is_empty() {
        return Ok(None);
    }
    let is_none = |logprob: Option<f32>| logprob.is_some_and(|value| value > MOST);
    if told.iter().any(|one| is_none(one.logprob)) {
        return Err("values above 0 are no probabilities");
    }
    let tokens: Vec<WrittenToken> = told.iter().map(token).collect();
    match tokens.iter().all(|token| token.bytes.len() <= LONGEST) {
        true => Ok(Some(Written {
            steps,
            text: text.to_owned(),
            tokens,
        })),
        false => Err("what is that long is no token"),
    }
}

fn token(told: &Logprob) -> WrittenToken {
    let top = told.top_logprobs.iter().filter_map(|one| {
        Some(TopToken {
            text: one.token.clone(),
            logprob: one.logprob?,
        })
    });
    WrittenToken {
        bytes: bytes(told),
        logprob: told.logprob,
        top: top.collect(),
    }
}

/// The bytes of a token. Those that are told count where its text cannot hold
/// them, as part of a character: some providers tell code points in their place.
fn bytes(told: &Logprob) -> Vec<u8> {
    let text = told.token.as_bytes();
    let bytes: Option<Vec<u8>> = told.bytes.iter().map(|&b| u8::try_from(b).ok()).collect();
    let is_cut = told.token.contains('\u{fffd}') || told.token.contains("\\x");
    let bytes = bytes.filter(|bytes| is_cut && std::str::from_utf8(bytes).is_err());
    bytes.unwrap_or_else(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(content: serde_json::Value) -> Logprobs {
        serde_json::from_value(json!({"content": content})).unwrap()
    }

    #[test]
    fn bytes_count_where_a_text_cannot_hold_them() {
        let found = told(json!([
            {"token": "é", "logprob": -0.5, "bytes": [233]},
            {"token": "\\xe2\\x88", "logprob": null, "bytes": [226, 136]},
            {"token": "a", "logprob": -1, "bytes": null,
             "top_logprobs": [{"token": "b", "logprob": -0.5}, {"token": "c", "logprob": null}]},
        ]));
        let written = written(&found, 0..2, "é").unwrap().unwrap();
        let bytes: Vec<&[u8]> = written.tokens.iter().map(|one| &*one.bytes).collect();
        assert_eq!(bytes, ["é".as_bytes(), &[226, 136], b"a"]);
        assert_eq!(written.tokens[1].logprob, None);
        assert_eq!(written.tokens[2].top.len(), 1);
        assert_eq!(written.steps, 0..2);
    }

    #[test]
    fn what_is_no_probability_of_a_token_is_told() {
        let of = |content| written(&told(content), 0..1, "a");
        assert_eq!(of(json!([])), Ok(None));
        of(json!([{"token": "a", "logprob": 12.5}])).unwrap_err();
        of(json!([{"token": "a".repeat(1000), "logprob": -1}])).unwrap_err();
        assert!(of(json!([{"token": "a", "logprob": 0.0001}])).is_ok());
    }
}
