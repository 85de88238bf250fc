//! Opening the problems of the picker: fresh ones of a live run, recorded
//! ones of logs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::{Entry, Mode, Model};
use crate::cost::PERSON;
use crate::problem::Problem;
use crate::router::{Panel, Router, RouterError, RouterSpec, for_pool};
use crate::session::{Session, Settings};
use crate::survey::{Fact, Survey, Texts};
use crate::trace::index::Kind;
use crate::trace::record::{
    FORMAT, LabelRecord, ModelFacts, ProblemRecord, RouterFacts, RunRecord, Sampling,
};
use crate::trace::{Log, Tree, side};

/// Bytes of a log that are read between two messages to the screen.
const BATCH: u64 = 4 << 20;

/// What was read of a log.
pub struct Batch {
    pub facts: Vec<Fact>,
    /// The labels among them: trajectories that are open already want them
    /// whole.
    pub labels: Vec<LabelRecord>,
    /// Bytes that were read, and all there are; `None` where that is all.
    pub progress: Option<(u64, u64)>,
    /// What of it could not be read, at the end.
    pub warning: Option<String>,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    },
}

impl Opener {
    /// Makes the session of the entry at a place; reads from disk where it is
    /// recorded.
    ///
    /// # Errors
    /// In words for the person.
    pub fn open(&self, place: usize, entry: &Entry) -> Result<Box<Session>, String> {
        match self {
            Self::Live { settings, problems } => {
                settings.panel.prepare();
                let problem = problems
                    .get(place)
                    .cloned()
                    .ok_or("there is no such problem")?;
                Ok(Box::new(Session::new(Settings::clone(settings), problem)))
            }
            Self::Recorded { log, named } => {
                recorded(&lock(log), &entry.run, &entry.problem, named)
            }
        }
    }

    /// Reads the texts of the trajectory at a place of the survey; of one that
    /// is written live and not open there is the question only. Others may read
    /// the log between two of them.
    ///
    /// # Errors
    /// In words for the person.
    pub fn texts(&self, survey: &Survey, place: usize) -> Result<Texts, String> {
        match self {
            Self::Live { problems, .. } => {
                let problem = problems.get(place);
                let question = problem.map(|problem| problem.question.clone());
                Ok(Texts::of_question(question))
            }
            Self::Recorded { log, .. } => {
                let trajectory = survey.trajectories().get(place);
                let (run, problem) = survey.key(trajectory.ok_or("there is no such trajectory")?);
                Texts::of_log(&lock(log), run, problem).map_err(|error| error.to_string())
            }
        }
    }

    /// Reads the log on for a while; `None` where there is nothing to read.
    ///
    /// # Errors
    /// In words for the person.
    pub fn read_on(&self) -> Option<Result<Batch, String>> {
        let Self::Recorded { log, .. } = self else {
            return None;
        };
        let mut log = lock(log);
        if log.is_read() {
            return None;
        }
        let mut facts = Vec::new();
        let mut labels = Vec::new();
        let read = log.advance(BATCH, &mut |kind, line| {
            facts.extend(Fact::read(kind, line));
            if kind == Kind::Label {
                labels.extend(serde_json::from_slice::<LabelRecord>(line).ok());
            }
        });
        Some(match read {
            Ok(more) => Ok(Batch {
                facts,
                labels,
                progress: more.then(|| log.progress()),
                warning: log.damage().filter(|_| !more),
            }),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Where labels are written, and others' are read.
pub struct Sides {
    opener: Opener,
    labels: LabelsGo,
    /// Labels that were written and not yet met in their file.
    own: Vec<LabelRecord>,
}

/// Which file labels are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelsGo {
    /// The side file of the log that a trajectory came from.
    BesideTheLog,
    /// This one, whatever the log.
    To(PathBuf),
    /// None: the log goes when the program ends, and what was said with it.
    Nowhere,
}

impl Sides {
    pub fn new(opener: Opener, labels: LabelsGo) -> Self {
        Self {
            opener,
            labels,
            own: Vec::new(),
        }
    }

    /// Appends the labels of one trajectory.
    ///
    /// # Errors
    /// In words for the person.
    pub fn append(&mut self, labels: &[LabelRecord]) -> Result<(), String> {
        let Some(first) = labels.first() else {
            return Ok(());
        };
        let path = self.side_of(&first.run, &first.problem)?;
        side::append(&path, labels).map_err(|error| error.to_string())?;
        if matches!(self.opener, Opener::Recorded { .. }) {
            self.own.extend_from_slice(labels);
        }
        Ok(())
    }

    /// What others have said since, as far as it is in the file with the labels
    /// of this trajectory; nothing while the log is still being read.
    ///
    /// # Errors
    /// In words for the person.
    pub fn others(&mut self, run: &str, problem: &str) -> Result<Vec<LabelRecord>, String> {
        let Opener::Recorded { log, .. } = &self.opener else {
            return Ok(Vec::new());
        };
        // Where no label can be given, none is there to be read.
        let Ok(path) = self.side_of(run, problem) else {
            return Ok(Vec::new());
        };
        let mut labels: Vec<LabelRecord> = Vec::new();
        let read = lock(log).hear(&path, &mut |kind, line| {
            if kind == Kind::Label {
                labels.extend(serde_json::from_slice::<LabelRecord>(line).ok());
            }
        });
        read.map_err(|error| error.to_string())?;
        let own = &mut self.own;
        labels.retain(|label| match own.iter().position(|known| known == label) {
            Some(at) => {
                own.remove(at);
                false
            }
            None => true,
        });
        Ok(labels)
    }

    /// The file with the labels of a trajectory.
    fn side_of(&self, run: &str, problem: &str) -> Result<PathBuf, String> {
        Ok(match (&self.labels, &self.opener) {
            (LabelsGo::To(path), _) => path.clone(),
            (LabelsGo::Nowhere, _) => {
                return Err(
                    "the log of the demo does not stay: labels need one that does".to_owned(),
                );
            }
            (LabelsGo::BesideTheLog, Opener::Live { .. }) => {
                return Err("this session has no log that labels could stand beside".to_owned());
            }
            (LabelsGo::BesideTheLog, Opener::Recorded { log, .. }) => {
                let log = lock(log);
                let found = log.path_of(run, problem).map(side::side_file);
                found.ok_or("the log of this trajectory is not known")?
            }
        })
    }
}

/// A model over fresh problems.
pub fn live(settings: Settings, problems: Vec<Problem>) -> (Model, Opener) {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(RunRecord::clone(&settings.run))));
    for problem in &problems {
        survey.add(Fact::Problem(Box::new(ProblemRecord {
            run: settings.run.run.clone(),
            problem: problem.clone(),
        })));
    }
    let mut model = Model::new(Mode::Live, settings.models());
    model.add_survey(survey);
    let opener = Opener::Live {
        settings: Arc::new(settings),
        problems: Arc::new(problems),
    };
    (model, opener)
}

/// As [`rule`], for the pool of a run.
///
/// # Errors
/// Likewise.
pub fn build(spec: &str, head: &RunRecord) -> Result<Arc<dyn Router>, String> {
    rule(spec, &head.pool)
}

/// A model over the trajectories of a survey, and who opens them in its log.
/// Where the log is not read to its end, [`Opener::read_on`] goes on.
pub fn replay(log: Log, survey: Survey, named: Vec<RouterSpec>) -> (Model, Opener) {
    let reading = (!log.is_read()).then(|| log.progress());
    let mut model = Model::new(Mode::Replay, 0);
    model.add_survey(survey);
    model.reading = reading;
    let opener = Opener::Recorded {
        log: Arc::new(Mutex::new(log)),
        named: Arc::new(named),
    };
    (model, opener)
}

/// The router of a spec for the pool of a log.
///
/// # Errors
/// In words for the person.
pub fn rule(spec: &str, pool: &[ModelFacts]) -> Result<Arc<dyn Router>, String> {
    let spec: RouterSpec = spec
        .parse()
        .map_err(|error: RouterError| error.to_string())?;
    for_pool(&spec, pool).map_err(|error| error.to_string())
}

/// Opens the trajectory of a problem in a run, with the routers that are asked
/// beside its own; none for the usual ones.
///
/// # Errors
/// In words for the person.
pub fn recorded(
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
