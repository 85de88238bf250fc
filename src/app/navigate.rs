//! Moving over what is there: the cursor, the branches, the marks, the scroll
//! of the panes. Changes what is looked at and nothing else.

use crate::counts::counted;
use crate::session::Command;
use crate::trace::NodeIndex;
use crate::trace::label::Rating;
use crate::trace::record::{GRADER, JUDGE};

use super::analysis;
use super::compare;
use super::effect::Effect;
use super::follow::show;
use super::model::{Model, NoticeLevel, Pane, Screen};
use super::table;
use super::what_if;

impl Model {
    /// Goes to a step of the followed path; 0 is the question, and what is
    /// beyond the end is the last.
    pub fn go_to_step(&mut self, step: u32) {
        goto_step(self, step);
    }
}

/// Moves the cursor along the followed path; 0 is the question.
pub(super) fn move_cursor(model: &mut Model, by: i64) {
    let Some((path, at)) = path_and_place(model) else {
        return;
    };
    let target = (at as i64 + by).clamp(0, path.len() as i64);
    goto_place(model, &path, usize::try_from(target).unwrap_or(0));
}

pub(super) fn to_step(model: &mut Model, step: u32) {
    match model.view.focus {
        Pane::Text if step == 0 => model.view.text_scroll = Some(0),
        Pane::Text if step == u32::MAX => model.view.text_scroll = Some(model.view.text_last),
        Pane::Decision if step == 0 => model.view.decision_scroll = 0,
        Pane::Decision if step == u32::MAX => {
            model.view.decision_scroll = model.view.decision_last;
        }
        Pane::Steps | Pane::Text | Pane::Decision => goto_step(model, step),
    }
}

/// Goes to a step of the followed path by its 1-based number.
pub(super) fn goto_step(model: &mut Model, step: u32) {
    if let Some((path, _)) = path_and_place(model) {
        let wanted = usize::try_from(step).unwrap_or(usize::MAX);
        goto_place(model, &path, wanted.min(path.len()));
        // The largest number means the last one.
        if wanted > path.len() && step < u32::MAX {
            let steps = counted(path.len(), "step");
            let text = format!("there is no step {step}: this path has {steps}");
            model.say(NoticeLevel::Info, text);
        }
    }
}

pub(super) fn path_and_place(model: &Model) -> Option<(Vec<NodeIndex>, usize)> {
    let session = model.session()?;
    let path = session.followed_path();
    let at = session
        .cursor()
        .and_then(|cursor| path.iter().position(|&node| node == cursor))
        .map_or(0, |place| place + 1);
    Some((path, at))
}

fn goto_place(model: &mut Model, path: &[NodeIndex], place: usize) {
    let target = place.checked_sub(1).and_then(|at| path.get(at).copied());
    goto(model, target);
}

pub(super) fn goto(model: &mut Model, target: Option<NodeIndex>) {
    model.view.text_scroll = None;
    model.view.decision_scroll = 0;
    if let Some(session) = model.session_mut() {
        // The target is from this tree, so it is there.
        let _ = session.command(Command::Goto(target), "");
    }
}

pub(super) fn vertical(model: &mut Model, lines: i64) {
    let by = i32::try_from(lines).unwrap_or(i32::MAX);
    match (model.view.screen, model.view.focus) {
        (Screen::WhatIf, _) => what_if::vertical(model, lines),
        (Screen::Analysis, _) => analysis::vertical(model, lines),
        (Screen::Values, _) => move_cursor(model, lines),
        (Screen::Compare, _) => compare::vertical(model, lines),
        (Screen::Runs | Screen::Problems, _) => table::vertical(model, lines),
        (Screen::Tree, Pane::Steps) => move_in_tree(model, lines),
        (_, Pane::Steps) => move_cursor(model, lines),
        (_, Pane::Text) => scroll_text(model, by),
        (_, Pane::Decision) => scroll_decision(model, by),
    }
}

/// Moves over the rows of the tree, branches and rejected drafts included.
fn move_in_tree(model: &mut Model, by: i64) {
    let Some(session) = model.session() else {
        return;
    };
    let rows = session.tree().rows();
    let at = session
        .cursor()
        .and_then(|cursor| rows.iter().position(|row| row.node == cursor))
        .map_or(0, |place| place + 1);
    let target = (at as i64 + by).clamp(0, rows.len() as i64);
    let target = usize::try_from(target)
        .unwrap_or(0)
        .checked_sub(1)
        .map(|at| rows[at].node);
    goto(model, target);
}

pub(super) fn branch(model: &mut Model, by: i64) {
    let Some(session) = model.session() else {
        return;
    };
    let Some(cursor) = session.cursor() else {
        return model.say(NoticeLevel::Info, "the question has no branches");
    };
    let siblings = session.tree().siblings(cursor);
    if siblings.len() < 2 {
        return model.say(NoticeLevel::Info, "no other branch at this step");
    }
    let at = siblings
        .iter()
        .position(|&node| node == cursor)
        .unwrap_or(0) as i64;
    let target = (at + by).rem_euclid(siblings.len() as i64);
    let target = siblings[usize::try_from(target).unwrap_or(0)];
    goto(model, Some(target));
}

pub(super) fn escalation(model: &mut Model, by: i64) {
    let Some((path, at)) = path_and_place(model) else {
        return;
    };
    let Some(session) = model.session() else {
        return;
    };
    let writer = |node: NodeIndex| {
        session
            .settings()
            .place(&session.tree().node(node).step.model)
    };
    let places: Vec<usize> = (1..=path.len())
        .filter(|&place| {
            let before = place
                .checked_sub(2)
                .and_then(|at| writer(path[at]))
                .unwrap_or(0);
            writer(path[place - 1]).is_some_and(|model| model > before)
        })
        .collect();
    jump(
        model,
        &path,
        at,
        &places,
        by,
        "no other escalation on this path",
    );
}

/// To a step at which a router of the panel would have done otherwise. Each
/// step of the path is asked about once, when somebody jumps.
pub(super) fn disagreement(model: &mut Model, by: i64) {
    let Some((path, at)) = path_and_place(model) else {
        return;
    };
    let Some(session) = model.session() else {
        return;
    };
    let panel = &session.settings().panel;
    let places: Vec<usize> = (1..=path.len())
        .filter(|&place| session.is_disputed(path[place - 1], panel))
        .collect();
    let none = match places.is_empty() {
        true => "nowhere on this path would another router have done otherwise",
        false => "no other step on this path at which the routers disagree",
    };
    jump(model, &path, at, &places, by, none);
}

pub(super) fn first_error(model: &mut Model) {
    let Some((path, _)) = path_and_place(model) else {
        return;
    };
    let Some(session) = model.session() else {
        return;
    };
    // Only steps that were judged: a score below one half, or a label. What a
    // grader says of the whole trajectory stands at its last step; a judge's
    // scores go to 9.
    let wrong = path.iter().position(|&node| {
        let node = session.tree().node(node);
        node.scores
            .iter()
            .filter(|score| ![GRADER, JUDGE].contains(&score.scorer.as_str()))
            .any(|score| score.value.is_some_and(|value| value < 0.5))
            || node.ballot().rating().is_some_and(Rating::is_error)
    });
    match wrong {
        Some(place) => goto_place(model, &path, place + 1),
        None => model.say(NoticeLevel::Info, "no step of this path was judged wrong"),
    }
}

pub(super) fn mark(model: &mut Model) {
    let Some(session) = model.session() else {
        return;
    };
    let Some(cursor) = session.cursor() else {
        return;
    };
    let problem = session.problem().id.clone();
    let step = session.tree().node(cursor).step.id.clone();
    let marks = model.marks.entry(problem).or_default();
    if !marks.remove(&step) {
        marks.insert(step);
    }
}

pub(super) fn next_mark(model: &mut Model, by: i64) {
    let Some((path, at)) = path_and_place(model) else {
        return;
    };
    let Some(session) = model.session() else {
        return;
    };
    let places: Vec<usize> = (1..=path.len())
        .filter(|&place| model.is_marked(&session.tree().node(path[place - 1]).step.id))
        .collect();
    jump(model, &path, at, &places, by, "no other mark on this path");
}

/// To the `by`-th of `places` after (before) the place `at`.
fn jump(model: &mut Model, path: &[NodeIndex], at: usize, places: &[usize], by: i64, none: &str) {
    let skip = usize::try_from(by.unsigned_abs())
        .unwrap_or(1)
        .saturating_sub(1);
    let target = if by >= 0 {
        places.iter().filter(|&&place| place > at).nth(skip)
    } else {
        places.iter().rev().filter(|&&place| place < at).nth(skip)
    };
    match target {
        Some(&place) => goto_place(model, path, place),
        None => model.say(NoticeLevel::Info, none),
    }
}

pub(super) fn search_jump(model: &mut Model, by: i64) {
    let target = model
        .session()
        .and_then(|session| model.search.jump(session, by));
    match target {
        Some(place) => goto(model, place),
        None if model.search.query.is_empty() => {
            model.say(NoticeLevel::Info, "nothing searched yet: / searches");
        }
        None => {
            let text = format!("`{}` is not on this path", model.search.query);
            model.say(NoticeLevel::Info, text);
        }
    }
}

pub(super) fn toggle_tree(model: &mut Model) {
    model.view.focus = Pane::Steps;
    model.view.screen = match model.view.screen {
        Screen::Inspector => Screen::Tree,
        _ => Screen::Inspector,
    };
}

/// Shows a table, or the trajectory again where it is shown.
pub(super) fn switch(model: &mut Model, table: Screen) -> Vec<Effect> {
    if model.view.screen == table {
        model.view.screen = Screen::Inspector;
        return show(model, model.current);
    }
    let from_trajectory = !model.view.screen.is_table();
    model.view.screen = table;
    if table == Screen::Problems && from_trajectory {
        model.table.refresh(&model.survey, model.reading.is_some());
        if let Some(row) = model.table.row_of(model.current) {
            model.table.cursor = row;
        }
    }
    Vec::new()
}

/// Scrolls the text pane from where it stands.
pub(super) fn scroll_text(model: &mut Model, lines: i32) {
    let from = model.view.text_scroll.unwrap_or(model.view.text_top);
    let to = from.saturating_add_signed(lines as isize);
    model.view.text_scroll = Some(to.min(model.view.text_last));
}

pub(super) fn scroll_decision(model: &mut Model, lines: i32) {
    let scroll = model
        .view
        .decision_scroll
        .saturating_add_signed(lines as isize);
    model.view.decision_scroll = scroll.min(model.view.decision_last);
}
