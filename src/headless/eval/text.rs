//! The results for a terminal: tables cut into blocks that fit its width, each
//! with its names at the left; then the frontier in characters.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::grid::{self, Grid};
use super::{Evaluation, chart, picture};

/// What is fitted into at the least.
pub const NARROWEST: usize = 80;
/// Most columns of a name; what is longer is cut in its middle.
const LONGEST: usize = 30;
/// Between two columns.
const GAP: usize = 2;

/// Everything, for a terminal of a width.
#[must_use]
pub fn text(evaluation: &Evaluation, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = String::new();
    for line in grid::ground(evaluation) {
        text.push_str(&wrapped(&line, width));
    }
    if !evaluation.table.rows.is_empty() {
        text.push('\n');
        text.push_str(&laid_out(&grid::results(&evaluation.table), width));
    }
    for grid in grid::rest(evaluation) {
        text.push('\n');
        text.push_str(&wrapped(&grid.caption, width));
        text.push_str(&laid_out(&grid, width));
    }
    for refused in &evaluation.table.refused {
        text.push('\n');
        text.push_str(&wrapped(&format!("no paired test: {refused}"), width));
    }
    if let Some(picture) = picture::of(evaluation) {
        text.push('\n');
        text.push_str(&chart::draw(&picture, width));
    }
    for warning in evaluation.warnings() {
        text.push('\n');
        text.push_str(&wrapped(&format!("note: {warning}"), width));
    }
    text
}

/// A sentence on lines of a width, broken at blanks.
fn wrapped(sentence: &str, width: usize) -> String {
    let mut text = String::new();
    let mut at = 0;
    for word in sentence.split_whitespace() {
        if at > 0 && at + 1 + word.width() > width {
            text.push('\n');
            at = 0;
        }
        if at > 0 {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += word.width();
    }
    text.push('\n');
    text
}

/// A grid in as many blocks as its columns need.
fn laid_out(grid: &Grid, width: usize) -> String {
    let cell = |row: &[String], at: usize| match at {
        at if at < grid.keys => shortened(&row[at]),
        at => row[at].clone(),
    };
    let widths: Vec<usize> = (0..grid.heads.len())
        .map(|at| {
            let cells = grid.rows.iter().map(|row| cell(row, at).width());
            cells.chain([grid.heads[at].width()]).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (number, block) in blocks(&widths, grid.keys, width).into_iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let heads: Vec<String> = grid.heads.iter().map(|head| (*head).to_owned()).collect();
        for row in std::iter::once(&heads).chain(&grid.rows) {
            let mut line = String::new();
            for (place, &at) in block.iter().enumerate() {
                if place > 0 {
                    line.push_str(&" ".repeat(GAP));
                }
                let cell = cell(row, at);
                let fill = " ".repeat(widths[at] - cell.width());
                // Writing to a string cannot fail.
                let _ = match at < grid.words {
                    true => write!(line, "{cell}{fill}"),
                    false => write!(line, "{fill}{cell}"),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Which columns stand side by side: those that say which row it is in every
/// block, the others in order, as many as fit.
fn blocks(widths: &[usize], keys: usize, width: usize) -> Vec<Vec<usize>> {
    let first: Vec<usize> = (0..keys).collect();
    let of_keys = widths[..keys].iter().sum::<usize>() + GAP * (keys - 1);
    let mut blocks = vec![first.clone()];
    let mut used = of_keys;
    for (at, own) in widths.iter().enumerate().skip(keys) {
        let is_empty = blocks.last().is_none_or(|block| block.len() == keys);
        if used + GAP + own > width && !is_empty {
            blocks.push(first.clone());
            used = of_keys;
        }
        used += GAP + own;
        if let Some(block) = blocks.last_mut() {
            block.push(at);
        }
    }
    blocks
}

/// A long name without its middle: its end tells settings apart.
fn shortened(name: &str) -> String {
    if name.width() <= LONGEST {
        return name.to_owned();
    }
    let all: Vec<char> = name.chars().collect();
    let (from, to) = (LONGEST / 2, all.len() - (LONGEST / 2 - 1));
    let (start, end) = (&all[..from], &all[to..]);
    start.iter().chain(['…'].iter()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_begin_another_block() {
        assert_eq!(blocks(&[10, 5, 5], 1, 80), [vec![0, 1, 2]]);
        assert_eq!(blocks(&[10, 5, 5, 5], 1, 24), [vec![0, 1, 2], vec![0, 3]]);
        assert_eq!(blocks(&[8, 5, 5, 5], 2, 24), [vec![0, 1, 2], vec![0, 1, 3]]);
        // Too wide for any: one a block all the same.
        assert_eq!(blocks(&[10, 50, 50], 1, 24), [vec![0, 1], vec![0, 2]]);
    }

    #[test]
    fn long_names_keep_both_ends_and_sentences_break_at_blanks() {
        let name = format!("policy:path={}/run-0.05", "x".repeat(60));
        let short = shortened(&name);
        assert_eq!(short.width(), LONGEST);
        assert!(short.starts_with("policy:path=") && short.ends_with("run-0.05"));
        assert_eq!(wrapped("aa bb cc", 5), "aa bb\ncc\n");
    }
}
