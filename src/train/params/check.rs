//! Parameters are checked once, before use.

use super::Params;

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
            "floor",
            self.floor,
            self.floor >= 0.0 && self.tolerated() < 1.0,
            "a probability, and with alpha below 1",
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
