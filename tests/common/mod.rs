//! Helpers shared by the tests of live endpoints.

#![allow(
    dead_code,
    unused_imports,
    reason = "each user takes the parts it needs"
)]

pub mod fake;
pub mod llama_fake;
