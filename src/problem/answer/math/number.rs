//! Number literals: separators between thousands, decimals, repeating
//! decimals, scientific notation.

use num_bigint::BigInt;
use num_traits::One;

use super::Reading;
use super::token::Literal;
use crate::problem::answer::fraction::Fraction;

/// Most digits of one literal.
const MOST_DIGITS: usize = 11_000;
/// Largest power of ten that `1e…` writes out.
const MOST_EXPONENT: i64 = 10_000;

/// A literal, how many bytes it takes, and whether commas or blanks in it were
/// taken for separators between thousands, which might be lists as well.
pub(super) struct Scanned {
    pub literal: Literal,
    pub length: usize,
    pub grouped: bool,
    /// Whether an `e` was taken for a power of ten.
    pub scientific: bool,
}

/// Why a literal cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No number begins here.
    None,
    TooLong,
}

/// What may stand between groups of three digits and is no list's comma.
const SEPARATORS: [&str; 13] = [
    ",\\! ", "{,}", ",\\!", "\\,", "\\ ", "{\\,}", "~", "\u{2009}", "\u{202f}", "\u{a0}", "\\;",
    "\\:", "'",
];

/// Reads the literal at the beginning of `text`. `reading` says whether a
/// comma or a blank between groups of three digits belongs to the number, and
/// whether an `e` does.
pub(super) fn scan(text: &str, reading: Reading) -> Result<Scanned, Fault> {
    let mut digits = String::new();
    let (mut at, grouped) = whole_part(text, reading.thousands, &mut digits);
    let rest = &text[at..];
    let fraction = rest
        .strip_prefix('.')
        .map(leading_digits)
        .unwrap_or_default();
    let decimal_comma = rest
        .strip_prefix("{,}")
        .map(leading_digits)
        .filter(|places| !places.is_empty() && !digits.is_empty());
    let mut places = fraction;
    if let Some(found) = decimal_comma {
        at += "{,}".len() + found.len();
        places = found;
    } else if !fraction.is_empty() {
        at += 1 + fraction.len();
    } else if rest.starts_with('.') && !digits.is_empty() && repetition(&rest[1..]).is_some() {
        at += 1;
    }
    if digits.is_empty() && places.is_empty() && repetition(&text[at..]).is_none() {
        return Err(Fault::None);
    }
    if digits.len() + places.len() > MOST_DIGITS {
        return Err(Fault::TooLong);
    }
    let has_point = at > 0 && text[..at].contains('.') || decimal_comma.is_some();
    let mut value = decimal(&digits, places);
    if has_point && let Some((period, length)) = repetition(&text[at..]) {
        value = repeating(&value, places.len(), period);
        at += length;
    } else if has_point
        && let Some(length) = dots(&text[at..])
        && let Some(period) = period_of(places)
    {
        // `0.333…`: the last digits, said at least three times, go on.
        value = repeating(&value, places.len(), period);
        at += length;
    } else if has_point && let Some(length) = dots(&text[at..]) {
        // Digits that go on nobody knows how: what is written counts.
        at += length;
    }
    let mut is_whole = !has_point;
    let mut scientific = false;
    if reading.scientific
        && let Some((exponent, length)) = exponent(&text[at..])
    {
        if exponent.abs() > MOST_EXPONENT {
            return Err(Fault::TooLong);
        }
        value = scaled(&value, exponent);
        at += length;
        is_whole = false;
        scientific = true;
    }
    let whole = is_whole.then_some(digits);
    Ok(Scanned {
        literal: Literal {
            value,
            whole,
            vulgar: false,
        },
        length: at,
        grouped,
        scientific,
    })
}

/// Takes the digits before the point; returns the bytes taken and whether a
/// comma or blank among them might separate a list.
fn whole_part(text: &str, thousands: bool, digits: &mut String) -> (usize, bool) {
    let first = leading_digits(text);
    digits.push_str(first);
    let mut at = first.len();
    let (mut plain, mut groups) = (false, 0);
    if !(1..=3).contains(&first.len()) || first.starts_with('0') && first.len() > 1 {
        return (at, false);
    }
    loop {
        let rest = &text[at..];
        let sure = SEPARATORS
            .iter()
            .find(|separator| rest.starts_with(**separator));
        let separator = match sure {
            Some(separator) => separator.len(),
            None if thousands && rest.starts_with([',', ' ']) && first != "0" => 1,
            None => break,
        };
        let group = leading_digits(&rest[separator..]);
        if group.len() != 3 {
            break;
        }
        // `2 100/3` is no number of thousands.
        let after = &rest[separator + group.len()..];
        if rest.starts_with(' ') && after.trim_start().starts_with('/') {
            break;
        }
        groups += 1;
        plain |= sure.is_none();
        digits.push_str(group);
        at += separator + group.len();
    }
    // `12,345` is a number whatever the other side is; `100,200` and `1,200,300`
    // may be lists.
    let like_a_list = plain && (groups > 1 || first.len() == 3);
    (at, like_a_list)
}

fn leading_digits(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    &text[..end]
}

fn integer(digits: &str) -> BigInt {
    BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default()
}

fn power_of_ten(exponent: usize) -> BigInt {
    // A literal has fewer digits than fit in 32 bits.
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(u32::MAX))
}

fn fraction(num: BigInt, den: BigInt) -> Fraction {
    Fraction::new(num, den).unwrap_or_else(Fraction::zero)
}

fn decimal(digits: &str, places: &str) -> Fraction {
    if places.is_empty() {
        return Fraction::integer(integer(digits));
    }
    let all = integer(&format!("{digits}{places}"));
    fraction(all, power_of_ten(places.len())).reduced(512)
}

/// The digits that repeat after a point, and the bytes that write them:
/// `\overline{3}`, `\bar3`, `(3)`.
fn repetition(text: &str) -> Option<(&str, usize)> {
    for name in ["\\overline", "\\bar", "\\dot"] {
        if let Some(rest) = text.strip_prefix(name) {
            let rest = rest.trim_start();
            let before = text.len() - rest.len();
            if let Some(inner) = rest.strip_prefix('{') {
                let period = leading_digits(inner);
                let closed = inner[period.len()..].starts_with('}') && !period.is_empty();
                return closed.then_some((period, before + period.len() + 2));
            }
            let one = rest
                .get(..1)
                .filter(|one| one.as_bytes()[0].is_ascii_digit());
            return one.map(|period| (period, before + 1));
        }
    }
    let inner = text.strip_prefix('(')?;
    let period = leading_digits(inner);
    let closed = inner[period.len()..].starts_with(')') && !period.is_empty();
    closed.then_some((period, period.len() + 2))
}

/// Bytes of the dots at the beginning, after which digits go on for ever.
fn dots(text: &str) -> Option<usize> {
    ["...", "…", "\\ldots", "\\dots", "\\cdots"]
        .into_iter()
        .find(|dots| text.starts_with(dots))
        .map(str::len)
}

/// The shortest period that the digits end with three times.
fn period_of(places: &str) -> Option<&str> {
    (1..=places.len() / 3).find_map(|length| {
        let tail = &places[places.len() - 3 * length..];
        let period = &tail[..length];
        (tail == period.repeat(3)).then_some(period)
    })
}

/// `value`, which has so many decimal places, with `period` repeated after it.
fn repeating(value: &Fraction, places: usize, period: &str) -> Fraction {
    if places + period.len() > MOST_DIGITS {
        return value.clone();
    }
    let scale = power_of_ten(places);
    let nines = power_of_ten(period.len()) - BigInt::one();
    // value + period / (nines · scale)
    let num = value.num() * &nines * &scale + integer(period) * value.den();
    fraction(num, value.den() * nines * scale).reduced(4096)
}

/// The power of ten of `e10`, `E-3`.
fn exponent(text: &str) -> Option<(i64, usize)> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let signed = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let digits = leading_digits(signed);
    if digits.is_empty()
        || digits.len() > 15
        || signed[digits.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.')
    {
        return None;
    }
    let size: i64 = digits.parse().ok()?;
    let exponent = if rest.starts_with('-') { -size } else { size };
    Some((exponent, text.len() - signed.len() + digits.len()))
}

fn scaled(value: &Fraction, exponent: i64) -> Fraction {
    let scale = power_of_ten(usize::try_from(exponent.unsigned_abs()).unwrap_or(0));
    if exponent < 0 {
        fraction(value.num().clone(), value.den() * scale)
    } else {
        fraction(value.num() * scale, value.den().clone())
    }
}
