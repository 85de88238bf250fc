//! Performs effects: calls, the log, the clipboard, the editor.
//!
//! The log has a thread of its own, which takes its jobs in order: a step is
//! on disk before the call after it is made, and the screen never waits for
//! the disk.

mod calls;
mod editor;
mod events;
mod journal;

pub use calls::{Calls, Report};
pub use editor::{edit, editor};
pub use events::Events;
pub use journal::{Job, Journal};
