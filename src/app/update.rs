//! The one place where the model changes.

use crate::session::{Command, Event, Phase, Session};

use super::action::Action;
use super::effect::Effect;
use super::model::{EndpointState, Mode, Model, Notice, NoticeLevel, Pane, Screen, Slot};
use super::msg::Msg;
use super::tour::Deed;
use super::{
    analysis, compare, debug, follow, labelling, navigate, overlay, probes, rollouts, surveyed,
    table, talk, values, what_if,
};

/// How often the busy sign moves, and how fast a tape plays.
const BUSY_MILLISECONDS: u64 = 120;
const PLAY_MILLISECONDS: u64 = 900;

/// Takes one message. `now` is RFC 3339, UTC.
pub fn update(model: &mut Model, msg: Msg, now: &str) -> Vec<Effect> {
    let by_person = matches!(msg, Msg::Action { .. });
    let mut effects = match msg {
        Msg::Action { action, count } => {
            model.notice = None;
            talk::act(model, action, count, now)
        }
        Msg::Pressed(keys) => {
            model.talk.press(keys);
            Vec::new()
        }
        Msg::Text(text) => typed(model, text, now),
        Msg::Wheel { lines, pane } => {
            // A tour has no wheel: what it did could not be played again.
            if !model.talk.is_touring() && !model.talk.is_recording() {
                wheel(model, lines, pane);
            }
            Vec::new()
        }
        Msg::Resize { width, height } => {
            (model.width, model.height) = (width, height);
            Vec::new()
        }
        Msg::Session { entry, event } => session_event(model, entry, event, now),
        Msg::Probed {
            model: place,
            result,
        } => probes::probed(model, place, result, now),
        Msg::ScorersProbed(result) => probes::scorers_probed(model, result, now),
        Msg::LogFailed { message } => log_failed(model, message, now),
        Msg::LabelFailed { labels, message } => {
            labelling::failed(model, &labels, &message);
            Vec::new()
        }
        Msg::LabelsRead(labels) => {
            labelling::read(model, labels);
            Vec::new()
        }
        Msg::LabelsAdded(labels) => {
            labelling::heard(model, labels);
            Vec::new()
        }
        Msg::Opened { entry, result } => opened(model, entry, result),
        Msg::Surveyed {
            facts,
            progress,
            warning,
        } => {
            let effects = surveyed::read(model, facts, progress);
            if let Some(warning) = warning {
                model.say(NoticeLevel::Warning, warning);
            }
            effects
        }
        Msg::Unread(message) => {
            surveyed::unread(model, message);
            Vec::new()
        }
        Msg::Ruled { run, spec, rule } => {
            values::ruled(model, run, &spec, &rule);
            Vec::new()
        }
        Msg::Regretted { evidence, regrets } => {
            values::regretted(model, evidence, regrets);
            labelling::regretted(model)
        }
        Msg::Analysed(found) => {
            analysis::analysed(model, found);
            Vec::new()
        }
        Msg::Gap { serial, gap } => {
            compare::gap(model, serial, gap);
            Vec::new()
        }
        Msg::Aligned { serial, alignment } => {
            compare::aligned(model, serial, alignment);
            Vec::new()
        }
        Msg::TextsRead(read) => {
            model.table.take_read(*read);
            Vec::new()
        }
        Msg::WhatIf { wanted, made } => {
            what_if::made(model, &wanted, made);
            Vec::new()
        }
        Msg::ForCost {
            what_if,
            cost,
            value,
        } => {
            what_if::found(model, &what_if, cost, value);
            Vec::new()
        }
        Msg::Edited { entry, result } => edited(model, entry, result, now),
        Msg::Copied(result) => copied(model, result),
        Msg::Themed(result) => themed(model, result),
        Msg::Tick => tick(model, now),
    };
    effects.extend(rollouts::go_on(model, now));
    surveyed::logged(model, &effects);
    labelling::refresh(model);
    refresh(model);
    if by_person {
        effects.extend(labelling::listen(model, &effects));
    }
    effects.extend(values::ask_for_router(model));
    effects.extend(ask_for_work(model));
    effects.extend(talk::go_on(model, now));
    effects.extend(next_tick(model));
    effects
}

/// Makes the table on screen anew where there is more to show.
pub(super) fn refresh(model: &mut Model) {
    let reading = model.reading.is_some();
    match model.view.screen {
        Screen::Runs => model.runs.refresh(&model.survey, reading),
        Screen::Problems => model.table.refresh(&model.survey, reading),
        Screen::Inspector
        | Screen::Tree
        | Screen::Values
        | Screen::WhatIf
        | Screen::Analysis
        | Screen::Compare => {}
    }
}

/// What the screen shows of the log as a whole and nobody has worked out yet.
pub(super) fn ask_for_work(model: &mut Model) -> impl Iterator<Item = Effect> + use<> {
    let work = [
        values::refresh(model),
        table::read_on(model),
        analysis::refresh(model),
        what_if::refresh(model),
    ];
    // Texts that cannot matter any more need no reading.
    refresh(model);
    work.into_iter().flatten()
}

/// Text for the field that is open; what is typed in a tour goes nowhere.
fn typed(model: &mut Model, text: String, now: &str) -> Vec<Effect> {
    if model.talk.is_touring() {
        return Vec::new();
    }
    if overlay::text(model, &text) {
        return talk::act(model, Action::Accept, None, now);
    }
    talk::note(model, Deed::Type(text), now);
    Vec::new()
}

fn session_event(model: &mut Model, entry: usize, event: Event, now: &str) -> Vec<Effect> {
    let Some(Slot::Open(session)) = model.slots.get_mut(entry) else {
        return Vec::new();
    };
    let before = session.cursor();
    let failed = match &event {
        Event::Failed { error, .. } => Some(error.to_string()),
        _ => None,
    };
    let answered = match (&event, session.phase()) {
        (Event::Reply { .. }, Phase::Generating(call)) => Some(call.place.model),
        _ => None,
    };
    let outputs = session.event(event, now);
    let moved = session.cursor() != before;
    let missed = session.missed().filter(|_| moved).map(follow::missed);
    if entry == model.current && moved {
        model.view.text_scroll = None;
    }
    // A server that answers is not down any more, whatever its probe said.
    if let Some(state @ EndpointState::Down(_)) =
        answered.and_then(|place| model.endpoints.get_mut(place))
    {
        *state = EndpointState::Unknown;
    }
    let missed = missed.filter(|_| entry == model.current);
    follow::tell(model, entry, missed.map(|text| (NoticeLevel::Info, text)));
    if let Some(message) = failed.filter(|_| !outputs.is_empty()) {
        model.say(NoticeLevel::Error, message);
    }
    if model.log_broken.is_some() {
        return Vec::new();
    }
    follow::effects_of(entry, outputs)
}

fn log_failed(model: &mut Model, message: String, now: &str) -> Vec<Effect> {
    model.say(NoticeLevel::Error, format!("{message}; generating is off"));
    model.log_broken = Some(message);
    // What was in flight could not be recorded: it is stopped.
    let mut effects = close(model, now);
    effects.retain(|effect| matches!(effect, Effect::Abort { .. }));
    effects
}

/// Cancels every call in flight; what it has probably cost is recorded.
pub fn close(model: &mut Model, now: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (entry, slot) in model.slots.iter_mut().enumerate() {
        if let Slot::Open(session) = slot
            && session.is_generating()
        {
            let outputs = session.command(Command::Cancel, now).unwrap_or_default();
            effects.extend(follow::effects_of(entry, outputs));
        }
    }
    effects
}

fn opened(model: &mut Model, entry: usize, result: Result<Box<Session>, String>) -> Vec<Effect> {
    let Some(slot) = model.slots.get_mut(entry) else {
        return Vec::new();
    };
    match result {
        Ok(mut session) => {
            if let Slot::Open(before) = &*slot {
                labelling::keep(&mut session, before);
            }
            let faults = session.tree().faults();
            let warnings = session.warnings().iter().cloned();
            let faults: Vec<String> = warnings
                .chain(faults.iter().map(ToString::to_string))
                .collect();
            *slot = Slot::Open(session);
            compare::opened(model, entry);
            labelling::late(model, entry);
            debug::share(model);
            if entry == model.current {
                follow::go_to_wanted(model);
                labelling::arrived(model);
            }
            if let Some(fault) = faults.first() {
                let others = faults.len() - 1;
                let more = if others == 0 {
                    String::new()
                } else {
                    format!(" (and {others} more)")
                };
                model.say(NoticeLevel::Warning, format!("damaged log: {fault}{more}"));
            }
        }
        Err(message) => {
            *slot = Slot::Failed(message.clone());
            model.say(NoticeLevel::Error, message);
        }
    }
    compare::settle(model).into_iter().collect()
}

fn edited(
    model: &mut Model,
    entry: usize,
    result: Result<Option<String>, String>,
    now: &str,
) -> Vec<Effect> {
    match result {
        Ok(Some(text)) => follow::command_at(model, entry, Command::Edit { text }, now),
        Ok(None) => {
            model.say(NoticeLevel::Info, "nothing was changed");
            Vec::new()
        }
        Err(message) => {
            model.say(NoticeLevel::Error, message);
            Vec::new()
        }
    }
}

fn copied(model: &mut Model, result: Result<usize, String>) -> Vec<Effect> {
    model.notice = Some(match result {
        Ok(characters) => Notice {
            level: NoticeLevel::Info,
            text: format!("copied {characters} characters"),
        },
        Err(message) => Notice {
            level: NoticeLevel::Error,
            text: message,
        },
    });
    Vec::new()
}

fn themed(model: &mut Model, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(name) => {
            model.say(NoticeLevel::Info, format!("theme {name}"));
            model.theme = name;
        }
        Err(message) => model.say(NoticeLevel::Error, message),
    }
    Vec::new()
}

fn wheel(model: &mut Model, lines: i32, pane: Pane) {
    if !model.layers.is_empty() {
        return overlay::select(model, i64::from(lines));
    }
    if model.view.screen == Screen::Compare {
        return compare::scroll(model, i64::from(lines));
    }
    if model.view.screen.is_table() {
        return navigate::vertical(model, i64::from(lines));
    }
    match pane {
        Pane::Text => navigate::scroll_text(model, lines),
        Pane::Decision => navigate::scroll_decision(model, lines),
        Pane::Steps => navigate::move_cursor(model, i64::from(lines.signum())),
    }
}

fn tick(model: &mut Model, now: &str) -> Vec<Effect> {
    model.ticking = false;
    model.ticks = model.ticks.wrapping_add(1);
    talk::ticked(model);
    if !model.playing {
        return Vec::new();
    }
    let beneath = model.view.screen.is_table() || !model.layers.is_empty();
    if model.talk.is_recording() && beneath {
        // What moves where nobody looks could not be played again.
        model.playing = false;
        return Vec::new();
    }
    let before = model.cursor();
    let effects = follow::play_on(model, now);
    if model.mode == Mode::Replay && model.session().is_none() {
        model.playing = false;
    }
    if model.cursor() != before {
        talk::note(model, Deed::once(Action::Step, None), now);
    }
    effects
}

/// Asks for the next tick where something moves: nothing ticks at idle.
fn next_tick(model: &mut Model) -> Option<Effect> {
    if model.ticking {
        return None;
    }
    let moving = match (model.playing, model.is_generating()) {
        (true, _) => Some(PLAY_MILLISECONDS),
        (false, true) => Some(BUSY_MILLISECONDS),
        (false, false) => None,
    };
    let wanted = [moving, talk::next_tick(model)];
    let milliseconds = wanted.into_iter().flatten().min()?;
    model.ticking = true;
    talk::ask(model, milliseconds);
    Some(Effect::Tick { milliseconds })
}
