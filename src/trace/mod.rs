//! The log of routing sessions: JSON lines, append only.

pub mod record;
