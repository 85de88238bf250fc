//! What a trajectory costs, in two ledgers that are always kept side by side.
//!
//! - **published**: what the papers count. Output tokens of the kept steps
//!   only: `2·N` FLOPs a token, or the output price.
//! - **full**: everything that was paid for: uncached and cached prompt
//!   tokens, discarded drafts, judge, PRM and verifier calls, failed attempts,
//!   and the prefill paid again when the other model takes over.

mod ledger;
mod rate;

pub use ledger::{Ledger, PERSON, Tally};
pub use rate::{Amount, Rate, Unit};
