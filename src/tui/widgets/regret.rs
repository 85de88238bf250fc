//! What each model would have led to at a decision, and what the choice lost.

use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::eval::regret::{Action, Choice, Regret};
use crate::session::Session;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::decision::{field, heading, wrapped};
use super::{figures, glyph, steps::short_name};

/// Columns of a model's name, and of what stands before a field's text.
const NAME: usize = 10;
const FIELD: usize = 13;

/// Appends what the log knows of the decision at the cursor: nothing where
/// only one model ever wrote there.
pub fn lines(
    lines: &mut Vec<Line<'static>>,
    model: &Model,
    session: &Session,
    room: usize,
    theme: &Theme,
) {
    let Some((choice, _)) = model.valued_choice() else {
        return;
    };
    if choice.actions.iter().flatten().count() < 2 {
        return;
    }
    lines.push(Line::default());
    heading(lines, "What each model led to", theme);
    for (place, action) in choice.actions.iter().enumerate() {
        if let Some(action) = action {
            lines.push(row(session, &choice, place, action, theme));
        }
    }
    let Some(regret) = choice.regret(model.values.worth) else {
        return;
    };
    said(lines, "regret", &told(&regret), role(&regret), room, theme);
    if regret.is_noise() {
        let text = format!(
            "no more than chance makes of as many draws: ±{:.0} points",
            100.0 * regret.noise
        );
        wrapped(lines, &text, room, theme, "dim");
    }
    if let Some(worth) = regret.flips_at {
        let unit = session.settings().ledger.unit();
        let text = format!("at {} a right answer", figures::amount(Some(worth), unit));
        said(lines, "flips", &text, "threshold", room, theme);
    }
}

/// A named text on one line; where that has no room, below its name.
fn said(
    lines: &mut Vec<Line<'static>>,
    name: &str,
    text: &str,
    role: &str,
    room: usize,
    theme: &Theme,
) {
    if FIELD + width::of(text) <= room {
        return field(lines, name, text, theme.style(role), theme);
    }
    lines.push(Line::styled(name.to_owned(), theme.style("dim")));
    let before = lines.len();
    wrapped(lines, text, room.saturating_sub(2), theme, role);
    for line in &mut lines[before..] {
        line.spans.insert(0, Span::raw("  "));
    }
}

fn row(
    session: &Session,
    choice: &Choice,
    place: usize,
    action: &Action,
    theme: &Theme,
) -> Line<'static> {
    let settings = session.settings();
    let models = settings.models();
    let taken = choice.taken == Some(place);
    let role = if taken { "action.chosen" } else { "text" };
    let name = short_name(&settings.model_name(place), settings, NAME, theme);
    Line::from(vec![
        Span::styled(
            format!("{} ", glyph::model(Some(place), models)),
            theme.model(place, models),
        ),
        Span::styled(width::pad(&name, NAME, Align::Left), theme.style(role)),
        Span::styled(format!(" {}", right(action)), theme.style(role)),
        Span::styled(
            format!(" {}", figures::amount(action.cost, settings.ledger.unit())),
            theme.style("dim"),
        ),
    ])
}

/// A share of right answers and of how many it is.
pub fn right(action: &Action) -> String {
    let mark = if action.by_others { "≈" } else { " " };
    format!("{mark}{:>3.0} % of {}", 100.0 * action.right, action.draws)
}

/// What was lost, with its interval.
pub fn told(regret: &Regret) -> String {
    let [low, high] = regret.interval.map(|end| 100.0 * end);
    let gain = 100.0 * regret.gain;
    match gain > 0.0 {
        true => format!("{gain:.0} points [{low:.0}, {high:.0}]"),
        false => format!("none: {gain:.0} points [{low:.0}, {high:.0}]"),
    }
}

/// How a regret is shown: what chance makes as well is dim.
pub fn role(regret: &Regret) -> &'static str {
    match regret.is_noise() || regret.gain <= 0.0 {
        true => "dim",
        false => "warning",
    }
}
