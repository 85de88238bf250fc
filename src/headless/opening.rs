//! How a run's log is opened: looked at before anything is called, made once
//! the endpoints are known to be there.

use std::path::Path;

use crate::model::probed::Probed;
use crate::trace::LogWriter;
use crate::trace::record::{Record, RunRecord};

use super::clock::now;
use super::{Exit, Failure};

/// Looks at the log before anything is called: what is to be gone on with, as
/// `read` finds it, or the refusal to mix two runs in one file. What is gone
/// on with is locked before it is read: no other process can append in
/// between. With `sync` it is to be on the disk, soon after each append.
pub(super) fn prepare_log<R>(
    path: &Path,
    resume: bool,
    sync: bool,
    read: impl FnOnce(&Path) -> Result<R, Failure>,
) -> Result<Option<(R, LogWriter)>, Failure> {
    if !may_go_on(path, resume)? {
        return Ok(None);
    }
    let writer = LogWriter::create_or_append(path, sync)?;
    Ok(Some((read(path)?, writer)))
}

/// Whether there is something in the log that is to be gone on with.
///
/// # Errors
/// A folder that is not there, or in the log's place, and a log that holds something where nobody
/// asked to go on.
pub(super) fn may_go_on(path: &Path, resume: bool) -> Result<bool, Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let message = format!("{}: no such folder", folder.display());
        return Err(Failure::usage(message).hint("make it first, or name another log"));
    }
    if path.is_dir() {
        let message = format!("{}: a folder, not a log", path.display());
        return Err(Failure::usage(message).hint("name a file in it"));
    }
    let holds_something = path.metadata().is_ok_and(|found| found.len() > 0);
    if holds_something && !resume {
        return Err(
            Failure::usage(format!("{}: the log is not empty", path.display()))
                .hint("go on with it by `--resume`, or name another log"),
        );
    }
    Ok(holds_something)
}

/// Makes the log, once the endpoints are known to be there.
pub(super) fn new_log(path: &Path, sync: bool) -> Result<LogWriter, Failure> {
    let writer = LogWriter::create_or_append(path, sync)?;
    if writer.existed() {
        // Somebody else began it between our look and our lock.
        return Err(Failure::usage(format!(
            "{}: the log is not empty",
            path.display()
        )));
    }
    Ok(writer)
}

/// Makes the log of a run without problems, as an empty shard is: it says that
/// nothing is missing, and nobody need be called for it.
pub(super) fn new_empty_log(path: &Path, run: &RunRecord) -> Result<(), Failure> {
    let mut writer = new_log(path, true)?;
    writer.append(&[Record::Run(Box::new(run.clone()))])?;
    Ok(())
}

/// What the endpoints said they can do, for the log.
pub(super) fn probe_note(run: &RunRecord, probed: &Probed) -> Result<Record, Failure> {
    probed
        .note(&run.run, now())
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
