//! Elementary functions of real balls.
//!
//! Each is evaluated at the exact midpoint with a counted error, and the input's radius is
//! carried through by a bound of the derivative over the ball, or, for a wide ball and a
//! monotone function, by evaluating at both ends.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::bound::Bound;
#[cfg(test)]
use super::fixed::ln2_fixed;
use super::fixed::pi_fixed;
use super::midpoint::{EXP_TOP, angle_mid, exp_mid, from_fixed, ln_mid, root_mid, sin_cos_mid};
use super::{Ball, clamp};

/// Roots up to this order are taken by an integer root, which finds exact ones.
const DIRECT_ROOT: u32 = 8;

/// Whether the radius is at least about 1/16 of the midpoint.
fn is_wide(x: &Ball) -> bool {
    !x.rad.is_zero() && x.rad.top() > x.top() - 4
}

impl Ball {
    /// Pi within two units of the last of `prec` bits. Kept per thread.
    #[must_use]
    pub fn pi(prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let w = u64::from(prec) + 8;
        from_fixed(BigInt::from(pi_fixed(w)), w, 0, 2, prec)
    }

    /// `ln 2` within two units of the last of `prec` bits. Kept per thread.
    #[cfg(test)]
    #[must_use]
    pub fn ln2(prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let w = u64::from(prec) + 8;
        from_fixed(BigInt::from(ln2_fixed(w)), w, 0, 2, prec)
    }

    /// Contains `sqrt x`. `None` when the ball contains negative numbers; a square of a short
    /// number is exact.
    #[must_use]
    pub fn sqrt(&self, prec: u32) -> Option<Self> {
        self.root(2, prec)
    }

    /// Contains the non-negative `n`th root. `None` for `n = 0` and when the ball contains
    /// negative numbers.
    #[must_use]
    pub fn root(&self, n: u32, prec: u32) -> Option<Self> {
        if n == 0 || !self.is_nonneg() {
            return None;
        }
        if self.is_exact_zero() || n == 1 {
            return Some(self.clone());
        }
        let prec = clamp(prec);
        if n > DIRECT_ROOT {
            if self.contains_zero() {
                // The ball is [0, 2 mid], and so is the root's image, from 0 to the upper end's.
                let high = self.ends(prec + 8)?.1.root(n, prec)?;
                return Self::zero().hull(&high, prec);
            }
            // A logarithm has up to 40 bits before the point, an exponential needs them after it.
            let log = self.ln(prec + 64)?;
            return log.div(&Self::from_i64(i64::from(n)), prec + 64)?.exp(prec);
        }
        let short = self.trimmed(n * prec);
        let root = root_mid(&short, n, prec)?;
        if short.rad.is_zero() {
            return Some(root);
        }
        if is_wide(&short) {
            let (low, high) = short.ends(prec + 8)?;
            let high = high.root(n, prec)?;
            let low = if low.contains_zero() {
                Self::zero()
            } else {
                low.root(n, prec)?
            };
            return low.hull(&high, prec);
        }
        // The derivative x^(1/n) / (n x) falls, so it is greatest at the ball's lower end, whose
        // root is in turn below the midpoint's.
        let slope = root.abs_up().div(short.abs_down()).div(Bound::small(n));
        root.plus_error(short.rad.mul(slope))
    }

    /// Contains `exp x`. `None` once the exponent range is left, from about 7.6e11 on.
    #[must_use]
    pub fn exp(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if self.rad.top() > -4 {
            if self.rad.top() > EXP_TOP {
                return None;
            }
            // 48 bits more than a result's keep the ends' own radii small beside 2^41.
            let (low, high) = self.ends(prec + 48)?;
            return narrow_exp(&low, prec)?.hull(&narrow_exp(&high, prec)?, prec);
        }
        narrow_exp(self, prec)
    }

    /// Contains `ln x`; `None` unless the ball is positive.
    #[must_use]
    pub fn ln(&self, prec: u32) -> Option<Self> {
        if !self.is_positive() {
            return None;
        }
        let prec = clamp(prec);
        if is_wide(self) {
            let (low, high) = self.ends(prec + 8)?;
            return low.ln_narrow(prec)?.hull(&high.ln_narrow(prec)?, prec);
        }
        self.ln_narrow(prec)
    }

    fn ln_narrow(&self, prec: u32) -> Option<Self> {
        // |ln(m + h) - ln m| <= r / (m - r).
        ln_mid(self, prec)?.plus_error(self.rad.div(self.abs_down()))
    }

    /// Contains `(sin x, cos x)`. `None` for arguments above `2^65536` and radii above 4.
    #[must_use]
    pub fn sin_cos(&self, prec: u32) -> Option<(Self, Self)> {
        if self.rad.top() > 3 {
            return None;
        }
        let (sin, cos) = sin_cos_mid(self, clamp(prec))?;
        if self.rad.is_zero() {
            return Some((sin, cos));
        }
        // The derivative over the ball is at most the other function's midpoint value and r,
        // and never above 1.
        let one = Bound::pow2(0);
        let slope = |other: &Self| {
            let bound = other.abs_up().add(self.rad);
            if bound.le(one) { bound } else { one }
        };
        let (sin_slope, cos_slope) = (slope(&cos), slope(&sin));
        Some((
            sin.plus_error(self.rad.mul(sin_slope))?,
            cos.plus_error(self.rad.mul(cos_slope))?,
        ))
    }

    /// Contains `sin x`, with the limits of `sin_cos`.
    #[cfg(test)]
    #[must_use]
    pub fn sin(&self, prec: u32) -> Option<Self> {
        Some(self.sin_cos(prec)?.0)
    }

    /// Contains `cos x`, with the limits of `sin_cos`.
    #[cfg(test)]
    #[must_use]
    pub fn cos(&self, prec: u32) -> Option<Self> {
        Some(self.sin_cos(prec)?.1)
    }

    /// Contains `tan x`; `None` also where the cosine cannot be told from zero.
    #[cfg(test)]
    #[must_use]
    pub fn tan(&self, prec: u32) -> Option<Self> {
        let (sin, cos) = self.sin_cos(clamp(prec) + 8)?;
        sin.div(&cos, prec)
    }

    /// Contains `atan x`.
    #[must_use]
    pub fn atan(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let one = Self::one();
        if self.rad.top() > self.top().max(0) - 4 && !self.rad.is_zero() {
            let (low, high) = self.ends(prec + 8)?;
            return narrow_atan(&low, &one, prec)?.hull(&narrow_atan(&high, &one, prec)?, prec);
        }
        narrow_atan(self, &one, prec)
    }

    /// Contains the angle in `(-pi, pi]` of each point `(x, y)` of the rectangle. `None` if it
    /// contains the origin or has points on both sides of the negative real axis.
    #[must_use]
    pub fn atan2(y: &Self, x: &Self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if y.contains_zero() && !x.is_positive() && !(y.is_nonneg() && x.is_negative()) {
            return None;
        }
        if let Some(angle) = narrow_angle(y, x, prec) {
            return Some(angle);
        }
        // The rectangle is convex, avoids the origin and stays on one side of the cut, so the
        // extreme angles are at corners.
        let ((x0, x1), (y0, y1)) = (x.ends(prec + 8)?, y.ends(prec + 8)?);
        let corner = |y: &Self, x: &Self| narrow_angle(y, x, prec);
        let low = corner(&y0, &x0)?.hull(&corner(&y0, &x1)?, prec)?;
        let high = corner(&y1, &x0)?.hull(&corner(&y1, &x1)?, prec)?;
        low.hull(&high, prec)
    }

    /// Contains `asin x`; `None` unless the ball lies within `[-1, 1]`.
    #[must_use]
    pub fn asin(&self, prec: u32) -> Option<Self> {
        Self::atan2(self, &self.cofunction(prec)?, prec)
    }

    /// Contains `acos x`; `None` unless the ball lies within `[-1, 1]`.
    #[must_use]
    pub fn acos(&self, prec: u32) -> Option<Self> {
        Self::atan2(&self.cofunction(prec)?, self, prec)
    }

    /// `sqrt(1 - x^2)` as two roots: neither factor then dips below zero by its rounding.
    fn cofunction(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec) + 16;
        let one = Self::one();
        // Where 1 - x is tiny it is still exact on this many bits.
        let exact = prec.max(u32::try_from(self.man.bits()).ok()?.saturating_add(64));
        let (below, above) = (
            one.sub(self, exact)?.sqrt(prec)?,
            one.add(self, exact)?.sqrt(prec)?,
        );
        below.mul(&above, prec)
    }

    /// Contains `(sinh x, cosh x)`; `None` where `exp x` or `exp(-x)` is.
    #[must_use]
    pub fn sinh_cosh(&self, prec: u32) -> Option<(Self, Self)> {
        let prec = clamp(prec);
        if self.is_exact_zero() {
            return Some((Self::zero(), Self::one()));
        }
        let small = if self.man.is_zero() {
            0
        } else {
            -self.top().min(0)
        };
        // A small argument cancels that many bits in the difference of the exponentials.
        let extra = u32::try_from(small.min(i64::from(prec))).unwrap_or(0);
        let up = self.exp(prec + extra + 8)?;
        let down = Self::one().div(&up, prec + extra + 8)?;
        let cosh = up.add(&down, prec)?.shl(-1)?;
        if small > i64::from(prec) / 2 + 8 && self.abs_up().top() <= 0 {
            // |sinh x - x| <= |x|^3 / 5 for |x| <= 1.
            let x = self.abs_up();
            let sinh = Self::make(
                self.man.clone(),
                self.exp,
                self.rad.add(x.mul(x).mul(x).shl(-2)),
                prec,
            )?;
            return Some((sinh, cosh));
        }
        Some((up.sub(&down, prec)?.shl(-1)?, cosh))
    }

    /// Contains `sinh x`, with the limits of `sinh_cosh`.
    #[must_use]
    pub fn sinh(&self, prec: u32) -> Option<Self> {
        Some(self.sinh_cosh(prec)?.0)
    }

    /// Contains `cosh x`, with the limits of `sinh_cosh`.
    #[must_use]
    pub fn cosh(&self, prec: u32) -> Option<Self> {
        Some(self.sinh_cosh(prec)?.1)
    }

    /// Contains `tanh x`.
    #[must_use]
    pub fn tanh(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let least = self.abs_down();
        if least.top() > 1 {
            if self.man.is_negative() {
                return Some(self.neg().tanh(prec)?.neg());
            }
            if least.top() > 16 {
                // 1 - tanh x < 2 exp(-2x) < 2^(1 - 2x), and x >= 2^15 here.
                let x = least
                    .man
                    .checked_shr(u32::try_from(-least.exp).unwrap_or(0))
                    .unwrap_or(0);
                let bits = i64::try_from(x).unwrap_or(0).saturating_mul(2) - 1;
                return Self::one().plus_error(Bound::pow2(-bits));
            }
            // 1 - 2 / (exp 2x + 1) meets x once, so a wide ball does not widen twice.
            let power = self.shl(1)?.exp(prec + 8)?.add(&Self::one(), prec + 8)?;
            return Self::one().sub(&Self::from_i64(2).div(&power, prec + 8)?, prec);
        }
        let (sinh, cosh) = self.sinh_cosh(prec + 8)?;
        sinh.div(&cosh, prec)
    }
}

/// `exp` of a ball of radius at most 1: `exp(r) - 1 <= r + r^2` there.
fn narrow_exp(x: &Ball, prec: u32) -> Option<Ball> {
    if x.rad.top() > 0 {
        return None;
    }
    let power = exp_mid(x, prec)?;
    if x.rad.is_zero() {
        return Some(power);
    }
    let error = power.abs_up().mul(x.rad.add(x.rad.mul(x.rad)));
    power.plus_error(error)
}

/// The angle of `(one, x)`, with the derivative `1 / (1 + x^2)` for the radius.
fn narrow_atan(x: &Ball, one: &Ball, prec: u32) -> Option<Ball> {
    let least = x.abs_down();
    let slope = Bound::pow2(0).div(Bound::pow2(0).add_down(least.mul_down(least)));
    angle_mid(x, one, prec)?.plus_error(x.rad.mul(slope))
}

/// The angle of a rectangle small beside its distance `d` from the origin, which has no points
/// on both sides of the cut. Moving the vector `(x, y)` by up to `(r, s)` turns it by an angle
/// of sine at most `(|x| s + |y| r) / (d (d - r - s))`, and `asin(q) <= 17/16 q` for `q <= 1/2`.
fn narrow_angle(y: &Ball, x: &Ball, prec: u32) -> Option<Ball> {
    let angle = angle_mid(y, x, prec)?;
    let reach = x.rad.add(y.rad);
    if reach.is_zero() {
        return Some(angle);
    }
    let distance = x.mid_down().max(y.mid_down());
    if !reach.shl(1).le(distance) {
        return None;
    }
    let turn = x.mid_up().mul(y.rad).add(y.mid_up().mul(x.rad));
    let sine = turn.div(distance.mul_down(distance.sub_down(reach)));
    if !sine.le(Bound::pow2(-1)) {
        return None;
    }
    angle.plus_error(sine.mul(Bound::small(17).shl(-4)))
}
