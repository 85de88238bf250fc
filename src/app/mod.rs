//! Model, messages and update: synchronous, no I/O, no clock.

pub mod action;
