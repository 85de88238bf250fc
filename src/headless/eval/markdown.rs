//! The results as a page of Markdown.

use std::fmt::Write as _;

use super::Evaluation;
use super::grid::{self, Grid};

/// Everything but the picture.
#[must_use]
pub fn markdown(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    for line in grid::ground(evaluation) {
        let _ = writeln!(text, "{}  ", escaped(&line));
    }
    text.push('\n');
    table(&mut text, &grid::results(&evaluation.table));
    for grid in grid::rest(evaluation) {
        let _ = writeln!(text, "\n{}\n", escaped(&sentence(&grid.caption)));
        table(&mut text, &grid);
    }
    let refused = evaluation.table.refused.iter();
    let refused = refused.map(|refused| format!("no paired test: {refused}"));
    let notes: Vec<String> = refused
        .chain(evaluation.warnings().iter().cloned())
        .collect();
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        let _ = writeln!(text, "- {}", escaped(&note));
    }
    text
}

fn table(text: &mut String, grid: &Grid) {
    let _ = writeln!(text, "| {} |", grid.heads.join(" | "));
    let rules = (0..grid.heads.len()).map(|at| if at < grid.words { "---" } else { "--:" });
    let _ = writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|"));
    for row in &grid.rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(at, cell)| match at {
                at if at < grid.keys => format!("`{}`", cell.replace('|', "\\|")),
                _ => escaped(cell),
            })
            .collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// With a capital letter at its start, a full stop at its end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str())
}

/// What Markdown would read as more than text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '*' | '_' | '<') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
