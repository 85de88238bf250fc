//! Curves over the iterations.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use crate::app::training::{Curve, Training};
use crate::train::record::Iteration;
use crate::tui::theme::Theme;
use crate::tui::widgets;

/// Draws a curve in a frame, with its value at the iteration looked at.
pub fn draw(area: Rect, buffer: &mut Buffer, screen: &Training, curve: Curve, theme: &Theme) {
    let Some(log) = &screen.log else {
        return;
    };
    let value = |one: &Iteration| curve.value(one, &log.head);
    let now = screen.shown().and_then(value);
    let title = match now {
        Some(now) => format!("{} · {}", curve.title(log), short(now)),
        None => curve.title(log),
    };
    let inner = widgets::pane(area, buffer, theme, &title, false);
    if inner.width < 12 || inner.height < 2 {
        return;
    }
    // Two dots a column.
    let points = buckets(&log.iterations, usize::from(inner.width) * 2, value);
    if points.is_empty() {
        return;
    }
    let level = curve.level(log);
    let (low, high) = range(points.iter().map(|(_, y)| *y).chain(level));
    let last = f64::from(log.head.params.iterations.max(1));
    let flat = level.map(|level| [(0.0, level), (last, level)]);
    let cursor = screen
        .cursor
        .map(f64::from)
        .map(|at| [(at, low), (at, high)]);
    let line = |data, role| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(theme.style(role))
            .data(data)
    };
    let mut datasets = Vec::new();
    if let Some(flat) = &flat {
        datasets.push(line(flat, "threshold"));
    }
    if let Some(cursor) = &cursor {
        datasets.push(line(cursor, "dim"));
    }
    datasets.push(line(&points, "step.small"));
    let dim = theme.style("dim");
    let labels = [low, high].map(|y| Line::styled(short(y), dim));
    Chart::new(datasets)
        // Its canvas paints over what is behind it.
        .style(theme.style("background").patch(theme.style("text")))
        .x_axis(Axis::default().bounds([0.0, last]).style(dim))
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .labels(labels)
                .style(dim),
        )
        .render(inner, buffer);
}

/// Means over as many stretches of the iterations as fit.
fn buckets(
    iterations: &BTreeMap<u32, Iteration>,
    most: usize,
    value: impl Fn(&Iteration) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let known: Vec<(f64, f64)> = iterations
        .iter()
        .filter_map(|(at, one)| Some((f64::from(*at), value(one)?)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    let size = known.len().div_ceil(most.max(1)).max(1);
    let mean = |part: &[(f64, f64)]| {
        let n = part.len() as f64;
        let sum = |pick: fn(&(f64, f64)) -> f64| part.iter().map(pick).sum::<f64>() / n;
        (sum(|p| p.0), sum(|p| p.1))
    };
    known.chunks(size).map(mean).collect()
}

/// A range around values, never empty.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let margin = (0.05 * (high - low)).max(1e-6 * high.abs().max(1e-3));
    // Nothing here is negative, and no axis should say that it might be.
    let least = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    ((low - margin).max(least), high + margin)
}

/// A number in five characters or so.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else if size < 10.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.1}")
    }
}
