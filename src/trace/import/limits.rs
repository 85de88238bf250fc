//! Bounds on what is read of a file that somebody else wrote.

/// Most bytes of one row, and of a text that is read whole.
pub const ROW: usize = 64 << 20;
/// Most members of an archive.
pub const MEMBERS: usize = 2_000_000;
/// Most parts of a member's path.
pub const PATH_PARTS: usize = 32;
/// Most bytes that one member may expand to.
pub const MEMBER: u64 = 2 << 30;
/// How many times its size a member may expand to, beyond
/// [`RATIO_FROM`] bytes; and an archive as a whole.
pub const RATIO: u64 = 500;
/// What any member may expand to, whatever its size.
pub const RATIO_FROM: u64 = 32 << 20;
/// What any archive may expand to, whatever its size.
pub const TOTAL_FROM: u64 = 1 << 30;
