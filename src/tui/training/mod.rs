//! The training screen: the log of a run, as it grows or as it was left.

mod card;
mod chart;
mod draw;
mod run;
mod strip;
mod surface;

pub use draw::draw;
pub use run::{Run, run};
