//! The way of a trajectory through the lattice, and the values for which it is
//! taken.

use crate::problem::answer::Verdict;
use crate::survey::{Step, View};
use crate::trace::record::{Purpose, StepEnd};

use super::lattice::{Known, Lattice, Question, question_of};

/// Values of the parameter: above the first, up to and with the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Values {
    pub above: f64,
    pub to: f64,
}

impl Values {
    pub const ALL: Self = Self {
        above: f64::NEG_INFINITY,
        to: f64::INFINITY,
    };
    pub const NONE: Self = Self {
        above: f64::INFINITY,
        to: f64::NEG_INFINITY,
    };

    pub fn hold(self, value: f64) -> bool {
        self.above < value && value <= self.to
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            above: self.above.max(other.above),
            to: self.to.min(other.to),
        }
    }
}

/// A trajectory of the run that is asked about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way {
    /// Place in the survey.
    pub place: u32,
    pub problem: Question,
    /// Its steps.
    pub path: Vec<u32>,
    /// The rejected draft that each was written in place of; empty where there
    /// is none.
    pub drafts: Vec<Option<u32>>,
    /// Whose empty step each was written in place of, by its place in the pool;
    /// empty where there is none.
    pub fallbacks: Vec<Option<usize>>,
    pub verdict: Verdict,
    /// As logged.
    pub cost: f64,
    /// The values (above the first, up to and with the second) for which
    /// nothing changes on its way; none where something always does.
    pub unchanged: Values,
    /// Where the values of its steps begin in [`Lattice::values`].
    pub first: usize,
    /// Cost of the steps before each, and of all.
    pub spent: Vec<f64>,
    /// Probability with which each step's writer was drawn; empty where all
    /// were certain.
    pub propensities: Vec<f64>,
}

impl Way {
    /// The rejected draft that its step of this number (from 0) was written in
    /// place of.
    pub fn draft(&self, number: usize) -> Option<u32> {
        self.drafts.get(number).copied().flatten()
    }

    /// Whether nothing changes on it at a value.
    pub fn stays(&self, value: f64) -> bool {
        self.unchanged.hold(value)
    }
}

/// The way of a trajectory that came to an end.
pub(super) fn way(view: &View<'_>, place: u32, lattice: &Lattice, known: &Known) -> Option<Way> {
    let outcome = view.outcome()?;
    let problem = question_of(view.trajectory());
    let node = |step: &Step| known.get(&(problem, step.content())).copied();
    let path: Option<Vec<u32>> = view.steps().map(node).collect();
    let path = path.filter(|path| !path.is_empty())?;
    let draft = |step: &Step| view.trajectory().draft_of(step).and_then(node);
    let drafts: Vec<Option<u32>> = view.steps().map(draft).collect();
    let cost = |at: u32| lattice.nodes[at as usize].cost;
    let mut spent = vec![0.0];
    for (&at, draft) in path.iter().zip(&drafts) {
        let rejected = draft.filter(|_| lattice.counts_drafts).map_or(0.0, cost);
        spent.push(spent[spent.len() - 1] + rejected + cost(at));
    }
    let fallbacks: Vec<Option<usize>> = (0..path.len())
        .map(|at| silent(view, at, lattice.first_writer))
        .collect();
    let made = view.trajectory().decisions();
    let is_drawn = made.iter().any(|made| made.drawn() < 1.0);
    let drawn = |at: usize| view.propensity(at);
    Some(Way {
        place,
        problem,
        verdict: outcome.verdict,
        cost: match lattice.counts_drafts {
            true => spent[path.len()],
            false => outcome.published.unwrap_or(f64::NAN),
        },
        unchanged: Values::ALL,
        first: 0,
        spent,
        propensities: match is_drawn {
            true => (0..path.len()).map(drawn).collect(),
            false => Vec::new(),
        },
        path,
        fallbacks: match fallbacks.iter().all(Option::is_none) {
            true => Vec::new(),
            false => fallbacks,
        },
        drafts: match drafts.iter().all(Option::is_none) {
            true => Vec::new(),
            false => drafts,
        },
    })
}

/// Whether a model had nothing to add, and another was asked instead: such a
/// step stands beside the trajectory. (Behind a step the end of the sequence
/// ends the trajectory.)
pub(super) fn is_empty(step: &Step) -> bool {
    let ends = step.end == StepEnd::Empty || step.end == StepEnd::Eos && step.index <= 1;
    !step.kept && step.purpose == Purpose::Draft && step.blank && ends
}

/// The model that the router wanted where the step at `at` was written by
/// another, as that one had nothing to add or was filtered; `first` writes the
/// first step.
fn silent(view: &View<'_>, at: usize, first: usize) -> Option<usize> {
    let before = at.checked_sub(1);
    view.decision(before).filter(|made| made.fallback)?;
    let Some(before) = before else {
        return Some(first);
    };
    let wanted = view.trajectory().routed_after(view.step(before)?)?;
    view.place(wanted.action)
}
