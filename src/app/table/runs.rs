//! One row for each run of the log.

use crate::survey::Survey;

use super::Tally;

/// A run and what its trajectories came to.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its place in the survey.
    pub run: u32,
    pub tally: Tally,
    /// Trajectories of it in whose place one of a later run counts.
    pub superseded: usize,
}

/// The table of runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Runs {
    pub rows: Vec<RunRow>,
    pub cursor: usize,
    made_of: Option<usize>,
}

impl Runs {
    /// Makes the rows of what the survey holds now; while a log is read, when a
    /// tenth has come.
    pub fn refresh(&mut self, survey: &Survey, reading: bool) {
        let facts = survey.facts();
        let is_due = match self.made_of {
            Some(made_of) if reading => facts > made_of + made_of / 10,
            made_of => made_of != Some(facts),
        };
        if !is_due {
            return;
        }
        self.made_of = Some(facts);
        let runs = (0_u32..).zip(survey.runs());
        self.rows = runs
            .map(|(run, _)| RunRow {
                run,
                tally: Tally::default(),
                superseded: 0,
            })
            .collect();
        let superseded = survey.superseded();
        for (place, trajectory) in survey.trajectories().iter().enumerate() {
            let row = &mut self.rows[trajectory.run as usize];
            row.tally.add(&survey.view(place));
            row.superseded += usize::from(superseded.contains(&place));
        }
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
    }
}
