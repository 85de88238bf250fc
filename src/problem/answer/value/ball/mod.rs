//! Ball arithmetic: real numbers known to lie within a proved distance of a dyadic midpoint.
//!
//! Every operation returns a ball that contains each value the exact operation takes on the
//! operands' balls, so two balls that do not overlap prove that two numbers differ. Midpoints
//! are rounded to the precision passed with each operation and the rounding error goes into the
//! radius. Anything that cannot be bounded, or leaves the exponent range, is `None`.

mod bound;
mod compare;
mod complex;
mod elementary;
mod fixed;
mod midpoint;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_known;

use std::borrow::Cow;
use std::cmp::Ordering;

use bound::Bound;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

pub use complex::CBall;

/// Exponents beyond this magnitude are refused: far past any number worth writing down, and low
/// enough that sums of a few of them cannot overflow `i64`.
const EXP_LIMIT: i64 = 1 << 40;
const MIN_PREC: u32 = 64;
const MAX_PREC: u32 = 1 << 15;
/// Trailing zero bits are dropped only when that saves limbs worth the copy.
const STRIP: u64 = 32;

/// The real numbers `x` with `|x - man * 2^exp| <= rad`.
#[derive(Clone, Debug)]
pub struct Ball {
    man: BigInt,
    exp: i64,
    rad: Bound,
}

/// Precisions outside the supported range are moved to its ends, never refused.
fn clamp(prec: u32) -> u32 {
    prec.clamp(MIN_PREC, MAX_PREC)
}

fn bits_of(n: &BigInt) -> i64 {
    i64::try_from(n.bits()).unwrap_or(i64::MAX / 4)
}

impl Ball {
    /// Rounds to `prec` bits, moving the rounding error into the radius, and checks the range.
    fn make(mut man: BigInt, mut exp: i64, mut rad: Bound, prec: u32) -> Option<Self> {
        let excess = man.bits().saturating_sub(u64::from(prec));
        let zeros = man.trailing_zeros().unwrap_or(0);
        let cut = if zeros >= excess && zeros >= STRIP {
            zeros
        } else {
            excess
        };
        if cut > 0 {
            man >>= cut;
            exp = exp.checked_add(i64::try_from(cut).ok()?)?;
            if zeros < cut {
                // The shift rounds towards minus infinity, by less than one unit.
                rad = rad.add(Bound::pow2(exp));
            }
        }
        if man.is_zero() {
            exp = 0;
        }
        if !rad.is_zero() && rad.top() <= -EXP_LIMIT {
            rad = Bound::pow2(-EXP_LIMIT);
        }
        let ball = Self { man, exp, rad };
        let in_range = |e: i64| (-EXP_LIMIT..=EXP_LIMIT).contains(&e);
        (in_range(ball.exp) && in_range(ball.top()) && ball.rad.top() <= EXP_LIMIT).then_some(ball)
    }

    fn exact(man: BigInt, exp: i64) -> Self {
        // Zero has exponent zero everywhere, so that its shifts stay trivial.
        let exp = if man.is_zero() { 0 } else { exp };
        Self {
            man,
            exp,
            rad: Bound::ZERO,
        }
    }

    /// The midpoint as a ball of radius zero.
    fn mid(&self) -> Self {
        Self::exact(self.man.clone(), self.exp)
    }

    /// The radius as an exact number.
    fn rad_ball(&self) -> Self {
        Self::exact(BigInt::from(self.rad.man), self.rad.exp)
    }

    /// For a non-zero midpoint the `t` with `2^(t-1) <= |mid| < 2^t`.
    fn top(&self) -> i64 {
        if self.man.is_zero() {
            0
        } else {
            self.exp.saturating_add(bits_of(&self.man))
        }
    }

    fn mid_up(&self) -> Bound {
        Bound::from_big(self.man.magnitude(), self.exp, true)
    }

    fn mid_down(&self) -> Bound {
        Bound::from_big(self.man.magnitude(), self.exp, false)
    }

    /// An upper bound of `|x|` over the ball.
    fn abs_up(&self) -> Bound {
        self.mid_up().add(self.rad)
    }

    /// A lower bound of `|x|` over the ball; zero exactly when the ball contains zero, except
    /// that the last bits of the bound may be lost.
    fn abs_down(&self) -> Bound {
        if self.rad.is_zero() || self.rad.top() < self.top() - 2 {
            return self.mid_down().sub_down(self.rad);
        }
        if self.contains_zero() {
            return Bound::ZERO;
        }
        // The tops differ by at most two, so aligning shifts by little more than the lengths.
        let e = self.exp.min(self.rad.exp);
        let mid = self.man.magnitude() << (self.exp - e);
        let rad = BigUint::from(self.rad.man) << (self.rad.exp - e);
        if mid > rad {
            Bound::from_big(&(mid - rad), e, false)
        } else {
            Bound::ZERO
        }
    }

    /// `|mid|` against the radius, exactly.
    fn mid_cmp_rad(&self) -> Ordering {
        if self.man.is_zero() || self.rad.is_zero() {
            return self.man.magnitude().cmp(&BigUint::from(self.rad.man));
        }
        self.top().cmp(&self.rad.top()).then_with(|| {
            let e = self.exp.min(self.rad.exp);
            (self.man.magnitude() << (self.exp - e))
                .cmp(&(BigUint::from(self.rad.man) << (self.rad.exp - e)))
        })
    }

    /// The same number on fewer bits where the midpoint is far longer than `prec` asks for, so
    /// that the cost of an operation follows the precision and not the operand.
    fn trimmed(&self, prec: u32) -> Cow<'_, Self> {
        if self.man.bits() > u64::from(prec) * 2 + 128
            && let Some(short) = Self::make(self.man.clone(), self.exp, self.rad, prec * 2 + 128)
        {
            return Cow::Owned(short);
        }
        Cow::Borrowed(self)
    }

    /// Adds `extra` to the radius.
    fn plus_error(self, extra: Bound) -> Option<Self> {
        let rad = self.rad.add(extra);
        Self::make(self.man, self.exp, rad, u32::MAX)
    }

    /// `self * 2^k`, exactly.
    fn shl(&self, k: i64) -> Option<Self> {
        Self::make(
            self.man.clone(),
            self.exp.checked_add(k)?,
            self.rad.shl(k),
            u32::MAX,
        )
    }

    /// Exact balls at the two ends, up to a relative error of `2^-prec`; the sign of the
    /// midpoint of each is that of the true end.
    fn ends(&self, prec: u32) -> Option<(Self, Self)> {
        let (mid, rad) = (self.mid(), self.rad_ball());
        Some((mid.sub(&rad, prec)?, mid.add(&rad, prec)?))
    }

    /// A ball containing both operands and everything between them.
    fn hull(&self, other: &Self, prec: u32) -> Option<Self> {
        let centre = self.mid().add(&other.mid(), clamp(prec))?.shl(-1)?;
        let spread = self.mid().sub(&other.mid(), MIN_PREC)?.abs_up().shl(-1);
        centre.plus_error(spread.add(self.rad.max(other.rad)))
    }

    /// Zero, exactly.
    #[must_use]
    pub fn zero() -> Self {
        Self::exact(BigInt::zero(), 0)
    }

    /// One, exactly.
    #[must_use]
    pub fn one() -> Self {
        Self::exact(BigInt::one(), 0)
    }

    /// The integer, exactly and whatever its length.
    #[must_use]
    pub fn from_bigint(n: &BigInt) -> Self {
        let zeros = n.trailing_zeros().unwrap_or(0);
        match i64::try_from(zeros) {
            Ok(exp) if zeros >= STRIP => Self::exact(n >> zeros, exp),
            _ => Self::exact(n.clone(), 0),
        }
    }

    /// The integer, exactly.
    #[must_use]
    pub fn from_i64(n: i64) -> Self {
        Self::exact(BigInt::from(n), 0)
    }

    /// `num / den` within two units of the last of `prec` bits, and exact where the quotient is
    /// a short dyadic number. `None` for a zero denominator.
    #[must_use]
    pub fn from_rational(num: &BigInt, den: &BigInt, prec: u32) -> Option<Self> {
        Self::from_bigint(num).div(&Self::from_bigint(den), prec)
    }

    /// The ball with `2^k` added to its radius, as for the tail of a series.
    #[cfg(test)]
    #[must_use]
    pub fn widen(&self, k: i64) -> Option<Self> {
        self.clone().plus_error(Bound::pow2(k))
    }

    /// Whether the ball is the single number zero.
    #[must_use]
    pub fn is_exact_zero(&self) -> bool {
        self.man.is_zero() && self.rad.is_zero()
    }

    /// Whether the ball contains zero; decided exactly.
    #[must_use]
    pub fn contains_zero(&self) -> bool {
        self.mid_cmp_rad() != Ordering::Greater
    }

    /// Whether every number of the ball is above zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.man.is_positive() && !self.contains_zero()
    }

    /// Whether every number of the ball is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.man.is_negative() && !self.contains_zero()
    }

    /// Whether no number of the ball is below zero.
    fn is_nonneg(&self) -> bool {
        self.is_exact_zero() || self.man.is_positive() && self.mid_cmp_rad() != Ordering::Less
    }

    /// The exact negation.
    #[must_use]
    pub fn neg(&self) -> Self {
        Self {
            man: -&self.man,
            exp: self.exp,
            rad: self.rad,
        }
    }

    /// Contains `|x|` for each `x` of the ball. It may reach below zero when the ball holds zero.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self {
            man: self.man.abs(),
            exp: self.exp,
            rad: self.rad,
        }
    }

    fn add_signed(&self, other: &Self, minus: bool, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let rad = self.rad.add(other.rad);
        let signed = |man: &BigInt| if minus { -man } else { man.clone() };
        if other.man.is_zero() {
            return Self::make(self.man.clone(), self.exp, rad, prec);
        }
        if self.man.is_zero() {
            return Self::make(signed(&other.man), other.exp, rad, prec);
        }
        // An addend below the last bit kept is only an error; aligning it could cost a shift as
        // long as the exponent range. The exact sum would not fit in `prec` bits anyway.
        let gap = i64::from(prec) + 32;
        let (ta, tb) = (self.top(), other.top());
        if tb < ta - gap {
            return Self::make(self.man.clone(), self.exp, rad.add(other.mid_up()), prec);
        }
        if ta < tb - gap {
            return Self::make(signed(&other.man), other.exp, rad.add(self.mid_up()), prec);
        }
        let shift = self.exp - other.exp;
        let (man, exp) = if shift > 0 {
            let aligned = &self.man << shift;
            (
                if minus {
                    aligned - &other.man
                } else {
                    aligned + &other.man
                },
                other.exp,
            )
        } else if shift < 0 {
            let aligned = &other.man << -shift;
            (
                if minus {
                    &self.man - aligned
                } else {
                    &self.man + aligned
                },
                self.exp,
            )
        } else {
            (
                if minus {
                    &self.man - &other.man
                } else {
                    &self.man + &other.man
                },
                self.exp,
            )
        };
        Self::make(man, exp, rad, prec)
    }

    /// Contains `x + y`; beyond the operands' radii it is off by at most one unit of the last of
    /// `prec` bits, and a sum that fits is exact.
    #[must_use]
    pub fn add(&self, other: &Self, prec: u32) -> Option<Self> {
        self.add_signed(other, false, prec)
    }

    /// Contains `x - y`, with the bound of `add`.
    #[must_use]
    pub fn sub(&self, other: &Self, prec: u32) -> Option<Self> {
        self.add_signed(other, true, prec)
    }

    /// Contains `x * y`; the radius is `|a| s + |b| r + r s` and a rounding unit, and a product
    /// that fits is exact.
    #[must_use]
    pub fn mul(&self, other: &Self, prec: u32) -> Option<Self> {
        if self.is_exact_zero() || other.is_exact_zero() {
            return Some(Self::zero());
        }
        let prec = clamp(prec);
        let (a, b) = (self.trimmed(prec), other.trimmed(prec));
        let mut rad = Bound::ZERO;
        if !b.rad.is_zero() {
            rad = a.abs_up().mul(b.rad);
        }
        if !a.rad.is_zero() {
            rad = rad.add(b.mid_up().mul(a.rad));
        }
        Self::make(&a.man * &b.man, a.exp + b.exp, rad, prec)
    }

    /// Contains `x / y`; `None` if the divisor contains zero. An exact short quotient is exact.
    #[must_use]
    pub fn div(&self, other: &Self, prec: u32) -> Option<Self> {
        if other.contains_zero() {
            return None;
        }
        if self.is_exact_zero() {
            return Some(Self::zero());
        }
        let prec = clamp(prec);
        let (a, b) = (self.trimmed(prec), other.trimmed(prec));
        let shift = (i64::from(prec) + 2 + bits_of(&b.man) - bits_of(&a.man)).max(0);
        let (quotient, rest) = (&a.man << shift).div_rem(&b.man);
        let exp = a.exp - b.exp - shift;
        let mut rad = if rest.is_zero() {
            Bound::ZERO
        } else {
            Bound::pow2(exp)
        };
        if !(a.rad.is_zero() && b.rad.is_zero()) {
            // |x/y - a/b| <= (|a| s + |b| r) / (|b| (|b| - s)) for |x - a| <= r, |y - b| <= s.
            let top = a.mid_up().mul(b.rad).add(b.mid_up().mul(a.rad));
            rad = rad.add(top.div(b.mid_down().mul_down(b.abs_down())));
        }
        Self::make(quotient, exp, rad, prec)
    }

    /// Contains `x^n`, by squaring. `0^0` is 1; `None` where a negative power meets zero or the
    /// result leaves the exponent range.
    #[cfg(test)]
    #[must_use]
    pub fn powi(&self, n: i64, prec: u32) -> Option<Self> {
        self.pow_int(&BigInt::from(n), prec)
    }

    /// Contains `x^n`, for an exponent of any length up to about the precision's.
    #[must_use]
    pub fn pow_int(&self, n: &BigInt, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if self.rad.is_zero() && self.exp == 0 && self.man.magnitude().is_one() {
            // The one base whose powers stay exact for an exponent of any length.
            let flips = self.man.is_negative() && n.is_odd();
            return Some(if flips {
                Self::one().neg()
            } else {
                Self::one()
            });
        }
        if n.is_negative() {
            return Self::one().div(&self.pow_int(&-n, prec + 8)?, prec);
        }
        // Each squaring doubles the relative error, so n costs as many bits as it is long.
        if n.bits() > u64::from(prec) + 64 {
            return None;
        }
        let work = prec + u32::try_from(n.bits()).ok()? + 8;
        let mut power = Self::one();
        for i in (0..n.bits()).rev() {
            power = power.mul(&power, work)?;
            if n.bit(i) {
                power = power.mul(self, work)?;
            }
        }
        Self::make(power.man, power.exp, power.rad, prec)
    }
}
