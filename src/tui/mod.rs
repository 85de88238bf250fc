//! The terminal face: input, text, themes, the terminal itself, pictures.

pub mod input;
pub mod theme;
