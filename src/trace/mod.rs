//! The log of routing sessions: JSON lines, append only.
//!
//! [`writer`] appends, [`reader`] streams a file and survives damage,
//! [`index`] opens many files lazily, [`pooled`] says what is missing and what is
//! there twice among them, [`tree`] puts the records of one problem
//! together, [`rollouts`] tells what was decided from what was only tried, [`standing`] says which of its outcomes holds, [`ids`] makes the content hashes
//! that name them; [`label`] says what labels of people come to, [`side`] keeps
//! them in a file beside the log; [`import`] reads what other tools wrote,
//! [`export`] writes trajectories in other formats and [`visible`] makes texts
//! safe to leave;
//! [`atomic`] writes files that are there whole or not at all.

pub mod atomic;
mod error;
pub mod export;
pub mod ids;
pub mod import;
pub mod index;
pub mod label;
pub mod pooled;
pub mod reader;
pub mod record;
pub mod rollouts;
#[cfg(test)]
pub(crate) mod samples;
pub mod side;
pub mod standing;
pub mod tree;
pub mod visible;
pub mod writer;

pub use error::LogError;
pub use index::Log;
pub use reader::{Damage, DamageKind, Located, Reader};
pub use standing::{Rival, Standing};
pub use tree::{NodeIndex, Tree};
pub use writer::{LogSync, LogWriter};
