//! The parts of the screen. Each takes what it shows and a place to put it;
//! none keeps state of its own.

pub mod bar;
pub mod checks;
pub mod columns;
pub mod cost;
pub mod decision;
pub mod difference;
mod drafts;
pub mod explanation;
mod facts;
pub mod figures;
pub mod frontier;
pub mod glyph;
mod help;
pub mod labels;
pub mod lane;
mod outcome;
pub mod overlay;
pub mod panel;
pub mod plot;
pub mod regret;
mod spread;
pub mod steps;
pub mod stops;
pub mod transcript;
pub mod tree;
pub mod watches;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

use crate::session::{InFlight, Session};
use crate::trace::NodeIndex;
use crate::trace::record::QUERY;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::wrap::{Piece, wrap};
use crate::tui::theme::Theme;

pub use spread::Spread;

/// The path on screen, and whether the call in flight writes its next step.
///
/// While a branch is being written, the steps that it goes beside are left
/// out; somebody who looks at another branch, or at these steps, sees no call.
/// Nor does anybody see that of a rollout.
pub fn shown_path(session: &Session) -> (Vec<NodeIndex>, bool) {
    let mut path = session.followed_path();
    let call = session.in_flight();
    let Some(call) = call.filter(|_| !session.is_rolling_out()) else {
        return (path, false);
    };
    let place = |node| path.iter().position(|&other| other == node);
    let rows_to = |node: Option<NodeIndex>| node.map_or(Some(0), |n| place(n).map(|at| at + 1));
    match (rows_to(call.place.after), rows_to(session.cursor())) {
        (Some(after), Some(cursor)) if cursor <= after => {
            path.truncate(after);
            (path, true)
        }
        _ => (path, false),
    }
}

/// What the call in flight does, behind the name of the model that writes.
pub fn doing(call: &InFlight<'_>) -> String {
    match call.scorer {
        None => "is writing".to_owned(),
        Some(QUERY) => "waits: the question is being read".to_owned(),
        Some(scorer) => format!("waits for the {scorer}'s score"),
    }
}

/// Draws a pane's frame and returns what is inside of it.
pub fn pane(area: Rect, buffer: &mut Buffer, theme: &Theme, title: &str, focused: bool) -> Rect {
    let (border, name) = if focused {
        (theme.style("border.focus"), theme.style("title.focus"))
    } else {
        (theme.style("border"), theme.style("title"))
    };
    let title = super::text::width::truncate(title, usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered()
        .border_type(if focused {
            BorderType::Thick
        } else {
            BorderType::Rounded
        })
        .border_style(border)
        .title(Line::styled(format!(" {title} "), name));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Marks a row of an area as selected; a row outside of it is none.
pub fn select(area: Rect, buffer: &mut Buffer, row: usize, theme: &Theme, focused: bool) {
    let Some(y) = u16::try_from(row).ok().filter(|&row| row < area.height) else {
        return;
    };
    let role = if focused {
        "selection"
    } else {
        "selection.unfocused"
    };
    let place = Rect {
        y: area.y + y,
        height: 1,
        ..area
    };
    let mut style = theme.style(role);
    if style.add_modifier.contains(Modifier::REVERSED) {
        // The other way round, a row's colours would be blocks of them.
        style = style.fg(Color::Reset);
    }
    buffer.set_style(place, style);
}

/// First row to show so that `cursor` is in the middle where possible.
pub fn window(cursor: usize, rows: usize, height: usize) -> usize {
    cursor
        .saturating_sub(height / 2)
        .min(rows.saturating_sub(height))
}

/// Untrusted text in one style, wrapped to `columns`.
pub fn paragraph(text: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    let text = sanitize(text).into_owned();
    let length = text.len();
    let plain = |_| (Style::default(), usize::MAX);
    wrap(&[Piece::new(text, style, 0..length)], columns, 0)
        .iter()
        .map(|line| line.to_line(plain))
        .collect()
}

/// Draws lines from the top of an area; what does not fit is left out.
pub fn lines(area: Rect, buffer: &mut Buffer, lines: &[Line<'_>]) {
    for (row, line) in (0..area.height).zip(lines) {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}
