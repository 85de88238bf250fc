//! A recorded trajectory, as expressions see it.

use crate::cost::PERSON;
use crate::problem::answer::Verdict;
use crate::trace::record::{
    Continuation, DecisionRecord, JUDGE, OutcomeRecord, PRM, Purpose, RunRecord, StepEnd,
    StepRecord, TrajectoryEnd,
};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

use super::eval::{Source, Value};
use super::field::Field;

/// A path through the tree of a problem.
#[derive(Debug, Clone)]
pub struct Trajectory<'a> {
    run: &'a RunRecord,
    tree: &'a Tree,
    path: Vec<NodeIndex>,
}

impl<'a> Trajectory<'a> {
    /// The path from the first step to the last one of `path`.
    pub fn new(run: &'a RunRecord, tree: &'a Tree, path: Vec<NodeIndex>) -> Self {
        Self { run, tree, path }
    }

    /// The path that the run itself took.
    pub fn main_line(run: &'a RunRecord, tree: &'a Tree) -> Self {
        Self::new(run, tree, tree.main_line())
    }

    fn node(&self, at: usize) -> Option<&'a Node> {
        self.path.get(at).map(|&index| self.tree.node(index))
    }

    fn kept(&self) -> impl Iterator<Item = &'a StepRecord> + '_ {
        let steps = self.path.iter().map(|&index| &*self.tree.node(index).step);
        steps.filter(|step| step.kept)
    }

    /// The decision after a step: the one by which the path goes on, else the
    /// last one made there.
    fn decision(&self, at: usize) -> Option<&'a DecisionRecord> {
        let node = self.node(at)?;
        let followed = self.node(at + 1).and_then(|next| {
            let id = next.step.decision.as_deref()?;
            node.decisions.iter().find(|decision| decision.id == id)
        });
        followed
            .or_else(|| node.decisions.last())
            .map(|decision| &**decision)
    }

    fn outcome(&self) -> Option<&'a OutcomeRecord> {
        match self.path.last() {
            Some(&leaf) => self.tree.node(leaf).outcome(),
            None => self.tree.root_outcomes().last(),
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.outcome().map(|outcome| outcome.verdict)
    }

    /// Whether the decision after a step goes to a model that is `more` capable
    /// than the one that wrote it, or less.
    fn moves(&self, at: usize, more: bool) -> Option<bool> {
        let step = &self.node(at)?.step;
        // It stands in place of a draft: that was the escalation.
        if more && step.purpose == Purpose::Regenerated {
            return Some(true);
        }
        // A ruling on the next draft says nothing of this step.
        let decision = self.decision(at).filter(|made| made.draft.is_none())?;
        let (from, to) = (&step.model, &decision.action);
        Some(match more {
            true => self.run.escalates(from, to),
            false => self.run.escalates(to, from),
        })
    }

    fn score(&self, at: usize, scorer: &str) -> Option<f64> {
        let scores = &self.node(at)?.scores;
        let by = scores.iter().rev().filter(|score| score.scorer == scorer);
        by.filter_map(|score| score.value).next()
    }

    fn measure(&self, at: usize, name: &str) -> Option<f64> {
        let confidence = &self.node(at)?.step.confidence;
        // Without math tokens it is over all of them.
        let domain = if confidence.fallback {
            "general"
        } else {
            "math"
        };
        let measures = &confidence.measures;
        measures.get(format!("{name}_{domain}").as_str()).copied()
    }

    /// The probability of the model that the decision after a step chose.
    fn probability(&self, at: usize) -> Option<f64> {
        let decision = self.decision(at)?;
        let place = self.run.place(&decision.action)?;
        decision.probabilities.get(place).copied()
    }

    fn large_share(&self) -> Option<f64> {
        let large = &self.run.pool.last()?.name;
        let (mut by_large, mut all) = (0_u32, 0_u32);
        for step in self.kept() {
            all += 1;
            by_large += u32::from(step.model == *large);
        }
        (all > 0).then(|| f64::from(by_large) / f64::from(all))
    }

    fn overrides(&self) -> f64 {
        let steps = 0..self.path.len();
        let made = steps.filter_map(|at| self.decision(at));
        made.filter(|decision| decision.overridden.is_some())
            .count() as f64
    }
}

impl Source for Trajectory<'_> {
    fn steps(&self) -> usize {
        self.path.len()
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        let problem = self.tree.problem();
        let outcome = self.outcome();
        let verdict = |wanted| Some(self.verdict()? == wanted);
        match field {
            Field::Problem => Value::text(self.tree.problem_id()),
            Field::Run => Value::text(self.tree.run()),
            Field::Router => Value::text(&self.run.router.spec),
            Field::Domain => problem.and_then(|known| known.domain.as_deref()).into(),
            Field::Difficulty => problem.and_then(|known| known.difficulty).into(),
            Field::Question => problem.map(|known| known.question.as_str()).into(),
            Field::Gold => problem.and_then(|known| known.gold.as_deref()).into(),
            Field::Answer => outcome.and_then(|found| found.answer.as_deref()).into(),
            Field::Verdict => self.verdict().map(Verdict::name).into(),
            Field::Correct => verdict(Verdict::Correct).into(),
            Field::Wrong => verdict(Verdict::Wrong).into(),
            Field::Ungraded => verdict(Verdict::Ungraded).into(),
            Field::Rule => outcome.map(|found| found.rule.as_str()).into(),
            Field::Ended => outcome.map(|found| ended(found.end)).into(),
            Field::Steps => Value::Number(self.kept().count() as f64),
            Field::LargeShare => self.large_share().into(),
            Field::Cost => outcome.and_then(|found| found.cost.published).into(),
            Field::FullCost => outcome.and_then(|found| found.cost.full).into(),
            Field::Overrides => Value::Number(self.overrides()),
            _ => Value::Unknown,
        }
    }

    fn of_step(&self, at: usize, field: Field) -> Value<'_> {
        let Some(node) = self.node(at) else {
            return Value::Unknown;
        };
        let step = &*node.step;
        let decision = || self.decision(at);
        match field {
            Field::Step => Value::Number(f64::from(step.index)),
            Field::Position => Value::Number((at + 1) as f64 / self.path.len() as f64),
            Field::Model => Value::text(&step.model),
            Field::Next => decision().map(|made| made.action.as_str()).into(),
            Field::Confidence => step.confidence.value.into(),
            Field::Prob => self.measure(at, "prob").into(),
            Field::Logit => self.measure(at, "logit").into(),
            Field::Sampled => self.measure(at, "min_sampled").into(),
            Field::Entropy => self.measure(at, "entropy_truncated").into(),
            Field::Tokens => Value::Number(step.usage.output as f64),
            Field::Prompt => Value::Number(step.usage.prompt as f64),
            Field::Seconds => Some(step.seconds).into(),
            Field::StepEnded => Value::text(step_end(step.end)),
            Field::Text => Value::text(&step.text),
            Field::Escalation => self.moves(at, true).into(),
            Field::Deescalation => self.moves(at, false).into(),
            Field::Truncated => Value::Flag(step.end == StepEnd::Length),
            Field::Regenerated => Value::Flag(step.purpose == Purpose::Regenerated),
            Field::Edited => {
                let by_person = step.model == PERSON;
                Value::Flag(by_person || step.continuation == Continuation::Edited)
            }
            Field::Overridden => decision().map(|made| made.overridden.is_some()).into(),
            Field::Probability => self.probability(at).into(),
            Field::Threshold => decision().and_then(|made| made.threshold).into(),
            Field::ActionSet => decision().map(|made| made.action_set.len() as f64).into(),
            Field::Propensity => decision().map(|made| made.propensity).into(),
            Field::Prm => self.score(at, PRM).into(),
            Field::Judge => self.score(at, JUDGE).into(),
            Field::Label => node.labels.last().map(|label| label.label.as_str()).into(),
            _ => Value::Unknown,
        }
    }
}

/// As the log writes it.
fn ended(end: TrajectoryEnd) -> &'static str {
    match end {
        TrajectoryEnd::Finished => "finished",
        TrajectoryEnd::StepCap => "step-cap",
        TrajectoryEnd::Repetition => "repetition",
        TrajectoryEnd::Empty => "empty",
        TrajectoryEnd::Context => "context",
        TrajectoryEnd::Error => "error",
    }
}

/// As the log writes it.
fn step_end(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Delimiter => "delimiter",
        StepEnd::Eos => "eos",
        StepEnd::Length => "length",
        StepEnd::Empty => "empty",
        StepEnd::Error => "error",
    }
}
