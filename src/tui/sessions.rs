//! Opening the problems of the picker: fresh ones of a live run, recorded
//! ones of logs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::app::{Entry, Mode, Model};
use crate::cost::PERSON;
use crate::expr::{Expr, Trajectory};
use crate::problem::Problem;
use crate::router::{Panel, RouterSpec};
use crate::session::{Session, Settings};
use crate::trace::index::Kind;
use crate::trace::record::{FORMAT, ModelFacts, Record, RouterFacts, RunRecord, Sampling};
use crate::trace::{Log, LogError, Standing, Tree};

/// Up to so many recorded trajectories are described in the picker by their
/// question and outcome; of more only the ids are listed, so that a log of a
/// hundred thousand opens at once.
const DESCRIBED: usize = 2_000;

/// Opens entries by their place. Cheap to clone.
#[derive(Clone)]
pub enum Opener {
    Live {
        settings: Arc<Settings>,
        problems: Arc<Vec<Problem>>,
    },
    Recorded {
        log: Arc<Mutex<Log>>,
        /// The routers asked beside those that routed; none for the usual ones.
        named: Arc<Vec<RouterSpec>>,
        entries: Arc<Vec<(String, String)>>,
    },
}

impl Opener {
    /// Makes the session of an entry; reads from disk where it is recorded.
    ///
    /// # Errors
    /// In words for the person.
    pub fn open(&self, entry: usize) -> Result<Box<Session>, String> {
        match self {
            Self::Live { settings, problems } => {
                settings.panel.prepare();
                let problem = problems
                    .get(entry)
                    .cloned()
                    .ok_or("there is no such problem")?;
                Ok(Box::new(Session::new(Settings::clone(settings), problem)))
            }
            Self::Recorded {
                log,
                named,
                entries,
            } => {
                let (run, problem) = entries.get(entry).ok_or("there is no such trajectory")?;
                recorded(
                    &log.lock().unwrap_or_else(PoisonError::into_inner),
                    run,
                    problem,
                    named,
                )
            }
        }
    }
}

/// A model over fresh problems.
pub fn live(settings: Settings, problems: Vec<Problem>) -> (Model, Opener) {
    let run = settings.run.run.clone();
    let entries = problems
        .iter()
        .map(|problem| entry(&run, problem))
        .collect();
    let model = Model::new(Mode::Live, entries, settings.models());
    let opener = Opener::Live {
        settings: Arc::new(settings),
        problems: Arc::new(problems),
    };
    (model, opener)
}

/// The run and the problem of a trajectory.
pub type Place = (String, String);

/// Every trajectory of a log.
pub fn places(log: &Log) -> Vec<Place> {
    log.trajectories()
        .map(|trajectory| (trajectory.run.to_owned(), trajectory.problem.to_owned()))
        .collect()
}

/// Those that fulfil the condition that holds for their run, where there is
/// one; of a trajectory with branches the last one counts. Reads every one.
///
/// # Errors
/// The log cannot be read.
pub fn matching<'c>(
    log: &Log,
    condition: impl Fn(&str) -> Option<&'c Expr>,
) -> Result<Vec<Place>, LogError> {
    let mut found = Vec::new();
    for (run, problem) in places(log) {
        let Some(condition) = condition(&run) else {
            continue;
        };
        let (tree, _) = log.tree(&run, &problem)?;
        if condition.holds(&Trajectory::main_line(log.run(&run), &tree)) {
            found.push((run, problem));
        }
    }
    Ok(found)
}

/// A model over trajectories of logs.
pub fn replay(log: Log, places: Vec<Place>, named: Vec<RouterSpec>) -> (Model, Opener) {
    let describe = places.len() <= DESCRIBED;
    let several = log.runs().len() > 1;
    let entries = places
        .iter()
        .map(|(run, problem)| {
            let known = if describe {
                described(&log, run, problem)
            } else {
                None
            };
            let known = known.map(|mut entry| {
                // The same problem of several runs is told apart by its router.
                if several && let Some(head) = log.run(run) {
                    entry.title = entry.title.replacen(
                        problem.as_str(),
                        &format!("{problem}  {}", head.router.spec),
                        1,
                    );
                }
                entry
            });
            known.unwrap_or_else(|| Entry {
                problem: problem.clone(),
                run: run.clone(),
                title: format!("{problem}  run {run}"),
                verdict: None,
            })
        })
        .collect();
    let model = Model::new(Mode::Replay, entries, 0);
    let opener = Opener::Recorded {
        log: Arc::new(Mutex::new(log)),
        named: Arc::new(named),
        entries: Arc::new(places),
    };
    (model, opener)
}

fn described(log: &Log, run: &str, problem: &str) -> Option<Entry> {
    let trajectory = log.trajectory(run, problem)?;
    let records = |kind| {
        log.load_kind(&trajectory, kind)
            .map(|loaded| loaded.records)
            .ok()
    };
    let problem = records(Kind::Problem)?
        .into_iter()
        .find_map(|record| match record {
            Record::Problem(record) => Some(record.problem),
            _ => None,
        })?;
    let outcomes = records(Kind::Outcome)?
        .into_iter()
        .filter_map(|record| match record {
            Record::Outcome(outcome) => Some(*outcome),
            _ => None,
        });
    let holds = outcomes.collect::<Standing>();
    Some(Entry {
        verdict: holds.get().map(|outcome| outcome.verdict),
        ..entry(run, &problem)
    })
}

fn recorded(
    log: &Log,
    run: &str,
    problem: &str,
    named: &[RouterSpec],
) -> Result<Box<Session>, String> {
    let (tree, damages) = log.tree(run, problem).map_err(|error| error.to_string())?;
    let mut warnings: Vec<String> = damages
        .iter()
        .map(|damage| format!("line {}: {}", damage.damage.line, damage.damage.reason))
        .collect();
    let head = log.run(run).cloned().unwrap_or_else(|| {
        warnings.push("the run's head is missing: its router and costs are unknown".to_owned());
        unknown_head(run, &tree)
    });
    let problem = tree.problem().cloned().unwrap_or_else(|| Problem {
        id: problem.to_owned(),
        question: "(the problem's record is missing from the log)".to_owned(),
        gold: None,
        difficulty: None,
        domain: None,
        source: "log".to_owned(),
    });
    let panel = Panel::new(&head.pool, named);
    // Here, where a file may be read, and not when the first card is drawn.
    panel.prepare();
    let settings = Settings::recorded(head).with_panel(Arc::new(panel));
    Ok(Box::new(
        Session::open(settings, problem, tree).with_warnings(warnings),
    ))
}

/// The head of a run whose own line is damaged: the models its steps name, in
/// the order they first wrote, and nothing that nobody knows.
fn unknown_head(run: &str, tree: &Tree) -> RunRecord {
    let mut pool: Vec<ModelFacts> = Vec::new();
    for (_, node) in tree.nodes() {
        let name = &node.step.model;
        if name != PERSON && pool.iter().all(|model| model.name != *name) {
            pool.push(ModelFacts::new(name.clone(), "unknown"));
        }
    }
    RunRecord {
        format: FORMAT,
        run: run.to_owned(),
        key: String::new(),
        started: String::new(),
        version: String::new(),
        command: "unknown".to_owned(),
        router: RouterFacts {
            spec: "unknown".to_owned(),
            name: "unknown".to_owned(),
            parameters: BTreeMap::new(),
            files: BTreeMap::new(),
        },
        pool,
        sampling: Sampling::default(),
        seed: 0,
        signal: "prob".to_owned(),
        cost_unit: None,
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

/// One line about a problem for the picker.
fn entry(run: &str, problem: &Problem) -> Entry {
    let mut title = problem.id.clone();
    if let Some(domain) = &problem.domain {
        title.push_str(&format!("  {domain}"));
    }
    if let Some(difficulty) = problem.difficulty {
        title.push_str(&format!("  d{difficulty}"));
    }
    let question: String = problem
        .question
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    title.push_str(&format!(
        "  {}",
        question.chars().take(160).collect::<String>()
    ));
    Entry {
        problem: problem.id.clone(),
        run: run.to_owned(),
        title,
        verdict: None,
    }
}
