//! `inspect`: the inspector, live.

use std::path::PathBuf;

use clap::Args;

use crate::headless::{Exit, Failure, Launch};

use super::options::RunArgs;

#[derive(Debug, Clone, Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Log to append to; without it nothing is kept
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

pub(super) fn run(args: &InspectArgs) -> Result<(), Failure> {
    // Wrong files are told before the screen is.
    let mut launch = Launch::prepare(&args.run.options("inspect", who(), None))?;
    super::needs_terminal("inspect")?;
    if let Some(log) = &args.log {
        launch.append_to(log)?;
    }
    open(launch)
}

/// Who is at the keyboard, for the log of overrides.
fn who() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|who| !who.is_empty()))
        .unwrap_or_else(|| "someone".to_owned())
}

/// Hands the run to the screen.
fn open(_launch: Launch) -> Result<(), Failure> {
    Err(Failure::new(
        Exit::Failed,
        "the inspector is not part of this build",
    ))
}
