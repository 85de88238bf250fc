//! The known formats and how their records are told apart.

use serde_json::Value;

use super::error::{DatasetError, Fault};
use super::fields::Fields;
use super::records::Raw;
use super::{Parsed, aime, gsm8k, math, omni_math, plain, process_bench};

/// A data set format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Gsm8k,
    Math,
    OmniMath,
    Aime,
    ProcessBench,
    Plain,
}

/// Longest list of found fields in a message.
const FIELDS_SHOWN: usize = 12;

impl Format {
    /// Every format in the order in which `Format::detect` asks: the most
    /// telling fields first.
    pub const ALL: [Self; 6] = [
        Self::ProcessBench,
        Self::OmniMath,
        Self::Gsm8k,
        Self::Math,
        Self::Aime,
        Self::Plain,
    ];

    /// Short name, as in a problem's `source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm8k => "gsm8k",
            Self::Math => "math",
            Self::OmniMath => "omni-math",
            Self::Aime => "aime",
            Self::ProcessBench => "process-bench",
            Self::Plain => "plain",
        }
    }

    /// Name as its makers write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gsm8k => "GSM8K",
            Self::Math => "MATH",
            Self::OmniMath => "Omni-MATH",
            Self::Aime => "AIME",
            Self::ProcessBench => "ProcessBench",
            Self::Plain => "plain",
        }
    }

    /// The formats with their telling fields, for a message.
    pub(super) fn known() -> String {
        let of = |format: Self| format!("{} ({})", format.title(), format.telling_fields());
        Self::ALL.map(of).join(", ")
    }

    fn telling_fields(self) -> &'static str {
        match self {
            Self::Gsm8k => "question, answer with `#### `",
            Self::Math => "problem, solution, level",
            Self::OmniMath => "problem, answer, domain as a list; or original_json",
            Self::Aime => "problem, answer 0 to 999",
            Self::ProcessBench => "problem, steps, label",
            Self::Plain => "question or problem, answer or gold",
        }
    }

    /// The format of a file, by its first record. Where that record alone
    /// leaves AIME's bare form and the plain one open, all records decide.
    pub(super) fn detect(first: &Raw, all: &[Raw]) -> Result<Self, DatasetError> {
        let fields = &first.fields;
        let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        let is_list = |name: &str| fields.get(name).is_some_and(Value::is_array);
        Self::ALL
            .into_iter()
            .find(|format| match format {
                Self::ProcessBench => has("problem") && is_list("steps") && has("label"),
                Self::OmniMath => has("original_json") || has("problem") && is_list("domain"),
                Self::Gsm8k => gsm8k::is(fields),
                Self::Math => math::is(fields),
                Self::Aime => aime::is(fields) || all.iter().all(|raw| aime::is_bare(&raw.fields)),
                Self::Plain => has("question") || has("problem"),
            })
            .ok_or_else(|| {
                let shown: Vec<String> = fields
                    .keys()
                    .take(FIELDS_SHOWN)
                    .map(|key| format!("`{}`", key.escape_debug()))
                    .collect();
                let mut found = shown.join(", ");
                if fields.is_empty() {
                    "(none)".clone_into(&mut found);
                } else if fields.len() > FIELDS_SHOWN {
                    found.push_str(" …");
                }
                DatasetError::at(first.line, Fault::UnknownFormat { found })
            })
    }

    /// Reads one record.
    pub(super) fn parse(self, fields: &Fields<'_>) -> Result<Parsed, DatasetError> {
        match self {
            Self::Gsm8k => gsm8k::parse(fields),
            Self::Math => math::parse(fields),
            Self::OmniMath => omni_math::parse(fields),
            Self::Aime => aime::parse(fields),
            Self::ProcessBench => process_bench::parse(fields),
            Self::Plain => plain::parse(fields),
        }
    }
}
