//! The steps of one trajectory.

use serde_json::json;

use crate::headless::{Exit, Failure};
use crate::problem::arithmetic::{self, Holds};
use crate::trace::Tree;
use crate::trace::import::told;
use crate::trace::record::{DecisionRecord, StepRecord};

use super::grid::{Cell, grid};
use super::{Shown, Subject, percent};

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
    let run = run_of(subject, problem, run)?;
    let (tree, _) = subject.log.tree(&run, problem)?;
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
    for (at, &node) in path.iter().enumerate() {
        let step = &tree.node(node).step;
        let made = decision(&tree, at, &path);
        rows.push(row(step, made));
        found.push(json!({
            "step": step.index,
            "id": step.id,
            "model": step.model,
            "purpose": step.purpose,
            "confidence": step.confidence,
            "usage": step.usage,
            "end": step.end,
            "seconds": step.seconds,
            "scores": tree.node(node).scores.iter().map(|score| {
                json!({ "scorer": score.scorer, "value": score.value })
            }).collect::<Vec<_>>(),
            "labels": tree.node(node).labels.iter().map(|said| {
                json!({
                    "who": said.who,
                    "when": said.when,
                    "label": said.label,
                    "note": said.note,
                })
            }).collect::<Vec<_>>(),
            "decision": made.map(|made| json!({
                "action": made.action,
                "probabilities": made.probabilities,
                "threshold": made.threshold,
                "action_set": made.action_set,
                "propensity": made.propensity,
                "overridden": made.overridden.is_some(),
            })),
            "calculation": arithmetic::verdict(&step.text),
            "text": content.then_some(&step.text),
        }));
    }
    let mut text = grid(&rows);
    if content {
        for &node in &path {
            let step = &tree.node(node).step;
            text.push_str(&format!("\n{}. {}\n", step.index, step.text));
        }
    }
    let outcome = path.last().and_then(|&leaf| tree.node(leaf).outcome());
    if let Some(outcome) = outcome {
        text.push_str(&format!(
            "{} ({}; {})\n",
            outcome.verdict.name(),
            outcome.rule,
            outcome.end.name()
        ));
    }
    Ok(Shown {
        text,
        json: json!({
            "screen": "steps",
            "run": run,
            "problem": problem,
            "question": tree.problem().filter(|_| content).map(|known| &known.question),
            "steps": found,
            "outcome": outcome.map(|outcome| json!({
                "verdict": outcome.verdict,
                "rule": outcome.rule,
                "end": outcome.end,
                "cost": outcome.cost,
                "answer": outcome.answer,
                "gold": outcome.gold,
            })),
        }),
    })
}

pub(super) fn run_of(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
) -> Result<String, Failure> {
    let runs = subject.log.trajectories();
    let of_it = runs.filter(|found| found.problem == problem);
    let ids: Vec<&str> = of_it.map(|found| found.run).collect();
    let wanted = ids
        .iter()
        .filter(|id| run.is_none_or(|run| id.starts_with(run)));
    let wanted: Vec<&&str> = wanted.collect();
    match wanted.as_slice() {
        [one] => Ok((**one).to_owned()),
        [] => Err(Failure::new(
            Exit::Usage,
            format!("no problem `{problem}` in the log, or not in that run"),
        )),
        several => Err(Failure::usage(format!(
            "problem `{problem}` is in {} runs of the log",
            several.len()
        ))
        .hint(format!("--run takes one of {}", ids.join(", ")))),
    }
}

/// The decision by which the path goes on, else the last one made there.
fn decision<'t>(
    tree: &'t Tree,
    at: usize,
    path: &[crate::trace::NodeIndex],
) -> Option<&'t DecisionRecord> {
    let made = tree.choices(Some(path[at]));
    let next = path.get(at + 1).map(|&next| &tree.node(next).step);
    let by = next.and_then(|next| next.decision.as_deref());
    let followed = made.clone().find(|made| Some(made.id.as_str()) == by);
    followed.or_else(|| made.last())
}

fn row(step: &StepRecord, made: Option<&DecisionRecord>) -> Vec<Cell> {
    let confidence = step.confidence.value;
    let confidence = confidence.map_or_else(|| "n/a".to_owned(), |u| format!("{u:.3}"));
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
    let made_how = match made {
        Some(made) if made.overridden.is_some() => Some("overridden".to_owned()),
        Some(made) if made.propensity < 1.0 => {
            Some(format!("drawn with {}", percent(Some(made.propensity))))
        }
        _ => None,
    };
    let wrong = arithmetic::verdict(&step.text) == Some(Holds::Wrong);
    let wrong = wrong.then(|| "calculates wrongly".to_owned());
    let marks: Vec<String> = made_how.into_iter().chain(wrong).collect();
    vec![
        Cell::Right(step.index.to_string()),
        Cell::Left(step.model.clone()),
        Cell::Right(confidence),
        Cell::Right(
            told::output_tokens(step).map_or_else(|| "–".to_owned(), |tokens| tokens.to_string()),
        ),
        Cell::Left(step.end.name().to_owned()),
        Cell::Left(made.map_or_else(String::new, |made| made.action.clone())),
        Cell::Left(rule.unwrap_or_default()),
        Cell::Left(marks.join(", ")),
    ]
}
