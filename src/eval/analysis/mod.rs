//! What a log says of its router as a whole: whether a score of steps tells
//! right from wrong ([`calibration`]), how it is distributed ([`histogram`]),
//! where the router escalates ([`escalation`]), what rules decide over all of
//! it ([`rules`]), where the cost goes ([`costs`]) and why answers are wrong
//! ([`failures`]).
//!
//! Everything is over the main lines of chosen trajectories of a survey. Steps
//! of one trajectory are not independent, nor are the trajectories that several
//! runs have of one question: intervals count questions, not steps, as if all
//! that is of one question said the same, and err on the wide side.

pub mod calibration;
pub mod costs;
pub mod escalation;
pub mod failures;
pub mod histogram;
pub mod rules;
mod slice;

use crate::survey::Survey;

pub use calibration::{Reliability, Score, Target};
pub use costs::Costs;
pub use escalation::Escalation;
pub use failures::{Failure, Funnel};
pub use histogram::Histogram;
pub use slice::Slice;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    pub score: Score,
    /// `None` for the first of [`Target::ALL`] of which something is known.
    pub target: Option<Target>,
    pub slice: Slice,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    pub ask: Ask,
    /// Trajectories that were looked at.
    pub trajectories: usize,
    /// What the score was held against.
    pub target: Target,
    /// Of everything first, then slice by slice.
    pub reliability: Vec<(String, Reliability)>,
    /// Of everything first, then model by model.
    pub histograms: Vec<(String, Histogram)>,
    pub escalation: Escalation,
    pub costs: Costs,
    pub by_domain: Funnel,
    pub by_difficulty: Funnel,
}

impl Analysis {
    /// Looks at the trajectories at these places.
    pub fn of(survey: &Survey, places: &[usize], ask: Ask) -> Self {
        let target = ask.target.unwrap_or_else(|| {
            let known = |target: &Target| target.is_known(survey, places);
            Target::ALL
                .into_iter()
                .find(known)
                .unwrap_or(Target::Answer)
        });
        Self {
            ask,
            trajectories: places.len(),
            target,
            reliability: calibration::of(survey, places, ask.score, target, ask.slice),
            histograms: histogram::of(survey, places, ask.score),
            escalation: Escalation::of(survey, places),
            costs: Costs::of(survey, places),
            by_domain: Funnel::of(survey, places, Slice::Domain),
            by_difficulty: Funnel::of(survey, places, Slice::Difficulty),
        }
    }
}

#[cfg(test)]
mod tests;
