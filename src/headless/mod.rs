//! Without a screen.

pub mod clock;
