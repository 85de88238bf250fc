//! One file of a log: scanned once, then only where it grew.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::problem::lines::{Line, LineEnd, LineReader, trimmed};
use crate::trace::LogError;
use crate::trace::reader::{
    Damage, DamageKind, LINE_LIMIT, NoRecord, header, header::Kind, parse_record,
};
use crate::trace::record::{FORMAT, Record};

use super::Entry;
use super::catalog::Catalog;

/// Bytes read ahead while scanning.
const BUFFER: usize = 1 << 18;

/// A file and how far it has been scanned.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    /// It holds what people said of the trajectories of other files.
    is_side: bool,
    /// Bytes that are read at most: of a side file those that were there when
    /// somebody last asked what is said in it.
    limit: u64,
    /// Where the next scan begins, and the 1-based number of that line.
    offset: u64,
    line: u64,
    damages: Vec<Damage>,
    /// The unfinished last line: damage for now, perhaps being written.
    tail: Option<Damage>,
    /// Whether any record was found, of a known kind or not.
    has_records: bool,
}

impl LogFile {
    pub fn new(path: PathBuf, is_side: bool) -> Self {
        Self {
            limit: if is_side { length(&path) } else { u64::MAX },
            path,
            is_side,
            offset: 0,
            line: 1,
            damages: Vec::new(),
            tail: None,
            has_records: false,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is more than was scanned; the next scan reads that.
    pub fn has_grown(&mut self) -> bool {
        let length = length(&self.path);
        if self.is_side {
            self.limit = length;
        }
        length != self.offset
    }

    pub fn open(&self) -> Result<File, LogError> {
        File::open(&self.path).map_err(|source| LogError::io(&self.path, "open", source))
    }

    pub fn damages(&self) -> impl Iterator<Item = &Damage> {
        self.damages.iter().chain(&self.tail)
    }

    /// Bytes that were scanned.
    pub fn scanned(&self) -> u64 {
        self.offset
    }

    /// Scans from where the last scan ended for about `limit` bytes, and shows
    /// `seen` the records; whether it came to the end of the file.
    pub fn scan(
        &mut self,
        place: u16,
        catalog: &mut Catalog,
        limit: u64,
        seen: &mut dyn FnMut(Kind, &[u8]),
    ) -> Result<bool, LogError> {
        let stop = self.offset.saturating_add(limit);
        let mut file = self.open()?;
        self.seek(&mut file)?;
        let file = file.take(self.limit.saturating_sub(self.offset));
        let source = BufReader::with_capacity(BUFFER, file);
        let mut lines = LineReader::starting_at(source, LINE_LIMIT, self.offset, self.line);
        let mut bytes = Vec::new();
        self.tail = None;
        while let Some(line) = lines
            .next_line(&mut bytes)
            .map_err(|source| LogError::io(&self.path, "read", source))?
        {
            if !self.take(&line, &bytes, place, catalog, seen) {
                break;
            }
            if self.offset >= stop {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn seek(&self, file: &mut File) -> Result<(), LogError> {
        let failed = |source| LogError::io(&self.path, "read", source);
        let length = file.metadata().map_err(failed)?.len();
        if length < self.offset {
            let source = io::Error::other("the file became shorter; open the log anew");
            return Err(failed(source));
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        Ok(())
    }

    /// Takes one line into the index; false where the scan must come back to
    /// it, because it is not finished.
    fn take(
        &mut self,
        line: &Line,
        bytes: &[u8],
        place: u16,
        catalog: &mut Catalog,
        seen: &mut dyn FnMut(Kind, &[u8]),
    ) -> bool {
        let unfinished = line.end == LineEnd::EndOfFile;
        if let Err(damage) = self.index(line, bytes, place, catalog, seen) {
            if unfinished {
                self.tail = Some(damage);
                return false;
            }
            self.damages.push(damage);
        }
        self.offset = line.offset + line.length;
        // What is left of an unfinished line that was whole is its line feed.
        self.line = line.number + u64::from(!unfinished);
        true
    }

    fn index(
        &mut self,
        line: &Line,
        bytes: &[u8],
        place: u16,
        catalog: &mut Catalog,
        seen: &mut dyn FnMut(Kind, &[u8]),
    ) -> Result<(), Damage> {
        if line.end == LineEnd::TooLong {
            return Err(Damage::too_long(line));
        }
        let content = trimmed(bytes);
        if content.is_empty() {
            return Ok(());
        }
        let header = header::parse(content).map_err(|reason| Damage::malformed(line, &reason))?;
        if let Some(format) = header.format.filter(|format| *format > u64::from(FORMAT)) {
            return Err(Damage::newer(line, format));
        }
        let Some(kind) = header.kind() else {
            self.has_records = true;
            catalog.count_unknown(&header.record);
            return Ok(());
        };
        let run = header
            .run()
            .ok_or_else(|| Damage::malformed(line, "not a record: field `run` is missing"))?;
        let entry = Entry {
            offset: line.offset,
            length: u32::try_from(line.length).expect("a line is at most 64 MiB"),
            file: place,
            kind,
        };
        match (kind, header.problem()) {
            (Kind::Run, _) => {
                // Runs are few, and their heads are needed at once.
                match parse_record(content) {
                    Ok(Record::Run(head)) => catalog.add_run(run, head),
                    Ok(_) => {}
                    Err(fault) => return Err(damage(line, fault)),
                }
            }
            // Labels of a log that is not open here.
            (_, Some(problem)) if self.is_side && catalog.trajectory(run, problem).is_none() => {
                self.has_records = true;
                return Ok(());
            }
            (_, Some(problem)) => catalog.add(run, problem, entry),
            (Kind::Note, None) => catalog.add_note(run, entry),
            (_, None) => {
                let reason = "not a record: it names no problem";
                return Err(Damage::malformed(line, reason));
            }
        }
        self.has_records = true;
        seen(kind, content);
        Ok(())
    }

    /// Refuses a file in which nothing is a record, or that a newer version
    /// wrote.
    pub fn check(&self) -> Result<(), LogError> {
        let Some(first) = self.damages().next() else {
            return Ok(());
        };
        if self.has_records {
            return Ok(());
        }
        if let Some(newer) = self
            .damages()
            .find(|damage| damage.kind == DamageKind::NewerFormat)
        {
            return Err(LogError::NewerFormat {
                path: self.path.clone(),
                reason: newer.to_string(),
            });
        }
        if first.kind == DamageKind::Truncated {
            // Killed while it wrote the first record.
            return Ok(());
        }
        Err(LogError::NotALog {
            path: self.path.clone(),
            found: first.to_string(),
        })
    }

    /// Damage found when a line was read again. Its number is counted anew,
    /// for the index keeps offsets only; 0 where that fails.
    pub fn damage_at(&self, offset: u64, fault: NoRecord) -> Damage {
        let line = Line {
            number: self.line_of(offset).unwrap_or(0),
            offset,
            length: 0,
            end: LineEnd::Newline,
        };
        damage(&line, fault)
    }

    fn line_of(&self, offset: u64) -> io::Result<u64> {
        let mut source = File::open(&self.path)?.take(offset);
        let mut piece = vec![0; BUFFER];
        let mut line = 1;
        loop {
            let read = source.read(&mut piece)?;
            if read == 0 {
                return Ok(line);
            }
            line += piece[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(u64::MAX, |found| found.len())
}

fn damage(line: &Line, fault: NoRecord) -> Damage {
    match fault {
        NoRecord::Malformed(reason) => Damage::malformed(line, &reason),
        NoRecord::Newer(format) => Damage::newer(line, format),
        NoRecord::Unknown(kind) => Damage::malformed(
            line,
            &format!("not a record: the line now holds a `{kind}`"),
        ),
    }
}

/// Reads the line of `entry` into `bytes`.
pub(super) fn read_lines(file: &mut File, entry: &Entry, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(entry.length as usize, 0);
    file.seek(SeekFrom::Start(entry.offset))?;
    file.read_exact(bytes)
}
