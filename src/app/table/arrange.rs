//! From the survey to the rows of the table.

use std::cmp::Ordering;
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
                together(order, survey, sorted_by.as_ref());
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
                let mut groups: Vec<&[(Answer, u32)]> = keyed.chunk_by(|a, b| a.0 == b.0).collect();
                if let Some(sorted_by) = &sorted_by {
                    let figure = |group: &&[(Answer, u32)]| {
                        let places = group.iter().map(|(_, place)| *place);
                        Known(sorted_by.figure(survey, places))
                    };
                    // Stable: what is alike stays by its name.
                    groups.sort_by_cached_key(figure);
                }
                let places = groups.iter().flat_map(|group| group.iter());
                self.order = places.map(|(_, place)| *place).collect();
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

    /// Returns by what each place is sorted where several together have a figure
    /// of it.
    fn sort(&mut self, survey: &Survey) -> Option<Sorted> {
        let expr = self.sort.as_ref()?;
        let sort = survey.ask(expr).ok()?;
        let value = |place: u32| (self.answer(Use::Sort, &sort, survey, place), place);
        let mut keyed: Vec<(Answer, u32)> = self.order.iter().copied().map(value).collect();
        keyed.sort_by(|a, b| a.0.order(&b.0));
        self.order = keyed.iter().map(|(_, place)| *place).collect();
        let mut numbers = vec![f64::NAN; survey.trajectories().len()];
        for (answer, place) in keyed {
            numbers[place as usize] = match answer {
                Answer::Number(number) => number,
                Answer::Flag(holds) => f64::from(u8::from(holds)),
                Answer::Unknown => f64::NAN,
                Answer::Text(_) => return None,
            };
        }
        let name = expr.text().trim_start_matches('-').trim();
        Some(Sorted {
            numbers,
            of_several: match name {
                _ if !expr.reads_regret() => Several::Mean {
                    by_steps: name == "large_share",
                },
                _ => Several::Largest {
                    falls: expr.text().starts_with('-'),
                },
            },
        })
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

/// By what places are sorted.
struct Sorted {
    /// By place; NaN where it is not known.
    numbers: Vec<f64>,
    of_several: Several,
}

/// The figure that several places have together, as their row shows it.
enum Several {
    /// Shares of steps are of all steps.
    Mean { by_steps: bool },
    /// Of regrets: a queue is made by the largest one, whichever way it is sorted.
    Largest { falls: bool },
}

impl Sorted {
    /// The figure of several places; `None` where it is known of none.
    fn figure(&self, survey: &Survey, places: impl Iterator<Item = u32>) -> Option<f64> {
        let known = places.map(|place| (place, self.numbers[place as usize]));
        let mut known = known.filter(|(_, number)| !number.is_nan());
        match self.of_several {
            Several::Mean { by_steps } => {
                let (mut sum, mut all) = (0.0, 0.0);
                for (place, number) in known {
                    let weight = match by_steps {
                        true => survey.view(place as usize).kept() as f64,
                        false => 1.0,
                    };
                    sum += weight * number;
                    all += weight;
                }
                (all > 0.0).then_some(sum / all)
            }
            Several::Largest { falls } => {
                let first = known.next()?.1;
                // Of a falling sort the numbers have the other sign.
                let more = if falls { f64::min } else { f64::max };
                Some(known.fold(first, |largest, (_, number)| more(largest, number)))
            }
        }
    }
}

/// A figure to sort by: what is not known comes last.
#[derive(PartialEq)]
struct Known(Option<f64>);

impl Eq for Known {}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Known {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}

/// Puts trajectories of one problem side by side: the problems by the figure of
/// what they are sorted by, where there is one, else where their first one stands.
fn together(order: &mut [u32], survey: &Survey, sorted_by: Option<&Sorted>) {
    let mut ranks: HashMap<Name, usize> = HashMap::new();
    let mut problems: Vec<Vec<u32>> = Vec::new();
    for &place in &*order {
        let next = problems.len();
        let rank = *ranks.entry(problem_of(survey, place)).or_insert(next);
        if rank == next {
            problems.push(Vec::new());
        }
        problems[rank].push(place);
    }
    // Stable: what is alike, and the repeats of a problem, stay as they are sorted.
    if let Some(sorted_by) = sorted_by {
        problems
            .sort_by_cached_key(|problem| Known(sorted_by.figure(survey, problem.iter().copied())));
    }
    for (place, sorted) in order.iter_mut().zip(problems.into_iter().flatten()) {
        *place = sorted;
    }
}
