//! Boxes: `\boxed{…}`, `\fbox{…}`, and `\boxed 5` without braces.

use std::ops::Range;

use super::number::number_length;

const NAMES: [&str; 3] = ["boxed", "fbox", "framebox"];

/// Content and place of the last whole, not empty `\boxed{…}` or `\fbox{…}`;
/// of nested ones the outermost. `\boxed 5` counts as `\boxed{5}`.
pub fn last_boxed(text: &str) -> Option<(&str, Range<usize>)> {
    let bytes = text.as_bytes();
    // Of every open brace, where the content begins if a box opens there.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let Some(name_end) = box_name(text, at) else {
                    // The command, or the escaped mark, says nothing of boxes.
                    at += 2;
                    continue;
                };
                let blanks = bytes[name_end..]
                    .iter()
                    .take_while(|byte| **byte == b' ')
                    .count();
                let content = name_end + blanks;
                if bytes.get(content) == Some(&b'{') {
                    open.push(Some(content + 1));
                    at = content + 1;
                } else {
                    // The number is searched on: it holds no brace of its own.
                    if let Some(end) = bare_content(text, content) {
                        last = Some(content..end);
                    }
                    at = name_end;
                }
            }
            b'{' => {
                open.push(None);
                at += 1;
            }
            b'}' => {
                if let Some(Some(start)) = open.pop()
                    && !is_placeholder(&text[start..at])
                {
                    last = Some(start..at);
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    last.map(|range| (&text[range.clone()], range))
}

/// Where the name of the box that begins at the backslash `at` ends.
fn box_name(text: &str, at: usize) -> Option<usize> {
    let name = text.get(at + 1..)?;
    let known = NAMES.into_iter().find(|known| name.starts_with(known))?;
    let end = at + 1 + known.len();
    // `\boxedx` is another command.
    (!text[end..].starts_with(|c: char| c.is_ascii_alphabetic())).then_some(end)
}

/// The end of a box content that has no braces around it: a number, one
/// letter, or one command with its arguments. Prose (`\boxed notation`) is no
/// content.
fn bare_content(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    if let Some(length) = number_length(rest) {
        return Some(start + length);
    }
    if let Some(command) = rest.strip_prefix('\\') {
        let name = command.bytes().take_while(u8::is_ascii_alphabetic).count();
        let mut end = start + 1 + name;
        while text[end..].starts_with('{') {
            end += group_length(&text[end..])?;
        }
        // A command without argument is a letter (`\pi`) or a space.
        return (name > 0 && end > start + 1 + name).then_some(end);
    }
    let mut chars = rest.chars();
    let letter = chars.next().filter(char::is_ascii_uppercase)?;
    (!chars.next().is_some_and(char::is_alphanumeric)).then_some(start + letter.len_utf8())
}

/// Length of the group in braces that `text` begins with; `None` where it does
/// not close within the longest answer.
fn group_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().take(400) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a box holds nothing, or only tells where an answer would go.
fn is_placeholder(content: &str) -> bool {
    let content = content.trim();
    let inner = content
        .strip_prefix("\\text{")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(content)
        .trim();
    inner.is_empty()
        || inner.chars().all(|c| matches!(c, '.' | '…' | ' ' | '_'))
        || [
            "\\ldots",
            "\\dots",
            "\\cdots",
            "answer",
            "final answer",
            "your answer",
        ]
        .iter()
        .any(|known| inner.eq_ignore_ascii_case(known))
}
