//! One layer of retries and the bound on calls in flight.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use super::endpoint::{EndpointError, FailureKind};
use crate::trace::record::{Attempt, Role, Usage};

/// One failed attempt at a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What failed, on what, and what to do; never holds a key.
    pub message: String,
    pub again: Again,
    /// What the attempt cost.
    pub usage: Usage,
    /// True where `usage` is a lower estimate.
    pub estimated: bool,
}

/// How to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// As the kind of failure says, with growing pauses.
    Backoff,
    /// The server said how long to wait.
    After(Duration),
    /// An idle connection was closed under us: at once, the first time.
    AtOnce,
    /// The model is still loading: keep asking.
    Loading,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            again: Again::Backoff,
            usage: Usage::default(),
            estimated: false,
        }
    }

    /// The failure as `endpoint` reports it, with what was paid until then.
    pub fn of(self, endpoint: &str, attempts: Vec<Attempt>) -> EndpointError {
        EndpointError {
            endpoint: endpoint.to_owned(),
            kind: self.kind,
            message: self.message,
            attempts,
        }
    }

    /// The attempt as the ledger keeps it.
    pub fn attempt(&self, role: Role) -> Attempt {
        Attempt {
            role,
            usage: self.usage,
            failure: self.message.clone(),
            estimated: self.estimated,
        }
    }
}

/// How often and how long to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Most attempts at one call.
    pub attempts: u32,
    /// The first pause; each one after it is twice as long.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// The longest wait a server may ask for before the call fails instead.
    pub longest_ask: Duration,
    /// How long a loading model is waited for.
    pub loading: Duration,
    /// No attempt begins later than this after the first.
    pub deadline: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_ask: Duration::from_secs(120),
            loading: Duration::from_secs(60),
            deadline: Duration::from_secs(600),
        }
    }
}

/// A call that failed for good, with the attempts before its last.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenUp {
    pub failure: Failure,
    /// Every attempt, the last included.
    pub attempts: Vec<Attempt>,
}

impl Policy {
    /// Runs `call` until it succeeds, fails for good or the policy gives up.
    /// `again` is told of each failure before the next attempt.
    ///
    /// Returns what the call gave and the failed attempts before it. Waiting
    /// for a model to load is no attempt.
    pub async fn run<T, F>(
        &self,
        role: Role,
        again: impl Fn(&Failure),
        mut call: impl FnMut() -> F,
    ) -> Result<(T, Vec<Attempt>), GivenUp>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .without_max_times()
            .with_jitter()
            .build();
        let mut attempts: Vec<Attempt> = Vec::new();
        loop {
            let failure = match call().await {
                Ok(given) => return Ok((given, attempts)),
                Err(failure) => failure,
            };
            let loading = failure.again == Again::Loading;
            if !loading {
                attempts.push(failure.attempt(role));
            }
            let pause = self.pause(&failure, attempts.len(), &mut pauses);
            let limit = if loading { self.loading } else { self.deadline };
            let in_time = |pause: &Duration| started.elapsed() + *pause <= limit;
            let Some(pause) = pause.filter(in_time) else {
                if loading {
                    attempts.push(failure.attempt(role));
                }
                return Err(GivenUp { failure, attempts });
            };
            again(&failure);
            sleep(pause).await;
        }
    }

    /// How long to wait after the `tried`-th attempt failed; `None` gives up.
    fn pause(
        &self,
        failure: &Failure,
        tried: usize,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Option<Duration> {
        if !failure.kind.retryable() {
            return None;
        }
        if failure.again == Again::Loading {
            return pauses.next().map(|pause| pause.min(Duration::from_secs(2)));
        }
        // A server that did not answer in time is asked once more only: the
        // wait was long already.
        let most = match failure.kind {
            FailureKind::Timeout => self.attempts.min(2),
            _ => self.attempts,
        };
        if tried >= most as usize {
            return None;
        }
        match failure.again {
            Again::After(asked) => (asked <= self.longest_ask).then_some(asked),
            Again::AtOnce if tried == 1 => Some(Duration::ZERO),
            _ => pauses.next(),
        }
    }
}

/// Bounds the calls in flight; halves the bound when the server is rate
/// limiting and widens it again by one after [`Gate::CALM`] calls that went
/// through.
#[derive(Debug)]
pub struct Gate {
    permits: Semaphore,
    most: usize,
    state: Mutex<GateState>,
}

#[derive(Debug)]
struct GateState {
    /// Calls allowed at once now.
    limit: usize,
    /// Permits to take out of circulation as they come back.
    owed: usize,
    /// Calls that went through since the last change.
    calm: u32,
}

/// The right to one call, given back on drop.
#[derive(Debug)]
pub struct Pass<'g> {
    gate: &'g Gate,
    permit: Option<SemaphorePermit<'g>>,
}

impl Gate {
    /// Calls that must go through before the bound grows by one.
    pub const CALM: u32 = 16;

    /// At most `most` calls at once; at least one.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            permits: Semaphore::new(most),
            most,
            state: Mutex::new(GateState {
                limit: most,
                owed: 0,
                calm: 0,
            }),
        }
    }

    /// Waits for a free place.
    pub async fn pass(&self) -> Pass<'_> {
        // The semaphore is never closed, so this cannot fail; without a permit
        // the call would only go through unbounded.
        let permit = self.permits.acquire().await.ok();
        Pass { gate: self, permit }
    }

    /// How many calls may be in flight now.
    pub fn limit(&self) -> usize {
        self.state().limit
    }

    /// The server asked for fewer calls.
    pub fn narrow(&self) {
        let mut state = self.state();
        let limit = (state.limit / 2).max(1);
        let fewer = state.limit - limit;
        state.owed += fewer - self.permits.forget_permits(fewer);
        state.limit = limit;
        state.calm = 0;
    }

    /// A call went through.
    pub fn widen(&self) {
        let mut state = self.state();
        state.calm += 1;
        if state.calm < Self::CALM || state.limit == self.most {
            return;
        }
        state.calm = 0;
        state.limit += 1;
        if state.owed > 0 {
            state.owed -= 1;
        } else {
            self.permits.add_permits(1);
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    const QUICK: Policy = Policy {
        attempts: 3,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        longest_ask: Duration::from_millis(20),
        loading: Duration::from_millis(30),
        deadline: Duration::from_secs(60),
    };

    fn failure(kind: FailureKind, again: Again) -> Failure {
        Failure {
            again,
            usage: Usage {
                prompt: 3,
                cached: None,
                output: 1,
                ..Usage::default()
            },
            ..Failure::new(kind, "failed")
        }
    }

    /// Runs `failures` and then success; gives the result and the calls made.
    async fn after(policy: Policy, failures: Vec<Failure>) -> (Result<usize, FailureKind>, usize) {
        let queue = RefCell::new(failures.into_iter());
        let calls = Cell::new(0);
        let result = policy
            .run(
                Role::Step,
                |_| {},
                || {
                    calls.set(calls.get() + 1);
                    let next = queue.borrow_mut().next();
                    async move { next.map_or(Ok(()), Err) }
                },
            )
            .await;
        let result = match result {
            Ok(((), attempts)) => Ok(attempts.len()),
            Err(given_up) => {
                assert_eq!(given_up.attempts.last().unwrap().usage.output, 1);
                Err(given_up.failure.kind)
            }
        };
        (result, calls.get())
    }

    #[tokio::test]
    async fn the_retry_table() {
        let backoff = |kind| failure(kind, Again::Backoff);
        let cases = [
            (vec![], (Ok(0), 1)),
            (vec![backoff(FailureKind::Server); 2], (Ok(2), 3)),
            (
                vec![backoff(FailureKind::Server); 3],
                (Err(FailureKind::Server), 3),
            ),
            (vec![backoff(FailureKind::Timeout)], (Ok(1), 2)),
            (
                vec![backoff(FailureKind::Timeout); 2],
                (Err(FailureKind::Timeout), 2),
            ),
            (
                vec![backoff(FailureKind::Auth)],
                (Err(FailureKind::Auth), 1),
            ),
            (
                vec![backoff(FailureKind::Context)],
                (Err(FailureKind::Context), 1),
            ),
            (
                vec![failure(FailureKind::CutStream, Again::AtOnce)],
                (Ok(1), 2),
            ),
            (
                vec![failure(
                    FailureKind::RateLimited,
                    Again::After(Duration::from_millis(5)),
                )],
                (Ok(1), 2),
            ),
            (
                vec![failure(
                    FailureKind::RateLimited,
                    Again::After(Duration::from_secs(3600)),
                )],
                (Err(FailureKind::RateLimited), 1),
            ),
            // Loading is asked about more often than `attempts` and recorded
            // as no attempt.
            (
                vec![failure(FailureKind::Server, Again::Loading); 4],
                (Ok(0), 5),
            ),
        ];
        for (failures, expected) in cases {
            assert_eq!(
                after(QUICK, failures.clone()).await,
                expected,
                "{failures:?}"
            );
        }
    }

    #[tokio::test]
    async fn no_attempt_begins_after_the_deadline() {
        let policy = Policy {
            deadline: Duration::ZERO,
            ..QUICK
        };
        let failures = vec![failure(FailureKind::Server, Again::Backoff)];
        assert_eq!(after(policy, failures).await, (Err(FailureKind::Server), 1));
    }

    #[tokio::test]
    async fn the_gate_narrows_and_widens() {
        let gate = Gate::new(4);
        let held = [gate.pass().await, gate.pass().await, gate.pass().await];
        gate.narrow();
        assert_eq!((gate.limit(), gate.permits.available_permits()), (2, 0));
        drop(held);
        assert_eq!(gate.permits.available_permits(), 2);
        for _ in 0..Gate::CALM {
            gate.widen();
        }
        assert_eq!((gate.limit(), gate.permits.available_permits()), (3, 3));
        gate.narrow();
        gate.narrow();
        assert_eq!((gate.limit(), gate.permits.available_permits()), (1, 1));
    }
}
