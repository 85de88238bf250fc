//! What a router sees of a step: math tokens, confidence, observation.
