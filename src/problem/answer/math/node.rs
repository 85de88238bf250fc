//! The tree of an answer: expressions, and the shapes that hold them.

use std::rc::Rc;

use crate::problem::answer::fraction::Fraction;

/// A piece of an answer. Shapes ([`Node::List`], [`Node::Group`] …) hold
/// expressions; expressions hold no shapes except inside [`Node::Call`].
#[derive(Debug, Clone, PartialEq)]
pub(in crate::problem) enum Node {
    // Expressions.
    Number(Fraction),
    /// A variable with its subscript and primes: `x`, `x_1`, `\alpha`, `f'`.
    Symbol(Rc<str>),
    Constant(Constant),
    Sum(Vec<Node>),
    Product(Vec<Node>),
    Neg(Box<Node>),
    Quotient(Box<Node>, Box<Node>),
    Power(Box<Node>, Box<Node>),
    /// Radicand and index.
    Root(Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// `± a`; `Minus` first where written `\mp`.
    PlusMinus {
        inner: Box<Node>,
        minus_first: bool,
    },
    Percent(Box<Node>),
    Degrees(Box<Node>),
    /// A run of two or more letters: a product of variables or a word,
    /// whatever the other side makes of it.
    Letters(Rc<str>),
    /// A value with what is written after it: a unit, `\pmod{7}`, a remark.
    Quantity {
        value: Box<Node>,
        unit: String,
    },
    // Shapes.
    /// Words in lower case.
    Words(String),
    /// `(a, b)`, `[a, b)`: a tuple or an interval, which only the brackets tell.
    Group {
        open: Bracket,
        close: Bracket,
        items: Vec<Node>,
    },
    Set(Vec<Node>),
    /// A bare list, `a or b`: unordered.
    List(Vec<Node>),
    Union(Vec<Node>),
    Intersection(Vec<Node>),
    /// `A \setminus B`.
    Difference(Box<Node>, Box<Node>),
    /// `a < b \le c`: the first member and every further one with its relation.
    Relation(Box<Node>, Vec<(Relation, Node)>),
    Matrix(Vec<Vec<Node>>),
    /// `101_2`: the digits as written.
    InBase {
        digits: String,
        base: i64,
    },
    Ratio(Vec<Node>),
    /// ℝ, ℤ …
    NumberSet(char),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::problem) enum Constant {
    Pi,
    E,
    I,
    Infinity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::problem) enum Bracket {
    Round,
    Square,
    Angle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::problem) enum Relation {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    /// `\in`.
    In,
    /// `\equiv`.
    Congruent,
    /// `\approx`: what is behind it is no exact value.
    Approximately,
    /// `\mid`, `:` in a set: "such that".
    SuchThat,
}

impl Relation {
    /// As read from right to left.
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            other => other,
        }
    }

    /// Whether the right side says what the left side comes to.
    pub fn gives_value(self) -> bool {
        matches!(self, Self::Equal | Self::Congruent | Self::Approximately)
    }

    pub fn is_order(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::problem) enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Arccot,
    /// cos + i·sin, written out when it is read.
    Cis,
    Sinh,
    Cosh,
    Tanh,
    Exp,
    Ln,
    /// Base, then argument.
    Log,
    Abs,
    Floor,
    Ceil,
    Factorial,
    DoubleFactorial,
    Binomial,
    Gcd,
    Lcm,
    Max,
    Min,
    /// Index symbol, first, last, term.
    SumOver,
    ProductOver,
}

impl Function {
    pub fn is_trigonometric(self) -> bool {
        use Function::{Cos, Cot, Csc, Sec, Sin, Tan};
        matches!(self, Sin | Cos | Tan | Cot | Sec | Csc)
    }

    /// Whether it makes sense for whole numbers, so that variables in it stand
    /// for whole numbers.
    pub fn is_discrete(self) -> bool {
        use Function::{
            Binomial, Ceil, DoubleFactorial, Factorial, Floor, Gcd, Lcm, ProductOver, SumOver,
        };
        matches!(
            self,
            Floor
                | Ceil
                | Factorial
                | DoubleFactorial
                | Binomial
                | Gcd
                | Lcm
                | SumOver
                | ProductOver
        )
    }
}

impl Node {
    pub fn integer(value: i64) -> Self {
        Self::Number(Fraction::from(value))
    }

    pub fn symbol(name: &str) -> Self {
        Self::Symbol(Rc::from(name))
    }

    pub fn negated(self) -> Self {
        match self {
            Self::Number(value) => Self::Number(value.neg()),
            other => Self::Neg(Box::new(other)),
        }
    }

    pub fn power(base: Self, exponent: Self) -> Self {
        Self::Power(Box::new(base), Box::new(exponent))
    }

    pub fn quotient(above: Self, below: Self) -> Self {
        Self::Quotient(Box::new(above), Box::new(below))
    }

    /// A product without needless nesting.
    pub fn product(mut factors: Vec<Self>) -> Self {
        if factors.len() == 1 {
            return factors.remove(0);
        }
        Self::Product(factors)
    }

    /// The letters of a run as a product.
    pub fn letters_product(letters: &str) -> Self {
        Self::product(letters.chars().map(Self::of_letter).collect())
    }

    /// One letter: a variable, or the constant it always is.
    pub fn of_letter(letter: char) -> Self {
        match letter {
            'i' => Self::Constant(Constant::I),
            'e' => Self::Constant(Constant::E),
            'π' => Self::Constant(Constant::Pi),
            other => Self::Symbol(Rc::from(other.to_string())),
        }
    }

    /// The nodes directly below.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_)
            | Self::Symbol(_)
            | Self::Constant(_)
            | Self::Letters(_)
            | Self::Words(_)
            | Self::InBase { .. }
            | Self::NumberSet(_) => Vec::new(),
            Self::Sum(items)
            | Self::Product(items)
            | Self::Call(_, items)
            | Self::Set(items)
            | Self::List(items)
            | Self::Union(items)
            | Self::Intersection(items)
            | Self::Ratio(items)
            | Self::Group { items, .. } => items.iter().collect(),
            Self::Neg(inner) | Self::Percent(inner) | Self::Degrees(inner) => vec![inner],
            Self::PlusMinus { inner, .. } | Self::Quantity { value: inner, .. } => vec![inner],
            Self::Quotient(a, b)
            | Self::Power(a, b)
            | Self::Root(a, b)
            | Self::Difference(a, b) => {
                vec![a, b]
            }
            Self::Relation(first, rest) => std::iter::once(&**first)
                .chain(rest.iter().map(|(_, member)| member))
                .collect(),
            Self::Matrix(rows) => rows.iter().flatten().collect(),
        }
    }

    /// The nodes directly below, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Number(_)
            | Self::Symbol(_)
            | Self::Constant(_)
            | Self::Letters(_)
            | Self::Words(_)
            | Self::InBase { .. }
            | Self::NumberSet(_) => Vec::new(),
            Self::Sum(items)
            | Self::Product(items)
            | Self::Call(_, items)
            | Self::Set(items)
            | Self::List(items)
            | Self::Union(items)
            | Self::Intersection(items)
            | Self::Ratio(items)
            | Self::Group { items, .. } => items.iter_mut().collect(),
            Self::Neg(inner) | Self::Percent(inner) | Self::Degrees(inner) => vec![inner],
            Self::PlusMinus { inner, .. } | Self::Quantity { value: inner, .. } => vec![inner],
            Self::Quotient(a, b)
            | Self::Power(a, b)
            | Self::Root(a, b)
            | Self::Difference(a, b) => {
                vec![a, b]
            }
            Self::Relation(first, rest) => std::iter::once(&mut **first)
                .chain(rest.iter_mut().map(|(_, member)| member))
                .collect(),
            Self::Matrix(rows) => rows.iter_mut().flatten().collect(),
        }
    }

    /// Puts `new` in every place of `old`.
    pub fn replace(&mut self, old: &Self, new: &Self) {
        if self == old {
            *self = new.clone();
            return;
        }
        for child in self.children_mut() {
            child.replace(old, new);
        }
    }

    /// Whether `test` holds for this node or one below it.
    pub fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }

    pub fn has_variables(&self) -> bool {
        self.any(&|node| matches!(node, Self::Symbol(_) | Self::Letters(_)))
    }

    /// Whether it is a value: no list, set, relation or text.
    pub fn is_expression(&self) -> bool {
        match self {
            Self::Words(_)
            | Self::Group { .. }
            | Self::Set(_)
            | Self::List(_)
            | Self::Union(_)
            | Self::Intersection(_)
            | Self::Difference(..)
            | Self::Relation(..)
            | Self::Matrix(_)
            | Self::InBase { .. }
            | Self::Ratio(_)
            | Self::NumberSet(_) => false,
            Self::Quantity { value, .. } => value.is_expression(),
            other => other.children().into_iter().all(Self::is_expression),
        }
    }

    /// Collects the names of the variables.
    pub fn variables(&self, names: &mut std::collections::BTreeSet<Rc<str>>) {
        match self {
            Self::Symbol(name) => {
                names.insert(Rc::clone(name));
            }
            Self::Letters(letters) => Self::letters_product(letters).variables(names),
            other => {
                for child in other.children() {
                    child.variables(names);
                }
            }
        }
    }
}
