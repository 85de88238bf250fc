//! What other tools wrote, as records of this log.
//!
//! One file a format; each makes [`Trajectory`]s, which [`records()`] turns into
//! the records that readers expect. What a source does not hold stays unknown:
//! it is named in [`Origin::not_held`], never made up.
//!
//! - `inspect`: logs of Inspect, `.eval` (ZIP) and `.json`
//! - `rsd`: output of reward-guided speculative decoding, JSON lines
//! - `spec_reason`: output of `SpecReason`, the printed list
//! - `lm_eval`: samples of the LM evaluation harness
//! - `process_bench`, `prm800k`: solutions with labelled steps
//!
//! Every file is data of strangers: [`limits`] bounds what is read of it,
//! nothing is unpickled or evaluated, and nothing outside it is opened.

mod error;
mod guess;
mod inspect;
pub mod limits;
mod lm_eval;
mod prm800k;
mod process_bench;
pub mod python;
mod records;
mod rows;
mod rsd;
#[cfg(test)]
mod samples;
mod spec_reason;
mod text;
pub mod told;
mod tolerant;
mod trajectory;

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::str::FromStr;

use crate::problem::dataset::Dataset;
use crate::trace::record::DELIMITER;

pub use error::ImportError;
pub use guess::guess;
pub use records::{Place, records};
pub use trajectory::{
    Conclusion, Mark, Origin, RepetitionKind, Routing, Ruling, Scored, Step, Trajectory, Written,
    WrittenToken,
};

/// The command of imported runs, as their heads name it.
pub const COMMAND: &str = "import";

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    Inspect,
    Rsd,
    SpecReason,
    LmEval,
    ProcessBench,
    Prm800k,
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::Inspect,
        Self::Rsd,
        Self::SpecReason,
        Self::LmEval,
        Self::ProcessBench,
        Self::Prm800k,
    ];

    /// As the command line writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Rsd => "rsd",
            Self::SpecReason => "spec-reason",
            Self::LmEval => "lm-eval",
            Self::ProcessBench => "process-bench",
            Self::Prm800k => "prm800k",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown format `{text}`: known are {names}")
        })
    }
}

/// What a person says of a source that the source does not.
#[derive(Debug, Clone)]
pub struct Options {
    /// Questions and gold answers.
    pub dataset: Option<Dataset>,
    /// δ or τ of the rule that routed.
    pub threshold: Option<f64>,
    /// Names of the models, cheapest first; of a rule that asks a scorer also
    /// the scorer's, last.
    pub models: Vec<String>,
    /// What stands between two steps in a text.
    pub separator: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dataset: None,
            threshold: None,
            models: Vec::new(),
            separator: DELIMITER.to_owned(),
        }
    }
}

/// A row that could not be read, and was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// `line 3`, or the name of an archive's member.
    pub place: String,
    pub reason: String,
}

/// What a source gives, one after the other.
#[derive(Debug)]
pub enum Row {
    Trajectory(Box<Trajectory>),
    Damaged(Damaged),
}

impl Row {
    fn damaged(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged(Damaged {
            place: place.into(),
            reason: reason.into(),
        })
    }

    /// What came of the row on a line.
    fn of_line(line: u64, read: Result<Trajectory, String>) -> Self {
        match read {
            Ok(trajectory) => Self::Trajectory(Box::new(trajectory)),
            Err(reason) => Self::damaged(format!("line {line}"), reason),
        }
    }
}

/// Takes the rows, and says when it has had enough.
pub type Sink<'a> = &'a mut dyn FnMut(Row) -> ControlFlow<()>;

/// Reads a file from its beginning, handing over one trajectory after the
/// other: never more than one of them, or one row, is held.
///
/// # Errors
/// A file that cannot be opened or read, or that is refused as a whole; a
/// damaged row is no error, but handed over as such.
pub fn read(
    format: Format,
    path: &Path,
    options: &Options,
    sink: Sink<'_>,
) -> Result<(), ImportError> {
    guess::refuse_pickle(path)?;
    match format {
        Format::Inspect => inspect::read(path, options, sink),
        Format::Rsd => rsd::read(path, options, sink),
        Format::SpecReason => spec_reason::read(path, options, sink),
        Format::LmEval => lm_eval::read(path, options, sink),
        Format::ProcessBench => process_bench::read(path, sink),
        Format::Prm800k => prm800k::read(path, options, sink),
    }
}

/// The name of a file without its folder and ending.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
