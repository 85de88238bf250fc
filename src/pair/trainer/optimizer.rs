//! Muon for the matrices of the layers, AdamW for everything else.
//!
//! Muon replaces the momentum of a matrix by the nearest half-orthogonal matrix (five
//! Newton–Schulz iterations), so that every direction of a weight moves at the same speed; with
//! AdamW alone the same steps teach these models almost nothing.

use super::matrix::{Into, View, ViewMut, dot, multiply};
use super::network::{Kind, Layout, Parameter};

/// Rates and constants of the two optimizers.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rates {
    /// Learning rate of the matrices.
    pub muon: f32,
    /// Learning rate of embedding, norms and biases.
    pub adam: f32,
    pub muon_momentum: f32,
    pub adam_betas: (f32, f32),
    /// Decoupled decay of the matrices, times the learning rate.
    pub weight_decay: f32,
    /// Largest norm of the whole gradient.
    pub clip: f32,
}

impl Rates {
    /// The constants that both models share.
    #[must_use]
    pub fn new(muon: f32, adam: f32) -> Self {
        Self {
            muon,
            adam,
            muon_momentum: 0.95,
            adam_betas: (0.9, 0.98),
            weight_decay: 0.01,
            clip: 1.0,
        }
    }
}

/// Warm-up, a level stretch, then a straight line to zero; a function of the step alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Schedule {
    pub warm_up: u32,
    /// First step of the decay.
    pub decay_from: u32,
    /// The rate reaches zero here.
    pub steps: u32,
}

impl Schedule {
    /// The factor on the learning rates at a step counted from 0.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "step counts are far below 2^24")]
    pub fn factor(&self, step: u32) -> f32 {
        let rising = (step + 1) as f32 / self.warm_up.max(1) as f32;
        let left = self.steps.saturating_sub(step) as f32;
        let falling = left / self.steps.saturating_sub(self.decay_from).max(1) as f32;
        rising.min(falling).min(1.0)
    }
}

/// The state of the optimizers, aligned with the weights.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// Muon's momentum, Adam's first moment.
    pub first: Vec<f32>,
    /// Adam's second moment; unused for matrices.
    pub second: Vec<f32>,
    /// Updates made.
    pub updates: u32,
    work: Work,
}

#[derive(Clone, Debug, Default)]
struct Work {
    x: Vec<f32>,
    next: Vec<f32>,
    gram: Vec<f32>,
    poly: Vec<f32>,
}

impl Optimizer {
    /// State for this many weights.
    #[must_use]
    pub fn new(weights: usize) -> Self {
        Self {
            first: vec![0.0; weights],
            second: vec![0.0; weights],
            updates: 0,
            work: Work::default(),
        }
    }

    /// One update; the gradient is scaled in place when it is longer than the clip. Returns its norm.
    pub fn update(
        &mut self,
        layout: &Layout,
        weights: &mut [f32],
        gradient: &mut [f32],
        rates: &Rates,
        factor: f32,
    ) -> f32 {
        let norm = dot(gradient, gradient).sqrt();
        if norm > rates.clip {
            let scale = rates.clip / norm;
            gradient.iter_mut().for_each(|value| *value *= scale);
        }
        self.updates += 1;
        for parameter in &layout.parameters {
            match parameter.kind {
                Kind::Matrix => self.muon(parameter, weights, gradient, rates, factor),
                Kind::Other => self.adam(parameter, weights, gradient, rates, factor),
            }
        }
        norm
    }

    fn adam(
        &mut self,
        parameter: &Parameter,
        weights: &mut [f32],
        gradient: &[f32],
        rates: &Rates,
        factor: f32,
    ) {
        let (beta1, beta2) = rates.adam_betas;
        let power = i32::try_from(self.updates).unwrap_or(i32::MAX);
        let correct1 = 1.0 - beta1.powi(power);
        let correct2 = 1.0 - beta2.powi(power);
        let rate = rates.adam * factor / correct1;
        let range = parameter.range.clone();
        let moments = self.first[range.clone()]
            .iter_mut()
            .zip(&mut self.second[range.clone()]);
        for ((weight, gradient), (first, second)) in weights[range.clone()]
            .iter_mut()
            .zip(&gradient[range])
            .zip(moments)
        {
            *first = beta1 * *first + (1.0 - beta1) * gradient;
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            *weight -= rate * *first / ((*second / correct2).sqrt() + 1e-8);
        }
    }

    fn muon(
        &mut self,
        parameter: &Parameter,
        weights: &mut [f32],
        gradient: &[f32],
        rates: &Rates,
        factor: f32,
    ) {
        let range = parameter.range.clone();
        let (rows, cols) = (parameter.dims[0], parameter.dims[1]);
        let momentum = &mut self.first[range.clone()];
        let beta = rates.muon_momentum;
        self.work.x.clear();
        for (momentum, gradient) in momentum.iter_mut().zip(&gradient[range.clone()]) {
            *momentum = beta * *momentum + (1.0 - beta) * gradient;
            self.work.x.push(beta * *momentum + (1.0 - beta) * gradient);
        }
        orthogonalise(&mut self.work, rows, cols);
        #[allow(clippy::cast_precision_loss, reason = "widths are small")]
        let shape = (rows as f32 / cols as f32).max(1.0).sqrt();
        let rate = rates.muon * factor;
        for (weight, direction) in weights[range].iter_mut().zip(&self.work.x) {
            *weight -= rate * (rates.weight_decay * *weight + shape * direction);
        }
    }
}

/// Newton–Schulz iterations on `work.x` (rows × cols), always on its shorter side.
fn orthogonalise(work: &mut Work, rows: usize, cols: usize) {
    const A: f32 = 3.4445;
    const B: f32 = -4.775;
    const C: f32 = 2.0315;
    let inverse = (dot(&work.x, &work.x).sqrt() + 1e-7).recip();
    work.x.iter_mut().for_each(|value| *value *= inverse);
    let side = rows.min(cols);
    let Work {
        x,
        next,
        gram,
        poly,
    } = work;
    next.resize(rows * cols, 0.0);
    gram.resize(side * side, 0.0);
    poly.resize(side * side, 0.0);
    for _ in 0..5 {
        let view = View::new(x, rows, cols);
        let (left, right) = if rows <= cols {
            (view, view.t())
        } else {
            (view.t(), view)
        };
        multiply(
            ViewMut::new(gram, side, side),
            Into::Replace,
            1.0,
            left,
            right,
        );
        let square = View::new(gram, side, side);
        poly.copy_from_slice(gram);
        poly.iter_mut().for_each(|value| *value *= B);
        multiply(ViewMut::new(poly, side, side), Into::Add, C, square, square);
        for index in 0..side {
            poly[index * side + index] += A;
        }
        let poly = View::new(poly, side, side);
        let out = ViewMut::new(next, rows, cols);
        if rows <= cols {
            multiply(out, Into::Replace, 1.0, poly, view);
        } else {
            multiply(out, Into::Replace, 1.0, view, poly);
        }
        std::mem::swap(x, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_rises_holds_and_falls_to_zero() {
        let schedule = Schedule {
            warm_up: 10,
            decay_from: 50,
            steps: 100,
        };
        assert!((schedule.factor(0) - 0.1).abs() < 1e-6);
        assert!((schedule.factor(30) - 1.0).abs() < 1e-6);
        assert!((schedule.factor(75) - 0.5).abs() < 1e-6);
        assert!(schedule.factor(100).abs() < 1e-6);
    }

    #[test]
    fn orthogonalised_matrices_have_singular_values_near_one() {
        for (rows, cols) in [(3, 5), (5, 3)] {
            let mut work = Work {
                x: vec![0.0; rows * cols],
                ..Work::default()
            };
            for (index, value) in work.x.iter_mut().enumerate() {
                *value = ((index * 7 + 3) % 11) as f32 - 5.0;
            }
            orthogonalise(&mut work, rows, cols);
            // The sum of squared singular values is three for three values of one.
            let total = dot(&work.x, &work.x);
            assert!((1.4..4.4).contains(&total), "{total}");
        }
    }
}
