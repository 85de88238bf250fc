//! One training iteration (§5) on a batch of episodes.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::policy::Network;

use super::batch::Batch;
use super::conjugate::Limits;
use super::constraint::{
    constraint_surrogate, cost_surrogate, coverage, effective_sample_size, trajectory_weights,
};
use super::critic::Critic;
use super::episode::{Episode, EpisodeError};
use super::params::{Checked, Params};
use super::record::{BatchRecord, CriticsRecord, Iteration, PolicyRecord, ThresholdRecord, finite};
use super::search::Schedule;
use super::soft::{Softness, behaviour, count};
use super::state::{State, StateError};
use super::threshold::Threshold;
use super::update::{Trust, Update, View};
use super::vtrace::{Clips, Path, Returns, returns};

/// Scale of the last layer of an untrained policy: close to uniform, so that
/// no observation starts in the flat part of the soft policy.
const LAST_LAYER: f64 = 0.1;

/// Squared relative residual at which conjugate gradient stops early.
const CG_TOLERANCE: f64 = 1e-10;

/// Policy, critics and threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Learner {
    params: Checked,
    policy: Network,
    cost_critic: Critic,
    coverage_critic: Critic,
    threshold: Threshold,
    iteration: u32,
    recent: VecDeque<f64>,
    cost_unit: Option<f64>,
}

/// An episode that cannot be learned from; nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LearnError {
    #[error("episode {index} of the batch: {source}")]
    Episode { index: usize, source: EpisodeError },
    #[error("an iteration needs one episode at least")]
    NoEpisodes,
}

impl Learner {
    /// An untrained learner for this many features and models.
    ///
    /// # Errors
    /// [`StateError`] for parameters that cannot be used, fewer than two
    /// models or no feature.
    pub fn new(params: Params, features: usize, models: usize) -> Result<Self, StateError> {
        let params = checked(params, features, models)?;
        let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
        let kappa = params.kappa_0.unwrap_or(1.0 / count(models));
        Ok(Self {
            policy: Network::random(features, models, LAST_LAYER, &mut rng),
            cost_critic: Critic::random(features, &mut rng),
            coverage_critic: Critic::random(features, &mut rng),
            threshold: Threshold::new(kappa),
            iteration: 0,
            recent: VecDeque::new(),
            cost_unit: None,
            params,
        })
    }

    /// A learner that goes on from a stored state.
    ///
    /// # Errors
    /// [`StateError`] where the state does not hold together.
    pub fn resume(state: &State) -> Result<Self, StateError> {
        let mut learner = Self::new(state.params.clone(), state.features, state.models)?;
        let fits = |which| move |source| StateError::Length { which, source };
        if state.policy.iter().any(|value| !value.is_finite()) {
            return Err(StateError::NotFinite);
        }
        let policy = &mut learner.policy;
        policy
            .set_parameters(&state.policy)
            .map_err(fits("policy"))?;
        learner.cost_critic =
            Critic::restore(state.features, &state.cost_critic).map_err(fits("cost critic"))?;
        learner.coverage_critic = Critic::restore(state.features, &state.coverage_critic)
            .map_err(fits("coverage critic"))?;
        learner.threshold = state.threshold;
        learner.iteration = state.iteration;
        learner.recent = state.recent.iter().copied().collect();
        learner.cost_unit = state.cost_unit;
        Ok(learner)
    }

    /// What [`Learner::resume`] needs.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            params: Params::clone(&self.params),
            features: self.policy.features(),
            models: self.policy.actions(),
            iteration: self.iteration,
            policy: self.policy.parameters(),
            cost_critic: self.cost_critic.state(),
            coverage_critic: self.coverage_critic.state(),
            threshold: self.threshold,
            recent: self.recent.iter().copied().collect(),
            cost_unit: self.cost_unit,
        }
    }

    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// π_θ.
    #[must_use]
    pub fn policy(&self) -> &Network {
        &self.policy
    }

    #[must_use]
    pub fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// Iterations done.
    #[must_use]
    pub fn iteration(&self) -> u32 {
        self.iteration
    }

    /// κ and ε of the next iteration.
    #[must_use]
    pub fn softness(&self) -> Softness {
        Softness {
            kappa: self.threshold.kappa(),
            epsilon: self.params.epsilon(self.iteration),
        }
    }

    /// S(·|o) under which the next batch is to be rolled out.
    #[must_use]
    pub fn behaviour(&self, observation: &[f64], allowed: &[bool]) -> Vec<f64> {
        behaviour(&self.policy, self.softness(), observation, allowed)
    }

    /// One iteration.
    ///
    /// # Errors
    /// [`LearnError`] for a batch that cannot be learned from: the learner is
    /// as before then. A step of the policy or a fit of a critic that diverges
    /// is no error: it is left out and recorded.
    pub fn learn(&mut self, episodes: &[Episode]) -> Result<Iteration, LearnError> {
        self.check(episodes)?;
        let batch = Batch::new(episodes);
        let softness = self.softness();
        let unit = self.cost_unit(&batch);
        let view = View::new(&batch, &self.policy, softness);
        let ratios = batch.ratios(&view.soft);
        let cost = self.estimate(&batch, &ratios, &self.cost_critic, &costs(&batch, unit));
        let cover = self.estimate(&batch, &ratios, &self.coverage_critic, &indicators(&batch));

        let before = mean(&self.recent);
        let covered = coverage(&batch, &ratios, self.params.rho_bar);
        let record = describe(&batch, &ratios, &covered);
        let violation = 1.0 - self.params.tolerated() - self.window_with(&covered);
        // E[J̄] without its part Pr[R_M = 0], which no policy changes.
        let baseline = before.map_or(0.0, |mean| mean - (1.0 - record.reference));
        let advantages = [&cost, &cover].map(|returns| &returns.advantages);
        let update = view.update(
            &cost_surrogate(&batch, &ratios, advantages[0], self.params.rho_bar),
            &constraint_surrogate(
                &batch,
                &ratios,
                advantages[1],
                baseline,
                self.params.constraint_gradient,
            ),
            violation,
            self.trust(),
        );

        self.remember(&covered);
        self.cost_unit = Some(unit);
        let policy = policy_record(&update, violation, self.params.tolerated());
        if let Some(parameters) = &update.parameters {
            // It fits: it was made from this network's own parameters.
            let _ = self.policy.set_parameters(parameters);
        }
        let critics = self.fit_critics(&batch, &cost, &cover);
        let threshold = self.move_threshold(&batch, softness);
        let iteration = self.iteration;
        self.iteration += 1;
        Ok(Iteration {
            iteration,
            epsilon: softness.epsilon,
            kappa: softness.kappa,
            batch: record,
            policy,
            critics,
            threshold,
        })
    }

    /// How far this iteration's step may go and how it is found.
    fn trust(&self) -> Trust {
        Trust {
            limits: Limits {
                iterations: self.params.cg_iterations,
                tolerance: CG_TOLERANCE,
            },
            damping: self.params.damping,
            schedule: Schedule {
                ratio: self.params.backtrack,
                trials: self.params.backtracks,
                target_kl: self.params.radius(self.iteration),
            },
        }
    }

    fn check(&self, episodes: &[Episode]) -> Result<(), LearnError> {
        if episodes.is_empty() {
            return Err(LearnError::NoEpisodes);
        }
        let (features, models) = (self.policy.features(), self.policy.actions());
        for (index, episode) in episodes.iter().enumerate() {
            episode
                .check(features, models)
                .map_err(|source| LearnError::Episode { index, source })?;
        }
        Ok(())
    }

    /// The unit of the cost critic: CPO does not depend on the scale of the
    /// cost, but Adam does, and costs in FLOPs are of the order of 1e12.
    fn cost_unit(&self, batch: &Batch<'_>) -> f64 {
        let first = || batch.mean(Episode::cost);
        let unit = self.cost_unit.unwrap_or_else(first);
        if unit > 0.0 { unit } else { 1.0 }
    }

    /// V-trace of every episode of the batch, for the rewards of all rows.
    fn estimate(
        &self,
        batch: &Batch<'_>,
        ratios: &[f64],
        critic: &Critic,
        rewards: &[f64],
    ) -> Returns {
        let clips = Clips {
            rho_bar: self.params.rho_bar,
            c_bar: self.params.c_bar,
            gamma: self.params.gamma,
        };
        let values = critic.values(&batch.inputs);
        let mut all = Returns {
            targets: Vec::with_capacity(values.len()),
            advantages: Vec::with_capacity(values.len()),
        };
        for span in &batch.spans {
            let path = Path {
                ratios: &ratios[span.clone()],
                rewards: &rewards[span.clone()],
                values: &values[span.clone()],
            };
            let found = returns(path, clips);
            all.targets.extend(found.targets);
            all.advantages.extend(found.advantages);
        }
        all
    }

    /// J̄ over the constraint window, this batch included.
    fn window_with(&self, covered: &[f64]) -> f64 {
        let kept = self.params.constraint_window.saturating_sub(covered.len());
        let skip = self.recent.len().saturating_sub(kept);
        let window: VecDeque<f64> = self
            .recent
            .iter()
            .skip(skip)
            .chain(covered)
            .copied()
            .collect();
        mean(&window).unwrap_or(0.0)
    }

    fn remember(&mut self, covered: &[f64]) {
        self.recent.extend(covered);
        let surplus = self
            .recent
            .len()
            .saturating_sub(self.params.constraint_window);
        self.recent.drain(..surplus);
    }

    fn fit_critics(&mut self, batch: &Batch<'_>, cost: &Returns, cover: &Returns) -> CriticsRecord {
        let (rate, steps) = (self.params.critic_rate, self.params.critic_steps);
        let inputs = &batch.inputs;
        CriticsRecord {
            cost: self.cost_critic.fit(inputs, &cost.targets, rate, steps),
            coverage: self
                .coverage_critic
                .fit(inputs, &cover.targets, rate, steps),
        }
    }

    /// The threshold moves on the scores under the policy after its step.
    fn move_threshold(&mut self, batch: &Batch<'_>, softness: Softness) -> ThresholdRecord {
        let view = View::new(batch, &self.policy, softness);
        let scores = batch.miss_scores(&view.soft);
        let miss = self.threshold.miss_rate(&scores);
        let eta = self.params.eta(self.threshold.updates() + 1);
        self.threshold.update(miss, self.params.alpha, eta);
        ThresholdRecord {
            scores,
            miss,
            eta,
            kappa: self.threshold.kappa(),
            coverage: self.threshold.coverage(),
            bound: self.threshold.bound(),
        }
    }
}

fn checked(params: Params, features: usize, models: usize) -> Result<Checked, StateError> {
    if models < 2 {
        return Err(StateError::Models(models));
    }
    if features == 0 {
        return Err(StateError::Features);
    }
    Ok(params.check()?)
}

fn mean(values: &VecDeque<f64>) -> Option<f64> {
    let total: f64 = values.iter().sum();
    (!values.is_empty()).then(|| total / count(values.len()))
}

/// c_t of every row, in units of `unit`.
fn costs(batch: &Batch<'_>, unit: f64) -> Vec<f64> {
    batch.transitions().map(|step| step.cost / unit).collect()
}

/// 1[R = 1 or R_M = 0] at the last row of every episode, else 0.
fn indicators(batch: &Batch<'_>) -> Vec<f64> {
    let mut rewards = vec![0.0; batch.rows()];
    for (episode, span) in batch.episodes.iter().zip(&batch.spans) {
        if let Some(last) = span.clone().last() {
            rewards[last] = episode.covered();
        }
    }
    rewards
}

fn describe(batch: &Batch<'_>, ratios: &[f64], covered: &[f64]) -> BatchRecord {
    let decisions = batch.rows();
    let counted = |holds: fn(&super::episode::Transition) -> bool| {
        batch.transitions().filter(|step| holds(step)).count()
    };
    let escalated = counted(|step| step.action + 1 == step.allowed.len());
    BatchRecord {
        episodes: batch.episodes.len(),
        decisions,
        free: batch.free.len(),
        incomplete: batch.incomplete(),
        unjudged: counted(|step| step.incorrect.is_none()),
        escalated: count(escalated) / count(decisions.max(1)),
        reward: batch.mean(|episode| f64::from(u8::from(episode.success))),
        reference: batch.mean(|episode| episode.reference_success),
        cost: batch.mean(Episode::cost),
        coverage: covered.iter().sum::<f64>() / count(covered.len().max(1)),
        effective: finite(effective_sample_size(&trajectory_weights(batch, ratios))),
    }
}

fn policy_record(update: &Update, violation: f64, tolerated: f64) -> PolicyRecord {
    let of_trial =
        |pick: fn(&super::search::Trial) -> f64| update.trial.as_ref().map(pick).and_then(finite);
    PolicyRecord {
        coverage: 1.0 - tolerated - violation,
        violation,
        dual: update.dual,
        accepted: update.parameters.is_some(),
        rejected: update.rejected.clone(),
        backtracks: update.backtracks,
        kl: of_trial(|trial| trial.kl),
        cost_change: of_trial(|trial| trial.cost),
        constraint_change: of_trial(|trial| trial.constraint),
    }
}

#[cfg(test)]
mod tests;
