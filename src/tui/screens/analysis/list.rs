//! The list of a page, with its figure beside or below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::tour::Part;
use crate::headless::figure::Figure;
use crate::tui::screens::Drawn;
use crate::tui::text::width::{self, Align};
use crate::tui::widgets::columns::cell;
use crate::tui::widgets::{self, plot};

use super::{BESIDE, NAME, Painter};

/// A column of a list: heading and width.
pub(super) type Heading = (&'static str, usize);
/// Columns of a figure beside a list at least.
const FIGURE: u16 = 24;

impl Painter<'_> {
    /// A list with the row of the cursor, and a figure beside or below it.
    pub(super) fn list_and_figure(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        drawn: &mut Drawn,
        headings: &[Heading],
        rows: &[Vec<String>],
        figure: Option<&Figure>,
    ) {
        // The first column is as wide as what is in it.
        let mut headings = headings.to_vec();
        let longest = rows.iter().filter_map(|row| row.first());
        let longest = longest.map(|name| width::of(name)).max().unwrap_or(0);
        if let Some((_, columns)) = headings.first_mut() {
            *columns = longest.clamp(*columns, NAME);
        }
        let headings = &headings;
        let (list, picture) = if area.width >= BESIDE {
            let columns: usize = headings.iter().map(|(_, columns)| columns + 1).sum();
            let columns = u16::try_from(columns).unwrap_or(u16::MAX);
            let [list, picture] =
                Layout::horizontal([Constraint::Length(columns), Constraint::Min(FIGURE)])
                    .areas(area);
            (list, picture)
        } else {
            let wanted = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
            let least = wanted.min(area.height / 3).max(4);
            let [list, picture] =
                Layout::vertical([Constraint::Length(least), Constraint::Min(6)]).areas(area);
            (list, picture)
        };
        self.list(list, buffer, drawn, headings, rows);
        drawn.part(Part::AnalysisFigure, picture);
        match figure {
            Some(figure) => plot::draw(picture, buffer, figure, self.theme),
            None => {
                let text = Line::styled("there is nothing to draw", self.theme.style("dim"));
                widgets::lines(picture, buffer, &[text]);
            }
        }
    }

    fn list(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        drawn: &mut Drawn,
        headings: &[Heading],
        rows: &[Vec<String>],
    ) {
        let dim = self.theme.style("dim");
        let cells = |texts: &mut dyn Iterator<Item = &str>, style: Style| {
            let texts = texts.zip(headings).enumerate();
            let spans = texts.flat_map(|(at, (text, (_, columns)))| {
                let align = if at == 0 { Align::Left } else { Align::Right };
                // A row may have the name of a model or of a domain.
                let text = self.theme.shown(text);
                cell(&text, *columns, align, style)
            });
            Line::from(spans.collect::<Vec<_>>())
        };
        let heading = cells(&mut headings.iter().map(|(name, _)| *name), dim);
        widgets::lines(area, buffer, &[heading]);
        let height = usize::from(area.height.saturating_sub(1));
        let at = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let rows_of = widgets::Spread::of(self.model.view.talk, at, rows.len(), height);
        let text = self.theme.style("text");
        let shown = rows.iter().skip(rows_of.top).take(height);
        let shown = shown.map(|row| cells(&mut row.iter().map(String::as_str), text));
        if !rows.is_empty() && height > 0 {
            let body = Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
            widgets::lines(body, buffer, &rows_of.lines(shown));
            // The last column ends before the figure beside it.
            let columns: usize = headings.iter().map(|(_, columns)| columns + 1).sum();
            let columns = u16::try_from(columns).unwrap_or(u16::MAX).min(area.width);
            let width = columns.saturating_sub(1);
            rows_of.mark(Rect { width, ..body }, buffer, self.theme);
            let row = rows_of.line(at);
            widgets::select(body, buffer, row, self.theme, true);
            drawn.rows(Part::AnalysisRow, body, row..row + 1, 0);
        }
    }
}
