//! Expressions as balls that surely hold their true value.

use std::cell::Cell;
use std::rc::Rc;

use super::ball::{Ball, CBall};
use super::exact::{self, Values};
use crate::problem::answer::budget::{Budget, Stop};
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Constant, Function, Node};

/// Which numbers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::problem::answer) enum Numeric {
    /// Real ones: √−1 has no value, ∛−8 is −2.
    Real,
    /// Complex ones, with principal values.
    Complex,
}

/// Evaluates at one precision.
pub(in crate::problem::answer) struct Evaluator<'a> {
    budget: &'a Budget,
    numeric: Numeric,
    /// Bits of the midpoints.
    precision: u32,
    /// Whether degrees stand for angles here, not for a unit.
    angles: Cell<bool>,
    /// Bits that small parts of the expression lie below what is seen of it.
    detail: Cell<i64>,
    /// log2 of the smallest term of a sum.
    least: Cell<i64>,
}

/// Parts that differ by fewer bits are covered by the agreement asked for.
const SLIGHT: i64 = 16;
/// Rational numbers of more bits count as parts with detail.
const LONG_LITERAL: u64 = 24;

impl<'a> Evaluator<'a> {
    pub fn new(budget: &'a Budget, numeric: Numeric, precision: u32) -> Self {
        Self {
            budget,
            numeric,
            precision,
            angles: Cell::new(false),
            detail: Cell::new(0),
            least: Cell::new(0),
        }
    }

    /// Bits by which the finest part of the expression lies below the whole:
    /// the smallest term of a sum, the last digit of a long number, what a
    /// saturating function leaves of its argument. An agreement must go that
    /// much further to say anything of that part.
    pub fn detail(&self) -> i64 {
        self.detail.get()
    }

    /// log2 of the smallest term of any sum, at most 0.
    pub fn least(&self) -> i64 {
        self.least.get()
    }

    /// Details add up: each may lie below another.
    fn note(&self, bits: i64) {
        if bits > SLIGHT {
            self.detail.set(self.detail.get().saturating_add(bits));
        }
    }

    /// An argument far from 1 leaves little of itself in a function's value:
    /// cos x is 1 − x²/2, arctan x is π/2 − 1/x.
    fn note_argument(&self, value: &CBall) {
        for part in [&value.re, &value.im] {
            let far = |bound: Option<i64>| bound.map_or(0, i64::abs);
            let bits = far(part.log2_abs_upper()).max(far(part.log2_abs_lower()));
            self.note(bits.saturating_mul(2));
        }
    }

    /// A ball around the value of `node`. No value, or one out of range, is
    /// [`Stop::Undefined`].
    pub fn value(&self, node: &Node, values: Values<'_>) -> Result<CBall, Stop> {
        self.charge(2)?;
        match node {
            Node::Number(value) => self.fraction(value),
            Node::Symbol(name) => {
                let found = values.iter().rev().find(|(known, _)| known == name);
                self.fraction(&found.ok_or(Stop::Unsupported)?.1)
            }
            Node::Letters(letters) => self.value(&Node::letters_product(letters), values),
            Node::Constant(constant) => self.constant(*constant),
            Node::Sum(terms) => self.sum(terms, values),
            Node::Product(factors) => {
                let mut product = real(Ball::one());
                for factor in factors {
                    let factor = self.value(factor, values)?;
                    product = self.known(product.mul(&factor, self.precision))?;
                }
                Ok(product)
            }
            Node::Neg(inner) => Ok(self.value(inner, values)?.neg()),
            Node::Quotient(above, below) => {
                let (above, below) = (self.value(above, values)?, self.value(below, values)?);
                self.charge(4)?;
                self.known(above.div(&below, self.precision))
            }
            Node::Power(base, exponent) => self.power(base, exponent, values),
            Node::Root(radicand, index) => {
                let exponent = Node::quotient(Node::integer(1), (**index).clone());
                self.power(radicand, &exponent, values)
            }
            Node::Percent(inner) => {
                let hundred = real(Ball::from_i64(100));
                self.known(self.value(inner, values)?.div(&hundred, self.precision))
            }
            Node::Degrees(inner) => {
                let value = self.value(inner, values)?;
                if !self.angles.get() {
                    return Ok(value);
                }
                let pi = self.constant(Constant::Pi)?;
                let half_turns = real(Ball::from_i64(180));
                let radians = self.known(value.mul(&pi, self.precision))?;
                self.known(radians.div(&half_turns, self.precision))
            }
            Node::Quantity { value, .. } => self.value(value, values),
            Node::Call(Function::SumOver | Function::ProductOver, _) => {
                self.fraction(&exact::exact(node, values, self.budget)?)
            }
            Node::Call(function, arguments) => self.call(*function, arguments, values),
            _ => Err(Stop::Unsupported),
        }
    }

    /// Costs grow with the precision; a unit is an addition.
    fn charge(&self, units: u64) -> Result<(), Stop> {
        let words = u64::from(self.precision / 64);
        self.budget.spend(units * (100 + 8 * words * words))
    }

    fn known<T>(&self, value: Option<T>) -> Result<T, Stop> {
        value.ok_or(Stop::Undefined)
    }

    fn fraction(&self, value: &Fraction) -> Result<CBall, Stop> {
        self.charge(1 + value.bits() / 512)?;
        if value.bits() > LONG_LITERAL {
            let bits = value.num().bits() + value.den().bits();
            self.note(i64::try_from(bits).unwrap_or(i64::MAX));
        }
        let ball = if value.den().bits() == 1 {
            Some(Ball::from_bigint(value.num()))
        } else {
            Ball::from_rational(value.num(), value.den(), self.precision)
        };
        self.known(ball).map(real)
    }

    fn constant(&self, constant: Constant) -> Result<CBall, Stop> {
        match constant {
            Constant::Pi => self.known(Ball::pi(self.precision)).map(real),
            Constant::E => {
                self.charge(40)?;
                self.known(Ball::one().exp(self.precision)).map(real)
            }
            Constant::I if self.numeric == Numeric::Complex => Ok(CBall::i()),
            Constant::I | Constant::Infinity => Err(Stop::Undefined),
        }
    }

    fn sum(&self, terms: &[Node], values: Values<'_>) -> Result<CBall, Stop> {
        let mut total = real(Ball::zero());
        let (mut largest, mut smallest) = (i64::MIN, i64::MAX);
        for term in terms {
            let term = self.value(term, values)?;
            for part in [&term.re, &term.im] {
                if let (Some(upper), Some(lower)) = (part.log2_abs_upper(), part.log2_abs_lower()) {
                    largest = largest.max(upper);
                    smallest = smallest.min(lower);
                }
            }
            total = self.known(total.add(&term, self.precision))?;
        }
        if smallest != i64::MAX {
            self.note(largest.saturating_sub(smallest));
            self.least.set(self.least.get().min(smallest));
        }
        Ok(total)
    }

    fn power(&self, base: &Node, exponent: &Node, values: Values<'_>) -> Result<CBall, Stop> {
        if matches!(base, Node::Constant(Constant::E)) {
            let exponent = self.value(exponent, values)?;
            self.note_argument(&exponent);
            self.charge(60)?;
            return self.known(exponent.exp(self.precision));
        }
        let base = self.value(base, values)?;
        match exact::exact(exponent, values, self.budget) {
            Ok(exponent) => self.rational_power(&base, &exponent),
            Err(Stop::Exhausted) => Err(Stop::Exhausted),
            Err(_) => {
                let exponent = self.value(exponent, values)?;
                self.general_power(&base, &exponent)
            }
        }
    }

    fn rational_power(&self, base: &CBall, exponent: &Fraction) -> Result<CBall, Stop> {
        use num_integer::Integer;
        use num_traits::{Signed, ToPrimitive};
        if let Some(exponent) = exponent.to_integer() {
            self.charge(2 * exponent.bits() + 2)?;
            return self.known(base.pow_int(&exponent, self.precision));
        }
        let exponent = exponent.reduced(512);
        let index = exponent.den().to_u32().filter(|index| *index <= 64);
        if let (Some(index), true) = (index, base.is_exact_real()) {
            let flips = base.re.is_negative() && index.is_odd() && self.numeric == Numeric::Real;
            if flips || base.re.is_positive() || base.re.is_exact_zero() {
                if base.re.is_exact_zero() && exponent.num().is_negative() {
                    return Err(Stop::Undefined);
                }
                self.charge(20)?;
                let root = self.known(base.re.abs().root(index, self.precision))?;
                let root = if flips { root.neg() } else { root };
                return self
                    .known(root.pow_int(exponent.num(), self.precision))
                    .map(real);
            }
        }
        if index == Some(2) && self.numeric == Numeric::Complex {
            self.charge(40)?;
            let root = self.known(base.sqrt(self.precision))?;
            return self.known(root.pow_int(exponent.num(), self.precision));
        }
        let exponent = self.fraction(&exponent)?;
        self.general_power(base, &exponent)
    }

    fn general_power(&self, base: &CBall, exponent: &CBall) -> Result<CBall, Stop> {
        if self.numeric == Numeric::Real && !base.re.is_positive() {
            return Err(Stop::Undefined);
        }
        self.note_argument(exponent);
        self.charge(150)?;
        self.known(base.pow(exponent, self.precision))
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Node],
        values: Values<'_>,
    ) -> Result<CBall, Stop> {
        if function.is_discrete() || matches!(function, Function::Max | Function::Min) {
            return self.discrete(function, arguments, values);
        }
        let before = self
            .angles
            .replace(self.angles.get() || function.is_trigonometric());
        let arguments = arguments
            .iter()
            .map(|argument| self.value(argument, values))
            .collect::<Result<Vec<_>, _>>();
        self.angles.set(before);
        let arguments = arguments?;
        for argument in &arguments {
            self.note_argument(argument);
        }
        self.charge(80)?;
        match &arguments[..] {
            [value] => self.apply(function, value),
            [base, value] if function == Function::Log => {
                let above = self.apply(Function::Ln, value)?;
                let below = self.apply(Function::Ln, base)?;
                self.known(above.div(&below, self.precision))
            }
            _ => Err(Stop::Unsupported),
        }
    }

    fn apply(&self, function: Function, value: &CBall) -> Result<CBall, Stop> {
        let precision = self.precision;
        let one = real(Ball::one());
        let over = |above: CBall, below: CBall| self.known(above.div(&below, precision));
        let sin = || self.known(value.sin(precision));
        let cos = || self.known(value.cos(precision));
        match function {
            Function::Sin => sin(),
            Function::Cos => cos(),
            Function::Tan => over(sin()?, cos()?),
            Function::Cot => over(cos()?, sin()?),
            Function::Sec => over(one, cos()?),
            Function::Csc => over(one, sin()?),
            Function::Exp => self.known(value.exp(precision)),
            Function::Ln => {
                if self.numeric == Numeric::Real && !value.re.is_positive() {
                    return Err(Stop::Undefined);
                }
                self.known(value.ln(precision))
            }
            Function::Abs => self.known(value.abs(precision)).map(real),
            _ if !value.is_exact_real() => Err(Stop::Unsupported),
            _ => {
                let x = &value.re;
                let of = match function {
                    Function::Arcsin => x.asin(precision),
                    Function::Arccos => x.acos(precision),
                    Function::Arctan => x.atan(precision),
                    // In (0, π), continuous at 0.
                    Function::Arccot => Ball::atan2(&Ball::one(), x, precision),
                    Function::Sinh => x.sinh(precision),
                    Function::Cosh => x.cosh(precision),
                    Function::Tanh => {
                        // 1 − 2e^(−2x): three bits a unit.
                        let size = x.log2_abs_upper().unwrap_or(0).clamp(0, 40);
                        self.note(3 << size);
                        x.tanh(precision)
                    }
                    _ => return Err(Stop::Unsupported),
                };
                self.known(of).map(real)
            }
        }
    }

    /// Functions of whole numbers: exact where the arguments are.
    fn discrete(
        &self,
        function: Function,
        arguments: &[Node],
        values: Values<'_>,
    ) -> Result<CBall, Stop> {
        let exactly: Result<Vec<Fraction>, Stop> = arguments
            .iter()
            .map(|argument| exact::exact(argument, values, self.budget))
            .collect();
        match exactly {
            Ok(arguments) => match exact::call(function, &arguments, self.budget) {
                Ok(value) => return self.fraction(&value),
                Err(stop) => return Err(stop),
            },
            Err(Stop::Exhausted) => return Err(Stop::Exhausted),
            Err(_) => {}
        }
        let arguments = arguments
            .iter()
            .map(|argument| self.value(argument, values))
            .collect::<Result<Vec<_>, _>>()?;
        if arguments.iter().any(|value| !value.is_exact_real()) {
            return Err(Stop::Unsupported);
        }
        match (function, &arguments[..]) {
            (Function::Floor, [value]) => {
                let floor = value.re.floor_exact().ok_or(Stop::TooBig)?;
                Ok(real(Ball::from_bigint(&floor)))
            }
            (Function::Ceil, [value]) => {
                let floor = value.re.neg().floor_exact().ok_or(Stop::TooBig)?;
                Ok(real(Ball::from_bigint(&-floor)))
            }
            (Function::Max | Function::Min, [first, rest @ ..]) => {
                let mut best = first.clone();
                for value in rest {
                    let ahead = self.known(value.re.sub(&best.re, self.precision))?;
                    let is_better = if function == Function::Max {
                        ahead.is_positive()
                    } else {
                        ahead.is_negative()
                    };
                    if is_better {
                        best = value.clone();
                    } else if ahead.contains_zero() {
                        return Err(Stop::TooBig);
                    }
                }
                Ok(best)
            }
            _ => Err(Stop::Unsupported),
        }
    }
}

fn real(ball: Ball) -> CBall {
    CBall::from_real(ball)
}

/// A name and its value at a sample point.
pub(in crate::problem::answer) type Assignment = Vec<(Rc<str>, Fraction)>;
