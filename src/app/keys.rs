//! Actions on the screens; those of overlays go to [`overlay`].

use crate::cost::Unit;
use crate::session::{Command, Refusal, Session};

use super::action::Action;
use super::analysis;
use super::compare;
use super::debug;
use super::effect::Effect;
use super::follow::{self, here, show};
use super::labelling;
use super::line_edit::LineEdit;
use super::model::{
    EndpointState, Layer, Mode, Model, NoticeLevel, Pane, Purpose, ScorersState, Screen, Slot,
};
use super::navigate as nav;
use super::overlay::{self, Answer};
use super::probes;
use super::rollouts;
use super::table;
use super::talk;
use super::values;
use super::what_if;

/// Lines of a page where the pane's height is not known better.
const PAGE: i64 = 10;

/// Does an action, and remembers where it was done from where it led far away.
pub(super) fn act(model: &mut Model, action: Action, count: Option<u32>, now: &str) -> Vec<Effect> {
    let before = debug::here(model);
    let may_run = action == Action::Run
        || matches!(model.layers.last(), Some(Layer::Expression { .. }))
            && action == Action::Accept;
    let effects = act_here(model, action, count, now);
    let begun = |effect: &Effect| matches!(effect, Effect::Generate { .. } | Effect::Score { .. });
    debug::far(model, action, before, may_run && effects.iter().any(begun));
    effects
}

fn act_here(model: &mut Model, action: Action, count: Option<u32>, now: &str) -> Vec<Effect> {
    if !model.layers.is_empty() && !matches!(action, Action::Suspend | Action::Redraw) {
        return match overlay::act(model, action, now) {
            Answer::Effects(effects) => effects,
            // Chosen in the palette: done as if its key had been pressed.
            Answer::Do(chosen) => {
                let stops_tape = matches!(chosen, Action::BackLevel | Action::Cancel);
                if !chosen.is_for_tours() || (stops_tape && model.playing) {
                    model.talk.forget_palette();
                    if model.talk.is_touring() {
                        let text = format!("`{chosen}` is nothing that a tour does");
                        model.say(NoticeLevel::Warning, text);
                        return Vec::new();
                    }
                }
                act(model, chosen, None, now)
            }
            Answer::Leave => leave(model),
        };
    }
    if let Some(reason) = model.unavailable(action) {
        model.say(NoticeLevel::Warning, reason);
        return Vec::new();
    }
    if let Some(effects) = labelling::act(model, action, now) {
        return effects;
    }
    let done = match model.view.screen {
        Screen::WhatIf => what_if::act(model, action, count),
        Screen::Values => values::act(model, action),
        Screen::Analysis => analysis::act(model, action),
        Screen::Compare => compare::act(model, action, count),
        Screen::Runs | Screen::Problems => table::act(model, action, count),
        Screen::Inspector | Screen::Tree => None,
    };
    if let Some(effects) = done {
        return effects;
    }
    let times = i64::from(count.unwrap_or(1));
    match action {
        Action::Step => step(model, times, now),
        Action::Back => {
            nav::move_cursor(model, -times);
            Vec::new()
        }
        Action::Run => here(model, Command::Run, now),
        Action::Retry => retry(model, now),
        Action::Rerun => rerun(model, now),
        Action::Rollouts => rollouts::ask(model, count),
        Action::Cancel => cancel(model, now),
        Action::RunUntil | Action::BackUntil => open_layer(
            model,
            Layer::Expression {
                purpose: match action {
                    Action::BackUntil => Purpose::BackUntil,
                    _ => Purpose::RunUntil,
                },
                input: LineEdit::offering(model.view.run_until.clone()),
                error: None,
            },
        ),
        Action::RunBack => here(model, Command::BackUntil(None), now),
        Action::Breakpoint => {
            debug::toggle_step(model);
            Vec::new()
        }
        Action::BreakIf | Action::Watch => {
            let purpose = match action {
                Action::Watch => Purpose::Watch(None),
                _ => Purpose::Breakpoint(None),
            };
            let (input, error) = (LineEdit::default(), None);
            open_layer(
                model,
                Layer::Expression {
                    purpose,
                    input,
                    error,
                },
            )
        }
        Action::Stops => open_layer(model, Layer::Stops { selected: 0 }),
        Action::JumpBack => debug::go(model, times),
        Action::JumpForward => debug::go(model, -times),
        Action::Problems => nav::switch(model, Screen::Problems),
        Action::WhatIf => what_if::show(model),
        Action::Values => values::show(model),
        Action::Analysis => analysis::show(model),
        Action::Label => labelling::toggle(model),
        Action::Compare => compare::show(model),
        Action::Runs => nav::switch(model, Screen::Runs),
        Action::Talk => talk::toggle(model, now),
        Action::Caption => {
            let before = model.talk.caption().unwrap_or_default().to_owned();
            open_layer(
                model,
                Layer::Expression {
                    purpose: Purpose::Caption,
                    input: LineEdit::offering(before),
                    error: None,
                },
            )
        }
        Action::NextProblem => table::next_problem(model, times),
        Action::PreviousProblem => table::next_problem(model, -times),
        Action::Override => open_override(model),
        Action::Edit => edit(model),
        Action::Play => play(model),
        Action::ChooseProblem => {
            let selected = model.current;
            let input = LineEdit::default();
            open_layer(model, Layer::Picker { input, selected })
        }
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
            let text = if model.view.mouse {
                "the wheel scrolls the pane under it; selecting text needs shift"
            } else {
                "the mouse is the terminal's again"
            };
            model.say(NoticeLevel::Info, text);
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
        Action::Down => nav::vertical(model, times),
        Action::Up => nav::vertical(model, -times),
        Action::HalfPageDown => nav::vertical(model, times * PAGE / 2),
        Action::HalfPageUp => nav::vertical(model, -times * PAGE / 2),
        Action::PageDown => nav::vertical(model, times * PAGE),
        Action::PageUp => nav::vertical(model, -times * PAGE),
        Action::First => nav::to_step(model, count.unwrap_or(0)),
        Action::Last => nav::to_step(model, count.unwrap_or(u32::MAX)),
        Action::NextPane | Action::Right => model.view.focus = model.view.focus.next(),
        Action::PreviousPane | Action::Left => model.view.focus = model.view.focus.previous(),
        Action::NextBranch => nav::branch(model, 1),
        Action::PreviousBranch => nav::branch(model, -1),
        Action::NextEscalation => nav::escalation(model, times),
        Action::PreviousEscalation => nav::escalation(model, -times),
        Action::NextDisagreement => nav::disagreement(model, times),
        Action::PreviousDisagreement => nav::disagreement(model, -times),
        Action::FirstError => nav::first_error(model),
        Action::Mark => nav::mark(model),
        Action::NextMark => nav::next_mark(model, times),
        Action::NextMatch => nav::search_jump(model, times),
        Action::PreviousMatch => nav::search_jump(model, -times),
        Action::Source => model.view.source = !model.view.source,
        Action::Shading => {
            model.view.shading = !model.view.shading;
            let shown = if model.view.shading {
                "shaded"
            } else {
                "plain"
            };
            model.say(NoticeLevel::Info, format!("tokens are {shown}"));
        }
        Action::Tree => nav::toggle_tree(model),
        Action::Accept => model.view.focus = Pane::Text,
        _ => {}
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

fn open_override(model: &mut Model) -> Vec<Effect> {
    let Some(session) = model.session() else {
        model.say(
            NoticeLevel::Warning,
            "no problem is open: choose one with ctrl-p",
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

/// Fresh calls that cost money are asked for with their price first: about
/// what the step cost the first time.
fn rerun(model: &mut Model, now: &str) -> Vec<Effect> {
    let price = model.session().and_then(|session| {
        let Some(Unit::Money(currency)) = session.settings().ledger.unit() else {
            return None;
        };
        let step = &session.tree().node(session.cursor()?).step;
        let cost = session.settings().ledger.step(step).full()?;
        (cost > 0.0).then(|| format!("{cost:.6} {currency}"))
    });
    match price {
        Some(price) => open_layer(model, Layer::ConfirmRerun { price }),
        None => here(model, Command::Rerun, now),
    }
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
    match model.playing {
        true => debug::begin(model),
        // What it passed and could not decide is told when it is paused.
        false => follow::tell(model, model.current, None),
    }
    Vec::new()
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
    if matches!(model.scorers, ScorersState::Down(_)) {
        model.scorers = ScorersState::Probing;
        effects.push(Effect::ProbeScorers);
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
    if probes::forget(model) {
        model.say(NoticeLevel::Info, "nothing is waited for any more");
        return Vec::new();
    }
    if model.playing {
        model.playing = false;
        return Vec::new();
    }
    let stopped = rollouts::stop(model);
    let effects = here(model, Command::Cancel, now);
    if model.notice.is_none() {
        let cancelled = "cancelled; what had come stands beside the path in the tree (T)";
        let text = stopped.unwrap_or_else(|| cancelled.to_owned());
        model.say(NoticeLevel::Info, text);
    }
    effects
}

/// One level back: a call, a tape, a search, the tree; never the program.
fn back_level(model: &mut Model, now: &str) -> Vec<Effect> {
    if model.playing
        || model.waiting.is_some()
        || model.session().is_some_and(Session::is_generating)
    {
        return cancel(model, now);
    }
    if model.view.screen == Screen::Compare {
        return compare::back(model);
    } else if model.view.screen.is_table() {
        table::back(model);
    } else if !model.search.query.is_empty() {
        model.search.query.clear();
    } else if model.view.screen == Screen::Values {
        model.view.screen = Screen::Inspector;
    } else if model.view.screen == Screen::Tree {
        nav::toggle_tree(model);
    } else if let (Pane::Steps, Some(from)) = (model.view.focus, model.view.opened_from) {
        model.view.opened_from = None;
        return match from {
            Screen::WhatIf => what_if::back_to(model),
            Screen::Compare => compare::back_to(model),
            table => nav::switch(model, table),
        };
    } else if model.view.focus == Pane::Steps {
        model.say(NoticeLevel::Info, "q quits");
    } else {
        model.view.focus = Pane::Steps;
    }
    Vec::new()
}

fn quit(model: &mut Model) -> Vec<Effect> {
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
