//! What the screens show, without a screen: for people as text, for programs
//! as JSON. Texts of questions and steps are left out unless they are asked
//! for, so that whoever reads this reads figures and not what a model wrote.

mod analysis;
mod compare;
pub(super) mod grid;
mod labels;
mod problems;
mod records;
mod rules;
mod runs;
mod steps;
mod training;
mod tree;
mod values;
mod what_if;

use crate::app::{Table, Tally, Use};
use crate::cost::Unit;
use crate::eval::regret::Control;
use crate::expr::{Expr, ExprError, Scope};
use crate::headless::{Exit, Failure};
use crate::survey::Survey;
use crate::trace::record::{Confidence, PERSON, RunRecord, StepRecord};
use crate::trace::{Log, Tree};

pub use analysis::analysis;
pub use compare::{Compared, compare};
pub use labels::{labels, queue};
pub use problems::{Arrangement, problems};
pub use rules::{Open, rules, surfaces};
pub use runs::runs;
pub use steps::steps;
pub use training::training;
pub use tree::tree;
pub use values::{Remarks, remarks, values};
pub use what_if::{Asked, what_if};

/// A screen as text and as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub text: String,
    pub json: serde_json::Value,
    /// What of the log could not be read of it.
    pub warnings: Vec<String>,
}

impl Shown {
    fn of(text: String, json: serde_json::Value) -> Self {
        Self {
            text,
            json,
            warnings: Vec::new(),
        }
    }
}

/// What a log holds.
pub struct Subject<'a> {
    pub log: &'a Log,
    pub survey: &'a Survey,
    /// What its decisions lost, where that was worked out.
    pub control: Control,
}

impl Subject<'_> {
    fn head(&self, run: u32) -> Option<&RunRecord> {
        self.survey.runs().get(run as usize)?.head.as_deref()
    }

    /// The run of this id, or the only one there is.
    ///
    /// # Errors
    /// There is none of the id, or several and no id.
    fn run(&self, id: Option<&str>) -> Result<u32, Failure> {
        let runs = self.survey.runs();
        let ids: Vec<&str> = runs.iter().map(|run| self.survey.name(run.id)).collect();
        let place = match id {
            Some(id) => super::export::named(&ids, id)?,
            None if ids.len() == 1 => 0,
            None => {
                let failure = Failure::usage(format!("the log holds {} runs", ids.len()));
                return Err(failure.hint(format!("--run takes one of {}", ids.join(", "))));
            }
        };
        u32::try_from(place).map_err(|_| Failure::new(Exit::Failed, "too many runs"))
    }
}

/// A trajectory that was read.
struct Read {
    run: String,
    tree: Tree,
    /// Lines of it that could not be read.
    warnings: Vec<String>,
}

impl Read {
    /// Reads a problem in the run of this id, or in the only one that has it.
    fn trajectory(
        subject: &Subject<'_>,
        problem: &str,
        run: Option<&str>,
    ) -> Result<Self, Failure> {
        let run = run_of(subject, problem, run)?;
        let (tree, damages) = subject.log.tree(&run, problem)?;
        Ok(Self {
            run,
            tree,
            warnings: damages.iter().map(ToString::to_string).collect(),
        })
    }

    fn question(&self, content: bool) -> Option<&str> {
        let known = self.tree.problem().filter(|_| content)?;
        Some(&known.question)
    }
}

/// The id of the run that has a problem: the one of this id or beginning so,
/// or the only one.
fn run_of(subject: &Subject<'_>, problem: &str, run: Option<&str>) -> Result<String, Failure> {
    let runs = subject.log.trajectories();
    let of_it = runs.filter(|found| found.problem == problem);
    let ids: Vec<&str> = of_it.map(|found| found.run).collect();
    if ids.is_empty() {
        return Err(Failure::usage(format!("no problem `{problem}` in the log")));
    }
    match run {
        Some(run) => Ok(ids[super::export::named(&ids, run)?].to_owned()),
        None => match ids.as_slice() {
            [one] => Ok((*one).to_owned()),
            several => Err(Failure::usage(format!(
                "problem `{problem}` is in {} runs of the log",
                several.len()
            ))
            .hint(format!("--run takes one of {}", ids.join(", ")))),
        },
    }
}

/// The counts of several trajectories.
fn tally(tally: &Tally, unit: Option<&Unit>) -> serde_json::Value {
    serde_json::json!({
        "trajectories": tally.trajectories,
        "correct": tally.correct,
        "wrong": tally.wrong,
        "ungraded": tally.ungraded,
        "unfinished": tally.unfinished(),
        "truncated": tally.truncated,
        "torn": tally.torn,
        "accuracy": tally.accuracy(),
        "interval": tally.interval(),
        "steps": tally.steps,
        "large_share": tally.large_share(),
        "overrides": tally.overrides,
        // Of different units there is no mean.
        "cost": {
            "published": tally.published().filter(|_| unit.is_some()),
            "full": tally.full().filter(|_| unit.is_some()),
        },
        "unit": unit.map(ToString::to_string),
    })
}

/// A share in per cent.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// An amount in four figures; `–` where it is not known.
fn amount(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4e}"))
}

/// A confidence in as many digits as its measure needs.
#[must_use]
pub fn confidence(confidence: &Confidence) -> String {
    match confidence.value {
        Some(value) if confidence.source.ends_with("logit") => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
        None => "n/a".to_owned(),
    }
}

/// The sign of a model of a pool: emptier is cheaper. Of a person for `None`.
#[must_use]
pub fn sign(place: Option<usize>, models: usize) -> &'static str {
    match place {
        None => "✎",
        Some(0) => "○",
        Some(place) if place + 1 >= models => "●",
        Some(_) => "◐",
    }
}

/// The sign of a step by the model at `place`.
#[must_use]
pub fn step_sign(step: &StepRecord, place: Option<usize>, models: usize) -> &'static str {
    if !step.kept {
        "⊘"
    } else if step.model == PERSON {
        "✎"
    } else {
        sign(place, models)
    }
}

fn wrong(flag: &str, error: &ExprError) -> Failure {
    Failure::usage(format!("--{flag}: {error}")).hint("`replay --filter help` lists the names")
}

/// The builder of routers for a pool, so that this room reads no files itself.
pub use crate::eval::regret::Build;

/// Sets an expression of a table.
fn set(table: &mut Table, of: Use, text: Option<&str>, survey: &Survey) -> Result<(), Failure> {
    let Some(text) = text else { return Ok(()) };
    let flag = match of {
        Use::Filter => "filter",
        Use::Sort => "sort",
        Use::Group => "group",
    };
    // Told in the words of the expression language where it is at fault.
    let parsed = match of {
        Use::Filter => Expr::condition(text, Scope::Trajectory),
        Use::Sort | Use::Group => Expr::value(text, Scope::Trajectory),
    };
    let parsed = parsed.map_err(|error| wrong(flag, &error))?;
    survey.ask(&parsed).map_err(|error| wrong(flag, &error))?;
    table
        .take(of, text, survey)
        .map_err(|why| Failure::usage(format!("--{flag}: {why}")))
}
