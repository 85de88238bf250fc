//! The survey grows: by a log that is being read, by records of a live run.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use crate::problem::answer::Verdict;
use crate::survey::{Fact, Survey};

use super::effect::Effect;
use super::model::{Entry, Mode, Model, NoticeLevel, Slot};
use super::navigate;

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

/// Takes what was read of a log. What was opened before all of it had been read
/// is opened again: the effects do.
pub(super) fn read(
    model: &mut Model,
    facts: Vec<Fact>,
    progress: Option<(u64, u64)>,
) -> Vec<Effect> {
    let before = opened(model);
    let survey = Arc::make_mut(&mut model.survey);
    for fact in facts {
        survey.add(fact);
    }
    let records = |entry: usize| model.survey.trajectories()[entry].records();
    let grown = before.iter().filter(|(entry, old)| records(*entry) > *old);
    let grown: BTreeSet<usize> = grown.map(|(entry, _)| *entry).collect();
    model.add_entries();
    model.reading = progress;
    // One that still grows is awaited: its records stand together as a rule.
    model.behind.extend(&grown);
    let is_whole = |entry: &usize| progress.is_none() || !grown.contains(entry);
    let (whole, behind) = mem::take(&mut model.behind)
        .into_iter()
        .partition::<BTreeSet<usize>, _>(is_whole);
    model.behind = behind;
    whole
        .into_iter()
        .filter_map(|entry| open_again(model, entry))
        .collect()
}

/// The trajectories of a log that are open, with their records. Those of a live
/// run grow by themselves.
fn opened(model: &Model) -> Vec<(usize, usize)> {
    if model.mode != Mode::Replay {
        return Vec::new();
    }
    let known = model.slots.iter().zip(model.survey.trajectories());
    known
        .enumerate()
        .filter(|(_, (slot, _))| matches!(slot, Slot::Open(_) | Slot::Opening))
        .map(|(entry, (_, trajectory))| (entry, trajectory.records()))
        .collect()
}

/// Opens a trajectory again where somebody looks at it, at the same step; closes
/// it elsewhere.
fn open_again(model: &mut Model, entry: usize) -> Option<Effect> {
    if entry == model.current {
        let at = navigate::path_and_place(model).map(|(_, place)| place);
        let at = at.and_then(|place| u32::try_from(place).ok());
        model.view.go_to = model.view.go_to.or(at);
    } else if matches!(model.slots[entry], Slot::Open(_)) && !model.compare.is_of(entry) {
        model.slots[entry] = Slot::Closed;
        return None;
    }
    // What is being opened may come short: what comes after it holds.
    Some(Effect::Open { entry })
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
    let labels = effects.iter().filter_map(|effect| match effect {
        Effect::Label(labels) => Some(labels),
        _ => None,
    });
    for label in labels.flatten() {
        Arc::make_mut(&mut model.survey).add(Fact::of_label(label));
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
