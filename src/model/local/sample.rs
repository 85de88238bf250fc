//! From a row of raw logits to a token: statistics over the whole vocabulary
//! at temperature 1, and seeded sampling.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Alternatives kept for each token.
pub const TOP: usize = 5;

/// What is known about one row of logits.
#[derive(Debug, Clone, PartialEq)]
pub struct RowStats {
    /// max_v z(v), raw.
    pub max: f32,
    /// ln Σ_v exp(z(v) − max).
    log_sum: f64,
    /// Ids of the most probable tokens, best first; ties by id.
    pub top: Vec<u32>,
}

impl RowStats {
    /// Statistics of a row; `None` where a logit is not a number or all are
    /// infinite.
    pub fn of(logits: &[f32]) -> Option<Self> {
        let mut top: Vec<u32> = Vec::with_capacity(TOP + 1);
        for (id, &z) in (0..).zip(logits) {
            if z.is_nan() {
                return None;
            }
            let full = top.len() == TOP;
            if full && z <= logits[top[TOP - 1] as usize] {
                continue;
            }
            let place = top.partition_point(|&other| logits[other as usize] >= z);
            top.insert(place, id);
            top.truncate(TOP);
        }
        let max = logits[*top.first()? as usize];
        if !max.is_finite() {
            return None;
        }
        let sum: f64 = logits.iter().map(|&z| f64::from((z - max).exp())).sum();
        Some(Self {
            max,
            log_sum: sum.ln(),
            top,
        })
    }

    /// Natural log-probability of a logit of this row at temperature 1.
    pub fn logprob(&self, logit: f32) -> f32 {
        (f64::from(logit - self.max) - self.log_sum) as f32
    }
}

/// Draws tokens; one a step, so that the same request gives the same step.
pub struct Sampler {
    rng: ChaCha8Rng,
    temperature: f64,
    top_p: f64,
}

impl Sampler {
    /// `temperature` 0 (or below, or NaN) is greedy; `top_p` of 1 or more, or not above
    /// 0, leaves the whole vocabulary.
    pub fn new(seed: u64, temperature: f64, top_p: f64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            temperature,
            top_p,
        }
    }

    /// The id of the next token.
    pub fn draw(&mut self, logits: &[f32], stats: &RowStats) -> u32 {
        if self.temperature.is_nan() || self.temperature <= 0.0 {
            return stats.top[0];
        }
        let weights: Vec<f64> = logits
            .iter()
            .map(|&z| (f64::from(z - stats.max) / self.temperature).exp())
            .collect();
        let uniform: f64 = self.rng.random();
        if self.top_p > 0.0 && self.top_p < 1.0 {
            let nucleus = nucleus(&weights, self.top_p);
            pick(
                nucleus.into_iter().map(|id| (id, weights[id as usize])),
                uniform,
            )
        } else {
            pick((0..).zip(weights.iter().copied()), uniform)
        }
        .unwrap_or(stats.top[0])
    }
}

/// The fewest most probable ids that hold a share `top_p` of the weight.
fn nucleus(weights: &[f64], top_p: f64) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..weights.len() as u32).collect();
    ids.sort_by(|&a, &b| {
        let order = weights[b as usize].total_cmp(&weights[a as usize]);
        order.then(a.cmp(&b))
    });
    let target = top_p * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let kept = ids
        .iter()
        .position(|&id| {
            sum += weights[id as usize];
            sum >= target
        })
        .map_or(ids.len(), |last| last + 1);
    ids.truncate(kept);
    ids
}

/// The item at share `uniform` (0..1) of the cumulative weight.
fn pick(items: impl Iterator<Item = (u32, f64)> + Clone, uniform: f64) -> Option<u32> {
    let total: f64 = items.clone().map(|(_, weight)| weight).sum();
    let mut left = uniform * total;
    let mut last = None;
    for (id, weight) in items.filter(|&(_, weight)| weight > 0.0) {
        last = Some(id);
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_of_the_whole_vocabulary() {
        let logits = [1.0, 3.0, 2.0, 3.0, -1.0, 0.0, 0.5];
        let stats = RowStats::of(&logits).unwrap();
        assert_eq!((stats.max, &stats.top[..]), (3.0, &[1, 3, 2, 0, 6][..]));
        let total: f32 = logits.iter().map(|&z| stats.logprob(z).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6);
        assert!(RowStats::of(&[1.0, f32::NAN]).is_none());
        assert!(RowStats::of(&[]).is_none());
    }

    #[test]
    fn greedy_takes_the_best_and_seeds_repeat() {
        let logits = [0.0, 1.0, 0.9, 0.8];
        let stats = RowStats::of(&logits).unwrap();
        let draws = |seed, temperature, top_p| -> Vec<u32> {
            let mut sampler = Sampler::new(seed, temperature, top_p);
            (0..200).map(|_| sampler.draw(&logits, &stats)).collect()
        };
        assert!(draws(1, 0.0, 1.0).iter().all(|&id| id == 1));
        assert_eq!(draws(1, 1.0, 1.0), draws(1, 1.0, 1.0));
        assert_ne!(draws(1, 1.0, 1.0), draws(2, 1.0, 1.0));
        assert!(draws(1, 1.0, 1.0).contains(&0));
        assert!(!draws(1, 1.0, 0.85).contains(&0));
        assert!(draws(1, 1.0, 1e-9).iter().all(|&id| id == 1));
    }

    #[test]
    fn frequencies_follow_the_temperature() {
        let logits = [0.0, 2.0_f32.ln()];
        let stats = RowStats::of(&logits).unwrap();
        let mut sampler = Sampler::new(7, 0.5, 1.0);
        let ones: u32 = (0..20_000).map(|_| sampler.draw(&logits, &stats)).sum();
        assert!((f64::from(ones) / 20_000.0 - 0.8).abs() < 0.02);
    }
}
