//! The coverage J̄ and the surrogates whose gradients CPO needs (§5.3, §5.4).
//!
//! `J̄ = Pr[R_M = 0] + E[(Π_t ρ_t) 1[R = 1, R_M = 1]]`. Weights are clipped for
//! the value and for the cost gradient, not clipped for the constraint
//! gradient. Surrogates are per episode, like J̄ and unlike the KL, so that c
//! and b have one scale.

use super::batch::Batch;
use super::episode::Episode;
use super::params::ConstraintGradient;
use super::soft::{Soft, count};

/// Contribution of every episode to J̄, with clipped weights.
#[must_use]
pub fn coverage(batch: &Batch<'_>, ratios: &[f64], rho_bar: f64) -> Vec<f64> {
    let of_episode = |(episode, span): (&Episode, &std::ops::Range<usize>)| {
        let weight: f64 = ratios[span.clone()]
            .iter()
            .map(|r| r.min(rho_bar))
            .product();
        1.0 - episode.reference_success + weight * joint_success(episode)
    };
    batch
        .episodes
        .iter()
        .zip(&batch.spans)
        .map(of_episode)
        .collect()
}

/// 1[R = 1, R_M = 1], in expectation over R_M.
fn joint_success(episode: &Episode) -> f64 {
    match episode.success {
        true => episode.reference_success,
        false => 0.0,
    }
}

/// Π_t ρ_t of every episode, not clipped.
#[must_use]
pub fn trajectory_weights(batch: &Batch<'_>, ratios: &[f64]) -> Vec<f64> {
    let product = |span: &std::ops::Range<usize>| ratios[span.clone()].iter().product();
    batch.spans.iter().map(product).collect()
}

/// (Σ w)²/Σ w²: how many on-policy episodes the weighted ones are worth; 0
/// where every weight is 0.
#[must_use]
pub fn effective_sample_size(weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    if squares > 0.0 {
        total * total / squares
    } else {
        0.0
    }
}

/// A function of θ′ that is 0 at θ and whose gradient there is a policy
/// gradient: `Σ weight (S′/S − 1)`, with S′/S over a step or over the rest of
/// a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Surrogate {
    form: Form,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// One weight per free row.
    Steps(Vec<f64>),
    /// One weight per episode, and the episode of every free row.
    Trajectories(Vec<f64>, Vec<usize>),
}

/// The cost surrogate `E[Σ_t min(ρ̄, ρ_t) (S′/S) A_t]`, for advantages of all
/// rows.
#[must_use]
pub fn cost_surrogate(
    batch: &Batch<'_>,
    ratios: &[f64],
    advantages: &[f64],
    rho_bar: f64,
) -> Surrogate {
    let scale = 1.0 / count(batch.episodes.len().max(1));
    let weight = |&row: &usize| scale * ratios[row].min(rho_bar) * advantages[row];
    Surrogate {
        form: Form::Steps(batch.free.iter().map(weight).collect()),
    }
}

/// The constraint surrogate −J̄ (what must not grow), unclipped.
///
/// From advantages: `−E[Σ_t (Π_{i<=t} ρ_i) (S′/S) A_t]`. From trajectories:
/// `−E[(Π_t ρ_t) (Π_t S′/S) (1[R = 1, R_M = 1] − baseline)]`, where a constant
/// baseline changes nothing in expectation and much in variance.
#[must_use]
pub fn constraint_surrogate(
    batch: &Batch<'_>,
    ratios: &[f64],
    advantages: &[f64],
    baseline: f64,
    gradient: ConstraintGradient,
) -> Surrogate {
    let scale = -1.0 / count(batch.episodes.len().max(1));
    let form = match gradient {
        ConstraintGradient::Advantage => {
            let carried = carried(batch, ratios);
            let weight = |&row: &usize| scale * carried[row] * advantages[row];
            Form::Steps(batch.free.iter().map(weight).collect())
        }
        ConstraintGradient::Trajectory => {
            let weights = trajectory_weights(batch, ratios);
            let of = batch.episodes.iter().zip(weights);
            let weights = of.map(|(e, w)| scale * w * (joint_success(e) - baseline));
            Form::Trajectories(weights.collect(), owners(batch))
        }
    };
    Surrogate { form }
}

/// Π_{i<=t} ρ_i within each episode, for every row.
fn carried(batch: &Batch<'_>, ratios: &[f64]) -> Vec<f64> {
    let mut carried = Vec::with_capacity(ratios.len());
    for span in &batch.spans {
        let mut product = 1.0;
        for ratio in &ratios[span.clone()] {
            product *= ratio;
            carried.push(product);
        }
    }
    carried
}

/// The episode of every free row.
fn owners(batch: &Batch<'_>) -> Vec<usize> {
    let owner = |row: &usize| batch.spans.partition_point(|span| span.end <= *row);
    batch.free.iter().map(owner).collect()
}

impl Surrogate {
    /// Weights of ∇ log S(a_t|o_t) in the gradient at θ, one per free row.
    #[must_use]
    pub fn score_weights(&self) -> Vec<f64> {
        match &self.form {
            Form::Steps(weights) => weights.clone(),
            Form::Trajectories(weights, owners) => {
                owners.iter().map(|&episode| weights[episode]).collect()
            }
        }
    }

    /// The surrogate at the policy `new`, 0 at the policy `old` of the batch.
    #[must_use]
    pub fn change(&self, actions: &[usize], old: &Soft, new: &Soft) -> f64 {
        let log_ratio = |row: usize, action: usize| {
            new.log_probabilities(row)[action] - old.log_probabilities(row)[action]
        };
        let rows = actions.iter().enumerate();
        match &self.form {
            Form::Steps(weights) => rows
                .zip(weights)
                .map(|((row, &action), weight)| weight * log_ratio(row, action).exp_m1())
                .sum(),
            Form::Trajectories(weights, owners) => {
                let mut logs = vec![0.0; weights.len()];
                for ((row, &action), &episode) in rows.zip(owners) {
                    logs[episode] += log_ratio(row, action);
                }
                logs.iter()
                    .zip(weights)
                    .map(|(log, w)| w * log.exp_m1())
                    .sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::episode::tests::{episode, transition};
    use super::super::soft::Softness;
    use super::*;

    const SOFTNESS: Softness = Softness {
        kappa: 0.45,
        epsilon: 0.1,
    };

    fn soft(logits: &[f64]) -> Soft {
        Soft::new(logits, &vec![true; logits.len()], 2, SOFTNESS)
    }

    fn episodes() -> Vec<Episode> {
        let mut half = episode(vec![transition(0.0, 1)], true);
        half.reference_success = 0.5;
        vec![
            episode(vec![transition(0.1, 0), transition(0.2, 1)], true),
            episode(vec![], false),
            half,
        ]
    }

    #[test]
    fn coverage_counts_the_reference_and_clips_its_weights() {
        let episodes = episodes();
        let batch = Batch::new(&episodes);
        let found = coverage(&batch, &[3.0, 0.5, 1.0], 1.0);
        assert_eq!(found, [0.5, 0.0, 1.0]);
        assert_eq!(
            trajectory_weights(&batch, &[3.0, 0.5, 1.0]),
            [1.5, 1.0, 1.0]
        );
    }

    #[test]
    fn the_effective_sample_size_falls_with_uneven_weights() {
        assert_eq!(effective_sample_size(&[1.0; 5]), 5.0);
        assert_eq!(effective_sample_size(&[1.0, 0.0, 0.0]), 1.0);
        assert_eq!(effective_sample_size(&[0.0; 3]), 0.0);
    }

    /// Both gradients against central differences of their own surrogates.
    #[test]
    fn the_score_weights_are_the_gradients_of_the_surrogates() {
        let episodes = episodes();
        let batch = Batch::new(&episodes);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let logits: Vec<f64> = (0..6).map(|_| rng.random_range(-1.0..1.0)).collect();
        let old = soft(&logits);
        let ratios = batch.ratios(&old);
        let advantages = [0.3, -1.2, 0.8];
        let constraint =
            |gradient| constraint_surrogate(&batch, &ratios, &advantages, 0.4, gradient);
        for surrogate in [
            cost_surrogate(&batch, &ratios, &advantages, 1.0),
            constraint(ConstraintGradient::Advantage),
            constraint(ConstraintGradient::Trajectory),
        ] {
            let score = old.score(&batch.free_actions, &surrogate.score_weights());
            let gradient = old.adjoint(&score);
            for index in 0..logits.len() {
                let at = |by: f64| {
                    let mut moved = logits.clone();
                    moved[index] += by;
                    surrogate.change(&batch.free_actions, &old, &soft(&moved))
                };
                let found = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((found - gradient[index]).abs() < 1e-6, "{surrogate:?}");
            }
            assert_eq!(surrogate.change(&batch.free_actions, &old, &old), 0.0);
        }
    }

    /// The trajectory surrogate is J̄ itself: at another policy its change is
    /// the change of the importance-weighted coverage.
    #[test]
    fn the_trajectory_surrogate_is_the_unclipped_coverage() {
        let episodes = episodes();
        let batch = Batch::new(&episodes);
        let (old, new) = (soft(&[0.0; 6]), soft(&[0.4, -0.1, 0.2, 0.9, -1.0, 0.3]));
        let j = |s: &Soft| {
            let covered = coverage(&batch, &batch.ratios(s), f64::INFINITY);
            covered.iter().sum::<f64>() / 3.0
        };
        let surrogate = constraint_surrogate(
            &batch,
            &batch.ratios(&old),
            &[0.0; 3],
            0.0,
            ConstraintGradient::Trajectory,
        );
        let change = surrogate.change(&batch.free_actions, &old, &new);
        assert!((change + (j(&new) - j(&old))).abs() < 1e-12);
    }
}
