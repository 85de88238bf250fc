//! A small routing problem whose optimum is known: for tests.
//!
//! A trajectory has [`STEPS`] decisions. At each the router sees the step, the
//! class of the problem (easy or hard), who wrote the last step and in which
//! of [`BINS`] bins its confidence lies, which fixes the probability that it
//! is incorrect. Large repairs an incorrect step; small builds on it, and the
//! trajectory ends wrong. So the states are Markov and the best stochastic
//! policy under the coverage constraint is a linear program over occupancies;
//! with one constraint its optimum is where the Lagrangian dual is largest.

use std::convert::Infallible;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::episode::{Episode, Transition};
use super::run::{Behaviour, Draw, Rollouts, draw_from};

pub const STEPS: usize = 6;
pub const BINS: usize = 8;
pub const FEATURES: usize = 5;
const LARGE_COST: f64 = 4.0;
const REFERENCE: f64 = 1.0;

/// What the router sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    pub step: usize,
    pub hard: bool,
    pub writer: usize,
    pub bin: usize,
}

impl Seen {
    fn confidence(self) -> f64 {
        (self.bin as f64 + 0.5) / BINS as f64
    }

    /// Normalised features: confidence, step, class, writer one-hot.
    pub fn features(self) -> Vec<f64> {
        vec![
            (self.confidence() - 0.6) / 0.3,
            (self.step as f64 - 2.5) / 1.7,
            if self.hard { 1.0 } else { -1.0 },
            if self.writer == 0 { 1.0 } else { -1.0 },
            if self.writer == 1 { 1.0 } else { -1.0 },
        ]
    }

    /// Probability that the last step is incorrect.
    fn incorrect(self) -> f64 {
        let most = match (self.hard, self.writer) {
            (false, 0) => 0.35,
            (true, 0) => 0.8,
            (false, _) => 0.1,
            (true, _) => 0.2,
        };
        most * (1.0 - self.confidence()).powi(2)
    }
}

/// Probabilities of the bins after a step by `writer`.
fn bins(hard: bool, writer: usize) -> [f64; BINS] {
    let power = match (hard, writer) {
        (false, 0) => 1.5,
        (true, 0) => 0.5,
        (false, _) => 3.0,
        (true, _) => 2.0,
    };
    let weights: [f64; BINS] = std::array::from_fn(|bin| ((bin as f64 + 1.0) / 8.0).powf(power));
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// Rolls the problem out.
pub struct Tabular;

impl Rollouts for Tabular {
    type Error = Infallible;

    fn rollout(
        &mut self,
        _: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, Infallible> {
        let hard = rng.random_bool(0.5);
        let reference = rng.random_bool(REFERENCE);
        let mut steps = Vec::new();
        let (mut writer, mut alive) = (0, true);
        for step in 0..STEPS {
            let bin = draw_from(&bins(hard, writer), rng);
            let seen = Seen {
                step,
                hard,
                writer,
                bin,
            };
            let incorrect = rng.random_bool(seen.incorrect());
            let allowed = vec![true, true];
            let probabilities = policy(&seen.features(), &allowed);
            let action = draw_from(&probabilities, rng);
            steps.push(Transition {
                observation: seen.features(),
                writer: Some(writer),
                allowed,
                action,
                propensity: probabilities[action],
                cost: if action == 1 { LARGE_COST } else { 1.0 },
                incorrect: Some(incorrect),
            });
            if incorrect && action == 0 {
                alive = false;
                break;
            }
            writer = action;
        }
        Ok(Episode {
            steps,
            success: alive,
            reference_success: f64::from(u8::from(reference)),
        })
    }
}

/// Exact expectations of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    pub cost: f64,
    /// Pr[R = 0 and R_M = 1].
    pub miss: f64,
}

/// Expected cost and miss by backward induction, for a policy that is chosen
/// (`choose`) from the values of going on with small and with large.
fn induct(mut choose: impl FnMut(Seen, [Value; 2]) -> f64) -> Value {
    let nothing = Value {
        cost: 0.0,
        miss: 0.0,
    };
    // By class and writer: the value of the next step on.
    let mut next = [[nothing; 2]; 2];
    for step in (0..STEPS).rev() {
        let mut here = [[nothing; 2]; 2];
        for (class, values) in here.iter_mut().enumerate() {
            for (writer, value) in values.iter_mut().enumerate() {
                for (bin, weight) in bins(class == 1, writer).into_iter().enumerate() {
                    let seen = Seen {
                        step,
                        hard: class == 1,
                        writer,
                        bin,
                    };
                    let wrong = seen.incorrect();
                    let small = Value {
                        cost: 1.0 + (1.0 - wrong) * next[class][0].cost,
                        miss: REFERENCE * wrong + (1.0 - wrong) * next[class][0].miss,
                    };
                    let large = Value {
                        cost: LARGE_COST + next[class][1].cost,
                        miss: next[class][1].miss,
                    };
                    let p = choose(seen, [small, large]);
                    value.cost += weight * (p * large.cost + (1.0 - p) * small.cost);
                    value.miss += weight * (p * large.miss + (1.0 - p) * small.miss);
                }
            }
        }
        next = here;
    }
    Value {
        cost: 0.5 * (next[0][0].cost + next[1][0].cost),
        miss: 0.5 * (next[0][0].miss + next[1][0].miss),
    }
}

/// A policy given by the probability of the large model.
pub fn evaluate(policy: impl Fn(Seen) -> f64) -> Value {
    induct(|seen, _| policy(seen))
}

/// The deterministic policy that is best at a price per miss.
fn best_at(price: f64) -> Value {
    induct(|_, [small, large]| {
        let dear = |value: Value| value.cost + price * value.miss;
        f64::from(u8::from(dear(large) <= dear(small)))
    })
}

/// The least expected cost at a miss probability of at most `alpha`: the value
/// of the linear program over occupancies. Bisection on the price of a miss
/// closes in on the two deterministic policies whose mixture is the optimum.
pub fn optimum(alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if best_at(middle).miss > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (cheap, safe) = (best_at(low), best_at(high));
    if cheap.miss <= alpha {
        return cheap.cost;
    }
    let share = (alpha - safe.miss) / (cheap.miss - safe.miss);
    let primal = safe.cost + share * (cheap.cost - safe.cost);
    // Weak duality: no policy is cheaper than this.
    let dual = cheap.cost + high * (cheap.miss - alpha);
    assert!((primal - dual).abs() < 1e-6, "{primal} {dual}");
    primal
}
