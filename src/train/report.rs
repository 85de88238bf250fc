//! The figures of a trained policy beside those of other rules, on one split
//! of a forest: the same problems, the same continuations, equal accounting.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::Network;
use crate::problem::split::Split;
use crate::router::{Router, RouterError};
use crate::signal::confidence::Source;

use super::evaluate::{Figures, Outcome, outcomes};
use super::floor::{Floor, floor};
use super::hull::Hull;
use super::interval::bootstrap;
use super::oracle::oracle;
use super::params::CostLedger;
use super::prepared::Prepared;
use super::run::deployed;
use super::soft::forced;

/// Points of a frontier.
const POINTS: u32 = 40;

/// One rule's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    pub name: String,
    pub figures: Figures,
    /// Cost relative to the large model alone, in the ledger learnt on.
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

/// What another rule pays, at the least, for the accuracy that the policy
/// reached: on the concave hull of its frontier, that is with coins between
/// two values of its parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Saving {
    /// The rule compared with.
    pub than: String,
    /// Accuracy and relative cost of the policy.
    pub accuracy: f64,
    pub ours: f64,
    /// `None` where the rule does not reach this accuracy.
    pub theirs: Option<f64>,
}

/// Everything computed on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    pub split: Split,
    /// Problems of the split whose forest holds every continuation, every end
    /// graded: what everything here is computed on, so that every rule is on
    /// the same ground.
    pub problems: usize,
    /// Problems of the split with a graded reference.
    pub of: usize,
    /// The ledger learnt on, in which costs are compared.
    pub ledger: CostLedger,
    pub floor: Option<Floor>,
    /// The policy at its κ, then the anchors.
    pub rows: Vec<Row>,
    /// The policy at other κ, dearest first; where a larger one changes
    /// nothing any more it ends.
    pub policy_frontier: Vec<Row>,
    /// Rules with one number to set, at many values of it.
    pub frontiers: Vec<Frontier>,
    /// At the accuracy of the policy.
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
        let wanted = seen.map_or_else(
            || vec![0.0; allowed.len()],
            |seen| router.decide(&seen, 0.5).distribution(allowed.len()),
        );
        masked(&wanted, allowed)
    })
}

/// Probabilities over the allowed models alone; the most capable of them where
/// a rule wanted none.
fn masked(wanted: &[f64], allowed: &[bool]) -> Vec<f64> {
    let kept = |(p, allowed): (&f64, &bool)| if *allowed { *p } else { 0.0 };
    let kept: Vec<f64> = wanted.iter().zip(allowed).map(kept).collect();
    let total: f64 = kept.iter().sum();
    match total > 0.0 {
        true => kept.into_iter().map(|p| p / total).collect(),
        false => forced(allowed),
    }
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
    ledger: CostLedger,
}

impl Against {
    #[must_use]
    pub fn new(prepared: &Prepared<'_>, small: &dyn Router, ledger: CostLedger) -> Self {
        Self {
            ledger,
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
        let cost: fn(&Outcome) -> f64 = match self.ledger {
            CostLedger::Published => |outcome| outcome.published,
            CostLedger::Full => |outcome| outcome.full,
        };
        let relative =
            |sample: &[usize]| mean(found, cost, sample) / mean(&self.large, cost, sample);
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
    #[must_use]
    pub fn point(&self, name: String, found: &[Outcome]) -> Option<Row> {
        self.compare(name, found, false)
    }
}

/// A router, or why it cannot be made.
pub type Made = Result<Arc<dyn Router>, RouterError>;

/// The rules that a report compares with, made by whoever knows the pool.
pub struct Others {
    pub small: Arc<dyn Router>,
    /// The large model at every decision, after a first step by the small one.
    pub large: Arc<dyn Router>,
    /// `threshold` by a confidence, at a t.
    pub threshold: Box<dyn Fn(Source, f64) -> Made>,
    /// `random` at a probability.
    pub random: Box<dyn Fn(f64) -> Made>,
}

/// Compares the policy with other rules on the problems of a split whose
/// forest is complete; `None` where none is.
///
/// # Errors
/// A rule that cannot be made.
pub fn report(
    split: Split,
    all: &Prepared<'_>,
    ledger: CostLedger,
    (network, kappa): (&Network, f64),
    others: &Others,
) -> Result<Option<Report>, RouterError> {
    let prepared = &all.complete();
    if prepared.problems().is_empty() {
        return Ok(None);
    }
    let against = Against::new(prepared, &*others.small, ledger);
    let mut rows = Vec::new();
    rows.extend(against.row(POLICY, &of_policy(prepared, network, kappa)));
    rows.extend(against.anchors());
    let after_first = of_router(prepared, &*others.large);
    rows.extend(against.row("large after a first step by small", &after_first));
    rows.extend(against.row("oracle", &oracle(prepared)));

    let mut policy_frontier = frontier(&pi_levels(prepared, network), |kappa| {
        Ok(against.point(
            format!("κ={kappa:.4}"),
            &of_policy(prepared, network, kappa),
        ))
    })?;
    // From some κ on only the most probable model counts.
    policy_frontier.dedup_by(|later, earlier| later.figures == earlier.figures);
    let mut frontiers = Vec::new();
    for source in Source::TRAINED {
        let levels = confidence_levels(prepared, source);
        let points = frontier(&levels, |t| {
            let found = of_router(prepared, &*(others.threshold)(source, t)?);
            Ok(against.point(format!("t={t:.4}"), &found))
        })?;
        // A confidence that the pool does not give has no levels.
        if !points.is_empty() {
            let rule = format!("threshold:signal={source}");
            frontiers.push(Frontier { rule, points });
        }
    }
    let shares: Vec<f64> = (0..=20).map(|n| f64::from(n) / 20.0).collect();
    let points = frontier(&shares, |p| {
        let found = of_router(prepared, &*(others.random)(p)?);
        Ok(against.point(format!("p={p:.2}"), &found))
    })?;
    frontiers.push(Frontier {
        rule: "random".to_owned(),
        points,
    });
    let savings = rows.first().map_or_else(Vec::new, |policy| {
        let all = frontiers.iter();
        all.filter_map(|frontier| saving(policy, frontier))
            .collect()
    });
    let problems = prepared.problems().iter();
    let counts = problems.map(|p| p.forest.reference_counts());
    Ok(Some(Report {
        split,
        problems: prepared.problems().len(),
        of: all.problems().len(),
        ledger,
        floor: floor(counts),
        savings,
        rows,
        policy_frontier,
        frontiers,
    }))
}

/// Name of the policy's row.
pub const POLICY: &str = "policy";

impl Report {
    /// The policy's row.
    #[must_use]
    pub fn policy(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == POLICY)
    }
}

fn frontier(
    levels: &[f64],
    point: impl Fn(f64) -> Result<Option<Row>, RouterError>,
) -> Result<Vec<Row>, RouterError> {
    let points = levels.iter().map(|&level| point(level));
    points.filter_map(Result::transpose).collect()
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

fn saving(policy: &Row, than: &Frontier) -> Option<Saving> {
    let accuracy = policy.figures.accuracy;
    Some(Saving {
        than: than.rule.clone(),
        accuracy,
        ours: policy.relative_cost?.value,
        theirs: cost_at(&than.points, accuracy),
    })
}

/// Least cost at an accuracy on the concave hull of points; `None` beyond it.
fn cost_at(points: &[Row], accuracy: f64) -> Option<f64> {
    let place = |row: &Row| Some((row.relative_cost?.value, row.figures.accuracy));
    Hull::of(points.iter().filter_map(place)).cost_at(accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_may_not_run_get_no_probability() {
        assert_eq!(masked(&[0.25, 0.75], &[true, true]), [0.25, 0.75]);
        assert_eq!(masked(&[1.0, 0.0], &[false, true]), [0.0, 1.0]);
        assert_eq!(
            masked(&[0.2, 0.3, 0.5], &[true, true, false]),
            [0.4, 0.6, 0.0]
        );
    }
}
