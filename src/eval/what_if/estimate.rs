//! What similar states led to: the model that stands in for continuations that
//! are nowhere in the log.
//!
//! A state is alike another where its step index (to four, and above) is, and how
//! good its step looks: by the score that the rule goes by, else its confidence,
//! in fifths of all. What is expected of an action there is the mean over the steps of the log at which that action was taken,
//! of how their trajectories came out and what they still cost. Where the cell
//! has fewer than [`FEWEST`] steps that of the same fifth at any index is asked.
//!
//! Where that has too few as well, **nothing** is expected of the outcome: a
//! router that always escalates unsure steps leaves a log in which the small
//! model looks as good as it is where it is sure. Nor is anything expected of
//! the cost: the log's own rule went on there, with other models.

use crate::problem::answer::Verdict;

use super::lattice::{Lattice, QUESTION};

/// Steps below which a cell tells nothing.
const FEWEST: u32 = 10;
const FIFTHS: usize = 5;

/// An outcome, or what is expected of one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Guess {
    /// Share that is correct, and that is graded at all.
    pub correct: f64,
    pub graded: f64,
    /// Cost from here on.
    pub cost: f64,
    /// Share of which nothing can be expected: no state of the log is alike.
    pub unlike: f64,
}

impl Guess {
    /// Where no state of the log is alike.
    pub const NONE: Self = Self {
        correct: 0.0,
        graded: 0.0,
        cost: f64::NAN,
        unlike: 1.0,
    };

    pub fn plus(self, other: Self) -> Self {
        Self {
            correct: self.correct + other.correct,
            graded: self.graded + other.graded,
            cost: self.cost + other.cost,
            unlike: self.unlike + other.unlike,
        }
    }

    pub fn of(verdict: Verdict) -> Self {
        Self {
            correct: f64::from(u8::from(verdict == Verdict::Correct)),
            graded: f64::from(u8::from(verdict != Verdict::Ungraded)),
            cost: 0.0,
            unlike: 0.0,
        }
    }
}

/// The last index that is told apart from those above.
const INDICES: usize = 4;
/// Fifths, and no confidence, which is a state of its own.
const FIFTHS_AND_NONE: usize = FIFTHS + 1;
/// States that are told apart: by index and fifth.
const STATES: usize = (INDICES + 1) * FIFTHS_AND_NONE;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    count: u32,
    correct: f64,
    graded: f64,
    cost: f64,
}

impl Sums {
    fn add(&mut self, guess: Guess) {
        self.count += 1;
        self.correct += guess.correct;
        self.graded += guess.graded;
        self.cost += guess.cost;
    }

    /// The mean; `None` of fewer than [`FEWEST`].
    fn mean(self) -> Option<Guess> {
        let n = f64::from(self.count);
        (self.count >= FEWEST).then(|| Guess {
            correct: self.correct / n,
            graded: self.graded / n,
            cost: self.cost / n,
            unlike: 0.0,
        })
    }
}

/// Sums of one action by state.
type States = [Sums; STATES];

/// See the module.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Expectations {
    /// By action and state; `None` where no state of the log is alike.
    guesses: Vec<[Option<Guess>; STATES]>,
    /// Confidences that part the fifths.
    borders: Vec<f64>,
}

impl Expectations {
    /// Of every step that led to an outcome.
    pub fn of_lattice(lattice: &Lattice) -> Self {
        let mut confidences: Vec<f64> =
            lattice.nodes.iter().filter_map(|node| node.looks).collect();
        confidences.sort_by(f64::total_cmp);
        let border = |fifth: usize| confidences.get(fifth * confidences.len() / FIFTHS).copied();
        let mut expectations = Self {
            borders: (1..FIFTHS).filter_map(border).collect(),
            guesses: Vec::new(),
        };
        let mut seen: Vec<States> = Vec::new();
        for first in lattice.first.values() {
            for &at in first {
                expectations.add(&mut seen, lattice, QUESTION, at);
            }
        }
        expectations.guesses = seen.iter().map(guesses).collect();
        expectations
    }

    /// Adds what the steps from `first` on came to; the mean over its leaves.
    fn add(&self, seen: &mut Vec<States>, lattice: &Lattice, before: u32, first: u32) {
        // Without recursion: trajectories may have ten thousand steps. Every
        // step with the place of the one before it in this list.
        let mut order = vec![(before, first, usize::MAX)];
        let mut next = 0;
        while let Some(&(_, at, _)) = order.get(next) {
            let children = lattice.nodes[at as usize].children.iter();
            order.extend(children.map(|&child| (at, child, next)));
            next += 1;
        }
        // Sums over the leaves behind each, and their number.
        let mut behind = vec![(Guess::default(), 0.0); order.len()];
        for (place, &(before, at, parent)) in order.iter().enumerate().rev() {
            let node = &lattice.nodes[at as usize];
            let (mut sum, mut leaves) = behind[place];
            if let Some(verdict) = node.verdict {
                (sum, leaves) = (Guess::of(verdict), 1.0);
            }
            if leaves <= 0.0 {
                continue;
            }
            sum.cost += leaves * node.cost;
            if let Some((of_parent, leaves_of_parent)) = behind.get_mut(parent) {
                of_parent.correct += sum.correct;
                of_parent.graded += sum.graded;
                // The draft was written before it: who comes here has paid it.
                of_parent.cost += sum.cost + leaves * node.rejected;
                *leaves_of_parent += leaves;
            }
            if let Some(action) = node.model {
                let mean = Guess {
                    correct: sum.correct / leaves,
                    graded: sum.graded / leaves,
                    cost: sum.cost / leaves,
                    unlike: 0.0,
                };
                if !mean.cost.is_finite() {
                    continue;
                }
                let action = usize::from(action);
                if action >= seen.len() {
                    seen.resize(action + 1, [Sums::default(); STATES]);
                }
                let state = self.state(lattice, before);
                seen[action][usize::from(state)].add(mean);
            }
        }
    }

    /// What the state after a step is like.
    pub fn state(&self, lattice: &Lattice, before: u32) -> u8 {
        let node = lattice.nodes.get(before as usize);
        let index = node.map_or(0, |node| node.index as usize).min(INDICES);
        let confidence = node.and_then(|node| node.looks);
        let fifth = confidence.map_or(FIFTHS, |u| {
            self.borders.partition_point(|border| *border <= u)
        });
        (index * FIFTHS_AND_NONE + fifth) as u8
    }

    /// What is expected where a model writes the step after such a state.
    pub fn of(&self, state: u8, action: usize) -> Guess {
        let guesses = self.guesses.get(action);
        let guess = guesses.and_then(|guesses| guesses[usize::from(state)]);
        guess.unwrap_or(Guess::NONE)
    }
}

/// What is expected of one action in every state.
fn guesses(seen: &States) -> [Option<Guess>; STATES] {
    let mut at_any_index = [Sums::default(); FIFTHS_AND_NONE];
    for (state, sums) in seen.iter().enumerate() {
        let of_fifth = &mut at_any_index[state % FIFTHS_AND_NONE];
        of_fifth.count += sums.count;
        of_fifth.correct += sums.correct;
        of_fifth.graded += sums.graded;
        of_fifth.cost += sums.cost;
    }
    std::array::from_fn(|state| {
        let alike = [seen[state], at_any_index[state % FIFTHS_AND_NONE]];
        alike.into_iter().find_map(Sums::mean)
    })
}
