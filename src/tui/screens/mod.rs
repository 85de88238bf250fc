//! The whole picture: what goes where at every size.

mod analysis;
mod bars;
mod compare;
mod inspector;
mod problems;
mod runs;
mod surface;
mod values;
mod what_if;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::app::tour::{Part, Target};
use crate::app::{Model, Pane, Screen};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::talk;
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
    /// Where everything is that a tour can point at, except words.
    pub places: Vec<(Target, Rect)>,
    pub text: transcript::Position,
    pub decision_last: usize,
    pub layer_last: usize,
}

impl Drawn {
    /// Remembers where a part is.
    pub fn part(&mut self, part: Part, place: Rect) {
        self.places.push((Target::Part(part), place));
    }

    /// Remembers a part that takes some rows of an area, as far as they are
    /// on screen; the first may lie above it.
    fn rows(&mut self, part: Part, area: Rect, rows: std::ops::Range<usize>, top: usize) {
        let clip = |row: usize| row.saturating_sub(top).min(usize::from(area.height)) as u16;
        let (from, to) = (clip(rows.start), clip(rows.end));
        if from < to {
            let place = Rect {
                y: area.y + from,
                height: to - from,
                ..area
            };
            self.part(part, place);
        }
    }

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
    let for_talk = model.view.talk.then(|| theme.for_talk(&model.talk.private));
    let theme = for_talk.as_ref().unwrap_or(theme);
    let [header, body, caption, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(talk::caption_rows(model, area, theme)),
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
    drawn.part(Part::Header, header);
    bars::footer(footer, buffer, model, theme, keymap, pending);
    talk::point(buffer, &drawn, model.talk.highlights(), theme);
    talk::caption(caption, buffer, model, theme);
    if let Some(layer) = model.layers.last() {
        drawn.layer_last = overlay::draw(area, buffer, layer, model, keymap, theme);
    }
    drawn
}
