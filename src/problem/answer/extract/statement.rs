//! Explicit statements: "the answer is", `Answer:`, `#### N`, `A: N`.

use std::ops::Range;

use super::number::number_length;
use super::page::Page;
use super::value::{Stated, value_after};

/// A statement of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// The value; empty where the text says that there is none.
    pub range: Range<usize>,
    pub rule: &'static str,
    /// Whether the value is a formula or number and not words.
    pub solid: bool,
    /// Where the statement's words begin.
    pub start: usize,
}

/// Most statements without a value that are passed over.
const ATTEMPTS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// "answer", or a word that stands for it.
    Noun(&'static str),
    /// `####` at the beginning of a line.
    Hash,
    /// `A:` at the beginning of a line.
    Letter(&'static str),
    /// `<answer>`.
    Element,
}

const MARKS: [(&str, Mark); 11] = [
    ("answer", Mark::Noun("answer")),
    ("option", Mark::Noun("option")),
    ("choice", Mark::Noun("choice")),
    ("result", Mark::Noun("result")),
    ("value", Mark::Noun("value")),
    ("solution", Mark::Noun("solution")),
    ("####", Mark::Hash),
    ("a:", Mark::Letter("a:")),
    ("ans:", Mark::Letter("ans:")),
    ("ans =", Mark::Letter("ans =")),
    ("<answer>", Mark::Element),
];

/// The last statement that holds a value, or denies that there is one, and that
/// `accept` takes.
pub(super) fn last_statement(
    page: &Page,
    accept: impl Fn(&Statement) -> bool,
) -> Option<Statement> {
    let mut marks: Vec<(usize, &str, Mark)> = MARKS
        .iter()
        .flat_map(|(words, mark)| {
            page.lower
                .match_indices(words)
                .map(move |(at, words)| (at, words, *mark))
        })
        .filter(|(at, _, mark)| stands_alone(page, *at, *mark))
        .collect();
    marks.sort_by_key(|(at, ..)| *at);
    marks
        .into_iter()
        .rev()
        .take(ATTEMPTS)
        .find_map(|(at, words, mark)| {
            (match mark {
                Mark::Noun(noun) => by_noun(page, at, noun),
                Mark::Hash => by_hash(page, at),
                Mark::Letter(_) => by_letter(page, at, words.len()),
                Mark::Element => statement(page, at, at + words.len(), "final-answer"),
            })
            .filter(&accept)
        })
}

/// Cheap tests, so that few marks are read on from.
fn stands_alone(page: &Page, at: usize, mark: Mark) -> bool {
    let before = page.text[..at].chars().next_back();
    match mark {
        Mark::Noun(_) => {
            page.formula_around(at).is_none()
                && before.is_none_or(|c| !c.is_alphanumeric() && c != '<' && c != '/')
        }
        Mark::Hash => before.is_none_or(|c| c == '\n') && !page.text[at + 4..].starts_with('#'),
        Mark::Letter(_) => {
            page.text[at..].starts_with('A')
                && before.is_none_or(|c| matches!(c, '\n' | '*'))
                && page.line_start(at)
        }
        Mark::Element => true,
    }
}

fn statement(page: &Page, start: usize, from: usize, rule: &'static str) -> Option<Statement> {
    let (range, solid) = match value_after(page, from) {
        Stated::Value { range, solid } => (range, solid),
        Stated::Denied => (from..from, false),
        Stated::Nothing => return None,
    };
    Some(Statement {
        range,
        rule,
        solid,
        start,
    })
}

/// `#### 12`; a heading (`#### Step 3: …`, `#### 2. Count`) states nothing.
fn by_hash(page: &Page, at: usize) -> Option<Statement> {
    let found = statement(page, at, at + 4, "hash")?;
    let line_end = page.text[at..]
        .find('\n')
        .map_or(page.text.len(), |end| at + end);
    let value = &page.text[found.range.clone()];
    let after = &page.text[found.range.end..line_end.max(found.range.end)];
    let (digits, rest) = value.split_at(value.bytes().take_while(u8::is_ascii_digit).count());
    let listed = !digits.is_empty() && rest.starts_with(['.', ')']) && rest[1..].starts_with(' ');
    let label = page.text[at..found.range.start].contains(char::is_alphabetic);
    // `#### Friday` at the very end is an answer in words.
    let words = value.split_whitespace().count() <= 3
        && !value.contains(':')
        && page.text[line_end..].trim().is_empty();
    let heading = (!found.solid || label) && !words
        || listed
        || found.range.start >= line_end
        || page.text[at..line_end].trim_end().trim_end_matches('*').ends_with(':')
        || value.split_whitespace().count() > 6 && !value.contains('\\')
        || after.split_whitespace().count() > 2
        || after.starts_with(['.', ')']) && after.trim_start_matches(['.', ')']).starts_with(' ')
        // More text below: only a number is no heading.
        || !page.text[line_end..].trim().is_empty() && number_length(value) != Some(value.len());
    (!heading).then_some(found)
}

/// `A: 12`; a list of options (`A: 1`, `B: 2`) states nothing.
fn by_letter(page: &Page, at: usize, length: usize) -> Option<Statement> {
    let found = statement(page, at, at + length, "answer-is")?;
    let next = page.text[found.range.end..]
        .trim_start_matches(|c: char| c != '\n')
        .trim_start_matches(['\n', '\r', ' ', '*', '-']);
    let option = length == 2 && next.starts_with("B:");
    (found.solid && !option).then_some(found)
}

/// "the answer is …", "Answer: …", a heading "Final Answer", "… is the answer".
fn by_noun(page: &Page, at: usize, noun: &'static str) -> Option<Statement> {
    let before = page.lower[..at].trim_end_matches([' ', '*', '_']);
    let adjective = [
        "final",
        "correct",
        "corrected",
        "right",
        "revised",
        "updated",
        "actual",
        "true",
    ]
    .into_iter()
    .find(|word| {
        before
            .strip_suffix(word)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
    });
    let start = adjective.map_or(at, |word| before.len() - word.len());
    let corrects = matches!(
        adjective,
        Some("correct" | "corrected" | "revised" | "updated")
    );
    let counts = match noun {
        "answer" => true,
        "result" | "solution" => corrects || adjective == Some("final"),
        _ => corrects,
    };
    if !counts || is_supposed(&page.lower[..start]) {
        return None;
    }
    let rule = if adjective.is_some() {
        "final-answer"
    } else {
        "answer-is"
    };
    match value_place(page, at + noun.len(), start) {
        Some(from) => statement(page, start, from, rule),
        None => inverted(page, at + noun.len(), start, rule),
    }
}

/// Whether the words before a statement only suppose it: "one might think".
fn is_supposed(before: &str) -> bool {
    const SUPPOSING: &[&str] = &[
        "if", "whether", "suppose", "assume", "assuming", "might", "may", "could", "would",
        "guess", "expect", "until", "unless",
    ];
    // Seven words stand within this much: the search stays linear.
    let clause = before[before.floor_char_boundary(before.len().saturating_sub(120))..]
        .rsplit(['.', ',', ';', ':', '\n', '!', '?'])
        .next()
        .unwrap_or_default();
    clause
        .rsplit(' ')
        .take(7)
        .any(|word| SUPPOSING.contains(&word.trim_matches(['*', '_'])))
}

/// Where the value may begin after the noun that ends at `from`.
fn value_place(page: &Page, from: usize, start: usize) -> Option<usize> {
    const LEADS: &[&str] = &[
        "to",
        "of",
        "for",
        "in",
        "here",
        "would",
        "should",
        "must",
        "will",
        "therefore",
        "then",
        "thus",
        "now",
        "that",
        "we",
        "given",
        "after",
        "rounded",
        "choice",
        "option",
        "comes",
        "turns",
        "as",
        "based",
    ];
    let text = page.text;
    let limit = text.floor_char_boundary(from + 160);
    let mut at = from + usize::from(page.lower[from..].starts_with('s'));
    if text[at..].starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let mut first = true;
    let mut modal = false;
    while at < limit {
        if let Some(formula) = page.formula_at(at) {
            // "the answer \(x\) is": not for a formula right after the noun.
            if first || formula.display {
                return None;
            }
            at = formula.outer.end;
            continue;
        }
        let c = text[at..].chars().next()?;
        match c {
            ':' | '=' | '≈' => return Some(at + c.len_utf8()),
            '→' | '⇒' => return Some(at + c.len_utf8()),
            '\n' | '\r' => {
                let rest = text[at..].trim_start();
                // A heading of its own, or a line wrapped before "is".
                return if first && page.line_start(start) && !rest.is_empty() {
                    Some(text.len() - rest.len())
                } else if rest.starts_with("is ") {
                    Some(text.len() - rest.len() + 3)
                } else {
                    None
                };
            }
            ' ' | '*' | '_' | '`' | '"' | '”' | ')' | '(' | '\'' | ',' | '-' => {
                at += c.len_utf8();
            }
            '.' | ';' | '!' | '?' => return None,
            _ => {
                let rest = &page.lower[at..];
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '\'')
                    .unwrap_or(rest.len());
                let word = &rest[..end];
                at += end.max(c.len_utf8());
                match word {
                    "is" | "are" | "was" | "equals" | "becomes" => return Some(at),
                    "be" if modal => return Some(at),
                    "should" | "must" | "would" | "will" | "to" => modal = true,
                    "could" | "might" | "may" | "can" => return None,
                    _ => {}
                }
                if first && !LEADS.contains(&word) && !text[..at - end].ends_with('(') {
                    return None;
                }
                first = false;
            }
        }
    }
    None
}

/// "24 is the answer", where the sentence ends with the noun.
fn inverted(page: &Page, noun_end: usize, start: usize, rule: &'static str) -> Option<Statement> {
    let text = page.text;
    let after = text[noun_end..].trim_start_matches(['*', '_', ')']);
    if !(after.is_empty() || after.starts_with(['.', '!', '\n'])) {
        return None;
    }
    let before = page.lower[..start].trim_end();
    let before = [
        "is the",
        "is our",
        "is indeed the",
        "is therefore the",
        "are the",
    ]
    .into_iter()
    .find_map(|words| before.strip_suffix(words))?;
    let end = before.trim_end_matches([' ', '*']).len();
    let formula = end
        .checked_sub(1)
        .and_then(|last| page.formula_around(text.floor_char_boundary(last)))
        .filter(|formula| formula.outer.end == end);
    let range = match formula {
        Some(formula) => super::value::trim_value(text, formula.inner.clone()),
        None => {
            let word_start = text[..end]
                .rfind(|c: char| c.is_whitespace() || c == '*')
                .map_or(0, |at| {
                    at + text[at..].chars().next().map_or(1, char::len_utf8)
                });
            let length = number_length(&text[word_start..end])?;
            (length == end - word_start).then_some(word_start..end)?
        }
    };
    Some(Statement {
        range,
        rule,
        solid: true,
        start,
    })
}
