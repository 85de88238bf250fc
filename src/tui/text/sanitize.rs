//! Makes untrusted text safe to show: a model may write anything, and a
//! terminal obeys what it is sent.

use std::borrow::Cow;

use crate::trace::visible::is_unsafe;

use super::width;

/// Columns of a tab.
const TAB: usize = 4;

/// `text` without escape sequences, control characters, bidi controls and
/// invisible characters; tabs become spaces up to the next tab stop, `\r\n`
/// and lone `\r` become `\n`. Newlines stay. Idempotent; borrows clean text.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || !is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut line_start = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                out.push('\n');
                line_start = out.len();
            }
            '\r' => {
                // Of `\r\n` the `\n` follows by itself.
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                    line_start = out.len();
                }
            }
            '\t' => {
                let column = out.get(line_start..).map_or(0, width::of);
                out.extend(std::iter::repeat_n(' ', TAB - column % TAB));
            }
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            c if is_unsafe(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As [`sanitize`], on one line: newlines become spaces. For titles and rows.
#[must_use]
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    match sanitize(text) {
        clean if !clean.contains('\n') => clean,
        clean => Cow::Owned(clean.replace('\n', " ")),
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Skips what follows an ESC.
fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        // OSC, DCS, SOS, PM and APC: strings up to BEL or ST.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        // Intermediates, then one final character.
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips the parameters and the final character of a control sequence.
fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Skips a control string up to its terminator. An unterminated one ends
/// with its line: otherwise one stray `ESC ]` would swallow the whole text.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}
