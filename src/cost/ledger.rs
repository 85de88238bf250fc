//! Both ledgers over steps and trajectories.

use std::collections::BTreeMap;

use crate::trace::record::{Attempt, CostFacts, ModelFacts, Role, ScoreRecord, StepRecord, Usage};

use super::rate::{Amount, Rate, Unit, common_unit, rate_in};

/// Counts the steps of one run.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    unit: Option<Unit>,
    rates: BTreeMap<String, Rate>,
}

/// A running sum in both ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    published: Option<Amount>,
    full: Option<Amount>,
    upper_bound: bool,
    /// True where a call was cut off and its usage is our estimate.
    estimated: bool,
    /// True where something was counted whose rate is not known.
    unknown: bool,
    /// True where that is so in the full ledger only.
    unknown_full: bool,
}

impl Ledger {
    /// A ledger over the models of a pool; without a common unit every cost
    /// is unknown, which is shown as such and never as 0.
    pub fn new(models: &[ModelFacts]) -> Self {
        let Some(unit) = common_unit(models) else {
            return Self::default();
        };
        let rates = models
            .iter()
            .filter_map(|model| Some((model.name.clone(), rate_in(model, &unit)?)))
            .collect();
        Self {
            unit: Some(unit),
            rates,
        }
    }

    /// The unit of every amount; `None` where the pool has none in common.
    pub fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// Cost of `output` tokens of `model` in the published ledger.
    pub fn output(&self, model: &str, output: u64) -> Option<f64> {
        self.rates
            .get(model)
            .map(|rate| rate.output(output).value())
    }

    /// Full cost of a call of `model` that took `usage`.
    pub fn call(&self, model: &str, usage: Usage) -> Option<f64> {
        self.rates.get(model).map(|rate| rate.call(usage).value())
    }

    /// What one step cost. A rejected draft (`kept: false`) is in the full
    /// ledger only; a step that a person wrote costs nothing.
    pub fn step(&self, step: &StepRecord) -> Tally {
        let mut tally = self.start();
        if step.model == PERSON {
            return tally;
        }
        let Some(rate) = self.rates.get(&step.model) else {
            tally.unknown = true;
            return tally;
        };
        let published = if step.kept {
            rate.output(step.usage.output)
        } else {
            rate.zero()
        };
        tally.add_amounts(
            published,
            rate.call(step.usage),
            step.usage.cached.is_none(),
        );
        tally.add_attempts(rate, &step.attempts);
        tally
    }

    /// What asking `scorer`, of the pool or not, for a score cost. Of a judge
    /// the papers count the output tokens, of the others nothing: they are in
    /// the full ledger only, which is unknown where the scorer has no rate in
    /// this unit.
    pub fn score(&self, score: &ScoreRecord, scorer: &ModelFacts, role: Role) -> Tally {
        let mut tally = self.start();
        let rate = self.unit.as_ref().and_then(|unit| rate_in(scorer, unit));
        let Some(rate) = rate else {
            tally.unknown = role == Role::Judge;
            tally.unknown_full = true;
            return tally;
        };
        let published = if role == Role::Judge {
            rate.output(score.usage.output)
        } else {
            rate.zero()
        };
        tally.add_amounts(
            published,
            rate.call(score.usage),
            score.usage.cached.is_none() && score.usage.prompt > 0,
        );
        tally.add_attempts(&rate, &score.attempts);
        tally
    }

    /// What a score of the log cost, as it was counted when it was given.
    pub fn logged_score(&self, score: &ScoreRecord) -> Tally {
        let mut tally = self.start();
        let Some(cost) = &score.cost else {
            // A checker asks no model; of what earlier versions asked nobody
            // knows the cost.
            let free = score.usage == Usage::default() && score.attempts.is_empty();
            tally.unknown_full = !free;
            return tally;
        };
        let amount = |value: Option<f64>| Amount::of(self.unit.as_ref()?, value?);
        match (amount(cost.published), amount(cost.full)) {
            (Some(published), Some(full)) => tally.add_amounts(published, full, cost.upper_bound),
            (published, _) => {
                tally.unknown = published.is_none();
                tally.unknown_full = true;
            }
        }
        tally.estimated = cost.estimated;
        tally
    }

    /// `cost` with a score in its full ledger: unknown where either is.
    pub fn with_score(&self, cost: &CostFacts, score: &Tally) -> CostFacts {
        let amount = |value: Option<f64>| Amount::of(self.unit.as_ref()?, value?);
        let full = amount(cost.full).zip(amount(score.full()));
        CostFacts {
            published: cost.published,
            full: full.map(|(cost, score)| cost.plus(score).value()),
            upper_bound: cost.upper_bound || score.upper_bound,
            estimated: cost.estimated || score.estimated,
        }
    }

    /// Sum over steps, in any order.
    pub fn total<'a>(&self, steps: impl IntoIterator<Item = &'a StepRecord>) -> Tally {
        steps
            .into_iter()
            .fold(self.start(), |sum, step| sum.plus(&self.step(step)))
    }

    /// Sum over steps and over the scores that were asked for.
    pub fn total_with<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a StepRecord>,
        scores: impl IntoIterator<Item = &'a ScoreRecord>,
    ) -> Tally {
        let steps = self.total(steps);
        scores
            .into_iter()
            .fold(steps, |sum, score| sum.plus(&self.logged_score(score)))
    }

    fn start(&self) -> Tally {
        let zero = self.rates.values().next().map(Rate::zero);
        Tally {
            published: zero,
            full: zero,
            upper_bound: false,
            estimated: false,
            unknown: false,
            unknown_full: false,
        }
    }
}

pub use crate::trace::record::PERSON;

impl Tally {
    /// The sum of two tallies of one ledger.
    pub fn plus(&self, other: &Self) -> Self {
        let add = |a: Option<Amount>, b: Option<Amount>| match (a, b) {
            (Some(a), Some(b)) => Some(a.plus(b)),
            (one, other) => one.or(other),
        };
        Self {
            published: add(self.published, other.published),
            full: add(self.full, other.full),
            upper_bound: self.upper_bound || other.upper_bound,
            estimated: self.estimated || other.estimated,
            unknown: self.unknown || other.unknown,
            unknown_full: self.unknown_full || other.unknown_full,
        }
    }

    /// Published cost; `None` where any part of it is unknown.
    pub fn published(&self) -> Option<f64> {
        self.known(self.published)
    }

    /// Full cost; `None` where any part of it is unknown.
    pub fn full(&self) -> Option<f64> {
        self.known(self.full).filter(|_| !self.unknown_full)
    }

    /// Whether the full cost bills unknown cached counts as uncached.
    pub fn upper_bound(&self) -> bool {
        self.upper_bound
    }

    /// Whether the full cost holds estimates of calls that were cut off.
    pub fn estimated(&self) -> bool {
        self.estimated
    }

    /// As the log keeps it.
    pub fn facts(&self) -> CostFacts {
        CostFacts {
            published: self.published(),
            full: self.full(),
            upper_bound: self.upper_bound,
            estimated: self.estimated,
        }
    }

    fn known(&self, amount: Option<Amount>) -> Option<f64> {
        if self.unknown {
            None
        } else {
            amount.map(Amount::value)
        }
    }

    /// Calls that gave nothing: a retry never stands in the papers' accounts.
    fn add_attempts(&mut self, rate: &Rate, attempts: &[Attempt]) {
        for attempt in attempts {
            let upper = attempt.usage.cached.is_none() && attempt.usage.prompt > 0;
            self.add_amounts(rate.zero(), rate.call(attempt.usage), upper);
            self.estimated |= attempt.estimated;
        }
    }

    fn add_amounts(&mut self, published: Amount, full: Amount, upper_bound: bool) {
        self.published = Some(self.published.map_or(published, |sum| sum.plus(published)));
        self.full = Some(self.full.map_or(full, |sum| sum.plus(full)));
        self.upper_bound |= upper_bound;
    }
}

#[cfg(test)]
mod tests;
