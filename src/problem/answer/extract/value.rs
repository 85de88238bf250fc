//! The value that follows the words of a statement.

use std::ops::Range;

use super::number::{is_sign, number_length};
use super::page::{Formula, Page, trim_blanks};
use super::words::words_value;

/// What stands after "the answer is".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stated {
    /// A value. `solid`: a formula or number, not words.
    Value { range: Range<usize>, solid: bool },
    /// The text says that there is no value.
    Denied,
    /// No value: the words were no statement.
    Nothing,
}

/// Longest statement taken as an answer, in bytes.
const STATEMENT: usize = 400;

/// Words between "is" and the value that say nothing.
const ADVERBS: &[&str] = &[
    "indeed",
    "therefore",
    "thus",
    "then",
    "simply",
    "just",
    "exactly",
    "precisely",
    "approximately",
    "about",
    "roughly",
    "around",
    "now",
    "also",
    "equal",
    "to",
    "actually",
    "hence",
    "clearly",
    "only",
    "still",
    "option",
    "choice",
    "is",
    "be",
    "are",
    "almost",
    "nearly",
    "finally",
    "again",
    "either",
    "both",
    "equals",
    "really",
];

/// The value after byte `from`.
pub(super) fn value_after(page: &Page, from: usize) -> Stated {
    let Some((start, emphasis)) = lead_in(page, from) else {
        return Stated::Nothing;
    };
    let found = match page.formula_at(start) {
        Some(formula) => formula_value(page, formula),
        None => plain_value(page, start, emphasis),
    };
    match found {
        // The text ends within the value.
        Stated::Value { range, .. } if page.unclosed.is_some_and(|at| at < range.end) => {
            Stated::Nothing
        }
        Stated::Value { range, .. } if range.is_empty() => Stated::Nothing,
        found => found,
    }
}

/// Where the value begins, past marks and adverbs, and the mark of emphasis it
/// is within.
fn lead_in<'a>(page: &Page<'a>, from: usize) -> Option<(usize, Option<&'a str>)> {
    let text = page.text;
    let mut at = from;
    let mut emphasis = None;
    while at < text.len() && at < from + 160 {
        let rest = &text[at..];
        let c = rest.chars().next()?;
        if page.formula_at(at).is_some() {
            return Some((at, emphasis));
        }
        if matches!(c, '*' | '`' | '_') {
            let run = rest.len() - rest.trim_start_matches(c).len();
            // Followed by a blank it closes what came before.
            let opens = rest[run..].starts_with(|c: char| !c.is_whitespace());
            emphasis = opens.then(|| &rest[..run]);
            at += run;
        } else if c.is_whitespace() || matches!(c, ':' | '=' | '≈' | '"' | '“' | '>') {
            at += c.len_utf8();
        } else if c == '#' || (c == '-' && rest.starts_with("- \\(") && page.line_start(at)) {
            at += 1;
        } else if c == ',' && at > from {
            // "is, therefore, 5".
            at += 1;
        } else {
            let word = &page.lower[at..at + word_length(rest)];
            if word.is_empty() || !ADVERBS.contains(&word) {
                return Some((at, emphasis));
            }
            at += word.len();
        }
    }
    None
}

pub(super) fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphabetic() && c != '\'' && c != '’')
        .unwrap_or(text.len())
}

/// A formula's content, or the list of formulas that it begins.
fn formula_value(page: &Page, formula: &Formula) -> Stated {
    let range = listed(page, formula);
    let solid = !range.is_empty();
    Stated::Value { range, solid }
}

/// The content of a formula; with the marks up to the last one where it begins
/// a list (`$x=1$ or $x=2$`).
pub(super) fn listed(page: &Page, formula: &Formula) -> Range<usize> {
    let mut last = formula;
    while let Some(next) = next_listed(page, last) {
        last = next;
    }
    if last == formula {
        trim_value(page.text, formula.inner.clone())
    } else {
        formula.outer.start..last.outer.end
    }
}

/// The formula that goes on the list that `formula` is in.
fn next_listed<'p>(page: &'p Page, formula: &Formula) -> Option<&'p Formula> {
    if formula.display {
        return None;
    }
    let rest = &page.text[formula.outer.end..];
    let inner_comma = page.text[formula.inner.clone()]
        .trim_end()
        .ends_with([',', ';']);
    let after = rest.trim_start_matches([' ', '\n']);
    let after_mark = after
        .strip_prefix([',', ';'])
        .unwrap_or(after)
        .trim_start_matches([' ', '\n']);
    let marked = inner_comma || after_mark.len() < after.len();
    let joined = ["and ", "or "]
        .into_iter()
        .find_map(|word| after_mark.strip_prefix(word))
        .map(str::trim_start);
    let next = match joined {
        Some(next) => next,
        None if marked => after_mark,
        None => return None,
    };
    let start = page.text.len() - next.len();
    page.formula_at(start).filter(|formula| !formula.display)
}

/// A number, an expression or words up to the end of the sentence.
fn plain_value(page: &Page, start: usize, emphasis: Option<&str>) -> Stated {
    let text = page.text;
    let limit = text.floor_char_boundary(start + STATEMENT);
    let mut end = page.sentence_end(start, limit);
    if let Some(close) = closing(page, start..end, emphasis) {
        end = close;
    }
    // A value longer than any answer, unless its first clause is one.
    let endless = end == limit && limit < text.len();
    if text[end..].starts_with('?') {
        return Stated::Nothing;
    }
    let sentence = start..end;
    let solid = is_solid(&text[sentence.clone()]);
    if !solid {
        return words_value(page, sentence, endless);
    }
    let range = trim_value(text, start..clause_end(page, &sentence));
    if endless && range.end == end {
        return Stated::Nothing;
    }
    Stated::Value { range, solid }
}

/// Where emphasis or an element closes within `range`.
fn closing(page: &Page, range: Range<usize>, emphasis: Option<&str>) -> Option<usize> {
    let part = &page.text[range.clone()];
    let own = emphasis.and_then(|mark| part.find(mark));
    let bold = part.match_indices("**").map(|(at, _)| at).find(|&at| {
        // `2**3` is a power.
        let power = part[at + 2..].starts_with(|c: char| c.is_alphanumeric() || "(-".contains(c))
            && part[..at].ends_with(|c: char| c.is_alphanumeric() || c == ')');
        // After a blank it opens bold text within the sentence.
        !power && !part[..at].ends_with(|c: char| c.is_whitespace() || c == '(')
    });
    let element = part.find("</");
    let at = [own, bold, element]
        .into_iter()
        .flatten()
        .filter(|at| *at > 0)
        .min()?;
    Some(range.start + at)
}

/// Whether a text begins as a number or expression does.
pub(super) fn is_solid(text: &str) -> bool {
    if number_length(text).is_some() {
        return true;
    }
    let Some(first) = text.chars().next() else {
        return false;
    };
    if matches!(
        first,
        '\\' | '(' | '[' | '{' | '√' | 'π' | '∞' | '|' | '$' | '∅' | '.'
    ) || is_sign(first)
    {
        return true;
    }
    let word = &text[..word_length(text)];
    if word.len() == 1 && first.is_ascii_uppercase() && text[1..].starts_with(')') {
        // `C) 24`: an option.
        return true;
    }
    let after = text[word.len()..].trim_start();
    let short = word.chars().count() <= 2;
    let applied = matches!(word, "ln" | "log" | "sin" | "cos" | "tan" | "exp" | "sqrt");
    if applied && after.starts_with(|c: char| c.is_ascii_digit() || c == '(') {
        return true;
    }
    (short || FUNCTIONS.contains(&word))
        && after.starts_with([
            '=', '^', '(', '+', '-', '−', '*', '/', '<', '>', '≤', '≥', '∈', '_', '²', '³', 'ⁿ',
            '⁴', '·', '×',
        ])
}

/// The end of the clause that a value begins: units belong to it, reasons do
/// not.
fn clause_end(page: &Page, sentence: &Range<usize>) -> usize {
    const CLAUSES: &[&str] = &[
        " because",
        " since ",
        " which ",
        " so ",
        " as ",
        " where ",
        " given ",
        " after ",
        " considering",
        " assuming",
        " in total",
        " altogether",
        ";",
        " — ",
        "...",
        "…",
        " instead",
        " and this",
        " and that",
        " and we",
        " and the",
        " and it",
        " and so",
        " not ",
        " but ",
        " by ",
        " with ",
        " i hope",
        " →",
        " ✓",
        " ✅",
    ];
    let mut end = first_of(page, sentence, CLAUSES);
    let text = &page.text[sentence.start..end];
    // Conditions without a value of their own.
    for word in [" for ", " when ", " if "] {
        if let Some(at) = text.find(word)
            && !text[at..].contains(|c: char| c.is_ascii_digit() || matches!(c, '=' | '<' | '>'))
        {
            end = end.min(sentence.start + at);
        }
    }
    for (at, mark) in text.match_indices([',', '(', '–', '-']) {
        let place = sentence.start + at;
        if page.formula_around(place).is_some() {
            continue;
        }
        let after = &text[at + mark.len()..];
        let spaced = text[..at].ends_with(' ');
        let ends = match mark {
            // A comma goes on only before a further value.
            "," => after.starts_with(' ') && !goes_on(page, place + 1),
            "(" => spaced && begins_word(after),
            _ => spaced && after.starts_with(' ') && begins_word(after.trim_start()),
        };
        if ends {
            return end.min(place);
        }
    }
    end
}

fn begins_word(text: &str) -> bool {
    let length = word_length(text);
    length >= 3 && !FUNCTIONS.contains(&&text[..length])
}

/// Words that belong to an expression in plain text.
const FUNCTIONS: [&str; 14] = [
    "sqrt", "cbrt", "sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "exp", "pi", "binom",
    "infinity",
];

/// Whether a list goes on with a value after the comma before `at`.
fn goes_on(page: &Page, at: usize) -> bool {
    let rest = page.text[at..].trim_start();
    let rest = ["and ", "or "]
        .into_iter()
        .find_map(|word| rest.strip_prefix(word))
        .unwrap_or(rest);
    page.formula_at(page.text.len() - rest.len()).is_some() || is_solid(rest)
}

/// Where the first of `marks` outside formulas stands in `sentence`.
pub(super) fn first_of(page: &Page, sentence: &Range<usize>, marks: &[&str]) -> usize {
    let lower = &page.lower[sentence.clone()];
    marks
        .iter()
        .filter_map(|mark| {
            lower
                .match_indices(mark)
                .map(|(at, _)| sentence.start + at)
                .find(|at| *at > sentence.start && page.formula_around(*at).is_none())
        })
        .min()
        .unwrap_or(sentence.end)
}

/// The range without blanks, emphasis and closing marks at its ends.
pub(super) fn trim_value(text: &str, range: Range<usize>) -> Range<usize> {
    let range = trim_blanks(text, range);
    let part = &text[range.clone()];
    let edge = |c: char| c.is_whitespace() || matches!(c, '*' | '`' | '"' | '“' | '”');
    let start = range.start + (part.len() - part.trim_start_matches(edge).len());
    let mut end = range.start
        + part
            .trim_end_matches(|c| edge(c) || matches!(c, ',' | ';' | ':'))
            .len();
    // A full stop after the value; an ellipsis belongs to it.
    if text[start..end.max(start)].ends_with('.') && !text[start..end].ends_with("..") {
        end -= 1;
    }
    start..end.max(start)
}
