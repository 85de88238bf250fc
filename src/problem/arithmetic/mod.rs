//! The arithmetic that a text shows: `12 \times 5 = 60`, worked out again.
//!
//! ```text
//! text ─token▶ tokens ─chain▶ two sides of a sign ─operand▶ trees ─judge▶ verdict
//! ```
//!
//! A false alarm is worse than an error that goes unseen: a side counts only
//! where every sign of it was read and nothing around it can belong to it. A
//! letter, a ratio, a mixed number, a clock's time, a function's brackets, a
//! remainder, units that would have to be converted: none of these is judged.
//! What is rounded in the text is compared as far as its digits are shown.
//!
//! Everything is bounded, and nothing is executed: sides are trees of exact
//! fractions, evaluated on a counted budget.

mod chain;
mod judge;
mod operand;
mod token;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use serde::Serialize;

/// Bytes of a text that are looked at; a step is shorter, or it is no step.
const MOST_BYTES: usize = 1 << 16;
/// Equalities that are judged of one text.
const MOST_EQUALITIES: usize = 400;

/// Whether an equality holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    Right,
    Wrong,
    /// It was read, and may or may not be meant so: a rounded integer, units
    /// that differ, a value that is no fraction.
    Undecided,
}

/// An equality between numbers in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equality {
    /// Bytes of the sides in the text.
    pub left: Range<usize>,
    pub right: Range<usize>,
    pub holds: Holds,
    /// What the sides come to, of one that does not hold.
    pub values: Option<[String; 2]>,
    /// Whether the sides are more than a number as it is written.
    pub worked: [bool; 2],
}

impl Equality {
    /// Bytes of the whole.
    pub fn span(&self) -> Range<usize> {
        self.left.start..self.right.end
    }

    /// What is wrong with it: `12 × 5 = 60, the text says 50`. `shown` gives
    /// mathematics as it is to be read.
    pub fn told(&self, text: &str, shown: impl Fn(&str) -> String) -> String {
        let side = |range: &Range<usize>| {
            let written = text.get(range.clone()).unwrap_or_default();
            let written = written.replace("\\$", "").replace('$', "");
            // It may stand in several lines, aligned, and far apart.
            let written = written.replace(['&', '~'], " ");
            let words: Vec<&str> = written.split_whitespace().collect();
            shown(&words.join(" "))
        };
        let (left, right) = (side(&self.left), side(&self.right));
        let Some([a, b]) = &self.values else {
            return format!("{left} and {right}");
        };
        match self.worked {
            [true, true] => format!("{left} = {a}, but {right} = {b}"),
            [false, true] => format!("{right} = {b}, the text says {left}"),
            _ => format!("{left} = {a}, the text says {right}"),
        }
    }
}

/// The equalities of a text that could be read, in order.
pub fn equalities(text: &str) -> Vec<Equality> {
    let mut end = text.len().min(MOST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    if !text.contains(['=', '≈']) && !text.contains("\\approx") {
        return Vec::new();
    }
    let tokens = token::tokens(text);
    let pairs = chain::pairs(text, &tokens);
    let mut judge = judge::Judge::new(text);
    pairs
        .take(MOST_EQUALITIES)
        .map(|pair| judge.judge(&pair))
        .collect()
}

/// What all equalities of a text come to: wrong as soon as one is, right where
/// one is and none is wrong; `None` where there is none that could be read.
///
/// Expressions ask it of the same steps again and again: the last answers are
/// kept.
pub fn verdict(text: &str) -> Option<Holds> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let key = (text.len(), hasher.finish());
    if let Some(known) = ANSWERS.with_borrow(|answers| answers.get(&key).copied()) {
        return known;
    }
    let found = equalities(text);
    let some = |holds| found.iter().any(|equality| equality.holds == holds);
    let answer = [Holds::Wrong, Holds::Right, Holds::Undecided]
        .into_iter()
        .find(|&holds| some(holds));
    ANSWERS.with_borrow_mut(|answers| {
        if answers.len() >= MOST_ANSWERS {
            answers.clear();
        }
        answers.insert(key, answer);
    });
    answer
}

/// Answers that are kept.
const MOST_ANSWERS: usize = 1 << 14;

thread_local! {
    /// By the length and the hash of a text.
    static ANSWERS: RefCell<HashMap<(usize, u64), Option<Holds>>> = RefCell::default();
}
