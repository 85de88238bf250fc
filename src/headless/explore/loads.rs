//! What calls took: how many, and how many tokens, by model.

use std::collections::BTreeMap;

use crate::cost::Ledger;
use crate::trace::record::{Record, StepRecord, Usage};

/// Calls and tokens by model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loads(BTreeMap<String, Load>);

/// Calls and the tokens of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    pub calls: u64,
    pub usage: Usage,
}

impl Load {
    fn plus(self, other: Self) -> Self {
        // An unknown number of cached tokens is billed as none.
        let known = |usage: Usage| Usage {
            cached: Some(usage.cached.unwrap_or(0)),
            ..usage
        };
        Self {
            calls: self.calls + other.calls,
            usage: known(self.usage).plus(known(other.usage)),
        }
    }

    /// So many times `numerator / denominator`, rounded.
    fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let scale = |count: u64| (count * numerator + denominator / 2) / denominator.max(1);
        Self {
            calls: scale(self.calls),
            usage: Usage {
                prompt: scale(self.usage.prompt),
                cached: self.usage.cached.map(scale),
                cache_write: scale(self.usage.cache_write),
                output: scale(self.usage.output),
                // Nobody said it of these.
                reported: None,
            },
        }
    }
}

impl Loads {
    /// What the calls behind these records took, failed ones included.
    pub fn of(records: &[Record]) -> Self {
        let mut loads = Self::default();
        for record in records {
            if let Record::Step(step) = record {
                loads.step(step);
            }
        }
        loads
    }

    /// Counts one step.
    pub fn step(&mut self, step: &StepRecord) {
        let attempts = step.attempts.iter().map(|attempt| attempt.usage);
        let calls = attempts
            .chain([step.usage])
            .map(|usage| Load { calls: 1, usage });
        for load in calls {
            self.put(&step.model, load);
        }
    }

    /// Counts calls to a model.
    pub fn put(&mut self, model: &str, load: Load) {
        let sum = self.0.entry(model.to_owned()).or_default();
        *sum = sum.plus(load);
    }

    /// Adds what others took.
    pub fn add(&mut self, other: &Self) {
        for (model, load) in &other.0 {
            self.put(model, *load);
        }
    }

    /// So many times `numerator / denominator`, each count rounded.
    pub fn scaled(&self, numerator: u64, denominator: u64) -> Self {
        let scaled = self.0.iter();
        Self(
            scaled
                .map(|(model, load)| (model.clone(), load.scaled(numerator, denominator)))
                .collect(),
        )
    }

    pub fn calls(&self) -> u64 {
        self.0.values().map(|load| load.calls).sum()
    }

    /// Calls by model.
    pub fn calls_by_model(&self) -> BTreeMap<String, u64> {
        let calls = self.0.iter();
        calls
            .map(|(model, load)| (model.clone(), load.calls))
            .collect()
    }

    pub fn prompt(&self) -> u64 {
        self.0.values().map(|load| load.usage.prompt).sum()
    }

    pub fn output(&self) -> u64 {
        self.0.values().map(|load| load.usage.output).sum()
    }

    /// Full cost; `None` where any rate is unknown.
    pub fn cost(&self, ledger: &Ledger) -> Option<f64> {
        ledger.unit()?;
        // A plain sum of nothing is minus zero.
        self.0.iter().try_fold(0.0, |sum, (model, load)| {
            Some(sum + ledger.call(model, load.usage)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pool::Pool;
    use crate::trace::record::ModelFacts;

    #[test]
    fn no_calls_cost_nothing_and_not_less() {
        let pool = Pool::embedded();
        let pool: Vec<ModelFacts> = pool.models.iter().map(ModelFacts::from).collect();
        let cost = Loads::default().cost(&Ledger::new(&pool)).unwrap();
        assert_eq!(cost.to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn loads_scale_to_other_numbers_of_problems() {
        let mut loads = Loads::default();
        let usage = Usage {
            prompt: 100,
            cached: None,
            output: 30,
            ..Usage::default()
        };
        loads.put("small", Load { calls: 10, usage });
        let scaled = loads.scaled(3, 2);
        assert_eq!(
            (scaled.calls(), scaled.output(), scaled.prompt()),
            (15, 45, 150)
        );
        assert_eq!(scaled.0["small"].usage.cached, Some(0));
    }
}
