//! What routers are worth, from their logs: pure and synchronous.
//!
//! [`agreement`] says how far two raters agree beyond chance;
//! [`outcomes`] reads of a log only what a table needs; [`rows`] puts the runs
//! of one router together, over seeds; [`figures`] are a row's accuracy, costs
//! and shares, with intervals; [`frontier`] looks at all settings of a router
//! at once; [`paired`] tests two rows on the same problems; [`sweep`] expands
//! ranges of parameters and chooses among them on the calibration split;
//! [`table`] is all of that for one set of problems. [`published`] holds the
//! papers' own rows. [`what_if`] decides a log again under another value of a
//! router's parameter; [`regret`] asks what a decision lost against what another
//! model would have led to; [`analysis`] looks at a log as a whole; [`compare`]
//! puts two trajectories side by side, and two runs problem by problem.

pub mod agreement;
pub mod analysis;
pub mod choice;
pub mod compare;
pub mod figures;
pub mod frontier;
pub mod outcomes;
pub mod paired;
pub mod published;
pub mod regret;
pub mod rows;
#[cfg(test)]
pub(crate) mod sample_runs;
#[cfg(test)]
mod samples;
pub mod sweep;
pub mod table;
mod weighted;
pub mod what_if;

pub use outcomes::Outcomes;
pub use rows::Rows;
pub use table::Table;
