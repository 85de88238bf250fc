//! From checked options to everything a run needs; shared by the inspector
//! and by `solve`. Nobody is called and no weights are loaded here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cost::Ledger;
use crate::model::catalog;
use crate::model::endpoint::{Endpoint, EndpointError};
use crate::model::pool::Pool;
use crate::problem::Problem;
use crate::problem::answer::RuleGrader;
use crate::problem::dataset::{self, Dataset};
use crate::problem::shard::{Part, Shard};
use crate::problem::split::Split;
use crate::router::{
    DEFAULT_THRESHOLD, Explore, Router, RouterSpec, Timing, build, embedded_threshold,
};
use crate::session::forest::Shape;
use crate::session::{Engine, Settings};
use crate::signal::confidence::Source;
use crate::trace::LogWriter;
use crate::trace::ids::{Shaped, run_id, run_key};
use crate::trace::record::{
    DatasetFacts, FORMAT, ModelFacts, NoteRecord, Record, RouterFacts, RunRecord, Sampling,
};

use super::Failure;
use super::clock::now;
use super::grading::{self, Grader, Grading, Scorer};
use super::scoring::{Opened, Scoring};

/// What a person asked for; `None` means the default.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The command, for the log.
    pub command: String,
    /// Who is at the keyboard, for the log of overrides.
    pub who: String,
    /// A data set; the demo problems of the program where there is none.
    pub problems: Option<PathBuf>,
    /// Only the problem of this id.
    pub problem: Option<String>,
    /// Only the first so many problems.
    pub limit: Option<usize>,
    /// Of these only the problems of some splits.
    pub splits: Option<Vec<Split>>,
    /// Of those only the ones of a shard.
    pub shard: Option<Shard>,
    /// A pool file; the embedded pair where there is none.
    pub pool: Option<PathBuf>,
    /// The shipped policy on the embedded pair, `threshold` on other pools,
    /// where there is none.
    pub router: Option<RouterSpec>,
    pub seed: u64,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: Option<u32>,
    pub max_steps: Option<u32>,
    /// Who grades: the rules, where nothing else is said.
    pub grader: Grader,
    /// Most problems in flight; the endpoints' own limit where there is none.
    pub concurrency: Option<usize>,
    /// Explores around the router instead of following it.
    pub exploration: Option<Exploration>,
}

/// How an exploration goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exploration {
    /// Probability of drawing any model instead of asking the router.
    pub epsilon: f64,
    pub shape: Shape,
}

impl Exploration {
    fn around(self, router: Arc<dyn Router>) -> Result<Arc<dyn Router>, Failure> {
        if router.timing() != Timing::Ahead {
            let name = router.facts().name;
            return Err(Failure::usage(format!(
                "router `{name}` does not decide after each step who writes the next one, so that \
                 nothing can be explored around it"
            ))
            .hint("explore around threshold, percentile, steer, policy or random"));
        }
        let explore = Explore::new(router, self.epsilon).map_err(Failure::usage)?;
        Ok(Arc::new(explore))
    }

    /// The router's facts with everything else that shapes the forest.
    fn describe(self, mut facts: RouterFacts) -> RouterFacts {
        let shape = self.shape;
        for (name, value) in [
            ("references", shape.references),
            ("branches", shape.branches),
            ("max-nodes", shape.max_nodes),
        ] {
            facts.spec = format!("{},{name}={value}", facts.spec);
            facts.parameters.insert(name.to_owned(), value.into());
        }
        facts
    }
}

/// What is remarked where a log ends within a line.
pub(super) const PARTIAL_LINE: &str =
    "the log ended within a line: a record of the session before may be lost";

/// A remark on a run as such.
pub(super) fn note(run: &RunRecord, kind: &str, text: String) -> Record {
    Record::Note(NoteRecord {
        run: run.run.clone(),
        problem: None,
        when: now(),
        kind: kind.to_owned(),
        text,
    })
}

/// Everything a run needs.
pub struct Launch {
    /// The head of the run; not in any log yet.
    pub run: RunRecord,
    pub settings: Settings,
    /// In pool order.
    pub endpoints: Vec<Arc<dyn Endpoint>>,
    /// The problems asked for, in the data set's order.
    pub problems: Vec<Problem>,
    /// What they are of the whole, where the run is of a shard.
    pub part: Option<Part>,
    /// Where the records go; `None` until [`Launch::append_to`].
    pub writer: Option<LogWriter>,
    /// The model that grades beside the rules, where one may be asked.
    pub grading: Option<Arc<Grading>>,
    /// The models that the router asks.
    pub scoring: Scoring,
    /// What is odd and no reason to stop.
    pub warnings: Vec<String>,
}

impl Launch {
    /// Checks the options, reads the files they name and puts the run
    /// together.
    ///
    /// # Errors
    /// Files that are missing or damaged, a router that does not fit the
    /// pool, settings out of range.
    pub fn prepare(options: &Options) -> Result<Self, Failure> {
        let mut warnings = Vec::new();
        let pool = match &options.pool {
            Some(path) => Pool::load(path)?,
            None => Pool::embedded(),
        };
        warnings.extend(pool.warnings.iter().cloned());
        let sampling = sampling(options, pool.sampling)?;
        let dataset = load_problems(options.problems.as_deref())?;
        warnings.extend(
            dataset
                .warnings
                .iter()
                .map(|w| format!("{} line {}: {}", dataset.name, w.line, w.message)),
        );
        let spec = options
            .router
            .clone()
            .unwrap_or_else(|| default_router(&pool, options));
        let calibrated = pool.path.is_none().then(embedded_threshold);
        warnings.extend(uncalibrated(&spec, calibrated));
        let unfit = |error: EndpointError| Failure::usage(error.to_string());
        let endpoints = catalog::build(&pool, options.concurrency).map_err(unfit)?;
        let described = catalog::facts(&pool, &endpoints).map_err(unfit)?;
        let mut router = build(&spec, &described, calibrated)?;
        if let Some(exploration) = options.exploration {
            if matches!(spec, RouterSpec::Steer { .. }) {
                warnings.push(
                    "explored around, `steer` decides who goes on; it has no first step written \
                     again"
                        .to_owned(),
                );
            }
            router = exploration.around(router)?;
        }

        let signal = router.signal().name();
        let mut facts = router.facts();
        if let Some(exploration) = options.exploration {
            facts = exploration.describe(facts);
        }
        let grading = choose_grader(options, &pool, &endpoints, &described)?;
        let opened = Opened {
            pool: &pool,
            endpoints: &endpoints,
            facts: &described,
            concurrency: options.concurrency,
        };
        let asked = Scoring::assemble(&spec, router.as_ref(), &opened)?;
        let mut scorers = grading::facts(grading.as_ref(), &pool);
        if let Some((role, facts)) = &asked.facts {
            scorers.insert((*role).to_owned(), facts.clone());
        }
        let pool = described;
        let graded_by = grading
            .as_ref()
            .map(|grading| (grading.mode.name(), &grading.grader.facts));
        let key = run_key(&Shaped {
            router: &facts,
            pool: &pool,
            sampling: &sampling,
            seed: options.seed,
            signal,
            grading: graded_by,
            asked: asked.facts.as_ref().map(|(role, facts)| (*role, facts)),
        });
        let started = now();
        let run = RunRecord {
            format: FORMAT,
            run: run_id(&key, &started, std::process::id(), options.shard),
            key,
            started,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: options.command.clone(),
            router: facts,
            cost_unit: Ledger::new(&pool).unit().map(ToString::to_string),
            pool,
            sampling,
            seed: options.seed,
            signal: signal.to_owned(),
            dataset: Some(DatasetFacts {
                name: dataset.name.clone(),
                sha256: dataset.sha256.clone(),
                problems: dataset.problems.len(),
            }),
            shard: options.shard,
            grading: graded_by.map(|(mode, _)| mode.to_owned()),
            scorers,
        };
        let engine = Engine {
            router,
            grader: Arc::new(RuleGrader),
            who: options.who.clone(),
        };
        let (problems, part) = of_shard(choose(dataset, options)?, options.shard);
        Ok(Self {
            settings: Settings::live(run.clone(), engine),
            run,
            endpoints,
            problems,
            part,
            writer: None,
            grading: grading.map(Arc::new),
            scoring: asked.scoring,
            warnings,
        })
    }

    /// Opens the log for appending: a log may hold many runs. The head of the
    /// run is written with its first record; without one the log stays as it
    /// is.
    ///
    /// # Errors
    /// Those of opening the log.
    pub fn append_to(&mut self, path: &Path) -> Result<(), Failure> {
        let mut writer = LogWriter::create_or_append(path, true)?;
        let mut head = vec![Record::Run(Box::new(self.run.clone()))];
        if writer.found_partial_line() {
            head.push(note(&self.run, "damage", PARTIAL_LINE.to_owned()));
        }
        writer.begin_with(head);
        self.writer = Some(writer);
        Ok(())
    }

    /// Goes on with a run that is in the log already.
    pub(super) fn adopt(&mut self, run: RunRecord) {
        self.settings.run = Arc::new(run.clone());
        self.run = run;
    }
}

/// The model that grades, where one is asked for: a pool without a `[grader]`
/// lends its last model.
fn choose_grader(
    options: &Options,
    pool: &Pool,
    endpoints: &[Arc<dyn Endpoint>],
    described: &[ModelFacts],
) -> Result<Option<Grading>, Failure> {
    let Some(mode) = Grading::mode(options.grader, pool)? else {
        return Ok(None);
    };
    let lent = endpoints.last().zip(described.last());
    let grader = match (&pool.scorers.grader, lent) {
        (None, Some((endpoint, facts))) => Scorer {
            endpoint: Arc::clone(endpoint),
            facts: facts.clone(),
        },
        (Some(spec), _) => Scorer::new(spec, pool, options.concurrency)?,
        // A pool has two models or more.
        (None, None) => return Ok(None),
    };
    Ok(Some(Grading::new(mode, grader)))
}

/// Who decides where nobody was named: the policy that ships, for the pair it
/// was trained on. An exploration goes around a rule that needs no training.
fn default_router(pool: &Pool, options: &Options) -> RouterSpec {
    if pool.path.is_none() && options.exploration.is_none() {
        return RouterSpec::Policy { path: None };
    }
    RouterSpec::Threshold {
        t: None,
        signal: Source::Prob,
    }
}

/// The data set at `path`, or the demo problems inside the program.
fn load_problems(path: Option<&Path>) -> Result<Dataset, Failure> {
    const DEMO: &[u8] = include_bytes!("../../assets/demo/problems.jsonl");
    Ok(match path {
        Some(path) => dataset::load(path)?,
        None => dataset::read("demo.jsonl", DEMO)?,
    })
}

fn choose(dataset: Dataset, options: &Options) -> Result<Vec<Problem>, Failure> {
    let mut problems = dataset.problems;
    if let Some(id) = &options.problem {
        let first = problems.first().map(|p| p.id.clone());
        problems.retain(|problem| problem.id == *id);
        if problems.is_empty() {
            let failure = Failure::usage(format!("{}: no problem `{id}`", dataset.name));
            return Err(match first {
                Some(first) => failure.hint(format!("ids look like `{first}`")),
                None => failure,
            });
        }
    }
    problems.truncate(options.limit.unwrap_or(usize::MAX));
    if let Some(splits) = &options.splits {
        problems.retain(|problem| splits.contains(&Split::of(&problem.question)));
    }
    Ok(problems)
}

/// The problems of a shard. It comes last, so that the shards of the first
/// hundred problems are together those hundred.
fn of_shard(mut problems: Vec<Problem>, shard: Option<Shard>) -> (Vec<Problem>, Option<Part>) {
    let Some(shard) = shard else {
        return (problems, None);
    };
    let of = problems.len();
    problems.retain(|problem| shard.holds(&problem.id));
    let part = Part {
        shard,
        problems: problems.len(),
        of,
    };
    (problems, Some(part))
}

fn sampling(options: &Options, of_pool: Sampling) -> Result<Sampling, Failure> {
    let sampling = Sampling {
        temperature: options.temperature.unwrap_or(of_pool.temperature),
        top_p: options.top_p.unwrap_or(of_pool.top_p),
        max_tokens: options.max_tokens.unwrap_or(of_pool.max_tokens),
        max_steps: options.max_steps.unwrap_or(of_pool.max_steps),
    };
    let refuse = |what: &str| Err(Failure::usage(what.to_owned()));
    if !(0.0..=10.0).contains(&sampling.temperature) {
        return refuse("temperature must be between 0 (greedy) and 10");
    }
    if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
        return refuse("top-p must be above 0 and at most 1");
    }
    if sampling.max_tokens == 0 || sampling.max_steps == 0 {
        return refuse("max-tokens and max-steps must be at least 1");
    }
    Ok(sampling)
}

fn uncalibrated(spec: &RouterSpec, calibrated: Option<f64>) -> Option<String> {
    match spec {
        RouterSpec::Threshold { t: None, signal }
            if calibrated.is_none() || *signal != Source::Prob =>
        {
            Some(format!(
                "router `threshold`: t = {DEFAULT_THRESHOLD} is a start, not calibrated for this \
                 pool; give one with `threshold:t=T`"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
