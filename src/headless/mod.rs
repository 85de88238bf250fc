//! The face without a screen: putting a run together, routing a whole data
//! set, and what came out of it.
//!
//! [`launch`] is shared with the inspector; [`solve`] drives one session a
//! problem over the endpoints, a bounded number at a time; [`explore`] grows a
//! forest a problem; [`resume`] goes on
//! with a log; [`train`] learns a policy from a forest and [`calibrate`] sets its
//! threshold anew; [`eval`] makes the results table; [`regrade`] works on what is
//! recorded; [`grading`] asks models how trajectories came out and [`scoring`] how
//! steps are; [`doctor`] looks at a pool and at this machine; [`grade`] takes pairs of answers; [`summary`] counts from the log
//! alone; [`show`] is what the screens show, as text and as JSON;
//! [`stats`] counts what logs hold;
//! [`labels`] is what people said of steps; [`import`] makes a log of other
//! tools' results, and [`export`] says which trajectories leave one.

pub mod calibrate;
pub mod capability;
pub mod clock;
pub mod doctor;
mod drive;
mod error;
pub mod eval;
pub mod explore;
pub mod export;
pub mod figure;
pub mod grade;
pub mod grading;
pub mod import;
mod journal;
pub mod labels;
pub mod launch;
mod opening;
pub mod plain;
mod plot;
pub mod regrade;
pub mod resume;
pub mod scoring;
pub mod show;
pub mod solve;
pub mod stats;
mod stop;
pub mod summary;
pub mod train;
mod watch;

pub use error::{Exit, Failure};
pub use grading::Grader;
pub use launch::{Launch, Options};
