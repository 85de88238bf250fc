//! The value of an expression.

use std::borrow::Cow;

use super::field::Field;
use super::node::{Comparison, Fold, Node, Operation};

/// A trajectory that expressions look at.
pub trait Source {
    /// Number of its steps.
    fn steps(&self) -> usize;

    /// What a field of [`Scope::Trajectory`](super::Scope) is.
    fn of_trajectory(&self, field: Field) -> Value<'_>;

    /// What a field of [`Scope::Step`](super::Scope) is at a step, from 0.
    fn of_step(&self, at: usize, field: Field) -> Value<'_>;
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Not known: neither true nor false, above nothing and below nothing.
    Unknown,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<Option<f64>> for Value<'_> {
    fn from(number: Option<f64>) -> Self {
        let finite = number.filter(|number| number.is_finite());
        finite.map_or(Self::Unknown, Self::Number)
    }
}

impl From<Option<bool>> for Value<'_> {
    fn from(flag: Option<bool>) -> Self {
        flag.map_or(Self::Unknown, Self::Flag)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Unknown, Self::text)
    }
}

impl Node {
    /// The value at a step, or over a whole trajectory.
    pub fn value<'a>(&'a self, source: &'a dyn Source, at: Option<usize>) -> Value<'a> {
        let of = |node: &'a Self| node.value(source, at);
        match self {
            Self::Flag(flag) => Value::Flag(*flag),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::text(text),
            Self::OfTrajectory(field) => source.of_trajectory(*field),
            // The parser lets no name of a step through where there is none.
            Self::OfStep(field) => at.map_or(Value::Unknown, |at| source.of_step(at, *field)),
            Self::Not(node) => of(node).flag().map(|flag| !flag).into(),
            Self::And(a, b) => match of(a).flag() {
                Some(false) => Value::Flag(false),
                a => and(a, of(b).flag()).into(),
            },
            Self::Or(a, b) => match of(a).flag() {
                Some(true) => Value::Flag(true),
                a => or(a, of(b).flag()).into(),
            },
            Self::Compare(how, a, b) => {
                let both = of(a).number().zip(of(b).number());
                both.map(|(a, b)| how.holds(a, b)).into()
            }
            Self::Equal(a, b) => of(a).flag().zip(of(b).flag()).map(|(a, b)| a == b).into(),
            Self::Same(a, b) => match (of(a), of(b)) {
                (Value::Text(a), Value::Text(b)) => Value::Flag(a.eq_ignore_ascii_case(&b)),
                _ => Value::Unknown,
            },
            Self::Holds(text, part) => match of(text) {
                Value::Text(text) => Value::Flag(text.to_lowercase().contains(&**part)),
                _ => Value::Unknown,
            },
            Self::Arithmetic(how, a, b) => {
                let both = of(a).number().zip(of(b).number());
                both.map(|(a, b)| how.of(a, b)).into()
            }
            Self::Known(node) => Value::Flag(of(node) != Value::Unknown),
            Self::Fold(fold, node) => fold.over(node, source),
        }
    }
}

/// Known as soon as one side is false.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Known as soon as one side is true.
fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// Whether some flag is `wanted`: looked for until it is found; not known where
/// a flag that is not known might be it.
fn until(wanted: bool, flags: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(!wanted);
    for flag in flags {
        match flag {
            Some(flag) if flag == wanted => return Some(wanted),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

impl Comparison {
    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterEqual => a >= b,
            // What was calculated may be off by its last digits.
            Self::Equal => (a - b).abs() <= f64::EPSILON * a.abs().max(b.abs()).max(1.0),
        }
    }
}

impl Operation {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        }
    }
}

impl Fold {
    fn over<'a>(self, node: &'a Node, source: &'a dyn Source) -> Value<'a> {
        let flags = || (0..source.steps()).map(|at| node.value(source, Some(at)).flag());
        let numbers = || (0..source.steps()).filter_map(|at| node.value(source, Some(at)).number());
        let number = |place: usize| place as f64 + 1.0;
        match self {
            Self::Any => until(true, flags()).into(),
            Self::All => until(false, flags()).into(),
            Self::Count => Value::Number(flags().filter(|flag| *flag == Some(true)).count() as f64),
            Self::Share => {
                let known: Vec<bool> = flags().flatten().collect();
                let held = known.iter().filter(|flag| **flag).count();
                let share = (!known.is_empty()).then(|| held as f64 / known.len() as f64);
                share.into()
            }
            Self::First => flags()
                .position(|flag| flag == Some(true))
                .map(number)
                .into(),
            Self::Last => {
                let held = flags().enumerate().filter(|(_, flag)| *flag == Some(true));
                held.last().map(|(place, _)| number(place)).into()
            }
            Self::Sum => numbers().reduce(|sum, number| sum + number).into(),
            Self::Mean => {
                let (sum, count) = numbers().fold((0.0, 0_u32), |(s, n), x| (s + x, n + 1));
                (count > 0).then(|| sum / f64::from(count)).into()
            }
            Self::Min => numbers().reduce(f64::min).into(),
            Self::Max => numbers().reduce(f64::max).into(),
        }
    }
}
