//! The bound on calls in flight, which heeds rate limits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::{Again, Failure};
use crate::model::endpoint::FailureKind;

/// How long a server that limits the rate is left alone where it does not say.
const REST: Duration = Duration::from_millis(500);
/// The longest that calls are held back, whatever the server asks for: a call
/// that would have to wait longer fails and says so.
const LONGEST_REST: Duration = Duration::from_secs(120);

/// Bounds the calls in flight. Where the server limits the rate of calls, it
/// halves the bound and holds all calls back for as long as the server asks;
/// after [`Gate::CALM`] calls that went through it widens the bound by one.
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
    /// No call begins before.
    rest: Option<Instant>,
    /// Whether the server ever limited the rate.
    limited: bool,
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
                rest: None,
                limited: false,
            }),
        }
    }

    /// Waits for a free place, and for the end of a rest.
    pub async fn pass(&self) -> Pass<'_> {
        // The semaphore is never closed, so this cannot fail; without a permit
        // the call would only go through unbounded.
        let permit = self.permits.acquire().await.ok();
        let pass = Pass { gate: self, permit };
        // A rest may be drawn out while it is waited for.
        while let Some(rest) = self.rest() {
            sleep_until(rest).await;
        }
        pass
    }

    /// When calls may begin again, where they are held back.
    fn rest(&self) -> Option<Instant> {
        self.state().rest.filter(|rest| *rest > Instant::now())
    }

    /// How many calls may be in flight now.
    pub fn limit(&self) -> usize {
        self.state().limit
    }

    /// Takes note of a failed call: a rate limit narrows the gate.
    pub fn heed(&self, failure: &Failure) {
        if failure.kind != FailureKind::RateLimited {
            return;
        }
        let asked = match failure.again {
            Again::After(asked) => asked.clamp(REST, LONGEST_REST),
            _ => REST,
        };
        // All the calls that were in flight are refused at once: that is one
        // limit, not one after the other.
        let news = self.rest().is_none();
        {
            let mut state = self.state();
            let until = Instant::now() + asked;
            state.rest = Some(state.rest.map_or(until, |rest| rest.max(until)));
            state.limited = true;
        }
        if news {
            self.narrow();
        }
    }

    /// What somebody should know who waits for the calls to the server at
    /// `url`: that it limited their rate, if it did.
    pub fn notice(&self, url: &str) -> Option<String> {
        self.state().limited.then(|| {
            format!(
                "{url} limits the rate of calls: fewer are made at a time, and the run takes \
                 longer; a lower --concurrency avoids that"
            )
        })
    }

    fn narrow(&self) {
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
    use super::*;

    fn limited(again: Again) -> Failure {
        Failure {
            again,
            ..Failure::new(FailureKind::RateLimited, "429")
        }
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

    #[tokio::test]
    async fn one_limit_narrows_once_and_holds_all_calls_back() {
        let gate = Gate::new(8);
        assert_eq!(gate.notice("http://h"), None);
        gate.heed(&Failure::new(FailureKind::Server, "500"));
        assert_eq!((gate.limit(), gate.rest()), (8, None));
        let began = Instant::now();
        let asked = Duration::from_secs(60);
        for _ in 0..8 {
            gate.heed(&limited(Again::After(asked)));
        }
        assert_eq!(gate.limit(), 4);
        let rest = gate.rest().unwrap();
        assert!(rest >= began + asked);
        // Where nobody says how long, it is short and shortens nothing.
        gate.heed(&limited(Again::Backoff));
        assert!(gate.rest().unwrap() >= rest);
        // However long is asked for, there is an end.
        gate.heed(&limited(Again::After(Duration::from_secs(1_000_000))));
        assert!(gate.rest().unwrap() <= Instant::now() + LONGEST_REST);
        assert!(gate.notice("http://h").unwrap().contains("http://h"));
    }
}
