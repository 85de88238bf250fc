//! `replay`: recorded trajectories, tape only.

use std::path::PathBuf;

use clap::Args;

use crate::headless::{Exit, Failure};
use crate::trace::Log;

#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Begin at the problem of this id
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
}

pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let log = Log::open(&args.logs)?;
    if log.trajectories().len() == 0 {
        let damaged = log.damages().count();
        return Err(Failure::new(
            Exit::BadData,
            format!("no trajectory in the log ({damaged} lines could not be read)"),
        )
        .hint("make one by `pointsman solve --log FILE`"));
    }
    if let Some(id) = &args.problem
        && !log.trajectories().any(|found| found.problem == id)
    {
        let failure = Failure::usage(format!("no problem `{id}` in the log"));
        return Err(match log.trajectories().next() {
            Some(first) => failure.hint(format!("ids look like `{}`", first.problem)),
            None => failure,
        });
    }
    super::needs_terminal("replay")?;
    open(log, args.problem.as_deref())
}

/// Hands the log to the screen.
fn open(_log: Log, _problem: Option<&str>) -> Result<(), Failure> {
    Err(Failure::new(
        Exit::Failed,
        "the inspector is not part of this build",
    ))
}
