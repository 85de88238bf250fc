//! Rows of cells in columns that line up.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::headless::plain::plain;

/// Columns of the longest cell: one endless id must not push everything else
/// out of sight.
const WIDEST: usize = 60;

/// A cell and the side it leans to.
pub enum Cell {
    Left(String),
    Right(String),
    /// In the last column: leans to the left and is never cut.
    Sentence(String),
}

impl Cell {
    fn text(&self) -> String {
        let (Self::Left(text) | Self::Right(text) | Self::Sentence(text)) = self;
        let text = plain(text).replace('\n', " ");
        match self {
            Self::Sentence(_) => text,
            Self::Left(_) | Self::Right(_) => shortened(text),
        }
    }
}

/// At most so many columns of a text.
fn shortened(text: String) -> String {
    if text.width() <= WIDEST {
        return text;
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= WIDEST
    });
    kept.chain(['…']).collect()
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
                Cell::Left(_) | Cell::Sentence(_) => line.push_str(&format!("{text}{blanks}")),
                Cell::Right(_) => line.push_str(&format!("{blanks}{text}")),
            }
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_stands_in_them() {
        let long = "漢".repeat(50);
        let sentence = "because ".repeat(20);
        let row = |name: &str, value: &str, why: &str| {
            vec![
                Cell::Left(name.to_owned()),
                Cell::Right(value.to_owned()),
                Cell::Sentence(why.to_owned()),
            ]
        };
        let text = grid(&[
            row(&long, "1", "so"),
            row("a\nb\u{1b}[2J", "100", &sentence),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        let columns = |line: &str, word: &str| line[..line.find(word).unwrap()].width();
        assert_eq!(columns(lines[0], "so"), columns(lines[1], "because"));
        // 29 signs of two columns and the ellipsis; no sign is cut in two.
        assert!(
            lines[0].starts_with(&format!("{}…  ", "漢".repeat(29))),
            "{text}"
        );
        assert!(lines[1].starts_with("a b[2J ") && lines[1].ends_with(sentence.trim_end()));
    }
}
