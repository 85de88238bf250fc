//! The anchors: always one model, or a coin.

use std::collections::BTreeMap;

use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::{Choice, Router, RouterSpec};

/// Every step by the cheapest model.
pub struct Small;

/// Every step by the most capable model, the first one too.
pub struct Large;

/// The most capable model with probability `p`, else the cheapest; the first
/// step is drafted by the cheapest.
pub struct Random {
    pub p: f64,
}

impl Router for Small {
    fn facts(&self) -> RouterFacts {
        RouterSpec::Small.facts(BTreeMap::new())
    }

    fn decide(&self, _: &Observation, _: f64) -> Choice {
        Choice::certain(0, "always the cheapest model")
    }
}

impl Router for Large {
    fn facts(&self) -> RouterFacts {
        RouterSpec::Large.facts(BTreeMap::new())
    }

    fn writer(&self, _index: u32, models: usize) -> usize {
        models.saturating_sub(1)
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        Choice::certain(
            observation.models.saturating_sub(1),
            "always the most capable model",
        )
    }
}

impl Router for Random {
    fn facts(&self) -> RouterFacts {
        RouterSpec::Random { p: self.p }.facts(BTreeMap::new())
    }

    fn decide(&self, observation: &Observation, draw: f64) -> Choice {
        let last = observation.models.saturating_sub(1);
        let large = draw < self.p;
        let mut probabilities = vec![0.0; observation.models];
        probabilities[0] = 1.0 - self.p;
        probabilities[last] = self.p;
        Choice {
            action_set: (0..observation.models)
                .filter(|&a| probabilities[a] > 0.0)
                .collect(),
            probabilities,
            threshold: None,
            action: if large { last } else { 0 },
            reason: format!("coin: drew {draw:.3}, large below {}", self.p),
            propensity: if large { self.p } else { 1.0 - self.p },
        }
    }
}
