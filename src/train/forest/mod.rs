//! A forest read back from its logs, in a compact form for learning, and
//! refused with the reason where nothing could be learnt from it.
//!
//! ```text
//! Forest             the pool, the problems, what was left out
//! └ ProblemForest    split, answers of the reference run, steps, first steps
//!   └ Step           writer, cost, what was seen after it, μ(a|o), children by
//!                    model, verdict; of a leaf how the trajectory came out
//! ```

mod build;
mod error;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::problem::split::{self, Split};
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::index::FileDamage;
use crate::trace::record::{ModelFacts, Record, RunRecord, StepId, TrajectoryEnd, Usage};
use crate::trace::{Log, pooled};

use super::floor::{Floor, floor};
use build::Built;
pub use error::ForestError;

/// The command whose runs are forests.
pub const EXPLORE: &str = "explore";
/// Kind of the note in which a run says how its problems are split.
pub const SPLITS: &str = "splits";

/// Everything that one or more logs hold of one exploration.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// Key of the runs it is from: all the same.
    pub key: String,
    /// The pool, cheapest first: the actions.
    pub models: Vec<ModelFacts>,
    /// Unit of every cost; `None` where the pool has none in common.
    pub unit: Option<String>,
    /// Which confidence the observations hold.
    pub signal: Source,
    /// By id, each question once: the same whatever order they were grown in.
    pub problems: Vec<ProblemForest>,
    /// Problems that nothing can be learnt from, with the reason.
    pub skipped: Vec<Skipped>,
    /// Lines that could not be read.
    pub damages: Vec<FileDamage>,
    /// Problems that several runs hold, of which one counts; shards that are
    /// missing.
    pub warnings: Vec<String>,
}

/// A problem that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub problem: String,
    pub why: String,
}

/// The forest of one problem.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemForest {
    pub id: String,
    pub split: Split,
    /// R_M: how each answer of the reference run came out; `None` ungraded. In
    /// an order that has nothing to do with how they did: the first can stand
    /// for a single reference.
    pub references: Vec<Option<bool>>,
    /// What one of these answers cost, on average.
    pub alone: Alone,
    /// Parents before their children.
    pub steps: Vec<Step>,
    /// The first steps.
    pub first: Vec<Child>,
}

/// Mean cost of an answer by the large model alone; `None` where unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alone {
    /// In the published ledger: output tokens only.
    pub published: Option<f64>,
    pub full: Option<f64>,
}

/// One step, and what stands after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id in the log.
    pub id: StepId,
    /// Place in [`ProblemForest::steps`]; `None` for a first step.
    pub parent: Option<usize>,
    /// Place in the pool of the model that wrote it.
    pub model: usize,
    /// t, from 1.
    pub index: u32,
    /// Tokens of the call; the cached ones are those that this model has seen
    /// on this path, as in a run of its own: what the cache of the exploration
    /// happened to hold says nothing.
    pub usage: Usage,
    /// Cost in the published ledger: output tokens only.
    pub published: Option<f64>,
    /// Cost in the full ledger, by [`Step::usage`]: what goes over to a model
    /// that has not read it yet is paid for again.
    pub full: Option<f64>,
    /// o_t; `None` for a leaf, after which nobody decides.
    pub observation: Option<Observation>,
    /// The confidence by every measure, in the order of [`Source::ALL`], for
    /// rules that read another than `observation` holds.
    pub confidences: [Option<f64>; Source::ALL.len()],
    /// μ(a|o) by model; empty for a leaf.
    pub propensities: Vec<f64>,
    /// The models that the behaviour policy drew here, in order of its passes.
    pub drawn: Vec<usize>,
    /// What follows, in pool order. All models, or the one that was drawn:
    /// see [`Step::is_visited`].
    pub children: Vec<Child>,
    /// Whether it is right given the steps before it; `None` where nobody said.
    pub verdict: Option<bool>,
    /// How the trajectory that ends here came out.
    pub leaf: Option<Leaf>,
}

/// A continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    pub model: usize,
    /// Place in [`ProblemForest::steps`].
    pub step: usize,
    /// How many of the model's continuations said this: its weight among them.
    pub branches: u32,
}

/// The end of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// R: whether the answer is right; `None` ungraded, never counted as wrong
    /// silently.
    pub success: Option<bool>,
    pub end: TrajectoryEnd,
}

impl Step {
    /// Whether every model of the pool has continued this prefix, so that any
    /// action can be followed; otherwise only the one that was drawn.
    pub fn is_visited(&self, models: usize) -> bool {
        (0..models).all(|model| self.children.iter().any(|child| child.model == model))
    }

    /// o_t with the confidence by one measure.
    pub fn seen_by(&self, source: Source) -> Option<Observation> {
        let place = Source::ALL.iter().position(|known| *known == source);
        Some(Observation {
            confidence: place.and_then(|place| self.confidences[place]),
            ..self.observation.clone()?
        })
    }

    /// The continuations of one model.
    pub fn children_of(&self, model: usize) -> impl Iterator<Item = &Child> {
        self.children
            .iter()
            .filter(move |child| child.model == model)
    }
}

impl ProblemForest {
    /// Right and graded answers of the reference run.
    pub fn reference_counts(&self) -> (u32, u32) {
        let graded = self.references.iter().flatten();
        let right = graded.clone().filter(|&&right| right).count();
        (right as u32, graded.count() as u32)
    }

    /// The steps at which trajectories end.
    pub fn leaves(&self) -> impl Iterator<Item = (&Step, &Leaf)> {
        self.steps
            .iter()
            .filter_map(|step| Some((step, step.leaf.as_ref()?)))
    }
}

impl Forest {
    /// Reads the forest that log files, or folders of them, hold together,
    /// with the confidence that was seen, or by another measure of it. The order
    /// of the logs says nothing. Of a problem that several of them hold whole,
    /// as a shard that ran twice does, the run that began last counts.
    ///
    /// # Errors
    /// Logs that cannot be read; no run of `explore` among them; runs of
    /// different keys; decisions without propensities; no reference run; no
    /// problem whose forest is finished. See [`ForestError`].
    pub fn load<P: AsRef<Path>>(paths: &[P], signal: Option<Source>) -> Result<Self, ForestError> {
        let log = Log::open(paths)?;
        let runs = runs(&log)?;
        let head = runs[0];
        let seen: Source = head.signal.parse()?;
        let mut forest = Self {
            key: head.key.clone(),
            models: head.pool.clone(),
            unit: head.cost_unit.clone(),
            signal: signal.unwrap_or(seen),
            problems: Vec::new(),
            skipped: Vec::new(),
            damages: log.damages().collect(),
            warnings: pooled::missing_shards(runs.iter().copied()),
        };
        for run in &runs {
            forest.check_splits(&log, run)?;
        }
        forest.read(&log, &runs)?;
        forest.check()?;
        Ok(forest)
    }

    fn read(&mut self, log: &Log, runs: &[&RunRecord]) -> Result<(), ForestError> {
        let heads: HashMap<&str, &RunRecord> =
            runs.iter().map(|head| (head.run.as_str(), *head)).collect();
        let mut whole: BTreeMap<String, (&RunRecord, ProblemForest)> = BTreeMap::new();
        let mut repeated = BTreeSet::new();
        let mut skipped = Vec::new();
        for found in log.trajectories() {
            let Some(head) = heads.get(found.run) else {
                continue;
            };
            let loaded = log.load_trajectory(found.run, found.problem)?;
            self.damages.extend(loaded.damages);
            match build::problem(head, found.problem, loaded.records, self.signal)? {
                Built::Whole(question, problem) => {
                    let began = |head: &RunRecord| (head.started.clone(), head.run.clone());
                    let held = whole.get(&question);
                    repeated.extend(held.map(|_| problem.id.clone()));
                    if held.is_none_or(|(other, _)| began(other) < began(head)) {
                        whole.insert(question, (head, *problem));
                    }
                }
                Built::Unusable(question, why) => {
                    let problem = found.problem.to_owned();
                    skipped.push((question, Skipped { problem, why }));
                }
            }
        }
        // What is whole elsewhere is not missing.
        skipped.retain(|(question, _)| !whole.contains_key(question));
        skipped.sort_by(|a, b| (&a.1.problem, &a.0).cmp(&(&b.1.problem, &b.0)));
        self.skipped = skipped.into_iter().map(|(_, skipped)| skipped).collect();
        // In the order of the questions, which of equal ids tells them apart.
        self.problems = whole.into_values().map(|(_, problem)| problem).collect();
        self.problems.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(first) = repeated.first() {
            let warning = pooled::repeated(repeated.len(), first);
            self.warnings.push(warning);
        }
        Ok(())
    }

    /// The forest of one problem from all of its records, as [`Forest::load`]
    /// reads it; `None` where it is not whole.
    ///
    /// # Errors
    /// [`ForestError::NoPropensities`].
    pub fn of_records(
        head: &RunRecord,
        problem: &str,
        records: Vec<Record>,
        signal: Source,
    ) -> Result<Option<ProblemForest>, ForestError> {
        Ok(match build::problem(head, problem, records, signal)? {
            Built::Whole(_, problem) => Some(*problem),
            Built::Unusable(..) => None,
        })
    }

    /// Refuses a forest from which nothing can be learnt.
    fn check(&self) -> Result<(), ForestError> {
        if self.problems.is_empty() {
            return Err(match self.skipped.first() {
                Some(first) => ForestError::NothingWhole {
                    problems: self.skipped.len(),
                    problem: first.problem.clone(),
                    why: first.why.clone(),
                },
                None => ForestError::Empty,
            });
        }
        if self.problems.iter().all(|p| p.references.is_empty()) {
            return Err(ForestError::NoReference);
        }
        Ok(())
    }

    fn check_splits(&self, log: &Log, run: &RunRecord) -> Result<(), ForestError> {
        let notes = log.run_notes(&run.run)?.records;
        for record in notes {
            let Record::Note(note) = record else {
                continue;
            };
            if note.kind == SPLITS && !note.text.contains(split::RULE) {
                return Err(ForestError::OtherSplits { found: note.text });
            }
        }
        Ok(())
    }

    /// Refuses the forest of another pool.
    ///
    /// # Errors
    /// [`ForestError::OtherPool`] names the first model that differs.
    pub fn check_pool(&self, pool: &[ModelFacts]) -> Result<(), ForestError> {
        if self.models == pool {
            return Ok(());
        }
        Err(error::other_pool(&self.models, pool))
    }

    /// The problems of one split.
    ///
    /// # Errors
    /// [`ForestError::EmptySplit`].
    pub fn split(&self, split: Split) -> Result<Vec<&ProblemForest>, ForestError> {
        let found: Vec<&ProblemForest> =
            self.problems.iter().filter(|p| p.split == split).collect();
        if found.is_empty() {
            return Err(ForestError::EmptySplit {
                split,
                problems: self.problems.len(),
            });
        }
        Ok(found)
    }

    /// The A/A floor over the whole forest; `None` where no problem has two
    /// graded answers of the reference run.
    pub fn floor(&self) -> Option<Floor> {
        floor(self.problems.iter().map(ProblemForest::reference_counts))
    }
}

/// The heads of the explorations in a log, all of one key.
fn runs(log: &Log) -> Result<Vec<&RunRecord>, ForestError> {
    let heads = || log.runs().iter().filter_map(|run| run.head.as_deref());
    let runs: Vec<&RunRecord> = heads().filter(|head| head.command == EXPLORE).collect();
    let Some(first) = runs.first() else {
        let lost = log.runs().iter().filter(|run| run.head.is_none());
        return Err(ForestError::NoForest {
            commands: heads().map(|head| head.command.clone()).collect(),
            headless: lost.count(),
        });
    };
    match runs.iter().find(|run| run.key != first.key) {
        Some(other) if other.pool != first.pool => Err(error::other_pool(&first.pool, &other.pool)),
        Some(other) => Err(ForestError::MixedRuns {
            one: error::described(first),
            other: error::described(other),
        }),
        None => Ok(runs),
    }
}
