//! From key presses to actions: notation, chords, counts, rebinding.

pub mod keymap;
pub mod keys;
pub mod listing;
#[cfg(test)]
mod tests;
