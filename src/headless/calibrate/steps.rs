//! The confidences of recorded steps by step index.
//!
//! STEER takes the distribution at a step over "all ongoing reasoning traces
//! […], excluding traces that have already terminated" (its §4.1). So a step
//! counts where it stands in a trace that was routed and goes on: kept steps,
//! but neither those that end a trajectory, after which nobody decides, nor the
//! answers of the large model alone (an exploration's reference run). At the
//! first step everything that was drafted counts, kept or rejected, ending or
//! not: it is judged before anybody knows. Steps of both models count alike, as
//! in the paper, where one distribution holds all running traces.
//!
//! Every step weighs the same, also in a forest. There the steps of one index
//! are those of all paths of that length, and a path that draws each writer by
//! a fair coin comes to each of them with the same probability (where every
//! prefix was continued by all models, which `explore` sees to as far as its
//! budget goes): equal weights *are* the running traces of that coin. It is
//! nobody's own distribution, and that is why it is taken: the traces of STEER
//! itself depend on γ, so they would need one file for each γ, and a fit to
//! them before the fit is there.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::problem::split::Split;
use crate::router::calibration::{LogFacts, PoolModel, SourceFacts, other_pool};
use crate::signal::confidence::{Source, recorded};
use crate::trace::Log;
use crate::trace::ids::file_sha256;
use crate::trace::index::{FileDamage, Kind, Trajectory};
use crate::trace::pooled::{Repeats, missing_shards};
use crate::trace::record::{Continuation, Purpose, Record, StepEnd, StepId, StepRecord};

use super::super::resume::{named, once};
use super::super::{Exit, Failure};

/// The steps of one index.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct IndexSteps {
    pub by_model: BTreeMap<String, usize>,
    /// By measure, in the order of [`Source::ALL`]; of steps that have it.
    values: [Vec<f64>; Source::ALL.len()],
}

impl IndexSteps {
    pub fn count(&self) -> usize {
        self.by_model.values().sum()
    }

    pub fn values(&self, source: Source) -> &[f64] {
        let place = Source::ALL.iter().position(|known| *known == source);
        place.map_or(&[], |place| &self.values[place])
    }

    fn add(&mut self, step: &StepRecord) {
        *self.by_model.entry(step.model.clone()).or_default() += 1;
        for (values, source) in self.values.iter_mut().zip(Source::ALL) {
            values.extend(recorded(&step.confidence, source));
        }
    }
}

/// All that counts of some logs.
#[derive(Debug)]
pub(super) struct Gathered {
    pub pool: Vec<PoolModel>,
    pub source: SourceFacts,
    pub indices: BTreeMap<u32, IndexSteps>,
    pub warnings: Vec<String>,
}

/// Reads the steps of the splits asked for, one trajectory at a time: no token
/// is kept.
///
/// # Errors
/// Logs that cannot be read or are of several pools; no step that counts.
pub(super) fn gather(paths: &[PathBuf], splits: &[Split]) -> Result<Gathered, Failure> {
    let log = Log::open(paths)?;
    let pool = one_pool(&log)?;
    let mut gatherer = Gatherer {
        log: &log,
        splits,
        pool: &pool,
        indices: BTreeMap::new(),
        questions: HashSet::new(),
        lost: 0,
        damages: log.damages().collect(),
    };
    let repeats = Repeats::of(&log)?;
    for trajectory in log.trajectories() {
        if !repeats.is_superseded(trajectory.run, trajectory.problem) {
            gatherer.trajectory(&trajectory)?;
        }
    }
    let mut warnings = gatherer.warnings();
    warnings.extend(repeats.warning());
    let heads = log.runs().iter().filter_map(|run| run.head.as_deref());
    warnings.extend(missing_shards(heads));
    let (indices, problems) = (gatherer.indices, gatherer.questions.len());
    if indices.is_empty() {
        let names: Vec<&str> = splits.iter().map(|split| split.name()).collect();
        let message = format!(
            "no step in the logs counts: there is no routed step of a problem of the split {}",
            names.join(" or ")
        );
        return Err(Failure::new(Exit::BadData, message)
            .hint("problems are split by a hash of the question: record more, or `--split all`"));
    }
    let mut steps_by_model = BTreeMap::new();
    for (model, count) in indices.values().flat_map(|index| &index.by_model) {
        *steps_by_model.entry(model.clone()).or_default() += count;
    }
    let source = SourceFacts {
        logs: described(&log)?,
        splits: splits.to_vec(),
        problems,
        steps: indices.values().map(IndexSteps::count).sum(),
        steps_by_model,
    };
    Ok(Gathered {
        pool,
        source,
        indices,
        warnings,
    })
}

/// The pool of all runs in the logs.
fn one_pool(log: &Log) -> Result<Vec<PoolModel>, Failure> {
    let heads = log.runs().iter().filter_map(|run| run.head.as_deref());
    let mut pools = heads.map(|head| (head, head.pool.iter().map(PoolModel::from).collect()));
    let Some((first, pool)): Option<(_, Vec<PoolModel>)> = pools.next() else {
        let message = "the logs hold no run whose head can be read";
        return Err(Failure::new(Exit::BadData, message));
    };
    for (head, other) in pools {
        if let Some(what) = other_pool(&pool, &other) {
            let message = format!(
                "the logs are of several pools: run {} against run {}: {what}",
                first.run, head.run
            );
            return Err(Failure::new(Exit::BadData, message)
                .hint("give the logs of one pool: confidences of others have another scale"));
        }
    }
    Ok(pool)
}

fn described(log: &Log) -> Result<Vec<LogFacts>, Failure> {
    let facts = log.paths().map(|path| {
        let sha256 = file_sha256(path)
            .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", path.display())))?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(LogFacts {
            name: name.to_string_lossy().into_owned(),
            sha256,
        })
    });
    facts.collect()
}

struct Gatherer<'a> {
    log: &'a Log,
    splits: &'a [Split],
    pool: &'a [PoolModel],
    indices: BTreeMap<u32, IndexSteps>,
    questions: HashSet<String>,
    /// Trajectories without their question or the head of their run.
    lost: usize,
    damages: Vec<FileDamage>,
}

impl Gatherer<'_> {
    fn trajectory(&mut self, trajectory: &Trajectory<'_>) -> Result<(), Failure> {
        let question = self.question(trajectory)?;
        let Some(question) = question.filter(|_| self.log.run(trajectory.run).is_some()) else {
            self.lost += 1;
            return Ok(());
        };
        if !self.splits.contains(&Split::of(&question)) {
            return Ok(());
        }
        let ends = self.ends(trajectory)?;
        let mut known = HashSet::new();
        for record in self.load(trajectory, Kind::Step)? {
            let Record::Step(step) = record else {
                continue;
            };
            if self.counts(&step, &ends) && known.insert(step.id.clone()) {
                self.indices.entry(step.index).or_default().add(&step);
            }
        }
        if !known.is_empty() {
            self.questions.insert(question);
        }
        Ok(())
    }

    fn counts(&self, step: &StepRecord, ends: &HashSet<StepId>) -> bool {
        let in_pool = self.pool.iter().any(|model| model.name == step.model);
        if !in_pool || step.continuation == Continuation::Edited {
            return false;
        }
        match step.purpose {
            Purpose::Reference => false,
            Purpose::Step | Purpose::Regenerated | Purpose::Draft if step.kept => {
                step.index == 1 || !ends.contains(&step.id)
            }
            // Calls that were cut off or gave nothing are no drafts.
            Purpose::Draft => {
                step.index == 1 && !matches!(step.end, StepEnd::Error | StepEnd::Empty)
            }
            Purpose::Step | Purpose::Regenerated => false,
        }
    }

    fn question(&mut self, trajectory: &Trajectory<'_>) -> Result<Option<String>, Failure> {
        let records = self.load(trajectory, Kind::Problem)?;
        Ok(records.into_iter().find_map(|record| match record {
            Record::Problem(known) => Some(known.problem.question.trim().to_owned()),
            _ => None,
        }))
    }

    /// The steps at which trajectories end.
    fn ends(&mut self, trajectory: &Trajectory<'_>) -> Result<HashSet<StepId>, Failure> {
        let records = self.load(trajectory, Kind::Outcome)?;
        let leaf = |record| match record {
            Record::Outcome(outcome) => outcome.leaf,
            _ => None,
        };
        Ok(records.into_iter().filter_map(leaf).collect())
    }

    fn load(&mut self, trajectory: &Trajectory<'_>, kind: Kind) -> Result<Vec<Record>, Failure> {
        let loaded = self.log.load_kind(trajectory, kind)?;
        self.damages.extend(loaded.damages);
        Ok(loaded.records)
    }

    fn warnings(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.splits.contains(&Split::Test) {
            warnings.push(
                "problems of the test split are among them: figures on that split will be of \
                 problems that were seen"
                    .to_owned(),
            );
        }
        if self.lost > 0 {
            let lost = self.lost;
            warnings.push(format!(
                "{lost} trajectories were left out: their question or the head of their run is lost"
            ));
        }
        once(&mut self.damages);
        warnings.extend(named(&self.damages));
        warnings
    }
}
