//! The table of all trajectories: filtered, sorted and grouped by expressions,
//! repeats of a problem folded into one row.

mod act;
mod arrange;
mod runs;
mod tally;
mod texts;

use std::collections::HashSet;
use std::ops::Range;

use crate::expr::Expr;
use crate::survey::{Name, Survey};

pub(super) use act::{act, back, next_problem, read_on, vertical};
pub use runs::{RunRow, Runs};
pub use tally::Tally;
pub use texts::{TextsOf, TextsRead, TextsWanted};

use texts::Answers;

/// What an expression in a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Filter,
    Sort,
    Group,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Filter, Self::Sort, Self::Group];

    /// Its place among them.
    fn place(self) -> usize {
        self as usize
    }

    /// In the title of its field.
    pub fn title(self) -> &'static str {
        match self {
            Self::Filter => "Only trajectories with",
            Self::Sort => "Sort by (-x for the greatest first)",
            Self::Group => "Group by",
        }
    }
}

/// A row, by its places in [`Table::order`].
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// All that have a value in common.
    Group {
        /// The value in words, unlike those of other groups.
        value: String,
        members: Range<usize>,
        tally: Tally,
        open: bool,
    },
    /// Several trajectories of one problem.
    Problem {
        members: Range<usize>,
        tally: Tally,
        open: bool,
    },
    /// One trajectory; `nested` under the problem it repeats.
    Trajectory { at: usize, nested: bool },
}

impl Row {
    /// The place in [`Table::order`] of the first trajectory of the row.
    pub fn first(&self) -> usize {
        match self {
            Self::Group { members, .. } | Self::Problem { members, .. } => members.start,
            Self::Trajectory { at, .. } => *at,
        }
    }
}

/// The table and how it is arranged.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub filter: Option<Expr>,
    pub sort: Option<Expr>,
    pub group: Option<Expr>,
    /// The filter that held before, offered again.
    removed: Option<String>,
    /// Only this run, by its place.
    pub run: Option<u32>,
    /// Whether repeats of a problem share a row.
    pub fold: bool,
    /// Places in the survey of those that are shown.
    pub order: Vec<u32>,
    pub rows: Vec<Row>,
    /// The row of the cursor.
    pub cursor: usize,
    /// Of everything shown.
    pub tally: Tally,
    /// Whether a problem is shown more than once.
    repeats: bool,
    open_groups: HashSet<String>,
    /// A problem may be in several groups.
    open_problems: HashSet<(String, Name)>,
    /// How much of the survey the rows are made of; `None` where they are of
    /// another arrangement.
    made_of: Option<usize>,
    /// What expressions over texts come to.
    answers: Answers,
    /// Trajectories among those shown that were done again.
    superseded: usize,
    /// Whether failures have been worked out.
    knows_failures: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            filter: None,
            sort: None,
            group: None,
            removed: None,
            run: None,
            fold: true,
            order: Vec::new(),
            rows: Vec::new(),
            cursor: 0,
            tally: Tally::default(),
            repeats: false,
            open_groups: HashSet::new(),
            open_problems: HashSet::new(),
            made_of: None,
            answers: Answers::default(),
            superseded: 0,
            knows_failures: false,
        }
    }
}

impl Table {
    /// The expression for a use.
    pub fn expression(&self, of: Use) -> Option<&Expr> {
        match of {
            Use::Filter => self.filter.as_ref(),
            Use::Sort => self.sort.as_ref(),
            Use::Group => self.group.as_ref(),
        }
    }

    /// Whether a problem is shown more than once: an interval over
    /// trajectories would be too narrow.
    pub fn has_repeats(&self) -> bool {
        self.repeats
    }

    /// Trajectories among those shown in whose place another one counts: their
    /// run was done again.
    pub fn superseded(&self) -> usize {
        self.superseded
    }

    /// Failures have been worked out: what has none is right or unfinished.
    pub fn know_failures(&mut self) {
        self.knows_failures = true;
    }

    fn set(&mut self, of: Use, expr: Option<Expr>) {
        self.answers.forget(of);
        match of {
            Use::Filter => {
                let held = std::mem::replace(&mut self.filter, expr);
                self.removed = held.map(|expr| expr.text().to_owned());
            }
            Use::Sort => self.sort = expr,
            Use::Group => {
                self.group = expr;
                self.open_groups.clear();
            }
        }
        self.made_of = None;
        // Another arrangement is looked at from its beginning.
        self.order.clear();
        self.cursor = 0;
    }

    /// What decisions lost is known: the survey says more than the rows were
    /// made of.
    pub(super) fn regretted(&mut self) {
        self.forget_regrets();
        self.know_failures();
        self.made_of = None;
    }

    /// Shows the trajectories of one run only, by its place, or of all.
    pub(super) fn show_run(&mut self, run: Option<u32>) {
        self.run = run;
        self.made_of = None;
        self.answers.look_again();
    }

    /// The place in the survey of the trajectory under the cursor, the first
    /// one where the row is of several.
    pub fn selected(&self) -> Option<usize> {
        let row = self.rows.get(self.cursor)?;
        self.order.get(row.first()).map(|&place| place as usize)
    }

    /// Makes the rows of what the survey holds now. While a log is read they
    /// are made anew when a tenth has come, so that reading goes on.
    pub fn refresh(&mut self, survey: &Survey, reading: bool) {
        let facts = survey.facts();
        let is_due = match self.made_of {
            None => true,
            Some(made_of) if reading => facts > made_of + made_of / 10,
            Some(made_of) => facts != made_of,
        };
        if is_due {
            self.made_of = Some(facts);
            self.arrange(survey);
        }
    }
}

#[cfg(test)]
mod tests;
