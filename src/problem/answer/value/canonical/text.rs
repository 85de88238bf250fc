//! Canonical forms in text: the same for the same form.

use std::fmt::Write as _;

use super::super::polynomial::{Exponent, Polynomial};
use super::{Canonical, Kind, Ring};
use crate::problem::answer::budget::Stop;
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::Constant;

impl Ring<'_> {
    /// The form in text, without loss: the same for the same form only. Numbers
    /// too long to be written are too big.
    pub fn text(&self, value: &Canonical) -> Result<String, Stop> {
        let above = self.polynomial_text(&value.num)?;
        if value.den_is_one() {
            return Ok(above);
        }
        let below = self.polynomial_text(&value.den)?;
        Ok(format!("({above})/({below})"))
    }

    fn polynomial_text(&self, polynomial: &Polynomial) -> Result<String, Stop> {
        if polynomial.is_zero() {
            return Ok("0".to_owned());
        }
        // Numbers are written out in quadratic time.
        for value in polynomial.terms.values() {
            let digits = value.bits() / 3;
            self.budget.spend(100 + digits * (1 + digits / 32))?;
            if value.bits() > Fraction::SHOWN_BITS {
                return Err(Stop::TooBig);
            }
        }
        let atoms = self.atoms.borrow();
        let mut text = String::new();
        for (place, (monomial, coefficient)) in polynomial.terms.iter().enumerate() {
            if place > 0 {
                text.push_str(" + ");
            }
            let bare = coefficient.is_one() && !monomial.is_empty();
            if !bare {
                let _ = write!(text, "{coefficient}");
            }
            for (nth, (atom, exponent)) in monomial.iter().enumerate() {
                if nth > 0 || !bare {
                    text.push('·');
                }
                match atoms.get(*atom as usize) {
                    Some(Kind::Variable(name)) => text.push_str(name),
                    Some(Kind::Constant(Constant::Pi)) => text.push('π'),
                    Some(Kind::Constant(Constant::E)) => text.push('e'),
                    Some(Kind::Constant(Constant::I)) => text.push('i'),
                    Some(Kind::Radical(base, _)) => {
                        let _ = write!(text, "{base}");
                    }
                    Some(Kind::Opaque(key)) if *exponent == Exponent::ONE => text.push_str(key),
                    Some(Kind::Opaque(key)) => {
                        let _ = write!(text, "[{key}]");
                    }
                    Some(Kind::Constant(Constant::Infinity)) | None => {}
                }
                if *exponent != Exponent::ONE {
                    if exponent.is_integer() {
                        let _ = write!(text, "^{}", exponent.num);
                    } else {
                        let _ = write!(text, "^({}/{})", exponent.num, exponent.den);
                    }
                }
            }
        }
        self.budget.spend(text.len() as u64)?;
        Ok(text)
    }
}
