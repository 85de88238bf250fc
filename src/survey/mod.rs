//! A whole log at a glance: what every step, decision and outcome came to,
//! without the texts and tokens that make up most of a log.
//!
//! Records become [`Fact`]s, read from lines without building the rest of them
//! or made from the records of a live run; facts added in log order are a
//! [`Survey`]. Of a trajectory with branches, the [`View`] is of its main line:
//! the path to the leaf that was written last, rollouts left out.

mod add;
mod ask;
mod fact;
mod ground;
mod names;
mod read;
mod repeats;
mod texts;
mod view;
mod worth;

use std::collections::HashMap;

use crate::cost::Unit;
use crate::problem::answer::Verdict;
use crate::signal::confidence::Source as Measure;
use crate::trace::label::Label;
use crate::trace::record::{Continuation, Purpose, RunRecord, StepEnd, TrajectoryEnd};

pub use ask::{Answer, Asked};
pub use fact::{Fact, step_key};
pub use ground::same_ground;
pub use names::{Name, Names};
pub use read::{begin, read};
pub use texts::{Texts, WithTexts};
pub use view::View;
pub use worth::worth;

/// No step: before the first one.
const ROOT: u32 = u32::MAX;
/// Nothing of the kind.
const NONE: u32 = u32::MAX;

/// A run of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: Name,
    /// `None` where its line is damaged or missing.
    pub head: Option<Box<RunRecord>>,
    /// The models of its pool, cheapest first.
    pub pool: Vec<Name>,
}

/// Everything that is known of one problem in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// Place in [`Survey::runs`].
    pub run: u32,
    pub problem: Name,
    pub domain: Option<Name>,
    pub difficulty: Option<f64>,
    /// The beginning of the question, in one line; empty where its record is
    /// missing.
    pub question: Box<str>,
    gold: Option<Box<str>>,
    steps: Vec<Step>,
    decisions: Vec<Decision>,
    /// π(a|o) of the decisions, one after the other.
    probabilities: Vec<f64>,
    /// The last decision about the first step.
    root_decision: u32,
    /// What began rollouts: the place of the step before, and the decision.
    rollouts: Vec<(u32, u64)>,
    outcomes: Vec<Outcome>,
    /// What people said of its steps, in the order in which they did.
    labels: Vec<Said>,
    /// Facts of steps that have not turned up.
    waiting: Vec<add::Waiting>,
    /// Whether its steps are one path without a draft, so that the main line
    /// is all of them.
    linear: bool,
    /// What the decision after each step of the main line lost; NaN where that
    /// is not known, empty where nobody asked.
    regrets: Box<[f32]>,
    /// Why it is not right, where somebody asked.
    failure: Option<&'static str>,
    /// Facts of it, and labels that were forgotten.
    facts: u32,
}

/// A person's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    /// Place of the step.
    step: u32,
    who: Name,
    label: Label,
}

/// A step without its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    id: u64,
    /// Names the writers and texts up to it, whatever run it was written in.
    content: u64,
    seed: u64,
    /// Place of the step before it, or [`ROOT`].
    parent: u32,
    /// The decision that led to it; 0 where none is named.
    decided_by: u64,
    /// The last decision after it that began no rollout.
    decision: u32,
    pub index: u32,
    pub model: Name,
    pub purpose: Purpose,
    pub end: StepEnd,
    pub continuation: Continuation,
    pub kept: bool,
    /// Whether it has no text.
    pub blank: bool,
    /// Whether a kept step follows it.
    has_child: bool,
    pub tokens: u32,
    pub prompt: u32,
    /// Of the prompt, from the cache; [`NONE`] where nobody says.
    cached: u32,
    pub seconds: f64,
    pub confidence: Option<f64>,
    /// In the order of [`MEASURES`].
    measures: [f64; MEASURES.len()],
    prm: f64,
    judge: f64,
    /// A verifier's or a checker's: 1 correct, 0 incorrect.
    verified: f64,
}

impl Step {
    /// Its id, as [`step_key`] gives it.
    pub fn key(&self) -> u64 {
        self.id
    }

    /// Names the writers and texts up to it: the same in every run that came
    /// this way.
    pub fn content(&self) -> u64 {
        self.content
    }

    /// The seed that it was drawn with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A measure of it, of those that are kept.
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        let place = MEASURES.iter().position(|known| *known == measure)?;
        known(self.measures[place])
    }

    /// Prompt tokens from the cache; `None` where the server does not say.
    pub fn cached(&self) -> Option<u32> {
        (self.cached != NONE).then_some(self.cached)
    }

    /// Tokens of its prompt; `None` where nobody counted them: no call reads
    /// nothing, and imported steps may not say.
    pub fn told_prompt(&self) -> Option<u32> {
        (self.prompt > 0).then_some(self.prompt)
    }

    /// Tokens that it was written in, likewise; none are some where the prompt
    /// was counted.
    pub fn told_tokens(&self) -> Option<u32> {
        (self.tokens > 0 || self.prompt > 0).then_some(self.tokens)
    }

    /// Score of the process-reward model.
    pub fn prm(&self) -> Option<f64> {
        known(self.prm)
    }

    /// Score of the judge.
    pub fn judge(&self) -> Option<f64> {
        known(self.judge)
    }

    /// Whether a verifier or a checker found it incorrect; `None` where none
    /// looked at it.
    pub fn is_refuted(&self) -> Option<bool> {
        (!self.verified.is_nan()).then_some(self.verified < 0.5)
    }
}

/// The measures that are kept of a step.
const MEASURES: [Measure; 4] = [
    Measure::Prob,
    Measure::Logit,
    Measure::Sampled,
    Measure::Entropy,
];

/// A decision without its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    id: u64,
    /// The one made before it at the same place that began no rollout.
    before: u32,
    pub action: Name,
    /// Number of models in the action set.
    pub action_set: u32,
    /// Where its π(a|o) begin, and how many they are.
    probabilities: (u32, u32),
    pub threshold: Option<f64>,
    pub propensity: f64,
    /// The draft that was ruled on; 0 for none.
    draft: u64,
    pub overridden: bool,
    /// Whether it began a rollout: then nobody decided.
    pub rollout: bool,
    /// Whether another model was asked since a step was empty or filtered: that
    /// was nobody's choice.
    pub fallback: bool,
    /// f_t of its observation; `None` where it has none.
    pub has_answer: Option<bool>,
}

impl Trajectory {
    /// Number of its steps, decisions and outcomes.
    pub fn records(&self) -> usize {
        self.steps.len() + self.decisions.len() + self.outcomes.len()
    }
}

impl Decision {
    /// Whether it rules on a draft.
    pub fn is_ruling(&self) -> bool {
        self.draft != 0
    }

    /// The probability with which the router drew what it chose; 1 of what a
    /// person chose, and of what began a rollout: these were not drawn.
    pub fn drawn(&self) -> f64 {
        match self.overridden || self.rollout {
            true => 1.0,
            false => self.propensity,
        }
    }
}

/// How a path ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The step it ends with; 0 where there is none.
    leaf: u64,
    pub verdict: Verdict,
    pub answer: Option<Box<str>>,
    pub rule: Name,
    pub end: TrajectoryEnd,
    pub published: Option<f64>,
    pub full: Option<f64>,
    /// Whether the full cost may have been less: nobody said what was cached.
    pub upper_bound: bool,
    /// Steps on the way to its leaf, as the run counted them.
    pub steps: u32,
}

/// The facts of a log, by run and problem.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    names: Names,
    runs: Vec<Run>,
    run_places: HashMap<Name, u32>,
    trajectories: Vec<Trajectory>,
    places: HashMap<(u32, Name), u32>,
    steps: usize,
    facts: usize,
    /// Of the facts those that labels are, and labels that were forgotten.
    label_facts: usize,
    /// Whether any difficulty is no whole number.
    has_fractions: bool,
}

/// The models of a run with their sizes.
fn models_of(head: &RunRecord) -> impl Iterator<Item = (&str, Option<f64>)> {
    let pool = head.pool.iter();
    pool.map(|model| (model.name.as_str(), model.params))
}

impl Survey {
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Every trajectory in order of first appearance.
    pub fn trajectories(&self) -> &[Trajectory] {
        &self.trajectories
    }

    /// Whether any problem has a difficulty that is no whole number.
    pub fn has_fractions(&self) -> bool {
        self.has_fractions
    }

    pub fn name(&self, name: Name) -> &str {
        self.names.text(name)
    }

    /// The name of a text, where anything in the log has it.
    pub fn named(&self, text: &str) -> Option<Name> {
        self.names.find(text)
    }

    /// The unit of the costs of a run, by its place.
    pub fn unit_of(&self, run: u32) -> Option<Unit> {
        let head = self.runs().get(run as usize)?.head.as_ref()?;
        head.cost_unit.as_deref().map(Unit::named)
    }

    /// The unit of the costs of these runs; `None` where they have not the same,
    /// or are of different models: a mean over these says nothing.
    pub fn unit_over(&self, runs: impl Iterator<Item = u32> + Clone) -> Option<Unit> {
        let mut units = runs.clone().map(|run| self.unit_of(run));
        let first = units.next()?;
        let runs = runs.filter_map(|run| self.runs().get(run as usize));
        let mut heads = runs.filter_map(|run| run.head.as_deref());
        if let Some(one) = heads.next()
            && heads.any(|other| !models_of(one).eq(models_of(other)))
        {
            return None;
        }
        first.filter(|first| units.all(|unit| unit.as_ref() == Some(first)))
    }

    /// Ids of the run and the problem of a trajectory.
    pub fn key(&self, trajectory: &Trajectory) -> (&str, &str) {
        let run = self.runs[trajectory.run as usize].id;
        (self.name(run), self.name(trajectory.problem))
    }

    /// Number of facts: whoever made something of a survey sees by it whether
    /// there is more.
    pub fn facts(&self) -> usize {
        self.facts
    }

    /// Number of facts without those of labels: for what does not depend on what
    /// people say.
    pub fn evidence(&self) -> usize {
        self.facts - self.label_facts
    }

    /// Number of steps, drafts and branches included.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The place of a trajectory.
    pub fn find(&self, run: &str, problem: &str) -> Option<usize> {
        let run = *self.run_places.get(&self.names.find(run)?)?;
        let key = (run, self.names.find(problem)?);
        self.places.get(&key).map(|&place| place as usize)
    }

    /// Keeps only the trajectories at these places, in this order.
    #[must_use]
    pub fn only(mut self, places: &[usize]) -> Self {
        let kept = places
            .iter()
            .filter_map(|&place| self.trajectories.get(place));
        self.trajectories = kept.cloned().collect();
        let keys = self
            .trajectories
            .iter()
            .map(|kept| (kept.run, kept.problem));
        self.places = keys.zip(0..).collect();
        self.steps = self.trajectories.iter().map(|kept| kept.steps.len()).sum();
        self
    }

    /// Takes what the decisions lost, by place and by step of the main line, and
    /// why each trajectory is not right. Both hold for what the survey is now.
    pub fn set_regrets(&mut self, regrets: Vec<Box<[f32]>>, failures: Vec<Option<&'static str>>) {
        let found = regrets.into_iter().zip(failures);
        for (trajectory, (regrets, failure)) in self.trajectories.iter_mut().zip(found) {
            trajectory.regrets = regrets;
            trajectory.failure = failure;
        }
    }

    /// The main line of the trajectory at `place`.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn view(&self, place: usize) -> View<'_> {
        View::new(self, &self.trajectories[place])
    }
}

/// NaN stands for what is not known.
fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

impl Trajectory {
    /// The step before a step; `None` for a first one.
    pub fn before(&self, step: &Step) -> Option<&Step> {
        self.steps.get(step.parent as usize)
    }

    /// The last decision after a step; what began a rollout is none.
    pub fn decision_after(&self, step: &Step) -> Option<&Decision> {
        self.decisions.get(step.decision as usize)
    }

    /// The last one that no person took, nor stood in for an empty step.
    pub fn routed_after(&self, step: &Step) -> Option<&Decision> {
        let earlier = |made: &&Decision| self.decisions.get(made.before as usize);
        let mut all = std::iter::successors(self.decision_after(step), earlier);
        all.find(|made| !made.overridden && !made.fallback)
    }

    /// What the router made of a draft: the last ruling that no person took;
    /// `None` where it ruled on no such step.
    pub fn ruling_on(&self, draft: &Step) -> Option<&Decision> {
        let last = match self.before(draft) {
            Some(before) => before.decision,
            None => self.root_decision,
        };
        let earlier = |made: &&Decision| self.decisions.get(made.before as usize);
        let mut all = std::iter::successors(self.decisions.get(last as usize), earlier);
        all.find(|made| made.draft == draft.id && !made.overridden)
    }

    /// Whether its steps are one path without a draft or a branch.
    pub fn is_linear(&self) -> bool {
        self.linear
    }

    /// What the decision after a step of the main line (from 0) lost; `None`
    /// where that is not known, or nobody asked.
    pub fn regret(&self, at: usize) -> Option<f64> {
        self.regrets
            .get(at)
            .and_then(|&regret| known(f64::from(regret)))
    }

    /// Number of facts of it: whoever made something of it sees by it whether
    /// there is more.
    pub fn facts(&self) -> u32 {
        self.facts
    }

    /// Why it is not right; `None` of a right one, or where nobody asked.
    pub fn failure(&self) -> Option<&'static str> {
        self.failure
    }

    /// The outcomes in log order, with the step that each ends with.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Step, &Outcome)> {
        self.outcomes.iter().filter_map(|outcome| {
            let mut steps = self.steps.iter().rev();
            Some((steps.find(|step| step.id == outcome.leaf)?, outcome))
        })
    }

    /// The rejected draft that a step was written in place of: the last one
    /// before it.
    pub fn draft_of(&self, step: &Step) -> Option<&Step> {
        if step.purpose != Purpose::Regenerated {
            return None;
        }
        let earlier = self.steps.iter().take_while(|other| other.id != step.id);
        let drafts = earlier.filter(|other| !other.kept && other.parent == step.parent);
        drafts.last()
    }

    /// Steps, rejected drafts and other branches included, in log order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// π(a|o) of a decision, in pool order; empty where the rule has none.
    pub fn probabilities(&self, decision: &Decision) -> &[f64] {
        let (start, length) = decision.probabilities;
        let range = start as usize..(start + length) as usize;
        self.probabilities.get(range).unwrap_or_default()
    }

    /// Whether a path of it came to an end.
    pub fn is_finished(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// Whether anybody said anything of its steps.
    pub fn is_labelled(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Every label of its steps in the order in which they were given: the key
    /// of the step, who gave it, and the label.
    pub fn labels(&self) -> impl Iterator<Item = (u64, Name, Label)> + '_ {
        let said = self.labels.iter();
        said.filter_map(|said| {
            let step = self.steps.get(said.step as usize)?;
            Some((step.id, said.who, said.label))
        })
    }

    pub fn gold(&self) -> Option<&str> {
        self.gold.as_deref()
    }
}

#[cfg(test)]
mod tests;
