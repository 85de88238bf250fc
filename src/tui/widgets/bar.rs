//! Horizontal bars of one row, readable without colour.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::tui::theme::Theme;

/// A bar filled to `share` of `width` cells, in half cells.
pub fn filled(share: f64, width: usize, style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let halves = (unit(share) * width as f64 * 2.0).round() as usize;
    let mut text = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        text.push('╸');
    }
    let used = halves.div_ceil(2);
    vec![
        Span::styled(text, style),
        Span::styled(
            "╌".repeat(width - used.min(width)),
            theme.style("bar.empty"),
        ),
    ]
}

/// Like [`filled`], with a mark at `mark` of the width.
pub fn with_mark(
    share: f64,
    mark: f64,
    width: usize,
    style: Style,
    theme: &Theme,
) -> Vec<Span<'static>> {
    let width = width.max(1);
    let at = place(mark, width);
    let cells = (unit(share) * width as f64).round() as usize;
    let mut spans = Vec::new();
    for (from, to) in [(0, at), (at + 1, width)] {
        let full = cells.clamp(from, to) - from;
        spans.push(Span::styled("━".repeat(full), style));
        spans.push(Span::styled(
            "╌".repeat(to - from - full),
            theme.style("bar.empty"),
        ));
        if from == 0 {
            spans.push(Span::styled("┃", theme.style("threshold")));
        }
    }
    spans
}

/// A scale with a dot at `share` and, where there is one, a mark.
pub fn scale(
    share: f64,
    mark: Option<f64>,
    width: usize,
    dot: Style,
    theme: &Theme,
) -> Vec<Span<'static>> {
    let at = place(share, width);
    let mark = mark.map(|mark| place(mark, width));
    let empty = theme.style("bar.empty");
    let mut spans: Vec<Span<'static>> = vec![Span::styled("├", empty)];
    for cell in 0..width {
        spans.push(if cell == at && Some(cell) == mark {
            // Too close to tell apart at this width.
            Span::styled("◆", theme.style("threshold"))
        } else if cell == at {
            Span::styled("●", dot)
        } else if Some(cell) == mark {
            Span::styled("┃", theme.style("threshold"))
        } else {
            Span::styled("─", empty)
        });
    }
    spans.push(Span::styled("┤", empty));
    spans
}

/// The cell of a share in a width of at least one.
fn place(share: f64, width: usize) -> usize {
    ((unit(share) * width as f64) as usize).min(width.saturating_sub(1))
}

/// A share in [0, 1]; what is no number is 0.
fn unit(share: f64) -> f64 {
    if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    }
}
