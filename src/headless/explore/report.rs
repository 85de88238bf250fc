//! What an exploration came to, counted from its log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::cost::Ledger;
use crate::headless::Failure;
use crate::headless::summary::wilson;
use crate::problem::answer::Verdict;
use crate::problem::shard::Part;
use crate::problem::split::Split;
use crate::trace::Reader;
use crate::trace::record::{CHECKER, Purpose, Record, RunRecord};
use crate::train::floor::{Floor, floor};

use super::estimate::{amount, count};
use super::loads::Loads;

/// The result of an exploration.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Report {
    pub run: String,
    pub router: String,
    /// What it is of all the problems, where it is of a shard: everything else
    /// is counted over these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// Problems asked for in this session.
    pub asked: usize,
    /// Of those, the ones whose forests are grown.
    pub whole: usize,
    /// Problems at which an endpoint failed in this session.
    pub failed: usize,
    /// Problems of the log by split.
    pub splits: BTreeMap<Split, usize>,
    pub reference: Outcomes,
    /// The A/A floor `E[p_M(1−p_M)]`; `null` without graded answers.
    pub floor: Option<Floor>,
    pub forest: Nodes,
    /// Step verdicts of the exact checker.
    pub verdicts: Verdicts,
    /// Calls made, failed ones included.
    pub calls: u64,
    pub calls_by_model: BTreeMap<String, u64>,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    /// Of everything that was called, in the full ledger; `null` where the
    /// pool has no common unit.
    pub cost: Option<f64>,
    /// `flops` or a currency code.
    pub unit: Option<String>,
    /// Wall time of this session.
    pub seconds: f64,
    pub damaged_lines: usize,
}

/// How trajectories came out.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Outcomes {
    pub trajectories: usize,
    pub correct: usize,
    pub wrong: usize,
    pub ungraded: usize,
    /// correct / (correct + wrong); `null` where nothing was graded.
    pub accuracy: Option<f64>,
    /// Wilson 95 % interval of `accuracy`, over trajectories.
    pub interval: Option<[f64; 2]>,
}

/// The trees.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Nodes {
    /// Steps; equal answers share one.
    pub steps: usize,
    /// Prefixes at which the exploration decided.
    pub decided: usize,
    pub leaves: Outcomes,
}

/// What the checker said of steps, those of the reference run included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Verdicts {
    pub right: usize,
    pub wrong: usize,
}

impl Outcomes {
    fn of(verdicts: impl Iterator<Item = Verdict>) -> Self {
        let mut found = Self::default();
        for verdict in verdicts {
            found.trajectories += 1;
            match verdict {
                Verdict::Correct => found.correct += 1,
                Verdict::Wrong => found.wrong += 1,
                Verdict::Ungraded => found.ungraded += 1,
            }
        }
        let graded = found.correct + found.wrong;
        found.accuracy = (graded > 0).then(|| found.correct as f64 / graded as f64);
        found.interval = wilson(found.correct, graded);
        found
    }

    fn to_text(&self) -> String {
        let share = match (self.accuracy, self.interval) {
            (Some(share), Some([low, high])) => format!(
                "{:.1} % right [{:.1}, {:.1}]",
                100.0 * share,
                100.0 * low,
                100.0 * high
            ),
            _ => "–".to_owned(),
        };
        format!(
            "{} trajectories, {share} ({} correct, {} wrong, {} ungraded)",
            self.trajectories, self.correct, self.wrong, self.ungraded
        )
    }
}

/// Takes the records of a log in order.
#[derive(Default)]
struct Counter {
    loads: Loads,
    /// Steps by id, and whether the reference run's.
    steps: HashMap<String, bool>,
    /// The problem and the last verdict of each leaf: grading again appends.
    leaves: HashMap<String, (String, Verdict)>,
    decided: HashSet<String>,
    /// The last score of each step: the log may repeat a line.
    verdicts: HashMap<String, bool>,
    splits: BTreeMap<String, Split>,
}

impl Counter {
    fn add(&mut self, record: Record) {
        match record {
            Record::Problem(problem) => {
                let split = Split::of(&problem.problem.question);
                self.splits.insert(problem.problem.id, split);
            }
            Record::Step(step) => {
                self.loads.step(&step);
                if step.kept {
                    let reference = step.purpose == Purpose::Reference;
                    self.steps.insert(step.id.clone(), reference);
                }
            }
            Record::Outcome(outcome) => {
                if let Some(leaf) = outcome.leaf {
                    self.leaves.insert(leaf, (outcome.problem, outcome.verdict));
                }
            }
            Record::Decision(decision) => self.decided.extend(decision.after.clone()),
            Record::Score(score) if score.scorer == CHECKER => {
                if let (Some(step), Some(value)) = (score.step, score.value) {
                    self.verdicts.insert(step, value >= 0.5);
                }
            }
            Record::Score(_) | Record::Run(_) | Record::Label(_) | Record::Note(_) => {}
        }
    }

    fn is_reference(&self, step: &str) -> bool {
        self.steps.get(step).copied().unwrap_or(false)
    }

    /// The verdicts of the reference run, or of the others.
    fn outcomes(&self, reference: bool) -> Outcomes {
        let leaves = self.leaves.iter();
        Outcomes::of(
            leaves
                .filter(|(leaf, _)| self.is_reference(leaf) == reference)
                .map(|(_, (_, verdict))| *verdict),
        )
    }

    fn floor(&self) -> Option<Floor> {
        let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for (leaf, (problem, verdict)) in &self.leaves {
            if self.is_reference(leaf) && *verdict != Verdict::Ungraded {
                let (right, graded) = counts.entry(problem).or_default();
                *right += u32::from(*verdict == Verdict::Correct);
                *graded += 1;
            }
        }
        floor(counts.into_values())
    }

    fn finish(self, run: &RunRecord) -> Report {
        let mut splits: BTreeMap<Split, usize> = Split::ALL.map(|split| (split, 0)).into();
        for split in self.splits.values() {
            *splits.entry(*split).or_default() += 1;
        }
        let right = self.verdicts.values().filter(|&&right| right).count();
        Report {
            run: run.run.clone(),
            router: run.router.spec.clone(),
            splits,
            reference: self.outcomes(true),
            floor: self.floor(),
            forest: Nodes {
                steps: self.steps.values().filter(|&&reference| !reference).count(),
                decided: self.decided.len(),
                leaves: self.outcomes(false),
            },
            verdicts: Verdicts {
                right,
                wrong: self.verdicts.len() - right,
            },
            calls: self.loads.calls(),
            calls_by_model: self.loads.calls_by_model(),
            prompt_tokens: self.loads.prompt(),
            output_tokens: self.loads.output(),
            cost: self.loads.cost(&Ledger::new(&run.pool)),
            unit: run.cost_unit.clone(),
            ..Report::default()
        }
    }
}

impl Report {
    /// Counts the records of `run` in the log at `path`.
    ///
    /// # Errors
    /// Those of opening the log.
    pub fn of_log(path: &Path, run: &RunRecord) -> Result<Self, Failure> {
        let mut counter = Counter::default();
        let mut damaged = 0;
        if path.exists() {
            for record in Reader::open(path)? {
                match record {
                    Ok(record) if run_of(&record.value) == run.run => counter.add(record.value),
                    Ok(_) => {}
                    Err(_) => damaged += 1,
                }
            }
        }
        let mut report = counter.finish(run);
        report.damaged_lines = damaged;
        Ok(report)
    }

    /// A few aligned lines for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("run", format!("{} · {}", self.run, self.router));
        if let Some(Part {
            shard,
            problems,
            of,
        }) = self.shard
        {
            let text = "problems, which everything below is of";
            line("shard", format!("{shard}: {problems} of {of} {text}"));
        }
        let splits: Vec<String> = self
            .splits
            .iter()
            .map(|(split, problems)| format!("{split} {problems}"))
            .collect();
        line(
            "problems",
            format!(
                "{} of {} grown ({})",
                self.whole,
                self.asked,
                splits.join(", ")
            ),
        );
        line("reference", self.reference.to_text());
        line("A/A floor", self.floor_text());
        line(
            "forest",
            format!(
                "{} steps, {} prefixes decided at",
                self.forest.steps, self.forest.decided
            ),
        );
        line("leaves", self.forest.leaves.to_text());
        if self.verdicts != Verdicts::default() {
            let Verdicts { right, wrong } = self.verdicts;
            line("checker", format!("{right} steps right, {wrong} wrong"));
        }
        let by_model: Vec<String> = self
            .calls_by_model
            .iter()
            .map(|(model, calls)| format!("{model} {}", count(*calls)))
            .collect();
        let cost = self.cost.zip(self.unit.as_ref());
        line(
            "calls",
            format!(
                "{} ({}), {} output tokens, {}",
                count(self.calls),
                by_model.join(", "),
                count(self.output_tokens),
                cost.map_or_else(
                    || "cost unknown".to_owned(),
                    |(cost, unit)| amount(cost, unit)
                )
            ),
        );
        if self.damaged_lines > 0 {
            line(
                "damaged",
                match self.damaged_lines {
                    1 => "1 line of the log".to_owned(),
                    n => format!("{n} lines of the log"),
                },
            );
        }
        text
    }

    fn floor_text(&self) -> String {
        match &self.floor {
            Some(floor) => format!(
                "{:.4} [{:.4}, {:.4}]: the large model, run again, misses so many of its own right \
                 answers; no α below it can be kept",
                floor.value, floor.interval[0], floor.interval[1]
            ),
            None => "– (no graded answers of the large model)".to_owned(),
        }
    }
}

/// The run a record belongs to.
fn run_of(record: &Record) -> &str {
    match record {
        Record::Run(run) => &run.run,
        Record::Problem(problem) => &problem.run,
        Record::Step(step) => &step.run,
        Record::Score(score) => &score.run,
        Record::Decision(decision) => &decision.run,
        Record::Outcome(outcome) => &outcome.run,
        Record::Label(label) => &label.run,
        Record::Note(note) => &note.run,
    }
}
