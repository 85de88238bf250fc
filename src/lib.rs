//! # pointsman
//!
//! Stepwise routing between language models, in the terminal: at each
//! chain-of-thought step a *router* decides which model of a pool writes the
//! next one. This library holds everything the `pointsman` program does, in
//! rooms whose dependencies point downwards only:
//!
//! ```text
//! cli  tui  headless   faces: parse, draw, print
//!         app          Model, Msg, update, Effect: synchronous, no I/O, no clock
//!        eval          results: rows, intervals, paired tests, frontiers
//!        train         the learner of the threshold policy, and the forests it reads
//!   session  survey    one routing session as a tree of steps, or a forest of them ·
//!                      what a whole log came to, without its texts
//!    router  expr      the decision rules · expressions over steps and trajectories
//! policy signal cost   network and action set · confidence · ledgers
//!        model         who writes a step: local, HTTP servers, recorded
//!  trace  pair         the log · the embedded pair's language and training
//!  problem  config     problems, data sets, answers · settings and their origins
//!       counts         `1 line`, `2 lines`: for the messages of all of them
//! ```
//!
//! `tests/layering.rs` holds the arrows: nothing below `tui` and `cli` names
//! ratatui, crossterm or clap; nothing but `model`, `headless` and the faces
//! names tokio or reqwest; `app` names neither tokio nor `std::time`.

pub mod app;
pub mod cli;
pub mod config;
pub mod cost;
pub mod counts;
pub mod eval;
pub mod expr;
pub mod headless;
pub mod model;
pub mod pair;
pub mod policy;
pub mod problem;
pub mod router;
pub mod session;
pub mod signal;
pub mod survey;
pub mod trace;
pub mod train;
pub mod tui;
