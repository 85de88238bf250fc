//! A trajectory as the formats see it.

use std::collections::HashSet;

use crate::trace::record::{DecisionRecord, OutcomeRecord, RunRecord, ScoreRecord, StepRecord};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

/// The steps of a problem in a run, with everything that was said of them.
pub struct Subject<'a> {
    /// `None` where its line is lost.
    pub head: Option<&'a RunRecord>,
    pub tree: &'a Tree,
    /// The trajectory that was written last.
    pub main_line: Vec<NodeIndex>,
    on_main_line: HashSet<NodeIndex>,
}

impl<'a> Subject<'a> {
    /// The trajectory of a tree.
    pub fn new(head: Option<&'a RunRecord>, tree: &'a Tree) -> Self {
        let main_line = tree.main_line();
        let on_main_line = main_line.iter().copied().collect();
        Self {
            head,
            tree,
            main_line,
            on_main_line,
        }
    }

    pub fn is_on_main_line(&self, node: NodeIndex) -> bool {
        self.on_main_line.contains(&node)
    }

    /// The step of a node.
    pub fn step(&self, node: NodeIndex) -> &'a StepRecord {
        &self.tree.node(node).step
    }

    /// Place in the pool of a model; a person has none.
    pub fn place(&self, model: &str) -> Option<usize> {
        self.head?.place(model)
    }

    /// Number of models in the pool; 0 where the head is lost.
    pub fn models(&self) -> usize {
        self.head.map_or(0, |head| head.pool.len())
    }

    /// The decision that led to a step.
    pub fn decided_by(&self, node: NodeIndex) -> Option<&'a DecisionRecord> {
        let found = self.tree.node(node);
        let id = found.step.decision.as_deref()?;
        // One that is lost may still stand elsewhere: a log is what it is.
        let made = self.tree.decisions(found.parent);
        made.iter().find(|made| made.id == id).map(|made| &**made)
    }

    /// The decision after the step at `at` of the main line (about the first
    /// one for `None`) by which it goes on, else the last one made there.
    pub fn decision_after(&self, at: Option<usize>) -> Option<&'a DecisionRecord> {
        let after = match at {
            Some(at) => Some(*self.main_line.get(at)?),
            None => None,
        };
        let made = self.tree.choices(after);
        let next = self.main_line.get(at.map_or(0, |at| at + 1));
        let by = next.and_then(|&next| self.step(next).decision.as_deref());
        let followed = made.clone().find(|made| Some(made.id.as_str()) == by);
        followed.or_else(|| made.last())
    }

    /// Every decision, with the step that it was made after.
    pub fn decisions(&self) -> impl Iterator<Item = (Option<NodeIndex>, &'a DecisionRecord)> {
        let tree = self.tree;
        let places = std::iter::once(None).chain(tree.nodes().map(|(node, _)| Some(node)));
        places.flat_map(move |place| {
            let made = tree.decisions(place);
            made.iter().map(move |decision| (place, &**decision))
        })
    }

    /// Every score, with the step that it is of.
    pub fn scores(&self) -> impl Iterator<Item = (Option<NodeIndex>, &'a ScoreRecord)> {
        let of_question = self.tree.root_scores().iter().map(|score| (None, score));
        let nodes = self.tree.nodes();
        let of_steps = nodes.flat_map(|(node, found)| {
            let scores = found.scores.iter();
            scores.map(move |score| (Some(node), score))
        });
        of_question.chain(of_steps)
    }

    /// Every outcome, with the step that it ends with.
    pub fn outcomes(&self) -> impl Iterator<Item = (Option<NodeIndex>, &'a OutcomeRecord)> {
        let without_step = self.tree.root_outcomes().iter();
        let without_step = without_step.map(|outcome| (None, outcome));
        let nodes = self.tree.nodes();
        let of_steps = nodes.flat_map(|(node, found)| {
            let outcomes = found.outcomes.iter();
            outcomes.map(move |outcome| (Some(node), outcome))
        });
        without_step.chain(of_steps)
    }

    /// How the main line ended; `None` where it did not.
    pub fn outcome(&self) -> Option<&'a OutcomeRecord> {
        match self.main_line.last() {
            Some(&leaf) => self.tree.node(leaf).outcome(),
            None => self.tree.root_outcomes().last(),
        }
    }

    /// The last score of a step that one of `scorers` gave.
    pub fn score_of(node: &Node, scorers: &[&str]) -> Option<f64> {
        let scores = node.scores.iter().rev();
        let mut of_them = scores.filter(|score| scorers.contains(&score.scorer.as_str()));
        of_them.find_map(|score| score.value)
    }
}
