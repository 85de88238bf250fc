//! Logs of Inspect: archives (`.eval`) and JSON (`.json`).
//!
//! One sample is one trajectory. Its main line is the final conversation: what
//! the assistant said, split into steps. The calls that gave it (`model`
//! events) say who wrote it and what it took; calls whose text is nowhere in
//! it stand as attempts that gave no step, those of scorers with the score.
//!
//! [`schema`] is what is read of a sample, [`archive`] the members of a ZIP,
//! [`eval`] the samples of an archive in both of their shapes, [`json`] those
//! of a JSON log, [`conversation`] who wrote what, [`sample`] the trajectory.

mod archive;
mod conversation;
mod eval;
mod json;
mod sample;
mod schema;
mod zstd;

use std::io::Read as _;
use std::path::Path;

use super::error::{ImportError, open};
use super::{Options, Sink};

/// Reads either form, told apart by how it begins.
pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let mut begin = Vec::new();
    open(path)?
        .take(2)
        .read_to_end(&mut begin)
        .map_err(|source| ImportError::io(path, source))?;
    match begin.as_slice() {
        b"PK" => eval::read(path, options, sink),
        _ => json::read(path, options, sink),
    }
}
