//! The local models: the forward pass, batching, and the endpoint over them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod batch;
mod endpoint;
mod fixture;
mod folder;
mod reference;
