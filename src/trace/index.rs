//! A lazy view of many logs: one pass reads the head of every line and keeps
//! its place, sixteen bytes a record, by run and problem. A trajectory is read
//! from its own lines only, when it is asked for.

mod catalog;
mod file;
mod texts;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::reader::{Damage, parse_record};
use super::record::{Record, RunRecord};
use super::side::is_side_file;
use super::{LogError, Tree};

pub use super::reader::header::Kind;
use catalog::Catalog;
pub use catalog::{RunEntry, Trajectory};
use file::{LogFile, read_lines};
pub use texts::StepText;

/// The place of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub offset: u64,
    pub length: u32,
    /// File within the log, and kind.
    pub file: u16,
    pub kind: Kind,
}

/// Damage with the file it is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {damage}", path.display())]
pub struct FileDamage {
    pub path: PathBuf,
    pub damage: Damage,
}

/// The records of one trajectory (or of a run as such) in log order, and what
/// of them could not be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    pub records: Vec<Record>,
    pub damages: Vec<FileDamage>,
}

/// One or more log files, opened lazily.
#[derive(Debug)]
pub struct Log {
    files: Vec<LogFile>,
    catalog: Catalog,
    /// Place of the file that is being read; behind the last one when all are.
    reading: usize,
}

impl Log {
    /// Opens log files, and of folders all `*.jsonl` files in name order but for
    /// side files. A file named twice is read once. Of a side file only the
    /// labels of trajectories are read that the files before it hold.
    ///
    /// # Errors
    /// A path that is not there, a folder without logs, files none of which is
    /// a log, or that are all in a newer format. Damaged lines are no error, nor
    /// is a damaged file among others: see [`Log::damages`].
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, LogError> {
        let mut log = Self::begin(paths)?;
        while log.advance(u64::MAX, &mut |_, _| {})? {}
        Ok(log)
    }

    /// The same without reading anything yet: [`Log::advance`] reads.
    ///
    /// # Errors
    /// A path that is not there, and a folder without logs.
    pub fn begin<P: AsRef<Path>>(paths: &[P]) -> Result<Self, LogError> {
        let files = named_files(paths)?;
        if files.len() > usize::from(u16::MAX) {
            let source = io::Error::other("more than 65,535 log files in one view");
            return Err(LogError::io(&files[0], "open", source));
        }
        Ok(Self {
            files: files
                .into_iter()
                .map(|path| {
                    let is_side = is_side_file(&path);
                    LogFile::new(path, is_side)
                })
                .collect(),
            catalog: Catalog::default(),
            reading: 0,
        })
    }

    /// Reads on for about this many bytes and shows `seen` every line that is
    /// a record; whether there is more to read.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn advance(
        &mut self,
        bytes: u64,
        seen: &mut dyn FnMut(Kind, &[u8]),
    ) -> Result<bool, LogError> {
        let mut left = bytes;
        while let Some(file) = self.files.get_mut(self.reading) {
            let before = file.scanned();
            // `begin` refuses more files than that.
            let place = u16::try_from(self.reading).unwrap_or(u16::MAX);
            if !file.scan(place, &mut self.catalog, left, seen)? {
                return Ok(true);
            }
            left = left.saturating_sub(file.scanned() - before);
            self.reading += 1;
        }
        self.check()?;
        Ok(false)
    }

    /// Whether everything was read that was there.
    pub fn is_read(&self) -> bool {
        self.reading >= self.files.len()
    }

    /// Bytes that have been read, and all there are.
    pub fn progress(&self) -> (u64, u64) {
        let read = self.files.iter().map(LogFile::scanned).sum();
        let size = |file: &LogFile| file.path().metadata().map_or(0, |found| found.len());
        (read, self.files.iter().map(size).sum())
    }

    /// Refuses files of which none can be read. One among others is damage
    /// like that of single lines: the rest is read.
    fn check(&self) -> Result<(), LogError> {
        let mut first = None;
        for file in &self.files {
            match file.check() {
                Ok(()) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Reads what was appended since; the number of new records.
    ///
    /// # Errors
    /// Those of reading, and a file that became shorter: open the log anew.
    pub fn refresh(&mut self) -> Result<usize, LogError> {
        let before = self.catalog.records();
        for (place, file) in (0_u16..).zip(&mut self.files) {
            file.scan(place, &mut self.catalog, u64::MAX, &mut |_, _| {})?;
        }
        Ok(self.catalog.records() - before)
    }

    /// Reads what was appended to a file of labels since, once the log is read, and
    /// shows `seen` every label; one that was not there before is taken
    /// in.
    ///
    /// # Errors
    /// Those of reading, and a file that became shorter.
    pub fn hear(&mut self, side: &Path, seen: &mut dyn FnMut(Kind, &[u8])) -> Result<(), LogError> {
        if !self.is_read() {
            return Ok(());
        }
        let is_it = |file: &LogFile| file.path() == side;
        let place = match self.files.iter().position(is_it) {
            Some(place) if self.files[place].has_grown() => place,
            Some(_) => return Ok(()),
            None if !side.is_file() || self.files.len() >= usize::from(u16::MAX) => return Ok(()),
            None => {
                self.files.push(LogFile::new(side.to_path_buf(), true));
                self.reading = self.files.len();
                self.files.len() - 1
            }
        };
        // No more files are taken in than that.
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        let file = &mut self.files[place];
        file.scan(number, &mut self.catalog, u64::MAX, seen)?;
        Ok(())
    }

    /// The file that a trajectory came from: that of its first record. A problem
    /// and its run are in one file, but for logs that were cut up by hand.
    pub fn path_of(&self, run: &str, problem: &str) -> Option<&Path> {
        let trajectory = self.catalog.trajectory(run, problem)?;
        let first = trajectory.entries.first()?;
        self.files.get(usize::from(first.file)).map(LogFile::path)
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(LogFile::path)
    }

    /// Number of records that can be read.
    pub fn len(&self) -> usize {
        self.catalog.records()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The runs in order of first appearance, also those whose head is lost.
    pub fn runs(&self) -> &[RunEntry] {
        self.catalog.runs()
    }

    /// The head of a run; `None` where it is unknown or its line is damaged.
    pub fn run(&self, run: &str) -> Option<&RunRecord> {
        self.catalog.run(run)?.head.as_deref()
    }

    /// Every trajectory (pair of run and problem) in order of first appearance.
    pub fn trajectories(&self) -> impl ExactSizeIterator<Item = Trajectory<'_>> {
        self.catalog.trajectories()
    }

    /// The trajectory of `problem` in `run`.
    pub fn trajectory(&self, run: &str, problem: &str) -> Option<Trajectory<'_>> {
        self.catalog.trajectory(run, problem)
    }

    /// Reads the lines of one trajectory, and no others.
    ///
    /// # Errors
    /// [`LogError::NoTrajectory`] and those of reading.
    pub fn load_trajectory(&self, run: &str, problem: &str) -> Result<Loaded, LogError> {
        let trajectory = self.known(run, problem)?;
        self.load(trajectory.entries.iter().copied())
    }

    /// A trajectory, or that there is none.
    fn known(&self, run: &str, problem: &str) -> Result<Trajectory<'_>, LogError> {
        self.trajectory(run, problem)
            .ok_or_else(|| LogError::NoTrajectory {
                run: run.to_owned(),
                problem: problem.to_owned(),
            })
    }

    /// The tree of one trajectory, and what of it could not be read.
    ///
    /// # Errors
    /// As [`Log::load_trajectory`].
    pub fn tree(&self, run: &str, problem: &str) -> Result<(Tree, Vec<FileDamage>), LogError> {
        let loaded = self.load_trajectory(run, problem)?;
        let tree = Tree::from_records(run, problem, loaded.records);
        Ok((tree, loaded.damages))
    }

    /// All records of one kind in one trajectory: its outcomes, say, without
    /// its steps.
    ///
    /// # Errors
    /// As [`Log::load_trajectory`].
    pub fn load_kind(&self, trajectory: &Trajectory<'_>, kind: Kind) -> Result<Loaded, LogError> {
        let entries = trajectory.entries.iter().copied();
        self.load(entries.filter(|entry| entry.kind == kind))
    }

    /// The notes of a run that belong to no problem.
    ///
    /// # Errors
    /// Those of reading.
    pub fn run_notes(&self, run: &str) -> Result<Loaded, LogError> {
        let entries = self.catalog.run(run).map(RunEntry::notes);
        self.load(entries.unwrap_or_default().iter().copied())
    }

    fn load(&self, entries: impl Iterator<Item = Entry>) -> Result<Loaded, LogError> {
        let mut loaded = Loaded::default();
        let mut open: Option<(u16, File)> = None;
        let mut bytes = Vec::new();
        for entry in entries {
            let log_file = &self.files[usize::from(entry.file)];
            let file = match open {
                Some((place, ref mut file)) if place == entry.file => file,
                _ => &mut open.insert((entry.file, log_file.open()?)).1,
            };
            read_lines(file, &entry, &mut bytes)
                .map_err(|source| LogError::io(log_file.path(), "read", source))?;
            match parse_record(bytes.trim_ascii()) {
                Ok(record) => loaded.records.push(record),
                Err(fault) => loaded.damages.push(FileDamage {
                    path: log_file.path().to_path_buf(),
                    damage: log_file.damage_at(entry.offset, fault),
                }),
            }
        }
        Ok(loaded)
    }

    /// Lines that could not be read while indexing, file by file.
    pub fn damages(&self) -> impl Iterator<Item = FileDamage> {
        self.files.iter().flat_map(|file| {
            file.damages().map(|damage| FileDamage {
                path: file.path().to_path_buf(),
                damage: damage.clone(),
            })
        })
    }

    /// The first damaged line, and how many more there are, in one line.
    pub fn damage(&self) -> Option<String> {
        let mut damages = self.damages();
        let first = damages.next()?;
        let more = match damages.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!(
            "{} line {}: {}{more}; skipped",
            first.path.display(),
            first.damage.line,
            first.damage.reason
        ))
    }

    /// How many records of kinds this version does not know were skipped.
    pub fn unknown_kinds(&self) -> &BTreeMap<String, u64> {
        self.catalog.unknown_kinds()
    }
}

/// The log files that `paths` name: files as they are, folders as their
/// `*.jsonl` files in name order, side files left out; each file once.
///
/// # Errors
/// A path that is not there, and a folder without logs.
pub fn log_files<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, LogError> {
    // A shell that was asked for `*.jsonl` names them all.
    let mut files = named_files(paths)?;
    files.retain(|path| !is_side_file(path));
    Ok(files)
}

/// The same with the side files that are named themselves.
pub(super) fn named_files<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, LogError> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for path in paths {
        let path = path.as_ref();
        let found = if path.is_dir() {
            in_folder(path)?
        } else {
            vec![path.to_path_buf()]
        };
        for file in found {
            let real = file
                .canonicalize()
                .map_err(|source| LogError::io(&file, "open", source))?;
            if known.insert(real) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LogError> {
    let failed = |source| LogError::io(folder, "open", source);
    let mut files = Vec::new();
    for item in folder.read_dir().map_err(failed)? {
        let path = item.map_err(failed)?.path();
        let is_log = path.extension().is_some_and(|end| end == "jsonl");
        if is_log && !is_side_file(&path) && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(LogError::NoLogs {
            path: folder.to_path_buf(),
        });
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
