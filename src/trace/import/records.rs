//! A trajectory as records of the log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::trace::ids::{DecisionKey, StepKey, decision_id, step_id};
use crate::trace::record::{
    Confidence, Continuation, CostFacts, DecisionRecord, LabelRecord, NoteRecord, OutcomeRecord,
    PERSON, ProblemRecord, Record, ScoreRecord, StepRecord, ValueKind,
};

use super::trajectory::{Conclusion, Ruling, Scored, Step, Trajectory};

/// Where in a log a trajectory belongs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    pub run: &'a str,
    /// Id of the problem, unique in the run.
    pub problem: &'a str,
    /// Spec of the router.
    pub router: &'a str,
    /// When it is imported, RFC 3339.
    pub now: &'a str,
}

/// The records of a trajectory, in the order in which a log holds them: its
/// problem, then steps, scores, decisions and labels as they follow each
/// other, then its outcome and the remarks about it.
pub fn records(trajectory: &Trajectory, place: Place<'_>) -> Vec<Record> {
    let mut problem = trajectory.problem.clone();
    place.problem.clone_into(&mut problem.id);
    let mut writer = Writer {
        place,
        seed: trajectory.origin.repetition,
        records: vec![Record::Problem(ProblemRecord {
            run: place.run.to_owned(),
            problem,
        })],
        ids: Vec::with_capacity(trajectory.steps.len()),
        indices: Vec::with_capacity(trajectory.steps.len()),
        decisions: Vec::with_capacity(trajectory.steps.len()),
        written: HashSet::new(),
        made: HashMap::new(),
    };
    for step in &trajectory.steps {
        writer.step(step);
    }
    if let Some(conclusion) = &trajectory.conclusion {
        writer.outcome(conclusion, &trajectory.steps);
    }
    for note in &trajectory.notes {
        writer.note(note);
    }
    writer.records
}

struct Writer<'a> {
    place: Place<'a>,
    seed: u64,
    records: Vec<Record>,
    /// Of each step, so far.
    ids: Vec<String>,
    indices: Vec<u32>,
    /// The ruling on each, so far.
    decisions: Vec<Option<String>>,
    /// Steps that are in the log: two of the same text after the same step are
    /// one.
    written: HashSet<String>,
    /// How many decisions were made after each step.
    made: HashMap<Option<String>, u32>,
}

impl Writer<'_> {
    fn step(&mut self, step: &Step) {
        let parent = step.parent.and_then(|at| self.ids.get(at).cloned());
        let index = step
            .parent
            .and_then(|at| self.indices.get(at))
            .map_or(1, |before| before + 1);
        let ruled = step.ruling.as_ref();
        let ruling = ruled.map(|ruling| self.decision_id(parent.as_deref(), ruling));
        let led_to = match step.in_place_of {
            Some(draft) => self.decisions.get(draft).cloned().flatten(),
            None => None,
        };
        let id = step_id(&StepKey {
            run: self.place.run,
            parent: parent.as_deref(),
            problem: self.place.problem,
            model: &step.model,
            text: &step.text,
            purpose: step.purpose,
            kept: step.kept,
            seed: self.seed,
            decision: led_to.as_deref(),
        });
        if self.written.insert(id.clone()) {
            // A draft that stands was led to by the ruling on it.
            let stands = ruling.clone().filter(|_| step.kept);
            let decision = led_to.or(stands);
            let record = self.step_record(step, &id, parent.clone(), index, decision);
            self.records.push(Record::Step(Arc::new(record)));
        }
        for score in &step.scores {
            self.score(score, &id);
        }
        if let Some((ruling, decision)) = ruled.zip(ruling.clone()) {
            self.decision(ruling, decision, parent, &id);
        }
        for mark in &step.marks {
            self.records.push(Record::Label(LabelRecord {
                run: self.place.run.to_owned(),
                step: id.clone(),
                problem: self.place.problem.to_owned(),
                who: mark.who.clone(),
                when: mark.when.clone(),
                label: mark.label.name().to_owned(),
                note: mark.note.clone(),
            }));
        }
        self.ids.push(id);
        self.indices.push(index);
        self.decisions.push(ruling);
    }

    fn decision_id(&mut self, after: Option<&str>, ruling: &Ruling) -> String {
        let made = self.made.entry(after.map(str::to_owned)).or_insert(0);
        let repeat = *made;
        *made += 1;
        decision_id(&DecisionKey {
            run: self.place.run,
            problem: self.place.problem,
            after,
            router: self.place.router,
            action: &ruling.action,
            overridden: false,
            repeat,
        })
    }

    fn step_record(
        &self,
        step: &Step,
        id: &str,
        parent: Option<String>,
        index: u32,
        decision: Option<String>,
    ) -> StepRecord {
        let by_person = step.model == PERSON;
        StepRecord {
            run: self.place.run.to_owned(),
            id: id.to_owned(),
            parent,
            problem: self.place.problem.to_owned(),
            index,
            model: step.model.clone(),
            text: step.text.clone(),
            purpose: step.purpose,
            kept: step.kept,
            decision,
            tokens: step.tokens.clone(),
            confidence: match &step.confidence {
                Some(measured) => measured.clone(),
                None => unknown_confidence(by_person),
            },
            usage: step.usage,
            attempts: step.attempts.clone(),
            end: step.end,
            end_note: step.end_note.clone(),
            continuation: match by_person {
                true => Continuation::Edited,
                false => Continuation::Exact,
            },
            seed: self.seed,
            seconds: step.seconds,
            at: step.at.clone(),
        }
    }

    fn score(&mut self, score: &Scored, step: &str) {
        self.records.push(Record::Score(ScoreRecord {
            run: self.place.run.to_owned(),
            step: Some(step.to_owned()),
            problem: self.place.problem.to_owned(),
            scorer: score.scorer.to_owned(),
            model: score.model.clone(),
            value: score.value.filter(|value| value.is_finite()),
            note: score.note.clone(),
            usage: score.usage,
            attempts: Vec::new(),
            cost: None,
        }));
    }

    fn decision(&mut self, ruling: &Ruling, id: String, after: Option<String>, draft: &str) {
        self.records.push(Record::Decision(Arc::new(DecisionRecord {
            run: self.place.run.to_owned(),
            id,
            problem: self.place.problem.to_owned(),
            after,
            router: self.place.router.to_owned(),
            observation: ruling.observation.clone(),
            probabilities: Vec::new(),
            threshold: ruling.threshold,
            action_set: vec![ruling.action.clone()],
            action: ruling.action.clone(),
            reason: ruling.reason.clone(),
            // These rules compare with a threshold: nothing is drawn.
            propensity: 1.0,
            draft: Some(draft.to_owned()),
            overridden: None,
            rollout: false,
        })));
    }

    fn outcome(&mut self, conclusion: &Conclusion, steps: &[Step]) {
        let mut by_model: BTreeMap<String, u32> = BTreeMap::new();
        let mut count = 0;
        let before = |at: &usize| steps.get(*at).and_then(|step| step.parent);
        for at in std::iter::successors(conclusion.leaf, before) {
            if let Some(step) = steps.get(at) {
                *by_model.entry(step.model.clone()).or_insert(0) += 1;
                count += 1;
            }
        }
        let leaf = conclusion.leaf.and_then(|at| self.ids.get(at).cloned());
        let grade = conclusion.grade.clone();
        self.records.push(Record::Outcome(Box::new(OutcomeRecord {
            run: self.place.run.to_owned(),
            problem: self.place.problem.to_owned(),
            leaf,
            answer: grade.extracted,
            gold: conclusion.gold.clone(),
            verdict: grade.verdict,
            grader: conclusion.grader.clone(),
            rule: grade.rule,
            reason: grade.reason,
            extraction: grade.extraction,
            forms: grade.forms,
            steps: count,
            cost: CostFacts::default(),
            end: conclusion.end,
            steps_by_model: by_model,
            error: conclusion.error.clone(),
            regraded: None,
            rollout: false,
        })));
    }

    fn note(&mut self, text: &str) {
        self.records.push(Record::Note(NoteRecord {
            run: self.place.run.to_owned(),
            problem: Some(self.place.problem.to_owned()),
            when: self.place.now.to_owned(),
            kind: super::COMMAND.to_owned(),
            text: text.to_owned(),
        }));
    }
}

fn unknown_confidence(by_person: bool) -> Confidence {
    let why = match by_person {
        true => "a person wrote it",
        false => "imported: without probabilities of its tokens",
    };
    Confidence {
        value: None,
        source: super::told::UNTOLD.to_owned(),
        fallback: false,
        kind: ValueKind::None,
        unavailable: Some(why.to_owned()),
        measures: BTreeMap::new(),
    }
}
