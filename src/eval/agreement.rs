//! How far two raters agree beyond chance: Cohen's κ with its large-sample
//! interval.
//!
//! κ = (p_o − p_e) / (1 − p_e), with p_o the share of items that both put in the
//! same category and p_e the share that would be by the raters' own habits. It
//! is not defined where both put everything in one and the same category: then
//! agreement is what chance gives, and 1 would flatter.
//!
//! The standard error is that of Fleiss, Cohen and Everitt (1969), a sum over
//! items of how much each moves κ. Items of one cluster (the steps of one
//! trajectory) are not drawn independently: their moves are added before they
//! are squared, which is the same formula where every item is a cluster of its
//! own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::train::Z95;

/// One item that both raters rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<C> {
    pub first: C,
    pub second: C,
    /// Items of the same number are of one cluster.
    pub cluster: usize,
}

/// How far two raters agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Items that both rated.
    pub items: usize,
    pub clusters: usize,
    /// Share of the items on which they agree; `None` without any.
    pub observed: Option<f64>,
    /// The share by chance.
    pub expected: Option<f64>,
    /// `None` where it is not defined.
    pub kappa: Option<f64>,
    /// Of κ; `None` where κ is not defined or one cluster says nothing of others.
    pub standard_error: Option<f64>,
    /// 95 %, within −1 and 1; `None` also where the standard error is 0, as with
    /// full agreement: that a few items agree does not say that all would.
    pub interval: Option<(f64, f64)>,
}

/// Agreement over items.
pub fn agreement<C: Ord + Copy>(items: &[Item<C>]) -> Agreement {
    let clusters: BTreeSet<usize> = items.iter().map(|item| item.cluster).collect();
    let mut found = Agreement {
        items: items.len(),
        clusters: clusters.len(),
        observed: None,
        expected: None,
        kappa: None,
        standard_error: None,
        interval: None,
    };
    if items.is_empty() {
        return found;
    }
    let n = items.len() as f64;
    let first = shares(items.iter().map(|item| item.first), n);
    let second = shares(items.iter().map(|item| item.second), n);
    let share = |of: &BTreeMap<C, f64>, category: C| of.get(&category).copied().unwrap_or(0.0);
    let agreed = items.iter().filter(|item| item.first == item.second);
    let observed = agreed.count() as f64 / n;
    let by_chance = first
        .iter()
        .map(|(&category, p)| p * share(&second, category));
    let expected: f64 = by_chance.sum();
    found.observed = Some(observed);
    found.expected = Some(expected);
    // Both have one category only, the same: their shares are exactly 1.
    if first.len() == 1 && first.keys().eq(second.keys()) {
        return found;
    }
    let kappa = (observed - expected) / (1.0 - expected);
    found.kappa = Some(kappa);
    // How much an item moves κ, but for a factor.
    let pull = |item: &Item<C>| match item.first == item.second {
        true => {
            let both = share(&first, item.first) + share(&second, item.first);
            1.0 - both * (1.0 - kappa)
        }
        false => {
            let crossed = share(&second, item.first) + share(&first, item.second);
            -(1.0 - kappa) * crossed
        }
    };
    let mean = kappa - expected * (1.0 - kappa);
    let mut moves: BTreeMap<usize, f64> = BTreeMap::new();
    for item in items {
        *moves.entry(item.cluster).or_default() += pull(item) - mean;
    }
    if moves.len() < 2 {
        return found;
    }
    let squares: f64 = moves.values().map(|moved| moved * moved).sum();
    let error = squares.sqrt() / (n * (1.0 - expected));
    found.standard_error = Some(error);
    // What is left of rounding is no error.
    if error > 1e-12 {
        let (low, high) = (kappa - Z95 * error, kappa + Z95 * error);
        found.interval = Some((low.max(-1.0), high.min(1.0)));
    }
    found
}

/// The share of each category.
fn shares<C: Ord>(categories: impl Iterator<Item = C>, n: f64) -> BTreeMap<C, f64> {
    let mut counts: BTreeMap<C, usize> = BTreeMap::new();
    for category in categories {
        *counts.entry(category).or_default() += 1;
    }
    let share = |(category, count): (C, usize)| (category, count as f64 / n);
    counts.into_iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Every item a cluster of its own, from a table of counts.
    fn items(table: &[&[usize]]) -> Vec<Item<usize>> {
        let mut items = Vec::new();
        for (first, row) in table.iter().enumerate() {
            for (second, &count) in row.iter().enumerate() {
                for _ in 0..count {
                    let cluster = items.len();
                    items.push(Item {
                        first,
                        second,
                        cluster,
                    });
                }
            }
        }
        items
    }

    fn close(found: Option<f64>, expected: f64, within: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < within, "{found} {expected}");
    }

    #[test]
    fn cohen_s_own_example() {
        // Cohen 1960, three diagnoses of 200 people: κ = .492.
        let found = agreement(&items(&[&[88, 14, 18], &[10, 40, 10], &[2, 6, 12]]));
        close(found.observed, 0.70, 1e-12);
        close(found.expected, 0.41, 1e-12);
        close(found.kappa, 0.492, 5e-4);
    }

    #[test]
    fn fleiss_s_example_with_its_standard_error() {
        // Fleiss 1981, section 13.1, 100 people: κ = .68, standard error .087.
        let found = agreement(&items(&[&[75, 1, 4], &[5, 4, 1], &[0, 0, 10]]));
        close(found.kappa, 0.23 / 0.34, 1e-12);
        close(found.standard_error, 0.0877, 5e-5);
        let (low, high) = found.interval.unwrap();
        assert!((low - 0.504_6).abs() < 1e-3 && (high - 0.848_4).abs() < 1e-3);
    }

    #[test]
    fn two_categories_by_hand() {
        // p_o = .7, p_e = .5 · .6 + .5 · .4 = .5, κ = .4.
        let found = agreement(&items(&[&[20, 5], &[10, 15]]));
        close(found.kappa, 0.4, 1e-12);
        close(found.standard_error, 0.126_996, 1e-6);
    }

    #[test]
    fn what_chance_gives_is_not_agreement() {
        let one = agreement(&items(&[&[30]]));
        assert_eq!(
            (one.observed, one.kappa),
            (Some(1.0), None),
            "undefined, not 1"
        );
        let none = agreement::<bool>(&[]);
        assert_eq!((none.items, none.observed, none.kappa), (0, None, None));
        // One rater has one category, the other two: as chance has it.
        let habit = agreement(&items(&[&[20, 10], &[0, 0]]));
        close(habit.kappa, 0.0, 1e-12);
        // Each has one, another one.
        let apart = agreement(&items(&[&[0, 30], &[0, 0]]));
        close(apart.kappa, 0.0, 1e-12);
        let full = agreement(&items(&[&[3, 0], &[0, 4]]));
        close(full.kappa, 1.0, 1e-12);
        assert_eq!(full.interval, None, "seven items do not say that all would");
    }

    #[test]
    fn items_of_one_cluster_count_together() {
        let alone = items(&[&[20, 5], &[10, 15]]);
        // Each item twice, both in one cluster: as much is known as before.
        let twice: Vec<Item<usize>> = alone.iter().flat_map(|item| [*item, *item]).collect();
        let (single, double) = (agreement(&alone), agreement(&twice));
        close(double.kappa, single.kappa.unwrap(), 1e-12);
        close(double.standard_error, single.standard_error.unwrap(), 1e-12);
        assert_eq!((double.items, double.clusters), (100, 50));
        let mut one = alone;
        one.iter_mut().for_each(|item| item.cluster = 0);
        assert_eq!(agreement(&one).standard_error, None);
    }

    proptest! {
        #[test]
        fn kappa_is_symmetric_and_bounded(
            pairs in vec((0_u8..3, 0_u8..3, 0_usize..5), 0..40),
        ) {
            let of = |turned: bool| {
                let items: Vec<Item<u8>> = pairs
                    .iter()
                    .map(|&(a, b, cluster)| match turned {
                        true => Item { first: b, second: a, cluster },
                        false => Item { first: a, second: b, cluster },
                    })
                    .collect();
                agreement(&items)
            };
            let (found, turned) = (of(false), of(true));
            match (found.kappa, turned.kappa) {
                (Some(a), Some(b)) => {
                    prop_assert!((a - b).abs() < 1e-9);
                    prop_assert!((-1.0..=1.0 + 1e-9).contains(&a));
                }
                (a, b) => prop_assert_eq!(a, b),
            }
            if let Some((low, high)) = found.interval {
                prop_assert!(low <= found.kappa.unwrap() && found.kappa.unwrap() <= high);
            }
        }
    }
}
