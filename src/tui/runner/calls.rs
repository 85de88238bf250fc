//! The calls in flight: made on the runtime, reported as messages.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;

use crate::app::Msg;
use crate::headless::scoring::Scoring;
use crate::model::endpoint::{Endpoint, EndpointError, FailureKind, Progress};
use crate::session::{Ask, Event, Generate};

/// What reaches the screen's loop.
pub enum Report {
    Msg(Msg),
    /// Text has arrived: the loop takes what there is by then.
    Streamed(Arc<Stream>),
    Terminal(std::io::Result<crossterm::event::Event>),
    /// Nobody is at the other end of the terminal any more.
    TerminalClosed,
}

/// Text of one call on its way to the screen. However fast it arrives, one
/// report at a time is under way: the loop is never flooded.
pub struct Stream {
    entry: usize,
    generation: u64,
    state: Mutex<Arrived>,
    reported: AtomicBool,
    reports: Sender<Report>,
}

#[derive(Default)]
struct Arrived {
    text: String,
    restarted: bool,
}

impl Stream {
    /// Takes what has arrived since the last time, as messages.
    pub fn take(&self) -> Vec<Msg> {
        self.reported.store(false, Ordering::Release);
        let arrived = std::mem::take(&mut *self.lock());
        let generation = self.generation;
        let mut events = Vec::new();
        if arrived.restarted {
            events.push(Event::Restart { generation });
        }
        if !arrived.text.is_empty() {
            events.push(Event::Delta {
                generation,
                text: arrived.text,
            });
        }
        events
            .into_iter()
            .map(|event| Msg::Session {
                entry: self.entry,
                event,
            })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arrived> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The endpoint's side of a stream.
struct Feed(Arc<Stream>);

impl Feed {
    fn report(&self) {
        if !self.0.reported.swap(true, Ordering::AcqRel)
            && self
                .0
                .reports
                .try_send(Report::Streamed(Arc::clone(&self.0)))
                .is_err()
        {
            // The loop is behind: the next piece reports again.
            self.0.reported.store(false, Ordering::Release);
        }
    }
}

impl Progress for Feed {
    fn delta(&self, text: &str) {
        self.0.lock().text.push_str(text);
        self.report();
    }

    fn restart(&self) {
        {
            let mut arrived = self.0.lock();
            arrived.text.clear();
            arrived.restarted = true;
        }
        self.report();
    }
}

/// The endpoints and the calls made of them. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    runtime: Handle,
    endpoints: Arc<Vec<Arc<dyn Endpoint>>>,
    scoring: Scoring,
    reports: Sender<Report>,
    running: Arc<Mutex<HashMap<(usize, u64), AbortHandle>>>,
}

impl Calls {
    pub fn new(
        runtime: Handle,
        endpoints: Vec<Arc<dyn Endpoint>>,
        scoring: Scoring,
        reports: Sender<Report>,
    ) -> Self {
        Self {
            runtime,
            endpoints: Arc::new(endpoints),
            scoring,
            reports,
            running: Arc::new(Mutex::new(HashMap::new())),
        }
    }

    /// Makes a call for an entry.
    pub fn generate(&self, entry: usize, call: Generate) {
        let Some(endpoint) = self.endpoints.get(call.model).cloned() else {
            let model = format!("model {}", call.model);
            return self.refuse(entry, call.generation, &model, "the pool has no such model");
        };
        let generation = call.generation;
        let stream = Arc::new(Stream {
            entry,
            generation,
            state: Mutex::default(),
            reported: AtomicBool::new(false),
            reports: self.reports.clone(),
        });
        let name = endpoint.name().to_owned();
        self.spawn(entry, generation, name, async move {
            let feed = Feed(stream);
            match endpoint.step(call.request, &feed).await {
                Ok(reply) => Event::Reply {
                    generation,
                    reply: Box::new(reply),
                },
                Err(error) => Event::Failed { generation, error },
            }
        });
    }

    /// Asks a scorer for an entry.
    pub fn score(&self, entry: usize, ask: Ask) {
        let generation = ask.generation;
        let scoring = self.scoring.clone();
        let name = ask.about.scorer().to_owned();
        self.spawn(entry, generation, name, async move {
            match scoring.ask(ask.about).await {
                Ok(score) => Event::Scored {
                    generation,
                    score: Box::new(score),
                },
                Err(error) => Event::Failed { generation, error },
            }
        });
    }

    /// Makes a call on the runtime and reports what came of it.
    fn spawn(
        &self,
        entry: usize,
        generation: u64,
        name: String,
        call: impl Future<Output = Event> + Send + 'static,
    ) {
        let calls = self.clone();
        // Held until the call is in the list: it may end at once.
        let mut running = self.lock();
        let task = self.runtime.spawn(async move {
            let result = AssertUnwindSafe(call).catch_unwind().await;
            calls.forget(entry, generation);
            // A mistake of ours: the session goes on, and says so.
            let event = result.unwrap_or_else(|_| Event::Failed {
                generation,
                error: failure(&name, "the program failed in this call (a bug)"),
            });
            // The loop is gone only when the program ends.
            let _ = calls
                .reports
                .send(Report::Msg(Msg::Session { entry, event }))
                .await;
        });
        running.insert((entry, generation), task.abort_handle());
    }

    /// Reports that a call to `endpoint` was not made.
    pub fn refuse(&self, entry: usize, generation: u64, endpoint: &str, why: &str) {
        let error = failure(endpoint, why);
        let event = Event::Failed { generation, error };
        self.send(Msg::Session { entry, event });
    }

    /// Drops a call, which stops the generation behind it.
    pub fn abort(&self, entry: usize, generation: u64) {
        if let Some(handle) = self.lock().remove(&(entry, generation)) {
            handle.abort();
        }
    }

    /// Drops all calls.
    pub fn abort_all(&self) {
        for (_, handle) in self.lock().drain() {
            handle.abort();
        }
    }

    /// Asks an endpoint what it can do.
    pub fn probe(&self, model: usize) {
        let Some(endpoint) = self.endpoints.get(model).cloned() else {
            return;
        };
        let reports = self.reports.clone();
        self.runtime.spawn(async move {
            let result = match endpoint.probe().await {
                Ok(capabilities) => Ok(Box::new(capabilities)),
                Err(error) => Err(error.to_string()),
            };
            let _ = reports
                .send(Report::Msg(Msg::Probed { model, result }))
                .await;
        });
    }

    /// Whether the router asks anybody beside the pool.
    pub fn asks_scorers(&self) -> bool {
        self.scoring.asks_others()
    }

    /// Asks those that score for the router what they can do.
    pub fn probe_scorers(&self) {
        let (scoring, reports) = (self.scoring.clone(), self.reports.clone());
        self.runtime.spawn(async move {
            let result = scoring.probe().await.map_err(|error| error.to_string());
            let _ = reports.send(Report::Msg(Msg::ScorersProbed(result))).await;
        });
    }

    /// Sends a message from any thread without blocking it.
    pub fn send(&self, msg: Msg) {
        let reports = self.reports.clone();
        self.runtime.spawn(async move {
            let _ = reports.send(Report::Msg(msg)).await;
        });
    }

    /// Where reports go.
    pub fn reports(&self) -> Sender<Report> {
        self.reports.clone()
    }

    /// The runtime the calls are made on.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    fn forget(&self, entry: usize, generation: u64) {
        self.lock().remove(&(entry, generation));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(usize, u64), AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure(endpoint: &str, message: &str) -> EndpointError {
    EndpointError {
        endpoint: endpoint.to_owned(),
        kind: FailureKind::Configuration,
        message: message.to_owned(),
        attempts: Vec::new(),
    }
}
