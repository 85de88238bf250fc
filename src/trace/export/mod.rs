//! A log in the formats of others, one trajectory after another.
//!
//! [`Subject`] is a trajectory as every format sees it, [`Export`] what a
//! format does with it. [`columns`] says once what the tables hold that
//! [`csv`] and, where it is built in, `parquet` write; [`outline`] what the documents say that
//! [`markdown`] and [`html`] lay out; [`otel`] are spans, [`inspect`] is the
//! log of an evaluation. No text leaves as it came: what acts is written out
//! (JSON escapes it), and URLs lose their credentials.

mod clock;
pub mod columns;
pub mod csv;
pub mod html;
pub mod inspect;
mod json;
pub mod markdown;
pub mod otel;
pub mod outline;
#[cfg(feature = "parquet")]
pub mod parquet;
mod subject;
pub mod table;

use std::io;

pub use subject::Subject;

/// A format that is written trajectory by trajectory.
pub trait Export<W> {
    /// Writes a trajectory; how many rows, samples or spans it made.
    ///
    /// # Errors
    /// Those of writing; [`io::ErrorKind::InvalidInput`] where the format
    /// cannot hold it, with what to do.
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64>;

    /// Writes what comes last and gives back where it was written to.
    ///
    /// # Errors
    /// Those of writing.
    fn finish(self: Box<Self>) -> io::Result<W>;
}

#[cfg(test)]
mod hostile;
