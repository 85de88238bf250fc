//! Drafts and questions that a rule looks at before a step stands: a scorer is
//! asked where the rule wants a score, then the draft is kept, or recorded as
//! rejected and written again.
//!
//! A draft is recorded once, with the ruling on it: a log never holds a step
//! whose standing is open. Where the scorer fails, or a person cancels, the
//! draft is recorded as a call that gave no step, with what it cost; trying
//! again, or resuming, repeats it.

use crate::model::endpoint::{EndpointError, FailureKind};
use crate::model::scorer::step::{Score, StepCase};
use crate::router::{Choice, Review, Timing};
use crate::trace::NodeIndex;
use crate::trace::ids::abandoned_id;
use crate::trace::record::{
    Attempt, Purpose, Record, Role, ScoreRecord, StepEnd, StepRecord, Usage,
};
use std::sync::Arc;

use super::machine::{Place, Scoring};
use super::{About, Ask, Output, Phase, Session};

impl Session {
    /// When the rule decides; a recording has none.
    pub(super) fn timing(&self) -> Timing {
        let engine = self.settings.engine.as_ref();
        engine.map_or(Timing::Ahead, |engine| engine.router.timing())
    }

    /// Whether what is written at `place` is a draft that the rule may look
    /// at: nobody has decided on its writer.
    pub(super) fn is_draft(&self, place: &Place) -> bool {
        place.decision.is_none() && self.timing() != Timing::OnQuestion
    }

    /// Whether what is written at `place` takes the place of a rejected draft.
    pub(super) fn regenerates(&self, place: &Place) -> bool {
        let Some(id) = &place.decision else {
            return false;
        };
        let mut made = self.tree.decisions(place.after).iter();
        made.any(|decision| decision.id == *id && decision.draft.is_some())
    }

    /// The decision under which a step is written again: a draft that was kept
    /// is drafted again, and looked at again.
    pub(super) fn led_by(&self, step: &StepRecord) -> Option<String> {
        let kept_draft = step.purpose == Purpose::Draft && step.kept;
        step.decision.clone().filter(|_| !kept_draft)
    }

    /// The model that a rule on questions chose for this problem.
    pub(super) fn chosen_for_all(&self) -> Option<usize> {
        if self.timing() != Timing::OnQuestion {
            return None;
        }
        // Neither a person's choice of one step nor what the session does
        // about an empty one is the rule's.
        let mut made = self.tree.decisions(None).iter();
        let chosen = made.find(|decision| {
            decision.overridden.is_none()
                && !decision.rollout
                && decision.router == self.settings.run.router.spec
        })?;
        self.settings.place(&chosen.action)
    }

    /// Whether the rule has to read the question before a step at `place`.
    pub(super) fn asks_question(&self, place: &Place) -> bool {
        self.timing() == Timing::OnQuestion
            && place.decision.is_none()
            && self.chosen_for_all().is_none()
    }

    pub(super) fn ask_question(&mut self, place: Place) -> Vec<Output> {
        let mut records = Vec::new();
        self.introduce(&mut records);
        let mut outputs = Vec::new();
        if !records.is_empty() {
            outputs.push(self.record(records));
        }
        let about = About::Question {
            question: self.problem.question.clone(),
            problem: self.problem.id.clone(),
        };
        outputs.push(self.ask(place, None, about));
        outputs
    }

    /// Shows a draft to the rule.
    pub(super) fn review(&mut self, place: Place, draft: StepRecord) -> Vec<Output> {
        let observation = self.observe_step(&draft);
        let wanted = self
            .settings
            .engine
            .as_ref()
            .map_or(Review::None, |engine| engine.router.review(&observation));
        match wanted {
            Review::None => {
                let follows = self.is_followed(&place);
                self.commit_step(draft, follows)
            }
            Review::Observed => self.rule(place, draft, None),
            Review::Scored(by) => {
                let about = About::Draft {
                    by,
                    case: self.case(&place, &draft),
                };
                vec![self.ask(place, Some(Box::new(draft)), about)]
            }
        }
    }

    fn case(&self, place: &Place, draft: &StepRecord) -> StepCase {
        let path = place.after.map(|node| self.tree.path(node));
        let texts = path.unwrap_or_default().into_iter();
        StepCase {
            problem: self.problem.id.clone(),
            question: self.problem.question.clone(),
            before: texts
                .map(|node| self.tree.node(node).step.text.clone())
                .collect(),
            step: draft.text.clone(),
        }
    }

    fn ask(&mut self, place: Place, draft: Option<Box<StepRecord>>, about: About) -> Output {
        self.generation += 1;
        let generation = self.generation;
        self.phase = Phase::Scoring(Scoring {
            generation,
            place,
            draft,
            about: about.clone(),
        });
        Output::Score(Box::new(Ask { generation, about }))
    }

    /// Takes a score.
    pub(super) fn score_came(&mut self, score: Score) -> Vec<Output> {
        let Phase::Scoring(call) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return Vec::new();
        };
        let record = self.score_record(&call, score);
        match call.draft {
            Some(draft) => self.rule(call.place, *draft, Some(record)),
            None => self.choose(call.place, record),
        }
    }

    /// The rule on questions says who writes the whole answer, from the step at
    /// `place` on: a person may have had others written before.
    fn choose(&mut self, place: Place, score: ScoreRecord) -> Vec<Output> {
        let models = self.settings.models();
        let Some(engine) = &self.settings.engine else {
            return Vec::new();
        };
        let choice = engine.router.choose(score.value, models);
        let seen = [("question_score".to_owned(), score.value)];
        let decision = self.decision_record(None, seen.into(), choice);
        let records = vec![Record::Score(score), Record::Decision(Arc::new(decision))];
        let mut outputs = vec![self.record(records)];
        let (goal, looked_at) = (self.goal.clone(), self.cursor);
        self.cursor = place.after;
        outputs.extend(self.generate_next(goal).unwrap_or_default());
        self.cursor = looked_at;
        outputs
    }

    /// The rule says whether a draft stands.
    fn rule(
        &mut self,
        place: Place,
        mut draft: StepRecord,
        mut score: Option<ScoreRecord>,
    ) -> Vec<Output> {
        let follows = self.is_followed(&place);
        let value = score.as_ref().and_then(|score| score.value);
        let choice = self.ruling(&place, &draft, value, self.made_after(place.after));
        let keeps = choice.action == place.model;
        let mut observation = self.observe_step(&draft).named();
        if let Some(score) = &score {
            observation.insert(format!("{}_score", score.scorer), score.value);
        }
        let action = choice.action;
        let mut decision = self.decision_record(place.after, observation, choice);
        draft.purpose = Purpose::Draft;
        draft.kept = keeps;
        draft.decision = keeps.then(|| decision.id.clone());
        self.name_step(&mut draft);
        decision.draft = Some(draft.id.clone());
        if let Some(score) = &mut score {
            score.step = Some(draft.id.clone());
        }
        let id = draft.id.clone();
        let mut records = Vec::new();
        self.introduce(&mut records);
        records.push(Record::Step(Arc::new(draft)));
        records.extend(score.map(Record::Score));
        let decided = decision.id.clone();
        records.push(Record::Decision(Arc::new(decision)));
        for record in &records {
            self.tree.add(record.clone());
        }
        if !keeps {
            let again = Place {
                model: action,
                decision: Some(decided),
                ..place
            };
            let mut outputs = vec![Output::Append(records)];
            outputs.extend(self.launch(again));
            return outputs;
        }
        let Some(node) = self.tree.find(&id) else {
            return vec![Output::Append(records)];
        };
        if let Some(follow_up) = self.follow_up(node) {
            self.tree.add(follow_up.clone());
            records.push(follow_up);
        }
        self.taken(node, follows, vec![Output::Append(records)])
    }

    /// What the rule says of a draft that `before` others were made before at
    /// its place.
    fn ruling(
        &self,
        place: &Place,
        draft: &StepRecord,
        score: Option<f64>,
        before: usize,
    ) -> Choice {
        let draw = self.ruling_draw(place, draft.index, before);
        let observation = self.observe_step(draft);
        match &self.settings.engine {
            Some(engine) => engine.router.rule_on(&observation, score, draw),
            // Only live sessions have drafts.
            None => Choice::kept(place.model),
        }
    }

    fn score_record(&self, call: &Scoring, score: Score) -> ScoreRecord {
        let run = &self.settings.run;
        let scorer = call.about.scorer();
        let facts = run.scorers.get(scorer);
        let mut record = ScoreRecord {
            run: run.run.clone(),
            step: None,
            problem: self.problem.id.clone(),
            scorer: scorer.to_owned(),
            model: facts.map(|facts| facts.name.clone()),
            value: score.value,
            note: score.note,
            usage: score.usage,
            attempts: score.attempts,
            cost: None,
        };
        // What asks no model has no usage, and costs nothing.
        let free = record.usage == Usage::default() && record.attempts.is_empty();
        if let Some(facts) = facts.filter(|_| !free) {
            let cost = self.settings.ledger.score(&record, facts, role(scorer));
            record.cost = Some(cost.facts());
        }
        record
    }

    /// A scorer failed: what was written for it is kept beside the trajectory.
    pub(super) fn score_failed(&mut self, error: EndpointError, now: &str) -> Vec<Output> {
        let Phase::Scoring(call) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return Vec::new();
        };
        let message = error.to_string();
        if matches!(error.kind, FailureKind::Context | FailureKind::Filtered) {
            // More than the scorer can read, or nothing it will: no score,
            // which the rule knows what to do about.
            self.phase = Phase::Scoring(call);
            return self.score_came(Score {
                note: Some(format!("no score: {message}")),
                attempts: error.attempts,
                ..Score::default()
            });
        }
        let place = call.place.clone();
        let mut outputs = vec![self.unscored(call, error.attempts, &message, now)];
        let note = self.note("endpoint-error", message.clone(), now);
        outputs.push(self.record(vec![note]));
        self.phase = Phase::Failed {
            place,
            message,
            retryable: error.kind.retryable(),
        };
        outputs
    }

    pub(super) fn cancel_score(&mut self, call: Scoring, now: &str) -> Vec<Output> {
        let generation = call.generation;
        let cut_off = Attempt {
            role: role(call.about.scorer()),
            usage: self.estimated_scoring(&call),
            failure: "cancelled".into(),
            estimated: true,
        };
        let record = self.unscored(call, vec![cut_off], "cancelled by a person", now);
        vec![Output::Abort { generation }, record]
    }

    /// What a scorer that was cut off has probably cost: it reads at least
    /// what the draft was made from, and the draft.
    fn estimated_scoring(&self, call: &Scoring) -> Usage {
        let read = call
            .draft
            .as_ref()
            .map_or(0, |draft| draft.usage.prompt + draft.usage.output);
        Usage {
            prompt: read,
            cached: None,
            output: 0,
            ..Usage::default()
        }
    }

    /// Records a draft that was not scored as a call that gave no step, and
    /// what asking cost.
    fn unscored(&mut self, call: Scoring, attempts: Vec<Attempt>, why: &str, now: &str) -> Output {
        let asked = Score {
            note: Some(why.to_owned()),
            attempts,
            ..Score::default()
        };
        let mut score = self.score_record(&call, asked);
        let mut records = Vec::new();
        if let Some(mut draft) = call.draft {
            draft.purpose = Purpose::Draft;
            draft.kept = false;
            draft.attempts.push(Attempt {
                role: Role::Draft,
                usage: std::mem::take(&mut draft.usage),
                failure: format!("not scored: {why}"),
                estimated: false,
            });
            draft.usage.cached = Some(0);
            draft.end = StepEnd::Error;
            draft.end_note = Some(why.to_owned());
            self.name_step(&mut draft);
            draft.id = abandoned_id(&draft.id, now, call.generation);
            score.step = Some(draft.id.clone());
            records.push(Record::Step(Arc::from(draft)));
        }
        records.push(Record::Score(score));
        self.record(records)
    }

    /// A draft after the cursor that was rejected by a ruling which a killed
    /// writer lost: ruled on again, from the score that is there.
    pub(super) fn lost_ruling(&self) -> Option<Record> {
        let engine = self.settings.engine.as_ref()?;
        let last = *self.tree.drafts(self.cursor).last()?;
        let node = self.tree.node(last);
        let whole =
            !matches!(node.step.end, StepEnd::Error | StepEnd::Empty) && !node.step.text.is_empty();
        let ruled = |id: &str| {
            let mut made = self.tree.decisions(self.cursor).iter();
            made.any(|decision| decision.draft.as_deref() == Some(id))
        };
        let followed = self
            .tree
            .children(self.cursor)
            .iter()
            .any(|&child| child > last);
        if !whole || followed || ruled(&node.step.id) {
            return None;
        }
        let observation = self.observe_step(&node.step);
        if engine.router.review(&observation) == Review::None {
            return None;
        }
        Some(self.ruled_again(last))
    }

    fn ruled_again(&self, draft: NodeIndex) -> Record {
        let node = self.tree.node(draft);
        let score = node.scores.last();
        let place = Place {
            after: self.cursor,
            model: self.settings.place(&node.step.model).unwrap_or(0),
            decision: None,
        };
        // The draft is there by now: the coin is the one of before it was.
        let before = self.made_after(self.cursor).saturating_sub(1);
        let value = score.and_then(|score| score.value);
        let mut choice = self.ruling(&place, &node.step, value, before);
        let observed = self.observe_step(&node.step);
        let wants_score = self
            .settings
            .engine
            .as_ref()
            .is_some_and(|engine| matches!(engine.router.review(&observed), Review::Scored(_)));
        if choice.action == place.model || wants_score && score.is_none() {
            // It was rejected: its record says so.
            let last = self.settings.models().saturating_sub(1);
            choice = Choice {
                reason: "the draft was rejected; the score that said why is lost".to_owned(),
                ..Choice::kept(last)
            };
        }
        let mut observation = observed.named();
        if let Some(score) = score {
            observation.insert(format!("{}_score", score.scorer), score.value);
        }
        let mut decision = self.decision_record(self.cursor, observation, choice);
        decision.draft = Some(node.step.id.clone());
        Record::Decision(Arc::new(decision))
    }
}

/// What a scorer's calls are for, in the ledgers.
fn role(scorer: &str) -> Role {
    match scorer {
        crate::trace::record::PRM => Role::Prm,
        crate::trace::record::JUDGE => Role::Judge,
        _ => Role::Encoder,
    }
}
