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

/// The writer of a step that a person edited.
pub const PERSON: &str = "person";

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
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::trace::record::{Confidence, Continuation, PriceFacts, Purpose, StepEnd, ValueKind};

    fn model(name: &str, params: Option<f64>, price: Option<PriceFacts>) -> ModelFacts {
        ModelFacts {
            name: name.into(),
            server: "llama-cpp".into(),
            model: None,
            params,
            price,
            template: None,
            template_sha256: None,
            continuation: None,
            extra: serde_json::Map::new(),
            weights: None,
        }
    }

    fn price(input: &str, cached: Option<&str>, output: &str) -> PriceFacts {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        PriceFacts {
            input: decimal(input),
            cached_input: cached.map(decimal),
            output: decimal(output),
            currency: "USD".into(),
            per: decimal("1000000"),
            as_of: None,
        }
    }

    fn step(model: &str, usage: Usage, kept: bool) -> StepRecord {
        StepRecord {
            run: "r".into(),
            id: "s".into(),
            parent: None,
            problem: "p".into(),
            index: 1,
            model: model.into(),
            text: String::new(),
            purpose: Purpose::Step,
            kept,
            decision: None,
            tokens: Vec::new(),
            confidence: Confidence {
                value: None,
                source: "prob".into(),
                fallback: false,
                kind: ValueKind::None,
                unavailable: None,
                measures: BTreeMap::new(),
            },
            usage,
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            continuation: Continuation::Exact,
            seed: 0,
            seconds: 0.0,
            at: String::new(),
        }
    }

    #[test]
    fn flops_count_output_only_in_the_published_ledger() {
        let ledger = Ledger::new(&[model("a", Some(10.0), None), model("b", Some(100.0), None)]);
        let usage = Usage {
            prompt: 50,
            cached: Some(20),
            output: 7,
        };
        let cost = ledger.step(&step("b", usage, true));
        assert_eq!(cost.published(), Some(2.0 * 100.0 * 7.0));
        assert_eq!(cost.full(), Some(2.0 * 100.0 * 37.0));
        assert!(!cost.upper_bound());
    }

    #[test]
    fn a_rejected_draft_and_a_failed_attempt_are_in_the_full_ledger_only() {
        let ledger = Ledger::new(&[model("a", Some(1.0), None), model("b", Some(2.0), None)]);
        let usage = Usage {
            prompt: 0,
            cached: Some(0),
            output: 5,
        };
        assert_eq!(ledger.step(&step("a", usage, false)).published(), Some(0.0));
        let mut retried = step("a", usage, true);
        retried.attempts.push(Attempt {
            role: Role::Step,
            usage: Usage {
                prompt: 4,
                cached: None,
                output: 3,
            },
            failure: "cut".into(),
            estimated: true,
        });
        let cost = ledger.step(&retried);
        assert_eq!(cost.published(), Some(10.0));
        assert_eq!(cost.full(), Some(10.0 + 14.0));
        assert!(cost.upper_bound());
    }

    #[test]
    fn money_is_exact_and_wins_over_flops() {
        let priced = price("0.40", Some("0.10"), "1.60");
        let ledger = Ledger::new(&[
            model("a", Some(1.0), Some(priced.clone())),
            model("b", None, Some(priced)),
        ]);
        assert_eq!(ledger.unit(), Some(&Unit::Money("USD".into())));
        let usage = Usage {
            prompt: 1000,
            cached: Some(400),
            output: 100,
        };
        let cost = ledger.step(&step("b", usage, true));
        assert_eq!(cost.published(), Some(0.00016));
        assert_eq!(cost.full(), Some(0.00044));
    }

    #[test]
    fn without_a_common_unit_costs_are_unknown_not_zero() {
        let ledger = Ledger::new(&[model("a", Some(1.0), None), model("b", None, None)]);
        assert_eq!(ledger.unit(), None);
        let usage = Usage {
            prompt: 1,
            cached: None,
            output: 1,
        };
        assert_eq!(ledger.step(&step("a", usage, true)).published(), None);
        let total = ledger.total(&[step("a", usage, true), step("b", usage, true)]);
        assert_eq!(total.full(), None);
    }

    #[test]
    fn the_total_is_the_sum_of_the_steps() {
        let ledger = Ledger::new(&[model("a", Some(3.0), None), model("b", Some(7.0), None)]);
        let steps: Vec<_> = (1..20)
            .map(|i| {
                let usage = Usage {
                    prompt: 10 * i,
                    cached: Some(i),
                    output: i,
                };
                step(if i % 3 == 0 { "b" } else { "a" }, usage, i % 4 != 0)
            })
            .collect();
        let total = ledger.total(&steps);
        let sum: f64 = steps.iter().filter_map(|s| ledger.step(s).full()).sum();
        assert_eq!(total.full(), Some(sum));
        assert!(total.published() <= total.full());
    }

    fn score(output: u64) -> ScoreRecord {
        ScoreRecord {
            run: "r".into(),
            step: Some("s".into()),
            problem: "p".into(),
            scorer: "grader".into(),
            model: Some("g".into()),
            value: Some(1.0),
            note: None,
            usage: Usage {
                prompt: 10,
                cached: Some(4),
                output,
            },
            attempts: Vec::new(),
            cost: None,
        }
    }

    #[test]
    fn a_grader_is_in_the_full_ledger_only_and_by_its_own_rate() {
        let pool = [model("a", Some(1.0), None), model("b", Some(2.0), None)];
        let ledger = Ledger::new(&pool);
        let mut asked = score(3);
        let grader = model("b", Some(100.0), None);
        let tally = ledger.score(&asked, &grader, Role::Grader);
        assert_eq!(tally.published(), Some(0.0));
        assert_eq!(tally.full(), Some(2.0 * 100.0 * 9.0));
        let judged = ledger.score(&asked, &grader, Role::Judge);
        assert_eq!(judged.published(), Some(2.0 * 100.0 * 3.0));

        let steps = CostFacts {
            published: Some(10.0),
            full: Some(40.0),
            upper_bound: false,
            estimated: false,
        };
        let cost = ledger.with_score(&steps, &tally);
        assert_eq!((cost.published, cost.full), (Some(10.0), Some(1840.0)));
        asked.cost = Some(tally.facts());
        assert_eq!(ledger.logged_score(&asked), tally);
    }

    #[test]
    fn a_grader_without_a_rate_makes_the_full_cost_unknown_and_no_other() {
        let euros = PriceFacts {
            currency: "EUR".into(),
            ..price("1", None, "1")
        };
        let pool = [model("a", None, Some(price("1", None, "1")))];
        let ledger = Ledger::new(&pool);
        for grader in [model("g", Some(1.0), None), model("g", None, Some(euros))] {
            let mut asked = score(3);
            let tally = ledger.score(&asked, &grader, Role::Grader);
            assert_eq!((tally.published(), tally.full()), (Some(0.0), None));
            let cost = ledger.with_score(
                &CostFacts {
                    published: Some(1.0),
                    full: Some(1.0),
                    ..CostFacts::default()
                },
                &tally,
            );
            assert_eq!((cost.published, cost.full), (Some(1.0), None));
            asked.cost = Some(tally.facts());
            assert_eq!(ledger.logged_score(&asked).full(), None);
            assert_eq!(ledger.logged_score(&asked).published(), Some(0.0));
        }
    }

    #[test]
    fn money_stays_exact_with_a_grader_and_an_old_score_is_unknown() {
        let ledger = Ledger::new(&[model("a", None, Some(price("0.40", None, "1.60")))]);
        let grader = model("g", None, Some(price("0.1", None, "0.2")));
        let tally = ledger.score(&score(3), &grader, Role::Grader);
        let steps = CostFacts {
            published: Some(0.1),
            full: Some(0.2),
            ..CostFacts::default()
        };
        // 10 tokens in at 0.1 and 3 out at 0.2 in 1e6.
        assert_eq!(ledger.with_score(&steps, &tally).full, Some(0.200_001_6));
        assert_eq!(ledger.logged_score(&score(3)).full(), None);
        let mut free = score(0);
        free.usage = Usage::default();
        assert_eq!(ledger.logged_score(&free).full(), Some(0.0));
    }

    #[test]
    fn a_person_costs_nothing() {
        let ledger = Ledger::new(&[model("a", Some(3.0), None), model("b", Some(7.0), None)]);
        let cost = ledger.step(&step(PERSON, Usage::default(), true));
        assert_eq!((cost.published(), cost.full()), (Some(0.0), Some(0.0)));
    }
}
