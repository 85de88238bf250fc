//! The step of constrained policy optimisation in descent form (Achiam et al.
//! 2017 and their code; §5.4):
//!
//! `min_y gᵀy  subject to  c + bᵀy <= 0,  yᵀHy/2 <= D`,  with y = −x.
//!
//! Signs: g is the gradient of a cost to be lowered, b the gradient of a
//! quantity to be kept low, c its value less its limit (feasible iff c <= 0),
//! and x is *subtracted* from θ. The OmniSafe port mixes an ascent g into
//! these formulas; it is no reference for them.

use serde::{Deserialize, Serialize};

use super::conjugate::{Limits, add_scaled, dot, solve};

/// Below this bᵀb the constraint does not depend on θ.
const VANISHING: f64 = 1e-8;
/// Relative size of what rounding leaves of a difference that should be 0.
const ROUNDING: f64 = 1e-14;

/// The five cases, by the numbers of the original code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// 0: no point of the trust region is feasible: recover only.
    InfeasibleRecovery,
    /// 1: infeasible now, but a part of the trust region is feasible.
    FeasibleRecovery,
    /// 2: feasible now, and the constraint cuts the trust region.
    Constrained,
    /// 3: the whole trust region is feasible.
    Unconstrained,
    /// 4: the gradient of the constraint vanishes.
    NoConstraintGradient,
}

impl Case {
    /// 0 … 4.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::InfeasibleRecovery => 0,
            Self::FeasibleRecovery => 1,
            Self::Constrained => 2,
            Self::Unconstrained => 3,
            Self::NoConstraintGradient => 4,
        }
    }

    /// Whether the line search may not let the cost get worse (cases 2–4).
    #[must_use]
    pub fn guards_cost(self) -> bool {
        self.number() >= 2
    }
}

/// The two linearised functions and the trust region.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// g: gradient of the expected cost.
    pub g: &'a [f64],
    /// b: gradient of the constraint function, −∇J̄.
    pub b: &'a [f64],
    /// c: constraint value less its limit, (1 − α) − J̄.
    pub c: f64,
    /// D > 0, nats.
    pub target_kl: f64,
}

/// The numbers of the dual problem, as the training panel shows them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dual {
    /// gᵀH⁻¹g.
    #[serde(with = "super::nullable")]
    pub q: f64,
    /// gᵀH⁻¹b.
    #[serde(with = "super::nullable")]
    pub r: f64,
    /// bᵀH⁻¹b.
    #[serde(with = "super::nullable")]
    pub s: f64,
    /// A = q − r²/s.
    #[serde(with = "super::nullable")]
    pub a: f64,
    /// B = 2D − c²/s.
    #[serde(with = "super::nullable")]
    pub b: f64,
    #[serde(with = "super::nullable")]
    pub c: f64,
    /// Multiplier of the trust region.
    #[serde(with = "super::nullable")]
    pub lambda: f64,
    /// Multiplier of the constraint.
    #[serde(with = "super::nullable")]
    pub nu: f64,
    pub case: Case,
}

/// A step and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub dual: Dual,
    /// x, to be subtracted from θ.
    pub x: Vec<f64>,
}

/// There is no step; θ stays.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoStep {
    #[error("{0} is not finite")]
    NotFinite(&'static str),
    #[error("the cost gradient is zero")]
    NoCostGradient,
    #[error("the constraint is violated and its gradient is zero")]
    NoConstraintGradient,
}

/// Solves the problem for an H known through its products.
///
/// # Errors
/// [`NoStep`] where a gradient is not finite or the step is not defined.
pub fn step(
    problem: Problem<'_>,
    product: &impl Fn(&[f64]) -> Vec<f64>,
    limits: Limits,
) -> Result<Step, NoStep> {
    check_finite(problem)?;
    let v = solve(product, problem.g, limits);
    let vanishing = dot(problem.b, problem.b) <= VANISHING && problem.c < 0.0;
    let w = match vanishing {
        true => vec![0.0; v.len()],
        false => solve(product, problem.b, limits),
    };
    let (q, r, s) = (dot(problem.g, &v), dot(problem.g, &w), dot(problem.b, &w));
    let dual = dual(q, r, s, problem.c, problem.target_kl, vanishing)?;
    let x = combine(&dual, v, &w);
    match x.iter().all(|value| value.is_finite()) {
        true => Ok(Step { dual, x }),
        false => Err(NoStep::NotFinite("the step")),
    }
}

fn check_finite(problem: Problem<'_>) -> Result<(), NoStep> {
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    if !finite(problem.g) {
        return Err(NoStep::NotFinite("the cost gradient"));
    }
    if !finite(problem.b) {
        return Err(NoStep::NotFinite("the constraint gradient"));
    }
    if !problem.c.is_finite() {
        return Err(NoStep::NotFinite("the constraint value"));
    }
    Ok(())
}

/// x = (v + ν w)/λ, in case 0 ν w.
fn combine(dual: &Dual, v: Vec<f64>, w: &[f64]) -> Vec<f64> {
    if dual.case == Case::InfeasibleRecovery {
        return w.iter().map(|w| dual.nu * w).collect();
    }
    let mut x = v;
    add_scaled(&mut x, dual.nu, w);
    x.iter_mut().for_each(|x| *x /= dual.lambda);
    x
}

/// λ and ν from q, r, s, c and D. `vanishing`: the constraint gradient is 0
/// and c < 0.
///
/// # Errors
/// [`NoStep`] where no step is defined.
pub fn dual(
    q: f64,
    r: f64,
    s: f64,
    c: f64,
    target_kl: f64,
    vanishing: bool,
) -> Result<Dual, NoStep> {
    if !(q.is_finite() && r.is_finite() && s.is_finite()) {
        return Err(NoStep::NotFinite("H⁻¹g or H⁻¹b"));
    }
    if vanishing {
        return unconstrained(q, (0.0, 0.0), c, target_kl, Case::NoConstraintGradient);
    }
    if s <= 0.0 {
        return Err(NoStep::NoConstraintGradient);
    }
    let a = q - r * r / s;
    let b = 2.0 * target_kl - c * c / s;
    let case = match (c < 0.0, b < 0.0) {
        (true, true) => return unconstrained(q, (r, s), c, target_kl, Case::Unconstrained),
        (true, false) => Case::Constrained,
        (false, false) => Case::FeasibleRecovery,
        (false, true) => Case::InfeasibleRecovery,
    };
    let lambda = match case {
        Case::InfeasibleRecovery => 0.0,
        _ => multiplier(q, r, s, c, target_kl),
    };
    let nu = match case {
        Case::InfeasibleRecovery => (2.0 * target_kl / s).sqrt(),
        _ => (lambda * c - r).max(0.0) / s,
    };
    if case != Case::InfeasibleRecovery && !(lambda.is_finite() && lambda > 0.0) {
        return Err(NoStep::NoCostGradient);
    }
    Ok(Dual {
        q,
        r,
        s,
        a,
        b,
        c,
        lambda,
        nu,
        case,
    })
}

/// Cases 3 and 4: the plain trust-region step. A is q here: nothing is
/// projected out.
fn unconstrained(
    q: f64,
    (r, s): (f64, f64),
    c: f64,
    target_kl: f64,
    case: Case,
) -> Result<Dual, NoStep> {
    if q <= 0.0 {
        return Err(NoStep::NoCostGradient);
    }
    let (a, b) = match case {
        Case::NoConstraintGradient => (q, 2.0 * target_kl),
        _ => (q - r * r / s, 2.0 * target_kl - c * c / s),
    };
    Ok(Dual {
        q,
        r,
        s,
        a,
        b,
        c,
        lambda: (q / (2.0 * target_kl)).sqrt(),
        nu: 0.0,
        case,
    })
}

/// λ of cases 1 and 2: the better of the two branches of the dual function,
/// each on its interval.
fn multiplier(q: f64, r: f64, s: f64, c: f64, target_kl: f64) -> f64 {
    // Without a cost gradient (case 1) any λ gives the shortest recovery.
    if q <= 0.0 && c >= 0.0 {
        return 1.0;
    }
    // Both are >= 0 (Cauchy–Schwarz; the case), but for rounding. Parallel
    // gradients have A = 0, where (v + νw)/λ is 0/0: a floor near the rounding
    // of q keeps its limit.
    let a = (q - r * r / s).max(ROUNDING * q);
    let b = (2.0 * target_kl - c * c / s).max(0.0);
    let middle = r / c;
    let on_constraint = (a / b).sqrt();
    let off_constraint = (q / (2.0 * target_kl)).sqrt();
    // c = 0: ν > 0 exactly where r < 0, for every λ.
    if c == 0.0 {
        return if r < 0.0 {
            on_constraint
        } else {
            off_constraint
        };
    }
    if middle <= 0.0 {
        return if c < 0.0 {
            off_constraint
        } else {
            on_constraint
        };
    }
    let (lambda_a, lambda_b) = match c < 0.0 {
        true => (on_constraint.min(middle), off_constraint.max(middle)),
        false => (on_constraint.max(middle), off_constraint.min(middle)),
    };
    let f_a = -0.5 * (a / lambda_a + b * lambda_a) - r * c / s;
    let f_b = -0.5 * (q / lambda_b + 2.0 * target_kl * lambda_b);
    if f_a >= f_b { lambda_a } else { lambda_b }
}

#[cfg(test)]
mod tests;
