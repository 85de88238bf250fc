//! What similar states led to: the model that stands in for continuations that
//! are nowhere in the log.
//!
//! A state is alike another where its step index (to four, and above) and its
//! confidence (in fifths of all confidences) are; what is expected of an action
//! there is the mean over the steps of the log at which that action was taken,
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

/// What is alike: the action, then more and more of the state.
#[derive(Debug, Clone, Copy)]
struct Cell {
    action: usize,
    /// 0 before the first step, then the index of the last one, to
    /// [`INDICES`]; `None` for all of them.
    index: Option<usize>,
    fifth: Option<usize>,
}

/// The last index that is told apart from those above.
const INDICES: usize = 4;

impl Cell {
    /// Its place among all cells.
    fn place(self) -> usize {
        let of = |part: Option<usize>| part.map_or(0, |part| part + 1);
        let indices = INDICES + 2;
        let fifths = FIFTHS + 2;
        (self.action * indices + of(self.index)) * fifths + of(self.fifth)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    count: u32,
    correct: f64,
    graded: f64,
    cost: f64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Expectations {
    /// By [`Cell::place`].
    cells: Vec<Sums>,
    /// Confidences that part the fifths.
    borders: Vec<f64>,
}

impl Expectations {
    /// Of every step that led to an outcome.
    pub fn of_lattice(lattice: &Lattice) -> Self {
        let mut confidences: Vec<f64> = lattice
            .nodes
            .iter()
            .filter_map(|node| node.confidence)
            .collect();
        confidences.sort_by(f64::total_cmp);
        let border = |fifth: usize| confidences.get(fifth * confidences.len() / FIFTHS).copied();
        let mut expectations = Self {
            borders: (1..FIFTHS).filter_map(border).collect(),
            cells: Vec::new(),
        };
        for first in lattice.first.values() {
            for &at in first {
                expectations.add(lattice, QUESTION, at);
            }
        }
        expectations
    }

    /// Adds what the steps from `at` on came to; the mean over its leaves.
    fn add(&mut self, lattice: &Lattice, before: u32, first: u32) {
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
                self.count(lattice, before, usize::from(action), mean);
            }
        }
    }

    fn count(&mut self, lattice: &Lattice, before: u32, action: usize, guess: Guess) {
        if !guess.cost.is_finite() {
            return;
        }
        for cell in self.cells_of(lattice, before, action) {
            let place = cell.place();
            if place >= self.cells.len() {
                self.cells.resize(place + 1, Sums::default());
            }
            let sums = &mut self.cells[place];
            sums.count += 1;
            sums.correct += guess.correct;
            sums.graded += guess.graded;
            sums.cost += guess.cost;
        }
    }

    /// The cells of an action after a step, the most alike first.
    fn cells_of(&self, lattice: &Lattice, before: u32, action: usize) -> [Cell; 2] {
        let node = lattice.nodes.get(before as usize);
        let index = node.map_or(0, |node| node.index as usize);
        let index = Some(index.min(INDICES));
        let confidence = node.and_then(|node| node.confidence);
        // No confidence is a state of its own.
        let fifth = confidence.map_or(FIFTHS, |u| {
            self.borders.partition_point(|border| *border <= u)
        });
        let fifth = Some(fifth);
        let cell = |index, fifth| Cell {
            action,
            index,
            fifth,
        };
        [cell(index, fifth), cell(None, fifth)]
    }

    /// What is expected where a model writes the step after `before`.
    pub fn of(&self, lattice: &Lattice, before: u32, action: usize) -> Guess {
        let sums = |cell: &Cell| {
            let sums = self.cells.get(cell.place());
            sums.filter(|sums| sums.count > 0)
        };
        let cells = self.cells_of(lattice, before, action);
        let mut alike = cells.iter().filter_map(sums);
        let alike = alike.find(|sums| sums.count >= FEWEST);
        if let Some(sums) = alike {
            let n = f64::from(sums.count);
            return Guess {
                correct: sums.correct / n,
                graded: sums.graded / n,
                cost: sums.cost / n,
                unlike: 0.0,
            };
        }
        Guess {
            cost: f64::NAN,
            unlike: 1.0,
            ..Guess::default()
        }
    }
}
