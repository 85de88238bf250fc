//! Which of several workers with the same model takes a call.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

/// More calls than at the least busy worker that are no reason to leave the
/// one where the prefix is cached.
const SLACK: usize = 2;
/// Affinities remembered before all that are idle are forgotten.
const MOST_REMEMBERED: usize = 4096;

/// The worker of each affinity: where its last call went, as long as that one
/// is not much busier than another.
pub(super) struct Homes(Mutex<State>);

struct State {
    homes: HashMap<String, Home>,
    /// Calls in flight by worker.
    calls: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
struct Home {
    worker: usize,
    /// Calls of this affinity in flight.
    calls: usize,
}

/// A call at a worker; it ends when this is dropped.
pub(super) struct Stay<'a> {
    homes: &'a Homes,
    affinity: String,
    pub worker: usize,
}

impl Homes {
    /// Homes among so many workers, one at least.
    pub fn new(workers: usize) -> Self {
        Self(Mutex::new(State {
            homes: HashMap::new(),
            calls: vec![0; workers.max(1)],
        }))
    }

    /// Finds a worker for a call.
    pub fn enter(&self, affinity: &str) -> Stay<'_> {
        let worker = self.locked().enter(affinity);
        Stay {
            homes: self,
            affinity: affinity.to_owned(),
            worker,
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no thread panics while it counts")
    }
}

impl State {
    fn enter(&mut self, affinity: &str) -> usize {
        let busy = |worker: &usize| self.calls[*worker];
        let least = (0..self.calls.len()).min_by_key(busy).unwrap_or(0);
        let home = self.homes.get(affinity).copied();
        let worker = match home {
            // Calls side by side share the prefix that the first of them reads.
            Some(home) if home.calls > 0 => home.worker,
            Some(home) if busy(&home.worker) <= busy(&least) + SLACK => home.worker,
            _ => least,
        };
        if self.homes.len() >= MOST_REMEMBERED {
            self.homes.retain(|_, home| home.calls > 0);
        }
        self.calls[worker] += 1;
        let home = self.homes.entry(affinity.to_owned()).or_default();
        home.worker = worker;
        home.calls += 1;
        worker
    }

    fn leave(&mut self, affinity: &str, worker: usize) {
        self.calls[worker] = self.calls[worker].saturating_sub(1);
        if let Some(home) = self.homes.get_mut(affinity) {
            home.calls = home.calls.saturating_sub(1);
        }
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.homes.locked().leave(&self.affinity, self.worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_one_affinity_stay_together_and_the_others_spread() {
        let homes = Homes::new(2);
        let a = [homes.enter("a"), homes.enter("a"), homes.enter("a")];
        assert!(a.iter().all(|stay| stay.worker == 0));
        let b = homes.enter("b");
        assert_eq!(b.worker, 1, "the less busy one");
        drop(a);
        drop(b);
        assert_eq!(homes.enter("b").worker, 1, "its prefix is there");
    }

    #[test]
    fn a_worker_that_is_much_busier_is_left() {
        let homes = Homes::new(2);
        drop(homes.enter("a"));
        let others: Vec<Stay<'_>> = (0..3).map(|_| homes.enter("b")).collect();
        assert!(others.iter().all(|stay| stay.worker == 0));
        assert_eq!(homes.enter("a").worker, 1);
        drop(others);
        assert_eq!(homes.enter("a").worker, 1);
        assert!(homes.locked().calls.iter().all(|&calls| calls == 0));
    }

    #[test]
    fn what_is_idle_is_forgotten_in_time() {
        let homes = Homes::new(1);
        let held = homes.enter("held");
        for number in 0..2 * MOST_REMEMBERED {
            drop(homes.enter(&number.to_string()));
        }
        let known = homes.locked().homes.len();
        assert!(known <= MOST_REMEMBERED, "{known}");
        assert!(homes.locked().homes.contains_key("held"));
        drop(held);
    }
}
