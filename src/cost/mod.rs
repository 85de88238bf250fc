//! What a trajectory costs, in two ledgers that are always kept side by side.
//!
//! - **published**: what the papers count. Output tokens of the kept steps
//!   only: `2·N` FLOPs a token, or the output price.
//! - **full**: everything that was paid for on the way to an answer: uncached
//!   and cached prompt tokens, discarded drafts, judge, PRM and verifier calls,
//!   failed and cancelled attempts (estimated, and marked so), and the prefill
//!   paid again when the other model takes over. The few tokens of the
//!   start-up probe belong to no problem and stand in no ledger.
//!
//! What vendors say that calls cost is in neither: it is held against the
//! prices of the pool ([`Reports`]).

#[cfg(test)]
mod identities;
mod ledger;
mod rate;
mod reported;

pub use ledger::{Ledger, PERSON, Tally};
pub use rate::{Amount, Billed, Rate, Unit};
pub use reported::{Reported, Reports};
