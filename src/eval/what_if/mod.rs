//! What a run would have come to with another value of its router's parameter,
//! or with another router: every decision of the log is decided again, without
//! a call.
//!
//! - **unchanged**: no decision on the trajectory's way changes, so that its
//!   outcome and its cost stand as they are.
//! - **branched**: one changes, and what the new model wrote there is in the
//!   log (by another run, in a forest, on a branch), down to outcomes. Of
//!   several continuations by one model the mean counts.
//! - **unknown**: what the new model would have written is nowhere. The
//!   accuracy is bounded by all of them being wrong and all being right, and
//!   the estimate puts what similar states led to in their place.
//!
//! Costs are in either ledger. The published one of a trajectory as it was
//! logged is what its outcome says. The full one is of what its steps and
//! rejected drafts took, prompts included: what was paid beside (failed
//! attempts, scorers, other branches) hangs on no step, and would make what
//! changes look cheaper than what stays. How much of a prompt came from a cache
//! is what the log says of that step.

mod counts;
mod estimate;
mod lattice;
mod rule;
mod settle;
mod tail;
mod value;
mod way;

use crate::router::Slider;
use crate::survey::Survey;
use crate::train::params::CostLedger;

pub use rule::{Decider, Rule};
pub(in crate::eval) use rule::{Next, Writer};
pub use value::{Band, Changed, Outlook};

use estimate::Expectations;
use lattice::Lattice;

/// Everything of a log that one rule is asked about again.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    lattice: Lattice,
    expectations: Expectations,
    slider: Slider,
    ledger: CostLedger,
    /// The values at which something flips, rising, each once.
    flips: Vec<f64>,
}

/// Why nothing can be decided again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the head of the run is lost: its pool is not known")]
    Headless,
    #[error(
        "this router has no parameter to slide: another one may decide in its place, e.g. \
         threshold:t=0.7"
    )]
    NoSlider,
    #[error("the run has no trajectory that came to an end")]
    Nothing,
}

impl WhatIf {
    /// The trajectories of a run (of all its shards) under a rule, beside
    /// whatever runs of the same pool and sampling hold. A trajectory of it that
    /// was done again counts once ([`Survey::superseded`]).
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn new(
        survey: &Survey,
        run: u32,
        rule: &Rule<'_>,
        ledger: CostLedger,
    ) -> Result<Self, Refusal> {
        let slider = rule.slider().ok_or(Refusal::NoSlider)?;
        let mut lattice = Lattice::of(survey, run, rule, ledger)?;
        if lattice.trajectories.is_empty() {
            return Err(Refusal::Nothing);
        }
        let mut flips = lattice.flips();
        flips.sort_by(f64::total_cmp);
        flips.dedup();
        let expectations = Expectations::of_lattice(&lattice);
        lattice.settle(&expectations);
        Ok(Self {
            expectations,
            lattice,
            slider,
            ledger,
            flips,
        })
    }

    /// The parameter and the value that the rule has.
    pub fn slider(&self) -> Slider {
        self.slider
    }

    /// The values worth looking at: all that a rule can have, or where nobody
    /// says what these are a little more than those at which something flips.
    pub fn range(&self) -> (f64, f64) {
        self.slider.range.unwrap_or_else(|| {
            let ends = self.flips.first().zip(self.flips.last());
            let value = self.slider.value;
            let (low, high) = ends.map_or((value, value), |(a, b)| (a.min(value), b.max(value)));
            let margin = ((high - low) * 0.02).max(1e-6);
            (low - margin, high + margin)
        })
    }

    /// The ledger that costs are in.
    pub fn ledger(&self) -> CostLedger {
        self.ledger
    }

    /// Trajectories of the run that are left out, as they were done again.
    pub fn repeated(&self) -> usize {
        self.lattice.repeated
    }

    /// Trajectories of the run that are left out, as the log lacks steps of
    /// them.
    pub fn torn(&self) -> usize {
        self.lattice.torn
    }

    /// Number of trajectories.
    pub fn trajectories(&self) -> usize {
        self.lattice.trajectories.len()
    }

    /// Number of decisions on their ways: the rule is asked about every step
    /// but the first, which it is asked about where it looks at drafts.
    pub fn decisions(&self) -> usize {
        self.lattice.decided
    }

    /// The run as it was logged.
    pub fn as_logged(&self) -> Outlook {
        value::as_logged(&self.lattice)
    }

    /// What the run would have come to at a value of the parameter, a finite
    /// one.
    pub fn at(&self, value: f64) -> Outlook {
        value::outlook(&self.lattice, &self.expectations, value)
    }

    /// The trajectories of a band at a value in log order, with their first
    /// change; not more than `most`.
    pub fn changed(&self, value: f64, band: Band, most: usize) -> Vec<Changed> {
        value::changed(&self.lattice, value, band, most)
    }

    /// Outlooks at so many values over the range, for the frontier.
    pub fn frontier(&self, points: usize) -> Vec<(f64, Outlook)> {
        let (low, high) = self.range();
        let last = points.saturating_sub(1).max(1) as f64;
        let value = |point: usize| low + (high - low) * point as f64 / last;
        (0..points)
            .map(|point| (value(point), self.at(value(point))))
            .collect()
    }

    /// The value whose estimated cost is nearest to a wanted one without being
    /// above it; the cheapest one where all are above.
    pub fn for_cost(&self, wanted: f64) -> Option<f64> {
        // Between two neighbouring flips nothing changes: every outlook there
        // is, each once.
        let (low, high) = self.range();
        let within = self.flips.iter().copied();
        let within = within.filter(|value| (low..=high).contains(value));
        let candidates: Vec<f64> = [low].into_iter().chain(within).chain([high]).collect();
        // As many as a person waits for.
        let most = (PATIENCE / self.decisions().max(1)).clamp(20, 400);
        let stride = candidates.len().div_ceil(most);
        let costs = candidates.into_iter().step_by(stride.max(1));
        // What was logged is known, whatever is left out.
        let costs = costs.chain([self.slider.value]);
        let costs = costs.filter_map(|value| Some((value, self.at(value).estimate.cost?)));
        let costs: Vec<(f64, f64)> = costs.collect();
        let below = costs.iter().filter(|(_, cost)| *cost <= wanted);
        let best = below.max_by(|a, b| a.1.total_cmp(&b.1));
        let best = best.or_else(|| costs.iter().min_by(|a, b| a.1.total_cmp(&b.1)));
        best.map(|(value, _)| *value)
    }
}

/// Decisions that are taken again while a person waits for a value.
const PATIENCE: usize = 40_000_000;

#[cfg(test)]
mod tests;
