//! A log as the archive that Inspect calls `.eval`: a member a sample, then
//! what there is to say of all of them.

use std::io::{self, Seek, Write};

use serde_json::Value;
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::Run;
use super::sample::sample;
use crate::trace::export::{Export, Subject, json};

/// Bytes of a member from which its sizes need 64 bits.
const LARGE: usize = u32::MAX as usize;

/// An archive being written.
pub struct Archive<W: Write + Seek> {
    out: ZipWriter<W>,
    run: Run,
    /// The summaries, as members of an array.
    summaries: Vec<u8>,
}

impl<W: Write + Seek> Archive<W> {
    pub fn new(out: W) -> Self {
        Self {
            out: ZipWriter::new(out),
            run: Run::default(),
            summaries: Vec::new(),
        }
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(bytes.len() >= LARGE);
        self.out.start_file(name, options).map_err(failed)?;
        self.out.write_all(bytes)
    }
}

impl<W: Write + Seek> Export<W> for Archive<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        self.run.add(subject)?;
        let sample = sample(subject)?;
        let name = format!("samples/{}_epoch_1.json", sample.id);
        self.member(&name, &sample.text)?;
        if !self.summaries.is_empty() {
            self.summaries.push(b',');
        }
        json::write(&mut self.summaries, sample.summary)?;
        Ok(1)
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        let start = json::bytes(self.run.totals.start())?;
        self.member("_journal/start.json", &start)?;
        let summaries = [b"[", self.summaries.as_slice(), b"]"].concat();
        self.summaries = Vec::new();
        self.member("_journal/summaries/1.json", &summaries)?;
        self.member("summaries.json", &summaries)?;
        let header = json::bytes(Value::from(self.run.totals.header()))?;
        self.member("header.json", &header)?;
        self.out.finish().map_err(failed)
    }
}

fn failed(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
