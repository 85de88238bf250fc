//! The log's own thread: appends and calls in the order they were asked for.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::app::Msg;
use crate::session::{Ask, Generate};
use crate::trace::LogWriter;
use crate::trace::record::{LabelRecord, Record};
use crate::tui::sessions::Sides;

use super::Calls;

/// What the journal is asked to do.
pub enum Job {
    Append(Vec<Record>),
    /// Append with whatever is appended next.
    Remark(Vec<Record>),
    /// Append to the side file, behind everything that the labels may be of.
    Label(Vec<LabelRecord>),
    /// Read what others have said since, behind what was said here.
    Hear {
        run: String,
        problem: String,
    },
    /// Make the call once everything before it is written.
    Generate {
        entry: usize,
        call: Box<Generate>,
    },
    /// Ask a scorer, likewise.
    Score {
        entry: usize,
        ask: Box<Ask>,
    },
    /// Drop a call. In the queue behind it, so that no call is dropped before
    /// it is made and then made all the same.
    Abort {
        entry: usize,
        generation: u64,
    },
}

/// Owns the log while the inspector runs.
pub struct Journal {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread. Without a log (a replay) nothing is ever appended.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(writer: Option<LogWriter>, calls: Calls, sides: Sides) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let work = move || {
            let (mut writer, mut sides) = (writer, sides);
            let mut unheard = String::new();
            let mut broken: Option<String> = None;
            for job in queue {
                match job {
                    Job::Append(records) => {
                        let result = writer.as_mut().map_or(Ok(()), |log| log.append(&records));
                        if let Err(error) = result {
                            let message = error.to_string();
                            broken = Some(message.clone());
                            calls.send(Msg::LogFailed { message });
                        } else {
                            broken = None;
                        }
                    }
                    Job::Remark(records) => {
                        if let Some(log) = writer.as_mut() {
                            log.hold(records);
                        }
                    }
                    Job::Label(labels) => {
                        if let Err(message) = sides.append(&labels) {
                            calls.send(Msg::LabelFailed { labels, message });
                        }
                    }
                    Job::Hear { run, problem } => match sides.others(&run, &problem) {
                        Ok(labels) if labels.is_empty() => {}
                        Ok(labels) => calls.send(Msg::LabelsAdded(labels)),
                        Err(message) => {
                            // Said once, and not at every key.
                            if unheard != message {
                                calls.send(Msg::Unread(message.clone()));
                            }
                            unheard = message;
                        }
                    },
                    Job::Abort { entry, generation } => calls.abort(entry, generation),
                    Job::Generate { entry, call } => match &broken {
                        // Nothing is generated that could not be recorded.
                        Some(message) => {
                            let model = format!("model {}", call.model);
                            calls.refuse(entry, call.generation, &model, message);
                        }
                        None => calls.generate(entry, *call),
                    },
                    Job::Score { entry, ask } => match &broken {
                        Some(message) => {
                            calls.refuse(entry, ask.generation, ask.about.scorer(), message);
                        }
                        None => calls.score(entry, *ask),
                    },
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(work)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Queues a job.
    pub fn submit(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread ends only after the sender is dropped.
            let _ = jobs.send(job);
        }
    }

    /// Waits until everything queued is written.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}
