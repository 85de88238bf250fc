//! Which step and which trajectory comes next.

use crate::trace::NodeIndex;

use super::super::effect::Effect;
use super::super::follow;
use super::super::model::{Model, NoticeLevel, Screen};
use super::super::navigate;
use super::{Order, Seek};

/// Makes the queue: the trajectories of the table in the order that is wanted.
pub fn make(model: &mut Model) {
    model.table.refresh(&model.survey, model.reading.is_some());
    let survey = &model.survey;
    let mut queue = model.table.order.clone();
    let Some(labelling) = &mut model.labelling else {
        return;
    };
    if labelling.order == Order::Worth {
        queue = survey.by_worth(&queue);
    }
    let who = survey.named(&model.who);
    let done = queue.iter().copied();
    labelling.done = done.filter(|&place| survey.is_done(place, who)).collect();
    labelling.queue = queue;
    labelling.made_of = survey.trajectories().len();
    labelling.touched.clear();
}

/// Counts what was labelled; takes trajectories in that were read meanwhile.
pub fn refresh(model: &mut Model) {
    let Some(labelling) = &mut model.labelling else {
        return;
    };
    let survey = &model.survey;
    if model.reading.is_none() && labelling.made_of != survey.trajectories().len() {
        return make(model);
    }
    if labelling.touched.is_empty() {
        return;
    }
    let who = survey.named(&model.who);
    for place in std::mem::take(&mut labelling.touched) {
        if survey.is_done(place, who) && labelling.queue.contains(&place) {
            labelling.done.insert(place);
        } else {
            labelling.done.remove(&place);
        }
    }
}

/// Takes the trajectories in the other order.
pub fn turn(model: &mut Model) -> Vec<Effect> {
    let Some(labelling) = &mut model.labelling else {
        return Vec::new();
    };
    let (order, text) = match labelling.order {
        Order::Table => (Order::Worth, "those most worth labelling come first"),
        Order::Worth => (Order::Table, "trajectories come as the table has them"),
    };
    labelling.order = order;
    labelling.offered = None;
    make(model);
    let effects = match order {
        Order::Worth => offer(model),
        Order::Table => Vec::new(),
    };
    model.say(NoticeLevel::Info, text);
    effects
}

/// Shows the first trajectory of the queue that the person is not done with,
/// unless that was done already.
fn offer(model: &mut Model) -> Vec<Effect> {
    let Some(labelling) = &mut model.labelling else {
        return Vec::new();
    };
    let open = |place: &&u32| !labelling.done.contains(place);
    let first = labelling.queue.iter().find(open).copied();
    let before = std::mem::replace(&mut labelling.offered, first);
    match first.filter(|_| first != before) {
        Some(place) => show(model, place as usize, Seek::First),
        None => Vec::new(),
    }
}

/// Takes what decisions lost into the order. Whoever has not begun with the
/// trajectory that came first before it was known gets the one that does now.
pub fn regretted(model: &mut Model) -> Vec<Effect> {
    if !model.queues_by_worth() || model.values.regrets.is_none() {
        return Vec::new();
    }
    make(model);
    let labelling = model.labelling.as_ref();
    let offered = labelling.and_then(|labelling| labelling.offered);
    let waits = offered.is_some_and(|place| place as usize == model.current);
    match waits && model.view.screen == Screen::Inspector {
        true => offer(model),
        false => Vec::new(),
    }
}

/// Shows a trajectory, at an open step once it is there.
pub fn show(model: &mut Model, place: usize, seek: Seek) -> Vec<Effect> {
    let effects = follow::show(model, place);
    if let Some(labelling) = &mut model.labelling {
        labelling.seek = Some(seek);
    }
    arrived(model);
    effects
}

/// Looks at an open step of a trajectory that was waited for.
pub fn arrived(model: &mut Model) {
    if model.session().is_none() || model.view.screen != Screen::Inspector {
        return;
    }
    let Some(seek) = model.labelling.as_mut().and_then(|found| found.seek.take()) else {
        return;
    };
    let path = path(model);
    let is_open = |node: &NodeIndex| !model.own_opinion(*node).is_done();
    let found = match seek {
        Seek::First => path.iter().find(|node| is_open(node)),
        Seek::Last => path.iter().rev().find(|node| is_open(node)),
    };
    if let Some(&node) = found.or(path.first()) {
        navigate::goto(model, Some(node));
    }
}

fn path(model: &Model) -> Vec<NodeIndex> {
    let session = model.session();
    session.map_or_else(Vec::new, crate::session::Session::followed_path)
}

/// The step after the one that was labelled; after the last one the next
/// trajectory.
pub fn on(model: &mut Model) -> Vec<Effect> {
    let Some((path, at)) = navigate::path_and_place(model) else {
        return Vec::new();
    };
    match path.get(at) {
        Some(&next) => {
            navigate::goto(model, Some(next));
            Vec::new()
        }
        None => go(model, true),
    }
}

/// The next trajectory of the queue, or the one before.
pub fn go(model: &mut Model, forward: bool) -> Vec<Effect> {
    let place = neighbours(model, forward).first().copied();
    match place {
        Some(place) => show(model, place as usize, Seek::First),
        None => {
            let end = if forward { "last" } else { "first" };
            model.say(NoticeLevel::Info, format!("this is the {end} trajectory"));
            Vec::new()
        }
    }
}

/// The trajectories behind the one on screen, the next one first; or those
/// before it.
fn neighbours(model: &Model, forward: bool) -> Vec<u32> {
    let Some(labelling) = &model.labelling else {
        return Vec::new();
    };
    let queue = &labelling.queue;
    let here = queue
        .iter()
        .position(|&place| place as usize == model.current);
    match (here, forward) {
        (Some(at), true) => queue[at + 1..].to_vec(),
        (Some(at), false) => queue[..at].iter().rev().copied().collect(),
        // One that is not in the queue comes before all that are.
        (None, true) => queue.clone(),
        (None, false) => Vec::new(),
    }
}

/// The next step that the person has not labelled, here or in a trajectory
/// further on; or the one before.
pub fn open_step(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some((path, at)) = navigate::path_and_place(model) else {
        return go(model, forward);
    };
    let is_open = |node: &&NodeIndex| !model.own_opinion(**node).is_done();
    // `at` counts from 1; 0 is the question.
    let found = match forward {
        true => path[at.min(path.len())..].iter().find(is_open),
        false => path[..at.saturating_sub(1)].iter().rev().find(is_open),
    };
    if let Some(&node) = found {
        navigate::goto(model, Some(node));
        return Vec::new();
    }
    let open = neighbours(model, forward).into_iter().find(|place| {
        let labelling = model.labelling.as_ref();
        let done = labelling.is_some_and(|labelling| labelling.done.contains(place));
        let steps = model.survey.view(*place as usize).kept();
        !done && steps > 0
    });
    let seek = if forward { Seek::First } else { Seek::Last };
    match open {
        Some(place) => show(model, place as usize, seek),
        None => {
            let way = if forward {
                "further on"
            } else {
                "before this one"
            };
            let text = format!("no step {way} is left that you have not labelled");
            model.say(NoticeLevel::Info, text);
            Vec::new()
        }
    }
}
