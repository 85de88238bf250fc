//! One session driven to its end over the endpoints.

use std::sync::{Arc, Mutex};

use crate::model::endpoint::{Endpoint, EndpointError, Progress, StepReply, StepRequest};
use crate::session::{Ask, Command, Event, Generate, Output, Phase, Session};
use crate::trace::record::{NoteRecord, OutcomeRecord, Record};

use super::Failure;
use super::clock::now;
use super::grading::Grading;
use super::journal::Journal;
use super::scoring::Scoring;
use super::stop::{Begun, Stop};
use super::watch::{Missing, Notices};

/// What all sessions of a run share.
pub(super) struct Shared {
    pub endpoints: Vec<Arc<dyn Endpoint>>,
    pub log: Journal,
    pub stop: Arc<Stop>,
    /// The model that grades, where one may be asked.
    pub grading: Option<Arc<Grading>>,
    /// Whom the router asks.
    pub scoring: Scoring,
    /// Steps whose confidence is missing.
    pub missing: Missing,
    pub notices: Notices,
}

impl Shared {
    /// Appends records, and stops the run where they show that its router
    /// cannot decide.
    pub fn keep(&self, records: Vec<Record>) -> Result<(), Failure> {
        if let Some(failure) = self.missing.look(&records) {
            self.stop.stop(failure);
        }
        self.log.append(records)
    }

    /// Keeps what the endpoints have to say for the first time.
    pub fn heed(&self, run: &str) -> Result<(), Failure> {
        let news = self.notices.look(&self.endpoints);
        if news.is_empty() {
            return Ok(());
        }
        let notes = news.into_iter().map(|text| {
            Record::Note(NoteRecord {
                run: run.to_owned(),
                problem: None,
                when: now(),
                kind: "warning".to_owned(),
                text,
            })
        });
        self.log.append(notes.collect())
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
                Output::Append(records) => shared.keep(records)?,
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
        let Some(event) = make(shared, session, call).await else {
            let outputs = session.command(Command::Cancel, &now()).unwrap_or_default();
            for output in outputs {
                if let Output::Append(records) = output {
                    shared.keep(records)?;
                }
            }
            return Ok(None);
        };
        outputs = session.event(event, &now());
        // Where the trajectory only ends, or another model takes over, nothing
        // is given up.
        if let Phase::Failed { message, .. } = session.phase() {
            let message = message.clone();
            outputs.extend(session.give_up(&message));
        }
        shared.heed(session.tree().run())?;
    }
}

/// What a session waits for.
enum Call {
    Step(Generate),
    Score(Ask),
}

/// Makes a call. `None` where the run was stopped first.
async fn make(shared: &Shared, session: &mut Session, call: Call) -> Option<Event> {
    match call {
        Call::Step(generate) => write(shared, session, generate).await,
        Call::Score(ask) => score(shared, ask).await,
    }
}

/// Asks a scorer.
async fn score(shared: &Shared, ask: Ask) -> Option<Event> {
    let generation = ask.generation;
    let scorer = shared.scoring.name(&ask.about);
    let begun = shared.stop.begin();
    let asked = tokio::select! {
        asked = shared.scoring.ask(ask.about) => asked,
        () = shared.stop.stopped() => return None,
    };
    Some(match asked {
        Ok(score) => {
            shared.stop.answered(&scorer);
            Event::Scored {
                generation,
                score: Box::new(score),
            }
        }
        Err(error) => {
            shared.stop.failed(begun, &error);
            Event::Failed { generation, error }
        }
    })
}

/// Performs one call; what was generated of it so far is known to the session
/// when it fails or is stopped.
async fn write(shared: &Shared, session: &mut Session, call: Generate) -> Option<Event> {
    let generation = call.generation;
    let pieces = Pieces::default();
    let begun = shared.stop.begin();
    match ask(shared, call.model, call.request, &pieces, begun).await {
        Some(Ok(reply)) => Some(Event::Reply {
            generation,
            reply: Box::new(reply),
        }),
        Some(Err(error)) => {
            pieces.tell(session, generation);
            Some(Event::Failed { generation, error })
        }
        None => {
            pieces.tell(session, generation);
            None
        }
    }
}

/// Asks a model for a step, and counts how it went. `None` where the run was
/// stopped first.
pub(super) async fn ask(
    shared: &Shared,
    model: usize,
    request: StepRequest,
    pieces: &Pieces,
    begun: Begun,
) -> Option<Result<StepReply, EndpointError>> {
    let endpoint = &shared.endpoints[model];
    let result = tokio::select! {
        result = endpoint.step(request, pieces) => result,
        () = shared.stop.stopped() => return None,
    };
    match &result {
        Ok(_) => shared.stop.answered(endpoint.name()),
        Err(error) => shared.stop.failed(begun, error),
    }
    Some(result)
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

    /// Nobody looks: a step in one piece costs less, and has its counts.
    fn is_watched(&self) -> bool {
        false
    }
}
