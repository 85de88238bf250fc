//! Commands that generate: each puts one call in flight.

use crate::model::endpoint::StepRequest;
use crate::router::Timing;
use crate::trace::NodeIndex;
use crate::trace::ids::{DecisionKey, StepKey, abandoned_id, decision_id, step_id};
use crate::trace::record::{
    Attempt, Confidence, Continuation, DecisionRecord, NoteRecord, Override, Purpose, Record, Role,
    StepEnd, StepRecord, TrajectoryEnd, Usage, ValueKind,
};
use std::sync::Arc;

use super::machine::{Generating, Place};
use super::settings::Engine;
use super::{Generate, Goal, Output, Phase, Refusal, Session};

impl Session {
    pub(super) fn step(&mut self) -> Result<Vec<Output>, Refusal> {
        if let Some(next) = self.next_on_branch(self.cursor) {
            self.cursor = Some(next);
            return Ok(Vec::new());
        }
        self.generate_next(Goal::Step)
    }

    pub(super) fn run_to(&mut self, goal: Goal) -> Result<Vec<Output>, Refusal> {
        self.idle()?;
        self.goal = goal.clone();
        let before = self.cursor;
        self.forget_met();
        // What is recorded is followed first; only the tape's end generates.
        let path = self.followed_path();
        let here = before.and_then(|at| path.iter().position(|&node| node == at));
        for place in here.map_or(0, |at| at + 1)..path.len() {
            self.cursor = Some(path[place]);
            // Both are asked: a stop that is met counts.
            let stopped = self.meets(&path, place);
            if stopped || self.reached_at(&goal, &path, place) {
                return Ok(Vec::new());
            }
        }
        match self.generate_next(goal) {
            // At the end of the tape: going there was all there was to do.
            Err(Refusal::TapeOnly | Refusal::AtEnd) if self.cursor != before => Ok(Vec::new()),
            other => other,
        }
    }

    pub(super) fn override_next(
        &mut self,
        model: usize,
        now: &str,
    ) -> Result<Vec<Output>, Refusal> {
        let who = self.engine()?.who.clone();
        self.idle()?;
        self.can_follow()?;
        if model >= self.settings.models() {
            return Err(Refusal::NoModel(model));
        }
        let wanted = self.wanted_model();
        let decision = self.override_record(model, &wanted, who, now);
        Ok(self.branch(decision, model, Goal::Step))
    }

    pub(super) fn rerun(&mut self) -> Result<Vec<Output>, Refusal> {
        self.engine()?;
        self.idle()?;
        let at = self.cursor.ok_or(Refusal::NoStep)?;
        let node = self.tree.node(at);
        let model = self
            .settings
            .place(&node.step.model)
            .ok_or(Refusal::PersonWrote)?;
        let place = Place {
            after: node.parent,
            model,
            decision: self.led_by(&node.step),
        };
        self.cursor = node.parent;
        self.goal = Goal::Step;
        Ok(self.launch(place))
    }

    pub(super) fn retry(&mut self) -> Result<Vec<Output>, Refusal> {
        self.engine()?;
        let Phase::Failed { place, .. } = &self.phase else {
            return Err(Refusal::NothingFailed);
        };
        let place = place.clone();
        if self.goal != Goal::Rollout {
            self.cursor = place.after;
        }
        Ok(match self.asks_question(&place) {
            true => self.ask_question(place),
            false => self.launch(place),
        })
    }

    pub(super) fn cancel(&mut self, now: &str) -> Result<Vec<Output>, Refusal> {
        let current = match std::mem::replace(&mut self.phase, Phase::Ready) {
            Phase::Generating(current) => current,
            Phase::Scoring(current) => return Ok(self.cancel_score(current, now)),
            other => {
                self.phase = other;
                return Err(Refusal::Idle);
            }
        };
        let mut outputs = vec![Output::Abort {
            generation: current.generation,
        }];
        let step = self.cancelled(&current, now);
        outputs.push(self.record(vec![Record::Step(Arc::new(step))]));
        Ok(outputs)
    }

    /// A call that a person cut off.
    pub(super) fn cancelled(&self, call: &Generating, now: &str) -> StepRecord {
        let estimate = Attempt {
            role: Role::Step,
            usage: self.estimated_usage(call),
            failure: "cancelled".into(),
            estimated: true,
        };
        self.abandoned(call, vec![estimate], "cancelled by a person", now)
    }

    /// What a call that was cut off has probably cost: nobody tells. A token
    /// is about four bytes of English text; a prompt is at least what the step
    /// before it was made from.
    fn estimated_usage(&self, call: &Generating) -> Usage {
        const BYTES: u64 = 4;
        let prompt = match call.place.after {
            Some(node) => {
                let before = self.tree.node(node).step.usage;
                before.prompt + before.output
            }
            None => self.problem.question.len() as u64 / BYTES,
        };
        Usage {
            prompt,
            cached: None,
            output: (call.text.len() as u64 / BYTES).max(call.deltas),
            ..Usage::default()
        }
    }

    /// Generates the step after the cursor as the pending decision says.
    pub(super) fn generate_next(&mut self, goal: Goal) -> Result<Vec<Output>, Refusal> {
        self.engine()?;
        self.idle()?;
        self.can_follow()?;
        let mended = self.settle();
        if self.concluded() {
            return Ok(mended.into_iter().collect());
        }
        let decision = self.tree.choices(self.cursor).last();
        let model = decision.and_then(|d| self.settings.place(&d.action));
        let place = Place {
            after: self.cursor,
            model: model.unwrap_or_else(|| self.writer_after(self.cursor)),
            decision: decision.map(|d| d.id.clone()),
        };
        self.goal = goal;
        let mut outputs: Vec<Output> = mended.into_iter().collect();
        outputs.extend(match self.asks_question(&place) {
            true => self.ask_question(place),
            false => self.launch(place),
        });
        Ok(outputs)
    }

    /// Puts the call in flight, after the problem's record if it is the first.
    pub(super) fn launch(&mut self, place: Place) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut records = Vec::new();
        self.introduce(&mut records);
        if !records.is_empty() {
            outputs.push(self.record(records));
        }
        self.generation += 1;
        let seed = self.seed_at(&place);
        let request = self.request(&place, seed);
        let generation = self.generation;
        let model = place.model;
        self.phase = Phase::Generating(Generating {
            generation,
            place,
            seed,
            text: String::new(),
            deltas: 0,
        });
        outputs.push(Output::Generate(Box::new(Generate {
            generation,
            model,
            request,
        })));
        outputs
    }

    /// What an endpoint is asked for to put a step at `place`.
    pub(super) fn request(&self, place: &Place, seed: u64) -> StepRequest {
        let run = &self.settings.run;
        StepRequest {
            question: self.problem.question.clone(),
            prefix: place
                .after
                .map(|node| self.tree.text(node))
                .unwrap_or_default(),
            temperature: run.sampling.temperature,
            top_p: run.sampling.top_p,
            max_tokens: run.sampling.max_tokens,
            seed,
            role: match self.timing() == Timing::OnDraft && self.is_draft(place) {
                true => Role::Draft,
                false => Role::Step,
            },
            affinity: self.problem.id.clone(),
        }
    }

    /// Steps made after `node`, which tell a re-run's seed from the first
    /// one's. Calls that gave no step do not count: trying again, or resuming,
    /// repeats the very call. Neither do rollouts, which have seeds of their own.
    pub(super) fn made_after(&self, node: Option<NodeIndex>) -> usize {
        let drafts = self.tree.drafts(node).iter();
        let empty = drafts.filter(|&&draft| {
            self.tree.node(draft).step.end != StepEnd::Error && !self.tree.begins_rollout(draft)
        });
        self.tree.own_children(node).count() + empty.count()
    }

    /// A call that gave no step, kept beside the trajectory with what it cost.
    pub(super) fn abandoned(
        &self,
        call: &Generating,
        attempts: Vec<Attempt>,
        note: &str,
        now: &str,
    ) -> StepRecord {
        let mut step = self.blank_step(&call.place, &call.text, call.seed, now);
        step.purpose = Purpose::Draft;
        step.kept = false;
        step.end = StepEnd::Error;
        step.end_note = Some(note.to_owned());
        step.usage.cached = Some(0);
        step.attempts = attempts;
        step.confidence.unavailable = Some("the step was not finished".into());
        self.name_step(&mut step);
        // Two calls cut off at the same place may have said the same.
        step.id = abandoned_id(&step.id, now, call.generation);
        step
    }

    /// A step record with everything but what the model told.
    pub(super) fn blank_step(&self, place: &Place, text: &str, seed: u64, now: &str) -> StepRecord {
        StepRecord {
            run: self.settings.run.run.clone(),
            id: String::new(),
            parent: place.after.map(|node| self.tree.node(node).step.id.clone()),
            problem: self.problem.id.clone(),
            index: self.index_after(place.after),
            model: self.settings.model_name(place.model),
            text: text.to_owned(),
            purpose: Purpose::Step,
            kept: true,
            decision: place.decision.clone(),
            tokens: Vec::new(),
            confidence: Confidence {
                value: None,
                source: self.settings.run.signal.clone(),
                fallback: false,
                kind: ValueKind::None,
                unavailable: None,
                measures: std::collections::BTreeMap::new(),
            },
            usage: Usage::default(),
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            continuation: Continuation::Exact,
            seed,
            seconds: 0.0,
            at: now.to_owned(),
        }
    }

    /// Gives a finished record its content hash.
    pub(super) fn name_step(&self, step: &mut StepRecord) {
        step.id = step_id(&StepKey {
            run: &step.run,
            parent: step.parent.as_deref(),
            problem: &step.problem,
            model: &step.model,
            text: &step.text,
            purpose: step.purpose,
            kept: step.kept,
            seed: step.seed,
            decision: step.decision.as_deref(),
        });
    }

    fn override_record(
        &self,
        model: usize,
        wanted: &str,
        who: String,
        now: &str,
    ) -> DecisionRecord {
        let router = self.settings.run.router.spec.clone();
        let action = self.settings.model_name(model);
        let earlier = self.tree.decisions(self.cursor);
        let after = self.cursor.map(|node| self.tree.node(node).step.id.clone());
        let id = decision_id(&DecisionKey {
            run: &self.settings.run.run,
            problem: &self.problem.id,
            after: after.as_deref(),
            router: &router,
            action: &action,
            overridden: true,
            repeat: u32::try_from(earlier.len()).unwrap_or(u32::MAX),
        });
        // What the router saw and thought stays beside what the person chose.
        let base = earlier
            .iter()
            .find(|d| d.overridden.is_none() && !d.rollout);
        DecisionRecord {
            run: self.settings.run.run.clone(),
            id,
            problem: self.problem.id.clone(),
            after,
            router,
            observation: base.map(|d| d.observation.clone()).unwrap_or_default(),
            probabilities: base.map(|d| d.probabilities.clone()).unwrap_or_default(),
            threshold: base.and_then(|d| d.threshold),
            action_set: base.map(|d| d.action_set.clone()).unwrap_or_default(),
            reason: format!("{who} chose {action}; the router wanted {wanted}"),
            action,
            // Not drawn by the router: no propensity may be read from it.
            propensity: 0.0,
            draft: None,
            overridden: Some(Override {
                who,
                when: now.to_owned(),
                wanted: wanted.to_owned(),
            }),
            rollout: false,
        }
    }

    /// What the router wants for the step after the cursor.
    pub(super) fn wanted_model(&self) -> String {
        self.tree
            .choices(self.cursor)
            .find(|d| d.overridden.is_none())
            .map_or_else(
                || self.settings.model_name(self.writer_after(self.cursor)),
                |d| d.action.clone(),
            )
    }

    /// Who writes the step after `node` where no decision says.
    pub(super) fn writer_after(&self, node: Option<NodeIndex>) -> usize {
        let models = self.settings.models();
        let Some(engine) = &self.settings.engine else {
            return 0;
        };
        self.chosen_for_all()
            .unwrap_or_else(|| engine.router.writer(self.index_after(node), models))
    }

    pub(super) fn index_after(&self, node: Option<NodeIndex>) -> u32 {
        node.map_or(1, |node| self.tree.node(node).step.index.saturating_add(1))
    }

    pub(super) fn engine(&self) -> Result<&Engine, Refusal> {
        self.settings.engine.as_ref().ok_or(Refusal::TapeOnly)
    }

    pub(super) fn idle(&self) -> Result<(), Refusal> {
        if self.is_generating() {
            Err(Refusal::Busy)
        } else {
            Ok(())
        }
    }

    /// Whether nothing can follow the cursor. A trajectory that ended because
    /// an endpoint failed can go on.
    pub(super) fn concluded(&self) -> bool {
        // Where other steps follow, only the attempt that failed ended here.
        if self.tree.own_children(self.cursor).next().is_some() {
            return false;
        }
        self.outcome()
            .is_some_and(|outcome| outcome.end != TrajectoryEnd::Error)
    }

    /// Whether a step can follow the cursor.
    pub(super) fn can_follow(&self) -> Result<(), Refusal> {
        let kept = self
            .cursor
            .is_none_or(|node| self.tree.node(node).step.kept);
        match (kept, self.concluded()) {
            (false, _) => Err(Refusal::Rejected),
            (true, true) => Err(Refusal::AtEnd),
            (true, false) => Ok(()),
        }
    }

    pub(super) fn note(&self, kind: &str, text: String, now: &str) -> Record {
        Record::Note(NoteRecord {
            run: self.settings.run.run.clone(),
            problem: Some(self.problem.id.clone()),
            when: now.to_owned(),
            kind: kind.to_owned(),
            text,
        })
    }
}
