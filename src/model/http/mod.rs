//! Models behind HTTP servers.

pub mod align;
pub mod client;
mod dialect;
pub mod embeddings;
pub mod error;
mod events;
mod generated;
pub mod guard;
pub mod key;
mod key_command;
pub mod pooling;
mod probe;
pub mod secret;
pub mod served;
pub mod service;
pub mod sse;
mod writer;
