//! Values of expressions: exact fractions, canonical forms, and balls that
//! surely hold the true value.

mod ball;
mod canonical;
mod exact;
mod numeric;
mod polynomial;

pub(super) use ball::{Ball, CBall};
pub(super) use canonical::Ring;
pub(in crate::problem) use exact::exact;
pub(super) use numeric::{Assignment, Evaluator, Numeric};
