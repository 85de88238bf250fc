//! The survey grows: by a log that is being read, by records of a live run.

use std::sync::Arc;

use crate::problem::answer::Verdict;
use crate::survey::{Fact, Survey};

use super::effect::Effect;
use super::model::{Entry, Model, NoticeLevel, Slot};

impl Model {
    /// Takes a survey whose trajectories can be opened.
    pub fn add_survey(&mut self, survey: Survey) {
        self.survey = Arc::new(survey);
        self.add_entries();
    }

    /// How the trajectory of an entry came out, as far as is known.
    pub fn verdict(&self, entry: usize) -> Option<Verdict> {
        (entry < self.survey.trajectories().len())
            .then(|| self.survey.view(entry).verdict())
            .flatten()
    }

    /// One entry for every trajectory.
    fn add_entries(&mut self) {
        for place in self.entries.len()..self.survey.trajectories().len() {
            self.entries.push(entry(&self.survey, place));
            self.slots.push(Slot::Closed);
        }
    }
}

/// Takes what was read of a log.
pub(super) fn read(model: &mut Model, facts: Vec<Fact>, progress: Option<(u64, u64)>) {
    let survey = Arc::make_mut(&mut model.survey);
    for fact in facts {
        survey.add(fact);
    }
    model.add_entries();
    model.reading = progress;
}

/// The rest of the log cannot be read: what is there stays.
pub(super) fn unread(model: &mut Model, message: String) {
    model.reading = None;
    model.say(NoticeLevel::Error, message);
}

/// Takes what is about to be logged.
pub(super) fn logged(model: &mut Model, effects: &[Effect]) {
    let appended = effects.iter().filter_map(|effect| match effect {
        Effect::Append(records) => Some(records),
        _ => None,
    });
    for fact in appended.flatten().filter_map(Fact::of) {
        Arc::make_mut(&mut model.survey).add(fact);
    }
}

/// One line about a trajectory for the picker. The same problem of several
/// runs is told apart by its router.
fn entry(survey: &Survey, place: usize) -> Entry {
    let trajectory = &survey.trajectories()[place];
    let (run, problem) = survey.key(trajectory);
    let mut title = problem.to_owned();
    let head = survey.runs()[trajectory.run as usize].head.as_ref();
    if let Some(head) = head.filter(|_| survey.runs().len() > 1) {
        title.push_str(&format!("  {}", head.router.spec));
    }
    if let Some(domain) = trajectory.domain {
        title.push_str(&format!("  {}", survey.name(domain)));
    }
    if let Some(difficulty) = trajectory.difficulty {
        title.push_str(&format!("  d{difficulty}"));
    }
    title.push_str(&format!("  {}", trajectory.question));
    Entry {
        problem: problem.to_owned(),
        run: run.to_owned(),
        title,
    }
}
