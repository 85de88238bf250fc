//! Asking models how trajectories came out: who is asked, when, and what the
//! log keeps of it. Shared by `solve` and `regrade`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cost::Ledger;
use crate::model::catalog;
use crate::model::endpoint::{Endpoint, EndpointError};
use crate::model::pool::{ModelSpec, Pool};
use crate::model::scorer::{GradeMode, Opinion, grader};
use crate::problem::answer::Verdict;
use crate::session::Session;
use crate::trace::record::{
    Attempt, GRADER, ModelFacts, NoteRecord, OutcomeRecord, Record, Role, ScoreRecord,
    TrajectoryEnd, Usage, VERIFIER,
};

use super::Failure;
use super::clock::now;
use super::drive::Shared;
use super::plain::plain;
use super::stop::MOST_FAILURES;

pub use crate::model::scorer::grader::is_llm;

/// Kind of the note about a grader that failed.
pub const GRADER_ERROR: &str = "grader-error";
/// The kind of note of a grader that was not waited for: it is asked again.
const GRADER_STOPPED: &str = "grader-stopped";
/// Most characters of a reply that the log keeps.
const MOST_REPLY: usize = 160;

/// Who is to grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grader {
    /// The rules, whatever the pool says.
    #[default]
    Rules,
    /// As the pool says.
    Pool,
    /// As the command line says.
    Mode(GradeMode),
}

/// A model that is asked, with what the log keeps of it.
#[derive(Clone)]
pub struct Scorer {
    pub endpoint: Arc<dyn Endpoint>,
    pub facts: ModelFacts,
}

/// What is asked about: a step of the log, in its run's money.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub run: &'a str,
    pub problem: &'a str,
    pub step: &'a str,
    pub ledger: &'a Ledger,
}

impl Scorer {
    /// The model of `spec`. Nobody is called.
    ///
    /// # Errors
    /// A model that cannot be made from what the pool says.
    pub fn new(spec: &ModelSpec, pool: &Pool, concurrency: Option<usize>) -> Result<Self, Failure> {
        let made = catalog::scorer(spec, pool, concurrency);
        let (endpoint, facts) = made.map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { endpoint, facts })
    }

    /// The record of what it said, or of what a failure cost.
    pub(super) fn score(
        &self,
        about: About<'_>,
        role: Role,
        said: Result<&Opinion, &EndpointError>,
    ) -> ScoreRecord {
        let (value, note, usage, attempts) = match said {
            Ok(opinion) => (
                opinion.correct.map(|correct| f64::from(u8::from(correct))),
                short(&opinion.reply),
                opinion.usage,
                opinion.attempts.clone(),
            ),
            Err(error) => (
                None,
                short(&error.to_string()),
                Usage::default(),
                error.attempts.clone(),
            ),
        };
        let scorer = if role == Role::Grader {
            GRADER
        } else {
            VERIFIER
        };
        let mut score = ScoreRecord {
            run: about.run.to_owned(),
            step: Some(about.step.to_owned()),
            problem: about.problem.to_owned(),
            scorer: scorer.to_owned(),
            model: Some(self.facts.name.clone()),
            value,
            note: Some(note),
            usage,
            attempts,
            cost: None,
        };
        let cost = about.ledger.score(&score, &self.facts, role);
        score.cost = Some(cost.facts());
        score
    }
}

/// Whether a call that failed cost anything.
pub(super) fn was_paid(error: &EndpointError) -> bool {
    let tokens = |attempt: &Attempt| attempt.usage.prompt + attempt.usage.output;
    error.attempts.iter().any(|attempt| tokens(attempt) > 0)
}

/// A line of what a model said, fit for a terminal.
fn short(text: &str) -> String {
    let line = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_REPLY) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// A model that grades, and when it is asked.
pub struct Grading {
    pub mode: GradeMode,
    pub grader: Scorer,
    /// Failures in a row.
    failures: AtomicU32,
}

/// What came of asking the grader.
pub(super) struct Graded {
    /// `None` where a failure cost nothing.
    pub score: Option<ScoreRecord>,
    pub outcome: Result<OutcomeRecord, EndpointError>,
}

impl Grading {
    /// The mode that was asked for, where a model may be asked in it.
    ///
    /// # Errors
    /// No model that could grade.
    pub fn mode(asked: Grader, pool: &Pool) -> Result<Option<GradeMode>, Failure> {
        let mode = match asked {
            Grader::Rules => None,
            Grader::Pool => pool.grading,
            Grader::Mode(mode) => Some(mode),
        };
        let mode = mode.filter(|mode| mode.asks());
        match mode {
            Some(mode) if pool.path.is_none() => Err(no_grader(mode)),
            _ => Ok(mode),
        }
    }

    /// Asks `grader` in the mode `mode`.
    pub fn new(mode: GradeMode, grader: Scorer) -> Self {
        Self {
            mode,
            grader,
            failures: AtomicU32::new(0),
        }
    }

    /// Whether the grader is to be asked about a trajectory that the rules
    /// gave `outcome`. Of an endpoint's failure, without a reference and
    /// without any text there is nothing to say.
    pub(super) fn asks_about(&self, outcome: &OutcomeRecord) -> bool {
        let open = match self.mode {
            GradeMode::Rules => false,
            GradeMode::Llm => true,
            GradeMode::RulesThenLlm => outcome.verdict == Verdict::Ungraded,
        };
        let gold = outcome.gold.as_deref().unwrap_or_default();
        open && outcome.end != TrajectoryEnd::Error
            && !gold.trim().is_empty()
            && outcome.leaf.is_some()
    }

    /// The name of its outcomes' grader.
    pub(super) fn name(&self) -> String {
        grader::name(&self.grader.facts.name)
    }

    /// Asks about the trajectory of `outcome`, whose whole text is `text`.
    pub(super) async fn grade(
        &self,
        question: &str,
        text: &str,
        outcome: &OutcomeRecord,
        ledger: &Ledger,
    ) -> Graded {
        let case = grader::Case {
            problem: &outcome.problem,
            question,
            output: text,
            reference: outcome.gold.as_deref().unwrap_or_default(),
        };
        let said = grader::grade(self.grader.endpoint.as_ref(), &case).await;
        let about = About {
            run: &outcome.run,
            problem: &outcome.problem,
            step: outcome.leaf.as_deref().unwrap_or_default(),
            ledger,
        };
        let score = self.grader.score(about, Role::Grader, said.as_ref());
        match said {
            Ok(opinion) => Graded {
                outcome: Ok(self.outcome(outcome, &opinion, &score, ledger)),
                score: Some(score),
            },
            Err(error) => Graded {
                score: was_paid(&error).then_some(score),
                outcome: Err(error),
            },
        }
    }

    fn outcome(
        &self,
        rules: &OutcomeRecord,
        opinion: &Opinion,
        score: &ScoreRecord,
        ledger: &Ledger,
    ) -> OutcomeRecord {
        let reply = score.note.as_deref().unwrap_or_default();
        let (verdict, reason) = match opinion.correct {
            Some(true) => (Verdict::Correct, format!("the grader replied: {reply}")),
            Some(false) => (Verdict::Wrong, format!("the grader replied: {reply}")),
            None => (
                Verdict::Ungraded,
                format!("the grader's reply holds no verdict: {reply}"),
            ),
        };
        let paid = ledger.logged_score(score);
        OutcomeRecord {
            verdict,
            grader: self.name(),
            rule: grader::RULE.to_owned(),
            reason: Some(reason),
            cost: ledger.with_score(&rules.cost, &paid),
            ..rules.clone()
        }
    }

    /// The outcome of a trajectory that a grader was paid for in vain.
    pub(super) fn after_failure(
        outcome: &OutcomeRecord,
        score: &ScoreRecord,
        ledger: &Ledger,
    ) -> OutcomeRecord {
        OutcomeRecord {
            cost: ledger.with_score(&outcome.cost, &ledger.logged_score(score)),
            ..outcome.clone()
        }
    }

    /// Why the grader is not asked any more: it failed too often in a row.
    fn given_up(&self) -> Option<String> {
        let failures = self.failures.load(Ordering::Relaxed);
        (failures >= MOST_FAILURES)
            .then(|| format!("not asked: the grader failed {failures} times in a row"))
    }
}

fn no_grader(mode: GradeMode) -> Failure {
    Failure::usage(format!(
        "the grading `{mode}` asks a model, and the embedded pair cannot grade"
    ))
    .hint(
        "add `--pool FILE`: its `[grader]` grades, or its last model where it has none; or \
         `--grader rules`",
    )
}

/// Lets the grader have a word on how a trajectory came out, where it is
/// asked. The rules' outcome is in the log already; a grader that fails leaves
/// it as it is, and the run goes on.
///
/// # Errors
/// The log cannot be written.
pub(super) async fn second_opinion(
    shared: &Shared,
    session: &Session,
    mut outcome: OutcomeRecord,
) -> Result<OutcomeRecord, Failure> {
    let asked = shared.grading.as_deref();
    let Some(grading) = asked.filter(|grading| grading.asks_about(&outcome)) else {
        return Ok(outcome);
    };
    let (kind, why) = match grading.given_up() {
        Some(why) => (GRADER_ERROR, why),
        None => {
            let leaf = outcome.leaf.as_deref();
            let node = leaf.and_then(|leaf| session.tree().find(leaf));
            let text = node.map(|node| session.tree().text(node));
            let (question, text) = (&session.problem().question, text.unwrap_or_default());
            let ledger = &session.settings().ledger;
            let graded = tokio::select! {
                graded = grading.grade(question, &text, &outcome, ledger) => Some(graded),
                () = shared.stop.stopped() => None,
            };
            let graded = graded.map(|graded| (graded.score, graded.outcome));
            match graded {
                Some((score, Ok(newer))) => {
                    grading.failures.store(0, Ordering::Relaxed);
                    let score = score.map(Record::Score);
                    let newer_record = Record::Outcome(Box::new(newer.clone()));
                    let records = score.into_iter().chain([newer_record]);
                    shared.log.append(records.collect())?;
                    return Ok(newer);
                }
                Some((score, Err(error))) => {
                    grading.failures.fetch_add(1, Ordering::Relaxed);
                    if let Some(score) = score {
                        // What it cost is in the full ledger all the same.
                        outcome = Grading::after_failure(&outcome, &score, ledger);
                        let paid = Record::Outcome(Box::new(outcome.clone()));
                        shared.log.append(vec![Record::Score(score), paid])?;
                    }
                    (GRADER_ERROR, error.to_string())
                }
                None => (GRADER_STOPPED, STOPPED.to_owned()),
            }
        }
    };
    let note = Record::Note(NoteRecord {
        run: outcome.run.clone(),
        problem: Some(outcome.problem.clone()),
        when: now(),
        kind: kind.to_owned(),
        text: plain(&why).into_owned(),
    });
    shared.log.append(vec![note])?;
    Ok(outcome)
}

/// Why a trajectory has no grade yet in a run that was stopped.
const STOPPED: &str = "the run was stopped before the grader answered: a resumed run asks it";

/// What a run's head keeps of the models that score.
pub(super) fn facts(grading: Option<&Grading>, pool: &Pool) -> BTreeMap<String, ModelFacts> {
    let grader = grading.map(|grading| (GRADER.to_owned(), grading.grader.facts.clone()));
    let verifier = pool.scorers.verifier.as_ref();
    let verifier = verifier.map(|spec| (VERIFIER.to_owned(), ModelFacts::from(spec)));
    grader.into_iter().chain(verifier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headless::Exit;

    #[test]
    fn a_reply_in_the_log_is_one_short_safe_line() {
        assert_eq!(short("\u{1b}[2JCorrect\n\n at  last"), "[2JCorrect at last");
        let long = short(&"é".repeat(500));
        assert_eq!(long.chars().count(), MOST_REPLY + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_model_must_be_there_to_be_asked() {
        let embedded = Pool::embedded();
        let mode = |asked, pool: &Pool| Grading::mode(asked, pool);
        assert_eq!(mode(Grader::Pool, &embedded), Ok(None));
        assert_eq!(mode(Grader::Mode(GradeMode::Rules), &embedded), Ok(None));
        let failure = mode(Grader::Mode(GradeMode::Llm), &embedded).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.to_string().contains("--pool FILE"), "{failure}");
        let pool = Pool {
            path: Some("pool.toml".into()),
            grading: Some(GradeMode::RulesThenLlm),
            ..Pool::embedded()
        };
        assert_eq!(mode(Grader::Pool, &pool), Ok(Some(GradeMode::RulesThenLlm)));
        assert_eq!(mode(Grader::Rules, &pool), Ok(None));
        let llm = Grader::Mode(GradeMode::Llm);
        assert_eq!(mode(llm, &pool), Ok(Some(GradeMode::Llm)));
    }
}
