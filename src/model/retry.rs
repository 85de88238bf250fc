//! One layer of retries and the bound on calls in flight.

mod gate;

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::endpoint::{EndpointError, FailureKind};
use crate::trace::record::{Attempt, Role, Usage};

pub use gate::{Gate, Pass};

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
    /// Whether to try again where the kind of failure does not settle it: the
    /// server said so, or the same request is known to get the same answer.
    pub retry: Option<bool>,
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
            retry: None,
        }
    }

    /// Whether another attempt can help. No server can talk us into asking
    /// again with a key that was refused, without credit, or for what does not
    /// fit.
    pub fn retryable(&self) -> bool {
        match self.kind {
            FailureKind::Auth
            | FailureKind::Quota
            | FailureKind::Context
            | FailureKind::Filtered
            | FailureKind::NotRecorded
            | FailureKind::Configuration => false,
            kind => self.retry.unwrap_or_else(|| kind.retryable()),
        }
    }

    /// The failure with what its attempt has cost: `counted` as far as the
    /// server got to tell. Where it did not, but may have worked, what it was
    /// sent (`prompt_bytes`) and what came of it (`received`) are counted at
    /// four bytes a token, as an estimate.
    #[must_use]
    pub fn paid(self, counted: Usage, prompt_bytes: usize, received: &str) -> Self {
        let ran = matches!(self.kind, FailureKind::Timeout | FailureKind::CutStream);
        let begun = counted.output > 0 || !received.is_empty();
        // What is filtered came to its end, with its counts.
        let whole = self.kind == FailureKind::Filtered && counted.output > 0;
        if whole || !ran && !begun {
            return Self {
                usage: counted,
                ..self
            };
        }
        let prompt = match counted.prompt {
            0 => tokens_of(prompt_bytes),
            counted => counted,
        };
        Self {
            usage: Usage {
                prompt,
                cached: counted.cached,
                output: counted.output.max(tokens_of(received.len())),
                ..counted
            },
            estimated: true,
            ..self
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

/// About how many tokens so many bytes of English text are.
pub(super) fn tokens_of(bytes: usize) -> u64 {
    const BYTES: u64 = 4;
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(BYTES)
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
        if !failure.retryable() {
            return None;
        }
        if failure.again == Again::Loading {
            return pauses.next().map(|pause| pause.min(Duration::from_secs(2)));
        }
        // A server that did not answer in time is asked once more only: the
        // wait was long already. What is no answer at all may be the page of a
        // proxy that is being restarted; a second one is no accident.
        let most = match failure.kind {
            FailureKind::Timeout | FailureKind::Malformed => self.attempts.min(2),
            _ => self.attempts,
        };
        if tried >= most as usize {
            return None;
        }
        match failure.again {
            // A server that asks for no wait at all does not know.
            Again::After(asked) if asked.is_zero() => pauses.next(),
            Again::After(asked) => (asked <= self.longest_ask).then_some(asked),
            Again::AtOnce if tried == 1 => Some(Duration::ZERO),
            _ => pauses.next(),
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

    /// A failure about which the server says whether to try again.
    fn told(kind: FailureKind, retry: bool) -> Failure {
        Failure {
            retry: Some(retry),
            ..failure(kind, Again::Backoff)
        }
    }

    #[test]
    fn what_nobody_counted_is_estimated_where_the_server_may_have_worked() {
        let paid = |kind, counted: Usage, received: &str| {
            let failure = Failure::new(kind, "m").paid(counted, 41, received);
            let usage = failure.usage;
            (usage.prompt, usage.output, failure.estimated)
        };
        let nothing = Usage::default();
        let counted = Usage {
            prompt: 9,
            cached: None,
            output: 2,
            ..Usage::default()
        };
        for kind in [FailureKind::Timeout, FailureKind::CutStream] {
            assert_eq!(paid(kind, nothing, ""), (11, 0, true));
            assert_eq!(paid(kind, nothing, "12345"), (11, 2, true));
            assert_eq!(paid(kind, counted, "1"), (9, 2, true));
        }
        // Refused before anything was done.
        for kind in [FailureKind::Unreachable, FailureKind::RateLimited] {
            assert_eq!(paid(kind, nothing, ""), (0, 0, false));
        }
        // Cut off in the middle, or filtered at the end.
        assert_eq!(paid(FailureKind::Server, counted, "x"), (9, 2, true));
        assert_eq!(paid(FailureKind::Filtered, counted, "x"), (9, 2, false));
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
            // What is no answer at all may be the page of a proxy, once.
            (vec![backoff(FailureKind::Malformed)], (Ok(1), 2)),
            (
                vec![backoff(FailureKind::Malformed); 2],
                (Err(FailureKind::Malformed), 2),
            ),
            (
                vec![backoff(FailureKind::Filtered)],
                (Err(FailureKind::Filtered), 1),
            ),
            // A server may know better, but not about keys and money.
            (
                vec![told(FailureKind::Server, false)],
                (Err(FailureKind::Server), 1),
            ),
            (vec![told(FailureKind::Refused, true); 2], (Ok(2), 3)),
            (
                vec![told(FailureKind::Quota, true)],
                (Err(FailureKind::Quota), 1),
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
                    Again::After(Duration::ZERO),
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
}
