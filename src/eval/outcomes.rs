//! Reads of logs what a table needs and no more: the heads of the runs, the
//! questions and how every problem came out. Steps, by far the most of a log,
//! are only glanced at.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

pub use crate::counts::counted;
use crate::problem::Problem;
use crate::problem::answer::Verdict;
use crate::problem::split::Split;
use crate::trace::import::COMMAND;
use crate::trace::index::{FileDamage, Kind, log_files};
use crate::trace::record::{OutcomeRecord, Record, RunRecord, TrajectoryEnd};
use crate::trace::{LogError, Reader, Standing};

/// The command whose runs make rows, beside [`COMMAND`], by which others' are
/// imported: at the screen a person may have decided, and an exploration follows
/// no router.
pub const SOLVE: &str = "solve";

const WANTED: &[Kind] = &[Kind::Run, Kind::Problem, Kind::Outcome];

/// A problem: two data sets may call different questions by the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProblemKey {
    pub id: String,
    /// Hash of the question; `None` where its record is lost.
    pub question: Option<u64>,
    /// Follows from the question.
    pub split: Option<Split>,
}

impl ProblemKey {
    /// The key that outcomes of a problem go by.
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        Self::new(problem.id.clone(), Some(&problem.question))
    }

    fn new(id: String, question: Option<&str>) -> Self {
        Self {
            id,
            question: question.map(|question| {
                let mut hash = DefaultHasher::new();
                question.trim().hash(&mut hash);
                hash.finish()
            }),
            split: question.map(Split::of),
        }
    }
}

/// How one trajectory came out, as far as a table needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub verdict: Verdict,
    pub end: End,
    /// Cost in the published ledger.
    pub published: Option<f64>,
    pub full: Option<f64>,
    /// Whether the full cost is an upper bound.
    pub upper_bound: bool,
    /// Kept steps, and those of them by the most capable model.
    pub steps: u32,
    pub large: u32,
}

/// Why a trajectory ended, as far as a table tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Finished,
    /// Step cap, repetition, empty steps, full context.
    Truncated,
    /// An endpoint failed for good.
    Failed,
}

impl End {
    /// The end of a trajectory.
    #[must_use]
    pub fn of(end: TrajectoryEnd) -> Self {
        match end {
            TrajectoryEnd::Finished => Self::Finished,
            TrajectoryEnd::Error => Self::Failed,
            TrajectoryEnd::StepCap
            | TrajectoryEnd::Repetition
            | TrajectoryEnd::Empty
            | TrajectoryEnd::Context => Self::Truncated,
        }
    }
}

impl Cell {
    fn of(outcome: &OutcomeRecord, large: Option<&str>) -> Self {
        let by_large = large.and_then(|name| outcome.steps_by_model.get(name));
        Self {
            verdict: outcome.verdict,
            end: End::of(outcome.end),
            published: outcome.cost.published,
            full: outcome.cost.full,
            upper_bound: outcome.cost.upper_bound,
            steps: outcome.steps_by_model.values().sum(),
            large: by_large.copied().unwrap_or(0),
        }
    }
}

/// A run with the outcomes that hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub head: RunRecord,
    pub cells: BTreeMap<ProblemKey, Cell>,
}

/// Everything that logs hold of outcomes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcomes {
    /// Runs of [`SOLVE`] and imported ones in order of their start.
    pub runs: Vec<Run>,
    /// Runs of other commands, which are no rows, by command.
    pub others: BTreeMap<String, usize>,
    /// Runs whose head is lost, so that nobody knows what they are.
    pub headless: usize,
    /// Lines that could not be read.
    pub damages: Vec<FileDamage>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// Logs without anything for a table.
#[derive(Debug, thiserror::Error)]
pub enum OutcomesError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{files}: no run of `solve` in {what}{damage}{others}")]
    NoRun {
        files: String,
        what: &'static str,
        damage: String,
        others: String,
    },
}

impl Outcomes {
    /// Reads log files, and of folders all `*.jsonl` files.
    ///
    /// # Errors
    /// A path that is not there, a folder without logs, logs without any run
    /// of `solve`. Damaged lines are no error: see [`Outcomes::damages`].
    pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Self, OutcomesError> {
        let mut found = Found::default();
        for path in log_files(paths)? {
            found.read(&path)?;
            found.files.push(path);
        }
        let outcomes = found.finish();
        match outcomes.runs.is_empty() {
            true => Err(outcomes.nothing()),
            false => Ok(outcomes),
        }
    }

    fn nothing(&self) -> OutcomesError {
        let names: Vec<String> = self.files.iter().map(|f| f.display().to_string()).collect();
        let others: Vec<String> = self
            .others
            .iter()
            .map(|(command, runs)| format!("{runs} of `{command}`"))
            .collect();
        let first = self.damages.first();
        OutcomesError::NoRun {
            files: match names.as_slice() {
                [first, .., _] => format!("{first} and {} more", names.len() - 1),
                _ => names.concat(),
            },
            what: if names.len() == 1 {
                "this log"
            } else {
                "these logs"
            },
            damage: first.map_or_else(String::new, |damage| {
                let lines = counted(self.damages.len(), "damaged line");
                format!("; {lines}, first {damage}")
            }),
            others: match others.is_empty() {
                true => String::new(),
                false => format!("; runs that are no rows: {}", others.join(", ")),
            },
        }
    }
}

/// What is gathered while files are read.
#[derive(Default)]
struct Found {
    heads: BTreeMap<String, RunRecord>,
    /// Ids of all runs that anything belongs to.
    known: BTreeSet<String>,
    /// By run and problem.
    questions: HashMap<(String, String), ProblemKey>,
    standing: HashMap<(String, String), Standing>,
    damages: Vec<FileDamage>,
    files: Vec<PathBuf>,
}

impl Found {
    fn read(&mut self, path: &Path) -> Result<(), LogError> {
        for record in Reader::open(path)?.of_kinds(WANTED) {
            match record {
                Ok(located) => self.add(located.value),
                Err(damage) => self.damages.push(FileDamage {
                    path: path.to_path_buf(),
                    damage,
                }),
            }
        }
        Ok(())
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Run(head) => {
                self.known.insert(head.run.clone());
                self.heads.entry(head.run.clone()).or_insert(*head);
            }
            Record::Problem(record) => {
                let problem = record.problem;
                let key = ProblemKey::of(&problem);
                self.questions.insert((record.run, problem.id), key);
            }
            Record::Outcome(outcome) => {
                let place = (outcome.run.clone(), outcome.problem.clone());
                self.standing.entry(place).or_default().add(*outcome);
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Outcomes {
        let lost = self.lost_questions();
        let mut runs: BTreeMap<String, Run> = BTreeMap::new();
        let mut others = BTreeMap::new();
        for (id, head) in std::mem::take(&mut self.heads) {
            if head.command == SOLVE || head.command == COMMAND {
                let cells = BTreeMap::new();
                runs.insert(id, Run { head, cells });
            } else {
                *others.entry(head.command).or_insert(0) += 1;
            }
        }
        let mut headless = HashSet::new();
        for ((id, problem), standing) in std::mem::take(&mut self.standing) {
            let Some(outcome) = standing.get() else {
                continue;
            };
            let Some(run) = runs.get_mut(&id) else {
                if !self.known.contains(&id) {
                    headless.insert(id);
                }
                continue;
            };
            let cell = Cell::of(outcome, run.head.pool.last().map(|m| m.name.as_str()));
            let place = (id, problem);
            let key = self.questions.remove(&place);
            let key = key.or_else(|| lost.get(&place.1).cloned().flatten());
            run.cells
                .insert(key.unwrap_or_else(|| ProblemKey::new(place.1, None)), cell);
        }
        let mut runs: Vec<Run> = runs.into_values().collect();
        runs.sort_by(|a, b| a.head.started.cmp(&b.head.started));
        Outcomes {
            runs,
            others,
            headless: headless.len(),
            damages: self.damages,
            files: self.files,
        }
    }

    /// What other runs say of a problem's question where all say the same.
    fn lost_questions(&self) -> HashMap<String, Option<ProblemKey>> {
        let lost: HashSet<&String> = self
            .standing
            .keys()
            .filter(|place| !self.questions.contains_key(*place))
            .map(|(_, problem)| problem)
            .collect();
        let mut found: HashMap<String, Option<ProblemKey>> = HashMap::new();
        let known = self.questions.iter();
        for ((_, id), key) in known.filter(|((_, id), _)| lost.contains(id)) {
            let held = found.entry(id.clone()).or_insert_with(|| Some(key.clone()));
            if held.as_ref() != Some(key) {
                *held = None;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::samples::{head, outcome, problem, write};
    use crate::trace::record::{Regraded, Replaced};

    fn key(id: &str, question: &str) -> ProblemKey {
        ProblemKey::new(id.into(), Some(question))
    }

    #[test]
    fn the_outcome_that_holds_is_read_and_damage_is_told_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut graded = outcome("r", "p1", Verdict::Correct, 3.0);
        graded.regraded = Some(Regraded {
            when: String::new(),
            version: String::new(),
            replaces: Replaced {
                grader: "rules-v1".into(),
                verdict: Verdict::Wrong,
                rule: "equal".into(),
            },
        });
        write(
            &path,
            &[
                Record::Run(Box::new(head("r", "small", 0))),
                problem("r", "p1", "a"),
                problem("r", "p2", "d"),
                Record::Outcome(Box::new(outcome("r", "p1", Verdict::Wrong, 3.0))),
                Record::Outcome(Box::new(graded)),
                Record::Outcome(Box::new(outcome("r", "p2", Verdict::Wrong, 4.0))),
            ],
        );
        let text = std::fs::read_to_string(&path).unwrap();
        let cut = r#"{"record":"step","run":"r","problem":"p1","tex"#;
        let odd = r#"{"run":"r","record":"step","problem":"p1"}"#;
        std::fs::write(&path, format!("{text}{cut}\n{odd}\nnonsense\n")).unwrap();
        let found = Outcomes::read(&[&path]).unwrap();
        let lines: Vec<u64> = found.damages.iter().map(|d| d.damage.line).collect();
        assert_eq!(lines, [7, 9]);
        assert_eq!(found.runs.len(), 1);
        let cells = &found.runs[0].cells;
        assert_eq!(cells.len(), 2);
        let p1 = cells[&key("p1", "a")];
        assert_eq!((p1.verdict, p1.published), (Verdict::Correct, Some(3.0)));
        assert_eq!(key("p1", "a").split, Some(Split::of("a")));
    }

    #[test]
    fn runs_of_other_commands_and_runs_without_a_head_are_counted_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut inspected = head("i", "small", 0);
        inspected.command = "inspect".into();
        let records = |head: RunRecord| {
            vec![
                Record::Run(Box::new(head)),
                Record::Outcome(Box::new(outcome("lost", "p", Verdict::Wrong, 1.0))),
            ]
        };
        write(&path, &records(inspected.clone()));
        let error = Outcomes::read(&[&path]).unwrap_err().to_string();
        assert!(
            error.contains("no run of `solve` in this log; runs that are no rows: 1 of `inspect`"),
            "{error}"
        );
        let mut all = records(inspected);
        all.extend(records(head("r", "small", 0)));
        write(&path, &all);
        let found = Outcomes::read(&[&path]).unwrap();
        assert_eq!((found.headless, found.others["inspect"]), (1, 1));
        assert!(Outcomes::read(&[folder.path().join("none")]).is_err());
    }

    #[test]
    fn a_lost_question_is_taken_from_a_run_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let of = |run: &str| Record::Outcome(Box::new(outcome(run, "p1", Verdict::Wrong, 1.0)));
        let mut records = vec![
            Record::Run(Box::new(head("r", "small", 0))),
            Record::Run(Box::new(head("s", "large", 0))),
            problem("r", "p1", "a"),
            of("r"),
            of("s"),
        ];
        write(&path, &records);
        let found = Outcomes::read(&[&path]).unwrap();
        assert!(
            found
                .runs
                .iter()
                .all(|run| run.cells.contains_key(&key("p1", "a")))
        );
        // Two questions of one id: nobody knows which it was.
        records.push(Record::Run(Box::new(head("t", "large", 1))));
        records.push(problem("t", "p1", "b"));
        records.push(of("t"));
        write(&path, &records);
        let found = Outcomes::read(&[&path]).unwrap();
        let unknown = ProblemKey::new("p1".into(), None);
        assert!(
            found
                .runs
                .iter()
                .any(|run| run.cells.contains_key(&unknown))
        );
    }
}
