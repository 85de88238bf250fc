//! What several trajectories came to together.

use crate::cost::Unit;
use crate::problem::answer::Verdict;
use crate::survey::{Survey, View};
use crate::trace::record::TrajectoryEnd;
use crate::train::wilson;

/// Counts over trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    pub trajectories: usize,
    pub correct: usize,
    pub wrong: usize,
    pub ungraded: usize,
    /// Cut off by a limit.
    pub truncated: usize,
    pub steps: usize,
    /// By the most capable model.
    pub large: usize,
    /// Steps of runs with more than one model.
    routed: usize,
    pub overrides: usize,
    /// Trajectories of which the log lacks steps.
    pub torn: usize,
    /// Sums over those that came to an end.
    published: f64,
    full: f64,
    /// Runs that they are of, a bit each; the last bit stands for all runs from
    /// the 64th on.
    runs: u64,
    /// Of how many the costs are known.
    priced: usize,
    fully_priced: usize,
}

/// The bit that many runs share.
const LAST: u32 = u64::BITS - 1;

impl Tally {
    /// Of the trajectories at these places of the survey.
    pub fn of(survey: &Survey, places: impl IntoIterator<Item = usize>) -> Self {
        let mut tally = Self::default();
        for place in places {
            tally.add(&survey.view(place));
        }
        tally
    }

    /// Counts one more.
    pub fn add(&mut self, view: &View<'_>) {
        self.trajectories += 1;
        self.runs |= 1 << view.trajectory().run.min(LAST);
        let kept = view.kept();
        self.steps += kept;
        if view.is_routed() {
            self.routed += kept;
            self.large += view.large_steps();
        }
        self.overrides += view.overrides();
        let Some(outcome) = view.outcome() else {
            return;
        };
        match outcome.verdict {
            Verdict::Correct => self.correct += 1,
            Verdict::Wrong => self.wrong += 1,
            Verdict::Ungraded => self.ungraded += 1,
        }
        self.torn += usize::from(outcome.steps as usize > kept);
        let whole = matches!(outcome.end, TrajectoryEnd::Finished | TrajectoryEnd::Error);
        self.truncated += usize::from(!whole);
        if let Some(cost) = outcome.published {
            self.published += cost;
            self.priced += 1;
        }
        if let Some(cost) = outcome.full {
            self.full += cost;
            self.fully_priced += 1;
        }
    }

    /// Those without an outcome.
    pub fn unfinished(&self) -> usize {
        self.trajectories - self.correct - self.wrong - self.ungraded
    }

    /// Says of how many the log lacks steps, where it does of any.
    pub fn torn_note(&self) -> Option<String> {
        (self.torn > 0).then(|| format!("{} of them with steps lost from the log", self.torn))
    }

    /// Share of the graded ones that are correct.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.correct, self.correct + self.wrong)
    }

    /// Wilson's interval of [`Tally::accuracy`] at 95 %: over problems, where
    /// each is there once.
    pub fn interval(&self) -> Option<[f64; 2]> {
        wilson(self.accuracy()?, self.correct + self.wrong)
    }

    /// Mean number of steps.
    pub fn mean_steps(&self) -> Option<f64> {
        ratio(self.steps, self.trajectories)
    }

    /// Share of the steps by the most capable model, where there is another.
    pub fn large_share(&self) -> Option<f64> {
        ratio(self.large, self.routed)
    }

    /// The unit of their costs; `None` where they have not the same, or are of
    /// different models: a mean over these says nothing.
    pub fn unit(&self, survey: &Survey) -> Option<Unit> {
        let all = u32::try_from(survey.runs().len()).unwrap_or(u32::MAX);
        let runs = (0..all).filter(|run| self.runs & (1 << (*run).min(LAST)) != 0);
        survey.unit_over(runs)
    }

    /// Mean published cost of those of which it is known.
    pub fn published(&self) -> Option<f64> {
        (self.priced > 0).then(|| self.published / self.priced as f64)
    }

    /// Mean full cost, likewise.
    pub fn full(&self) -> Option<f64> {
        (self.fully_priced > 0).then(|| self.full / self.fully_priced as f64)
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
