//! What an iteration leaves behind: one line of the training log.

use serde::{Deserialize, Serialize};

use super::cpo::Dual;
use super::critic::Fit;
use super::search::Rejected;

/// One training iteration. Values that were not finite are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Iteration {
    /// From 0.
    pub iteration: u32,
    /// ε of the stochastic policy.
    pub epsilon: f64,
    /// κ under which the batch was rolled out and the policy moved.
    pub kappa: f64,
    pub batch: BatchRecord,
    pub policy: PolicyRecord,
    pub critics: CriticsRecord,
    pub threshold: ThresholdRecord,
}

/// The batch as it was rolled out; means are over its episodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BatchRecord {
    pub episodes: usize,
    /// Decisions, forced ones included.
    pub decisions: usize,
    /// Decisions that were the policy's.
    pub free: usize,
    /// Decisions without a complete observation: the most capable model ran.
    pub incomplete: usize,
    /// Decisions after a step without a verdict.
    pub unjudged: usize,
    /// Share of the decisions for the most capable model.
    pub escalated: f64,
    /// Mean R.
    pub reward: f64,
    /// Mean R_M.
    pub reference: f64,
    /// Mean C, in the unit of the episodes.
    pub cost: f64,
    /// J̄ of this batch, with clipped weights.
    pub coverage: f64,
    /// Effective sample size of the unclipped weights, at most `episodes`.
    pub effective: Option<f64>,
}

/// The step of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyRecord {
    /// J̄ over the constraint window.
    pub coverage: f64,
    /// c = (1 − α) − J̄.
    pub violation: f64,
    /// A, B, q, r, s, c, λ, ν and the case; `None` where there was no step.
    pub dual: Option<Dual>,
    pub accepted: bool,
    /// Why not.
    pub rejected: Option<Rejected>,
    pub backtracks: Option<u32>,
    /// KL(S_old‖S_new) of the accepted or last trial, nats.
    pub kl: Option<f64>,
    /// Change of the cost surrogate, in units of the mean first-batch cost.
    pub cost_change: Option<f64>,
    /// Change of −J̄ by its surrogate.
    pub constraint_change: Option<f64>,
}

impl PolicyRecord {
    /// What the line search came to.
    #[must_use]
    pub fn search(&self) -> String {
        match (&self.rejected, self.backtracks) {
            (Some(why), _) => format!("rejected: {why}"),
            (None, Some(1)) => "accepted after 1 back-track".to_owned(),
            (None, Some(backtracks)) => format!("accepted after {backtracks} back-tracks"),
            (None, None) => "–".to_owned(),
        }
    }

    /// The case of the step, 0 … 4; `None` where there was no step.
    #[must_use]
    pub fn case(&self) -> Option<u8> {
        self.dual.map(|dual| dual.case.number())
    }
}

/// The fits of both critics.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CriticsRecord {
    pub cost: Fit,
    pub coverage: Fit,
}

/// The update of κ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ThresholdRecord {
    /// s of every episode, under the policy after its step.
    pub scores: Vec<f64>,
    /// Share of misses at the κ of the iteration.
    pub miss: f64,
    /// η_k.
    pub eta: f64,
    /// κ after the update.
    pub kappa: f64,
    /// Mean coverage over all updates.
    pub coverage: Option<f64>,
    /// (1 + η_1)/(η_K K).
    pub bound: Option<f64>,
}

/// `None` for what JSON cannot hold.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
