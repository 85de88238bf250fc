//! The terminal face: input, text, themes, the terminal itself, pictures.

pub mod export_svg;
pub mod input;
pub mod terminal;
pub mod text;
pub mod theme;
