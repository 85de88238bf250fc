//! Exact fractions without greatest common divisors: two are compared by
//! cross multiplication, so that large ones stay cheap.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::problem::answer::budget::{Budget, Stop};

/// Most bits of a numerator or a denominator.
const MOST_BITS: u64 = 1 << 16;
/// Fractions up to so many bits are shown and kept in lowest terms.
const REDUCED_BITS: u64 = 192;

/// `num / den` with `den > 0`, not always in lowest terms.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Fraction {
    num: BigInt,
    den: BigInt,
}

impl From<i64> for Fraction {
    fn from(value: i64) -> Self {
        Self::integer(BigInt::from(value))
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        if self.den == other.den {
            return self.num == other.num;
        }
        &self.num * &other.den == &other.num * &self.den
    }
}

impl Eq for Fraction {}

impl Fraction {
    /// Longer numbers are shown by their length.
    pub const SHOWN_BITS: u64 = 2048;

    pub fn integer(num: BigInt) -> Self {
        Self {
            num,
            den: BigInt::one(),
        }
    }

    /// `None` where `den` is 0.
    pub fn new(num: BigInt, den: BigInt) -> Option<Self> {
        match den.sign() {
            Sign::NoSign => None,
            Sign::Minus => Some(Self {
                num: -num,
                den: -den,
            }),
            Sign::Plus => Some(Self { num, den }),
        }
    }

    pub fn zero() -> Self {
        Self::from(0)
    }

    pub fn one() -> Self {
        Self::from(1)
    }

    pub fn num(&self) -> &BigInt {
        &self.num
    }

    pub fn den(&self) -> &BigInt {
        &self.den
    }

    pub fn is_zero(&self) -> bool {
        self.num.is_zero()
    }

    pub fn is_one(&self) -> bool {
        self.num == self.den
    }

    pub fn is_negative(&self) -> bool {
        self.num.is_negative()
    }

    /// The integer it is, if it is one.
    pub fn to_integer(&self) -> Option<BigInt> {
        if self.den.is_one() {
            return Some(self.num.clone());
        }
        let (whole, rest) = self.num.div_rem(&self.den);
        rest.is_zero().then_some(whole)
    }

    pub fn is_integer(&self) -> bool {
        self.den.is_one() || self.num.is_multiple_of(&self.den)
    }

    pub fn to_i64(&self) -> Option<i64> {
        self.to_integer()?.to_i64()
    }

    pub fn floor(&self) -> BigInt {
        self.num.div_floor(&self.den)
    }

    pub fn neg(&self) -> Self {
        Self {
            num: -&self.num,
            den: self.den.clone(),
        }
    }

    pub fn abs(&self) -> Self {
        Self {
            num: self.num.abs(),
            den: self.den.clone(),
        }
    }

    pub fn add(&self, other: &Self, budget: &Budget) -> Result<Self, Stop> {
        self.charge(other, budget)?;
        if self.den == other.den {
            return Self {
                num: &self.num + &other.num,
                den: self.den.clone(),
            }
            .kept();
        }
        Self {
            num: &self.num * &other.den + &other.num * &self.den,
            den: &self.den * &other.den,
        }
        .kept()
    }

    pub fn mul(&self, other: &Self, budget: &Budget) -> Result<Self, Stop> {
        self.charge(other, budget)?;
        Self {
            num: &self.num * &other.num,
            den: &self.den * &other.den,
        }
        .kept()
    }

    /// [`Stop::Undefined`] by zero.
    pub fn div(&self, other: &Self, budget: &Budget) -> Result<Self, Stop> {
        let inverse = Self::new(other.den.clone(), other.num.clone()).ok_or(Stop::Undefined)?;
        self.mul(&inverse, budget)
    }

    /// An integer power; negative ones of zero are undefined.
    pub fn pow(&self, exponent: i64, budget: &Budget) -> Result<Self, Stop> {
        let base = if exponent < 0 {
            Self::one().div(self, budget)?
        } else {
            self.clone()
        };
        let exponent = exponent.unsigned_abs();
        let small = |value: &BigInt| value.magnitude().is_one() || value.is_zero();
        if small(&base.num) && small(&base.den) {
            let num = if exponent == 0 {
                BigInt::one()
            } else if base.num.is_negative() && exponent.is_multiple_of(2) {
                -base.num
            } else {
                base.num
            };
            return Ok(Self { num, den: base.den });
        }
        let bits = base.bits().saturating_mul(exponent);
        if bits > MOST_BITS {
            return Err(Stop::TooBig);
        }
        budget.spend(50 + product_cost(bits))?;
        let exponent = u32::try_from(exponent).map_err(|_| Stop::TooBig)?;
        Ok(Self {
            num: base.num.pow(exponent),
            den: base.den.pow(exponent),
        })
    }

    /// In lowest terms, where that is cheap.
    pub fn reduced(&self, most_bits: u64) -> Self {
        if self.den.is_one() || self.bits() > most_bits {
            return self.clone();
        }
        let divisor = self.num.gcd(&self.den);
        Self {
            num: &self.num / &divisor,
            den: &self.den / &divisor,
        }
    }

    pub fn bits(&self) -> u64 {
        self.num.bits().max(self.den.bits())
    }

    /// Whether `self < other`.
    pub fn less(&self, other: &Self) -> bool {
        &self.num * &other.den < &other.num * &self.den
    }

    fn kept(self) -> Result<Self, Stop> {
        match self.bits() {
            bits if bits > MOST_BITS => Err(Stop::TooBig),
            bits if bits <= REDUCED_BITS => Ok(self.reduced(REDUCED_BITS)),
            _ => Ok(self),
        }
    }

    fn charge(&self, other: &Self, budget: &Budget) -> Result<(), Stop> {
        budget.spend(100 + product_cost(self.bits().max(other.bits())))
    }
}

/// Rough cost of multiplying two numbers of so many bits.
fn product_cost(bits: u64) -> u64 {
    let words = bits / 64 + 1;
    words * words.min(64)
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.reduced(Self::SHOWN_BITS);
        let part = |value: &BigInt| {
            if value.bits() > Self::SHOWN_BITS {
                format!("<{} bits>", value.bits())
            } else {
                value.to_string()
            }
        };
        if shown.den.is_one() {
            write!(f, "{}", part(&shown.num))
        } else {
            write!(f, "{}/{}", part(&shown.num), part(&shown.den))
        }
    }
}
