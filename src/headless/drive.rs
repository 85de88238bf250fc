//! One session driven to its end over the endpoints.

use std::sync::{Arc, Mutex};

use crate::model::endpoint::{
    Endpoint, EndpointError, FailureKind, Progress, StepReply, StepRequest,
};
use crate::session::{Ask, Command, Event, Generate, Output, Session};
use crate::trace::record::{OutcomeRecord, Record};
use crate::trace::{LogError, LogWriter};

use super::Failure;
use super::clock::now;
use super::grading::Grading;
use super::scoring::Scoring;
use super::stop::Stop;

/// What all sessions of a run share.
pub(super) struct Shared {
    pub endpoints: Vec<Arc<dyn Endpoint>>,
    pub log: Journal,
    pub stop: Arc<Stop>,
    /// The model that grades, where one may be asked.
    pub grading: Option<Arc<Grading>>,
    /// Whom the router asks.
    pub scoring: Scoring,
}

/// The log, written by whoever has something to record.
pub(super) struct Journal {
    writer: Arc<Mutex<LogWriter>>,
    /// What was written since it was last taken, where somebody listens.
    heard: Option<Mutex<Vec<Record>>>,
}

impl Journal {
    pub fn new(writer: LogWriter) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            heard: None,
        }
    }

    /// A journal that keeps what is written for [`Journal::take_heard`].
    pub fn heard(writer: LogWriter) -> Self {
        Self {
            heard: Some(Mutex::default()),
            ..Self::new(writer)
        }
    }

    /// What was written since the last time.
    pub fn take_heard(&self) -> Vec<Record> {
        self.heard.as_ref().map_or_else(Vec::new, |heard| {
            let mut heard = heard.lock().expect("no thread panics while it listens");
            std::mem::take(&mut *heard)
        })
    }

    /// Appends and waits for the disk, off the thread that drives the calls.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), Failure> {
        if let Some(heard) = &self.heard {
            let mut heard = heard.lock().expect("no thread panics while it listens");
            heard.extend(records.iter().cloned());
        }
        let log = Arc::clone(&self.writer);
        let written = tokio::task::spawn_blocking(move || -> Result<(), LogError> {
            log.lock()
                .expect("no thread panics while it writes the log")
                .append(&records)
        });
        written
            .await
            .map_err(|error| Failure::new(super::Exit::Failed, format!("writing: {error}")))??;
        Ok(())
    }
}

/// Runs a session to the end of its trajectory. `None` where the run was
/// stopped first.
///
/// # Errors
/// The log cannot be written: the run cannot go on.
pub(super) async fn drive(
    shared: &Shared,
    session: &mut Session,
) -> Result<Option<OutcomeRecord>, Failure> {
    let Ok(mut outputs) = session.command(Command::Run, &now()) else {
        // The recording ends here already.
        return Ok(session.outcome().cloned());
    };
    loop {
        let mut call = None;
        for output in outputs {
            match output {
                Output::Append(records) => shared.log.append(records).await?,
                Output::Generate(generate) => call = Some(Call::Step(*generate)),
                Output::Score(ask) => call = Some(Call::Score(*ask)),
                // Calls are dropped where they are awaited.
                Output::Abort { .. } => {}
            }
        }
        let Some(call) = call else {
            return Ok(session.outcome().cloned());
        };
        if shared.stop.is_stopped() {
            // Not begun: a resumed run makes this very call.
            return Ok(None);
        }
        outputs = match make(shared, session, call).await {
            Answer::Reply(reply) => session.event(*reply, &now()),
            Answer::Failed(event, kind, message) => {
                let mut outputs = session.event(*event, &now());
                if kind != FailureKind::Context {
                    outputs.extend(session.give_up(&message));
                    shared.stop.failed(kind, &message);
                }
                outputs
            }
            Answer::Stopped => {
                let outputs = session.command(Command::Cancel, &now()).unwrap_or_default();
                for output in outputs {
                    if let Output::Append(records) = output {
                        shared.log.append(records).await?;
                    }
                }
                return Ok(None);
            }
        };
    }
}

/// What a session waits for.
enum Call {
    Step(Generate),
    Score(Ask),
}

async fn make(shared: &Shared, session: &mut Session, call: Call) -> Answer {
    match call {
        Call::Step(generate) => write(shared, session, generate).await,
        Call::Score(ask) => score(shared, ask).await,
    }
}

/// Asks a scorer.
async fn score(shared: &Shared, ask: Ask) -> Answer {
    let generation = ask.generation;
    let asked = tokio::select! {
        asked = shared.scoring.ask(ask.about) => asked,
        () = shared.stop.stopped() => return Answer::Stopped,
    };
    match asked {
        Ok(score) => Answer::Reply(Box::new(Event::Scored {
            generation,
            score: Box::new(score),
        })),
        Err(error) => {
            let (kind, message) = (error.kind, error.to_string());
            Answer::Failed(Box::new(Event::Failed { generation, error }), kind, message)
        }
    }
}

/// What came of a call.
enum Answer {
    Reply(Box<Event>),
    Failed(Box<Event>, FailureKind, String),
    Stopped,
}

/// Performs one call; what was generated of it so far is known to the session
/// when it fails or is stopped.
async fn write(shared: &Shared, session: &mut Session, call: Generate) -> Answer {
    let generation = call.generation;
    let pieces = Pieces::default();
    match ask(shared, call.model, call.request, &pieces).await {
        Some(Ok(reply)) => Answer::Reply(Box::new(Event::Reply {
            generation,
            reply: Box::new(reply),
        })),
        Some(Err(error)) => {
            pieces.tell(session, generation);
            let (kind, message) = (error.kind, error.to_string());
            Answer::Failed(Box::new(Event::Failed { generation, error }), kind, message)
        }
        None => {
            pieces.tell(session, generation);
            Answer::Stopped
        }
    }
}

/// Asks a model for a step. `None` where the run was stopped first.
pub(super) async fn ask(
    shared: &Shared,
    model: usize,
    request: StepRequest,
    pieces: &Pieces,
) -> Option<Result<StepReply, EndpointError>> {
    tokio::select! {
        result = shared.endpoints[model].step(request, pieces) => Some(result),
        () = shared.stop.stopped() => None,
    }
}

/// The text of a call in flight.
#[derive(Default)]
pub(super) struct Pieces(Mutex<Vec<String>>);

impl Pieces {
    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0
            .lock()
            .expect("no thread panics while it holds the pieces")
    }

    /// Takes what has arrived.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.locked())
    }

    fn tell(&self, session: &mut Session, generation: u64) {
        for text in self.take() {
            session.event(Event::Delta { generation, text }, "");
        }
    }
}

impl Progress for Pieces {
    fn delta(&self, text: &str) {
        self.locked().push(text.to_owned());
    }

    fn restart(&self) {
        self.locked().clear();
    }
}
