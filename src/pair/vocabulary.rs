//! The vocabulary of the embedded pair: about a hundred tokens, single digits, `"\n\n"` one token.
//!
//! Decoding is concatenation; encoding takes the longest token that matches, and a token that
//! ends in a letter must not be followed by a letter. [`Vocabulary::tokenizer_json`] writes the
//! same rule as an ordinary `tokenizer.json`, so that the pair loads like any other checkpoint.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::language::story::{NAMES, THINGS};

/// Padding; never inside a text.
pub const PAD: u32 = 0;
/// Ends a solution.
pub const EOS: u32 = 1;
/// Stands for text outside the language.
pub const UNKNOWN: u32 = 2;
/// The step separator `"\n\n"`.
pub const STEP_END: u32 = 3;

const SPECIAL: [&str; 4] = ["<pad>", "<eos>", "<unk>", "\n\n"];
const OPENERS: [&str; 12] = [
    "Question:",
    "Solution:",
    "Verdict:",
    "Score:",
    " correct",
    " incorrect",
    "First,",
    "Next,",
    " Next,",
    "The",
    " The",
    " Start",
];
/// The last one is a word: not a math token.
const OPERATORS: [&str; 6] = [" + ", " - ", " * ", " / ", " = ", " mod "];
const BOX: &str = " \\boxed{";
const MARKS: [&str; 8] = [" ", ",", ".", "?", "(", ")", BOX, "}"];
const WORDS: [&str; 57] = [
    "has", "bought", "found", "more", "gave", "sold", "lost", "away", "traded", "each", "one",
    "for", "new", "ones", "swapped", "every", "split", "shared", "them", "into", "equal", "piles",
    "bags", "and", "kept", "packed", "of", "only", "the", "rest", "boxes", "all", "to", "How",
    "many", "are", "there", "now", "with", "then", "add", "subtract", "multiply", "by", "divide",
    "take", "result", "modulo", "What", "is", "so", "answer", "value", "step", "right", "wrong",
    "from",
];

/// The token list and its rules.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokens: Vec<String>,
    /// Token ids in the order in which encoding tries them: longest first.
    by_length: Vec<u32>,
    digits_from: u32,
}

/// A piece of text that no token matches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token of the embedded pair's vocabulary matches the text at byte {at}: {near:?}")]
pub struct OutsideVocabulary {
    pub at: usize,
    pub near: String,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self::new()
    }
}

impl Vocabulary {
    /// The one vocabulary of the pair; always the same.
    #[must_use]
    pub fn new() -> Self {
        let mut tokens: Vec<String> = SPECIAL
            .iter()
            .chain(&OPENERS)
            .map(|&token| token.to_owned())
            .collect();
        let digits_from = id(tokens.len());
        tokens.extend((0..10).map(|digit| digit.to_string()));
        tokens.extend(
            OPERATORS
                .iter()
                .chain(&MARKS)
                .map(|&token| token.to_owned()),
        );
        tokens.extend(
            NAMES
                .iter()
                .chain(&THINGS)
                .chain(&WORDS)
                .map(|word| format!(" {word}")),
        );
        let mut by_length: Vec<u32> = (STEP_END..id(tokens.len())).collect();
        by_length.sort_by_key(|&token| std::cmp::Reverse(tokens[token as usize].len()));
        Self {
            tokens,
            by_length,
            digits_from,
        }
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Never true; here for symmetry with [`Self::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The text of a token; empty for an id outside the vocabulary.
    #[must_use]
    pub fn text(&self, token: u32) -> &str {
        self.tokens.get(token as usize).map_or("", String::as_str)
    }

    /// Whether a token is a math token, on which confidence is measured: digits, operators and the
    /// box of the answer, as the program's own rule has it for any text.
    #[must_use]
    pub fn is_math(&self, token: u32) -> bool {
        let signs = self.digits_from..self.digits_from + 10 + id(OPERATORS.len()) - 1;
        signs.contains(&token) || self.text(token) == BOX
    }

    /// Token ids of a text.
    ///
    /// # Errors
    /// [`OutsideVocabulary`] at the first place where no token matches.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, OutsideVocabulary> {
        let mut ids = Vec::with_capacity(text.len() / 2);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let found = self
                .by_length
                .iter()
                .copied()
                .find(|&token| matches_at(self.text(token), rest));
            let Some(token) = found else {
                return Err(OutsideVocabulary {
                    at,
                    near: rest.chars().take(20).collect(),
                });
            };
            ids.push(token);
            at += self.text(token).len();
        }
        Ok(ids)
    }

    /// The text of token ids; special tokens but the step end are left out.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        ids.iter()
            .filter(|&&token| token >= STEP_END)
            .map(|&token| self.text(token))
            .collect()
    }

    /// The same rules as a Hugging Face `tokenizer.json`.
    #[must_use]
    pub fn tokenizer_json(&self) -> Value {
        let vocab: BTreeMap<&str, u32> = self.tokens.iter().map(String::as_str).zip(0..).collect();
        let special: Vec<Value> = [PAD, EOS, UNKNOWN]
            .iter()
            .map(|&token| {
                json!({"id": token, "content": self.text(token), "single_word": false, "lstrip": false,
                       "rstrip": false, "normalized": false, "special": true})
            })
            .collect();
        let alternatives: Vec<String> = self
            .by_length
            .iter()
            .map(|&token| pattern(self.text(token)))
            .collect();
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": special,
            "normalizer": null,
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": alternatives.join("|")},
                "behavior": "Isolated",
                "invert": false,
            },
            "post_processor": null,
            "decoder": {"type": "Fuse"},
            "model": {"type": "WordLevel", "vocab": vocab, "unk_token": self.text(UNKNOWN)},
        })
    }
}

fn id(index: usize) -> u32 {
    // The vocabulary has about a hundred tokens.
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn ends_in_letter(token: &str) -> bool {
    token.ends_with(|last: char| last.is_ascii_alphabetic())
}

fn matches_at(token: &str, text: &str) -> bool {
    text.strip_prefix(token).is_some_and(|rest| {
        !ends_in_letter(token) || !rest.starts_with(|next: char| next.is_ascii_alphabetic())
    })
}

/// The regular expression of one token.
fn pattern(token: &str) -> String {
    let mut text = String::new();
    for letter in token.chars() {
        match letter {
            '\n' => text.push_str("\\n"),
            '\\' | '.' | '?' | '(' | ')' | '{' | '}' | '+' | '*' | '-' | '/' => {
                text.extend(['\\', letter]);
            }
            _ => text.push(letter),
        }
    }
    if ends_in_letter(token) {
        text.push_str("(?![A-Za-z])");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::language::solution::{Author, gold};
    use crate::pair::language::{Split, draw, prompt};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn texts(count: usize) -> Vec<String> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        (0..count)
            .flat_map(|_| {
                let problem = draw(Split::Training, &mut rng);
                [Author::Small, Author::Large]
                    .map(|author| prompt(&problem.question) + &gold(&problem, author).concat())
            })
            .collect()
    }

    #[test]
    fn round_trip_and_context() {
        let vocabulary = Vocabulary::new();
        let mut longest = 0;
        for text in texts(3_000) {
            let ids = vocabulary.encode(&text).expect("own language");
            assert_eq!(vocabulary.decode(&ids), text);
            longest = longest.max(ids.len() + 1);
        }
        assert!(longest <= 448, "{longest}");
    }

    #[test]
    fn tokenizer_json_agrees() {
        let vocabulary = Vocabulary::new();
        let file = vocabulary.tokenizer_json().to_string();
        let tokenizer =
            tokenizers::Tokenizer::from_bytes(file.as_bytes()).expect("a valid tokenizer.json");
        for text in texts(200) {
            let ids = vocabulary.encode(&text).expect("own language");
            let encoding = tokenizer.encode(text.as_str(), false).expect("encodes");
            assert_eq!(encoding.get_ids(), ids, "{text}");
            assert_eq!(tokenizer.decode(&ids, true).expect("decodes"), text);
        }
    }

    #[test]
    fn math_tokens_are_digits_and_operators() {
        let vocabulary = Vocabulary::new();
        let ids = vocabulary
            .encode("The result is 79 mod 15 = 79 - 75 = 4. The answer is \\boxed{4}.")
            .expect("own language");
        let math: String = ids
            .iter()
            .filter(|&&id| vocabulary.is_math(id))
            .map(|&id| vocabulary.text(id))
            .collect();
        assert_eq!(math, "7915 = 79 - 75 = 4 \\boxed{4");
        assert!(vocabulary.encode("Prove it").is_err());
        assert_eq!(vocabulary.text(STEP_END), "\n\n");
    }
}
