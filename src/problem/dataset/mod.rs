//! Readers for the public data sets, chosen by content.

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
