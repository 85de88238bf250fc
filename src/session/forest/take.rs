//! What comes of a forest's calls: steps with their verdicts and outcomes.

use crate::model::endpoint::{EndpointError, FailureKind, StepReply};
use crate::pair::checker::{self, Fault, Verdict};
use crate::session::machine::Generating;
use crate::trace::NodeIndex;
use crate::trace::record::{
    CHECKER, Purpose, Record, ScoreRecord, StepEnd, StepRecord, TrajectoryEnd, Usage,
};
use crate::trace::tree::Added;
use std::sync::Arc;

use super::{Call, Forest};

/// Takes the place of the seed in the ids of a forest's steps: equal answers of
/// several calls are one step.
const ANY_SEED: u64 = 0;

impl Forest {
    /// Takes the answer to a call; what is to be recorded of it, in one write.
    pub fn take(&mut self, call: &Call, reply: StepReply, now: &str) -> Vec<Record> {
        let mut step = self.session.scored(&call.generating, reply, now);
        step.purpose = call.purpose;
        // Their measures are kept; with its tokens a forest is ten times as
        // large, and nobody looks at each of its steps.
        step.tokens.clear();
        self.append(step)
    }

    /// Takes a failure; what is to be recorded of it. Where the context is
    /// full the trajectory ends, and the forest goes on; after any other
    /// failure the call is still missing. `text` is what arrived before.
    pub fn failed(
        &mut self,
        call: &Call,
        error: EndpointError,
        text: &[String],
        now: &str,
    ) -> Vec<Record> {
        let message = error.to_string();
        let generating = self.cut_off(call, text);
        if error.kind == FailureKind::Context {
            let mut step = self
                .session
                .blank_step(&generating.place, "", generating.seed, now);
            step.purpose = call.purpose;
            step.usage.cached = Some(0);
            step.attempts = error.attempts;
            step.end = StepEnd::Error;
            step.end_note = Some(message);
            step.confidence.unavailable = Some("the context was full".to_owned());
            return self.append(step);
        }
        let mut records = Vec::new();
        if !error.attempts.is_empty() || !generating.text.is_empty() {
            let step = self
                .session
                .abandoned(&generating, error.attempts, &message, now);
            records.push(Record::Step(Arc::new(step)));
        }
        records.push(self.session.note("endpoint-error", message, now));
        self.add(&records);
        records
    }

    /// Takes that a call was cut off by a person.
    pub fn cancelled(&mut self, call: &Call, text: &[String], now: &str) -> Vec<Record> {
        let generating = self.cut_off(call, text);
        let step = self.session.cancelled(&generating, now);
        let records = vec![Record::Step(Arc::new(step))];
        self.add(&records);
        records
    }

    /// The call with what arrived of it, under a number of its own.
    fn cut_off(&mut self, call: &Call, text: &[String]) -> Generating {
        self.session.generation += 1;
        Generating {
            generation: self.session.generation,
            text: text.concat(),
            deltas: text.len() as u64,
            ..call.generating.clone()
        }
    }

    fn add(&mut self, records: &[Record]) {
        for record in records {
            self.session.tree.add(record.clone());
        }
    }

    /// Appends a step with what follows from it at once.
    fn append(&mut self, mut step: StepRecord) -> Vec<Record> {
        self.name(&mut step);
        let key = (step.parent.clone(), step.seed);
        let id = step.id.clone();
        let record = Record::Step(Arc::new(step));
        let added = self.session.tree.add(record.clone());
        self.made.insert(key, id);
        let mut records = vec![record];
        // What was said of a step that is there already holds for this one.
        if let Added::Step(node) = added {
            records.extend(self.follow_up(node, false, false));
        }
        records
    }

    /// Answers of the reference run stay apart, also where they are the same:
    /// they are counted.
    fn name(&self, step: &mut StepRecord) {
        let seed = step.seed;
        if step.purpose == Purpose::Step {
            step.seed = ANY_SEED;
        }
        self.session.name_step(step);
        step.seed = seed;
    }

    /// The verdict on a step and the outcome of the trajectory that ends with
    /// it, where it is not `scored` or `ended` yet.
    pub(super) fn follow_up(&mut self, node: NodeIndex, scored: bool, ended: bool) -> Vec<Record> {
        let mut records = Vec::new();
        if !scored && let Some(score) = self.verdict(node) {
            records.push(Record::Score(score));
        }
        if !ended && let Some(end) = self.end(node) {
            let error = (end == TrajectoryEnd::Context)
                .then(|| self.session.tree.node(node).step.end_note.clone())
                .flatten();
            let outcome = self.session.outcome_at(Some(node), end, error);
            records.push(Record::Outcome(Box::new(outcome)));
        }
        self.add(&records);
        records
    }

    /// Why the trajectory ends with a step, if it does.
    fn end(&self, node: NodeIndex) -> Option<TrajectoryEnd> {
        let step = &self.session.tree.node(node).step;
        if step.end == StepEnd::Error {
            return Some(TrajectoryEnd::Context);
        }
        if step.text.is_empty() {
            // Ending what others wrote is an answer; ending nothing is none.
            let finished = step.end == StepEnd::Eos && step.parent.is_some();
            return Some(if finished {
                TrajectoryEnd::Finished
            } else {
                TrajectoryEnd::Empty
            });
        }
        self.session.ending(node)
    }

    /// What the exact checker says of a step, given the steps before it.
    fn verdict(&self, node: NodeIndex) -> Option<ScoreRecord> {
        let tree = &self.session.tree;
        let step = &tree.node(node).step;
        if !self.checkable || step.text.is_empty() {
            return None;
        }
        let path = tree.path(node);
        let texts: Vec<&str> = path
            .iter()
            .map(|&at| tree.node(at).step.text.as_str())
            .collect();
        let verdicts = checker::verdicts(&self.session.problem.question, &texts).ok()?;
        let verdict = *verdicts.last()?;
        Some(ScoreRecord {
            run: step.run.clone(),
            step: Some(step.id.clone()),
            problem: step.problem.clone(),
            scorer: CHECKER.to_owned(),
            model: None,
            value: Some(f64::from(u8::from(verdict.is_right()))),
            note: fault(verdict).map(str::to_owned),
            usage: Usage::default(),
            attempts: Vec::new(),
            cost: None,
        })
    }
}

fn fault(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Right => None,
        Verdict::Wrong(Fault::Arithmetic) => Some("a number is calculated wrongly"),
        Verdict::Wrong(Fault::Operand) => Some("another calculation than the question asks for"),
        Verdict::Wrong(Fault::Format) => Some("not the step that is due here"),
    }
}
