//! `import`: results of other tools as a log.

use std::path::PathBuf;

use clap::Args;

use crate::headless::Failure;
use crate::headless::import::{ImportOptions, import};
use crate::trace::import::Format;

/// Make a log of other tools' results
///
/// Reads results of other tools and makes a log of them that `replay`, `show`,
/// `eval` and what-if read:
///
/// inspect: logs of Inspect, `.eval` and `.json`; rsd: JSON lines of
/// reward-guided speculative decoding; spec-reason: `{problem}/{repetition}.txt`
/// of SpecReason (a `.pickle` is never opened); lm-eval: `samples_*.jsonl` of the
/// LM evaluation harness; process-bench and prm800k: solutions with labelled
/// steps.
///
/// What a source does not hold stays unknown and is named: probabilities,
/// tokens, costs and seeds are never made up. Where the rule that routed and its
/// threshold are known, the run has their name (`rsd:delta=0.7`); where one
/// model wrote everything, it is `none:model=NAME`.
///
/// The log is new, and there whole or not at all. A row that cannot be read is
/// told by its line and left out.
///
/// Exit code 4: rows or files could not be read; what could is in the log.
#[derive(Debug, Clone, Args)]
pub(super) struct ImportArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The log to make
    #[arg(long, value_name = "OUT", required = true)]
    log: PathBuf,
    /// What the files are: inspect, rsd, spec-reason, lm-eval, process-bench or
    /// prm800k [default: as each file begins]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Questions and gold answers, for spec-reason: by id, else by row
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,
    /// The threshold that routed: δ for rsd (else as the file's name says), τ
    /// for spec-reason
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Names of the models, cheapest first; for rsd and spec-reason the scorer
    /// may follow
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    models: Vec<String>,
    /// What stands between two steps of a text; `\n` is a new line
    #[arg(long, value_name = "TEXT", default_value = r"\n\n")]
    separator: String,
    /// Most trajectories to import
    #[arg(long, value_name = "N", value_parser = super::options::at_least_one)]
    limit: Option<usize>,
    /// Print what was imported as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let done = import(&ImportOptions {
        files: args.files.clone(),
        format: args.format,
        log: args.log.clone(),
        dataset: args.dataset.clone(),
        threshold: threshold(args.threshold)?,
        models: models(&args.models)?,
        separator: separator(&args.separator)?,
        limit: args.limit,
        quiet: args.quiet,
    })?;
    let text = if args.json {
        super::document(&done.summary, "the summary")?
    } else {
        done.summary.to_text()
    };
    super::print(&text)?;
    // What was imported is printed; what was not is the exit code.
    done.failure.map_or(Ok(()), Err)
}

fn threshold(given: Option<f64>) -> Result<Option<f64>, Failure> {
    match given {
        Some(value) if !value.is_finite() => {
            Err(Failure::usage("`--threshold` must be a finite number"))
        }
        given => Ok(given),
    }
}

fn models(given: &[String]) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = given.iter().map(|name| name.trim().to_owned()).collect();
    // A judge may be one of the two that write.
    let writers = names.get(..2).unwrap_or(&names);
    if names.iter().any(String::is_empty) || (writers.len() == 2 && writers[0] == writers[1]) {
        return Err(Failure::usage(format!(
            "`--models {}`: name every model, each once",
            given.join(",")
        )));
    }
    Ok(names)
}

/// The separator with its escapes.
fn separator(written: &str) -> Result<String, Failure> {
    let text = written
        .replace(r"\n", "\n")
        .replace(r"\t", "\t")
        .replace(r"\r", "\r");
    match text.is_empty() {
        true => Err(Failure::usage("`--separator` is empty")),
        false => Ok(text),
    }
}
