//! Rectangular complex balls.

use num_bigint::BigInt;
use num_traits::Signed;

use super::{Ball, clamp};

/// The complex numbers whose parts lie in two balls.
#[derive(Clone, Debug)]
pub struct CBall {
    /// Contains the real part.
    pub re: Ball,
    /// Contains the imaginary part; exactly zero for a number known to be real.
    pub im: Ball,
}

impl CBall {
    /// A real number, with an imaginary part of exactly zero.
    #[must_use]
    pub fn from_real(re: Ball) -> Self {
        Self {
            re,
            im: Ball::zero(),
        }
    }

    /// The imaginary unit, exactly.
    #[must_use]
    pub fn i() -> Self {
        Self {
            re: Ball::zero(),
            im: Ball::one(),
        }
    }

    /// Whether the imaginary part is the single number zero.
    #[must_use]
    pub fn is_exact_real(&self) -> bool {
        self.im.is_exact_zero()
    }

    /// Whether the rectangle contains zero; decided exactly.
    #[must_use]
    pub fn contains_zero(&self) -> bool {
        self.re.contains_zero() && self.im.contains_zero()
    }

    /// Contains `z + w`, part by part with the bound of the real sum.
    #[must_use]
    pub fn add(&self, other: &Self, prec: u32) -> Option<Self> {
        Some(Self {
            re: self.re.add(&other.re, prec)?,
            im: self.im.add(&other.im, prec)?,
        })
    }

    /// The exact negation.
    #[must_use]
    pub fn neg(&self) -> Self {
        Self {
            re: self.re.neg(),
            im: self.im.neg(),
        }
    }

    /// The exact conjugate.
    #[must_use]
    pub fn conj(&self) -> Self {
        Self {
            re: self.re.clone(),
            im: self.im.neg(),
        }
    }

    /// Contains `z w`; a part that is exactly zero stays so.
    #[must_use]
    pub fn mul(&self, other: &Self, prec: u32) -> Option<Self> {
        // A few spare bits, so that a part costs about one rounding and not three.
        let work = clamp(prec) + 8;
        let re = self
            .re
            .mul(&other.re, work)?
            .sub(&self.im.mul(&other.im, work)?, prec)?;
        let im = self
            .re
            .mul(&other.im, work)?
            .add(&self.im.mul(&other.re, work)?, prec)?;
        Some(Self { re, im })
    }

    fn scale(&self, factor: &Ball, prec: u32) -> Option<Self> {
        Some(Self {
            re: self.re.mul(factor, prec)?,
            im: self.im.mul(factor, prec)?,
        })
    }

    /// Contains `z / w`; `None` if the divisor contains zero.
    #[must_use]
    pub fn div(&self, other: &Self, prec: u32) -> Option<Self> {
        if other.is_exact_real() {
            return Some(Self {
                re: self.re.div(&other.re, prec)?,
                im: self.im.div(&other.re, prec)?,
            });
        }
        let work = clamp(prec) + 8;
        let norm = other.norm(work)?;
        let top = self.mul(&other.conj(), work)?;
        Some(Self {
            re: top.re.div(&norm, prec)?,
            im: top.im.div(&norm, prec)?,
        })
    }

    /// `|z|^2`.
    fn norm(&self, prec: u32) -> Option<Ball> {
        self.re
            .mul(&self.re, prec)?
            .add(&self.im.mul(&self.im, prec)?, prec)
    }

    /// Contains `|z|`: beyond rounding, the radius is the sum of the parts' radii.
    #[must_use]
    pub fn abs(&self, prec: u32) -> Option<Ball> {
        if self.is_exact_real() {
            return Some(self.re.abs());
        }
        if self.re.is_exact_zero() {
            return Some(self.im.abs());
        }
        // At the exact midpoints the sum of squares is never negative, and the modulus moves by
        // no more than its argument does.
        let (re, im) = (self.re.mid(), self.im.mid());
        let modulus = Self { re, im }.norm(clamp(prec) + 8)?.sqrt(prec)?;
        modulus.plus_error(self.re.rad.add(self.im.rad))
    }

    /// Contains the principal argument, in `(-pi, pi]`. `None` if the rectangle contains zero or
    /// has points on both sides of the negative real axis.
    #[must_use]
    pub fn arg(&self, prec: u32) -> Option<Ball> {
        Ball::atan2(&self.im, &self.re, prec)
    }

    /// Contains `exp z`; real for an exact real.
    #[must_use]
    pub fn exp(&self, prec: u32) -> Option<Self> {
        let work = clamp(prec) + 8;
        let modulus = self.re.exp(work)?;
        let (sin, cos) = self.im.sin_cos(work)?;
        Some(Self {
            re: modulus.mul(&cos, prec)?,
            im: modulus.mul(&sin, prec)?,
        })
    }

    /// Contains the principal logarithm, under the conditions of `arg`.
    #[must_use]
    pub fn ln(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        let im = self.arg(prec)?;
        // A modulus near 1 has a small logarithm: twice the bits keep it accurate.
        let work = if self.is_exact_real() || self.re.is_exact_zero() {
            prec
        } else {
            2 * prec + 16
        };
        Some(Self {
            re: self.abs(work)?.ln(prec)?,
            im,
        })
    }

    /// Contains `z^n`, by squaring; `z^0` is 1 and a negative power of a ball with zero `None`.
    #[must_use]
    pub fn pow_int(&self, n: &BigInt, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if self.is_exact_real() {
            return Some(Self::from_real(self.re.pow_int(n, prec)?));
        }
        if self.re.is_exact_zero() {
            // A power of an imaginary number keeps its zero part exact.
            let power = self.im.pow_int(n, prec)?;
            let turn = n & BigInt::from(3);
            let power = if turn >= BigInt::from(2) {
                power.neg()
            } else {
                power
            };
            let turned = Self::from_real(power);
            return Some(if n.bit(0) {
                Self {
                    re: turned.im,
                    im: turned.re,
                }
            } else {
                turned
            });
        }
        if n.is_negative() {
            return Self::from_real(Ball::one()).div(&self.pow_int(&-n, prec + 8)?, prec);
        }
        if n.bits() > u64::from(prec) + 64 {
            return None;
        }
        // Each product may lose up to two bits.
        let work = prec + 2 * u32::try_from(n.bits()).ok()? + 8;
        let mut power = Self::from_real(Ball::one());
        for i in (0..n.bits()).rev() {
            power = power.mul(&power, work)?;
            if n.bit(i) {
                power = power.mul(self, work)?;
            }
        }
        power.scale(&Ball::one(), prec)
    }

    /// Contains the principal `z^w = exp(w ln z)`: by squaring where `w` is an exact integer,
    /// zero for an exact zero to a power of positive real part, and otherwise under the
    /// conditions of `ln`.
    #[must_use]
    pub fn pow(&self, exponent: &Self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if exponent.is_exact_real()
            && exponent.re.rad.is_zero()
            && let Some(n) = exponent.re.floor_exact()
            && (exponent.re.exp >= 0
                || exponent
                    .re
                    .sub(&Ball::from_bigint(&n), prec)?
                    .is_exact_zero())
            && let Some(power) = self.pow_int(&n, prec)
        {
            return Some(power);
        }
        if self.re.is_exact_zero() && self.im.is_exact_zero() {
            return exponent
                .re
                .is_positive()
                .then(|| Self::from_real(Ball::zero()));
        }
        // The exponential turns absolute into relative error: the bits the product has before
        // the point, at most 41, are wanted after it.
        self.ln(prec + 64)?.mul(exponent, prec + 64)?.exp(prec)
    }

    /// Contains the principal square root, of non-negative real part. `None` if the rectangle
    /// has points on both sides of the negative real axis, or contains zero without being it.
    #[must_use]
    pub fn sqrt(&self, prec: u32) -> Option<Self> {
        let prec = clamp(prec);
        if self.is_exact_real() {
            if self.re.is_negative() {
                return Some(Self {
                    re: Ball::zero(),
                    im: self.re.neg().sqrt(prec)?,
                });
            }
            return Some(Self::from_real(self.re.sqrt(prec)?));
        }
        let work = prec + 16;
        let modulus = self.abs(work)?;
        // Of the two parts the one without cancellation is taken by a root, the other by
        // dividing: 2 re(sqrt z) im(sqrt z) = im z.
        if !self.re.man.is_negative() {
            let re = modulus.add(&self.re, work)?.shl(-1)?.sqrt(work)?;
            let im = self.im.div(&re, prec)?.shl(-1)?;
            return Some(Self { re, im });
        }
        let below = self.im.is_negative();
        if !below && !self.im.is_nonneg() {
            return None;
        }
        let side = modulus.sub(&self.re, work)?.shl(-1)?.sqrt(work)?;
        let across = self.im.div(&side, prec)?.shl(-1)?;
        Some(if below {
            Self {
                re: across.neg(),
                im: side.neg(),
            }
        } else {
            Self {
                re: across,
                im: side,
            }
        })
    }

    /// Contains `sin z = sin a cosh b + i cos a sinh b`.
    #[must_use]
    pub fn sin(&self, prec: u32) -> Option<Self> {
        let work = clamp(prec) + 8;
        let (sin, cos) = self.re.sin_cos(work)?;
        let (sinh, cosh) = self.im.sinh_cosh(work)?;
        Some(Self {
            re: sin.mul(&cosh, prec)?,
            im: cos.mul(&sinh, prec)?,
        })
    }

    /// Contains `cos z = cos a cosh b - i sin a sinh b`.
    #[must_use]
    pub fn cos(&self, prec: u32) -> Option<Self> {
        let work = clamp(prec) + 8;
        let (sin, cos) = self.re.sin_cos(work)?;
        let (sinh, cosh) = self.im.sinh_cosh(work)?;
        Some(Self {
            re: cos.mul(&cosh, prec)?,
            im: sin.mul(&sinh, prec)?.neg(),
        })
    }

    /// `false` proves that the rectangles share no number.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.re.overlaps(&other.re) && self.im.overlaps(&other.im)
    }

    /// As `Ball::agreement_bits`, with the largest of the four parts as the scale and the sum of
    /// the parts' differences as a bound of the distance.
    #[must_use]
    pub fn agreement_bits(&self, other: &Self) -> i64 {
        let parts = [(&self.re, &other.re), (&self.im, &other.im)];
        let mut gap = super::Bound::ZERO;
        let mut scale = None;
        for (a, b) in parts {
            let Some(difference) = a.sub(b, super::MIN_PREC) else {
                return i64::MIN;
            };
            gap = gap.add(difference.abs_up());
            scale = scale.max(a.log2_abs_lower()).max(b.log2_abs_lower());
        }
        if gap.is_zero() {
            return i64::MAX;
        }
        scale.map_or(i64::MIN, |scale| scale - gap.top())
    }
}
