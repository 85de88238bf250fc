//! A text with its formulas and sentences.

use std::ops::Range;

/// A formula within its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Formula {
    /// With the marks.
    pub outer: Range<usize>,
    /// Without the marks.
    pub inner: Range<usize>,
    /// On lines of its own.
    pub display: bool,
}

/// A text, read once.
pub(super) struct Page<'a> {
    pub text: &'a str,
    /// Same length as `text`, so that places agree.
    pub lower: String,
    /// In the order of the text; none overlaps another.
    pub formulas: Vec<Formula>,
    /// Where the formula begins that the text ends within.
    pub unclosed: Option<usize>,
}

/// Environments that are formulas without further marks.
const DISPLAYS: [&str; 9] = [
    "align*",
    "align",
    "equation*",
    "equation",
    "gather*",
    "gather",
    "eqnarray*",
    "eqnarray",
    "multline*",
];

impl<'a> Page<'a> {
    pub fn new(text: &'a str) -> Self {
        let (mut formulas, dollars, marked_open) = marked(text);
        let (by_dollar, dollar_open) = between_dollars(text, &dollars);
        formulas.extend(by_dollar);
        formulas.sort_by_key(|formula| formula.outer.start);
        let last_end = formulas.last().map_or(0, |formula| formula.outer.end);
        let unclosed = marked_open
            .into_iter()
            .chain(dollar_open)
            .filter(|at| *at >= last_end)
            .min();
        Page {
            text,
            lower: text.to_ascii_lowercase(),
            formulas,
            unclosed,
        }
    }

    /// The formula that begins at `at`.
    pub fn formula_at(&self, at: usize) -> Option<&Formula> {
        self.formulas
            .binary_search_by_key(&at, |formula| formula.outer.start)
            .ok()
            .map(|index| &self.formulas[index])
    }

    /// The formula that `at` is within.
    pub fn formula_around(&self, at: usize) -> Option<&Formula> {
        let after = self
            .formulas
            .partition_point(|formula| formula.outer.start <= at);
        let formula = &self.formulas[after.checked_sub(1)?];
        (at < formula.outer.end).then_some(formula)
    }

    /// The formulas that begin within `range`.
    pub fn formulas_in(&self, range: &Range<usize>) -> &[Formula] {
        let from = self
            .formulas
            .partition_point(|formula| formula.outer.start < range.start);
        let to = self
            .formulas
            .partition_point(|formula| formula.outer.start < range.end);
        &self.formulas[from..to.max(from)]
    }

    /// The end of the sentence, or line, that holds `from`, before its mark.
    pub fn sentence_end(&self, from: usize, limit: usize) -> usize {
        let mut at = from;
        while at < limit {
            if let Some(formula) = self.formula_at(at) {
                at = formula.outer.end;
                if self.formula_ends_sentence(formula) {
                    return at.min(limit);
                }
                continue;
            }
            let Some(c) = self.text[at..].chars().next() else {
                break;
            };
            if c == '\n' && !self.line_continues(at) || self.stops(from, at, c) {
                return at;
            }
            at += c.len_utf8();
        }
        limit
    }

    /// The sentences of `range`, without blanks at their ends.
    pub fn sentences(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut sentences = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = self.sentence_end(start, range.end);
            // With its marks and what closes quotes and emphasis.
            let rest = &self.text[end..range.end];
            let closed = rest.len()
                - rest
                    .trim_start_matches(['.', '!', '?', '*', '"', '”', ')', '`'])
                    .len();
            let sentence = trim_blanks(self.text, start..end + closed);
            if !sentence.is_empty() {
                sentences.push(sentence);
            }
            let next = end + closed;
            start = if next > start {
                next
            } else {
                // A line end: one byte.
                start + 1
            };
        }
        sentences
    }

    /// Whether a mark `c` at `at` ends the sentence that began at `from`.
    fn stops(&self, from: usize, at: usize, c: char) -> bool {
        const SHORT: [&str; 9] = [
            "i.e", "e.g", "approx", "vs", "etc", "resp", "no", "eq", "cf",
        ];
        if !matches!(c, '.' | '!' | '?') {
            return false;
        }
        // A longer run of marks is no sentence's end: the search stays linear.
        let after = &self.text[at + 1..self.text.floor_char_boundary(at + 65)];
        let length = after.len();
        let after = after.trim_start_matches(['.', '!', '?']);
        let ellipsis = after.len() < length;
        let after = after.trim_start_matches(['*', '_', '"', '”', ')', '`']);
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return false;
        }
        let before = &self.text[from.min(at)..at];
        let word = before
            .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '*'))
            .next()
            .unwrap_or_default();
        // `3. Replace the digits`: the number of a list; `i.e.`: short forms.
        let first = before.trim_start().len() == word.len();
        let numbers_list = c == '.'
            && !ellipsis
            && first
            && word.len() <= 2
            && !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_digit())
            && self.line_start(at - word.len())
            && after.starts_with(' ');
        let short = c == '.' && SHORT.iter().any(|known| word.eq_ignore_ascii_case(known));
        !(numbers_list || short)
    }

    /// Whether only blanks and marks of emphasis stand before `at` on its line.
    pub fn line_start(&self, at: usize) -> bool {
        self.text[..at]
            .trim_end_matches([' ', '\t', '*', '_', '#', '>', '`'])
            .chars()
            .next_back()
            .is_none_or(|c| c == '\n')
    }

    /// Whether the line break at `at` is only a wrap of a running sentence.
    fn line_continues(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\r']);
        self.text[at + 1..].starts_with(|c: char| c.is_ascii_lowercase())
            && before.ends_with(|c: char| c.is_alphanumeric() || c == ',')
    }

    /// Whether a sentence ends with a formula that holds the full stop, or with
    /// a display before a new sentence.
    fn formula_ends_sentence(&self, formula: &Formula) -> bool {
        let rest = self.text[formula.outer.end..].trim_start();
        let begins = rest.starts_with(|c: char| c.is_uppercase());
        let stopped = self.text[formula.inner.clone()].trim_end().ends_with('.');
        begins && (stopped || formula.display)
    }
}

/// The range without blanks at its ends.
pub(super) fn trim_blanks(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let end = range.start + part.trim_end().len();
    start..end.max(start)
}

/// Formulas with marks that pair by their looks, the single dollars outside
/// them, and where the last one opens that never closes.
fn marked(text: &str) -> (Vec<Formula>, Vec<usize>, Option<usize>) {
    let bytes = text.as_bytes();
    let mut formulas = Vec::new();
    let mut dollars = Vec::new();
    // Where a formula opened, where its content begins, and what closes it.
    let mut open: Option<(usize, usize, &str)> = None;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        if let Some((outer, inner, close)) = open {
            let environment = close.len() > 2;
            let closes = match environment {
                true => rest.strip_prefix("\\end{").is_some_and(|name| {
                    name.strip_prefix(close)
                        .is_some_and(|rest| rest.starts_with('}'))
                }),
                false => rest.starts_with(close),
            };
            if closes {
                let length = match environment {
                    true => "\\end{}".len() + close.len(),
                    false => close.len(),
                };
                formulas.push(Formula {
                    outer: outer..at + length,
                    inner: inner..at,
                    display: close != "\\)",
                });
                open = None;
                at += length;
            } else if close == "\\)" && (rest.starts_with("\n\n") || rest.starts_with("\\(")) {
                // Never closed in its paragraph: a slip, not the text's end.
                open = None;
            } else if close == "\\]" && rest.starts_with("\\[") {
                open = Some((at, at + 2, close));
                at += 2;
            } else {
                at = next_mark(bytes, at);
            }
            continue;
        }
        let opened = match bytes[at] {
            b'\\' if rest.starts_with("\\(") => Some((2, "\\)")),
            b'\\' if rest.starts_with("\\[") => Some((2, "\\]")),
            b'\\' => rest.strip_prefix("\\begin{").and_then(|name| {
                let known = DISPLAYS.into_iter().find(|known| {
                    name.strip_prefix(known)
                        .is_some_and(|rest| rest.starts_with('}'))
                })?;
                Some(("\\begin{}".len() + known.len(), known))
            }),
            b'$' if rest.starts_with("$$") => Some((2, "$$")),
            _ => None,
        };
        if let Some((length, close)) = opened {
            open = Some((at, at + length, close));
            at += length;
        } else {
            if bytes[at] == b'$' {
                dollars.push(at);
            }
            at = next_mark(bytes, at);
        }
    }
    (formulas, dollars, open.map(|(outer, ..)| outer))
}

/// The next character border, past an escaped mark.
fn next_mark(bytes: &[u8], at: usize) -> usize {
    let escaped = bytes[at] == b'\\'
        && bytes
            .get(at + 1)
            .is_some_and(|next| matches!(next, b'\\' | b'$' | b'{' | b'}'));
    let mut next = at + 1 + usize::from(escaped);
    while bytes
        .get(next)
        .is_some_and(|byte| (0x80..0xc0).contains(byte))
    {
        next += 1;
    }
    next
}

/// Pairs single dollars; one that has no partner is money. Also where a
/// formula opens that the text ends within.
fn between_dollars(text: &str, dollars: &[usize]) -> (Vec<Formula>, Option<usize>) {
    let mut formulas: Vec<Formula> = Vec::new();
    let mut typeset = false;
    let mut index = 0;
    let mut lone = None;
    while let Some(&open) = dollars.get(index) {
        lone = Some(open);
        if let Some(&close) = dollars.get(index + 1)
            && is_formula(&text[open + 1..close], &text[close + 1..])
        {
            typeset |= text[open + 1..close].contains(['\\', '^', '_', '=']) || close == open + 2;
            formulas.push(Formula {
                outer: open..close + 1,
                inner: open + 1..close,
                display: false,
            });
            lone = None;
            index += 2;
        } else {
            index += 1;
        }
    }
    let unclosed = lone.filter(|&open| {
        let rest = &text[open + 1..];
        let amount = rest
            .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.'))
            .trim_start_matches([')', '*', '`', ' ']);
        let is_money = rest.starts_with(|c: char| c.is_ascii_digit())
            && (amount.len() < rest.len())
            && !amount.starts_with(['^', '\\', '_', '+', '=', '(']);
        // Where dollars mark formulas, a lone one at the end opens the next.
        let calculated = rest.starts_with("<<");
        !rest.trim_end().contains('\n')
            && !rest.trim().is_empty()
            && !calculated
            && (!is_money || typeset && amount.is_empty())
    });
    (formulas, unclosed)
}

/// Whether what stands between two dollars is a formula, and not prose between
/// two amounts of money.
fn is_formula(content: &str, after: &str) -> bool {
    let money = content.starts_with(|c: char| c.is_ascii_digit())
        && (content.ends_with(char::is_whitespace) || content.ends_with(['(', '-', '*', '+', '=']));
    if content.trim().is_empty()
        || content.contains("\n\n")
        || content.starts_with("<<")
        || money
        || after.starts_with(|c: char| c.is_ascii_digit())
    {
        return false;
    }
    if content.contains('\\') {
        return true;
    }
    let words = content
        .split_whitespace()
        .filter(|word| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .count();
    let stop = content
        .split_once(". ")
        .is_some_and(|(_, next)| next.starts_with(|c: char| c.is_uppercase()));
    // "The answer is $Two lines$."
    let all = content.split_whitespace().count();
    let named = all <= 3
        && content.starts_with(char::is_alphabetic)
        && content.ends_with(char::is_alphabetic)
        && (after.is_empty() || after.starts_with(['.', '\n', '*']));
    (words < 2 || named) && !stop
}
