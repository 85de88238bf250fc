//! Two runs of a log over the problems that both have.

mod said;

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::cost::Unit;
use crate::eval::figures::{Tally, mean_accuracy, mean_cost};
use crate::eval::outcomes::{Cell, End};
use crate::eval::paired::{self, PairError, Paired};
use crate::problem::answer::Verdict;
use crate::survey::{Name, Survey, View};
use crate::trace::record::RunRecord;
use crate::train::interval::{Figure, bootstrap_all};
use crate::train::params::CostLedger;
use crate::train::report::Bounded;

pub use said::{left_out, test_in_words, with_interval};

/// How a problem came out in both runs, in the order in which problems are
/// listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flip {
    /// Right in the first, wrong in the second; of repeats: less often right.
    Lost,
    /// The other way round.
    Gained,
    BothWrong,
    /// Repeats that are as often right in both, neither always nor never.
    Level,
    BothRight,
    /// Nothing is graded on one side or both.
    Ungraded,
}

impl Flip {
    /// All, in the order of lists.
    pub const ALL: [Self; 6] = [
        Self::Lost,
        Self::Gained,
        Self::BothWrong,
        Self::Level,
        Self::BothRight,
        Self::Ungraded,
    ];

    /// As JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Gained => "gained",
            Self::BothWrong => "both-wrong",
            Self::Level => "level",
            Self::BothRight => "both-right",
            Self::Ungraded => "ungraded",
        }
    }

    /// Whether the runs came out differently.
    #[must_use]
    pub fn is_flipped(self) -> bool {
        matches!(self, Self::Lost | Self::Gained)
    }

    fn of([first, second]: &[Tally; 2]) -> Self {
        if first.graded <= 0.0 || second.graded <= 0.0 {
            return Self::Ungraded;
        }
        // Shares by cross multiplication: equal ones are equal to the last bit.
        let (ours, theirs) = (first.right * second.graded, second.right * first.graded);
        match ours.total_cmp(&theirs) {
            Ordering::Greater => Self::Lost,
            Ordering::Less => Self::Gained,
            Ordering::Equal if first.right <= 0.0 => Self::BothWrong,
            Ordering::Equal if first.right >= first.graded => Self::BothRight,
            Ordering::Equal => Self::Level,
        }
    }
}

/// A problem that came to an end in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub problem: Name,
    /// Places in the survey, by side; several where a side repeats the problem.
    pub places: [Vec<usize>; 2],
    /// Sums over the repeats.
    pub tallies: [Tally; 2],
    /// Kept steps, and those of them by the most capable model.
    pub steps: [f64; 2],
    pub large: [f64; 2],
    pub flip: Flip,
}

/// Two runs problem by problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// Runs of each side, by their places in the survey: the one that was asked
    /// for first, then the other shards of it.
    pub runs: [Vec<u32>; 2],
    /// Flipped outcomes first; within a kind in log order.
    pub cases: Vec<Case>,
    /// Problems that only one side has.
    pub only: [usize; 2],
    /// Problems of one id that ask something else on each side.
    pub other_questions: usize,
    /// Trajectories without an outcome, which are left out.
    pub unfinished: [usize; 2],
    /// What makes the runs hard to compare, in words.
    pub cautions: Vec<String>,
    /// The unit of both; `None` where costs cannot be compared.
    pub unit: Option<Unit>,
}

/// What one side came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Means {
    pub accuracy: f64,
    /// Cost of a trajectory; NaN where it is not known.
    pub published: f64,
    pub full: f64,
    /// Kept steps of a trajectory.
    pub steps: f64,
    /// Share of the kept steps by the most capable model.
    pub large_share: f64,
}

/// The figures of two runs over the problems that are graded in both, and the
/// second less the first, with 95 % bootstrap intervals over problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    pub paired: Paired,
    pub means: [Means; 2],
    pub steps: Option<Bounded>,
    pub large_share: Option<Bounded>,
}

/// What a [`Gap`] is made of, without the survey.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    names: [String; 2],
    tallies: Vec<(Tally, Tally)>,
    steps: Vec<[f64; 2]>,
    large: Vec<[f64; 2]>,
}

impl Between {
    /// Pairs two runs of a survey, each with the other shards of the same run.
    ///
    /// # Errors
    /// In words: a run and itself, runs without a problem in common.
    pub fn new(survey: &Survey, [first, second]: [u32; 2]) -> Result<Self, String> {
        let runs = [first, second].map(|run| with_shards(survey, run));
        if runs[0].contains(&second) {
            return Err(match first == second {
                true => "a run and itself: mark another one".to_owned(),
                false => "both are shards of one run: there is nothing to compare".to_owned(),
            });
        }
        let mut paired = Pairing::default();
        for place in 0..survey.trajectories().len() {
            paired.add(survey, place, &runs);
        }
        let heads = [first, second].map(|run| head(survey, run));
        let units = [first, second].map(|run| survey.unit_of(run));
        let unit = match units {
            [Some(ours), Some(theirs)] if ours == theirs => Some(ours),
            _ => None,
        };
        let mut found = Self {
            runs,
            cases: Vec::new(),
            only: [0; 2],
            other_questions: 0,
            unfinished: paired.unfinished,
            cautions: said::cautions(heads),
            unit,
        };
        found.take(survey, paired);
        if found.cases.is_empty() {
            return Err(format!(
                "the runs have no problem in common that came to an end in both ({} only in the \
                 first, {} only in the second)",
                found.only[0], found.only[1]
            ));
        }
        Ok(found)
    }

    fn take(&mut self, survey: &Survey, paired: Pairing) {
        for (problem, places) in paired.problems {
            match &places {
                [ours, theirs] if theirs.is_empty() => {
                    self.only[0] += usize::from(!ours.is_empty());
                }
                [ours, _] if ours.is_empty() => self.only[1] += 1,
                both if !same_question(survey, both) => self.other_questions += 1,
                _ => self
                    .cases
                    .push(case(survey, problem, places, self.unit.is_some())),
            }
        }
        // Stable: within a kind they stay in log order.
        self.cases.sort_by_key(|case| case.flip);
    }

    /// Problems of a kind.
    #[must_use]
    pub fn count(&self, flip: Flip) -> usize {
        self.cases.iter().filter(|case| case.flip == flip).count()
    }

    /// Whether a problem is there several times on a side.
    #[must_use]
    pub fn has_repeats(&self) -> bool {
        let mut places = self.cases.iter().flat_map(|case| &case.places);
        places.any(|places| places.len() > 1)
    }

    /// What the figures are made of. Making them takes a while: see
    /// [`Sample::gap`].
    #[must_use]
    pub fn sample(&self, survey: &Survey) -> Sample {
        let name = |side: usize| {
            let run = self.runs[side].first().copied().unwrap_or(u32::MAX);
            head(survey, run).map_or_else(String::new, |head| head.router.spec.clone())
        };
        // In the order of the results table: the same draws give the same
        // intervals.
        let graded = self.cases.iter().filter(|case| case.flip != Flip::Ungraded);
        let mut graded: Vec<&Case> = graded.collect();
        graded.sort_by_key(|case| survey.name(case.problem));
        let graded = graded.into_iter();
        Sample {
            names: [name(0), name(1)],
            tallies: graded
                .clone()
                .map(|case| (case.tallies[0], case.tallies[1]))
                .collect(),
            steps: graded.clone().map(|case| case.steps).collect(),
            large: graded.map(|case| case.large).collect(),
        }
    }
}

/// Places of both sides by problem, in log order.
#[derive(Default)]
struct Pairing {
    problems: Vec<(Name, [Vec<usize>; 2])>,
    known: HashMap<Name, usize>,
    unfinished: [usize; 2],
}

impl Pairing {
    fn add(&mut self, survey: &Survey, place: usize, runs: &[Vec<u32>; 2]) {
        let trajectory = &survey.trajectories()[place];
        let of_it = |side: &Vec<u32>| side.contains(&trajectory.run);
        let Some(side) = runs.iter().position(of_it) else {
            return;
        };
        if survey.view(place).outcome().is_none() {
            self.unfinished[side] += 1;
            return;
        }
        let next = self.problems.len();
        let at = *self.known.entry(trajectory.problem).or_insert(next);
        if at == next {
            self.problems.push((trajectory.problem, Default::default()));
        }
        self.problems[at].1[side].push(place);
    }
}

/// The run and the other shards of it.
fn with_shards(survey: &Survey, run: u32) -> Vec<u32> {
    let Some(own) = head(survey, run).filter(|head| head.shard.is_some()) else {
        return vec![run];
    };
    let others = (0_u32..).zip(survey.runs()).filter(|(place, other)| {
        let other = other.head.as_deref();
        *place != run && other.is_some_and(|other| other.shard.is_some() && other.key == own.key)
    });
    std::iter::once(run)
        .chain(others.map(|(place, _)| place))
        .collect()
}

fn head(survey: &Survey, run: u32) -> Option<&RunRecord> {
    survey.runs().get(run as usize)?.head.as_deref()
}

/// Whether both sides were asked the same, as far as is known.
fn same_question(survey: &Survey, [ours, theirs]: &[Vec<usize>; 2]) -> bool {
    let question = |place: &usize| &*survey.trajectories()[*place].question;
    let known = |places: &[usize]| {
        let mut asked = places.iter().map(question).filter(|text| !text.is_empty());
        asked.next()
    };
    match (known(ours), known(theirs)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    }
}

/// A problem with what it came to; without a common unit its costs are unknown.
fn case(survey: &Survey, problem: Name, places: [Vec<usize>; 2], priced: bool) -> Case {
    let sums = [&places[0], &places[1]].map(|places| {
        let (mut tally, mut steps, mut large) = (Tally::default(), 0, 0);
        for &place in places {
            let view = survey.view(place);
            if let Some(cell) = cell(&view, priced) {
                tally.add(&cell);
            }
            steps += view.kept();
            large += view.large_steps();
        }
        (tally, steps as f64, large as f64)
    });
    let tallies = sums.map(|(tally, ..)| tally);
    Case {
        problem,
        places,
        tallies,
        steps: sums.map(|(_, steps, _)| steps),
        large: sums.map(|(.., large)| large),
        flip: Flip::of(&tallies),
    }
}

fn cell(view: &View<'_>, priced: bool) -> Option<Cell> {
    let outcome = view.outcome()?;
    let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
    Some(Cell {
        verdict: outcome.verdict,
        end: End::of(outcome.end),
        published: outcome.published.filter(|_| priced),
        full: outcome.full.filter(|_| priced),
        upper_bound: false,
        steps: count(view.kept()),
        large: count(view.large_steps()),
    })
}

impl Sample {
    /// The figures with their intervals: a thousand resamples of all problems.
    ///
    /// # Errors
    /// Nothing is graded in both.
    pub fn gap(&self) -> Result<Gap, PairError> {
        // Second less first.
        let turned: Vec<(Tally, Tally)> = self.tallies.iter().map(|(a, b)| (*b, *a)).collect();
        let paired = paired::of_tallies([&self.names[1], &self.names[0]], &turned)?;
        let all: Vec<usize> = (0..self.tallies.len()).collect();
        let means = [0, 1].map(|side| self.means(side, &all));
        let steps = |sample: &[usize]| self.steps(1, sample) - self.steps(0, sample);
        let large = |sample: &[usize]| self.large_share(1, sample) - self.large_share(0, sample);
        let figures: [Figure<'_>; 2] = [&steps, &large];
        let mut intervals = bootstrap_all(all.len(), &figures).into_iter();
        let [steps, large_share] = figures.map(|figure| {
            let interval = intervals.next().flatten();
            let value = figure(&all);
            value.is_finite().then_some(Bounded { value, interval })
        });
        Ok(Gap {
            paired,
            means,
            steps,
            large_share,
        })
    }

    fn means(&self, side: usize, all: &[usize]) -> Means {
        let tallies: Vec<Tally> = self
            .tallies
            .iter()
            .map(|pair| self.side(pair, side))
            .collect();
        Means {
            accuracy: mean_accuracy(&tallies, all),
            published: mean_cost(&tallies, CostLedger::Published, all),
            full: mean_cost(&tallies, CostLedger::Full, all),
            steps: self.steps(side, all),
            large_share: self.large_share(side, all),
        }
    }

    fn side(&self, (first, second): &(Tally, Tally), side: usize) -> Tally {
        match side {
            0 => *first,
            _ => *second,
        }
    }

    /// Steps of a trajectory in a resample.
    fn steps(&self, side: usize, sample: &[usize]) -> f64 {
        let steps: f64 = sample.iter().map(|&at| self.steps[at][side]).sum();
        let of = |at: &usize| self.side(&self.tallies[*at], side).trajectories;
        steps / sample.iter().map(of).sum::<f64>()
    }

    /// Share of steps by the most capable model in a resample.
    fn large_share(&self, side: usize, sample: &[usize]) -> f64 {
        let sum = |of: &[[f64; 2]]| -> f64 { sample.iter().map(|&at| of[at][side]).sum() };
        sum(&self.large) / sum(&self.steps)
    }
}

/// A verdict of several repeats: that of all, where they have one.
#[must_use]
pub fn verdict(tally: &Tally) -> Option<Verdict> {
    if tally.graded <= 0.0 {
        return Some(Verdict::Ungraded);
    }
    if tally.right <= 0.0 {
        return Some(Verdict::Wrong);
    }
    (tally.right >= tally.graded).then_some(Verdict::Correct)
}

#[cfg(test)]
mod tests;
