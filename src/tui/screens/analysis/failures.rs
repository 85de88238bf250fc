//! The page of failures: why answers are not right, by domain and difficulty.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::eval::analysis::Failure;
use crate::eval::analysis::failures::FunnelRow;
use crate::tui::screens::Drawn;
use crate::tui::text::width::{self, Align};
use crate::tui::widgets;

use super::{NAME, Painter};

impl Painter<'_> {
    pub(super) fn failures(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let note = match self.model.values.regrets {
            Some(_) => "h l j k choose a cell, enter opens its trajectories",
            None => {
                "the log holds no other model's continuations: routing, late and capability \
                 cannot be told apart"
            }
        };
        widgets::lines(
            area,
            buffer,
            &[Line::styled(note, self.theme.style("hint"))],
        );
        let area = Rect {
            y: area.y + 2,
            height: area.height.saturating_sub(2),
            ..area
        };
        let dim = self.theme.style("dim");
        let (domains, difficulties) = (&self.found.by_domain.rows, &self.found.by_difficulty.rows);
        let rows: Vec<&FunnelRow> = domains.iter().chain(difficulties).collect();
        let columns = FailureColumns::of(&rows, usize::from(area.width));
        let mut heading = vec![Span::raw(" ".repeat(columns.name))];
        for (title, columns) in FailureColumns::TITLES.iter().zip(columns.counts) {
            heading.push(Span::styled(width::pad(title, columns, Align::Right), dim));
        }
        let height = usize::from(area.height.saturating_sub(2));
        let at = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let rows_of = widgets::Spread::of(false, at, rows.len(), height);
        let top = rows_of.top;
        // For an audience there is space below the headings, where it is left.
        let is_spread = self.model.view.talk && rows.len() < height;
        let mut lines = vec![Line::from(heading)];
        lines.extend(is_spread.then(Line::default));
        for (place, row) in rows.iter().enumerate().skip(top).take(height) {
            if place == domains.len() && place > top {
                lines.push(Line::default());
            }
            if place == at {
                drawn.rows(Part::AnalysisRow, area, lines.len()..lines.len() + 1, 0);
            }
            lines.push(self.failure_row(row, &columns, place == at));
        }
        widgets::lines(area, buffer, &lines);
        // Below the headings, with the empty line between the tables where it
        // is seen.
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let body = Rect {
            y: area.y + 1,
            height: rows.min(area.height).saturating_sub(1),
            ..area
        };
        rows_of.mark(body, buffer, self.theme);
    }

    fn failure_row(
        &self,
        row: &FunnelRow,
        columns: &FailureColumns,
        selected: bool,
    ) -> Line<'static> {
        let name = self.shown(&row.name);
        let name = width::truncate(&name, columns.name.saturating_sub(1)).into_owned();
        let role = if selected { "emphasis" } else { "text" };
        let mut spans = vec![Span::styled(
            width::pad(&name, columns.name, Align::Left),
            self.theme.style(role),
        )];
        for (column, count) in counts(row).into_iter().enumerate() {
            let failure = column.checked_sub(FailureColumns::PLAIN);
            let here = selected && failure == Some(self.model.analysis.column);
            let role = match (failure, here, count) {
                (None, ..) | (_, false, 0) => "dim",
                (_, true, _) => "selection",
                (_, false, _) => "verdict.wrong",
            };
            let text = count.to_string();
            let text = if here { format!("▸{text}") } else { text };
            let (before, _) = width::padding(&text, columns.counts[column], Align::Right);
            spans.push(Span::raw(" ".repeat(before)));
            spans.push(Span::styled(text, self.theme.style(role)));
        }
        Line::from(spans)
    }
}

/// Columns of the page of failures.
struct FailureColumns {
    name: usize,
    counts: [usize; Self::TITLES.len()],
}

impl FailureColumns {
    /// Those before the failures.
    const PLAIN: usize = 2;
    const TITLES: [&'static str; Self::PLAIN + Failure::ALL.len()] = {
        let mut titles = ["n"; Self::PLAIN + Failure::ALL.len()];
        titles[1] = "right";
        let mut at = 0;
        while at < Failure::ALL.len() {
            titles[Self::PLAIN + at] = Failure::ALL[at].name();
            at += 1;
        }
        titles
    };

    /// As wide as what is in them; the name has what is left of the room.
    fn of(rows: &[&FunnelRow], room: usize) -> Self {
        let mut most = [0; Self::TITLES.len()];
        for row in rows {
            for (most, count) in most.iter_mut().zip(counts(row)) {
                *most = count.max(*most);
            }
        }
        let mut counts = [0; Self::TITLES.len()];
        for (at, columns) in counts.iter_mut().enumerate() {
            // A sign marks the cell that was chosen.
            let mark = usize::from(at >= Self::PLAIN);
            let digits = most[at].to_string().len() + mark;
            *columns = digits.max(Self::TITLES[at].len()) + 1;
        }
        let left = room.saturating_sub(counts.iter().sum());
        Self {
            name: left.clamp(8, NAME),
            counts,
        }
    }
}

/// The counts of a row in the order of [`FailureColumns::TITLES`].
fn counts(row: &FunnelRow) -> [usize; FailureColumns::TITLES.len()] {
    let mut counts = [row.trajectories; FailureColumns::TITLES.len()];
    counts[1] = row.correct;
    counts[FailureColumns::PLAIN..].copy_from_slice(&row.failures);
    counts
}
