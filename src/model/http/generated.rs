//! What one completion gave, however the server told it.

use compact_str::CompactString;

use super::align::RawToken;
use super::error::Site;
use crate::model::endpoint::FailureKind;
use crate::model::retry::Failure;
use crate::trace::record::{Usage, ValueKind};

/// How far a sum of probabilities may be above 1 by rounding.
const ROUNDING: f64 = 1e-3;

/// Why the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the delimiter.
    Word,
    /// At the end of the sequence.
    Eos,
    /// At the token limit or the end of the context.
    Limit,
    /// The server did not say.
    Unknown,
}

/// What one call gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Generated {
    pub text: String,
    pub tokens: Vec<RawToken>,
    /// `None` until the server says that it is done.
    pub stop: Option<Stop>,
    /// Whether the context ran full.
    pub truncated: bool,
    pub usage: Usage,
    /// Whether the server named its reason to stop.
    pub which_stop: bool,
    /// How the end was inferred where the server did not say.
    pub inferred: Option<&'static str>,
    /// Most alternatives a token came with.
    pub top: usize,
    /// Whether tokens came with their ids.
    pub ids: bool,
    /// Whether nobody counted: `usage` is an estimate.
    pub uncounted: bool,
}

impl Generated {
    /// Adds a token and keeps count of its alternatives.
    pub fn push(&mut self, token: RawToken) {
        self.top = self.top.max(token.top.len());
        self.tokens.push(token);
    }

    /// Adds several; the first ones are taken as they are.
    pub fn extend(&mut self, tokens: Vec<RawToken>) {
        let most = tokens.iter().map(|token| token.top.len()).max();
        self.top = self.top.max(most.unwrap_or_default());
        match self.tokens.is_empty() {
            true => self.tokens = tokens,
            false => self.tokens.extend(tokens),
        }
    }

    /// Whether the server said that it was done.
    ///
    /// # Errors
    /// [`FailureKind::CutStream`].
    pub fn whole(&self, site: &Site) -> Result<(), Failure> {
        match self.stop {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                FailureKind::CutStream,
                format!(
                    "the stream from {} ended before the step did; see the server's log",
                    site.url
                ),
            )),
        }
    }

    /// What the values can be, by what they are: logits are not bounded by 0,
    /// and their exponentials do not sum to a share of 1. `None` where there
    /// are no values, [`ValueKind::LogprobPreTemperature`] where they may be
    /// probabilities.
    pub fn looks_like(&self) -> Option<ValueKind> {
        let mut any = false;
        for token in &self.tokens {
            any |= token.value.is_some();
            if token.value.is_some_and(is_above_zero) || is_no_distribution(&token.top) {
                return Some(ValueKind::RawLogit);
            }
        }
        any.then_some(ValueKind::LogprobPreTemperature)
    }
}

fn is_above_zero(value: f32) -> bool {
    f64::from(value) > ROUNDING
}

/// Whether the alternatives cannot be shares of one distribution.
fn is_no_distribution(top: &[(CompactString, f32)]) -> bool {
    let values = top.iter().map(|(_, value)| *value);
    let sum: f64 = values.map(|value| f64::from(value).exp()).sum();
    sum > 1.0 + ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(tops: &[&[f32]]) -> Generated {
        let mut generated = Generated::default();
        for top in tops {
            generated.push(RawToken {
                value: top.first().copied(),
                top: top
                    .iter()
                    .map(|value| (CompactString::default(), *value))
                    .collect(),
                ..RawToken::default()
            });
        }
        generated
    }

    #[test]
    fn logits_are_told_from_probabilities_by_their_values() {
        use ValueKind::{LogprobPreTemperature as Logprob, RawLogit};
        let half = 0.5_f32.ln();
        for (tops, kind) in [
            (&[&[12.5, 11.0][..]][..], Some(RawLogit)),
            // All below zero, but far more than 1 in sum.
            (&[&[-0.1, -0.2, -0.3]], Some(RawLogit)),
            (&[&[half, half]], Some(Logprob)),
            (&[&[0.0]], Some(Logprob)),
            // A rounding above zero is no logit.
            (&[&[1e-6, -20.0]], Some(Logprob)),
            (&[&[]], None),
            (&[], None),
            (&[&[half], &[8.0]], Some(RawLogit)),
        ] {
            assert_eq!(generated(tops).looks_like(), kind, "{tops:?}");
        }
    }
}
