//! Whoever says of steps whether they are right.

use crate::trace::label::{FirstError, Rating, first_error, first_error_of, together};
use crate::trace::record::{CHECKER, PRM, VERIFIER};
use crate::trace::{NodeIndex, Tree};

use super::time;

/// Somebody, or something, that rates steps: a person, a scorer, or a profile of
/// values along a trajectory.
pub trait Rater {
    /// As the report calls it.
    fn name(&self) -> String;

    /// Whether it is a person: raters that are none are only compared with
    /// people.
    fn is_person(&self) -> bool {
        false
    }

    /// Whether a step is right; `None` where it does not say.
    fn is_right(&self, tree: &Tree, node: NodeIndex) -> Option<bool>;

    /// Where the first error of a path is; `None` where it does not say.
    fn first_error(&self, tree: &Tree, path: &[NodeIndex]) -> Option<FirstError> {
        let wrong = |&node: &NodeIndex| Some(!self.is_right(tree, node)?);
        first_error(path.iter().map(wrong))
    }
}

/// A person by name. Neutral steps are neither right nor wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(pub String);

impl Person {
    /// What they say of the steps of a path, as far as anything.
    pub fn ratings(&self, tree: &Tree, path: &[NodeIndex]) -> Vec<Option<Rating>> {
        let of = |&node: &NodeIndex| {
            let (rating, said) = tree.node(node).rating_of(&self.0)?;
            Some((rating, time::read(&said.when)))
        };
        together(&path.iter().map(of).collect::<Vec<_>>())
    }
}

impl Rater for Person {
    fn name(&self) -> String {
        self.0.clone()
    }

    fn is_person(&self) -> bool {
        true
    }

    fn is_right(&self, tree: &Tree, node: NodeIndex) -> Option<bool> {
        tree.node(node).rating_of(&self.0)?.0.is_good()
    }

    fn first_error(&self, tree: &Tree, path: &[NodeIndex]) -> Option<FirstError> {
        let ratings = self.ratings(tree, path);
        // Who rated nothing here says nothing, not even of an empty path.
        ratings.iter().any(Option::is_some).then_some(())?;
        first_error_of(&ratings)
    }
}

/// A scorer whose scores go from 0, wrong, to 1: below one half is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scorer(pub &'static str);

/// The scorers that say of single steps whether they are right.
pub const SCORERS: [Scorer; 3] = [Scorer(PRM), Scorer(VERIFIER), Scorer(CHECKER)];

impl Rater for Scorer {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn is_right(&self, tree: &Tree, node: NodeIndex) -> Option<bool> {
        let scores = tree.node(node).scores.iter().rev();
        let own = scores.filter(|score| score.scorer == self.0);
        // The last one that says something holds.
        let value = own.filter_map(|score| score.value).next()?;
        Some(value >= 0.5)
    }
}
