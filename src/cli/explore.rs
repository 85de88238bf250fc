//! `explore`: a forest a problem.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::headless::Failure;
use crate::headless::explore::{ExploreOptions, explore};
use crate::headless::launch::Exploration;
use crate::headless::plain::plain;
use crate::problem::shard::Shard;
use crate::session::forest::Shape;

use super::options::{RunArgs, at_least_one, tell_of_array};

/// Grow a forest a problem, to train policies on
///
/// First the reference run: N independent answers by the large model alone,
/// from which the A/A floor is estimated. It says how often the large model,
/// run again, misses a problem that it got right: no router can promise less.
///
/// Then the forest: an exploration policy (any model with probability epsilon,
/// else the router's) walks from the question to an end, again and again. Each
/// prefix it comes to is continued by every model. Once the budget is needed
/// to finish what the walks left open, that is finished by the models drawn,
/// so that every leaf has an outcome. Every decision is logged with the
/// probabilities it was drawn with; problems of the embedded language also
/// with the exact verdict on each step.
///
/// Answers are graded by rules; `regrade` asks a model about the rest, and by
/// `--verify` about the steps.
///
/// What it will take is told first, and on a terminal asked about. Nothing is
/// paid for twice: `--resume` makes the calls that are missing in the log, and
/// gives the forest that an uninterrupted run would have given.
///
/// Problems are split into train (60 %), calibration (20 %) and test (20 %) by
/// a hash of the question.
///
/// With `--shard I/N` one of N jobs grows its part of the forests, by a hash of
/// the problems' ids and after `--limit`, into a log of its own; `train
/// --forest` reads them as one.
///
/// Exit code 3: an endpoint failed; what was done is kept.
#[derive(Debug, Clone, Args)]
pub(super) struct ExploreArgs {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    grow: GrowArgs,
    /// Only one part of the problems, e.g. 2/4 for the second of four
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Log of the exploration
    #[arg(long, value_name = "FILE", required = true)]
    log: PathBuf,
    /// Go on with the exploration in the log
    #[arg(long)]
    resume: bool,
    /// Begin without asking
    #[arg(long, short)]
    yes: bool,
    /// Only say what it would take: no call is made
    #[arg(long)]
    dry_run: bool,
    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

/// How large a forest is to be, and how it grows.
#[derive(Debug, Clone, Args)]
pub(super) struct GrowArgs {
    /// Only the first N problems
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Answers of the large model alone a problem, 4 or more
    #[arg(long, value_name = "N", default_value_t = Shape::default().references)]
    references: u32,
    /// Continuations per model and visited prefix
    #[arg(long, value_name = "N", default_value_t = Shape::default().branches,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    branches: u32,
    /// Calls a problem beside the reference run, about
    #[arg(long, value_name = "N", default_value_t = Shape::default().max_nodes,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_nodes: u32,
    /// Probability of drawing any model instead of asking the router
    #[arg(
        long,
        value_name = "E",
        default_value_t = 0.5,
        allow_negative_numbers = true
    )]
    epsilon: f64,
    /// Most problems in flight
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = at_least_one)]
    concurrency: usize,
}

impl GrowArgs {
    /// Grows a forest by these arguments.
    pub fn options(&self, run: &RunArgs, log: PathBuf) -> ExploreOptions {
        ExploreOptions {
            launch: run.options("explore", "explore".to_owned(), self.limit),
            exploration: Exploration {
                epsilon: self.epsilon,
                shape: Shape {
                    references: self.references,
                    branches: self.branches,
                    max_nodes: self.max_nodes,
                },
            },
            log,
            resume: false,
            only_held: false,
            for_training: false,
            concurrency: self.concurrency,
            yes: false,
            dry_run: false,
            quiet: false,
        }
    }
}

pub(super) fn run(args: &ExploreArgs) -> Result<(), Failure> {
    tell_of_array(args.shard, args.quiet);
    let mut options = args.grow.options(&args.run, args.log.clone());
    options.launch.shard = args.shard;
    let explored = explore(&ExploreOptions {
        resume: args.resume,
        yes: args.yes,
        dry_run: args.dry_run,
        quiet: args.quiet,
        ..options
    })?;
    let text = if args.json {
        let both = json!({ "estimate": explored.estimate, "report": explored.report });
        super::document(&both, "the result")?
    } else {
        let text = match &explored.report {
            Some(report) => report.to_text(),
            None => format!("{}\n", explored.estimate.to_text()),
        };
        plain(&text).into_owned()
    };
    super::print(&text)?;
    // What was done is printed; how it ended is the exit code.
    explored.failure.map_or(Ok(()), Err)
}
