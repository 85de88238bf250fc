//! Accuracy over cost: a line, the bounds around it, and two places on it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Stroke};

use crate::cost::Unit;
use crate::tui::text::width;
use crate::tui::theme::Theme;

use super::{figures, pane};

/// Columns left of the plot: an accuracy.
const MARGIN: u16 = 7;

/// What is drawn; places are (cost, accuracy).
pub struct Frontier<'a> {
    pub line: Vec<(f64, f64)>,
    /// The least and the greatest accuracy there can be.
    pub bounds: [Vec<(f64, f64)>; 2],
    pub logged: Option<(f64, f64)>,
    pub now: Option<(f64, f64)>,
    pub unit: Option<&'a Unit>,
}

/// Draws the frontier in a frame.
pub fn draw(area: Rect, buffer: &mut Buffer, picture: &Frontier<'_>, theme: &Theme) {
    let inner = pane(area, buffer, theme, "Frontier, estimated", false);
    if inner.width < MARGIN + 12 || inner.height < 4 {
        return;
    }
    let all = picture.line.iter().chain(picture.bounds.iter().flatten());
    let all = all.chain(&picture.logged).chain(&picture.now);
    let Some(((left, right), (low, high))) = ranges(all) else {
        let text = "nothing is estimated at any value";
        buffer.set_string(inner.x, inner.y, text, theme.style("dim"));
        return;
    };
    let plot = Rect {
        x: inner.x + MARGIN,
        width: inner.width - MARGIN,
        height: inner.height - 2,
        ..inner
    };
    let color = |role: &str| theme.style(role).fg.unwrap_or(Color::Reset);
    let sign = |role: &str, text: &'static str| Line::styled(text, theme.style(role));
    Canvas::default()
        .marker(Marker::Braille)
        .background_color(theme.style("background").bg.unwrap_or(Color::Reset))
        .x_bounds([left, right])
        .y_bounds([low, high])
        .paint(|context| {
            for bound in &picture.bounds {
                for pair in bound.windows(2) {
                    context.draw(&stroke(pair, color("dim")));
                }
            }
            context.layer();
            for pair in picture.line.windows(2) {
                context.draw(&stroke(pair, color("cost.published")));
            }
            context.layer();
            if let Some((x, y)) = picture.logged {
                context.print(x, y, sign("emphasis", "┼"));
            }
            if let Some((x, y)) = picture.now {
                context.print(x, y, sign("threshold", "●"));
            }
        })
        .render(plot, buffer);
    let dim = theme.style("dim");
    axes(
        inner,
        plot,
        buffer,
        (left, right),
        (low, high),
        picture.unit,
        dim,
    );
    let legend = "● here  ┼ logged  ⣿ bounds";
    let legend = width::truncate(legend, usize::from(inner.width)).into_owned();
    buffer.set_string(inner.x, inner.bottom() - 1, legend, dim);
}

fn axes(
    inner: Rect,
    plot: Rect,
    buffer: &mut Buffer,
    (left, right): (f64, f64),
    (low, high): (f64, f64),
    unit: Option<&Unit>,
    style: Style,
) {
    let accuracy = |value: f64| format!("{:>5.1}%", 100.0 * value);
    buffer.set_string(inner.x, plot.y, accuracy(high), style);
    buffer.set_string(inner.x, plot.bottom() - 1, accuracy(low), style);
    let row = plot.bottom();
    buffer.set_string(plot.x, row, figures::amount(Some(left), unit), style);
    let end = figures::amount(Some(right), unit);
    let columns = u16::try_from(width::of(&end)).unwrap_or(u16::MAX);
    if columns < plot.width / 2 {
        buffer.set_string(plot.right() - columns, row, end, style);
    }
}

/// The stroke between two places.
fn stroke(pair: &[(f64, f64)], color: Color) -> Stroke {
    let [(x1, y1), (x2, y2)] = [pair[0], pair[pair.len() - 1]];
    Stroke {
        x1,
        y1,
        x2,
        y2,
        color,
    }
}

type Range = (f64, f64);

/// The ranges around places, never empty; `None` of no place.
fn ranges<'a>(places: impl Iterator<Item = &'a (f64, f64)> + Clone) -> Option<(Range, Range)> {
    let around = |values: &mut dyn Iterator<Item = f64>| {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.fold(start, |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let margin = (0.05 * (high - low)).max(1e-3 * high.abs().max(1e-9));
        (low.is_finite() && high.is_finite()).then_some((low - margin, high + margin))
    };
    let costs = around(&mut places.clone().map(|place| place.0))?;
    let (low, high) = around(&mut places.map(|place| place.1))?;
    Some((costs, (low.max(0.0), high.min(1.0))))
}
