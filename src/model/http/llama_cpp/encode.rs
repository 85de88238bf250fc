//! The prompt as the server takes it.
//!
//! A prompt ends in the delimiter, and what a tokenizer makes of blanks
//! depends on what follows them: GPT-2's rule encodes `"\n\n"` at the end of a
//! text as one token but before a letter as two. The model has only seen the
//! second form in front of a step, and has sampled it. So the prompt is encoded
//! with a letter behind it, which is then taken off again.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::LlamaCpp;
use super::wire::{Tokened, Tokenized};
use crate::model::endpoint::FailureKind;
use crate::model::retry::Failure;

/// What follows the prompt while it is encoded.
const AHEAD: &str = "A";

/// A prompt ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoded {
    /// Token ids, or the text where they are not needed or not to be had.
    pub prompt: Value,
    /// Tokens of the prompt, where they were counted.
    pub count: Option<u32>,
}

impl LlamaCpp {
    /// Encodes `prompt`. A server without `/tokenize` gets the text.
    pub(super) async fn encode(&self, prompt: &str) -> Result<Encoded, Failure> {
        let text = Encoded {
            prompt: prompt.into(),
            count: None,
        };
        if !prompt.ends_with(char::is_whitespace) || self.no_tokenizer.load(Ordering::Relaxed) {
            return Ok(text);
        }
        let ahead = format!("{prompt}{AHEAD}");
        let Some(tokens) = self.tokenize(&ahead).await? else {
            return Ok(text);
        };
        Ok(without_last(&tokens).unwrap_or(text))
    }

    /// The tokens of `text`; `None` where the server cannot say.
    pub(super) async fn tokenize(&self, text: &str) -> Result<Option<Vec<Tokened>>, Failure> {
        let body = json!({
            "content": text, "add_special": true, "parse_special": true, "with_pieces": true,
        });
        match self.client.post::<Tokenized>("/tokenize", &body).await {
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
fn without_last(tokens: &[Tokened]) -> Option<Encoded> {
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
    Some(Encoded {
        count: u32::try_from(before.len()).ok(),
        prompt: ids?.into(),
    })
}

#[cfg(test)]
mod tests {
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
        assert_eq!(encoded.prompt, json!([30, 9, 198]));
        assert_eq!(encoded.count, Some(3));
        assert_eq!(
            without_last(&tokens(json!([piece(1, "."), piece(2, "\nA")]))),
            None
        );
        assert_eq!(without_last(&tokens(json!([30, 49]))), None);
        assert_eq!(without_last(&[]), None);
    }
}
