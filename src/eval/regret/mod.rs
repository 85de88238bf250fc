//! What a decision lost: what each model would have led to there, as far as the
//! log holds it (a forest, other runs of the same pool and sampling, branches,
//! rollouts).
//!
//! ```text
//! Q(s, a)   share of right answers where a writes the step after s and the
//!           run's own router goes on; mean over the continuations by a
//! V(s)      the same where the router decides at s as well
//! regret    max over a of Q(s, a) − cost(s, a)/w, less that of the choice
//! ```
//!
//! A router that has steps drafted goes on with the drafts that stand by its
//! rule, and with what its last model wrote in place of the others. A draft that
//! was rejected in every run has no Q of its own: what it would have led to is
//! nowhere.
//!
//! w is what a right answer is worth. A regret that is no larger than that of a
//! choice against itself, drawn as often as the other one (the A/A control), is
//! noise. What has no end in the log, or one that nobody could grade, is left
//! out.

mod all;
mod asked;
mod choice;
mod grove;
mod rescue;
mod value;

use crate::problem::answer::Verdict;
use crate::survey::View;
use crate::train::wilson;

pub use all::{Build, Control, Regrets};
pub use choice::{Action, Choice, Regret, Worth};
pub use grove::{Grove, Made};

/// A path through a [`Grove`].
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its steps.
    pub path: Vec<u32>,
    /// Places in the pool of who wrote them; `None` for a person.
    pub writers: Vec<Option<usize>>,
    /// Published cost of the steps before each, and of all; NaN where unknown.
    pub spent: Vec<f64>,
    pub verdict: Option<Verdict>,
}

/// V(s) after a step of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub right: f64,
    /// At 95 %; a point where the path ends.
    pub interval: [f64; 2],
    /// Draws that it is a mean of; 0 where the path ends.
    pub draws: u32,
}

/// Overrides that lead elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescue {
    /// How many; a mean where what follows the first one is drawn.
    pub overrides: f64,
    /// The first step (from 1) that another model writes.
    pub step: u32,
    /// Place of that model in the pool.
    pub model: usize,
    /// Share of right answers then, of what is known.
    pub right: f64,
    /// Continuations by that model that are known.
    pub draws: u32,
    /// Published cost of the whole trajectory then.
    pub cost: Option<f64>,
}

/// The largest loss on a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Critical {
    /// The step (from 1) that lost it.
    pub step: u32,
    /// V before it less V after it.
    pub drop: f64,
}

impl Grove {
    /// A path is lost where V is below this.
    pub const LOST: f64 = 0.1;

    /// Models of the pool.
    pub fn models(&self) -> usize {
        self.models
    }

    /// The main line of a trajectory of its question; `None` where a step of it
    /// is not there.
    pub fn line(&self, view: &View<'_>) -> Option<Line> {
        let path: Option<Vec<u32>> = view.steps().map(|step| self.node_of(step.key())).collect();
        let path = path.filter(|path| !path.is_empty())?;
        Some(self.line_of(path, view.verdict()))
    }

    /// A path of these nodes that came out so.
    pub fn line_of(&self, path: Vec<u32>, verdict: Option<Verdict>) -> Line {
        let mut spent = vec![0.0];
        for &at in &path {
            spent.push(spent[spent.len() - 1] + self.nodes[at as usize].cost);
        }
        Line {
            writers: path
                .iter()
                .map(|&at| self.nodes[at as usize].model)
                .collect(),
            path,
            spent,
            verdict,
        }
    }

    /// The decision after a step of a path (0: about the first step).
    pub fn choice(&self, line: &Line, after: usize) -> Choice {
        let at = after.checked_sub(1).and_then(|at| line.path.get(at));
        let taken = line.writers.get(after).copied().flatten();
        Choice::of(self, at.copied(), taken)
    }

    /// V after every step of a path, the first for the question; `None` where
    /// nothing is known.
    pub fn profile(&self, line: &Line) -> Vec<Option<Standing>> {
        let places = std::iter::once(None).chain(line.path.iter().map(|&at| Some(at)));
        places.map(|at| self.standing(at)).collect()
    }

    /// V after a step, for `None` at the question; `None` where nothing is known.
    pub fn standing(&self, at: Option<u32>) -> Option<Standing> {
        let ends = at.is_some_and(|at| self.nodes[at as usize].verdict.is_some());
        let value = match at {
            Some(at) => self.values[at as usize],
            None => self.led(None, &self.values),
        };
        let right = value.share()?;
        if ends {
            return Some(Standing {
                right,
                interval: [right, right],
                draws: 0,
            });
        }
        let (draws, effective) = self.draws(at);
        Some(Standing {
            right,
            interval: wilson(right, effective)?,
            draws,
        })
    }

    /// The step that lost most; `None` where V falls nowhere.
    pub fn critical(profile: &[Option<Standing>]) -> Option<Critical> {
        let pairs = profile.windows(2).enumerate();
        let drops = pairs.filter_map(|(number, pair)| {
            let drop = pair[0]?.right - pair[1]?.right;
            let step = u32::try_from(number + 1).ok()?;
            (drop > 0.0).then_some(Critical { step, drop })
        });
        // Of equal ones the first.
        drops.reduce(|most, other| match other.drop > most.drop {
            true => other,
            false => most,
        })
    }

    /// Whether more than one graded end is known behind a step, for `None`
    /// behind the question: of a single one V only says how that came out.
    pub fn is_sampled(&self, at: Option<u32>) -> bool {
        let mut open = self.after(at).to_vec();
        let mut ends = 0;
        while let Some(at) = open.pop() {
            let node = &self.nodes[at as usize];
            match node.verdict {
                Some(Verdict::Ungraded) => {}
                Some(_) => ends += node.draws,
                None => open.extend(&node.children),
            }
            if ends > 1 {
                return true;
            }
        }
        false
    }

    /// The first step (from 1) from which on V stays below [`Self::LOST`]:
    /// where the path was lost, as far as the log knows.
    pub fn lost_from(profile: &[Option<Standing>]) -> Option<u32> {
        let low =
            |standing: &Option<Standing>| standing.is_some_and(|known| known.right < Self::LOST);
        let kept = profile.iter().rposition(|standing| !low(standing));
        let first = kept.map_or(1, |kept| kept + 1).max(1);
        (first < profile.len()).then(|| u32::try_from(first).unwrap_or(u32::MAX))
    }

    /// Share of right answers of one model alone, from the question; with the
    /// number of its answers.
    pub fn alone(&self, model: usize) -> Option<(f64, u32)> {
        let values = self.induce(|grove, at, values| grove.by(Some(at), model, values).0);
        let (value, draws) = self.by(None, model, &values);
        Some((value.share()?, draws))
    }
}

#[cfg(test)]
mod tests;
