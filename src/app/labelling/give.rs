//! Giving labels and taking them back.

use std::sync::Arc;

use crate::eval::outcomes::counted;
use crate::session::Session;
use crate::survey::Fact;
use crate::trace::NodeIndex;
use crate::trace::label::{Label, Rating};
use crate::trace::record::LabelRecord;

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::follow;
use super::super::line_edit::LineEdit;
use super::super::model::{Layer, Mode, Model, NoticeLevel, Purpose, Slot};
use super::super::navigate;
use super::{Given, queue};

/// Does an action that gives a label or takes one back.
pub fn act(model: &mut Model, action: Action, now: &str) -> Option<Vec<Effect>> {
    let label = match action {
        Action::RateBad => Label::Bad,
        Action::RateNeutral => Label::Neutral,
        Action::RateGood => Label::Good,
        Action::RateFirstError => Label::FirstError,
        Action::FlagStep => Label::Flagged,
        Action::SkipStep => Label::Skipped,
        Action::NoteStep => {
            ask_note(model);
            return Some(Vec::new());
        }
        Action::UndoLabel => return Some(undo(model, now)),
        _ => return None,
    };
    Some(give(model, label, now))
}

fn open(model: &Model, entry: usize) -> Option<&Session> {
    match model.slots.get(entry) {
        Some(Slot::Open(session)) => Some(session),
        _ => None,
    }
}

/// Labels the step at the cursor and goes on to the next one; a flag stays.
fn give(model: &mut Model, label: Label, now: &str) -> Vec<Effect> {
    let Some((session, node)) = model.session().zip(model.cursor()) else {
        let text = "this is the question: j goes to the first step";
        model.say(NoticeLevel::Info, text);
        return Vec::new();
    };
    if label == Label::Flagged && model.own_opinion(node).flagged {
        let text = "you flagged it already; u takes your last label back";
        model.say(NoticeLevel::Info, text);
        return Vec::new();
    }
    let mut labels = Vec::new();
    let mut changed = 0;
    if label == Label::FirstError {
        let beside = beside_first_error(model, session, node);
        changed = beside
            .iter()
            .filter(|(_, before, _)| before.is_some())
            .count();
        let give = |(at, _, rating): (NodeIndex, _, Rating)| {
            session.label(at, rating.label(), &model.who, now)
        };
        labels.extend(beside.into_iter().map(give));
    }
    labels.push(session.label(node, label, &model.who, now));
    if changed > 0 {
        let steps = counted(changed, "step");
        let text = format!("changed with it: {steps} that you had rated wrong; u takes it back");
        model.say(NoticeLevel::Info, text);
    }
    let mut effects = commit(model, model.current, labels, true);
    if label != Label::Flagged {
        effects.extend(queue::on(model));
    }
    effects
}

/// Asks for a note on the step at the cursor; the person's last one is offered.
fn ask_note(model: &mut Model) {
    let Some((session, node)) = model.session().zip(model.cursor()) else {
        let text = "this is the question: j goes to the first step";
        model.say(NoticeLevel::Info, text);
        return;
    };
    let known = session.tree().node(node).note_of(&model.who);
    let input = LineEdit::offering(known.unwrap_or_default().to_owned());
    model.layers.push(Layer::Expression {
        purpose: Purpose::Note,
        input,
        error: None,
    });
}

/// Takes a note on the step at the cursor; nothing written is no note.
pub fn note(model: &mut Model, text: &str, now: &str) -> Vec<Effect> {
    let text = text.trim();
    let Some((session, node)) = model.session().zip(model.cursor()) else {
        return Vec::new();
    };
    if text.is_empty() || session.tree().node(node).note_of(&model.who) == Some(text) {
        return Vec::new();
    }
    let label = LabelRecord {
        note: Some(text.to_owned()),
        ..session.label(node, Label::Noted, &model.who, now)
    };
    commit(model, model.current, vec![label], true)
}

/// What `first-error` at `node` says of other steps, with what the person had
/// rated them: those before it are right unless they are neutral, and a first
/// error behind it is wrong and no longer the first.
fn beside_first_error(
    model: &Model,
    session: &Session,
    node: NodeIndex,
) -> Vec<(NodeIndex, Option<Rating>, Rating)> {
    let tree = session.tree();
    let rated = |at: NodeIndex| model.own_opinion(at).rating;
    let mut found = Vec::new();
    for at in tree.path(node).into_iter().filter(|&at| at != node) {
        let before = rated(at);
        if before.is_none_or(Rating::is_error) {
            found.push((at, before, Rating::Good));
        }
    }
    let mut behind = vec![node];
    while let Some(at) = behind.pop() {
        let before = rated(at);
        if at != node && before == Some(Rating::FirstError) {
            found.push((at, before, Rating::Bad));
        }
        behind.extend(tree.children(Some(at)).iter().chain(tree.drafts(Some(at))));
    }
    found
}

/// Counts labels at once and has them written. Those that are `undoable` are
/// what [`undo`] takes back next.
fn commit(
    model: &mut Model,
    entry: usize,
    labels: Vec<LabelRecord>,
    undoable: bool,
) -> Vec<Effect> {
    if let Some(Slot::Open(session)) = model.slots.get_mut(entry) {
        for label in &labels {
            session.add_label(label.clone());
        }
    }
    if let Some(labelling) = &mut model.labelling {
        labelling.touched.extend(u32::try_from(entry));
        labelling.offered = None;
        if undoable {
            let labels = labels.clone();
            labelling.given.push(Given { entry, labels });
        }
    }
    vec![Effect::Label(labels)]
}

/// Takes back what was given last, and goes there; where nothing was given
/// since labelling began, what the person said last of the step at the cursor.
fn undo(model: &mut Model, now: &str) -> Vec<Effect> {
    let last = model
        .labelling
        .as_mut()
        .and_then(|labelling| labelling.given.pop());
    let Some(Given { entry, labels }) = last else {
        return undo_here(model, now);
    };
    let Some(session) = open(model, entry) else {
        // A tour has closed it.
        if let Some(labelling) = &mut model.labelling {
            labelling.given.push(Given { entry, labels });
        }
        let text = "its trajectory is read first: u again takes it back";
        model.say(NoticeLevel::Info, text);
        return follow::show(model, entry);
    };
    let tree = session.tree();
    let nodes = labels.iter().rev();
    let nodes: Vec<NodeIndex> = nodes.filter_map(|label| tree.find(&label.step)).collect();
    let who = &model.who;
    let back = |&node: &NodeIndex| session.label(node, Label::Retracted, who, now);
    let back: Vec<LabelRecord> = nodes.iter().map(back).collect();
    let mut effects = commit(model, entry, back, false);
    if entry != model.current {
        effects.extend(follow::show(model, entry));
    }
    if let Some(&node) = nodes.first() {
        navigate::goto(model, Some(node));
    }
    let words: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
    let text = match words.as_slice() {
        [word] => format!("`{word}` is taken back"),
        several => format!("{} labels are taken back", several.len()),
    };
    model.say(NoticeLevel::Info, text);
    effects
}

fn undo_here(model: &mut Model, now: &str) -> Vec<Effect> {
    let found = model.session().zip(model.cursor());
    let says = |session: &Session, node| {
        let noted = session.tree().node(node).note_of(&model.who).is_some();
        noted || !model.own_opinion(node).is_empty()
    };
    let found = found.filter(|&(session, node)| says(session, node));
    let Some((session, node)) = found else {
        let text = "there is no label of yours to take back at this step";
        model.say(NoticeLevel::Info, text);
        return Vec::new();
    };
    let label = session.label(node, Label::Retracted, &model.who, now);
    model.say(
        NoticeLevel::Info,
        "your last label of this step is taken back",
    );
    commit(model, model.current, vec![label], false)
}

/// Forgets labels that could not be written.
pub fn failed(model: &mut Model, labels: &[LabelRecord], message: &str) {
    for label in labels {
        let place = model.survey.find(&label.run, &label.problem);
        if let Some(Slot::Open(session)) = place.and_then(|place| model.slots.get_mut(place)) {
            session.remove_label(label);
        }
        Arc::make_mut(&mut model.survey).remove_label(label);
        if let Some(labelling) = &mut model.labelling {
            labelling
                .touched
                .extend(place.and_then(|place| u32::try_from(place).ok()));
            for given in &mut labelling.given {
                given.labels.retain(|known| known != label);
            }
            labelling.given.retain(|given| !given.labels.is_empty());
        }
    }
    let text = format!("{message}; the label is not given");
    model.say(NoticeLevel::Error, text);
}

/// Takes labels that were read after trajectories had been opened. One that is
/// being opened gets them [later](late).
pub fn read(model: &mut Model, labels: Vec<LabelRecord>) {
    for label in labels {
        let Some(place) = model.survey.find(&label.run, &label.problem) else {
            continue;
        };
        match model.slots.get_mut(place) {
            Some(Slot::Open(session)) => know(session, label),
            Some(Slot::Opening) => model.late_labels.push((place, label)),
            _ => {}
        }
    }
}

/// Takes the labels of a trajectory that were read while it was being opened.
pub fn late(model: &mut Model, entry: usize) {
    let late = std::mem::take(&mut model.late_labels);
    let (own, others): (Vec<_>, Vec<_>) = late.into_iter().partition(|(place, _)| *place == entry);
    model.late_labels = others;
    if let Some(Slot::Open(session)) = model.slots.get_mut(entry) {
        for (_, label) in own {
            know(session, label);
        }
    }
}

/// Keeps the labels of a trajectory that is opened again: those that were given
/// meanwhile are not in the log as it was read.
pub fn keep(session: &mut Session, before: &Session) {
    let labels = before.tree().nodes().flat_map(|(_, node)| &node.labels);
    for label in labels {
        know(session, label.clone());
    }
}

/// Adds a label unless it is there.
fn know(session: &mut Session, label: LabelRecord) {
    let tree = session.tree();
    let node = tree.find(&label.step);
    if !node.is_some_and(|node| tree.node(node).labels.contains(&label)) {
        session.add_label(label);
    }
}

/// Asks what others have said since: at every key while labelling, and where a
/// trajectory is opened. A tour is the same every time, so that nobody is heard.
pub fn listen(model: &Model, effects: &[Effect]) -> Option<Effect> {
    if model.mode != Mode::Replay || model.talk.is_touring() || model.talk.is_recording() {
        return None;
    }
    let opens = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Open { .. }));
    let entry = model.current;
    (opens || model.labelling.is_some()).then_some(Effect::HearLabels { entry })
}

/// Takes what others said since the log was read.
pub fn heard(model: &mut Model, labels: Vec<LabelRecord>) {
    for label in &labels {
        let Some(place) = model.survey.find(&label.run, &label.problem) else {
            continue;
        };
        Arc::make_mut(&mut model.survey).add(Fact::of_label(label));
        // The same person may label in another window.
        if let Some(labelling) = model.labelling.as_mut().filter(|_| label.who == model.who) {
            labelling.touched.extend(u32::try_from(place));
        }
    }
    read(model, labels);
}
