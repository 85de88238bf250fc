//! Failures as the faces report them: an exit code, a sentence, a hint.

use std::fmt;

use crate::model::endpoint::EndpointError;
use crate::model::pool::PoolError;
use crate::policy::CheckpointError;
use crate::problem::dataset::{DatasetError, ErrorCategory};
use crate::router::RouterError;
use crate::trace::LogError;
use crate::train::forest::ForestError;
use crate::train::prepared::PrepareError;
use crate::train::rollout::RolloutError;
use crate::train::run::RunError;
use crate::train::state::StateError;

/// What a failure means for whoever started the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// The work itself failed.
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// An endpoint could not do it.
    Endpoint,
    /// Bad data.
    BadData,
    /// Interrupted, with everything finished so far saved.
    Interrupted,
}

impl Exit {
    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Endpoint => 3,
            Self::BadData => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<ErrorCategory> for Exit {
    fn from(category: ErrorCategory) -> Self {
        match category {
            ErrorCategory::NotFound => Self::Usage,
            ErrorCategory::BadData => Self::BadData,
            ErrorCategory::Failed => Self::Failed,
        }
    }
}

/// Why a command ended without having done its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    /// What failed, on what.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::new(error.category().into(), error.to_string())
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        Self::new(error.category().into(), error.to_string())
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<RouterError> for Failure {
    fn from(error: RouterError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        Self::new(Exit::Endpoint, error.to_string())
    }
}

impl From<ForestError> for Failure {
    fn from(error: ForestError) -> Self {
        Self::new(error.category().into(), error.to_string())
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        let exit = match error {
            PrepareError::Feature(_) => Exit::Usage,
            _ => Exit::BadData,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::usage(error.to_string())
    }
}

/// The failure that kept a forest from growing.
pub(super) fn rollout_failure(error: Box<dyn std::error::Error>) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => *failure,
        Err(other) => Failure::new(Exit::Failed, other.to_string()),
    }
}

impl From<RunError<RolloutError>> for Failure {
    fn from(error: RunError<RolloutError>) -> Self {
        match error {
            RunError::Rollout {
                source: RolloutError::Grow(source),
                ..
            } => rollout_failure(source),
            other => Self::new(Exit::BadData, other.to_string()),
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}
