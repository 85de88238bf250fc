//! Why nothing can be learnt from what a log holds.

use crate::problem::dataset::ErrorCategory;
use crate::problem::split::Split;
use crate::signal::confidence::UnknownSource;
use crate::trace::LogError;
use crate::trace::record::{ModelFacts, RunRecord};

/// A forest that cannot be learnt from.
#[derive(Debug, thiserror::Error)]
pub enum ForestError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the log says of the confidence it saw: {0}")]
    Signal(#[from] UnknownSource),
    #[error("{}: grow one with `pointsman explore --log FILE`", no_forest(commands, *headless))]
    NoForest {
        /// Commands of the runs there are.
        commands: Vec<String>,
        /// Runs whose head is lost.
        headless: usize,
    },
    #[error("the exploration holds no problem: it was stopped before the first one began")]
    Empty,
    #[error(
        "the logs hold explorations that do not belong together: {one} and {other}; give those of \
         one exploration only"
    )]
    MixedRuns { one: String, other: String },
    #[error("the forest is of another pool: {what}; explore with this pool, or name the forest's")]
    OtherPool { what: String },
    #[error(
        "problem `{problem}`: the decision after step {step} has no usable propensities ({why}): a \
         policy can only learn from decisions whose probabilities are known"
    )]
    NoPropensities {
        problem: String,
        step: String,
        why: String,
    },
    #[error(
        "the forest has no reference run: nobody knows what the large model alone answers; explore \
         with `--references 4` or more"
    )]
    NoReference,
    #[error(
        "none of the {problems} problems of the exploration is whole: `{problem}` {why}; go on \
         with it by `pointsman explore --resume`"
    )]
    NothingWhole {
        problems: usize,
        problem: String,
        why: String,
    },
    #[error(
        "none of the {problems} problems falls into the {split} split (60 % train, 20 % \
         calibration, 20 % test, by a hash of the question): explore more problems"
    )]
    EmptySplit { split: Split, problems: usize },
    #[error("the exploration split its problems by another rule ({found}): explore anew")]
    OtherSplits { found: String },
}

impl ForestError {
    /// What kind of failure it is, for the exit code.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Log(error) => error.category(),
            _ => ErrorCategory::BadData,
        }
    }
}

fn no_forest(commands: &[String], headless: usize) -> String {
    match (commands.first(), headless) {
        (Some(command), _) => format!("no forest in the log: its run is by `{command}`"),
        (None, 0) => "no forest in the log: it holds no run".to_owned(),
        (None, _) => "no forest in the log: the head of its run is lost".to_owned(),
    }
}

/// A run in a few words.
pub(super) fn described(run: &RunRecord) -> String {
    format!(
        "`{}` (seed {}, temperature {})",
        run.router.spec, run.seed, run.sampling.temperature
    )
}

/// What differs first between the pool of a forest and the one wanted.
pub(super) fn other_pool(forest: &[ModelFacts], wanted: &[ModelFacts]) -> ForestError {
    let names = |pool: &[ModelFacts]| {
        let names: Vec<&str> = pool.iter().map(|model| model.name.as_str()).collect();
        names.join(", ")
    };
    let described = forest.iter().zip(wanted).find(|(a, b)| a != b);
    let what = match described {
        Some((a, b)) if a.name == b.name && forest.len() == wanted.len() => {
            format!("model `{}` is described otherwise", a.name)
        }
        _ => format!("its models are {}, not {}", names(forest), names(wanted)),
    };
    ForestError::OtherPool { what }
}
