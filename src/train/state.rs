//! What a resumed run needs. Random numbers need no state: every iteration
//! has a stream of its own.

use serde::{Deserialize, Serialize};

use crate::policy::LengthError;

use super::critic::CriticState;
use super::params::{ParamError, Params};
use super::threshold::Threshold;

/// A learner between two iterations. With floats written to the last bit, a
/// run that goes on from here equals one that was never interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    pub params: Params,
    /// Features the policy reads.
    pub features: usize,
    /// K.
    pub models: usize,
    /// The next iteration, from 0.
    pub iteration: u32,
    /// θ.
    pub policy: Vec<f64>,
    pub cost_critic: CriticState,
    pub coverage_critic: CriticState,
    pub threshold: Threshold,
    /// Contributions to J̄ of the last episodes, oldest first.
    pub recent: Vec<f64>,
    /// Mean episode cost of the first batch: the unit of the cost critic.
    pub cost_unit: Option<f64>,
}

/// A state that no learner can go on from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    Param(#[from] ParamError),
    #[error("a policy chooses among two or more models, found {0}")]
    Models(usize),
    #[error("a policy needs one feature at least")]
    Features,
    #[error("the {which} does not fit: {source}")]
    Length {
        which: &'static str,
        source: LengthError,
    },
    #[error("the stored weights of the policy are not finite")]
    NotFinite,
}
