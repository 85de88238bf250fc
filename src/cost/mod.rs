//! What a trajectory costs, in two ledgers that are always kept side by side.
//!
//! - **published**: what the papers count. Output tokens of the kept steps
//!   only: `2·N` FLOPs a token, or the output price.
//! - **full**: everything that was paid for on the way to an answer: uncached
//!   and cached prompt tokens, discarded drafts, judge, PRM and verifier calls,
//!   failed and cancelled attempts (estimated, and marked so), and the prefill
//!   paid again when the other model takes over. The few tokens of the
//!   start-up probe belong to no problem and stand in no ledger.

mod ledger;
mod rate;

pub use ledger::{Ledger, PERSON, Tally};
pub use rate::{Amount, Rate, Unit};
