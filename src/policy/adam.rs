//! Adam: gradient descent with a step of its own for each parameter.

use serde::{Deserialize, Serialize};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const TINY: f64 = 1e-8;

/// Adam's moments, aligned with the parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    updates: u32,
}

impl Adam {
    /// For this many parameters, before the first update.
    #[must_use]
    pub fn new(parameters: usize) -> Self {
        Self {
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
            updates: 0,
        }
    }

    /// The lengths of both moments: a state read from a file may be broken.
    #[must_use]
    pub fn lengths(&self) -> [usize; 2] {
        [self.first.len(), self.second.len()]
    }

    /// One step down `gradient` with the learning rate `rate`.
    pub fn update(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) {
        self.updates = self.updates.saturating_add(1);
        let power = f64::from(self.updates);
        let correct_1 = 1.0 - BETA_1.powf(power);
        let correct_2 = 1.0 - BETA_2.powf(power);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in
            parameters.iter_mut().zip(gradient).zip(moments)
        {
            *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
            *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
            *parameter -= rate * (*first / correct_1) / ((*second / correct_2).sqrt() + TINY);
        }
    }
}
