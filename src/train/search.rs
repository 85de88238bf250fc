//! The backtracking line search along a CPO step (§5.4): the linear and
//! quadratic models are checked against the surrogates and the divergence
//! themselves.

use serde::{Deserialize, Serialize};

use super::cpo::Step;

/// What a trial θ′ = θ − βʲx amounts to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// KL(S_old‖S_new), nats.
    pub kl: f64,
    /// Change of the cost surrogate.
    pub cost: f64,
    /// Change of the constraint surrogate (−J̄).
    pub constraint: f64,
}

impl Trial {
    /// A policy that cannot even be evaluated.
    #[must_use]
    pub fn nan() -> Self {
        Self {
            kl: f64::NAN,
            cost: f64::NAN,
            constraint: f64::NAN,
        }
    }
}

/// The ratio, the number of trials and D.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// β.
    pub ratio: f64,
    pub trials: u32,
    /// D, nats.
    pub target_kl: f64,
}

/// Why a trial, or the whole step, was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejected {
    /// The policy diverges: the KL or a surrogate is not a number.
    NotFinite,
    /// KL above D.
    Divergence,
    /// The cost surrogate got worse.
    Cost,
    /// The constraint surrogate grew by more than max(−c, 0).
    Constraint,
    /// There was no step to try; the sentence says why.
    NoStep(String),
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "the policy diverged: the KL or a loss is not finite",
            Self::Divergence => "the KL stayed above its target",
            Self::Cost => "the cost did not improve",
            Self::Constraint => "the coverage fell by more than its margin",
            Self::NoStep(why) => why,
        })
    }
}

/// How the search ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// θ′ after this many backtracks.
    Accepted {
        parameters: Vec<f64>,
        backtracks: u32,
        trial: Trial,
    },
    /// θ stays; the reason and the numbers of the last trial.
    Rejected { reason: Rejected, last: Trial },
}

/// Tries θ − βʲx for j = 0, 1 … and takes the first acceptable one.
pub fn search(
    theta: &[f64],
    step: &Step,
    schedule: Schedule,
    mut attempt: impl FnMut(&[f64]) -> Trial,
) -> Outcome {
    let mut scale = 1.0;
    let mut rejected = Outcome::Rejected {
        reason: Rejected::NoStep("no trial was allowed".into()),
        last: Trial {
            kl: 0.0,
            cost: 0.0,
            constraint: 0.0,
        },
    };
    for backtracks in 0..schedule.trials {
        let moved = theta.iter().zip(&step.x).map(|(t, x)| t - scale * x);
        let parameters: Vec<f64> = moved.collect();
        let trial = attempt(&parameters);
        match judge(trial, step, schedule.target_kl) {
            Ok(()) => {
                return Outcome::Accepted {
                    parameters,
                    backtracks,
                    trial,
                };
            }
            Err(reason) => {
                rejected = Outcome::Rejected {
                    reason,
                    last: trial,
                };
            }
        }
        scale *= schedule.ratio;
    }
    rejected
}

fn judge(trial: Trial, step: &Step, target_kl: f64) -> Result<(), Rejected> {
    let Trial {
        kl,
        cost,
        constraint,
    } = trial;
    if !(kl.is_finite() && cost.is_finite() && constraint.is_finite()) {
        return Err(Rejected::NotFinite);
    }
    if kl > target_kl {
        return Err(Rejected::Divergence);
    }
    if step.dual.case.guards_cost() && cost > 0.0 {
        return Err(Rejected::Cost);
    }
    if constraint > (-step.dual.c).max(0.0) {
        return Err(Rejected::Constraint);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::cpo::dual;

    const SCHEDULE: Schedule = Schedule {
        ratio: 0.5,
        trials: 4,
        target_kl: 0.01,
    };

    fn step(c: f64) -> Step {
        Step {
            dual: dual(1.0, 0.2, 1.0, c, 0.01, false).unwrap(),
            x: vec![1.0],
        }
    }

    fn run(c: f64, attempt: impl FnMut(&[f64]) -> Trial) -> Outcome {
        search(&[0.0], &step(c), SCHEDULE, attempt)
    }

    fn fine() -> Trial {
        Trial {
            kl: 0.001,
            cost: -0.1,
            constraint: 0.0,
        }
    }

    fn reason(outcome: Outcome) -> Rejected {
        match outcome {
            Outcome::Rejected { reason, .. } => reason,
            Outcome::Accepted { .. } => panic!("accepted"),
        }
    }

    #[test]
    fn the_first_acceptable_length_is_taken() {
        let outcome = run(-0.1, |theta| Trial {
            kl: 0.03 * theta[0] * theta[0],
            ..fine()
        });
        let Outcome::Accepted {
            parameters,
            backtracks,
            ..
        } = outcome
        else {
            panic!("rejected");
        };
        assert_eq!((parameters[0], backtracks), (-0.5, 1));
    }

    #[test]
    fn a_policy_that_diverges_is_rejected_and_said_so() {
        let found = reason(run(-0.1, |_| Trial {
            kl: f64::NAN,
            ..fine()
        }));
        assert_eq!(found, Rejected::NotFinite);
        assert!(found.to_string().contains("diverged"));
        let infinite = |_: &[f64]| Trial {
            cost: f64::INFINITY,
            ..fine()
        };
        assert_eq!(reason(run(-0.1, infinite)), Rejected::NotFinite);
    }

    #[test]
    fn the_cost_may_get_worse_only_while_recovering() {
        let dearer = |_: &[f64]| Trial {
            cost: 0.1,
            ..fine()
        };
        assert_eq!(reason(run(-0.1, dearer)), Rejected::Cost);
        assert!(matches!(run(0.1, dearer), Outcome::Accepted { .. }));
    }

    #[test]
    fn the_constraint_may_use_its_margin_and_no_more() {
        let grown = |by: f64| {
            move |_: &[f64]| Trial {
                constraint: by,
                ..fine()
            }
        };
        assert!(matches!(run(-0.1, grown(0.1)), Outcome::Accepted { .. }));
        assert_eq!(reason(run(-0.1, grown(0.11))), Rejected::Constraint);
        assert_eq!(reason(run(0.1, grown(0.01))), Rejected::Constraint);
    }
}
