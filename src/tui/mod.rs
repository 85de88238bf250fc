//! The terminal face: what is drawn, what is typed, and the loop between them.

pub mod export_cast;
pub mod export_svg;
pub mod input;
pub mod run;
pub mod runner;
pub mod screens;
pub mod sessions;
pub mod talk;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod training;
pub mod widgets;
