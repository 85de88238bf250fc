//! `threshold:t`: the most capable model next iff the confidence u_t of the
//! last step is below t.

use std::collections::BTreeMap;

use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::{Choice, Router, RouterSpec, Slide, Slider};

/// The t calibrated for the embedded pair, in min top-1 probability.
pub fn embedded_threshold() -> f64 {
    #[derive(serde::Deserialize)]
    struct Calibration {
        threshold_prob: f64,
    }
    let text = include_str!("../../assets/pair/calibration.json");
    let calibration: Calibration =
        serde_json::from_str(text).expect("the calibration in the repository is checked by a test");
    calibration.threshold_prob
}

pub struct Threshold {
    pub t: f64,
    pub signal: Source,
}

/// The sentence for a t that no probability is on the other side of: every step
/// is routed the same, which one does not write by intent.
pub(super) fn beyond(spec: &str) -> Option<String> {
    let Ok(RouterSpec::Threshold { t: Some(t), signal }) = spec.parse() else {
        return None;
    };
    let who = match t {
        _ if !signal.is_probability() => return None,
        t if t > 1.0 => "the most capable model writes every step but the first",
        t if t <= 0.0 => "the cheapest model writes every step after one whose confidence is known",
        _ => return None,
    };
    Some(format!(
        "router `{spec}`: `{signal}` lies between 0 and 1, so {who}"
    ))
}

impl Router for Threshold {
    fn facts(&self) -> RouterFacts {
        RouterSpec::Threshold {
            t: Some(self.t),
            signal: self.signal,
        }
        .facts(BTreeMap::new())
    }

    fn signal(&self) -> Source {
        self.signal
    }

    fn slider(&self) -> Option<Slider> {
        Some(Slider {
            symbol: "t",
            key: "t",
            value: self.t,
            range: self.signal.is_probability().then_some((0.0, 1.0)),
        })
    }

    fn slide(&self, observation: &Observation) -> Slide {
        let last = observation.models.saturating_sub(1);
        match observation.confidence {
            Some(u) => Slide::flip(u, 0, last),
            None => Slide::fixed(last),
        }
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        let last = observation.models.saturating_sub(1);
        let (action, reason) = match observation.confidence {
            Some(u) if u < self.t => (last, format!("confidence {u:.3} is below t = {}", self.t)),
            Some(u) => (0, format!("confidence {u:.3} reaches t = {}", self.t)),
            // A step nobody can vouch for goes on with the model that can best repair it.
            None => (
                last,
                "confidence unavailable: the most capable model goes on".to_owned(),
            ),
        };
        Choice {
            threshold: Some(self.t),
            ..Choice::certain(action, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_nothing_crosses_is_told() {
        let told = |spec: &str| beyond(spec).unwrap_or_default();
        assert_eq!(
            told("threshold:t=1.7"),
            "router `threshold:t=1.7`: `prob` lies between 0 and 1, so the most capable model \
             writes every step but the first"
        );
        assert!(
            told("threshold:t=-3").ends_with(
                "the cheapest model writes every step after one whose confidence is known"
            )
        );
        assert!(told("threshold:t=0").contains("cheapest"));
        for spec in [
            "threshold",
            "threshold:t=1",
            "threshold:t=0.01",
            "threshold:t=1.7,signal=entropy",
            "rsd",
            "?",
        ] {
            assert_eq!(told(spec), "", "{spec}");
        }
    }
}
