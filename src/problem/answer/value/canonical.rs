//! Canonical forms: quotients of polynomials over atoms. Two forms over the
//! same atoms are equal iff the difference, multiplied out, has no term left.

mod powers;
mod text;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use num_bigint::BigInt;

use super::exact;
use super::polynomial::{Atom, Exponent, Monomial, Polynomial, Rule, normalized};
use crate::problem::answer::budget::{Budget, Stop};
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Constant, Function, Node};

/// Longest text of an atom that is only known to itself, in bytes.
const LONGEST_KEY: usize = 2_000;

/// What an atom stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Variable(Rc<str>),
    Constant(Constant),
    /// A root of this number, a prime if `bool`.
    Radical(BigInt, bool),
    /// Anything else, by its own canonical form in text.
    Opaque(String),
}

/// The atoms of one comparison: both sides share them.
pub(in crate::problem::answer) struct Ring<'b> {
    budget: &'b Budget,
    atoms: RefCell<Vec<Kind>>,
    rules: RefCell<Vec<Rule>>,
    places: RefCell<HashMap<Kind, Atom>>,
}

/// A quotient of polynomials.
#[derive(Debug, Clone)]
pub(in crate::problem::answer) struct Canonical {
    num: Polynomial,
    den: Polynomial,
}

impl<'b> Ring<'b> {
    pub fn new(budget: &'b Budget) -> Self {
        Self {
            budget,
            atoms: RefCell::default(),
            rules: RefCell::default(),
            places: RefCell::default(),
        }
    }

    /// Whether the atoms met so far are independent of each other, so that
    /// forms that differ are different values: variables, i, roots of primes,
    /// and of π and e only one (nobody has proved more).
    pub fn is_complete(&self) -> bool {
        let atoms = self.atoms.borrow();
        let transcendent = atoms
            .iter()
            .filter(|kind| matches!(kind, Kind::Constant(Constant::Pi | Constant::E)));
        transcendent.count() <= 1
            && atoms.iter().all(|kind| match kind {
                Kind::Variable(_) | Kind::Constant(_) => true,
                Kind::Radical(_, is_prime) => *is_prime,
                Kind::Opaque(_) => false,
            })
    }

    fn atom(&self, kind: Kind) -> Atom {
        if let Some(&place) = self.places.borrow().get(&kind) {
            return place;
        }
        let mut atoms = self.atoms.borrow_mut();
        let place = u32::try_from(atoms.len()).unwrap_or(u32::MAX);
        atoms.push(kind.clone());
        self.rules.borrow_mut().push(match &kind {
            Kind::Radical(base, _) => Rule::Radical(base.clone()),
            Kind::Constant(Constant::I) => Rule::Imaginary,
            _ => Rule::Free,
        });
        self.places.borrow_mut().insert(kind, place);
        place
    }

    fn power_of(&self, kind: Kind, exponent: Exponent) -> Result<Canonical, Stop> {
        if let Kind::Opaque(key) = &kind {
            // Keys hold keys: towers would double them at every storey.
            self.budget.spend(key.len() as u64)?;
            if key.len() > LONGEST_KEY {
                return Err(Stop::TooBig);
            }
        }
        let atom = self.atom(kind);
        let monomial = vec![(atom, exponent)];
        let (monomial, factor) = normalized(monomial, &self.rules.borrow(), self.budget)?;
        let coefficient = factor.unwrap_or_else(Fraction::one);
        Ok(Canonical::whole(Polynomial::term(monomial, coefficient)))
    }

    fn constant(value: Fraction) -> Canonical {
        Canonical::whole(Polynomial::constant(value))
    }

    /// The canonical form of an expression.
    pub fn form(&self, node: &Node) -> Result<Canonical, Stop> {
        self.budget.spend(300)?;
        match node {
            Node::Number(value) => Ok(Self::constant(value.clone())),
            Node::Symbol(name) => self.power_of(Kind::Variable(Rc::clone(name)), Exponent::ONE),
            Node::Letters(letters) => self.form(&Node::letters_product(letters)),
            Node::Constant(Constant::Infinity) => Err(Stop::Unsupported),
            Node::Constant(constant) => self.power_of(Kind::Constant(*constant), Exponent::ONE),
            Node::Sum(terms) => {
                let mut sum = Self::constant(Fraction::zero());
                for term in terms {
                    sum = self.add(&sum, &self.form(term)?)?;
                }
                Ok(sum)
            }
            Node::Product(factors) => {
                let mut product = Self::constant(Fraction::one());
                for factor in factors {
                    product = self.mul(&product, &self.form(factor)?)?;
                }
                Ok(product)
            }
            Node::Neg(inner) => Ok(self.form(inner)?.neg()),
            Node::Quotient(above, below) => {
                let inverse = self.inverse(&self.form(below)?)?;
                self.mul(&self.form(above)?, &inverse)
            }
            Node::Power(base, exponent) => self.power(base, exponent),
            Node::Root(radicand, index) => {
                let exponent = Node::quotient(Node::integer(1), (**index).clone());
                self.power(radicand, &exponent)
            }
            Node::Percent(inner) => {
                let hundredth = Fraction::one().div(&Fraction::from(100), self.budget)?;
                self.mul(&self.form(inner)?, &Self::constant(hundredth))
            }
            Node::Degrees(inner) | Node::Quantity { value: inner, .. } => self.form(inner),
            Node::Call(function, arguments) => self.call(*function, arguments),
            _ => Err(Stop::Unsupported),
        }
    }

    pub fn add(&self, a: &Canonical, b: &Canonical) -> Result<Canonical, Stop> {
        if a.den == b.den {
            return Ok(Canonical {
                num: a.num.add(&b.num, self.budget)?,
                den: a.den.clone(),
            });
        }
        let left = self.product(&a.num, &b.den)?;
        let right = self.product(&b.num, &a.den)?;
        self.lowered(Canonical {
            num: left.add(&right, self.budget)?,
            den: self.product(&a.den, &b.den)?,
        })
    }

    fn product(&self, a: &Polynomial, b: &Polynomial) -> Result<Polynomial, Stop> {
        a.mul(b, &self.rules.borrow(), self.budget)
    }

    pub fn mul(&self, a: &Canonical, b: &Canonical) -> Result<Canonical, Stop> {
        self.lowered(Canonical {
            num: self.product(&a.num, &b.num)?,
            den: self.product(&a.den, &b.den)?,
        })
    }

    fn inverse(&self, value: &Canonical) -> Result<Canonical, Stop> {
        if value.num.is_zero() {
            return Err(Stop::Undefined);
        }
        self.lowered(Canonical {
            num: value.den.clone(),
            den: value.num.clone(),
        })
    }

    /// A denominator of one term goes into the numerator.
    fn lowered(&self, value: Canonical) -> Result<Canonical, Stop> {
        let Some((monomial, coefficient)) = value.den.single() else {
            return Ok(value);
        };
        if monomial.is_empty() && coefficient.is_one() {
            return Ok(value);
        }
        let inverse: Monomial = monomial
            .iter()
            .map(|(atom, exponent)| {
                let flipped = Exponent {
                    num: -exponent.num,
                    den: exponent.den,
                };
                (*atom, flipped)
            })
            .collect();
        let (inverse, factor) = normalized(inverse, &self.rules.borrow(), self.budget)?;
        let mut scale = Fraction::one().div(coefficient, self.budget)?;
        if let Some(factor) = factor {
            scale = scale.mul(&factor, self.budget)?;
        }
        let inverse = Polynomial::term(inverse, scale);
        Ok(Canonical::whole(self.product(&value.num, &inverse)?))
    }

    /// The difference of the two, multiplied out: no term iff they are equal.
    pub fn are_equal(&self, a: &Canonical, b: &Canonical) -> Result<bool, Stop> {
        let left = self.product(&a.num, &b.den)?;
        let right = self.product(&b.num, &a.den)?;
        Ok(left.add(&right.neg(), self.budget)?.is_zero())
    }

    /// Whether the numerators are equal up to a factor that holds no variable:
    /// whether `a = 0` and `b = 0` are the same equation.
    pub fn are_proportional(&self, a: &Canonical, b: &Canonical) -> Result<bool, Stop> {
        let (a, b) = (self.cleared(&a.num)?, self.cleared(&b.num)?);
        let Some((first, _)) = a.terms.first_key_value() else {
            return Ok(b.is_zero());
        };
        // The factor is the quotient of the coefficients of one monomial of
        // variables; roots and π count as coefficients.
        let monomial = self.variables_of(first);
        let of_a = self.coefficient(&a, &monomial);
        let of_b = self.coefficient(&b, &monomial);
        if of_b.is_zero() {
            return Ok(false);
        }
        let left = self.product(&a, &of_b)?;
        let right = self.product(&b, &of_a)?;
        Ok(left.add(&right.neg(), self.budget)?.is_zero())
    }

    /// Multiplied by the powers of variables that leave no negative exponent:
    /// `y − 2/x` becomes `xy − 2`. Common factors stay: they are solutions.
    fn cleared(&self, polynomial: &Polynomial) -> Result<Polynomial, Stop> {
        let atoms: std::collections::BTreeSet<Atom> = polynomial
            .terms
            .keys()
            .flatten()
            .map(|(atom, _)| *atom)
            .filter(|atom| self.is_variable(*atom))
            .collect();
        let mut factor = Monomial::new();
        for atom in atoms {
            let exponents = polynomial.terms.keys().map(|monomial| {
                monomial
                    .iter()
                    .find(|(other, _)| *other == atom)
                    .map_or(Exponent { num: 0, den: 1 }, |(_, exponent)| *exponent)
            });
            if let Some(smallest) = exponents.min_by(|a, b| a.compare(*b))
                && smallest.num < 0
            {
                factor.push((
                    atom,
                    Exponent {
                        num: -smallest.num,
                        den: smallest.den,
                    },
                ));
            }
        }
        self.product(polynomial, &Polynomial::term(factor, Fraction::one()))
    }

    fn is_variable(&self, atom: Atom) -> bool {
        matches!(
            self.atoms.borrow().get(atom as usize),
            Some(Kind::Variable(_) | Kind::Opaque(_))
        )
    }

    fn variables_of(&self, monomial: &Monomial) -> Monomial {
        monomial
            .iter()
            .filter(|(atom, _)| self.is_variable(*atom))
            .copied()
            .collect()
    }

    fn coefficient(&self, polynomial: &Polynomial, variables: &Monomial) -> Polynomial {
        let terms = polynomial
            .terms
            .iter()
            .filter(|(monomial, _)| self.variables_of(monomial) == *variables)
            .map(|(monomial, coefficient)| {
                let rest: Monomial = monomial
                    .iter()
                    .filter(|(atom, _)| !self.is_variable(*atom))
                    .copied()
                    .collect();
                (rest, coefficient.clone())
            });
        Polynomial {
            terms: terms.collect(),
        }
    }

    fn call(&self, function: Function, arguments: &[Node]) -> Result<Canonical, Stop> {
        if matches!(function, Function::SumOver | Function::ProductOver) {
            let node = Node::Call(function, arguments.to_vec());
            return exact(&node, &[], self.budget).map(Self::constant);
        }
        if function == Function::Exp
            && let [argument] = arguments
        {
            return self.power(&Node::Constant(Constant::E), argument);
        }
        if let (Function::Log, [base, argument]) = (function, arguments) {
            let above = self.call(Function::Ln, std::slice::from_ref(argument))?;
            let below = self.call(Function::Ln, std::slice::from_ref(base))?;
            return self.mul(&above, &self.inverse(&below)?);
        }
        let forms = arguments
            .iter()
            .map(|argument| self.form(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let constants: Option<Vec<Fraction>> = forms.iter().map(Canonical::to_constant).collect();
        if let Some(constants) = constants {
            match exact::call(function, &constants, self.budget) {
                Err(Stop::Unsupported | Stop::TooBig) => {}
                done => return done.map(Self::constant),
            }
            if let (Function::Ln, [value]) = (function, &constants[..]) {
                return self.logarithm(value);
            }
        }
        let inside = forms
            .iter()
            .map(|form| self.text(form))
            .collect::<Result<Vec<String>, Stop>>()?;
        // A trigonometric function of degrees is another one.
        let degrees = arguments
            .iter()
            .any(|argument| argument.any(&|node| matches!(node, Node::Degrees(_))));
        let mark = if degrees { "°" } else { "" };
        let key = format!("{function:?}{mark}({})", inside.join(","));
        self.power_of(Kind::Opaque(key), Exponent::ONE)
    }

    /// ln of a fraction by the logarithms of its primes.
    fn logarithm(&self, value: &Fraction) -> Result<Canonical, Stop> {
        if value.is_negative() || value.is_zero() {
            return Err(Stop::Unsupported);
        }
        let value = value.reduced(4096);
        let mut sum = Self::constant(Fraction::zero());
        for (part, sign) in [(value.num().clone(), 1), (value.den().clone(), -1)] {
            for (prime, times, _) in self.factors(part)? {
                let key = format!("Ln({prime})");
                let atom = self.power_of(Kind::Opaque(key), Exponent::ONE)?;
                let times = Self::constant(Fraction::from(sign * times));
                sum = self.add(&sum, &self.mul(&atom, &times)?)?;
            }
        }
        Ok(sum)
    }
}

impl Canonical {
    fn whole(num: Polynomial) -> Self {
        Self {
            num,
            den: Polynomial::constant(Fraction::one()),
        }
    }

    fn neg(&self) -> Self {
        Self {
            num: self.num.neg(),
            den: self.den.clone(),
        }
    }

    fn den_is_one(&self) -> bool {
        self.den.to_constant().is_some_and(|value| value.is_one())
    }

    /// The value, if it is a number.
    pub fn to_constant(&self) -> Option<Fraction> {
        self.den_is_one().then(|| self.num.to_constant()).flatten()
    }

    /// The rational term of a polynomial; 0 for a quotient.
    fn constant_term(&self) -> Fraction {
        if !self.den_is_one() {
            return Fraction::zero();
        }
        self.num
            .terms
            .get(&Monomial::new())
            .cloned()
            .unwrap_or_else(Fraction::zero)
    }
}
