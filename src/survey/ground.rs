//! Which trajectories may stand for one another.

use crate::trace::record::RunRecord;

use super::{Name, Survey, Trajectory};

/// Whether steps of one run may stand for those of the other: same pool, same
/// sampling.
pub fn same_ground(a: &RunRecord, b: &RunRecord) -> bool {
    a.pool == b.pool && a.sampling == b.sampling
}

impl Trajectory {
    /// A hash of the beginning of its question: data sets number their problems
    /// alike.
    pub fn question_hash(&self) -> u64 {
        super::fact::hash(&self.question)
    }
}

impl Survey {
    /// Whether all of it is one run: in one part, or in shards of one key.
    pub fn is_one_run(&self) -> bool {
        let mut heads = self.runs.iter().map(|run| run.head.as_deref());
        let Some(first) = heads.next() else {
            return false;
        };
        let key = first.map(|head| &head.key).filter(|key| !key.is_empty());
        heads.all(|head| key.is_some() && head.map(|head| &head.key) == key)
    }

    /// The trajectories of a problem, run after run.
    pub fn of_problem(&self, problem: Name) -> impl Iterator<Item = usize> + '_ {
        let runs = 0..u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        let places = runs.filter_map(move |run| self.places.get(&(run, problem)));
        places.map(|&place| place as usize)
    }

    /// The trajectories of the question of the one at `place` on the same
    /// ground, it among them: those of the same run and its shards first. None
    /// where the head of its run is lost.
    pub fn beside(&self, place: usize) -> Vec<usize> {
        let Some(asked) = self.trajectories.get(place) else {
            return Vec::new();
        };
        let head = |of: &Trajectory| self.runs[of.run as usize].head.as_deref();
        let Some(own) = head(asked) else {
            return Vec::new();
        };
        let question = asked.question_hash();
        let mut own_ones = Vec::new();
        let mut others = Vec::new();
        for other in self.of_problem(asked.problem) {
            let found = &self.trajectories[other];
            let Some(head) = head(found).filter(|head| same_ground(head, own)) else {
                continue;
            };
            if found.question_hash() != question {
                continue;
            }
            match head.key == own.key {
                true => own_ones.push(other),
                false => others.push(other),
            }
        }
        own_ones.append(&mut others);
        own_ones
    }
}
