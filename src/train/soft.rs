//! The stochastic policy S(a|o) ∝ σ((π_θ(a|o) − κ)/ε) over the allowed models
//! (§3) and its derivatives down to the logits of the network.
//!
//! S is itself a softmax, over ℓ_a = log σ((π_a − κ)/ε). With the gate
//! w_a = dℓ_a/dπ_a = σ(−(π_a − κ)/ε)/ε, and π the softmax of the logits z,
//!
//! `dℓ_a = w_a π_a (dz_a − Σ_j π_j dz_j)`,
//!
//! so the Fisher matrix of S in θ is `J_ℓᵀ (diag S − S Sᵀ) J_ℓ`.

use crate::policy::{Network, Pass, softmax};

use super::episode::is_free;

/// κ and ε of the stochastic policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softness {
    /// κ, in [0, 1].
    pub kappa: f64,
    /// ε > 0.
    pub epsilon: f64,
}

/// S and its derivatives over a batch of N decisions with K models each;
/// every vector is `N × K`, row-major.
#[derive(Debug, Clone)]
pub struct Soft {
    models: usize,
    /// π(a|o).
    pi: Vec<f64>,
    /// S(a|o); 0 for a model that is not allowed.
    probabilities: Vec<f64>,
    /// log S(a|o); −∞ for a model that is not allowed.
    log_probabilities: Vec<f64>,
    /// w_a π_a; 0 for a model that is not allowed.
    slopes: Vec<f64>,
}

impl Soft {
    /// S for logits and masks of `N × K` (every row with an allowed model).
    #[must_use]
    pub fn new(logits: &[f64], allowed: &[bool], models: usize, softness: Softness) -> Self {
        let mut soft = Self {
            models,
            pi: Vec::with_capacity(logits.len()),
            probabilities: Vec::with_capacity(logits.len()),
            log_probabilities: Vec::with_capacity(logits.len()),
            slopes: Vec::with_capacity(logits.len()),
        };
        let rows = logits.chunks_exact(models.max(1));
        for (logits, allowed) in rows.zip(allowed.chunks_exact(models.max(1))) {
            soft.push(&softmax(logits), allowed, softness);
        }
        soft
    }

    /// S of a network over a forward pass.
    #[must_use]
    pub fn of(network: &Network, pass: &Pass, allowed: &[bool], softness: Softness) -> Self {
        Self::new(pass.outputs(), allowed, network.actions(), softness)
    }

    fn push(&mut self, pi: &[f64], allowed: &[bool], softness: Softness) {
        let Softness { kappa, epsilon } = softness;
        let from = self.log_probabilities.len();
        for (pi, allowed) in pi.iter().zip(allowed) {
            let x = (pi - kappa) / epsilon;
            let (log_weight, slope) = match allowed {
                true => (log_sigmoid(x), pi * sigmoid(-x) / epsilon),
                false => (f64::NEG_INFINITY, 0.0),
            };
            self.log_probabilities.push(log_weight);
            self.slopes.push(slope);
        }
        let line = &mut self.log_probabilities[from..];
        let highest = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = line.iter().map(|log| (log - highest).exp()).sum();
        let log_total = highest + total.ln();
        line.iter_mut().for_each(|log| *log -= log_total);
        self.probabilities.extend(line.iter().map(|log| log.exp()));
        self.pi.extend_from_slice(pi);
    }

    /// Number of decisions N.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pi.len() / self.models.max(1)
    }

    /// π(·|o) of a row.
    #[must_use]
    pub fn pi(&self, row: usize) -> &[f64] {
        self.line(&self.pi, row)
    }

    /// S(·|o) of a row.
    #[must_use]
    pub fn probabilities(&self, row: usize) -> &[f64] {
        self.line(&self.probabilities, row)
    }

    /// log S(·|o) of a row.
    #[must_use]
    pub fn log_probabilities(&self, row: usize) -> &[f64] {
        self.line(&self.log_probabilities, row)
    }

    fn line<'a>(&self, values: &'a [f64], row: usize) -> &'a [f64] {
        &values[row * self.models..][..self.models]
    }

    /// dℓ for changes of the logits, both `N × K`.
    #[must_use]
    pub fn tangent(&self, logits: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(logits.len());
        for (row, change) in logits.chunks_exact(self.models.max(1)).enumerate() {
            let mean: f64 = self.pi(row).iter().zip(change).map(|(p, z)| p * z).sum();
            let slopes = self.line(&self.slopes, row);
            out.extend(slopes.iter().zip(change).map(|(w, z)| w * (z - mean)));
        }
        out
    }

    /// The gradient in the logits of `Σ weights · ℓ`, both `N × K`.
    #[must_use]
    pub fn adjoint(&self, weights: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(weights.len());
        for (row, weights) in weights.chunks_exact(self.models.max(1)).enumerate() {
            let slopes = self.line(&self.slopes, row);
            let total: f64 = slopes.iter().zip(weights).map(|(w, u)| w * u).sum();
            let terms = slopes.iter().zip(weights).zip(self.pi(row));
            out.extend(terms.map(|((w, u), p)| w * u - p * total));
        }
        out
    }

    /// The gradient in ℓ of `Σ_i weights_i log S(actions_i|o_i)`, `N × K`:
    /// row i is `weights_i (e_a − S)`.
    #[must_use]
    pub fn score(&self, actions: &[usize], weights: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = Vec::with_capacity(self.pi.len());
        for (row, (&action, weight)) in actions.iter().zip(weights).enumerate() {
            let from = out.len();
            out.extend(self.probabilities(row).iter().map(|s| -weight * s));
            out[from + action] += weight;
        }
        out
    }

    /// `(diag S − S Sᵀ) u` in every row, `N × K`.
    #[must_use]
    pub fn covariance(&self, u: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(u.len());
        for (row, u) in u.chunks_exact(self.models.max(1)).enumerate() {
            let s = self.probabilities(row);
            let mean: f64 = s.iter().zip(u).map(|(s, u)| s * u).sum();
            out.extend(s.iter().zip(u).map(|(s, u)| s * (u - mean)));
        }
        out
    }

    /// Mean over the decisions of KL(self‖other), nats; 0 without decisions.
    #[must_use]
    pub fn divergence(&self, other: &Self) -> f64 {
        let mut total = 0.0;
        let old = self.probabilities.iter().zip(&self.log_probabilities);
        for ((s, log), other) in old.zip(&other.log_probabilities) {
            // 0 log 0 = 0, models that are not allowed included.
            if *s > 0.0 {
                total += s * (log - other);
            }
        }
        total / count(self.rows().max(1))
    }
}

/// S(·|o) for one observation: the behaviour policy of a rollout. Where the
/// policy is not consulted ([`is_free`]) the most capable allowed model has
/// probability 1.
#[must_use]
pub fn behaviour(
    network: &Network,
    softness: Softness,
    observation: &[f64],
    allowed: &[bool],
) -> Vec<f64> {
    if !is_free(observation, allowed) {
        return forced(allowed);
    }
    let logits = network.logits(observation);
    let soft = Soft::new(&logits, allowed, network.actions(), softness);
    soft.probabilities
}

/// All probability on the most capable allowed model.
#[must_use]
pub fn forced(allowed: &[bool]) -> Vec<f64> {
    let mut probabilities = vec![0.0; allowed.len()];
    if let Some(top) = allowed.iter().rposition(|allowed| *allowed) {
        probabilities[top] = 1.0;
    }
    probabilities
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

fn log_sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        -(-x).exp().ln_1p()
    } else {
        x - x.exp().ln_1p()
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::soft_policy;

    const SOFTNESS: Softness = Softness {
        kappa: 0.4,
        epsilon: 0.05,
    };

    fn soft(logits: &[f64], softness: Softness) -> Soft {
        Soft::new(logits, &vec![true; logits.len()], logits.len(), softness)
    }

    proptest! {
        #[test]
        fn it_is_the_soft_policy_of_the_action_set(
            logits in prop::collection::vec(-6.0..6.0_f64, 2..6),
            kappa in 0.0..1.0_f64,
            epsilon in 0.001..0.5_f64,
        ) {
            let ours = soft(&logits, Softness { kappa, epsilon });
            let theirs = soft_policy(&softmax(&logits), kappa, epsilon);
            for (ours, theirs) in ours.probabilities(0).iter().zip(theirs) {
                prop_assert!((ours - theirs).abs() < 1e-10);
            }
        }

        #[test]
        fn derivatives_agree_with_central_differences(
            logits in prop::collection::vec(-2.0..2.0_f64, 2..5),
            direction in prop::collection::vec(-1.0..1.0_f64, 5),
            action in 0_usize..2,
        ) {
            let h = 1e-6;
            let direction = &direction[..logits.len()];
            let at = |by: f64| {
                let moved: Vec<f64> =
                    logits.iter().zip(direction).map(|(z, d)| z + by * d).collect();
                soft(&moved, SOFTNESS).log_probabilities(0)[action]
            };
            let found = (at(h) - at(-h)) / (2.0 * h);
            let here = soft(&logits, SOFTNESS);
            let gradient = here.adjoint(&here.score(&[action], &[1.0]));
            let adjoint: f64 = gradient.iter().zip(direction).map(|(g, d)| g * d).sum();
            let tangent = here.tangent(direction);
            let mean: f64 =
                here.probabilities(0).iter().zip(&tangent).map(|(s, t)| s * t).sum();
            let scale = 1e-5 * found.abs().max(1.0);
            prop_assert!((found - adjoint).abs() < scale, "{} {}", found, adjoint);
            prop_assert!((found - (tangent[action] - mean)).abs() < scale);
        }

        #[test]
        fn the_divergence_is_half_the_fisher_form_to_second_order(
            logits in prop::collection::vec(-1.0..1.0_f64, 3),
            direction in prop::collection::vec(-1.0..1.0_f64, 3),
        ) {
            let h = 1e-4;
            let here = soft(&logits, SOFTNESS);
            let moved: Vec<f64> =
                logits.iter().zip(&direction).map(|(z, d)| z + h * d).collect();
            let tangent = here.tangent(&direction);
            let form: f64 =
                here.covariance(&tangent).iter().zip(&tangent).map(|(a, b)| a * b).sum();
            let found = here.divergence(&soft(&moved, SOFTNESS)) / (h * h);
            prop_assert!((found - form / 2.0).abs() < 1e-2 * form.max(1e-2));
        }
    }

    #[test]
    fn a_model_that_is_not_allowed_has_no_probability_and_no_gradient() {
        let soft = Soft::new(&[0.3, -0.2, 1.0], &[true, false, true], 3, SOFTNESS);
        assert_eq!(soft.probabilities(0)[1], 0.0);
        assert!((soft.probabilities(0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let gradient = soft.adjoint(&soft.score(&[0], &[1.0]));
        assert!(gradient.iter().all(|g| g.is_finite()));
        assert_eq!(soft.divergence(&soft), 0.0);
    }

    #[test]
    fn the_most_capable_allowed_model_runs_where_the_confidence_is_missing() {
        let network = Network::from_layers(vec![(1, vec![1.0, -1.0], vec![0.0, 0.0])]);
        let s = behaviour(&network, SOFTNESS, &[f64::NAN], &[true, true]);
        assert_eq!(s, [0.0, 1.0]);
        let s = behaviour(&network, SOFTNESS, &[f64::NAN], &[true, false]);
        assert_eq!(s, [1.0, 0.0]);
        let s = behaviour(&network, SOFTNESS, &[0.0], &[true, true]);
        assert_eq!(s, [0.5, 0.5]);
    }
}
