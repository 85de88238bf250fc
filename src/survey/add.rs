//! A survey grows by facts in log order.

use std::collections::HashSet;

use crate::problem::Problem;
use crate::signal::confidence::recorded;
use crate::trace::label::Label;
use crate::trace::record::{
    CHECKER, EMPTY_STEP, FILTERED, JUDGE, LabelRecord, PRM, RunRecord, VERIFIER,
};
use crate::trace::rollouts;

use super::fact::{DecisionFact, Id, LabelFact, OutcomeFact, ScoreFact, StepFact, content, hash};
use super::{
    Decision, Fact, MEASURES, NONE, Name, Names, Outcome, ROOT, Run, Said, Step, Survey, Trajectory,
};

/// Characters that are kept of a question.
const QUESTION: usize = 160;

/// A fact of a step that has not turned up: logs that were put together may
/// hold records in another order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Waiting {
    /// A step at this place, after the one of this id.
    Child(Id, u32),
    Decision(Box<DecisionFact>),
    Score(ScoreFact),
    Label(LabelFact),
}

impl Waiting {
    fn step(&self) -> Option<Id> {
        match self {
            Self::Child(parent, _) => Some(*parent),
            Self::Decision(made) => made.after,
            Self::Score(score) => score.step,
            Self::Label(label) => Some(label.step),
        }
    }
}

impl Survey {
    /// Adds the next record of the log.
    pub fn add(&mut self, fact: Fact) {
        self.facts += 1;
        match fact {
            Fact::Run(head) => self.add_run(head),
            Fact::Problem(record) => {
                let place = self.place(&record.run, &record.problem.id);
                self.trajectories[place].describe(&record.problem, &mut self.names);
                let fraction = record.problem.difficulty.map(f64::fract);
                self.has_fractions |= fraction.is_some_and(|rest| rest != 0.0);
            }
            Fact::Step(step) => {
                let place = self.place(&step.run, &step.problem);
                let added = self.trajectories[place].add_step(&step, &mut self.names);
                self.steps += usize::from(added);
            }
            Fact::Decision(made) => {
                let place = self.place(&made.run, &made.problem);
                self.trajectories[place].add_decision(made, &mut self.names);
            }
            Fact::Score(score) => {
                let place = self.place(&score.run, &score.problem);
                self.trajectories[place].add_score(score);
            }
            Fact::Outcome(outcome) => {
                let place = self.place(&outcome.run, &outcome.problem);
                self.trajectories[place].add_outcome(*outcome, &mut self.names);
            }
            Fact::Label(label) => {
                self.label_facts += 1;
                let place = self.place(&label.run, &label.problem);
                self.trajectories[place].add_label(label, &mut self.names);
            }
        }
    }

    /// Forgets a label that was added and could not be written.
    pub fn remove_label(&mut self, label: &LabelRecord) {
        let Some(place) = self.find(&label.run, &label.problem) else {
            return;
        };
        self.facts += 1;
        self.label_facts += 1;
        self.trajectories[place].facts += 1;
        self.trajectories[place].remove_label(&LabelFact::of(label), &self.names);
    }

    /// The first head of a run stands.
    fn add_run(&mut self, head: Box<RunRecord>) {
        let place = self.run_place(&head.run);
        let run = &mut self.runs[place as usize];
        if run.head.is_none() {
            let models = head.pool.iter().map(|model| self.names.add(&model.name));
            run.pool = models.collect();
            run.head = Some(head);
        }
    }

    fn run_place(&mut self, run: &str) -> u32 {
        let id = self.names.add(run);
        let next = u32::try_from(self.runs.len()).expect("fewer than 2^32 runs fit in memory");
        let place = *self.run_places.entry(id).or_insert(next);
        if place == next {
            self.runs.push(Run {
                id,
                head: None,
                pool: Vec::new(),
            });
        }
        place
    }

    /// The place of a trajectory, new or known, that a fact is of.
    fn place(&mut self, run: &str, problem: &str) -> usize {
        let run = self.run_place(run);
        let problem = self.names.add(problem);
        let next = u32::try_from(self.trajectories.len()).expect("fewer than 2^32 fit in memory");
        let place = *self.places.entry((run, problem)).or_insert(next);
        if place == next {
            self.trajectories.push(Trajectory::new(run, problem));
        }
        self.trajectories[place as usize].facts += 1;
        place as usize
    }
}

impl Trajectory {
    fn new(run: u32, problem: Name) -> Self {
        Self {
            run,
            problem,
            domain: None,
            difficulty: None,
            question: Box::default(),
            gold: None,
            steps: Vec::new(),
            decisions: Vec::new(),
            probabilities: Vec::new(),
            root_decision: NONE,
            rollouts: Vec::new(),
            outcomes: Vec::new(),
            labels: Vec::new(),
            waiting: Vec::new(),
            linear: true,
            regrets: Box::default(),
            failure: None,
            facts: 0,
        }
    }

    fn describe(&mut self, problem: &Problem, names: &mut Names) {
        let words: Vec<&str> = problem.question.split_whitespace().collect();
        let question: String = words.join(" ").chars().take(QUESTION).collect();
        self.question = question.into();
        self.domain = problem.domain.as_deref().map(|domain| names.add(domain));
        self.difficulty = problem.difficulty;
        self.gold = problem.gold.as_deref().map(Into::into);
    }

    /// The place of a step; looked for from the end, where it mostly is.
    fn step_of(&self, id: Id) -> Option<u32> {
        let place = self.steps.iter().rposition(|step| step.id == id.0)?;
        u32::try_from(place).ok()
    }

    /// False for a step that is there already.
    fn add_step(&mut self, fact: &StepFact, names: &mut Names) -> bool {
        if self.step_of(fact.id).is_some() {
            return false;
        }
        // They were those of another main line.
        self.regrets = Box::default();
        let place = u32::try_from(self.steps.len()).expect("fewer than 2^32 steps fit in memory");
        let parent = fact.parent.map(|parent| (parent, self.step_of(parent)));
        let before = match parent {
            None => ROOT,
            Some((_, Some(found))) => found,
            Some((missing, None)) => {
                self.waiting.push(Waiting::Child(missing, place));
                ROOT
            }
        };
        self.linear &= fact.kept && before == place.checked_sub(1).unwrap_or(ROOT);
        let stands_before = self.steps.get(before as usize);
        let stands_before = stands_before.map_or(0, |step| step.content);
        let cached = fact.usage.cached;
        let cached = cached.map(|cached| u32::try_from(cached).unwrap_or(NONE - 1));
        let measures = MEASURES.map(|measure| recorded(&fact.confidence, measure));
        self.steps.push(Step {
            id: fact.id.0,
            content: content(stands_before, &fact.model, fact.text),
            seed: fact.seed,
            parent: before,
            decided_by: fact.decision.map_or(0, |id| id.0),
            decision: NONE,
            index: fact.index,
            model: names.add(&fact.model),
            purpose: fact.purpose,
            end: fact.end,
            continuation: fact.continuation,
            kept: fact.kept,
            blank: fact.text.0 == hash(""),
            has_child: false,
            tokens: u32::try_from(fact.usage.output).unwrap_or(u32::MAX),
            prompt: u32::try_from(fact.usage.prompt).unwrap_or(u32::MAX),
            cached: cached.unwrap_or(NONE),
            seconds: fact.seconds,
            confidence: fact.confidence.value,
            measures: measures.map(|value| value.unwrap_or(f64::NAN)),
            prm: f64::NAN,
            judge: f64::NAN,
            verified: f64::NAN,
        });
        self.follow(before, place);
        if !self.waiting.is_empty() {
            self.adopt(fact.id, place, names);
        }
        true
    }

    /// The step at `place` follows the one at `before`.
    fn follow(&mut self, before: u32, place: u32) {
        let kept = self.steps[place as usize].kept;
        self.steps[place as usize].parent = before;
        if let Some(parent) = self.steps.get_mut(before as usize) {
            parent.has_child |= kept;
        }
    }

    /// Puts what waited for a step in its place.
    fn adopt(&mut self, id: Id, place: u32, names: &mut Names) {
        let of_it = |waiting: &mut Waiting| waiting.step() == Some(id);
        let found: Vec<Waiting> = self.waiting.extract_if(.., of_it).collect();
        for waiting in found {
            match waiting {
                // A step that comes after what it precedes hangs in the air.
                Waiting::Child(_, child) => {
                    if !self.path(place).contains(&child) {
                        self.follow(place, child);
                        self.linear = false;
                    }
                }
                Waiting::Decision(made) => self.add_decision(made, names),
                Waiting::Score(score) => self.add_score(score),
                Waiting::Label(label) => self.add_label(label, names),
            }
        }
    }

    fn add_decision(&mut self, made: Box<DecisionFact>, names: &mut Names) {
        let after = match made.after {
            None => ROOT,
            Some(id) => match self.step_of(id) {
                Some(found) => found,
                None => return self.waiting.push(Waiting::Decision(made)),
            },
        };
        let place = u32::try_from(self.decisions.len()).expect("fewer than 2^32 fit in memory");
        let last = match self.steps.get_mut(after as usize) {
            Some(step) => &mut step.decision,
            None => &mut self.root_decision,
        };
        // What began a rollout stands beside what was decided.
        let before = match made.rollout {
            true => NONE,
            false => std::mem::replace(last, place),
        };
        if made.rollout {
            self.rollouts.push((after, made.id.0));
            // They were those of another main line.
            self.regrets = Box::default();
        }
        let start = self.probabilities.len();
        self.probabilities.extend_from_slice(&made.probabilities);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.decisions.push(Decision {
            id: made.id.0,
            before,
            action: names.add(&made.action),
            action_set: count(made.action_set.len()),
            probabilities: (count(start), count(made.probabilities.len())),
            threshold: made.threshold,
            propensity: made.propensity,
            draft: made.draft.map_or(0, |draft| draft.0),
            overridden: made.overridden.is_some(),
            rollout: made.rollout,
            fallback: [EMPTY_STEP, FILTERED].contains(&made.router.as_str()),
            has_answer: made.observation.has_answer.map(|value| value > 0.5),
        });
    }

    fn add_score(&mut self, score: ScoreFact) {
        // A score of the question is of no step.
        let Some(id) = score.step else { return };
        let Some(place) = self.step_of(id) else {
            return self.waiting.push(Waiting::Score(score));
        };
        let step = &mut self.steps[place as usize];
        let field = match score.scorer.as_str() {
            PRM => &mut step.prm,
            JUDGE => &mut step.judge,
            VERIFIER | CHECKER => &mut step.verified,
            _ => return,
        };
        // The last one that says something holds.
        if let Some(value) = score.value {
            *field = value;
        }
    }

    fn add_label(&mut self, fact: LabelFact, names: &mut Names) {
        match self.step_of(fact.step) {
            Some(step) => {
                let label = Label::named(&fact.label);
                let who = names.add(&fact.who);
                self.labels
                    .extend(label.map(|label| Said { step, who, label }));
            }
            None => self.waiting.push(Waiting::Label(fact)),
        }
    }

    /// Forgets the last label that is the same.
    fn remove_label(&mut self, fact: &LabelFact, names: &Names) {
        let step = self.step_of(fact.step);
        let who = names.find(&fact.who);
        let label = Label::named(&fact.label);
        let is_it =
            |said: &Said| (Some(said.step), Some(said.who), Some(said.label)) == (step, who, label);
        if let Some(place) = self.labels.iter().rposition(is_it) {
            self.labels.remove(place);
        }
    }

    fn add_outcome(&mut self, outcome: OutcomeFact, names: &mut Names) {
        self.outcomes.push(Outcome {
            leaf: outcome.leaf.map_or(0, |leaf| leaf.0),
            verdict: outcome.verdict,
            answer: outcome.answer,
            rule: names.add(&outcome.rule),
            end: outcome.end,
            published: outcome.cost.published,
            full: outcome.cost.full,
            upper_bound: outcome.cost.upper_bound,
            steps: outcome.steps,
        });
        // It rarely grows any more.
        self.steps.shrink_to_fit();
        self.decisions.shrink_to_fit();
        self.probabilities.shrink_to_fit();
    }

    /// The places from the first step to the one at `place`.
    pub(super) fn path(&self, place: u32) -> Vec<u32> {
        let mut path = vec![place];
        let mut at = place;
        while let Some(step) = self.steps.get(at as usize)
            && step.parent != ROOT
            && path.len() <= self.steps.len()
        {
            path.push(step.parent);
            at = step.parent;
        }
        path.reverse();
        path
    }

    /// Whether a rollout begins with a step.
    pub(super) fn begins_rollout(&self, step: &Step) -> bool {
        self.rollouts.contains(&(step.parent, step.decided_by))
    }

    /// The path to the leaf that was written last, rollouts left out; `None`
    /// where it is all steps.
    pub(super) fn main_line(&self) -> Option<Vec<u32>> {
        let is_leaf = |step: &Step| step.kept && !step.has_child;
        let leaf = match (self.rollouts.is_empty(), self.linear) {
            (true, true) => return None,
            (true, false) => self.steps.iter().rposition(is_leaf),
            (false, _) => self.last_own_leaf(),
        };
        let leaf = leaf.and_then(|leaf| u32::try_from(leaf).ok());
        Some(leaf.map(|leaf| self.path(leaf)).unwrap_or_default())
    }

    fn last_own_leaf(&self) -> Option<usize> {
        let before = |step: &Step| (step.parent != ROOT).then_some(step.parent as usize);
        let parents: Vec<Option<usize>> = self.steps.iter().map(before).collect();
        let begun: HashSet<(u32, u64)> = self.rollouts.iter().copied().collect();
        rollouts::last_leaf(
            &parents,
            |at| self.steps[at].kept,
            |at| begun.contains(&(self.steps[at].parent, self.steps[at].decided_by)),
        )
    }
}
