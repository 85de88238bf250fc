//! From key presses to actions: notation, chords, counts, rebinding.

pub mod keymap;
pub mod keys;
#[cfg(test)]
mod tests;
