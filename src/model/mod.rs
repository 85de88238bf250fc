//! Who writes a step: the endpoint trait and its implementations.

mod blocks;
pub mod catalog;
pub mod endpoint;
pub mod http;
pub mod local;
pub mod pool;
pub mod prompt;
pub mod recorded;
pub mod retry;
