//! The process-reward head of the pair: how likely the large model finds a
//! drafted step, turned into a probability that the step is right.
//!
//! The large model reads question, steps and draft in one pass. Of the
//! log-probabilities that it gives to the draft's tokens with a digit the
//! lowest three and their mean go into a logistic regression, fitted on drafts
//! of the small model with exact verdicts ([`crate::pair::trainer::prm`]).

use serde::{Deserialize, Serialize};

/// What the head reads, in order.
pub const FEATURES: [&str; 4] = ["lowest", "second", "third", "mean"];
/// Format of the file.
pub const FORMAT: u32 = 1;
/// Log-probabilities below this are as good as never.
const FLOOR: f64 = -20.0;

/// The head as its file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub format: u32,
    /// Names of the features: [`FEATURES`].
    pub features: Vec<String>,
    /// Subtracted from each feature.
    pub mean: [f64; 4],
    /// What each is then divided by.
    pub deviation: [f64; 4],
    pub weights: [f64; 4],
    pub bias: f64,
    /// SHA-256 of the weights of the model whose likelihoods it was fitted on.
    pub model_sha256: String,
    pub training: Training,
}

/// How a head was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    pub drafts: usize,
    pub wrong: usize,
    pub seed: u64,
    /// Weight of the squared weights in the loss.
    pub ridge: f64,
}

/// A head that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error("the PRM head cannot be read: {0}")]
    Unreadable(String),
    #[error("the PRM head has format {0}; this version reads {FORMAT}")]
    Format(u32),
    #[error("the PRM head reads other features ({0}) than this version has")]
    Features(String),
}

impl Head {
    /// Reads the text of a head's file.
    ///
    /// # Errors
    /// See [`HeadError`].
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let head: Self =
            serde_json::from_str(text).map_err(|error| HeadError::Unreadable(error.to_string()))?;
        if head.format != FORMAT {
            return Err(HeadError::Format(head.format));
        }
        if head.features != FEATURES {
            return Err(HeadError::Features(head.features.join(", ")));
        }
        Ok(head)
    }

    /// Probability that the step is right, from its [`pooled`] features.
    #[must_use]
    pub fn probability(&self, features: &[f64; 4]) -> f64 {
        let terms = features.iter().zip(&self.mean).zip(&self.deviation);
        let scaled = terms.map(|((value, mean), deviation)| (value - mean) / deviation);
        let logit: f64 = scaled.zip(&self.weights).map(|(x, w)| x * w).sum();
        1.0 / (1.0 + (-(logit + self.bias)).exp())
    }
}

/// The features of a step from its tokens, each with its natural
/// log-probability; `None` where no token holds a digit. Of a step with fewer
/// than three such tokens the highest stands in for those that are missing.
pub fn pooled<'a>(tokens: impl IntoIterator<Item = (&'a str, f64)>) -> Option<[f64; 4]> {
    let mut values: Vec<f64> = tokens
        .into_iter()
        .filter(|(text, _)| text.bytes().any(|byte| byte.is_ascii_digit()))
        .map(|(_, value)| value.max(FLOOR))
        .collect();
    values.sort_by(f64::total_cmp);
    let last = *values.last()?;
    let at = |place: usize| values.get(place).copied().unwrap_or(last);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some([at(0), at(1), at(2), mean])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_digits_count() {
        let tokens = [
            ("Next,", -9.0),
            ("4", -0.5),
            (" + ", -3.0),
            ("1", -2.0),
            ("7", -0.1),
            ("2", -99.0),
        ];
        assert_eq!(pooled(tokens), Some([-20.0, -2.0, -0.5, -22.6 / 4.0]));
        assert_eq!(pooled([("7", -0.25)]), Some([-0.25; 4]));
        assert_eq!(pooled([("so", -1.0)]), None);
    }

    #[test]
    fn a_head_is_a_logistic_of_scaled_features() {
        let head = Head {
            format: FORMAT,
            features: FEATURES.map(str::to_owned).to_vec(),
            mean: [-1.0, 0.0, 0.0, 0.0],
            deviation: [2.0, 1.0, 1.0, 1.0],
            weights: [1.0, 0.0, 0.0, 2.0],
            bias: 0.5,
            model_sha256: String::new(),
            training: Training {
                drafts: 0,
                wrong: 0,
                seed: 0,
                ridge: 0.0,
            },
        };
        // (−2 + 1) / 2 + 2 · 0.25 + 0.5 = 0.5
        let p = head.probability(&[-2.0, 0.0, 0.0, 0.25]);
        assert!((p - 0.622_459_331_201_854_6).abs() < 1e-12);
        let text = serde_json::to_string(&head).unwrap();
        assert_eq!(Head::parse(&text).unwrap(), head);
        let other = text.replace("\"lowest\"", "\"least\"");
        assert!(matches!(Head::parse(&other), Err(HeadError::Features(_))));
        assert!(matches!(Head::parse("{}"), Err(HeadError::Unreadable(_))));
    }
}
