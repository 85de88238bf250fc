//! How what is observed becomes the input of a network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name of the one feature that no mean can stand for.
pub const CONFIDENCE: &str = "confidence";

/// Intervals between the knots of a rank.
const KNOTS: usize = 32;

/// `x ↦ (x − mean) / scale`, per feature, fixed at training time; of a feature
/// that has ranks, x is its rank.
///
/// A confidence is ranked: most of its values crowd below 1, or wherever the
/// raw logits of a model lie, and what matters is how they are ordered there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    pub mean: Vec<f64>,
    pub scale: Vec<f64>,
    /// By feature: values seen in training at evenly spaced ranks, rising.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranks: BTreeMap<String, Vec<f64>>,
}

impl Normalisation {
    /// Mean and standard deviation of each feature over the rows in which it
    /// is known. One that never varies, or is never known, has the scale 1.
    pub fn fit<'a, S: AsRef<str>>(
        names: &[S],
        rows: impl Iterator<Item = &'a [Option<f64>]>,
    ) -> Self {
        let mut columns = vec![Vec::new(); names.len()];
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.extend(value.filter(|value| value.is_finite()));
            }
        }
        let mut fitted = Self {
            mean: Vec::with_capacity(names.len()),
            scale: Vec::with_capacity(names.len()),
            ranks: BTreeMap::new(),
        };
        for (name, mut column) in names.iter().map(AsRef::as_ref).zip(columns) {
            if name == CONFIDENCE && !column.is_empty() {
                let knots = knots(&column);
                column.iter_mut().for_each(|x| *x = rank(&knots, *x));
                fitted.ranks.insert(name.to_owned(), knots);
            }
            let (mean, scale) = moments(&column);
            fitted.mean.push(mean);
            fitted.scale.push(scale);
        }
        fitted
    }

    /// The network's input for values in the order of `names`. A missing
    /// value (a data set without difficulties) counts as the training mean,
    /// 0; a missing confidence is NaN, for without it no policy is asked.
    pub fn encode<S: AsRef<str>>(&self, names: &[S], values: &[Option<f64>]) -> Vec<f64> {
        names
            .iter()
            .map(AsRef::as_ref)
            .zip(values)
            .take(self.mean.len())
            .enumerate()
            .map(|(at, (name, value))| match value {
                Some(value) => self.encode_one(at, name, *value),
                None if name == CONFIDENCE => f64::NAN,
                None => 0.0,
            })
            .collect()
    }

    /// The input for one feature's value, by its place and name.
    pub fn encode_one(&self, at: usize, name: &str, value: f64) -> f64 {
        let value = match self.ranks.get(name) {
            Some(knots) => rank(knots, value),
            None => value,
        };
        (value - self.mean[at]) / self.scale[at]
    }

    /// The value whose input this is; `None` beyond the ranks of a ranked
    /// feature.
    pub fn decode(&self, at: usize, name: &str, input: f64) -> Option<f64> {
        let value = input * self.scale[at] + self.mean[at];
        let Some(knots) = self.ranks.get(name) else {
            return Some(value);
        };
        let intervals = (knots.len() - 1).max(1) as f64;
        let place = value * intervals;
        if !(0.0..=intervals).contains(&place) {
            return None;
        }
        let below = (place.floor() as usize).min(knots.len() - 1);
        let above = (below + 1).min(knots.len() - 1);
        let share = place - below as f64;
        Some(knots[below] + share * (knots[above] - knots[below]))
    }

    /// Whether it can be applied to `features` features.
    pub fn is_sound(&self, features: usize) -> bool {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        self.mean.len() == features
            && self.scale.len() == features
            && finite(&self.mean)
            && finite(&self.scale)
            && self.scale.iter().all(|scale| *scale > 0.0)
            && self
                .ranks
                .values()
                .all(|knots| !knots.is_empty() && finite(knots) && knots.is_sorted())
    }
}

/// Mean and standard deviation; the deviation of what never varies is 1.
pub fn moments(column: &[f64]) -> (f64, f64) {
    let n = column.len().max(1) as f64;
    let mean = column.iter().sum::<f64>() / n;
    let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    // Rounding alone makes a constant column vary a little.
    let varies = deviation > 1e-9 * mean.abs().max(1e-3);
    (mean, if varies { deviation } else { 1.0 })
}

/// The values at evenly spaced ranks, the least and the largest among them.
fn knots(column: &[f64]) -> Vec<f64> {
    let mut sorted = column.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    (0..=KNOTS)
        .map(|knot| sorted[knot * last / KNOTS])
        .collect()
}

/// Rank of a value among rising knots, from 0 to 1, linear between them. Of
/// knots that are equal it has the middle; beyond the ends it is 0 or 1.
fn rank(knots: &[f64], value: f64) -> f64 {
    let below = knots.partition_point(|knot| *knot < value);
    let up_to = knots.partition_point(|knot| *knot <= value);
    let intervals = (knots.len() - 1).max(1) as f64;
    let place = if up_to > below {
        (below + up_to - 1) as f64 / 2.0
    } else if below == 0 {
        0.0
    } else if below == knots.len() {
        intervals
    } else {
        let (from, to) = (knots[below - 1], knots[below]);
        (below - 1) as f64 + (value - from) / (to - from)
    };
    place / intervals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_get_mean_zero_and_deviation_one_over_what_is_known() {
        let rows = [
            [Some(1.0), Some(5.0), None],
            [Some(3.0), Some(5.0), None],
            [Some(2.0), None, None],
        ];
        let names = ["step", "tokens", "difficulty"];
        let fitted = Normalisation::fit(&names, rows.iter().map(<[_; 3]>::as_slice));
        assert_eq!(fitted.mean, [2.0, 5.0, 0.0]);
        assert!((fitted.scale[0] - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(fitted.scale[1..], [1.0, 1.0]);
        let encoded = fitted.encode(&names, &[Some(2.0), None, Some(4.0)]);
        assert_eq!(encoded, [0.0, 0.0, 4.0]);
        assert!(fitted.is_sound(3) && !fitted.is_sound(2));
    }

    #[test]
    fn a_confidence_counts_by_its_rank_and_a_missing_one_is_no_number() {
        let values: Vec<[Option<f64>; 1]> = (0..=1_000)
            .map(|n| [Some(1.0 - 10_f64.powf(-f64::from(n) / 200.0))])
            .collect();
        let names = [CONFIDENCE];
        let fitted = Normalisation::fit(&names, values.iter().map(<[_; 1]>::as_slice));
        let at = |value: f64| fitted.encode(&names, &[Some(value)])[0];
        // Half of the values lie above 1 − 10^−2.5.
        assert!(at(1.0 - 10_f64.powf(-2.5)).abs() < 0.02);
        assert!((at(-3.0) + 3_f64.sqrt()).abs() < 0.02, "clamped");
        assert_eq!(at(0.999_999), at(5.0));
        assert!(at(0.999) - at(0.99) > 0.5, "what crowds is spread");
        assert!(fitted.encode(&names, &[None])[0].is_nan());
    }

    #[test]
    fn ranks_are_monotone_and_equal_knots_share_one() {
        let knots = [0.0, 1.0, 1.0, 1.0, 2.0];
        assert_eq!(rank(&knots, 1.0), 0.5);
        assert_eq!(rank(&knots, 0.5), 0.125);
        assert_eq!((rank(&knots, -1.0), rank(&knots, 9.0)), (0.0, 1.0));
        let ranks: Vec<f64> = (0..=200)
            .map(|n| rank(&knots, f64::from(n) / 100.0))
            .collect();
        assert!(ranks.is_sorted());
        assert_eq!(rank(&[3.0], 3.0), 0.0);
    }

    #[test]
    fn a_constant_that_rounding_makes_vary_is_not_blown_up() {
        let value = [Some(0.1 + 0.2)];
        let rows = vec![value.as_slice(); 1_000];
        assert_eq!(Normalisation::fit(&["step"], rows.into_iter()).scale, [1.0]);
    }
}
