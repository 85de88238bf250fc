//! A trajectory as a sample.

use std::io;

use serde_json::{Map, Value, json};

use crate::problem::answer::Verdict;
use crate::trace::export::Subject;
use crate::trace::export::clock::rfc3339;
use crate::trace::export::json::open;
use crate::trace::ids::sha256;
use crate::trace::record::TrajectoryEnd;
use crate::trace::visible::{visible, without_credentials};

use super::events::{self, assistant, stop_reason};
use super::header::{VERDICT, tokens, usage};

/// Characters of a question that a summary holds.
const SUMMARY: usize = 500;

/// A sample with its summary.
pub(super) struct Sample {
    pub id: String,
    /// As JSON.
    pub text: Vec<u8>,
    pub summary: Value,
}

/// Bytes of the longest id that is kept.
const LONGEST: usize = 200;
/// Characters of an id that a uuid is.
const UUID: usize = 22;

/// A sample of a trajectory.
///
/// # Errors
/// None but those of writing to memory.
pub(super) fn sample(subject: &Subject<'_>) -> io::Result<Sample> {
    let tree = subject.tree;
    let problem = tree.problem();
    let question = problem.map_or("", |problem| &problem.question);
    let gold = problem
        .and_then(|problem| problem.gold.as_deref())
        .unwrap_or_default();
    let events = events::of(subject, question);
    let span = events.span;
    let begun = rfc3339(span.begin);
    let ended = rfc3339(span.end);
    let seconds = (span.end - span.begin) as f64 / 1e9;
    let usage: Map<String, Value> = usage(subject)
        .into_iter()
        .map(|(model, sum)| (model, tokens(sum)))
        .collect();
    let scores = scores(subject);
    let error = error(subject);
    let limit = limit(subject);
    let mut uuid = sha256(format!("{}\n{}", tree.run(), tree.problem_id()).as_bytes());
    uuid.truncate(UUID);
    let id = sample_id(tree.problem_id());
    let metadata = json!({
        "problem": tree.problem_id(),
        "run": tree.run(),
        "domain": problem.and_then(|problem| problem.domain.as_ref()),
        "difficulty": problem.and_then(|problem| problem.difficulty),
        "source": problem.map(|problem| &problem.source),
        "route": route(subject),
    });
    let main_line = subject.main_line.iter().map(|&node| subject.step(node));
    let messages: Vec<Value> = std::iter::once(events::question(question))
        .chain(main_line.map(assistant))
        .collect();
    let shared = json!({
        "id": id,
        "epoch": 1,
        "target": gold,
        "metadata": metadata,
        "scores": scores,
        "model_usage": usage,
        "started_at": begun,
        "completed_at": ended,
        "total_time": seconds,
        "working_time": seconds,
        "uuid": uuid,
    });
    let mut summary = shared.clone();
    summary["input"] = question.chars().take(SUMMARY).collect::<String>().into();
    summary["completed"] = subject.outcome().is_some().into();
    summary["message_count"] = (messages.len() as u64).into();
    let mut value = shared;
    value["input"] = question.into();
    value["messages"] = messages.into();
    value["output"] = output(subject);
    value["store"] = json!({});
    value["attachments"] = json!({});
    if let Some((kind, most)) = limit {
        value["limit"] = json!({"type": kind, "limit": most});
        summary["limit"] = kind.into();
    }
    if let Some(error) = error {
        summary["error"] = error.as_str().into();
        value["error"] = json!({"message": error, "traceback": "", "traceback_ansi": ""});
    }
    let mut text = Vec::new();
    open(&mut text, value)?;
    text.extend_from_slice(b",\"events\":");
    events.events.write(&mut text)?;
    text.extend_from_slice(b",\"events_data\":{\"calls\":[],\"messages\":");
    events.messages.write(&mut text)?;
    text.extend_from_slice(b"}}");
    Ok(Sample { id, text, summary })
}

/// The id of a problem as that of a sample, which names a member of an archive:
/// one that could lead out of its folder, or that nobody could read, is made
/// harmless and told apart by a hash.
pub(super) fn sample_id(problem: &str) -> String {
    let shown = visible(&without_credentials(problem)).into_owned();
    let leads_out = |part: &str| matches!(part, "" | "." | "..");
    let is_path = shown.contains('\\') || shown.split('/').any(leads_out);
    let is_safe = shown == problem && !is_path && !shown.contains('\n');
    if is_safe && shown.len() <= LONGEST {
        return shown;
    }
    let flat: String = shown
        .replace(['/', '\\', '\n'], "_")
        .chars()
        .take(LONGEST / 4)
        .collect();
    let mut hash = sha256(problem.as_bytes());
    hash.truncate(8);
    format!("{flat}-{hash}")
}

/// The whole answer.
fn output(subject: &Subject<'_>) -> Value {
    let Some(&leaf) = subject.main_line.last() else {
        return json!({"model": "", "choices": []});
    };
    let step = subject.step(leaf);
    let text = subject.tree.text(leaf);
    json!({
        "model": step.model,
        "choices": [{
            "message": {"role": "assistant", "content": text, "source": "generate"},
            "stop_reason": stop_reason(step.end),
        }],
        "completion": text,
    })
}

/// The verdict; nothing where it was not graded, for that is no score of 0.
fn scores(subject: &Subject<'_>) -> Value {
    let graded = subject
        .outcome()
        .filter(|outcome| outcome.verdict != Verdict::Ungraded);
    let Some(outcome) = graded else {
        return json!({});
    };
    let value = match outcome.verdict {
        Verdict::Correct => "C",
        _ => "I",
    };
    json!({VERDICT: {
        "value": value,
        "answer": outcome.answer,
        "explanation": outcome.reason,
        "metadata": {"rule": outcome.rule, "grader": outcome.grader},
        "history": [],
    }})
}

fn error(subject: &Subject<'_>) -> Option<String> {
    let outcome = subject.outcome()?;
    let failed = outcome.end == TrajectoryEnd::Error;
    let said = outcome.error.as_deref().unwrap_or("an endpoint failed");
    failed.then(|| said.to_owned())
}

fn limit(subject: &Subject<'_>) -> Option<(&'static str, f64)> {
    match subject.outcome()?.end {
        TrajectoryEnd::StepCap => {
            let most = subject.head?.sampling.max_steps;
            Some(("custom", f64::from(most)))
        }
        TrajectoryEnd::Context => {
            let pool = subject.head?.pool.iter();
            let least = pool.filter_map(|model| model.context).min();
            Some(("context", f64::from(least.unwrap_or(0))))
        }
        _ => None,
    }
}

/// What the run makes of the trajectory.
fn route(subject: &Subject<'_>) -> Value {
    let outcome = subject.outcome();
    json!({
        "router": subject.head.map(|head| &head.router.spec),
        "writers": subject.main_line.iter().map(|&node| &subject.step(node).model).collect::<Vec<_>>(),
        "verdict": outcome.map(|outcome| outcome.verdict.name()),
        "end": outcome.map(|outcome| outcome.end.name()),
        "cost": outcome.map(|outcome| &outcome.cost),
        "cost_unit": subject.head.and_then(|head| head.cost_unit.as_ref()),
        "decided_first": subject.decision_after(None),
    })
}
