//! `training.jsonl`: one JSON record a line, append only. What a run began
//! with, every iteration, the policy's surface now and then, how it ended.
//!
//! A run that was interrupted repeats nothing it knows; where lines were lost
//! it writes them again, the same ones. A reader takes the last of equals and
//! counts what it cannot read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::policy::Normalisation;

use super::floor::Floor;
use super::params::Params;
use super::record::Iteration;
use super::report::Row;
use super::surface::{Grid, Surface};
use super::threshold::Recalibration;

/// Name of the file in the folder of a run.
pub const TRAINING_LOG: &str = "training.jsonl";
/// Format of the records written by this version.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum TrainingRecord {
    Run(Box<Head>),
    Iteration(Box<Iteration>),
    Surface(Surface),
    End(Box<End>),
}

/// What a run began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    pub format: u32,
    /// Version of pointsman.
    pub version: String,
    /// RFC 3339, UTC.
    pub started: String,
    pub params: Params,
    pub features: Vec<String>,
    pub normalisation: Normalisation,
    /// The pool, cheapest first.
    pub models: Vec<String>,
    /// `logit` or `prob`.
    pub signal: String,
    /// Unit of every cost.
    pub unit: Option<String>,
    pub forest: ForestFacts,
    /// A/A floor of the train split.
    pub floor: Option<Floor>,
    /// Mean cost of a first step, which nobody decides about, and of the large
    /// model alone, on the train split, in the ledger learnt on.
    pub first_cost: f64,
    pub large_cost: Option<f64>,
    /// Where surfaces are drawn.
    pub grid: Grid,
    /// The models alone, on the train split.
    pub anchors: Vec<Row>,
}

impl Head {
    /// Mean cost of rollouts, without their first step, relative to the large
    /// model alone; the cost itself, first step included, where that is not
    /// known.
    #[must_use]
    pub fn relative(&self, cost: f64) -> f64 {
        (cost + self.first_cost) / self.large_cost.unwrap_or(1.0)
    }
}

/// The forest a policy was learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ForestFacts {
    /// Key of the exploration.
    pub key: String,
    /// SHA-256 of every file, by its name.
    pub files: BTreeMap<String, String>,
    /// Problems by split.
    pub problems: BTreeMap<String, usize>,
    /// Problems left out: not whole, or of the train split and not graded or
    /// not to be followed under absorbing escalation.
    pub left_out: usize,
    /// Trajectories of the train split, and how many of them end ungraded:
    /// rollouts that come to one of those are drawn again.
    #[serde(default)]
    pub trajectories: usize,
    #[serde(default)]
    pub ungraded: usize,
    /// Steps of the train split when the run began.
    #[serde(default)]
    pub steps: usize,
    /// Steps of the calibration split then.
    #[serde(default)]
    pub calibration_steps: usize,
    /// Steps that may be added to each on demand; of a forest that grows the hashes of
    /// the files say nothing and are left out.
    #[serde(default)]
    pub on_demand: usize,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct End {
    /// Iterations done.
    pub iterations: u32,
    /// Seconds spent on them, all sessions together.
    pub seconds: f64,
    /// κ of the policy as it was saved.
    pub kappa: f64,
    /// What κ promises; `None` where it could not be recalibrated.
    pub recalibration: Option<Recalibration>,
    /// The surface at this κ: that of the policy as it was saved.
    pub surface: Surface,
    /// Its figures on the test split; `None` where nothing was measured.
    pub test: Option<Row>,
}

/// A training log that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrainingLogError {
    #[error("cannot read the training log {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0} is no training log: it does not begin with the head of a run")]
    NoHead(PathBuf),
    #[error("{path} has format {found}; this version reads format {FORMAT}")]
    Format { path: PathBuf, found: u32 },
}

/// A training log as far as it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingLog {
    pub head: Head,
    /// Rising, each once.
    pub iterations: BTreeMap<u32, Iteration>,
    pub surfaces: BTreeMap<u32, Surface>,
    pub end: Option<End>,
    /// Lines that could not be read, by number from 1; a last line that is
    /// still being written is none.
    pub damaged: Vec<usize>,
    /// Bytes read, up to the last whole line.
    offset: usize,
    lines: usize,
    /// The first line, by which a log is known to be the same.
    first: Vec<u8>,
}

impl TrainingLog {
    /// Reads a log, or that of a run's folder.
    ///
    /// # Errors
    /// [`TrainingLogError`].
    pub fn open(path: &Path) -> Result<Self, TrainingLogError> {
        let path = file(path);
        let bytes = read(&path)?;
        let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let Ok(TrainingRecord::Run(head)) = serde_json::from_slice(first) else {
            return Err(TrainingLogError::NoHead(path));
        };
        if head.format != FORMAT {
            let found = head.format;
            return Err(TrainingLogError::Format { path, found });
        }
        let mut log = Self {
            head: *head,
            iterations: BTreeMap::new(),
            surfaces: BTreeMap::new(),
            end: None,
            damaged: Vec::new(),
            offset: first.len(),
            lines: 1,
            first: first.to_vec(),
        };
        log.take(&bytes[first.len()..]);
        Ok(log)
    }

    /// Reads what was appended since; whether there was anything. A log that
    /// another one has taken the place of is read anew.
    ///
    /// # Errors
    /// [`TrainingLogError`].
    pub fn follow(&mut self, path: &Path) -> Result<bool, TrainingLogError> {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let path = file(path);
        let failed = |source| TrainingLogError::Read {
            path: path.clone(),
            source,
        };
        let mut opened = std::fs::File::open(&path).map_err(failed)?;
        let mut first = vec![0; self.first.len()];
        let shorter = opened.metadata().map_err(failed)?.len() < self.offset as u64;
        if shorter || opened.read_exact(&mut first).is_err() || first != self.first {
            *self = Self::open(&path)?;
            return Ok(true);
        }
        let mut bytes = Vec::new();
        opened
            .seek(SeekFrom::Start(self.offset as u64))
            .and_then(|_| opened.read_to_end(&mut bytes))
            .map_err(failed)?;
        let before = self.offset;
        self.take(&bytes);
        Ok(self.offset > before)
    }

    fn take(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            if !line.ends_with(b"\n") {
                return;
            }
            self.offset += line.len();
            self.lines += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(record) => self.put(record),
                Err(_) => self.damaged.push(self.lines),
            }
        }
    }

    /// Adds a record.
    pub fn put(&mut self, record: TrainingRecord) {
        match record {
            // A head that repeats adds nothing.
            TrainingRecord::Run(_) => {}
            TrainingRecord::Iteration(one) => {
                self.iterations.insert(one.iteration, *one);
            }
            TrainingRecord::Surface(surface) => {
                self.surfaces.insert(surface.iteration, surface);
            }
            TrainingRecord::End(end) => self.end = Some(*end),
        }
    }
}

/// The log in a run's folder, or the file itself.
fn file(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(TRAINING_LOG),
        false => path.to_owned(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TrainingLogError> {
    std::fs::read(path).map_err(|source| TrainingLogError::Read {
        path: path.to_owned(),
        source,
    })
}
