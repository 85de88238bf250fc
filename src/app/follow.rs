//! Sessions following commands: what they return becomes effects.

use crate::session::{Command, Output, Session};

use super::debug;
use super::effect::Effect;
use super::model::{Mode, Model, NoticeLevel, Slot};
use super::navigate;
use super::probes::{self, Gate};
use super::talk::TAPE_ONLY;

/// Follows a command in the session on screen.
pub(super) fn here(model: &mut Model, command: Command, now: &str) -> Vec<Effect> {
    command_at(model, model.current, command, now)
}

pub(super) fn command_at(
    model: &mut Model,
    entry: usize,
    wanted: Command,
    now: &str,
) -> Vec<Effect> {
    let Some(Slot::Open(session)) = model.slots.get(entry) else {
        model.say(
            NoticeLevel::Warning,
            "no problem is open: choose one with ctrl-p",
        );
        return Vec::new();
    };
    if model.view.talk && model.mode == Mode::Live && leaves_tape(session, &wanted) {
        model.say(NoticeLevel::Warning, TAPE_ONLY);
        return Vec::new();
    }
    if writes(session, &wanted)
        && let Some((level, text)) = withheld(model, entry, &wanted)
    {
        model.say(level, text);
        return Vec::new();
    }
    let Some(Slot::Open(session)) = model.slots.get_mut(entry) else {
        return Vec::new();
    };
    let runs_until = matches!(wanted, Command::RunUntil(_));
    let runs = runs_until || matches!(wanted, Command::Run | Command::BackUntil(_));
    let result = session.command(wanted, now);
    let missed = session.missed().filter(|_| runs_until).map(missed);
    if entry == model.current {
        model.view.text_scroll = None;
    }
    let (said, outputs) = match result {
        Ok(outputs) => (missed.map(|text| (NoticeLevel::Info, text)), outputs),
        Err(refusal) => {
            let refused = (NoticeLevel::Warning, refusal.to_string());
            (Some(refused), Vec::new())
        }
    };
    match said {
        _ if runs => tell(model, entry, said),
        Some((level, text)) => model.say(level, text),
        None => {}
    }
    effects_of(entry, outputs)
}

/// Says what came of a run, and what it met of the breakpoints.
pub(super) fn tell(model: &mut Model, entry: usize, said: Option<(NoticeLevel, String)>) {
    let met = debug::told(model, entry);
    match (said, met) {
        (Some((_, said)), Some((level, met))) => model.say(level, format!("{said}; {met}")),
        (Some((level, text)), None) | (None, Some((level, text))) => model.say(level, text),
        (None, None) => {}
    }
}

/// Said of a condition that did not hold on the way to the end.
pub(super) fn missed(condition: &str) -> String {
    format!("`{condition}` held at no step up to here")
}

/// Why a command that grows the tree is not followed now.
pub(super) fn withheld(
    model: &mut Model,
    entry: usize,
    wanted: &Command,
) -> Option<(NoticeLevel, String)> {
    if let Some(reason) = &model.log_broken {
        // Nothing is generated that could not be recorded.
        let text = format!("{reason}; generating is off");
        return Some((NoticeLevel::Error, text));
    }
    match probes::gate(model, entry, wanted) {
        Gate::Open => None,
        Gate::Closed(why) => Some((NoticeLevel::Error, why)),
        Gate::Later => Some((
            NoticeLevel::Info,
            "goes on once the models have said what they can do; esc gives up".to_owned(),
        )),
    }
}

/// Whether a command may grow the tree, rather than only look at it or stop.
fn writes(session: &Session, wanted: &Command) -> bool {
    match wanted {
        Command::Back | Command::BackUntil(_) | Command::Goto(_) | Command::Cancel => false,
        Command::Step => session.next_on_branch(session.cursor()).is_none(),
        Command::Run
        | Command::RunUntil(_)
        | Command::Override { .. }
        | Command::Rollout { .. }
        | Command::Edit { .. }
        | Command::Rerun
        | Command::Retry => true,
    }
}

/// Whether a command may generate: one that runs to an end which is there does
/// not.
fn leaves_tape(session: &Session, wanted: &Command) -> bool {
    let ends = || {
        let end = session.followed_path().last().copied();
        end.is_some_and(|node| session.tree().node(node).outcome().is_some())
    };
    match wanted {
        Command::Run | Command::RunUntil(_) => !ends(),
        _ => writes(session, wanted),
    }
}

/// One step of the tape; stops at its end and never calls anybody.
pub(super) fn play_on(model: &mut Model, now: &str) -> Vec<Effect> {
    let next = model.session().and_then(|s| s.next_on_branch(s.cursor()));
    if next.is_none() {
        model.playing = false;
        let ends = (NoticeLevel::Info, "the tape ends here".to_owned());
        tell(model, model.current, Some(ends));
        return Vec::new();
    }
    let effects = here(model, Command::Step, now);
    if model.session_mut().is_some_and(Session::meets_here) {
        model.playing = false;
        tell(model, model.current, None);
    }
    effects
}

/// Opens the entry, if it is not open yet.
pub(super) fn show(model: &mut Model, entry: usize) -> Vec<Effect> {
    if entry >= model.entries.len() {
        return Vec::new();
    }
    model.current = entry;
    model.view.go_to = None;
    model.playing = false;
    model.view.text_scroll = None;
    model.view.decision_scroll = 0;
    match model.slots[entry] {
        Slot::Closed | Slot::Failed(_) => {
            model.slots[entry] = Slot::Opening;
            vec![Effect::Open { entry }]
        }
        Slot::Opening | Slot::Open(_) => Vec::new(),
    }
}

/// Goes to the step that was wanted when the trajectory was opened, if it is
/// there.
pub(super) fn go_to_wanted(model: &mut Model) {
    if model.session().is_some()
        && let Some(step) = model.view.go_to.take()
    {
        navigate::goto_step(model, step);
    }
}

/// Turns the outputs of a session into effects, in their order.
pub(super) fn effects_of(entry: usize, outputs: Vec<Output>) -> Vec<Effect> {
    outputs
        .into_iter()
        .map(|output| match output {
            Output::Append(records) => Effect::Append(records),
            Output::Generate(call) => Effect::Generate { entry, call },
            Output::Score(ask) => Effect::Score { entry, ask },
            Output::Abort { generation } => Effect::Abort { entry, generation },
        })
        .collect()
}
