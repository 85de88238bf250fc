//! One language of expressions over steps and trajectories, for everything
//! that filters, stops, watches or groups:
//!
//! ```text
//! wrong & large_share < 0.2 & any(confidence < 15 & model = small)
//! ```
//!
//! An expression has a [`Scope`]. Over a trajectory, names of steps stand
//! within `any`, `all`, `count` …; over a step, the names of its trajectory
//! may stand beside its own.
//!
//! What is not known (a confidence that could not be measured, the cost of an
//! unpriced model) is neither above nor below anything: logic is
//! three-valued, and a condition holds only where it is known to. Counting
//! (`count`, `share`, `first`, `last`) is over the steps of which it is known.

mod complete;
mod error;
mod eval;
mod field;
mod node;
mod parse;
mod trajectory;

use std::fmt;

use crate::cost::PERSON;
use crate::model::pool::nearest;
use crate::trace::record::shared_beginning;

pub use complete::{Candidate, Completion, complete};
pub use error::ExprError;
pub use eval::{Source, Value};
pub use field::{FUNCTIONS, Field, FieldInfo, Kind, Scope};
pub use trajectory::{Trajectory, calculation};

use node::Node;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    text: String,
    scope: Scope,
    kind: Kind,
    node: Node,
    /// What it compares fields of text with.
    mentions: Vec<(Field, String)>,
}

impl Expr {
    /// Parses a condition.
    ///
    /// # Errors
    /// Says at which character what is wrong, and what may be meant.
    pub fn condition(text: &str, scope: Scope) -> Result<Self, ExprError> {
        let expr = Self::value(text, scope)?;
        match expr.kind {
            Kind::Flag => Ok(expr),
            other => Err(ExprError::kind(0, text.trim(), other, Kind::Flag)),
        }
    }

    /// Parses an expression of any kind.
    ///
    /// # Errors
    /// As [`Expr::condition`].
    pub fn value(text: &str, scope: Scope) -> Result<Self, ExprError> {
        let parsed = parse::parse(text, scope)?;
        Ok(Self {
            text: text.trim().to_owned(),
            scope,
            kind: parsed.kind,
            node: parsed.node,
            mentions: parsed.mentions,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// What its value is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it reads texts of questions or steps, which only the log itself
    /// holds.
    pub fn reads_texts(&self) -> bool {
        self.node.reads_texts()
    }

    /// Whether a condition cannot hold for a trajectory, whatever its texts
    /// are: a part of it that reads none does not.
    pub fn fails_without_texts(&self, source: &dyn Source) -> bool {
        self.node.fails_without_texts(source)
    }

    /// Whether it reads why answers are not right.
    pub fn reads_failure(&self) -> bool {
        self.node.reads(Field::Failure)
    }

    /// Whether it reads what decisions lost or why answers are not right, which
    /// is worked out only where it is asked for.
    pub fn reads_regret(&self) -> bool {
        self.node.reads(Field::Regret) || self.node.reads(Field::Failure)
    }

    /// The expression over these models, the cheapest first: their names may be
    /// written without the beginning that all share, as they are shown, and
    /// where none is called so the first and the last one are also `small` and
    /// `large`.
    ///
    /// # Errors
    /// [`ExprError::Model`]: a name that none of them has would never hold.
    pub fn over_models(mut self, models: &[&str]) -> Result<Self, ExprError> {
        let shared = shared_beginning(models);
        for (field, name) in std::mem::take(&mut self.mentions) {
            if field.is_of_models() {
                let known = || models.iter().copied().chain([PERSON]);
                let named = |model: &&str| model.eq_ignore_ascii_case(&name);
                let short = |model: &&str| named(&model.strip_prefix(shared).unwrap_or(model));
                let short_names = models.iter().filter_map(|model| model.strip_prefix(shared));
                let roles = ROLES
                    .into_iter()
                    .filter(|role| of_role(role, models).is_some());
                let found = known().find(named).or_else(|| known().find(short));
                let Some(model) = found.or_else(|| of_role(&name, models)) else {
                    return Err(ExprError::Model {
                        meant: nearest(&name, known().chain(short_names).chain(roles))
                            .map(str::to_owned),
                        known: models.join(", "),
                        name,
                    });
                };
                self.node.rename(&name, model);
            }
        }
        Ok(self)
    }

    /// The value for the step at `at` (from 0) of a trajectory.
    pub fn of_step<'a>(&'a self, source: &'a dyn Source, at: usize) -> Value<'a> {
        self.node.value(source, Some(at))
    }

    /// The value for a whole trajectory.
    pub fn of_trajectory<'a>(&'a self, source: &'a dyn Source) -> Value<'a> {
        self.node.value(source, None)
    }

    /// Fields of it that are not known at the step at `at` (from 0), each once.
    pub fn unknown_at(&self, source: &dyn Source, at: usize) -> Vec<Field> {
        let mut unknown = Vec::new();
        self.node.fields(false, &mut |field, of_all| {
            let is_unknown = match (field.info().scope, of_all) {
                (Scope::Trajectory, _) => source.of_trajectory(field) == Value::Unknown,
                (Scope::Step, false) => source.of_step(at, field) == Value::Unknown,
                (Scope::Step, true) => {
                    (0..source.steps()).any(|at| source.of_step(at, field) == Value::Unknown)
                }
            };
            if is_unknown && !unknown.contains(&field) {
                unknown.push(field);
            }
        });
        unknown
    }

    /// Whether the step at `at` (from 0) is known to fulfil the condition.
    pub fn holds_at(&self, source: &dyn Source, at: usize) -> bool {
        self.of_step(source, at) == Value::Flag(true)
    }

    /// Whether a trajectory is known to fulfil the condition.
    pub fn holds(&self, source: &dyn Source) -> bool {
        self.of_trajectory(source) == Value::Flag(true)
    }
}

/// What the ends of every pool are called, as routers are.
const ROLES: [&str; 2] = ["small", "large"];

/// The model of this role; none in a pool of one, where there is no choice.
fn of_role<'a>(name: &str, models: &[&'a str]) -> Option<&'a str> {
    let &[first, .., last] = models else {
        return None;
    };
    let role = ROLES
        .iter()
        .position(|role| role.eq_ignore_ascii_case(name))?;
    Some([first, last][role])
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
