//! What watched expressions come to at the step at the cursor, and how that
//! differs from the step before it.

use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::expr::{Expr, Value};
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

/// Columns of an expression, where there is room for both.
const NAME: usize = 24;

/// What an expression comes to at one step.
#[derive(Debug, PartialEq)]
enum Seen {
    Known(String),
    /// With the reason.
    Unknown(String),
}

/// One line an expression, the last of `rows` saying how many there are more.
pub fn lines(
    model: &Model,
    session: &Session,
    columns: usize,
    rows: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let watches = &model.debug.watches;
    let shown = match watches.len() > rows {
        true => rows.saturating_sub(1),
        false => watches.len(),
    };
    let mut lines: Vec<Line<'static>> = watches
        .iter()
        .take(shown)
        .map(|expr| line(expr, session, columns, theme))
        .collect();
    let more = watches.len() - shown;
    if more > 0 && rows > 0 {
        lines.push(Line::styled(
            format!("and {more} more: W lists them"),
            theme.style("hint"),
        ));
    }
    lines
}

fn line(expr: &Expr, session: &Session, columns: usize, theme: &Theme) -> Line<'static> {
    let name_room = NAME.min(columns / 2);
    let name = sanitize(&theme.shown(expr.text())).into_owned();
    let name = width::truncate(&name, name_room.saturating_sub(1)).into_owned();
    let mut spans = vec![Span::styled(
        width::pad(&name, name_room, Align::Left),
        theme.style("dim"),
    )];
    let room = columns.saturating_sub(name_room);
    let path = session.followed_path();
    let at = session
        .cursor()
        .and_then(|cursor| path.iter().position(|&node| node == cursor));
    let seen = |place: usize| seen(expr, session, &path, place, theme);
    let (text, role, before) = match at {
        None => ("no step is at the cursor".to_owned(), "dim", None),
        Some(at) => {
            let now = seen(at);
            let before = at.checked_sub(1).map(seen).filter(|before| *before != now);
            match now {
                Seen::Known(text) => {
                    let role = if before.is_some() { "emphasis" } else { "text" };
                    (text, role, before)
                }
                Seen::Unknown(why) => (format!("unknown: {why}"), "dim", before),
            }
        }
    };
    let was = match before {
        Some(Seen::Known(before)) => format!("  was {before}"),
        Some(Seen::Unknown(_)) => "  was unknown".to_owned(),
        None => String::new(),
    };
    // A value that is too long goes before what it was.
    let was = match width::of(&text) + width::of(&was) <= room {
        true => was,
        false => String::new(),
    };
    spans.push(Span::styled(
        width::truncate(&text, room).into_owned(),
        theme.style(role),
    ));
    spans.push(Span::styled(was, theme.style("hint")));
    Line::from(spans)
}

/// What an expression comes to at a step, from what was known there. A text may
/// be the spec of a router.
fn seen(expr: &Expr, session: &Session, path: &[NodeIndex], place: usize, theme: &Theme) -> Seen {
    let pool = &session.settings().run.pool;
    let models: Vec<&str> = pool.iter().map(|model| model.name.as_str()).collect();
    let expr = match expr.clone().over_models(&models) {
        Ok(expr) => expr,
        Err(error) => return Seen::Unknown(theme.shown(&error.to_string()).into_owned()),
    };
    let trajectory = session.so_far(path, place);
    match expr.of_step(&trajectory, place) {
        Value::Flag(true) => Seen::Known("yes".to_owned()),
        Value::Flag(false) => Seen::Known("no".to_owned()),
        Value::Number(number) => Seen::Known(figure(number)),
        Value::Text(text) => Seen::Known(sanitize(&theme.shown(&text)).replace('\n', " ")),
        Value::Unknown => Seen::Unknown(why(&expr, &trajectory, place)),
    }
}

fn why(expr: &Expr, trajectory: &crate::expr::Trajectory<'_>, place: usize) -> String {
    let unknown = expr.unknown_at(trajectory, place);
    match unknown.first() {
        Some(field) => format!("{}: {}", field.info().name, field.unknown_because()),
        None => "no step so far gives it a value".to_owned(),
    }
}

/// A number in as many digits as anybody compares.
fn figure(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    if (1e-3..1e7).contains(&number.abs()) {
        let text = format!("{number:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{number:.3e}")
}
