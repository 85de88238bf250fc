//! Drafts of the small model with exact verdicts: what the judge and the
//! process-reward head of the pair learn from and are measured on.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::network::{CONTEXT, Network};
use super::sampler::Writers;
use crate::pair::checker::Checker;
use crate::pair::language::solution::{Author, Order, Step, trajectory};
use crate::pair::language::{Problem, Split, draw, prompt};
use crate::pair::vocabulary::Vocabulary;

/// Tokens that the judge's own answer may take, about.
const ROOM: usize = 80;

/// How often a step of the context carries a slip.
const CONTEXT_SLIPS: f64 = 0.1;

/// A step in its place, and whether it is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Prompt and steps before it, each with its delimiter.
    pub context: Vec<u32>,
    /// Without its delimiter.
    pub step: Vec<u32>,
    pub right: bool,
    /// What a right step says, as [`Checker::due`] has it.
    pub due: String,
}

/// Where drafts come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub vocabulary: &'a Vocabulary,
    pub small: &'a Network,
    pub temperature: f32,
    pub split: Split,
}

impl Source<'_> {
    /// At least `wanted` drafts of the small model, each at a place of a
    /// trajectory that the generator wrote in both styles.
    #[must_use]
    pub fn sampled(&self, wanted: usize, seed: u64) -> Vec<Draft> {
        let mut writers = Writers::new(self.vocabulary, self.small, self.small, self.temperature);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut drafts = Vec::with_capacity(wanted);
        while drafts.len() < wanted {
            let (problem, steps) = self.context(&mut rng);
            let Ok(mut checker) = Checker::new(&problem.question) else {
                continue;
            };
            let mut context = self.encode(&prompt(&problem.question));
            for step in &steps {
                if let Some(due) = checker.due() {
                    let mut tokens = context.clone();
                    let written = writers.step(Author::Small, &mut tokens, &mut rng);
                    let right = checker.clone().check(&written.text).is_right();
                    drafts.extend(self.draft(&context, &written.text, right, due));
                }
                checker.check(&step.text);
                context.extend(self.encode(&step.text));
            }
        }
        drafts
    }

    /// A step of the small model's style by the generator, with a slip or
    /// without.
    pub fn written(&self, slip: bool, rng: &mut ChaCha8Rng) -> Option<Draft> {
        let (problem, steps) = self.context(rng);
        let place = rng.random_range(0..problem.tasks.len());
        let mut orders: Vec<Order> = steps.iter().map(|step| step.order).collect();
        orders.truncate(place);
        orders.push(Order {
            author: Author::Small,
            slip,
        });
        let steps = trajectory(&problem, &orders, rng).ok()?;
        let (last, before) = steps.split_last()?;
        let mut checker = Checker::new(&problem.question).ok()?;
        let mut context = self.encode(&prompt(&problem.question));
        for step in before {
            checker.check(&step.text);
            context.extend(self.encode(&step.text));
        }
        let due = checker.due()?;
        let right = checker.check(&last.text).is_right();
        self.draft(&context, &last.text, right, due)
    }

    fn draft(&self, context: &[u32], text: &str, right: bool, due: String) -> Option<Draft> {
        let step = self.vocabulary.encode(text.trim_end_matches('\n')).ok()?;
        let fits = context.len() + step.len() + ROOM <= CONTEXT;
        (fits && !step.is_empty()).then(|| Draft {
            context: context.to_vec(),
            step,
            right,
            due,
        })
    }

    /// A problem and a written trajectory by both authors.
    fn context(&self, rng: &mut ChaCha8Rng) -> (Problem, Vec<Step>) {
        loop {
            let problem = draw(self.split, rng);
            let by_large = *[0.0, 0.2, 0.4].choose(rng).unwrap_or(&0.2);
            let orders: Vec<Order> = (0..=problem.tasks.len())
                .map(|_| Order {
                    author: match rng.random_bool(by_large) {
                        true => Author::Large,
                        false => Author::Small,
                    },
                    slip: rng.random_bool(CONTEXT_SLIPS),
                })
                .collect();
            if let Ok(steps) = trajectory(&problem, &orders, rng) {
                return (problem, steps);
            }
        }
    }

    fn encode(&self, text: &str) -> Vec<u32> {
        // The generator's words are all in the vocabulary.
        self.vocabulary.encode(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::trainer::network::Shape;

    #[test]
    fn written_drafts_are_right_unless_they_slip_and_know_what_was_due() {
        let vocabulary = Vocabulary::new();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let small = Network::random(Shape::small(vocabulary.len()), &mut rng);
        let source = Source {
            vocabulary: &vocabulary,
            small: &small,
            temperature: 0.7,
            split: Split::Training,
        };
        let mut slips = 0;
        for number in 0..200 {
            let slip = number % 2 == 0;
            let Some(draft) = source.written(slip, &mut rng) else {
                continue;
            };
            slips += usize::from(slip);
            assert_eq!(draft.right, !slip);
            let step = vocabulary.decode(&draft.step);
            let chain = draft.due.strip_prefix("The result is ").unwrap();
            // A right step says what was due, word for word.
            assert_eq!(
                step.ends_with(&format!(", so {chain}")),
                !slip,
                "{step} {}",
                draft.due
            );
        }
        assert!(slips > 50);
        // An untrained model writes nonsense, which is wrong.
        let drafts = source.sampled(20, 1);
        assert!(drafts.len() >= 20 && drafts.iter().all(|draft| !draft.right));
    }
}
