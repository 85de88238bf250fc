//! Rollouts over a forest: no call is made, and at every prefix that all
//! models have continued any action can be followed.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::episode::{Episode, Transition};
use super::forest::Child;
use super::prepared::{Prepared, PreparedProblem};
use super::run::{Behaviour, Draw, Rollouts};

/// Draws in a row that may come to nothing before a rollout gives up.
const MOST_FRUITLESS: usize = 1_000;

/// Rollouts over prepared problems: each problem once before any is taken
/// again, in an order that depends on the seed and the epoch alone.
pub struct ForestRollouts<'a> {
    prepared: &'a Prepared<'a>,
    /// Problems per iteration.
    batch: usize,
    seed: u64,
    /// The epoch whose order is at hand.
    epoch: Option<u64>,
    order: Vec<usize>,
}

/// A forest over which nothing can be rolled out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{MOST_FRUITLESS} walks in a row came to nothing: they end ungraded, or go on by a model that \
     may not run there; grade the forest (`pointsman regrade`) or grow a larger one (`--max-nodes`)"
)]
pub struct NothingUsable;

impl<'a> ForestRollouts<'a> {
    /// Rollouts in batches of `batch`.
    #[must_use]
    pub fn new(prepared: &'a Prepared<'a>, batch: usize, seed: u64) -> Self {
        Self {
            prepared,
            batch,
            seed,
            epoch: None,
            order: Vec::new(),
        }
    }

    /// The `number`-th problem of the run, from 0.
    fn problem(&mut self, number: u64) -> &'a PreparedProblem<'a> {
        let problems = self.prepared.problems();
        let all = problems.len() as u64;
        let epoch = number / all;
        if self.epoch != Some(epoch) {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(epoch);
            self.order = (0..problems.len()).collect();
            self.order.shuffle(&mut rng);
            self.epoch = Some(epoch);
        }
        &problems[self.order[(number % all) as usize]]
    }
}

impl Rollouts for ForestRollouts<'_> {
    type Error = NothingUsable;

    fn rollout(
        &mut self,
        draw: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, NothingUsable> {
        let number = u64::from(draw.iteration) * self.batch as u64 + draw.position as u64;
        let problem = self.problem(number);
        if let Some(episode) = walk(self.prepared, problem, policy, rng) {
            return Ok(episode);
        }
        // Another problem in its place: which, depends on the draw alone.
        let problems = self.prepared.problems();
        for _ in 0..MOST_FRUITLESS {
            let problem = &problems[rng.random_range(0..problems.len())];
            if let Some(episode) = walk(self.prepared, problem, policy, rng) {
                return Ok(episode);
            }
        }
        Err(NothingUsable)
    }
}

/// One walk from the question to an end; `None` where it ends ungraded, which
/// is neither right nor wrong, or goes on by a model that may not run there.
///
/// Where every model has continued the prefix the policy draws; elsewhere the
/// model that the exploration drew goes on, with the probability it was drawn
/// with as its propensity.
fn walk(
    prepared: &Prepared<'_>,
    problem: &PreparedProblem<'_>,
    policy: Behaviour<'_>,
    rng: &mut ChaCha8Rng,
) -> Option<Episode> {
    let steps = &problem.forest.steps;
    let mut transitions = Vec::new();
    let mut at = pick(problem.forest.first.iter(), rng)?;
    loop {
        let step = &steps[at];
        if let Some(leaf) = step.leaf {
            return Some(Episode {
                steps: transitions,
                success: leaf.success?,
                reference_success: problem.reference,
            });
        }
        let place = problem.place(at);
        let allowed = prepared.allowed(Some(step.model));
        let (action, propensity) = if step.is_visited(prepared.models()) {
            let probabilities = policy(place.observation, &allowed);
            let action = draw_from(&probabilities, rng);
            (action, probabilities[action])
        } else {
            let action = step.children.first()?.model;
            (action, *step.propensities.get(action)?)
        };
        if !allowed[action] {
            return None;
        }
        let next = pick(step.children_of(action), rng)?;
        transitions.push(Transition {
            observation: place.observation.to_vec(),
            writer: Some(step.model),
            allowed,
            action,
            propensity,
            cost: problem.cost(next),
            incorrect: step.verdict.map(|right| !right),
        });
        at = next;
    }
}

/// One of several continuations, by how many calls gave it.
fn pick<'c>(children: impl Iterator<Item = &'c Child>, rng: &mut ChaCha8Rng) -> Option<usize> {
    let children: Vec<&Child> = children.collect();
    let all: u32 = children.iter().map(|child| child.branches).sum();
    if all == 0 {
        return None;
    }
    let mut left = rng.random_range(0..all);
    for child in children {
        match left.checked_sub(child.branches) {
            Some(rest) => left = rest,
            None => return Some(child.step),
        }
    }
    None
}

/// The action that a fresh uniform number falls on.
fn draw_from(probabilities: &[f64], rng: &mut ChaCha8Rng) -> usize {
    let mut left: f64 = rng.random();
    let mut last = 0;
    for (action, probability) in probabilities.iter().enumerate() {
        if *probability <= 0.0 {
            continue;
        }
        last = action;
        left -= probability;
        if left < 0.0 {
            break;
        }
    }
    last
}
