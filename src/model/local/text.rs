//! Text and tokens: encoding of prompts, incremental detokenisation that never
//! shows half a character, and the text of a step up to its delimiter.

use std::collections::HashMap;

use tokenizers::Tokenizer;

use super::LocalError;
use crate::model::blocks::{self, MOST_JOINS};
use crate::model::endpoint::DELIMITER;
use crate::trace::record::Token;

/// Prompt tokens a detokeniser looks back on: some decoders treat the first
/// token of a text differently, so a step must not look like a beginning.
const LOOK_BACK: usize = 6;

/// A tokenizer with the texts of single tokens, kept once looked up.
pub struct TextModel {
    tokenizer: Tokenizer,
    alone: HashMap<u32, String>,
}

impl TextModel {
    /// Reads a `tokenizer.json` for a model of `vocab` tokens.
    ///
    /// # Errors
    /// Not a tokenizer, or one with ids the model does not have.
    pub fn load(json: &[u8], vocab: usize) -> Result<Self, LocalError> {
        let tokenizer =
            Tokenizer::from_bytes(json).map_err(|e| LocalError::Tokenizer(e.to_string()))?;
        let highest = tokenizer.get_vocab(true).into_values().max();
        if let Some(id) = highest.filter(|&id| id as usize >= vocab) {
            return Err(LocalError::Tokenizer(format!(
                "token id {id} lies outside the model's vocabulary of {vocab}: \
                 tokenizer.json and config.json are of different models"
            )));
        }
        Ok(Self {
            tokenizer,
            alone: HashMap::new(),
        })
    }

    /// Tokens of a prompt. Adds no special tokens: the template writes them.
    ///
    /// # Errors
    /// The tokenizer cannot express the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LocalError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|e| LocalError::Tokenizer(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    fn decode(&self, ids: &[u32]) -> Result<String, LocalError> {
        let text = self.tokenizer.decode(ids, true);
        text.map_err(|e| LocalError::Tokenizer(e.to_string()))
    }

    /// The text of a token by itself, as it reads in the middle of a text;
    /// special tokens by their name.
    pub fn token_text(&mut self, id: u32) -> String {
        if let Some(text) = self.alone.get(&id) {
            return text.clone();
        }
        // Twice, because decoders strip the space of a first token.
        let twice = self.decode(&[id, id]).unwrap_or_default();
        let once = self.decode(&[id]).unwrap_or_default();
        let text = match twice.strip_prefix(once.as_str()) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => self.tokenizer.id_to_token(id).unwrap_or_default(),
        };
        self.alone.insert(id, text.clone());
        text
    }
}

/// Turns generated tokens into text one by one.
pub struct Detokenizer {
    ids: Vec<u32>,
    /// Where the tokens begin whose text gives the context.
    context: usize,
    /// Where the tokens begin whose text has not been given out.
    pending: usize,
}

impl Detokenizer {
    /// Begins after a prompt.
    pub fn after(prompt: &[u32]) -> Self {
        let ids = prompt[prompt.len().saturating_sub(LOOK_BACK)..].to_vec();
        Self {
            pending: ids.len(),
            ids,
            context: 0,
        }
    }

    /// The text this token completes: empty while a character is incomplete.
    ///
    /// # Errors
    /// The tokenizer cannot decode the token.
    pub fn push(&mut self, id: u32, text: &TextModel) -> Result<String, LocalError> {
        self.ids.push(id);
        let before = text.decode(&self.ids[self.context..self.pending])?;
        let after = text.decode(&self.ids[self.context..])?;
        if after.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        let new = after.strip_prefix(before.as_str()).unwrap_or_default();
        if !new.is_empty() {
            self.context = self.pending;
            self.pending = self.ids.len();
        }
        Ok(new.to_owned())
    }
}

/// The text of a step as it grows, and its tokens.
#[derive(Debug, Default)]
pub struct StepText {
    pub text: String,
    pub tokens: Vec<Token>,
    /// Bytes of `text` given out as progress.
    shown: usize,
    /// Line breaks at the start that may be dropped (after an empty attempt).
    drop_leading: bool,
    dropped: usize,
    /// Blank lines inside open blocks so far.
    joins: usize,
}

/// What a token did to the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grown {
    /// It goes on.
    On,
    /// The delimiter was reached and cut off.
    Delimiter,
    /// The delimiter came before any text.
    Empty,
}

impl StepText {
    /// For the attempt after an empty one: one more delimiter at the start is
    /// dropped instead of ending the step.
    pub fn after_empty() -> Self {
        Self {
            drop_leading: true,
            ..Self::default()
        }
    }

    /// Appends a token, whose text may complete the delimiter.
    pub fn push(&mut self, mut token: Token) -> Grown {
        if self.drop_leading && self.text.is_empty() {
            let kept = token.text.trim_start_matches('\n');
            self.dropped += token.text.len() - kept.len();
            if self.dropped >= 2 * DELIMITER.len() {
                return Grown::Empty;
            }
            if kept.is_empty() && !token.text.is_empty() {
                return Grown::On;
            }
            token.text = kept.into();
        }
        // The delimiter may straddle two tokens.
        let from = self.text.len() - usize::from(self.text.ends_with('\n'));
        self.text.push_str(&token.text);
        self.tokens.push(token);
        let Some(at) = self.text[from..].find(DELIMITER) else {
            return Grown::On;
        };
        if self.joins < MOST_JOINS && blocks::is_open(&self.text[..from + at]) {
            // A blank line inside a formula ends no step.
            self.joins += 1;
            return Grown::On;
        }
        self.cut(from + at);
        if self.text.is_empty() {
            Grown::Empty
        } else {
            Grown::Delimiter
        }
    }

    /// Cuts the text and the tokens at a byte; a token that keeps nothing goes.
    fn cut(&mut self, at: usize) {
        let mut excess = self.text.len() - at;
        self.text.truncate(at);
        while excess > 0 {
            let Some(token) = self.tokens.last_mut() else {
                break;
            };
            if token.text.len() > excess {
                token.text.truncate(token.text.len() - excess);
                break;
            }
            excess -= token.text.len();
            self.tokens.pop();
        }
    }

    /// The text not yet shown. A line break at the end is held back until it
    /// is known not to begin the delimiter, unless the step is `finished`.
    pub fn unseen(&mut self, finished: bool) -> Option<String> {
        let held = usize::from(!finished && self.text.ends_with('\n'));
        let end = self.text.len() - held;
        let unseen = self.text.get(self.shown..end).filter(|t| !t.is_empty())?;
        let unseen = unseen.to_owned();
        self.shown = end;
        Some(unseen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token {
            text: text.into(),
            logprob: None,
            max_logit: None,
            top_logits: Vec::new(),
            top: Vec::new(),
            math: false,
        }
    }

    fn grow(step: &mut StepText, texts: &[&str]) -> Grown {
        let mut grown = Grown::On;
        for text in texts {
            grown = step.push(token(text));
        }
        grown
    }

    fn texts(step: &StepText) -> Vec<&str> {
        step.tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect()
    }

    #[test]
    fn a_blank_line_inside_a_formula_ends_no_step() {
        let mut step = StepText::default();
        let parts = ["So \\[", " x", "\n\n", "= 2", " \\]", "\n\n"];
        assert_eq!(grow(&mut step, &parts), Grown::Delimiter);
        assert_eq!(step.text, "So \\[ x\n\n= 2 \\]");
        // A block that is never closed ends nothing for ever.
        let mut step = StepText::default();
        let grown = grow(&mut step, &["\\[", "\n\n", "a\n\n", "b\n\n", "c\n\n"]);
        assert_eq!(grown, Grown::Delimiter);
        assert_eq!(step.text, "\\[\n\na\n\nb\n\nc");
    }

    #[test]
    fn the_delimiter_is_cut_wherever_tokens_split_it() {
        for (parts, kept) in [
            (&["a", "\n\n"][..], &["a"][..]),
            (&["a", "\n", "\n"], &["a"]),
            (&["a", ".\n", "\nB"], &["a", "."]),
            (&["a", ".\n\nB"], &["a", "."]),
            (&["a", "\n\n\n"], &["a"]),
        ] {
            let mut step = StepText::default();
            assert_eq!(grow(&mut step, parts), Grown::Delimiter, "{parts:?}");
            assert_eq!(texts(&step), kept, "{parts:?}");
            assert_eq!(step.text, kept.concat());
        }
    }

    #[test]
    fn single_line_breaks_and_spaces_stay() {
        let mut step = StepText::default();
        assert_eq!(grow(&mut step, &[" a", "\n", "b "]), Grown::On);
        assert_eq!(step.text, " a\nb ");
    }

    #[test]
    fn an_empty_start_is_told_and_then_dropped_once() {
        assert_eq!(grow(&mut StepText::default(), &["\n", "\n"]), Grown::Empty);
        let mut again = StepText::after_empty();
        assert_eq!(
            grow(&mut again, &["\n\n", "A", "\n", "\n"]),
            Grown::Delimiter
        );
        assert_eq!(texts(&again), ["A"]);
        let mut joined = StepText::after_empty();
        assert_eq!(grow(&mut joined, &["\n\nA", "b"]), Grown::On);
        assert_eq!(joined.text, "Ab");
        assert_eq!(
            grow(&mut StepText::after_empty(), &["\n\n", "\n\n"]),
            Grown::Empty
        );
    }

    #[test]
    fn progress_never_shows_a_part_of_the_delimiter() {
        let mut step = StepText::default();
        let mut shown = String::new();
        for text in ["a", "\n", "b", "\n", "\n"] {
            let grown = step.push(token(text));
            shown.extend(step.unseen(grown != Grown::On));
        }
        assert_eq!(shown, "a\nb");
        assert_eq!(shown, step.text);
    }
}
