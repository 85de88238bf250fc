//! Agreement of every two raters who rated the same.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::eval::agreement::{Agreement, Item, agreement};
use crate::trace::label::FirstError;
use crate::trace::{NodeIndex, Tree};

use super::rater::{Rater, SCORERS};
use super::{Labelled, Person};

/// Two raters, one of them a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    pub first: String,
    pub second: String,
    /// Over steps that both found right or wrong; the steps of a trajectory are
    /// a cluster.
    pub steps: Agreement,
    /// Over trajectories (main lines) of which both say where the first error
    /// is: the same step, or that there is none.
    pub first_error: Agreement,
}

/// Steps and first errors that two raters have in common.
#[derive(Default)]
struct Common {
    steps: Vec<Item<bool>>,
    first_errors: Vec<Item<FirstError>>,
}

/// Everybody who may be compared: people, then scorers, then `more`.
fn raters(labelled: &Labelled, more: Vec<Box<dyn Rater>>) -> Vec<Box<dyn Rater>> {
    let people = labelled.people().into_iter();
    let people = people.map(|who| Box::new(Person(who.to_owned())) as Box<dyn Rater>);
    let scorers = SCORERS.map(|scorer| Box::new(scorer) as Box<dyn Rater>);
    people.chain(scorers).chain(more).collect()
}

/// The agreement of every two people, and of people with scorers and with
/// `more` raters, who rated the same; with `who` only that person's.
pub fn pairs(labelled: &Labelled, who: Option<&str>, more: Vec<Box<dyn Rater>>) -> Vec<Pair> {
    let raters = raters(labelled, more);
    let wanted = |a: &dyn Rater, b: &dyn Rater| {
        let named = |rater: &dyn Rater| who.is_none_or(|who| rater.name() == who);
        // People come before all others.
        a.is_person() && (named(a) || (b.is_person() && named(b)))
    };
    let mut common: BTreeMap<(usize, usize), Common> = BTreeMap::new();
    for (cluster, tree) in labelled.trees.iter().enumerate() {
        let nodes: Vec<NodeIndex> = tree.nodes().map(|(node, _)| node).collect();
        let path = tree.main_line();
        let rates = rates(&raters, tree, &nodes, &path);
        for (at, (a, first)) in rates.iter().enumerate() {
            for (b, second) in &rates[at + 1..] {
                if wanted(&*raters[*a], &*raters[*b]) {
                    let found = common.entry((*a, *b)).or_default();
                    found.add(first, second, cluster);
                }
            }
        }
    }
    let made = common.into_iter().map(|((a, b), common)| Pair {
        first: raters[a].name(),
        second: raters[b].name(),
        steps: agreement(&common.steps),
        first_error: agreement(&common.first_errors),
    });
    made.filter(|pair| pair.steps.items + pair.first_error.items > 0)
        .collect()
}

/// What a rater says of a trajectory.
struct Rates {
    steps: Vec<Option<bool>>,
    first_error: Option<FirstError>,
}

/// Those who say anything of a trajectory, by their place.
fn rates(
    raters: &[Box<dyn Rater>],
    tree: &Tree,
    nodes: &[NodeIndex],
    path: &[NodeIndex],
) -> Vec<(usize, Rates)> {
    let of = |rater: &dyn Rater| Rates {
        steps: nodes
            .iter()
            .map(|&node| rater.is_right(tree, node))
            .collect(),
        first_error: rater.first_error(tree, path).filter(|_| !path.is_empty()),
    };
    let all = raters.iter().map(|rater| of(&**rater)).enumerate();
    all.filter(|(_, rates)| rates.first_error.is_some() || rates.steps.iter().any(Option::is_some))
        .collect()
}

impl Common {
    fn add(&mut self, first: &Rates, second: &Rates, cluster: usize) {
        let both = first.steps.iter().zip(&second.steps);
        let both = both.filter_map(|(a, b)| (*a).zip(*b));
        self.steps.extend(both.map(|(first, second)| Item {
            first,
            second,
            cluster,
        }));
        let both = first.first_error.zip(second.first_error);
        self.first_errors.extend(both.map(|(first, second)| Item {
            first,
            second,
            cluster,
        }));
    }
}
