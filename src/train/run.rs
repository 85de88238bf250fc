//! The training loop over whatever makes rollouts, and the final
//! recalibration of κ on rollouts of the deployed rule.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::policy::{Network, select};

use super::batch::Batch;
use super::episode::{Episode, is_free};
use super::learner::{LearnError, Learner};
use super::record::Iteration;
use super::soft::{Softness, forced};
use super::threshold::{Recalibration, RecalibrationError, recalibrate};
use super::update::View;

/// The probabilities of the models, in pool order, for an observation
/// (normalised; not finite where missing) and the allowed models.
pub type Behaviour<'a> = &'a dyn Fn(&[f64], &[bool]) -> Vec<f64>;

/// Which rollout of a run this is. Makers of rollouts must depend on it, on
/// the policy and on the random numbers alone, or a resumed run differs from
/// one that was never interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Iteration or calibration round, from 0.
    pub iteration: u32,
    /// Position in its batch, from 0.
    pub position: usize,
}

/// Routes one problem under a policy: from a forest, from live models.
pub trait Rollouts {
    type Error: std::error::Error + 'static;

    /// One episode; actions are to be drawn from `policy`, with the
    /// probability of the one drawn kept as its propensity.
    ///
    /// # Errors
    /// Whatever keeps the problem from being routed.
    fn rollout(
        &mut self,
        draw: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, Self::Error>;
}

/// The action that a fresh uniform number falls on; one of probability 0 is
/// none, also where rounding leaves the number above their sum.
pub fn draw_from(probabilities: &[f64], rng: &mut ChaCha8Rng) -> usize {
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

/// A run that stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    #[error("rollout {} of iteration {}: {source}", draw.position, draw.iteration)]
    Rollout { draw: Draw, source: E },
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(transparent)]
    Recalibration(#[from] RecalibrationError),
}

/// Random streams: iterations count up from 1, calibration rounds down.
fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

impl Learner {
    /// Rolls out one batch and learns from it; `None` once all iterations are
    /// done.
    ///
    /// # Errors
    /// [`RunError`]; the learner is as before then.
    pub fn advance<R: Rollouts>(
        &mut self,
        rollouts: &mut R,
    ) -> Result<Option<Iteration>, RunError<R::Error>> {
        let iteration = self.iteration();
        if iteration >= self.params().iterations {
            return Ok(None);
        }
        let mut rng = stream(self.params().seed, u64::from(iteration) + 1);
        let policy = |observation: &[f64], allowed: &[bool]| self.behaviour(observation, allowed);
        let episodes = collect(rollouts, iteration, self.params().batch, &policy, &mut rng)?;
        Ok(Some(self.learn(&episodes)?))
    }

    /// All iterations that are left; `report` sees each.
    ///
    /// # Errors
    /// [`RunError`] of the first iteration that fails; those before it stay.
    pub fn run<R: Rollouts>(
        &mut self,
        rollouts: &mut R,
        mut report: impl FnMut(&Self, &Iteration),
    ) -> Result<(), RunError<R::Error>> {
        while let Some(iteration) = self.advance(rollouts)? {
            report(self, &iteration);
        }
        Ok(())
    }
}

/// How κ is recalibrated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounds {
    /// Trajectories per round.
    pub trajectories: usize,
    /// Most rounds.
    pub rounds: u32,
    /// κ has settled once a round moves it by no more than this.
    pub tolerance: f64,
    pub seed: u64,
}

/// The rounds of a recalibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The last round's.
    pub result: Recalibration,
    /// κ before the first round, then after each.
    pub path: Vec<f64>,
    /// Whether the last round left κ where it was.
    pub settled: bool,
}

/// Recalibrates κ on rollouts of the *deployed* rule (the most capable model
/// of the action set). Trajectories depend on κ, so their scores promise
/// coverage only at the κ they were made with: fresh rounds are rolled out
/// until κ settles.
///
/// # Errors
/// [`RunError`] of a rollout, of a broken episode, of too few trajectories.
pub fn recalibrate_on<R: Rollouts>(
    network: &Network,
    kappa: f64,
    alpha: f64,
    rounds: Rounds,
    rollouts: &mut R,
) -> Result<Settled, RunError<R::Error>> {
    let mut path = vec![kappa];
    let mut current = kappa;
    let mut round = 0;
    loop {
        let mut rng = stream(rounds.seed, u64::MAX - u64::from(round));
        let policy = |observation: &[f64], allowed: &[bool]| {
            deployed(network, current, observation, allowed)
        };
        let episodes = collect(rollouts, round, rounds.trajectories, &policy, &mut rng)?;
        let result = recalibrate(&scores(network, &episodes)?, alpha)?;
        path.push(result.kappa);
        round += 1;
        let settled = (result.kappa - current).abs() <= rounds.tolerance;
        if settled || round >= rounds.rounds {
            return Ok(Settled {
                result,
                path,
                settled,
            });
        }
        current = result.kappa;
    }
}

/// The scores s of checked episodes under a policy (§5.5).
///
/// # Errors
/// [`LearnError`] for an episode that does not fit the policy.
pub fn scores(network: &Network, episodes: &[Episode]) -> Result<Vec<f64>, LearnError> {
    for (index, episode) in episodes.iter().enumerate() {
        episode
            .check(network.features(), network.actions())
            .map_err(|source| LearnError::Episode { index, source })?;
    }
    let batch = Batch::new(episodes);
    // Scores read π alone; κ and ε play no part.
    let softness = Softness {
        kappa: 0.5,
        epsilon: 1.0,
    };
    Ok(batch.miss_scores(&View::new(&batch, network, softness).soft))
}

/// The deployed rule as probabilities: 1 for the most capable allowed model
/// of the action set (eq. 6), or for the most capable allowed one where the
/// policy is not consulted.
#[must_use]
pub fn deployed(network: &Network, kappa: f64, observation: &[f64], allowed: &[bool]) -> Vec<f64> {
    if !is_free(observation, allowed) {
        return forced(allowed);
    }
    let mut pi = network.probabilities(observation);
    for (pi, allowed) in pi.iter_mut().zip(allowed) {
        if !allowed {
            // Neither in a set nor the most probable of an empty one.
            *pi = f64::NEG_INFINITY;
        }
    }
    let mut probabilities = vec![0.0; allowed.len()];
    probabilities[select(&pi, kappa).action] = 1.0;
    probabilities
}

fn collect<R: Rollouts>(
    rollouts: &mut R,
    iteration: u32,
    number: usize,
    policy: Behaviour<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Episode>, RunError<R::Error>> {
    (0..number)
        .map(|position| {
            let draw = Draw {
                iteration,
                position,
            };
            rollouts
                .rollout(draw, policy, rng)
                .map_err(|source| RunError::Rollout { draw, source })
        })
        .collect()
}
