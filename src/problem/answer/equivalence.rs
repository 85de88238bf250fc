//! Comparing an answer with the gold answer as a careful marker would.
//!
//! Exact values decide; where no exact form is found, balls that surely hold
//! the true value prove a difference, and equality is accepted only where they
//! agree far below the smallest term in sight. What cannot be decided within
//! bounds is `ungraded`, never silently wrong.

mod equation;
mod expression;
mod outcome;
mod quantity;
mod region;
mod sample;
mod shape;
mod signs;
mod solve;
mod text;
mod vector;

#[cfg(test)]
mod tests;

use outcome::Outcome;

use super::Verdict;
use super::budget::Budget;
use super::extract::{extract, last_boxed};
use super::math::node::Constant;
use super::math::{self, Node, Others, ParseError, Reading};
use super::value::Ring;

/// Longest answer that is looked into, in bytes; a longer one is only equal to
/// itself.
const LONGEST: usize = 24_576;
/// Longest normal form that is kept, in bytes.
const LONGEST_FORM: usize = 400;

/// How two answers compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub verdict: Verdict,
    /// What decided: `exact-string`, `exact-rational`, `canonical-form`,
    /// `numeric`, a shape such as `set` or `interval`, `text` …; `unknown`
    /// where ungraded.
    pub rule: &'static str,
    /// Why it could not be decided; set iff ungraded.
    pub reason: Option<String>,
}

/// The forms in which two answers were compared, for people: canonical where
/// there is one, plain text elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Forms {
    pub gold: String,
    pub answer: String,
}

/// Compares under one budget.
struct Matcher<'b> {
    budget: &'b Budget,
}

/// Compares `answer` with `gold`. The work is bounded whatever the input;
/// what hits a bound is ungraded.
pub fn compare(gold: &str, answer: &str) -> Comparison {
    let outcome = decided(gold, answer);
    let (verdict, rule, reason) = match outcome {
        Outcome::Equal(rule) => (Verdict::Correct, rule, None),
        Outcome::Different(rule) => (Verdict::Wrong, rule, None),
        Outcome::Unknown(reason) => (Verdict::Ungraded, "unknown", Some(reason)),
    };
    Comparison {
        verdict,
        rule,
        reason,
    }
}

/// The normal forms of both, for people. Costs about as much as comparing.
pub fn forms(gold: &str, answer: &str) -> Forms {
    Forms {
        gold: form(gold),
        answer: form(answer),
    }
}

fn decided(gold: &str, answer: &str) -> Outcome {
    if gold.len().max(answer.len()) > LONGEST {
        // Not even without blanks: a pair may not take long.
        return match gold.trim() == answer.trim() {
            true => Outcome::Equal("exact-string"),
            false => Outcome::unknown(format!("an answer of more than {LONGEST} bytes")),
        };
    }
    let plain = (squeezed(gold), squeezed(answer));
    if plain.0 == plain.1 && !plain.0.is_empty() {
        return Outcome::Equal("exact-string");
    }
    let gold = &*stated(gold);
    let answer = &*mended(answer);
    let plain = (squeezed(gold), squeezed(answer));
    if plain.0.is_empty() || plain.1.is_empty() {
        return Outcome::unknown("an empty answer");
    }
    if plain.0 == plain.1 {
        return Outcome::Equal("exact-string");
    }
    if text::unfaced(gold) == text::unfaced(answer)
        || text::is_words(gold)
            && text::is_words(answer)
            && text::words_of(gold) == text::words_of(answer)
    {
        return Outcome::Equal("text");
    }
    if let Some(outcome) = marked(gold, answer) {
        return outcome;
    }
    let budget = Budget::new(Budget::PAIR);
    let matcher = Matcher { budget: &budget };
    let first = matcher.read(gold, answer, Reading::FIRST);
    if first.outcome.is_equal() {
        return first.outcome;
    }
    let mut outcome = first.outcome;
    for reading in first.others.readings() {
        outcome = outcome.or_else(|| matcher.read(gold, answer, reading).outcome);
    }
    outcome
}

/// Whether a gold answer is yes or no, so that the answer to it may be one word
/// of a sentence.
pub(super) fn is_yes_or_no(gold: &str) -> bool {
    text::stated_truth(gold).is_some()
}

/// Options and yes or no, which the gold answer alone makes such.
fn marked(gold: &str, answer: &str) -> Option<Outcome> {
    if let Some(gold) = text::stated_truth(gold) {
        let is_value = || answer.contains(|c: char| c.is_ascii_digit()) && !answer.contains(' ');
        return Some(match text::leading_truth(answer) {
            Some(answer) => Outcome::decided(gold == answer, "yes-no"),
            None if is_value() => Outcome::Different("yes-no"),
            None => Outcome::unknown("it says neither yes nor no"),
        });
    }
    if let Some(gold) = text::option(gold)
        && let Some(answer) = text::leading_option(answer)
    {
        return Some(Outcome::decided(gold == answer, "option"));
    }
    None
}

/// What one reading came to, and which others might differ.
struct ReadOutcome {
    outcome: Outcome,
    others: Others,
}

impl Matcher<'_> {
    fn read(&self, gold: &str, answer: &str, reading: Reading) -> ReadOutcome {
        /// Units a byte takes to be read, at most.
        const A_BYTE: u64 = 60;
        let bytes = (gold.len() + answer.len()) as u64;
        if self.budget.spend(bytes * A_BYTE).is_err() {
            return ReadOutcome {
                outcome: expression::exhausted(),
                others: Others::default(),
            };
        }
        let both = (math::parse(gold, reading), math::parse(answer, reading));
        let (mut gold, mut answer) = match both {
            (Ok(gold), Ok(answer)) => (gold, answer),
            (gold_read, answer_read) => {
                return ReadOutcome {
                    outcome: unread(gold, answer, gold_read, answer_read),
                    others: Others::default(),
                };
            }
        };
        for (letter, constant) in [("I", Constant::I), ("E", Constant::E)] {
            same_constant(&mut gold.node, &mut answer.node, letter, constant);
        }
        ReadOutcome {
            outcome: self.nodes(&gold.node, &answer.node),
            others: gold.others.or(answer.others),
        }
    }
}

/// Makes `I` the imaginary unit, and `E` the base of ln, where the other side
/// writes them in small letters.
fn same_constant(gold: &mut Node, answer: &mut Node, letter: &str, constant: Constant) {
    let constant = Node::Constant(constant);
    let letter = Node::symbol(letter);
    let has_constant = |node: &Node| node.any(&|node| *node == constant);
    let has_letter = |node: &Node| node.any(&|node| *node == letter);
    if has_constant(gold) && !has_constant(answer) && has_letter(answer) {
        answer.replace(&letter, &constant);
    } else if has_constant(answer) && !has_constant(gold) && has_letter(gold) {
        gold.replace(&letter, &constant);
    }
}

/// Where a side is no mathematics that can be read: as text.
fn unread(
    gold: &str,
    answer: &str,
    gold_read: Result<math::Parsed, ParseError>,
    answer_read: Result<math::Parsed, ParseError>,
) -> Outcome {
    match (&gold_read, &answer_read) {
        // Words without any number where a value is asked for.
        (Ok(parsed), Err(_)) if !is_worded(&parsed.node) => {
            if text::is_prose(answer) {
                return Outcome::Different("text");
            }
        }
        _ if text::is_prose(gold) && text::is_prose(answer) => {
            return text::same_words(gold, answer);
        }
        _ => {
            if text::loosely(gold) == text::loosely(answer) {
                return Outcome::Equal("text");
            }
        }
    }
    let reason = |side: &str, read: Result<math::Parsed, ParseError>| {
        read.err()
            .map(|error| format!("the {side} cannot be read: {error}"))
    };
    let reason = reason("gold answer", gold_read).or_else(|| reason("answer", answer_read));
    Outcome::Unknown(reason.unwrap_or_else(|| "it cannot be read".to_owned()))
}

fn is_worded(node: &Node) -> bool {
    matches!(node, Node::Words(_) | Node::Letters(_))
}

/// The gold answer itself where a data set gives a sentence around it, or a
/// box.
fn stated(gold: &str) -> std::borrow::Cow<'_, str> {
    let boxed = last_boxed(gold).map(|(inner, _)| inner);
    if let Some(inner) = boxed {
        return mended(inner);
    }
    let words = gold
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphabetic) && word.len() > 1)
        .count();
    if words >= 4 {
        if let Some(formula) = only_formula(gold) {
            return mended(formula);
        }
        if gold.contains(" is ")
            && (gold.contains("\\(") || gold.contains('$'))
            && let Some(found) = extract(gold)
        {
            return std::borrow::Cow::Owned(mended(&found.answer).into_owned());
        }
    }
    mended(gold)
}

/// The formula of a sentence that holds just one.
fn only_formula(text: &str) -> Option<&str> {
    for (open, close) in [("\\(", "\\)"), ("$", "$"), ("\\[", "\\]")] {
        let Some((_, rest)) = text.split_once(open) else {
            continue;
        };
        let (inner, after) = rest.split_once(close)?;
        let alone = !after.contains(open) && !after.contains(|c: char| c.is_ascii_digit());
        return alone.then_some(inner);
    }
    None
}

/// Escapes that became control characters on the way (`\frac` with a form
/// feed) put back.
fn mended(text: &str) -> std::borrow::Cow<'_, str> {
    // A form feed at the beginning may be the half of `\f`.
    let text = text.trim_matches([' ', '\n']);
    let bold = |text| str::strip_prefix(text, "**").and_then(|inner| inner.strip_suffix("**"));
    let text = bold(text)
        .filter(|inner| !inner.contains("**"))
        .unwrap_or(text);
    const DAMAGED: [(&str, &str); 9] = [
        ("\u{c}rac", "\\frac"),
        ("\u{8}inom", "\\binom"),
        ("\u{8}oxed", "\\boxed"),
        ("\u{8}egin", "\\begin"),
        ("\u{8}eta", "\\beta"),
        ("\text", "\\text"),
        ("\times", "\\times"),
        ("\theta", "\\theta"),
        ("\right", "\\right"),
    ];
    if text.chars().any(is_fullwidth) {
        return std::borrow::Cow::Owned(text.chars().map(narrowed).collect());
    }
    let damaged = |text: &str| text.contains(['\u{c}', '\u{8}', '\t', '\r']);
    if !damaged(text) {
        return std::borrow::Cow::Borrowed(text);
    }
    let mut mended = text.to_owned();
    for (damaged, whole) in DAMAGED {
        mended = mended.replace(damaged, whole);
    }
    std::borrow::Cow::Owned(mended)
}

/// Letters, digits and signs as wide as Chinese ones.
fn is_fullwidth(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}')
}

fn narrowed(c: char) -> char {
    const OFFSET: u32 = 0xfee0;
    if is_fullwidth(c) {
        char::from_u32(u32::from(c) - OFFSET).unwrap_or(c)
    } else {
        c
    }
}

/// The text without blanks, mathematics marks and the full stop: what is equal
/// so is equal without being understood.
fn squeezed(text: &str) -> String {
    let text = text.trim();
    let text = match text.strip_suffix(['.', ',', ';']) {
        // Dots say that something goes on.
        Some(rest) if !rest.ends_with('.') => rest,
        _ => text,
    };
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '$' | '~' | '`') {
            blank = true;
            continue;
        }
        // Between two digits or letters a blank means something.
        let joins = |c: char| c.is_alphanumeric() || c == ',';
        if blank && joins(c) && out.chars().next_back().is_some_and(joins) {
            out.push(' ');
        }
        blank = false;
        out.push(c);
    }
    out
}

/// One normal form.
fn form(text: &str) -> String {
    let budget = Budget::new(Budget::PAIR / 4);
    let mut form = if text.len() > LONGEST {
        text[..text.floor_char_boundary(LONGEST_FORM + 1)].to_owned()
    } else {
        let stated = stated(text);
        let parsed = math::parse(&stated, Reading::FIRST).ok();
        let canonical = parsed.and_then(|parsed| form_of(&parsed.node, &budget));
        canonical.unwrap_or_else(|| squeezed(&stated))
    };
    if form.len() > LONGEST_FORM {
        form.truncate(form.floor_char_boundary(LONGEST_FORM));
        form.push('…');
    }
    form
}

fn form_of(node: &Node, budget: &Budget) -> Option<String> {
    let ring = Ring::new(budget);
    let many = |items: &[Node]| {
        let forms: Option<Vec<String>> = items.iter().map(|item| form_of(item, budget)).collect();
        forms.map(|forms| forms.join(", "))
    };
    match node {
        Node::Set(items) | Node::List(items) => many(items).map(|inner| format!("{{{inner}}}")),
        Node::Group { items, .. } => many(items).map(|inner| format!("({inner})")),
        Node::Percent(inner) => form_of(inner, budget).map(|inner| format!("{inner} %")),
        Node::Words(words) => Some(words.clone()),
        Node::Quantity { value, .. } => form_of(value, budget),
        expression if expression.is_expression() => {
            let form = ring.form(expression).ok()?;
            ring.text(&form).ok()
        }
        _ => None,
    }
}
