//! The terminal face as a person meets it: keys in, pictures out.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "../common/stage.rs"]
mod stage;

mod analysis;
mod compare;
mod flows;
mod golden;
mod keys;
#[cfg(unix)]
mod pty;
mod scenes;
mod screens;
mod tables;
mod tape;
mod training;
mod trouble;
mod values;
mod what_if;
