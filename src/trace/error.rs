//! What can go wrong with a log as a whole. Damage of single lines is data,
//! not an error: see [`super::reader::Damage`].

use std::io;
use std::path::{Path, PathBuf};

use crate::problem::dataset::ErrorCategory;

/// Why a log could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{}: cannot {action} the log: {source}", path.display())]
    Io {
        path: PathBuf,
        /// `open`, `read`, `write` …
        action: &'static str,
        source: io::Error,
    },
    #[error(
        "{}: the disk is full ({source}); everything before this record is safe: make room, \
         then go on with --resume",
        path.display()
    )]
    DiskFull { path: PathBuf, source: io::Error },
    #[error(
        "{}: another process is writing this log; wait for it or give each its own log file",
        path.display()
    )]
    Locked { path: PathBuf },
    #[error(
        "{}: not a pointsman log ({found}): name another file",
        path.display()
    )]
    NotALog { path: PathBuf, found: String },
    #[error("{} {reason}", path.display())]
    NewerFormat {
        path: PathBuf,
        /// The line, its format and what to do.
        reason: String,
    },
    #[error(
        "{}: this is the log itself, which nobody who looks at it writes to; name another file \
         for the labels",
        path.display()
    )]
    OwnSide { path: PathBuf },
    #[error("{}: no log files (*.jsonl) in this folder", path.display())]
    NoLogs { path: PathBuf },
    #[error("{}: a {record} record cannot be written: `{field}` is not a finite number", path.display())]
    NotFinite {
        path: PathBuf,
        record: &'static str,
        field: &'static str,
    },
    #[error("{}: a record cannot be written as JSON: {source}", path.display())]
    Encode {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("no trajectory of problem `{problem}` in run `{run}`")]
    NoTrajectory { run: String, problem: String },
}

impl LogError {
    /// Wraps an I/O error, telling a full disk from the rest.
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io {
                path,
                action,
                source,
            },
        }
    }

    /// What kind of failure it is, for the exit code.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorCategory::NotFound
            }
            Self::NoLogs { .. } | Self::NoTrajectory { .. } | Self::OwnSide { .. } => {
                ErrorCategory::NotFound
            }
            Self::NotALog { .. } | Self::NewerFormat { .. } => ErrorCategory::BadData,
            Self::Io { .. }
            | Self::DiskFull { .. }
            | Self::Locked { .. }
            | Self::NotFinite { .. }
            | Self::Encode { .. } => ErrorCategory::Failed,
        }
    }
}
