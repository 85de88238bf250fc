//! Readable mathematics: LaTeX in a step's text becomes Unicode on one line.
//!
//! The structure is read here and not by `pulldown-latex`, whose events do
//! not say where in the source they stand: every [`Segment`] knows its bytes,
//! so that the confidence of a token can be shown under the fraction it made.
//! The names of symbols do come from `pulldown-latex` (`symbols.rs`).
//! What cannot be read is shown as it was written.

mod command;
mod parse;
mod render;
mod scan;
mod symbols;

use std::ops::Range;

pub use scan::{formulas, readable};

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ordinary text, verbatim.
    Text,
    /// Mathematics.
    Math,
    /// Inside `\boxed`: the answer.
    Boxed,
}

/// A piece of the readable text with the bytes it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub text: String,
    pub source: Range<usize>,
    pub kind: Kind,
}

/// The readable text alone, e.g. for rows and the clipboard.
#[must_use]
pub fn readable_text(source: &str) -> String {
    readable(source)
        .into_iter()
        .map(|segment| segment.text)
        .collect()
}

/// Segments as pieces for wrapping; `style` gives the style of each kind.
#[must_use]
pub fn pieces(
    segments: Vec<Segment>,
    mut style: impl FnMut(Kind) -> ratatui::style::Style,
) -> Vec<super::wrap::Piece> {
    segments
        .into_iter()
        .map(|segment| super::wrap::Piece::new(segment.text, style(segment.kind), segment.source))
        .collect()
}
