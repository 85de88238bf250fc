//! What is wrong with an expression.

use super::field::{FUNCTIONS, Field, Kind, Scope};
use crate::model::pool::nearest;

/// An expression that cannot be read. Places are characters, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("nothing is written: e.g. `{example}`", example = example(*.scope))]
    Empty { scope: Scope },
    #[error("at {at}: {expected} is missing here{}", found(.rest))]
    Expected {
        at: usize,
        expected: &'static str,
        rest: String,
    },
    #[error("at {at}: `{name}` is no name{}", hint(.meant))]
    Name {
        at: usize,
        name: String,
        meant: Option<String>,
    },
    #[error("at {at}: `{name}` is of a step: say of which, e.g. `any({name} …)`")]
    OfAStep { at: usize, name: &'static str },
    #[error("at {at}: `{name}` looks at all steps and cannot stand within another")]
    Nested { at: usize, name: &'static str },
    #[error("at {at}: `{text}` is {}, and {} is needed", .is.name(), .needed.name())]
    Kind {
        at: usize,
        text: String,
        is: Kind,
        needed: Kind,
    },
    #[error("at {at}: {} and {} cannot be compared", .left.name(), .right.name())]
    Compared { at: usize, left: Kind, right: Kind },
    #[error("at {at}: texts are compared by `=`, `!=` and `~` (holds)")]
    Order { at: usize },
    #[error("at {at}: `{field}` is never `{text}`: it is {}{}", .known.join(", "), hint(.meant))]
    Never {
        at: usize,
        field: &'static str,
        text: String,
        known: Vec<&'static str>,
        meant: Option<String>,
    },
    #[error("the pool has no model `{name}`: it has {known}{}", hint(.meant))]
    Model {
        name: String,
        meant: Option<String>,
        known: String,
    },
    #[error("at {at}: conditions are compared by `=` and `!=`")]
    FlagOrder { at: usize },
    #[error("at {at}: `~` asks whether a text holds another: a name of text stands before it")]
    Holds { at: usize },
    #[error("at {at}: this is nested too deep")]
    Deep { at: usize },
    #[error("it is longer than {most} bytes")]
    Long { most: usize },
}

impl ExprError {
    pub(super) fn kind(at: usize, text: &str, is: Kind, needed: Kind) -> Self {
        Self::Kind {
            at: at + 1,
            text: text.to_owned(),
            is,
            needed,
        }
    }

    /// A name that nobody knows, with the nearest that somebody does.
    pub(super) fn unknown(at: usize, name: &str) -> Self {
        let functions = FUNCTIONS.iter().map(|(name, _)| *name);
        let known = Field::ALL.iter().map(|info| info.name).chain(functions);
        Self::Name {
            at: at + 1,
            name: name.to_owned(),
            meant: begun(name, known.clone())
                .or_else(|| nearest(&name.to_lowercase(), known))
                .map(str::to_owned),
        }
    }
}

/// The first name that a word begins.
fn begun<'k>(word: &str, mut known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known.find(|name| word.len() > 2 && name.starts_with(&word))
}

fn example(scope: Scope) -> &'static str {
    match scope {
        Scope::Step => "escalation & confidence < 0.5",
        Scope::Trajectory => "wrong & any(confidence < 0.5)",
    }
}

fn hint(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn found(rest: &str) -> String {
    match rest.is_empty() {
        true => ", at the end".to_owned(),
        false => format!(", before `{rest}`"),
    }
}
