//! The prompt as the server takes it.
//!
//! A prompt ends in the delimiter, and what a tokenizer makes of blanks
//! depends on what follows them: GPT-2's rule encodes `"\n\n"` at the end of a
//! text as one token but before a letter as two. The model has only seen the
//! second form in front of a step, and has sampled it. So the prompt is encoded
//! with a letter behind it, which is then taken off again.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::LlamaCpp;
use super::wire::{Tokened, Tokenized};
use crate::model::endpoint::FailureKind;
use crate::model::http::dialect::{Base, Prepared};
use crate::model::retry::Failure;

/// What follows the prompt while it is encoded.
const AHEAD: &str = "A";

impl LlamaCpp {
    /// Encodes `prompt`. A server without `/tokenize` gets the text.
    pub(super) async fn encode(&self, base: &Base, prompt: &str) -> Result<Prepared, Failure> {
        let text = Prepared::from(prompt.to_owned());
        if !prompt.ends_with(char::is_whitespace) || self.no_tokenizer.load(Ordering::Relaxed) {
            return Ok(text);
        }
        let ahead = format!("{prompt}{AHEAD}");
        let Some(tokens) = self.tokenize(base, &ahead).await? else {
            return Ok(text);
        };
        Ok(without_last(&tokens).unwrap_or(text))
    }

    /// The tokens of `text`; `None` where the server cannot say.
    pub(super) async fn tokenize(
        &self,
        base: &Base,
        text: &str,
    ) -> Result<Option<Vec<Tokened>>, Failure> {
        let body = json!({
            "content": text, "add_special": true, "parse_special": true, "with_pieces": true,
        });
        match base.client.post::<Tokenized>("/tokenize", &body).await {
            Ok(tokenized) => Ok(Some(tokenized.tokens)),
            Err(failure) if failure.kind == FailureKind::NotFound => {
                self.no_tokenizer.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The prompt before [`AHEAD`], if that became a token of its own.
fn without_last(tokens: &[Tokened]) -> Option<Prepared> {
    let (last, before) = tokens.split_last()?;
    let Tokened::Piece { piece, .. } = last else {
        return None;
    };
    if piece.as_str() != Some(AHEAD) {
        return None;
    }
    let ids: Option<Vec<i64>> = before
        .iter()
        .map(|token| match token {
            Tokened::Piece { id, .. } => Some(*id),
            Tokened::Bare(_) => None,
        })
        .collect();
    Some(Prepared {
        count: u32::try_from(before.len()).ok(),
        body: ids?.into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn tokens(json: Value) -> Vec<Tokened> {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_a_letter_of_its_own_is_taken_off() {
        let piece = |id: i64, piece: &str| json!({ "id": id, "piece": piece });
        let whole =
            json!([piece(30, "."), { "id": 9, "piece": [240] }, piece(198, "\n"), piece(49, "A")]);
        let encoded = without_last(&tokens(whole)).unwrap();
        assert_eq!(encoded.body, json!([30, 9, 198]));
        assert_eq!(encoded.count, Some(3));
        assert_eq!(
            without_last(&tokens(json!([piece(1, "."), piece(2, "\nA")]))),
            None
        );
        assert_eq!(without_last(&tokens(json!([30, 49]))), None);
        assert_eq!(without_last(&[]), None);
    }
}
