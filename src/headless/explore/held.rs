//! What a log holds of an exploration that is to be gone on with.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::headless::resume::{named, once, other_dataset, same_question, same_run};
use crate::headless::{Failure, Launch};
use crate::session::Settings;
use crate::session::forest::{Forest, Shape};
use crate::trace::Log;
use crate::trace::index::FileDamage;
use crate::trace::record::{Record, RunRecord};

use super::loads::Loads;

/// The run of a log with what is whole of it. Problems that are not are read
/// when their turn comes.
pub(super) struct Held {
    /// The head of the run, as it was written.
    pub run: RunRecord,
    /// Problems whose forests are grown.
    pub whole: HashSet<String>,
    /// What those took.
    pub took: Loads,
    /// Lines that could not be read.
    pub damaged: usize,
    /// What is odd and no reason to stop.
    pub warnings: Vec<String>,
    log: Log,
}

impl Held {
    /// Reads the log at `path` for the exploration that `launch` would make.
    ///
    /// # Errors
    /// No run of the same key in the log, with the parameters that differ; a
    /// problem that is another one under the same id; an unreadable log.
    pub fn read(path: &Path, launch: &Launch, shape: Shape) -> Result<Self, Failure> {
        let log = Log::open(&[path])?;
        let run = same_run(&log, path, &launch.run)?;
        let settings = Settings {
            run: Arc::new(run.clone()),
            ..launch.settings.clone()
        };
        let mut damages: Vec<FileDamage> = log.damages().collect();
        let mut held = Self {
            warnings: other_dataset(&run, &launch.run).into_iter().collect(),
            whole: HashSet::new(),
            took: Loads::default(),
            damaged: 0,
            run,
            log,
        };
        for problem in &launch.problems {
            if held.log.trajectory(&held.run.run, &problem.id).is_none() {
                continue;
            }
            let loaded = held.log.load_trajectory(&held.run.run, &problem.id)?;
            damages.extend(loaded.damages);
            same_question(&loaded.records, problem, path)?;
            let took = Loads::of(&loaded.records);
            let mut forest = Forest::open(settings.clone(), problem.clone(), shape, loaded.records);
            if forest.settle().is_empty() && forest.advance().is_empty() {
                held.whole.insert(problem.id.clone());
                held.took.add(&took);
            }
        }
        once(&mut damages);
        held.damaged = damages.len();
        held.warnings.extend(named(&damages));
        Ok(held)
    }

    /// Whether the log holds anything of a problem.
    pub fn knows(&self, problem: &str) -> bool {
        self.log.trajectory(&self.run.run, problem).is_some()
    }

    /// The records of a problem; none where it was not begun.
    ///
    /// # Errors
    /// Those of reading.
    pub fn records(&self, problem: &str) -> Result<Vec<Record>, Failure> {
        if !self.knows(problem) {
            return Ok(Vec::new());
        }
        Ok(self.log.load_trajectory(&self.run.run, problem)?.records)
    }
}
