//! `policy`: the trained threshold policy (§3–5 of the algorithm).

use std::sync::Arc;

use crate::policy::{Checkpoint, Explanation, select};
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::{Choice, Router, RouterSpec, Slide, Slider};

pub struct Policy {
    pub checkpoint: Arc<Checkpoint>,
    pub spec: RouterSpec,
    pub signal: Source,
}

impl Policy {
    /// `absorbing` policies never hand control back once the most capable
    /// model has written a step.
    fn is_absorbed(&self, observation: &Observation) -> bool {
        self.checkpoint.facts.escalation == "absorbing"
            && observation
                .writer
                .is_some_and(|writer| writer + 1 == observation.models)
    }

    /// The network's input; `None` where the confidence it needs is missing.
    fn input(&self, observation: &Observation) -> Option<Vec<f64>> {
        // The names were checked when the router was built.
        let values = observation.features(&self.checkpoint.facts.features).ok()?;
        let input = self.checkpoint.encode(&values);
        input.iter().all(|value| value.is_finite()).then_some(input)
    }
}

impl Router for Policy {
    fn facts(&self) -> RouterFacts {
        let mut facts = self.spec.facts(self.checkpoint.files.clone());
        facts
            .parameters
            .insert("kappa".into(), self.checkpoint.facts.kappa.into());
        facts
    }

    fn signal(&self) -> Source {
        self.signal
    }

    fn slider(&self) -> Option<Slider> {
        Some(Slider {
            symbol: "κ",
            key: "kappa",
            value: self.checkpoint.facts.kappa,
            range: Some((0.0, 1.0)),
        })
    }

    fn slide(&self, observation: &Observation) -> Slide {
        let last = observation.models.saturating_sub(1);
        match self.input(observation) {
            Some(input) if !self.is_absorbed(observation) => {
                Slide::of_action_set(&self.checkpoint.network.probabilities(&input))
            }
            _ => Slide::fixed(last),
        }
    }

    fn explain(&self, observation: &Observation) -> Option<Explanation> {
        if self.is_absorbed(observation) {
            return None;
        }
        let values = observation.features(&self.checkpoint.facts.features).ok()?;
        self.checkpoint.explain(&values)
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        let last = observation.models.saturating_sub(1);
        let kappa = self.checkpoint.facts.kappa;
        if self.is_absorbed(observation) {
            return Choice {
                threshold: Some(kappa),
                ..Choice::certain(last, "absorbing escalation: the large model keeps control")
            };
        }
        let Some(input) = self.input(observation) else {
            return Choice {
                threshold: Some(kappa),
                ..Choice::certain(
                    last,
                    "confidence unavailable: the most capable model goes on",
                )
            };
        };
        let probabilities = self.checkpoint.network.probabilities(&input);
        let selection = select(&probabilities, kappa);
        let reason = if selection.empty_set {
            format!("empty action set: κ = {kappa:.4} is above every π; the most probable runs")
        } else {
            format!("the most capable model with π(a|o) ≥ κ = {kappa:.4}")
        };
        Choice {
            probabilities,
            threshold: Some(kappa),
            action_set: selection.set,
            action: selection.action,
            reason,
            propensity: 1.0,
        }
    }
}
