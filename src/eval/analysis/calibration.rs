//! Whether a score of steps tells right from wrong, and whether it means what
//! it says.

use std::collections::{BTreeMap, HashMap};

use crate::problem::answer::Verdict;
use crate::signal::confidence::Source as Measure;
use crate::survey::{Step, Survey, View};
use crate::trace::label::Rating;
use crate::train::{Z95, wilson};

use super::slice::Slice;

/// What is held against what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Score {
    /// What the router read.
    #[default]
    Confidence,
    Prob,
    Logit,
    Sampled,
    /// With the other sign than expressions have it: more is surer.
    Entropy,
    Prm,
    Judge,
}

impl Score {
    /// All of them, in the order they are turned through.
    pub const ALL: [Self; 7] = [
        Self::Confidence,
        Self::Prob,
        Self::Logit,
        Self::Sampled,
        Self::Entropy,
        Self::Prm,
        Self::Judge,
    ];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Prob => "prob",
            Self::Logit => "logit",
            Self::Sampled => "sampled",
            Self::Entropy => "entropy",
            Self::Prm => "prm",
            Self::Judge => "judge",
        }
    }

    /// As expressions write what it is.
    pub fn written(self) -> &'static str {
        match self {
            Self::Entropy => "-entropy",
            Self::Judge => "judge / 9",
            other => other.name(),
        }
    }

    /// The score of a step; of a judge a ninth of its digit.
    pub fn of(self, step: &Step) -> Option<f64> {
        let value = match self {
            Self::Confidence => step.confidence,
            Self::Prob => step.measure(Measure::Prob),
            Self::Logit => step.measure(Measure::Logit),
            Self::Sampled => step.measure(Measure::Sampled),
            Self::Entropy => step.measure(Measure::Entropy),
            Self::Prm => step.prm(),
            Self::Judge => step.judge().map(|digit| digit / 9.0),
        };
        value.filter(|value| value.is_finite())
    }
}

/// What says whether a step was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A verifier or a checker.
    Verified,
    /// A person's label: `good` against `bad` and `first-error`.
    Label,
    /// The answer of its trajectory: a right step on a way that is lost counts
    /// as wrong.
    Answer,
}

impl Target {
    /// All of them, the one that says most of a step first.
    pub const ALL: [Self; 3] = [Self::Verified, Self::Label, Self::Answer];

    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "step verdict",
            Self::Label => "label",
            Self::Answer => "final answer",
        }
    }

    /// Whether a step was right; `None` where nobody says.
    fn of(self, view: &View<'_>, at: usize, step: &Step) -> Option<bool> {
        match self {
            Self::Verified => step.is_refuted().map(|wrong| !wrong),
            Self::Label => match view.ballot(at)?.rating()? {
                Rating::Good => Some(true),
                Rating::Bad | Rating::FirstError => Some(false),
                Rating::Neutral => None,
            },
            Self::Answer => match view.verdict()? {
                Verdict::Correct => Some(true),
                Verdict::Wrong => Some(false),
                Verdict::Ungraded => None,
            },
        }
    }

    /// Whether it says something of any step.
    pub(super) fn is_known(self, survey: &Survey, places: &[usize]) -> bool {
        places.iter().any(|&place| {
            let view = survey.view(place);
            let mut steps = view.steps().enumerate();
            steps.any(|(at, step)| self.of(&view, at, step).is_some())
        })
    }
}

/// Steps of about the same score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    pub steps: usize,
    /// Mean score.
    pub score: f64,
    /// Share of right ones.
    pub right: f64,
    /// At 95 %: Wilson's, over problems.
    pub interval: [f64; 2],
}

/// How a score does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reliability {
    pub steps: usize,
    pub trajectories: usize,
    /// Different questions: several runs may have been asked the same.
    pub problems: usize,
    /// Share of right ones.
    pub right: f64,
    /// In order of the score, of about as many steps each.
    pub bins: Vec<Bin>,
    /// Mean squared distance to what came of it; `None` for scores that are no
    /// probabilities.
    pub brier: Option<f64>,
    /// Mean distance between score and share of right ones, over the bins;
    /// likewise.
    pub ece: Option<f64>,
    /// Probability that a right step has the higher score, ties by half; `None`
    /// where all are right or none is.
    pub auroc: Option<f64>,
    /// At 95 %: the areas from which this one is no further than 1.96 of their
    /// standard errors by Hanley and McNeil (Radiology 143:29, 1982), over
    /// problems that hold right ones and problems that hold wrong ones. As
    /// Wilson's interval it keeps a width where nothing was out of order.
    pub auroc_interval: Option<[f64; 2]>,
}

/// Bins of a whole log.
const BINS: usize = 10;
/// Steps of a bin at least.
const FEWEST: usize = 10;

/// A step with what came of it.
#[derive(Debug, Clone, Copy)]
struct Case {
    score: f64,
    right: bool,
    trajectory: u32,
    problem: u32,
}

/// Of all steps, then of each part.
pub(super) fn of(
    survey: &Survey,
    places: &[usize],
    score: Score,
    target: Target,
    slice: Slice,
) -> Vec<(String, Reliability)> {
    let mut all = Vec::new();
    let mut parts: BTreeMap<(u64, String), Vec<Case>> = BTreeMap::new();
    let mut problems = HashMap::new();
    for (number, &place) in places.iter().enumerate() {
        let view = survey.view(place);
        let next = u32::try_from(problems.len()).unwrap_or(u32::MAX);
        // Data sets number their problems alike.
        let asked = view.trajectory();
        let asked = (asked.problem, asked.question_hash());
        let problem = *problems.entry(asked).or_insert(next);
        for (at, step) in view.steps().enumerate() {
            let known = score.of(step).zip(target.of(&view, at, step));
            let Some((score, right)) = known else {
                continue;
            };
            let case = Case {
                score,
                right,
                trajectory: u32::try_from(number).unwrap_or(u32::MAX),
                problem,
            };
            all.push(case);
            let (order, name) = slice.of_step(survey, &view, step);
            // Not negative, so that the bits are in the order of the numbers.
            parts
                .entry((order.max(0.0).to_bits(), name))
                .or_default()
                .push(case);
        }
    }
    let in_range = |case: &Case| (0.0..=1.0).contains(&case.score);
    let probable = all.iter().all(in_range);
    let all = ("all".to_owned(), reliability(all, probable));
    let parts = parts
        .into_iter()
        .map(|((_, name), cases)| (name, reliability(cases, probable)));
    std::iter::once(all).chain(parts).collect()
}

/// `probable` says whether the scores are probabilities: those of a part are
/// what those of all are.
fn reliability(mut cases: Vec<Case>, probable: bool) -> Reliability {
    if cases.is_empty() {
        return Reliability::default();
    }
    cases.sort_by(|a, b| a.score.total_cmp(&b.score));
    let steps = cases.len();
    let right = cases.iter().filter(|case| case.right).count();
    let bins = bins(&cases);
    let brier = cases.iter().map(|case| {
        let right = f64::from(u8::from(case.right));
        (case.score - right).powi(2)
    });
    let brier = brier.sum::<f64>() / steps as f64;
    let ece = bins
        .iter()
        .map(|bin| (bin.score - bin.right).abs() * bin.steps as f64)
        .sum::<f64>()
        / steps as f64;
    let auroc = auroc(&cases);
    Reliability {
        steps,
        trajectories: different(cases.iter().map(|case| case.trajectory)),
        problems: problems(&cases, |_| true),
        right: right as f64 / steps as f64,
        brier: probable.then_some(brier),
        ece: probable.then_some(ece),
        auroc,
        auroc_interval: auroc.and_then(|auroc| {
            let with = |right: bool| problems(&cases, |case| case.right == right);
            auroc_interval(auroc, with(true), with(false))
        }),
        bins,
    }
}

/// Problems that hold such a case.
fn problems(cases: &[Case], wanted: impl Fn(&Case) -> bool) -> usize {
    let found = cases.iter().filter(|case| wanted(case));
    different(found.map(|case| case.problem))
}

fn different(numbers: impl Iterator<Item = u32>) -> usize {
    let mut found: Vec<u32> = numbers.collect();
    found.sort_unstable();
    found.dedup();
    found.len()
}

/// Bins of equal counts over sorted cases; equal scores share one.
fn bins(cases: &[Case]) -> Vec<Bin> {
    let count = (cases.len() / FEWEST).clamp(1, BINS);
    let mut bins = Vec::new();
    let mut from = 0;
    for number in 1..=count {
        let mut to = cases.len() * number / count;
        while to < cases.len() && to > 0 && cases[to].score == cases[to - 1].score {
            to += 1;
        }
        if to <= from {
            continue;
        }
        let part = &cases[from..to];
        from = to;
        let steps = part.len();
        let right = part.iter().filter(|case| case.right).count() as f64 / steps as f64;
        let score = part.iter().map(|case| case.score).sum::<f64>() / steps as f64;
        bins.push(Bin {
            steps,
            score,
            right,
            // There is at least one.
            interval: wilson(right, problems(part, |_| true)).unwrap_or([0.0, 1.0]),
        });
    }
    bins
}

/// The rank-sum form of the area, over sorted cases.
fn auroc(cases: &[Case]) -> Option<f64> {
    let positives = cases.iter().filter(|case| case.right).count();
    let negatives = cases.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut sum = 0.0;
    let mut from = 0;
    while from < cases.len() {
        let tied = cases[from..]
            .iter()
            .take_while(|case| case.score == cases[from].score)
            .count();
        // Equal scores share the mean of their ranks (from 1).
        let rank = from as f64 + (tied as f64 + 1.0) / 2.0;
        let right = cases[from..from + tied].iter().filter(|case| case.right);
        sum += rank * right.count() as f64;
        from += tied;
    }
    let (m, n) = (positives as f64, negatives as f64);
    Some((sum - m * (m + 1.0) / 2.0) / (m * n))
}

/// The standard error of an area over so many positives and negatives.
fn hanley_mcneil(a: f64, positives: usize, negatives: usize) -> f64 {
    let (m, n) = (positives as f64, negatives as f64);
    let q1 = a / (2.0 - a);
    let q2 = 2.0 * a * a / (1.0 + a);
    let variance = (a * (1.0 - a) + (m - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (m * n);
    variance.max(0.0).sqrt()
}

/// The areas of which one that was found is within the error.
fn auroc_interval(auroc: f64, positives: usize, negatives: usize) -> Option<[f64; 2]> {
    if positives == 0 || negatives == 0 {
        return None;
    }
    // From the far end, where it is too far, towards the one that was found.
    let end = |far: f64| {
        let (mut far, mut near) = (far, auroc);
        for _ in 0..60 {
            let middle = f64::midpoint(far, near);
            let error = Z95 * hanley_mcneil(middle, positives, negatives);
            match (auroc - middle).abs() > error {
                true => far = middle,
                false => near = middle,
            }
        }
        near
    };
    Some([end(0.0), end(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reliability(cases: Vec<Case>) -> Reliability {
        super::reliability(cases, true)
    }

    fn cases(pairs: &[(f64, bool)]) -> Vec<Case> {
        let case = |(at, &(score, right)): (usize, &(f64, bool))| Case {
            score,
            right,
            trajectory: at as u32,
            problem: at as u32,
        };
        pairs.iter().enumerate().map(case).collect()
    }

    #[test]
    fn figures_are_those_of_the_textbook() {
        // The examples of scikit-learn's roc_auc_score and brier_score_loss.
        let found = reliability(cases(&[
            (0.1, false),
            (0.4, false),
            (0.35, true),
            (0.8, true),
        ]));
        assert_eq!(found.auroc, Some(0.75));
        let found = reliability(cases(&[
            (0.1, false),
            (0.9, true),
            (0.8, true),
            (0.3, false),
        ]));
        assert!((found.brier.unwrap() - 0.0375).abs() < 1e-12);
        // Hanley and McNeil's own: A = 0.893 of 58 normal and 51 abnormal has
        // the standard error 0.032.
        let error = hanley_mcneil(0.893, 51, 58);
        assert!((error - 0.032).abs() < 1e-3, "{error}");
    }

    #[test]
    fn an_area_is_never_certain() {
        for (auroc, positives, negatives) in [(0.893, 51, 58), (0.5, 3, 9), (0.2, 4, 2)] {
            let [low, high] = auroc_interval(auroc, positives, negatives).unwrap();
            for end in [low, high] {
                let error = Z95 * hanley_mcneil(end, positives, negatives);
                assert!(((auroc - end).abs() - error).abs() < 1e-9, "{low} {high}");
            }
            assert!(0.0 < low && low < auroc && auroc < high && high < 1.0);
        }
        // One of each in order: as sure as one in one (Wilson: 0.2065 to 1).
        let [low, high] = auroc_interval(1.0, 1, 1).unwrap();
        assert!((low - 0.2065).abs() < 1e-4 && high == 1.0, "{low} {high}");
        assert_eq!(auroc_interval(1.0, 0, 1), None);
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert_eq!(reliability(Vec::new()), Reliability::default());
        let same = reliability(cases(&[(0.5, true); 4]));
        assert_eq!((same.auroc, same.right), (None, 1.0));
        // Equal scores tell nothing apart.
        let tied = reliability(cases(&[(0.5, true), (0.5, false)]));
        assert_eq!(tied.auroc, Some(0.5));
        let logits = super::reliability(cases(&[(0.9, true), (0.1, false)]), false);
        assert_eq!(
            (logits.brier, logits.ece, logits.auroc),
            (None, None, Some(1.0))
        );
    }

    #[test]
    fn bins_hold_equal_counts_and_every_step_once() {
        let many: Vec<(f64, bool)> = (0..95).map(|n| (f64::from(n) / 95.0, n % 3 != 0)).collect();
        let found = reliability(cases(&many));
        assert_eq!(found.bins.len(), 9);
        assert_eq!(found.bins.iter().map(|bin| bin.steps).sum::<usize>(), 95);
        assert!(found.bins.iter().all(|bin| (10..=11).contains(&bin.steps)));
        assert!(found.bins.is_sorted_by(|a, b| a.score < b.score));
        // Perfectly calibrated by construction: no error beyond the bins.
        let calibrated: Vec<(f64, bool)> = (0..1000)
            .map(|n| {
                (
                    f64::from(n % 10) / 10.0 + 0.05,
                    n / 10 % 20 < 2 * (n % 10) + 1,
                )
            })
            .collect();
        assert!(reliability(cases(&calibrated)).ece.unwrap() < 1e-9);
    }

    #[test]
    fn intervals_count_problems_and_not_steps() {
        let mut one = cases(&[(0.5, true); 40]);
        let apart = reliability(one.clone()).bins[0].interval;
        for case in &mut one {
            case.problem = 0;
        }
        let together = reliability(one);
        assert_eq!((together.trajectories, together.problems), (40, 1));
        let together = together.bins[0].interval;
        assert!(together[0] < apart[0], "{together:?} {apart:?}");
    }
}
