//! Labels in the forms of the data sets that others train and test on.

mod prm800k;
mod process_bench;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;

use crate::headless::{Exit, Failure};
use crate::trace::atomic::write_atomically;
use crate::trace::{NodeIndex, Tree};

use super::Labelled;

/// A form of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON line for each trajectory and person.
    Prm800k,
    /// A JSON array with one row for each trajectory.
    ProcessBench,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "prm800k" => Ok(Self::Prm800k),
            "process-bench" => Ok(Self::ProcessBench),
            _ => Err(format!("`{text}` is no form: prm800k or process-bench")),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Exported {
    pub rows: usize,
    /// Trajectories, or labels of a person in one, that make no row, by the
    /// reason.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// Writes labels to a file that is not there yet; with `who` only that person's.
///
/// # Errors
/// The file is there or cannot be written, or there is nothing to write.
pub fn export(
    labelled: &Labelled,
    form: Form,
    path: &Path,
    who: Option<&str>,
) -> Result<Exported, Failure> {
    if path.exists() {
        let message = format!("{}: the file is there already", path.display());
        return Err(Failure::usage(message).hint("name another file, or remove it first"));
    }
    let (text, done) = match form {
        Form::Prm800k => {
            let (rows, done) = prm800k::rows(labelled, who);
            let lines = rows
                .iter()
                .map(|row| Ok(serde_json::to_string(row)? + "\n"));
            (lines.collect::<serde_json::Result<String>>(), done)
        }
        Form::ProcessBench => {
            let (rows, done) = process_bench::rows(labelled, who);
            let text = serde_json::to_string_pretty(&rows).map(|text| text + "\n");
            (text, done)
        }
    };
    if done.rows == 0 {
        let reasons: Vec<String> = done
            .left_out
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let message = match reasons.is_empty() {
            true => "there is no label to export".to_owned(),
            false => format!("no row to export: {}", reasons.join("; ")),
        };
        return Err(Failure::new(Exit::Failed, message));
    }
    let failed = |error: String| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, message)
    };
    let text = text.map_err(|error| failed(error.to_string()))?;
    write_atomically(path, text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    Ok(done)
}

impl Exported {
    fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// In sentences.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} rows\n", self.rows);
        for (reason, count) in &self.left_out {
            text.push_str(&format!("left out: {count} {reason}\n"));
        }
        text
    }
}

/// The question of a trajectory; its id where the record is missing.
fn question(tree: &Tree) -> &str {
    tree.problem()
        .map_or_else(|| tree.problem_id(), |problem| problem.question.as_str())
}

fn texts(tree: &Tree, path: &[NodeIndex]) -> Vec<String> {
    path.iter()
        .map(|&node| tree.node(node).step.text.clone())
        .collect()
}
