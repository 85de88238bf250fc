//! The texts of a trajectory without the rest of its records: a step's tokens
//! are most of it, and take most of the time to read.

use std::fs::File;

use serde::Deserialize;

use super::file::read_lines;
use super::{Kind, Log, LogError};

/// The text of a step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StepText {
    pub id: String,
    pub text: String,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
}

impl Log {
    /// The question of a trajectory (`None` where its record is missing) and
    /// the texts of its steps in log order, drafts and branches included. A
    /// record that is no such thing has none.
    ///
    /// # Errors
    /// As [`Log::load_trajectory`].
    pub fn texts(
        &self,
        run: &str,
        problem: &str,
    ) -> Result<(Option<String>, Vec<StepText>), LogError> {
        let trajectory = self.known(run, problem)?;
        let mut question = None;
        let mut steps = Vec::new();
        let mut open: Option<(u16, File)> = None;
        let mut bytes = Vec::new();
        let wanted = |kind: Kind| matches!(kind, Kind::Problem | Kind::Step);
        for entry in trajectory.entries.iter().filter(|entry| wanted(entry.kind)) {
            let log_file = &self.files[usize::from(entry.file)];
            let file = match open {
                Some((place, ref mut file)) if place == entry.file => file,
                _ => &mut open.insert((entry.file, log_file.open()?)).1,
            };
            read_lines(file, entry, &mut bytes)
                .map_err(|source| LogError::io(log_file.path(), "read", source))?;
            let line = bytes.trim_ascii();
            match entry.kind {
                Kind::Problem => {
                    let read = serde_json::from_slice::<Asked>(line).ok();
                    question = read.map(|read| read.question).or(question);
                }
                _ => steps.extend(serde_json::from_slice::<StepText>(line).ok()),
            }
        }
        Ok((question, steps))
    }
}
