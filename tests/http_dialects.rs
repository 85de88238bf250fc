//! Every dialect but llama.cpp's own against a simulated server: what is sent,
//! what is made of odd answers, and which failures are retried.

// The helpers of a test binary are not test functions to clippy.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "http_dialects/servers/mod.rs"]
mod servers;
#[path = "http_dialects/sim.rs"]
mod sim;
#[path = "http_dialects/tokenizer.rs"]
mod tokenizer;

#[path = "http_dialects/bench.rs"]
mod bench;
#[path = "http_dialects/chat.rs"]
mod chat;
#[path = "http_dialects/failures.rs"]
mod failures;
#[path = "http_dialects/probe.rs"]
mod probe;
#[path = "http_dialects/properties.rs"]
mod properties;
#[path = "http_dialects/race.rs"]
mod race;
#[path = "http_dialects/requests.rs"]
mod requests;
#[path = "http_dialects/steps.rs"]
mod steps;
#[path = "http_dialects/values.rs"]
mod values;
#[path = "http_dialects/vllm.rs"]
mod vllm;
