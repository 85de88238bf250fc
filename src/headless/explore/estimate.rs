//! What an exploration will take: reckoned from what finished problems of the
//! same log took, else from the limits and an assumption that is told.

use serde::Serialize;

use crate::headless::Launch;
use crate::session::forest::Shape;
use crate::trace::record::{ModelFacts, Usage};

use super::held::Held;
use super::loads::{Load, Loads};

/// Bytes of a token of English text, about.
const BYTES_A_TOKEN: u64 = 4;

/// What is assumed of a solution where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Solution {
    pub steps: u64,
    /// Output tokens of a step.
    pub tokens: u64,
}

/// Measured on the demo problems; of steps one more, for the trees of long
/// solutions are many times those of short ones.
const EMBEDDED: Solution = Solution {
    steps: 6,
    tokens: 37,
};

/// Some 600 tokens a solution: between what GSM8K and Omni-MATH take of
/// Qwen2.5-Math-1.5B (316 and 883 by the published FLOPs, §7).
const GENERAL: Solution = Solution {
    steps: 10,
    tokens: 60,
};

/// Where an estimate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The mean of so many problems that are finished.
    Measured {
        problems: usize,
    },
    Assumed(Solution),
}

/// What an exploration is reckoned to take from here on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Problems whose forests are not grown yet.
    pub problems: usize,
    pub calls: u64,
    pub output_tokens: u64,
    /// In the full ledger, every prompt token billed as uncached where nothing
    /// was measured; `None` where the pool has no common unit.
    pub cost: Option<f64>,
    /// `flops` or a currency code.
    pub unit: Option<String>,
    pub basis: Basis,
}

impl Estimate {
    /// What the problems of `launch` that are not whole will take.
    pub(super) fn new(launch: &Launch, shape: Shape, held: Option<&Held>) -> Self {
        let problems = &launch.problems;
        let whole = held.map_or(0, |held| held.whole.len());
        let left = problems.len() - whole;
        let (basis, loads) = match held.filter(|held| !held.whole.is_empty()) {
            Some(held) => (
                Basis::Measured { problems: whole },
                held.took.scaled(left as u64, whole as u64),
            ),
            None => {
                let embedded = launch.run.pool.iter().all(|m| m.server == "embedded");
                let solution = if embedded { EMBEDDED } else { GENERAL };
                let questions: u64 = problems.iter().map(|p| p.question.len() as u64).sum();
                let question = questions / (problems.len() as u64).max(1) / BYTES_A_TOKEN;
                let one = assumed(&launch.run.pool, shape, solution, question);
                (Basis::Assumed(solution), one.scaled(left as u64, 1))
            }
        };
        Self {
            problems: left,
            calls: loads.calls(),
            output_tokens: loads.output(),
            cost: loads.cost(&launch.settings.ledger),
            unit: launch.run.cost_unit.clone(),
            basis,
        }
    }

    /// One sentence for people.
    pub fn to_text(&self) -> String {
        if self.problems == 0 {
            return "every forest is grown: there is nothing to call".to_owned();
        }
        let cost = match (self.cost, &self.unit) {
            (Some(cost), Some(unit)) => format!(", {}", amount(cost, unit)),
            _ => ", at a cost that is not known".to_owned(),
        };
        let basis = match self.basis {
            Basis::Measured { problems } => {
                format!("as {problems} finished ones of the log took")
            }
            Basis::Assumed(Solution { steps, tokens }) => format!(
                "assuming {steps} steps of {tokens} tokens a solution; measured once some \
                 problems are in the log, e.g. by `--limit 5` first"
            ),
        };
        format!(
            "{} problems: about {} calls, {} output tokens{cost} (an estimate, {basis})",
            self.problems,
            count(self.calls),
            count(self.output_tokens),
        )
    }
}

/// What one problem takes where every solution is as assumed.
fn assumed(pool: &[ModelFacts], shape: Shape, solution: Solution, question: u64) -> Loads {
    let mut loads = Loads::default();
    // A call reads the question and, on average, half of a solution.
    let call = |calls: u64| Load {
        calls,
        usage: Usage {
            prompt: calls * (question + solution.steps * solution.tokens / 2),
            cached: Some(0),
            output: calls * solution.tokens,
            ..Usage::default()
        },
    };
    if let Some(large) = pool.last() {
        let steps = u64::from(shape.references) * solution.steps;
        loads.put(&large.name, call(steps));
    }
    let models = (pool.len() as u64).max(1);
    let steps = largest_tree(models, shape, solution.steps).min(u64::from(shape.max_nodes));
    for model in pool {
        loads.put(&model.name, call(steps.div_ceil(models)));
    }
    loads
}

/// Calls of a forest in which every prefix of solutions of so many steps is
/// visited.
fn largest_tree(models: u64, shape: Shape, steps: u64) -> u64 {
    let branches = u64::from(shape.branches);
    let (mut level, mut all) = (branches, branches);
    for _ in 1..steps {
        level = level.saturating_mul(models * branches);
        all = all.saturating_add(level);
    }
    all
}

/// A count to two or three digits, as one says it: `410k`, `3,100`.
pub fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..10_000 => {
            let hundreds = (number + 50) / 100;
            format!("{},{:03}", hundreds / 10, hundreds % 10 * 100)
        }
        10_000..1_000_000 => format!("{}k", (number + 500) / 1_000),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}

/// An amount of money or of FLOPs.
pub fn amount(value: f64, unit: &str) -> String {
    if unit == "flops" {
        format!("{value:.2e} FLOPs")
    } else {
        format!("{value:.2} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Ledger;
    use crate::model::pool::Pool;

    fn pool() -> Vec<ModelFacts> {
        Pool::embedded()
            .models
            .iter()
            .map(ModelFacts::from)
            .collect()
    }

    #[test]
    fn counts_are_said_as_one_says_them() {
        let said = [7, 999, 3_104, 9_960, 9_999, 410_400, 1_250_000].map(count);
        assert_eq!(
            said,
            ["7", "999", "3,100", "10,000", "10,000", "410k", "1.2M"]
        );
        assert_eq!(amount(0.658, "USD"), "0.66 USD");
        assert_eq!(amount(1.234e12, "flops"), "1.23e12 FLOPs");
    }

    #[test]
    fn a_small_tree_takes_less_than_its_budget() {
        let shape = Shape::default();
        assert_eq!(largest_tree(2, shape, 3), 1 + 2 + 4);
        let solution = Solution {
            steps: 3,
            tokens: 10,
        };
        let loads = assumed(&pool(), shape, solution, 20);
        // Four answers of three steps, and seven calls shared by the two.
        assert_eq!(loads.calls(), 12 + 4 + 4);
        assert_eq!(loads.output(), 10 * loads.calls());
        let long = assumed(&pool(), shape, GENERAL, 20);
        assert_eq!(long.calls(), 40 + 64);
        assert!(long.cost(&Ledger::new(&pool())).unwrap() > 0.0);
        let wide = Shape {
            branches: 1_000,
            ..shape
        };
        assert_eq!(largest_tree(2, wide, 40), u64::MAX);
    }
}
