//! What a ball proves: floors, magnitudes, disjointness and agreement.

use std::cmp::Ordering;

use num_bigint::BigInt;
#[cfg(test)]
use num_bigint::Sign;
#[cfg(test)]
use num_traits::ToPrimitive;
use num_traits::{One, Signed, Zero};

#[cfg(test)]
use super::bits_of;
use super::{Ball, MIN_PREC};

/// Integers longer than this are not written out by `floor_exact`.
const MAX_INTEGER_BITS: i64 = 1 << 20;

impl Ball {
    /// The floor of every number of the ball, where it is the same for all of them and is not
    /// absurdly long; decided exactly.
    #[must_use]
    pub fn floor_exact(&self) -> Option<BigInt> {
        if self.exp >= 0 || self.man.is_zero() {
            // An integer midpoint is the least number with its floor: no room for a radius.
            return (self.rad.is_zero() && self.top() <= MAX_INTEGER_BITS)
                .then(|| &self.man << self.exp);
        }
        if self.top() < -2 {
            let below_one = self.rad.top() < -2 && !self.contains_zero();
            let on_zero = self.man.is_positive() && self.mid_cmp_rad() == Ordering::Equal;
            return (below_one || on_zero).then(|| {
                if self.man.is_negative() {
                    -BigInt::one()
                } else {
                    BigInt::zero()
                }
            });
        }
        // The exponent is here no further below zero than the midpoint is long.
        let places = self.exp.checked_neg()?;
        let floor = &self.man >> places;
        let fraction = &self.man - (&floor << places);
        let rest = (BigInt::one() << places) - &fraction;
        let rad = self.rad;
        let fits = |room: BigInt| {
            Self {
                man: room,
                exp: self.exp,
                rad,
            }
            .mid_cmp_rad()
        };
        let same = fits(fraction) != Ordering::Less && fits(rest) == Ordering::Greater;
        same.then_some(floor)
    }

    /// An upper bound of `floor(log2 |x|)` over the ball; `None` for exact zero.
    #[must_use]
    pub fn log2_abs_upper(&self) -> Option<i64> {
        if self.rad.is_zero() && !self.man.is_zero() {
            return Some(self.top() - 1);
        }
        let bound = self.abs_up();
        (!bound.is_zero()).then(|| bound.top() - 1)
    }

    /// A lower bound of `floor(log2 |x|)` over the ball; `None` if it contains zero.
    #[must_use]
    pub fn log2_abs_lower(&self) -> Option<i64> {
        let bound = self.abs_down();
        (!bound.is_zero()).then(|| bound.top() - 1)
    }

    /// `false` proves that the balls share no number. Balls closer than about `2^-60` of their
    /// distance to touching may count as overlapping.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.sub(other, MIN_PREC).is_none_or(|d| d.contains_zero())
    }

    /// How many bits below the larger of the two magnitudes every pair of numbers from the balls
    /// is proved to agree: `floor(log2 max(|a|, |b|)) - ceil(log2 sup |a - b|)`, each bounded on
    /// the safe side. `i64::MAX` if both are exact and equal, `i64::MIN` if nothing is proved.
    #[cfg(test)]
    #[must_use]
    pub fn agreement_bits(&self, other: &Self) -> i64 {
        let Some(difference) = self.sub(other, MIN_PREC) else {
            return i64::MIN;
        };
        let gap = difference.abs_up();
        if gap.is_zero() {
            return i64::MAX;
        }
        match self.log2_abs_lower().max(other.log2_abs_lower()) {
            Some(scale) => scale - gap.top(),
            None => i64::MIN,
        }
    }

    /// The midpoint to about double precision, for display only: nothing is bounded.
    #[cfg(test)]
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let drop = (bits_of(&self.man) - 64).max(0);
        let head = (self.man.magnitude() >> drop).to_f64().unwrap_or(0.0);
        let signed = if self.man.sign() == Sign::Minus {
            -head
        } else {
            head
        };
        // Two factors reach the subnormals without the power itself underflowing.
        let exp = i32::try_from((self.exp + drop).clamp(-2000, 2000)).unwrap_or(0);
        signed * 2f64.powi(exp / 2) * 2f64.powi(exp - exp / 2)
    }
}
