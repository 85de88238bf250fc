//! `regrade`: recorded trajectories graded again.

use std::path::PathBuf;

use clap::Args;

use crate::headless::Failure;
use crate::headless::regrade::{RegradeOptions, regrade};
use crate::model::scorer::GradeMode;

use super::options::at_least_one;

/// Grade recorded trajectories again, and verify their steps
///
/// Grades every finished trajectory of the logs again and appends an outcome
/// where verdict, answer, rule or grader changed, with what it takes the place
/// of. Nothing is overwritten: the last outcome of a trajectory holds. Run
/// twice, the second time appends nothing.
///
/// Without `--pool` and `--grader` the present rules grade, and a verdict that
/// a model gave stands where the rules have none. With a pool its `[grader]`
/// says who grades; `--grader` overrides it. A model that was asked about a
/// trajectory already (a grader of the same name) is not asked again, unless
/// the call failed. Trajectories that an endpoint's failure ended are left
/// alone.
///
/// `--verify` asks the pool's `[verifier]` (its last model where there is
/// none) about every step that a model wrote and no verifier has judged, and
/// appends its scores.
///
/// Exit code 3: calls failed; what was done is kept, and the same command goes
/// on.
#[derive(Debug, Clone, Args)]
pub(super) struct RegradeArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Pool whose `[grader]` and `[verifier]` are asked
    #[arg(long, value_name = "FILE")]
    pool: Option<PathBuf>,
    /// Who grades: rules, llm, or rules-then-llm [default: as the pool says,
    /// else rules]
    #[arg(long, value_name = "MODE")]
    grader: Option<GradeMode>,
    /// Ask the verifier about the steps it has not judged yet
    #[arg(long)]
    verify: bool,
    /// Most trajectories in flight
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    concurrency: usize,
    /// Only say what would change: append nothing, ask nobody
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &RegradeArgs) -> Result<(), Failure> {
    let done = regrade(&RegradeOptions {
        logs: args.logs.clone(),
        pool: args.pool.clone(),
        grader: args.grader,
        verify: args.verify,
        concurrency: args.concurrency,
        quiet: args.quiet,
        dry_run: args.dry_run,
    })?;
    let text = if args.json {
        super::document(&done.report, "the report")?
    } else {
        done.report.to_text()
    };
    super::print(&text)?;
    // What was done is printed; how it ended is the exit code.
    done.failure.map_or(Ok(()), Err)
}
