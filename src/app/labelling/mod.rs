//! Labelling: one hand rates the steps of one trajectory after the other.
//!
//! A label counts at once, in the trajectory on screen and in the survey, and is
//! written by [`Effect::Label`](super::Effect::Label); what could not be written
//! is forgotten again and said. What others say meanwhile is asked for at every
//! key ([`Effect::HearLabels`](super::Effect::HearLabels)). Nothing is deleted: taking a label back is a
//! label of its own.

mod give;
mod queue;

use std::collections::HashSet;

use crate::trace::NodeIndex;
use crate::trace::label::Opinion;
use crate::trace::record::LabelRecord;

use super::action::Action;
use super::effect::Effect;
use super::model::{Model, NoticeLevel, Pane, Screen};

pub(super) use give::{failed, heard, keep, late, listen, note, read};
pub(super) use queue::{arrived, refresh, regretted};

/// In which order trajectories come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the table is arranged.
    #[default]
    Table,
    /// Those that tell most first: see [`crate::survey::worth()`].
    Worth,
}

/// Where to look once the next trajectory is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seek {
    /// At its first open step.
    First,
    /// At its last one.
    Last,
}

/// Labels that were given at once, to the entry at this place.
#[derive(Debug, Clone, PartialEq)]
struct Given {
    entry: usize,
    labels: Vec<LabelRecord>,
}

/// Labels being given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labelling {
    pub blind: bool,
    pub order: Order,
    /// Places in the survey of the trajectories, in the order in which they come.
    queue: Vec<u32>,
    /// Trajectories of the survey that the queue was made of.
    made_of: usize,
    /// Those of the queue whose steps the person is done with.
    done: HashSet<u32>,
    /// Places that have to be counted anew.
    touched: Vec<u32>,
    /// What was given since labelling began, the last one last.
    given: Vec<Given>,
    /// The trajectory that came first when the most telling ones were asked
    /// for, until something is labelled.
    offered: Option<u32>,
    seek: Option<Seek>,
}

impl Labelling {
    /// Number of trajectories that come.
    pub fn trajectories(&self) -> usize {
        self.queue.len()
    }

    /// Number of those that the person is done with.
    pub fn done(&self) -> usize {
        self.done.len()
    }
}

impl Model {
    /// Whether labelling takes first what tells most.
    pub(super) fn queues_by_worth(&self) -> bool {
        self.labelling
            .as_ref()
            .is_some_and(|labelling| labelling.order == Order::Worth)
    }

    /// What the person who labels said of a step of the trajectory on screen.
    pub fn own_opinion(&self, node: NodeIndex) -> Opinion {
        let session = self.session();
        session.map_or_else(Opinion::default, |session| {
            session.tree().node(node).ballot().of(&self.who.as_str())
        })
    }
}

/// Begins labelling with the trajectory on screen, or of the row in the table;
/// or leaves it.
pub(super) fn toggle(model: &mut Model) -> Vec<Effect> {
    if model.labelling.is_some() && !model.view.screen.is_table() {
        leave(model);
        return Vec::new();
    }
    let selected = match model.view.screen {
        Screen::Problems => model.table.selected(),
        _ => None,
    };
    let place = selected.unwrap_or(model.current);
    if place >= model.entries.len() {
        model.say(NoticeLevel::Info, "there is no trajectory to label");
        return Vec::new();
    }
    model.view.screen = Screen::Inspector;
    model.view.focus = Pane::Steps;
    let kept = model.labelling.take();
    model.labelling = Some(kept.unwrap_or_default());
    queue::make(model);
    queue::show(model, place, Seek::First)
}

fn leave(model: &mut Model) {
    model.labelling = None;
    model.say(NoticeLevel::Info, "labelling is over; A goes on with it");
}

/// Does an action of labelling; `None` for one that is done as elsewhere.
pub(super) fn act(model: &mut Model, action: Action, now: &str) -> Option<Vec<Effect>> {
    if model.labelling.is_none() || model.view.screen != Screen::Inspector {
        return None;
    }
    if let Some(effects) = give::act(model, action, now) {
        return Some(effects);
    }
    Some(match action {
        Action::Blind => {
            blind(model);
            Vec::new()
        }
        Action::NextUnlabelled => queue::open_step(model, true),
        Action::PreviousUnlabelled => queue::open_step(model, false),
        Action::LabelQueue => queue::turn(model),
        Action::NextProblem => queue::go(model, true),
        Action::PreviousProblem => queue::go(model, false),
        // A call in flight is stopped first, as everywhere.
        Action::BackLevel if !model.is_generating() && !model.playing => {
            leave(model);
            Vec::new()
        }
        _ => return None,
    })
}

fn blind(model: &mut Model) {
    let Some(labelling) = &mut model.labelling else {
        return;
    };
    labelling.blind = !labelling.blind;
    let text = match labelling.blind {
        true => "blind: who wrote the steps, scores, outcome and others' labels are hidden",
        false => "everything is shown again",
    };
    model.view.decision_scroll = 0;
    model.say(NoticeLevel::Info, text);
}
