//! How what is observed becomes the input of a network.

use serde::{Deserialize, Serialize};

/// Name of the one feature that no mean can stand for.
pub const CONFIDENCE: &str = "confidence";

/// `x ↦ (x − mean) / scale`, per feature, fixed at training time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    pub mean: Vec<f64>,
    pub scale: Vec<f64>,
}

impl Normalisation {
    /// Mean and standard deviation of each of `features` over the rows in
    /// which it is known. One that never varies, or is never known, has the
    /// scale 1.
    pub fn fit<'a>(rows: impl Iterator<Item = &'a [Option<f64>]>, features: usize) -> Self {
        let mut columns = vec![Vec::new(); features];
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.extend(value.filter(|value| value.is_finite()));
            }
        }
        let mut fitted = Self {
            mean: Vec::with_capacity(features),
            scale: Vec::with_capacity(features),
        };
        for column in columns {
            let n = column.len().max(1) as f64;
            let mean = column.iter().sum::<f64>() / n;
            let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let deviation = variance.sqrt();
            fitted.mean.push(mean);
            // Rounding alone makes a constant column vary a little.
            let varies = deviation > 1e-9 * mean.abs().max(1e-3);
            fitted.scale.push(if varies { deviation } else { 1.0 });
        }
        fitted
    }

    /// The network's input for values in the order of `names`. A missing
    /// value (a data set without difficulties) counts as the training mean,
    /// 0; a missing confidence is NaN, for without it no policy is asked.
    pub fn encode<S: AsRef<str>>(&self, names: &[S], values: &[Option<f64>]) -> Vec<f64> {
        let scales = self.mean.iter().zip(&self.scale);
        names
            .iter()
            .zip(values)
            .zip(scales)
            .map(|((name, value), (mean, scale))| match value {
                Some(value) => (value - mean) / scale,
                None if name.as_ref() == CONFIDENCE => f64::NAN,
                None => 0.0,
            })
            .collect()
    }
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
        let fitted = Normalisation::fit(rows.iter().map(<[_; 3]>::as_slice), 3);
        assert_eq!(fitted.mean, [2.0, 5.0, 0.0]);
        assert!((fitted.scale[0] - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(fitted.scale[1..], [1.0, 1.0]);
        let names = ["confidence", "step", "difficulty"];
        let encoded = fitted.encode(&names, &[Some(2.0), None, Some(4.0)]);
        assert_eq!(encoded, [0.0, 0.0, 4.0]);
        assert!(fitted.encode(&names, &[None, None, None])[0].is_nan());
    }

    #[test]
    fn a_constant_that_rounding_makes_vary_is_not_blown_up() {
        let value = [Some(0.1 + 0.2)];
        let rows = vec![value.as_slice(); 1_000];
        assert_eq!(Normalisation::fit(rows.into_iter(), 1).scale, [1.0]);
    }
}
