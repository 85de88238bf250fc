//! What became of the steps as a rater: V along a trajectory, from everything
//! that the log holds of its question.

use std::collections::HashMap;

use crate::eval::regret::{Build, Grove};
use crate::problem::answer::Verdict;
use crate::survey::{Survey, step_key};
use crate::trace::label::FirstError;
use crate::trace::{NodeIndex, Tree};

use super::{Labelled, Rater};

/// V after a right step: at least this.
const RIGHT: f64 = 0.5;

/// The value profile of trajectories: a step is right while V after it is at
/// least one half, and the first error of a wrong trajectory is the step from
/// which on V stays below [`Grove::LOST`].
///
/// It says something only where the log holds more than one way on: V of a
/// single one is how the trajectory came out, of every step the same.
#[derive(Debug, Clone, Default)]
pub struct ValueProfile {
    /// By run and problem.
    of: HashMap<(String, String), Profile>,
}

/// What it says of one trajectory.
#[derive(Debug, Clone, Default)]
struct Profile {
    /// Whether a step is right, by [`step_key`]; absent where that is not known.
    right: HashMap<u64, bool>,
    /// On the main line.
    first_error: Option<FirstError>,
}

impl ValueProfile {
    /// Of the labelled trajectories, by the survey of their log; `build` makes
    /// the routers of its runs.
    pub fn of(survey: &Survey, labelled: &Labelled, build: Build<'_>) -> Self {
        let profiles = labelled.trees.iter().filter_map(|tree| {
            let place = survey.find(tree.run(), tree.problem_id())?;
            let head = survey.view(place).head();
            let made = head.map(|head| build(&head.router.spec, head));
            let grove = Grove::of(survey, place, made.as_ref())?;
            let profile = Profile::of(&grove, tree);
            let key = (tree.run().to_owned(), tree.problem_id().to_owned());
            Some((key, profile))
        });
        Self {
            of: profiles.collect(),
        }
    }

    fn find(&self, tree: &Tree) -> Option<&Profile> {
        let key = (tree.run().to_owned(), tree.problem_id().to_owned());
        self.of.get(&key)
    }
}

impl Profile {
    fn of(grove: &Grove, tree: &Tree) -> Self {
        let mut right = HashMap::new();
        // Nothing of the question is known but one way.
        if !grove.is_sampled(None) {
            return Self::default();
        }
        for (node, found) in tree.nodes() {
            let key = step_key(&found.step.id);
            let Some(at) = grove.node_of(key).filter(|_| is_known(grove, tree, node)) else {
                continue;
            };
            let standing = grove.standing(Some(at));
            right.extend(standing.map(|standing| (key, standing.right >= RIGHT)));
        }
        let first_error = first_error(grove, tree, &right);
        Self { right, first_error }
    }
}

fn place(grove: &Grove, tree: &Tree, node: NodeIndex) -> Option<u32> {
    grove.node_of(step_key(&tree.node(node).step.id))
}

/// Whether the log knows V after a step from more than its own way on; of a step
/// that ends a way, from more than this way to there.
fn is_known(grove: &Grove, tree: &Tree, node: NodeIndex) -> bool {
    let Some(at) = place(grove, tree, node) else {
        return false;
    };
    let before = tree.node(node).parent;
    let before = before.map(|before| place(grove, tree, before));
    let ends = || grove.standing(Some(at)).is_some_and(|v| v.draws == 0);
    let beside = || match before {
        None => true,
        Some(before) => before.is_some_and(|before| grove.is_sampled(Some(before))),
    };
    grove.is_sampled(Some(at)) || (ends() && beside())
}

/// The first error of the main line. Where the question was lost before any
/// step, none of them lost it.
fn first_error(grove: &Grove, tree: &Tree, right: &HashMap<u64, bool>) -> Option<FirstError> {
    let path = tree.main_line();
    let leaf = path.last()?;
    let verdict = tree.node(*leaf).outcome()?.verdict;
    let said = |node: &NodeIndex| right.contains_key(&step_key(&tree.node(*node).step.id));
    match verdict {
        Verdict::Ungraded => None,
        Verdict::Correct => path.iter().any(said).then_some(FirstError::None),
        Verdict::Wrong => {
            let nodes: Option<Vec<u32>> =
                path.iter().map(|&node| place(grove, tree, node)).collect();
            let profile = grove.profile(&grove.line_of(nodes?, Some(verdict)));
            let at = usize::try_from(Grove::lost_from(&profile)?)
                .ok()?
                .checked_sub(1)?;
            let before = profile.get(at).copied().flatten()?;
            let before_it = at.checked_sub(1).and_then(|before| path.get(before));
            let known = said(path.get(at)?) && before_it.is_none_or(said);
            (known && before.right >= Grove::LOST).then_some(FirstError::At(at))
        }
    }
}

impl Rater for ValueProfile {
    fn name(&self) -> String {
        "value profile".to_owned()
    }

    fn is_right(&self, tree: &Tree, node: NodeIndex) -> Option<bool> {
        let key = step_key(&tree.node(node).step.id);
        self.find(tree)?.right.get(&key).copied()
    }

    /// Of the main line, whatever `path` is: that is what others are asked of.
    fn first_error(&self, tree: &Tree, _path: &[NodeIndex]) -> Option<FirstError> {
        self.find(tree)?.first_error
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::eval::sample_runs::{decision, head, outcome, step};
    use crate::survey::Fact;
    use crate::trace::record::Record;

    /// A forest of one problem, its leaves in this order: every step is named by
    /// its path. The main line is the last one.
    fn forest(leaves: &[(&str, bool)]) -> (Survey, Labelled) {
        let mut records = vec![Record::Run(Box::new(head("a", "small")))];
        let mut known: Vec<&str> = Vec::new();
        for (leaf, right) in leaves {
            for end in 1..=leaf.len() {
                let id = &leaf[..end];
                if !known.contains(&id) {
                    known.push(id);
                    records.push(Record::Step(Arc::new(step("a", "p", id, 0.5))));
                    if end < leaf.len() {
                        records.push(decision("a", "p", id, "s", 1.0));
                    }
                }
            }
            let verdict = match right {
                true => Verdict::Correct,
                false => Verdict::Wrong,
            };
            records.push(outcome("a", "p", leaf, verdict, 1.0));
        }
        let mut survey = Survey::default();
        records
            .iter()
            .filter_map(Fact::of)
            .for_each(|fact| survey.add(fact));
        let tree = Tree::from_records("a", "p", records);
        let labelled = Labelled {
            trees: vec![tree],
            damages: Vec::new(),
        };
        (survey, labelled)
    }

    /// What it says of the steps of the main line, and where the first error is.
    fn said(leaves: &[(&str, bool)]) -> (Vec<Option<bool>>, Option<FirstError>) {
        let (survey, labelled) = forest(leaves);
        let tree = &labelled.trees[0];
        let profile = ValueProfile::of(&survey, &labelled, &|_, _| Err("not made".to_owned()));
        let path = tree.main_line();
        let steps = path.iter().map(|&node| profile.is_right(tree, node));
        (steps.collect(), profile.first_error(tree, &path))
    }

    #[test]
    fn the_step_that_loses_it_is_the_first_error() {
        // V: 1/2 after `s`, 0 after `ss` (of two), 0 at the end.
        let leaves = [("sS", true), ("ssS", false), ("sss", false)];
        let (steps, first) = said(&leaves);
        assert_eq!(steps, [Some(true), Some(false), Some(false)]);
        assert_eq!(first, Some(FirstError::At(1)));
        // The other way round the last line is right throughout.
        let (steps, first) = said(&[("ss", false), ("sS", true)]);
        assert_eq!(steps, [Some(true), Some(true)]);
        assert_eq!(first, Some(FirstError::None));
    }

    #[test]
    fn what_only_one_way_tells_is_not_said() {
        assert_eq!(said(&[("sss", false)]), (vec![None; 3], None));
        // Behind `ss` there is only this way: whether `ss` lost it or `sss`
        // nobody knows.
        let (steps, first) = said(&[("sS", true), ("sss", false)]);
        assert_eq!(steps, [Some(true), None, None]);
        assert_eq!(first, None);
        // The question was lost before any step.
        let (steps, first) = said(&[("sS", false), ("ss", false)]);
        assert_eq!(steps, [Some(false), Some(false)]);
        assert_eq!(first, None);
    }
}
