//! From judged solutions to figures with intervals.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lab::{Judged, Signal};
use crate::pair::checker::{Fault, Verdict};
use crate::pair::language::solution::Author;

pub(super) mod area;

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 1_000;

/// A value with its 95 % bootstrap interval over problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Figure {
    pub value: f64,
    pub from: f64,
    pub to: f64,
}

/// A rule relative to the models alone.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Relative {
    /// 2N × generated tokens over that of the large model alone.
    pub cost: f64,
    /// Share of the gap between small and large that is recovered.
    pub gap: Figure,
}

/// Figures of one rule.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Row {
    pub name: String,
    /// Share of problems with the right answer, mean over seeds.
    pub accuracy: Figure,
    pub by_seed: Vec<f64>,
    /// `None` where only one model was run.
    pub relative: Option<Relative>,
    /// Accuracy minus that of chance with the same share of large steps.
    pub over_random: Option<Figure>,
    /// Share of the steps that the large model wrote.
    pub large_steps: f64,
    /// Share of steps that are wrong by the exact checker.
    pub wrong_steps: f64,
    /// Generated tokens per problem.
    pub tokens: f64,
    /// Mean accuracy of difficulties 1–2, 3–4, 5–6, 7–8, 9–10.
    pub by_difficulty: [f64; 5],
    /// Wrong steps by fault: arithmetic, operand, format.
    pub faults: [usize; 3],
}

impl Row {
    /// With cost and gap against (small alone, large alone).
    pub(super) fn against(mut self, judged: &[Vec<Judged>], pair: &(Tally, Tally)) -> Self {
        let (small, large) = pair;
        let own = Tally::of(judged);
        let gap = figure(own.right.len(), |sample| {
            let floor = mean(&small.right, sample);
            let ceiling = mean(&large.right, sample);
            (mean(&own.right, sample) - floor) / (ceiling - floor).max(1e-9)
        });
        self.relative = Some(Relative {
            cost: own.cost() / large.cost(),
            gap,
        });
        self
    }
}

/// Figures of a rule from one run per seed.
#[must_use]
pub fn row(name: &str, seeds: &[Vec<Judged>]) -> Row {
    let tally = Tally::of(seeds);
    let mut row = Row {
        name: name.to_owned(),
        accuracy: figure(tally.right.len(), |sample| mean(&tally.right, sample)),
        by_seed: seeds.iter().map(|seed| right(seed)).collect(),
        ..Row::default()
    };
    let (mut steps, mut large, mut wrong, mut tokens) = (0, 0, 0, 0);
    let mut by_difficulty = [(0.0, 0.0); 5];
    for judged in seeds.iter().flatten() {
        let group = &mut by_difficulty[usize::from(judged.difficulty.clamp(1, 10) - 1) / 2];
        group.0 += f64::from(u8::from(judged.right));
        group.1 += 1.0;
        for (step, verdict) in judged.generated.steps.iter().zip(&judged.verdicts) {
            steps += 1;
            tokens += step.tokens;
            large += usize::from(step.author == Author::Large);
            if let Verdict::Wrong(fault) = verdict {
                wrong += 1;
                row.faults[match fault {
                    Fault::Arithmetic => 0,
                    Fault::Operand => 1,
                    Fault::Format => 2,
                }] += 1;
            }
        }
    }
    let problems = seeds.iter().map(Vec::len).sum::<usize>().max(1);
    row.tokens = count(tokens) / count(problems);
    row.large_steps = count(large) / count(steps.max(1));
    row.wrong_steps = count(wrong) / count(steps.max(1));
    row.by_difficulty = by_difficulty.map(|(right, all)| right / f64::max(all, 1.0));
    row
}

/// What a rule did on each problem, averaged over seeds.
#[derive(Clone, Debug)]
pub struct Tally {
    right: Vec<f64>,
    cost: Vec<f64>,
}

impl Tally {
    /// From one run per seed over the same problems.
    #[must_use]
    pub fn of(seeds: &[Vec<Judged>]) -> Self {
        let problems = seeds.first().map_or(0, Vec::len);
        let average = |of: &dyn Fn(&Judged) -> f64| -> Vec<f64> {
            let at = |index: usize| seeds.iter().map(|seed| of(&seed[index])).sum::<f64>();
            (0..problems)
                .map(|index| at(index) / count(seeds.len()))
                .collect()
        };
        Self {
            right: average(&|judged| f64::from(u8::from(judged.right))),
            cost: average(&|judged| judged.generated.cost),
        }
    }

    /// Mean accuracy.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.right.iter().sum::<f64>() / count(self.right.len().max(1))
    }

    /// Mean cost of a problem, FLOP.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.cost.iter().sum::<f64>() / count(self.cost.len().max(1))
    }

    /// Accuracy minus that of `other` on the same problems.
    #[must_use]
    pub fn over(&self, other: &Self) -> Figure {
        figure(self.right.len(), |sample| {
            mean(&self.right, sample) - mean(&other.right, sample)
        })
    }
}

/// Area under the curve of "this step is wrong", judged by a low signal.
#[must_use]
pub fn auc(seeds: &[Vec<Judged>], signal: Signal) -> Figure {
    let problems = seeds.first().map_or(0, Vec::len);
    let scored: Vec<Vec<(f64, bool)>> = (0..problems)
        .map(|index| {
            let same = seeds.iter().map(|seed| &seed[index]);
            same.flat_map(|judged| judged.scored(signal)).collect()
        })
        .collect();
    figure(problems, |sample| {
        let picked = sample.iter().flat_map(|&index| &scored[index]);
        area::under_curve(picked.copied().collect())
    })
}

/// The same of scored drafts, each by itself: a low score means a wrong one.
#[must_use]
pub fn auc_of_drafts(scored: &[(f64, bool)]) -> Figure {
    figure(scored.len(), |sample| {
        area::under_curve(sample.iter().map(|&index| scored[index]).collect())
    })
}

/// A statistic of all problems, with its interval over resampled problems.
fn figure(problems: usize, statistic: impl Fn(&[usize]) -> f64) -> Figure {
    let all: Vec<usize> = (0..problems).collect();
    // The same resamples for every figure, so that comparisons are paired.
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let resampled = (0..RESAMPLES)
        .map(|_| {
            let sample = (0..problems).map(|_| rng.random_range(0..problems));
            statistic(&sample.collect::<Vec<usize>>())
        })
        .collect::<Vec<f64>>();
    Figure {
        value: statistic(&all),
        from: area::quantile(resampled.clone(), 0.025),
        to: area::quantile(resampled, 0.975),
    }
}

fn mean(values: &[f64], sample: &[usize]) -> f64 {
    sample.iter().map(|&index| values[index]).sum::<f64>() / count(sample.len().max(1))
}

fn right(judged: &[Judged]) -> f64 {
    let right = judged.iter().filter(|judged| judged.right).count();
    count(right) / count(judged.len().max(1))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of problems, steps, tokens"
)]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_its_value() {
        let values: Vec<f64> = (0..200).map(|index| f64::from(index % 2)).collect();
        let figure = figure(values.len(), |sample| mean(&values, sample));
        assert!((figure.value - 0.5).abs() < 1e-12);
        // Normal approximation: 0.5 ± 1.96 · 0.5 / √200.
        assert!((figure.from - 0.431).abs() < 0.02, "{figure:?}");
        assert!((figure.to - 0.569).abs() < 0.02, "{figure:?}");
    }
}
