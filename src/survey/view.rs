//! The main line of a trajectory, as expressions and screens see it.

use std::collections::HashMap;

use crate::cost::PERSON;
use crate::expr::{Field, Source, Value};
use crate::problem::answer::Verdict;
use crate::problem::area;
use crate::signal::observation::Observation;
use crate::trace::label::{Ballot, Rating};
use crate::trace::record::{Continuation, Purpose, RunRecord, StepEnd};

use super::{Decision, Measure, Name, Outcome, Run, Step, Survey, Trajectory};

/// A path through the steps of a trajectory.
#[derive(Debug, Clone)]
pub struct View<'a> {
    survey: &'a Survey,
    trajectory: &'a Trajectory,
    run: &'a Run,
    /// Places of its steps; `None` where it is all of them.
    path: Option<Vec<u32>>,
}

impl<'a> View<'a> {
    pub(super) fn new(survey: &'a Survey, trajectory: &'a Trajectory) -> Self {
        Self {
            survey,
            trajectory,
            run: &survey.runs[trajectory.run as usize],
            path: trajectory.main_line(),
        }
    }

    pub fn trajectory(&self) -> &'a Trajectory {
        self.trajectory
    }

    /// Number of models in the pool; 0 where the run's head is lost.
    pub fn models(&self) -> usize {
        self.run.pool.len()
    }

    /// The head of its run.
    pub fn head(&self) -> Option<&'a RunRecord> {
        self.run.head.as_deref()
    }

    /// The step at `at`, from 0.
    pub fn step(&self, at: usize) -> Option<&'a Step> {
        match &self.path {
            None => self.trajectory.steps.get(at),
            Some(path) => self.trajectory.steps.get(*path.get(at)? as usize),
        }
    }

    /// The steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &'a Step> + '_ {
        (0..Source::steps(self)).filter_map(|at| self.step(at))
    }

    /// Place in the pool of the model that wrote a step.
    pub fn writer(&self, step: &Step) -> Option<usize> {
        self.place(step.model)
    }

    /// Place in the pool of a model.
    pub fn place(&self, model: Name) -> Option<usize> {
        self.run.pool.iter().position(|known| *known == model)
    }

    /// The decision after a step, or about the first one for `None`: the one by
    /// which the path goes on, else the last one made there.
    pub fn decision(&self, at: Option<usize>) -> Option<&'a Decision> {
        let last = match at {
            Some(at) => self.step(at)?.decision,
            None => self.trajectory.root_decision,
        };
        let made = &self.trajectory.decisions;
        let last = made.get(last as usize)?;
        let next = self.step(at.map_or(0, |at| at + 1));
        // No decision has the id 0.
        let followed = next.map_or(0, |next| next.decided_by);
        let earlier = |made_before: &&'a Decision| made.get(made_before.before as usize);
        let all = std::iter::successors(Some(last), earlier);
        let of_it = all.filter(|decision| decision.id == followed);
        // Of several of one id the first.
        Some(of_it.last().unwrap_or(last))
    }

    /// The probability with which the step at `at` was drawn: that its writer
    /// was, and where it is a draft that stands that it was kept. What a person
    /// chose was not drawn: it is as certain as what a rule does that never
    /// draws.
    pub fn propensity(&self, at: usize) -> f64 {
        let before = at.checked_sub(1);
        let ahead = self.decision(before).map_or(1.0, Decision::drawn);
        let Some(step) = self.step(at) else {
            return ahead;
        };
        let last = match before.and_then(|before| self.step(before)) {
            Some(before) => before.decision,
            None => self.trajectory.root_decision,
        };
        let made = &self.trajectory.decisions;
        let earlier = |later: &&'a Decision| made.get(later.before as usize);
        let mut all = std::iter::successors(made.get(last as usize), earlier);
        let ruling = all.find(|made| made.draft == step.id && made.id != step.decided_by);
        ahead * ruling.map_or(1.0, Decision::drawn)
    }

    /// Places in its trajectory of the steps in order.
    fn places(&self) -> impl Iterator<Item = u32> + '_ {
        let place = |at: usize| match &self.path {
            None => u32::try_from(at).ok(),
            Some(path) => path.get(at).copied(),
        };
        (0..Source::steps(self)).filter_map(place)
    }

    /// What people said of the step at `at`; `None` where nobody did.
    pub fn ballot(&self, at: usize) -> Option<Ballot<Name>> {
        if !self.trajectory.is_labelled() {
            return None;
        }
        let place = self.places().nth(at)?;
        let of_it = self.trajectory.labels.iter();
        let of_it = of_it.filter(|said| said.step == place);
        let ballot: Ballot<Name> = of_it.map(|said| (said.who, said.label)).collect();
        Some(ballot).filter(|ballot| ballot.opinions().next().is_some())
    }

    /// Who labelled any of its steps or branches, in the order in which they
    /// came.
    pub fn labellers(&self) -> Vec<Name> {
        let mut people = Vec::new();
        for said in &self.trajectory.labels {
            if !people.contains(&said.who) {
                people.push(said.who);
            }
        }
        people
    }

    /// How many of its steps a person is done with: rated or passed over.
    pub fn done_by(&self, who: Option<Name>) -> usize {
        let Some(who) = who.filter(|_| self.trajectory.is_labelled()) else {
            return 0;
        };
        let mut ballots: HashMap<u32, Ballot<()>> = HashMap::new();
        let own = self.trajectory.labels.iter().filter(|said| said.who == who);
        for said in own {
            ballots.entry(said.step).or_default().add((), said.label);
        }
        let done = |place: &u32| ballots.get(place).is_some_and(|own| own.of(&()).is_done());
        self.places().filter(done).count()
    }

    /// How it came out; `None` where it did not end.
    pub fn outcome(&self) -> Option<&'a Outcome> {
        let last = Source::steps(self).checked_sub(1);
        let leaf = last.and_then(|at| self.step(at)).map_or(0, |step| step.id);
        let mut outcomes = self.trajectory.outcomes.iter().rev();
        outcomes.find(|outcome| outcome.leaf == leaf)
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.outcome().map(|outcome| outcome.verdict)
    }

    /// Whether a person wrote a step.
    pub fn is_by_person(&self, step: &Step) -> bool {
        self.survey.name(step.model) == PERSON
    }

    /// Whether the decision after a step goes to a model that is `more` capable
    /// than the one that wrote it, or less; none does where nothing follows.
    fn moves(&self, at: usize, more: bool) -> Option<bool> {
        self.head()?;
        let step = self.step(at)?;
        // It stands in place of a draft: that was the escalation.
        if more && step.purpose == Purpose::Regenerated {
            return Some(true);
        }
        // A ruling on the next draft says nothing of this step.
        let made = self.decision(Some(at)).filter(|made| made.draft == 0);
        let places = made.and_then(|made| self.writer(step).zip(self.place(made.action)));
        Some(places.is_some_and(|(from, to)| match more {
            true => to > from,
            false => from > to,
        }))
    }

    /// The probability of the model that the decision after a step chose.
    fn probability(&self, at: usize) -> Option<f64> {
        let decision = self.decision(Some(at))?;
        let place = self.place(decision.action)?;
        let probabilities = self.trajectory.probabilities(decision);
        probabilities.get(place).copied()
    }

    /// Rejected drafts that stood after a step of it, or before the first.
    pub fn rejected(&self) -> impl Iterator<Item = &'a Step> + '_ {
        let steps = self.trajectory.steps.iter();
        let drafts = steps.filter(|step| !step.kept);
        drafts.filter(|draft| {
            let on_it = |place: u32| match &self.path {
                None => true,
                Some(path) => path.contains(&place),
            };
            let stood_there = draft.parent == super::ROOT || on_it(draft.parent);
            stood_there && !self.trajectory.begins_rollout(draft)
        })
    }

    /// Number of kept steps.
    pub fn kept(&self) -> usize {
        self.steps().filter(|step| step.kept).count()
    }

    /// Whether steps of it are lost from the log: its outcome counts more.
    pub fn is_torn(&self) -> bool {
        let counted = self.outcome().map_or(0, |outcome| outcome.steps);
        counted as usize > self.kept()
    }

    /// Number of kept steps by the most capable model; 0 where nobody knows
    /// which that is.
    pub fn large_steps(&self) -> usize {
        let Some(&large) = self.run.pool.last().filter(|_| self.run.pool.len() > 1) else {
            return 0;
        };
        let by_large = |step: &&Step| step.kept && step.model == large;
        self.steps().filter(by_large).count()
    }

    /// Whether there were models to choose from: of one alone nobody is large.
    pub fn is_routed(&self) -> bool {
        self.run.pool.len() > 1
    }

    /// Share of the kept steps that the most capable model wrote.
    pub fn large_share(&self) -> Option<f64> {
        let kept = self.kept();
        let known = kept > 0 && self.is_routed();
        known.then(|| self.large_steps() as f64 / kept as f64)
    }

    /// The most that a decision of it lost; `None` where nothing of that is
    /// known.
    pub fn regret(&self) -> Option<f64> {
        let steps = 0..Source::steps(self);
        let known = steps.filter_map(|at| self.trajectory.regret(at));
        known.reduce(f64::max)
    }

    /// Number of decisions that a person took.
    pub fn overrides(&self) -> usize {
        // Most trajectories have none at all.
        if self
            .trajectory
            .decisions
            .iter()
            .all(|made| !made.overridden)
        {
            return 0;
        }
        let places = std::iter::once(None).chain((0..Source::steps(self)).map(Some));
        let made = places.filter_map(|at| self.decision(at));
        made.filter(|decision| decision.overridden).count()
    }

    fn named(&self, name: Option<Name>) -> Value<'a> {
        name.map(|name| self.survey.name(name)).into()
    }

    /// What a router sees after a step whose confidence is this.
    pub fn observation(&self, step: &Step, confidence: Option<f64>) -> Observation {
        let made = self.trajectory.decision_after(step);
        Observation {
            confidence,
            index: step.index,
            difficulty: self.trajectory.difficulty,
            // Of a step that nothing was decided on: the last one, mostly.
            has_answer: made.and_then(|made| made.has_answer).unwrap_or(false),
            tokens: Some(step.tokens),
            writer: self.writer(step),
            models: self.models(),
        }
    }
}

impl Source for View<'_> {
    fn steps(&self) -> usize {
        let all = self.trajectory.steps.len();
        self.path.as_ref().map_or(all, Vec::len)
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        let outcome = self.outcome();
        let verdict = |wanted| Some(self.verdict()? == wanted);
        match field {
            Field::Problem => self.named(Some(self.trajectory.problem)),
            Field::Run => self.named(Some(self.run.id)),
            Field::Router => self.head().map(|run| run.router.spec.as_str()).into(),
            Field::Domain => self.named(self.trajectory.domain),
            Field::Area => self
                .trajectory
                .domain
                .map(|domain| area(self.survey.name(domain)))
                .into(),
            Field::Difficulty => self.trajectory.difficulty.into(),
            Field::Gold => self.trajectory.gold().into(),
            Field::Answer => outcome.and_then(|found| found.answer.as_deref()).into(),
            Field::Verdict => self.verdict().map(Verdict::name).into(),
            Field::Correct => verdict(Verdict::Correct).into(),
            Field::Wrong => verdict(Verdict::Wrong).into(),
            Field::Ungraded => verdict(Verdict::Ungraded).into(),
            Field::Rule => self.named(outcome.map(|found| found.rule)),
            Field::Ended => outcome.map(|found| found.end.name()).into(),
            Field::Steps => Value::Number(self.kept() as f64),
            Field::Failure => match self.trajectory.failure() {
                Some(failure) => Value::text(failure),
                None => Value::Unknown,
            },
            Field::LargeShare => self.large_share().into(),
            Field::Cost => outcome.and_then(|found| found.published).into(),
            Field::FullCost => outcome.and_then(|found| found.full).into(),
            Field::Overrides => Value::Number(self.overrides() as f64),
            _ => Value::Unknown,
        }
    }

    fn of_step(&self, at: usize, field: Field) -> Value<'_> {
        let Some(step) = self.step(at) else {
            return Value::Unknown;
        };
        let decision = || self.decision(Some(at));
        let measure = |measure| step.measure(measure);
        let by_person = || self.is_by_person(step);
        match field {
            Field::Step => Value::Number(f64::from(step.index)),
            Field::Position => Value::Number((at + 1) as f64 / Source::steps(self) as f64),
            Field::Model => self.named(Some(step.model)),
            // Nobody where nothing follows: that is no model's name.
            Field::Next => Value::text(decision().map_or("", |made| self.survey.name(made.action))),
            Field::Confidence => step.confidence.into(),
            Field::Prob => measure(Measure::Prob).into(),
            Field::Logit => measure(Measure::Logit).into(),
            Field::Sampled => measure(Measure::Sampled).into(),
            // As a confidence it has the other sign, so that more is surer.
            Field::Entropy => measure(Measure::Entropy).map(|u| 0.0 - u).into(),
            // A person's step took no call, and no tokens.
            Field::Tokens => {
                let told = step.told_tokens();
                told.or_else(|| by_person().then_some(0))
                    .map(f64::from)
                    .into()
            }
            Field::Prompt => {
                let told = step.told_prompt();
                told.or_else(|| by_person().then_some(0))
                    .map(f64::from)
                    .into()
            }
            Field::Seconds => (step.seconds > 0.0 || by_person())
                .then_some(step.seconds)
                .into(),
            Field::StepEnded => Value::text(step.end.name()),
            Field::Escalation => self.moves(at, true).into(),
            Field::Deescalation => self.moves(at, false).into(),
            Field::Truncated => Value::Flag(step.end == StepEnd::Length),
            Field::Regenerated => Value::Flag(step.purpose == Purpose::Regenerated),
            Field::Edited => {
                let edited = step.continuation == Continuation::Edited;
                Value::Flag(edited || by_person())
            }
            Field::Overridden => Value::Flag(decision().is_some_and(|made| made.overridden)),
            Field::Probability => self.probability(at).into(),
            Field::Threshold => decision().and_then(|made| made.threshold).into(),
            Field::ActionSet => decision().map(|made| f64::from(made.action_set)).into(),
            Field::Propensity => decision().map(|made| made.propensity).into(),
            Field::Prm => step.prm().into(),
            Field::Judge => step.judge().into(),
            Field::Refuted => step.is_refuted().into(),
            Field::Regret => self.trajectory.regret(at).into(),
            Field::Label => {
                let rating = self.ballot(at).and_then(|ballot| ballot.rating());
                rating.map(Rating::name).into()
            }
            Field::Labelled => {
                let rating = self.ballot(at).and_then(|ballot| ballot.rating());
                Value::Flag(rating.is_some())
            }
            Field::Flagged => {
                let flagged = self.ballot(at).is_some_and(|ballot| ballot.is_flagged());
                Value::Flag(flagged)
            }
            _ => Value::Unknown,
        }
    }
}
