//! A finished step: scored, committed, decided; and what comes of a failure.

use crate::cost::PERSON;
use crate::model::endpoint::{EndpointError, FailureKind, StepReply};
use crate::router::{Choice, Timing};
use crate::signal::confidence::{Source, measure};
use crate::signal::math_tokens;
use crate::signal::observation::Observation;
use crate::trace::NodeIndex;
use crate::trace::ids::{DecisionKey, decision_id};
use crate::trace::record::{
    Continuation, DecisionRecord, EMPTY_STEP, Purpose, Record, StepEnd, StepRecord, TrajectoryEnd,
};
use std::sync::Arc;

use super::ending::holds_answer;
use super::machine::{Generating, Place};
use super::{Goal, Output, Phase, Refusal, Session};

impl Session {
    /// Takes a step into the tree and goes on as the goal says.
    pub(super) fn commit(&mut self, reply: StepReply, now: &str) -> Vec<Output> {
        let Phase::Generating(call) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return Vec::new();
        };
        let follows = self.is_followed(&call.place);
        let step = self.scored(&call, reply, now);
        if step.text.is_empty() && matches!(step.end, StepEnd::Empty | StepEnd::Eos) {
            return self.empty_step(&call, step);
        }
        if self.is_draft(&call.place) {
            return self.review(call.place, step);
        }
        self.commit_step(step, follows)
    }

    /// Takes a step that stands into the tree and goes on as the goal says.
    pub(super) fn commit_step(&mut self, step: StepRecord, follows: bool) -> Vec<Output> {
        let (node, append) = match self.append_step(step) {
            Ok(appended) => appended,
            Err(output) => return vec![output],
        };
        self.taken(node, follows, vec![append])
    }

    /// Follows a step that was appended.
    pub(super) fn taken(
        &mut self,
        node: NodeIndex,
        follows: bool,
        mut outputs: Vec<Output>,
    ) -> Vec<Output> {
        if follows {
            self.look_at(Some(node));
        }
        outputs.extend(self.go_on(node, follows));
        outputs
    }

    pub(super) fn edit(&mut self, text: String, now: &str) -> Result<Vec<Output>, Refusal> {
        self.engine()?;
        self.idle()?;
        let at = self.cursor.ok_or(Refusal::NoStep)?;
        let text = text.trim_end_matches('\n').to_owned();
        if text.trim().is_empty() {
            return Err(Refusal::EmptyEdit);
        }
        let old = self.tree.node(at);
        let model = self.settings.place(&old.step.model).unwrap_or(0);
        let place = Place {
            after: old.parent,
            model,
            decision: self.led_by(&old.step),
        };
        let branch = self.tree.children(place.after).len() as u64;
        let mut step = self.blank_step(&place, &text, branch, now);
        step.model = PERSON.to_owned();
        step.continuation = Continuation::Edited;
        step.usage.cached = Some(0);
        step.confidence.unavailable = Some("a person wrote this step".into());
        self.name_step(&mut step);
        match self.append_step(step) {
            Ok((node, append)) => {
                self.look_at(Some(node));
                Ok(vec![append])
            }
            Err(output) => Ok(vec![output]),
        }
    }

    pub(super) fn fail(&mut self, error: EndpointError, now: &str) -> Vec<Output> {
        let Phase::Generating(call) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return Vec::new();
        };
        let message = error.to_string();
        let mut outputs = Vec::new();
        let filtered = error.kind == FailureKind::Filtered;
        if filtered || !error.attempts.is_empty() || !call.text.is_empty() {
            let step = self.abandoned(&call, error.attempts, &message, now);
            // First into the tree: the outcome's cost counts it.
            outputs.push(self.record(vec![Record::Step(Arc::new(step))]));
        }
        if filtered && let Some(handed_over) = self.hand_over(&call.place) {
            outputs.extend(handed_over);
        } else if error.kind == FailureKind::Context && !self.begins_rollout(&call.place) {
            // The context is full: the trajectory ends, the run goes on.
            let outcome = self.outcome_at(call.place.after, TrajectoryEnd::Context, Some(message));
            outputs.push(self.record(vec![Record::Outcome(Box::new(outcome))]));
        } else {
            let note = self.note("endpoint-error", message.clone(), now);
            outputs.push(self.record(vec![note]));
            self.phase = Phase::Failed {
                place: call.place,
                message,
                retryable: error.kind.retryable(),
            };
        }
        outputs
    }

    /// Ends the trajectory at the cursor with an error: for drivers that give
    /// a problem up.
    pub fn give_up(&mut self, message: &str) -> Vec<Output> {
        let after = match &self.phase {
            Phase::Failed { place, .. } => place.after,
            Phase::Ready | Phase::Generating(_) | Phase::Scoring(_) => self.cursor,
        };
        self.phase = Phase::Ready;
        let outcome = self.outcome_at(after, TrajectoryEnd::Error, Some(message.to_owned()));
        vec![self.record(vec![Record::Outcome(Box::new(outcome))])]
    }

    /// Whether a run with this goal stops at the cursor.
    pub(super) fn reached(&self, goal: &Goal) -> bool {
        let path = self.followed_path();
        let at = path.iter().position(|&step| Some(step) == self.cursor);
        at.is_some_and(|at| self.reached_at(goal, &path, at))
    }

    /// The same of the step at `place` of a path.
    pub(super) fn reached_at(&self, goal: &Goal, path: &[NodeIndex], place: usize) -> bool {
        match goal {
            Goal::Step => true,
            Goal::End | Goal::Rollout => false,
            Goal::Until(condition) => condition.holds_at(&self.so_far(path, place), place),
        }
    }

    fn go_on(&mut self, node: NodeIndex, follows: bool) -> Vec<Output> {
        let ended = self.tree.node(node).outcome().is_some();
        // Somebody who has looked away is not followed, but a run goes on.
        let looked_at = self.cursor.replace(node);
        let mut outputs = Vec::new();
        let may_stop = !matches!(self.goal, Goal::Step | Goal::Rollout);
        let stopped = may_stop && self.meets_here();
        if !ended && self.goal != Goal::Step && !stopped && !self.reached(&self.goal) {
            let goal = self.goal.clone();
            outputs = self.generate_next(goal).unwrap_or_default();
        }
        if !follows {
            self.cursor = looked_at;
        }
        outputs
    }

    pub(super) fn scored(&self, call: &Generating, mut reply: StepReply, now: &str) -> StepRecord {
        math_tokens::mark(&mut reply.tokens);
        let source = self
            .settings
            .engine
            .as_ref()
            .map_or(Source::Prob, |engine| engine.router.signal());
        let mut step = self.blank_step(&call.place, &reply.text, call.seed, now);
        step.confidence = measure(&reply.tokens, reply.values, reply.coverage, source);
        step.tokens = reply.tokens;
        step.usage = reply.usage;
        step.attempts = reply.attempts;
        step.end = reply.end;
        step.end_note = reply.end_note;
        step.continuation = reply.continuation;
        step.seconds = reply.seconds;
        if self.regenerates(&call.place) {
            step.purpose = Purpose::Regenerated;
        }
        self.name_step(&mut step);
        step
    }

    /// An empty step adds nothing: it stands beside the trajectory. Where the
    /// model ended the sequence with it, the step before was the last; else the
    /// most capable model is asked instead, and if that was the one, the
    /// trajectory ends.
    fn empty_step(&mut self, call: &Generating, mut step: StepRecord) -> Vec<Output> {
        step.kept = false;
        step.purpose = Purpose::Draft;
        self.name_step(&mut step);
        let last = self.settings.models().saturating_sub(1);
        let finished = step.end == StepEnd::Eos && call.place.after.is_some();
        // First into the tree: the outcome's cost counts it.
        let mut outputs = vec![self.record(vec![Record::Step(Arc::new(step))])];
        if finished || call.place.model == last {
            let end = if finished {
                TrajectoryEnd::Finished
            } else {
                TrajectoryEnd::Empty
            };
            // What a rollout comes to at once is not how the path to it ended.
            if !self.begins_rollout(&call.place) {
                let outcome = self.outcome_at(call.place.after, end, None);
                outputs.push(self.record(vec![Record::Outcome(Box::new(outcome))]));
            }
            return outputs;
        }
        let choice = Choice {
            probabilities: Vec::new(),
            threshold: None,
            action_set: vec![last],
            action: last,
            reason: "the step was empty: the most capable model is asked instead".into(),
            propensity: 1.0,
        };
        let observation = std::collections::BTreeMap::new();
        let mut decision = self.decision_record(call.place.after, observation, choice);
        // Not the router's own: nobody may learn from it as such.
        decision.router = EMPTY_STEP.to_owned();
        self.keep_apart(&mut decision, &call.place);
        let place = Place {
            after: call.place.after,
            model: last,
            decision: Some(decision.id.clone()),
        };
        outputs.push(self.record(vec![Record::Decision(Arc::new(decision))]));
        outputs.extend(self.launch(place));
        outputs
    }

    /// Appends a step with what follows from it at once: the outcome if it
    /// ends the trajectory, otherwise the router's decision. Both are in one
    /// write, so that no log has a step without them.
    pub(super) fn append_step(&mut self, step: StepRecord) -> Result<(NodeIndex, Output), Output> {
        let id = step.id.clone();
        let mut records = Vec::new();
        self.introduce(&mut records);
        records.push(Record::Step(Arc::new(step)));
        for record in &records {
            self.tree.add(record.clone());
        }
        let Some(node) = self.tree.find(&id) else {
            // The tree takes every step of this run and problem.
            return Err(Output::Append(records));
        };
        if let Some(follow_up) = self.follow_up(node) {
            self.tree.add(follow_up.clone());
            records.push(follow_up);
        }
        Ok((node, Output::Append(records)))
    }

    /// What follows from a step at once: its outcome, or the next decision of
    /// a rule that decides ahead.
    pub(super) fn follow_up(&self, node: NodeIndex) -> Option<Record> {
        if let Some(end) = self.ending(node) {
            let outcome = self.outcome_at(Some(node), end, None);
            return Some(Record::Outcome(Box::new(outcome)));
        }
        let ahead = self.timing() == Timing::Ahead;
        ahead.then(|| Record::Decision(Arc::new(self.decide(node))))
    }

    /// Makes up for what a killed writer lost: a step whose decision or
    /// outcome was cut off is decided again, before anything follows it.
    pub(super) fn settle(&mut self) -> Option<Output> {
        if let Some(record) = self.lost_ruling() {
            return Some(self.record(vec![record]));
        }
        let node = self.cursor?;
        let at = self.tree.node(node);
        let decided = self.tree.choices(self.cursor).next().is_some();
        if decided || self.concluded() || !at.step.kept {
            return None;
        }
        let record = self.follow_up(node)?;
        Some(self.record(vec![record]))
    }

    fn decide(&self, node: NodeIndex) -> DecisionRecord {
        let observation = self.observe(node);
        let draw = self.decision_draw(node);
        let choice = match &self.settings.engine {
            Some(engine) => engine.router.decide(&observation, draw),
            // Only live sessions append steps.
            None => Choice {
                probabilities: Vec::new(),
                threshold: None,
                action_set: vec![0],
                action: 0,
                reason: "no router".into(),
                propensity: 1.0,
            },
        };
        self.decision_record(Some(node), observation.named(), choice)
    }

    pub(super) fn decision_record(
        &self,
        after: Option<NodeIndex>,
        observation: std::collections::BTreeMap<String, Option<f64>>,
        choice: Choice,
    ) -> DecisionRecord {
        let earlier = self.tree.decisions(after).len();
        let repeat = u32::try_from(earlier).unwrap_or(u32::MAX);
        self.numbered_decision(after, observation, choice, repeat)
    }

    /// The decision after `after` that `repeat` others of its kind came before.
    pub(super) fn numbered_decision(
        &self,
        after: Option<NodeIndex>,
        observation: std::collections::BTreeMap<String, Option<f64>>,
        choice: Choice,
        repeat: u32,
    ) -> DecisionRecord {
        let run = &self.settings.run;
        let after_id = after.map(|node| self.tree.node(node).step.id.clone());
        let action = self.settings.model_name(choice.action);
        let id = decision_id(&DecisionKey {
            run: &run.run,
            problem: &self.problem.id,
            after: after_id.as_deref(),
            router: &run.router.spec,
            action: &action,
            overridden: false,
            repeat,
        });
        DecisionRecord {
            run: run.run.clone(),
            id,
            problem: self.problem.id.clone(),
            after: after_id,
            router: run.router.spec.clone(),
            observation,
            probabilities: choice.probabilities,
            threshold: choice.threshold,
            action_set: choice
                .action_set
                .iter()
                .map(|&a| self.settings.model_name(a))
                .collect(),
            action,
            reason: choice.reason,
            propensity: choice.propensity,
            draft: None,
            overridden: None,
            rollout: false,
        }
    }

    /// o_t of a step (§1).
    pub(super) fn observe(&self, node: NodeIndex) -> Observation {
        self.observe_step(&self.tree.node(node).step)
    }

    /// o_t of a step that may not be in the tree.
    pub(super) fn observe_step(&self, step: &StepRecord) -> Observation {
        Observation {
            confidence: step.confidence.value,
            index: step.index,
            difficulty: self.problem.difficulty,
            has_answer: holds_answer(&step.text),
            // Of a person's step nobody counted the tokens, and no model of the
            // pool wrote it.
            tokens: (step.continuation != Continuation::Edited)
                .then(|| u32::try_from(step.usage.output).unwrap_or(u32::MAX)),
            writer: self.settings.place(&step.model),
            models: self.settings.models(),
        }
    }
}
