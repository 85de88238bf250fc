//! Width of text in terminal columns, by grapheme, from the tables that
//! ratatui uses.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes: as ratatui lays it out, grapheme by grapheme.
#[must_use]
pub fn of(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    text.graphemes(true).map(of_grapheme).sum()
}

/// Columns of one grapheme; control characters have none.
#[must_use]
pub fn of_grapheme(grapheme: &str) -> usize {
    if grapheme.chars().any(char::is_control) {
        0
    } else {
        grapheme.width()
    }
}

/// The longest beginning of `text` that fits into `columns`, and its width.
#[must_use]
pub fn take(text: &str, columns: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = of_grapheme(grapheme);
        if used + wide > columns {
            return (text.get(..at).unwrap_or_default(), used);
        }
        used += wide;
    }
    (text, used)
}

/// `text` cut to `columns`, with `…` in place of what does not fit.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if of(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let (head, _) = take(text, columns - 1);
    Cow::Owned(format!("{}…", head.trim_end()))
}

/// `text` cut to `columns` from its beginning: `…end`. For paths.
#[must_use]
pub fn truncate_start(text: &str, columns: usize) -> Cow<'_, str> {
    if of(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 1;
    let mut from = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += of_grapheme(grapheme);
        if used > columns {
            break;
        }
        from = at;
    }
    Cow::Owned(format!("…{}", text.get(from..).unwrap_or_default()))
}

/// Where padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Center,
}

/// `text` in exactly `columns`: truncated or padded with spaces.
#[must_use]
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let text = truncate(text, columns);
    let (before, after) = padding(&text, columns, align);
    format!("{}{text}{}", " ".repeat(before), " ".repeat(after))
}

/// Spaces before and behind `text` that make it take `columns`.
#[must_use]
pub fn padding(text: &str, columns: usize, align: Align) -> (usize, usize) {
    let room = columns.saturating_sub(of(text));
    let before = match align {
        Align::Left => 0,
        Align::Right => room,
        Align::Center => room / 2,
    };
    (before, room - before)
}
