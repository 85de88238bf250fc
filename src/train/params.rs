//! The parameters of a training run, with the defaults of the papers (§5 of
//! the algorithm), checked once before use.

use serde::{Deserialize, Serialize};

/// May control come back from the most capable model (§1)?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Escalation {
    /// Any model at every step.
    #[default]
    PerStep,
    /// Once the most capable model has written a step, it writes the rest.
    Absorbing,
}

impl Escalation {
    /// The models that may write the next step, in pool order, after one by
    /// `writer` (`None`: by no model of the pool).
    #[must_use]
    pub fn allowed(self, writer: Option<usize>, models: usize) -> Vec<bool> {
        let absorbed = self == Self::Absorbing && writer.is_some_and(|w| w + 1 == models);
        (0..models)
            .map(|model| !absorbed || model + 1 == models)
            .collect()
    }
}

/// Where the gradient of the coverage J̄ comes from. The paper fixes only that
/// its importance weights are not clipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConstraintGradient {
    /// The V-trace advantages of the coverage critic: less variance.
    #[default]
    Advantage,
    /// The whole-trajectory score function of eq. 4: no bias from the critic.
    Trajectory,
}

/// Parameters as written by a person or a file; [`Params::check`] makes them
/// usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Params {
    /// α: tolerated probability of "routed wrong and the large model right".
    pub alpha: f64,
    /// κ before the first update; without one 1/K, where an untrained policy
    /// has its largest gradient.
    pub kappa_0: Option<f64>,
    /// ε of the stochastic policy at the first iteration …
    pub epsilon_start: f64,
    /// … and at the last, geometrically between them.
    pub epsilon_end: f64,
    /// Number of iterations.
    pub iterations: u32,
    /// Problems per iteration.
    pub batch: usize,
    /// Adam's learning rate for the critics.
    pub critic_rate: f64,
    /// Adam steps per critic and iteration.
    pub critic_steps: u32,
    /// D: bound of the mean KL divergence per step, nats, at the first
    /// iteration …
    pub target_kl: f64,
    /// … and at the last, geometrically between them.
    pub target_kl_end: f64,
    /// Added to the diagonal of the Fisher matrix.
    pub damping: f64,
    /// Conjugate-gradient iterations per system.
    pub cg_iterations: u32,
    /// β: ratio of the line search.
    pub backtrack: f64,
    /// Trials of the line search.
    pub backtracks: u32,
    /// ρ̄: clip of the importance weights in V-trace's differences.
    pub rho_bar: f64,
    /// c̄: clip of the weights that carry later differences back.
    pub c_bar: f64,
    /// γ: discount per step.
    pub gamma: f64,
    /// η_0: first step of the threshold.
    pub eta_0: f64,
    /// p in η_k = η_0 k^(−p): 0 (constant) or 0.5 + ξ with 0 < ξ < 0.5.
    pub eta_decay: f64,
    pub escalation: Escalation,
    pub constraint_gradient: ConstraintGradient,
    /// Episodes over which the value of J̄ is averaged: the last ones, older
    /// batches included. At the batch size it is the paper's estimate, whose
    /// noise (multiples of 1/batch against a small α) hides the constraint.
    pub constraint_window: usize,
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            kappa_0: None,
            epsilon_start: 0.1,
            epsilon_end: 0.01,
            iterations: 1000,
            batch: 5,
            critic_rate: 1e-3,
            critic_steps: 5,
            target_kl: 0.01,
            target_kl_end: 0.01,
            damping: 0.1,
            cg_iterations: 10,
            backtrack: 0.8,
            backtracks: 10,
            rho_bar: 1.0,
            c_bar: 1.0,
            gamma: 1.0,
            eta_0: 0.1,
            eta_decay: 0.0,
            escalation: Escalation::default(),
            constraint_gradient: ConstraintGradient::default(),
            constraint_window: 5,
            seed: 0,
        }
    }
}

impl Params {
    /// The constants that reach the optimum on problems where it is known:
    /// the trust region shrinks, and J̄ is averaged over 20/α episodes, of
    /// which α lets twenty miss.
    ///
    /// With those of the paper ([`Params::default`]) every step has the full
    /// length of the trust region along gradients of a handful of episodes,
    /// so θ wanders into saturation instead of settling, and J̄ of five
    /// episodes against an α of a few percent switches between "all fine" and
    /// "badly violated".
    #[must_use]
    pub fn settling(alpha: f64) -> Self {
        let defaults = Self::default();
        Self {
            alpha,
            target_kl: 1e-3,
            target_kl_end: 1e-5,
            constraint_window: window(alpha).max(defaults.batch),
            ..defaults
        }
    }
}

/// 20/α episodes; an α that is not one is refused by [`Params::check`].
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "capped; a float cast saturates and takes NaN to 0"
)]
fn window(alpha: f64) -> usize {
    (20.0 / alpha).round().min(100_000.0) as usize
}

/// A parameter that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} = {found}: {must}")]
pub struct ParamError {
    pub name: &'static str,
    pub found: String,
    pub must: &'static str,
}

/// Parameters that passed [`Params::check`]; read them through `Deref`.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked(Params);

impl std::ops::Deref for Checked {
    type Target = Params;

    fn deref(&self) -> &Params {
        &self.0
    }
}

impl Params {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ParamError`] for the first that cannot be used.
    pub fn check(self) -> Result<Checked, ParamError> {
        self.check_constraint()?;
        self.check_policy()?;
        self.check_step()?;
        self.check_critics()?;
        Ok(Checked(self))
    }

    fn check_constraint(&self) -> Result<(), ParamError> {
        let Self {
            alpha,
            kappa_0,
            eta_0,
            eta_decay,
            ..
        } = *self;
        require(
            "alpha",
            alpha,
            alpha > 0.0 && alpha < 1.0,
            "a miss probability lies strictly between 0 and 1",
        )?;
        require(
            "kappa-0",
            kappa_0.unwrap_or(0.5),
            kappa_0.is_none_or(|kappa| (0.0..=1.0).contains(&kappa)),
            "a threshold on a probability lies in [0, 1]",
        )?;
        require(
            "eta-0",
            eta_0,
            eta_0 > 0.0 && eta_0 <= 1.0,
            "a step of the threshold lies in (0, 1]",
        )?;
        require(
            "eta-decay",
            eta_decay,
            eta_decay == 0.0 || (eta_decay > 0.5 && eta_decay < 1.0),
            "steps either stay constant (0) or decay with a power strictly between 0.5 and 1, \
             or the coverage does not converge",
        )?;
        require(
            "constraint-window",
            self.constraint_window,
            self.constraint_window >= self.batch,
            "the coverage is averaged over one batch at least",
        )
    }

    fn check_policy(&self) -> Result<(), ParamError> {
        let (start, end) = (self.epsilon_start, self.epsilon_end);
        require(
            "epsilon-start",
            start,
            positive(start),
            "the temperature of the stochastic policy must be above 0",
        )?;
        require(
            "epsilon-end",
            end,
            positive(end) && end <= start,
            "annealing goes down to a temperature above 0",
        )?;
        require(
            "iterations",
            self.iterations,
            self.iterations > 0,
            "training needs one iteration at least",
        )?;
        require(
            "batch",
            self.batch,
            self.batch > 0,
            "an iteration needs one problem at least",
        )
    }

    fn check_step(&self) -> Result<(), ParamError> {
        require(
            "target-kl",
            self.target_kl,
            positive(self.target_kl),
            "the trust region must be above 0",
        )?;
        require(
            "target-kl-end",
            self.target_kl_end,
            positive(self.target_kl_end) && self.target_kl_end <= self.target_kl,
            "the trust region shrinks to a size above 0",
        )?;
        require(
            "damping",
            self.damping,
            positive(self.damping),
            "without damping the Fisher matrix of a small batch is singular",
        )?;
        require(
            "cg-iterations",
            self.cg_iterations,
            self.cg_iterations > 0,
            "conjugate gradient needs one iteration at least",
        )?;
        require(
            "backtrack",
            self.backtrack,
            self.backtrack > 0.0 && self.backtrack < 1.0,
            "the line search shrinks by a ratio strictly between 0 and 1",
        )?;
        require(
            "backtracks",
            self.backtracks,
            self.backtracks > 0,
            "the line search needs one trial at least",
        )
    }

    fn check_critics(&self) -> Result<(), ParamError> {
        require(
            "critic-rate",
            self.critic_rate,
            positive(self.critic_rate),
            "the learning rate must be above 0",
        )?;
        require(
            "critic-steps",
            self.critic_steps,
            self.critic_steps > 0,
            "a critic that never learns gives no advantages",
        )?;
        require(
            "c-bar",
            self.c_bar,
            positive(self.c_bar),
            "a clip must be above 0",
        )?;
        require(
            "rho-bar",
            self.rho_bar,
            self.rho_bar.is_finite() && self.rho_bar >= self.c_bar,
            "V-trace needs ρ̄ ≥ c̄",
        )?;
        require(
            "gamma",
            self.gamma,
            self.gamma > 0.0 && self.gamma <= 1.0,
            "a discount lies in (0, 1]",
        )
    }

    /// ε at an iteration counted from 0: geometric from start to end.
    #[must_use]
    pub fn epsilon(&self, iteration: u32) -> f64 {
        self.anneal(self.epsilon_start, self.epsilon_end, iteration)
    }

    /// D at an iteration counted from 0: geometric from start to end.
    #[must_use]
    pub fn radius(&self, iteration: u32) -> f64 {
        self.anneal(self.target_kl, self.target_kl_end, iteration)
    }

    fn anneal(&self, start: f64, end: f64, iteration: u32) -> f64 {
        let last = self.iterations.saturating_sub(1);
        if last == 0 || iteration >= last {
            return end;
        }
        let share = f64::from(iteration) / f64::from(last);
        start * (end / start).powf(share)
    }

    /// η_k for the k-th update, counted from 1.
    #[must_use]
    pub fn eta(&self, update: u32) -> f64 {
        self.eta_0 * f64::from(update.max(1)).powf(-self.eta_decay)
    }
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn require(
    name: &'static str,
    found: impl ToString,
    holds: bool,
    must: &'static str,
) -> Result<(), ParamError> {
    if holds {
        return Ok(());
    }
    Err(ParamError {
        name,
        found: found.to_string(),
        must,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable() {
        assert!(Params::default().check().is_ok());
        assert!(Params::settling(0.1).check().is_ok());
        assert_eq!(Params::settling(0.1).constraint_window, 200);
        assert_eq!(
            Params::settling(f64::NAN).check().unwrap_err().name,
            "alpha"
        );
    }

    #[test]
    fn every_broken_parameter_is_named_with_its_value_and_the_reason() {
        type Change = fn(&mut Params);
        let break_one: [(&str, Change); 17] = [
            ("alpha", |p| p.alpha = 0.0),
            ("kappa-0", |p| p.kappa_0 = Some(1.5)),
            ("eta-0", |p| p.eta_0 = -0.1),
            ("eta-decay", |p| p.eta_decay = 0.3),
            ("constraint-window", |p| p.constraint_window = 4),
            ("epsilon-start", |p| p.epsilon_start = f64::NAN),
            ("epsilon-end", |p| p.epsilon_end = 0.2),
            ("iterations", |p| p.iterations = 0),
            ("batch", |p| p.batch = 0),
            ("target-kl", |p| p.target_kl = f64::INFINITY),
            ("target-kl-end", |p| p.target_kl_end = 0.02),
            ("damping", |p| p.damping = 0.0),
            ("backtrack", |p| p.backtrack = 1.0),
            ("critic-rate", |p| p.critic_rate = 0.0),
            ("critic-steps", |p| p.critic_steps = 0),
            ("rho-bar", |p| p.rho_bar = 0.5),
            ("gamma", |p| p.gamma = 1.01),
        ];
        for (name, change) in break_one {
            let mut params = Params::default();
            change(&mut params);
            let error = params.check().unwrap_err();
            assert_eq!(error.name, name);
            assert!(error.to_string().starts_with(&format!("{name} = ")));
        }
    }

    #[test]
    fn absorbing_escalation_leaves_only_the_most_capable_model() {
        let absorbing = Escalation::Absorbing;
        assert_eq!(absorbing.allowed(Some(2), 3), [false, false, true]);
        assert_eq!(absorbing.allowed(Some(1), 3), [true; 3]);
        assert_eq!(Escalation::PerStep.allowed(Some(2), 3), [true; 3]);
    }

    #[test]
    fn epsilon_falls_geometrically_between_its_ends() {
        let params = Params::default();
        assert_eq!(params.epsilon(0), 0.1);
        assert_eq!(params.epsilon(999), 0.01);
        let ratio = params.epsilon(501) / params.epsilon(500);
        assert!((ratio - params.epsilon(11) / params.epsilon(10)).abs() < 1e-12);
    }

    #[test]
    fn parameters_are_read_by_name_and_unknown_names_are_refused() {
        let params: Params =
            serde_json::from_str(r#"{"alpha": 0.1, "escalation": "absorbing"}"#).unwrap();
        assert_eq!(params.alpha, 0.1);
        assert_eq!(params.escalation, Escalation::Absorbing);
        assert!(serde_json::from_str::<Params>(r#"{"alfa": 0.1}"#).is_err());
    }
}
