//! The streaming reader: every whole record of a log, and every damaged line
//! with its number and the reason, never silently skipped.

pub(crate) mod header;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::problem::lines::{Line, LineEnd, LineReader, trimmed};

use super::LogError;
use super::record::{FORMAT, Record};
use header::Kind;

/// Most bytes of one line.
pub const LINE_LIMIT: usize = 64 << 20;

/// A value with the place of its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// 1-based.
    pub line: u64,
    /// Byte offset of the line.
    pub offset: u64,
    pub value: T,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// The last line, cut off: the writer was killed or the disk was full.
    Truncated,
    /// Not a record.
    Malformed,
    /// Longer than [`LINE_LIMIT`].
    TooLong,
    /// Written in a log format newer than this version reads.
    NewerFormat,
    /// The file could not be read any further.
    Unreadable,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Damage {
    /// 1-based.
    pub line: u64,
    /// Byte offset of the line.
    pub offset: u64,
    pub kind: DamageKind,
    pub reason: String,
}

impl Damage {
    pub(super) fn of(line: &Line, kind: DamageKind, reason: impl Into<String>) -> Self {
        Self {
            line: line.number,
            offset: line.offset,
            kind,
            reason: reason.into(),
        }
    }

    /// A line that is not a record: cut off where it is the last and unended.
    pub(super) fn malformed(line: &Line, reason: &str) -> Self {
        if line.end == LineEnd::EndOfFile {
            let reason = format!("the last line is cut off ({reason})");
            Self::of(line, DamageKind::Truncated, reason)
        } else {
            Self::of(line, DamageKind::Malformed, reason)
        }
    }

    pub(super) fn too_long(line: &Line) -> Self {
        let reason = format!("longer than {} MiB", LINE_LIMIT >> 20);
        Self::of(line, DamageKind::TooLong, reason)
    }

    pub(super) fn newer(line: &Line, format: u64) -> Self {
        Self::of(line, DamageKind::NewerFormat, newer_format(format))
    }
}

/// Iterates over the records of a log.
#[derive(Debug)]
pub struct Reader<R> {
    lines: LineReader<R>,
    bytes: Vec<u8>,
    unknown: BTreeMap<String, u64>,
    /// Line number and offset where the last line ended.
    at: (u64, u64),
    stopped: bool,
    /// The kinds that are read; `None` where all are.
    wanted: Option<&'static [Kind]>,
}

impl Reader<BufReader<File>> {
    /// Opens the log at `path`.
    ///
    /// # Errors
    /// Those of opening the file.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(|source| LogError::io(path, "open", source))?;
        Ok(Self::new(BufReader::with_capacity(1 << 16, file)))
    }
}

/// How every record begins that this program writes.
const BEGINS: &[u8] = br#"{"record":""#;

/// The kind of a record by its first bytes alone; `None` where they do not
/// tell.
fn glance(content: &[u8]) -> Option<Kind> {
    let rest = content.strip_prefix(BEGINS)?;
    let end = rest.iter().take(16).position(|&byte| byte == b'"')?;
    Kind::of(std::str::from_utf8(&rest[..end]).ok()?)
}

impl<R: BufRead> Reader<R> {
    pub fn new(source: R) -> Self {
        Self {
            lines: LineReader::new(source, LINE_LIMIT),
            bytes: Vec::new(),
            unknown: BTreeMap::new(),
            at: (0, 0),
            stopped: false,
            wanted: None,
        }
    }

    /// Reads the records of these kinds only. Of the others no more is looked
    /// at than tells their kind, and that their line was not cut off.
    #[must_use]
    pub fn of_kinds(mut self, wanted: &'static [Kind]) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// Whether a line that is whole holds a record that nobody wants.
    fn is_unwanted(&self, content: &[u8]) -> bool {
        let Some(wanted) = self.wanted else {
            return false;
        };
        let kind = match glance(content) {
            Some(kind) if content.ends_with(b"}") => Some(kind),
            Some(_) => None,
            None => header::parse(content).ok().and_then(|header| header.kind()),
        };
        kind.is_some_and(|kind| !wanted.contains(&kind))
    }

    /// How many records of kinds this version does not know were skipped.
    pub fn unknown_kinds(&self) -> &BTreeMap<String, u64> {
        &self.unknown
    }

    /// The record of a line; `None` for a blank line or an unknown kind.
    fn parse(&mut self, line: &Line) -> Option<Result<Record, Damage>> {
        if line.end == LineEnd::TooLong {
            return Some(Err(Damage::too_long(line)));
        }
        let content = trimmed(&self.bytes);
        if content.is_empty() || self.is_unwanted(content) {
            return None;
        }
        match parse_record(content) {
            Ok(record) => Some(Ok(record)),
            Err(NoRecord::Unknown(kind)) => {
                *self.unknown.entry(kind).or_default() += 1;
                None
            }
            Err(NoRecord::Newer(format)) => Some(Err(Damage::newer(line, format))),
            Err(NoRecord::Malformed(reason)) => Some(Err(Damage::malformed(line, &reason))),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Located<Record>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.stopped {
            let line = match self.lines.next_line(&mut self.bytes) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    // Reading on after a failed read may never end.
                    self.stopped = true;
                    return Some(Err(Damage {
                        line: self.at.0 + 1,
                        offset: self.at.1,
                        kind: DamageKind::Unreadable,
                        reason: format!("cannot be read: {error}"),
                    }));
                }
            };
            self.at = (line.number, line.offset + line.length);
            if let Some(parsed) = self.parse(&line) {
                return Some(parsed.map(|value| Located {
                    line: line.number,
                    offset: line.offset,
                    value,
                }));
            }
        }
        self.stopped = true;
        None
    }
}

/// The sentence about a log format this version does not read.
pub(super) fn newer_format(format: u64) -> String {
    format!(
        "written in log format {format}, this version reads up to {FORMAT}: use a newer pointsman"
    )
}

/// Why a line gives no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoRecord {
    Unknown(String),
    Newer(u64),
    Malformed(String),
}

/// A record whose kind its first bytes tell is read as that kind, which takes
/// half the time: serde keeps all of a tagged record before it reads it.
fn read(content: &[u8]) -> serde_json::Result<Record> {
    match glance(content) {
        Some(Kind::Step) => serde_json::from_slice(content).map(Record::Step),
        Some(Kind::Decision) => serde_json::from_slice(content).map(Record::Decision),
        _ => serde_json::from_slice(content),
    }
}

/// Reads one line. The header is only looked at where the record itself
/// cannot be read, or says that a run begins: the common case parses once.
pub(super) fn parse_record(content: &[u8]) -> Result<Record, NoRecord> {
    match read(content) {
        Ok(Record::Run(run)) if run.format > FORMAT => Err(NoRecord::Newer(u64::from(run.format))),
        Ok(record) => Ok(record),
        Err(error) => {
            let header = header::parse(content).map_err(NoRecord::Malformed)?;
            match header.kind() {
                None => Err(NoRecord::Unknown(header.record.into_owned())),
                Some(_) => match header.format {
                    Some(format) if format > u64::from(FORMAT) => Err(NoRecord::Newer(format)),
                    _ => Err(NoRecord::Malformed(header::explain(content, &error))),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
