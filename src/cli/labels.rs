//! `labels`: what people said of the steps in logs.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::headless::labels::export::{Form, export};
use crate::headless::labels::{Labelled, Report, ValueProfile};
use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};

/// Sum up the labels that people gave, and how far they agree
///
/// Counts what each person said of the steps, and how long it took. For every
/// two people, and for people against the process-reward model, the verifier,
/// the checker and the value profile, it gives Cohen's kappa with an interval:
/// over steps (right or wrong; neutral ones are left out, a score below 0.5 is
/// wrong) and over trajectories (the same first error, or that there is none).
/// Kappa is not defined where both say one and the same of everything.
///
/// The value profile says what became of the steps: one is right while at least
/// half of what the log holds behind it came out right (a forest, other runs,
/// branches), and the first error is the step from which on next to nothing did.
/// Where a log holds only one way on, it says nothing.
///
/// Labels are read from the logs and from the files beside them
/// (LOG.labels.jsonl), which `pointsman replay` and `inspect` write (`A`).
///
/// `--export` writes them as rows of a data set: `prm800k` (JSON lines, one for
/// each trajectory and person) or `process-bench` (a JSON array; trajectories of
/// which people disagree are left out).
#[derive(Debug, Clone, Args)]
pub(super) struct LabelsArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// File with the labels, in place of those beside the logs
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Only the labels of this person
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Write the labels to a new file as prm800k or process-bench
    #[arg(long, num_args = 2, value_names = ["FORM", "FILE"])]
    export: Option<Vec<String>>,
    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
}

/// Refuses a file of labels that is not there.
pub(super) fn must_be_there(labels: Option<&Path>) -> Result<(), Failure> {
    match labels.filter(|path| !path.is_file()) {
        Some(missing) => {
            let message = format!("{}: no such file of labels", missing.display());
            Err(Failure::usage(message))
        }
        None => Ok(()),
    }
}

pub(super) fn run(args: &LabelsArgs) -> Result<(), Failure> {
    let labels = args.labels.as_deref();
    must_be_there(labels)?;
    let form = match args.export.as_deref() {
        Some([form, path]) => {
            let parsed = form.parse::<Form>();
            let form = parsed.map_err(|error| Failure::usage(format!("--export: {error}")))?;
            Some((form, Path::new(path)))
        }
        _ => None,
    };
    let (log, survey) = super::replay::open_labelled(&args.logs, labels, None, u64::MAX)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    let labelled = Labelled::read(&log)?;
    for damage in &labelled.damages {
        super::say(&format!("warning: {damage}\n"));
    }
    if labelled.labels().next().is_none() {
        let message = "nobody labelled a step of these logs";
        return Err(
            Failure::new(Exit::Failed, message).hint("`pointsman replay LOG` and `A` give labels")
        );
    }
    let who = args.who.as_deref();
    let people = labelled.people();
    if let Some(unknown) = who.filter(|who| !people.contains(who)) {
        return Err(Failure::usage(format!("no label is by `{unknown}`"))
            .hint(format!("labels are by {}", people.join(", "))));
    }
    if let Some((form, path)) = form {
        let done = export(&labelled, form, path, who)?;
        return match args.json {
            true => super::print(&super::document(&done, "what was exported")?),
            false => super::print(&done.to_text()),
        };
    }
    let profile = ValueProfile::of(&survey, &labelled, &crate::tui::sessions::build);
    let report = Report::of(&labelled, who, vec![Box::new(profile)]);
    match args.json {
        true => super::print(&super::document(&report, "the labels")?),
        false => super::print(&plain(&report.to_text())),
    }
}
