//! What happened on a trajectory, as events.
//!
//! The main line comes first, then every other branch, each in a span of its
//! own that names the anchor it begins at. Prompts are not written again for
//! every call: the messages stand once in a pool, and a call names those that
//! were before it.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::trace::NodeIndex;
use crate::trace::export::Subject;
use crate::trace::export::clock::{Span, duration, rfc3339, times};
use crate::trace::export::json::List;
use crate::trace::import::told;
use crate::trace::record::{
    Continuation, DecisionRecord, GRADER, ScoreRecord, StepEnd, StepRecord, Token,
};

use super::header::{config, tokens};

/// The source of what Inspect has no name for.
const SOURCE: &str = "route";
/// The anchor before the first step.
const BEGINNING: &str = "question";

/// The events of a trajectory, and the messages that they name.
pub(super) struct Events {
    pub events: List,
    pub messages: List,
    pub span: Span,
}

/// Everything that happened.
pub(super) fn of(subject: &Subject<'_>, asked: &str) -> Events {
    let span = Span::of(subject);
    let mut teller = Teller {
        subject,
        span,
        config: subject.head.map_or_else(|| json!({}), config),
        events: List::default(),
        messages: List::default(),
        branches: VecDeque::new(),
        within: None,
        now: span.begin,
    };
    teller.messages.push(question(asked));
    teller.tell();
    Events {
        events: teller.events,
        messages: teller.messages,
        span,
    }
}

/// The question as a message.
pub(super) fn question(text: &str) -> Value {
    json!({"id": BEGINNING, "role": "user", "content": text, "source": "input"})
}

/// A step as a message, whose name tells a reader which call wrote it.
pub(super) fn assistant(step: &StepRecord) -> Value {
    let mut message = json!({"id": step.id, "role": "assistant", "content": step.text});
    if step.continuation != Continuation::Edited {
        message["source"] = "generate".into();
        message["model"] = step.model.as_str().into();
    }
    message
}

/// Why generation stopped, in Inspect's words.
pub(super) fn stop_reason(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Delimiter | StepEnd::Eos | StepEnd::Empty => "stop",
        StepEnd::Length => "max_tokens",
        StepEnd::Error => "unknown",
    }
}

/// Ranges of the pool, ends excluded: the messages before a call.
type Refs = Vec<(usize, usize)>;

/// A path that is to be told.
struct Branch {
    begin: NodeIndex,
    /// Messages before its first step.
    before: Refs,
}

struct Teller<'a> {
    subject: &'a Subject<'a>,
    span: Span,
    config: Value,
    events: List,
    messages: List,
    branches: VecDeque<Branch>,
    /// The span that events stand in.
    within: Option<String>,
    /// When the last event was: what has no time of its own is then.
    now: u64,
}

impl Teller<'_> {
    fn tell(&mut self) {
        let tree = self.subject.tree;
        for score in tree.root_scores() {
            self.score(score);
        }
        let first = self.subject.main_line.first().copied();
        let beginning = vec![(0, 1)];
        self.drafts(None, &beginning);
        self.aside(None, first, &beginning);
        if let Some(first) = first {
            self.path(first, beginning);
        }
        // What a lost step led to.
        for (node, found) in tree.nodes() {
            if found.is_orphan() && found.step.kept {
                self.branches.push_back(Branch {
                    begin: node,
                    before: Vec::new(),
                });
            }
        }
        while let Some(branch) = self.branches.pop_front() {
            self.branch(branch);
        }
        let left = self.subject.outcomes();
        let outcomes: Vec<Value> = left.map(|(_, outcome)| json!(outcome)).collect();
        for outcome in outcomes {
            self.info("outcome", outcome);
        }
    }

    fn branch(&mut self, branch: Branch) {
        let step = self.subject.step(branch.begin);
        let id = format!("branch-{}", step.id);
        let name = format!("branch at step {}", step.index);
        if let Some((begin, _)) = times(step) {
            self.now = begin;
        }
        self.push(
            "span_begin",
            json!({"id": id, "parent_id": null, "type": "branch", "name": name}),
        );
        self.within = Some(id.clone());
        let parent = self.subject.tree.node(branch.begin).parent;
        let from = parent.map_or(BEGINNING, |parent| &self.subject.step(parent).id);
        self.push("branch", json!({"from_anchor": from}));
        self.path(branch.begin, branch.before);
        self.within = None;
        self.push("span_end", json!({"id": id}));
    }

    /// Tells a path: on the main line to its end, else along the first
    /// children; what branches off comes later.
    fn path(&mut self, begin: NodeIndex, mut before: Refs) {
        let mut next = Some(begin);
        let mut seen = 0;
        while let Some(node) = next {
            self.step(node, &before);
            extend(&mut before, self.messages.len());
            self.messages.push(assistant(self.subject.step(node)));
            let children = self.subject.tree.children(Some(node));
            let on_line = |child: &&NodeIndex| self.subject.is_on_main_line(**child);
            next = children.iter().find(on_line).or(children.first()).copied();
            self.drafts(Some(node), &before);
            self.aside(Some(node), next, &before);
            // A tree has no cycles; a log that made one is not followed for ever.
            seen += 1;
            if seen > self.subject.tree.len() {
                return;
            }
        }
    }

    /// Remembers the branches that leave the path at a place.
    fn aside(
        &mut self,
        after: Option<NodeIndex>,
        followed: Option<NodeIndex>,
        before: &[(usize, usize)],
    ) {
        let children = self.subject.tree.children(after).iter();
        let others: Vec<NodeIndex> = children
            .filter(|child| Some(**child) != followed)
            .copied()
            .collect();
        if others.is_empty() {
            return;
        }
        let id = after.map_or(BEGINNING, |node| &self.subject.step(node).id);
        self.push("anchor", json!({"anchor_id": id, "source": SOURCE}));
        self.branches.extend(others.into_iter().map(|begin| Branch {
            begin,
            before: before.to_vec(),
        }));
    }

    /// Tells the rejected drafts of the next step.
    fn drafts(&mut self, after: Option<NodeIndex>, before: &[(usize, usize)]) {
        for &draft in self.subject.tree.drafts(after) {
            self.step(draft, before);
        }
    }

    fn step(&mut self, node: NodeIndex, before: &[(usize, usize)]) {
        let step = self.subject.step(node);
        let (begin, end) = times(step).unwrap_or((self.now, self.now));
        self.now = begin;
        if let Some(made) = self.subject.decided_by(node) {
            self.decision(made);
        }
        if step.continuation != Continuation::Edited {
            self.call(step, before, end);
        }
        self.now = end;
        self.info("step", of_step(step));
        let found = self.subject.tree.node(node);
        for score in &found.scores {
            self.score(score);
        }
        for label in &found.labels {
            self.info("label", json!(label));
        }
        // Decisions by which nothing goes on: rulings, overrides, the last one.
        let followed = self.subject.tree.children(Some(node)).iter();
        let drafts = self.subject.tree.drafts(Some(node)).iter();
        let led: Vec<&str> = followed
            .chain(drafts)
            .filter_map(|&next| self.subject.step(next).decision.as_deref())
            .collect();
        for made in self.subject.tree.decisions(Some(node)) {
            if !led.contains(&made.id.as_str()) {
                self.decision(made);
            }
        }
    }

    fn decision(&mut self, made: &DecisionRecord) {
        self.info("decision", json!(made));
    }

    fn call(&mut self, step: &StepRecord, before: &[(usize, usize)], end: u64) {
        let mut choice = json!({
            "message": assistant(step),
            "stop_reason": stop_reason(step.end),
        });
        let logprobs: Vec<Value> = step.tokens.iter().filter_map(logprob).collect();
        if !logprobs.is_empty() {
            choice["logprobs"] = json!({"content": logprobs});
        }
        let refs: Vec<[usize; 2]> = before.iter().map(|(from, to)| [*from, *to]).collect();
        let event = json!({
            "model": step.model,
            "input": [],
            "input_refs": refs,
            "tools": [],
            "tool_choice": "none",
            "config": self.config,
            "output": {
                "model": step.model,
                "choices": [choice],
                "completion": step.text,
                "usage": told::output_tokens(step).map(|_| tokens(step.usage)),
                "time": told::seconds(step),
            },
            "retries": step.attempts.len(),
            "completed": rfc3339(end),
            "working_time": told::seconds(step),
        });
        self.push("model", event);
    }

    fn score(&mut self, score: &ScoreRecord) {
        // A grader's is of the whole trajectory, and in the sample's scores.
        match score.value.filter(|_| score.scorer != GRADER) {
            Some(value) => self.push(
                "score",
                json!({
                    "score": {"value": value, "explanation": score.note, "history": []},
                    "intermediate": true,
                    "scorer": score.scorer,
                }),
            ),
            None => self.info("score", json!(score)),
        }
    }

    fn info(&mut self, kind: &str, mut data: Value) {
        data["kind"] = kind.into();
        self.push("info", json!({"source": SOURCE, "data": data}));
    }

    /// Adds an event at the time it is now.
    fn push(&mut self, kind: &str, mut event: Value) {
        let since = self.now.saturating_sub(self.span.begin);
        event["event"] = kind.into();
        event["uuid"] = format!("e{}", self.events.len()).into();
        event["span_id"] = self.within.as_deref().map_or(Value::Null, Value::from);
        event["timestamp"] = rfc3339(self.now).into();
        event["working_start"] = (since as f64 / 1e9).into();
        self.events.push(event);
    }
}

/// Adds a message to those before a call.
fn extend(refs: &mut Refs, at: usize) {
    match refs.last_mut() {
        Some((_, end)) if *end == at => *end += 1,
        _ => refs.push((at, at + 1)),
    }
}

/// What is known of a step beside its call.
fn of_step(step: &StepRecord) -> Value {
    json!({
        "id": step.id,
        "parent": step.parent,
        "step": step.index,
        "model": step.model,
        "purpose": step.purpose,
        "kept": step.kept,
        "decision": step.decision,
        "confidence": step.confidence,
        "end": step.end,
        "end_note": step.end_note,
        "continuation": step.continuation,
        "seed": step.seed.to_string(),
        "duration_ns": duration(step.seconds),
    })
}

fn logprob(token: &Token) -> Option<Value> {
    let top = token
        .top
        .iter()
        .map(|top| json!({"token": top.text, "logprob": top.logprob}));
    Some(json!({
        "token": token.text,
        "logprob": token.logprob?,
        "top_logprobs": top.collect::<Vec<_>>(),
    }))
}
