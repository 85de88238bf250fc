//! Who writes a step: the endpoint trait, its implementations, and what is
//! asked of a model that scores.

pub mod advice;
mod blocks;
pub mod catalog;
pub mod endpoint;
pub mod http;
pub mod local;
pub mod pool;
pub mod probed;
pub mod prompt;
pub mod recorded;
pub mod retry;
pub mod scorer;
