//! The rows of a list that are seen, and the space between them.

use ratatui::text::Line;

use super::window;

/// Which rows of a list are seen, and on which lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The first row that is seen.
    pub top: usize,
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
            every: if is_spread { 2 } else { 1 },
        }
    }

    /// The line of a row that is seen, from the first line on.
    pub fn line(&self, row: usize) -> usize {
        row.saturating_sub(self.top) * self.every
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
    }

    #[test]
    fn nobody_else_does_and_long_lists_have_none() {
        for spread in [Spread::of(false, 2, 3, 5), Spread::of(true, 2, 3, 4)] {
            assert_eq!(drawn(spread, 3), ["0", "1", "2"]);
            assert_eq!(spread.line(2), 2);
        }
        let long = Spread::of(true, 50, 100, 10);
        assert_eq!((long.top, long.line(50)), (45, 5));
        assert!(Spread::of(true, 0, 0, 0).lines([]).is_empty());
    }
}
