//! The tokenizer of the simulated servers: a token for every character but for
//! blank lines, so that prompts can be read back from their ids.

use serde_json::Value;

/// The mark of the beginning.
const MARK: (u32, &str) = (1, "<s>");
const NEWLINE: (u32, &str) = (198, "\n");
const BLANK_LINE: (u32, &str) = (271, "\n\n");
/// Characters begin here.
const FIRST: u32 = 1000;

/// How a tokenizer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokenizer {
    /// Whether a blank line is one token at the end of a text only, as by
    /// GPT-2's rule.
    pub shifty: bool,
    /// Whether it puts a mark in front.
    pub marks: bool,
}

impl Tokenizer {
    pub fn encode(self, text: &str, special: bool) -> Vec<u32> {
        let mut ids: Vec<u32> = (special && self.marks)
            .then_some(MARK.0)
            .into_iter()
            .collect();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (id, length) = if rest.starts_with(MARK.1) {
                (MARK.0, MARK.1.len())
            } else if rest == BLANK_LINE.1 || (!self.shifty && rest.starts_with(BLANK_LINE.1)) {
                (BLANK_LINE.0, BLANK_LINE.1.len())
            } else if first == '\n' {
                (NEWLINE.0, 1)
            } else {
                (FIRST + u32::from(first), first.len_utf8())
            };
            ids.push(id);
            rest = &rest[length..];
        }
        ids
    }

    pub fn decode(ids: &[u32]) -> String {
        let text = |id: &u32| match [MARK, NEWLINE, BLANK_LINE]
            .iter()
            .find(|(known, _)| known == id)
        {
            Some((_, text)) => (*text).to_owned(),
            None => char::from_u32(id - FIRST).unwrap().to_string(),
        };
        ids.iter().map(text).collect()
    }
}

/// The text of a prompt that is text or ids.
pub fn prompt_text(prompt: &Value) -> String {
    match prompt.as_array() {
        Some(ids) => {
            let ids = ids.iter().map(|id| id.as_u64().unwrap());
            let ids: Vec<u32> = ids.map(|id| u32::try_from(id).unwrap()).collect();
            Tokenizer::decode(&ids)
        }
        None => prompt.as_str().unwrap_or_default().to_owned(),
    }
}
