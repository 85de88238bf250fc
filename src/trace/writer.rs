//! The append-only writer. One process writes a log at a time; what is on
//! disk is never changed.

mod finite;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::problem::lines::{LineReader, trimmed};

use super::LogError;
use super::reader::header::{self, Header};
use super::reader::newer_format;
use super::record::{FORMAT, Record};

/// Lines looked at before a file is refused as not being a log: its first
/// ones may be damaged.
const LINES_CHECKED: usize = 16;
/// Most bytes of one line looked at for that.
const CHECK_LIMIT: usize = 1 << 20;
/// How every record begins as this program writes it.
const RECORD_START: &[u8] = br#"{"record":""#;

/// Appends records to a log, which it locks for as long as it lives.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    path: PathBuf,
    sync: bool,
    /// Written before the next append: see [`LogWriter::begin_with`] and
    /// [`LogWriter::hold`].
    held: Vec<Record>,
    buffer: Vec<u8>,
    /// The file ends within a line, which the next append must not go on with.
    mid_line: bool,
    existed: bool,
    closed_partial_line: bool,
}

/// Waits for the disk, see [`LogWriter::syncer`].
#[derive(Debug)]
pub struct LogSync {
    file: File,
    path: PathBuf,
}

impl LogSync {
    /// Waits until everything that was appended is on the disk.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sync(&self) -> Result<(), LogError> {
        let synced = self.file.sync_data();
        synced.map_err(|source| LogError::io(&self.path, "write", source))
    }
}

impl LogWriter {
    /// Opens the log at `path` for appending, making it where there is none.
    /// With `sync`, every append is on the disk, not only with the operating
    /// system, when it returns.
    ///
    /// A partial last line (from a killed process) is left as it is and ended
    /// by the first append, so that readers report it as one damaged line.
    ///
    /// # Errors
    /// [`LogError::Locked`] where another process writes it,
    /// [`LogError::NotALog`] where it holds something else,
    /// [`LogError::NewerFormat`], and those of opening and reading.
    pub fn create_or_append(path: &Path, sync: bool) -> Result<Self, LogError> {
        let failed = |action| move |source| LogError::io(path, action, source);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed("open"))?;
        lock(&file, path)?;
        let length = file.metadata().map_err(failed("read"))?.len();
        let mut mid_line = false;
        if length > 0 {
            check_is_log(&file, path)?;
            mid_line = last_byte(&mut file).map_err(failed("read"))? != b'\n';
        }
        Ok(Self {
            file,
            path: path.to_path_buf(),
            sync,
            held: Vec::new(),
            buffer: Vec::new(),
            mid_line,
            existed: length > 0,
            closed_partial_line: mid_line,
        })
    }

    /// Keeps `records` back until there is something to append, and writes
    /// them before it: a session in which nothing happens leaves no trace.
    pub fn begin_with(&mut self, records: Vec<Record>) {
        self.held = records;
    }

    /// Keeps `records` back as well, until there is something else to append.
    pub fn hold(&mut self, records: Vec<Record>) {
        self.held.extend(records);
    }

    /// Appends whole lines with a single write; with `sync`, waits for the disk.
    ///
    /// # Errors
    /// [`LogError::DiskFull`] and other write errors; [`LogError::NotFinite`]
    /// before anything is written. After an error the writer can be used
    /// again: the next append begins on a line of its own.
    pub fn append(&mut self, records: &[Record]) -> Result<(), LogError> {
        self.append_unsynced(records)?;
        match self.sync && !records.is_empty() {
            true => self.sync(),
            false => Ok(()),
        }
    }

    /// Waits until everything that was appended is on the disk.
    fn sync(&self) -> Result<(), LogError> {
        let synced = self.file.sync_data();
        synced.map_err(|source| LogError::io(&self.path, "write", source))
    }

    /// Whether the log was opened to be on the disk.
    pub fn syncs(&self) -> bool {
        self.sync
    }

    /// What waits for the disk in the writer's stead, while it goes on.
    ///
    /// # Errors
    /// The file cannot be opened twice.
    pub fn syncer(&self) -> Result<LogSync, LogError> {
        let file = self.file.try_clone();
        Ok(LogSync {
            file: file.map_err(|source| LogError::io(&self.path, "open", source))?,
            path: self.path.clone(),
        })
    }

    /// As [`LogWriter::append`], without waiting for the disk: the operating
    /// system has the records when it returns.
    ///
    /// # Errors
    /// Those of [`LogWriter::append`].
    pub fn append_unsynced(&mut self, records: &[Record]) -> Result<(), LogError> {
        if records.is_empty() {
            return Ok(());
        }
        self.encode(records)?;
        // Assume the worst until the write is through.
        let ended_mid_line = std::mem::replace(&mut self.mid_line, true);
        if ended_mid_line {
            self.buffer.insert(0, b'\n');
        }
        let written = self
            .file
            .write_all(&self.buffer)
            .and_then(|()| self.file.flush())
            .map_err(|source| LogError::io(&self.path, "write", source));
        written?;
        self.mid_line = false;
        self.held.clear();
        Ok(())
    }

    fn encode(&mut self, records: &[Record]) -> Result<(), LogError> {
        self.buffer.clear();
        for record in self.held.iter().chain(records) {
            let record = finite::finite(record).map_err(|(record, field)| LogError::NotFinite {
                path: self.path.clone(),
                record,
                field,
            })?;
            serde_json::to_writer(&mut self.buffer, record.as_ref()).map_err(|source| {
                LogError::Encode {
                    path: self.path.clone(),
                    source,
                }
            })?;
            self.buffer.push(b'\n');
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the log held anything when it was opened.
    pub fn existed(&self) -> bool {
        self.existed
    }

    /// Whether the log ended in a partial line when it was opened: worth a
    /// note, for one record of the earlier process may be lost.
    pub fn found_partial_line(&self) -> bool {
        self.closed_partial_line
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked {
            path: path.to_path_buf(),
        }),
        // Some network file systems know no locks; that is no reason to refuse.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(source)) => Err(LogError::io(path, "lock", source)),
    }
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Accepts a file whose first lines hold at least one record, or that has
/// nothing but the beginning of one.
fn check_is_log(file: &File, path: &Path) -> Result<(), LogError> {
    let failed = |source| LogError::io(path, "read", source);
    let mut lines = LineReader::new(BufReader::new(file), CHECK_LIMIT);
    let mut bytes = Vec::new();
    let mut first = None;
    for _ in 0..LINES_CHECKED {
        let Some(line) = lines.next_line(&mut bytes).map_err(failed)? else {
            break;
        };
        let content = trimmed(&bytes);
        if content.is_empty() {
            continue;
        }
        let found = match header::parse(content) {
            Ok(header) => return check_format(&header, path, line.number),
            Err(_) if content.starts_with(RECORD_START) => return Ok(()),
            Err(_) if RECORD_START.starts_with(content) => return Ok(()),
            Err(reason) => reason,
        };
        first.get_or_insert_with(|| format!("line {}: {found}", line.number));
    }
    match first {
        None => Ok(()),
        Some(found) => Err(LogError::NotALog {
            path: path.to_path_buf(),
            found,
        }),
    }
}

fn check_format(header: &Header<'_>, path: &Path, line: u64) -> Result<(), LogError> {
    match header.format {
        Some(format) if format > u64::from(FORMAT) => Err(LogError::NewerFormat {
            path: path.to_path_buf(),
            reason: format!("line {line}: {}", newer_format(format)),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
