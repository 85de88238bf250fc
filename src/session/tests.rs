//! The step machine with scripted endpoints: no task, no clock, no file.

mod branches;
mod drafts;
mod endings;
mod filtered;
mod log;
mod rollouts;
pub(in crate::session) mod script;
mod walk;
