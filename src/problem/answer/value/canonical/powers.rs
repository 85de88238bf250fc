//! Powers and roots in canonical form.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::super::exact;
use super::super::polynomial::{Exponent, Monomial, Polynomial, normalized};
use super::{Canonical, Kind, Ring};
use crate::problem::answer::budget::Stop;
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Constant, Node};

/// Largest whole exponent that is multiplied out.
const LARGEST_POWER: i64 = 48;
/// Primes up to this are divided out of radicands.
const LARGEST_DIVISOR: u64 = 5_000;

impl Ring<'_> {
    pub(super) fn power(&self, base: &Node, exponent: &Node) -> Result<Canonical, Stop> {
        let exponent = self.form(exponent)?;
        if matches!(base, Node::Constant(Constant::E)) {
            return self.symbolic_power(Kind::Constant(Constant::E), "e", &exponent);
        }
        let base = self.form(base)?;
        let Some(constant) = exponent.to_constant() else {
            return self.power_of_form(&base, &exponent);
        };
        if let Some(exponent) = constant.to_i64() {
            return self.whole_power(&base, exponent);
        }
        self.root_power(&base, Exponent::of(&constant)?)
    }

    fn whole_power(&self, base: &Canonical, exponent: i64) -> Result<Canonical, Stop> {
        if exponent == 0 {
            return Ok(Self::constant(Fraction::one()));
        }
        if let (Some(power), true) = (Exponent::new(exponent, 1).ok(), base.den_is_one())
            && let Some((monomial, coefficient)) = base.num.single()
        {
            return self.monomial_power(monomial, &coefficient.pow(exponent, self.budget)?, power);
        }
        if exponent < 0 {
            let inverse = self.inverse(base)?;
            return self.whole_power(&inverse, exponent.checked_neg().ok_or(Stop::TooBig)?);
        }
        if exponent > LARGEST_POWER {
            return Err(Stop::TooBig);
        }
        let mut result = base.clone();
        for _ in 1..exponent {
            result = self.mul(&result, base)?;
        }
        Ok(result)
    }

    /// `coefficient · monomial^power`.
    fn monomial_power(
        &self,
        monomial: &Monomial,
        coefficient: &Fraction,
        power: Exponent,
    ) -> Result<Canonical, Stop> {
        let raised = monomial
            .iter()
            .map(|(atom, exponent)| Ok((*atom, exponent.mul(power)?)))
            .collect::<Result<Monomial, Stop>>()?;
        let (raised, factor) = normalized(raised, &self.rules.borrow(), self.budget)?;
        let mut coefficient = coefficient.clone();
        if let Some(factor) = factor {
            coefficient = coefficient.mul(&factor, self.budget)?;
        }
        Ok(Canonical::whole(Polynomial::term(raised, coefficient)))
    }

    /// A root: of a number by its primes, of one term factor by factor, of
    /// anything else as itself.
    fn root_power(&self, base: &Canonical, exponent: Exponent) -> Result<Canonical, Stop> {
        if let (true, Some((monomial, coefficient))) = (base.den_is_one(), base.num.single()) {
            // √(x²) is |x|, and roots of i have branches: left as they are.
            let plain = monomial.iter().all(|(atom, inner)| {
                (exponent.den % 2 != 0 || inner.num % 2 != 0)
                    && !matches!(
                        self.atoms.borrow().get(*atom as usize),
                        Some(Kind::Constant(Constant::I))
                    )
            });
            if plain {
                let number = self.number_root(coefficient, exponent)?;
                let rest = self.monomial_power(monomial, &Fraction::one(), exponent)?;
                return self.mul(&number, &rest);
            }
        }
        let key = format!("({})", self.text(base)?);
        self.power_of(Kind::Opaque(key), exponent)
    }

    fn number_root(&self, value: &Fraction, exponent: Exponent) -> Result<Canonical, Stop> {
        let value = value.reduced(4096);
        if value.is_zero() {
            return if exponent.num > 0 {
                Ok(Self::constant(Fraction::zero()))
            } else {
                Err(Stop::Undefined)
            };
        }
        let mut result = Self::constant(Fraction::one());
        if value.is_negative() {
            let sign = if exponent.den % 2 != 0 {
                Self::constant(Fraction::from(if exponent.num % 2 == 0 { 1 } else { -1 }))
            } else if exponent.den == 2 {
                self.power_of(Kind::Constant(Constant::I), Exponent::new(exponent.num, 1)?)?
            } else {
                return Err(Stop::Unsupported);
            };
            result = self.mul(&result, &sign)?;
        }
        let opposite = Exponent {
            num: -exponent.num,
            den: exponent.den,
        };
        for (part, exponent) in [
            (value.num().abs(), exponent),
            (value.den().clone(), opposite),
        ] {
            for (prime, times, is_prime) in self.factors(part)? {
                let power = exponent.mul(Exponent::new(times, 1)?)?;
                let factor = self.power_of(Kind::Radical(prime, is_prime), power)?;
                result = self.mul(&result, &factor)?;
            }
        }
        Ok(result)
    }

    /// Factors with their multiplicities; what is left undivided is marked as
    /// not known to be prime.
    pub(super) fn factors(&self, mut number: BigInt) -> Result<Vec<(BigInt, i64, bool)>, Stop> {
        let mut found = Vec::new();
        if number.bits() > 2048 {
            return Err(Stop::TooBig);
        }
        let mut divisor = 2_u64;
        while divisor <= LARGEST_DIVISOR && !number.is_one() {
            if number < BigInt::from(divisor) * divisor {
                found.push((number, 1, true));
                return Ok(found);
            }
            self.budget.spend(12 + number.bits() / 16)?;
            let mut times = 0;
            loop {
                let (quotient, rest) = number.div_rem(&BigInt::from(divisor));
                if !rest.is_zero() {
                    break;
                }
                number = quotient;
                times += 1;
            }
            if times > 0 {
                found.push((BigInt::from(divisor), times, true));
            }
            divisor += if divisor == 2 { 1 } else { 2 };
        }
        if number.is_one() {
            return Ok(found);
        }
        let limit = BigInt::from(LARGEST_DIVISOR);
        let is_prime = number < &limit * &limit;
        match exact::perfect_root(&number, 2) {
            Some(root) if !is_prime => {
                let is_prime = root < &limit * &limit;
                found.push((root, 2, is_prime));
            }
            _ => found.push((number, 1, is_prime)),
        }
        Ok(found)
    }

    /// `base^(c + k·m + …)`: each term of the exponent is an atom of its own,
    /// so that `2^{n+1} = 2 · 2^n` and `4^n = (2^n)^2`.
    fn power_of_form(&self, base: &Canonical, exponent: &Canonical) -> Result<Canonical, Stop> {
        if let Some(value) = base.to_constant()
            && !value.is_negative()
            && !value.is_zero()
        {
            let value = value.reduced(4096);
            let mut result = Self::constant(Fraction::one());
            for (part, sign) in [(value.num().clone(), 1), (value.den().clone(), -1)] {
                for (prime, times, is_prime) in self.factors(part)? {
                    let name = prime.to_string();
                    let times = Self::constant(Fraction::from(sign * times));
                    let raised = self.mul(exponent, &times)?;
                    let kind = Kind::Radical(prime, is_prime);
                    let factor = self.symbolic_power(kind, &name, &raised)?;
                    result = self.mul(&result, &factor)?;
                }
            }
            return Ok(result);
        }
        let name = format!("({})", self.text(base)?);
        let whole = exponent.constant_term();
        let rest = self.add(exponent, &Self::constant(whole.neg()))?;
        let symbolic = self.opaque_power(&name, &rest)?;
        match whole.to_i64() {
            Some(whole) => self.mul(&self.whole_power(base, whole)?, &symbolic),
            None => Err(Stop::Unsupported),
        }
    }

    fn symbolic_power(
        &self,
        kind: Kind,
        name: &str,
        exponent: &Canonical,
    ) -> Result<Canonical, Stop> {
        let whole = exponent.constant_term();
        let rest = self.add(exponent, &Self::constant(whole.neg()))?;
        let number = self.power_of(kind, Exponent::of(&whole)?)?;
        self.mul(&number, &self.opaque_power(name, &rest)?)
    }

    fn opaque_power(&self, name: &str, exponent: &Canonical) -> Result<Canonical, Stop> {
        if !exponent.den_is_one() {
            let key = format!("{name}^({})", self.text(exponent)?);
            return self.power_of(Kind::Opaque(key), Exponent::ONE);
        }
        let mut result = Self::constant(Fraction::one());
        for (monomial, coefficient) in &exponent.num.terms {
            let unit = Polynomial::term(monomial.clone(), Fraction::one());
            let key = format!("{name}^({})", self.text(&Canonical::whole(unit))?);
            let factor = self.power_of(Kind::Opaque(key), Exponent::of(coefficient)?)?;
            result = self.mul(&result, &factor)?;
        }
        Ok(result)
    }
}
