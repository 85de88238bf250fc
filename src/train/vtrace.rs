//! V-trace targets and advantages (Espeholt et al. 2018; §5.2).
//!
//! `δ_t = ρ_t (r_t + γ V(o_{t+1}) − V(o_t))`,
//! `v_t = V(o_t) + δ_t + γ c_t (v_{t+1} − V(o_{t+1}))`,
//! `A_t = r_t + γ v_{t+1} − V(o_t)`, with V = v = 0 after the end.

/// The clips and the discount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clips {
    /// ρ̄, of the weight in δ_t.
    pub rho_bar: f64,
    /// c̄, of the weight that carries later differences back.
    pub c_bar: f64,
    /// γ.
    pub gamma: f64,
}

/// One trajectory of T decisions; every slice has length T.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    /// S(a_t|o_t)/μ(a_t|o_t), not clipped.
    pub ratios: &'a [f64],
    /// r_t: a cost or a reward.
    pub rewards: &'a [f64],
    /// V(o_t).
    pub values: &'a [f64],
}

/// What V-trace makes of a trajectory; both of length T, constants for every
/// gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Returns {
    /// v_t: what V(o_t) should become.
    pub targets: Vec<f64>,
    /// A_t, not weighted by ρ_t.
    pub advantages: Vec<f64>,
}

/// The backward recursion.
#[must_use]
pub fn returns(path: Path<'_>, clips: Clips) -> Returns {
    let steps = path.values.len();
    let mut targets = vec![0.0; steps];
    let mut advantages = vec![0.0; steps];
    // V(o_{t+1}) and v_{t+1}.
    let (mut next_value, mut next_target) = (0.0, 0.0);
    for t in (0..steps).rev() {
        let (ratio, reward, value) = (path.ratios[t], path.rewards[t], path.values[t]);
        let rho = ratio.min(clips.rho_bar);
        let c = ratio.min(clips.c_bar);
        let delta = rho * (reward + clips.gamma * next_value - value);
        targets[t] = value + delta + clips.gamma * c * (next_target - next_value);
        advantages[t] = reward + clips.gamma * next_target - value;
        (next_value, next_target) = (value, targets[t]);
    }
    Returns {
        targets,
        advantages,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Definition 1 of the IMPALA paper: `v_s = V_s + Σ_t γ^{t−s} (Π c_i) δ_t`.
    fn direct(path: Path<'_>, clips: Clips) -> Vec<f64> {
        let steps = path.values.len();
        let value = |t: usize| path.values.get(t).copied().unwrap_or(0.0);
        (0..steps)
            .map(|s| {
                let later = (s..steps).map(|t| {
                    let carried: f64 = (s..t)
                        .map(|i| clips.gamma * path.ratios[i].min(clips.c_bar))
                        .product();
                    let rho = path.ratios[t].min(clips.rho_bar);
                    carried * rho * (path.rewards[t] + clips.gamma * value(t + 1) - value(t))
                });
                value(s) + later.sum::<f64>()
            })
            .collect()
    }

    /// The order of operations of rlax and of the IMPALA code: errors
    /// `e_t = δ_t + γ c_t e_{t+1}` first, then targets, then advantages from
    /// the shifted targets. Written independently of [`returns`].
    fn oracle(path: Path<'_>, clips: Clips) -> (Vec<f64>, Vec<f64>) {
        let steps = path.values.len();
        let mut bootstrapped = path.values.to_vec();
        bootstrapped.push(0.0);
        let mut errors = vec![0.0; steps + 1];
        for t in (0..steps).rev() {
            let td = path.rewards[t] + clips.gamma * bootstrapped[t + 1] - bootstrapped[t];
            let clipped = f64::min(clips.rho_bar, path.ratios[t]);
            let carried = f64::min(clips.c_bar, path.ratios[t]);
            errors[t] = clipped * td + clips.gamma * carried * errors[t + 1];
        }
        let mut targets: Vec<f64> = (0..=steps).map(|t| errors[t] + bootstrapped[t]).collect();
        let advantages = (0..steps)
            .map(|t| path.rewards[t] + clips.gamma * targets[t + 1] - bootstrapped[t])
            .collect();
        targets.pop();
        (targets, advantages)
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0))
    }

    proptest! {
        #[test]
        fn the_recursion_is_the_direct_sum_and_agrees_with_the_oracle(
            rows in prop::collection::vec((0.0..4.0_f64, -3.0..3.0_f64, -5.0..5.0_f64), 0..20),
            rho_bar in 1.0..3.0_f64,
            c_bar in 0.1..1.0_f64,
            gamma in 0.5..=1.0_f64,
        ) {
            let ratios: Vec<f64> = rows.iter().map(|row| row.0).collect();
            let rewards: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let values: Vec<f64> = rows.iter().map(|row| row.2).collect();
            let path = Path { ratios: &ratios, rewards: &rewards, values: &values };
            let clips = Clips { rho_bar, c_bar, gamma };
            let ours = returns(path, clips);
            prop_assert!(close(&ours.targets, &direct(path, clips)));
            let (targets, advantages) = oracle(path, clips);
            prop_assert!(close(&ours.targets, &targets));
            prop_assert!(close(&ours.advantages, &advantages));
        }
    }

    #[test]
    fn on_policy_without_discount_the_target_is_the_rest_of_the_return() {
        let path = Path {
            ratios: &[1.0; 4],
            rewards: &[1.0, 2.0, 3.0, 4.0],
            values: &[9.0, -3.0, 0.5, 7.0],
        };
        let clips = Clips {
            rho_bar: 1.0,
            c_bar: 1.0,
            gamma: 1.0,
        };
        assert!(close(&returns(path, clips).targets, &[10.0, 9.0, 7.0, 4.0]));
    }
}
