//! Tables of a log: typed columns over one kind of record, one row a record.

use std::borrow::Cow;

use crate::trace::NodeIndex;
use crate::trace::record::{DecisionRecord, LabelRecord, OutcomeRecord, ScoreRecord};
use crate::trace::tree::Node;
use crate::trace::visible::{visible, without_credentials};

use super::Subject;
use super::columns;

/// What a table has a row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Every step, rejected drafts and other branches included.
    Steps,
    Decisions,
    Outcomes,
    Scores,
    Labels,
}

impl Of {
    pub const ALL: [Self; 5] = [
        Self::Steps,
        Self::Decisions,
        Self::Outcomes,
        Self::Scores,
        Self::Labels,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Decisions => "decisions",
            Self::Outcomes => "outcomes",
            Self::Scores => "scores",
            Self::Labels => "labels",
        }
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    /// A count, a place or a seed: never negative.
    Count,
    Flag,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Not known, or there is none.
    Missing,
    Text(Cow<'a, str>),
    Number(f64),
    Count(u64),
    Flag(bool),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Count(count as u64)
    }

    /// The cell as it may leave: without what acts and without credentials.
    fn safe(self) -> Self {
        match self {
            Self::Text(text) => {
                let shown = match without_credentials(&text) {
                    Cow::Owned(clean) => Some(visible(&clean).into_owned()),
                    Cow::Borrowed(same) => match visible(same) {
                        Cow::Owned(shown) => Some(shown),
                        Cow::Borrowed(_) => None,
                    },
                };
                Self::Text(shown.map_or(text, Cow::Owned))
            }
            // What is no number is not known.
            Self::Number(number) if !number.is_finite() => Self::Missing,
            other => other,
        }
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Value<'_> {
    fn from(count: u32) -> Self {
        Self::Count(u64::from(count))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// The record of a row, and where it belongs.
pub struct Row<'a> {
    pub subject: &'a Subject<'a>,
    /// The step that the record is, is about or comes after.
    pub node: Option<NodeIndex>,
    pub record: Entry<'a>,
}

/// What a row is of.
#[derive(Clone, Copy)]
pub enum Entry<'a> {
    Step(&'a Node),
    Decision(&'a DecisionRecord),
    Outcome(&'a OutcomeRecord),
    Score(&'a ScoreRecord),
    Label(&'a LabelRecord),
}

/// A column: its name, what its cells are, and how to get one.
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether it holds what a model or a person wrote: only there where texts
    /// are asked for.
    pub is_content: bool,
    get: for<'a> fn(&'a Row<'a>) -> Value<'a>,
}

impl Column {
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        get: for<'a> fn(&'a Row<'a>) -> Value<'a>,
    ) -> Self {
        Self {
            name,
            kind,
            is_content: false,
            get,
        }
    }

    pub(super) const fn content(
        name: &'static str,
        get: for<'a> fn(&'a Row<'a>) -> Value<'a>,
    ) -> Self {
        Self {
            name,
            kind: Kind::Text,
            is_content: true,
            get,
        }
    }

    /// The cell of a row, safe to show.
    pub fn cell<'a>(&self, row: &'a Row<'a>) -> Value<'a> {
        (self.get)(row).safe()
    }
}

/// The columns of a table, in order; those that hold texts where `content`
/// asks for them.
pub fn columns(of: Of, content: bool) -> Vec<&'static Column> {
    let shared = columns::SHARED.iter();
    let own = match of {
        Of::Steps => columns::STEPS,
        Of::Decisions => columns::DECISIONS,
        Of::Outcomes => columns::OUTCOMES,
        Of::Scores => columns::SCORES,
        Of::Labels => columns::LABELS,
    };
    shared
        .chain(own)
        .filter(|column| content || !column.is_content)
        .collect()
}

/// Shows `seen` every row that a trajectory has in a table.
///
/// # Errors
/// Those of `seen`.
pub fn rows<E>(
    of: Of,
    subject: &Subject<'_>,
    mut seen: impl FnMut(&Row<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    let mut count = 0;
    let mut row = |node, record| {
        count += 1;
        seen(&Row {
            subject,
            node,
            record,
        })
    };
    match of {
        Of::Steps => {
            for (node, found) in subject.tree.nodes() {
                row(Some(node), Entry::Step(found))?;
            }
        }
        Of::Decisions => {
            for (node, made) in subject.decisions() {
                row(node, Entry::Decision(made))?;
            }
        }
        Of::Outcomes => {
            for (node, outcome) in subject.outcomes() {
                row(node, Entry::Outcome(outcome))?;
            }
        }
        Of::Scores => {
            for (node, score) in subject.scores() {
                row(node, Entry::Score(score))?;
            }
        }
        Of::Labels => {
            for (node, found) in subject.tree.nodes() {
                for label in &found.labels {
                    row(Some(node), Entry::Label(label))?;
                }
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_names_of_their_own_and_texts_are_asked_for() {
        for of in Of::ALL {
            let all = columns(of, true);
            let mut names: Vec<&str> = all.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all.len(), "{}", of.name());
            let without = columns(of, false);
            assert!(without.len() < all.len(), "{}", of.name());
            assert!(without.iter().all(|column| !column.is_content));
        }
    }
}
