//! Why a run stops early, told to everything that is in flight.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::model::endpoint::FailureKind;

use super::{Exit, Failure};

/// Problems in a row that fail before the run is stopped.
pub const MOST_FAILURES: u32 = 5;

/// Stops a run: on a signal, on a failure that every problem would meet, or on
/// too many failures in a row.
pub struct Stop {
    sender: watch::Sender<bool>,
    reason: Mutex<Option<Failure>>,
    in_a_row: AtomicU32,
    /// How to go on after it.
    go_on: &'static str,
}

/// How a stopped run of `solve` goes on.
pub const RESUME: &str = "go on with `--resume`";

impl Stop {
    /// `go_on` says how what was stopped goes on: `run it again` …
    pub fn new(go_on: &'static str) -> Self {
        Self {
            go_on,
            sender: watch::Sender::new(false),
            reason: Mutex::new(None),
            in_a_row: AtomicU32::new(0),
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

    /// A problem was worked through: the endpoints work.
    pub fn succeeded(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// A problem failed at an endpoint: the circuit breaker.
    pub fn failed(&self, kind: FailureKind, message: &str) {
        let fatal = matches!(
            kind,
            FailureKind::Auth
                | FailureKind::NotFound
                | FailureKind::Configuration
                | FailureKind::Quota
        );
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        let resume = format!(
            "everything finished is saved: mend the endpoint, then {}",
            self.go_on
        );
        if fatal {
            self.stop(Failure::new(Exit::Endpoint, message).hint(resume));
        } else if in_a_row >= MOST_FAILURES {
            let message = format!("stopped after {in_a_row} failures in a row: {message}");
            self.stop(Failure::new(Exit::Endpoint, message).hint(resume));
        }
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

    #[test]
    fn failures_in_a_row_stop_the_run_and_a_success_starts_over() {
        let stop = Stop::new(RESUME);
        for _ in 1..MOST_FAILURES {
            stop.failed(FailureKind::Server, "500");
        }
        stop.succeeded();
        stop.failed(FailureKind::Server, "500");
        assert!(!stop.is_stopped());
        for _ in 1..MOST_FAILURES {
            stop.failed(FailureKind::Server, "500");
        }
        assert!(stop.is_stopped());
        assert_eq!(stop.reason().unwrap().exit, Exit::Endpoint);
    }

    #[test]
    fn a_refused_key_stops_at_once_and_the_first_reason_holds() {
        let stop = Stop::new(RESUME);
        stop.failed(FailureKind::Auth, "401");
        stop.stop(Failure::new(Exit::Interrupted, "later"));
        assert!(stop.reason().unwrap().message.contains("401"));
    }
}
