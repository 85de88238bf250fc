//! Finding the final answer in a model's text.
//!
//! The last box wins, unless a statement after it corrects it; then the last
//! statement ("the answer is", `Answer:`, `#### N`); then what the text
//! concludes, where it ends as an answer does. Text inside `<think>` counts
//! only where nothing outside it holds an answer. Every search is one pass over
//! the text.

mod boxes;
mod conclusion;
mod number;
mod page;
mod sentence;
mod statement;
mod token;
mod value;
mod words;

use std::ops::Range;

pub use boxes::last_boxed;
use page::Page;
use statement::{Statement, last_statement};

/// An answer as the text has it, without the marks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    pub answer: String,
    /// What found it: `boxed`, `final-answer`, `answer-is`, `hash`,
    /// `conclusion` or `last-number`.
    pub rule: &'static str,
    /// Bytes of the text that hold it.
    pub span: Range<usize>,
}

/// Most bytes of the end of a text that are searched.
const SEARCHED: usize = 1 << 20;

/// The final answer of `text`; `None` where there is none.
pub fn extract(text: &str) -> Option<Extracted> {
    let text_start = text.floor_char_boundary(text.len().saturating_sub(SEARCHED));
    let whole = text_start..text.len();
    let spoken = outside_thought(text, whole.clone());
    extract_in(text, spoken.clone())
        .or_else(|| (spoken != whole).then(|| extract_in(text, whole)).flatten())
}

/// The formulas of `text` between marks, each with its marks and without them,
/// in the order of the text.
pub(super) fn formulas(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let formulas = Page::new(text).formulas.into_iter();
    formulas
        .map(|formula| (formula.outer, formula.inner))
        .collect()
}

/// The yes or no with which the last sentence of `text` begins, or the first
/// one, where the text has no other answer: "Therefore, no." Only for questions
/// that ask for it.
pub fn yes_or_no(text: &str) -> Option<Extracted> {
    const LEADS: [&str; 8] = [
        "so",
        "thus",
        "therefore",
        "hence",
        "the",
        "answer",
        "is",
        "statement",
    ];
    const ANSWERS: [&str; 4] = ["yes", "no", "true", "false"];
    let spoken = outside_thought(text, 0..text.len());
    let ends = |c: char| matches!(c, '.' | '!' | '?' | '\n');
    let trimmed = text[spoken.clone()].trim_end_matches(|c: char| ends(c) || c.is_whitespace());
    let last = trimmed.rfind(ends).map_or(0, |at| at + 1);
    let first_end = trimmed.find(ends).unwrap_or(trimmed.len());
    for sentence in [last..trimmed.len(), 0..first_end] {
        let mut at = sentence.start;
        for word in trimmed[sentence].split_inclusive(|c: char| !c.is_alphanumeric()) {
            let plain = word
                .trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase();
            if ANSWERS.contains(&plain.as_str()) {
                let start = spoken.start + at;
                let length = word.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
                let span = start..start + length;
                return Some(Extracted {
                    answer: text[span.clone()].to_owned(),
                    rule: "yes-no",
                    span,
                });
            }
            if !plain.is_empty() && !LEADS.contains(&plain.as_str()) {
                break;
            }
            at += word.len();
        }
    }
    None
}

/// The part after the last closed thought, up to a thought that never closes.
fn outside_thought(text: &str, within: Range<usize>) -> Range<usize> {
    const MARKS: [(&str, &str); 5] = [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ];
    let searched = &text[within.clone()];
    let start = MARKS
        .iter()
        .filter_map(|(_, close)| searched.rfind(close).map(|at| at + close.len()))
        .max()
        .unwrap_or(0);
    let end = MARKS
        .iter()
        .filter_map(|(open, _)| searched[start..].find(open))
        .min()
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
    let page = Page::new(part);
    if let Some((_, boxed)) = last_boxed(part) {
        let cue = first_of(&page.lower[boxed.end..], CORRECTIONS.iter().chain(DOUBTS))
            .map(|at| boxed.end + at);
        let corrected = last_statement(&page, |statement| corrects(&page, &boxed, cue, statement))
            .map(|statement| (statement.range, statement.rule));
        return Some(found(corrected.unwrap_or((boxed, "boxed"))));
    }
    match last_statement(&page, |_| true) {
        Some(statement) => {
            // What a text concludes after taking its statement back.
            let later = first_of(&page.lower[statement.range.end..], CORRECTIONS)
                .is_some()
                .then(|| conclusion::conclusion(&page))
                .flatten()
                .filter(|(range, _)| range.start > statement.range.end);
            let stated = (statement.range, statement.rule);
            let answer = later.unwrap_or(stated);
            // The text says that there is no value.
            (!answer.0.is_empty()).then(|| found(answer))
        }
        None => conclusion::conclusion(&page).map(found),
    }
}

/// Whether a statement takes back the box before it: it is explicit, or follows
/// a word of correction at `cue`. A plain remark ("the answer is rounded") does
/// not; an answer in words has to be both.
fn corrects(page: &Page, boxed: &Range<usize>, cue: Option<usize>, statement: &Statement) -> bool {
    let after = statement.start.min(statement.range.start) >= boxed.end;
    let explicit = statement.rule == "final-answer";
    let corrected = cue.is_some_and(|cue| cue < statement.start);
    let words = page.text[statement.range.clone()].split(' ').count();
    after
        && if statement.solid {
            explicit || corrected
        } else {
            explicit && corrected && words <= 2 && !statement.range.is_empty()
        }
}

/// Words that say that what came before them is wrong.
const CORRECTIONS: &[&str] = &[
    "wait,",
    "correction",
    "correcting",
    "mistake",
    "wrong",
    "incorrect",
    "recheck",
    "not right",
    "not correct",
    "error",
    "recount",
    "recalculat",
    "corrected",
];

/// Words that, between a box and a statement, say that the statement corrects
/// the box.
const DOUBTS: &[&str] = &[
    "actually",
    "however",
    "instead",
    "wait",
    "hmm",
    "check",
    "fix",
    "redo",
    "revis",
    "oops",
    "sorry",
    "should be",
    "missed",
    "overlook",
    "forgot",
];

/// Where the first of `words` stands.
fn first_of<'w>(lower: &str, words: impl IntoIterator<Item = &'w &'w str>) -> Option<usize> {
    words.into_iter().filter_map(|word| lower.find(*word)).min()
}

#[cfg(test)]
mod tests;
