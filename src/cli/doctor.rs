//! `doctor`: what a pool can do, and whether this machine is fit for the
//! program.

mod checks;
mod files;
mod pool;
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::config::Flags;
use crate::headless::Failure;
use crate::headless::doctor::{Check, Report, Status, examine, shipped};
use crate::headless::plain::plain;

use super::screen;

/// Probe a pool's endpoints, or look at this machine
///
/// With `--pool` every endpoint of the file is asked what it can do, all at
/// the same time: how it goes on from a partial answer, what it tells of its
/// tokens, whether it names the stop and counts cached tokens. The table after
/// it says which routers that allows, and for each other one which flag,
/// server or setting would. A run is refused for the same reasons. The few
/// tokens that this takes are in the table and in no log.
///
/// Without `--pool` it looks at the terminal, the configuration, the folders
/// and the models inside the program. With one only the problems among these
/// are told, unless `--all` is given.
///
/// Keys are never shown: of a variable that holds one it is said whether it is
/// set.
///
/// Exit codes: 0; 2 for a pool file that cannot be used; 3 where an endpoint
/// failed (the table is printed all the same); 130 interrupted.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// Pool file whose endpoints are asked
    #[arg(long, value_name = "FILE")]
    pool: Option<PathBuf>,
    /// Seconds an endpoint is given to answer, loading its model included
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// With a pool: tell everything about this machine too
    #[arg(long)]
    all: bool,
    /// Print what was found as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long, short)]
    quiet: bool,
}

/// Everything that was found.
#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    checks: &'a [Check],
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<&'a Report>,
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let report = match &args.pool {
        Some(path) => Some(examine(path, args.timeout, args.quiet)?),
        None => None,
    };
    let mut checks = machine()?;
    if report.is_some() && !args.all {
        checks.retain(|check| check.status == Status::Problem);
    }
    let text = if args.json {
        let document = Document {
            version: env!("CARGO_PKG_VERSION"),
            checks: &checks,
            pool: report.as_ref(),
        };
        super::document(&document, "what was found")?
    } else {
        text(report.as_ref(), &checks)
    };
    super::print(&text)?;
    // What was found is printed; that an endpoint failed is the exit code.
    let failure = report.as_ref().and_then(Report::failure);
    failure.map_or(Ok(()), Err)
}

fn text(report: Option<&Report>, checks: &[Check]) -> String {
    let width = super::columns();
    let parts = report.map(|report| pool::text(report, width));
    let checks = (!checks.is_empty()).then(|| checks::text(checks, width));
    let parts: Vec<String> = parts.into_iter().chain(checks).collect();
    plain(&parts.join("\n")).into_owned()
}

/// Everything about this machine.
fn machine() -> Result<Vec<Check>, Failure> {
    let env = screen::environment();
    let config = screen::configuration(Flags::default());
    let mut checks = files::program();
    checks.extend(terminal::checks(&env, config.as_ref().ok()));
    checks.extend(files::configuration(&env, &config));
    checks.extend(files::folders());
    checks.extend(shipped::check()?);
    Ok(checks)
}

/// A time in seconds above 0.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if limit > Duration::ZERO => Ok(limit),
        _ => Err("a number of seconds above 0".to_owned()),
    }
}
