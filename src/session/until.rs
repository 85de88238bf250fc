//! Conditions to run until: `confidence < 0.5`, `escalation`, `step >= 4` …
//! joined by `&`.

use std::fmt;
use std::str::FromStr;

use crate::cost::PERSON;
use crate::trace::record::{DecisionRecord, StepEnd, StepRecord};

use super::Settings;

/// A conjunction of conditions on a step and the decision after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Until(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// The next step goes to a more capable model than wrote this one.
    Escalation,
    /// The step was cut off at its token limit.
    Truncated,
    Confidence(Comparison, f64),
    Step(Comparison, f64),
    Tokens(Comparison, f64),
    /// The step was written by the named model.
    Model(String),
    /// The next step goes to the named model.
    Next(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::LessEqual),
    (">=", Comparison::GreaterEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntilError {
    #[error(
        "cannot read the condition `{0}`: write `escalation`, `truncated`, `confidence < 0.5`, \
         `step >= 4`, `tokens > 100`, `model = NAME` or `next = NAME`, joined by `&`"
    )]
    Syntax(String),
    #[error("the pool has no model `{name}`: it has {known}")]
    Model { name: String, known: String },
}

impl Until {
    /// Refuses a model that the pool does not have: such a condition would
    /// never hold.
    pub fn check(&self, settings: &Settings) -> Result<(), UntilError> {
        for condition in &self.0 {
            if let Condition::Model(name) | Condition::Next(name) = condition
                && settings.place(name).is_none()
                && name != PERSON
            {
                let known: Vec<&str> = settings.run.pool.iter().map(|m| m.name.as_str()).collect();
                let (name, known) = (name.clone(), known.join(", "));
                return Err(UntilError::Model { name, known });
            }
        }
        Ok(())
    }

    /// Whether every condition holds for a step and the decision after it
    /// (`None` after the last step). `regenerated`: a larger model wrote the
    /// step in place of a draft.
    pub fn holds(
        &self,
        step: &StepRecord,
        decision: Option<&DecisionRecord>,
        regenerated: bool,
        settings: &Settings,
    ) -> bool {
        self.0
            .iter()
            .all(|condition| condition.holds(step, decision, regenerated, settings))
    }
}

impl Condition {
    fn holds(
        &self,
        step: &StepRecord,
        decision: Option<&DecisionRecord>,
        regenerated: bool,
        settings: &Settings,
    ) -> bool {
        match self {
            Self::Escalation => {
                let escalates = |d: &DecisionRecord| settings.escalates(&step.model, &d.action);
                // A ruling on the next draft says nothing of this step.
                regenerated || decision.is_some_and(|d| d.draft.is_none() && escalates(d))
            }
            Self::Truncated => step.end == StepEnd::Length,
            // An unavailable confidence is neither below nor above anything.
            Self::Confidence(comparison, x) => step
                .confidence
                .value
                .is_some_and(|u| comparison.holds(u, *x)),
            Self::Step(comparison, x) => comparison.holds(f64::from(step.index), *x),
            Self::Tokens(comparison, x) => comparison.holds(step.usage.output as f64, *x),
            Self::Model(name) => step.model == *name,
            Self::Next(name) => decision.is_some_and(|d| d.action == *name),
        }
    }
}

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterEqual => left >= right,
            Self::Equal => (left - right).abs() < f64::EPSILON,
        }
    }
}

impl FromStr for Until {
    type Err = UntilError;

    fn from_str(text: &str) -> Result<Self, UntilError> {
        let conditions: Option<Vec<Condition>> = text.split('&').map(condition).collect();
        conditions
            .map(Self)
            .ok_or_else(|| UntilError::Syntax(text.trim().to_owned()))
    }
}

fn condition(text: &str) -> Option<Condition> {
    match text.trim() {
        "escalation" => return Some(Condition::Escalation),
        "truncated" => return Some(Condition::Truncated),
        _ => {}
    }
    let (name, comparison, value) = COMPARISONS.iter().find_map(|(sign, comparison)| {
        let (name, value) = text.split_once(sign)?;
        Some((name.trim(), *comparison, value.trim()))
    })?;
    let number = || value.parse::<f64>().ok().filter(|x| x.is_finite());
    match name {
        "confidence" => Some(Condition::Confidence(comparison, number()?)),
        "step" => Some(Condition::Step(comparison, number()?)),
        "tokens" => Some(Condition::Tokens(comparison, number()?)),
        "model" if comparison == Comparison::Equal && !value.is_empty() => {
            Some(Condition::Model(value.to_owned()))
        }
        "next" if comparison == Comparison::Equal && !value.is_empty() => {
            Some(Condition::Next(value.to_owned()))
        }
        _ => None,
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" & ")?;
            }
            match condition {
                Condition::Escalation => f.write_str("escalation")?,
                Condition::Truncated => f.write_str("truncated")?,
                Condition::Confidence(c, x) => write!(f, "confidence {} {x}", c.sign())?,
                Condition::Step(c, x) => write!(f, "step {} {x}", c.sign())?,
                Condition::Tokens(c, x) => write!(f, "tokens {} {x}", c.sign())?,
                Condition::Model(name) => write!(f, "model = {name}")?,
                Condition::Next(name) => write!(f, "next = {name}")?,
            }
        }
        Ok(())
    }
}

impl Comparison {
    fn sign(self) -> &'static str {
        COMPARISONS
            .iter()
            .find(|(_, c)| *c == self)
            .map_or("=", |(sign, _)| sign)
    }
}
