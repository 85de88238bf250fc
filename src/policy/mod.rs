//! The threshold policy of the paper: the network π_θ(a|o) and its derivatives,
//! the action set 𝒜_κ(o) and the checkpoint that keeps both with what they were made from.

mod action_set;
mod adam;
mod checkpoint;
mod explain;
mod gradient;
mod network;
mod normalisation;
mod product;

pub use action_set::{Selection, action_set, select, soft_policy};
pub use adam::Adam;
pub use checkpoint::{CHECKPOINT_FORMAT, Checkpoint, CheckpointError, PolicyFacts};
pub use explain::{Attribution, Explanation, Flip};
pub use gradient::{LengthError, Pass};
pub use network::{Activation, HIDDEN, Network, Shape, ShapeError, softmax};
pub use normalisation::{CONFIDENCE, Normalisation, moments};
