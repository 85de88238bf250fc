//! A mixture of two normal distributions over one number, fitted by
//! expectation–maximisation: how STEER tells confident steps from unconfident
//! ones (its §2.2, equations 3 and 4, and §3.2).
//!
//! It is here and not with the router because it is a statement about a
//! confidence: the router only reads a fit that was made before, and whoever
//! draws or tests the fit needs no router.
//!
//! The estimator is the one of scikit-learn's `GaussianMixture(2)`, which the
//! tests hold it against: a start from two means, the variance floor added to
//! both variances in every step, and the end where the mean log-likelihood
//! moves by less than the tolerance.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::percentile::percentile;

/// Fewest values that a mixture is fitted to.
pub const FEWEST: usize = 10;
/// Values farther from the quartiles than so many interquartile ranges are
/// left out: a single absurd logit would take a component for itself.
const FAR: f64 = 5.0;
/// Above this weight one component is as good as alone.
const ONE_SIDED: f64 = 0.99;

/// One normal distribution of the mixture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub weight: f64,
    pub mean: f64,
    pub variance: f64,
}

/// Both distributions (equation 8): of confident and of unconfident steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    pub unconfident: Component,
    /// The one of the larger mean.
    pub confident: Component,
}

/// How the fit goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Starts, of which the best is kept.
    pub restarts: u32,
    /// Least change of the mean log-likelihood that goes on.
    pub tolerance: f64,
    pub iterations: u32,
    /// Added to each variance, so that equal values have a density.
    pub variance_floor: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            restarts: 10,
            tolerance: 1e-4,
            iterations: 100,
            variance_floor: 1e-6,
        }
    }
}

/// Why values hold no two groups to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Degenerate {
    #[error("{kept} values; {FEWEST} are needed")]
    TooFew { kept: usize },
    #[error("all values are {value}")]
    Constant { value: f64 },
    #[error("one component has {weight:.4} of the weight; {ONE_SIDED} is the most")]
    OneSided { weight: f64 },
}

/// What came of a fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Values it was made from.
    pub n: usize,
    /// Values left out as too far away, or as no numbers.
    pub dropped: usize,
    /// Also of a one-sided fit, to look at.
    pub mixture: Option<Mixture>,
    /// Why nothing may be decided by it.
    pub degenerate: Option<Degenerate>,
    /// Of the start that was kept.
    pub iterations: u32,
    pub converged: bool,
    /// Mean log-likelihood of a value.
    pub log_likelihood: Option<f64>,
}

impl Component {
    /// ln of weight times density.
    fn log_share(&self, u: f64) -> f64 {
        let away = u - self.mean;
        let spread = (std::f64::consts::TAU * self.variance).ln() + away * away / self.variance;
        self.weight.ln() - 0.5 * spread
    }

    fn is_sound(&self) -> bool {
        let finite = self.mean.is_finite() && self.variance.is_finite();
        finite && self.variance > 0.0 && self.weight > 0.0 && self.weight <= 1.0
    }
}

impl Mixture {
    /// Pr(confident | u), equation 4.
    ///
    /// It is the plain posterior of the paper and not monotone where the
    /// variances differ: far from both means the wider distribution is the
    /// more probable one, on either side. With a wide unconfident one a value
    /// far *above* the confident mean counts as unconfident again; with a wide
    /// confident one a value far *below* counts as confident. Whoever shows it
    /// shows the value beside it.
    pub fn posterior(&self, u: f64) -> f64 {
        let less = self.unconfident.log_share(u) - self.confident.log_share(u);
        1.0 / (1.0 + less.exp())
    }

    /// Whether the numbers are those of a mixture.
    pub fn is_sound(&self) -> bool {
        let (low, high) = (&self.unconfident, &self.confident);
        let whole = (low.weight + high.weight - 1.0).abs() < 1e-6;
        low.is_sound() && high.is_sound() && whole && low.mean <= high.mean
    }
}

/// Fits a mixture to values; `seed` decides where the starts are.
pub fn fit(values: &[f64], settings: &Settings, seed: u64) -> Fit {
    let kept = within_reach(values);
    let mut fit = Fit {
        n: kept.len(),
        dropped: values.len() - kept.len(),
        mixture: None,
        degenerate: None,
        iterations: 0,
        converged: false,
        log_likelihood: None,
    };
    fit.degenerate = match kept[..] {
        _ if kept.len() < FEWEST => Some(Degenerate::TooFew { kept: kept.len() }),
        [first, .., last] if first == last => Some(Degenerate::Constant { value: first }),
        _ => None,
    };
    if fit.degenerate.is_some() {
        return fit;
    }
    let best = starts(&kept, settings, seed)
        .into_iter()
        .map(|cut| maximise(&kept, cut, settings))
        .reduce(
            |best, next| match next.log_likelihood > best.log_likelihood {
                true => next,
                false => best,
            },
        );
    if let Some(best) = best {
        let mixture = ordered(best.components);
        let weight = mixture.unconfident.weight.max(mixture.confident.weight);
        fit.mixture = Some(mixture);
        fit.degenerate = (weight > ONE_SIDED).then_some(Degenerate::OneSided { weight });
        fit.iterations = best.iterations;
        fit.converged = best.converged;
        fit.log_likelihood = Some(best.log_likelihood);
    }
    fit
}

/// The finite values within [`FAR`] interquartile ranges of the quartiles,
/// rising.
fn within_reach(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let quartiles = percentile(&sorted, 25.0).zip(percentile(&sorted, 75.0));
    if let Some((low, high)) = quartiles {
        let reach = FAR * (high - low);
        sorted.retain(|value| (low - reach..=high + reach).contains(value));
    }
    sorted
}

fn ordered([a, b]: [Component; 2]) -> Mixture {
    let (unconfident, confident) = if a.mean <= b.mean { (a, b) } else { (b, a) };
    Mixture {
        unconfident,
        confident,
    }
}

/// Where the sorted values are cut in two to start from: by k-means from
/// k-means++ seeds. In one dimension a clustering is a cut, and starts with
/// the same cut are the same fit: each is made once.
fn starts(sorted: &[f64], settings: &Settings, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sums = vec![0.0];
    sums.extend(sorted.iter().scan(0.0, |sum, value| {
        *sum += value;
        Some(*sum)
    }));
    let mut cuts = Vec::new();
    for _ in 0..settings.restarts.max(1) {
        let cut = two_means(sorted, &sums, seeds(sorted, &mut rng));
        if !cuts.contains(&cut) {
            cuts.push(cut);
        }
    }
    cuts
}

/// Two different values: one at random, one with a probability proportional to
/// its squared distance from the first.
fn seeds(sorted: &[f64], rng: &mut ChaCha8Rng) -> (f64, f64) {
    let first = sorted[rng.random_range(0..sorted.len())];
    let distance = |value: &f64| (value - first) * (value - first);
    let total: f64 = sorted.iter().map(distance).sum();
    let mut left = rng.random::<f64>() * total;
    let mut second = first;
    for value in sorted.iter().filter(|value| **value != first) {
        second = *value;
        left -= distance(value);
        if left < 0.0 {
            break;
        }
    }
    (first.min(second), first.max(second))
}

/// How many of the sorted values are in the lower of two clusters; `sums[i]`
/// is the sum of the first i.
fn two_means(sorted: &[f64], sums: &[f64], (mut low, mut high): (f64, f64)) -> usize {
    let n = sorted.len();
    let mut cut = 0;
    // A cut moves one way only, so it comes to rest; the bound is for rounding.
    for _ in 0..n {
        let middle = f64::midpoint(low, high);
        let next = sorted.partition_point(|value| *value <= middle);
        let next = next.clamp(1, n - 1);
        if next == cut {
            break;
        }
        cut = next;
        low = sums[cut] / cut as f64;
        high = (sums[n] - sums[cut]) / (n - cut) as f64;
    }
    cut
}

/// A fit from one start.
struct Maximum {
    components: [Component; 2],
    log_likelihood: f64,
    iterations: u32,
    converged: bool,
}

fn maximise(sorted: &[f64], cut: usize, settings: &Settings) -> Maximum {
    // Responsibility of the second component.
    let mut shares: Vec<f64> = (0..sorted.len())
        .map(|at| f64::from(u8::from(at >= cut)))
        .collect();
    let mut components = estimate(sorted, &shares, settings.variance_floor);
    let mut log_likelihood = f64::NEG_INFINITY;
    for iteration in 1..=settings.iterations {
        let found = expect(sorted, &components, &mut shares);
        components = estimate(sorted, &shares, settings.variance_floor);
        let change = found - log_likelihood;
        log_likelihood = found;
        if change.abs() < settings.tolerance {
            return Maximum {
                components,
                log_likelihood,
                iterations: iteration,
                converged: true,
            };
        }
    }
    Maximum {
        components,
        log_likelihood,
        iterations: settings.iterations,
        converged: false,
    }
}

/// The expectation step: responsibilities, and the mean log-likelihood.
fn expect(values: &[f64], [first, second]: &[Component; 2], shares: &mut [f64]) -> f64 {
    let mut total = 0.0;
    for (value, share) in values.iter().zip(shares) {
        let (a, b) = (first.log_share(*value), second.log_share(*value));
        *share = 1.0 / (1.0 + (a - b).exp());
        total += a.max(b) + (-(a - b).abs()).exp().ln_1p();
    }
    total / values.len() as f64
}

/// The maximisation step.
fn estimate(values: &[f64], shares: &[f64], floor: f64) -> [Component; 2] {
    let weighed = |of: &dyn Fn(f64) -> f64| {
        // As scikit-learn does, so that an empty component has a mean.
        let count = shares.iter().map(|share| of(*share)).sum::<f64>() + 10.0 * f64::EPSILON;
        let pairs = || values.iter().zip(shares);
        let mean = pairs().map(|(v, share)| of(*share) * v).sum::<f64>() / count;
        let away = pairs().map(|(v, share)| of(*share) * (v - mean) * (v - mean));
        Component {
            weight: count,
            mean,
            variance: away.sum::<f64>() / count + floor,
        }
    };
    let mut both = [weighed(&|share| 1.0 - share), weighed(&|share| share)];
    let total = both[0].weight + both[1].weight;
    for component in &mut both {
        component.weight /= total;
    }
    both
}

#[cfg(test)]
mod tests;
