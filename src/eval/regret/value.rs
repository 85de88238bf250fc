//! What follows a step, as a mean over what the log holds.

use crate::eval::weighted::Weighted;
use crate::problem::answer::Verdict;

/// A mean outcome: parts that sum to 1 with what is ungraded or not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Value {
    /// Part that is right.
    pub right: f64,
    /// Part that was graded: right or wrong.
    pub graded: f64,
    /// Published cost still to come, summed over the part of which it is known.
    pub cost: f64,
    pub priced: f64,
    /// Mean number of overrides, for plans that count them.
    pub overrides: f64,
    /// As how many answers of equal weight it counts: no more than were drawn,
    /// however many draws lead to them.
    pub samples: f64,
    /// Part that is right and that the run's own router reaches: no other run's
    /// router went on anywhere.
    pub sure: f64,
    /// Part that other runs' routers went on to, whatever came of it.
    pub others: f64,
}

impl Value {
    pub fn outcome(verdict: Verdict) -> Self {
        let one = |holds: bool| f64::from(u8::from(holds));
        Self {
            right: one(verdict == Verdict::Correct),
            graded: one(verdict != Verdict::Ungraded),
            cost: 0.0,
            priced: 1.0,
            overrides: 0.0,
            samples: f64::INFINITY,
            sure: one(verdict == Verdict::Correct),
            others: 0.0,
        }
    }

    /// What others' routers reach: nothing of it is sure.
    pub fn by_others(mut self) -> Self {
        self.sure = 0.0;
        self.others = 1.0;
        self
    }

    /// Whether any of it hangs on other runs' routers.
    pub fn is_by_others(&self) -> bool {
        self.others > 1e-9
    }

    /// Share of the graded part that is right.
    pub fn share(&self) -> Option<f64> {
        (self.graded > 0.0).then(|| self.right / self.graded)
    }

    /// Mean cost still to come.
    pub fn mean_cost(&self) -> Option<f64> {
        (self.priced > 0.0).then(|| self.cost / self.priced)
    }

    /// With a step of this cost before it.
    pub fn after(mut self, cost: f64) -> Self {
        if cost.is_nan() {
            self.cost = 0.0;
            self.priced = 0.0;
        } else {
            self.cost += self.priced * cost;
        }
        self
    }

    /// The mean of several, each by its weight; nothing where no weight is.
    pub fn mean(parts: &[(f64, Self)]) -> Self {
        let samples = effective(parts);
        let Some(parts) = Weighted::new(parts) else {
            return Self::default();
        };
        Self {
            right: parts.mean(|value| value.right),
            graded: parts.mean(|value| value.graded),
            cost: parts.mean(|value| value.cost),
            priced: parts.mean(|value| value.priced),
            overrides: parts.mean(|value| value.overrides),
            samples,
            sure: parts.mean(|value| value.sure),
            others: parts.mean(|value| value.others),
        }
    }
}

/// (Σ w)² / Σ (w² / n) over parts of n samples each: Kish's effective size of a
/// sample.
fn effective(parts: &[(f64, Value)]) -> f64 {
    let weighed = parts.iter().filter(|(weight, _)| *weight > 0.0);
    let all: f64 = weighed.clone().map(|(weight, _)| weight).sum();
    let squares: f64 = weighed
        .map(|(weight, value)| weight * weight / value.samples)
        .sum();
    if squares > 0.0 {
        all * all / squares
    } else {
        0.0
    }
}
