//! A log as one JSON document. Readers want the header before the samples, and
//! the header counts them: samples wait in a file without a name.

use std::io::{self, BufWriter, IntoInnerError, Seek as _, SeekFrom, Write};

use serde_json::Value;

use super::Run;
use super::sample::sample;
use crate::trace::export::{Export, Subject, json};

/// A document being written.
pub struct Document<W> {
    out: W,
    waiting: BufWriter<std::fs::File>,
    run: Run,
    count: u64,
}

impl<W: Write> Document<W> {
    /// Begins a document.
    ///
    /// # Errors
    /// There is no room for files that are gone when they are closed.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(Self {
            out,
            waiting: BufWriter::new(tempfile::tempfile()?),
            run: Run::default(),
            count: 0,
        })
    }
}

impl<W: Write> Export<W> for Document<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        self.run.add(subject)?;
        if self.count > 0 {
            self.waiting.write_all(b",\n")?;
        }
        self.waiting.write_all(&sample(subject)?.text)?;
        self.count += 1;
        Ok(1)
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        json::open(&mut self.out, Value::from(self.run.totals.header()))?;
        self.out.write_all(b",\"samples\":[\n")?;
        let waiting = self.waiting.into_inner();
        let mut waiting = waiting.map_err(IntoInnerError::into_error)?;
        waiting.seek(SeekFrom::Start(0))?;
        io::copy(&mut waiting, &mut self.out)?;
        self.out.write_all(b"\n]}\n")?;
        Ok(self.out)
    }
}
