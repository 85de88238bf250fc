//! Whether two sides come to the same, as far as their digits are shown.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;
use std::rc::Rc;

use crate::problem::answer::budget::{Budget, Stop};
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::value::exact;

use super::chain::Pair;
use super::operand::Operand;
use super::words;
use super::{Equality, Holds};

/// What one equality may cost, in the units of [`Budget`]: some 0.2 ms.
const BUDGET: u64 = 200_000;
/// What all those of one text may: a few milliseconds, for a screen waits.
const TEXT_BUDGET: u64 = 4_000_000;
/// Bits of a value from which on nobody looks whether few digits write it.
const LONG: u64 = 4096;
/// Rounded numbers of one equality.
const MOST_ROUNDED: usize = 10;
/// Digits behind the point of a value that is written as a decimal number.
const SHOWN_PLACES: usize = 8;

/// Judges the pairs of a text, one after the other.
pub(super) struct Judge {
    /// Whether cents are spoken of.
    has_cents: bool,
    /// What is left of `TEXT_BUDGET`.
    left: u64,
}

impl Judge {
    pub(super) fn new(text: &str) -> Self {
        Self {
            has_cents: text.contains("cent") || text.contains('¢'),
            left: TEXT_BUDGET,
        }
    }

    /// Judges a pair; where the text has used up what it may cost, none is
    /// decided any more.
    pub(super) fn judge(&mut self, pair: &Pair) -> Equality {
        let most = self.left.min(BUDGET);
        let budget = Budget::new(most);
        let (holds, values) = self.decide(pair, &budget);
        self.left -= most - budget.left();
        Equality {
            left: pair.left.span.clone(),
            right: pair.right.span.clone(),
            holds,
            values,
            worked: [pair.left.operators > 0, pair.right.operators > 0],
        }
    }

    fn decide(&self, pair: &Pair, budget: &Budget) -> (Holds, Option<[String; 2]>) {
        let side = |side| value(side, None, budget);
        let (Ok(left), Ok(right)) = (side(&pair.left), side(&pair.right)) else {
            return (Holds::Undecided, None);
        };
        match compared(pair, &left, &right, budget) {
            Ok(Holds::Wrong) if pair.denied || self.is_excused(pair, &left) => {
                (Holds::Undecided, None)
            }
            Ok(Holds::Wrong) => (Holds::Wrong, Some([shown(&left), shown(&right)])),
            Ok(holds) => (holds, None),
            Err(_) => (Holds::Undecided, None),
        }
    }

    /// Why sides that differ may still be meant so: units to be converted, or a
    /// calculation that goes on behind its result (`3 + 4 = 7 × 2 = 14`).
    fn is_excused(&self, pair: &Pair, left: &Fraction) -> bool {
        let units = pair.left.units.iter().chain(&pair.right.units);
        let mut measures: Vec<u8> = units
            .flat_map(|unit| unit.split([' ', '/']))
            .filter_map(words::measure)
            .collect();
        if self.has_cents && (pair.left.has_dollar || pair.right.has_dollar) {
            measures.extend(["cent", "dollar"].into_iter().filter_map(words::measure));
        }
        measures.sort_unstable();
        measures.dedup();
        measures.len() > 1 || pair.right.operators > 0 && pair.right.first.as_ref() == Some(left)
    }
}

/// The exact value of a side; with `off` one of its rounded numbers is a unit
/// of its last digit larger.
fn value(side: &Operand, off: Option<usize>, budget: &Budget) -> Result<Fraction, Stop> {
    let mut values: Vec<(Rc<str>, Fraction)> = Vec::with_capacity(side.rounded.len());
    for (place, (name, literal)) in side.rounded.iter().enumerate() {
        let value = match off == Some(place) {
            true => literal.value.add(&last_digit(literal.places), budget)?,
            false => literal.value.clone(),
        };
        values.push((Rc::clone(name), value));
    }
    exact(&side.node, &values, budget)
}

/// One unit of the last of so many digits behind the point.
fn last_digit(places: usize) -> Fraction {
    power_of_ten(places)
        .and_then(|scale| Fraction::new(BigInt::from(1), scale))
        .unwrap_or_else(Fraction::zero)
}

/// `None` beyond what any number here has.
fn power_of_ten(places: usize) -> Option<BigInt> {
    let places = u32::try_from(places).ok().filter(|places| *places < 64)?;
    Some(BigInt::from(10).pow(places))
}

fn compared(
    pair: &Pair,
    left: &Fraction,
    right: &Fraction,
    budget: &Budget,
) -> Result<Holds, Stop> {
    if left == right || differ_by_percent(pair, left, right, budget)? {
        return Ok(Holds::Right);
    }
    let off = left.add(&right.neg(), budget)?.abs();
    let slack =
        slack(&pair.left, left, budget)?.add(&slack(&pair.right, right, budget)?, budget)?;
    let within = |most: &Fraction| !most.less(&off);
    if pair.approximate {
        return about(pair, left, &off, &slack, budget);
    }
    let rounding = rounding(pair, left, right);
    let most = match &rounding {
        Rounding::None | Rounding::Integer => slack,
        Rounding::Digits(unit) => slack.add(unit, budget)?,
    };
    if within(&most) {
        return Ok(Holds::Right);
    }
    let nearest = off.less(&Fraction::one());
    Ok(match rounding {
        Rounding::Integer if nearest => Holds::Undecided,
        _ => Holds::Wrong,
    })
}

/// `≈`: right to a unit of the last digit that is shown; wrong where nobody
/// would say so.
fn about(
    pair: &Pair,
    left: &Fraction,
    off: &Fraction,
    slack: &Fraction,
    budget: &Budget,
) -> Result<Holds, Stop> {
    let unit = |side: &Operand| match &side.bare {
        Some(literal) if literal.places > 0 => last_digit(literal.places),
        Some(literal) => power_of_ten(literal.zeros).map_or_else(Fraction::one, Fraction::integer),
        None => Fraction::zero(),
    };
    let unit = unit(&pair.left).add(&unit(&pair.right), budget)?;
    let most = slack.add(&unit, budget)?;
    if !most.less(off) {
        return Ok(Holds::Right);
    }
    let tenth = left.abs().div(&Fraction::from(10), budget)?;
    let far = most.mul(&Fraction::from(10), budget)?.less(off) && tenth.less(off);
    Ok(if far { Holds::Wrong } else { Holds::Undecided })
}

/// Whether a percentage stands for its number, or for a hundredth of it: both
/// are written.
fn differ_by_percent(
    pair: &Pair,
    left: &Fraction,
    right: &Fraction,
    budget: &Budget,
) -> Result<bool, Stop> {
    if !pair.left.has_percent && !pair.right.has_percent {
        return Ok(false);
    }
    let hundred = Fraction::from(100);
    let near = |a: &Fraction, b: &Fraction| -> Result<bool, Stop> {
        let off = a.add(&b.neg(), budget)?.abs();
        // A percentage is rounded as other numbers are.
        Ok(!Fraction::one().less(&off))
    };
    let (more_left, more_right) = (left.mul(&hundred, budget)?, right.mul(&hundred, budget)?);
    Ok(near(&more_left, right)? || near(left, &more_right)? || near(&more_left, &more_right)?)
}

/// By how much a side may be off because numbers in it are rounded.
fn slack(side: &Operand, exactly: &Fraction, budget: &Budget) -> Result<Fraction, Stop> {
    if side.bare.is_some() {
        return Ok(Fraction::zero());
    }
    if side.rounded.len() > MOST_ROUNDED {
        return Err(Stop::TooBig);
    }
    let mut total = Fraction::zero();
    for place in 0..side.rounded.len() {
        let moved = value(side, Some(place), budget)?;
        let by = moved.add(&exactly.neg(), budget)?.abs();
        total = total.add(&by, budget)?;
    }
    Ok(total)
}

/// What a number that is written may have lost.
enum Rounding {
    None,
    /// It shows no digit behind the point, and the value is no integer.
    Integer,
    /// A unit of its last digit.
    Digits(Fraction),
}

fn rounding(pair: &Pair, left: &Fraction, right: &Fraction) -> Rounding {
    let (literal, exactly) = match (&pair.left.bare, &pair.right.bare) {
        (_, Some(literal)) => (literal, left),
        (Some(literal), None) => (literal, right),
        (None, None) => return Rounding::None,
    };
    let Some(scale) = power_of_ten(literal.places) else {
        return Rounding::None;
    };
    // Its digits suffice to write the value.
    if exactly.bits() <= LONG && (exactly.num() * scale).is_multiple_of(exactly.den()) {
        return Rounding::None;
    }
    match literal.places {
        0 => Rounding::Integer,
        places => Rounding::Digits(last_digit(places)),
    }
}

/// A value as a person writes it: an integer, a decimal number where it ends
/// soon, else a fraction; a very long one by its size.
fn shown(value: &Fraction) -> String {
    /// Longer values are nobody's to read.
    const LONGEST: usize = 32;
    let text = written(value);
    if text.len() <= LONGEST {
        return text;
    }
    let size = value.num().to_f64().zip(value.den().to_f64());
    let size = size
        .map(|(num, den)| num / den)
        .filter(|size| size.is_finite());
    size.map_or_else(
        || format!("a number of {} digits", value.bits() * 3 / 10 + 1),
        |size| format!("about {size:.4e}"),
    )
}

fn written(value: &Fraction) -> String {
    let value = value.reduced(Fraction::SHOWN_BITS);
    for places in 1..=SHOWN_PLACES {
        let Some(scale) = power_of_ten(places).filter(|_| !value.is_integer()) else {
            break;
        };
        let scaled = value.num() * &scale;
        if !scaled.is_multiple_of(value.den()) {
            continue;
        }
        let (whole, rest) = (scaled / value.den()).div_rem(&scale);
        let (sign, rest) = match value.is_negative() {
            true => ("-", -rest),
            false => ("", rest),
        };
        let whole = whole.to_string();
        let whole = whole.trim_start_matches('-');
        return format!("{sign}{whole}.{rest:0>places$}");
    }
    value.to_string()
}
