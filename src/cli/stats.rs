//! `stats`: quick sums of a log.

use std::path::PathBuf;

use clap::Args;

use crate::headless::Failure;
use crate::headless::plain::plain;
use crate::headless::stats::Stats;
use crate::trace::side::with_sides;

/// Count what a log holds: runs, steps, tokens, decisions, verdicts, costs
///
/// Everything is counted once, over all logs that are named: runs, problems,
/// trajectories by how they ended, verdicts (ungraded ones are a verdict of
/// their own), steps by model and purpose, drafts, tokens, decisions by the
/// model chosen, scores, both cost ledgers, labels, damaged lines, and from when
/// to when the records are. Labels beside the logs (LOG.labels.jsonl) count.
///
/// Steps, drafts, tokens and decisions are of everything in the log, branches
/// and rollouts included; verdicts and costs are of the main line of every
/// trajectory that came to an end, the last outcome of it. What scorers and
/// failed attempts took is in the full cost alone. Runs that hold the same
/// problem twice are both counted.
///
/// There are no rates, means or comparisons here: `eval` makes those, with
/// their intervals.
///
/// Damaged lines are counted, and are no failure. Exit code 4: there is not a
/// record in the logs.
#[derive(Debug, Clone, Args)]
pub(super) struct StatsArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Print the counts as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatsArgs) -> Result<(), Failure> {
    let stats = Stats::read(&with_sides(&args.logs, None)?)?;
    match args.json {
        true => super::print(&super::document(&stats, "the counts")?),
        false => super::print(&plain(&stats.to_text())),
    }
}
