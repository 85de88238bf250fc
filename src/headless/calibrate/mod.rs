//! `calibrate`: what routers read from a file, found in what was measured
//! before. Only [`query`] trains a network, and asks a model that reads questions.

mod fitted;
mod policy;
mod query;
mod steps;
mod text;

pub use fitted::{Made, StepsOptions, percentile, steer};
pub use policy::{CalibrateOptions, Calibrated, calibrate};
pub use query::{EncoderName, QueryOptions, Trained, query};
