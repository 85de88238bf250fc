//! The recipes of the shipped models: everything that decides a run apart from the machine.

use super::batch::Mix;
use super::network::Shape;
use super::optimizer::{Rates, Schedule};
use crate::pair::language::solution::Author;
use crate::pair::vocabulary::Vocabulary;

/// Everything that decides a run, apart from the speed of the machine.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Recipe {
    pub seed: u64,
    pub shape: Shape,
    pub mix: Mix,
    /// Dense arithmetic rows, phase after phase; none after the last.
    pub dense: Vec<Dense>,
    pub rates: Rates,
    pub schedule: Schedule,
    /// Tokens per update, about.
    pub batch: usize,
    /// Tokens per pass; a batch is split so that its activations stay in the cache.
    pub pass: usize,
    /// Steps between two lines of the curve.
    pub report_every: u32,
    /// Steps between two checkpoints.
    pub save_every: u32,
}

/// The share of the tokens that go into dense rows up to a step.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Dense {
    pub until: u32,
    pub share: f64,
}

impl Recipe {
    /// The recipe of the shipped model.
    #[must_use]
    pub fn of(author: Author) -> Self {
        let vocabulary = Vocabulary::new().len();
        let recipe = |shape, rates, batch| Self {
            seed: 20_261_122,
            shape,
            mix: Mix::of(author),
            dense: Vec::new(),
            rates,
            schedule: Schedule {
                warm_up: 100,
                decay_from: 1_800,
                steps: 6_000,
            },
            batch,
            pass: 2_048,
            report_every: 50,
            save_every: 250,
        };
        match author {
            Author::Small => recipe(Shape::small(vocabulary), Rates::new(0.02, 3e-3), 8_192),
            Author::Large => Self {
                // First mostly arithmetic; once sums come out right, errors are in copied words
                // and operands, which only whole solutions teach.
                dense: vec![
                    Dense {
                        until: 1_750,
                        share: 0.6,
                    },
                    Dense {
                        until: 5_000,
                        share: 0.35,
                    },
                ],
                schedule: Schedule {
                    warm_up: 100,
                    decay_from: 1_750,
                    steps: 6_300,
                },
                ..recipe(Shape::large(vocabulary), Rates::new(0.01, 3e-3), 6_144)
            },
        }
    }

    /// The recipe of the shipped judge: the shipped large model, taught to
    /// answer the judge's prompt.
    #[must_use]
    pub fn of_judge() -> Self {
        let large = Self::of(Author::Large);
        Self {
            dense: Vec::new(),
            rates: Rates::new(0.005, 1.5e-3),
            schedule: Schedule {
                warm_up: 50,
                decay_from: 500,
                steps: 2_000,
            },
            ..large
        }
    }

    /// The same recipe over another number of steps, every phase in proportion: for trying out.
    #[must_use]
    pub fn over(mut self, steps: u32) -> Self {
        let all = u64::from(self.schedule.steps.max(1));
        let scaled = |step: u32| {
            // The quotient is at most `steps` for every step of the recipe.
            u32::try_from(u64::from(step) * u64::from(steps) / all).unwrap_or(steps)
        };
        for dense in &mut self.dense {
            dense.until = scaled(dense.until);
        }
        self.schedule = Schedule {
            warm_up: scaled(self.schedule.warm_up).max(1),
            decay_from: scaled(self.schedule.decay_from),
            steps,
        };
        self
    }

    /// Share of the tokens in dense rows at a step counted from 0.
    #[must_use]
    pub fn dense_at(&self, step: u32) -> f64 {
        let phase = self.dense.iter().find(|phase| step < phase.until);
        phase.map_or(0.0, |phase| phase.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_rows_end_before_the_run_does() {
        let recipe = Recipe::of(Author::Large);
        assert_eq!(
            [0, 1_749, 1_750, 4_999, 5_000, 6_299].map(|step| recipe.dense_at(step)),
            [0.6, 0.6, 0.35, 0.35, 0.0, 0.0]
        );
        assert_eq!(Recipe::of(Author::Small).dense_at(0), 0.0);
    }

    #[test]
    fn a_shorter_run_keeps_its_proportions() {
        let short = Recipe::of(Author::Large).over(630);
        assert_eq!(
            short.schedule,
            Schedule {
                warm_up: 10,
                decay_from: 175,
                steps: 630
            }
        );
        assert_eq!(short.dense[1].until, 500);
        let same = Recipe::of(Author::Small).over(6_000);
        assert_eq!(same, Recipe::of(Author::Small));
    }
}
