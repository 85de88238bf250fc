//! Finds mathematics in text.

use std::ops::Range;

use super::parse::{Malformed, parse, parse_command};
use super::render::render;
use super::{Kind, Segment};

/// Longest formulas looked for, in bytes: what opens and does not close
/// within this is text. Keeps the scan linear on hostile input.
const INLINE_MAX: usize = 2_000;
const DISPLAY_MAX: usize = 16_000;

/// `source` with its mathematics made readable. Segments stand in the order
/// of the text; nothing but delimiters and TeX's own marks is left out.
#[must_use]
pub fn readable(source: &str) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut text_from = 0;
    let mut at = 0;
    while let Some(next) = source.get(at..).and_then(|rest| rest.find(['$', '\\'])) {
        let start = at + next;
        match formula(source, start) {
            Some((mut found, end)) => {
                push_text(&mut segments, source, text_from..start);
                segments.append(&mut found);
                (at, text_from) = (end, end);
            }
            None => at = skip(source, start),
        }
    }
    push_text(&mut segments, source, text_from..source.len());
    merge(segments, source)
}

/// Behind a mark that begins no formula.
fn skip(source: &str, start: usize) -> usize {
    let rest = source.get(start..).unwrap_or_default();
    // `$$` and `\\` are skipped whole, or their second half would be tried.
    let marks = if rest.starts_with("$$") || rest.starts_with("\\\\") {
        2
    } else {
        1
    };
    start + marks
}

/// Where formulas and known commands stand in `source`, delimiters included:
/// what [`readable`] would rewrite.
#[must_use]
pub fn formulas(source: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = source.get(at..).and_then(|rest| rest.find(['$', '\\'])) {
        let start = at + next;
        at = match formula(source, start) {
            Some((_, end)) => {
                found.push(start..end);
                end
            }
            None => skip(source, start),
        };
    }
    found
}

fn push_text(segments: &mut Vec<Segment>, source: &str, range: Range<usize>) {
    if let Some(text) = source.get(range.clone()).filter(|text| !text.is_empty()) {
        segments.push(Segment {
            text: text.to_owned(),
            source: range,
            kind: Kind::Text,
        });
    }
}

/// The formula that begins at `start`, and where it ends.
fn formula(source: &str, start: usize) -> Option<(Vec<Segment>, usize)> {
    let rest = source.get(start..)?;
    let delimited = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)")];
    if let Some((open, close)) = delimited
        .into_iter()
        .find(|(open, _)| rest.starts_with(open))
    {
        let from = start + open.len();
        let inside = source.get(from..)?;
        let length = window(inside, DISPLAY_MAX).find(close)?;
        return drawn(source, from..from + length)
            .ok()
            .map(|found| (found, from + length + close.len()));
    }
    // Escaped by habit, outside of formulas too: `50\%`, `\$5`.
    if let Some(c) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next())
        && matches!(c, '$' | '%' | '&' | '#')
    {
        let plain = Segment {
            text: c.to_string(),
            source: start..start + 2,
            kind: Kind::Text,
        };
        return Some((vec![plain], start + 2));
    }
    if rest.starts_with('$') {
        let from = start + 1;
        let length = inline_length(source.get(from..)?)?;
        return drawn(source, from..from + length)
            .ok()
            .map(|found| (found, from + length + 1));
    }
    let (node, end) = parse_command(source, start).ok()?;
    Some((render(std::slice::from_ref(&node), Kind::Math), end))
}

fn drawn(source: &str, inside: Range<usize>) -> Result<Vec<Segment>, Malformed> {
    let nodes = parse(source, inside)?;
    Ok(render(&nodes, Kind::Math))
}

/// Length of `…` in `…$`, by the rule that tells mathematics from money: no
/// space inside the dollars, no digit behind them, no blank line between.
fn inline_length(inside: &str) -> Option<usize> {
    let window = window(inside, INLINE_MAX);
    if window.starts_with(char::is_whitespace) {
        return None;
    }
    let window = window.split("\n\n").next()?;
    let mut escaped = false;
    let mut before = '$';
    for (at, c) in window.char_indices() {
        if c == '$' && !escaped {
            let digit = inside
                .get(at + 1..)?
                .starts_with(|c: char| c.is_ascii_digit());
            return (at > 0 && !before.is_whitespace() && !digit).then_some(at);
        }
        escaped = c == '\\' && !escaped;
        before = c;
    }
    None
}

/// At most `bytes` of `text`, cut at a character.
fn window(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Joins neighbours that are verbatim and stand side by side in the source.
fn merge(segments: Vec<Segment>, source: &str) -> Vec<Segment> {
    let verbatim =
        |segment: &Segment| source.get(segment.source.clone()) == Some(segment.text.as_str());
    let mut merged: Vec<Segment> = Vec::new();
    for segment in segments {
        match merged.last_mut() {
            Some(last)
                if last.kind == segment.kind
                    && last.source.end == segment.source.start
                    && verbatim(last)
                    && verbatim(&segment) =>
            {
                last.text.push_str(&segment.text);
                last.source.end = segment.source.end;
            }
            _ => merged.push(segment),
        }
    }
    merged
}
