//! Records of a trajectory as the twins tell them.

use serde_json::json;

use crate::problem::arithmetic::{self, Holds};
use crate::trace::label::Opinion;
use crate::trace::record::{DecisionRecord, LabelRecord, OutcomeRecord, StepRecord};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

use super::percent;

pub fn decision(made: &DecisionRecord) -> serde_json::Value {
    json!({
        "id": made.id,
        "router": made.router,
        "action": made.action,
        "reason": made.reason,
        "observation": made.observation,
        "probabilities": made.probabilities,
        "threshold": made.threshold,
        "action_set": made.action_set,
        "propensity": made.propensity,
        "draft": made.draft,
        "overridden": made.overridden.is_some(),
        "override": made.overridden,
        "rollout": made.rollout,
    })
}

pub fn outcome(outcome: &OutcomeRecord) -> serde_json::Value {
    json!({
        "verdict": outcome.verdict,
        "rule": outcome.rule,
        "end": outcome.end,
        "cost": outcome.cost,
        "answer": outcome.answer,
        "gold": outcome.gold,
    })
}

/// Verdict, rule and end in one line.
pub fn outcome_line(outcome: &OutcomeRecord) -> String {
    format!(
        "{} ({}; {})\n",
        outcome.verdict.name(),
        outcome.rule,
        outcome.end.name()
    )
}

pub fn label(said: &LabelRecord) -> serde_json::Value {
    json!({
        "who": said.who,
        "when": said.when,
        "label": said.label,
        "note": said.note,
    })
}

pub fn scores(node: &Node) -> Vec<serde_json::Value> {
    let scores = node.scores.iter();
    let told = scores.map(|score| json!({ "scorer": score.scorer, "value": score.value }));
    told.collect()
}

/// What somebody said of a step in words; empty where nothing is said.
pub fn opinion(said: Opinion) -> String {
    let flag = said.flagged.then_some("flagged");
    let words = [said.word(), flag].into_iter().flatten();
    words.collect::<Vec<_>>().join(", ")
}

/// How a decision came about where it was not just the rule's.
pub fn made_how(made: &DecisionRecord) -> Option<String> {
    match &made.overridden {
        Some(_) => Some("overridden".to_owned()),
        None if made.propensity < 1.0 => {
            Some(format!("drawn with {}", percent(Some(made.propensity))))
        }
        None => None,
    }
}

/// That the arithmetic of a step does not hold.
pub fn miscalculation(step: &StepRecord) -> Option<String> {
    let wrong = arithmetic::verdict(&step.text) == Some(Holds::Wrong);
    wrong.then(|| "calculates wrongly".to_owned())
}

/// The texts of steps, each under its number.
pub fn texts(tree: &Tree, path: &[NodeIndex]) -> String {
    let steps = path.iter().map(|&node| &tree.node(node).step);
    steps
        .map(|step| format!("\n{}. {}\n", step.index, step.text))
        .collect()
}
