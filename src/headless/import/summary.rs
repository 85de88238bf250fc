//! What an import came to.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};
use crate::problem::answer::Verdict;
use crate::trace::record::Record;

use super::runs::Source;

/// Damaged rows that are named.
const MOST_NAMED: usize = 20;
/// Of these, those of which the screen is told while the files are read.
const MOST_TOLD: usize = 5;

/// Counts over all files.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub log: String,
    pub files: Vec<FileSummary>,
    pub runs: usize,
    pub trajectories: usize,
    /// Rejected drafts and other branches included.
    pub steps: usize,
    pub scores: usize,
    pub decisions: usize,
    pub labels: usize,
    pub correct: usize,
    pub wrong: usize,
    pub ungraded: usize,
    /// Trajectories that did not come to an end.
    pub unfinished: usize,
    /// Remarks about single trajectories, which are in the log.
    pub remarks: usize,
    /// What the sources do not hold.
    pub not_held: Vec<String>,
    /// Rows that could not be read and were left out.
    pub damaged_rows: usize,
    /// The first of them.
    pub damaged: Vec<String>,
    /// Files that could not be read, or not to their end.
    pub refused: usize,
}

/// What one file came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileSummary {
    pub file: String,
    pub format: String,
    /// Whether the format was guessed.
    pub guessed: bool,
    pub trajectories: usize,
    pub damaged_rows: usize,
}

impl Summary {
    pub(super) fn new(log: &Path) -> Self {
        Self {
            log: log.display().to_string(),
            ..Self::default()
        }
    }

    /// Begins a file.
    pub(super) fn begin(&mut self, source: &Source) {
        self.files.push(FileSummary {
            file: source.path.display().to_string(),
            format: source.format.name().to_owned(),
            guessed: source.guessed,
            trajectories: 0,
            damaged_rows: 0,
        });
    }

    /// Counts the records of a trajectory.
    pub(super) fn add(&mut self, records: &[Record]) {
        self.trajectories += 1;
        if let Some(file) = self.files.last_mut() {
            file.trajectories += 1;
        }
        let mut finished = false;
        for record in records {
            match record {
                Record::Step(_) => self.steps += 1,
                Record::Score(_) => self.scores += 1,
                Record::Decision(_) => self.decisions += 1,
                Record::Label(_) => self.labels += 1,
                Record::Note(note) => self.remarks += usize::from(note.problem.is_some()),
                Record::Outcome(outcome) => {
                    finished = true;
                    match outcome.verdict {
                        Verdict::Correct => self.correct += 1,
                        Verdict::Wrong => self.wrong += 1,
                        Verdict::Ungraded => self.ungraded += 1,
                    }
                }
                Record::Run(_) | Record::Problem(_) => {}
            }
        }
        self.unfinished += usize::from(!finished);
    }

    pub(super) fn lacks(&mut self, not_held: &[String]) {
        for what in not_held {
            if !self.not_held.contains(what) {
                self.not_held.push(what.clone());
            }
        }
    }

    /// Counts a damaged row; whether it is to be told at once.
    pub(super) fn damaged(&mut self, told: &str) -> bool {
        self.damaged_rows += 1;
        if let Some(file) = self.files.last_mut() {
            file.damaged_rows += 1;
        }
        if self.damaged.len() < MOST_NAMED {
            self.damaged.push(told.to_owned());
        }
        self.damaged_rows <= MOST_TOLD
    }

    /// The failure that damaged rows are.
    pub(super) fn failure(&self) -> Option<Failure> {
        let first = self.damaged.first()?;
        let message = match self.damaged_rows {
            1 => format!("one row could not be read and was left out: {first}"),
            rows => format!("{rows} rows could not be read and were left out, the first: {first}"),
        };
        Some(Failure::new(Exit::BadData, message))
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let _ = writeln!(
            text,
            "{}: {} with {} in {}",
            self.log,
            match self.trajectories {
                1 => "1 trajectory".to_owned(),
                count => format!("{count} trajectories"),
            },
            counted(self.steps, "step"),
            counted(self.runs, "run"),
        );
        let _ = writeln!(
            text,
            "correct {}, wrong {}, ungraded {}, unfinished {}; {}, {}, {}",
            self.correct,
            self.wrong,
            self.ungraded,
            self.unfinished,
            counted(self.decisions, "decision"),
            counted(self.scores, "score"),
            counted(self.labels, "label"),
        );
        if !self.not_held.is_empty() {
            let _ = writeln!(text, "not in the source: {}", self.not_held.join(", "));
        }
        if self.remarks > 0 {
            let remarks = counted(self.remarks, "remark");
            let _ = writeln!(
                text,
                "{remarks} about single trajectories, in the log's notes"
            );
        }
        if self.damaged_rows > 0 {
            let rows = counted(self.damaged_rows, "row");
            let _ = writeln!(text, "left out: {rows} that could not be read");
            for damaged in &self.damaged {
                let _ = writeln!(text, "  {damaged}");
            }
        }
        if self.refused > 0 {
            let files = counted(self.refused, "file");
            let _ = writeln!(text, "not read, or not to the end: {files}");
        }
        plain(&text).into_owned()
    }
}
