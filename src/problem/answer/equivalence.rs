//! Comparing an answer with the gold answer: exact values, then plain text.
//! What is not understood is `ungraded`, never silently wrong.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

use super::normal::{LONGEST, normal};
use super::number::{self, Number};
use super::{Grade, Grader, Verdict, extract};

/// How two answers compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub verdict: Verdict,
    /// `exact-rational`, `exact-string` or `text`; `unknown` where ungraded.
    pub rule: &'static str,
    /// Why it could not be decided; set iff ungraded.
    pub reason: Option<String>,
}

impl Comparison {
    fn decided(equal: bool, rule: &'static str) -> Self {
        let verdict = if equal {
            Verdict::Correct
        } else {
            Verdict::Wrong
        };
        Self {
            verdict,
            rule,
            reason: None,
        }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Ungraded,
            rule: "unknown",
            reason: Some(reason.into()),
        }
    }
}

/// Compares `answer` with `gold`. The work is bounded: both are at most a few
/// kilobytes, and no power is ever expanded.
pub fn compare(gold: &str, answer: &str) -> Comparison {
    let (Some(gold_plain), Some(answer_plain)) = (normal(gold), normal(answer)) else {
        return Comparison::unknown(format!("an answer of more than {LONGEST} bytes"));
    };
    if gold_plain.is_empty() || answer_plain.is_empty() {
        return Comparison::unknown("an empty answer");
    }
    if let (Some(gold), Some(answer)) = (number::parse(&gold_plain), number::parse(&answer_plain))
        && (gold.name.is_none() || answer.name.is_none() || gold.name == answer.name)
    {
        return Comparison::decided(same_value(&gold, &answer), "exact-rational");
    }
    if gold_plain == answer_plain {
        return Comparison::decided(true, "exact-string");
    }
    match (Word::of(&gold_plain), Word::of(&answer_plain)) {
        (Some(gold), Some(answer)) => Comparison::decided(gold == answer, "text"),
        (Some(Word::Truth(gold)), None) => match leading_truth(&answer_plain) {
            Some(answer) => Comparison::decided(gold == answer, "text"),
            None => not_understood(gold_plain, answer_plain),
        },
        _ => not_understood(gold_plain, answer_plain),
    }
}

fn not_understood(gold: String, answer: String) -> Comparison {
    const SHOWN: usize = 60;
    let short = |mut text: String| {
        if text.len() > SHOWN {
            text.truncate(text.floor_char_boundary(SHOWN));
            text.push('…');
        }
        text
    };
    Comparison::unknown(format!(
        "neither rule decides whether `{}` equals `{}`",
        short(answer),
        short(gold)
    ))
}

/// Equal values; a percentage also equals its hundredth. A gold fraction or
/// decimal below 1 is only equal to the percentage of that value.
fn same_value(gold: &Number, answer: &Number) -> bool {
    let hundredth = |value: &BigRational| value / BigRational::from(BigInt::from(100));
    match (gold.percent, answer.percent) {
        (true, true) | (false, false) => gold.value == answer.value,
        (true, false) => {
            gold.value == answer.value && !is_share(&answer.value)
                || hundredth(&gold.value) == answer.value
        }
        (false, true) => {
            gold.value == answer.value && !is_share(&gold.value)
                || gold.value == hundredth(&answer.value)
        }
    }
}

/// A proper fraction: as a share it is meant, not as a number of percent.
fn is_share(value: &BigRational) -> bool {
    !value.is_integer() && value.abs() < BigRational::one()
}

/// An answer that is a word or an option, so that another one is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// Yes or no, true or false.
    Truth(bool),
    /// One capital letter, as of an option: `C`, `(C)`.
    Option(char),
    /// A word in lower case.
    Plain(String),
}

/// Shortest word that is not taken for a product of variables.
const SHORTEST_WORD: usize = 3;
const LONGEST_WORD: usize = 24;

impl Word {
    fn of(plain: &str) -> Option<Self> {
        let inner = plain
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(plain);
        // The parentheses may be inside or outside of a `\text{}`.
        let inner = inner
            .strip_prefix("\\text{")
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(inner)
            .trim();
        if !inner.chars().all(char::is_alphabetic) {
            return None;
        }
        let mut chars = inner.chars();
        if let (Some(letter), None) = (chars.next(), chars.next()) {
            return letter.is_uppercase().then_some(Self::Option(letter));
        }
        let word = inner.to_lowercase();
        if let Some(truth) = truth(&word) {
            return Some(Self::Truth(truth));
        }
        let has_vowel = word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        let fits = (SHORTEST_WORD..=LONGEST_WORD).contains(&word.chars().count());
        (fits && has_vowel).then_some(Self::Plain(word))
    }
}

fn truth(word: &str) -> Option<bool> {
    match word {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// The yes or no with which a sentence begins.
fn leading_truth(plain: &str) -> Option<bool> {
    let plain = plain.strip_prefix("\\text{").unwrap_or(plain);
    let word = plain
        .split(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    truth(&word.to_lowercase())
}

/// The rule-based grader: extraction, then [`compare`].
///
/// - no gold answer: `ungraded`, rule `no-gold`;
/// - no answer in the text: `wrong`, rule `no-answer`, also where the text was
///   cut off (a trajectory's end says that by itself);
/// - otherwise the verdict and rule of [`compare`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleGrader;

impl Grader for RuleGrader {
    fn name(&self) -> &str {
        "rules-v1"
    }

    fn grade(&self, gold: Option<&str>, text: &str) -> Grade {
        let extracted = extract(text);
        let Some(gold) = gold.filter(|gold| !gold.trim().is_empty()) else {
            return Grade {
                verdict: Verdict::Ungraded,
                extracted: extracted.map(|found| found.answer),
                rule: "no-gold".to_owned(),
                reason: Some("no gold answer".to_owned()),
            };
        };
        let Some(found) = extracted else {
            return Grade {
                verdict: Verdict::Wrong,
                extracted: None,
                rule: "no-answer".to_owned(),
                reason: None,
            };
        };
        let comparison = compare(gold, &found.answer);
        Grade {
            verdict: comparison.verdict,
            extracted: Some(found.answer),
            rule: comparison.rule.to_owned(),
            reason: comparison.reason,
        }
    }
}

#[cfg(test)]
mod tests;
