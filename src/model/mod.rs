//! Who writes a step: the endpoint trait and its implementations.

pub mod endpoint;
pub mod local;
pub mod pool;
