//! The outlook at one value of the parameter.

use crate::problem::answer::Verdict;

use super::counts::Counts;
use super::estimate::{Expectations, Guess};
use super::lattice::{Lattice, Question};
use super::way::{Elsewhere, Leads, Way};

/// How sure what is said of a trajectory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Band {
    /// No decision changes.
    Unchanged,
    /// One does, and what follows is in the log.
    Branched,
    /// One does, and all or a part of what follows is not.
    Unknown,
}

impl Band {
    pub const ALL: [Self; 3] = [Self::Unchanged, Self::Branched, Self::Unknown];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Branched => "branched",
            Self::Unknown => "unknown",
        }
    }
}

/// A trajectory of a band.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its place in the survey.
    pub place: usize,
    /// The first step (from 1) that another model would have written, or that
    /// would not have stood; `None` where nothing changes.
    pub step: Option<u32>,
    /// Place in the pool of the model that would write it instead; of a step
    /// that stood, of the one that would write it again. `None` also where the
    /// log does not hold what the rule would have to see.
    pub model: Option<usize>,
    /// How it came out.
    pub verdict: Verdict,
    /// Part of its continuations that is known.
    pub known: f64,
    /// Part of these that is correct, where they are graded.
    pub correct: Option<f64>,
}

/// What the run would have come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outlook {
    pub unchanged: usize,
    pub branched: usize,
    pub unknown: usize,
    /// Trajectories, and parts of them, by how they are known to come out.
    pub correct: f64,
    pub wrong: f64,
    pub ungraded: f64,
    /// Parts of which nothing is known.
    pub open: f64,
    /// Trajectories whose cost is not known: they are in no mean of costs.
    pub unpriced: usize,
    /// Mean cost of what is known; `None` where nothing is.
    pub known_cost: Option<f64>,
    /// With what similar states led to in place of what is not known.
    pub estimate: Estimate,
}

/// An estimate over all trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// `None` where something changes at states of which the log has no like.
    pub accuracy: Option<f64>,
    /// Trajectories, and parts of them, of which that is so.
    pub unlike: f64,
    /// Of the accuracy at 95 %, from the spread over trajectories; what the
    /// estimate itself may be wrong by for states that are alike only at first
    /// sight is not in it.
    pub interval: Option<[f64; 2]>,
    /// Mean cost; `None` where the accuracy is.
    pub cost: Option<f64>,
}

impl Outlook {
    /// Trajectories of a band.
    pub fn count(&self, band: Band) -> usize {
        match band {
            Band::Unchanged => self.unchanged,
            Band::Branched => self.branched,
            Band::Unknown => self.unknown,
        }
    }

    /// Whether more of the estimate is guessed than is known.
    pub fn is_mostly_guessed(&self) -> bool {
        self.coverage() < 0.5
    }

    /// Share of what is known.
    pub fn coverage(&self) -> f64 {
        let known = self.correct + self.wrong + self.ungraded;
        let all = known + self.open;
        if all > 0.0 { known / all } else { 0.0 }
    }

    /// The accuracy of the graded where everything that is not known is wrong,
    /// and where it is right.
    pub fn bounds(&self) -> Option<[f64; 2]> {
        let all = self.correct + self.wrong + self.open;
        (all > 0.0).then(|| [self.correct / all, (self.correct + self.open) / all])
    }
}

/// What is known of a continuation: parts of it that sum to 1, and the costs
/// of the known parts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    pub correct: f64,
    pub wrong: f64,
    pub ungraded: f64,
    pub open: f64,
    /// Sum over the known parts, each by its size.
    pub cost: f64,
    /// With guesses for the open parts.
    pub guess: Guess,
}

impl Parts {
    pub fn known(&self) -> f64 {
        self.correct + self.wrong + self.ungraded
    }

    fn outcome(verdict: Verdict) -> Self {
        let one = |wanted| f64::from(u8::from(verdict == wanted));
        Self {
            correct: one(Verdict::Correct),
            wrong: one(Verdict::Wrong),
            ungraded: one(Verdict::Ungraded),
            guess: Guess::of(verdict),
            ..Self::default()
        }
    }

    /// A trajectory as it was.
    fn logged(way: &Way) -> Self {
        let mut parts = Self::outcome(way.verdict);
        parts.cost = way.cost;
        parts.guess.cost = way.cost;
        parts
    }

    fn open(guess: Guess) -> Self {
        Self {
            open: 1.0,
            guess,
            ..Self::default()
        }
    }

    /// The mean of several, each by its weight; nothing where no weight is, and
    /// `None` where there are none.
    // Summed up one by one: this is asked at every step of every changed
    // trajectory while somebody slides.
    fn mean(parts: impl Iterator<Item = (f64, Self)>) -> Option<Self> {
        let mut several = parts.peekable();
        several.peek()?;
        let (mut sum, mut all) = (Self::default(), 0.0);
        for (weight, part) in several {
            sum = sum.with(&part, |sum, part| sum + weight * part);
            all += weight;
        }
        Some(match all > 0.0 {
            true => sum.with(&sum, |sum, _| sum / all),
            false => Self::default(),
        })
    }

    /// Every figure with that of another.
    fn with(self, other: &Self, with: impl Fn(f64, f64) -> f64) -> Self {
        let (guess, of) = (self.guess, other.guess);
        Self {
            correct: with(self.correct, other.correct),
            wrong: with(self.wrong, other.wrong),
            ungraded: with(self.ungraded, other.ungraded),
            open: with(self.open, other.open),
            cost: with(self.cost, other.cost),
            guess: Guess {
                correct: with(guess.correct, of.correct),
                graded: with(guess.graded, of.graded),
                cost: with(guess.cost, of.cost),
                unlike: with(guess.unlike, of.unlike),
            },
        }
    }

    /// With the cost of a step before it.
    fn after(mut self, cost: f64) -> Self {
        // Of what is wholly open no cost is known, and none is missing.
        if self.known() > 0.0 {
            self.cost += self.known() * cost;
        }
        self.guess.cost += cost;
        self
    }
}

/// Steps behind a change that are asked one by one: where more are to be, the
/// rest counts as not known. What a [`Tail`](super::tail::Tail) says needs no
/// asking.
const DEEPEST: u32 = 1000;

/// Follows a rule at one value through the lattice.
struct Walk<'a> {
    lattice: &'a Lattice,
    expectations: &'a Expectations,
    value: f64,
    problem: Question,
}

impl Walk<'_> {
    /// What follows a step: mean over the continuations by the model that the
    /// rule wants.
    fn from(&self, node: u32, depth: u32) -> Parts {
        let step = self.lattice.nodes.get(node as usize);
        if let Some(verdict) = step.and_then(|step| step.verdict) {
            return Parts::outcome(verdict);
        }
        if step.is_some_and(|step| step.blind) {
            return Parts::open(Guess::NONE);
        }
        let wanted = self.lattice.writer(node, self.value);
        if depth == DEEPEST {
            return self.open(node, wanted);
        }
        let written = self.lattice.written(self.problem, node, wanted);
        let parts = written.map(|at| (self.draws(at), self.step(node, at, depth + 1)));
        Parts::mean(parts).unwrap_or_else(|| self.open(node, wanted))
    }

    /// What a model writes after a step is nowhere.
    fn open(&self, before: u32, wanted: usize) -> Parts {
        let state = self.expectations.state(self.lattice, before);
        Parts::open(self.expectations.of(state, wanted))
    }

    /// A step that was written after `before`: it stands or is written again.
    fn step(&self, before: u32, at: u32, depth: u32) -> Parts {
        let tail = &self.lattice.tails[at as usize];
        if tail.values.hold(self.value) {
            return Parts::outcome(tail.verdict).after(tail.cost);
        }
        let step = &self.lattice.nodes[at as usize];
        if step.unruled {
            // Nobody knows who would write it.
            return Parts::open(Guess::NONE);
        }
        let ruled = step.ruling.as_ref().map(|ruling| ruling.at(self.value));
        let again = ruled.filter(|&model| !self.lattice.is_by(at, model));
        let Some(again) = again else {
            // What follows a draft that was rejected is mostly nowhere.
            return self.from(at, depth).after(step.cost);
        };
        let written = self.lattice.written(self.problem, before, again);
        let parts = written.map(|other| (self.draws(other), self.again(other, depth)));
        let parts = Parts::mean(parts).unwrap_or_else(|| self.open(before, again));
        parts.after(self.lattice.rejected(at))
    }

    /// A step that was written in place of a draft: it stands.
    fn again(&self, at: u32, depth: u32) -> Parts {
        let tail = &self.lattice.tails[at as usize];
        if self.lattice.stands(at) && tail.values.hold(self.value) {
            return Parts::outcome(tail.verdict).after(tail.cost);
        }
        let cost = self.lattice.nodes[at as usize].cost;
        self.from(at, depth).after(cost)
    }

    fn draws(&self, at: u32) -> f64 {
        f64::from(self.lattice.nodes[at as usize].draws)
    }

    /// A trajectory on its own way as far as nothing changes, then wherever the
    /// rule leads; with the number of steps of its own.
    fn way(&self, way: &Way) -> (Parts, usize) {
        let own = self.lattice.own(way, self.value);
        let parts = match self.lattice.steps(way).get(own) {
            Some(step) => {
                let before = || self.lattice.before(way, own);
                match step.elsewhere {
                    Some(Elsewhere {
                        drafted,
                        to: Leads::Nowhere { state, model },
                    }) => {
                        let guess = self.expectations.of(state, usize::from(model));
                        Parts::open(guess).after(step.spent + drafted)
                    }
                    Some(Elsewhere {
                        drafted,
                        to: Leads::To(node),
                    }) => self.step(before(), node, 1).after(step.spent + drafted),
                    None => self
                        .instead_of(before(), step.node, way.draft(own))
                        .after(step.spent),
                }
            }
            None => Parts::logged(way),
        };
        (parts, own)
    }

    /// Where the rule leads in place of the step at `at`.
    fn instead_of(&self, before: u32, at: u32, draft: Option<u32>) -> Parts {
        let wanted = self.lattice.writer(before, self.value);
        // The draft is the same, its ruling is not.
        let draft = draft.unwrap_or(at);
        let is_ruled = self.lattice.nodes[draft as usize].ruling.is_some();
        if is_ruled && self.lattice.is_by(draft, wanted) {
            return self.step(before, draft, 1);
        }
        self.from(before, 0)
    }

    /// The doubly robust recursion over the steps that were drawn: what was
    /// seen beyond the expectation counts by the inverse of its probability.
    /// `None` where nothing hung on a draw: every step was certain, or others
    /// came the same way, so that whatever is known would be.
    fn corrected(&self, way: &Way, own: usize, mut parts: Parts) -> Option<Parts> {
        let mut is_corrected = false;
        // Whether others came as far as this step and all behind it.
        let mut is_known_anyway = true;
        let steps = self.lattice.steps(way)[..own].iter();
        // Of a way without draws there are none to go through.
        for (step, &propensity) in steps.zip(way.propensities()).rev() {
            let node = &self.lattice.nodes[step.node as usize];
            is_known_anyway &= node.held > 1;
            if is_known_anyway || propensity <= 0.0 || propensity >= 1.0 {
                continue;
            }
            let Some(model) = node.model else {
                continue;
            };
            is_corrected = true;
            let expected = self.expectations.of(step.state, usize::from(model));
            // Sums of costs are from the beginning on; so is the expectation.
            let spent = step.spent;
            let weight = propensity.recip();
            let seen = parts.guess;
            let beyond = |seen: f64, expected: f64| expected + weight * (seen - expected);
            parts.guess = Guess {
                correct: beyond(seen.correct, expected.correct),
                graded: beyond(seen.graded, expected.graded),
                cost: beyond(seen.cost, expected.cost + spent),
                // What was seen needs no like, what is put beside it does.
                unlike: seen.unlike.max(expected.unlike),
            };
        }
        is_corrected.then_some(parts)
    }
}

/// Trajectories from which a second thread is worth its start.
const MANY: usize = 10_000;

/// The run as it was: nothing changes.
pub(super) fn as_logged(lattice: &Lattice) -> Outlook {
    let mut counts = Counts::default();
    for way in &lattice.trajectories {
        counts.count(Band::Unchanged, &Parts::logged(way), false);
    }
    counts.outlook()
}

pub(super) fn outlook(lattice: &Lattice, expectations: &Expectations, value: f64) -> Outlook {
    let counted = in_parts(&lattice.trajectories, |ways| {
        counted(lattice, expectations, ways, value)
    });
    let mut all = Counts::default();
    for part in &counted {
        all.add(part);
    }
    all.outlook()
}

/// What comes of parts of the trajectories, in their order: of many each on a
/// thread of its own.
fn in_parts<T: Send>(ways: &[Way], of: impl Fn(&[Way]) -> T + Sync) -> Vec<T> {
    let threads = match ways.len() {
        0..MANY => 1,
        _ => std::thread::available_parallelism().map_or(1, |count| count.get().min(8)),
    };
    if threads == 1 {
        return vec![of(ways)];
    }
    let parts = ways.chunks(ways.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let of = &of;
        let begun: Vec<_> = parts.map(|part| scope.spawn(move || of(part))).collect();
        // A panic in it is ours, and goes on here.
        let done = begun.into_iter().map(|part| {
            part.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        done.collect()
    })
}

/// Counts some trajectories at a value.
fn counted(lattice: &Lattice, expectations: &Expectations, ways: &[Way], value: f64) -> Counts {
    let mut counts = Counts::default();
    for way in ways {
        // Most ways need no walk.
        if way.stays(value) && way.propensities().is_empty() {
            counts.count(Band::Unchanged, &Parts::logged(way), false);
            continue;
        }
        let walk = Walk {
            lattice,
            expectations,
            value,
            problem: way.problem,
        };
        let (parts, own) = walk.way(way);
        let weighed = walk.corrected(way, own, parts);
        let is_weighed = weighed.is_some();
        counts.count(
            band(way, own, &parts),
            &weighed.unwrap_or(parts),
            is_weighed,
        );
    }
    counts
}

/// The band of a trajectory whose first change comes after `own` steps.
fn band(way: &Way, own: usize, parts: &Parts) -> Band {
    match (own == way.length as usize, parts.open > 0.0) {
        (true, _) => Band::Unchanged,
        (false, false) => Band::Branched,
        (false, true) => Band::Unknown,
    }
}

/// The trajectories of a band at a value, not more than `most`.
pub(super) fn changed(lattice: &Lattice, value: f64, band: Band, most: usize) -> Vec<Changed> {
    let listed = |ways: &[Way]| -> Vec<Changed> {
        // Most ways need no walk.
        let may_be = |way: &&Way| band == Band::Unchanged || !way.stays(value);
        let changed = ways.iter().filter(may_be);
        let changed = changed.filter_map(|way| changed_in(lattice, way, value, band));
        changed.take(most).collect()
    };
    // Mostly the first ones fill the list.
    let ways = lattice.trajectories.as_slice();
    let (first, rest) = ways.split_at(ways.len().min(MANY));
    let first = listed(first);
    if first.len() == most || rest.is_empty() {
        return first;
    }
    let rest = in_parts(rest, listed).into_iter().flatten();
    first.into_iter().chain(rest).take(most).collect()
}

/// What becomes of a trajectory; `None` where it is not in the band.
fn changed_in(lattice: &Lattice, way: &Way, value: f64, band: Band) -> Option<Changed> {
    let walk = Walk {
        lattice,
        expectations: &Expectations::default(),
        value,
        problem: way.problem,
    };
    let (parts, own) = walk.way(way);
    if self::band(way, own, &parts) != band {
        return None;
    }
    let change = lattice.steps(way).get(own).map(|step| step.node);
    let before = lattice.before(way, own);
    let graded = parts.correct + parts.wrong;
    Some(Changed {
        place: way.place as usize,
        step: change.map(|at| lattice.nodes[at as usize].index),
        model: change.and_then(|at| {
            let draft = way.draft(own).unwrap_or(at);
            instead(lattice, before, draft, value)
        }),
        verdict: way.verdict,
        known: parts.known(),
        correct: (graded > 0.0).then(|| parts.correct / graded),
    })
}

/// Who writes in place of the step at `at`; `None` where the log does not hold
/// what the rule would have to see.
fn instead(lattice: &Lattice, before: u32, at: u32, value: f64) -> Option<usize> {
    let step = &lattice.nodes[at as usize];
    let is_blind = lattice
        .nodes
        .get(before as usize)
        .is_some_and(|node| node.blind);
    let wanted = lattice.writer(before, value);
    let is_draft = step.model.map(usize::from) == Some(wanted);
    if is_blind || step.unruled && is_draft {
        return None;
    }
    match &step.ruling {
        Some(ruling) if is_draft => Some(ruling.at(value)),
        _ => Some(wanted),
    }
}
