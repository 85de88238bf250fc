//! When a trajectory is over, and how it came out.

use std::collections::BTreeMap;

use crate::problem::answer::extract;
use crate::problem::answer::{Grade, Verdict};
use crate::trace::NodeIndex;
use crate::trace::record::{OutcomeRecord, StepEnd, TrajectoryEnd};

use super::Session;

/// A step said this many times in a row ends the trajectory.
const REPETITIONS: usize = 3;

/// Whether a step states the final answer (f_t): a `\boxed{}` with balanced
/// braces.
pub(super) fn holds_answer(text: &str) -> bool {
    extract::last_boxed(text).is_some()
}

impl Session {
    /// Why the trajectory ends with `node`, if it does: the model's own end of
    /// sequence, then a final answer, then repetition, then the step cap.
    pub(super) fn ending(&self, node: NodeIndex) -> Option<TrajectoryEnd> {
        let step = &self.tree.node(node).step;
        if step.end == StepEnd::Eos || holds_answer(&step.text) {
            return Some(TrajectoryEnd::Finished);
        }
        if self.repeats(node) {
            return Some(TrajectoryEnd::Repetition);
        }
        (step.index >= self.settings.run.sampling.max_steps).then_some(TrajectoryEnd::StepCap)
    }

    fn repeats(&self, node: NodeIndex) -> bool {
        let text = self.tree.node(node).step.text.trim();
        let parent = |at: &NodeIndex| self.tree.node(*at).parent;
        let last = std::iter::successors(Some(node), parent).take(REPETITIONS);
        let said = last.filter(|&at| self.tree.node(at).step.text.trim() == text);
        said.count() == REPETITIONS
    }

    /// The outcome of the trajectory that ends at `leaf`.
    pub(super) fn outcome_at(
        &self,
        leaf: Option<NodeIndex>,
        end: TrajectoryEnd,
        error: Option<String>,
    ) -> OutcomeRecord {
        let path = leaf.map(|leaf| self.tree.path(leaf)).unwrap_or_default();
        let mut steps_by_model = BTreeMap::new();
        for &at in &path {
            *steps_by_model
                .entry(self.tree.node(at).step.model.clone())
                .or_insert(0) += 1;
        }
        let (grade, grader) = self.grade(leaf, end);
        let mut outcome = OutcomeRecord {
            run: self.settings.run.run.clone(),
            problem: self.problem.id.clone(),
            leaf: leaf.map(|leaf| self.tree.node(leaf).step.id.clone()),
            answer: None,
            gold: self.problem.gold.clone(),
            verdict: Verdict::Ungraded,
            grader: String::new(),
            rule: String::new(),
            reason: None,
            steps: u32::try_from(path.len()).unwrap_or(u32::MAX),
            cost: self.cost_to(leaf).facts(),
            end,
            steps_by_model,
            error,
            regraded: None,
            rollout: leaf.is_some_and(|leaf| self.tree.rollout_of(leaf).is_some()),
            extraction: None,
            forms: None,
        };
        outcome.set_grade(grade, &grader);
        outcome
    }

    fn grade(&self, leaf: Option<NodeIndex>, end: TrajectoryEnd) -> (Grade, String) {
        if end == TrajectoryEnd::Error {
            // The model never got to answer: not its mistake.
            let reason = "the endpoint failed before the trajectory ended";
            let grade = Grade::ungraded("endpoint-error", reason);
            return (grade, "none".into());
        }
        if end == TrajectoryEnd::Context && leaf.is_none() {
            let reason = "the question does not fit the model's context: no step was written";
            let grade = Grade::ungraded("context", reason);
            return (grade, "none".into());
        }
        match &self.settings.engine {
            Some(engine) => {
                let text = leaf.map(|leaf| self.tree.text(leaf)).unwrap_or_default();
                let grade = engine.grader.grade(self.problem.gold.as_deref(), &text);
                (grade, engine.grader.name().to_owned())
            }
            None => {
                let grade = Grade::ungraded("no-grader", "a recording is not graded again");
                (grade, "none".into())
            }
        }
    }
}
