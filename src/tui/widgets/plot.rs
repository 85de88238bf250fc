//! A figure in cells: readable without colour and in any font.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::headless::figure::{Figure, Layer, Tone};
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::text::width;
use crate::tui::theme::Theme;

use super::{figures, pane};

/// Columns left of the plot: a number.
const MARGIN: u16 = 7;
/// Bars by eighths of a cell.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The sign and the role of a tone.
fn look(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Guide => ("·", "dim"),
        Tone::Main => ("●", "cost.published"),
        Tone::Correct => ("○", "verdict.correct"),
        Tone::Wrong => ("×", "verdict.wrong"),
        Tone::Fit => ("•", "threshold"),
    }
}

/// Draws a figure in a frame.
pub fn draw(area: Rect, buffer: &mut Buffer, figure: &Figure, theme: &Theme) {
    let title = theme.shown(&figure.title);
    let inner = pane(area, buffer, theme, &sanitize_line(&title), false);
    if inner.width < MARGIN + 12 || inner.height < 5 {
        return;
    }
    let plot = Rect {
        x: inner.x + MARGIN,
        width: inner.width - MARGIN,
        height: inner.height - 2,
        ..inner
    };
    let canvas = Canvas { plot, figure };
    for layer in &figure.layers {
        canvas.layer(buffer, layer, theme);
    }
    axes(inner, plot, buffer, figure, theme);
    legend(inner, buffer, figure, theme);
}

struct Canvas<'a> {
    plot: Rect,
    figure: &'a Figure,
}

impl Canvas<'_> {
    fn layer(&self, buffer: &mut Buffer, layer: &Layer, theme: &Theme) {
        match layer {
            Layer::Line { points, tone, .. } => {
                let (sign, role) = look(*tone);
                for pair in points.windows(2) {
                    self.stroke(pair[0], pair[1], |column, row| {
                        self.put(buffer, column, row, sign, role, theme);
                    });
                }
                if let [(x, y)] = points[..] {
                    self.put(buffer, self.column(x), self.row(y), sign, role, theme);
                }
            }
            Layer::Points { points, tone, .. } => {
                let (sign, role) = look(*tone);
                for &(x, _, [low, high]) in points {
                    let (top, bottom) = (self.row(high), self.row(low));
                    for row in top..=bottom {
                        self.put(buffer, self.column(x), row, "│", role, theme);
                    }
                }
                for &(x, y, _) in points {
                    self.put(buffer, self.column(x), self.row(y), sign, role, theme);
                }
            }
            Layer::Bars { heights, tone, .. } => self.bars(buffer, heights, *tone, theme),
        }
    }

    fn bars(&self, buffer: &mut Buffer, heights: &[f64], tone: Tone, theme: &Theme) {
        let (_, role) = look(tone);
        let rows = f64::from(self.plot.height);
        for column in 0..self.plot.width {
            let share = f64::from(column) / f64::from(self.plot.width);
            let at = (share * heights.len() as f64) as usize;
            let Some(height) = heights.get(at) else {
                continue;
            };
            let eighths = (height / self.figure.y.1 * rows * 8.0).round() as u16;
            for row in 0..self.plot.height {
                let from_below = self.plot.height - 1 - row;
                let fill = eighths.saturating_sub(from_below * 8).min(8);
                if fill > 0 {
                    let sign = EIGHTHS[usize::from(fill)];
                    self.put(buffer, column, row, sign, role, theme);
                }
            }
        }
    }

    /// The cells from one point to another, one a column.
    fn stroke(&self, from: (f64, f64), to: (f64, f64), mut put: impl FnMut(u16, u16)) {
        let (left, right) = (self.column(from.0), self.column(to.0));
        for column in left..=right {
            let share = match right > left {
                true => f64::from(column - left) / f64::from(right - left),
                false => 0.0,
            };
            put(column, self.row(from.1 + share * (to.1 - from.1)));
        }
    }

    fn put(
        &self,
        buffer: &mut Buffer,
        column: u16,
        row: u16,
        sign: &str,
        role: &str,
        theme: &Theme,
    ) {
        if column < self.plot.width && row < self.plot.height {
            let (x, y) = (self.plot.x + column, self.plot.y + row);
            buffer.set_string(x, y, sign, theme.style(role));
        }
    }

    fn column(&self, x: f64) -> u16 {
        cell(x, self.figure.x, self.plot.width)
    }

    fn row(&self, y: f64) -> u16 {
        self.plot.height - 1 - cell(y, self.figure.y, self.plot.height)
    }
}

/// The cell of a value, of so many over a range.
fn cell(value: f64, (low, high): (f64, f64), cells: u16) -> u16 {
    let share = ((value - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    (share * f64::from(cells.saturating_sub(1))).round() as u16
}

fn axes(inner: Rect, plot: Rect, buffer: &mut Buffer, figure: &Figure, theme: &Theme) {
    let dim = theme.style("dim");
    let shares = figure.y == (0.0, 1.0);
    let name = |value: f64| match (shares, figure.y_is_root) {
        (true, _) => format!("{:>4.0} %", 100.0 * value),
        (_, true) => format!("{:>6.0}", value * value),
        _ => format!("{:>6}", figures::scaled(value).trim()),
    };
    buffer.set_string(inner.x, plot.y, name(figure.y.1), dim);
    buffer.set_string(inner.x, plot.bottom() - 1, name(figure.y.0), dim);
    let number = |value: f64| {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let row = plot.bottom();
    buffer.set_string(plot.x, row, number(figure.x.0), dim);
    let text = match figure.y_is_root {
        true => format!("{}; heights by their root", figure.x_name),
        false => figure.x_name.clone(),
    };
    let middle = width::truncate(&text, usize::from(plot.width) * 2 / 3).into_owned();
    let at = plot.x + (plot.width.saturating_sub(width::of(&middle) as u16)) / 2;
    buffer.set_string(at, row, middle, dim);
    let end = number(figure.x.1);
    let columns = width::of(&end) as u16;
    if columns < plot.width / 3 {
        buffer.set_string(plot.right() - columns, row, end, dim);
    }
}

/// Names of the layers with their signs.
fn legend(inner: Rect, buffer: &mut Buffer, figure: &Figure, theme: &Theme) {
    let mut spans = Vec::new();
    for layer in &figure.layers {
        let (tone, name, bars) = match layer {
            Layer::Line { tone, name, .. } | Layer::Points { tone, name, .. } => {
                (*tone, name, false)
            }
            Layer::Bars { tone, name, .. } => (*tone, name, true),
        };
        let (sign, role) = look(tone);
        let sign = if bars { "▅" } else { sign };
        spans.push(Span::styled(format!("{sign} "), theme.style(role)));
        let name = sanitize_line(&theme.shown(name)).into_owned();
        spans.push(Span::styled(format!("{name}  "), theme.style("dim")));
    }
    let y = inner.bottom() - 1;
    buffer.set_line(inner.x, y, &Line::from(spans), inner.width);
}
