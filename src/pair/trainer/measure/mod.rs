//! Measures a pair: each model alone, how well confidence predicts wrong steps, and routing
//! before the step against a random control of the same share and an oracle.
//!
//! Thresholds are chosen on calibration problems and figures reported on evaluation problems;
//! both are held out from training by construction. Accuracies are means over decoding seeds;
//! intervals are 95 % bootstrap intervals over problems, paired where two rules are compared.

pub mod figures;
pub mod lab;
pub mod scorers;

use figures::{Figure, Row, Tally, area, auc, row};
use lab::{Judged, Lab, Rule, Signal, problems};

use super::network::Network;
use crate::pair::language::solution::Author;
use crate::pair::language::{Problem, Split};
use crate::pair::vocabulary::Vocabulary;

/// Shares of the small model's steps whose signal lies below the thresholds that are tried.
const TRIED: [f64; 9] = [0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50];
/// The shares of the cost-accuracy curve that is reported besides the chosen thresholds.
const CURVE: [f64; 4] = [0.15, 0.30, 0.45, 0.60];

/// How much to measure.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Plan {
    /// Number of calibration problems, each decoded once per rule.
    pub calibration: usize,
    /// Number of evaluation problems.
    pub evaluation: usize,
    /// Seed of the generator of the problems.
    pub seed: u64,
    /// Decoding seeds of every reported figure, counted from 0.
    pub seeds: u64,
    /// 0 is greedy.
    pub temperature: f32,
    /// Most a threshold may cost on the calibration problems, relative to the large model alone.
    pub cost_limit: f64,
    /// Does not change any figure.
    #[serde(skip)]
    pub threads: usize,
}

/// One threshold tried on the calibration problems.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Tried {
    /// Share of the small model's own steps below the threshold.
    pub flagged: f64,
    pub threshold: f64,
    pub accuracy: f64,
    /// Relative to the large model alone.
    pub cost: f64,
}

impl Report {
    /// What the program reads its default threshold from (`threshold_prob`), with how it was
    /// chosen.
    #[must_use]
    pub fn calibration_json(&self) -> serde_json::Value {
        let found = self
            .calibration
            .iter()
            .find(|found| found.signal == Signal::MinTop1);
        let chosen = found.map(|found| found.chosen);
        serde_json::json!({
            "threshold_prob": chosen.map(|chosen| chosen.threshold),
            "rule": format!(
                "the best accuracy on the calibration problems at a cost of at most {} of the \
                 large model alone, among thresholds that flag {} to {} of the small model's steps",
                self.plan.cost_limit, TRIED[0], TRIED[TRIED.len() - 1]
            ),
            "problems": self.plan.calibration,
            "seed": self.plan.seed,
            "temperature": f64::from((self.plan.temperature * 1e3).round()) / 1e3,
            "chosen": chosen,
            "tried": found.map(|found| &found.tried),
        })
    }
}

/// The calibration of one signal.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Calibration {
    pub signal: Signal,
    /// The best accuracy within the cost limit; among equals the cheapest.
    pub chosen: Tried,
    pub tried: Vec<Tried>,
}

/// Everything measured of a pair.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    pub plan: Plan,
    /// Large over small parameters.
    pub cost_ratio: f64,
    /// Area under the curve of "this step of the small model is wrong" for each signal.
    pub auc_mean_max_logit: Figure,
    pub auc_min_top1: Figure,
    /// The same for the large model's own steps.
    pub large_auc_min_top1: Figure,
    pub calibration: Vec<Calibration>,
    pub rows: Vec<Row>,
}

/// Measures a pair; `report` hears every row as it is done.
pub fn measure(
    small: &Network,
    large: &Network,
    plan: Plan,
    mut report: impl FnMut(&Row),
) -> Report {
    let vocabulary = Vocabulary::new();
    let lab = Lab {
        vocabulary: &vocabulary,
        small,
        large,
        temperature: plan.temperature,
        threads: plan.threads,
    };
    let calibrate = problems(Split::Calibration, plan.calibration, plan.seed);
    let calibration = calibrated(&lab, &calibrate, plan.cost_limit);
    let evaluation = problems(Split::Evaluation, plan.evaluation, plan.seed);
    let mut bench = Bench::new(&lab, &evaluation, plan.seeds);
    bench.rows.iter().for_each(&mut report);
    for found in &calibration {
        let Calibration { signal, chosen, .. } = found;
        let name = format!("{} < {:.4} (calibrated)", signal.name(), chosen.threshold);
        bench.with_control(&name, Rule::Below(*signal, chosen.threshold), plan.seeds);
        bench.rows.iter().rev().take(2).rev().for_each(&mut report);
    }
    bench.add("oracle: large after a wrong step", Rule::Oracle, plan.seeds);
    bench.rows.iter().rev().take(1).for_each(&mut report);
    let fitted = lab.run(Rule::Always(Author::Small), &calibrate, 0);
    for flagged in CURVE {
        let threshold = fitted_quantile(&fitted, Signal::MinTop1, flagged);
        let name = format!("{} < {threshold:.4} (curve)", Signal::MinTop1.name());
        // One seed: these points show the shape of the curve only.
        bench.with_control(&name, Rule::Below(Signal::MinTop1, threshold), 1);
        bench.rows.iter().rev().take(2).rev().for_each(&mut report);
    }
    Report {
        plan,
        cost_ratio: parameters(large) / parameters(small),
        auc_mean_max_logit: auc(&bench.small, Signal::MeanMaxLogit),
        auc_min_top1: auc(&bench.small, Signal::MinTop1),
        large_auc_min_top1: auc(&bench.large, Signal::MinTop1),
        calibration,
        rows: bench.rows,
    }
}

/// One model alone on held-out problems, one decoding each: a quick look at a run.
#[must_use]
pub fn alone(network: &Network, problems: &[Problem], temperature: f32, threads: usize) -> Row {
    let vocabulary = Vocabulary::new();
    let lab = Lab {
        vocabulary: &vocabulary,
        small: network,
        large: network,
        temperature,
        threads,
    };
    row(
        "alone",
        &[lab.run(Rule::Always(Author::Large), problems, 0)],
    )
}

/// Tries thresholds of both signals on the calibration problems.
fn calibrated(lab: &Lab<'_>, problems: &[Problem], cost_limit: f64) -> Vec<Calibration> {
    let fitted = lab.run(Rule::Always(Author::Small), problems, 0);
    let full = Tally::of(&[lab.run(Rule::Always(Author::Large), problems, 0)]).cost();
    let of = |signal| {
        let tried: Vec<Tried> = TRIED
            .iter()
            .map(|&flagged| {
                let threshold = fitted_quantile(&fitted, signal, flagged);
                let tally = Tally::of(&[lab.run(Rule::Below(signal, threshold), problems, 0)]);
                Tried {
                    flagged,
                    threshold,
                    accuracy: tally.accuracy(),
                    cost: tally.cost() / full,
                }
            })
            .collect();
        Calibration {
            signal,
            chosen: best(&tried, cost_limit),
            tried,
        }
    };
    [Signal::MinTop1, Signal::MeanMaxLogit].map(of).into()
}

/// The most accurate within the limit, the cheapest of all where none is.
fn best(tried: &[Tried], cost_limit: f64) -> Tried {
    let cheapest = |a: &&Tried, b: &&Tried| a.cost.total_cmp(&b.cost);
    let within = tried.iter().filter(|tried| tried.cost <= cost_limit);
    let found = within.max_by(|a, b| {
        let accuracy = a.accuracy.total_cmp(&b.accuracy);
        accuracy.then_with(|| b.cost.total_cmp(&a.cost))
    });
    *found
        .or_else(|| tried.iter().min_by(cheapest))
        .expect("thresholds are tried for every flagged share")
}

fn parameters(network: &Network) -> f64 {
    figures::count(network.weights.len())
}

/// The threshold that flags a share of the steps, to four decimals: as it is written down.
fn fitted_quantile(judged: &[Judged], signal: Signal, share: f64) -> f64 {
    let values = judged.iter().flat_map(|judged| judged.scored(signal));
    let threshold = area::quantile(values.map(|(value, _)| value).collect(), share);
    (threshold * 1e4).round() / 1e4
}

/// The rows measured so far on the evaluation problems.
struct Bench<'a> {
    lab: &'a Lab<'a>,
    problems: &'a [Problem],
    small: Vec<Vec<Judged>>,
    large: Vec<Vec<Judged>>,
    rows: Vec<Row>,
}

impl<'a> Bench<'a> {
    /// Runs both models alone.
    fn new(lab: &'a Lab<'a>, problems: &'a [Problem], seeds: u64) -> Self {
        let small = lab.seeds(Rule::Always(Author::Small), problems, seeds);
        let large = lab.seeds(Rule::Always(Author::Large), problems, seeds);
        let mut bench = Self {
            lab,
            problems,
            rows: Vec::new(),
            small: Vec::new(),
            large: Vec::new(),
        };
        let pair = (Tally::of(&small), Tally::of(&large));
        for (name, judged) in [("small alone", &small), ("large alone", &large)] {
            bench.rows.push(row(name, judged).against(judged, &pair));
        }
        (bench.small, bench.large) = (small, large);
        bench
    }

    fn add(&mut self, name: &str, rule: Rule, seeds: u64) -> Vec<Vec<Judged>> {
        let judged = self.lab.seeds(rule, self.problems, seeds);
        let pair = (Tally::of(&self.small), Tally::of(&self.large));
        self.rows.push(row(name, &judged).against(&judged, &pair));
        judged
    }

    /// A rule, then chance with the same share of large steps.
    fn with_control(&mut self, name: &str, rule: Rule, seeds: u64) {
        let routed = self.add(name, rule, seeds);
        let at = self.rows.len() - 1;
        let share = later_share(&routed);
        let name = format!("random, {:.2} of the steps", self.rows[at].large_steps);
        let control = self.add(&name, Rule::Random(share), seeds);
        self.rows[at].over_random = Some(Tally::of(&routed).over(&Tally::of(&control)));
    }
}

/// The share of large steps among those after the first, which no rule looks before.
fn later_share(judged: &[Vec<Judged>]) -> f64 {
    let later = || {
        let all = judged.iter().flatten();
        all.flat_map(|judged| judged.generated.steps.iter().skip(1))
    };
    let large = later().filter(|step| step.author == Author::Large).count();
    figures::count(large) / figures::count(later().count().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_threshold_within_the_limit_is_chosen() {
        let tried = |accuracy, cost| Tried {
            flagged: 0.1,
            threshold: 0.5,
            accuracy,
            cost,
        };
        let all = [
            tried(0.7, 0.2),
            tried(0.8, 0.3),
            tried(0.8, 0.35),
            tried(0.9, 0.5),
        ];
        assert_eq!(best(&all, 0.4), all[1]);
        assert_eq!(best(&all, 0.1), all[0]);
        assert_eq!(best(&all, 1.0), all[3]);
    }
}
