//! Sums of monomials with fractional exponents over atoms: variables, π, e, i,
//! roots of primes, and whatever else is only known to itself.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_integer::Integer;

use crate::problem::answer::budget::{Budget, Stop};
use crate::problem::answer::fraction::Fraction;

/// Most terms of one polynomial.
const MOST_TERMS: usize = 600;
/// Largest numerator or denominator of an exponent.
const LARGEST_EXPONENT: i64 = 1 << 40;

/// A number of an atom in its [`super::Ring`].
pub(super) type Atom = u32;

/// A reduced fraction of machine numbers, `den > 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Exponent {
    pub num: i64,
    pub den: i64,
}

impl Exponent {
    pub const ONE: Self = Self { num: 1, den: 1 };

    pub fn new(num: i64, den: i64) -> Result<Self, Stop> {
        let divisor = num.gcd(&den).max(1);
        let (num, den) = (num / divisor, den / divisor);
        if den <= 0 || num.abs() > LARGEST_EXPONENT || den > LARGEST_EXPONENT {
            return Err(Stop::TooBig);
        }
        Ok(Self { num, den })
    }

    pub fn of(value: &Fraction) -> Result<Self, Stop> {
        use num_traits::ToPrimitive;
        let value = value.reduced(512);
        match (value.num().to_i64(), value.den().to_i64()) {
            (Some(num), Some(den)) => Self::new(num, den),
            _ => Err(Stop::TooBig),
        }
    }

    pub fn add(self, other: Self) -> Result<Self, Stop> {
        let product = |a: i64, b: i64| a.checked_mul(b).ok_or(Stop::TooBig);
        let num = product(self.num, other.den)?
            .checked_add(product(other.num, self.den)?)
            .ok_or(Stop::TooBig)?;
        Self::new(num, product(self.den, other.den)?)
    }

    pub fn mul(self, other: Self) -> Result<Self, Stop> {
        let product = |a: i64, b: i64| a.checked_mul(b).ok_or(Stop::TooBig);
        Self::new(product(self.num, other.num)?, product(self.den, other.den)?)
    }

    /// By value; the derived order is that of the parts.
    pub fn compare(self, other: Self) -> std::cmp::Ordering {
        let left = i128::from(self.num) * i128::from(other.den);
        left.cmp(&(i128::from(other.num) * i128::from(self.den)))
    }

    pub fn is_integer(self) -> bool {
        self.den == 1
    }

    /// The whole part, and what is left in `0..1`.
    pub fn split(self) -> (i64, Self) {
        let whole = self.num.div_euclid(self.den);
        let rest = Self {
            num: self.num.rem_euclid(self.den),
            den: if self.num.rem_euclid(self.den) == 0 {
                1
            } else {
                self.den
            },
        };
        (whole, rest)
    }
}

/// Atoms with their exponents, in the order of the atoms; none has exponent 0.
pub(super) type Monomial = Vec<(Atom, Exponent)>;

/// What an atom's powers come down to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Free,
    /// A number whose whole powers belong to the coefficient.
    Radical(BigInt),
    /// i, whose square is −1.
    Imaginary,
}

/// A sum of monomials; none has coefficient 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Polynomial {
    pub terms: BTreeMap<Monomial, Fraction>,
}

impl Polynomial {
    pub fn constant(value: Fraction) -> Self {
        Self::term(Monomial::new(), value)
    }

    pub fn term(monomial: Monomial, coefficient: Fraction) -> Self {
        let mut terms = BTreeMap::new();
        if !coefficient.is_zero() {
            terms.insert(monomial, coefficient);
        }
        Self { terms }
    }

    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value, if no atom is in it.
    pub fn to_constant(&self) -> Option<Fraction> {
        match self.terms.len() {
            0 => Some(Fraction::zero()),
            1 => {
                let (monomial, coefficient) = self.terms.first_key_value()?;
                monomial.is_empty().then(|| coefficient.clone())
            }
            _ => None,
        }
    }

    pub fn single(&self) -> Option<(&Monomial, &Fraction)> {
        (self.terms.len() == 1)
            .then(|| self.terms.first_key_value())
            .flatten()
    }

    pub fn neg(&self) -> Self {
        Self {
            terms: self
                .terms
                .iter()
                .map(|(monomial, coefficient)| (monomial.clone(), coefficient.neg()))
                .collect(),
        }
    }

    pub fn add(&self, other: &Self, budget: &Budget) -> Result<Self, Stop> {
        budget.spend(150 * (self.terms.len() + other.terms.len()) as u64)?;
        let mut sum = self.clone();
        for (monomial, coefficient) in &other.terms {
            sum.add_term(monomial.clone(), coefficient, budget)?;
        }
        Ok(sum)
    }

    fn add_term(
        &mut self,
        monomial: Monomial,
        coefficient: &Fraction,
        budget: &Budget,
    ) -> Result<(), Stop> {
        match self.terms.get_mut(&monomial) {
            Some(known) => {
                *known = known.add(coefficient, budget)?;
                if known.is_zero() {
                    self.terms.remove(&monomial);
                }
            }
            None if !coefficient.is_zero() => {
                if self.terms.len() >= MOST_TERMS {
                    return Err(Stop::TooBig);
                }
                self.terms.insert(monomial, coefficient.clone());
            }
            None => {}
        }
        Ok(())
    }

    pub fn mul(&self, other: &Self, rules: &[Rule], budget: &Budget) -> Result<Self, Stop> {
        let mut product = Self::default();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                budget.spend(250)?;
                let (monomial, factor) = times(left, right, rules, budget)?;
                let mut coefficient = a.mul(b, budget)?;
                if let Some(factor) = factor {
                    coefficient = coefficient.mul(&factor, budget)?;
                }
                product.add_term(monomial, &coefficient, budget)?;
            }
        }
        Ok(product)
    }
}

/// The product of two monomials, and the number that falls out of it.
fn times(
    left: &Monomial,
    right: &Monomial,
    rules: &[Rule],
    budget: &Budget,
) -> Result<(Monomial, Option<Fraction>), Stop> {
    let mut merged = Monomial::with_capacity(left.len() + right.len());
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 == y.0 => {
                merged.push((x.0, x.1.add(y.1)?));
                a.next();
                b.next();
            }
            (Some(x), Some(y)) if x.0 < y.0 => {
                merged.push(**x);
                a.next();
            }
            (Some(x), None) => {
                merged.push(**x);
                a.next();
            }
            (_, Some(y)) => {
                merged.push(**y);
                b.next();
            }
            (None, None) => break,
        }
    }
    normalized(merged, rules, budget)
}

/// Whole powers of radicals and squares of i taken out of a monomial.
pub(super) fn normalized(
    monomial: Monomial,
    rules: &[Rule],
    budget: &Budget,
) -> Result<(Monomial, Option<Fraction>), Stop> {
    let mut factor: Option<Fraction> = None;
    let mut kept = Monomial::with_capacity(monomial.len());
    for (atom, exponent) in monomial {
        let (exponent, number) = match rules.get(atom as usize) {
            Some(Rule::Radical(base)) => {
                let (whole, rest) = exponent.split();
                let number = (whole != 0)
                    .then(|| Fraction::integer(base.clone()).pow(whole, budget))
                    .transpose()?;
                (rest, number)
            }
            Some(Rule::Imaginary) if exponent.is_integer() => {
                let turns = exponent.num.rem_euclid(4);
                let rest = Exponent {
                    num: turns % 2,
                    den: 1,
                };
                (rest, (turns >= 2).then(|| Fraction::from(-1)))
            }
            _ => (exponent, None),
        };
        if exponent.num != 0 {
            kept.push((atom, exponent));
        }
        if let Some(number) = number {
            factor = Some(match factor {
                Some(before) => before.mul(&number, budget)?,
                None => number,
            });
        }
    }
    Ok((kept, factor))
}
