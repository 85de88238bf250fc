//! `labels`: what people said of the steps in logs, how far they agree with each
//! other, with the scorers and with what came of the steps, and their labels in
//! the forms of data sets.

mod agree;
pub mod export;
mod profile;
mod rater;
mod report;
mod time;

use std::collections::BTreeMap;

use crate::trace::index::{FileDamage, Kind};
use crate::trace::label::Label;
use crate::trace::record::LabelRecord;
use crate::trace::{Log, Tree};

use super::Failure;

pub use agree::{Pair, pairs};
pub use profile::ValueProfile;
pub use rater::{Person, Rater, Scorer};
pub use report::{Counts, Report};

/// The labelled trajectories of a log.
#[derive(Debug, Default)]
pub struct Labelled {
    pub trees: Vec<Tree>,
    /// Lines of them that could not be read.
    pub damages: Vec<FileDamage>,
}

impl Labelled {
    /// Reads the trajectories in which somebody labelled a step, and no others.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn read(log: &Log) -> Result<Self, Failure> {
        let mut found = Self::default();
        for trajectory in log.trajectories() {
            if trajectory.count(Kind::Label) > 0 {
                let (tree, damages) = log.tree(trajectory.run, trajectory.problem)?;
                found.trees.push(tree);
                found.damages.extend(damages);
            }
        }
        Ok(found)
    }

    /// Every label with a word that is known, in log order of its trajectory.
    pub fn labels(&self) -> impl Iterator<Item = (Label, &LabelRecord)> {
        let nodes = self.trees.iter().flat_map(Tree::nodes);
        let labels = nodes.flat_map(|(_, node)| &node.labels);
        labels.filter_map(|label| Some((Label::named(&label.label)?, label)))
    }

    /// The people, those with most labels first.
    pub fn people(&self) -> Vec<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, label) in self.labels() {
            *counts.entry(&label.who).or_default() += 1;
        }
        let mut people: Vec<(&str, usize)> = counts.into_iter().collect();
        // Stable: equals stay in the order of their names.
        people.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        people.into_iter().map(|(who, _)| who).collect()
    }
}
