//! The terminal face: input, text, themes, the terminal itself, pictures.

pub mod input;
pub mod runner;
pub mod screens;
pub mod text;
pub mod theme;
pub mod widgets;
