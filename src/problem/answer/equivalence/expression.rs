//! Values of expressions: exactly, by canonical forms, then by balls.

use super::Matcher;
use super::outcome::Outcome;
use super::sample;
use crate::problem::answer::budget::Stop;
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Constant, Node};
use crate::problem::answer::value::{Assignment, Ball, CBall, Evaluator, Numeric, Ring, exact};

/// Bits of the first evaluation and of the last.
const FIRST_PRECISION: u32 = 192;
const LAST_PRECISION: u32 = 6_144;
/// Agreement, in bits below the smallest term, that counts as equal.
const AGREEMENT: i64 = 100;

/// One comparison of two values at a sample point.
enum AtPoint {
    Agree,
    Differ,
    /// No value there on a side.
    Skip,
    /// Close, but not close enough to say anything.
    Unclear,
    Exhausted,
}

impl Matcher<'_> {
    /// Expressions, of which either may be a percentage.
    pub(super) fn expression(&self, gold: &Node, answer: &Node) -> Outcome {
        let (gold, gold_percent) = without_percent(gold);
        let (answer, answer_percent) = without_percent(answer);
        let hundredth = |node: &Node| Node::quotient(node.clone(), Node::integer(100));
        if gold_percent == answer_percent {
            return self.value(gold, answer);
        }
        // `20%` is 20 or 1/5; but of a proper fraction only the share is meant.
        let bare = if gold_percent { answer } else { gold };
        let as_number = match self.is_share(bare) {
            true => Outcome::Different("percent"),
            false => self.value(gold, answer).within("percent"),
        };
        as_number.or_else(|| {
            if gold_percent {
                return self.value(&hundredth(gold), answer).within("percent");
            }
            // 45 is 45%, and nobody writes 4500% for it.
            if self.is_count(gold) {
                return Outcome::Different("percent");
            }
            self.value(gold, &hundredth(answer)).within("percent")
        })
    }

    /// Whether it is a whole number above 1.
    fn is_count(&self, node: &Node) -> bool {
        exact(node, &[], self.budget)
            .is_ok_and(|value| value.is_integer() && Fraction::one().less(&value))
    }

    /// Whether it is a proper fraction.
    fn is_share(&self, node: &Node) -> bool {
        exact(node, &[], self.budget)
            .is_ok_and(|value| !value.is_integer() && value.abs().less(&Fraction::one()))
    }

    /// Expressions by their values.
    pub(super) fn value(&self, gold: &Node, answer: &Node) -> Outcome {
        let plain = self.plain_value(gold, answer);
        if plain.is_equal() {
            return plain;
        }
        // `5 m` where `5` is meant.
        if !gold.has_variables()
            && let Some(stripped) = without_unit_letter(answer)
            && !stripped.has_variables()
        {
            return self.plain_value(gold, &stripped);
        }
        // An angle in degrees and one in radians.
        let degrees = |node: &Node| node.any(&|node| matches!(node, Node::Degrees(_)));
        if degrees(gold) != degrees(answer) && (holds_pi(gold) || holds_pi(answer)) {
            let half_turn = |node: &Node| {
                Node::Product(vec![
                    node.clone(),
                    Node::quotient(Node::Constant(Constant::Pi), Node::integer(180)),
                ])
            };
            let (gold, answer) = if degrees(gold) {
                (half_turn(gold), answer.clone())
            } else {
                (gold.clone(), half_turn(answer))
            };
            return plain.or_else(|| self.plain_value(&gold, &answer));
        }
        plain
    }

    fn plain_value(&self, gold: &Node, answer: &Node) -> Outcome {
        match (infinite(gold), infinite(answer)) {
            (None, None) => {}
            (gold, answer) => return Outcome::decided(gold == answer, "infinity"),
        }
        let exactly = (
            exact(gold, &[], self.budget),
            exact(answer, &[], self.budget),
        );
        match exactly {
            (Ok(gold), Ok(answer)) => return Outcome::decided(gold == answer, "exact-rational"),
            (Err(Stop::Exhausted), _) | (_, Err(Stop::Exhausted)) => return exhausted(),
            (Err(Stop::Undefined), _) | (_, Err(Stop::Undefined)) => {
                return Outcome::unknown("it has no value: a division by zero or 0^0");
            }
            _ => {}
        }
        match self.canonically(gold, answer) {
            Ok(Some(outcome)) => return outcome,
            Err(Stop::Exhausted) => return exhausted(),
            Ok(None) | Err(_) => {}
        }
        self.numerically(gold, answer)
    }

    /// By canonical forms; `None` where they differ and that proves nothing.
    fn canonically(&self, gold: &Node, answer: &Node) -> Result<Option<Outcome>, Stop> {
        let ring = Ring::new(self.budget);
        let (gold, answer) = (ring.form(gold)?, ring.form(answer)?);
        let equal = ring.are_equal(&gold, &answer)?;
        Ok((equal || ring.is_complete()).then(|| Outcome::decided(equal, "canonical-form")))
    }

    /// By balls at sample points: disjoint balls prove a difference; equal is
    /// accepted where they agree far below the smallest term in sight.
    pub(super) fn numerically(&self, gold: &Node, answer: &Node) -> Outcome {
        let complex = [gold, answer]
            .iter()
            .any(|node| node.any(&|node| matches!(node, Node::Constant(Constant::I))));
        let first = if complex {
            Numeric::Complex
        } else {
            Numeric::Real
        };
        match self.at_points(gold, answer, first) {
            Some(outcome) => outcome,
            None if first == Numeric::Real => self
                .at_points(gold, answer, Numeric::Complex)
                .unwrap_or_else(no_value),
            None => no_value(),
        }
    }

    /// `None` where no point gave both a value.
    fn at_points(&self, gold: &Node, answer: &Node, numeric: Numeric) -> Option<Outcome> {
        let points = match sample::points(gold, answer) {
            Ok(points) => points,
            Err(reason) => return Some(Outcome::unknown(reason)),
        };
        let constant = points.first().is_some_and(Vec::is_empty);
        let enough = if constant { 1 } else { 3 };
        let mut agreed = 0;
        let mut unclear = false;
        for point in points {
            match self.at_point(gold, answer, numeric, &point) {
                AtPoint::Agree => agreed += 1,
                AtPoint::Differ => return Some(Outcome::Different("numeric")),
                AtPoint::Skip => {}
                AtPoint::Unclear => unclear = true,
                AtPoint::Exhausted => return Some(exhausted()),
            }
        }
        if unclear {
            return Some(Outcome::unknown(
                "the two are too close to each other to be told apart within bounds",
            ));
        }
        (agreed >= enough).then_some(Outcome::Equal("numeric"))
    }

    fn at_point(
        &self,
        gold: &Node,
        answer: &Node,
        numeric: Numeric,
        point: &Assignment,
    ) -> AtPoint {
        if !point.is_empty()
            && let (Ok(gold), Ok(answer)) = (
                exact(gold, point, self.budget),
                exact(answer, point, self.budget),
            )
        {
            return if gold == answer {
                AtPoint::Agree
            } else {
                AtPoint::Differ
            };
        }
        let mut precision = FIRST_PRECISION;
        loop {
            let evaluator = Evaluator::new(self.budget, numeric, precision);
            let both = (evaluator.value(gold, point), evaluator.value(answer, point));
            let (gold, answer) = match both {
                (Ok(gold), Ok(answer)) => (gold, answer),
                (Err(Stop::Exhausted), _) | (_, Err(Stop::Exhausted)) => {
                    return AtPoint::Exhausted;
                }
                (Err(Stop::TooBig), _) | (_, Err(Stop::TooBig)) => return AtPoint::Unclear,
                _ => return AtPoint::Skip,
            };
            if !gold.overlaps(&answer) {
                return AtPoint::Differ;
            }
            // Two that may be zero have no magnitude of their own: 1 is the
            // scale then.
            let may_be_zero = gold.contains_zero() && answer.contains_zero();
            let agreement = if may_be_zero {
                -size(&gold).max(size(&answer))
            } else {
                gold.agreement_bits(&answer)
            };
            let below = if may_be_zero { -evaluator.least() } else { 0 };
            let needed = AGREEMENT
                .saturating_add(evaluator.detail())
                .saturating_add(below);
            if agreement >= needed {
                return AtPoint::Agree;
            }
            let more = u32::try_from(needed.saturating_sub(agreement)).unwrap_or(u32::MAX);
            let next = precision.saturating_add(more.max(precision));
            if precision >= LAST_PRECISION || next > 2 * LAST_PRECISION {
                return AtPoint::Unclear;
            }
            precision = next.min(LAST_PRECISION);
        }
    }

    /// Whether `gold` is less than, equal to or greater than `answer`, both
    /// being real numbers.
    pub(super) fn order(&self, gold: &Node, answer: &Node) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering;
        match (infinite(gold), infinite(answer)) {
            (None, None) => {}
            (a, b) => return Some(a.unwrap_or(0).cmp(&b.unwrap_or(0))),
        }
        if let (Ok(a), Ok(b)) = (
            exact(gold, &[], self.budget),
            exact(answer, &[], self.budget),
        ) {
            return Some(match (a == b, a.less(&b)) {
                (true, _) => Ordering::Equal,
                (_, true) => Ordering::Less,
                _ => Ordering::Greater,
            });
        }
        if self.plain_value(gold, answer).is_equal() {
            return Some(Ordering::Equal);
        }
        let evaluator = Evaluator::new(self.budget, Numeric::Real, FIRST_PRECISION);
        let a = evaluator.value(gold, &[]).ok()?;
        let b = evaluator.value(answer, &[]).ok()?;
        let ahead = a.re.sub(&b.re, FIRST_PRECISION)?;
        if ahead.is_positive() {
            Some(Ordering::Greater)
        } else if ahead.is_negative() {
            Some(Ordering::Less)
        } else {
            None
        }
    }
}

/// log2 of the largest part, from above.
fn size(value: &CBall) -> i64 {
    let part = |ball: &Ball| ball.log2_abs_upper().unwrap_or(i64::MIN / 2);
    part(&value.re).max(part(&value.im))
}

pub(super) fn exhausted() -> Outcome {
    Outcome::unknown("it takes more work than a pair may cost")
}

fn no_value() -> Outcome {
    Outcome::unknown("no value could be computed for it")
}

fn without_percent(node: &Node) -> (&Node, bool) {
    match node {
        Node::Percent(inner) => (inner, true),
        other => (other, false),
    }
}

/// 1 for ∞, −1 for −∞.
pub(super) fn infinite(node: &Node) -> Option<i8> {
    match node {
        Node::Constant(Constant::Infinity) => Some(1),
        Node::Neg(inner) => infinite(inner).map(|sign| -sign),
        _ => None,
    }
}

fn holds_pi(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Constant(Constant::Pi)))
}

/// The value before letters that are a unit: of `12 m`, `12 m/s`, `12 m^2`.
fn without_unit_letter(node: &Node) -> Option<Node> {
    const UNITS: [&str; 10] = ["m", "g", "s", "h", "L", "N", "J", "W", "V", "K"];
    let is_unit = |node: &Node| match node {
        Node::Symbol(name) => UNITS.contains(&&**name),
        Node::Power(base, exponent) => {
            matches!(&**base, Node::Symbol(name) if UNITS.contains(&&**name))
                && matches!(**exponent, Node::Number(_) | Node::Neg(_))
        }
        _ => false,
    };
    match node {
        Node::Product(factors) => {
            let last = factors.iter().rposition(|factor| !is_unit(factor))?;
            let rest = &factors[..=last];
            (rest.len() < factors.len()).then(|| Node::product(rest.to_vec()))
        }
        // `m/s`, but 5/m is no 5.
        Node::Quotient(above, below) if is_unit(below) => without_unit_letter(above),
        _ => None,
    }
}
