//! The value that one sentence states.

use std::ops::Range;

use super::number::{Relation, is_sign, is_symbol, is_value, last_member, relations};
use super::page::{Page, trim_blanks};
use super::token::{Kind, Token, tokens};
use super::value::{listed, trim_value};

/// Words that a value follows.
pub(super) const COPULAS: &[&str] = &[
    "is", "are", "was", "were", "be", "equals", "equal", "becomes", "has", "have", "had", "=", "≈",
    "gives", "yields", "get", "gets", "obtain", "makes", "earns", "answer", "that's", "remain",
    "remains", "being", "costs", "cost", "giving",
];

/// Words between a copula and its value that say nothing.
pub(super) const ADVERBS: &[&str] = &[
    "approximately",
    "about",
    "around",
    "roughly",
    "exactly",
    "precisely",
    "indeed",
    "only",
    "also",
    "simply",
    "then",
    "therefore",
    "thus",
    "just",
    "equal",
    "to",
    "now",
    "still",
    "both",
    "either",
    "a",
    "total",
    "of",
    "given",
    "by",
    "at",
    "least",
    "most",
    "profit",
    "the",
    "number",
    "actually",
    "left",
    "with",
    "always",
    "been",
    "clearly",
    "us",
    "nearly",
    "almost",
    "hence",
    "as",
    "follows",
];

/// Words that begin a condition.
const SUBORDINATES: &[&str] = &[
    "where", "when", "if", "since", "because", "for", "given", "assuming", "whenever",
];

/// The value that a whole sentence states: bold text, what follows the last
/// "is", or, where `cue` says that the sentence concludes, its only number.
pub(super) fn value_in_sentence(
    page: &Page,
    sentence: &Range<usize>,
    cue: bool,
) -> Option<Range<usize>> {
    let all = tokens(page, sentence);
    let spoken: Vec<&Token> = all
        .iter()
        .filter(|token| !token.is_mark(&['`', '_', '*', '"', '“', '”']))
        .collect();
    if let Some(range) = bold_value(page, &spoken, cue) {
        return Some(range);
    }
    if let Some(range) = copula_value(page, &spoken) {
        return Some(range);
    }
    let lower = &page.lower[sentence.clone()];
    if !cue {
        return None;
    }
    let values: Vec<&Token> = spoken
        .iter()
        .copied()
        .filter(|token| token.is_value())
        .collect();
    let last = *values.last()?;
    // "Therefore, 4 guests did not come": the count comes first.
    let leads = values.len() == 1 && spoken.iter().take(3).any(|token| token.range == last.range);
    if !leads
        && [" not ", "cannot", "n't ", " no "]
            .iter()
            .any(|word| lower.contains(word))
    {
        return None;
    }
    // "Hence, $x^3 = 12$ cm."
    if last.kind == Kind::Formula {
        let after = spoken
            .iter()
            .filter(|token| token.range.start > last.range.start && token.kind == Kind::Word);
        if let Some(formula) = page.formula_at(last.range.start)
            && (after.count() <= 3
                || values.len() == 1 && is_value(&page.text[formula.inner.clone()]))
        {
            let range = formula_value(page, formula.inner.clone(), true)?;
            let told = !relations(&page.text[formula.inner.clone()]).is_empty();
            if told || values.len() == 1 {
                return Some(range);
            }
        }
    }
    let computed = computed_before(page, sentence.start);
    let numbers: Vec<&Token> = values
        .iter()
        .copied()
        .filter(|token| token.kind == Kind::Number)
        .collect();
    let same = |token: &&&Token| {
        computed.as_deref() == Some(&digits_of(&page.text[token.range.clone()])[..])
    };
    let token = match &numbers[..] {
        [only] if values.len() == 1 => only,
        _ => numbers.iter().rev().find(same)?,
    };
    Some(token.range.clone())
}

/// Digits of a number, for comparing it with another one.
fn digits_of(number: &str) -> String {
    number
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect()
}

/// The number after the last equals sign before `at`: what a text has just
/// computed.
fn computed_before(page: &Page, at: usize) -> Option<String> {
    let from = page.text.floor_char_boundary(at.saturating_sub(400));
    let before = &page.text[from..at];
    let sign = before.rfind(['=', '≈'])?;
    let rest = before[sign..].trim_start_matches(['=', '≈', ' ', '\\', '$', '*', '(']);
    let digits: String = digits_of(
        rest.split(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.' | '{' | '}')))
            .next()?,
    );
    let digits = digits.trim_end_matches('.').to_owned();
    (!digits.is_empty()).then_some(digits)
}

/// The last bold value of a sentence; with a cue also a bold word.
fn bold_value(page: &Page, spoken: &[&Token], cue: bool) -> Option<Range<usize>> {
    let last = spoken.iter().rposition(|token| token.bold)?;
    let mut first = last;
    while first > 0
        && spoken[first - 1].bold
        && spoken[first].range.start - spoken[first - 1].range.end <= 2
    {
        first -= 1;
    }
    let bold = &spoken[first..=last];
    // A label (`**Conclusion:** …`) is no value.
    if bold.last().is_some_and(|token| token.is_mark(&[':']))
        || page.text[bold[0].range.start..].starts_with("Step")
    {
        return None;
    }
    let follows = spoken
        .get(last + 1)
        .is_some_and(|token| token.is_mark(&[':']));
    let holds = bold.iter().any(|token| token.is_value());
    if follows || !(holds || cue && bold.len() <= 3) {
        return None;
    }
    if bold.len() > 6 {
        return copula_value(page, bold);
    }
    if let [token] = bold {
        return value_range(page, token);
    }
    let range = bold[0].range.start..bold[bold.len() - 1].range.end;
    Some(trim_value(page.text, range))
}

/// What follows the last "is" that a value follows, unless that "is" stands in
/// a condition after an earlier one.
fn copula_value(page: &Page, spoken: &[&Token]) -> Option<Range<usize>> {
    let word = |token: &Token| &page.lower[token.range.clone()];
    let mut chosen: Option<(usize, Range<usize>)> = None;
    let mut index = 0;
    while index < spoken.len() {
        let token = spoken[index];
        let copula = COPULAS.contains(&word(token)) || token.is_mark(&['=', '≈', ':']);
        index += 1;
        if !copula {
            continue;
        }
        let mut value = index;
        while spoken
            .get(value)
            .is_some_and(|token| ADVERBS.contains(&word(token)) || token.is_mark(&[':', '(']))
        {
            value += 1;
        }
        let Some(next) = spoken.get(value).filter(|token| token.is_value()) else {
            continue;
        };
        let conditional = chosen.as_ref().is_some_and(|(end, _)| {
            spoken[*end..index]
                .iter()
                .any(|token| SUBORDINATES.contains(&word(token)))
        });
        if conditional {
            continue;
        }
        if let Some((range, end)) = series(page, spoken, value) {
            chosen = Some((end, range));
            index = end.max(index);
        } else if next.kind == Kind::Formula {
            // A formula without value: what follows may have one.
            index = value;
        }
    }
    chosen.map(|(_, range)| range)
}

/// The value at `from`, or the list that it begins, and the token after it.
fn series(page: &Page, spoken: &[&Token], from: usize) -> Option<(Range<usize>, usize)> {
    let token = spoken[from];
    if token.kind == Kind::Formula {
        let formula = page.formula_at(token.range.start)?;
        let range = listed(page, formula);
        let end = spoken
            .iter()
            .skip(from)
            .take_while(|token| token.range.start < range.end)
            .count();
        let alone = end <= 1;
        let text = &page.text[range.clone()];
        let ends = spoken[from + end.max(1)..]
            .iter()
            .all(|token| token.is_mark(&['.', ')', '!']));
        // "where \(n\) is": an unknown is an answer only as the last word.
        if alone && !ends && is_symbol(text) && !is_value(text) && relations(text).is_empty() {
            return None;
        }
        let whole = is_equation_asked(page, token.range.start) && relations(text).len() == 1;
        let range = if alone && !whole {
            formula_value(page, range, true)?
        } else {
            range
        };
        // "\(x\) = 5": the value is yet to come.
        if alone
            && spoken
                .get(from + 1)
                .is_some_and(|token| token.is_mark(&['=', '≈']))
        {
            return None;
        }
        return Some((range, from + end.max(1)));
    }
    let mut last = from;
    let mut next = from + 1;
    while let Some(token) = spoken.get(next) {
        let joins =
            token.is_mark(&[',']) || matches!(&page.lower[token.range.clone()], "and" | "or");
        if token.is_value() && next > last + 1 {
            last = next;
        } else if !joins {
            break;
        }
        next += 1;
    }
    let first = value_range(page, token)?;
    Some((first.start..spoken[last].range.end, last + 1))
}

/// Whether the words before `at` ask for an equation: its last member alone
/// would not do.
pub(super) fn is_equation_asked(page: &Page, at: usize) -> bool {
    let from = page.text.floor_char_boundary(at.saturating_sub(120));
    let before = &page.lower[from..at];
    before.rfind("equation").is_some_and(|found| {
        !before[found..].contains(['.', '\n']) || before[found..].trim_end().ends_with(':')
    })
}

/// The value of one token.
pub(super) fn value_range(page: &Page, token: &Token) -> Option<Range<usize>> {
    match page.formula_at(token.range.start) {
        Some(formula) => formula_value(page, formula.inner.clone(), true),
        None => Some(trim_blanks(page.text, token.range.clone())),
    }
}

/// What a formula comes to: the last member of an equation where that is a
/// value; where a cue announces it, the whole formula otherwise.
pub(super) fn formula_value(page: &Page, inner: Range<usize>, cue: bool) -> Option<Range<usize>> {
    let inner = trim_value(page.text, inner);
    let text = &page.text[inner.clone()];
    if text.is_empty() {
        return None;
    }
    let relations = relations(text);
    // Several equations side by side are one answer.
    let several =
        text.contains("\\quad") || text.contains("\\text{ and") || text.contains("\\text{ or");
    let lone = match &relations[..] {
        [] => return (cue || is_value(text)).then_some(inner),
        [first, ..] => is_symbol(&text[..first.0.start]),
    };
    if several && relations.len() > 1 {
        return cue.then_some(inner);
    }
    if is_unsolved(text, &relations) {
        return None;
    }
    if let Some(member) = last_member(text) {
        return Some(trim_value(
            page.text,
            inner.start + member.start..inner.start + member.end,
        ));
    }
    // `y = 2x + 1`, `x \leq 5`: an answer where one unknown stands on the left.
    (cue && lone && relations.len() == 1).then_some(inner)
}

/// Whether an equation is still to be solved: `2x = 20`, `(x - 1)(x - 2) = 0`.
fn is_unsolved(text: &str, relations: &[(Range<usize>, Relation)]) -> bool {
    let [(at, Relation::Equal)] = relations else {
        return false;
    };
    let (left, right) = (text[..at.start].trim(), text[at.end..].trim());
    let coefficient = left
        .trim_start_matches(is_sign)
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let multiple = coefficient.len() < left.len()
        && coefficient.len() == 1
        && coefficient.starts_with(|c: char| c.is_ascii_alphabetic());
    multiple || right.trim_end_matches('.') == "0" && !is_symbol(left) && !is_value(left)
}
