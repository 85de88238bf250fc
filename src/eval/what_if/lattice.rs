//! The steps of all runs of one ground, each once, with the staircases of the
//! decisions about them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use smallvec::SmallVec;

use crate::cost::Ledger;
use crate::problem::answer::Verdict;
use crate::router::Slide;
use crate::signal::confidence::Source;
use crate::survey::{Name, Step, Survey, Trajectory, View, same_ground};
use crate::trace::record::{RunRecord, StepEnd, Usage};
use crate::train::params::CostLedger;

use super::Refusal;
use super::rule::Rule;
use super::tail::Tail;
use super::way::{Taken, Way, is_empty, way};

/// A problem by its id and the beginning of its question: data sets number
/// their problems alike.
pub(super) type Question = (Name, u64);

pub(super) fn question_of(trajectory: &Trajectory) -> Question {
    (trajectory.problem, trajectory.question_hash())
}

/// Before the first step.
pub(super) const QUESTION: u32 = u32::MAX;

/// A step, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Place of its model in the pool; `None` for a person's step.
    pub model: Option<u8>,
    /// NaN where it is not known.
    pub cost: f64,
    /// Cost of the rejected draft that it was written in place of; 0 in the
    /// published ledger, which counts none.
    pub rejected: f64,
    pub index: u32,
    /// How good it looks, by what the rule goes by.
    pub looks: Option<f64>,
    /// Who writes the step after it.
    pub next: Slide,
    /// Whether it stands or is written again, where the rule looks at drafts.
    pub ruling: Option<Box<Slide>>,
    /// The log does not hold what the rule would have to see.
    pub blind: bool,
    /// Nor what it would have to see of this step before it stands.
    pub unruled: bool,
    pub verdict: Option<Verdict>,
    /// How often it was drawn, by different seeds.
    pub draws: u32,
    /// On the ways of how many trajectories it is, of those that count.
    pub held: u32,
    /// The last of these.
    holder: u32,
    /// The first of these.
    seed: u64,
    /// Steps after it, rejected drafts included; mostly one. Room for four costs
    /// as much as for two.
    pub children: SmallVec<[u32; 4]>,
}

/// Nodes by problem and by what stands up to them.
pub(super) type Known = HashMap<(Question, u64), u32, BuildHasherDefault<Mixed>>;

/// A hasher of what is a hash already.
#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Node {
    /// Notes that it is on the way of a trajectory; on a branch of that one it
    /// may be again.
    fn hold(&mut self, holder: Option<u32>) {
        if let Some(holder) = holder.filter(|&holder| self.holder != holder || self.held == 0) {
            self.held += 1;
            self.holder = holder;
        }
    }

    /// Takes what another run saw of the step in place of what this one lacks.
    fn fill(&mut self, other: Self) {
        if self.blind && !other.blind {
            self.next = other.next;
            self.blind = false;
        }
        if self.unruled && !other.unruled {
            self.ruling = other.ruling;
            self.unruled = false;
        }
        self.looks = self.looks.or(other.looks);
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lattice {
    pub nodes: Vec<Node>,
    /// First steps by problem, rejected drafts included.
    pub first: HashMap<Question, Vec<u32>>,
    pub trajectories: Vec<Way>,
    /// Their steps, one way after the other.
    pub(super) taken: Vec<Taken>,
    /// Steps on the ways that the rule decides about.
    pub decided: usize,
    /// Of every step; once the lattice is [settled](Self::settle).
    pub(super) tails: Vec<Tail>,
    /// Who drafts the first step.
    pub first_writer: usize,
    /// Trajectories that were done again, and do not count.
    pub repeated: usize,
    /// Trajectories that came to an end and of which the log lacks steps: they
    /// do not count either.
    pub torn: usize,
    /// Whether rejected drafts cost something.
    pub counts_drafts: bool,
}

impl Lattice {
    pub fn of(
        survey: &Survey,
        run: u32,
        rule: &Rule<'_>,
        counted: CostLedger,
    ) -> Result<Self, Refusal> {
        let heads: Vec<Option<&RunRecord>> = survey
            .runs()
            .iter()
            .map(|run| run.head.as_deref())
            .collect();
        let head = heads
            .get(run as usize)
            .copied()
            .flatten()
            .ok_or(Refusal::Headless)?;
        let models = head.pool.len();
        let ledger = Ledger::new(&head.pool);
        let mut lattice = Self {
            nodes: Vec::new(),
            first: HashMap::new(),
            trajectories: Vec::new(),
            taken: Vec::new(),
            decided: 0,
            tails: Vec::new(),
            first_writer: rule.writer(1, models),
            repeated: 0,
            torn: 0,
            counts_drafts: counted == CostLedger::Full,
        };
        let superseded = survey.superseded();
        let mut known = Known::default();
        let mut seeds: HashSet<(u32, u64)> = HashSet::new();
        let is_own = |place: &usize| {
            let of = survey.view(*place).head();
            of.is_some_and(|of| of.key == head.key)
        };
        // What the run itself saw of a step comes first, whatever order the
        // logs are in; what others saw fills what it lacks.
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..survey.trajectories().len()).partition(is_own);
        for place in own.into_iter().chain(others) {
            let view = survey.view(place);
            let Some(of) = view.head().filter(|of| same_ground(of, head)) else {
                continue;
            };
            let index = u32::try_from(place).expect("fewer than 2^32 fit in memory");
            let mut grower = Grower {
                holder: (!superseded.contains(&place)).then_some(index),
                view: &view,
                rule,
                asked: head,
                ledger: &ledger,
                counted,
                signal: of.signal.parse().ok(),
                lattice: &mut lattice,
                known: &mut known,
                seeds: &mut seeds,
            };
            grower.grow();
            if of.key == head.key {
                if superseded.contains(&place) {
                    lattice.repeated += 1;
                    continue;
                }
                if let Some((way, steps)) = way(&view, index, &lattice, &known) {
                    lattice.trajectories.push(way);
                    lattice.taken.extend(steps);
                }
                lattice.torn += usize::from(view.is_torn());
            }
        }
        Ok(lattice)
    }

    /// The steps of a way.
    pub fn steps(&self, way: &Way) -> &[Taken] {
        let first = way.first as usize;
        &self.taken[first..first + way.length as usize]
    }

    /// The step before that of this number (from 0).
    pub fn before(&self, way: &Way, number: usize) -> u32 {
        let before = number.checked_sub(1);
        before.map_or(QUESTION, |at| self.steps(way)[at].node)
    }

    /// The children of a step, or the first steps of a problem.
    pub fn after(&self, problem: Question, node: u32) -> &[u32] {
        match self.nodes.get(node as usize) {
            Some(node) => node.children.as_slice(),
            None => self.first.get(&problem).map_or(&[], Vec::as_slice),
        }
    }

    /// Who writes the step after a node.
    pub fn writer(&self, node: u32, value: f64) -> usize {
        match self.nodes.get(node as usize) {
            Some(node) => node.next.at(value),
            None => self.first_writer,
        }
    }

    /// The steps by a model after a node, or the first ones of a problem.
    pub fn written(
        &self,
        problem: Question,
        node: u32,
        model: usize,
    ) -> impl Iterator<Item = u32> + '_ {
        let after = self.after(problem, node).iter().copied();
        after.filter(move |&other| self.is_by(other, model))
    }

    /// What a rejected draft adds to the cost of what takes its place.
    pub fn rejected(&self, draft: u32) -> f64 {
        match self.counts_drafts {
            true => self.nodes[draft as usize].cost,
            false => 0.0,
        }
    }

    pub fn is_by(&self, node: u32, model: usize) -> bool {
        self.nodes[node as usize].model.map(usize::from) == Some(model)
    }

    /// Whether a step is no draft that anybody rules on.
    pub fn stands(&self, node: u32) -> bool {
        let node = &self.nodes[node as usize];
        node.ruling.is_none() && !node.unruled
    }

    /// How many steps of a way come before the first change.
    pub fn own(&self, way: &Way, value: f64) -> usize {
        let steps = self.steps(way);
        let changes = steps.iter().position(|step| !step.stays.hold(value));
        changes.unwrap_or(steps.len())
    }

    /// The values at which a decision flips, on a way or where one may lead.
    pub fn flips(&self) -> Vec<f64> {
        let slides = self
            .nodes
            .iter()
            .flat_map(|node| [Some(&node.next), node.ruling.as_deref()]);
        let flips = slides.flatten().flat_map(Slide::flips);
        flips.filter(|flip| flip.is_finite()).collect()
    }
}

/// Adds the steps of one trajectory.
struct Grower<'a> {
    view: &'a View<'a>,
    /// Its place in the survey, where it counts.
    holder: Option<u32>,
    rule: &'a Rule<'a>,
    /// The run that is asked about.
    asked: &'a RunRecord,
    ledger: &'a Ledger,
    counted: CostLedger,
    /// The measure that the run's confidences are of.
    signal: Option<Source>,
    lattice: &'a mut Lattice,
    known: &'a mut Known,
    /// Draws by node, beside the first.
    seeds: &'a mut HashSet<(u32, u64)>,
}

impl Grower<'_> {
    fn grow(&mut self) {
        let trajectory = self.view.trajectory();
        let question = question_of(trajectory);
        // A call that failed wrote nothing that anybody could go on from.
        let written = trajectory.steps().iter();
        let written = written.filter(|step| step.kept || step.end != StepEnd::Error);
        for step in written {
            let key = (question, step.content());
            if let Some(&at) = self.known.get(&key) {
                let node = &mut self.lattice.nodes[at as usize];
                let other = node.seed != step.seed() && self.seeds.insert((at, step.seed()));
                node.draws += u32::from(other);
                node.hold(self.holder.filter(|_| step.kept));
                if node.blind || node.unruled || node.looks.is_none() {
                    let seen = self.node(step);
                    self.lattice.nodes[at as usize].fill(seen);
                }
                continue;
            }
            let before = trajectory.before(step);
            let before = before.and_then(|step| self.known.get(&(key.0, step.content())).copied());
            let mut node = self.node(step);
            node.hold(self.holder.filter(|_| step.kept));
            let place = u32::try_from(self.lattice.nodes.len()).expect("steps fit in memory");
            self.lattice.nodes.push(node);
            self.known.insert(key, place);
            match before {
                Some(before) => self.lattice.nodes[before as usize].children.push(place),
                None => self.lattice.first.entry(key.0).or_default().push(place),
            }
        }
        for (leaf, outcome) in trajectory.outcomes() {
            if let Some(&at) = self.known.get(&(question, leaf.content())) {
                let held = &mut self.lattice.nodes[at as usize].verdict;
                // One that could not be graded says less than one that was.
                if held.is_none() || outcome.verdict != Verdict::Ungraded {
                    *held = Some(outcome.verdict);
                }
            }
        }
    }

    fn node(&self, step: &Step) -> Node {
        let writer = self.view.writer(step);
        let seen = self.rule.sees(self.view, step, self.signal, self.asked);
        let trajectory = self.view.trajectory();
        let draft = trajectory.draft_of(step);
        let rejected = draft.filter(|_| self.counted == CostLedger::Full);
        Node {
            model: writer.and_then(|place| u8::try_from(place).ok()),
            cost: self.cost(step).unwrap_or(f64::NAN),
            rejected: rejected.map_or(0.0, |draft| self.cost(draft).unwrap_or(f64::NAN)),
            index: step.index,
            looks: seen.looks,
            next: seen.next.clone().unwrap_or_else(|| Slide::fixed(0)),
            blind: seen.next.is_none(),
            unruled: seen.unruled,
            // Who has nothing to add is followed by the most capable model.
            ruling: match is_empty(step) {
                true => Some(Box::new(Slide::fixed(
                    self.asked.pool.len().saturating_sub(1),
                ))),
                false => seen.ruling.map(Box::new),
            },
            verdict: None,
            draws: 1,
            held: 0,
            holder: QUESTION,
            seed: step.seed(),
            children: SmallVec::new(),
        }
    }
}

impl Grower<'_> {
    /// What a step took; `None` where that is not known.
    fn cost(&self, step: &Step) -> Option<f64> {
        if self.view.is_by_person(step) {
            return Some(0.0);
        }
        let place = self.view.writer(step)?;
        let model = self.view.head()?.pool.get(place)?;
        let output = u64::from(step.tokens);
        match self.counted {
            CostLedger::Published => self.ledger.output(&model.name, output),
            // No call takes no prompt: what was imported may not say.
            CostLedger::Full if step.prompt == 0 => None,
            CostLedger::Full => {
                let usage = Usage {
                    prompt: u64::from(step.prompt),
                    cached: step.cached().map(u64::from),
                    output,
                    ..Usage::default()
                };
                self.ledger.call(&model.name, usage)
            }
        }
    }
}
