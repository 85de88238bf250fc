//! What logs hold, in counts: nothing here is an estimate, a rate or a
//! comparison; those are of [`eval`](super::eval).

mod count;
mod text;
mod time;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::survey::{Fact, Survey};
use crate::trace::Log;

use super::{Exit, Failure};
use time::Times;

/// Damaged lines that are named.
const MOST_NAMED: usize = 5;

/// The counts of logs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    pub files: Vec<File>,
    /// Records that can be read.
    pub records: usize,
    /// From the first to the last time that a record says; `None` where none
    /// does.
    pub time: Option<Span>,
    pub runs: Vec<Run>,
    /// Ids of problems, each once however many runs have it.
    pub problems: usize,
    pub trajectories: Trajectories,
    /// How the trajectories came out that came to an end: of one with branches
    /// the main line.
    pub verdicts: Verdicts,
    pub steps: Steps,
    pub drafts: Drafts,
    pub tokens: Tokens,
    pub decisions: Decisions,
    /// Steps that a scorer said something of, by scorer.
    pub scored: Scored,
    /// By unit: sums over different ones say nothing.
    pub costs: Vec<Cost>,
    pub labels: Labels,
    pub damaged: Damaged,
    /// Records of kinds that this version does not know, by kind.
    pub unknown_kinds: BTreeMap<String, u64>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct File {
    pub path: PathBuf,
    pub bytes: u64,
}

/// Times in RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    pub first: String,
    pub last: String,
    pub seconds: f64,
}

/// A run; what its head says is `None` where that is damaged or missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    pub run: String,
    pub command: Option<String>,
    pub router: Option<String>,
    pub seed: Option<u64>,
    /// The part of the problems that it is of.
    pub shard: Option<String>,
    pub started: Option<String>,
    /// The models, cheapest first.
    pub pool: Vec<String>,
    pub trajectories: usize,
    pub steps: usize,
}

/// A trajectory is a problem in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Trajectories {
    pub all: usize,
    /// Whose main line came to an end.
    pub ended: usize,
    /// The others: begun, broken off, or gone on with.
    pub unfinished: usize,
    /// Those that ended by why they did.
    pub by_end: BTreeMap<&'static str, usize>,
    /// With more than one way on anywhere, or a draft.
    pub branched: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdicts {
    pub correct: usize,
    pub wrong: usize,
    /// Neither: there was no gold answer, or nobody could judge it.
    pub ungraded: usize,
}

/// Steps, branches and drafts included.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Steps {
    pub all: usize,
    /// Of these not a rejected draft.
    pub kept: usize,
    /// Kept, and on the main line of their trajectory.
    pub main_line: usize,
    /// Cut off at their token limit.
    pub cut_off: usize,
    /// By model and purpose, the models in the order of their pools.
    pub by: Vec<Writer>,
}

/// The steps of one model for one purpose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Writer {
    pub model: String,
    /// `step`, `draft`, `regenerated` or `reference`.
    pub purpose: &'static str,
    pub steps: usize,
    pub kept: usize,
    pub tokens: Tokens,
    /// Of all calls together, as if they had been made one after the other.
    pub seconds: f64,
}

/// Tokens of the calls that gave steps; those of failed attempts and scorers
/// are in the full cost alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    pub prompt: u64,
    /// Of the prompts, read from a cache, as far as servers said.
    pub cached: u64,
    /// Prompt tokens of the steps whose server did not say what was cached.
    pub cached_unknown: u64,
    pub output: u64,
    /// Steps whose tokens nobody counted: other tools' logs seldom say.
    pub uncounted: usize,
    /// Steps of whose prompts nobody counted them, these included.
    pub prompt_uncounted: usize,
}

/// What was written to be judged first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Drafts {
    pub all: usize,
    pub rejected: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Decisions {
    /// Without those that began a rollout, which nobody took.
    pub all: usize,
    /// By the model that was to write.
    pub by_model: Vec<Chosen>,
    /// Taken by a person.
    pub overridden: usize,
    /// On whether a draft stands.
    pub on_drafts: usize,
    pub rollouts: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chosen {
    pub model: String,
    pub decisions: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Scored {
    pub prm: usize,
    pub judge: usize,
    /// By a verifier or a checker.
    pub verified: usize,
    /// Of these found incorrect.
    pub refuted: usize,
}

/// Sums of both ledgers over the trajectories that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// `flops` or a currency; `None` where the run does not say.
    pub unit: Option<String>,
    pub ended: usize,
    /// `None` where it is known of none.
    pub published: Option<f64>,
    pub published_known: usize,
    pub full: Option<f64>,
    pub full_known: usize,
    /// True where prompt tokens that may have been cached were billed in full.
    pub upper_bound: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Labels {
    /// Records, those that take others back included.
    pub all: usize,
    /// Steps that anything was said of.
    pub steps: usize,
    /// By person and word.
    pub by: BTreeMap<String, BTreeMap<&'static str, usize>>,
    /// Of steps that are not in the log, or in words that this version does not
    /// know.
    pub of_nothing: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Damaged {
    pub lines: usize,
    /// The first of them.
    pub first: Vec<DamagedLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DamagedLine {
    pub path: PathBuf,
    /// From 1.
    pub line: u64,
    pub reason: String,
}

impl Stats {
    /// Reads logs, side files among them, once from beginning to end.
    ///
    /// # Errors
    /// As [`Log::open`]; [`Exit::BadData`] where there is not a record in them.
    pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Failure> {
        let mut log = Log::begin(paths)?;
        let mut survey = Survey::default();
        let mut times = Times::default();
        let mut see = |kind, line: &[u8]| {
            let Some(fact) = Fact::read(kind, line) else {
                return;
            };
            times.see(fact.at());
            survey.add(fact);
        };
        while log.advance(u64::MAX, &mut see)? {}
        if log.is_empty() {
            let message = match log.damages().count() {
                0 => "there is nothing in the log".to_owned(),
                1 => "no record in the log: its one line could not be read".to_owned(),
                lines => format!("no record in the log: {lines} lines could not be read"),
            };
            return Err(Failure::new(Exit::BadData, message));
        }
        Ok(Self {
            files: files(&log),
            records: log.len(),
            time: times.span(),
            damaged: damaged(&log),
            unknown_kinds: log.unknown_kinds().clone(),
            ..count::of(&survey)
        })
    }
}

fn files(log: &Log) -> Vec<File> {
    let files = log.paths().map(|path| File {
        path: path.to_path_buf(),
        bytes: path.metadata().map_or(0, |found| found.len()),
    });
    files.collect()
}

fn damaged(log: &Log) -> Damaged {
    let mut damaged = Damaged::default();
    for found in log.damages() {
        damaged.lines += 1;
        if damaged.first.len() < MOST_NAMED {
            damaged.first.push(DamagedLine {
                path: found.path,
                line: found.damage.line,
                reason: found.damage.reason,
            });
        }
    }
    damaged
}
