//! The steps of one trajectory.

use serde_json::json;

use crate::headless::Failure;
use crate::problem::arithmetic;
use crate::problem::repeat::repeats;
use crate::trace::import::told;
use crate::trace::record::{DecisionRecord, StepRecord};
use crate::trace::{NodeIndex, Tree};

use super::grid::{Cell, grid};
use super::{Read, Shown, Subject, confidence, records};

/// The main line of a problem, step by step; texts with `content`.
///
/// # Errors
/// A problem that is in no run, or in several of which none is named.
pub fn steps(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
    content: bool,
) -> Result<Shown, Failure> {
    let read = Read::trajectory(subject, problem, run)?;
    let tree = &read.tree;
    let path = tree.main_line();
    let titles = [
        "step",
        "model",
        "confidence",
        "tokens",
        "end",
        "next",
        "π / threshold",
        "",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let mut found = Vec::new();
    for (at, again) in repeated(tree, &path).into_iter().enumerate() {
        let node = tree.node(path[at]);
        let step = &node.step;
        let made = decision(tree, Some(at), &path);
        rows.push(row(step, made, again));
        found.push(json!({
            "step": step.index,
            "id": step.id,
            "model": step.model,
            "purpose": step.purpose,
            "confidence": step.confidence,
            "usage": step.usage,
            "end": step.end,
            "seconds": step.seconds,
            "scores": records::scores(node),
            "labels": node.labels.iter().map(records::label).collect::<Vec<_>>(),
            "decision": made.map(records::decision),
            "calculation": arithmetic::verdict(&step.text),
            "repeats": again,
            "text": content.then_some(&step.text),
        }));
    }
    let mut text = grid(&rows);
    if content {
        text.push_str(&records::texts(tree, &path));
    }
    let outcome = tree.outcome_at(path.last().copied());
    if let Some(outcome) = outcome {
        text.push_str(&records::outcome_line(outcome));
    }
    Ok(Shown {
        text,
        json: json!({
            "screen": "steps",
            "run": read.run,
            "problem": problem,
            "question": read.question(content),
            "first_decision": decision(tree, None, &path).map(records::decision),
            "steps": found,
            "outcome": outcome.map(records::outcome),
        }),
        warnings: read.warnings,
    })
}

/// For each step of a path the number of the first one that says the same
/// before it.
pub(super) fn repeated(tree: &Tree, path: &[NodeIndex]) -> Vec<Option<u32>> {
    let step = |node: NodeIndex| &tree.node(node).step;
    let found = repeats(path.iter().map(|&node| step(node).text.as_str()));
    let index = |first: usize| path.get(first).map(|&node| step(node).index);
    found.into_iter().map(|first| index(first?)).collect()
}

/// That a step says again what one before it said.
pub(super) fn repetition(first: Option<u32>) -> Option<String> {
    first.map(|first| format!("says again what step {first} said"))
}

/// The decision after the step at `at`, or about the first one, by which the
/// path goes on, else the last one made there.
fn decision<'t>(
    tree: &'t Tree,
    at: Option<usize>,
    path: &[NodeIndex],
) -> Option<&'t DecisionRecord> {
    let made = tree.choices(at.and_then(|at| path.get(at).copied()));
    let next = path.get(at.map_or(0, |at| at + 1));
    let by = next.and_then(|&next| tree.node(next).step.decision.as_deref());
    let followed = made.clone().find(|made| Some(made.id.as_str()) == by);
    followed.or_else(|| made.last())
}

fn row(step: &StepRecord, made: Option<&DecisionRecord>, again: Option<u32>) -> Vec<Cell> {
    let rule = made.map(|made| {
        let probabilities: Vec<String> = made
            .probabilities
            .iter()
            .map(|p| format!("{p:.3}"))
            .collect();
        let threshold = made.threshold.map(|t| format!("{t:.3}"));
        let parts = [Some(probabilities.join(" ")), threshold];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" / ")
    });
    let marks = [
        made.and_then(records::made_how),
        records::miscalculation(step),
        repetition(again),
    ];
    let marks: Vec<String> = marks.into_iter().flatten().collect();
    vec![
        Cell::Right(step.index.to_string()),
        Cell::Left(step.model.clone()),
        Cell::Right(confidence(&step.confidence)),
        Cell::Right(tokens(step)),
        Cell::Left(step.end.name().to_owned()),
        Cell::Left(made.map_or_else(String::new, |made| made.action.clone())),
        Cell::Left(rule.unwrap_or_default()),
        Cell::Sentence(marks.join(", ")),
    ]
}

/// Tokens that a step was written in.
pub(super) fn tokens(step: &StepRecord) -> String {
    told::output_tokens(step).map_or_else(|| "–".to_owned(), |tokens| tokens.to_string())
}
