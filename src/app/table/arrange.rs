//! From the survey to the rows of the table.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::expr::Expr;
use crate::survey::{Answer, Name, Survey};

use super::{Row, Table, Tally};

impl Table {
    /// Makes the rows; the cursor stays on its trajectory where it is shown.
    pub(super) fn arrange(&mut self, survey: &Survey) {
        let selected = self.selected();
        self.order = self.chosen(survey);
        self.sort(survey);
        let problems = self.order.iter().map(|&place| problem_of(survey, place));
        self.repeats = problems.collect::<HashSet<Name>>().len() < self.order.len();
        if self.fold && self.repeats {
            self.order = together(std::mem::take(&mut self.order), survey);
        }
        self.tally = tally(survey, &self.order);
        self.rows = Vec::new();
        match self.group.clone().and_then(|group| survey.ask(&group).ok()) {
            None => {
                let all = 0..self.order.len();
                self.add_problems(survey, all, "");
            }
            Some(group) => {
                let value = |place: &u32| group.value(survey, *place as usize);
                let mut keyed: Vec<(Answer, u32)> = self
                    .order
                    .iter()
                    .map(|place| (value(place), *place))
                    .collect();
                // Stable: within a group they stay as they are sorted.
                keyed.sort_by(|a, b| a.0.order(&b.0));
                self.order = keyed.iter().map(|(_, place)| *place).collect();
                let mut start = 0;
                for group in keyed.chunk_by(|a, b| a.0 == b.0) {
                    let members = start..start + group.len();
                    start = members.end;
                    self.add_group(survey, group[0].0.to_string(), members);
                }
            }
        }
        self.cursor = selected
            .and_then(|place| self.row_of(place))
            .unwrap_or(self.cursor)
            .min(self.rows.len().saturating_sub(1));
    }

    /// The row that shows a trajectory, or the one it is folded into.
    pub(in crate::app) fn row_of(&self, place: usize) -> Option<usize> {
        let at = self
            .order
            .iter()
            .position(|&known| known as usize == place)?;
        let holds = |row: &Row| match row {
            Row::Group { members, .. } | Row::Problem { members, .. } => members.contains(&at),
            Row::Trajectory { at: of, .. } => *of == at,
        };
        // The innermost one that shows it.
        self.rows.iter().rposition(holds)
    }

    fn chosen(&self, survey: &Survey) -> Vec<u32> {
        let asked = self
            .filter
            .as_ref()
            .and_then(|filter| survey.ask(filter).ok());
        let trajectories = (0_u32..).zip(survey.trajectories());
        let of_run = trajectories.filter(|(_, found)| self.run.is_none_or(|run| run == found.run));
        let all = of_run.map(|(place, _)| place);
        match asked {
            None => all.collect(),
            Some(asked) => all
                .filter(|&place| asked.holds(survey, place as usize))
                .collect(),
        }
    }

    fn sort(&mut self, survey: &Survey) {
        let Some(sort) = self.sort.as_ref().and_then(|sort| survey.ask(sort).ok()) else {
            return;
        };
        let value = |place: u32| (sort.value(survey, place as usize), place);
        let mut keyed: Vec<(Answer, u32)> = self.order.iter().copied().map(value).collect();
        keyed.sort_by(|a, b| a.0.order(&b.0));
        self.order = keyed.into_iter().map(|(_, place)| place).collect();
    }

    fn add_group(&mut self, survey: &Survey, value: String, members: Range<usize>) {
        let open = self.open_groups.contains(&value);
        self.rows.push(Row::Group {
            tally: tally(survey, &self.order[members.clone()]),
            members: members.clone(),
            open,
            value: value.clone(),
        });
        if open {
            self.add_problems(survey, members, &value);
        }
    }

    /// Rows for the trajectories at `members` of the order.
    fn add_problems(&mut self, survey: &Survey, members: Range<usize>, group: &str) {
        let mut at = members.start;
        while at < members.end {
            let problem = problem_of(survey, self.order[at]);
            let rest = &self.order[at..members.end];
            let same = rest
                .iter()
                .take_while(|&&place| problem_of(survey, place) == problem);
            let repeats = if self.fold { same.count() } else { 1 };
            let several = at..at + repeats;
            if repeats == 1 {
                self.rows.push(Row::Trajectory { at, nested: false });
            } else {
                let open = self.open_problems.contains(&(group.to_owned(), problem));
                self.rows.push(Row::Problem {
                    tally: tally(survey, &self.order[several.clone()]),
                    members: several.clone(),
                    open,
                });
                if open {
                    let nested = several.map(|at| Row::Trajectory { at, nested: true });
                    self.rows.extend(nested);
                }
            }
            at += repeats;
        }
    }

    /// Opens or closes the row of the cursor; false where it is of one
    /// trajectory.
    pub(super) fn toggle(&mut self, survey: &Survey) -> bool {
        let Some(row) = self.rows.get(self.cursor) else {
            return true;
        };
        match row {
            Row::Trajectory { .. } => return false,
            Row::Group { value, open, .. } => match open {
                true => drop(self.open_groups.remove(value)),
                false => drop(self.open_groups.insert(value.clone())),
            },
            Row::Problem { members, open, .. } => {
                let group = self.rows[..self.cursor]
                    .iter()
                    .rev()
                    .find_map(|row| match row {
                        Row::Group { value, .. } => Some(value.clone()),
                        _ => None,
                    });
                let problem = problem_of(survey, self.order[members.start]);
                let key = (group.unwrap_or_default(), problem);
                match open {
                    true => drop(self.open_problems.remove(&key)),
                    false => drop(self.open_problems.insert(key)),
                }
            }
        }
        let cursor = self.cursor;
        self.arrange(survey);
        self.cursor = cursor.min(self.rows.len().saturating_sub(1));
        true
    }

    /// Whether a condition can be asked of a survey: it holds no texts.
    pub(super) fn refuses(expr: &Expr) -> Option<&'static str> {
        expr.reads_texts().then_some(
            "texts of steps and questions are not held for the table: `replay --filter` reads them",
        )
    }
}

fn problem_of(survey: &Survey, place: u32) -> Name {
    survey.trajectories()[place as usize].problem
}

fn tally(survey: &Survey, places: &[u32]) -> Tally {
    Tally::of(survey, places.iter().map(|&place| place as usize))
}

/// Trajectories of one problem side by side, where its first one stands.
fn together(order: Vec<u32>, survey: &Survey) -> Vec<u32> {
    let mut ranks: HashMap<Name, usize> = HashMap::new();
    let mut keyed: Vec<(usize, u32)> = Vec::with_capacity(order.len());
    for place in order {
        let next = ranks.len();
        let rank = *ranks.entry(problem_of(survey, place)).or_insert(next);
        keyed.push((rank, place));
    }
    keyed.sort_by_key(|(rank, _)| *rank);
    keyed.into_iter().map(|(_, place)| place).collect()
}
