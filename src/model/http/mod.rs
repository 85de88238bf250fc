//! Models behind HTTP servers.

pub mod align;
pub mod client;
pub mod error;
pub mod llama_cpp;
pub mod secret;
pub mod sse;
