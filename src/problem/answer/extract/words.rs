//! Answers in words, and sayings that there is no answer.

use std::ops::Range;

use super::page::Page;
use super::sentence::value_in_sentence;
use super::value::{Stated, first_of, is_solid, listed, trim_value, word_length};

/// Most words of an answer in words.
const WORDS: usize = 7;

/// An answer in words, the value that the words name, or nothing.
pub(super) fn words_value(page: &Page, sentence: Range<usize>, endless: bool) -> Stated {
    const DENIALS: &[&str] = &[
        "cannot",
        "unknown",
        "undetermined",
        "indeterminate",
        "impossible",
        "unable",
    ];
    const NO_ANSWERS: &[&str] = &[
        "correct",
        "incorrect",
        "wrong",
        "right",
        "rounded",
        "reasonable",
        "consistent",
        "verified",
        "as",
        "in",
        "within",
        "given",
        "obtained",
        "found",
        "find",
        "based",
        "what",
        "expected",
        "supposed",
        "required",
        "that",
        "because",
        "since",
        "valid",
        "confirmed",
        "of",
        "often",
        "always",
        "usually",
        "already",
        "let",
        "let's",
        "let’s",
        "we",
        "first",
        "i",
        "you",
        "it",
        "this",
        "there",
        "here",
        "step",
        "using",
        "by",
        "if",
        "for",
        "from",
        "where",
        "when",
        "so",
        "like",
        "on",
        "not",
        "represented",
        "expressed",
        "written",
        "too",
        "close",
        "computed",
        "calculated",
        "determined",
        "less",
        "more",
        "greater",
        "between",
        "and",
        "or",
        "with",
        "boxed",
        "placed",
        "presented",
        "one",
        "provided",
        "derived",
        "solution",
        "explanation",
        "after",
        "considering",
    ];
    let lower = &page.lower[sentence.clone()];
    let first = &lower[..word_length(lower)];
    let second = lower[first.len()..].trim_start();
    if DENIALS.contains(&first) || is_denial(lower) || (first == "not" && !is_solid(second)) {
        return Stated::Denied;
    }
    let value = |range: Range<usize>, solid| match range.is_empty() {
        true => Stated::Nothing,
        false => Stated::Value { range, solid },
    };
    if first == "not" || first.is_empty() {
        return Stated::Nothing;
    }
    // "one half, i.e. $1/2$".
    for (index, formula) in page.formulas_in(&sentence).iter().enumerate() {
        let before =
            page.lower[sentence.start..formula.outer.start].trim_end_matches([' ', ',', ':', '(']);
        let says = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
        if says(&["i.e.", "i.e", "that is", "namely", "equivalently"])
            || index == 0 && says(&[" or", "equals", "=", "equal to"])
        {
            return value(listed(page, formula), true);
        }
    }
    // "Yes, it is": the word decides.
    if matches!(first, "yes" | "no" | "true" | "false")
        && lower[first.len()..].starts_with([',', ':', ';'])
    {
        return value(sentence.start..sentence.start + first.len(), false);
    }
    let rejected = NO_ANSWERS.contains(&first);
    let article = matches!(first, "the" | "a" | "an" | "all" | "any" | "our" | "no");
    let short = trim_value(page.text, sentence.start..words_end(page, &sentence));
    let count = page.text[short.clone()].split_whitespace().count();
    let numbers =
        !page.formulas_in(&sentence).is_empty() || lower.contains(|c: char| c.is_ascii_digit());
    let stated = if rejected && first != "in" && first != "for" {
        None
    } else {
        value_in_sentence(page, &sentence, true)
    };
    match stated {
        Some(range) if count > WORDS || article || numbers => value(range, true),
        _ if rejected || endless || count > WORDS => Stated::Nothing,
        _ => value(short, false),
    }
}

/// Whether a sentence says that a value cannot be given.
pub(super) fn is_denial(lower: &str) -> bool {
    const SAYINGS: &[&str] = &[
        "cannot be determined",
        "cannot be solved",
        "can't be determined",
        "can not be determined",
        "cannot be uniquely",
        "cannot be found",
        "cannot determine",
        "can't determine",
        "not be determined",
        "cannot be answered",
        "cannot be computed",
        "cannot be calculated",
        "not determined",
        "not enough information",
        "insufficient information",
        "cannot find",
        "cannot solve",
        "unable to",
        "not possible to determine",
        "impossible to determine",
        "not provided",
        "cannot provide",
        "can't be solved",
        "not sufficient",
        "cannot conclude",
        "not been determined",
    ];
    SAYINGS.iter().any(|saying| lower.contains(saying))
}

/// The end of an answer in words: reasons after it are no part of it.
fn words_end(page: &Page, sentence: &Range<usize>) -> usize {
    const CLAUSES: &[&str] = &[
        " because",
        " since ",
        ", which",
        ", so ",
        ", as ",
        ";",
        ", because",
        " (",
        ", where",
        ", but",
    ];
    first_of(page, sentence, CLAUSES)
}
