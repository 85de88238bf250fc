//! The folder of a run: `training.jsonl`, `state.json` to go on from,
//! `policy.safetensors` with `policy.json`, `report.md`, `report.json` and the
//! plots. Nothing in it is overwritten by another run.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::headless::{Exit, Failure};
use crate::trace::atomic::write_atomically;
use crate::trace::ids::file_sha256;
use crate::train::learner::Learner;
use crate::train::log::{Head, TRAINING_LOG, TrainingLog, TrainingRecord};
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
    iterations: Option<u32>,
    surfaces: Option<u32>,
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
        if path.exists() {
            return Self::go_on(folder, &path, head);
        }
        make(folder)?;
        let log = append(&path)?;
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
        if !resume || !path.exists() {
            return Ok(None);
        }
        let found = TrainingLog::open(&path);
        let found = found.map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
        Ok(Some(found.head))
    }

    fn go_on(folder: &Path, path: &Path, head: Head) -> Result<Self, Failure> {
        let found = TrainingLog::open(path)
            .map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
        if let Some(what) = difference(&found.head, &head) {
            return Err(Failure::usage(format!(
                "{}: the run in it differs in its {what}",
                folder.display()
            ))
            .hint("go on with what it was begun with, or name another folder"));
        }
        let state = folder.join(STATE);
        let saved = match fs::read(&state) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
                Failure::new(Exit::BadData, format!("{}: {error}", state.display()))
                    .hint("without the file the run begins anew, with the same result")
            })?),
            // Nothing was saved yet: it begins anew, the same way.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&state, &error)),
        };
        let mut log = append(path)?;
        let whole = fs::read(path).is_ok_and(|bytes| bytes.ends_with(b"\n"));
        if !whole {
            log.write_all(b"\n").map_err(|error| failed(path, &error))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            log,
            known: Known {
                iterations: contiguous(found.iterations.keys()),
                surfaces: found.surfaces.keys().last().copied(),
                end: found.end.is_some(),
            },
            head: found.head,
            saved,
        })
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
            TrainingRecord::Iteration(one) => self
                .known
                .iterations
                .is_some_and(|last| one.iteration <= last),
            TrainingRecord::Surface(one) => self
                .known
                .surfaces
                .is_some_and(|last| one.iteration <= last),
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
            .map_err(|error| failed(&path, &error))
    }

    /// Keeps the learner, to go on from.
    pub fn save(&mut self, learner: &Learner, seconds: f64) -> Result<(), Failure> {
        let saved = Saved {
            learner: learner.state(),
            seconds,
        };
        let json = serde_json::to_vec(&saved)
            .map_err(|error| Failure::new(Exit::Failed, format!("{STATE}: {error}")))?;
        self.put(STATE, &json)?;
        self.saved = Some(saved);
        Ok(())
    }

    /// Writes a file of the run, whole or not at all.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(name);
        write_atomically(&path, bytes).map_err(|error| failed(&path, &error))
    }
}

/// Makes the folder of a run.
pub fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

/// The last of a row without gaps from 0: what follows a gap is written again.
fn contiguous<'a>(keys: impl Iterator<Item = &'a u32>) -> Option<u32> {
    let whole = keys.zip(0..).take_while(|(key, place)| *key == place);
    whole.last().map(|(_, place)| place)
}

fn append(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("cannot write {}: {error}", path.display()),
    )
}

/// In what two runs differ, if they are not the same one.
fn difference(one: &Head, other: &Head) -> Option<&'static str> {
    if one.forest != other.forest {
        return Some("forest");
    }
    if one.params != other.params {
        return Some("parameters");
    }
    if one.features != other.features || one.signal != other.signal {
        return Some("features");
    }
    (one.version != other.version).then_some("version of pointsman")
}

/// SHA-256 of the files of a forest, by name; of a folder, of the logs in it.
pub fn hashes(paths: &[PathBuf]) -> Result<BTreeMap<String, String>, Failure> {
    let mut hashes = BTreeMap::new();
    for path in paths {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            let entries = fs::read_dir(path).map_err(|error| failed(path, &error))?;
            let found = entries.filter_map(|entry| Some(entry.ok()?.path()));
            files = found
                .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
                .collect();
        }
        for file in files {
            let hash = file_sha256(&file).map_err(|error| failed(&file, &error))?;
            let name = file.file_name().unwrap_or(file.as_os_str());
            hashes.insert(name.to_string_lossy().into_owned(), hash);
        }
    }
    Ok(hashes)
}
