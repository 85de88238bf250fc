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

    /// Whether it is none.
    pub fn is_none(self) -> bool {
        self.above >= self.to
    }

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

impl From<Option<(f64, f64)>> for Values {
    fn from(values: Option<(f64, f64)>) -> Self {
        values.map_or(Self::NONE, |(above, to)| Self { above, to })
    }
}

/// A trajectory of the run that is asked about. All of them are gone through
/// for every value, so that their steps lie in one list
/// ([`Lattice::steps`]), and what few of them have lies elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way {
    /// The values (above the first, up to and with the second) for which
    /// nothing changes on its way; none where something always does.
    pub unchanged: Values,
    /// As logged.
    pub cost: f64,
    pub problem: Question,
    /// Place in the survey.
    pub place: u32,
    /// Where its steps begin, and how many they are.
    pub first: u32,
    pub length: u32,
    pub verdict: Verdict,
    pub aside: Option<Box<Aside>>,
}

/// What few trajectories have beside their steps; each list is empty where this
/// one has none of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Aside {
    /// The rejected draft that each step was written in place of.
    drafts: Vec<Option<u32>>,
    /// Whose empty step each was written in place of, by its place in the pool.
    fallbacks: Vec<Option<usize>>,
    /// Probability with which each step's writer was drawn.
    propensities: Vec<f64>,
}

/// A step of a way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    /// The values for which it is written by who wrote it.
    pub stays: Values,
    /// Cost of the steps before it.
    pub spent: f64,
    pub node: u32,
    /// What the state before it is like ([`Expectations::state`]).
    ///
    /// [`Expectations::state`]: super::estimate::Expectations::state
    pub state: u8,
    /// Where all other values lead, where that is one place.
    pub elsewhere: Option<Elsewhere>,
}

/// What comes in place of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Elsewhere {
    /// Cost of a draft that is paid for before it: one that is rejected, or one
    /// that stands and after which nothing is known.
    pub drafted: f64,
    pub to: Leads,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leads {
    /// To a step that is in the log.
    To(u32),
    /// To what a model would write after such a state, which is not in it.
    Nowhere { state: u8, model: u8 },
}

impl Way {
    /// The rejected draft that its step of this number (from 0) was written in
    /// place of.
    pub fn draft(&self, number: usize) -> Option<u32> {
        let aside = self.aside.as_ref()?;
        aside.drafts.get(number).copied().flatten()
    }

    /// Whose empty step its step of this number (from 0) was written in place
    /// of, by its place in the pool.
    pub fn fallback(&self, number: usize) -> Option<usize> {
        let aside = self.aside.as_ref()?;
        aside.fallbacks.get(number).copied().flatten()
    }

    /// Probability with which each step's writer was drawn; empty where all
    /// were certain.
    pub fn propensities(&self) -> &[f64] {
        self.aside.as_ref().map_or(&[], |aside| &aside.propensities)
    }

    /// Whether nothing changes on it at a value.
    pub fn stays(&self, value: f64) -> bool {
        self.unchanged.hold(value)
    }
}

/// The way of a trajectory that came to an end, with its steps; `None` where
/// the log lacks some of them.
pub(super) fn way(
    view: &View<'_>,
    place: u32,
    lattice: &Lattice,
    known: &Known,
) -> Option<(Way, Vec<Taken>)> {
    let outcome = view.outcome()?;
    if view.is_torn() {
        return None;
    }
    let problem = question_of(view.trajectory());
    let node = |step: &Step| known.get(&(problem, step.content())).copied();
    let path: Option<Vec<u32>> = view.steps().map(node).collect();
    let path = path.filter(|path| !path.is_empty())?;
    let draft = |step: &Step| view.trajectory().draft_of(step).and_then(node);
    let drafts: Vec<Option<u32>> = view.steps().map(draft).collect();
    let mut spent = 0.0;
    let steps = path.iter().zip(&drafts).map(|(&node, draft)| {
        let taken = Taken {
            stays: Values::ALL,
            spent,
            node,
            state: 0,
            elsewhere: None,
        };
        let rejected = draft.map_or(0.0, |draft| lattice.rejected(draft));
        spent += rejected + lattice.nodes[node as usize].cost;
        taken
    });
    let steps: Vec<Taken> = steps.collect();
    let fallbacks: Vec<Option<usize>> = (0..path.len())
        .map(|at| silent(view, at, lattice.first_writer))
        .collect();
    let made = view.trajectory().decisions();
    let is_drawn = made.iter().any(|made| made.drawn() < 1.0);
    let drawn = |at: usize| view.propensity(at);
    let aside = Aside {
        propensities: match is_drawn {
            true => (0..path.len()).map(drawn).collect(),
            false => Vec::new(),
        },
        fallbacks: match fallbacks.iter().all(Option::is_none) {
            true => Vec::new(),
            false => fallbacks,
        },
        drafts: match drafts.iter().all(Option::is_none) {
            true => Vec::new(),
            false => drafts,
        },
    };
    let way = Way {
        unchanged: Values::ALL,
        cost: match lattice.counts_drafts {
            true => spent,
            false => outcome.published.unwrap_or(f64::NAN),
        },
        problem,
        place,
        first: u32::try_from(lattice.taken.len()).expect("steps fit in memory"),
        length: u32::try_from(steps.len()).expect("steps fit in memory"),
        verdict: outcome.verdict,
        aside: (aside != Aside::default()).then(|| Box::new(aside)),
    };
    Some((way, steps))
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
