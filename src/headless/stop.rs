//! Why a run stops early, told to everything that is in flight.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::model::endpoint::{EndpointError, FailureKind};

use super::{Exit, Failure};

/// How often an endpoint may fail, one call begun after the other had failed,
/// before the run is stopped.
pub const MOST_FAILURES: u32 = 5;
/// Calls to one endpoint that may fail in a row, however many were in flight
/// at once.
const MOST_CALLS: u32 = 20;

/// Stops a run: on a signal, on a failure that every problem would meet, or on
/// an endpoint that fails again and again: the circuit breaker.
///
/// What fails at once is one incident: a server that is restarted fails all
/// that is in flight, and may be back for the next call. So it takes a call
/// that was begun after an endpoint had failed to say that it is down, and so
/// many calls in a row, or so many incidents.
pub struct Stop {
    sender: watch::Sender<bool>,
    reason: Mutex<Option<Failure>>,
    failures: Mutex<Failures>,
    /// How to go on after it.
    go_on: &'static str,
}

/// The failed calls of all endpoints.
#[derive(Default)]
struct Failures {
    /// All so far.
    count: u64,
    /// By endpoint, since its last answer.
    rows: BTreeMap<String, Row>,
}

/// Failed calls of one endpoint without an answer in between.
#[derive(Default)]
struct Row {
    calls: u32,
    /// Calls that were begun after the one before had failed.
    incidents: u32,
    /// All failures at the last of them.
    last: u64,
}

/// When a call was begun: how many calls had failed by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun(u64);

/// How a stopped run of `solve` goes on.
pub const RESUME: &str = "go on with `--resume`";

impl Stop {
    /// `go_on` says how what was stopped goes on: `run it again` …
    pub fn new(go_on: &'static str) -> Self {
        Self {
            go_on,
            sender: watch::Sender::new(false),
            reason: Mutex::new(None),
            failures: Mutex::default(),
        }
    }

    /// Stops the run; only the first reason counts.
    pub fn stop(&self, reason: Failure) {
        self.reason
            .lock()
            .expect("no thread panics while it holds the reason")
            .get_or_insert(reason);
        self.sender.send_replace(true);
    }

    pub fn is_stopped(&self) -> bool {
        *self.sender.borrow()
    }

    /// Returns once the run is stopped.
    pub async fn stopped(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = receiver.wait_for(|stopped| *stopped).await;
    }

    /// Why the run was stopped.
    pub fn reason(&self) -> Option<Failure> {
        self.reason
            .lock()
            .expect("no thread panics while it holds the reason")
            .clone()
    }

    /// A call is begun; to be told where it fails.
    pub fn begin(&self) -> Begun {
        Begun(self.failures().count)
    }

    /// A call to `endpoint` was answered: it works.
    pub fn answered(&self, endpoint: &str) {
        self.failures().rows.remove(endpoint);
    }

    /// A call failed for good.
    pub fn failed(&self, begun: Begun, error: &EndpointError) {
        let endpoint = error.endpoint.as_str();
        let resume = format!(
            "everything finished is saved: mend the endpoint, then {}",
            self.go_on
        );
        match error.kind {
            // Of this problem alone; the endpoint works.
            FailureKind::Context | FailureKind::Filtered => self.answered(endpoint),
            FailureKind::Auth
            | FailureKind::NotFound
            | FailureKind::Configuration
            | FailureKind::Quota => {
                self.stop(Failure::new(Exit::Endpoint, error.to_string()).hint(resume));
            }
            _ => {
                if let Some(calls) = self.failures().add(begun, endpoint) {
                    let message = format!(
                        "stopped after {calls} failed calls in a row to `{endpoint}`, the last: {}",
                        error.message
                    );
                    self.stop(Failure::new(Exit::Endpoint, message).hint(resume));
                }
            }
        }
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        // Counts stay whole whatever panics.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Heeds signals until the task is aborted: see [`Stop::on_signals`].
    pub fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let stop = Arc::clone(self);
        tokio::spawn(async move { stop.on_signals().await })
    }

    /// The first Ctrl-C or SIGTERM stops the run, the second ends the process
    /// at once.
    pub async fn on_signals(&self) {
        signal().await;
        self.stop(
            Failure::new(Exit::Interrupted, "interrupted")
                .hint(format!("everything finished is saved: {}", self.go_on)),
        );
        signal().await;
        std::process::exit(Exit::Interrupted.code().into());
    }
}

impl Failures {
    /// Counts a failed call; how many in a row there are where that is too
    /// many.
    fn add(&mut self, begun: Begun, endpoint: &str) -> Option<u32> {
        self.count += 1;
        let row = self.rows.entry(endpoint.to_owned()).or_default();
        row.calls += 1;
        if row.incidents == 0 || begun.0 >= row.last {
            row.incidents += 1;
            row.last = self.count;
        }
        let down = row.calls >= MOST_CALLS && row.incidents > 1;
        (down || row.incidents >= MOST_FAILURES).then_some(row.calls)
    }
}

/// Returns on the first Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(super) async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(terminate) => terminate.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// Returns on the first Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(endpoint: &str, kind: FailureKind) -> EndpointError {
        EndpointError {
            endpoint: endpoint.to_owned(),
            kind,
            message: "it broke".to_owned(),
            attempts: Vec::new(),
        }
    }

    /// Calls that are begun one after the other and fail.
    fn fail(stop: &Stop, endpoint: &str, times: u32) {
        for _ in 0..times {
            stop.failed(stop.begin(), &error(endpoint, FailureKind::Server));
        }
    }

    #[test]
    fn calls_that_fail_one_after_the_other_stop_the_run_and_an_answer_starts_over() {
        let stop = Stop::new(RESUME);
        fail(&stop, "large", MOST_FAILURES - 1);
        stop.answered("small");
        fail(&stop, "small", MOST_FAILURES - 1);
        assert!(!stop.is_stopped(), "each endpoint counts for itself");
        stop.answered("large");
        fail(&stop, "large", MOST_FAILURES - 1);
        assert!(!stop.is_stopped());
        fail(&stop, "large", 1);
        let reason = stop.reason().unwrap();
        assert_eq!(reason.exit, Exit::Endpoint);
        assert!(
            reason
                .message
                .contains("5 failed calls in a row to `large`"),
            "{reason}"
        );
        assert!(reason.message.contains("it broke"), "{reason}");
        assert!(reason.hint.unwrap().contains("--resume"));
    }

    #[test]
    fn what_fails_at_once_is_one_incident_until_a_later_call_fails_too() {
        let stop = Stop::new(RESUME);
        let at_once: Vec<Begun> = (0..64).map(|_| stop.begin()).collect();
        for begun in at_once {
            stop.failed(begun, &error("large", FailureKind::Unreachable));
        }
        assert!(!stop.is_stopped());
        fail(&stop, "large", 1);
        assert!(stop.reason().unwrap().message.contains("65 failed calls"));

        // Few at a time: so many calls in a row, in fewer incidents.
        let stop = Stop::new(RESUME);
        for wave in 0..4 {
            assert!(!stop.is_stopped(), "{wave}");
            let begun = [stop.begin(); 5];
            for begun in begun {
                stop.failed(begun, &error("large", FailureKind::Timeout));
            }
        }
        assert!(stop.reason().unwrap().message.contains("20 failed calls"));
    }

    #[test]
    fn failures_of_one_problem_alone_are_answers() {
        let stop = Stop::new(RESUME);
        for kind in [FailureKind::Context, FailureKind::Filtered] {
            fail(&stop, "large", MOST_FAILURES - 1);
            stop.failed(stop.begin(), &error("large", kind));
        }
        fail(&stop, "large", MOST_FAILURES - 1);
        assert!(!stop.is_stopped());
    }

    #[test]
    fn a_refused_key_stops_at_once_and_the_first_reason_holds() {
        let stop = Stop::new(RESUME);
        stop.failed(stop.begin(), &error("large", FailureKind::Auth));
        stop.stop(Failure::new(Exit::Interrupted, "later"));
        assert!(stop.reason().unwrap().message.contains("large: it broke"));
    }
}
