//! Who wrote a trajectory, one sign a step.

use ratatui::text::Span;

use crate::survey::{Step, View};
use crate::tui::theme::Theme;

use super::glyph;

/// The lane of a trajectory in so many columns; `…` where it has no room.
pub fn spans(view: &View<'_>, columns: usize, theme: &Theme) -> Vec<Span<'static>> {
    let steps = view.kept();
    let shown = match steps > columns {
        true => columns.saturating_sub(1),
        false => steps,
    };
    let kept = view.steps().filter(|step| step.kept).take(shown);
    // Neighbours alike share a span.
    let mut spans: Vec<Span<'static>> = Vec::new();
    for step in kept {
        let (sign, style) = sign(view, step, theme);
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(sign),
            _ => spans.push(Span::styled(sign.to_owned(), style)),
        }
    }
    if shown < steps {
        spans.push(Span::styled("…", theme.style("dim")));
    }
    spans
}

fn sign(view: &View<'_>, step: &Step, theme: &Theme) -> (&'static str, ratatui::style::Style) {
    let models = view.models();
    let place = view.writer(step);
    let sign = glyph::model(place, models);
    let style = if step.is_refuted() == Some(true) {
        theme.style("step.error")
    } else if let Some(place) = place {
        theme.model(place, models)
    } else if view.is_by_person(step) {
        theme.style("step.edited")
    } else {
        // Of a run whose pool is not known.
        return ("·", theme.style("dim"));
    };
    (sign, style)
}
