//! Text from data sets, logs and servers as a line for a terminal.

use std::borrow::Cow;

/// `text` without what a terminal obeys or what turns the order of letters:
/// control characters but for newlines, and bidi controls. A tab becomes a
/// space. What is left of an escape sequence stays readable: a message shall
/// show that something was there. (The screen has a filter of its own, which
/// lays text out as well.)
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_obeyed(c)) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().filter_map(|c| match c {
        '\n' => Some('\n'),
        '\t' => Some(' '),
        c => (!is_obeyed(c)).then_some(c),
    });
    Cow::Owned(shown.collect())
}

/// A JSON document with everything escaped that a terminal obeys.
#[must_use]
pub fn plain_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(|c| c == '\n' || !is_obeyed(c)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Between values; within texts it is escaped already.
            '\n' => out.push(c),
            c if is_obeyed(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let shown = plain("a\u{1b}]0;title\u{7}\tb\r\u{9b}2J\u{202e}c\n\u{7f}");
        assert_eq!(shown, "a]0;title b2Jc\n");
        let json = plain_json("{\"a\": \"\u{202e}b\u{9b}\"}\n");
        assert_eq!(json, "{\"a\": \"\\u202eb\\u009b\"}\n");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["a"], "\u{202e}b\u{9b}");
        assert!(matches!(plain("κ ≥ 0.5\n"), Cow::Borrowed(_)));
    }
}
