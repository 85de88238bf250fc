//! Intervals of figures that are no shares: the percentile bootstrap over
//! problems.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of an interval.
const RESAMPLES: usize = 1_000;

/// The 95 % percentile interval of `figure` over resamples of `n` problems,
/// given to it as places; `None` without problems or where `figure` is not
/// finite for some resample. The same problems are drawn at every call, so
/// that two figures over one data set are resampled together.
pub fn bootstrap(n: usize, figure: impl Fn(&[usize]) -> f64) -> Option<[f64; 2]> {
    bootstrap_all(n, &[&figure]).pop().flatten()
}

/// A figure over problems, given as places.
pub type Figure<'a> = &'a dyn Fn(&[usize]) -> f64;

/// As [`bootstrap`], for many figures at once: the problems are drawn once.
pub fn bootstrap_all(n: usize, figures: &[Figure<'_>]) -> Vec<Option<[f64; 2]>> {
    if n == 0 {
        return vec![None; figures.len()];
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0x0b00_7572);
    let mut sample = vec![0; n];
    let mut values = vec![Vec::with_capacity(RESAMPLES); figures.len()];
    for _ in 0..RESAMPLES {
        sample.fill_with(|| rng.random_range(0..n));
        for (values, figure) in values.iter_mut().zip(figures) {
            values.push(figure(&sample));
        }
    }
    values.into_iter().map(percentiles).collect()
}

fn percentiles(mut values: Vec<f64>) -> Option<[f64; 2]> {
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    Some([values[tail], values[RESAMPLES - 1 - tail]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_gets_the_interval_of_the_normal_approximation() {
        let values: Vec<f64> = (0..400).map(|n| f64::from(n % 2)).collect();
        let mean = |sample: &[usize]| {
            sample.iter().map(|&at| values[at]).sum::<f64>() / sample.len() as f64
        };
        let [low, high] = bootstrap(values.len(), mean).unwrap();
        // ± 1.96 · 0.5/√400.
        assert!(
            (low - 0.451).abs() < 0.01 && (high - 0.549).abs() < 0.01,
            "{low} {high}"
        );
        assert_eq!(bootstrap(0, mean), None);
        assert_eq!(bootstrap(3, |_| f64::NAN), None);
    }
}
