//! What the policy decides, over confidence × step index, and what of it
//! training changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::training::Training;
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
    let title = format!(
        "Policy after {} · κ {:.3} · +{changed}",
        now.iteration, now.kappa
    );
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
    for (row, values) in now.large.iter().enumerate() {
        let before = screen.first_surface().and_then(|first| {
            let values = first.large.get(row)?;
            Some((values, first.kappa))
        });
        let mut spans = vec![Span::styled(format!("step {:<3}", grid.steps[row]), dim)];
        for (column, &pi) in values.iter().enumerate() {
            let escalates = pi >= now.kappa;
            let was = before.and_then(|(values, kappa)| Some(*values.get(column)? >= kappa));
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
    legend(inner, buffer, grid, wide, theme);
    let legend = [
        Span::styled("█ large  ", large),
        Span::styled("· small  ", small),
        Span::styled(format!("+ changed, of {cells}"), dim),
    ];
    let line = Line::from(legend.to_vec());
    buffer.set_line(inner.x, inner.bottom() - 1, &line, inner.width);
}

/// Decisions that training changed, of how many that are shown.
fn changes(screen: &Training) -> (usize, usize) {
    let (Some(first), Some(now)) = (screen.first_surface(), screen.surface()) else {
        return (0, 0);
    };
    let before = first.large.iter().flatten();
    let after = now.large.iter().flatten();
    let other = |(a, b): &(&f64, &f64)| (**a >= first.kappa) != (**b >= now.kappa);
    let changed = before.clone().zip(after).filter(other).count();
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
