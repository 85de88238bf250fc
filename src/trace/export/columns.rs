//! What the tables hold: one definition for every format.
//!
//! A cell that is empty is not known, or there is none. Ids are those of the
//! log, so that tables can be joined: `run` and `problem`, `step_id`,
//! `decision_id`. Lists and maps are JSON.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;

use crate::trace::import::told;
use crate::trace::label::Rating;
use crate::trace::record::{
    CHECKER, DecisionRecord, JUDGE, LabelRecord, OutcomeRecord, PRM, ScoreRecord, StepRecord,
    VERIFIER,
};
use crate::trace::tree::Node;

use super::table::Kind::{Count, Flag, Number, Text};
use super::table::{Column, Entry, Row, Value};
use super::{Subject, json as document};

const fn column(
    name: &'static str,
    kind: super::table::Kind,
    get: for<'a> fn(&'a Row<'a>) -> Value<'a>,
) -> Column {
    Column::new(name, kind, get)
}

/// What every table begins with.
pub(super) const SHARED: &[Column] = &[
    column("run", Text, |row| row.subject.tree.run().into()),
    column("router", Text, |row| {
        row.subject.head.map(|head| &head.router.spec).into()
    }),
    column("problem", Text, |row| row.subject.tree.problem_id().into()),
    column("domain", Text, |row| {
        let problem = row.subject.tree.problem();
        problem.and_then(|problem| problem.domain.as_ref()).into()
    }),
    column("difficulty", Number, |row| {
        let problem = row.subject.tree.problem();
        problem.and_then(|problem| problem.difficulty).into()
    }),
];

fn node<'a>(row: &Row<'a>) -> Option<&'a Node> {
    match row.record {
        Entry::Step(node) => Some(node),
        _ => None,
    }
}

fn step<'a>(row: &Row<'a>) -> Option<&'a StepRecord> {
    node(row).map(|node| &*node.step)
}

fn decision<'a>(row: &Row<'a>) -> Option<&'a DecisionRecord> {
    match row.record {
        Entry::Decision(made) => Some(made),
        _ => None,
    }
}

fn outcome<'a>(row: &Row<'a>) -> Option<&'a OutcomeRecord> {
    match row.record {
        Entry::Outcome(outcome) => Some(outcome),
        _ => None,
    }
}

fn score<'a>(row: &Row<'a>) -> Option<&'a ScoreRecord> {
    match row.record {
        Entry::Score(score) => Some(score),
        _ => None,
    }
}

fn label<'a>(row: &Row<'a>) -> Option<&'a LabelRecord> {
    match row.record {
        Entry::Label(label) => Some(label),
        _ => None,
    }
}

/// Index of the step that a record is about or comes after; 0 is the question.
fn index<'a>(row: &Row<'a>) -> Value<'a> {
    let index = row.node.map_or(0, |node| row.subject.step(node).index);
    index.into()
}

/// Id of that step.
fn step_id<'a>(row: &Row<'a>) -> Value<'a> {
    row.node.map(|node| &row.subject.step(node).id).into()
}

/// Whether that step is of the trajectory that was written last; the question
/// is of all.
fn on_main_line<'a>(row: &Row<'a>) -> Value<'a> {
    let on = row
        .node
        .is_none_or(|node| row.subject.is_on_main_line(node));
    on.into()
}

/// The name of a kind, as the log writes it.
fn named<'a>(kind: impl Serialize) -> Value<'a> {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => Value::text(name),
        _ => Value::Missing,
    }
}

/// A list or a map; nothing where it is empty. It stays JSON: what is unsafe to
/// show is escaped as JSON has it.
fn json<'a>(value: &impl Serialize, is_empty: bool) -> Value<'a> {
    match serde_json::to_value(value) {
        Ok(value) if !is_empty => Value::text(document::within(value)),
        _ => Value::Missing,
    }
}

fn place<'a>(row: &Row<'_>, model: Option<&str>) -> Value<'a> {
    let place = model.and_then(|model| row.subject.place(model));
    place.map_or(Value::Missing, Value::count)
}

pub(super) const STEPS: &[Column] = &[
    column("step_id", Text, step_id),
    column("parent_id", Text, |row| {
        step(row).and_then(|step| step.parent.as_ref()).into()
    }),
    column("decision_id", Text, |row| {
        step(row).and_then(|step| step.decision.as_ref()).into()
    }),
    column("step", Count, index),
    column("model", Text, |row| {
        step(row).map(|step| &step.model).into()
    }),
    // In the pool, the cheapest is 0; a person has none.
    column("model_place", Count, |row| {
        place(row, step(row).map(|step| step.model.as_str()))
    }),
    column("purpose", Text, |row| {
        named(step(row).map(|step| step.purpose))
    }),
    column("kept", Flag, |row| step(row).map(|step| step.kept).into()),
    column("main_line", Flag, on_main_line),
    column("confidence", Number, |row| {
        step(row).and_then(|step| step.confidence.value).into()
    }),
    column("confidence_source", Text, |row| {
        step(row).map(|step| &step.confidence.source).into()
    }),
    column("confidence_kind", Text, |row| {
        named(step(row).map(|step| step.confidence.kind))
    }),
    column("confidence_fallback", Flag, |row| {
        step(row).map(|step| step.confidence.fallback).into()
    }),
    column("confidence_unavailable", Text, |row| {
        let why = step(row).and_then(|step| step.confidence.unavailable.as_ref());
        why.into()
    }),
    column("measures", Text, |row| {
        let measures = step(row).map(|step| &step.confidence.measures);
        json(&measures, measures.is_none_or(BTreeMap::is_empty))
    }),
    column("prompt_tokens", Count, |row| {
        step(row).and_then(told::prompt_tokens).into()
    }),
    column("cached_tokens", Count, |row| {
        step(row).and_then(|step| step.usage.cached).into()
    }),
    column("cache_write_tokens", Count, |row| {
        let known = step(row).filter(|step| told::prompt_tokens(step).is_some());
        known.map(|step| step.usage.cache_write).into()
    }),
    column("output_tokens", Count, |row| {
        step(row).and_then(told::output_tokens).into()
    }),
    // What the vendor says that the call cost.
    column("reported_usd", Number, |row| {
        let reported = step(row).and_then(|step| step.usage.reported);
        reported.and_then(|amount| amount.to_f64()).into()
    }),
    column("failed_attempts", Count, |row| {
        step(row).map_or(Value::Missing, |step| Value::count(step.attempts.len()))
    }),
    column("end", Text, |row| {
        step(row).map(|step| step.end.name()).into()
    }),
    column("end_note", Text, |row| {
        step(row).and_then(|step| step.end_note.as_ref()).into()
    }),
    column("continuation", Text, |row| {
        named(step(row).map(|step| step.continuation))
    }),
    column("seed", Count, |row| step(row).map(|step| step.seed).into()),
    column("seconds", Number, |row| {
        step(row).and_then(told::seconds).into()
    }),
    // When it was finished.
    column("at", Text, |row| {
        let at = step(row).map(|step| &step.at);
        at.filter(|at| !at.is_empty()).into()
    }),
    column("prm", Number, |row| {
        node(row)
            .and_then(|node| Subject::score_of(node, &[PRM]))
            .into()
    }),
    column("judge", Number, |row| {
        node(row)
            .and_then(|node| Subject::score_of(node, &[JUDGE]))
            .into()
    }),
    // By a verifier or a checker: 1 correct, 0 incorrect.
    column("verified", Number, |row| {
        let node = node(row);
        node.and_then(|node| Subject::score_of(node, &[VERIFIER, CHECKER]))
            .into()
    }),
    // What it was rated last, taken back or not at all where it is empty.
    column("label", Text, |row| {
        let holds = node(row).and_then(|node| node.ballot().rating());
        holds.map(Rating::name).into()
    }),
    Column::content("text", |row| step(row).map(|step| &step.text).into()),
];

pub(super) const DECISIONS: &[Column] = &[
    column("decision_id", Text, |row| {
        decision(row).map(|made| &made.id).into()
    }),
    // The step that it was made after, and its index; 0 is the question.
    column("step_id", Text, step_id),
    column("step", Count, index),
    column("main_line", Flag, on_main_line),
    column("draft_id", Text, |row| {
        decision(row).and_then(|made| made.draft.as_ref()).into()
    }),
    column("writer", Text, |row| {
        row.node.map(|node| &row.subject.step(node).model).into()
    }),
    column("action", Text, |row| {
        decision(row).map(|made| &made.action).into()
    }),
    column("action_place", Count, |row| {
        place(row, decision(row).map(|made| made.action.as_str()))
    }),
    column("probability", Number, |row| {
        let made = decision(row);
        let place = made.and_then(|made| row.subject.place(&made.action));
        let found = made.zip(place);
        found
            .and_then(|(made, place)| made.probabilities.get(place).copied())
            .into()
    }),
    // In pool order.
    column("probabilities", Text, |row| {
        let all = decision(row).map(|made| &made.probabilities);
        json(&all, all.is_none_or(Vec::is_empty))
    }),
    column("threshold", Number, |row| {
        decision(row).and_then(|made| made.threshold).into()
    }),
    column("action_set", Text, |row| {
        let set = decision(row).map(|made| &made.action_set);
        json(&set, set.is_none_or(Vec::is_empty))
    }),
    column("propensity", Number, |row| {
        decision(row).map(|made| made.propensity).into()
    }),
    column("observation", Text, |row| {
        let seen = decision(row).map(|made| &made.observation);
        json(&seen, seen.is_none_or(BTreeMap::is_empty))
    }),
    column("confidence", Number, |row| {
        let seen = decision(row).and_then(|made| made.observation.get("confidence"));
        seen.copied().flatten().into()
    }),
    column("reason", Text, |row| {
        decision(row).map(|made| &made.reason).into()
    }),
    column("overridden", Flag, |row| {
        decision(row).map(|made| made.overridden.is_some()).into()
    }),
    column("overridden_by", Text, |row| {
        let person = decision(row).and_then(|made| made.overridden.as_ref());
        person.map(|person| &person.who).into()
    }),
    column("overridden_at", Text, |row| {
        let person = decision(row).and_then(|made| made.overridden.as_ref());
        person.map(|person| &person.when).into()
    }),
    column("router_wanted", Text, |row| {
        let person = decision(row).and_then(|made| made.overridden.as_ref());
        person.map(|person| &person.wanted).into()
    }),
    // Whether it began a rollout: then nobody decided anything.
    column("rollout", Flag, |row| {
        decision(row).map(|made| made.rollout).into()
    }),
    Column::content("text_before", |row| {
        row.node.map(|node| &row.subject.step(node).text).into()
    }),
];

pub(super) const OUTCOMES: &[Column] = &[
    // The last step of the trajectory, and its index.
    column("step_id", Text, step_id),
    column("step", Count, index),
    column("main_line", Flag, on_main_line),
    column("rollout", Flag, |row| {
        outcome(row).map(|found| found.rollout).into()
    }),
    // False for one that a later outcome took the place of.
    column("holds", Flag, |row| {
        let last = match row.node {
            Some(node) => row.subject.tree.node(node).outcome(),
            None => row.subject.tree.root_outcomes().last(),
        };
        let own = outcome(row);
        own.zip(last)
            .map(|(own, last)| std::ptr::eq(own, last))
            .into()
    }),
    column("verdict", Text, |row| {
        outcome(row).map(|outcome| outcome.verdict.name()).into()
    }),
    column("grader", Text, |row| {
        outcome(row).map(|outcome| &outcome.grader).into()
    }),
    column("rule", Text, |row| {
        outcome(row).map(|outcome| &outcome.rule).into()
    }),
    column("extraction", Text, |row| {
        outcome(row)
            .and_then(|outcome| outcome.extraction.as_ref())
            .into()
    }),
    column("end", Text, |row| {
        outcome(row).map(|outcome| outcome.end.name()).into()
    }),
    column("steps", Count, |row| {
        outcome(row).map(|outcome| outcome.steps).into()
    }),
    column("steps_by_model", Text, |row| {
        let all = outcome(row).map(|outcome| &outcome.steps_by_model);
        json(&all, all.is_none_or(BTreeMap::is_empty))
    }),
    column("cost_published", Number, |row| {
        outcome(row)
            .and_then(|outcome| outcome.cost.published)
            .into()
    }),
    column("cost_full", Number, |row| {
        outcome(row).and_then(|outcome| outcome.cost.full).into()
    }),
    column("cost_unit", Text, |row| {
        row.subject
            .head
            .and_then(|head| head.cost_unit.as_ref())
            .into()
    }),
    column("cost_upper_bound", Flag, |row| {
        outcome(row).map(|outcome| outcome.cost.upper_bound).into()
    }),
    column("cost_estimated", Flag, |row| {
        outcome(row).map(|outcome| outcome.cost.estimated).into()
    }),
    column("error", Text, |row| {
        outcome(row)
            .and_then(|outcome| outcome.error.as_ref())
            .into()
    }),
    column("regraded_at", Text, |row| {
        let again = outcome(row).and_then(|outcome| outcome.regraded.as_ref());
        again.map(|again| &again.when).into()
    }),
    Column::content("question", |row| {
        row.subject
            .tree
            .problem()
            .map(|problem| &problem.question)
            .into()
    }),
    Column::content("answer", |row| {
        outcome(row)
            .and_then(|outcome| outcome.answer.as_ref())
            .into()
    }),
    Column::content("gold", |row| {
        outcome(row)
            .and_then(|outcome| outcome.gold.as_ref())
            .into()
    }),
    Column::content("reason", |row| {
        outcome(row)
            .and_then(|outcome| outcome.reason.as_ref())
            .into()
    }),
];

pub(super) const SCORES: &[Column] = &[
    // The step that was scored, and its index; 0 is the question.
    column("step_id", Text, step_id),
    column("step", Count, index),
    column("main_line", Flag, on_main_line),
    column("scorer", Text, |row| {
        score(row).map(|score| &score.scorer).into()
    }),
    column("model", Text, |row| {
        score(row).and_then(|score| score.model.as_ref()).into()
    }),
    column("value", Number, |row| {
        score(row).and_then(|score| score.value).into()
    }),
    column("prompt_tokens", Count, |row| {
        score(row).map(|score| score.usage.prompt).into()
    }),
    column("cached_tokens", Count, |row| {
        score(row).and_then(|score| score.usage.cached).into()
    }),
    column("output_tokens", Count, |row| {
        score(row).map(|score| score.usage.output).into()
    }),
    column("failed_attempts", Count, |row| {
        score(row).map_or(Value::Missing, |score| Value::count(score.attempts.len()))
    }),
    column("cost", Number, |row| {
        let cost = score(row).and_then(|score| score.cost.as_ref());
        cost.and_then(|cost| cost.full).into()
    }),
    column("cost_unit", Text, |row| {
        row.subject
            .head
            .and_then(|head| head.cost_unit.as_ref())
            .into()
    }),
    Column::content("note", |row| {
        score(row).and_then(|score| score.note.as_ref()).into()
    }),
];

pub(super) const LABELS: &[Column] = &[
    column("step_id", Text, step_id),
    column("step", Count, index),
    column("main_line", Flag, on_main_line),
    column("model", Text, |row| {
        row.node.map(|node| &row.subject.step(node).model).into()
    }),
    column("label", Text, |row| {
        label(row).map(|label| &label.label).into()
    }),
    column("who", Text, |row| label(row).map(|label| &label.who).into()),
    column("when", Text, |row| {
        label(row).map(|label| &label.when).into()
    }),
    Column::content("note", |row| {
        label(row).and_then(|label| label.note.as_ref()).into()
    }),
    Column::content("text", |row| {
        row.node.map(|node| &row.subject.step(node).text).into()
    }),
];
