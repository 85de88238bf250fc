//! Rows of cells in columns that line up.

use unicode_width::UnicodeWidthStr as _;

use crate::headless::plain::plain;

/// Characters of the longest cell: one endless id must not push everything
/// else out of sight.
const WIDEST: usize = 60;

/// A cell and the side it leans to.
pub enum Cell {
    Left(String),
    Right(String),
}

impl Cell {
    fn text(&self) -> String {
        let (Self::Left(text) | Self::Right(text)) = self;
        let text = plain(text).replace('\n', " ");
        match text.chars().count() > WIDEST {
            true => text.chars().take(WIDEST - 1).chain(['…']).collect(),
            false => text,
        }
    }
}

/// The rows with two blanks between columns; nothing behind the last one.
pub fn grid(rows: &[Vec<Cell>]) -> String {
    let texts: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(Cell::text).collect())
        .collect();
    let columns = texts.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = texts.iter().filter_map(|row| row.get(column));
        cells.map(|text| text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (row, texts) in rows.iter().zip(&texts) {
        let mut line = String::new();
        for (at, (cell, text)) in row.iter().zip(texts).enumerate() {
            let blanks = " ".repeat(widths[at].saturating_sub(text.width()));
            match cell {
                Cell::Left(_) => line.push_str(&format!("{text}{blanks}")),
                Cell::Right(_) => line.push_str(&format!("{blanks}{text}")),
            }
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
