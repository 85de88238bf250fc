//! Cross entropy with a z-loss that pins the log-sum-exp of the logits.
//!
//! The raw logits of a tiny model carry an offset that depends on the position, which makes the
//! mean of the largest logit a poor signal of confidence. Holding the log-sum-exp at a constant c
//! makes the largest logit log p + c, so the definition of the papers works here too.

use super::matrix::{exp_shifted, largest};
use super::network::{LOG_SUM_TARGET, Z_WEIGHT};

/// Sums over the loss positions of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    /// Sum of -log p of the targets, nats.
    pub cross_entropy: f64,
    /// Sum of squared distances of the log-sum-exp from [`LOG_SUM_TARGET`].
    pub z: f64,
    /// Positions in the loss.
    pub positions: usize,
}

/// Replaces logits by the gradient of cross entropy plus z-loss.
pub fn differentiate(logits: &mut [f32], targets: &[u32], vocabulary: usize, weight: f32) -> Loss {
    let mut loss = Loss {
        positions: targets.len(),
        ..Loss::default()
    };
    for (line, &target) in logits.chunks_exact_mut(vocabulary).zip(targets) {
        let target = target as usize;
        let most = largest(line);
        let wanted = line[target];
        let total = exp_shifted(line, most);
        let log_sum = most + total.ln();
        let off = log_sum - LOG_SUM_TARGET;
        loss.cross_entropy += f64::from(log_sum - wanted);
        loss.z += f64::from(off * off);
        let scale = weight * (1.0 + 2.0 * Z_WEIGHT * off) / total;
        line.iter_mut().for_each(|value| *value *= scale);
        line[target] -= weight;
    }
    loss
}
