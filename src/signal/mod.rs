//! What a router sees of a step: math tokens, confidence, observation.

pub mod confidence;
pub mod math_tokens;
pub mod observation;
