//! Exact numbers: integers, decimals, fractions, mixed numbers, percentages.
//! Powers, roots and everything else are left to a stronger grader, so the
//! work is bounded by the answer's length.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

/// An exact value, and whether it was written as a percentage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// As written: 50 for `50%`.
    pub value: BigRational,
    pub percent: bool,
    /// What it was said to be the value of: `x` of `x = 5`.
    pub name: Option<String>,
}

/// Words after a number that belong to its value and are not a unit.
const NOT_UNITS: [&str; 21] = [
    "pi", "sqrt", "and", "or", "to", "mod", "choose", "times", "plus", "minus", "over", "million",
    "thousand", "hundred", "billion", "trillion", "dozen", "half", "log", "sin", "cos",
];

/// Reads the plain form of an answer (see `normal`).
pub(super) fn parse(plain: &str) -> Option<Number> {
    let (name, text) = named(plain)?;
    let (text, percent) = without_unit(text);
    let value = signed(text)?;
    Some(Number {
        value,
        percent,
        name,
    })
}

/// Splits `x = 5` and `m + n = 5` at the last equality sign; the members
/// before the last of a chain of numbers are dropped. `None` for equations
/// (`2x - 4 = 0`) and for whatever holds another relation.
fn named(text: &str) -> Option<(Option<String>, &str)> {
    let Some((before, last)) = text.rsplit_once('=') else {
        return Some((None, text));
    };
    let relation = ['<', '>', '\u{2264}', '\u{2265}'];
    let commands = ["\\le", "\\ge", "\\ne", "\\in"];
    if before.contains(relation) || commands.iter().any(|name| before.contains(name)) {
        return None;
    }
    let has_letters = before.contains(char::is_alphabetic);
    let has_digits = before.contains(|c: char| c.is_ascii_digit());
    match (has_letters, has_digits) {
        (true, true) if !before.contains('_') => None,
        (true, _) => Some((Some(before.trim().to_owned()), last.trim())),
        (false, _) => Some((None, last.trim())),
    }
}

/// The number without currency, degree sign, percent sign and unit.
fn without_unit(text: &str) -> (&str, bool) {
    let mut text = text.trim();
    let mut percent = false;
    for sign in ["$", "\u{20ac}", "\u{a3}"] {
        text = text.trim_start_matches(sign).trim_end_matches(sign);
    }
    for _ in 0..3 {
        if let Some(rest) = text.strip_suffix('%') {
            (text, percent) = (rest, true);
        } else if let Some(rest) = text.strip_suffix("^\\circ") {
            text = rest;
        } else if let Some((rest, unit)) = unit(text) {
            (text, percent) = (rest, percent || unit == "percent");
        } else {
            break;
        }
        text = text.trim_end();
    }
    (text, percent)
}

/// Splits off a unit: `\text{…}` after a number, or plain words of two letters
/// or more after a blank.
fn unit(text: &str) -> Option<(&str, &str)> {
    if let Some((number, rest)) = text.split_once("\\text") {
        let rest = rest.trim_start().strip_prefix('{')?;
        let (unit, after) = rest.split_once('}')?;
        let power = after.is_empty() || is_power(after);
        return (power && ends_in_digit(number) && is_unit(unit.trim()))
            .then(|| (number, unit.trim()));
    }
    let at = text.find(char::is_alphabetic)?;
    let (number, words) = text.split_at(at);
    let words = words.trim();
    let bare = words.split('^').next().unwrap_or_default();
    let power = is_power(&words[bare.len()..]) || bare.len() == words.len();
    (number.ends_with(' ') && ends_in_digit(number) && power && is_unit(bare))
        .then_some((number, bare))
}

fn ends_in_digit(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with(|c: char| c.is_ascii_digit() || c == '}' || c == '.')
}

fn is_power(text: &str) -> bool {
    matches!(text, "^2" | "^3" | "^{2}" | "^{3}" | "")
}

fn is_unit(words: &str) -> bool {
    words.split([' ', '.', '/']).all(|word| {
        let letters = word.chars().all(char::is_alphabetic);
        letters && !NOT_UNITS.contains(&word.to_lowercase().as_str())
    }) && words.chars().filter(|c| c.is_alphabetic()).count() > 1
}

fn signed(text: &str) -> Option<BigRational> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('-') {
        return unsigned(rest).map(|value| -value);
    }
    unsigned(text.strip_prefix('+').unwrap_or(text))
}

fn unsigned(text: &str) -> Option<BigRational> {
    let text = text.trim().trim_start_matches('$').trim_start();
    if let Some((whole, fraction)) = text.split_once("\\frac") {
        let fraction = latex_fraction(fraction)?;
        return mixed(whole, fraction);
    }
    if let Some((above, below)) = text.split_once('/') {
        // `2 1/2` is the mixed number.
        let (whole, above) = above.rsplit_once(' ').unwrap_or(("", above));
        let fraction = divide(signed_part(above)?, signed_part(below)?)?;
        return mixed(whole, fraction);
    }
    decimal(text)
}

/// `whole` and a fraction: the fraction alone where there is no whole.
fn mixed(whole: &str, fraction: BigRational) -> Option<BigRational> {
    let whole = whole.trim();
    if whole.is_empty() {
        return Some(fraction);
    }
    let whole = BigRational::from(integer(whole)?);
    let proper = fraction >= BigRational::zero() && fraction < BigRational::one();
    proper.then(|| whole + fraction)
}

/// What follows `\frac`: `{a}{b}`, `12`, `1{2}` or `{1}2`.
fn latex_fraction(text: &str) -> Option<BigRational> {
    let (above, rest) = argument(text)?;
    let (below, rest) = argument(rest)?;
    if !rest.trim().is_empty() {
        return None;
    }
    divide(signed_part(above)?, signed_part(below)?)
}

/// One argument of a command: a braced group without further braces, or one
/// character.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('{') {
        return rest.split_once('}');
    }
    let first = text.chars().next()?;
    first.is_ascii_digit().then(|| text.split_at(1))
}

fn signed_part(text: &str) -> Option<BigRational> {
    let text = text.trim();
    let text = text
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(text);
    match text.strip_prefix('-') {
        Some(rest) => decimal(rest).map(|value| -value),
        None => decimal(text),
    }
}

fn divide(above: BigRational, below: BigRational) -> Option<BigRational> {
    (!below.is_zero()).then(|| above / below)
}

/// `1,234.50`, `.5`, `3.`.
fn decimal(text: &str) -> Option<BigRational> {
    let text = text.trim();
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && places.is_empty() || !places.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole = if whole.is_empty() {
        BigInt::zero()
    } else {
        integer(whole)?
    };
    if places.is_empty() {
        return Some(BigRational::from(whole));
    }
    let scale = BigInt::from(10).pow(u32::try_from(places.len()).ok()?);
    let part = BigInt::parse_bytes(places.as_bytes(), 10)?;
    Some(BigRational::new(whole * &scale + part, scale))
}

/// Digits, with separators between groups of three or without any.
fn integer(text: &str) -> Option<BigInt> {
    let separator = if text.contains(',') { ',' } else { ' ' };
    let mut digits = String::with_capacity(text.len());
    for (place, group) in text.split(separator).enumerate() {
        let group = group.trim();
        let fits = group.bytes().all(|byte| byte.is_ascii_digit()) && !group.is_empty();
        let right_size = if place == 0 {
            !text.contains(separator) || group.len() <= 3
        } else {
            group.len() == 3
        };
        if !fits || !right_size {
            return None;
        }
        digits.push_str(group);
    }
    BigInt::parse_bytes(digits.as_bytes(), 10)
}
