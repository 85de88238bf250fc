//! Models behind HTTP servers.

pub mod align;
pub mod client;
pub mod embeddings;
pub mod error;
pub mod guard;
pub mod key;
mod key_command;
pub mod llama_cpp;
pub mod pooling;
pub mod secret;
pub mod service;
pub mod sse;
