//! Trajectories that are in the logs twice: a run that was done again with the
//! same command and key.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::trace::record::TrajectoryEnd;

use super::{Name, Survey, Trajectory};

impl Survey {
    /// Places of trajectories in whose place another one counts: of several
    /// that runs of one command and key have of a question the one of the run
    /// that began last, but never one that an endpoint's failure ended, or that
    /// has no outcome, before one that was finished. What
    /// [`Repeats`](crate::trace::pooled::Repeats) says of logs.
    pub fn superseded(&self) -> HashSet<usize> {
        let kinds = self.runs_of_one_kind();
        if kinds.is_empty() {
            return HashSet::new();
        }
        let mut found: HashMap<(u32, Name, u64), Vec<usize>> = HashMap::new();
        for (place, trajectory) in self.trajectories().iter().enumerate() {
            if let Some(&kind) = kinds.get(&trajectory.run) {
                let question = (kind, trajectory.problem, trajectory.question_hash());
                found.entry(question).or_default().push(place);
            }
        }
        let mut superseded = HashSet::new();
        for mut places in found.into_values().filter(|places| places.len() > 1) {
            places.sort_by(|&one, &other| {
                let rank = |place: usize| self.rank(&self.trajectories()[place]);
                rank(one).cmp(&rank(other))
            });
            places.pop();
            superseded.extend(places);
        }
        superseded
    }

    /// The runs of each command and key that more than one run has, by place:
    /// the first of them.
    fn runs_of_one_kind(&self) -> HashMap<u32, u32> {
        let mut kinds: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
        for (place, run) in (0..).zip(self.runs()) {
            // Of a log that another program wrote nobody knows the key.
            if let Some(head) = run.head.as_deref().filter(|head| !head.key.is_empty()) {
                let kind = (head.command.as_str(), head.key.as_str());
                kinds.entry(kind).or_default().push(place);
            }
        }
        let several = kinds.into_values().filter(|runs| runs.len() > 1);
        several
            .flat_map(|runs| {
                let first = runs[0];
                runs.into_iter().map(move |run| (run, first))
            })
            .collect()
    }

    /// By which of several the last one counts.
    fn rank(&self, trajectory: &Trajectory) -> (bool, &str, &str) {
        let last = trajectory.outcomes.last();
        let finished = last.is_some_and(|outcome| outcome.end != TrajectoryEnd::Error);
        let run = &self.runs()[trajectory.run as usize];
        let started = run.head.as_ref().map(|head| head.started.as_str());
        (finished, started.unwrap_or_default(), self.name(run.id))
    }
}

#[cfg(test)]
mod tests {
    use crate::problem::Problem;
    use crate::survey::{Fact, Survey};
    use crate::trace::record::{ProblemRecord, Record};
    use crate::trace::samples;

    use super::TrajectoryEnd::{Error, Finished};
    use super::*;

    /// Runs of a key, a question and an end; each begins a day after the one
    /// before it.
    fn superseded(runs: &[(&str, &str, TrajectoryEnd)]) -> Vec<usize> {
        let mut survey = Survey::default();
        for (place, (key, question, end)) in runs.iter().enumerate() {
            let mut head = samples::run(&format!("run-{place}"));
            head.key = (*key).into();
            head.started = format!("2026-01-0{}T00:00:00Z", place + 1);
            let mut outcome = samples::outcome("p", None);
            outcome.run.clone_from(&head.run);
            outcome.end = *end;
            let problem = Problem {
                id: "p".into(),
                question: (*question).into(),
                gold: None,
                difficulty: None,
                domain: None,
                source: "plain".into(),
            };
            let run = head.run.clone();
            let records = [
                Record::Run(Box::new(head)),
                Record::Problem(ProblemRecord { run, problem }),
                Record::Outcome(Box::new(outcome)),
            ];
            let facts = records.iter().filter_map(Fact::of);
            facts.for_each(|fact| survey.add(fact));
        }
        let mut places: Vec<usize> = survey.superseded().into_iter().collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn of_runs_done_again_the_last_that_was_finished_counts() {
        assert!(superseded(&[("k", "q", Finished)]).is_empty());
        assert!(superseded(&[("k", "q", Finished), ("l", "q", Finished)]).is_empty());
        assert!(superseded(&[("k", "q", Finished), ("k", "r", Finished)]).is_empty());
        assert!(superseded(&[("", "q", Finished), ("", "q", Finished)]).is_empty());
        assert_eq!(
            superseded(&[("k", "q", Finished), ("k", "q", Finished)]),
            [0]
        );
        let all = [
            ("k", "q", Finished),
            ("k", "q", Error),
            ("l", "q", Finished),
        ];
        assert_eq!(superseded(&all), [1]);
    }
}
