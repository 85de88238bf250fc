//! The few fields of a line that tell where it belongs, read without building
//! the rest of it.

use std::borrow::Cow;

use serde::Deserialize;

/// What kind of record a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Run,
    Problem,
    Step,
    Score,
    Decision,
    Outcome,
    Label,
    Note,
}

impl Kind {
    /// The kind of this `record` field.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "run" => Self::Run,
            "problem" => Self::Problem,
            "step" => Self::Step,
            "score" => Self::Score,
            "decision" => Self::Decision,
            "outcome" => Self::Outcome,
            "label" => Self::Label,
            "note" => Self::Note,
            _ => return None,
        })
    }
}

/// A string that borrows from the line unless it holds escapes. (serde borrows
/// inside an `Option` only through a type of one's own.)
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The head of a line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Header<'a> {
    #[serde(borrow)]
    pub record: Cow<'a, str>,
    #[serde(borrow, default)]
    pub run: Option<Text<'a>>,
    #[serde(borrow, default)]
    problem: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    /// Of a run record.
    #[serde(default)]
    pub format: Option<u64>,
}

impl Header<'_> {
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.record)
    }

    pub fn run(&self) -> Option<&str> {
        self.run.as_ref().map(|text| text.0.as_ref())
    }

    /// Id of the problem the record belongs to: a problem record carries its
    /// own in `id`.
    pub fn problem(&self) -> Option<&str> {
        let field = if self.kind() == Some(Kind::Problem) {
            &self.id
        } else {
            &self.problem
        };
        field.as_ref().map(|text| text.0.as_ref())
    }
}

/// Reads the head of a line; the rest must be valid JSON.
pub(crate) fn parse(content: &[u8]) -> Result<Header<'_>, String> {
    serde_json::from_slice(content).map_err(|error| explain(content, &error))
}

/// Why a line is not a record, without the line number serde_json counts
/// within the line.
pub(super) fn explain(content: &[u8], error: &serde_json::Error) -> String {
    if let Err(error) = std::str::from_utf8(content) {
        return format!("not UTF-8 at byte {}", error.valid_up_to() + 1);
    }
    let message = error.to_string();
    let message = message
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    if error.is_data() {
        format!("not a record: {message}")
    } else {
        format!("not JSON: {message} at byte {}", error.column())
    }
}
