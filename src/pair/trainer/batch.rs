//! Training rows and batches: what each model reads, and on which tokens it is judged.
//!
//! The small model learns its own right steps, alone and between steps of the large one. The
//! large model learns its own steps after trajectories of either author, some of whose steps
//! carry a slip; steps with a slip are context only. Dense rows hold nothing but chains, so that
//! most of the large model's early training goes into arithmetic.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::network::CONTEXT;
use crate::pair::language::arithmetic::gold_chain;
use crate::pair::language::solution::{Author, Order, Step, trajectory};
use crate::pair::language::{Problem, Split, draw, prompt};
use crate::pair::vocabulary::{EOS, Vocabulary};

/// Tokens of a dense row, about.
const DENSE_ROW: usize = 112;

/// One row: a text, and which of its tokens the model must predict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub tokens: Vec<u32>,
    /// Whether each token is in the loss.
    pub counted: Vec<bool>,
    /// First token of every counted step, and one past its last.
    pub steps: Vec<(usize, usize)>,
}

impl Row {
    fn push(&mut self, tokens: &[u32], counted: bool) {
        self.tokens.extend_from_slice(tokens);
        self.counted.resize(self.tokens.len(), counted);
    }
}

/// Rows one after the other, as the network takes them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// All tokens but the last of every row.
    pub tokens: Vec<u32>,
    /// Length of every row in [`Self::tokens`].
    pub rows: Vec<usize>,
    /// Where in [`Self::tokens`] a target is predicted.
    pub positions: Vec<usize>,
    /// The token to be predicted at each of [`Self::positions`].
    pub targets: Vec<u32>,
    /// Ranges of [`Self::positions`], one per counted step.
    pub steps: Vec<(usize, usize)>,
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.rows.clear();
        self.positions.clear();
        self.targets.clear();
        self.steps.clear();
    }

    /// Appends a row of at least two tokens.
    pub fn push(&mut self, row: &Row) {
        let Some(inputs) = row.tokens.len().checked_sub(1).filter(|&inputs| inputs > 0) else {
            return;
        };
        let base = self.tokens.len();
        self.tokens.extend_from_slice(&row.tokens[..inputs]);
        self.rows.push(inputs);
        for &(from, to) in &row.steps {
            let before = row.counted[1..from]
                .iter()
                .filter(|&&counted| counted)
                .count();
            let inside = row.counted[from..to]
                .iter()
                .filter(|&&counted| counted)
                .count();
            let start = self.positions.len() + before;
            self.steps.push((start, start + inside));
        }
        for index in 0..inputs {
            if row.counted[index + 1] {
                self.positions.push(base + index);
                self.targets.push(row.tokens[index + 1]);
            }
        }
    }
}

/// What the rows of a run are made of.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Mix {
    /// Share of the solutions written by the model alone.
    pub alone: f64,
    /// How often a small step in the context carries a slip.
    pub small_slips: f64,
    /// How often a large step is context only and carries a slip.
    pub large_slips: f64,
}

impl Mix {
    /// The mix the shipped models were trained on.
    #[must_use]
    pub fn of(author: Author) -> Self {
        match author {
            Author::Small => Self {
                alone: 0.6,
                small_slips: 0.25,
                large_slips: 0.0,
            },
            Author::Large => Self {
                alone: 0.3,
                small_slips: 0.35,
                large_slips: 0.08,
            },
        }
    }
}

/// Draws rows for one model.
#[derive(Debug)]
pub struct Feeder<'a> {
    pub vocabulary: &'a Vocabulary,
    pub author: Author,
    pub mix: Mix,
    pub split: Split,
}

impl Feeder<'_> {
    /// Fills `batch` with rows up to about `tokens` tokens, the share `dense` of them in dense rows.
    pub fn fill(&self, batch: &mut Batch, tokens: usize, dense: f64, rng: &mut impl Rng) {
        batch.clear();
        let dense_tokens = share(tokens, dense);
        while batch.tokens.len() + DENSE_ROW <= dense_tokens {
            batch.push(&self.dense_row(rng));
        }
        while batch.tokens.len() < tokens {
            let row = self.solution_row(rng);
            if !batch.tokens.is_empty() && batch.tokens.len() + row.tokens.len() > tokens {
                break;
            }
            batch.push(&row);
        }
    }

    /// A row of chains only; their operands are given, what follows is in the loss.
    pub fn dense_row(&self, rng: &mut impl Rng) -> Row {
        let mut row = Row::default();
        while row.tokens.len() < DENSE_ROW {
            let problem = draw(self.split, rng);
            for (task, at) in problem.tasks.iter().zip(problem.running_values()) {
                let chain = gold_chain(task.operation.expression(at)).text;
                let opening = if rng.random_bool(0.5) {
                    ", so "
                } else {
                    "The result is "
                };
                let Some((operands, worked)) = chain.split_once(" = ") else {
                    continue;
                };
                let given = self.encode(&format!("{opening}{operands}"));
                let asked = self.encode(&format!(" = {worked}."));
                if row.tokens.len() + given.len() + asked.len() > DENSE_ROW
                    && !row.tokens.is_empty()
                {
                    return row;
                }
                row.push(&given, false);
                row.push(&asked, true);
            }
        }
        row
    }

    /// A whole problem with a trajectory of this model's mix.
    pub fn solution_row(&self, rng: &mut impl Rng) -> Row {
        loop {
            let problem = draw(self.split, rng);
            let orders = self.orders(problem.tasks.len(), rng);
            let Ok(steps) = trajectory(&problem, &orders, rng) else {
                continue;
            };
            let row = self.row(&problem, &steps);
            if row.tokens.len() <= CONTEXT && !row.steps.is_empty() {
                return row;
            }
        }
    }

    /// The row of a written trajectory: prompt and other steps as context, own right steps counted.
    #[must_use]
    pub fn row(&self, problem: &Problem, steps: &[Step]) -> Row {
        let mut row = Row::default();
        row.push(&self.encode(&prompt(&problem.question)), false);
        for (index, step) in steps.iter().enumerate() {
            let own = step.order.author == self.author && !step.order.slip;
            let from = row.tokens.len();
            row.push(&self.encode(&step.text), own);
            if index + 1 == steps.len() {
                row.push(&[EOS], own);
            }
            if own {
                row.steps.push((from, row.tokens.len()));
            }
        }
        row
    }

    /// Who writes each step, and where slips are.
    fn orders(&self, tasks: usize, rng: &mut impl Rng) -> Vec<Order> {
        let alone = rng.random_bool(self.mix.alone);
        let by_large = match (alone, self.author) {
            (true, Author::Large) => 1.0,
            (true, Author::Small) => 0.0,
            (false, _) => *[0.2, 0.4, 0.6, 0.8].choose(rng).unwrap_or(&0.5),
        };
        let authors: Vec<Author> = (0..=tasks)
            .map(|_| {
                if rng.random_bool(by_large) {
                    Author::Large
                } else {
                    Author::Small
                }
            })
            .collect();
        (0..=tasks)
            .map(|index| {
                let author = authors[index];
                let likely = match author {
                    Author::Small => self.mix.small_slips,
                    Author::Large => self.mix.large_slips,
                };
                // The small model never learns to go on from a wrong value: its context is only
                // wrong where the large one looks back at once.
                let allowed = index < tasks
                    && (self.author == Author::Large
                        || authors[index + 1] == Author::Large && author == Author::Small);
                Order {
                    author,
                    slip: allowed && rng.random_bool(likely),
                }
            })
            .collect()
    }

    fn encode(&self, text: &str) -> Vec<u32> {
        // Every text here is written by the generator, whose words are all in the vocabulary
        // (a test encodes thousands); an empty piece would be a bug there, not a crash here.
        self.vocabulary.encode(text).unwrap_or_default()
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "token counts"
)]
fn share(tokens: usize, part: f64) -> usize {
    (tokens as f64 * part) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::language::split_of;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn large_rows_count_only_right_large_steps() {
        let vocabulary = Vocabulary::new();
        let feeder = Feeder {
            vocabulary: &vocabulary,
            author: Author::Large,
            mix: Mix::of(Author::Large),
            split: Split::Training,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for _ in 0..300 {
            let row = feeder.solution_row(&mut rng);
            assert_eq!(row.tokens.len(), row.counted.len());
            for &(from, to) in &row.steps {
                let text = vocabulary.decode(&row.tokens[from..to]);
                assert!(
                    text.starts_with("First,") || text.starts_with("The result is"),
                    "{text}"
                );
                assert!(row.counted[from..to].iter().all(|&counted| counted));
            }
            let counted = row.counted.iter().filter(|&&counted| counted).count();
            assert_eq!(
                counted,
                row.steps.iter().map(|(from, to)| to - from).sum::<usize>()
            );
        }
    }

    #[test]
    fn batches_point_at_the_next_token() {
        let vocabulary = Vocabulary::new();
        let feeder = Feeder {
            vocabulary: &vocabulary,
            author: Author::Small,
            mix: Mix::of(Author::Small),
            split: Split::Training,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut batch = Batch::default();
        feeder.fill(&mut batch, 2_000, 0.0, &mut rng);
        assert!(batch.tokens.len() <= 2_000 && batch.tokens.len() > 1_500);
        assert_eq!(batch.rows.iter().sum::<usize>(), batch.tokens.len());
        assert_eq!(
            batch.steps.last().map(|step| step.1),
            Some(batch.positions.len())
        );
        for &(from, to) in &batch.steps {
            let text = vocabulary.decode(&batch.targets[from..to]);
            assert!(text.ends_with("\n\n") || text.ends_with("}."), "{text}");
        }
    }

    #[test]
    fn held_out_problems_are_never_trained_on() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for split in [
            Split::Training,
            Split::Calibration,
            Split::Evaluation,
            Split::Demo,
        ] {
            for _ in 0..20 {
                assert_eq!(split_of(&draw(split, &mut rng).question), split);
            }
        }
    }
}
