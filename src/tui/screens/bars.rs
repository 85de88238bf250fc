//! The header and the footer.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::action::{Action, Context};
use crate::app::{EndpointState, Mode, Model, NoticeLevel, Screen, Slot};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::talk;
use crate::tui::text::sanitize::{sanitize, sanitize_line};
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::glyph;

/// Hints of the inspector, the most useful first.
const LIVE: [Action; 11] = [
    Action::Step,
    Action::Back,
    Action::Run,
    Action::Override,
    Action::Help,
    Action::Quit,
    Action::Tree,
    Action::Problems,
    Action::WhatIf,
    Action::Runs,
    Action::Rerun,
];
const REPLAY: [Action; 9] = [
    Action::Step,
    Action::Back,
    Action::Play,
    Action::Tree,
    Action::Problems,
    Action::WhatIf,
    Action::Runs,
    Action::Help,
    Action::Quit,
];
/// Hints of the tables.
const PROBLEMS: [Action; 12] = [
    Action::Accept,
    Action::Filter,
    Action::SortBy,
    Action::GroupBy,
    Action::Fold,
    Action::Runs,
    Action::WhatIf,
    Action::BackLevel,
    Action::Help,
    Action::Quit,
    Action::Mark,
    Action::Compare,
];
const RUNS: [Action; 8] = [
    Action::Accept,
    Action::Problems,
    Action::WhatIf,
    Action::BackLevel,
    Action::Help,
    Action::Quit,
    Action::Mark,
    Action::Compare,
];

/// Hints of labelling.
const LABEL: [Action; 14] = [
    Action::RateBad,
    Action::RateNeutral,
    Action::RateGood,
    Action::RateFirstError,
    Action::FlagStep,
    Action::SkipStep,
    Action::UndoLabel,
    Action::Blind,
    Action::BackLevel,
    Action::Help,
    Action::NextUnlabelled,
    Action::LabelQueue,
    Action::NextProblem,
    Action::Quit,
];

const WHAT_IF: [Action; 12] = [
    Action::Left,
    Action::Right,
    Action::NextPane,
    Action::Accept,
    Action::ForCost,
    Action::OtherLedger,
    Action::OtherRule,
    Action::BackLevel,
    Action::Help,
    Action::Quit,
    Action::LoggedValue,
    Action::LargerStride,
];
const TOUR: [Action; 5] = [
    Action::NextScene,
    Action::PreviousScene,
    Action::PauseTour,
    Action::BackLevel,
    Action::Quit,
];
/// Hints of a comparison.
const COMPARE: [Action; 9] = [
    Action::NextDifference,
    Action::FirstDivergence,
    Action::OnlyDifferences,
    Action::Accept,
    Action::NextPane,
    Action::Swap,
    Action::BackLevel,
    Action::Source,
    Action::Help,
];
/// Hints of what lies over a screen.
const LAYER: [Action; 4] = [
    Action::Accept,
    Action::Complete,
    Action::DeleteLine,
    Action::BackLevel,
];

/// Columns of a tour's title.
const TITLE: usize = 32;

/// Name, problem, router, mode.
pub fn header(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) {
    let bar = theme.style("bar");
    buffer.set_style(area, bar);
    let title = model.talk.title().map(sanitize_line);
    let title = title.unwrap_or(Cow::Borrowed("pointsman"));
    let title = format!(" {} ", width::truncate(&title, TITLE));
    let mut left = vec![Span::styled(title, theme.style("title.focus"))];
    let of_one = !model.view.screen.is_table();
    if let Some(entry) = model.entries.get(model.current).filter(|_| of_one) {
        let place = format!(
            "{} ({}/{})",
            sanitize(&theme.shown(&entry.problem)),
            model.current + 1,
            model.entries.len()
        );
        left.push(Span::styled(format!(" {place} "), theme.style("emphasis")));
    }
    if let Some(session) = model.session().filter(|_| of_one && !model.is_blind()) {
        let spec = theme.shown(&session.settings().run.router.spec);
        // A spec with all its parameters is longer than any window.
        let room = (usize::from(area.width) / 3).max(12);
        let spec = width::truncate(&sanitize(&spec), room).into_owned();
        left.push(Span::styled(
            format!(" router {spec} "),
            theme.style("text"),
        ));
    }
    let (mode, role) = match model.mode {
        _ if model.view.talk => (" TAPE ", "emphasis"),
        Mode::Live => (" LIVE ", "success"),
        Mode::Replay => (" REPLAY ", "warning"),
    };
    let mut right: Vec<Span<'static>> = endpoint_signs(model, theme);
    if model.screen_context() == Context::Label {
        let text = if model.is_blind() {
            " BLIND "
        } else {
            " LABEL "
        };
        right.push(Span::styled(text, theme.style("emphasis")));
    }
    if model.talk.is_recording() {
        right.push(Span::styled(" REC ", theme.style("error")));
    }
    // An audience has no use for the name of a file.
    if !model.log_name.is_empty() && area.width >= 100 && !model.view.talk {
        right.push(Span::styled(
            format!(" {} ", sanitize(&model.log_name)),
            theme.style("dim"),
        ));
    }
    right.push(Span::styled(mode, theme.style(role)));
    let used: usize = right.iter().map(|span| width::of(&span.content)).sum();
    let room = area.width.saturating_sub(used as u16);
    buffer.set_line(area.x, area.y, &Line::from(left), room);
    buffer.set_line(area.x + room, area.y, &Line::from(right), used as u16);
    if model.is_generating() {
        let x = area.x + room.saturating_sub(2);
        buffer.set_string(x, area.y, glyph::busy(model.ticks), theme.style("busy"));
    }
}

/// One sign for each endpoint that is not plainly ready.
fn endpoint_signs(model: &Model, theme: &Theme) -> Vec<Span<'static>> {
    let count = model.endpoints.len();
    model
        .endpoints
        .iter()
        .enumerate()
        .filter_map(|(place, state)| {
            let sign = glyph::model(Some(place), count);
            match state {
                EndpointState::Down(_) => {
                    Some(Span::styled(format!(" {sign} down "), theme.style("error")))
                }
                EndpointState::Probing => {
                    Some(Span::styled(format!(" {sign} … "), theme.style("dim")))
                }
                EndpointState::Unknown | EndpointState::Ready(_) => None,
            }
        })
        .collect()
}

const ANALYSIS: [Action; 9] = [
    Action::NextPane,
    Action::NextScore,
    Action::NextTarget,
    Action::NextSlice,
    Action::Accept,
    Action::Problems,
    Action::BackLevel,
    Action::Help,
    Action::Quit,
];
const VALUES: [Action; 9] = [
    Action::Accept,
    Action::Worth,
    Action::Rollouts,
    Action::WhatIf,
    Action::NextProblem,
    Action::PreviousProblem,
    Action::BackLevel,
    Action::Help,
    Action::Quit,
];

/// A notice, a half-typed chord, or the hints.
pub fn footer(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    theme: &Theme,
    keymap: &Keymap,
    pending: &Pending,
) {
    buffer.set_style(area, theme.style("bar"));
    let shown = pending.shown();
    let room = area.width.saturating_sub(width::of(&shown) as u16 + 1);
    buffer.set_string(area.x + room, area.y, &shown, theme.style("key"));
    // Hints and notices keep the left half.
    let echo = talk::echo(model, keymap, theme, usize::from(room / 2));
    let echoed = echo.width() as u16;
    let room = room - echoed.min(room);
    buffer.set_line(area.x + room, area.y, &echo, echoed);
    if let Some(notice) = notice(model) {
        let role = match notice.0 {
            NoticeLevel::Info => "text",
            NoticeLevel::Warning => "warning",
            NoticeLevel::Error => "error",
        };
        let text = sanitize(&theme.shown(&notice.1)).replace('\n', " ");
        let text = width::truncate(&text, usize::from(room.saturating_sub(2))).into_owned();
        buffer.set_string(area.x + 1, area.y, text, theme.style(role));
        return;
    }
    buffer.set_line(area.x, area.y, &hints(model, keymap, theme, room), room);
}

/// The notice to show: the last one, else what stands in the way.
fn notice(model: &Model) -> Option<(NoticeLevel, String)> {
    if let Some(notice) = &model.notice {
        return Some((notice.level, notice.text.clone()));
    }
    match model.slots.get(model.current) {
        Some(Slot::Failed(message)) => Some((NoticeLevel::Error, message.clone())),
        _ => model
            .log_broken
            .clone()
            .map(|message| (NoticeLevel::Error, message)),
    }
}

fn hints(model: &Model, keymap: &Keymap, theme: &Theme, room: u16) -> Line<'static> {
    // Under a layer the keys of the screen are text, or nothing.
    let context = model.context();
    let actions: &[Action] = match (model.view.screen, model.mode) {
        _ if model.talk.is_touring() => &TOUR,
        _ if !model.layers.is_empty() => &LAYER,
        (Screen::Runs, _) => &RUNS,
        (Screen::Problems, _) => &PROBLEMS,
        (Screen::WhatIf, _) => &WHAT_IF,
        (Screen::Values, _) => &VALUES,
        (Screen::Analysis, _) => &ANALYSIS,
        (Screen::Inspector, _) if model.labelling.is_some() => &LABEL,
        (Screen::Compare, _) => &COMPARE,
        // In a talk a live session is a tape.
        (_, Mode::Live) if !model.view.talk => &LIVE,
        _ => &REPLAY,
    };
    let mut spans = Vec::new();
    let mut used = 0;
    if model.is_generating() {
        spans.push(Span::styled(" esc", theme.style("key")));
        spans.push(Span::styled(" cancel ", theme.style("hint")));
        used += 12;
    }
    if let Some((number, of)) = model.rollouts.progress() {
        let text = format!(" rollout {number} of {of} ");
        used += width::of(&text);
        spans.push(Span::styled(text, theme.style("busy")));
    }
    let filtered = model.table.filter.is_some() && model.layers.is_empty();
    for &action in actions {
        // A recording is never added to.
        if action == Action::Rollouts && model.mode == Mode::Replay {
            continue;
        }
        let Some(key) = keymap.keys_for(action, context).into_iter().next() else {
            continue;
        };
        let label = match (action, model.view.screen) {
            (Action::BackLevel, _) if model.talk.is_touring() => "leave",
            (Action::BackLevel, Screen::Problems) if filtered => "unfilter",
            _ => action.label_in(context),
        };
        let columns = width::of(&key) + width::of(label) + 3;
        if used + columns > usize::from(room) {
            break;
        }
        used += columns;
        spans.push(Span::styled(format!(" {key}"), theme.style("key")));
        spans.push(Span::styled(format!(" {label} "), theme.style("hint")));
    }
    Line::from(spans)
}
