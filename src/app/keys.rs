//! Actions on the screens; those of overlays go to [`overlay`].

use crate::session::{Command, Refusal, Session};
use crate::trace::NodeIndex;

use super::action::Action;
use super::effect::Effect;
use super::line_edit::LineEdit;
use super::model::{EndpointState, Layer, Mode, Model, NoticeLevel, Pane, Screen, Slot};
use super::overlay;
use super::update::{effects_of, scroll_decision, scroll_text, show};

/// Lines of a page where the pane's height is not known better.
const PAGE: i64 = 10;

/// Does an action.
pub(super) fn act(model: &mut Model, action: Action, count: Option<u32>, now: &str) -> Vec<Effect> {
    if !model.layers.is_empty() && !matches!(action, Action::Suspend | Action::Redraw) {
        return overlay::act(model, action, now);
    }
    if let Some(reason) = model.unavailable(action) {
        model.say(NoticeLevel::Warning, reason);
        return Vec::new();
    }
    let times = i64::from(count.unwrap_or(1));
    match action {
        Action::Step => step(model, times, now),
        Action::Back => {
            move_cursor(model, -times);
            Vec::new()
        }
        Action::Run => here(model, Command::Run, now),
        Action::Retry => retry(model, now),
        Action::Rerun => here(model, Command::Rerun, now),
        Action::Cancel => cancel(model, now),
        Action::RunUntil => open_layer(
            model,
            Layer::RunUntil {
                input: LineEdit::new("escalation"),
                error: None,
            },
        ),
        Action::Override => open_override(model),
        Action::Edit => edit(model),
        Action::Play => play(model),
        Action::Problems => open_layer(
            model,
            Layer::Picker {
                input: LineEdit::default(),
                selected: 0,
            },
        ),
        Action::Palette => open_layer(
            model,
            Layer::Palette {
                input: LineEdit::default(),
                selected: 0,
            },
        ),
        Action::Search => {
            let before = model.search.query.clone();
            let input = LineEdit::default();
            open_layer(model, Layer::Search { input, before })
        }
        Action::Help => open_layer(model, Layer::Help { scroll: 0 }),
        Action::Copy => copy(model),
        Action::NextTheme => vec![Effect::NextTheme],
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => quit(model),
        Action::BackLevel => back_level(model, now),
        Action::Mouse => {
            model.view.mouse = !model.view.mouse;
            vec![Effect::Mouse(model.view.mouse)]
        }
        _ => {
            look(model, action, count);
            Vec::new()
        }
    }
}

/// Actions that only change what is looked at.
fn look(model: &mut Model, action: Action, count: Option<u32>) {
    let times = i64::from(count.unwrap_or(1));
    match action {
        Action::Down => vertical(model, times),
        Action::Up => vertical(model, -times),
        Action::HalfPageDown => vertical(model, times * PAGE / 2),
        Action::HalfPageUp => vertical(model, -times * PAGE / 2),
        Action::PageDown => vertical(model, times * PAGE),
        Action::PageUp => vertical(model, -times * PAGE),
        Action::First => to_step(model, count.unwrap_or(0)),
        Action::Last => to_step(model, count.unwrap_or(u32::MAX)),
        Action::NextPane | Action::Right => model.view.focus = model.view.focus.next(),
        Action::PreviousPane | Action::Left => model.view.focus = model.view.focus.previous(),
        Action::NextBranch => branch(model, 1),
        Action::PreviousBranch => branch(model, -1),
        Action::NextEscalation => escalation(model, times),
        Action::PreviousEscalation => escalation(model, -times),
        Action::FirstError => first_error(model),
        Action::Mark => mark(model),
        Action::NextMark => next_mark(model, times),
        Action::NextMatch => search_jump(model, times),
        Action::PreviousMatch => search_jump(model, -times),
        Action::Source => model.view.source = !model.view.source,
        Action::Shading => model.view.shading = !model.view.shading,
        Action::Tree => toggle_tree(model),
        Action::Accept => model.view.focus = Pane::Text,
        _ => {}
    }
}

/// Follows a command in the session on screen.
pub(super) fn here(model: &mut Model, command: Command, now: &str) -> Vec<Effect> {
    command_at(model, model.current, command, now)
}

pub(super) fn command(model: &mut Model, entry: usize, wanted: Command, now: &str) -> Vec<Effect> {
    command_at(model, entry, wanted, now)
}

fn command_at(model: &mut Model, entry: usize, wanted: Command, now: &str) -> Vec<Effect> {
    let Some(Slot::Open(session)) = model.slots.get_mut(entry) else {
        model.say(
            NoticeLevel::Warning,
            "no problem is open: choose one with P",
        );
        return Vec::new();
    };
    if let Some(reason) = model
        .log_broken
        .as_ref()
        .filter(|_| writes(session, &wanted))
    {
        // Nothing is generated that could not be recorded.
        let text = format!("{reason}; generating is off");
        model.say(NoticeLevel::Error, text);
        return Vec::new();
    }
    let result = session.command(wanted, now);
    if entry == model.current {
        model.view.text_scroll = None;
    }
    match result {
        Ok(outputs) => effects_of(entry, outputs),
        Err(refusal) => {
            model.say(NoticeLevel::Warning, refusal.to_string());
            Vec::new()
        }
    }
}

/// Whether a command may grow the tree, rather than only look at it or stop.
fn writes(session: &Session, wanted: &Command) -> bool {
    match wanted {
        Command::Back | Command::Goto(_) | Command::Cancel => false,
        Command::Step => session.next_on_branch(session.cursor()).is_none(),
        Command::Run
        | Command::RunUntil(_)
        | Command::Override { .. }
        | Command::Edit { .. }
        | Command::Rerun
        | Command::Retry => true,
    }
}

fn step(model: &mut Model, times: i64, now: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..times.max(1) {
        effects = here(model, Command::Step, now);
        if !effects.is_empty() || model.notice.is_some() {
            break;
        }
    }
    effects
}

/// Moves the cursor along the followed path; 0 is the question.
pub(super) fn move_cursor(model: &mut Model, by: i64) {
    let Some((path, at)) = path_and_place(model) else {
        return;
    };
    let target = (at as i64 + by).clamp(0, path.len() as i64);
    goto_place(model, &path, usize::try_from(target).unwrap_or(0));
}

fn to_step(model: &mut Model, step: u32) {
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
        let target = usize::try_from(step).unwrap_or(usize::MAX).min(path.len());
        goto_place(model, &path, target);
    }
}

fn path_and_place(model: &Model) -> Option<(Vec<NodeIndex>, usize)> {
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

fn vertical(model: &mut Model, lines: i64) {
    let by = i32::try_from(lines).unwrap_or(i32::MAX);
    match (model.view.screen, model.view.focus) {
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

fn branch(model: &mut Model, by: i64) {
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

fn escalation(model: &mut Model, by: i64) {
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

fn first_error(model: &mut Model) {
    let Some((path, _)) = path_and_place(model) else {
        return;
    };
    let Some(session) = model.session() else {
        return;
    };
    // Only what was judged: a score below one half, or a label.
    let wrong = path.iter().position(|&node| {
        let node = session.tree().node(node);
        node.scores
            .iter()
            .any(|score| score.value.is_some_and(|value| value < 0.5))
            || node.labels.iter().any(|label| label.label == "bad")
    });
    match wrong {
        Some(place) => goto_place(model, &path, place + 1),
        None => model.say(NoticeLevel::Info, "no step of this path was judged wrong"),
    }
}

fn mark(model: &mut Model) {
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

fn next_mark(model: &mut Model, by: i64) {
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

fn toggle_tree(model: &mut Model) {
    model.view.focus = Pane::Steps;
    model.view.screen = match model.view.screen {
        Screen::Inspector => Screen::Tree,
        Screen::Tree => Screen::Inspector,
    };
}

fn open_override(model: &mut Model) -> Vec<Effect> {
    let Some(session) = model.session() else {
        model.say(
            NoticeLevel::Warning,
            "no problem is open: choose one with P",
        );
        return Vec::new();
    };
    if session.outcome().is_some() {
        model.say(NoticeLevel::Warning, Refusal::AtEnd.to_string());
        return Vec::new();
    }
    // The likeliest wish is the model the router did not choose.
    let wanted = session
        .decision_after(session.cursor())
        .and_then(|decision| session.settings().place(&decision.action))
        .unwrap_or(0);
    let last = session.settings().models().saturating_sub(1);
    let selected = if wanted == last { 0 } else { last };
    open_layer(model, Layer::Override { selected })
}

fn edit(model: &mut Model) -> Vec<Effect> {
    let Some(session) = model.session() else {
        return Vec::new();
    };
    if session.is_generating() {
        model.say(NoticeLevel::Warning, Refusal::Busy.to_string());
        return Vec::new();
    }
    let Some(cursor) = session.cursor() else {
        return Vec::new();
    };
    let text = session.tree().node(cursor).step.text.clone();
    vec![Effect::Editor {
        entry: model.current,
        text,
    }]
}

fn copy(model: &Model) -> Vec<Effect> {
    let text = model.session().and_then(|session| {
        let cursor = session.cursor()?;
        Some(session.tree().node(cursor).step.text.clone())
    });
    text.map(|text| vec![Effect::Copy(text)])
        .unwrap_or_default()
}

fn play(model: &mut Model) -> Vec<Effect> {
    model.playing = !model.playing;
    if model.playing && model.session().is_none() {
        model.playing = false;
    }
    Vec::new()
}

/// One step of the tape; stops at its end and never calls anybody.
pub(super) fn play_on(model: &mut Model, now: &str) -> Vec<Effect> {
    let next = model.session().and_then(|s| s.next_on_branch(s.cursor()));
    if next.is_none() {
        model.playing = false;
        model.say(NoticeLevel::Info, "the tape ends here");
        return Vec::new();
    }
    here(model, Command::Step, now)
}

fn retry(model: &mut Model, now: &str) -> Vec<Effect> {
    // A server that was down is asked again at the same time.
    let mut effects = Vec::new();
    for (place, state) in model.endpoints.iter_mut().enumerate() {
        if matches!(state, EndpointState::Down(_)) {
            *state = EndpointState::Probing;
            effects.push(Effect::Probe { model: place });
        }
    }
    if matches!(model.slots.get(model.current), Some(Slot::Failed(_))) {
        effects.extend(show(model, model.current));
        return effects;
    }
    let probing = !effects.is_empty();
    effects.extend(here(model, Command::Retry, now));
    if probing && model.notice.is_some() {
        model.say(NoticeLevel::Info, "asking the server again");
    }
    effects
}

fn cancel(model: &mut Model, now: &str) -> Vec<Effect> {
    if model.playing {
        model.playing = false;
        return Vec::new();
    }
    here(model, Command::Cancel, now)
}

/// One level back: a call, a tape, a search, the tree; never the program.
fn back_level(model: &mut Model, now: &str) -> Vec<Effect> {
    if model.playing || model.session().is_some_and(Session::is_generating) {
        return cancel(model, now);
    }
    if !model.search.query.is_empty() {
        model.search.query.clear();
    } else if model.view.screen == Screen::Tree {
        toggle_tree(model);
    } else if model.view.focus == Pane::Steps {
        model.say(NoticeLevel::Info, "q quits");
    } else {
        model.view.focus = Pane::Steps;
    }
    Vec::new()
}

pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    if model.mode == Mode::Live && model.is_paying() {
        return open_layer(model, Layer::ConfirmQuit);
    }
    leave(model)
}

pub(super) fn leave(model: &mut Model) -> Vec<Effect> {
    model.quitting = true;
    vec![Effect::Quit]
}

fn open_layer(model: &mut Model, layer: Layer) -> Vec<Effect> {
    model.layers.push(layer);
    Vec::new()
}
