//! `calibrate`: thresholds without training.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::headless::Failure;
use crate::headless::calibrate::{CalibrateOptions, calibrate};

/// Set a threshold from what was measured, without training
#[derive(Debug, Clone, Args)]
pub(super) struct CalibrateArgs {
    #[command(subcommand)]
    command: CalibrateCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum CalibrateCommand {
    /// Set κ of a trained policy for another alpha
    ///
    /// From the scores that were kept with the policy: one for each problem of
    /// the calibration split, the largest κ up to which no threshold misses a
    /// step judged wrong. The guarantee is printed; an alpha that so few
    /// problems cannot support is refused.
    Policy(PolicyArgs),
}

#[derive(Debug, Clone, Args)]
struct PolicyArgs {
    /// Folder of the policy [default: the one that ships with the program]
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Tolerated probability of a miss
    #[arg(long, value_name = "A", allow_negative_numbers = true, required = true)]
    alpha: f64,
    /// New folder for the policy with this κ; without one it is only told
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    let CalibrateCommand::Policy(args) = &args.command;
    let found = calibrate(&CalibrateOptions {
        policy: args.policy.clone(),
        alpha: args.alpha,
        out: args.out.clone(),
    })?;
    let text = match args.json {
        true => super::document(&found, "the result")?,
        false => found.to_text(),
    };
    super::print(&text)
}
