//! The runs of an imported log: trajectories belong to one run where the
//! source says the same of what made them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::json;

use crate::headless::clock::now;
use crate::headless::{Exit, Failure};
use crate::router::RouterSpec;
use crate::signal::confidence::Source as Signal;
use crate::trace::ids::{Shaped, file_sha256, run_id, run_key};
use crate::trace::import::{COMMAND, Format, Origin, Place, RepetitionKind, Routing, Trajectory};
use crate::trace::record::{
    DatasetFacts, FORMAT, GRADER, ModelFacts, NoteRecord, Record, RouterFacts, RunRecord,
};

use super::summary::Summary;

/// Of models, where nothing but a name is known.
const SERVER: &str = "imported";
/// Of confidences, where there are none.
const NO_SIGNAL: &str = "none";
/// The router of runs that the source names none of.
const NO_ROUTER: &str = "none";

/// A file that is imported.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: PathBuf,
    pub format: Format,
    pub guessed: bool,
}

/// A run that was begun.
struct Run {
    id: String,
    /// Spec of its router.
    router: String,
    /// Problems in it, as the log names them.
    problems: HashSet<String>,
    /// How often each came, as the source names them.
    times: HashMap<String, usize>,
}

impl Run {
    /// The name of a problem that the source calls `id`: `id#2` where it comes
    /// for the second time.
    fn name(&mut self, id: &str) -> String {
        let times = self.times.entry(id.to_owned()).or_insert(0);
        loop {
            *times += 1;
            let name = match *times {
                1 => id.to_owned(),
                times => format!("{id}#{times}"),
            };
            // The source may itself have one of that name.
            if self.problems.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Where a trajectory goes.
pub struct Placed {
    run: String,
    problem: String,
    router: String,
    now: String,
}

impl Placed {
    pub fn as_place(&self) -> Place<'_> {
        Place {
            run: &self.run,
            problem: &self.problem,
            router: &self.router,
            now: &self.now,
        }
    }
}

/// The runs so far.
pub struct Runs {
    dataset: Option<DatasetFacts>,
    started: String,
    runs: Vec<Run>,
    by_key: HashMap<String, usize>,
    /// The origin of the last trajectory and its run: mostly that of the next.
    last: Option<(Origin, usize)>,
    /// What is told of the file that is read.
    source: serde_json::Value,
    format: &'static str,
}

impl Runs {
    pub fn new(dataset: Option<DatasetFacts>) -> Self {
        Self {
            dataset,
            started: now(),
            runs: Vec::new(),
            by_key: HashMap::new(),
            last: None,
            source: serde_json::Value::Null,
            format: "",
        }
    }

    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn begin(&mut self, source: &Source) -> Result<(), Failure> {
        let path = &source.path;
        let hash = file_sha256(path).map_err(|error| {
            let exit = match error.kind() {
                std::io::ErrorKind::NotFound => Exit::Usage,
                std::io::ErrorKind::IsADirectory => Exit::BadData,
                _ => Exit::Failed,
            };
            Failure::new(exit, format!("{}: cannot read it: {error}", path.display()))
        })?;
        // Folders are nobody's business.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.source = json!({ "name": name, "sha256": hash });
        self.format = source.format.name();
        Ok(())
    }

    /// Where a trajectory goes; the head of its run is added to `records` where
    /// it is the first of it.
    pub fn place(&mut self, trajectory: &Trajectory, records: &mut Vec<Record>) -> Placed {
        let origin = &trajectory.origin;
        let at = match &self.last {
            Some((known, at)) if known == origin => *at,
            _ => self.run_of(origin, records),
        };
        let run = &mut self.runs[at];
        Placed {
            run: run.id.clone(),
            problem: run.name(&trajectory.problem.id),
            router: run.router.clone(),
            now: now(),
        }
    }

    /// The run of an origin, new or known.
    fn run_of(&mut self, origin: &Origin, records: &mut Vec<Record>) -> usize {
        let head = self.head(origin);
        let at = match self.by_key.get(&head.key) {
            Some(&at) => at,
            None => {
                let at = self.runs.len();
                self.by_key.insert(head.key.clone(), at);
                self.runs.push(Run {
                    id: head.run.clone(),
                    router: head.router.spec.clone(),
                    problems: HashSet::new(),
                    times: HashMap::new(),
                });
                let note = self.note(&head.run, origin);
                records.push(Record::Run(Box::new(head)));
                records.push(Record::Note(note));
                at
            }
        };
        self.last = Some((origin.clone(), at));
        at
    }

    fn head(&self, origin: &Origin) -> RunRecord {
        let router = facts(origin.routing, &origin.models);
        let model = |name: &String| ModelFacts::new(name.clone(), SERVER);
        let pool: Vec<ModelFacts> = origin.models.iter().map(model).collect();
        let scorers: BTreeMap<String, ModelFacts> = origin
            .scorers
            .iter()
            .map(|(role, name)| (role.clone(), model(name)))
            .collect();
        let asked = scorers.iter().find(|(role, _)| *role != GRADER);
        // No model that grades is known: the source stands for it.
        let grader = origin.graded_by.as_ref().map(|name| (name, model(name)));
        let signal = match origin.probabilities {
            true => Signal::Prob.name(),
            false => NO_SIGNAL,
        };
        let key = run_key(&Shaped {
            router: &router,
            pool: &pool,
            sampling: &origin.sampling,
            seed: origin.repetition,
            signal,
            grading: grader.as_ref().map(|(name, facts)| (name.as_str(), facts)),
            asked: asked.map(|(role, facts)| (role.as_str(), facts)),
        });
        RunRecord {
            format: FORMAT,
            run: run_id(&key, &self.started, std::process::id(), None),
            key,
            started: self.started.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: COMMAND.to_owned(),
            router,
            pool,
            sampling: origin.sampling,
            seed: origin.repetition,
            signal: signal.to_owned(),
            cost_unit: None,
            dataset: self.dataset.clone(),
            shard: None,
            grading: origin.graded_by.clone(),
            scorers,
        }
    }

    /// What is told of a run beside its head: where it comes from, and what is
    /// not known of it.
    fn note(&self, run: &str, origin: &Origin) -> NoteRecord {
        let seed = match origin.repetition_kind {
            RepetitionKind::Only => "not known: 0 stands for it",
            RepetitionKind::Seed => "of the source",
            RepetitionKind::Repetition => "not known: the number of the repetition stands for it",
        };
        let mut text = json!({
            "format": self.format,
            "source": self.source,
            "not_held": origin.not_held,
            "seed": seed,
        });
        if !origin.sampling.is_known() {
            text["sampling"] = "not known in full: zeros stand for what is not".into();
        }
        NoteRecord {
            run: run.to_owned(),
            problem: None,
            when: now(),
            kind: COMMAND.to_owned(),
            text: text.to_string(),
        }
    }

    /// What the import came to, where something was left out.
    pub fn last_note(&self, summary: &Summary) -> Option<NoteRecord> {
        let run = self.runs.last()?;
        if summary.damaged_rows == 0 && summary.refused == 0 {
            return None;
        }
        Some(NoteRecord {
            run: run.id.clone(),
            problem: None,
            when: now(),
            kind: COMMAND.to_owned(),
            text: json!({
                "damaged_rows": summary.damaged_rows,
                "refused_files": summary.refused,
                "damaged": summary.damaged,
            })
            .to_string(),
        })
    }
}

/// The router as heads name it; where there is none, who wrote everything. One
/// whose parameter is not known, or is none that our rule takes, has a spec that
/// no rule can be made of.
fn facts(routing: Routing, models: &[String]) -> RouterFacts {
    let named = |name: &str, spec: String, parameters| {
        let parsed = spec.parse::<RouterSpec>().ok();
        parsed.map_or_else(
            || RouterFacts {
                spec,
                name: name.to_owned(),
                parameters,
                files: BTreeMap::new(),
            },
            |spec| spec.facts(BTreeMap::new()),
        )
    };
    let told = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| value.to_string());
    match routing {
        Routing::None => {
            let alone = match models {
                [one] => Some(one),
                _ => None,
            };
            let spec = alone.map(|model| format!("{NO_ROUTER}:model={model}"));
            let parameter = alone.map(|model| ("model".to_owned(), json!(model)));
            RouterFacts {
                spec: spec.unwrap_or_else(|| NO_ROUTER.to_owned()),
                name: NO_ROUTER.to_owned(),
                parameters: parameter.into_iter().collect(),
                files: BTreeMap::new(),
            }
        }
        Routing::Rsd { delta } => {
            let parameters = BTreeMap::from([("delta".to_owned(), json!(delta))]);
            named("rsd", format!("rsd:delta={}", told(delta)), parameters)
        }
        Routing::SpecReason {
            tau,
            first,
            averaged,
        } => {
            let score = if averaged { "expected" } else { "greedy" };
            let mut spec = format!("specreason:tau={}", told(tau));
            if first > 0 {
                spec.push_str(&format!(",first={first}"));
            }
            spec.push_str(&format!(",score={score}"));
            let parameters = BTreeMap::from([
                ("tau".to_owned(), json!(tau)),
                ("first".to_owned(), json!(first)),
                ("score".to_owned(), json!(score)),
            ]);
            named("specreason", spec, parameters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_one_name_are_told_apart_however_many_there_are() {
        let mut run = Run {
            id: "r".to_owned(),
            router: NO_ROUTER.to_owned(),
            problems: HashSet::new(),
            times: HashMap::new(),
        };
        let names = ["a", "a#2", "a", "a", "a#2"].map(|id| run.name(id));
        assert_eq!(names, ["a", "a#2", "a#3", "a#4", "a#2#2"]);
        // Not as many tries for each as there were before it.
        for _ in 0..50_000 {
            run.name("b");
        }
        assert_eq!(run.times["b"], 50_000);
    }

    #[test]
    fn routers_are_named_as_our_own_are_and_unknown_ones_as_none() {
        let known = facts(Routing::Rsd { delta: Some(0.7) }, &[]);
        let own: RouterSpec = "rsd:delta=0.7".parse().unwrap();
        assert_eq!(known, own.facts(BTreeMap::new()));
        let judged = Routing::SpecReason {
            tau: Some(7.0),
            first: 2,
            averaged: false,
        };
        let own: RouterSpec = "specreason:tau=7,first=2,score=greedy".parse().unwrap();
        assert_eq!(facts(judged, &[]), own.facts(BTreeMap::new()));
        for routing in [
            Routing::None,
            Routing::Rsd { delta: None },
            Routing::Rsd { delta: Some(7.0) },
        ] {
            let facts = facts(routing, &[]);
            assert!(facts.spec.parse::<RouterSpec>().is_err(), "{facts:?}");
        }
        let alone = facts(Routing::None, &["m".to_owned()]);
        assert_eq!(
            (alone.spec.as_str(), alone.name.as_str()),
            ("none:model=m", "none")
        );
        assert_eq!(
            facts(Routing::Rsd { delta: None }, &[]).spec,
            "rsd:delta=unknown"
        );
    }
}
