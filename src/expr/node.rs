//! An expression as it is evaluated.

use super::eval::{Source, Value};
use super::field::Field;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Flag(bool),
    Number(f64),
    Text(Box<str>),
    OfStep(Field),
    OfTrajectory(Field),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    /// Whether two conditions come to the same.
    Equal(Box<Node>, Box<Node>),
    /// Texts, without regard to case.
    Same(Box<Node>, Box<Node>),
    /// Whether a text holds another, in small letters.
    Holds(Box<Node>, Box<str>),
    Arithmetic(Operation, Box<Node>, Box<Node>),
    Known(Box<Node>),
    /// Over the steps of the trajectory.
    Fold(Fold, Box<Node>),
}

impl Node {
    /// Whether a field is in it.
    pub fn reads(&self, wanted: Field) -> bool {
        let mut found = false;
        self.fields(false, &mut |field, _| found |= field == wanted);
        found
    }

    /// Whether a field of texts is in it.
    pub fn reads_texts(&self) -> bool {
        let mut found = false;
        self.fields(false, &mut |field, _| found |= field.is_of_texts());
        found
    }

    /// Whether it is no condition that can hold of a trajectory, whatever its
    /// texts are: of parts joined by `&` each has to. Where texts are not read
    /// nothing else may be asked of it: `count(text ~ x)` would be 0.
    pub fn fails_without_texts(&self, source: &dyn Source) -> bool {
        match self {
            Self::And(a, b) => a.fails_without_texts(source) || b.fails_without_texts(source),
            part => !part.reads_texts() && part.value(source, None) != Value::Flag(true),
        }
    }

    /// The fields in it, each with whether it is asked of all steps.
    pub fn fields(&self, of_all: bool, take: &mut dyn FnMut(Field, bool)) {
        match self {
            Self::OfStep(field) | Self::OfTrajectory(field) => take(*field, of_all),
            Self::Fold(_, node) => node.fields(true, take),
            Self::Not(node) | Self::Known(node) | Self::Holds(node, _) => {
                node.fields(of_all, take);
            }
            Self::And(a, b)
            | Self::Or(a, b)
            | Self::Equal(a, b)
            | Self::Same(a, b)
            | Self::Compare(_, a, b)
            | Self::Arithmetic(_, a, b) => {
                a.fields(of_all, take);
                b.fields(of_all, take);
            }
            Self::Flag(_) | Self::Number(_) | Self::Text(_) => {}
        }
    }

    /// Writes `model` for what models are compared with where it is `name`.
    pub fn rename(&mut self, name: &str, model: &str) {
        match self {
            Self::Same(a, b) => {
                if let (Self::OfStep(field), Self::Text(text)) = (&**a, &mut **b)
                    && field.is_of_models()
                    && **text == *name
                {
                    *text = model.into();
                }
            }
            Self::Not(node) | Self::Known(node) | Self::Fold(_, node) => node.rename(name, model),
            Self::And(a, b) | Self::Or(a, b) | Self::Equal(a, b) => {
                a.rename(name, model);
                b.rename(name, model);
            }
            // Numbers may be over conditions.
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.rename(name, model);
                b.rename(name, model);
            }
            Self::Flag(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::OfStep(_)
            | Self::OfTrajectory(_)
            | Self::Holds(..) => {}
        }
    }
}

/// Between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Any,
    All,
    Count,
    Share,
    First,
    Last,
    Sum,
    Mean,
    Min,
    Max,
}

impl Fold {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "any" => Self::Any,
            "all" => Self::All,
            "count" => Self::Count,
            "share" => Self::Share,
            "first" => Self::First,
            "last" => Self::Last,
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// Whether it is over a number; the others are over a condition.
    pub fn is_of_numbers(self) -> bool {
        matches!(self, Self::Sum | Self::Mean | Self::Min | Self::Max)
    }

    /// Whether it is a condition itself.
    pub fn is_flag(self) -> bool {
        matches!(self, Self::Any | Self::All)
    }
}
