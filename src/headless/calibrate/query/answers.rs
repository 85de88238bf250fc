//! How both models alone did, question by question, as their logs tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::headless::resume::named;
use crate::headless::{Exit, Failure};
use crate::problem::answer::Verdict;
use crate::problem::split::Split;
use crate::router::calibration::{PoolModel, other_pool};
use crate::trace::index::{FileDamage, Kind, log_files};
use crate::trace::record::{ModelFacts, Record, RunRecord};
use crate::trace::{Reader, Standing, pooled};

use super::FEWEST_ANSWERS;

const WANTED: &[Kind] = &[Kind::Run, Kind::Problem, Kind::Outcome];

/// A question with the shares of right answers of either model.
pub(super) struct Asked {
    pub question: String,
    pub split: Split,
    pub small: f64,
    pub large: f64,
    /// Graded answers of the small and of the large model.
    pub answers: [u32; 2],
}

/// Right and graded answers of the small and of the large model.
#[derive(Default)]
struct Counts {
    right: [u32; 2],
    graded: [u32; 2],
}

/// How both models alone did, by question.
pub(super) struct Answers {
    pub heads: Vec<RunRecord>,
    by_question: BTreeMap<String, Counts>,
    damages: Vec<FileDamage>,
    /// Problems that several runs of one key answered, of which one counts.
    repeated: BTreeSet<String>,
}

/// The answers found so far, by run key and question: of several of one key,
/// as a shard that ran twice gives, the run that began last counts.
type Found = BTreeMap<(String, String), Answer>;

/// A graded answer.
struct Answer {
    /// When its run began, and the run.
    began: (String, String),
    problem: String,
    /// 0 for the small model, 1 for the large one.
    role: usize,
    right: bool,
}

impl Answers {
    pub fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut answers = Self {
            heads: Vec::new(),
            by_question: BTreeMap::new(),
            damages: Vec::new(),
            repeated: BTreeSet::new(),
        };
        let mut found = Found::new();
        for path in log_files(paths)? {
            answers.add(&path, &mut found)?;
        }
        answers.count(found);
        if answers.heads.is_empty() {
            let message = "the logs hold no run of `solve` with the router `small` or `large`";
            return Err(Failure::new(Exit::BadData, message).hint(
                "make some: `pointsman solve --router small --seed 0 --log small-0.jsonl`, the \
                 same with `large`, and both with a few other seeds",
            ));
        }
        Ok(answers)
    }

    fn add(&mut self, path: &Path, found: &mut Found) -> Result<(), Failure> {
        let mut roles: HashMap<String, (usize, String, String)> = HashMap::new();
        let mut questions: HashMap<(String, String), String> = HashMap::new();
        let mut outcomes: HashMap<(String, String), Standing> = HashMap::new();
        for record in Reader::open(path)?.of_kinds(WANTED) {
            let record = match record {
                Ok(record) => record,
                Err(damage) => {
                    let path = path.to_path_buf();
                    self.damages.push(FileDamage { path, damage });
                    continue;
                }
            };
            match record.value {
                Record::Run(head) if head.command == "solve" => {
                    let role = match head.router.name.as_str() {
                        "small" => 0,
                        "large" => 1,
                        _ => continue,
                    };
                    let of_run = (role, head.key.clone(), head.started.clone());
                    roles.insert(head.run.clone(), of_run);
                    self.heads.push(*head);
                }
                Record::Problem(found) if roles.contains_key(&found.run) => {
                    let key = (found.run, found.problem.id);
                    questions.insert(key, found.problem.question);
                }
                Record::Outcome(outcome) if roles.contains_key(&outcome.run) => {
                    let key = (outcome.run.clone(), outcome.problem.clone());
                    outcomes.entry(key).or_default().add(*outcome);
                }
                _ => {}
            }
        }
        for (key, standing) in outcomes {
            let (Some(outcome), Some(question)) = (standing.into_outcome(), questions.get(&key))
            else {
                continue;
            };
            // What is ungraded is never counted as wrong.
            if outcome.verdict == Verdict::Ungraded {
                continue;
            }
            let (run, problem) = key;
            let (role, run_key, started) = &roles[&run];
            let answer = Answer {
                began: (started.clone(), run),
                problem,
                role: *role,
                right: outcome.verdict == Verdict::Correct,
            };
            self.keep(found, run_key, question.trim(), answer);
        }
        Ok(())
    }

    fn keep(&mut self, found: &mut Found, key: &str, question: &str, answer: Answer) {
        let place = (key.to_owned(), question.to_owned());
        let held = found.get(&place);
        // The same run may be in several files, which is no repetition.
        if held.is_some_and(|held| held.began != answer.began) {
            self.repeated.insert(answer.problem.clone());
        }
        if held.is_none_or(|held| held.began < answer.began) {
            found.insert(place, answer);
        }
    }

    fn count(&mut self, found: Found) {
        for ((_, question), answer) in found {
            let counts = self.by_question.entry(question).or_default();
            counts.right[answer.role] += u32::from(answer.right);
            counts.graded[answer.role] += 1;
        }
    }

    /// What is odd about the logs and no reason to stop.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = named(&self.damages).into_iter().collect();
        if let Some(first) = self.repeated.first() {
            warnings.push(pooled::repeated(self.repeated.len(), first));
        }
        warnings.extend(pooled::missing_shards(&self.heads));
        warnings
    }

    pub fn check_pool(&self, pool: &[ModelFacts]) -> Result<(), Failure> {
        let named =
            |models: &[ModelFacts]| -> Vec<PoolModel> { models.iter().map(Into::into).collect() };
        let here = named(pool);
        for head in &self.heads {
            if let Some(what) = other_pool(&named(&head.pool), &here) {
                return Err(Failure::usage(format!(
                    "run {} in the logs is of another pool than the one to train for: {what}",
                    head.run
                ))
                .hint("name the pool of the logs by `--pool`, and logs of one pool only"));
            }
            let first = &self.heads[0];
            if (head.sampling, &head.grading) != (first.sampling, &first.grading) {
                return Err(Failure::usage(format!(
                    "runs {} and {} in the logs differ in their sampling or in who grades: their \
                     answers are not shares of one thing",
                    first.run, head.run
                ))
                .hint("name logs of one temperature, one set of limits and one grader"));
            }
        }
        Ok(())
    }

    /// The problems of the train and the calibration split that both models
    /// have graded answers to.
    pub fn problems(&self) -> Result<Vec<Asked>, Failure> {
        let asked: Vec<Asked> = self
            .by_question
            .iter()
            .filter(|(_, counts)| counts.graded.iter().all(|&n| n >= FEWEST_ANSWERS))
            .map(|(question, counts)| {
                let share =
                    |role: usize| f64::from(counts.right[role]) / f64::from(counts.graded[role]);
                Asked {
                    question: question.clone(),
                    split: Split::of(question),
                    small: share(0),
                    large: share(1),
                    answers: counts.graded,
                }
            })
            .filter(|asked| asked.split != Split::Test)
            .collect();
        let splits: BTreeSet<Split> = asked.iter().map(|asked| asked.split).collect();
        if splits.len() < 2 {
            return Err(Failure::new(
                Exit::BadData,
                "there are no problems of the train or none of the calibration split to which \
                 both models have graded answers",
            )
            .hint(
                "solve more problems, the same ones with `--router small` and `--router large`",
            ));
        }
        Ok(asked)
    }
}
