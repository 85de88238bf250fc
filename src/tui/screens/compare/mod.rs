//! The screen of a comparison: two trajectories side by side, or two runs
//! problem by problem.

mod pair;
mod runs;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::tour::Part;
use crate::app::{Model, Pane};
use crate::tui::theme::Theme;
use crate::tui::widgets::difference::Cache;
use crate::tui::widgets::{self, paragraph};

use super::Drawn;

/// Draws the screen's body.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    theme: &Theme,
    cache: &mut Cache,
) -> Drawn {
    let mut drawn = match (&model.compare.runs, &model.compare.pair) {
        (Some(runs), _) if model.compare.shows_runs => {
            runs::draw(area, buffer, model, runs, theme);
            Drawn::default()
        }
        (_, Some(pair)) => pair::draw(area, buffer, model, pair, theme, cache),
        _ => {
            let inner = widgets::pane(area, buffer, theme, "Compare", true);
            let columns = usize::from(inner.width);
            let said = paragraph("nothing is compared", columns, theme.style("dim"));
            widgets::lines(inner, buffer, &said);
            Drawn::default()
        }
    };
    drawn.panes = vec![(Pane::Steps, area)];
    drawn.part(Part::Compare, area);
    drawn
}
