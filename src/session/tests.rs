//! The step machine with scripted endpoints: no task, no clock, no file.

mod branches;
mod endings;
mod log;
mod script;
mod walk;
