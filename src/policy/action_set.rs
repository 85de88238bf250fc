//! The thresholded action set (§3 of the algorithm; eq. 6 of the paper).

/// Which model runs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Actions whose probability reaches the threshold, in pool order.
    pub set: Vec<usize>,
    /// The action that runs.
    pub action: usize,
    /// True where the threshold is above every probability, so that the most
    /// probable action runs instead.
    pub empty_set: bool,
}

/// 𝒜_κ(o) = { a : π(a|o) ≥ κ }, in pool order. A NaN is never in the set.
pub fn action_set(probabilities: &[f64], kappa: f64) -> Vec<usize> {
    (0..probabilities.len())
        .filter(|&a| probabilities[a] >= kappa)
        .collect()
}

/// The most capable model of the action set; of an empty set the most
/// probable one, flagged. With two models: escalate iff π(M|o) ≥ κ.
pub fn select(probabilities: &[f64], kappa: f64) -> Selection {
    let set = action_set(probabilities, kappa);
    match set.last() {
        Some(&action) => Selection {
            set,
            action,
            empty_set: false,
        },
        None => Selection {
            set,
            action: most_probable(probabilities),
            empty_set: true,
        },
    }
}

fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = probabilities.len().saturating_sub(1);
    for (action, &p) in probabilities.iter().enumerate() {
        if p > probabilities[best] || probabilities[best].is_nan() {
            best = action;
        }
    }
    best
}

/// The stochastic policy for learning, S(a|o) ∝ σ((π(a|o) − κ)/ε), normalised
/// over the actions; it tends to the uniform one on 𝒜_κ as ε → 0.
///
/// Computed through log σ, so that a set that is empty by far still gives
/// probabilities (the least excluded action wins) instead of 0/0.
pub fn soft_policy(probabilities: &[f64], kappa: f64, epsilon: f64) -> Vec<f64> {
    let log_weights: Vec<f64> = probabilities
        .iter()
        .map(|p| log_sigmoid((p - kappa) / epsilon))
        .collect();
    let highest = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_weights.iter().map(|w| (w - highest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

fn log_sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        -(-x).exp().ln_1p()
    } else {
        x - x.exp().ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_models_escalate_iff_the_large_ones_probability_reaches_kappa() {
        for step in 0..=100 {
            let large = f64::from(step) / 100.0;
            let selection = select(&[1.0 - large, large], 0.4);
            if large >= 0.4 {
                assert_eq!(selection.action, 1);
            } else {
                assert_eq!(selection.action, 0, "{large}");
            }
            assert!(!selection.empty_set);
        }
    }

    #[test]
    fn an_empty_set_runs_the_most_probable_action_and_says_so() {
        let selection = select(&[0.3, 0.45, 0.25], 0.9);
        assert_eq!(
            selection,
            Selection {
                set: vec![],
                action: 1,
                empty_set: true
            }
        );
    }

    #[test]
    fn kappa_at_both_ends_gives_large_only_and_the_most_probable() {
        assert_eq!(select(&[0.99, 0.01], 0.0).action, 1);
        assert_eq!(select(&[0.99, 0.01], 1.0).action, 0);
    }

    #[test]
    fn the_soft_policy_tends_to_the_uniform_one_on_the_set() {
        let soft = soft_policy(&[0.5, 0.4, 0.1], 0.3, 0.001);
        assert!((soft[0] - 0.5).abs() < 1e-9 && (soft[1] - 0.5).abs() < 1e-9);
        assert!(soft[2] < 1e-9);
    }

    #[test]
    fn the_soft_policy_survives_a_set_that_is_empty_by_far() {
        let soft = soft_policy(&[0.5, 0.4, 0.1], 1.0, 0.0001);
        assert!((soft.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(soft[0] > 0.999);
    }
}
