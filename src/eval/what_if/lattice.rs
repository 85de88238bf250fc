//! The steps of all runs of one ground, each once, with the staircases of the
//! decisions about them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::cost::Ledger;
use crate::problem::answer::Verdict;
use crate::router::Slide;
use crate::signal::confidence::Source;
use crate::survey::{Name, Step, Survey, Trajectory, View, same_ground};
use crate::trace::record::{RunRecord, StepEnd, Usage};
use crate::train::params::CostLedger;

use super::Refusal;
use super::rule::Rule;
use super::way::{Values, Way, is_empty, way};

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
    pub confidence: Option<f64>,
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
    /// The first of these.
    seed: u64,
    /// Steps after it, rejected drafts included.
    pub children: Vec<u32>,
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
        self.confidence = self.confidence.or(other.confidence);
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lattice {
    pub nodes: Vec<Node>,
    /// First steps by problem, rejected drafts included.
    pub first: HashMap<Question, Vec<u32>>,
    pub trajectories: Vec<Way>,
    /// The values for which a step of a way stays, way after way.
    values: Vec<Values>,
    /// Who drafts the first step.
    pub first_writer: usize,
    /// Trajectories that were done again, and do not count.
    pub repeated: usize,
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
            values: Vec::new(),
            first_writer: rule.writer(1, models),
            repeated: 0,
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
            let mut grower = Grower {
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
                let place = u32::try_from(place).expect("fewer than 2^32 fit in memory");
                let way = way(&view, place, &lattice, &known);
                lattice.trajectories.extend(way);
            }
        }
        for at in 0..lattice.trajectories.len() {
            let first = lattice.values.len();
            lattice.add_values(at);
            let steps = lattice.values[first..].iter().copied();
            let way = &mut lattice.trajectories[at];
            way.unchanged = steps.fold(Values::ALL, Values::and);
            way.first = first;
        }
        Ok(lattice)
    }

    /// The children of a step, or the first steps of a problem.
    pub fn after(&self, problem: Question, node: u32) -> &[u32] {
        match self.nodes.get(node as usize) {
            Some(node) => &node.children,
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

    /// Adds the values for which each step of a way is written by who wrote it.
    fn add_values(&mut self, way: usize) {
        let way = &self.trajectories[way];
        let before = std::iter::once(QUESTION).chain(way.path.iter().copied());
        let steps = before.zip(&way.path).enumerate();
        let stays = steps.map(|(number, (before, &at))| {
            match way.fallbacks.get(number).copied().flatten() {
                Some(silent) => self.falls_back(before, at, silent),
                None => self.stays(before, at, way.draft(number)),
            }
        });
        let values = stays.map(|values| match values {
            Some((above, to)) => Values { above, to },
            None => Values::NONE,
        });
        let values: Vec<Values> = values.collect();
        self.values.extend(values);
    }

    /// How many steps of a way come before the first change.
    pub fn own(&self, way: &Way, value: f64) -> usize {
        let length = way.path.len();
        let steps = &self.values[way.first..way.first + length];
        let changes = steps.iter().position(|values| !values.hold(value));
        changes.unwrap_or(length)
    }

    /// The values for which the step at `at` follows the one before it, in
    /// place of a draft where there was one.
    fn stays(&self, before: u32, at: u32, draft: Option<u32>) -> Option<(f64, f64)> {
        let step = &self.nodes[at as usize];
        if step.unruled
            || self
                .nodes
                .get(before as usize)
                .is_some_and(|node| node.blind)
        {
            return None;
        }
        // What a person wrote is no decision of the rule.
        let writer = usize::from(step.model?);
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        if let Some(draft) = draft {
            if self.nodes[draft as usize].unruled {
                return None;
            }
            return self.nodes[draft as usize]
                .ruling
                .as_ref()?
                .values_of(writer);
        }
        let asked = match self.nodes.get(before as usize) {
            Some(node) => node.next.values_of(writer)?,
            None if self.first_writer == writer => all,
            None => return None,
        };
        let stands = match &step.ruling {
            Some(ruling) => ruling.values_of(writer)?,
            None => all,
        };
        let values = (asked.0.max(stands.0), asked.1.min(stands.1));
        (values.0 < values.1).then_some(values)
    }

    /// The values for which the step at `at` follows the one before it where
    /// `silent` had nothing to add: both whoever wants that model and whoever
    /// wants the one that wrote it instead come here.
    fn falls_back(&self, before: u32, at: u32, silent: usize) -> Option<(f64, f64)> {
        let Some(node) = self.nodes.get(before as usize) else {
            return (self.first_writer == silent).then_some((f64::NEG_INFINITY, f64::INFINITY));
        };
        if node.blind {
            return None;
        }
        let instead = usize::from(self.nodes[at as usize].model?);
        let wanted = [silent, instead].map(|model| node.next.values_of(model));
        match wanted {
            [Some(a), Some(b)] if a.1 == b.0 || b.1 == a.0 => Some((a.0.min(b.0), a.1.max(b.1))),
            // Others stand between the two: the values that were the log's.
            [Some(a), _] => Some(a),
            [None, b] => b,
        }
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
                if node.blind || node.unruled || node.confidence.is_none() {
                    let seen = self.node(step);
                    self.lattice.nodes[at as usize].fill(seen);
                }
                continue;
            }
            let before = trajectory.before(step);
            let before = before.and_then(|step| self.known.get(&(key.0, step.content())).copied());
            let node = self.node(step);
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
            confidence: step.confidence,
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
            seed: step.seed(),
            children: Vec::new(),
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
