//! The answer of a text that states none: what its last sentence, or its last
//! display, concludes.

use std::ops::Range;

use super::number::{Relation, is_symbol, relations};
use super::page::{Formula, Page};
use super::sentence::{
    ADVERBS, COPULAS, formula_value, is_equation_asked, value_in_sentence, value_range,
};
use super::token::{Kind, Token, tokens};
use super::value::trim_value;
use super::words::is_denial;

/// Most bytes of the end of a text that are read for a conclusion.
const TAIL: usize = 3000;
/// Most closing remarks that may follow the conclusion.
const REMARKS: usize = 3;

/// What the end of the text concludes. A text that breaks off concludes
/// nothing: the number that it happens to end with is no answer.
pub(super) fn conclusion(page: &Page) -> Option<(Range<usize>, &'static str)> {
    if page.unclosed.is_some() {
        return None;
    }
    let mut start = page
        .text
        .floor_char_boundary(page.text.len().saturating_sub(TAIL));
    if let Some(formula) = page.formula_around(start) {
        start = formula.outer.start;
    }
    let sentences = page.sentences(start..page.text.len());
    for (back, sentence) in sentences.iter().rev().take(REMARKS + 1).enumerate() {
        if is_denial(&page.lower[sentence.clone()]) {
            return None;
        }
        let index = sentences.len() - 1 - back;
        let lead = index.checked_sub(1).map(|before| sentences[before].clone());
        if let Some(found) = concluded(page, sentence.clone(), lead, back > 0) {
            return Some(found);
        }
        if !is_remark(page, sentence)
            && !is_condition(page, sentence, sentences.get(index.wrapping_sub(1)))
        {
            return None;
        }
    }
    None
}

/// Whether a sentence says nothing of values, so that the one before it may
/// still be the conclusion.
fn is_remark(page: &Page, sentence: &Range<usize>) -> bool {
    const DOUBTS: &[&str] = &[
        "too small",
        "too large",
        "not an integer",
        "contradict",
        "however",
        "but ",
        "wait",
        "would need",
        "incorrect",
        "wrong",
        "not correct",
        "depend",
    ];
    let text = &page.text[sentence.clone()];
    let lower = &page.lower[sentence.clone()];
    ends_sentence(page, sentence)
        && page.formulas_in(sentence).is_empty()
        && !text.contains(|c: char| c.is_ascii_digit())
        && (!supposes(lower) || lower.contains("let me know") || lower.contains("feel free"))
        && !DOUBTS.iter().any(|word| lower.contains(word))
}

/// Whether a line goes on the display before it: "for all positive $n$".
fn is_condition(page: &Page, sentence: &Range<usize>, before: Option<&Range<usize>>) -> bool {
    let lower = &page.lower[sentence.clone()];
    let goes_on = ["for ", "where ", "with ", "when "]
        .iter()
        .any(|word| lower.starts_with(word));
    goes_on
        && ends_sentence(page, sentence)
        && before
            .and_then(|before| page.formula_around(before.end.checked_sub(1)?))
            .is_some_and(|formula| formula.display)
}

/// Whether the sentence ends with a full stop, within a formula or not.
fn ends_sentence(page: &Page, sentence: &Range<usize>) -> bool {
    let text = page.text[sentence.clone()]
        .trim_end_matches(['*', '_', '"', '”', ')', '`', '$', ']', '\\', ' ', '\n']);
    text.ends_with(['.', '!'])
}

/// The value that a sentence at the end of the text concludes. `past`: remarks
/// follow it.
fn concluded(
    page: &Page,
    sentence: Range<usize>,
    lead: Option<Range<usize>>,
    past: bool,
) -> Option<(Range<usize>, &'static str)> {
    let all = tokens(page, &sentence);
    let spoken: Vec<&Token> = all
        .iter()
        .filter(|token| !token.is_mark(&['.', '*', '_', '`', '!', ')']))
        .collect();
    let last = spoken.last()?;
    if page.text[sentence.clone()].ends_with('?') {
        return None;
    }
    let intro = lead
        .clone()
        .filter(|lead| page.text[lead.clone()].ends_with([':', ',']));
    if spoken.len() == 1
        && sentence == (0..page.text.trim_end().len())
        && last.kind == Kind::Formula
    {
        // A text that is nothing but its answer.
        return value_range(page, last).map(|range| (range, "conclusion"));
    }
    if last.kind == Kind::Formula
        && let Some(formula) = page.formula_at(last.range.start)
        && (formula.display || spoken.len() == 1)
    {
        let own = sentence.start..formula.outer.start;
        // "Hence", on a line of its own, introduces the display below it too.
        let intro = match lead.filter(|lead| spoken.len() == 1 && !ends_sentence(page, lead)) {
            Some(lead) => lead,
            None => own,
        };
        return displayed(page, formula, &intro).map(|range| (range, "conclusion"));
    }
    let stopped = ends_sentence(page, &sentence);
    let lower = &page.lower[sentence.clone()];
    if intro.is_none() && supposes(lower) {
        return None;
    }
    let cue = has_cue(lower) || intro.is_some_and(|intro| has_cue(&page.lower[intro]));
    if past && !cue {
        return None;
    }
    if !stopped {
        // Where other sentences have their full stop, the last one is cut off.
        let cut = page.text[..sentence.start]
            .trim_end_matches([' ', '*', '\n'])
            .ends_with(['.', '!']);
        return bare(page, &spoken, cue, cut);
    }
    let range = value_in_sentence(page, &sentence, cue)?;
    Some((range, "conclusion"))
}

/// The value of a sentence that has no full stop: only where it ends the text.
fn bare(
    page: &Page,
    spoken: &[&Token],
    cue: bool,
    cut: bool,
) -> Option<(Range<usize>, &'static str)> {
    let (index, value) = spoken
        .iter()
        .enumerate()
        .rev()
        .find(|(_, token)| token.is_value())?;
    let after = &spoken[index + 1..];
    let before = index.checked_sub(1).map(|before| &spoken[before]);
    let word = |token: &&Token| page.lower[token.range.clone()].to_owned();
    let introduced = before.is_some_and(|token| {
        token.is_mark(&[':', '=', '≈'])
            || COPULAS.contains(&word(token).as_str())
            || ADVERBS.contains(&word(token).as_str())
    });
    let equation = before.is_some_and(|token| token.is_mark(&['=', '≈']));
    // `C: 3` is one of several options.
    if index == 2 && before.is_some_and(|token| token.is_mark(&[':'])) && spoken[0].range.len() == 1
    {
        return None;
    }
    let unit = after.len() <= if cue && equation { 6 } else { 3 }
        && after.iter().all(|token| token.kind == Kind::Word)
        && !breaks_off(page, spoken);
    if index == 0 && spoken.len() == 1 {
        return (value.kind != Kind::Formula).then(|| (value.range.clone(), "last-number"));
    }
    // A computation says by itself what it comes to.
    let words = spoken.iter().any(|token| {
        token.kind == Kind::Word
            && page.text[token.range.clone()].contains(|c: char| c.is_alphabetic() && c != 'x')
    });
    if cut && (!after.is_empty() || value.kind == Kind::Number && !cue) && (words || !equation) {
        return None;
    }
    if !(introduced
        && unit
        && (cue || value.bold || equation && !words || before.is_some_and(|t| t.is_mark(&[':']))))
    {
        return None;
    }
    let rule = if value.kind == Kind::Formula || cue {
        "conclusion"
    } else {
        "last-number"
    };
    let range = value_range(page, value)?;
    let unknown = value.kind == Kind::Formula
        && !page.text[range.clone()].contains(|c: char| c.is_ascii_digit() || c == '\\');
    (!unknown).then_some((range, rule))
}

/// Whether the last word calls for another.
fn breaks_off(page: &Page, spoken: &[&Token]) -> bool {
    const OPEN: &[&str] = &[
        "the", "a", "an", "is", "are", "of", "and", "or", "to", "in", "for", "with", "that",
        "which", "if", "by", "as", "at", "then", "we", "so", "because", "since", "from", "on",
        "when", "where", "using", "but", "not", "be", "must", "this", "these", "each", "every",
        "however",
    ];
    spoken
        .last()
        .is_none_or(|token| OPEN.contains(&&page.lower[token.range.clone()]))
}

/// The value of a display at the end of the text, introduced by `intro`.
fn displayed(page: &Page, formula: &Formula, intro: &Range<usize>) -> Option<Range<usize>> {
    let intro = &page.lower[intro.clone()];
    let cue = has_cue(intro);
    if supposes(intro) && !cue {
        return None;
    }
    let inner = last_row(page.text, formula.inner.clone());
    let inner = trim_value(page.text, inner);
    let text = &page.text[inner.clone()];
    if !cue && relations(text).is_empty() {
        return None;
    }
    if cue && is_equation_asked(page, formula.outer.start) && relations(text).len() == 1 {
        return Some(inner);
    }
    formula_value(page, inner.clone(), cue).filter(|_| cue || is_result(text))
}

/// Whether an equation without words around it gives a quantity's value: a name
/// or a computation on its left.
fn is_result(formula: &str) -> bool {
    let relations = relations(formula);
    let Some((first, Relation::Equal)) = relations.first() else {
        return false;
    };
    let left = &formula[..first.start];
    left.contains("\\text") && is_symbol(left) && relations.len() > 1
}

/// The last row of a display of several rows.
fn last_row(text: &str, inner: Range<usize>) -> Range<usize> {
    let part = &text[inner.clone()];
    // Rows of a matrix are no rows of the display.
    let nested = part.contains("\\begin{")
        && !part.contains("\\begin{align")
        && !part.contains("\\begin{gather");
    let part = part
        .rfind("\\end{align")
        .or_else(|| part.rfind("\\end{gather"))
        .map_or(part, |end| &part[..end]);
    if nested {
        return inner.start..inner.start + part.len();
    }
    let mut end = part.len();
    while let Some(at) = part[..end].rfind("\\\\") {
        let row = part[at + 2..end].trim_start_matches(['&', ' ', '\n']);
        if !row.trim().is_empty() {
            let start = part[..end].len() - row.len();
            return inner.start + start..inner.start + end;
        }
        end = at;
    }
    inner.start..inner.start + end
}

/// Whether a sentence announces what the text comes to.
fn has_cue(lower: &str) -> bool {
    const CUES: &[&str] = &[
        "therefore",
        "thus",
        "hence",
        "finally",
        "in conclusion",
        "conclude",
        "consequently",
        "overall",
        "in total",
        "altogether",
        "as a result",
        "the final",
        "answer",
        "a total of",
        "in all",
        "the total",
        "in summary",
        "the result",
        "so the",
        "it follows",
        "final",
        "everything up",
        "it all up",
    ];
    lower.starts_with("so ")
        || lower.starts_with("so, ")
        || CUES.iter().any(|cue| lower.contains(cue))
}

/// Whether a sentence only sets something up: a case, a step, a plan.
fn supposes(lower: &str) -> bool {
    const STARTS: &[&str] = &[
        "if ",
        "let ",
        "let's",
        "let’s",
        "suppose",
        "assume",
        "case",
        "step",
        "now",
        "next",
        "first",
        "consider",
        "without loss",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "calculate",
        "subtract",
        "multiply",
        "divide",
        "using",
        "then ",
        "second",
        "recall",
        "note",
        "notice",
        "we know",
        "for example",
        "substitut",
        "try",
        "we can",
        "we have",
        "we need",
    ];
    let start = lower.trim_start_matches(|c: char| !c.is_alphabetic());
    STARTS.iter().any(|word| start.starts_with(word))
}
