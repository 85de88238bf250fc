//! The decision surface of a policy: π of the most capable model over
//! confidence × step index, everything else at its training mean.

use serde::{Deserialize, Serialize};

use crate::policy::{CONFIDENCE, Network, select};

use super::prepared::{Encoding, Prepared};

/// Points along the confidence.
const CONFIDENCES: usize = 21;
/// Most points along the step index.
const MOST_STEPS: u32 = 12;

/// Where a surface is drawn: fixed for a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Quantiles of the confidences seen in training, rising.
    pub confidences: Vec<f64>,
    /// Step indices, from 1.
    pub steps: Vec<u32>,
}

/// π(M|o) on the grid after a step by the cheapest model: one row a step
/// index, one column a confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    pub iteration: u32,
    pub kappa: f64,
    pub large: Vec<Vec<f64>>,
    /// Whether the most capable model goes on there: by π(M|o) ≥ κ, or as the
    /// most probable one where κ is above every π.
    pub escalates: Vec<Vec<bool>>,
}

impl Grid {
    /// The grid over what was seen in training.
    #[must_use]
    pub fn new(prepared: &Prepared<'_>) -> Self {
        let steps = || prepared.problems().iter().flat_map(|p| &p.forest.steps);
        let mut seen: Vec<f64> = steps()
            .filter_map(|step| step.observation.as_ref()?.confidence)
            .collect();
        seen.sort_by(f64::total_cmp);
        let at = |point: usize| {
            let last = seen.len().saturating_sub(1);
            seen.get(point * last / (CONFIDENCES - 1)).copied()
        };
        let mut confidences: Vec<f64> = (0..CONFIDENCES).filter_map(at).collect();
        confidences.dedup();
        let deepest = steps().filter(|s| s.leaf.is_none()).map(|s| s.index).max();
        Self {
            confidences,
            steps: (1..=deepest.unwrap_or(1).min(MOST_STEPS)).collect(),
        }
    }

    /// The surface of a policy.
    #[must_use]
    pub fn surface(
        &self,
        encoding: &Encoding,
        network: &Network,
        iteration: u32,
        kappa: f64,
    ) -> Surface {
        let pi = |step: u32, confidence: f64| {
            let values: Vec<Option<f64>> = encoding
                .features
                .iter()
                .map(|name| match name.as_str() {
                    CONFIDENCE => Some(confidence),
                    "step" => Some(f64::from(step)),
                    "has_answer" => Some(0.0),
                    "writer_0" => Some(1.0),
                    name if name.starts_with("writer_") => Some(0.0),
                    // Missing: the training mean.
                    _ => None,
                })
                .collect();
            let input = encoding.normalisation.encode(&encoding.features, &values);
            network.probabilities(&input)
        };
        let mut surface = Surface {
            iteration,
            kappa,
            large: Vec::new(),
            escalates: Vec::new(),
        };
        for &step in &self.steps {
            let row: Vec<Vec<f64>> = self.confidences.iter().map(|&u| pi(step, u)).collect();
            let large = |pi: &Vec<f64>| pi.last().copied().unwrap_or(0.0);
            let runs = |pi: &Vec<f64>| select(pi, kappa).action + 1 == pi.len();
            surface.large.push(row.iter().map(large).collect());
            surface.escalates.push(row.iter().map(runs).collect());
        }
        surface
    }
}
