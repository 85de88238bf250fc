//! Numbers in prose, and what a formula comes to.

use std::ops::Range;

/// Length of the number that `text` begins with: with sign, currency sign,
/// thousands separators, decimals, as `a/b`, mixed (`2 1/2`), with `%`.
pub(super) fn number_length(text: &str) -> Option<usize> {
    let mut at = sign_length(text);
    for mark in ["\\$", "$", "€", "£"] {
        if text[at..].starts_with(mark) {
            at += mark.len();
            at += sign_length(&text[at..]);
            break;
        }
    }
    at += match text[at..].chars().next()? {
        c if is_vulgar(c) => c.len_utf8(),
        _ => digits_length(&text[at..])?,
    };
    if let Some(c) = text[at..].chars().next()
        && is_vulgar(c)
    {
        at += c.len_utf8();
    }
    let fraction = |from: usize| {
        let over = text.get(from..)?.strip_prefix('/')?;
        digits_length(over).map(|length| length + 1)
    };
    if let Some(length) = fraction(at) {
        at += length;
    } else if let Some(rest) = text[at..].strip_prefix(' ')
        && let Some(top) = whole_length(rest)
        && let Some(length) = fraction(at + 1 + top)
    {
        at += 1 + top + length;
    } else if let Some(ratio) = text[at..].strip_prefix(':').and_then(whole_length) {
        at += 1 + ratio;
    }
    for mark in ["\\%", "%", "°"] {
        if text[at..].starts_with(mark) {
            return Some(at + mark.len());
        }
    }
    Some(at)
}

/// One character that is a fraction, such as `½`.
fn is_vulgar(c: char) -> bool {
    matches!(c, '¼'..='¾' | '⅐'..='⅞')
}

fn sign_length(text: &str) -> usize {
    text.chars()
        .next()
        .filter(|c| is_sign(*c))
        .map_or(0, char::len_utf8)
}

/// Minus signs as ASCII, Unicode and typesetting have them, and plus.
pub(super) fn is_sign(c: char) -> bool {
    matches!(c, '-' | '+' | '\u{2212}' | '\u{2013}' | '±')
}

fn whole_length(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then_some(length)
}

/// Length of digits with groups and decimals; a comma counts only between
/// groups of thousands.
fn digits_length(text: &str) -> Option<usize> {
    let digits = |from: usize| text.get(from..).and_then(whole_length).unwrap_or(0);
    let mut at = digits(0);
    if (1..=3).contains(&at) {
        while let Some(mark) = ["{,}", ",", "\\,"]
            .into_iter()
            .find(|mark| text[at..].starts_with(mark) && digits(at + mark.len()) == 3)
        {
            at += mark.len() + 3;
        }
    }
    if text[at..].starts_with('.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    (at > 0).then_some(at)
}

/// What a relation between two members of a formula says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Other,
}

/// Places of the relations on the outermost level of a formula.
pub(super) fn relations(formula: &str) -> Vec<(Range<usize>, Relation)> {
    const NAMES: [(&str, Relation); 18] = [
        ("approx", Relation::Equal),
        ("equiv", Relation::Other),
        ("neq", Relation::Other),
        ("leq", Relation::Other),
        ("geq", Relation::Other),
        ("leqslant", Relation::Other),
        ("geqslant", Relation::Other),
        ("le", Relation::Other),
        ("ge", Relation::Other),
        ("lt", Relation::Other),
        ("gt", Relation::Other),
        ("ne", Relation::Other),
        ("in", Relation::Other),
        ("mid", Relation::Other),
        ("implies", Relation::Other),
        ("Rightarrow", Relation::Other),
        ("to", Relation::Other),
        ("sim", Relation::Other),
    ];
    let bytes = formula.as_bytes();
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        let mut length = 1;
        match bytes[at] {
            b'\\' => {
                let name = formula[at + 1..]
                    .bytes()
                    .take_while(u8::is_ascii_alphabetic)
                    .count();
                length = 1 + name.max(usize::from(at + 1 < bytes.len()));
                let name = &formula[at + 1..at + 1 + name];
                if let Some((_, relation)) = NAMES.iter().find(|(known, _)| *known == name)
                    && depth == 0
                {
                    found.push((at..at + length, *relation));
                }
                // An environment's rows are within it.
                match name {
                    "begin" => depth += 1,
                    "end" => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'=' if depth == 0 => found.push((at..at + 1, Relation::Equal)),
            b'<' | b'>' if depth == 0 => found.push((at..at + 1, Relation::Other)),
            _ => {
                if depth == 0
                    && let Some(c @ ('≈' | '≤' | '≥' | '≠' | '≡' | '∈')) = char_at(formula, at)
                {
                    length = c.len_utf8();
                    let relation = if c == '≈' {
                        Relation::Equal
                    } else {
                        Relation::Other
                    };
                    found.push((at..at + length, relation));
                }
            }
        }
        at += length;
    }
    found
}

/// The character that begins at byte `at`; `None` within a character.
fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// The last member of an equation, where it is a value: `4` of `x = 2 + 2 = 4`.
/// A formula without relation that is a value is its own last member.
pub(super) fn last_member(formula: &str) -> Option<Range<usize>> {
    let relations = relations(formula);
    let start = match relations.last() {
        Some((at, Relation::Equal)) => at.end,
        Some((_, Relation::Other)) => return None,
        None => 0,
    };
    let member = &formula[start..];
    if is_value(member) {
        return Some(start..formula.len());
    }
    // `5 = a` states the value first.
    if let [(at, Relation::Equal)] = &relations[..]
        && is_value(&formula[..at.start])
        && is_symbol(member)
    {
        return Some(0..at.start);
    }
    None
}

/// Whether a formula is one unknown: `x`, `a_1`, `f(x)`, `\angle ABC`, or words.
pub(super) fn is_symbol(formula: &str) -> bool {
    let formula = formula.trim().trim_start_matches('&').trim();
    let plain = without_words(formula);
    !formula.is_empty()
        && !plain.contains(['+', '-', '*', '/', '='])
        && !["\\frac", "\\cdot", "\\times", "\\sum", "\\int", "\\sqrt"]
            .iter()
            .any(|name| plain.contains(name))
        && !plain.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a formula holds a value and no unknown.
pub(super) fn is_value(formula: &str) -> bool {
    const KNOWN: &[&str] = &[
        "frac",
        "dfrac",
        "tfrac",
        "cfrac",
        "sqrt",
        "pi",
        "cdot",
        "times",
        "left",
        "right",
        "circ",
        "degree",
        "quad",
        "qquad",
        "infty",
        "cup",
        "cap",
        "pm",
        "mp",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "ln",
        "log",
        "exp",
        "arcsin",
        "arccos",
        "arctan",
        "binom",
        "dbinom",
        "choose",
        "overline",
        "div",
        "displaystyle",
        "bigl",
        "bigr",
        "big",
        "Big",
        "begin",
        "end",
        "text",
        "mathrm",
        "mathbf",
        "textbf",
        "ldots",
        "dots",
        "pmatrix",
        "bmatrix",
        "lfloor",
        "rfloor",
        "lceil",
        "rceil",
        "varnothing",
        "emptyset",
        "pmod",
        "bmod",
        "sqcup",
        "over",
    ];
    let plain = without_words(formula);
    let mut holds = false;
    let bytes = plain.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            let length = plain[at + 1..]
                .bytes()
                .take_while(u8::is_ascii_alphabetic)
                .count();
            let name = &plain[at + 1..at + 1 + length];
            if length > 0 && !KNOWN.contains(&name) {
                return false;
            }
            holds |= matches!(name, "pi" | "infty" | "varnothing" | "emptyset");
            at += 1 + length.max(1);
        } else if bytes[at].is_ascii_alphabetic() {
            let length = plain[at..]
                .bytes()
                .take_while(u8::is_ascii_alphabetic)
                .count();
            if !matches!(
                &plain[at..at + length],
                "i" | "e" | "pi" | "sqrt" | "pmatrix" | "bmatrix" | "or" | "and"
            ) {
                return false;
            }
            at += length;
        } else {
            holds |= bytes[at].is_ascii_digit();
            at += 1;
        }
    }
    // A member that ends in an operator or an open bracket is cut off.
    let last = plain.trim_end_matches(['.', ',', ' ', '\n']);
    holds && !last.ends_with(['+', '-', '*', '/', '(', '^', '_', '{', '='])
}

/// The formula without its words: units say nothing of unknowns.
fn without_words(formula: &str) -> String {
    let mut plain = String::with_capacity(formula.len());
    let mut rest = formula;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let words = [
            "\\text{",
            "\\mathrm{",
            "\\textbf{",
            "\\mbox{",
            "\\operatorname{",
            "\\tag{",
        ]
        .into_iter()
        .find(|name| rest.starts_with(name));
        if let Some(name) = words
            && let Some(end) = rest[name.len()..].find('}')
        {
            rest = &rest[name.len() + end + 1..];
        } else {
            plain.push('\\');
            rest = &rest[1..];
            // The escaped mark goes along, so that `\\` is not seen twice.
            if let Some(c) = rest.chars().next() {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    plain.push_str(rest);
    plain
}
