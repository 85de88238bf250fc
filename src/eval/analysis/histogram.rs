//! How a score is distributed, with the two normal distributions that STEER
//! fits to it.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::signal::mixture::{self, Fit, Settings};
use crate::survey::Survey;

use super::calibration::Score;
use super::slice::Slice;

/// Counts over the range of a score.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    pub low: f64,
    pub high: f64,
    /// Of equal widths from `low` to `high`.
    pub counts: Vec<usize>,
    /// `None` where there is no value.
    pub fit: Option<Fit>,
}

impl Histogram {
    /// Density of a fitted mixture at a value, scaled to the counts.
    pub fn expected(&self, value: f64) -> Option<f64> {
        let fit = self.fit.as_ref()?;
        let mixture = fit.mixture.as_ref()?;
        let width = (self.high - self.low) / self.counts.len().max(1) as f64;
        let all: usize = self.counts.iter().sum();
        let density = [mixture.unconfident, mixture.confident].map(|component| {
            let away = value - component.mean;
            let spread = std::f64::consts::TAU * component.variance;
            component.weight * (-0.5 * away * away / component.variance).exp() / spread.sqrt()
        });
        Some((density[0] + density[1]) * width * all as f64)
    }
}

const BINS: usize = 40;
/// Values that a mixture is fitted to: more tell no more.
const MOST: usize = 20_000;
/// The starts of the fit: the same at every look.
const SEED: u64 = 0;

/// Of all steps, then model by model in pool order. All have the range of the
/// first, which is never empty.
pub(super) fn of(survey: &Survey, places: &[usize], score: Score) -> Vec<(String, Histogram)> {
    let mut all = Vec::new();
    let mut models: BTreeMap<(u64, String), Vec<f64>> = BTreeMap::new();
    for &place in places {
        let view = survey.view(place);
        for step in view.steps() {
            let Some(value) = score.of(step) else {
                continue;
            };
            all.push(value);
            let (order, name) = Slice::Model.of_step(survey, &view, step);
            // Not negative: the bits are in the order of the numbers.
            models
                .entry((order.to_bits(), name))
                .or_default()
                .push(value);
        }
    }
    let ends = all
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |ends, &v| {
            (ends.0.min(v), ends.1.max(v))
        });
    // One value stands in the middle of a range that is not empty.
    let margin = if ends.0 < ends.1 {
        0.0
    } else {
        1e-6 * ends.0.abs().max(1e-3)
    };
    let ends = (ends.0 - margin, ends.1 + margin);
    let mut found = vec![("all".to_owned(), histogram(&all, ends))];
    let models = models.into_iter();
    found.extend(models.map(|((_, name), values)| (name, histogram(&values, ends))));
    found
}

fn histogram(values: &[f64], (low, high): (f64, f64)) -> Histogram {
    if values.is_empty() {
        return Histogram::default();
    }
    let mut counts = vec![0; BINS];
    for value in values {
        let share = (value - low) / (high - low).max(f64::MIN_POSITIVE);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    let fitted = match values.len() <= MOST {
        true => mixture::fit(values, &Settings::default(), SEED),
        false => {
            // By chance: every so many would be the same step of trajectories
            // of one length.
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            let places = rand::seq::index::sample(&mut rng, values.len(), MOST);
            let sample: Vec<f64> = places.iter().map(|place| values[place]).collect();
            mixture::fit(&sample, &Settings::default(), SEED)
        }
    };
    Histogram {
        low,
        high,
        counts,
        fit: Some(fitted),
    }
}
