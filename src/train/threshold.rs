//! The threshold κ: the score of a trajectory, the online update with its
//! coverage bound (§5.5) and the final batch recalibration (§5.6).

use serde::{Deserialize, Serialize};

use super::soft::count;

/// What the score of a trajectory needs of one decision.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    /// The judge on s_t; only `Some(true)` counts.
    pub incorrect: Option<bool>,
    /// m_t, 0-based; `None` where no model of the pool wrote s_t.
    pub writer: Option<usize>,
    /// π(·|o_t); `None` where the policy was not consulted.
    pub pi: Option<&'a [f64]>,
    /// Models allowed.
    pub allowed: &'a [bool],
}

/// s of one trajectory: the least, over the steps judged incorrect, of
/// π(escalate|o_t), and 1 without such a step. The trajectory is a miss
/// exactly where κ > s.
///
/// π(escalate) is the largest π among the allowed models more capable than
/// the writer; where the writer is the most capable one already (or unknown),
/// π of the most capable. Where the policy was not consulted the most capable
/// allowed model runs for certain: 1.
pub fn miss_score<'a>(verdicts: impl IntoIterator<Item = Verdict<'a>>) -> f64 {
    verdicts
        .into_iter()
        .filter(|verdict| verdict.incorrect == Some(true))
        .map(escalation)
        .fold(1.0, f64::min)
}

/// Whether a step by `writer` has a more capable model after it, where
/// `action` goes on: what an incorrect step needs. After the most capable
/// model nobody is more capable than itself.
#[must_use]
pub fn is_covered(writer: usize, action: usize, models: usize) -> bool {
    action > writer || action + 1 == models
}

fn escalation(verdict: Verdict<'_>) -> f64 {
    let Some(pi) = verdict.pi else { return 1.0 };
    let top = pi.len().saturating_sub(1);
    let first = verdict.writer.map_or(top, |writer| (writer + 1).min(top));
    pi.iter()
        .zip(verdict.allowed)
        .skip(first)
        .filter(|(_, allowed)| **allowed)
        .map(|(pi, _)| *pi)
        .fold(0.0, f64::max)
}

/// κ and the running record of its updates.
///
/// The iterate may fall below 0, by one step at most: there no trajectory
/// misses, so it comes back. Clipping it at 0 (as the formula in the paper's
/// reconstruction does) forgets misses, and with scores near 0 the miss rate
/// then stays above α for good. κ itself, [`Threshold::kappa`], is clipped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    iterate: f64,
    updates: u32,
    /// Sum of the misses over the updates.
    misses: f64,
    /// η_1.
    first_eta: f64,
    /// η of the last update.
    eta: f64,
}

impl Threshold {
    /// κ_0.
    #[must_use]
    pub fn new(kappa: f64) -> Self {
        Self {
            iterate: kappa,
            updates: 0,
            misses: 0.0,
            first_eta: 0.0,
            eta: 0.0,
        }
    }

    /// κ in [0, 1].
    #[must_use]
    pub fn kappa(&self) -> f64 {
        self.iterate.clamp(0.0, 1.0)
    }

    /// Number of updates.
    #[must_use]
    pub fn updates(&self) -> u32 {
        self.updates
    }

    /// Share of misses among trajectories with these scores at the present κ.
    #[must_use]
    pub fn miss_rate(&self, scores: &[f64]) -> f64 {
        let kappa = self.kappa();
        let misses = scores.iter().filter(|score| kappa > **score).count();
        count(misses) / count(scores.len().max(1))
    }

    /// κ ← κ − η (miss − α): a miss lowers κ. `miss` in [0, 1] is that of a
    /// trajectory or the mean over a batch.
    pub fn update(&mut self, miss: f64, alpha: f64, eta: f64) {
        if self.updates == 0 {
            self.first_eta = eta;
        }
        self.updates += 1;
        self.eta = eta;
        self.misses += miss;
        // Above 1 nothing more can be excluded; stopping there only adds
        // coverage.
        self.iterate = (self.iterate - eta * (miss - alpha)).min(1.0);
    }

    /// Mean coverage over the updates, 1 − mean miss; `None` before the first.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        (self.updates > 0).then(|| 1.0 - self.misses / f64::from(self.updates))
    }

    /// (1 + η_1)/(η_K K): how far, at most, the mean coverage of K updates
    /// lies below 1 − α (Angelopoulos, Barber, Bates 2024, Theorem 1).
    /// `None` before the first update.
    #[must_use]
    pub fn bound(&self) -> Option<f64> {
        (self.updates > 0).then(|| (1.0 + self.first_eta) / (self.eta * f64::from(self.updates)))
    }
}

/// κ from held-out trajectories, with what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// The largest threshold that keeps the promise.
    pub kappa: f64,
    /// n: number of trajectories.
    pub trajectories: usize,
    /// k = ⌊α (n + 1)⌋: κ is the k-th smallest score.
    pub rank: usize,
    /// k/(n + 1) <= α: bound of the probability that the *next* trajectory,
    /// exchangeable with these, has a step judged incorrect and no more
    /// capable model in its action set. Averaged over calibration sets, not
    /// for each; about the judge's verdicts, not about final answers; and for
    /// trajectories made with this κ, so recalibrate on rollouts of the
    /// deployed rule until κ settles.
    pub miss_bound: f64,
    /// Share of misses among the trajectories at this κ.
    pub miss_rate: f64,
}

/// No threshold can be promised.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RecalibrationError {
    #[error(
        "{found} calibration trajectories cannot support α = {alpha}: {needed} are needed at least"
    )]
    TooFew {
        found: usize,
        needed: usize,
        alpha: f64,
    },
    #[error("α = {0} is not strictly between 0 and 1")]
    Alpha(f64),
    #[error("score {found} of calibration trajectory {index} is not in [0, 1]")]
    Score { index: usize, found: f64 },
}

/// The conformal α-quantile of the scores with its finite-sample correction.
///
/// # Errors
/// [`RecalibrationError`] for fewer than 1/α − 1 trajectories, for scores
/// that are not probabilities, for an α outside (0, 1).
pub fn recalibrate(scores: &[f64], alpha: f64) -> Result<Recalibration, RecalibrationError> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(RecalibrationError::Alpha(alpha));
    }
    let broken = |(_, score): &(usize, &f64)| !(0.0..=1.0).contains(*score);
    if let Some((index, &found)) = scores.iter().enumerate().find(broken) {
        return Err(RecalibrationError::Score { index, found });
    }
    let rank = rank(scores.len(), alpha);
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(&kappa) = rank.checked_sub(1).and_then(|index| sorted.get(index)) else {
        return Err(RecalibrationError::TooFew {
            found: scores.len(),
            needed: needed(alpha),
            alpha,
        });
    };
    Ok(Recalibration {
        kappa,
        trajectories: scores.len(),
        rank,
        miss_bound: count(rank) / count(scores.len() + 1),
        miss_rate: Threshold::new(kappa).miss_rate(scores),
    })
}

/// ⌊α (n + 1)⌋, where a product that rounding left just below a whole number
/// counts as that number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and n + 1"
)]
fn rank(trajectories: usize, alpha: f64) -> usize {
    let all = count(trajectories + 1);
    (alpha * all * (1.0 + 4.0 * f64::EPSILON)).floor() as usize
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "1/α of an α that calls for more than 2^52 trajectories is beyond anyone"
)]
fn needed(alpha: f64) -> usize {
    ((1.0 / alpha) * (1.0 - 4.0 * f64::EPSILON)).ceil() as usize - 1
}

#[cfg(test)]
mod tests;
