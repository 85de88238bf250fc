//! What a router sees of a step: math tokens, confidence, observation; and how
//! confidences of many steps are distributed: percentiles, a mixture.

pub mod confidence;
pub mod math_tokens;
pub mod mixture;
pub mod observation;
pub mod percentile;
