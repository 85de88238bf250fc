//! Trajectories as OpenTelemetry spans: one line of OTLP-JSON a trajectory,
//! as collectors read files of it.
//!
//! A trajectory is a trace: its root is the workflow, below it stand the
//! decisions (OpenInference's kind DECISION) and the calls to models in log
//! order, rejected drafts and branches among them. Names are those of the
//! GenAI conventions; what they have no name for begins with `route.`. Scores
//! and the verdict are evaluation events. The ids follow from those of the
//! log: the same log makes the same spans.

use std::collections::HashSet;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::trace::NodeIndex;
use crate::trace::ids::sha256;
use crate::trace::import::told;
use crate::trace::record::{
    Continuation, DecisionRecord, GRADER, ModelFacts, ScoreRecord, StepEnd, StepRecord,
    TrajectoryEnd,
};

use super::clock::{Span, times};
use super::{Export, Subject, json as document};

/// Kinds of spans, as the protocol numbers them.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
/// The code of a status that says that it failed.
const FAILED: u8 = 2;

/// Lines being written.
pub struct Otel<W> {
    out: W,
    /// Whether questions and texts of steps are written.
    content: bool,
}

impl<W: Write> Otel<W> {
    pub fn new(out: W, content: bool) -> Self {
        Self { out, content }
    }
}

impl<W: Write> Export<W> for Otel<W> {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<u64> {
        let version = subject.head.map_or("", |head| &head.version);
        let mut resource = Attributes::default();
        resource.text("service.name", "pointsman");
        resource.text("service.version", version);
        let out = &mut self.out;
        out.write_all(b"{\"resourceSpans\":[{\"resource\":")?;
        document::write(out, json!({"attributes": resource.done()}))?;
        out.write_all(b",\"scopeSpans\":[{\"scope\":")?;
        document::write(out, json!({"name": "pointsman", "version": version}))?;
        out.write_all(b",\"spans\":[")?;
        // One after another: as values all of them would take a hundred times
        // the room of their text.
        let mut count = 0;
        Teller::new(subject, self.content).spans(&mut |span| {
            if count > 0 {
                out.write_all(b",")?;
            }
            count += 1;
            document::write(out, span)
        })?;
        out.write_all(b"]}]}]}\n")?;
        Ok(count)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.out)
    }
}

/// Attributes of a span, in the form that the protocol gives values.
#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    /// Nothing where the value has no form.
    fn set(&mut self, name: &str, value: Value) {
        if let Some(value) = any(value) {
            self.0.push(json!({"key": name, "value": value}));
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.set(name, Value::from(text));
    }

    fn maybe(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn done(self) -> Vec<Value> {
        self.0
    }
}

/// A value as the protocol writes it. Whole numbers are texts: JavaScript's
/// have fewer digits.
fn any(value: Value) -> Option<Value> {
    Some(match value {
        Value::Null | Value::Object(_) => return None,
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(any).collect();
            json!({"arrayValue": {"values": items}})
        }
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => json!({"intValue": whole.to_string()}),
            // Seeds have 64 bits, integers of the protocol 63.
            (None, _) if number.is_u64() => json!({"stringValue": number.to_string()}),
            (None, Some(number)) => json!({"doubleValue": number}),
            (None, None) => return None,
        },
    })
}

/// The content of a message, as JSON within a text.
fn messages(role: &str, text: &str, finish: Option<&str>) -> Value {
    let mut message = json!({"role": role, "parts": [{"type": "text", "content": text}]});
    if let Some(finish) = finish {
        message["finish_reason"] = finish.into();
    }
    // As the conventions have it where attributes are flat.
    Value::from(document::within(json!([message])))
}

fn finish_reason(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Delimiter | StepEnd::Eos | StepEnd::Empty => "stop",
        StepEnd::Length => "length",
        StepEnd::Error => "error",
    }
}

/// An id of so many hexadecimal digits; one that a record already has is kept.
fn id(kind: &str, of: &str, digits: usize) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let is_id = of.len() == digits && of.chars().all(is_hex) && of.contains(|c| c != '0');
    match is_id {
        true => of.to_owned(),
        false => {
            let mut hash = sha256(format!("{kind}\n{of}").as_bytes());
            hash.truncate(digits);
            hash
        }
    }
}

struct Teller<'a> {
    subject: &'a Subject<'a>,
    content: bool,
    trace: String,
    root: String,
    time: Span,
}

impl<'a> Teller<'a> {
    fn new(subject: &'a Subject<'a>, content: bool) -> Self {
        let key = format!("{}\n{}", subject.tree.run(), subject.tree.problem_id());
        Self {
            subject,
            content,
            trace: id("trace", &key, 32),
            root: id("workflow", &key, 16),
            time: Span::of(subject),
        }
    }

    /// Shows `seen` every span.
    fn spans(&self, seen: &mut dyn FnMut(Value) -> io::Result<()>) -> io::Result<()> {
        seen(self.workflow())?;
        let mut told: HashSet<*const DecisionRecord> = HashSet::new();
        for (node, found) in self.subject.tree.nodes() {
            if let Some(made) = self.subject.decided_by(node)
                && told.insert(made)
            {
                seen(self.decision(found.parent, made))?;
            }
            seen(self.step(node))?;
        }
        // What nothing followed.
        for (after, made) in self.subject.decisions() {
            if told.insert(made) {
                seen(self.decision(after, made))?;
            }
        }
        Ok(())
    }

    /// A span below the root.
    fn span(&self, id: String, name: String, kind: u8, times: (u64, u64)) -> Map<String, Value> {
        let mut span = Map::new();
        span.insert("traceId".to_owned(), self.trace.as_str().into());
        if id != self.root {
            span.insert("parentSpanId".to_owned(), self.root.as_str().into());
        }
        span.insert("spanId".to_owned(), id.into());
        span.insert("name".to_owned(), name.into());
        span.insert("kind".to_owned(), kind.into());
        let (begin, end) = times;
        span.insert("startTimeUnixNano".to_owned(), begin.to_string().into());
        span.insert("endTimeUnixNano".to_owned(), end.to_string().into());
        span
    }

    fn workflow(&self) -> Value {
        let tree = self.subject.tree;
        let router = self.subject.head.map(|head| &head.router);
        let name = router.map_or("unknown", |router| router.name.as_str());
        let mut attributes = Attributes::default();
        attributes.text("openinference.span.kind", "CHAIN");
        attributes.text("gen_ai.operation.name", "invoke_workflow");
        attributes.text("gen_ai.workflow.name", name);
        attributes.text("gen_ai.conversation.id", &self.trace);
        attributes.text("route.run", tree.run());
        attributes.text("route.problem", tree.problem_id());
        attributes.maybe(
            "route.router",
            router.map(|router| router.spec.as_str().into()),
        );
        if let Some(problem) = tree.problem() {
            attributes.maybe("route.domain", problem.domain.as_deref().map(Value::from));
            attributes.maybe("route.difficulty", problem.difficulty.map(Value::from));
            if self.content {
                let question = messages("user", &problem.question, None);
                attributes.set("gen_ai.input.messages", question);
            }
        }
        let times = (self.time.begin, self.time.end);
        let mut span = self.span(
            self.root.clone(),
            format!("invoke_workflow {name}"),
            INTERNAL,
            times,
        );
        let of_question = tree.root_scores().iter();
        let mut events: Vec<Value> = of_question
            .map(|score| self.evaluation(score, self.time.begin))
            .collect();
        if let Some(outcome) = self.subject.outcome() {
            let steps = self.subject.main_line.len() as u64;
            attributes.set("route.steps", steps.into());
            attributes.text("route.end", outcome.end.name());
            attributes.maybe(
                "route.cost.published",
                outcome.cost.published.map(Value::from),
            );
            attributes.maybe("route.cost.full", outcome.cost.full.map(Value::from));
            let unit = self.subject.head.and_then(|head| head.cost_unit.as_deref());
            attributes.maybe("route.cost.unit", unit.map(Value::from));
            let mut verdict = Attributes::default();
            verdict.text("gen_ai.evaluation.name", "verdict");
            verdict.text("gen_ai.evaluation.score.label", outcome.verdict.name());
            verdict.text("route.grader", &outcome.grader);
            verdict.text("route.rule", &outcome.rule);
            if self.content {
                verdict.maybe("route.answer", outcome.answer.as_deref().map(Value::from));
                verdict.maybe("route.gold", outcome.gold.as_deref().map(Value::from));
            }
            events.push(event(self.time.end, verdict));
            if outcome.end == TrajectoryEnd::Error {
                attributes.text("error.type", outcome.end.name());
                let message = outcome.error.as_deref().unwrap_or_default();
                span.insert(
                    "status".to_owned(),
                    json!({"code": FAILED, "message": message}),
                );
            }
        }
        if self.content
            && let Some(&leaf) = self.subject.main_line.last()
        {
            let reason = finish_reason(self.subject.step(leaf).end);
            let answer = messages("assistant", &tree.text(leaf), Some(reason));
            attributes.set("gen_ai.output.messages", answer);
        }
        finished(span, attributes, events)
    }

    fn decision(&self, after: Option<NodeIndex>, made: &DecisionRecord) -> Value {
        let mut attributes = Attributes::default();
        attributes.text("openinference.span.kind", "DECISION");
        attributes.text("decision.model_name", &made.router);
        attributes.text("route.decision.id", &made.id);
        attributes.maybe("route.after", made.after.as_deref().map(Value::from));
        attributes.maybe("route.draft", made.draft.as_deref().map(Value::from));
        attributes.text("route.action", &made.action);
        attributes.set("route.action_set", made.action_set.clone().into());
        attributes.set("route.probabilities", made.probabilities.clone().into());
        attributes.maybe("route.threshold", made.threshold.map(Value::from));
        attributes.set("route.propensity", made.propensity.into());
        attributes.text("route.reason", &made.reason);
        for (name, value) in &made.observation {
            let name = format!("route.observation.{name}");
            attributes.maybe(&name, value.map(Value::from));
        }
        attributes.set("route.overridden", made.overridden.is_some().into());
        if let Some(person) = &made.overridden {
            attributes.text("route.router_wanted", &person.wanted);
        }
        let ended = after.and_then(|after| times(self.subject.step(after)));
        let at = ended.map_or(self.time.begin, |(_, end)| end);
        let id = id("decision", &made.id, 16);
        let name = format!("decision {}", made.action);
        finished(
            self.span(id, name, INTERNAL, (at, at)),
            attributes,
            Vec::new(),
        )
    }

    fn step(&self, node: NodeIndex) -> Value {
        let step = self.subject.step(node);
        let place = self.subject.place(&step.model);
        let facts = place.and_then(|place| self.subject.head?.pool.get(place));
        let is_person = step.continuation == Continuation::Edited;
        let operation = match step.continuation {
            Continuation::Emulated => "chat",
            Continuation::Exact | Continuation::Edited => "text_completion",
        };
        let mut attributes = Attributes::default();
        if !is_person {
            attributes.text("openinference.span.kind", "LLM");
            attributes.text("gen_ai.operation.name", operation);
            self.call(&mut attributes, step, facts);
        }
        let reason = finish_reason(step.end);
        attributes.maybe("route.place", place.map(|place| (place as u64).into()));
        attributes.text("route.step.id", &step.id);
        attributes.maybe("route.parent", step.parent.as_deref().map(Value::from));
        attributes.set("route.step", step.index.into());
        attributes.text("route.model", &step.model);
        attributes.set("route.kept", step.kept.into());
        attributes.set("route.main_line", self.subject.is_on_main_line(node).into());
        attributes.maybe("route.purpose", serde_json::to_value(step.purpose).ok());
        attributes.text("route.end", step.end.name());
        attributes.maybe(
            "route.decision.id",
            step.decision.as_deref().map(Value::from),
        );
        attributes.maybe("route.confidence", step.confidence.value.map(Value::from));
        attributes.text("route.confidence.source", &step.confidence.source);
        attributes.set("route.failed_attempts", (step.attempts.len() as u64).into());
        attributes.set("route.seed", step.seed.into());
        if self.content {
            let text = messages("assistant", &step.text, Some(reason));
            attributes.set("gen_ai.output.messages", text);
        }
        let times = times(step).unwrap_or((self.time.begin, self.time.begin));
        let (kind, name) = match is_person {
            true => (INTERNAL, format!("edited {}", step.model)),
            false => (CLIENT, format!("{operation} {}", requested(step, facts))),
        };
        let mut span = self.span(id("step", &step.id, 16), name, kind, times);
        if step.end == StepEnd::Error {
            attributes.text("error.type", step.end.name());
            span.insert("status".to_owned(), json!({"code": FAILED}));
        }
        let scores = self.subject.tree.node(node).scores.iter();
        // A grader's is of the whole trajectory: it is in the verdict.
        let scores = scores.filter(|score| score.scorer != GRADER);
        let events = scores.map(|score| self.evaluation(score, times.1));
        finished(span, attributes, events.collect())
    }

    /// What the conventions say of a call.
    fn call(&self, attributes: &mut Attributes, step: &StepRecord, facts: Option<&ModelFacts>) {
        let provider = facts.map(|facts| facts.server.as_str().into());
        attributes.maybe("gen_ai.provider.name", provider);
        let model = requested(step, facts);
        attributes.text("gen_ai.request.model", model);
        attributes.text("gen_ai.response.model", model);
        attributes.set(
            "gen_ai.response.finish_reasons",
            json!([finish_reason(step.end)]),
        );
        if let Some(head) = self.subject.head {
            let sampling = head.sampling;
            attributes.set("gen_ai.request.temperature", sampling.temperature.into());
            attributes.set("gen_ai.request.top_p", sampling.top_p.into());
            attributes.set("gen_ai.request.max_tokens", sampling.max_tokens.into());
        }
        // Cached tokens are among those of the input.
        let usage = step.usage;
        let (read, wrote) = (told::prompt_tokens(step), told::output_tokens(step));
        attributes.maybe("gen_ai.usage.input_tokens", read.map(Value::from));
        attributes.maybe("gen_ai.usage.output_tokens", wrote.map(Value::from));
        attributes.maybe(
            "gen_ai.usage.cache_read.input_tokens",
            usage.cached.map(Value::from),
        );
        if usage.cache_write > 0 {
            let written = usage.cache_write.into();
            attributes.set("gen_ai.usage.cache_creation.input_tokens", written);
        }
    }

    fn evaluation(&self, score: &ScoreRecord, at: u64) -> Value {
        let mut attributes = Attributes::default();
        attributes.text("gen_ai.evaluation.name", &score.scorer);
        attributes.maybe(
            "gen_ai.evaluation.score.value",
            score.value.map(Value::from),
        );
        attributes.maybe(
            "route.scorer.model",
            score.model.as_deref().map(Value::from),
        );
        if self.content {
            let note = score.note.as_deref().map(Value::from);
            attributes.maybe("gen_ai.evaluation.explanation", note);
        }
        event(at, attributes)
    }
}

/// The name that the server knows the model by.
fn requested<'a>(step: &'a StepRecord, facts: Option<&'a ModelFacts>) -> &'a str {
    let served = facts.and_then(|facts| facts.model.as_deref());
    served.unwrap_or(&step.model)
}

fn event(at: u64, attributes: Attributes) -> Value {
    json!({
        "timeUnixNano": at.to_string(),
        "name": "gen_ai.evaluation.result",
        "attributes": attributes.done(),
    })
}

fn finished(mut span: Map<String, Value>, attributes: Attributes, events: Vec<Value>) -> Value {
    span.insert("attributes".to_owned(), attributes.done().into());
    if !events.is_empty() {
        span.insert("events".to_owned(), events.into());
    }
    span.into()
}

#[cfg(test)]
mod tests;
