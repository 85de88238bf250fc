//! `solve`: a whole data set without a screen.

use std::path::PathBuf;

use clap::Args;

use crate::headless::plain::plain;
use crate::headless::solve::{SolveOptions, solve};
use crate::headless::{Failure, Grader, Options};
use crate::model::scorer::GradeMode;
use crate::problem::shard::Shard;

use super::options::{RunArgs, at_least_one, tell_of_array};

/// Route a whole data set and log it
///
/// Routes every problem of a data set to the end of its trajectory and keeps
/// each step in the log before the next begins.
///
/// The summary counts the whole run from its log. `accuracy` is correct /
/// (correct + wrong) with its 95 % Wilson interval; ungraded problems (no gold
/// answer, an answer that cannot be judged, an endpoint that failed) are
/// counted apart, and `accuracy_all` = correct / problems is the lower bound
/// that counts them as wrong. `cost.published` (output tokens of the kept
/// steps, as the papers count) and `cost.full` (everything paid for) are means
/// a problem; `cost.total_…` are their sums. `large_share` is the share of
/// kept steps that the last model of the pool wrote. `truncated` counts
/// trajectories that were cut off, `length_ended_steps` single steps cut off
/// at their token limit.
///
/// `reported` is what the vendor says that a model's calls cost, beside what the
/// pool's `price` gives for them, for models all of whose calls it said it of;
/// more than 1 % apart is warned of.
///
/// With `--grader llm` or `rules-then-llm` the pool's `[grader]` (its last model
/// where there is none) is asked too; what that costs is in the full cost.
/// Where it fails the rules' outcome stands and `grader_failed` counts it.
///
/// With `--shard I/N` one of N jobs routes its part of the problems, by a hash
/// of their ids, into a log of its own; `--limit` and `--problem` choose first.
/// The summary is of that part alone. Shards share the key of the run, so that
/// `eval`, `train` and the others read their logs as one.
///
/// Where an endpoint failed, the summary is printed all the same and the exit
/// code is 3; `--resume` tries those problems again.
#[derive(Debug, Clone, Args)]
pub(super) struct SolveArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Only the first N problems
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// Only one part of these problems, e.g. 2/4 for the second of four
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Who grades: rules, llm, or rules-then-llm (the model where the rules
    /// have no verdict) [default: as the pool says]
    #[arg(long, value_name = "MODE")]
    grader: Option<GradeMode>,
    /// Most problems in flight
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    concurrency: usize,
    /// Log of the run
    #[arg(long, value_name = "FILE", required = true)]
    log: PathBuf,
    /// Go on with the run in the log: finished problems are skipped
    #[arg(long)]
    resume: bool,
    /// Print the summary as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &SolveArgs) -> Result<(), Failure> {
    tell_of_array(args.shard, args.quiet);
    let solved = solve(&SolveOptions {
        launch: Options {
            grader: args.grader.map_or(Grader::Pool, Grader::Mode),
            shard: args.shard,
            ..args.run.options("solve", "solve".to_owned(), args.limit)
        },
        log: args.log.clone(),
        resume: args.resume,
        concurrency: args.concurrency,
        quiet: args.quiet,
    })?;
    let text = if args.json {
        super::document(&solved.summary, "the summary")?
    } else {
        plain(&solved.summary.to_text()).into_owned()
    };
    super::print(&text)?;
    // What was done is printed; how it ended is the exit code.
    let failure = solved.stopped.or_else(|| solved.summary.failure());
    failure.map_or(Ok(()), Err)
}
