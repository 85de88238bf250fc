//! Which of a problem's outcomes holds.

use super::record::{OutcomeRecord, StepId};

/// One of several outcomes of a problem.
pub trait Rival {
    /// Last step of its trajectory.
    fn leaf(&self) -> Option<&StepId>;

    /// Whether a recorded trajectory was graded again.
    fn is_regraded(&self) -> bool;

    /// Whether it is of a rollout.
    fn is_rollout(&self) -> bool;
}

impl Rival for OutcomeRecord {
    fn leaf(&self) -> Option<&StepId> {
        self.leaf.as_ref()
    }

    fn is_regraded(&self) -> bool {
        self.regraded.is_some()
    }

    fn is_rollout(&self) -> bool {
        self.rollout
    }
}

/// Takes the outcomes of one problem in log order and keeps the one that
/// holds: the last. Grading a recorded trajectory again says nothing about
/// which of several trajectories was the last: such an outcome takes the place
/// of its own trajectory's only. Those of rollouts never hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<T = OutcomeRecord>(Option<T>);

impl<T> Default for Standing<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Rival> Standing<T> {
    /// Takes the next outcome of the log.
    pub fn add(&mut self, outcome: T) {
        if outcome.is_rollout() {
            return;
        }
        let of_another = self
            .0
            .as_ref()
            .is_some_and(|held| held.leaf() != outcome.leaf());
        if !outcome.is_regraded() || !of_another {
            self.0 = Some(outcome);
        }
    }

    /// The outcome that holds so far.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The outcome that holds.
    pub fn into_outcome(self) -> Option<T> {
        self.0
    }
}

impl FromIterator<OutcomeRecord> for Standing {
    fn from_iter<I: IntoIterator<Item = OutcomeRecord>>(outcomes: I) -> Self {
        let mut standing = Self::default();
        for outcome in outcomes {
            standing.add(outcome);
        }
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::record::{Regraded, Replaced};
    use crate::trace::samples;

    fn outcome(leaf: &str, rule: &str, again: bool) -> OutcomeRecord {
        let mut outcome = samples::outcome("p", Some(leaf));
        outcome.rule = rule.to_owned();
        outcome.regraded = again.then(|| Regraded {
            when: String::new(),
            version: String::new(),
            replaces: Replaced {
                grader: String::new(),
                verdict: outcome.verdict,
                rule: String::new(),
            },
        });
        outcome
    }

    fn holds(outcomes: &[(&str, &str, bool)]) -> Option<String> {
        let outcomes = outcomes
            .iter()
            .map(|&(leaf, rule, again)| outcome(leaf, rule, again));
        let standing: Standing = outcomes.collect();
        standing.into_outcome().map(|held| held.rule)
    }

    #[test]
    fn a_rollout_says_nothing_of_the_problem() {
        let mut rollout = outcome("c", "rollout", false);
        rollout.rollout = true;
        let only: Standing = [rollout.clone()].into_iter().collect();
        assert_eq!(only.get(), None);
        let both: Standing = [outcome("a", "1", false), rollout].into_iter().collect();
        assert_eq!(both.into_outcome().unwrap().rule, "1");
    }

    #[test]
    fn grading_again_does_not_change_which_trajectory_was_the_last() {
        assert_eq!(holds(&[]), None);
        let runs = [("a", "1", false), ("b", "2", false)];
        assert_eq!(holds(&runs).unwrap(), "2");
        let again = [("a", "3", true), ("b", "4", true)];
        assert_eq!(holds(&[&runs[..], &again[..1]].concat()).unwrap(), "2");
        assert_eq!(holds(&[&runs[..], &again].concat()).unwrap(), "4");
        assert_eq!(
            holds(&[&runs[..], &[("a", "5", false)]].concat()).unwrap(),
            "5"
        );
        // What it took the place of may be lost.
        assert_eq!(holds(&again).unwrap(), "3");
    }
}
