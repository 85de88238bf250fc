//! Text from data sets, logs and servers as a line for a terminal.

use std::borrow::Cow;

use crate::trace::visible::is_unsafe;

/// `text` without what a terminal obeys, what turns the order of letters and
/// what nobody sees: all that [`is_unsafe`] names but newlines. A tab becomes a
/// space. What is left of an escape sequence stays readable: a message shall
/// show that something was there. (The screen has a filter of its own, which
/// lays text out as well.)
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().filter_map(|c| match c {
        '\n' => Some('\n'),
        '\t' => Some(' '),
        c => (!is_unsafe(c)).then_some(c),
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let shown = plain("a\u{1b}]0;title\u{7}\tb\r\u{9b}2J\u{202e}c\n\u{7f}\u{200b}");
        assert_eq!(shown, "a]0;title b2Jc\n");
        assert!(matches!(plain("κ ≥ 0.5\n"), Cow::Borrowed(_)));
    }
}
