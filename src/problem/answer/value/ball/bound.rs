//! Radii: short floating-point numbers whose rounding direction is chosen by the caller.

use num_bigint::BigUint;

/// A non-negative number `man * 2^exp`, with `man` zero or in `[2^30, 2^31)`.
///
/// Each operation takes the direction it rounds in from its name: `up` results are at least the
/// exact value, `down` results at most. Exponents of balls stay within 2^41 and only a few of
/// these operations follow one another before a ball is checked again, so the saturating
/// exponent arithmetic never saturates except on the deliberate `HUGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) man: u64,
    pub(super) exp: i64,
}

const BITS: u32 = 31;

impl Bound {
    pub(super) const ZERO: Self = Self { man: 0, exp: 0 };
    /// Stands for "no bound"; every ball made with it is refused.
    const HUGE: Self = Self {
        man: 1 << 30,
        exp: i64::MAX / 2,
    };

    fn norm(man: u64, exp: i64, up: bool) -> Self {
        if man == 0 {
            return Self::ZERO;
        }
        let bits = u64::BITS - man.leading_zeros();
        if bits <= BITS {
            let shift = BITS - bits;
            return Self {
                man: man << shift,
                exp: exp.saturating_sub(i64::from(shift)),
            };
        }
        let shift = bits - BITS;
        let cut = man >> shift;
        let exp = exp.saturating_add(i64::from(shift));
        if up && cut << shift != man {
            // Rounding up may reach 2^31, which is 2^30 one exponent higher.
            if cut + 1 == 1 << BITS {
                return Self {
                    man: 1 << (BITS - 1),
                    exp: exp.saturating_add(1),
                };
            }
            return Self { man: cut + 1, exp };
        }
        Self { man: cut, exp }
    }

    pub(super) fn pow2(exp: i64) -> Self {
        Self::norm(1, exp, true)
    }

    pub(super) fn small(n: u32) -> Self {
        Self::norm(u64::from(n), 0, true)
    }

    /// `man * 2^exp` rounded up or down.
    pub(super) fn from_big(man: &BigUint, exp: i64, up: bool) -> Self {
        let bits = man.bits();
        let mut limbs = man.iter_u64_digits();
        let Some(high) = limbs.next_back() else {
            return Self::ZERO;
        };
        if bits <= 64 {
            return Self::norm(high, exp, up);
        }
        let low = limbs.next_back().unwrap_or(0);
        let empty = high.leading_zeros();
        let top = if empty == 0 {
            high
        } else {
            (high << empty) | (low >> (64 - empty))
        };
        // What lies below the 64 leading bits counts as non-zero: setting the last bit makes
        // `norm` round up past it, and an exact power of two loses only 2^-30 of its value.
        let exp = exp.saturating_add(i64::try_from(bits - 64).unwrap_or(i64::MAX));
        Self::norm(top | u64::from(up), exp, up)
    }

    pub(super) fn is_zero(self) -> bool {
        self.man == 0
    }

    /// For a non-zero bound the `t` with `2^(t-1) <= self < 2^t`; very low for zero.
    pub(super) fn top(self) -> i64 {
        if self.man == 0 {
            i64::MIN / 2
        } else {
            self.exp.saturating_add(i64::from(BITS))
        }
    }

    fn sum(self, other: Self, up: bool) -> Self {
        let (a, b) = if self.top() >= other.top() {
            (self, other)
        } else {
            (other, self)
        };
        if b.man == 0 {
            return a;
        }
        let gap = a.exp.saturating_sub(b.exp);
        // 31 extra bits keep the sum exact for nearby exponents and leave room for a carry.
        let wide = b.man << BITS;
        let (part, lost) = if gap >= 63 {
            (0, true)
        } else {
            (wide >> gap, (wide >> gap) << gap != wide)
        };
        let sum = (a.man << BITS) + part + u64::from(lost && up);
        Self::norm(sum, a.exp.saturating_sub(i64::from(BITS)), up)
    }

    pub(super) fn add(self, other: Self) -> Self {
        self.sum(other, true)
    }

    pub(super) fn add_down(self, other: Self) -> Self {
        self.sum(other, false)
    }

    /// A lower bound of `max(self - other, 0)`.
    pub(super) fn sub_down(self, other: Self) -> Self {
        if other.man == 0 {
            return self;
        }
        if self.man == 0 || self.exp < other.exp {
            return Self::ZERO;
        }
        let gap = self.exp.saturating_sub(other.exp);
        let wide = other.man << BITS;
        let part = if gap >= 63 {
            1
        } else {
            (wide >> gap) + u64::from((wide >> gap) << gap != wide)
        };
        let exp = self.exp.saturating_sub(i64::from(BITS));
        Self::norm((self.man << BITS).saturating_sub(part), exp, false)
    }

    pub(super) fn mul(self, other: Self) -> Self {
        Self::norm(
            self.man * other.man,
            self.exp.saturating_add(other.exp),
            true,
        )
    }

    pub(super) fn mul_down(self, other: Self) -> Self {
        Self::norm(
            self.man * other.man,
            self.exp.saturating_add(other.exp),
            false,
        )
    }

    /// An upper bound of `self / other`, where `other` is a lower bound of the true divisor.
    pub(super) fn div(self, other: Self) -> Self {
        if self.man == 0 {
            return Self::ZERO;
        }
        if other.man == 0 {
            return Self::HUGE;
        }
        let exp = self.exp.saturating_sub(other.exp).saturating_sub(32);
        Self::norm((self.man << 32).div_ceil(other.man), exp, true)
    }

    /// `self * 2^k`, exactly.
    pub(super) fn shl(self, k: i64) -> Self {
        if self.man == 0 {
            self
        } else {
            Self {
                man: self.man,
                exp: self.exp.saturating_add(k),
            }
        }
    }

    pub(super) fn max(self, other: Self) -> Self {
        if self.le(other) { other } else { self }
    }

    pub(super) fn le(self, other: Self) -> bool {
        (self.top(), self.man) <= (other.top(), other.man)
    }
}
