//! Why a source is refused as a whole. A damaged row is no error.

use std::io;
use std::path::{Path, PathBuf};

use crate::problem::dataset::ErrorCategory;

/// Why nothing, or nothing more, is read of a file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{}: cannot read it: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", path.display())]
    Refused {
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

impl ImportError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(super) fn refused(path: &Path, reason: impl Into<String>) -> Self {
        Self::Refused {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    /// What kind of failure it is, for the exit code.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorCategory::NotFound
            }
            Self::Io { .. } => ErrorCategory::Failed,
            Self::Refused { .. } => ErrorCategory::BadData,
        }
    }
}

/// Opens a file; a folder is refused.
pub(super) fn open(path: &Path) -> Result<std::fs::File, ImportError> {
    let failed = |source| ImportError::io(path, source);
    let file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(ImportError::refused(
            path,
            "this is a folder: name the files in it that are to be imported",
        ));
    }
    Ok(file)
}
