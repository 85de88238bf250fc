//! Decodes problems under a rule and judges every step.

use std::thread;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pair::checker::{Checker, Verdict, boxed};
use crate::pair::language::solution::Author;
use crate::pair::language::{Problem, Split, draw};
use crate::pair::trainer::network::Network;
use crate::pair::trainer::sampler::{Generated, GeneratedStep, StepSignals, Writers};
use crate::pair::vocabulary::Vocabulary;

/// A rule for who writes the next step. All but [`Rule::Always`] give the first step to the
/// small model: there is no step to look at yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Always(Author),
    /// The large model with this probability.
    Random(f64),
    /// The large model when the signal of the last step lies below the threshold.
    Below(Signal, f64),
    /// The large model exactly after a wrong step.
    Oracle,
}

/// A definition of a step's confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    MeanMaxLogit,
    MinTop1,
}

impl Signal {
    /// As tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanMaxLogit => "mean max logit",
            Self::MinTop1 => "min top-1",
        }
    }

    fn of(self, signals: StepSignals) -> f64 {
        match self {
            Self::MeanMaxLogit => signals.mean_max_logit,
            Self::MinTop1 => signals.min_top1,
        }
    }
}

impl Rule {
    fn choose(self, problem: &Problem, steps: &[GeneratedStep], rng: &mut ChaCha8Rng) -> Author {
        if let Self::Always(author) = self {
            return author;
        }
        let Some(last) = steps.last() else {
            return Author::Small;
        };
        let large = match self {
            Self::Always(author) => author == Author::Large,
            Self::Random(share) => rng.random_bool(share),
            Self::Below(signal, threshold) => last
                .signals
                .is_none_or(|signals| signal.of(signals) < threshold),
            Self::Oracle => verdicts(problem, steps)
                .last()
                .is_some_and(|verdict| !verdict.is_right()),
        };
        if large { Author::Large } else { Author::Small }
    }
}

/// Held-out problems, the same for every call with the same seed.
#[must_use]
pub fn problems(split: Split, count: usize, seed: u64) -> Vec<Problem> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| draw(split, &mut rng)).collect()
}

/// A generated solution with its verdicts.
#[derive(Clone, Debug)]
pub struct Judged {
    pub generated: Generated,
    pub verdicts: Vec<Verdict>,
    /// Whether the final answer is right.
    pub right: bool,
    pub difficulty: u8,
}

impl Judged {
    fn new(problem: &Problem, generated: Generated) -> Self {
        let last = generated.steps.last();
        Self {
            verdicts: verdicts(problem, &generated.steps),
            right: last.and_then(|step| boxed(&step.text)) == Some(problem.answer),
            difficulty: problem.difficulty,
            generated,
        }
    }

    /// The signal of every step that has one, and whether the step is wrong.
    pub fn scored(&self, signal: Signal) -> impl Iterator<Item = (f64, bool)> {
        let steps = self.generated.steps.iter().zip(&self.verdicts);
        steps.filter_map(move |(step, verdict)| {
            Some((signal.of(step.signals?), !verdict.is_right()))
        })
    }
}

fn verdicts(problem: &Problem, steps: &[GeneratedStep]) -> Vec<Verdict> {
    // A problem of the generator always reads back; nothing to judge otherwise.
    let Ok(mut checker) = Checker::new(&problem.question) else {
        return Vec::new();
    };
    steps.iter().map(|step| checker.check(&step.text)).collect()
}

/// A pair and how it decodes.
#[derive(Clone, Copy, Debug)]
pub struct Lab<'a> {
    pub vocabulary: &'a Vocabulary,
    pub small: &'a Network,
    pub large: &'a Network,
    pub temperature: f32,
    pub threads: usize,
}

impl Lab<'_> {
    /// One run per decoding seed, counted from 0.
    #[must_use]
    pub fn seeds(&self, rule: Rule, problems: &[Problem], seeds: u64) -> Vec<Vec<Judged>> {
        let seeds = 0..seeds;
        seeds.map(|seed| self.run(rule, problems, seed)).collect()
    }

    /// All problems in order, whatever the number of threads.
    #[must_use]
    pub fn run(&self, rule: Rule, problems: &[Problem], seed: u64) -> Vec<Judged> {
        let part = problems.len().div_ceil(self.threads.max(1)).max(1);
        let parts: Vec<Vec<Judged>> = thread::scope(|scope| {
            let started: Vec<_> = problems
                .chunks(part)
                .enumerate()
                .map(|(index, chunk)| {
                    scope.spawn(move || self.run_part(rule, chunk, index * part, seed))
                })
                .collect();
            let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
            joined
                .map(|judged| judged.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        parts.into_iter().flatten().collect()
    }

    fn run_part(&self, rule: Rule, problems: &[Problem], first: usize, seed: u64) -> Vec<Judged> {
        let mut writers = Writers::new(self.vocabulary, self.small, self.large, self.temperature);
        let judge = |(index, problem): (usize, &Problem)| {
            // A stream per problem: figures do not depend on the order of the problems.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream((first + index) as u64);
            let generated = writers.solve(
                &problem.question,
                |steps, rng| rule.choose(problem, steps, rng),
                &mut rng,
            );
            Judged::new(problem, generated)
        };
        problems.iter().enumerate().map(judge).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::trainer::network::Shape;

    #[test]
    fn thresholds_at_both_ends_give_the_pure_trajectories_on_any_number_of_threads() {
        let vocabulary = Vocabulary::new();
        let mut rng = ChaCha8Rng::seed_from_u64(21);
        let small = Network::random(Shape::small(vocabulary.len()), &mut rng);
        let lab = Lab {
            vocabulary: &vocabulary,
            small: &small,
            large: &small,
            temperature: 0.7,
            threads: 1,
        };
        let problems = problems(Split::Evaluation, 3, 1);
        let run = |lab: &Lab<'_>, rule| lab.run(rule, &problems, 0);
        let texts = |lab: &Lab<'_>, rule| -> Vec<String> {
            let all = run(lab, rule);
            let steps = all.iter().flat_map(|judged| &judged.generated.steps);
            steps.map(|step| step.text.clone()).collect()
        };
        let never = texts(&lab, Rule::Below(Signal::MinTop1, f64::NEG_INFINITY));
        assert_eq!(texts(&lab, Rule::Always(Author::Small)), never);
        let two = Lab { threads: 2, ..lab };
        assert_eq!(texts(&two, Rule::Always(Author::Small)), never);
        for judged in run(&lab, Rule::Below(Signal::MinTop1, f64::INFINITY)) {
            let mut later = judged.generated.steps.iter().skip(1);
            assert!(later.all(|step| step.author == Author::Large));
        }
    }
}
