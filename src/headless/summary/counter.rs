//! Counts a run while it is written, or from its log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::cost::Reports;
use crate::headless::Failure;
use crate::headless::grading::{GRADER_ERROR, is_llm};
use crate::problem::answer::Verdict;
use crate::trace::record::{
    CostFacts, OutcomeRecord, Record, RunRecord, StepEnd, StepId, TrajectoryEnd,
};
use crate::trace::{Damage, Reader, Rival, Standing};

use super::{Cost, Summary, share, wilson};

/// Damaged lines named by their numbers.
const MOST_NAMED: usize = 5;

/// Takes the records of a log in order and counts those of one run. What it
/// keeps of a problem is small: it counts along with runs of any length.
pub struct Counter {
    run: RunRecord,
    ended: HashMap<String, Standing<Ended>>,
    /// Names of the models that wrote steps.
    models: Vec<String>,
    /// Problems whose grader failed and was not asked again.
    grader_failed: HashSet<String>,
    /// Ids of kept steps that were cut off: a log may repeat a line.
    cut: HashSet<StepId>,
    reports: Reports,
    damaged: usize,
    damaged_at: Vec<u64>,
}

/// What counts of an outcome.
struct Ended {
    leaf: Option<StepId>,
    regraded: bool,
    rollout: bool,
    verdict: Verdict,
    end: TrajectoryEnd,
    /// Why an endpoint failed, where the trajectory ended so.
    error: Option<String>,
    cost: CostFacts,
    /// Steps by place in [`Counter::models`].
    steps: Box<[(usize, u32)]>,
}

impl Rival for Ended {
    fn leaf(&self) -> Option<&StepId> {
        self.leaf.as_ref()
    }

    fn is_regraded(&self) -> bool {
        self.regraded
    }

    fn is_rollout(&self) -> bool {
        self.rollout
    }
}

impl Counter {
    pub fn new(run: &RunRecord) -> Self {
        Self {
            run: run.clone(),
            ended: HashMap::new(),
            models: Vec::new(),
            grader_failed: HashSet::new(),
            cut: HashSet::new(),
            reports: Reports::new(run),
            damaged: 0,
            damaged_at: Vec::new(),
        }
    }

    /// What the log at `path` holds of the run.
    ///
    /// # Errors
    /// Those of opening the log.
    pub fn of_log(path: &Path, run: &RunRecord) -> Result<Self, Failure> {
        let mut counter = Self::new(run);
        for record in Reader::open(path)? {
            match record {
                Ok(record) => counter.add(&record.value),
                Err(damage) => counter.add_damage(&damage),
            }
        }
        Ok(counter)
    }

    fn add_damage(&mut self, damage: &Damage) {
        self.damaged += 1;
        if self.damaged_at.len() < MOST_NAMED {
            self.damaged_at.push(damage.line);
        }
    }

    /// Takes the next record.
    pub fn add(&mut self, record: &Record) {
        match record {
            Record::Outcome(outcome) if outcome.run == self.run.run => {
                let graded = outcome.regraded.is_some() && outcome.verdict != Verdict::Ungraded;
                if graded || is_llm(&outcome.grader) {
                    self.grader_failed.remove(&outcome.problem);
                }
                let ended = self.ended(outcome);
                let standing = self.ended.entry(outcome.problem.clone()).or_default();
                standing.add(ended);
            }
            Record::Note(note) if note.run == self.run.run && note.kind == GRADER_ERROR => {
                self.grader_failed.extend(note.problem.clone());
            }
            Record::Step(step) if step.run == self.run.run => {
                self.reports.step(step);
                if step.kept && step.end == StepEnd::Length {
                    self.cut.insert(step.id.clone());
                }
            }
            Record::Score(score) if score.run == self.run.run => self.reports.score(score),
            _ => {}
        }
    }

    fn ended(&mut self, outcome: &OutcomeRecord) -> Ended {
        let by_model = outcome.steps_by_model.iter();
        let steps = by_model.map(|(model, steps)| (self.place(model), *steps));
        Ended {
            steps: steps.collect(),
            leaf: outcome.leaf.clone(),
            regraded: outcome.regraded.is_some(),
            rollout: outcome.rollout,
            verdict: outcome.verdict,
            end: outcome.end,
            error: outcome
                .error
                .clone()
                .filter(|_| outcome.end == TrajectoryEnd::Error),
            cost: outcome.cost.clone(),
        }
    }

    fn place(&mut self, model: &str) -> usize {
        let known = self.models.iter().position(|name| name == model);
        known.unwrap_or_else(|| {
            self.models.push(model.to_owned());
            self.models.len() - 1
        })
    }

    /// The summary of what was added; the problems of the ids `asked` were
    /// asked for in this session.
    pub fn finish(self, asked: &[String]) -> Summary {
        let fresh = asked.iter().filter(|id| !self.ended.contains_key(*id));
        let asked = self.ended.len() + fresh.count();
        let held = self.ended.iter();
        let held = held.filter_map(|(problem, standing)| Some((problem, standing.get()?)));
        let (problems, ended): (Vec<&String>, Vec<&Ended>) = held.unzip();
        let count = |verdict| ended.iter().filter(|one| one.verdict == verdict).count();
        let ends = |end| ended.iter().filter(|one| one.end == end).count();
        let (correct, wrong) = (count(Verdict::Correct), count(Verdict::Wrong));
        let errors = ends(TrajectoryEnd::Error);
        let failed = problems.iter().zip(&ended);
        let first_error = failed
            .filter(|(_, one)| one.end == TrajectoryEnd::Error)
            .min_by_key(|(problem, _)| **problem)
            .and_then(|(_, one)| one.error.clone());
        let mut steps_by_model = BTreeMap::new();
        for (place, steps) in ended.iter().flat_map(|one| &one.steps) {
            let model = self.models[*place].clone();
            *steps_by_model.entry(model).or_insert(0) += u64::from(*steps);
        }
        let steps: u64 = steps_by_model.values().sum();
        let most_capable = self.run.pool.last();
        let large = most_capable.and_then(|model| steps_by_model.get(&model.name));
        Summary {
            run: self.run.run.clone(),
            router: self.run.router.spec.clone(),
            shard: None,
            asked,
            problems: ended.len(),
            correct,
            wrong,
            ungraded: count(Verdict::Ungraded),
            accuracy: share(correct, correct + wrong),
            interval: wilson(correct, correct + wrong),
            accuracy_all: share(correct, ended.len()),
            cost: cost(&self.run, &ended),
            reported: self.reports.finish(),
            large_share: (steps > 0).then(|| large.copied().unwrap_or(0) as f64 / steps as f64),
            steps,
            steps_by_model,
            truncated: ended.len() - errors - ends(TrajectoryEnd::Finished),
            length_ended_steps: self.cut.len(),
            errors,
            first_error,
            grader_failed: self.grader_failed.len(),
            damaged_lines: self.damaged,
            damaged_at: self.damaged_at,
        }
    }
}

fn cost(run: &RunRecord, ended: &[&Ended]) -> Cost {
    let total = |of: fn(&CostFacts) -> Option<f64>| {
        let sum: Option<f64> = ended.iter().map(|one| of(&one.cost)).sum();
        sum.filter(|_| !ended.is_empty())
    };
    let published = total(|cost| cost.published);
    let full = total(|cost| cost.full);
    let mean = |total: Option<f64>| total.map(|total| total / ended.len() as f64);
    Cost {
        unit: run.cost_unit.clone(),
        published: mean(published),
        full: mean(full),
        total_published: published,
        total_full: full,
        upper_bound: ended.iter().any(|one| one.cost.upper_bound),
    }
}
