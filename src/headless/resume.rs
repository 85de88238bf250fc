//! Going on with a log: the same run, the finished problems left alone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::problem::Problem;
use crate::trace::index::{FileDamage, Kind, Loaded};
use crate::trace::record::{
    GRADER, JUDGE, OutcomeRecord, PRM, QUERY, Record, RunRecord, TrajectoryEnd,
};
use crate::trace::{Log, Standing, Tree};

use super::grading::{GRADER_ERROR, is_llm};
use super::{Exit, Failure, Launch};

/// Damaged lines that a warning names.
const MOST_NAMED: usize = 3;

/// What a log holds of the run to be gone on with.
pub struct Resume {
    /// The head of that run, as it was written.
    pub run: RunRecord,
    /// Outcomes of the problems that are finished.
    pub finished: HashMap<String, OutcomeRecord>,
    /// Problems that were begun.
    pub begun: HashMap<String, Tree>,
    /// Lines that could not be read.
    pub damaged: usize,
    /// What is odd and no reason to stop.
    pub warnings: Vec<String>,
}

impl Resume {
    /// Reads the log at `path` for the run that `launch` would make.
    ///
    /// # Errors
    /// No run of the same key in the log, with the parameters that differ; a
    /// problem that is another one under the same id; an unreadable log.
    pub fn read(path: &Path, launch: &Launch) -> Result<Self, Failure> {
        let log = Log::open(&[path])?;
        let run = same_run(&log, path, &launch.run)?;
        let mut damages: Vec<FileDamage> = log.damages().collect();
        let mut resume = Self {
            warnings: other_dataset(&run, &launch.run).into_iter().collect(),
            run,
            finished: HashMap::new(),
            begun: HashMap::new(),
            damaged: 0,
        };
        let id = resume.run.run.clone();
        for problem in &launch.problems {
            let Some(trajectory) = log.trajectory(&id, &problem.id) else {
                continue;
            };
            let mut kept = |loaded: Loaded| {
                damages.extend(loaded.damages);
                loaded.records
            };
            let known = kept(log.load_kind(&trajectory, Kind::Problem)?);
            same_question(&known, problem, path)?;
            let outcomes = kept(log.load_kind(&trajectory, Kind::Outcome)?);
            if let Some(outcome) = finished(outcomes) {
                let notes = kept(log.load_kind(&trajectory, Kind::Note)?);
                if !is_to_be_graded(launch, &outcome, &notes) {
                    resume.finished.insert(problem.id.clone(), outcome);
                    continue;
                }
            }
            let (tree, found) = log.tree(&id, &problem.id)?;
            damages.extend(found);
            resume.begun.insert(problem.id.clone(), tree);
        }
        once(&mut damages);
        resume.damaged = damages.len();
        resume.warnings.extend(named(&damages));
        Ok(resume)
    }
}

/// Each damage once: a damaged line is met again where it is loaded again.
pub(super) fn once(damages: &mut Vec<FileDamage>) {
    damages.sort_by(|a, b| (&a.path, a.damage.line).cmp(&(&b.path, b.damage.line)));
    damages.dedup_by(|a, b| a.path == b.path && a.damage.line == b.damage.line);
}

/// Refuses results of another question under the same id.
pub(super) fn same_question(
    records: &[Record],
    problem: &Problem,
    path: &Path,
) -> Result<(), Failure> {
    let other = records.iter().any(|record| {
        matches!(record, Record::Problem(known) if known.problem.question != problem.question)
    });
    if !other {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{}: problem `{}` has another question in the log",
        path.display(),
        problem.id
    ))
    .hint("the data set has changed: give the run a log of its own"))
}

/// The damaged lines in a sentence; only a few by their numbers, the first one
/// of each log before the second ones.
pub(super) fn named(damages: &[FileDamage]) -> Option<String> {
    let mut files = HashSet::new();
    let (first, rest): (Vec<&FileDamage>, Vec<_>) =
        damages.iter().partition(|found| files.insert(&found.path));
    let all = first.into_iter().chain(rest);
    let first: Vec<String> = all.take(MOST_NAMED).map(ToString::to_string).collect();
    let more = match damages.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    (!first.is_empty()).then(|| format!("skipped in the log: {}{more}", first.join("; ")))
}

/// Whether the run was stopped between the rules' outcome and the grader's
/// word on it; a grader that failed is not asked again.
fn is_to_be_graded(launch: &Launch, outcome: &OutcomeRecord, notes: &[Record]) -> bool {
    let failed =
        |record: &Record| matches!(record, Record::Note(note) if note.kind == GRADER_ERROR);
    launch
        .grading
        .as_ref()
        .is_some_and(|grading| grading.asks_about(outcome))
        && !is_llm(&outcome.grader)
        && !notes.iter().any(failed)
}

/// The outcome that holds. A problem that an endpoint's failure
/// ended is not finished.
fn finished(outcomes: Vec<Record>) -> Option<OutcomeRecord> {
    let outcomes = outcomes.into_iter().filter_map(|record| match record {
        Record::Outcome(outcome) => Some(*outcome),
        _ => None,
    });
    let holds = outcomes.collect::<Standing>().into_outcome()?;
    (holds.end != TrajectoryEnd::Error).then_some(holds)
}

pub(super) fn same_run(log: &Log, path: &Path, wanted: &RunRecord) -> Result<RunRecord, Failure> {
    let heads = || {
        log.runs()
            .iter()
            .rev()
            .filter_map(|run| run.head.as_deref())
    };
    // A session at the screen has the same key, and steps that a person chose.
    let alike = |head: &&RunRecord| head.command == wanted.command;
    let shown = path.display();
    let mut same = heads().filter(|head| alike(head) && head.key == wanted.key);
    let of_another = same.clone().next();
    if let Some(same) = same.find(|head| head.shard == wanted.shard) {
        return Ok(same.clone());
    }
    if let Some(other) = of_another {
        let (was, is) = (part(other), part(wanted));
        let message = format!("{shown}: the log is of {was}, this run is of {is}");
        return Err(Failure::usage(message)
            .hint("give every shard a log of its own, or go on with the one of this shard"));
    }
    let Some(last) = heads().find(alike).or_else(|| heads().next()) else {
        let message = format!("{shown}: the log holds no run that could be gone on with");
        return Err(Failure::new(Exit::BadData, message).hint("name another log"));
    };
    Err(Failure::usage(format!(
        "{shown}: this is another run than the one in the log: {}",
        differences(last, wanted).join("; ")
    ))
    .hint("give the same parameters, or give this run a log of its own"))
}

fn part(run: &RunRecord) -> String {
    match run.shard {
        Some(shard) => format!("shard {shard}"),
        None => "all problems, no shard".to_owned(),
    }
}

/// The parameters in which two runs differ, in words.
fn differences(old: &RunRecord, new: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            found.push(format!("{what} was {old}, is now {new}"));
        }
    };
    compare("the command", old.command.clone(), new.command.clone());
    compare(
        "the router",
        old.router.spec.clone(),
        new.router.spec.clone(),
    );
    compare("the seed", old.seed.to_string(), new.seed.to_string());
    let (a, b) = (&old.sampling, &new.sampling);
    compare(
        "temperature",
        a.temperature.to_string(),
        b.temperature.to_string(),
    );
    compare("top-p", a.top_p.to_string(), b.top_p.to_string());
    compare(
        "max-tokens",
        a.max_tokens.to_string(),
        b.max_tokens.to_string(),
    );
    compare(
        "max-steps",
        a.max_steps.to_string(),
        b.max_steps.to_string(),
    );
    compare("the grading", grading(old), grading(new));
    compare("the confidence", old.signal.clone(), new.signal.clone());
    let names = |run: &RunRecord| {
        let names: Vec<&str> = run.pool.iter().map(|model| model.name.as_str()).collect();
        names.join(", ")
    };
    compare("the pool", names(old), names(new));
    for (a, b) in old.pool.iter().zip(&new.pool) {
        if a.name == b.name && a != b {
            found.push(format!("model `{}` is described otherwise", a.name));
        }
    }
    for role in [GRADER, PRM, JUDGE, QUERY] {
        // Another mode of grading has another grader, and is told already.
        let told = role == GRADER && old.grading != new.grading;
        if !told && old.scorers.get(role) != new.scorers.get(role) {
            found.push(format!("the {role} is described otherwise"));
        }
    }
    if found.is_empty() {
        found.push("the router's files differ".to_owned());
    }
    found
}

fn grading(run: &RunRecord) -> String {
    let mode = run.grading.as_deref().unwrap_or("rules");
    match run.scorers.get(GRADER) {
        Some(grader) => format!("{mode} by {}", grader.name),
        None => mode.to_owned(),
    }
}

pub(super) fn other_dataset(old: &RunRecord, new: &RunRecord) -> Option<String> {
    let (old, new) = (old.dataset.as_ref()?, new.dataset.as_ref()?);
    (old.sha256 != new.sha256).then(|| {
        format!(
            "the data set {} is not the file the run began with ({})",
            new.name, old.name
        )
    })
}
