//! Giving labels and taking them back.

use crate::session::Session;
use crate::trace::NodeIndex;
use crate::trace::label::{Label, Rating};
use crate::trace::record::LabelRecord;

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::follow;
use super::super::line_edit::LineEdit;
use super::super::model::{Layer, Model, NoticeLevel, Purpose, Slot};
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
    if label == Label::FirstError {
        labels.extend(right_before(model, session, node, now));
    }
    labels.push(session.label(node, label, &model.who, now));
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

/// `good` for the steps before `node` that the person has not rated.
fn right_before(model: &Model, session: &Session, node: NodeIndex, now: &str) -> Vec<LabelRecord> {
    let path = session.tree().path(node);
    let before = path.into_iter().filter(|&earlier| earlier != node);
    let unrated = before.filter(|&earlier| model.own_opinion(earlier).rating.is_none());
    let good = |earlier| session.label(earlier, Rating::Good.label(), &model.who, now);
    unrated.map(good).collect()
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
        return Vec::new();
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
        std::sync::Arc::make_mut(&mut model.survey).remove_label(label);
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

/// Takes labels that were read after trajectories had been opened.
pub fn read(model: &mut Model, labels: Vec<LabelRecord>) {
    for label in labels {
        let place = model.survey.find(&label.run, &label.problem);
        if let Some(Slot::Open(session)) = place.and_then(|place| model.slots.get_mut(place)) {
            let tree = session.tree();
            let known = tree
                .find(&label.step)
                .is_some_and(|node| tree.node(node).labels.contains(&label));
            if !known {
                session.add_label(label);
            }
        }
    }
}
