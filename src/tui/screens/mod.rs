//! The whole picture: what goes where at every size.

mod analysis;
mod bars;
mod compare;
mod inspector;
mod problems;
mod runs;
mod values;
mod what_if;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::app::{Model, Pane, Screen};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::theme::Theme;
use crate::tui::widgets::{difference, overlay, transcript};

/// The least window anything is drawn in.
const LEAST: (u16, u16) = (30, 8);

/// What is kept between frames: wrapped text, and where two texts differ.
#[derive(Default)]
pub struct ViewCache {
    pub transcript: transcript::Cache,
    pub difference: difference::Cache,
}

/// What the frame showed: for scrolling from what is seen, and for the mouse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawn {
    pub panes: Vec<(Pane, Rect)>,
    pub text: transcript::Position,
    pub decision_last: usize,
    pub layer_last: usize,
}

impl Drawn {
    /// The pane under a cell.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        self.panes
            .iter()
            .find(|(_, area)| area.contains((column, row).into()))
            .map(|(pane, _)| *pane)
    }
}

/// Draws the model.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    theme: &Theme,
    keymap: &Keymap,
    pending: &Pending,
    cache: &mut ViewCache,
) -> Drawn {
    buffer.set_style(area, theme.style("background"));
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("pointsman needs {}×{}", LEAST.0, LEAST.1);
        buffer.set_line(area.x, area.y, &Line::from(text), area.width);
        return Drawn::default();
    }
    let [header, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    bars::header(header, buffer, model, theme);
    let mut drawn = match model.view.screen {
        Screen::Inspector | Screen::Tree => {
            inspector::draw(body, buffer, model, theme, &mut cache.transcript)
        }
        Screen::Runs => runs::draw(body, buffer, model, theme),
        Screen::Problems => problems::draw(body, buffer, model, theme),
        Screen::WhatIf => what_if::draw(body, buffer, model, theme),
        Screen::Values => values::draw(body, buffer, model, theme),
        Screen::Analysis => analysis::draw(body, buffer, model, theme),
        Screen::Compare => compare::draw(body, buffer, model, theme, &mut cache.difference),
    };
    bars::footer(footer, buffer, model, theme, keymap, pending);
    if let Some(layer) = model.layers.last() {
        drawn.layer_last = overlay::draw(area, buffer, layer, model, keymap, theme);
    }
    drawn
}
