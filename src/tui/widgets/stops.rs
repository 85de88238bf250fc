//! Breakpoints: their sign beside a step, and the list of them with what is
//! watched.

use ratatui::text::{Line, Span};

use crate::app::{Breakpoint, Listed, Model, On, listed_rows};
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::figures::counted;

/// A breakpoint on the step, one that is switched off, a condition that holds.
const ON: &str = "■";
const OFF: &str = "□";
const HOLDS: &str = "▪";

/// The sign of the breakpoints at the step at `place` of a path.
pub fn sign(
    model: &Model,
    session: &Session,
    path: &[NodeIndex],
    place: usize,
) -> Option<&'static str> {
    if model.debug.breakpoints.is_empty() {
        return None;
    }
    let step = session.tree().node(*path.get(place)?).step.index;
    let on_step = model.debug.on_step(model.current, step);
    match on_step {
        Some(found) if found.enabled => Some(ON),
        off => {
            let holds = !session.stops_at(path, place).is_empty();
            let off = off.map(|_| OFF);
            if holds { Some(HOLDS) } else { off }
        }
    }
}

/// The rows of the list, in `columns`.
pub fn rows(model: &Model, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let listed = listed_rows(model);
    if listed.is_empty() {
        let text = "nothing yet: x stops at a step, X where an expression holds, w watches one";
        return vec![Line::styled(text, theme.style("dim"))];
    }
    listed
        .into_iter()
        .map(|row| match row {
            Listed::Breakpoint(found) => breakpoint(model, found, columns, theme),
            Listed::Watch(expr) => {
                let text = sanitize(&theme.shown(expr.text())).into_owned();
                let text = width::truncate(&text, columns.saturating_sub(9)).into_owned();
                Line::from(vec![
                    Span::styled("   watch ", theme.style("dim")),
                    Span::styled(text, theme.style("text")),
                ])
            }
        })
        .collect()
}

fn breakpoint(model: &Model, found: &Breakpoint, columns: usize, theme: &Theme) -> Line<'static> {
    let (sign, role) = match found.enabled {
        true => (ON, "text"),
        false => (OFF, "dim"),
    };
    let what = match &found.on {
        On::Step { entry, step } => {
            let of = model.entries.get(*entry);
            let of = of.map_or("", |entry| entry.problem.as_str());
            format!(
                "step {step} of {}",
                sanitize(&theme.shown(of)).replace('\n', " ")
            )
        }
        On::Condition(expr) => sanitize(&theme.shown(expr.text())).into_owned(),
    };
    let mut counts = counted(u32::try_from(found.hits).unwrap_or(u32::MAX), "hit");
    if found.undecided > 0 {
        counts.push_str(&format!(", undecided at {}", found.undecided));
    }
    let head = format!(" {sign} {:>2}    ", found.id);
    let room = columns.saturating_sub(width::of(&head) + width::of(&counts) + 2);
    Line::from(vec![
        Span::styled(head, theme.style("key")),
        Span::styled(
            width::pad(&width::truncate(&what, room), room, Align::Left),
            theme.style(role),
        ),
        Span::styled(format!(" {counts}"), theme.style("dim")),
    ])
}
