//! The tree of branches: every step once, branches indented, rejected drafts
//! beside the path.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::trace::tree::{Row, RowKind};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::{math, width};
use crate::tui::theme::Theme;

use super::{checks, figures, glyph, lines, select, stops, window};

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
    let rows = session.tree().rows();
    if rows.is_empty() {
        let line = Line::styled("no step yet: space writes the first", theme.style("dim"));
        lines(area, buffer, &[line]);
        return Vec::new();
    }
    let cursor = session
        .cursor()
        .and_then(|cursor| rows.iter().position(|row| row.node == cursor));
    let height = usize::from(area.height);
    let top = window(cursor.unwrap_or(0), rows.len(), height);
    let followed = session.followed_path();
    let shown: Vec<Line<'static>> = rows
        .iter()
        .skip(top)
        .take(height)
        .map(|row| line(row, model, session, &followed, area.width, theme, checks))
        .collect();
    lines(area, buffer, &shown);
    if let Some(row) = cursor.and_then(|cursor| cursor.checked_sub(top)) {
        select(area, buffer, row, theme, focused);
    }
    let seen = rows.iter().skip(top).zip(area.rows());
    let seen = seen.filter(|(row, _)| followed.contains(&row.node));
    seen.map(|(row, place)| (session.tree().node(row.node).step.index, place))
        .collect()
}

fn line(
    row: &Row,
    model: &Model,
    session: &Session,
    followed: &[NodeIndex],
    columns: u16,
    theme: &Theme,
    checks: &mut checks::Cache,
) -> Line<'static> {
    let entry = session.tree().node(row.node);
    let step = &entry.step;
    let settings = session.settings();
    let place = settings.place(&step.model);
    let style = glyph::step_style(step, place, settings.models(), theme);
    let mut spans = vec![
        Span::styled(row.branches(), theme.style("border")),
        Span::styled(
            format!("{} ", glyph::step(step, place, settings.models())),
            style,
        ),
        Span::styled(format!("{:<2} ", step.index), theme.style("dim")),
        Span::styled(
            format!("{:>5} ", figures::confidence(&step.confidence)),
            theme.style("dim"),
        ),
    ];
    if let Some(outcome) = entry.outcome() {
        let (sign, _, role) = glyph::verdict(outcome.verdict);
        spans.push(Span::styled(format!("{sign} "), theme.style(role)));
    }
    if model.is_marked(&step.id) {
        spans.push(Span::styled("◆ ", theme.style("mark")));
    }
    let on_path = followed.iter().position(|&node| node == row.node);
    if let Some(sign) = on_path.and_then(|place| stops::sign(model, session, followed, place)) {
        spans.push(Span::styled(format!("{sign} "), theme.style("mark")));
    }
    for sign in checks::signs(session, followed, row.node, theme, checks) {
        spans.extend([sign, Span::raw(" ")]);
    }
    if row.kind == RowKind::Orphan {
        spans.push(Span::styled(
            "(the step before it is missing) ",
            theme.style("warning"),
        ));
    }
    let used: usize = spans.iter().map(|span| width::of(&span.content)).sum();
    let text = from_difference(session, row.node);
    let room = usize::from(columns).saturating_sub(used);
    let role = if on_path.is_some() { "text" } else { "dim" };
    spans.push(Span::styled(
        width::truncate(&text, room).into_owned(),
        theme.style(role),
    ));
    Line::from(spans)
}

/// A step's text in one line; of branches that begin alike, from where they
/// differ.
fn from_difference(session: &Session, node: NodeIndex) -> String {
    /// Columns of a shared beginning that are worth leaving out.
    const WORTH: usize = 16;
    let line = |node: NodeIndex| {
        let text = &session.tree().node(node).step.text;
        math::readable_text(&sanitize(text)).replace('\n', " ")
    };
    let text = line(node);
    let siblings = session.tree().siblings(node);
    let others = siblings.iter().filter(|&&other| other != node);
    let shared = others.map(|&other| shared_words(&text, &line(other))).max();
    match shared.filter(|&shared| shared > WORTH && shared < text.len()) {
        Some(shared) => format!("… {}", text.get(shared..).unwrap_or_default()),
        None => text,
    }
}

/// Bytes of the beginning that two lines share, up to the last whole word.
fn shared_words(one: &str, other: &str) -> usize {
    let differ = one
        .char_indices()
        .zip(other.chars())
        .find(|((_, a), b)| a != b)
        .map_or(one.len().min(other.len()), |((at, _), _)| at);
    let shared = one.get(..differ).unwrap_or_default();
    shared.rfind(' ').map_or(0, |space| space + 1)
}
