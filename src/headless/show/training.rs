//! A training run over its iterations.

use serde_json::json;

use crate::app::training::Curve;
use crate::train::log::{End, TrainingLog};
use crate::train::record::Iteration;

use super::Shown;
use super::grid::{Cell, grid};

/// Iterations that are listed where nobody says how many.
const LISTED: usize = 20;

/// The curves of a training run in figures: its last `limit` iterations, or
/// about twenty over all of it. Programs get every one that is asked for.
#[must_use]
pub fn training(log: &TrainingLog, limit: Option<usize>) -> Shown {
    let all: Vec<&Iteration> = log.iterations.values().collect();
    let wanted = &all[all.len().saturating_sub(limit.unwrap_or(usize::MAX))..];
    let stride = match limit {
        None => all.len().div_ceil(LISTED).max(1),
        Some(_) => 1,
    };
    let mut titles = vec!["iteration".to_owned()];
    titles.extend(Curve::ALL.map(|curve| curve.title(log)));
    titles.extend(["large", "case", "step"].map(str::to_owned));
    let mut rows = vec![titles.into_iter().map(Cell::Right).collect()];
    let last = wanted.len().saturating_sub(1);
    let listed = wanted.iter().enumerate();
    let listed = listed.filter(|(at, _)| at % stride == 0 || *at == last);
    rows.extend(listed.map(|(_, one)| row(one, log)));
    let head = &log.head;
    let mut text = format!(
        "{} of {} iterations; {} over {}, on {}\n",
        all.len(),
        head.params.iterations,
        head.features.join(", "),
        head.signal,
        head.models.join(", "),
    );
    text.push_str(&grid(&rows));
    text.push_str(&match &log.end {
        Some(end) => ended(end),
        None => "the log does not say that it ended\n".to_owned(),
    });
    let damaged = log.damaged.iter();
    Shown {
        text,
        json: json!({
            "screen": "training",
            "head": head,
            "iterations": wanted,
            "end": log.end,
        }),
        warnings: damaged
            .map(|line| format!("line {line} of the training log could not be read"))
            .collect(),
    }
}

fn row(one: &Iteration, log: &TrainingLog) -> Vec<Cell> {
    let mut cells = vec![one.iteration.to_string()];
    cells.extend(Curve::ALL.map(|curve| {
        let value = curve.value(one, &log.head);
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"))
    }));
    cells.push(super::percent(Some(one.batch.escalated)));
    let case = one.policy.case();
    cells.push(case.map_or_else(|| "none".to_owned(), |case| case.to_string()));
    let mut cells: Vec<Cell> = cells.into_iter().map(Cell::Right).collect();
    cells.push(Cell::Sentence(one.policy.search()));
    cells
}

/// The policy as it was saved.
fn ended(end: &End) -> String {
    let promise = end.recalibration.map_or_else(String::new, |found| {
        format!(", misses ≤ {:.4}", found.miss_bound)
    });
    let test = end.test.as_ref().map_or_else(String::new, |test| {
        let cost = test.relative_cost.map_or_else(String::new, |cost| {
            format!(" at {:.3} of the large model's cost", cost.value)
        });
        format!("; test: {:.1} % right{cost}", 100.0 * test.figures.accuracy)
    });
    format!(
        "saved after {} iterations: κ {:.4}{promise}{test}\n",
        end.iterations, end.kappa
    )
}
