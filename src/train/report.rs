//! The figures of a trained policy beside those of other rules, on one split
//! of a forest: the same problems, the same continuations, equal accounting.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::Network;
use crate::problem::split::Split;
use crate::router::Router;
use crate::signal::confidence::Source;

use super::evaluate::{Figures, Outcome, outcomes};
use super::floor::{Floor, floor};
use super::interval::bootstrap;
use super::oracle::oracle;
use super::prepared::Prepared;
use super::run::deployed;

/// Points of a frontier.
const POINTS: u32 = 40;

/// One rule's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    pub name: String,
    pub figures: Figures,
    /// Published cost relative to the large model alone.
    pub relative_cost: Option<Bounded>,
    /// Share of the accuracy gap between the small and the large model alone
    /// that is recovered.
    pub gap: Option<Bounded>,
}

/// A figure with its 95 % bootstrap interval over problems, where there is
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    pub value: f64,
    pub interval: Option<[f64; 2]>,
}

/// What the policy and another rule pay for the same accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Saving {
    /// The rule compared with.
    pub than: String,
    /// Accuracy of their point.
    pub accuracy: f64,
    /// Relative cost of their point …
    pub theirs: f64,
    /// … and of the cheapest point of the policy's that is as accurate; `None`
    /// where there is none.
    pub ours: Option<f64>,
}

/// Everything computed on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    pub split: Split,
    pub floor: Option<Floor>,
    /// The policy at its κ, then the anchors.
    pub rows: Vec<Row>,
    /// The policy at other κ, dearest first.
    pub policy_frontier: Vec<Row>,
    /// Rules with one number to set, at many values of it.
    pub frontiers: Vec<Frontier>,
    /// At accuracies within reach of the policy's κ.
    pub savings: Vec<Saving>,
}

/// One rule at many values of its parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Frontier {
    pub rule: String,
    pub points: Vec<Row>,
}

/// The large model alone: what its reference run did.
pub fn alone(prepared: &Prepared<'_>) -> Vec<Outcome> {
    let one = |problem: &super::prepared::PreparedProblem<'_>| {
        let (right, graded) = problem.forest.reference_counts();
        let (p, n) = (f64::from(right) / f64::from(graded), f64::from(graded));
        Outcome {
            known: 1.0,
            success: p,
            // Against an answer of its own: p(1 − p), without bias.
            miss: if graded > 1 {
                p * (1.0 - p) * n / (n - 1.0)
            } else {
                f64::NAN
            },
            published: problem.forest.alone.published.unwrap_or(f64::NAN),
            full: problem.forest.alone.full.unwrap_or(f64::NAN),
            decisions: 1.0,
            escalations: 1.0,
            step_miss: 0.0,
        }
    };
    prepared.problems().iter().map(one).collect()
}

/// What a router does on prepared problems, seeing the confidence it reads.
pub fn of_router(prepared: &Prepared<'_>, router: &dyn Router) -> Vec<Outcome> {
    outcomes(prepared, &|place, allowed| {
        let seen = place.step.seen_by(router.signal());
        // Only leaves have nothing to be seen, and after them nobody decides.
        seen.map_or_else(
            || vec![0.0; allowed.len()],
            |seen| router.decide(&seen, 0.5).distribution(allowed.len()),
        )
    })
}

/// What the deployed policy does at a threshold.
pub fn of_policy(prepared: &Prepared<'_>, network: &Network, kappa: f64) -> Vec<Outcome> {
    outcomes(prepared, &|place, allowed| {
        deployed(network, kappa, place.observation, allowed)
    })
}

/// Measures rules against the models alone, on the same problems.
pub struct Against {
    small: Vec<Outcome>,
    large: Vec<Outcome>,
}

impl Against {
    #[must_use]
    pub fn new(prepared: &Prepared<'_>, small: &dyn Router) -> Self {
        Self {
            small: of_router(prepared, small),
            large: alone(prepared),
        }
    }

    /// The small and the large model alone.
    #[must_use]
    pub fn anchors(&self) -> Vec<Row> {
        let small = self.row("small", &self.small);
        small
            .into_iter()
            .chain(self.row("large", &self.large))
            .collect()
    }

    /// Figures of a rule with intervals; `None` where nothing is known.
    #[must_use]
    pub fn row(&self, name: &str, found: &[Outcome]) -> Option<Row> {
        self.compare(name.to_owned(), found, true)
    }

    fn compare(&self, name: String, found: &[Outcome], intervals: bool) -> Option<Row> {
        let n = found.len();
        // Two rules are compared where both are known.
        let known = |at: &&usize| found[**at].known > 0.0 && self.small[**at].known > 0.0;
        let mean = |of: &[Outcome], value: fn(&Outcome) -> f64, sample: &[usize]| {
            let values: Vec<f64> = sample
                .iter()
                .filter(known)
                .map(|&at| value(&of[at]))
                .collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let relative = |sample: &[usize]| {
            mean(found, |o| o.published, sample) / mean(&self.large, |o| o.published, sample)
        };
        let gap = |sample: &[usize]| {
            let success = |of| mean(of, |o| o.success, sample);
            let small = success(&self.small);
            (success(found) - small) / (success(&self.large) - small)
        };
        let all: Vec<usize> = (0..n).collect();
        let bounded = |figure: &dyn Fn(&[usize]) -> f64| {
            let value = figure(&all);
            value.is_finite().then(|| Bounded {
                value,
                interval: intervals.then(|| bootstrap(n, figure)).flatten(),
            })
        };
        Some(Row {
            name,
            figures: Figures::of(found)?,
            relative_cost: bounded(&relative),
            gap: bounded(&gap),
        })
    }

    /// As [`Against::row`], without intervals: a point of a frontier.
    fn point(&self, name: String, found: &[Outcome]) -> Option<Row> {
        self.compare(name, found, false)
    }
}

/// The rules that a report compares with, made by whoever knows the pool.
pub struct Others {
    pub small: Arc<dyn Router>,
    /// The large model at every decision, after a first step by the small one.
    pub large: Arc<dyn Router>,
    /// `threshold` by a confidence, at a t.
    pub threshold: Box<dyn Fn(Source, f64) -> Arc<dyn Router>>,
    /// `random` at a probability.
    pub random: Box<dyn Fn(f64) -> Arc<dyn Router>>,
}

/// Compares the policy with other rules on one split.
#[must_use]
pub fn report(
    split: Split,
    prepared: &Prepared<'_>,
    network: &Network,
    kappa: f64,
    others: &Others,
) -> Report {
    let against = Against::new(prepared, &*others.small);
    let mut rows = Vec::new();
    rows.extend(against.row("policy", &of_policy(prepared, network, kappa)));
    rows.extend(against.anchors());
    let after_first = of_router(prepared, &*others.large);
    rows.extend(against.row("large after a first step by small", &after_first));
    rows.extend(against.row("oracle", &oracle(prepared)));

    let policy_frontier = frontier(&pi_levels(prepared, network), |kappa| {
        against.point(
            format!("κ={kappa:.4}"),
            &of_policy(prepared, network, kappa),
        )
    });
    let mut frontiers = Vec::new();
    let mut savings = Vec::new();
    for source in Source::ALL {
        let levels = confidence_levels(prepared, source);
        let points = frontier(&levels, |t| {
            let found = of_router(prepared, &*(others.threshold)(source, t));
            against.point(format!("t={t:.4}"), &found)
        });
        // A confidence that the pool does not give has no levels.
        if !points.is_empty() {
            let rule = format!("threshold:signal={source}");
            savings.extend(saved(&policy_frontier, &rule, &points));
            frontiers.push(Frontier { rule, points });
        }
    }
    let shares: Vec<f64> = (0..=20).map(|n| f64::from(n) / 20.0).collect();
    let points = frontier(&shares, |p| {
        let found = of_router(prepared, &*(others.random)(p));
        against.point(format!("p={p:.2}"), &found)
    });
    frontiers.push(Frontier {
        rule: "random".to_owned(),
        points,
    });
    let counts = prepared
        .problems()
        .iter()
        .map(|p| p.forest.reference_counts());
    Report {
        split,
        floor: floor(counts),
        savings,
        rows,
        policy_frontier,
        frontiers,
    }
}

fn frontier(levels: &[f64], point: impl Fn(f64) -> Option<Row>) -> Vec<Row> {
    levels.iter().filter_map(|&level| point(level)).collect()
}

/// Evenly spaced quantiles of values, each once, with one above all of them.
fn quantiles(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |point: u32| values.get(point as usize * last / POINTS as usize).copied();
    let mut levels: Vec<f64> = (0..=POINTS).filter_map(at).collect();
    levels.extend(values.last().map(|most| most + 1e-6 * most.abs().max(1e-6)));
    levels.dedup();
    levels
}

fn pi_levels(prepared: &Prepared<'_>, network: &Network) -> Vec<f64> {
    let mut levels = Vec::new();
    for problem in prepared.problems() {
        for (at, step) in problem.forest.steps.iter().enumerate() {
            if step.leaf.is_none() {
                let pi = network.probabilities(problem.place(at).observation);
                levels.extend(pi.last().filter(|p| p.is_finite()));
            }
        }
    }
    quantiles(levels)
}

fn confidence_levels(prepared: &Prepared<'_>, source: Source) -> Vec<f64> {
    let steps = prepared.problems().iter().flat_map(|p| &p.forest.steps);
    let seen = steps.filter_map(|step| step.seen_by(source)?.confidence);
    quantiles(seen.collect())
}

/// At every point of `theirs` that no cheaper one of theirs reaches: what the
/// policy pays for as much. Accuracies below that of the policy's cheapest
/// point are left out: for them another α is to be trained.
fn saved(ours: &[Row], than: &str, theirs: &[Row]) -> Vec<Saving> {
    let cost = |row: &Row| row.relative_cost.map(|cost| cost.value);
    let cheapest = |rows: &[Row], accuracy: f64| {
        let reach = rows.iter().filter(|row| row.figures.accuracy >= accuracy);
        reach.filter_map(cost).min_by(f64::total_cmp)
    };
    let mut by_cost: Vec<&Row> = ours.iter().filter(|row| cost(row).is_some()).collect();
    by_cost.sort_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap_or(Ordering::Equal));
    let least = by_cost.first().map_or(0.0, |row| row.figures.accuracy);
    let mut savings = Vec::new();
    for row in theirs {
        let accuracy = row.figures.accuracy;
        if let Some(paid) = cost(row)
            && accuracy >= least
            && cheapest(theirs, accuracy) == Some(paid)
        {
            savings.push(Saving {
                than: than.to_owned(),
                accuracy,
                theirs: paid,
                ours: cheapest(ours, accuracy),
            });
        }
    }
    savings.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    savings.dedup_by(|a, b| a.accuracy == b.accuracy);
    savings
}
