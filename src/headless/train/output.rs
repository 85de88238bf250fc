//! The folder of a run: `training.jsonl`, `state.json` to go on from,
//! `policy.safetensors` with `policy.json`, `report.md`, `report.json` and the
//! plots. Nothing in it is overwritten by another run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead as _, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::headless::{Exit, Failure};
use crate::trace::LogError;
use crate::trace::atomic::write_atomically;
use crate::trace::ids::file_sha256;
use crate::trace::index::log_files;
use crate::train::learner::Learner;
use crate::train::log::{Head, TRAINING_LOG, TrainingLog, TrainingRecord};
use crate::train::params::Params;
use crate::train::state::State;
use crate::train::surface::Grid;

/// Iterations between two saves.
pub const EVERY: u32 = 50;

/// Name of the forest that is grown for a run, unless another is named.
pub const FOREST: &str = "forest.jsonl";

const STATE: &str = "state.json";

#[derive(Serialize, Deserialize)]
struct Saved {
    learner: State,
    seconds: f64,
}

/// The folder of a run, open for writing.
pub struct Output {
    folder: PathBuf,
    log: File,
    head: Head,
    saved: Option<Saved>,
    /// What the log holds already: written once.
    known: Known,
}

#[derive(Default)]
struct Known {
    iterations: BTreeSet<u32>,
    surfaces: BTreeSet<u32>,
    end: bool,
}

impl Output {
    /// Makes the folder, or goes on with the run in it.
    ///
    /// # Errors
    /// A folder with something in it that nobody asked to go on with; a run of
    /// other parameters or of another forest; anything the disk says.
    pub fn open(folder: &Path, resume: bool, head: Head) -> Result<Self, Failure> {
        let path = folder.join(TRAINING_LOG);
        Self::check(folder, resume)?;
        if has_head(&path) {
            return Self::go_on(folder, &path, head);
        }
        make(folder)?;
        let log = append(&path)?;
        if has_head(&path) {
            // Somebody else began it between our look and our lock.
            return Err(Failure::usage(format!(
                "{}: another process has begun a run here",
                folder.display()
            )));
        }
        // A head that was cut off is no run yet.
        log.set_len(0)
            .map_err(|error| cannot("write", &path, &error))?;
        let mut output = Self {
            folder: folder.to_owned(),
            log,
            head: head.clone(),
            saved: None,
            known: Known::default(),
        };
        output.write(&TrainingRecord::Run(Box::new(head)))?;
        Ok(output)
    }

    /// Whether a run can be made in a folder, or gone on with.
    ///
    /// # Errors
    /// Something is in it, other than a forest and a run to go on with.
    pub fn check(folder: &Path, resume: bool) -> Result<(), Failure> {
        let begun = folder.join(TRAINING_LOG).exists();
        if begun && resume {
            return Ok(());
        }
        let other = |entry: std::io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.file_name() != FOREST)
        };
        if !fs::read_dir(folder).is_ok_and(|mut entries| entries.any(other)) {
            return Ok(());
        }
        let failure = Failure::usage(format!("{}: the folder is not empty", folder.display()));
        Err(match begun {
            true => failure.hint("go on with the run in it by `--resume`, or name another"),
            false => failure.hint("name another: nothing in it is overwritten"),
        })
    }

    /// What the run in a folder began with, where it is to be gone on with.
    ///
    /// # Errors
    /// Its log cannot be read.
    pub fn begun(folder: &Path, resume: bool) -> Result<Option<Head>, Failure> {
        let path = folder.join(TRAINING_LOG);
        if !resume || !has_head(&path) {
            return Ok(None);
        }
        Ok(Some(opened(&path)?.head))
    }

    fn go_on(folder: &Path, path: &Path, head: Head) -> Result<Self, Failure> {
        // Locked before it is read: nobody appends in between.
        let mut log = append(path)?;
        let found = opened(path)?;
        if let Some(what) = difference(&found.head, &head) {
            return Err(Failure::usage(format!(
                "{}: the run in it differs in its {what}",
                folder.display()
            ))
            .hint("go on with what it was begun with, or name another folder"));
        }
        let whole = fs::read(path).is_ok_and(|bytes| bytes.ends_with(b"\n"));
        if !whole {
            log.write_all(b"\n")
                .map_err(|error| cannot("write", path, &error))?;
        }
        // Where the log lost what came before the state, the run begins anew:
        // it writes the very lines that are missing.
        let saved = Self::saved(folder)?.filter(|saved| {
            let known = |iteration| found.iterations.contains_key(&iteration);
            (0..saved.learner.iteration).all(known)
        });
        Ok(Self {
            folder: folder.to_owned(),
            log,
            known: Known {
                iterations: found.iterations.keys().copied().collect(),
                surfaces: found.surfaces.keys().copied().collect(),
                end: found.end.is_some(),
            },
            head: found.head,
            saved,
        })
    }

    /// Where an interrupted run is to go on; `None` where nothing was saved
    /// yet, so that it begins anew, the same way.
    fn saved(folder: &Path) -> Result<Option<Saved>, Failure> {
        let path = folder.join(STATE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let saved = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(Exit::BadData, format!("{}: {error}", path.display()))
                .hint("without the file the run begins anew, with the same result")
        })?;
        Ok(Some(saved))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn grid(&self) -> &Grid {
        &self.head.grid
    }

    /// Where to go on.
    pub fn state(&self) -> Option<&State> {
        self.saved.as_ref().map(|saved| &saved.learner)
    }

    /// Seconds spent by the sessions before.
    pub fn seconds(&self) -> f64 {
        self.saved.as_ref().map_or(0.0, |saved| saved.seconds)
    }

    /// Appends a record that the log does not hold yet.
    pub fn append(&mut self, record: &TrainingRecord) -> Result<(), Failure> {
        let known = match record {
            TrainingRecord::Iteration(one) => self.known.iterations.contains(&one.iteration),
            TrainingRecord::Surface(one) => self.known.surfaces.contains(&one.iteration),
            TrainingRecord::End(_) => self.known.end,
            TrainingRecord::Run(_) => false,
        };
        if known { Ok(()) } else { self.write(record) }
    }

    fn write(&mut self, record: &TrainingRecord) -> Result<(), Failure> {
        let path = self.folder.join(TRAINING_LOG);
        let mut line = serde_json::to_vec(record)
            .map_err(|error| Failure::new(Exit::Failed, format!("a training record: {error}")))?;
        line.push(b'\n');
        self.log
            .write_all(&line)
            .map_err(|error| cannot("write", &path, &error))
    }

    /// Keeps the learner, to go on from.
    pub fn save(&mut self, learner: &Learner, seconds: f64) -> Result<(), Failure> {
        let saved = Saved {
            learner: learner.state(),
            seconds,
        };
        // What the state goes on from is on the disk before the state is.
        let log = self.folder.join(TRAINING_LOG);
        self.log
            .sync_data()
            .map_err(|error| cannot("write", &log, &error))?;
        let json = serde_json::to_vec(&saved)
            .map_err(|error| Failure::new(Exit::Failed, format!("{STATE}: {error}")))?;
        self.put(STATE, &json)?;
        self.saved = Some(saved);
        Ok(())
    }

    /// Writes a file of the run, whole or not at all.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(name);
        write_atomically(&path, bytes).map_err(|error| cannot("write", &path, &error))
    }
}

/// Makes the folder of a run.
pub fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| cannot("write", folder, &error))
}

/// Whether a log holds a first line, whole.
fn has_head(path: &Path) -> bool {
    let mut first = Vec::new();
    let read = |file| std::io::BufReader::new(file).read_until(b'\n', &mut first);
    File::open(path).and_then(read).is_ok() && first.ends_with(b"\n")
}

/// Opens a log for appending, and locks it as long as it is open.
fn append(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    let file = opened.map_err(|error| cannot("write", path, &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = format!("{}: another process trains here", path.display());
            Err(Failure::usage(message).hint("wait for it, or name another folder"))
        }
        // Some network file systems know no locks; that is no reason to refuse.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn opened(path: &Path) -> Result<TrainingLog, Failure> {
    let found = TrainingLog::open(path);
    found.map_err(|error| Failure::new(Exit::BadData, error.to_string()))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("cannot {what} {}: {error}", path.display()),
    )
}

/// In what two runs differ, if they are not the same one.
fn difference(one: &Head, other: &Head) -> Option<String> {
    if let Some(told) = parameters(&one.params, &other.params) {
        return Some(format!("parameters ({told})"));
    }
    let differs = |what: &str, same: bool| (!same).then(|| what.to_owned());
    differs("forest", one.forest == other.forest)
        .or_else(|| differs("confidence", one.signal == other.signal))
        .or_else(|| differs("features", one.features == other.features))
        .or_else(|| differs("version of pointsman", one.version == other.version))
}

/// The parameters that differ, with their values: was, is now.
fn parameters(one: &Params, other: &Params) -> Option<String> {
    if one == other {
        return None;
    }
    let [one, other] = [one, other].map(|params| serde_json::to_value(params).unwrap_or_default());
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return Some("all of them".to_owned());
    };
    let told = one.iter().filter_map(|(name, was)| {
        let now = other.get(name)?;
        (was != now).then(|| format!("{name} was {was}, is now {now}"))
    });
    Some(told.collect::<Vec<_>>().join("; "))
}

/// The logs that paths name, each once and whatever order they are named in:
/// of a folder those in it, but for what training wrote there.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = log_files(paths)?;
    files.retain(|file| paths.contains(file) || !file.ends_with(TRAINING_LOG));
    if let (true, Some(path)) = (files.is_empty(), paths.first()) {
        let path = path.clone();
        return Err(LogError::NoLogs { path }.into());
    }
    files.sort();
    Ok(files)
}

/// SHA-256 of the files of a forest, by name; names that repeat are numbered.
pub fn hashes(files: &[PathBuf]) -> Result<BTreeMap<String, String>, Failure> {
    let mut hashes = BTreeMap::new();
    for file in files {
        let hash = file_sha256(file).map_err(|error| cannot("read", file, &error))?;
        let name = file
            .file_name()
            .unwrap_or(file.as_os_str())
            .to_string_lossy();
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        let mut names = std::iter::once(name.to_string()).chain(numbered);
        let free = names.find(|name| !hashes.contains_key(name));
        hashes.insert(free.unwrap_or_default(), hash);
    }
    Ok(hashes)
}
