//! The list of steps: one row a step, the question first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::session::{Phase, Session};
use crate::trace::NodeIndex;
use crate::trace::record::{StepEnd, StepRecord, shared_beginning};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::{bar, checks, doing, figures, glyph, labels, lines, select, shown_path, stops, window};

/// Columns below which the bar of the confidence is left out; for an audience,
/// which would rather read who wrote a step.
const WITH_BAR: u16 = 28;
const WITH_BAR_IN_TALKS: u16 = 34;

/// Draws the rows around the cursor, and says where the steps are.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    session: &Session,
    theme: &Theme,
    focused: bool,
    checks: &mut checks::Cache,
) -> Vec<(u32, Rect)> {
    let (path, streaming) = shown_path(session);
    let tail = tail_row(model, session, &path, streaming, theme);
    let cursor = session
        .cursor()
        .and_then(|cursor| path.iter().position(|&node| node == cursor))
        .map_or(0, |place| place + 1);
    // The question, the steps, and what comes after them.
    let rows = 1 + path.len() + usize::from(tail.is_some());
    // An audience reads rows with space between them.
    let every = if model.view.talk { 2 } else { 1 };
    let (rows, cursor) = (rows * every, cursor * every);
    let height = usize::from(area.height);
    let top = window(cursor, rows, height);
    // Only what is seen is made: a step may be long to check.
    let shown: Vec<Line<'static>> = (top..rows.min(top + height))
        .filter_map(|row| match (row / every).checked_sub(1) {
            _ if row % every != 0 => Some(Line::default()),
            None => Some(question_row(session, area.width, theme)),
            Some(place) if place < path.len() => {
                let mut row = step_row(model, session, &path, place, area.width, theme);
                row.spans
                    .extend(checks::signs(session, &path, path[place], theme, checks));
                Some(row)
            }
            Some(_) => tail.clone(),
        })
        .collect();
    lines(area, buffer, &shown);
    if let Some(row) = cursor.checked_sub(top) {
        select(area, buffer, row, theme, focused);
    }
    let places = path.iter().enumerate().filter_map(|(place, &node)| {
        let row = ((place + 1) * every).checked_sub(top)?;
        let row = u16::try_from(row).ok().filter(|&row| row < area.height)?;
        let place = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        Some((session.tree().node(node).step.index, place))
    });
    places.collect()
}

fn question_row(session: &Session, columns: u16, theme: &Theme) -> Line<'static> {
    let text = sanitize(&session.problem().question).replace('\n', " ");
    let room = usize::from(columns).saturating_sub(4);
    Line::from(vec![
        Span::styled("  ? ", theme.style("dim")),
        Span::styled(
            width::truncate(&text, room).into_owned(),
            theme.style("dim"),
        ),
    ])
}

fn step_row(
    model: &Model,
    session: &Session,
    path: &[NodeIndex],
    place: usize,
    columns: u16,
    theme: &Theme,
) -> Line<'static> {
    let node = path[place];
    let entry = session.tree().node(node);
    let step = &entry.step;
    if model.is_blind() {
        return blind_row(model, session, node, columns, theme);
    }
    let settings = session.settings();
    let models = settings.models();
    let writer = settings.place(&step.model);
    let style = glyph::step_style(step, writer, models, theme);
    let overridden = step
        .decision
        .as_deref()
        .and_then(|id| session.tree().decision(id))
        .is_some_and(|decision| decision.overridden.is_some());
    let with_bar = match model.view.talk {
        true => columns >= WITH_BAR_IN_TALKS,
        false => columns >= WITH_BAR,
    };
    let others = if with_bar { 24 } else { 17 };
    let name_room = usize::from(columns).saturating_sub(others).clamp(4, 16);
    let name = short_name(&step.model, settings, name_room, theme);
    let stop = stops::sign(model, session, path, place);
    let mut spans = match stop {
        Some(sign) => vec![
            Span::styled(sign, theme.style("mark")),
            Span::styled(format!("{:>2} ", step.index), theme.style("dim")),
        ],
        None => vec![Span::styled(
            format!("{:>3} ", step.index),
            theme.style("dim"),
        )],
    };
    spans.extend([
        Span::styled(format!("{} ", glyph::step(step, writer, models)), style),
        Span::styled(width::pad(&name, name_room, Align::Left), style),
        Span::raw(" "),
    ]);
    spans.extend(confidence_cells(step, with_bar, theme));
    spans.push(Span::raw(" "));
    spans.extend(labels::signs(labels::shown(model, entry), theme));
    if overridden {
        spans.push(Span::styled("!", theme.style("step.override")));
    }
    if session.tree().siblings(node).len() > 1 {
        let count = session.tree().siblings(node).len();
        spans.push(Span::styled(format!("├{count}"), theme.style("emphasis")));
    }
    if model.is_marked(&step.id) {
        spans.push(Span::styled("◆", theme.style("mark")));
    }
    if !session.tree().drafts(entry.parent).is_empty() {
        spans.push(Span::styled("⊘", theme.style("step.draft")));
    }
    if step.end == StepEnd::Length {
        spans.push(Span::styled("…", theme.style("warning")));
    }
    if let Some(outcome) = entry.outcome() {
        let (sign, _, role) = glyph::verdict(outcome.verdict);
        spans.push(Span::styled(sign, theme.style(role)));
    }
    Line::from(spans)
}

/// A step without who wrote it: what the person said of it, and how it begins.
fn blind_row(
    model: &Model,
    session: &Session,
    node: NodeIndex,
    columns: u16,
    theme: &Theme,
) -> Line<'static> {
    let entry = session.tree().node(node);
    let mut spans = vec![Span::styled(
        format!("{:>3} ", entry.step.index),
        theme.style("dim"),
    )];
    let signs = labels::signs(model.own_opinion(node), theme);
    // Two columns, whatever is said.
    let blanks = " ".repeat(2_usize.saturating_sub(signs.len()) + 1);
    spans.extend(signs);
    spans.push(Span::raw(blanks));
    let text = sanitize(&entry.step.text).replace('\n', " ");
    let room = usize::from(columns).saturating_sub(7);
    let text = width::truncate(&text, room).into_owned();
    spans.push(Span::styled(text, theme.style("text")));
    Line::from(spans)
}

/// The confidence as five digits and, where there is room, a bar of five cells.
fn confidence_cells(step: &StepRecord, with_bar: bool, theme: &Theme) -> Vec<Span<'static>> {
    let value = figures::confidence(&step.confidence);
    let Some(u) = step.confidence.value else {
        let bar = if with_bar { "·····" } else { "" };
        return vec![Span::styled(
            format!("{value:>5} {bar}"),
            theme.style("confidence.unavailable"),
        )];
    };
    let mut spans = vec![Span::styled(
        format!("{value:>5} "),
        theme.style("confidence"),
    )];
    if !with_bar {
        return spans;
    }
    // A mean logit has no natural scale: only probabilities get a bar.
    if figures::is_scaled(&step.confidence) {
        spans.extend(bar::filled(u, 5, theme.style("bar.fill"), theme));
    } else {
        spans.push(Span::raw("     "));
    }
    spans
}

/// What comes after the last step: the call in flight, a failure, or who is next.
fn tail_row(
    model: &Model,
    session: &Session,
    path: &[NodeIndex],
    streaming: bool,
    theme: &Theme,
) -> Option<Line<'static>> {
    let settings = session.settings();
    match session.phase() {
        // It writes on another branch.
        Phase::Generating(_) | Phase::Scoring(_) if !streaming || model.is_blind() => None,
        Phase::Generating(_) | Phase::Scoring(_) => session.in_flight().map(|call| {
            Line::from(vec![
                Span::styled(
                    format!("  {} ", glyph::busy(model.ticks)),
                    theme.style("busy"),
                ),
                glyph::named(call.place.model, settings, 16, theme),
                Span::styled(format!(" {}", doing(&call)), theme.style("dim")),
            ])
        }),
        Phase::Failed { .. } => Some(Line::from(Span::styled(
            "  ! failed: R tries again",
            theme.style("error"),
        ))),
        Phase::Ready if model.is_blind() => None,
        Phase::Ready => {
            let end = path.last().copied();
            if end.is_some_and(|node| session.tree().node(node).outcome().is_some()) {
                return None;
            }
            if model.refusal().is_some() {
                // What a router says of values that it cannot read is no choice.
                return Some(Line::from(vec![
                    Span::styled("  o", theme.style("key")),
                    Span::styled(" chooses who is next", theme.style("dim")),
                ]));
            }
            let decision = session.decision_after(end)?;
            let place = settings.place(&decision.action)?;
            Some(Line::from(vec![
                Span::styled("  → ", theme.style("dim")),
                glyph::named(place, settings, 16, theme),
                Span::styled(" is next", theme.style("dim")),
            ]))
        }
    }
}

/// A model's name without the beginning that all names of the pool share. Some
/// servers call a model by the path of its file.
pub fn short_name(
    name: &str,
    settings: &crate::session::Settings,
    columns: usize,
    theme: &Theme,
) -> String {
    let names: Vec<&str> = settings.run.pool.iter().map(|m| m.name.as_str()).collect();
    let short = without_shared(name, shared_beginning(&names));
    width::truncate(&sanitize(&theme.shown(short)), columns).into_owned()
}

/// A name without a beginning that it shares with others; all of it where it is
/// no more than that.
pub fn without_shared<'n>(name: &'n str, shared: &str) -> &'n str {
    let rest = name.strip_prefix(shared);
    rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
}
