//! What talk mode draws beside the screen: the caption, the echo of the keys,
//! and what a tour points at.

mod echo;
mod point;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::tui::theme::Theme;
use crate::tui::widgets::{lines, paragraph};

pub use echo::echo;
pub use point::{found, point};

/// Most rows of a caption, and the columns left free on both sides of it.
const MOST_ROWS: usize = 4;
const MARGIN: u16 = 3;
/// Rows of a window below which there is no room for a caption.
const LEAST: u16 = 12;

/// Rows of the bar for captions in a window: room for the longest that may
/// come, with a row of space above it. None where there are no captions.
pub fn caption_rows(model: &Model, window: Rect, theme: &Theme) -> u16 {
    if !model.view.talk || window.height < LEAST {
        return 0;
    }
    let longest = model.talk.captions().map(|text| {
        let rows = wrapped(text, window.width, theme).len();
        rows.min(MOST_ROWS) as u16
    });
    longest.max().map_or(0, |rows| rows + 1)
}

/// Draws the caption into its bar.
pub fn caption(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) {
    if area.height == 0 {
        return;
    }
    buffer.set_style(area, theme.style("caption"));
    let Some(text) = model.talk.caption() else {
        return;
    };
    let text = wrapped(text, area.width, theme);
    // Without colours the bar begins where its sign is.
    let sign = Line::from(Span::styled("▐", theme.style("caption")));
    for row in 0..text.len().min(usize::from(area.height)) as u16 {
        buffer.set_line(area.x, area.y + row, &sign, 1);
    }
    let inside = Rect {
        x: area.x + MARGIN,
        width: area.width.saturating_sub(2 * MARGIN),
        ..area
    };
    lines(inside, buffer, &text);
}

fn wrapped(text: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let columns = usize::from(width.saturating_sub(2 * MARGIN)).max(1);
    paragraph(text, columns, theme.style("caption"))
}
