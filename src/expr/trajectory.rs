//! A recorded trajectory, as expressions see it.

use std::borrow::Cow;

use crate::cost::PERSON;
use crate::problem::answer::Verdict;
use crate::problem::area;
use crate::problem::arithmetic::{self, Holds};
use crate::problem::repeat::is_repeat;
use crate::signal::confidence::{Source as Measure, recorded};
use crate::trace::label::Rating;
use crate::trace::record::{
    CHECKER, Continuation, DecisionRecord, JUDGE, OutcomeRecord, PRM, Purpose, RunRecord, StepEnd,
    StepRecord, VERIFIER,
};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

use super::eval::{Source, Value};
use super::field::Field;

/// A path through the tree of a problem.
#[derive(Debug, Clone)]
pub struct Trajectory<'a> {
    /// `None` where the log has lost it: which model is more capable is not
    /// known then.
    run: Option<&'a RunRecord>,
    tree: &'a Tree,
    path: Cow<'a, [NodeIndex]>,
    /// How many of its steps are seen.
    seen: usize,
}

impl<'a> Trajectory<'a> {
    /// The path from the first step to the last one of `path`.
    pub fn new(
        run: Option<&'a RunRecord>,
        tree: &'a Tree,
        path: impl Into<Cow<'a, [NodeIndex]>>,
    ) -> Self {
        let path = path.into();
        let seen = path.len();
        Self {
            run,
            tree,
            path,
            seen,
        }
    }

    /// The path to the leaf that was written last.
    pub fn main_line(run: Option<&'a RunRecord>, tree: &'a Tree) -> Self {
        Self::new(run, tree, tree.main_line())
    }

    /// As it was when the step at `at` (from 0) had been written and the next
    /// one decided on.
    #[must_use]
    pub fn up_to(self, at: usize) -> Self {
        Self {
            seen: self.path.len().min(at + 1),
            ..self
        }
    }

    fn node(&self, at: usize) -> Option<&'a Node> {
        self.path.get(at).map(|&index| self.tree.node(index))
    }

    fn kept(&self) -> impl Iterator<Item = &'a StepRecord> + '_ {
        let steps = self
            .path
            .iter()
            .take(self.seen)
            .map(|&index| &*self.tree.node(index).step);
        steps.filter(|step| step.kept)
    }

    /// The decision after a step, or about the first one for `None`: the one by
    /// which the path goes on, else the last one made there.
    fn decision(&self, at: Option<usize>) -> Option<&'a DecisionRecord> {
        let after = match at {
            Some(at) => Some(*self.path.get(at)?),
            None => None,
        };
        let made = self.tree.choices(after);
        let next = self.node(at.map_or(0, |at| at + 1));
        let followed = next.and_then(|next| {
            let id = next.step.decision.as_deref()?;
            made.clone().find(|decision| decision.id == id)
        });
        followed.or_else(|| made.last())
    }

    fn outcome(&self) -> Option<&'a OutcomeRecord> {
        match self.path.last() {
            Some(_) if self.seen < self.path.len() => None,
            Some(&leaf) => self.tree.node(leaf).outcome(),
            None => self.tree.root_outcomes().last(),
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.outcome().map(|outcome| outcome.verdict)
    }

    /// Whether the decision after a step goes to a model that is `more` capable
    /// than the one that wrote it, or less; none does where nothing follows.
    fn moves(&self, at: usize, more: bool) -> Option<bool> {
        let run = self.run?;
        let step = &self.node(at)?.step;
        // It stands in place of a draft: that was the escalation.
        if more && step.purpose == Purpose::Regenerated {
            return Some(true);
        }
        // A ruling on the next draft says nothing of this step.
        let made = self.decision(Some(at)).filter(|made| made.draft.is_none());
        Some(made.is_some_and(|made| match more {
            true => run.escalates(&step.model, &made.action),
            false => run.escalates(&made.action, &step.model),
        }))
    }

    fn score(&self, at: usize, scorer: &str) -> Option<f64> {
        let scores = &self.node(at)?.scores;
        let by = scores.iter().rev().filter(|score| score.scorer == scorer);
        by.filter_map(|score| score.value).next()
    }

    /// Whether the last verifier or checker that said anything of a step found
    /// it incorrect.
    fn refuted(&self, at: usize) -> Option<bool> {
        let judges = [VERIFIER, CHECKER];
        let scores = self.node(at)?.scores.iter().rev();
        let by = scores.filter(|score| judges.contains(&score.scorer.as_str()));
        let verdict = by.filter_map(|score| score.value).next()?;
        Some(verdict < 0.5)
    }

    fn measure(&self, at: usize, source: Measure) -> Option<f64> {
        recorded(&self.node(at)?.step.confidence, source)
    }

    /// The probability of the model that the decision after a step chose.
    fn probability(&self, at: usize) -> Option<f64> {
        let decision = self.decision(Some(at))?;
        let place = self.run?.place(&decision.action)?;
        decision.probabilities.get(place).copied()
    }

    /// Whether a step says again what one before it said.
    fn repeats(&self, at: usize) -> bool {
        let text = |&index: &NodeIndex| self.tree.node(index).step.text.as_str();
        let step = self.path.get(at).map(text);
        let before = self.path.iter().take(at).map(text);
        step.is_some_and(|step| is_repeat(step, before))
    }

    fn large_share(&self) -> Option<f64> {
        // Of one model alone nobody is large.
        let pool = &self.run?.pool;
        let large = &pool.last().filter(|_| pool.len() > 1)?.name;
        let (mut by_large, mut all) = (0_u32, 0_u32);
        for step in self.kept() {
            all += 1;
            by_large += u32::from(step.model == *large);
        }
        (all > 0).then(|| f64::from(by_large) / f64::from(all))
    }

    fn overrides(&self) -> f64 {
        let places = std::iter::once(None).chain((0..self.seen).map(Some));
        let made = places.filter_map(|at| self.decision(at));
        made.filter(|decision| decision.overridden.is_some())
            .count() as f64
    }
}

/// What the arithmetic of a text comes to, as [`Field::Calculation`] has it.
pub fn calculation(text: &str) -> &'static str {
    match arithmetic::verdict(text) {
        Some(Holds::Right) => "right",
        Some(Holds::Wrong) => "wrong",
        Some(Holds::Undecided) => "undecided",
        None => "none",
    }
}

impl Source for Trajectory<'_> {
    fn steps(&self) -> usize {
        self.seen
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        let problem = self.tree.problem();
        let outcome = self.outcome();
        let verdict = |wanted| Some(self.verdict()? == wanted);
        match field {
            Field::Problem => Value::text(self.tree.problem_id()),
            Field::Run => Value::text(self.tree.run()),
            Field::Router => self.run.map(|run| run.router.spec.as_str()).into(),
            Field::Domain => problem.and_then(|known| known.domain.as_deref()).into(),
            Field::Area => problem
                .and_then(|known| known.domain.as_deref())
                .map(area)
                .into(),
            Field::Difficulty => problem.and_then(|known| known.difficulty).into(),
            Field::Question => problem.map(|known| known.question.as_str()).into(),
            Field::Gold => problem.and_then(|known| known.gold.as_deref()).into(),
            Field::Answer => outcome.and_then(|found| found.answer.as_deref()).into(),
            Field::Verdict => self.verdict().map(Verdict::name).into(),
            Field::Correct => verdict(Verdict::Correct).into(),
            Field::Wrong => verdict(Verdict::Wrong).into(),
            Field::Ungraded => verdict(Verdict::Ungraded).into(),
            Field::Rule => outcome.map(|found| found.rule.as_str()).into(),
            Field::Ended => outcome.map(|found| found.end.name()).into(),
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
        let decision = || self.decision(Some(at));
        let by_person = || step.model == PERSON;
        match field {
            Field::Step => Value::Number(f64::from(step.index)),
            Field::Position => Value::Number((at + 1) as f64 / self.seen as f64),
            Field::Model => Value::text(&step.model),
            // Nobody where nothing follows: that is no model's name.
            Field::Next => Value::text(decision().map_or("", |made| &made.action)),
            Field::Confidence => step.confidence.value.into(),
            Field::Prob => self.measure(at, Measure::Prob).into(),
            Field::Logit => self.measure(at, Measure::Logit).into(),
            Field::Sampled => self.measure(at, Measure::Sampled).into(),
            // As a confidence it has the other sign, so that more is surer.
            Field::Entropy => self.measure(at, Measure::Entropy).map(|u| 0.0 - u).into(),
            // No call takes nothing: imported steps may not say.
            Field::Tokens => (step.usage.output > 0 || step.usage.prompt > 0 || by_person())
                .then_some(step.usage.output as f64)
                .into(),
            Field::Prompt => (step.usage.prompt > 0 || by_person())
                .then_some(step.usage.prompt as f64)
                .into(),
            Field::Seconds => (step.seconds > 0.0 || by_person())
                .then_some(step.seconds)
                .into(),
            Field::StepEnded => Value::text(step.end.name()),
            Field::Text => Value::text(&step.text),
            Field::Escalation => self.moves(at, true).into(),
            Field::Deescalation => self.moves(at, false).into(),
            Field::Truncated => Value::Flag(step.end == StepEnd::Length),
            Field::Regenerated => Value::Flag(step.purpose == Purpose::Regenerated),
            Field::Edited => Value::Flag(by_person() || step.continuation == Continuation::Edited),
            Field::Overridden => {
                Value::Flag(decision().is_some_and(|made| made.overridden.is_some()))
            }
            Field::Probability => self.probability(at).into(),
            Field::Threshold => decision().and_then(|made| made.threshold).into(),
            Field::ActionSet => decision().map(|made| made.action_set.len() as f64).into(),
            Field::Propensity => decision().map(|made| made.propensity).into(),
            Field::Prm => self.score(at, PRM).into(),
            Field::Judge => self.score(at, JUDGE).into(),
            Field::Refuted => self.refuted(at).into(),
            Field::Label => node.ballot().rating().map(Rating::name).into(),
            Field::Labelled => Value::Flag(node.ballot().rating().is_some()),
            Field::Flagged => Value::Flag(node.ballot().is_flagged()),
            Field::Calculation => Value::text(calculation(&step.text)),
            Field::Repeats => Value::Flag(self.repeats(at)),
            _ => Value::Unknown,
        }
    }
}
