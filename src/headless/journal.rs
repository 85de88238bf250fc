//! The log of a run, shared by everybody who has something to record.
//!
//! Records are with the operating system when [`Journal::append`] returns: a
//! killed process loses none of them. They are on the disk a moment later, all
//! that came in between together: waiting for the disk at every step would
//! hold up fast endpoints, and the time would go to the disk instead of to the
//! models. So a machine that loses its power loses at most [`SYNC_EVERY`] of
//! work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::trace::record::Record;
use crate::trace::{LogError, LogSync, LogWriter};

use super::summary::Counter;
use super::{Exit, Failure};

/// How long records may wait for the disk.
pub(super) const SYNC_EVERY: Duration = Duration::from_millis(250);

/// The log of a run.
pub(super) struct Journal {
    writer: Mutex<LogWriter>,
    /// Whether the disk is waited for: what was free to make is not worth it.
    syncs: bool,
    disk: Disk,
    /// What was written since it was last taken, where somebody listens.
    heard: Option<Mutex<Vec<Record>>>,
    /// Counts what is written, where somebody wants to know.
    counter: Option<Mutex<Counter>>,
}

impl Journal {
    /// Takes over the writing of a log.
    ///
    /// # Errors
    /// The file cannot be shared with the thread that waits for the disk.
    pub fn new(writer: LogWriter) -> Result<Self, Failure> {
        Ok(Self {
            disk: Disk::start(writer.syncer()?)?,
            syncs: writer.syncs(),
            writer: Mutex::new(writer),
            heard: None,
            counter: None,
        })
    }

    /// A journal that keeps what is written for [`Journal::take_heard`].
    ///
    /// # Errors
    /// As [`Journal::new`].
    pub fn heard(writer: LogWriter) -> Result<Self, Failure> {
        let mut journal = Self::new(writer)?;
        journal.heard = Some(Mutex::default());
        Ok(journal)
    }

    /// A journal that counts what is written for [`Journal::take_counter`].
    ///
    /// # Errors
    /// As [`Journal::new`].
    pub fn counted(writer: LogWriter, counter: Counter) -> Result<Self, Failure> {
        let mut journal = Self::new(writer)?;
        journal.counter = Some(Mutex::new(counter));
        Ok(journal)
    }

    /// The counter that was given, with what was written since.
    pub fn take_counter(&mut self) -> Option<Counter> {
        let counter = self.counter.take()?;
        Some(counter.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was written since the last time.
    pub fn take_heard(&self) -> Vec<Record> {
        self.heard
            .as_ref()
            .map_or_else(Vec::new, |heard| std::mem::take(&mut *lock(heard)))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// It did not get there.
    pub fn finish(&self) -> Result<(), Failure> {
        self.disk.check()?;
        if self.syncs {
            lock(&self.writer).syncer()?.sync()?;
        }
        Ok(())
    }

    /// Appends: the operating system has the records when it returns. That
    /// takes microseconds, so that no thread of its own is worth waking.
    ///
    /// # Errors
    /// The log cannot be written, or what was written before did not get to
    /// the disk.
    pub fn append(&self, records: Vec<Record>) -> Result<(), Failure> {
        self.disk.check()?;
        lock(&self.writer).append_unsynced(&records)?;
        if self.syncs {
            self.disk.soon();
        }
        if let Some(counter) = &self.counter {
            let mut counter = lock(counter);
            records.iter().for_each(|record| counter.add(record));
        }
        if let Some(heard) = &self.heard {
            lock(heard).extend(records);
        }
        Ok(())
    }
}

/// Waits for the disk on a thread of its own.
struct Disk {
    /// Told once of what is to be synced; `None` only while it is dropped.
    wake: Option<Sender<()>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Whether something was written since the last sync began.
    dirty: AtomicBool,
    /// Why the last sync failed.
    broken: Mutex<Option<LogError>>,
}

impl Disk {
    fn start(file: LogSync) -> Result<Self, Failure> {
        let (wake, woken) = channel();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log-sync".to_owned())
            .spawn(move || sync(&file, &woken, &theirs))
            .map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("cannot start the log's thread: {error}"),
                )
            })?;
        Ok(Self {
            wake: Some(wake),
            shared,
            thread: Some(thread),
        })
    }

    /// What the disk said, where it was no good.
    fn check(&self) -> Result<(), Failure> {
        let broken = lock(&self.shared.broken).take();
        broken.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Has everything written so far on the disk soon.
    fn soon(&self) {
        if !self.shared.dirty.swap(true, Ordering::AcqRel)
            && let Some(wake) = &self.wake
        {
            // A thread that is gone left its reason behind.
            let _ = wake.send(());
        }
    }
}

impl Drop for Disk {
    /// Waits until everything is on the disk.
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// Syncs what was written, a moment after it was, until nobody writes any more.
fn sync(file: &LogSync, woken: &Receiver<()>, shared: &Shared) {
    while woken.recv().is_ok() {
        let ended = woken.recv_timeout(SYNC_EVERY) == Err(RecvTimeoutError::Disconnected);
        shared.dirty.swap(false, Ordering::AcqRel);
        if let Err(error) = file.sync() {
            lock(&shared.broken).get_or_insert(error);
        }
        if ended {
            break;
        }
    }
}

/// A panic elsewhere leaves what these hold whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::record::NoteRecord;

    fn note(text: String) -> Record {
        Record::Note(NoteRecord {
            run: "r".into(),
            problem: None,
            when: String::new(),
            kind: "test".into(),
            text,
        })
    }

    #[test]
    fn everything_is_written_once_and_each_writer_s_records_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        let writer = LogWriter::create_or_append(&path, true).expect("a log");
        let journal = Journal::heard(writer).expect("a journal");
        std::thread::scope(|scope| {
            for task in 0..4 {
                let journal = &journal;
                scope.spawn(move || {
                    for nth in 0..50 {
                        let records = vec![note(format!("{task} {nth}")), note("and".to_owned())];
                        journal.append(records).expect("written");
                    }
                });
            }
        });
        // With the operating system already.
        let text = std::fs::read_to_string(&path).expect("a log");
        for task in 0..4 {
            let mine: Vec<&str> = text
                .lines()
                .filter(|line| line.contains(&format!("\"text\":\"{task} ")))
                .collect();
            assert_eq!(mine.len(), 50);
            let mut counted = (0..50).zip(&mine);
            assert!(counted.all(|(nth, line)| line.contains(&format!(" {nth}\""))));
        }
        assert_eq!(text.lines().count(), 4 * 50 * 2);
        assert_eq!(journal.take_heard().len(), 4 * 50 * 2);
        // Dropped, it leaves the log to the next writer.
        drop(journal);
        assert!(LogWriter::create_or_append(&path, true).is_ok());
    }
}
