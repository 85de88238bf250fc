//! Two trajectories side by side, and two runs problem by problem.
//!
//! [`words`] tells two texts apart word by word, numbers and formulas as one
//! unit each; [`align`] puts the steps of two trajectories in rows; [`runs`]
//! pairs two runs over the problems that both have. Pure and bounded.

pub mod align;
pub mod runs;
mod units;
pub mod words;

pub use align::{Alignment, Alike, Counts, Row, Step};
pub use runs::{Between, Case, Flip, Gap, Sample};
pub use words::{Difference, Op, Sameness};

use crate::trace::{NodeIndex, Tree};

/// The steps of a path through a tree, to be aligned.
#[must_use]
pub fn steps_of<'t>(tree: &'t Tree, path: &[NodeIndex]) -> Vec<Step<'t>> {
    let steps = path.iter().map(|&node| &tree.node(node).step);
    steps.map(|step| Step::of(step)).collect()
}
