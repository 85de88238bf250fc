//! `calibrate`: what routers read from a file, found in what was measured
//! before. No training, no call.

mod fitted;
mod policy;
mod steps;
mod text;

pub use fitted::{Made, StepsOptions, percentile, steer};
pub use policy::{CalibrateOptions, Calibrated, calibrate};
