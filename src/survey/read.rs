//! Surveys of whole logs.

use std::path::Path;

use crate::trace::{Log, LogError};

use super::{Fact, Survey};

/// Opens logs and surveys about so many bytes of them; [`Log::advance`] reads
/// on.
///
/// # Errors
/// As [`Log::open`].
pub fn begin<P: AsRef<Path>>(paths: &[P], bytes: u64) -> Result<(Log, Survey), LogError> {
    let mut log = Log::begin(paths)?;
    let mut survey = Survey::default();
    log.advance(bytes, &mut |kind, line| {
        if let Some(fact) = Fact::read(kind, line) {
            survey.add(fact);
        }
    })?;
    Ok((log, survey))
}

/// Opens logs and surveys all of them.
///
/// # Errors
/// As [`Log::open`].
pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<(Log, Survey), LogError> {
    begin(paths, u64::MAX)
}
