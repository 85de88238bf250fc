//! Tables whose cells are wrapped, aligned by what a terminal shows.

use crate::tui::text::width;

/// Between two columns.
const GAP: usize = 2;
/// What the last column gets at the least, however long the names are.
const NARROWEST: usize = 24;

/// Pieces of a cell; lines break between pieces where that is possible, and
/// within one only where it is longer than a line.
pub type Cell = Vec<String>;

/// A cell of one sentence.
pub fn sentence(text: &str) -> Cell {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A cell of facts, which stay whole: `a · b · c`.
pub fn facts(facts: Vec<String>) -> Cell {
    let last = facts.len().saturating_sub(1);
    let separated = facts.into_iter().enumerate().map(|(at, fact)| match at {
        at if at == last => fact,
        _ => format!("{fact} ·"),
    });
    separated.collect()
}

/// Rows of cells below each other; the last column takes what is left of the
/// width and is wrapped.
pub fn table(rows: &[Vec<Cell>], columns: usize, indent: usize) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells
            .map(|cell| width::of(&cell.join(" ")))
            .max()
            .unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..count).map(natural).collect();
    if let Some((last, others)) = widths.split_last_mut() {
        let taken: usize = others.iter().map(|width| width + GAP).sum();
        *last = columns.saturating_sub(indent + taken).max(NARROWEST);
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| wrapped(cell, *width))
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..lines {
            let mut line = " ".repeat(indent);
            for (cell, wide) in cells.iter().zip(&widths) {
                let part = cell.get(at).map_or("", String::as_str);
                let fill = wide.saturating_sub(width::of(part)) + GAP;
                line.push_str(part);
                line.push_str(&" ".repeat(fill));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// A sentence on lines of a width, the first one behind `mark`.
pub fn item(mark: &str, text: &str, columns: usize, indent: usize) -> String {
    table(
        &[vec![vec![mark.to_owned()], sentence(text)]],
        columns,
        indent,
    )
}

/// The lines of a cell.
fn wrapped(cell: &Cell, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut put = |piece: &str| match lines.last_mut() {
        Some(line) if width::of(line) + 1 + width::of(piece) <= columns => {
            line.push(' ');
            line.push_str(piece);
        }
        _ => lines.push(piece.to_owned()),
    };
    for piece in cell {
        if width::of(piece) <= columns {
            put(piece);
        } else {
            piece.split(' ').for_each(&mut put);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(row: &[&str]) -> Vec<Cell> {
        row.iter().map(|text| sentence(text)).collect()
    }

    #[test]
    fn columns_are_aligned_by_what_is_shown_and_words_stay_whole() {
        let long = "a sentence that has to be broken at its blanks";
        let rows = [cells(&["模型", "no", long]), cells(&["m", "yes", "short"])];
        let text = table(&rows, 40, 0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "模型  no   a sentence that has to be");
        assert_eq!(lines[1], "           broken at its blanks");
        assert_eq!(lines[2], "m     yes  short");
        assert!(lines.iter().all(|line| width::of(line) <= 40));
    }

    #[test]
    fn facts_break_between_each_other_first() {
        let cell = facts(vec!["names the stop".into(), "counts cached tokens".into()]);
        assert_eq!(
            wrapped(&cell, 24),
            ["names the stop ·", "counts cached tokens"]
        );
        assert_eq!(
            wrapped(&cell, 40),
            ["names the stop · counts cached tokens"]
        );
        // Longer than a line: at its blanks; a word is never cut.
        assert_eq!(
            wrapped(&sentence("http://127.0.0.1:8080 there"), 10),
            ["http://127.0.0.1:8080", "there"]
        );
    }
}
