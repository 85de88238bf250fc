//! The threshold policy of the paper: the network π_θ(a|o), the action set
//! 𝒜_κ(o) and the checkpoint that keeps both with what they were made from.

mod action_set;
mod checkpoint;
mod network;

pub use action_set::{Selection, action_set, select, soft_policy};
pub use checkpoint::{Checkpoint, CheckpointError, Normalisation, PolicyFacts};
pub use network::{HIDDEN, Network, ShapeError};
