//! What the policy decides, over confidence × step index, and what of it
//! training changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::training::Training;
use crate::train::surface::Surface;
use crate::tui::theme::Theme;
use crate::tui::widgets;

/// π of the large model in five shades.
const SHADES: [&str; 5] = ["·", "░", "▒", "▓", "█"];
/// Columns for the names of the steps.
const NAMES: u16 = 8;

/// Draws the surface at the iteration looked at. Where the large model is in
/// the action set the cell has its colour, and `+` marks a decision that was
/// another one before training.
pub fn draw(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    let (Some(log), Some(now)) = (&screen.log, screen.surface()) else {
        let inner = widgets::pane(area, buffer, theme, "Policy", false);
        let text = Line::styled("no surface yet", theme.style("dim"));
        widgets::lines(inner, buffer, &[text]);
        return;
    };
    let (changed, cells) = changes(screen);
    let title = format!("Policy after {} · κ {:.3}", now.iteration, now.kappa);
    let inner = widgets::pane(area, buffer, theme, &title, false);
    let grid = &log.head.grid;
    let columns = grid.confidences.len() as u16;
    let room = inner.width.saturating_sub(NAMES);
    let (dim, small, large) = (
        theme.style("dim"),
        theme.style("step.small"),
        theme.style("step.large"),
    );
    if columns == 0 || room < columns || inner.height < 4 {
        return;
    }
    let wide = (room / columns).clamp(1, 2);
    let rows = usize::from(inner.height - 3);
    let runs = |surface: &Surface, row: usize, column: usize| {
        surface
            .escalates
            .get(row)
            .and_then(|row| row.get(column))
            .copied()
    };
    for (row, (values, step)) in now.large.iter().zip(&grid.steps).enumerate() {
        let mut spans = vec![Span::styled(format!("step {step:<3}"), dim)];
        for (column, &pi) in values.iter().enumerate() {
            let escalates = runs(now, row, column).unwrap_or(false);
            let was = screen
                .first_surface()
                .and_then(|first| runs(first, row, column));
            let other = was.is_some_and(|was| was != escalates);
            let shade = SHADES[((pi * 5.0) as usize).min(SHADES.len() - 1)];
            let text = match (other, wide) {
                (true, 2) => format!("{shade}+"),
                (false, 2) => format!("{shade}{shade}"),
                _ => shade.to_owned(),
            };
            spans.push(Span::styled(text, if escalates { large } else { small }));
        }
        if row < rows {
            let y = inner.y + row as u16;
            buffer.set_line(inner.x, y, &Line::from(spans), inner.width);
        }
    }
    let hidden = grid.steps.len().saturating_sub(rows);
    if hidden > 0 {
        let text = format!("… {hidden} more steps in a taller window");
        buffer.set_stringn(
            inner.x,
            inner.bottom() - 2,
            text,
            usize::from(inner.width),
            dim,
        );
    }
    legend(inner, buffer, grid, wide, theme);
    let changed = match wide {
        2 => format!("+ changed: {changed} of {cells}"),
        // No room for the sign in the cells.
        _ => format!("{changed}/{cells} changed"),
    };
    let line = Line::from(vec![
        Span::styled("█ large  ", large),
        Span::styled("· small  ", small),
        Span::styled(changed, dim),
    ]);
    buffer.set_line(inner.x, inner.bottom() - 1, &line, inner.width);
}

/// Decisions that training changed, of how many that are shown.
fn changes(screen: &Training) -> (usize, usize) {
    let (Some(first), Some(now)) = (screen.first_surface(), screen.surface()) else {
        return (0, 0);
    };
    let before = first.escalates.iter().flatten();
    let after = now.escalates.iter().flatten();
    let changed = before.clone().zip(after).filter(|(a, b)| a != b).count();
    (changed, before.count())
}

/// Confidences under the columns.
fn legend(
    inner: Rect,
    buffer: &mut Buffer,
    grid: &crate::train::surface::Grid,
    wide: u16,
    theme: &Theme,
) {
    let y = inner.y + (grid.steps.len() as u16).min(inner.height - 3);
    let dim = theme.style("dim");
    buffer.set_string(inner.x, y, "conf.", dim);
    let last = grid.confidences.len() - 1;
    let mut free = inner.x;
    for column in [0, last / 2, last] {
        let text = super::chart::short(grid.confidences[column]);
        let width = text.chars().count() as u16;
        let at = inner.x + NAMES + wide * column as u16;
        let x = at.min(inner.right().saturating_sub(width));
        if x >= free {
            buffer.set_string(x, y, text, dim);
            free = x + width + 1;
        }
    }
}
