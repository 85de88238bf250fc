//! Rollouts: a model writes the next step and the router goes on to the end,
//! only to see what it leads to.
//!
//! The log tells them from what was decided: the decision with which one begins
//! says so, its outcome says so, and whatever was there before goes on as if
//! there were none, with the same seeds. Each rollout has seeds and draws of
//! its own all the way: what one leads to says nothing of the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::router::Choice;
use crate::trace::NodeIndex;
use crate::trace::ids::{DecisionKey, decision_id};
use crate::trace::record::{DecisionRecord, ROLLOUT, Record};

use super::machine::Place;
use super::seed::{rollout_draw, rollout_seed, routing_draw, step_seed};
use super::{Goal, Output, Refusal, Session};

impl Session {
    /// Whether rollouts can be begun at the cursor.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn may_roll_out(&self) -> Result<(), Refusal> {
        self.engine()?;
        self.idle()?;
        self.can_follow()
    }

    /// Has a model write the step after `after` and the router go on to the
    /// end. The cursor stays where it is.
    pub(super) fn roll_out(
        &mut self,
        after: Option<NodeIndex>,
        model: usize,
    ) -> Result<Vec<Output>, Refusal> {
        if after.is_some_and(|node| node.get() >= self.tree.len()) {
            return Err(Refusal::NoStep);
        }
        let looked_at = std::mem::replace(&mut self.cursor, after);
        let begun = self.roll_out_here(model);
        self.cursor = looked_at;
        begun
    }

    fn roll_out_here(&mut self, model: usize) -> Result<Vec<Output>, Refusal> {
        self.may_roll_out()?;
        if model >= self.settings.models() {
            return Err(Refusal::NoModel(model));
        }
        // Where the router's decision was lost it is made again first.
        let mended = self.settle();
        if self.concluded() {
            return Ok(mended.into_iter().collect());
        }
        let decision = self.rollout_record(model);
        let mut outputs: Vec<Output> = mended.into_iter().collect();
        outputs.extend(self.branch(decision, model, Goal::Rollout));
        Ok(outputs)
    }

    /// Records a decision that somebody else than the router took after the
    /// cursor, and puts the call in flight that it leads to.
    pub(super) fn branch(
        &mut self,
        decision: DecisionRecord,
        model: usize,
        goal: Goal,
    ) -> Vec<Output> {
        let place = Place {
            after: self.cursor,
            model,
            decision: Some(decision.id.clone()),
        };
        let mut records = Vec::new();
        self.introduce(&mut records);
        records.push(Record::Decision(Arc::new(decision)));
        let mut outputs = vec![self.record(records)];
        self.goal = goal;
        outputs.extend(self.launch(place));
        outputs
    }

    fn rollout_record(&self, model: usize) -> DecisionRecord {
        let action = self.settings.model_name(model);
        let choice = Choice {
            probabilities: Vec::new(),
            threshold: None,
            action_set: Vec::new(),
            action: model,
            reason: format!(
                "a rollout by {action}; the router wanted {}",
                self.wanted_model()
            ),
            // Not drawn by the router: no propensity may be read from it.
            propensity: 0.0,
        };
        let mut decision = self.decision_record(self.cursor, BTreeMap::new(), choice);
        let earlier = self.tree.decisions(self.cursor).len();
        decision.id = decision_id(&DecisionKey {
            run: &decision.run,
            problem: &decision.problem,
            after: decision.after.as_deref(),
            router: ROLLOUT,
            action: &decision.action,
            overridden: false,
            repeat: u32::try_from(earlier).unwrap_or(u32::MAX),
        });
        decision.router = ROLLOUT.to_owned();
        decision.rollout = true;
        decision
    }

    /// Whether a rollout begins with what is written at `place`.
    pub(super) fn begins_rollout(&self, place: &Place) -> bool {
        let Some(id) = &place.decision else {
            return false;
        };
        let mut made = self.tree.decisions(place.after).iter();
        made.any(|made| made.rollout && made.id == *id)
    }

    /// Says of a decision that the session takes in the router's place at
    /// `place` what it is of.
    pub(super) fn keep_apart(&self, decision: &mut DecisionRecord, place: &Place) {
        if self.begins_rollout(place) {
            decision.rollout = true;
            decision.propensity = 0.0;
        }
    }

    /// Whether whoever looks at the place is to see what comes there: a rollout
    /// leaves the cursor alone.
    pub(super) fn is_followed(&self, place: &Place) -> bool {
        self.goal != Goal::Rollout && self.cursor == place.after
    }

    /// What began the rollout that `place` is of.
    fn rollout_at<'a>(&'a self, place: &'a Place) -> Option<&'a str> {
        if self.begins_rollout(place) {
            return place.decision.as_deref();
        }
        let rollout = self.tree.rollout_of(place.after?)?;
        Some(&rollout.id)
    }

    /// Seed of the sampling of the step at `place`.
    pub(super) fn seed_at(&self, place: &Place) -> u64 {
        let (run, problem) = (self.settings.run.seed, &self.problem.id);
        let index = self.index_after(place.after);
        let made = self.made_after(place.after);
        match self.rollout_at(place) {
            Some(rollout) => rollout_seed(run, problem, rollout, index, made),
            None => step_seed(run, problem, index, made),
        }
    }

    /// Uniform draw for the ruling on a draft at `place`, of step `index`, that
    /// `before` others were made before.
    pub(super) fn ruling_draw(&self, place: &Place, index: u32, before: usize) -> f64 {
        let (run, problem) = (self.settings.run.seed, &self.problem.id);
        match self.rollout_at(place) {
            Some(rollout) => rollout_draw(run, problem, rollout, index, before),
            None => routing_draw(run, problem, index, before),
        }
    }

    /// Uniform draw for the decision after `node`.
    pub(super) fn decision_draw(&self, node: NodeIndex) -> f64 {
        let (run, problem) = (self.settings.run.seed, &self.problem.id);
        let step = &self.tree.node(node).step;
        let branch = |rollout: bool| {
            let siblings = self.tree.siblings(node).into_iter();
            let mut alike =
                siblings.filter(|&at| rollout || at == node || !self.tree.begins_rollout(at));
            alike.position(|at| at == node).unwrap_or(0)
        };
        match self.tree.rollout_of(node) {
            Some(rollout) => rollout_draw(run, problem, &rollout.id, step.index, branch(true)),
            None => routing_draw(run, problem, step.index, branch(false)),
        }
    }
}
