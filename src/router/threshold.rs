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
