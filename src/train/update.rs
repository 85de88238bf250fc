//! One CPO step of the policy network on a batch (§5.4): gradients through
//! the soft policy, Fisher products by JVP and VJP, the line search.

use crate::policy::{Network, Pass};

use super::batch::Batch;
use super::conjugate::{Limits, add_scaled};
use super::constraint::Surrogate;
use super::cpo::{self, Dual, Problem};
use super::search::{Outcome, Rejected, Schedule, Trial, search};
use super::soft::{Soft, Softness, count};

/// How far a step may go and how it is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trust {
    /// Of conjugate gradient.
    pub limits: Limits,
    /// Added to the diagonal of the Fisher matrix.
    pub damping: f64,
    /// The line search and D.
    pub schedule: Schedule,
}

/// The policy on a batch before the step.
#[derive(Debug)]
pub struct View<'a> {
    pub batch: &'a Batch<'a>,
    pub network: &'a Network,
    pub softness: Softness,
    /// Over the free rows.
    pub pass: Pass,
    /// S over the free rows.
    pub soft: Soft,
}

/// What became of the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// θ′, where the step was accepted.
    pub parameters: Option<Vec<f64>>,
    pub rejected: Option<Rejected>,
    /// `None` where there was no step to try.
    pub dual: Option<Dual>,
    /// Backtracks before the accepted trial.
    pub backtracks: Option<u32>,
    /// The accepted or the last trial.
    pub trial: Option<Trial>,
}

impl Update {
    fn none(why: impl ToString) -> Self {
        Self {
            parameters: None,
            rejected: Some(Rejected::NoStep(why.to_string())),
            dual: None,
            backtracks: None,
            trial: None,
        }
    }
}

impl<'a> View<'a> {
    /// A forward pass over the free rows.
    #[must_use]
    pub fn new(batch: &'a Batch<'a>, network: &'a Network, softness: Softness) -> Self {
        let pass = network.pass(&batch.free_inputs);
        let soft = Soft::of(network, &pass, &batch.free_allowed, softness);
        Self {
            batch,
            network,
            softness,
            pass,
            soft,
        }
    }

    /// ∇ of a surrogate in θ.
    #[must_use]
    pub fn gradient(&self, surrogate: &Surrogate) -> Vec<f64> {
        let weights = surrogate.score_weights();
        let score = self.soft.score(&self.batch.free_actions, &weights);
        self.network.adjoint(&self.pass, &self.soft.adjoint(&score))
    }

    /// `(F + damping I) x` with F the Fisher matrix of S, mean over the free
    /// rows: `J_ℓᵀ (diag S − S Sᵀ) J_ℓ x`. A direction of the wrong length
    /// gives NaN, which no step survives.
    #[must_use]
    pub fn fisher(&self, x: &[f64], damping: f64) -> Vec<f64> {
        let Ok(logits) = self.network.tangent(&self.pass, x) else {
            return vec![f64::NAN; x.len()];
        };
        let scale = 1.0 / count(self.soft.rows().max(1));
        let mut weights = self.soft.covariance(&self.soft.tangent(&logits));
        weights.iter_mut().for_each(|weight| *weight *= scale);
        let mut product = self
            .network
            .adjoint(&self.pass, &self.soft.adjoint(&weights));
        add_scaled(&mut product, damping, x);
        product
    }

    /// The step for a cost and a constraint surrogate and the violation
    /// `c = (1 − α) − J̄`.
    #[must_use]
    pub fn update(&self, cost: &Surrogate, constraint: &Surrogate, c: f64, trust: Trust) -> Update {
        if self.batch.free.is_empty() {
            return Update::none("no decision of the batch was the policy's");
        }
        let problem = Problem {
            g: &self.gradient(cost),
            b: &self.gradient(constraint),
            c,
            target_kl: trust.schedule.target_kl,
        };
        let product = |x: &[f64]| self.fisher(x, trust.damping);
        let step = match cpo::step(problem, &product, trust.limits) {
            Ok(step) => step,
            Err(why) => return Update::none(why),
        };
        let theta = self.network.parameters();
        let outcome = search(&theta, &step, trust.schedule, |moved| {
            self.attempt(moved, cost, constraint)
        });
        conclude(step.dual, outcome)
    }

    fn attempt(&self, parameters: &[f64], cost: &Surrogate, constraint: &Surrogate) -> Trial {
        let mut network = self.network.clone();
        if network.set_parameters(parameters).is_err() {
            return Trial::nan();
        }
        let pass = network.pass(&self.batch.free_inputs);
        let soft = Soft::of(&network, &pass, &self.batch.free_allowed, self.softness);
        let actions = &self.batch.free_actions;
        Trial {
            kl: self.soft.divergence(&soft),
            cost: cost.change(actions, &self.soft, &soft),
            constraint: constraint.change(actions, &self.soft, &soft),
        }
    }
}

fn conclude(dual: Dual, outcome: Outcome) -> Update {
    match outcome {
        Outcome::Accepted {
            parameters,
            backtracks,
            trial,
        } => Update {
            parameters: Some(parameters),
            rejected: None,
            dual: Some(dual),
            backtracks: Some(backtracks),
            trial: Some(trial),
        },
        Outcome::Rejected { reason, last } => Update {
            parameters: None,
            rejected: Some(reason),
            dual: Some(dual),
            backtracks: None,
            trial: Some(last),
        },
    }
}

#[cfg(test)]
mod tests;
