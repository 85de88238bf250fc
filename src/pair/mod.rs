//! The embedded pair: the problem language, its checker and vocabulary, and the trainer of the
//! two small Qwen2 models that the program carries.
//!
//! - [`language`] draws problems and writes their solutions in the style of either model;
//! - [`checker`] says exactly which step of a trajectory is wrong;
//! - [`demo`] draws the problems shipped with the program;
//! - [`vocabulary`] turns text into tokens and writes the `tokenizer.json`;
//! - [`trainer`] trains, measures and exports the models as ordinary Hugging Face checkpoints.
//!
//! Everything is seeded; the same seed gives the same problems, batches and weights on the same
//! kind of machine.

pub mod checker;
pub mod demo;
pub mod language;
pub mod prm;
pub mod trainer;
pub mod vocabulary;
