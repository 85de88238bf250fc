//! What the other routers would do at a step, one row each.

use ratatui::text::{Line, Span};

use crate::session::{Opinion, Session, Wants};
use crate::trace::NodeIndex;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::decision::{heading, wrapped};
use super::{glyph, steps::short_name};

/// Columns of a router's name and of what it wants.
const NAME: usize = 17;
const WANTS: usize = 14;

/// Appends the panel's rows for a step: nothing where no rule can be asked.
pub fn lines(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    node: NodeIndex,
    room: usize,
    theme: &Theme,
) {
    let opinions = session.opinions(node, &session.settings().panel);
    if opinions.is_empty() {
        return;
    }
    lines.push(Line::default());
    let differ = opinions
        .iter()
        .filter(|opinion| opinion.differs == Some(true))
        .count();
    let title = match differ {
        0 => "What each router would do".to_owned(),
        differ => format!("What each router would do ({differ} ≠)"),
    };
    heading(lines, &title, theme);
    for opinion in &opinions {
        row(lines, session, opinion, room, theme);
    }
}

fn row(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    opinion: &Opinion,
    room: usize,
    theme: &Theme,
) {
    let (sign, text, model) = wanted(session, opinion.wants, theme);
    let models = session.settings().models();
    let style = match (opinion.wants, model) {
        (Wants::Unknown, _) => theme.style("dim"),
        (_, Some(model)) => theme.model(model, models),
        _ => theme.style("text"),
    };
    let mark = match opinion.differs {
        Some(true) => Span::styled("≠ ", theme.style("warning")),
        _ => Span::raw("  "),
    };
    let (name, why) = (theme.shown(&opinion.router), theme.shown(&opinion.why));
    let name = width::truncate(&name, NAME - 1);
    let mut spans = vec![
        mark,
        Span::styled(width::pad(&name, NAME, Align::Left), theme.style("text")),
        Span::styled(
            width::pad(&format!("{sign} {text}"), WANTS, Align::Left),
            style,
        ),
    ];
    if opinion.wants == Wants::Unknown {
        // What is missing follows at once: nobody needs a line more for it.
        spans.pop();
        spans.push(Span::styled("? unknown: ", theme.style("dim")));
    }
    // Why stands beside where there is room, else below.
    let used: usize = spans.iter().map(|span| width::of(&span.content)).sum();
    let left = room.saturating_sub(used);
    if width::of(&why) <= left {
        spans.push(Span::styled(why.into_owned(), theme.style("dim")));
        lines.push(Line::from(spans));
        return;
    }
    lines.push(Line::from(spans));
    let before = lines.len();
    wrapped(lines, &why, room.saturating_sub(4).max(8), theme, "dim");
    for line in &mut lines[before..] {
        line.spans.insert(0, Span::raw("    "));
    }
}

/// A sign, a word or two, and the model concerned.
fn wanted(session: &Session, wants: Wants, theme: &Theme) -> (String, String, Option<usize>) {
    let settings = session.settings();
    let models = settings.models();
    let word = wants.word().unwrap_or_default();
    let Some(model) = wants.model() else {
        let sign = match wants {
            Wants::Stands => "✓",
            _ => "?",
        };
        return (sign.to_owned(), word.to_owned(), None);
    };
    let what = match word {
        "" => String::new(),
        word => format!(" {word}"),
    };
    let columns = WANTS - 3 - what.len();
    let name = short_name(&settings.model_name(model), settings, columns, theme);
    let sign = glyph::model(Some(model), models).to_owned();
    (sign, format!("{name}{what}"), Some(model))
}
