//! Finding the final answer in a model's text.
//!
//! The last `\boxed{}` wins, unless a sentence with "final answer" comes after
//! it; then the last statement ("the answer is", `Answer:`, `#### N`), then
//! the last number. Text inside `<think>` counts only where nothing outside it
//! holds an answer. Every search is one pass over the text.

use std::ops::Range;

/// An answer as the text has it, without the marks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    pub answer: String,
    /// What found it: `boxed`, `final-answer`, `answer-is`, `hash` or
    /// `last-number`.
    pub rule: &'static str,
    /// Bytes of the text that hold it.
    pub span: Range<usize>,
}

/// Most bytes of the end of a text that are searched.
const SEARCHED: usize = 1 << 20;
/// Most statements without a value that are passed over.
const ATTEMPTS: usize = 16;
/// Longest statement taken as an answer, in bytes.
const STATEMENT: usize = 400;

/// The final answer of `text`; `None` where there is none.
pub fn extract(text: &str) -> Option<Extracted> {
    let text_start = floor(text, text.len().saturating_sub(SEARCHED));
    let whole = text_start..text.len();
    let spoken = outside_thought(text, whole.clone());
    extract_in(text, spoken.clone())
        .or_else(|| (spoken != whole).then(|| extract_in(text, whole)).flatten())
}

/// The part after the last closed thought, up to a thought that never closes.
fn outside_thought(text: &str, within: Range<usize>) -> Range<usize> {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let searched = &text[within.clone()];
    let start = searched.rfind(CLOSE).map_or(0, |at| at + CLOSE.len());
    let end = searched[start..]
        .find(OPEN)
        .map_or(searched.len(), |at| start + at);
    within.start + start..within.start + end
}

fn extract_in(text: &str, within: Range<usize>) -> Option<Extracted> {
    let part = &text[within.clone()];
    let found = |(range, rule): (Range<usize>, &'static str)| {
        let answer = part[range.clone()].to_owned();
        Extracted {
            answer,
            rule,
            span: within.start + range.start..within.start + range.end,
        }
    };
    let statement = statement(part);
    if let Some((_, boxed)) = last_boxed(part) {
        // A correction after the box wins over the box.
        let corrected =
            statement.filter(|(range, rule)| *rule == "final-answer" && range.start > boxed.end);
        return Some(found(corrected.unwrap_or((boxed, "boxed"))));
    }
    statement
        .or_else(|| last_number(part).map(|range| (range, "last-number")))
        .map(found)
}

/// Content and place of the last whole, not empty `\boxed{…}` or `\fbox{…}`;
/// of nested ones the outermost.
pub fn last_boxed(text: &str) -> Option<(&str, Range<usize>)> {
    const NAMES: [&[u8]; 3] = [b"boxed", b"fbox", b"framebox"];
    let bytes = text.as_bytes();
    // Of every open brace, where the content begins if a box opens there.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let name = &bytes[at + 1..];
                let boxed = NAMES.iter().find(|known| name.starts_with(known));
                let mut next = at + 1 + boxed.map_or(1, |known| known.len());
                if boxed.is_some() {
                    let blanks = bytes.iter().skip(next).take_while(|b| **b == b' ').count();
                    if bytes.get(next + blanks) == Some(&b'{') {
                        next += blanks + 1;
                        open.push(Some(next));
                    }
                }
                at = next;
            }
            b'{' => {
                open.push(None);
                at += 1;
            }
            b'}' => {
                if let Some(Some(start)) = open.pop()
                    && !text[start..at].trim().is_empty()
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

/// The last statement of an answer and the rule that found it.
fn statement(text: &str) -> Option<(Range<usize>, &'static str)> {
    // Same length as `text`, so that places agree.
    let lower = text.to_ascii_lowercase();
    let mut end = lower.len();
    for _ in 0..ATTEMPTS {
        let (at, mark) = last_mark(&lower[..end])?;
        if let Some(range) = value_after(text, at + mark.words.len(), mark.rule == "hash") {
            return Some((range, mark.rule));
        }
        end = at;
    }
    None
}

struct Mark {
    words: &'static str,
    rule: &'static str,
    /// Only at the beginning of a line.
    starts_line: bool,
}

const MARKS: [Mark; 7] = [
    mark("final answer", "final-answer", false),
    mark("answer is", "answer-is", false),
    mark("answer:", "answer-is", false),
    mark("answer**:", "answer-is", false),
    mark("answer to the problem is", "answer-is", false),
    mark("a:", "answer-is", true),
    mark("####", "hash", true),
];

const fn mark(words: &'static str, rule: &'static str, starts_line: bool) -> Mark {
    Mark {
        words,
        rule,
        starts_line,
    }
}

/// The mark that begins last. "Final answer: the final answer is" is one
/// statement: what follows decides, so the later mark is asked first.
fn last_mark(lower: &str) -> Option<(usize, &'static Mark)> {
    MARKS
        .iter()
        .filter_map(|mark| last_place(lower, mark).map(|at| (at, mark)))
        // "final answer" and the "answer is" inside it are the same statement.
        .max_by_key(|(at, mark)| (at + mark.words.len(), *at))
        .map(|(at, found)| {
            let of_final = lower[..at].ends_with("final ") && found.words.starts_with("answer");
            if of_final {
                (at - "final ".len(), &MARKS[0])
            } else {
                (at, found)
            }
        })
}

fn last_place(lower: &str, mark: &Mark) -> Option<usize> {
    if !mark.starts_line {
        return lower.rfind(mark.words);
    }
    lower
        .rmatch_indices(mark.words)
        .map(|(at, _)| at)
        .find(|&at| at == 0 || lower.as_bytes()[at - 1] == b'\n')
}

/// The value stated after byte `from`: a formula, bold text, or the rest of
/// the sentence.
fn value_after(text: &str, from: usize, bare: bool) -> Option<Range<usize>> {
    let rest = &text[from..];
    let rest = &rest[..floor(rest, STATEMENT)];
    let start = from + lead_in(rest);
    let rest = &rest[start - from..];
    let line = rest.lines().next().unwrap_or_default();
    for (open, close) in [
        ("$$", "$$"),
        ("$", "$"),
        ("\\(", "\\)"),
        ("\\[", "\\]"),
        ("**", "**"),
    ] {
        if let Some(inner) = rest.strip_prefix(open)
            && let Some(end) = inner.find(close)
            && !inner[..end].trim().is_empty()
        {
            let begin = start + open.len();
            return Some(trim(text, begin..begin + end));
        }
    }
    let sentence = &line[..sentence_end(line)];
    let range = trim(text, start..start + sentence.len());
    let value = &text[range.clone()];
    // A heading (`#### Step 3: …`) states nothing.
    let heading = bare && !value.contains('\\') && value.split(' ').count() > 4;
    (!value.is_empty() && !heading && value.chars().any(char::is_alphanumeric)).then_some(range)
}

/// Bytes of the words and marks between "answer" and the value.
fn lead_in(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let skipped = rest
            .find(|c: char| !(c.is_whitespace() || matches!(c, ':' | '=' | '#')))
            .unwrap_or(rest.len());
        let rest = &rest[skipped..];
        let word = ["is ", "is:", "is\n", "**:", "**\n", "**\r\n", "** "]
            .into_iter()
            .find(|word| rest.starts_with(word));
        let bold_end = at == 0 && skipped == 0 && rest.starts_with("**");
        at += skipped;
        match word {
            Some(word) => at += word.len() - usize::from(word.ends_with('\n')),
            None if bold_end => at += 2,
            None => return at,
        }
    }
}

/// Where the sentence at the beginning of `line` ends: at a full stop that is
/// not within a number, or at the end of the line.
fn sentence_end(line: &str) -> usize {
    line.match_indices(['.', '!', '?'])
        .map(|(at, _)| at)
        .find(|&at| {
            line[at + 1..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace)
        })
        .unwrap_or(line.len())
}

/// The range without blanks and emphasis at its ends.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '*' | '`');
    let start = range.start + (part.len() - part.trim_start_matches(is_edge).len());
    let end = range.start + part.trim_end_matches(is_edge).len();
    start..end.max(start)
}

/// The last number of the text: with sign, thousands separators, decimals, a
/// following `%`, as `a/b` or `\frac{a}{b}`.
fn last_number(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let length = fraction(&bytes[at..]).or_else(|| plain_number(&bytes[at..]));
        at += length.unwrap_or(1);
        if length.is_some() {
            last = Some(signed(bytes, start)..at);
        }
    }
    last
}

/// Takes a minus before `start` that is a sign and not a difference.
fn signed(bytes: &[u8], start: usize) -> usize {
    let before = |back: usize| start.checked_sub(back).map(|at| bytes[at]);
    let minus = if before(1) == Some(b'-') {
        1
    } else if start >= 3 && bytes[start - 3..start] == *"\u{2212}".as_bytes() {
        3
    } else {
        return start;
    };
    match before(minus + 1) {
        Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b')' | b'}') => start,
        _ => start - minus,
    }
}

/// Length of `\frac{a}{b}` with plain numbers.
fn fraction(bytes: &[u8]) -> Option<usize> {
    let name = [&b"\\frac{"[..], b"\\dfrac{", b"\\tfrac{"]
        .into_iter()
        .find(|name| bytes.starts_with(name))?;
    let mut at = name.len();
    at += plain_number(&bytes[at..])?;
    at += usize::from(bytes[at..].starts_with(b"}{")) * 2;
    at += plain_number(&bytes[at..])?;
    (bytes.get(at) == Some(&b'}')).then_some(at + 1)
}

/// Length of a number that begins with a digit or `.5`.
fn plain_number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        bytes
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = digits(0);
    let leading = at;
    // A comma counts only between groups as of thousands.
    while (1..=3).contains(&leading) && bytes.get(at) == Some(&b',') && digits(at + 1) == 3 {
        at += 4;
    }
    if bytes.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if at == 0 {
        return None;
    }
    if bytes.get(at) == Some(&b'/') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if bytes[at..].starts_with(b"\\%") {
        at += 2;
    } else if bytes.get(at) == Some(&b'%') {
        at += 1;
    }
    Some(at)
}

/// The last character border at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests;
