//! From the survey to the rows of the table.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::expr::Expr;
use crate::survey::{Answer, Asked, Name, Survey};

use super::{Row, Table, Tally, Use};

impl Table {
    /// Makes the rows; the cursor stays on its trajectory where it is shown.
    pub(super) fn arrange(&mut self, survey: &Survey) {
        let selected = self.selected();
        self.order = self.chosen(survey);
        let sorted_by = self.sort(survey);
        let superseded = survey.superseded();
        let is_superseded = |place: &&u32| superseded.contains(&(**place as usize));
        self.superseded = self.order.iter().filter(is_superseded).count();
        let problems = self.order.iter().map(|&place| problem_of(survey, place));
        self.repeats = problems.collect::<HashSet<Name>>().len() < self.order.len();
        let fold = self.fold && self.repeats;
        let put_together = |order: &mut [u32]| {
            if fold {
                together(order, survey, sorted_by.as_deref());
            }
        };
        self.rows = Vec::new();
        match self.group.clone().and_then(|group| survey.ask(&group).ok()) {
            None => {
                put_together(&mut self.order);
                let all = 0..self.order.len();
                (self.tally, _) = tallies(survey, &self.order, &[]);
                self.add_problems(survey, all, "");
            }
            Some(group) => {
                let value = |place: &u32| self.answer(Use::Group, &group, survey, *place);
                let mut keyed: Vec<(Answer, u32)> = self
                    .order
                    .iter()
                    .map(|place| (value(place), *place))
                    .collect();
                // Stable: within a group they stay as they are sorted.
                keyed.sort_by(|a, b| a.0.order(&b.0));
                self.order = keyed.iter().map(|(_, place)| *place).collect();
                let groups: Vec<&[(Answer, u32)]> = keyed.chunk_by(|a, b| a.0 == b.0).collect();
                let values: Vec<&Answer> = groups.iter().map(|group| &group[0].0).collect();
                let names = self.names(&values);
                let mut start = 0;
                let members = groups.iter().map(|group| {
                    let members = start..start + group.len();
                    start = members.end;
                    members
                });
                let members: Vec<Range<usize>> = members.collect();
                for members in &members {
                    put_together(&mut self.order[members.clone()]);
                }
                let (all, tallies) = tallies(survey, &self.order, &members);
                self.tally = all;
                for ((members, tally), name) in members.into_iter().zip(tallies).zip(names) {
                    self.add_group(survey, name, members, tally);
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
        let filter = self.filter.as_ref();
        let asked = filter.and_then(|filter| survey.ask(filter).ok());
        let trajectories = (0_u32..).zip(survey.trajectories());
        let of_run = trajectories.filter(|(_, found)| self.run.is_none_or(|run| run == found.run));
        let all = of_run.map(|(place, _)| place);
        match asked {
            None => all.collect(),
            Some(_) if filter.is_some_and(Expr::reads_texts) => all
                .filter(|&place| self.answers.of(Use::Filter, place) == Answer::Flag(true))
                .collect(),
            Some(asked) => all
                .filter(|&place| asked.holds(survey, place as usize))
                .collect(),
        }
    }

    /// Returns by what each place is sorted, NaN where it is not known, where
    /// repeats of a problem have a mean of it. Of regrets the largest counts, not
    /// their mean.
    fn sort(&mut self, survey: &Survey) -> Option<Vec<f64>> {
        let expr = self.sort.as_ref()?;
        let sort = survey.ask(expr).ok()?;
        let value = |place: u32| (self.answer(Use::Sort, &sort, survey, place), place);
        let mut keyed: Vec<(Answer, u32)> = self.order.iter().copied().map(value).collect();
        keyed.sort_by(|a, b| a.0.order(&b.0));
        self.order = keyed.iter().map(|(_, place)| *place).collect();
        if expr.reads_regret() {
            return None;
        }
        let mut numbers = vec![f64::NAN; survey.trajectories().len()];
        for (answer, place) in keyed {
            numbers[place as usize] = match answer {
                Answer::Number(number) => number,
                Answer::Flag(holds) => f64::from(u8::from(holds)),
                Answer::Unknown => f64::NAN,
                Answer::Text(_) => return None,
            };
        }
        Some(numbers)
    }

    /// What an expression comes to for the trajectory at `place`.
    fn answer(&self, of: Use, asked: &Asked, survey: &Survey, place: u32) -> Answer {
        match self.expression(of).is_some_and(Expr::reads_texts) {
            true => self.answers.of(of, place),
            false => asked.value(survey, place as usize),
        }
    }

    /// The values of groups in words, each unlike the one before it.
    fn names(&self, values: &[&Answer]) -> Vec<String> {
        let name = |answer: &Answer| match answer {
            Answer::Unknown => self.name_of_unknown().to_owned(),
            known => known.to_string(),
        };
        let short: Vec<String> = values.iter().map(|value| name(value)).collect();
        let alike = |at: usize| {
            let own = short.get(at);
            let beside = [at.checked_sub(1), at.checked_add(1)];
            beside
                .into_iter()
                .flatten()
                .any(|other| short.get(other) == own)
        };
        let names = values.iter().enumerate();
        let names = names.map(|(at, value)| match alike(at) {
            true => value.exact(),
            false => short[at].clone(),
        });
        names.collect()
    }

    /// What the group of those is called whose value is not known.
    fn name_of_unknown(&self) -> &'static str {
        let of_failures = self.group.as_ref().is_some_and(Expr::reads_failure);
        match (self.texts_read(), of_failures, self.knows_failures) {
            (Some(_), ..) if self.group.as_ref().is_some_and(Expr::reads_texts) => "not read yet",
            (_, true, false) => "not worked out yet",
            (_, true, true) => "right, or unfinished",
            _ => "unknown",
        }
    }

    fn add_group(&mut self, survey: &Survey, value: String, members: Range<usize>, tally: Tally) {
        let open = self.open_groups.contains(&value);
        self.rows.push(Row::Group {
            tally,
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
}

fn problem_of(survey: &Survey, place: u32) -> Name {
    survey.trajectories()[place as usize].problem
}

fn tally(survey: &Survey, places: &[u32]) -> Tally {
    Tally::of(survey, places.iter().map(|&place| place as usize))
}

/// The tally of all places of an order, and of each of these parts of it.
fn tallies(survey: &Survey, order: &[u32], parts: &[Range<usize>]) -> (Tally, Vec<Tally>) {
    let mut of_parts = vec![Tally::default(); parts.len()];
    let mut placed: Vec<(u32, usize)> = order.iter().map(|&place| (place, usize::MAX)).collect();
    for (part, members) in parts.iter().enumerate() {
        for (_, of) in &mut placed[members.clone()] {
            *of = part;
        }
    }
    // As they lie in memory, and each looked at once: sorted they lie all over
    // it.
    placed.sort_unstable();
    let mut all = Tally::default();
    for (place, part) in placed {
        let view = survey.view(place as usize);
        all.add(&view);
        if let Some(of_part) = of_parts.get_mut(part) {
            of_part.add(&view);
        }
    }
    (all, of_parts)
}

/// Puts trajectories of one problem side by side: the problems by the mean of
/// what they are sorted by, where there is one, else where their first one stands.
fn together(order: &mut [u32], survey: &Survey, sorted_by: Option<&[f64]>) {
    let mut ranks: HashMap<Name, usize> = HashMap::new();
    let mut keyed: Vec<(usize, u32)> = Vec::with_capacity(order.len());
    for &place in &*order {
        let next = ranks.len();
        let rank = *ranks.entry(problem_of(survey, place)).or_insert(next);
        keyed.push((rank, place));
    }
    if let Some(sorted_by) = sorted_by {
        let rank = by_mean(&keyed, ranks.len(), sorted_by);
        for (of, _) in &mut keyed {
            *of = rank[*of];
        }
    }
    // Stable: repeats stay as they are sorted.
    keyed.sort_by_key(|(rank, _)| *rank);
    for (place, (_, sorted)) in order.iter_mut().zip(keyed) {
        *place = sorted;
    }
}

/// The rank of each of `problems` by the mean over its places; those of which
/// nothing is known come last.
pub(super) fn by_mean(keyed: &[(usize, u32)], problems: usize, sorted_by: &[f64]) -> Vec<usize> {
    let mut sums = vec![(0.0, 0_u32); problems];
    for &(of, place) in keyed {
        let value = sorted_by[place as usize];
        if !value.is_nan() {
            sums[of].0 += value;
            sums[of].1 += 1;
        }
    }
    let mean = |of: usize| match sums[of] {
        (_, 0) => f64::INFINITY,
        (sum, known) => sum / f64::from(known),
    };
    let mut sorted: Vec<usize> = (0..problems).collect();
    sorted.sort_by(|&a, &b| {
        let unknown = |of: usize| sums[of].1 == 0;
        let means = mean(a).total_cmp(&mean(b));
        unknown(a).cmp(&unknown(b)).then(means)
    });
    let mut rank = vec![0; problems];
    for (place, of) in sorted.into_iter().enumerate() {
        rank[of] = place;
    }
    rank
}
