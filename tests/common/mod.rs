//! Helpers shared by the tests of live endpoints.

pub mod llama_fake;
