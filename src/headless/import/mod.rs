//! Turns the results of other tools into a log: a new one, which is there
//! whole or not at all.

mod probabilities;
mod runs;
mod summary;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::problem::dataset;
use crate::trace::atomic::{AtomicFile, Existing};
use crate::trace::import::{self, Format, ImportError, Row, Trajectory};
use crate::trace::record::{DatasetFacts, Record};
use crate::trace::side::is_side_file;
use crate::trace::{LogError, LogWriter};

use super::solve::{bar, say};
use super::train::watch_signals;
use super::{Exit, Failure};

use runs::{Runs, Source};
pub use summary::{FileSummary, Summary};

/// What `import` is asked for.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    pub files: Vec<PathBuf>,
    /// Guessed from each file where there is none.
    pub format: Option<Format>,
    pub log: PathBuf,
    /// Questions and gold answers, where the files hold none.
    pub dataset: Option<PathBuf>,
    pub threshold: Option<f64>,
    pub models: Vec<String>,
    pub separator: String,
    /// Most trajectories of all files together.
    pub limit: Option<usize>,
    pub quiet: bool,
}

/// What came of it.
pub struct Imported {
    pub summary: Summary,
    /// Why not everything of the files is in the log.
    pub failure: Option<Failure>,
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(error.category().into(), error.to_string())
    }
}

/// Imports the files into a new log.
///
/// # Errors
/// Anything that keeps it from starting, a log that cannot be written, and
/// files of which nothing can be imported: no log is made then. What is
/// damaged in files of which something can be is no error: see
/// [`Imported::failure`].
pub fn import(options: &ImportOptions) -> Result<Imported, Failure> {
    check_place(&options.log)?;
    let (sources, unknown) = sources(options)?;
    let mut reading = import::Options {
        dataset: None,
        threshold: options.threshold,
        models: options.models.clone(),
        separator: options.separator.clone(),
    };
    if let Some(path) = &options.dataset {
        let dataset = dataset::load(path)?;
        for warning in &dataset.warnings {
            let (name, line, said) = (&dataset.name, warning.line, &warning.message);
            say(
                options.quiet,
                &format!("warning: {name} line {line}: {said}"),
            );
        }
        reading.dataset = Some(dataset);
    }
    let stopped = Arc::new(AtomicBool::new(false));
    watch_signals(&stopped)?;
    let temporary =
        AtomicFile::create(&options.log).map_err(|error| unmade(&options.log, &error))?;
    let facts = reading.dataset.as_ref().map(|dataset| DatasetFacts {
        name: dataset.name.clone(),
        sha256: dataset.sha256.clone(),
        problems: dataset.problems.len(),
    });
    let mut driver = Driver {
        writer: LogWriter::create_or_append(temporary.meanwhile(), false)?,
        runs: Runs::new(facts),
        summary: Summary::new(&options.log),
        limit: options.limit.unwrap_or(usize::MAX),
        failed: None,
        refused: None,
        stopped,
        quiet: options.quiet,
    };
    for error in unknown {
        driver.refuse(error);
    }
    let bar = bar(sources.len(), options.quiet);
    for source in &sources {
        driver.file(source, &reading)?;
        bar.inc(1);
        if driver.is_done() {
            break;
        }
    }
    bar.finish_and_clear();
    driver.finish(temporary)
}

/// Whether a log can be made there.
fn check_place(log: &Path) -> Result<(), Failure> {
    if log.exists() {
        return Err(
            Failure::usage(format!("{}: the file is there already", log.display()))
                .hint("name another one: `import` makes a new log and adds to none"),
        );
    }
    if is_side_file(log) {
        return Err(Failure::usage(format!(
            "{}: so end the files of labels, which are no logs",
            log.display()
        ))
        .hint("name it otherwise: `NAME.jsonl`"));
    }
    let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(Failure::usage(format!(
            "{}: no such folder",
            folder.display()
        ))
        .hint("make it first, or name another log")),
        _ => Ok(()),
    }
}

fn unmade(log: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot make {}: {error}", log.display());
    Failure::new(Exit::Failed, message)
}

/// The files with their formats, told where they were guessed, and why others
/// are of none.
fn sources(options: &ImportOptions) -> Result<(Vec<Source>, Vec<ImportError>), Failure> {
    let mut sources = Vec::with_capacity(options.files.len());
    let mut unknown = Vec::new();
    let mut told = BTreeSet::new();
    for path in &options.files {
        let format = match options.format {
            Some(format) => format,
            None => match import::guess(path) {
                Ok(format) => format,
                Err(error @ ImportError::Refused { .. }) => {
                    unknown.push(error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            },
        };
        check(format, options)?;
        if options.format.is_none() && told.insert(format) {
            let name = path.display();
            say(
                options.quiet,
                &format!("{name}: read as {format} (`--format` says otherwise)"),
            );
        }
        sources.push(Source {
            path: path.clone(),
            format,
            guessed: options.format.is_none(),
        });
    }
    Ok((sources, unknown))
}

/// Refuses what a person says of a format that needs no saying.
fn check(format: Format, options: &ImportOptions) -> Result<(), Failure> {
    let (most, dataset, threshold) = match format {
        Format::Inspect => (usize::MAX, false, false),
        Format::Rsd => (3, false, true),
        Format::SpecReason => (3, true, true),
        Format::LmEval | Format::Prm800k => (1, false, false),
        Format::ProcessBench => (0, false, false),
    };
    let says_nothing = |flag: &str| {
        Err(Failure::usage(format!(
            "`{flag}` says nothing of {format}: leave it out"
        )))
    };
    if options.dataset.is_some() && !dataset {
        return says_nothing("--dataset");
    }
    if options.threshold.is_some() && !threshold {
        return says_nothing("--threshold");
    }
    match (options.models.len(), most) {
        (1.., 0) => says_nothing("--models"),
        (given, most) if given > most => Err(Failure::usage(format!(
            "`--models` names {given} models, and {format} has {most} at most"
        ))),
        (1, 3) if format == Format::SpecReason => Err(Failure::usage(
            "`--models` names one model, and spec-reason has two: small, large and, if another one judges, the judge",
        )),
        _ => Ok(()),
    }
}

struct Driver {
    writer: LogWriter,
    runs: Runs,
    summary: Summary,
    limit: usize,
    /// Why the log could not be written.
    failed: Option<LogError>,
    /// The first file that was refused, wholly or from somewhere on.
    refused: Option<Failure>,
    stopped: Arc<AtomicBool>,
    quiet: bool,
}

impl Driver {
    fn is_interrupted(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        self.summary.trajectories >= self.limit || self.is_interrupted()
    }

    /// Imports a file; one that is refused leaves the others alone.
    fn file(&mut self, source: &Source, options: &import::Options) -> Result<(), Failure> {
        self.runs.begin(source)?;
        self.summary.begin(source);
        let read = import::read(source.format, &source.path, options, &mut |row| {
            match row {
                Row::Damaged(damaged) => {
                    let name = source.path.display();
                    let told = format!("{name}: {}: {}", damaged.place, damaged.reason);
                    if self.summary.damaged(&told) {
                        say(self.quiet, &format!("warning: {told}: left out"));
                    }
                }
                Row::Trajectory(mut trajectory) => {
                    probabilities::lay(&mut trajectory);
                    if let Err(error) = self.trajectory(&trajectory) {
                        self.failed = Some(error);
                        return ControlFlow::Break(());
                    }
                }
            }
            match self.is_done() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        if let Err(error) = read {
            self.refuse(error);
        }
        Ok(())
    }

    /// Tells of a file that is refused, wholly or from somewhere on.
    fn refuse(&mut self, error: ImportError) {
        let failure = Failure::from(error);
        self.summary.refused += 1;
        match &self.refused {
            // The first of them is what the import fails with.
            None => self.refused = Some(failure),
            Some(_) => say(self.quiet, &format!("warning: {}", failure.message)),
        }
    }

    fn trajectory(&mut self, trajectory: &Trajectory) -> Result<(), LogError> {
        let mut records = Vec::new();
        let place = self.runs.place(trajectory, &mut records);
        records.extend(import::records(trajectory, place.as_place()));
        self.summary.add(&records);
        self.summary.lacks(&trajectory.origin.not_held);
        self.writer.append_unsynced(&records)
    }

    /// Puts the log in its place.
    fn finish(mut self, temporary: AtomicFile) -> Result<Imported, Failure> {
        self.summary.runs = self.runs.len();
        if self.summary.trajectories == 0 {
            return Err(self.nothing());
        }
        if let Some(note) = self.runs.last_note(&self.summary) {
            self.writer.append(&[Record::Note(note)])?;
        }
        let log = temporary.path().to_path_buf();
        let finished = temporary.finish(Existing::Kept);
        finished.map_err(|error| unmade(&log, &error))?;
        let failure = match (self.is_interrupted(), self.refused.take()) {
            (true, _) => Some(Failure::new(
                Exit::Interrupted,
                "interrupted: what was read so far is in the log",
            )),
            (false, Some(refused)) => Some(refused),
            (false, None) => self.summary.failure(),
        };
        Ok(Imported {
            summary: self.summary,
            failure,
        })
    }

    /// Why there is no log.
    fn nothing(&mut self) -> Failure {
        if self.is_interrupted() {
            return Failure::new(Exit::Interrupted, "interrupted: no log was made");
        }
        let nothing = || Failure::new(Exit::BadData, "no trajectory in the files: no log was made");
        self.refused
            .take()
            .or_else(|| self.summary.failure())
            .unwrap_or_else(nothing)
    }
}

#[cfg(test)]
mod tests;
