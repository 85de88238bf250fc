//! The figures of a row on given problems: accuracy, both costs, and what they
//! are beside the models alone, with 95 % intervals.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::problem::answer::Verdict;
use crate::train::interval::{self, bootstrap_all};
use crate::train::params::CostLedger;
use crate::train::report::Bounded;
use crate::train::wilson;

use super::outcomes::{Cell, End, ProblemKey};
use super::rows::Row;

/// Costs in this unit are floating-point operations; other units are
/// currencies.
pub const FLOPS: &str = "flops";

/// What a row came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Problems with an outcome.
    pub problems: usize,
    pub seeds: usize,
    /// Outcomes over all seeds: what is counted below.
    pub trajectories: usize,
    pub correct: usize,
    pub wrong: usize,
    /// Neither: no gold answer, an answer that cannot be judged, or an
    /// endpoint that failed.
    pub ungraded: usize,
    /// Ended by an endpoint's failure; ungraded too.
    pub failed: usize,
    /// Cut off: step cap, repetition, empty steps, full context.
    pub truncated: usize,
    /// correct / (correct + wrong).
    pub accuracy: Option<Bounded>,
    /// correct / trajectories: as if every ungraded one were wrong.
    pub accuracy_all: Option<f64>,
    /// Mean cost of a trajectory; `None` where a part of it is unknown.
    pub published: Option<f64>,
    pub full: Option<f64>,
    /// Whether the full cost is an upper bound.
    pub upper_bound: bool,
    /// Cost relative to the large model alone, on the same problems.
    pub relative: Option<Bounded>,
    /// Accuracy by cost (A/C), as the papers count it: see [`per_cost`].
    pub per_cost: Option<f64>,
    /// Share of the accuracy gap between the models alone that is recovered
    /// (PGR), on the same problems.
    pub gap: Option<Bounded>,
    /// Share of the kept steps by the most capable model.
    pub large_share: Option<f64>,
}

/// Sums over the seeds of one problem.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    pub right: f64,
    pub graded: f64,
    pub trajectories: f64,
    /// Costs; NaN where unknown.
    pub published: f64,
    pub full: f64,
}

impl Tally {
    /// Counts one trajectory more.
    pub fn add(&mut self, cell: &Cell) {
        self.right += f64::from(u8::from(cell.verdict == Verdict::Correct));
        self.graded += f64::from(u8::from(cell.verdict != Verdict::Ungraded));
        self.trajectories += 1.0;
        self.published += cell.published.unwrap_or(f64::NAN);
        self.full += cell.full.unwrap_or(f64::NAN);
    }

    /// Mean of what was graded; `None` where nothing was.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.graded > 0.0).then(|| self.right / self.graded)
    }

    /// Mean cost in a ledger.
    #[must_use]
    pub fn cost(&self, ledger: CostLedger) -> f64 {
        self.total(ledger) / self.trajectories
    }

    fn total(&self, ledger: CostLedger) -> f64 {
        match ledger {
            CostLedger::Published => self.published,
            CostLedger::Full => self.full,
        }
    }
}

/// A row's sums on given problems, in their order; a problem that it has not
/// is empty.
#[must_use]
pub fn tallies(row: &Row, problems: &[ProblemKey]) -> Vec<Tally> {
    let of = |problem: &ProblemKey| {
        let mut tally = Tally::default();
        for cell in row
            .cells
            .get(problem)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            tally.add(cell);
        }
        tally
    };
    problems.iter().map(of).collect()
}

/// Accuracy over what is graded in a resample.
#[must_use]
pub fn mean_accuracy(tallies: &[Tally], sample: &[usize]) -> f64 {
    let (mut right, mut graded) = (0.0, 0.0);
    for &at in sample {
        right += tallies[at].right;
        graded += tallies[at].graded;
    }
    right / graded
}

/// Cost of a trajectory in a resample.
#[must_use]
pub fn mean_cost(tallies: &[Tally], ledger: CostLedger, sample: &[usize]) -> f64 {
    let (mut cost, mut trajectories) = (0.0, 0.0);
    for &at in sample {
        cost += tallies[at].total(ledger);
        trajectories += tallies[at].trajectories;
    }
    cost / trajectories
}

/// A/C as the papers write it: percent right by 1e12 FLOPs, or the share right
/// by a hundredth of the currency (a US cent).
#[must_use]
pub fn per_cost(accuracy: f64, cost: f64, unit: &str) -> Option<f64> {
    let value = match unit {
        FLOPS => 100.0 * accuracy / (cost / 1e12),
        _ => accuracy / (100.0 * cost),
    };
    value.is_finite().then_some(value)
}

/// The rows of one ground on the same problems, measured against the models
/// alone where these are among them.
pub struct Measured<'a> {
    pub rows: Vec<(&'a Row, Vec<Tally>)>,
    pub small: Option<Vec<Tally>>,
    pub large: Option<Vec<Tally>>,
    pub ledger: CostLedger,
    pub unit: Option<&'a str>,
    /// How many problems.
    pub problems: usize,
}

/// A figure as a function of a resample.
type Figure<'f> = Box<dyn Fn(&[usize]) -> f64 + 'f>;

impl<'a> Measured<'a> {
    /// Measures rows on problems.
    #[must_use]
    pub fn new(
        rows: &[&'a Row],
        alone: [Option<&'a Row>; 2],
        problems: &[ProblemKey],
        ledger: CostLedger,
        unit: Option<&'a str>,
    ) -> Self {
        let [small, large] = alone.map(|row| row.map(|row| tallies(row, problems)));
        Self {
            rows: rows
                .iter()
                .map(|row| (*row, tallies(row, problems)))
                .collect(),
            small,
            large,
            ledger,
            unit,
            problems: problems.len(),
        }
    }

    /// The figures of every row, in their order; the problems are resampled
    /// together.
    #[must_use]
    pub fn figures(&self, problems: &[ProblemKey]) -> Vec<Figures> {
        let functions: Vec<[Option<Figure<'_>>; 3]> = self
            .rows
            .iter()
            .map(|(_, own)| self.functions(own))
            .collect();
        let flat: Vec<interval::Figure<'_>> = functions
            .iter()
            .flatten()
            .flatten()
            .map(|figure| &**figure as interval::Figure<'_>)
            .collect();
        let all: Vec<usize> = (0..self.problems).collect();
        let mut intervals = bootstrap_all(self.problems, &flat).into_iter();
        let mut bounded = |figure: &Option<Figure<'_>>| {
            let figure = figure.as_ref()?;
            let interval = intervals.next().flatten();
            let value = figure(&all);
            value.is_finite().then_some(Bounded { value, interval })
        };
        let mut found = Vec::new();
        for ((row, own), functions) in self.rows.iter().zip(&functions) {
            let [accuracy, relative, mut gap] = functions.each_ref().map(&mut bounded);
            if let (true, Some(gap)) = (row.is_anchor(), &mut gap) {
                // 0 and 1 by what they are.
                gap.interval = None;
            }
            let mut figures = counted(row, problems, own, self);
            figures.accuracy = accuracy.map(|found| over_problems(found, own));
            figures.per_cost = figures.accuracy.and_then(|accuracy| {
                let cost = match self.ledger {
                    CostLedger::Published => figures.published,
                    CostLedger::Full => figures.full,
                };
                per_cost(accuracy.value, cost?, self.unit?)
            });
            figures.relative = relative;
            figures.gap = gap;
            found.push(figures);
        }
        found
    }

    /// Accuracy, relative cost and recovered gap.
    fn functions<'f>(&'f self, own: &'f [Tally]) -> [Option<Figure<'f>>; 3] {
        let ledger = self.ledger;
        let accuracy: Figure<'f> = Box::new(move |sample| mean_accuracy(own, sample));
        let relative = self.large.as_ref().map(|large| -> Figure<'f> {
            Box::new(move |sample| {
                mean_cost(own, ledger, sample) / mean_cost(large, ledger, sample)
            })
        });
        let gap = self.small.as_ref().zip(self.large.as_ref());
        let gap = gap.map(|(small, large)| -> Figure<'f> {
            Box::new(move |sample| {
                let low = mean_accuracy(small, sample);
                let gap = mean_accuracy(large, sample) - low;
                // Where the large model is no better there is nothing to
                // recover, and a quotient would praise what is worse than both.
                match gap > 0.0 {
                    true => (mean_accuracy(own, sample) - low) / gap,
                    false => f64::NAN,
                }
            })
        });
        [Some(accuracy), relative, gap]
    }
}

/// The interval of an accuracy: Wilson's for one answer a problem, otherwise
/// the bootstrap's over problems, which answers of other seeds do not make
/// more. Where no resample differs the bootstrap says nothing, and Wilson's
/// over the problems stands in.
fn over_problems(found: Bounded, own: &[Tally]) -> Bounded {
    let graded = own.iter().filter(|tally| tally.graded > 0.0).count();
    let one_each = own.iter().all(|tally| tally.graded <= 1.0);
    let flat = found.interval.is_none_or(|[low, high]| low == high);
    let interval = match one_each || flat {
        true => wilson(found.value, graded),
        false => found.interval,
    };
    Bounded { interval, ..found }
}

/// Everything that is counted.
fn counted(row: &Row, problems: &[ProblemKey], own: &[Tally], all: &Measured<'_>) -> Figures {
    let cells = || {
        let known = problems.iter().filter_map(|problem| row.cells.get(problem));
        known.flat_map(BTreeMap::values)
    };
    let count = |wanted: &dyn Fn(&Cell) -> bool| cells().filter(|cell| wanted(cell)).count();
    let by = |verdict| count(&|cell| cell.verdict == verdict);
    let correct = by(Verdict::Correct);
    let trajectories = cells().count();
    let steps: u64 = cells().map(|cell| u64::from(cell.steps)).sum();
    let large: u64 = cells().map(|cell| u64::from(cell.large)).sum();
    let everything: Vec<usize> = (0..all.problems).collect();
    let cost = |ledger| Some(mean_cost(own, ledger, &everything)).filter(|c| c.is_finite());
    Figures {
        problems: own.iter().filter(|tally| tally.trajectories > 0.0).count(),
        seeds: row.seeds.len(),
        trajectories,
        correct,
        wrong: by(Verdict::Wrong),
        ungraded: by(Verdict::Ungraded),
        failed: count(&|cell| cell.end == End::Failed),
        truncated: count(&|cell| cell.end == End::Truncated),
        accuracy: None,
        accuracy_all: (trajectories > 0).then(|| correct as f64 / trajectories as f64),
        published: cost(CostLedger::Published),
        full: cost(CostLedger::Full),
        upper_bound: count(&|cell| cell.upper_bound) > 0,
        relative: None,
        per_cost: None,
        gap: None,
        large_share: (steps > 0).then(|| large as f64 / steps as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::rows::{LARGE, SMALL};
    use crate::eval::samples::rows;

    fn figures(runs: &[(&str, u64, &str, f64)]) -> Vec<Figures> {
        let rows = rows(runs);
        let problems: Vec<ProblemKey> = rows.rows[0].cells.keys().cloned().collect();
        let all: Vec<&Row> = rows.rows.iter().collect();
        let alone = [SMALL, LARGE].map(|name| rows.alone(0, name));
        let published = CostLedger::Published;
        let unit = rows.grounds[0].unit.as_deref();
        Measured::new(&all, alone, &problems, published, unit).figures(&problems)
    }

    #[test]
    fn ungraded_is_neither_right_nor_wrong() {
        let found = &figures(&[("small", 0, "++-?", 1e12)])[0];
        assert_eq!((found.correct, found.wrong, found.ungraded), (2, 1, 1));
        assert_eq!(found.accuracy.unwrap().value, 2.0 / 3.0);
        assert_eq!(found.accuracy.unwrap().interval, wilson(2.0 / 3.0, 3));
        assert_eq!(found.accuracy_all, Some(0.5));
        assert_eq!((found.published, found.full), (Some(1e12), Some(2e12)));
        assert_eq!(found.large_share, Some(0.5));
        // There is no large model to compare with.
        assert_eq!((found.relative, found.gap), (None, None));
        assert!((found.per_cost.unwrap() - 200.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_gap_and_the_cost_are_against_the_models_alone() {
        let found = figures(&[
            ("small", 0, "+---------", 1.0),
            ("large", 0, "+++++++++-", 10.0),
            ("threshold:t=0.5", 0, "+++++++---", 4.0),
        ]);
        assert_eq!(found[0].gap.unwrap().value, 0.0);
        assert_eq!(found[1].gap.unwrap().value, 1.0);
        let ours = &found[2];
        assert!((ours.gap.unwrap().value - 6.0 / 8.0).abs() < 1e-12);
        assert!((ours.relative.unwrap().value - 0.4).abs() < 1e-12);
        let [low, high] = ours.gap.unwrap().interval.unwrap();
        assert!(low < 0.75 && 0.75 < high, "{low} {high}");
    }

    #[test]
    fn seeds_of_a_problem_are_one_cluster() {
        let marks = "++++++++++----------";
        let one = figures(&[("small", 0, marks, 1.0)]);
        let same = [0, 1, 2, 3].map(|seed| ("small", seed, marks, 1.0));
        let four = figures(&same);
        let width = |found: &Figures| {
            let [low, high] = found.accuracy.unwrap().interval.unwrap();
            high - low
        };
        assert_eq!(four[0].trajectories, 80);
        // The same answers four times are no better known.
        assert!(
            width(&four[0]) > 0.9 * width(&one[0]),
            "{}",
            width(&four[0])
        );
        let sure = figures(&[("small", 0, "+++", 1.0), ("small", 1, "+++", 1.0)]);
        assert_eq!(sure[0].accuracy.unwrap().interval, wilson(1.0, 3));
    }

    #[test]
    fn money_is_counted_by_the_cent() {
        // The API table of arXiv 2605.06116: 94.5 % at 0.0205 cents.
        let found = per_cost(0.945, 0.000_205, "USD").unwrap();
        assert!((found - 46.1).abs() < 0.05, "{found}");
        // Its open table: 94.5 % at 2.03e12 FLOPs.
        let found = per_cost(0.945, 2.03e12, FLOPS).unwrap();
        assert!((found - 46.55).abs() < 0.01, "{found}");
        assert_eq!(per_cost(0.5, 0.0, "USD"), None);
    }
}
