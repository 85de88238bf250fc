//! The log of a run, written by one thread for everybody who has something to
//! record.
//!
//! Records are with the operating system when [`Journal::append`] returns: a
//! killed process loses none of them. They are on the disk a moment later, all
//! that came in between together: waiting for the disk at every step would
//! hold up fast endpoints, and the time would go to the disk instead of to the
//! models. So a machine that loses its power loses at most
//! [`SYNC_EVERY`] of work.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::trace::record::Record;
use crate::trace::{LogError, LogWriter};

use super::{Exit, Failure};

/// How long records may wait for the disk.
pub(super) const SYNC_EVERY: Duration = Duration::from_millis(250);

/// Writes the log of a run.
pub(super) struct Journal {
    /// `None` only while it is dropped.
    entries: Option<Sender<Entry>>,
    thread: Option<JoinHandle<()>>,
    /// What was written since it was last taken, where somebody listens.
    heard: Option<Mutex<Vec<Record>>>,
}

/// What one append writes, and who waits for it.
struct Entry {
    records: Vec<Record>,
    written: oneshot::Sender<Result<(), Failure>>,
}

impl Journal {
    /// Takes over the writing of a log.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn new(writer: LogWriter) -> Result<Self, Failure> {
        let (entries, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(writer, &receiver))
            .map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("cannot start the log's thread: {error}"),
                )
            })?;
        Ok(Self {
            entries: Some(entries),
            thread: Some(thread),
            heard: None,
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

    /// What was written since the last time.
    pub fn take_heard(&self) -> Vec<Record> {
        self.heard.as_ref().map_or_else(Vec::new, |heard| {
            let mut heard = heard.lock().expect("no thread panics while it listens");
            std::mem::take(&mut *heard)
        })
    }

    /// Appends, and waits until the operating system has the records.
    ///
    /// # Errors
    /// The log cannot be written, or could not be synced since the last append.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        if let Some(heard) = &self.heard {
            let mut heard = heard.lock().expect("no thread panics while it listens");
            heard.extend(records.iter().cloned());
        }
        let (written, done) = oneshot::channel();
        let entry = Entry { records, written };
        let sent = self.entries.as_ref().map(|entries| entries.send(entry));
        let stopped = || Failure::new(Exit::Failed, "the log's thread has stopped");
        match sent {
            Some(Ok(())) => done.await.map_err(|_| stopped())?,
            _ => Err(stopped()),
        }
    }
}

impl Drop for Journal {
    /// Waits until everything is on the disk and the log is free for others.
    fn drop(&mut self) {
        self.entries = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

/// Writes what comes until nobody can send any more.
fn write(mut writer: LogWriter, entries: &Receiver<Entry>) {
    // When the oldest record that is not on the disk yet was written.
    let mut unsynced: Option<Instant> = None;
    let mut broken: Option<Failure> = None;
    loop {
        let next = match unsynced {
            None => entries.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => entries.recv_timeout(SYNC_EVERY.saturating_sub(since.elapsed())),
        };
        match next {
            Ok(first) => {
                let batch: Vec<Entry> = std::iter::once(first).chain(entries.try_iter()).collect();
                answer(&mut writer, batch, &mut broken);
                unsynced.get_or_insert_with(Instant::now);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if unsynced.is_some_and(|since| since.elapsed() >= SYNC_EVERY) {
            unsynced = None;
            broken = writer.sync().err().map(Failure::from).or(broken);
        }
    }
    if unsynced.is_some() {
        // Nobody is left to hear of it; the records are with the system.
        let _ = writer.sync();
    }
}

/// Writes a batch with one write and tells everybody how it went.
fn answer(writer: &mut LogWriter, batch: Vec<Entry>, broken: &mut Option<Failure>) {
    if let Some(failure) = broken.take() {
        for entry in batch {
            // Whoever was dropped does not wait.
            let _ = entry.written.send(Err(failure.clone()));
        }
        return;
    }
    let (records, waiting): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|entry| (entry.records, entry.written))
        .unzip();
    match writer.append_unsynced(&records.concat()) {
        // What cannot be written at all must not keep the others from it.
        Err(LogError::NotFinite { .. } | LogError::Encode { .. }) => {
            for (records, written) in records.iter().zip(waiting) {
                let _ = written.send(writer.append_unsynced(records).map_err(Failure::from));
            }
        }
        result => {
            let result = result.map_err(Failure::from);
            for written in waiting {
                let _ = written.send(result.clone());
            }
        }
    }
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everything_is_written_once_and_each_writer_s_records_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let writer = LogWriter::create_or_append(&path, true).unwrap();
        let journal = std::sync::Arc::new(Journal::new(writer).unwrap());
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let journal = std::sync::Arc::clone(&journal);
                tokio::spawn(async move {
                    for nth in 0..50 {
                        let records = vec![note(format!("{task} {nth}")), note("and".to_owned())];
                        journal.append(records).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for task in 0..8 {
            let mine: Vec<&str> = text
                .lines()
                .filter(|line| line.contains(&format!("\"text\":\"{task} ")))
                .collect();
            assert_eq!(mine.len(), 50);
            let in_order = (0..50)
                .zip(&mine)
                .all(|(nth, line)| line.contains(&format!(" {nth}\"")));
            assert!(in_order, "{mine:?}");
        }
        assert_eq!(text.lines().count(), 8 * 50 * 2);
        // Dropped, it leaves the log to the next writer.
        drop(std::sync::Arc::into_inner(journal));
        assert!(LogWriter::create_or_append(&path, true).is_ok());
    }
}
