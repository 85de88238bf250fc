//! What every command that makes a run can be told.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::Flags;
use crate::eval::sweep::split;
use crate::headless::{Failure, Grader, Options};
use crate::problem::shard::Shard;
use crate::router::RouterSpec;
use crate::trace::LogError;
use crate::trace::side::side_file;

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// Data set: GSM8K, MATH, Omni-MATH, AIME, ProcessBench or plain JSON
    /// lines [default: the demo problems]
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
    /// Only the problem of this id
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Pool of models [default: the embedded pair]
    #[arg(long, value_name = "FILE")]
    pool: Option<PathBuf>,
    /// Who decides: small, large, random:p=P, threshold:t=T[,signal=S],
    /// percentile:p=P[,signal=S][,file=F], steer:gamma=G[,signal=S][,file=F],
    /// rsd:delta=D[,accept=A], specreason:tau=T[,first=N][,score=greedy],
    /// query:share=S|t=T[,file=DIR], policy (the one that ships),
    /// policy:path=DIR; the README says what each does [default: policy on the embedded pair; threshold on
    /// other pools and to explore around]
    #[arg(long, value_name = "SPEC")]
    router: Option<RouterSpec>,
    /// Seed of every sampling and every coin of the run
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Temperature of a step, 0 is greedy [default: the pool's]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f64>,
    /// Nucleus of a step [default: the pool's]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// Most tokens in a step [default: the pool's]
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Most steps in a trajectory [default: the pool's]
    #[arg(long, value_name = "N")]
    max_steps: Option<u32>,
}

impl RunArgs {
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn pool(&self) -> Option<&Path> {
        self.pool.as_deref()
    }

    pub fn options(&self, command: &str, who: String, limit: Option<usize>) -> Options {
        Options {
            command: command.to_owned(),
            who,
            problems: self.problems.clone(),
            problem: self.problem.clone(),
            limit,
            splits: None,
            shard: None,
            pool: self.pool.clone(),
            router: self.router.clone(),
            seed: self.seed,
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            max_steps: self.max_steps,
            grader: Grader::default(),
            concurrency: None,
            exploration: None,
        }
    }
}

/// The routers that are asked beside the one that routes.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PanelArgs {
    /// Routers to ask at each step beside the one that decided, separated by
    /// commas [default: the usual ones that this pool has files for]
    #[arg(long, value_name = "SPECS")]
    routers: Vec<String>,
}

impl PanelArgs {
    /// Whether any is named.
    pub fn is_given(&self) -> bool {
        !self.routers.is_empty()
    }

    /// The routers named; none for the usual ones.
    pub fn specs(&self) -> Result<Vec<RouterSpec>, Failure> {
        if self.routers.is_empty() {
            return Ok(Vec::new());
        }
        let specs = split(&self.routers).map_err(|error| Failure::usage(error.to_string()))?;
        let parsed = specs.iter().map(|spec| spec.parse::<RouterSpec>());
        Ok(parsed.collect::<Result<_, _>>()?)
    }
}

/// Who labels, and where labels are kept.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LabelArgs {
    /// Who gives labels and overrides [default: as the configuration says, else
    /// the user's login name]
    #[arg(long, value_name = "NAME", value_parser = a_name)]
    who: Option<String>,
    /// File that labels are read from and appended to [default:
    /// LOG.labels.jsonl beside each log]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

impl LabelArgs {
    /// The flags that go over the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            who: self.who.clone(),
            ..Flags::default()
        }
    }

    /// The side file of a log that is being written.
    pub fn side_of(&self, log: &Path) -> Result<PathBuf, Failure> {
        let labels = self.labels.clone().unwrap_or_else(|| side_file(log));
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if real(&labels) == real(log) {
            return Err(LogError::OwnSide { path: labels }.into());
        }
        Ok(labels)
    }
}

/// A name that says something.
fn a_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a name of at least one letter".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Tells whoever gave no `--shard` in a task of a Slurm array that every task
/// does everything. The variables alone say nothing safe: an array may be over
/// routers or seeds instead of parts, be counted from 0 or in strides, and when
/// one task of it is run again it is an array of one.
pub(super) fn tell_of_array(shard: Option<Shard>, quiet: bool) {
    let variable = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let task = variable("SLURM_ARRAY_TASK_ID").zip(variable("SLURM_ARRAY_TASK_COUNT"));
    let Some((task, tasks)) = task.filter(|_| shard.is_none() && !quiet) else {
        return;
    };
    if tasks > 1 {
        super::say(&format!(
            "note: task {task} of a Slurm array of {tasks}, and no --shard: each task does all \
             problems; for a part each, --shard I/{tasks} with I from 1\n"
        ));
    }
}

/// A number from 1.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}
