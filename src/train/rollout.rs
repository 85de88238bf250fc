//! Rollouts over a forest. At every prefix that all models have continued any
//! action can be followed without a call; elsewhere the forest is grown on
//! demand, where somebody can, or the model goes on that its exploration drew.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::episode::{Episode, Transition};
use super::forest::{Child, ProblemForest, Step};
use super::params::Params;
use super::prepared::{Encoding, PrepareError, Prepared};
use super::run::{Behaviour, Draw, Rollouts, draw_from};

/// Draws in a row that may come to nothing before a rollout gives up.
const MOST_FRUITLESS: usize = 1_000;

/// Grows a problem's forest where a policy needs it.
pub trait Grower {
    /// The forest with all models continuing the prefix that ends in a step;
    /// `None` where no more calls may be made. `steps` is how many steps the
    /// forests of all problems have together.
    ///
    /// # Errors
    /// Whatever keeps a call from being made or kept.
    fn grow(
        &mut self,
        problem: &str,
        step: &Step,
        steps: usize,
    ) -> Result<Option<ProblemForest>, Box<dyn std::error::Error>>;
}

/// Rollouts over prepared problems: each problem once before any is taken
/// again, in an order that depends on the seed and the epoch alone.
pub struct ForestRollouts<'a> {
    prepared: Prepared<'a>,
    params: Params,
    demand: Option<Demand<'a>>,
    /// The epoch whose order is at hand.
    epoch: Option<u64>,
    order: Vec<usize>,
}

/// Who grows the forest, and how what is new is read.
pub struct Demand<'a> {
    pub grower: &'a mut dyn Grower,
    pub encoding: &'a Encoding,
}

/// No rollout could be made.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    #[error(
        "{MOST_FRUITLESS} walks in a row came to nothing: they end ungraded, or go on by a model \
         that may not run there; grade the forest (`pointsman regrade`) or grow a larger one \
         (`--max-nodes`)"
    )]
    NothingUsable,
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The forest could not be grown.
    #[error("{0}")]
    Grow(Box<dyn std::error::Error>),
}

/// Where a walk came to.
enum Walked {
    End(Episode),
    /// It ends ungraded, which is neither right nor wrong, or goes on by a
    /// model that may not run there.
    Nowhere,
    /// Not all models have continued this step.
    Missing(usize),
}

impl<'a> ForestRollouts<'a> {
    /// Rollouts as the parameters want them, with calls where `demand` can
    /// make some.
    #[must_use]
    pub fn new(prepared: Prepared<'a>, params: &Params, demand: Option<Demand<'a>>) -> Self {
        Self {
            prepared,
            params: params.clone(),
            demand,
            epoch: None,
            order: Vec::new(),
        }
    }

    /// The `number`-th problem of the run, from 0.
    fn problem(&mut self, number: u64) -> usize {
        let problems = self.prepared.problems().len();
        let all = problems as u64;
        let epoch = number / all;
        if self.epoch != Some(epoch) {
            let mut rng = ChaCha8Rng::seed_from_u64(self.params.seed);
            rng.set_stream(epoch);
            self.order = (0..problems).collect();
            self.order.shuffle(&mut rng);
            self.epoch = Some(epoch);
        }
        self.order[(number % all) as usize]
    }

    /// A walk over a problem. Where the forest has to grow first, the walk is
    /// made again with the same random numbers: it comes to the same prefix,
    /// as it does in a forest that held the continuation from the start.
    fn walk(
        &mut self,
        place: usize,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Option<Episode>, RolloutError> {
        let mut demand = self.demand.is_some();
        loop {
            let mut fresh = rng.clone();
            let walked = self.follow(place, policy, &mut fresh, demand);
            let missing = match walked {
                Walked::End(episode) => {
                    *rng = fresh;
                    return Ok(Some(episode));
                }
                Walked::Nowhere => {
                    *rng = fresh;
                    return Ok(None);
                }
                Walked::Missing(missing) => missing,
            };
            demand = self.grow(place, missing)?;
        }
    }

    /// Whether the forest could be grown at a step.
    fn grow(&mut self, place: usize, missing: usize) -> Result<bool, RolloutError> {
        let Some(demand) = &mut self.demand else {
            return Ok(false);
        };
        let steps = self.prepared.steps();
        let known = &self.prepared.problems()[place].forest;
        let step = &known.steps[missing];
        let found = demand.grower.grow(&known.id, step, steps);
        let Some(grown) = found.map_err(RolloutError::Grow)? else {
            return Ok(false);
        };
        let encoding = demand.encoding;
        self.prepared
            .replace(place, grown, encoding, &self.params)?;
        Ok(true)
    }

    /// One walk from the question to an end. Where every model has continued
    /// the prefix the policy draws. Elsewhere the walk stops, with `demand`,
    /// or goes on by the model that the exploration drew, with the probability
    /// it was drawn with as its propensity.
    fn follow(
        &self,
        place: usize,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
        demand: bool,
    ) -> Walked {
        let prepared = &self.prepared;
        let problem = &prepared.problems()[place];
        let steps = &problem.forest.steps;
        let mut transitions = Vec::new();
        let Some(mut at) = pick(problem.forest.first.iter(), rng) else {
            return Walked::Nowhere;
        };
        loop {
            let step = &steps[at];
            if let Some(leaf) = step.leaf {
                return match leaf.success {
                    None => Walked::Nowhere,
                    Some(success) => Walked::End(Episode {
                        steps: transitions,
                        success,
                        reference_success: problem.reference,
                    }),
                };
            }
            let observation = problem.place(at).observation;
            let allowed = prepared.allowed(Some(step.model));
            let drawn = if step.is_visited(prepared.models()) {
                let probabilities = policy(observation, &allowed);
                let action = draw_from(&probabilities, rng);
                Some((action, probabilities[action]))
            } else if demand {
                return Walked::Missing(at);
            } else {
                let drawn = step.drawn.first();
                drawn.and_then(|&model| Some((model, *step.propensities.get(model)?)))
            };
            let Some((action, propensity)) = drawn.filter(|(action, _)| allowed[*action]) else {
                return Walked::Nowhere;
            };
            let Some(next) = pick(step.children_of(action), rng) else {
                return Walked::Nowhere;
            };
            transitions.push(Transition {
                observation: observation.to_vec(),
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
}

impl Rollouts for ForestRollouts<'_> {
    type Error = RolloutError;

    fn rollout(
        &mut self,
        draw: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, RolloutError> {
        let batch = self.params.batch as u64;
        let number = u64::from(draw.iteration) * batch + draw.position as u64;
        let place = self.problem(number);
        if let Some(episode) = self.walk(place, policy, rng)? {
            return Ok(episode);
        }
        // Another problem in its place: which, depends on the draw alone.
        for _ in 0..MOST_FRUITLESS {
            let place = rng.random_range(0..self.prepared.problems().len());
            if let Some(episode) = self.walk(place, policy, rng)? {
                return Ok(episode);
            }
        }
        Err(RolloutError::NothingUsable)
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
