//! What vendors say that calls cost, held against the prices of the pool: a
//! price that was mistyped, or that changed, shows there.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::trace::record::{
    Attempt, ModelFacts, RunRecord, ScoreRecord, StepId, StepRecord, Usage,
};

use super::PERSON;
use super::rate::{Amount, Unit, rate_in};

/// The currency that vendors report in.
const CURRENCY: &str = "USD";
/// A difference of more than one in so many is told.
const TOLERATED: u32 = 100;

/// What a model's vendor says of all its calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reported {
    pub model: String,
    pub server: String,
    /// Calls that took anything, failed ones included.
    pub calls: u64,
    /// What the vendor says they cost, in USD.
    pub reported: f64,
    /// What the pool's price gives for them; `None` without a price in USD.
    pub by_price: Option<f64>,
    /// Whether `by_price` bills unknown cached counts at the dearest rate.
    pub upper_bound: bool,
    /// Whether the two are more than 1 % apart.
    pub differs: bool,
}

impl Reported {
    /// Both sums in a sentence.
    #[must_use]
    pub fn to_text(&self) -> String {
        let said = format!(
            "{} model `{}` reports {} {CURRENCY}",
            self.server,
            self.model,
            digits(self.reported)
        );
        let most = if self.upper_bound { "at most " } else { "" };
        match self.by_price {
            Some(ours) => format!("{said}, the pool's price gives {most}{}", digits(ours)),
            None => format!("{said}, the pool has no price in {CURRENCY} for it"),
        }
    }

    /// What to do, where the two do not agree.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.differs
            .then(|| format!("{}: mend `price`", self.to_text()))
    }
}

/// Adds up the calls of one run, by model.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    pool: BTreeMap<String, ModelFacts>,
    /// By role.
    scorers: BTreeMap<String, ModelFacts>,
    sums: BTreeMap<String, Sums>,
    /// Steps whose cost was reported: a log may repeat a line.
    known: HashSet<StepId>,
}

#[derive(Debug, Clone, Default)]
struct Sums {
    server: String,
    calls: u64,
    /// Whether the vendor was silent about a call: then nothing is compared.
    silent: bool,
    reported: Decimal,
    /// `None` once a call has no price in the currency.
    by_price: Option<Decimal>,
    upper_bound: bool,
}

impl Reports {
    #[must_use]
    pub fn new(run: &RunRecord) -> Self {
        let named = |model: &ModelFacts| (model.name.clone(), model.clone());
        Self {
            pool: run.pool.iter().map(named).collect(),
            scorers: run.scorers.clone(),
            ..Self::default()
        }
    }

    /// Takes the calls of a step.
    pub fn step(&mut self, step: &StepRecord) {
        if step.model == PERSON {
            return;
        }
        let said = calls(step.usage, &step.attempts).any(|usage| usage.reported.is_some());
        if said && !self.known.insert(step.id.clone()) {
            return;
        }
        let Some(facts) = self.pool.get(&step.model) else {
            return;
        };
        for usage in calls(step.usage, &step.attempts) {
            Sums::of(&mut self.sums, facts).add(facts, usage);
        }
    }

    /// Takes the calls behind a score.
    pub fn score(&mut self, score: &ScoreRecord) {
        let Some(model) = &score.model else {
            // A checker is no model.
            return;
        };
        let by_role = self.scorers.get(&score.scorer);
        let facts = by_role.filter(|facts| facts.name == *model);
        let Some(facts) = facts.or_else(|| self.pool.get(model)) else {
            return;
        };
        for usage in calls(score.usage, &score.attempts) {
            Sums::of(&mut self.sums, facts).add(facts, usage);
        }
    }

    /// The models all of whose calls were reported, by name.
    #[must_use]
    pub fn finish(&self) -> Vec<Reported> {
        let told = self.sums.iter().filter(|(_, sums)| !sums.silent);
        told.map(|(model, sums)| sums.finish(model)).collect()
    }
}

/// An amount with as many digits as tell two of them apart.
fn digits(amount: f64) -> String {
    if amount == 0.0 || amount >= 0.01 {
        format!("{amount:.4}")
    } else {
        format!("{amount:.2e}")
    }
}

/// The calls that took anything: the one that gave a reply, and those before.
fn calls(usage: Usage, attempts: &[Attempt]) -> impl Iterator<Item = Usage> + '_ {
    let failed = attempts.iter().map(|attempt| attempt.usage);
    failed.chain([usage]).filter(|usage| !usage.is_nothing())
}

impl Sums {
    /// The sums of a model.
    fn of<'a>(all: &'a mut BTreeMap<String, Self>, facts: &ModelFacts) -> &'a mut Self {
        all.entry(facts.name.clone()).or_insert_with(|| Self {
            server: facts.server.clone(),
            by_price: Some(Decimal::ZERO),
            ..Self::default()
        })
    }

    /// Takes a call.
    fn add(&mut self, facts: &ModelFacts, usage: Usage) {
        self.calls += 1;
        let Some(reported) = usage.reported else {
            self.silent = true;
            return;
        };
        self.reported = self.reported.saturating_add(reported);
        let rate = rate_in(facts, &Unit::Money(CURRENCY.to_owned()));
        let ours = match rate.map(|rate| rate.call(usage)) {
            Some(Amount::Money(money)) => Some(money),
            _ => None,
        };
        let both = self.by_price.zip(ours);
        self.by_price = both.map(|(sum, more)| sum.saturating_add(more));
        self.upper_bound |= usage.cached.is_none() && usage.prompt > 0;
    }

    fn finish(&self, model: &str) -> Reported {
        let number = |amount: Decimal| amount.to_f64().unwrap_or(f64::NAN);
        Reported {
            model: model.to_owned(),
            server: self.server.clone(),
            calls: self.calls,
            reported: number(self.reported),
            by_price: self.by_price.map(number),
            upper_bound: self.upper_bound,
            differs: self.by_price.is_some_and(|ours| self.differs(ours)),
        }
    }

    /// Whether a price is more than 1 % off. An upper bound may be far above
    /// what was paid, and not below it.
    fn differs(&self, by_price: Decimal) -> bool {
        let tolerated = self.reported / Decimal::from(TOLERATED);
        let above = by_price.saturating_sub(self.reported) > tolerated;
        let below = self.reported.saturating_sub(by_price) > tolerated;
        below || (above && !self.upper_bound)
    }
}

#[cfg(test)]
mod tests;
