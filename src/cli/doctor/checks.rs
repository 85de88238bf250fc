//! What was looked at on this machine, for a terminal.

use crate::cli::layout::{Cell, sentence, table};
use crate::headless::doctor::{Check, Status};

/// How far the checks of an area stand in.
const INDENT: usize = 2;

/// The checks by area, on lines of `columns`.
pub fn text(checks: &[Check], columns: usize) -> String {
    let mut areas: Vec<&str> = Vec::new();
    for check in checks {
        if !areas.contains(&check.area) {
            areas.push(check.area);
        }
    }
    let of = |area: &&str| {
        let rows = checks.iter().filter(|check| check.area == *area).map(row);
        let rows: Vec<Vec<Cell>> = rows.collect();
        format!("{area}\n{}", table(&rows, columns, INDENT))
    };
    areas.iter().map(of).collect::<Vec<_>>().join("\n")
}

fn row(check: &Check) -> Vec<Cell> {
    let status = match check.status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Problem => "problem",
    };
    let text = match &check.help {
        Some(help) => format!("{}: {help}", check.text),
        None => check.text.clone(),
    };
    vec![
        vec![status.to_owned()],
        vec![check.name.to_owned()],
        sentence(&text),
    ]
}
