//! What can be wrong with a data set, in sentences that name the place.

use std::fmt;
use std::io;

use super::format::Format;
use super::records::RECORD_LIMIT;

/// What kind of failure an error is, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCategory {
    /// What was named is not there: wrong usage.
    NotFound,
    /// It is there and is not what it should be: bad data.
    BadData,
    /// The work itself failed: reading, writing, locking.
    Failed,
}

/// Why a data set could not be read, and where.
#[derive(Debug, thiserror::Error)]
pub struct DatasetError {
    /// The file as it was named.
    pub file: String,
    /// 1-based line of the record at fault.
    pub line: Option<u64>,
    #[source]
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("no such file")]
    NotFound,
    #[error("a folder, not a file: name a data set inside it")]
    Folder,
    #[error("cannot be read: {0}")]
    Io(io::Error),
    #[error("no records: the file is empty")]
    Empty,
    #[error("a binary file ({0}): a data set is JSON text, one record a line or one array")]
    Binary(&'static str),
    #[error("not UTF-8 at byte {0} of the record")]
    NotUtf8(usize),
    #[error("a record of more than {} MiB: not a data set of problems", RECORD_LIMIT >> 20)]
    TooLong,
    #[error("not JSON: {0}")]
    NotJson(String),
    #[error("the JSON ends early: the file is cut off here")]
    Truncated,
    #[error("{0} after the end of the array")]
    AfterArray(String),
    #[error("a {0} where a record (a JSON object) belongs")]
    NotAnObject(&'static str),
    #[error(
        "unknown format: the record has the fields {found}; known are {}",
        Format::known()
    )]
    UnknownFormat { found: String },
    #[error("field `{field}` {problem} ({format} record)")]
    Field {
        field: String,
        problem: String,
        format: &'static str,
    },
}

impl DatasetError {
    pub(super) fn new(file: impl Into<String>, line: Option<u64>, fault: Fault) -> Self {
        Self {
            file: file.into(),
            line,
            fault,
        }
    }

    /// An error of the record at `line`; the file is named by [`Self::in_file`].
    pub(super) fn at(line: u64, fault: Fault) -> Self {
        Self::new("", Some(line), fault)
    }

    pub(super) fn io(file: &str, source: io::Error) -> Self {
        let fault = match source.kind() {
            io::ErrorKind::NotFound => Fault::NotFound,
            io::ErrorKind::IsADirectory => Fault::Folder,
            _ => Fault::Io(source),
        };
        Self::new(file, None, fault)
    }

    pub(super) fn in_file(mut self, name: &str) -> Self {
        name.clone_into(&mut self.file);
        self
    }

    /// What kind of failure it is, for the exit code.
    pub fn category(&self) -> ErrorCategory {
        match self.fault {
            Fault::NotFound | Fault::Folder => ErrorCategory::NotFound,
            Fault::Io(_) => ErrorCategory::Failed,
            _ => ErrorCategory::BadData,
        }
    }
}

impl fmt::Display for DatasetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{} line {line}: {}", self.file, self.fault),
            None => write!(out, "{}: {}", self.file, self.fault),
        }
    }
}
