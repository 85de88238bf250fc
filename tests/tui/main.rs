//! The terminal face as a person meets it: keys in, pictures out.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "../common/stage.rs"]
mod stage;

mod analysis;
mod compare;
mod debugging;
mod flows;
mod golden;
mod keys;
mod labels;
#[cfg(unix)]
mod pty;
mod rollouts;
mod scenes;
mod screens;
mod tables;
mod talk;
mod tape;
mod tours;
mod training;
mod trouble;
mod values;
mod what_if;
