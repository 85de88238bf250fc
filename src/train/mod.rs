//! The learner of `pointsman train`: threshold-constrained policy optimisation
//! (§3–5 of the algorithm), pure and synchronous.
//!
//! [`params`] says how, [`run`] is the loop, [`learner`] one iteration of it:
//! it turns the [`episode`]s of a [`batch`] into V-trace targets ([`vtrace`])
//! for two [`critic`]s, into the cost gradient and the [`constraint`], and
//! these into a step ([`update`]) of constrained policy optimisation ([`cpo`]
//! with [`conjugate`] gradients, [`search`]) on the stochastic policy of
//! [`soft`]; then the [`threshold`] moves. [`record`] is what a reader sees of
//! it, [`state`] what a resumed run needs.

pub mod batch;
pub mod conjugate;
pub mod constraint;
pub mod cpo;
pub mod critic;
pub mod episode;
pub mod learner;
pub mod params;
pub mod record;
pub mod run;
pub mod search;
pub mod soft;
pub mod state;
#[cfg(test)]
mod tabular;
pub mod threshold;
pub mod update;
pub mod vtrace;
