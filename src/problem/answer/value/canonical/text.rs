//! Canonical forms in text: the same for the same form.

use std::fmt::Write as _;

use super::super::polynomial::{Exponent, Polynomial};
use super::{Canonical, Kind, Ring};
use crate::problem::answer::math::node::Constant;

impl Ring<'_> {
    /// The form in text: the same for the same form.
    pub fn text(&self, value: &Canonical) -> String {
        let above = self.polynomial_text(&value.num);
        if value.den_is_one() {
            return above;
        }
        format!("({above})/({})", self.polynomial_text(&value.den))
    }

    fn polynomial_text(&self, polynomial: &Polynomial) -> String {
        if polynomial.is_zero() {
            return "0".to_owned();
        }
        // Numbers are written out in quadratic time; what that uses up is
        // missing for what comes after.
        let written = polynomial.terms.values().map(|value| {
            let digits = value.bits() / 3;
            100 + digits * (1 + digits / 32)
        });
        let _ = self.budget.spend(written.sum());
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
        let _ = self.budget.spend(text.len() as u64);
        text
    }
}
