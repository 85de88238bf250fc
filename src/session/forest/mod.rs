//! The forest of one problem: the large model's own answers (the reference
//! run), and a tree in which every visited prefix is continued by every model.
//!
//! Like a session a [`Forest`] is synchronous and does no I/O. It says what is
//! to be recorded and which calls are to be made next ([`Forest::advance`]), and
//! takes what came of them ([`Forest::take`]). What it asks for follows from
//! the seed, the shape and the answers so far alone, not from when they came:
//! opened on whatever a log holds of it, it grows into the same forest, and a
//! call whose answer is recorded is never made again.
//!
//! It grows in four stages:
//! 1. **reference**: independent answers by the most capable model alone;
//! 2. **walks**: an exploration policy walks from the question to an end.
//!    Where it comes to a prefix for the first time, every model continues it;
//!    then the policy draws who goes on, and the walk follows. Walks end once
//!    the budget is needed to finish what they left open, or once they come to
//!    nothing new;
//! 3. **sweep**: with what is left of the budget every model continues also
//!    the prefixes that no walk came to, shallow ones first;
//! 4. **completion**: every prefix left open is continued by the one model the
//!    policy draws, to its end, so that every leaf has an outcome;
//! 5. **demand**: prefixes that somebody asks for ([`Forest::demand`]), beyond
//!    the budget, are continued by every model and completed.
//!
//! A step that adds nothing ends its trajectory: here no other model is asked
//! instead, for the other models continue the prefix anyway.

mod plan;
mod take;

#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::model::endpoint::StepRequest;
use crate::pair::checker::Checker;
use crate::problem::Problem;
use crate::trace::record::{CHECKER, Purpose, Record, StepId};
use crate::trace::tree::Added;
use crate::trace::{NodeIndex, Tree};

use super::machine::Generating;
use super::{Session, Settings};

/// How large a forest is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Answers of the reference run a problem.
    pub references: u32,
    /// Continuations per model and visited prefix.
    pub branches: u32,
    /// Calls a problem, about, without those of the reference run: walks end
    /// when what they left open is reckoned to take the rest.
    pub max_nodes: u32,
}

/// Fewest answers of a reference run: the A/A floor needs pairs of them, and
/// two or three say little about it.
pub const LEAST_REFERENCES: u32 = 4;

impl Default for Shape {
    fn default() -> Self {
        Self {
            references: LEAST_REFERENCES,
            branches: 1,
            max_nodes: 64,
        }
    }
}

/// A call to be made. Calls of one [`Wave`] do not depend on each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Place of the model in the pool.
    pub model: usize,
    pub request: StepRequest,
    purpose: Purpose,
    generating: Generating,
}

/// What is to be done next: record, then call. Nothing to do: the forest is
/// grown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wave {
    pub records: Vec<Record>,
    pub calls: Vec<Call>,
}

impl Wave {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.calls.is_empty()
    }
}

/// Where a call puts its step, whatever its answer.
type Made = HashMap<(Option<StepId>, u64), StepId>;

/// The forest of one problem in one run.
pub struct Forest {
    session: Session,
    shape: Shape,
    /// The step that a call gave, by the step before it and its seed: answers
    /// that are the same share a step.
    made: Made,
    /// Seeds of calls, by the prefix, the model and the branch.
    seeds: HashMap<(Option<NodeIndex>, usize, u32), u64>,
    /// Models drawn, by the prefix and how often it was passed before.
    drawn: HashMap<(NodeIndex, u32), usize>,
    /// Prefixes to visit beyond the budget, in the order they were asked for.
    demanded: Vec<StepId>,
    /// Whether the checker knows the problem's language.
    checkable: bool,
}

impl Forest {
    /// A forest on what the log holds of it: nothing for a new one. `settings`
    /// must be live.
    pub fn open(
        settings: Settings,
        problem: Problem,
        shape: Shape,
        recorded: impl IntoIterator<Item = Record>,
    ) -> Self {
        let mut tree = Tree::new(settings.run.run.clone(), problem.id.clone());
        let mut made = Made::new();
        for record in recorded {
            let call = match &record {
                Record::Step(step) if step.kept => {
                    Some(((step.parent.clone(), step.seed), step.id.clone()))
                }
                _ => None,
            };
            let added = tree.add(record);
            if let (Added::Step(_) | Added::Duplicate(_), Some((key, step))) = (added, call) {
                made.insert(key, step);
            }
        }
        Self {
            checkable: Checker::new(&problem.question).is_ok(),
            session: Session::open(settings, problem, tree),
            shape,
            made,
            seeds: HashMap::new(),
            drawn: HashMap::new(),
            demanded: Vec::new(),
        }
    }

    /// Has every model continue the prefix that ends in a step, beyond the
    /// budget, at the next [`Forest::advance`]. A step that is not there, or
    /// that ends its trajectory, is none.
    pub fn demand(&mut self, step: StepId) {
        if !self.demanded.contains(&step) {
            self.demanded.push(step);
        }
    }

    pub fn tree(&self) -> &Tree {
        self.session.tree()
    }

    pub fn problem(&self) -> &Problem {
        self.session.problem()
    }

    /// Makes up for what a killed writer lost: outcomes and verdicts of steps
    /// that are recorded. To be recorded before anything else.
    pub fn settle(&mut self) -> Vec<Record> {
        let nodes: Vec<NodeIndex> = self.session.tree.nodes().map(|(index, _)| index).collect();
        let mut records = Vec::new();
        for index in nodes {
            let node = self.session.tree.node(index);
            // Of an orphan nobody knows the text; its step before it will be
            // written again.
            if !node.step.kept || !self.is_whole(index) {
                continue;
            }
            let scored = node.scores.iter().any(|score| score.scorer == CHECKER);
            let ended = node.outcome().is_some();
            records.extend(self.follow_up(index, scored, ended));
        }
        records
    }

    fn is_whole(&self, index: NodeIndex) -> bool {
        let first = self.session.tree.path(index).first().copied();
        first.is_some_and(|first| !self.session.tree.node(first).is_orphan())
    }

    /// Whether the trajectory ends with a step.
    fn is_leaf(&self, node: NodeIndex) -> bool {
        self.session.tree.node(node).outcome().is_some()
    }

    fn depth(&self, node: Option<NodeIndex>) -> u32 {
        node.map_or(0, |node| self.session.tree.node(node).step.index)
    }
}
