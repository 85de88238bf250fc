//! The rows of a list that are seen, and the space between them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::theme::Theme;

use super::window;

/// Which rows of a list are seen, and on which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The first row that is seen.
    pub top: usize,
    /// Rows that there are, and lines for them.
    rows: usize,
    height: usize,
    /// Lines from one row to the next.
    every: usize,
}

impl Spread {
    /// The rows around the cursor in `height` lines. An audience reads them with
    /// space between, where all of them have room so: a longer list is one to
    /// be seen as a whole.
    pub fn of(for_talk: bool, cursor: usize, rows: usize, height: usize) -> Self {
        let is_spread = for_talk && (2 * rows).saturating_sub(1) <= height;
        Self {
            top: window(cursor, rows, height),
            rows,
            height,
            every: if is_spread { 2 } else { 1 },
        }
    }

    /// The line of a row that is seen, from the first line on.
    pub fn line(&self, row: usize) -> usize {
        row.saturating_sub(self.top) * self.every
    }

    /// Whether there are rows above and below those that are seen.
    fn hidden(&self) -> [bool; 2] {
        let below = self.every == 1 && self.top + self.height < self.rows;
        [self.top > 0, below]
    }

    /// Signs in the frame to the right of a list where it goes on.
    pub fn mark(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        if area.height < 2 || area.right() >= buffer.area.right() {
            return;
        }
        let rows = [area.y, area.bottom() - 1];
        for ((row, sign), hidden) in rows.into_iter().zip(["↑", "↓"]).zip(self.hidden()) {
            if hidden {
                buffer.set_string(area.right(), row, sign, theme.style("hint"));
            }
        }
    }

    /// The lines of the rows from [`Spread::top`] on, with the space between
    /// them.
    pub fn lines(&self, rows: impl IntoIterator<Item = Line<'static>>) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (place, row) in rows.into_iter().enumerate() {
            lines.resize(place * self.every, Line::default());
            lines.push(row);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(spread: Spread, rows: usize) -> Vec<String> {
        let rows = (spread.top..rows).map(|row| Line::from(row.to_string()));
        let lines = spread.lines(rows);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_audience_sees_space_between_rows_that_have_room_for_it() {
        let spread = Spread::of(true, 2, 3, 5);
        assert_eq!(drawn(spread, 3), ["0", "", "1", "", "2"]);
        assert_eq!((spread.top, spread.line(2)), (0, 4));
        assert_eq!(spread.hidden(), [false, false]);
    }

    #[test]
    fn nobody_else_does_and_long_lists_have_none() {
        for spread in [Spread::of(false, 2, 3, 5), Spread::of(true, 2, 3, 4)] {
            assert_eq!(drawn(spread, 3), ["0", "1", "2"]);
            assert_eq!(spread.line(2), 2);
        }
        let long = Spread::of(true, 50, 100, 10);
        assert_eq!((long.top, long.line(50)), (45, 5));
        assert_eq!(long.hidden(), [true, true]);
        assert_eq!(Spread::of(true, 0, 100, 10).hidden(), [false, true]);
        assert_eq!(Spread::of(false, 99, 100, 10).hidden(), [true, false]);
        assert!(Spread::of(true, 0, 0, 0).lines([]).is_empty());
    }
}
