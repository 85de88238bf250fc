//! Readers for the public data sets.
//!
//! The format is chosen by the fields of the records, never by the file's
//! name, and every format may come as a JSON array or as JSON lines. One file
//! a format; what they share is in `fields` (reading a record's fields),
//! `records` (splitting a file into records) and `error`.

mod aime;
mod error;
mod fields;
mod format;
mod gsm8k;
mod math;
mod omni_math;
mod plain;
mod process_bench;
mod records;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Problem;

pub use error::{DatasetError, ErrorCategory, Fault};
pub use format::Format;

use fields::Fields;
use records::Raw;

/// A data set as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// File name without its folder.
    pub name: String,
    /// SHA-256 of the file's bytes, 64 hexadecimal digits.
    pub sha256: String,
    pub format: Format,
    /// In the order of the file; ids are unique.
    pub problems: Vec<Problem>,
    /// What is odd and was put right or left out.
    pub warnings: Vec<Warning>,
}

/// Something odd about a record that is no reason to refuse the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// 1-based line on which the record begins.
    pub line: u64,
    pub message: String,
}

/// Reads the data set at `path`.
///
/// # Errors
/// [`DatasetError`] with the file, the line and the field.
pub fn load(path: &Path) -> Result<Dataset, DatasetError> {
    let shown = path.display().to_string();
    let failed = |source: io::Error| DatasetError::io(&shown, source);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(DatasetError::new(&shown, None, Fault::Folder));
    }
    let name = path
        .file_name()
        .map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    read_from(&name, file)
}

/// Reads a data set from memory; `name` stands for the file's name.
///
/// # Errors
/// As [`load`].
pub fn read(name: &str, bytes: &[u8]) -> Result<Dataset, DatasetError> {
    read_from(name, bytes)
}

/// Reads a data set from any source, holding no more than its records.
///
/// # Errors
/// As [`load`].
pub fn read_from(name: &str, source: impl Read) -> Result<Dataset, DatasetError> {
    let mut source = Hashing {
        source,
        hash: Sha256::new(),
    };
    let raws = records::split(&mut source).map_err(|error| error.in_file(name))?;
    let Some(first) = raws.first() else {
        return Err(DatasetError::new(name, None, Fault::Empty));
    };
    let format = Format::detect(first, &raws).map_err(|error| error.in_file(name))?;
    let stem = Path::new(name).file_stem().map_or_else(
        || name.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let mut builder = Builder::new(stem, format, raws.len());
    for raw in raws {
        builder.add(&raw).map_err(|error| error.in_file(name))?;
    }
    Ok(Dataset {
        name: name.to_owned(),
        sha256: format!("{:x}", source.hash.finalize()),
        format,
        problems: builder.problems,
        warnings: builder.warnings,
    })
}

/// What a format's reader makes of one record.
#[derive(Debug, Clone, PartialEq, Default)]
struct Parsed {
    /// The data set's own id.
    id: Option<String>,
    question: String,
    gold: Option<String>,
    difficulty: Option<f64>,
    domain: Option<String>,
    /// Something odd.
    warning: Option<String>,
}

/// Collects problems and keeps their ids apart.
struct Builder {
    stem: String,
    format: Format,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    ids: HashSet<String>,
}

impl Builder {
    fn new(stem: String, format: Format, count: usize) -> Self {
        Self {
            stem,
            format,
            problems: Vec::with_capacity(count),
            warnings: Vec::new(),
            ids: HashSet::with_capacity(count),
        }
    }

    fn add(&mut self, raw: &Raw) -> Result<(), DatasetError> {
        let parsed = self.format.parse(&Fields::new(raw, self.format))?;
        if let Some(message) = parsed.warning {
            self.warn(raw.line, message);
        }
        let wanted = parsed
            .id
            .unwrap_or_else(|| format!("{}-{}", self.stem, raw.number));
        let id = self.unique(wanted, raw.line);
        self.problems.push(Problem {
            id,
            question: parsed.question,
            gold: parsed.gold,
            difficulty: parsed.difficulty,
            domain: parsed.domain,
            source: self.format.name().to_owned(),
        });
        Ok(())
    }

    fn unique(&mut self, wanted: String, line: u64) -> String {
        if self.ids.insert(wanted.clone()) {
            return wanted;
        }
        let id = (2_u64..)
            .map(|count| format!("{wanted}-{count}"))
            .find(|id| !self.ids.contains(id))
            .expect("a data set has fewer than 2^64 records");
        self.ids.insert(id.clone());
        self.warn(
            line,
            format!("id `{wanted}` is used before; read as `{id}`"),
        );
        id
    }

    fn warn(&mut self, line: u64, message: String) {
        self.warnings.push(Warning { line, message });
    }
}

/// Hashes what is read through it.
struct Hashing<R> {
    source: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
