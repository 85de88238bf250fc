//! Expressions of whole numbers, fractions, powers, binomials and the like as
//! one exact fraction.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::rc::Rc;

use crate::problem::answer::budget::{Budget, Stop};
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Function, Node};

/// Largest n whose factorial is written out.
const LARGEST_FACTORIAL: i64 = 5_000;
/// Most terms of a written sum or product.
const MOST_TERMS: i64 = 2_000;

/// Values of variables: indices of sums, sample points.
pub(in crate::problem) type Values<'a> = &'a [(Rc<str>, Fraction)];

/// The exact value of `node`, if it is rational and not too large.
pub(in crate::problem) fn exact(
    node: &Node,
    values: Values<'_>,
    budget: &Budget,
) -> Result<Fraction, Stop> {
    budget.spend(40)?;
    let of = |node: &Node| exact(node, values, budget);
    match node {
        Node::Number(value) => Ok(value.clone()),
        Node::Symbol(name) => values
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .ok_or(Stop::Unsupported),
        Node::Letters(letters) => of(&Node::letters_product(letters)),
        Node::Sum(terms) => terms
            .iter()
            .try_fold(Fraction::zero(), |sum, term| sum.add(&of(term)?, budget)),
        Node::Product(factors) => factors.iter().try_fold(Fraction::one(), |product, factor| {
            product.mul(&of(factor)?, budget)
        }),
        Node::Neg(inner) => Ok(of(inner)?.neg()),
        Node::Quotient(above, below) => of(above)?.div(&of(below)?, budget),
        Node::Power(base, exponent) => power(&of(base)?, &of(exponent)?, budget),
        Node::Root(radicand, index) => {
            let inverse = Fraction::one().div(&of(index)?, budget)?;
            power(&of(radicand)?, &inverse, budget)
        }
        Node::Percent(inner) => of(inner)?.div(&Fraction::from(100), budget),
        Node::Degrees(inner) | Node::Quantity { value: inner, .. } => of(inner),
        Node::Call(function @ (Function::SumOver | Function::ProductOver), parts) => {
            series(*function, parts, values, budget)
        }
        Node::Call(function, arguments) => {
            let arguments = arguments.iter().map(of).collect::<Result<Vec<_>, _>>()?;
            call(*function, &arguments, budget)
        }
        _ => Err(Stop::Unsupported),
    }
}

/// A power whose value is rational.
fn power(base: &Fraction, exponent: &Fraction, budget: &Budget) -> Result<Fraction, Stop> {
    if let Some(exponent) = exponent.to_integer() {
        if base.is_zero() && exponent.is_zero() {
            return Err(Stop::Undefined);
        }
        if base.is_one() {
            return Ok(Fraction::one());
        }
        let exponent = exponent.to_i64().ok_or(Stop::TooBig)?;
        return base.pow(exponent, budget);
    }
    let exponent = exponent.reduced(512);
    let index = exponent.den().to_u32().filter(|index| *index <= 64);
    let times = exponent.num().to_i64().filter(|times| times.abs() <= 4096);
    let (Some(index), Some(times)) = (index, times) else {
        return Err(Stop::Unsupported);
    };
    let base = base.reduced(4096);
    if base.is_negative() && index.is_multiple_of(2) {
        return Err(Stop::Unsupported);
    }
    budget.spend(1_000 + base.bits() * 4)?;
    let num = perfect_root(base.num(), index).ok_or(Stop::Unsupported)?;
    let den = perfect_root(base.den(), index).ok_or(Stop::Unsupported)?;
    Fraction::new(num, den)
        .ok_or(Stop::Undefined)?
        .pow(times, budget)
}

/// The exact root of a perfect power.
pub(super) fn perfect_root(value: &BigInt, index: u32) -> Option<BigInt> {
    /// Roots of longer numbers are left to balls.
    const MOST_BITS: u64 = 4096;
    if value.bits() > MOST_BITS {
        return None;
    }
    let root = if value.is_negative() {
        -((-value).nth_root(index))
    } else {
        value.nth_root(index)
    };
    (root.pow(index) == *value).then_some(root)
}

/// `\sum` and `\prod` with written bounds.
fn series(
    function: Function,
    parts: &[Node],
    values: Values<'_>,
    budget: &Budget,
) -> Result<Fraction, Stop> {
    let [Node::Symbol(index), from, to, term] = parts else {
        return Err(Stop::Unsupported);
    };
    let bound = |node: &Node| {
        let value = exact(node, values, budget)?;
        value.to_i64().ok_or(Stop::Unsupported)
    };
    let (from, to) = (bound(from)?, bound(to)?);
    if to.saturating_sub(from) > MOST_TERMS {
        return Err(Stop::TooBig);
    }
    let mut inner: Vec<(Rc<str>, Fraction)> = values.to_vec();
    inner.push((Rc::clone(index), Fraction::zero()));
    let is_sum = function == Function::SumOver;
    let mut total = if is_sum {
        Fraction::zero()
    } else {
        Fraction::one()
    };
    for at in from..=to {
        if let Some(last) = inner.last_mut() {
            last.1 = Fraction::from(at);
        }
        let value = exact(term, &inner, budget)?;
        total = if is_sum {
            total.add(&value, budget)?
        } else {
            total.mul(&value, budget)?
        };
    }
    Ok(total)
}

/// Functions that take fractions to fractions.
pub(super) fn call(
    function: Function,
    arguments: &[Fraction],
    budget: &Budget,
) -> Result<Fraction, Stop> {
    match (function, arguments) {
        (Function::Abs, [value]) => Ok(value.abs()),
        (Function::Floor, [value]) => Ok(Fraction::integer(value.floor())),
        (Function::Ceil, [value]) => Ok(Fraction::integer(value.neg().floor()).neg()),
        (Function::Factorial, [value]) => factorial(value, 1, budget),
        (Function::DoubleFactorial, [value]) => factorial(value, 2, budget),
        (Function::Binomial, [n, k]) => binomial(n, k, budget),
        (Function::Max, [first, rest @ ..]) => Ok(rest
            .iter()
            .fold(
                first,
                |most, value| if most.less(value) { value } else { most },
            )
            .clone()),
        (Function::Min, [first, rest @ ..]) => Ok(rest
            .iter()
            .fold(
                first,
                |least, value| if value.less(least) { value } else { least },
            )
            .clone()),
        (Function::Gcd | Function::Lcm, [first, rest @ ..]) => {
            let mut total = whole(first)?;
            for value in rest {
                let value = whole(value)?;
                budget.spend(2_000 + total.bits().min(4096) * 20)?;
                if total.bits().max(value.bits()) > 4096 {
                    return Err(Stop::TooBig);
                }
                total = if function == Function::Gcd {
                    total.gcd(&value)
                } else {
                    total.lcm(&value)
                };
            }
            Ok(Fraction::integer(total))
        }
        _ => Err(Stop::Unsupported),
    }
}

fn whole(value: &Fraction) -> Result<BigInt, Stop> {
    value.to_integer().ok_or(Stop::Unsupported)
}

fn factorial(value: &Fraction, step: usize, budget: &Budget) -> Result<Fraction, Stop> {
    let n = value.to_integer().ok_or(Stop::Unsupported)?;
    if n.is_negative() {
        return Err(Stop::Undefined);
    }
    let n = n
        .to_i64()
        .filter(|n| *n <= LARGEST_FACTORIAL)
        .ok_or(Stop::TooBig)?;
    budget.spend(20 * n.unsigned_abs() + n.unsigned_abs().pow(2) / 16)?;
    let product = (1..=n)
        .rev()
        .step_by(step)
        .fold(BigInt::one(), |product, factor| product * factor);
    Ok(Fraction::integer(product))
}

fn binomial(n: &Fraction, k: &Fraction, budget: &Budget) -> Result<Fraction, Stop> {
    let k = k.to_integer().ok_or(Stop::Unsupported)?;
    if k.is_negative() {
        return Ok(Fraction::zero());
    }
    let n = n.to_integer().ok_or(Stop::Unsupported)?;
    let mut k = k;
    if !n.is_negative() {
        if k > n {
            return Ok(Fraction::zero());
        }
        let other = &n - &k;
        if other < k {
            k = other;
        }
    }
    let k = k
        .to_i64()
        .filter(|k| *k <= LARGEST_FACTORIAL)
        .ok_or(Stop::TooBig)?;
    // At most 2^n, and at most n^k.
    let bits = (n.bits() * k.unsigned_abs()).min(n.to_u64().unwrap_or(u64::MAX));
    if bits > 1 << 17 {
        return Err(Stop::TooBig);
    }
    budget.spend(k.unsigned_abs() * (150 + bits / 10))?;
    let mut product = BigInt::one();
    for j in 0..k {
        // Exact at every step: a product of consecutive numbers.
        product = product * (&n - BigInt::from(j)) / BigInt::from(j + 1);
    }
    if product.is_zero() {
        return Ok(Fraction::zero());
    }
    Ok(Fraction::integer(product))
}
