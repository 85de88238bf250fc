//! Where one has been: a list of places that far movements were made from,
//! over all trajectories.
//!
//! It works as a browser's: going back and then somewhere else forgets what
//! lay ahead.

use crate::trace::NodeIndex;

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::follow;
use super::super::model::{Model, NoticeLevel, Screen, Slot};
use super::super::navigate;

/// Places that are remembered.
const MOST: usize = 100;

/// A step of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub entry: usize,
    /// `None` is the question.
    pub node: Option<NodeIndex>,
    /// Number of the step, 0 for the question: for a trajectory that has to be
    /// opened first.
    step: u32,
}

/// Places behind and ahead.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Jumps {
    behind: Vec<Place>,
    ahead: Vec<Place>,
}

impl Jumps {
    fn left(&mut self, place: Place) {
        if self.behind.last() != Some(&place) {
            self.behind.push(place);
        }
        if self.behind.len() > MOST {
            self.behind.remove(0);
        }
        self.ahead.clear();
    }
}

/// Where the person looks now.
pub fn here(model: &Model) -> Place {
    let node = model.cursor();
    let session = model.session();
    let step = node
        .zip(session)
        .map_or(0, |(node, session)| session.tree().node(node).step.index);
    Place {
        entry: model.current,
        node,
        step,
    }
}

/// Remembers the place an action was done from, where it led far away, or
/// `runs` to where that will be seen.
pub fn far(model: &mut Model, action: Action, before: Place, runs: bool) {
    if matches!(action, Action::JumpBack | Action::JumpForward) {
        return;
    }
    let now = here(model);
    let moved = now.entry == before.entry && now.node != before.node;
    let known = model.entries.len() > before.entry;
    if known && (now.entry != before.entry || runs || moved && is_far(action)) {
        model.jumps.left(before);
    }
}

/// Whether an action goes further than a step or a page at a time.
fn is_far(action: Action) -> bool {
    matches!(
        action,
        Action::First
            | Action::Last
            | Action::Run
            | Action::RunBack
            | Action::NextEscalation
            | Action::PreviousEscalation
            | Action::NextDisagreement
            | Action::PreviousDisagreement
            | Action::FirstError
            | Action::NextMark
            | Action::NextMatch
            | Action::PreviousMatch
            // Of a search, a step by its number, an expression.
            | Action::Accept
    )
}

/// Goes so many places back, or forward where negative.
pub fn go(model: &mut Model, back: i64) -> Vec<Effect> {
    let mut target = None;
    let mut current = here(model);
    for _ in 0..back.unsigned_abs() {
        let jumps = &mut model.jumps;
        let (from, to) = match back > 0 {
            true => (&mut jumps.behind, &mut jumps.ahead),
            false => (&mut jumps.ahead, &mut jumps.behind),
        };
        // A place that one is at already is nowhere to go.
        let next = std::iter::from_fn(|| from.pop()).find(|place| *place != current);
        let Some(next) = next else {
            break;
        };
        to.push(current);
        current = next;
        target = Some(next);
    }
    match target {
        Some(place) => show(model, place),
        None => {
            let text = match back > 0 {
                true => "nowhere to go back to: this is where it began",
                false => "nothing lies ahead: ctrl-o goes back",
            };
            model.say(NoticeLevel::Info, text);
            Vec::new()
        }
    }
}

fn show(model: &mut Model, place: Place) -> Vec<Effect> {
    if model.view.screen.is_table() {
        model.view.screen = Screen::Inspector;
    }
    let effects = match place.entry == model.current {
        true => Vec::new(),
        false => follow::show(model, place.entry),
    };
    match model.slots.get(place.entry) {
        Some(Slot::Open(_)) => navigate::goto(model, place.node),
        _ => model.view.go_to = Some(place.step),
    }
    effects
}
