//! Everything that a log holds of one question on one ground: the steps of
//! all runs, branches and forests, each once, wherever it was written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::cost::Ledger;
use crate::eval::what_if::{Next, Writer};
use crate::problem::answer::Verdict;
use crate::router::Router;
use crate::survey::{Step, Survey, View};
use crate::trace::record::{Purpose, StepEnd};

use super::asked::Asked;
use super::value::Value;

/// A step, wherever it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Place of its model in the pool; `None` for a person's step.
    pub model: Option<usize>,
    /// Published cost; NaN where it is not known.
    pub cost: f64,
    /// How the log's own router goes on after it; `None` where nobody decided.
    pub next: Option<Next>,
    /// Whether that is the router of the run that is asked about, not that of
    /// another run that came this way.
    pub is_own: bool,
    /// Who writes the step that stands where that router is shown this one as
    /// a draft; `None` where nobody knows.
    pub ruling: Option<Writer>,
    /// Whether it stands in any run: what follows a draft that was rejected in
    /// all of them is nowhere.
    pub stands: bool,
    pub verdict: Option<Verdict>,
    /// How often it was drawn, by different seeds.
    pub draws: u32,
    /// Steps after it, rejected drafts included.
    pub children: Vec<u32>,
}

/// The steps of one question, each once.
///
/// After a decision the log's own router goes on: the model that was chosen
/// there, or where choices were drawn every model by its probability, or where
/// it has steps drafted the drafts that stand and what was written in place of
/// the others. Where nothing of that is in the log, what is there stands for it.
#[derive(Debug, Clone)]
pub struct Grove {
    pub(super) models: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) first: Vec<u32>,
    start: Option<Next>,
    /// By what stands up to a step.
    known: HashMap<u64, u32>,
    /// By the ids of the steps.
    ids: HashMap<u64, u32>,
    /// What the log's own router reaches from each node.
    pub(super) values: Vec<Value>,
}

impl Grove {
    /// Of the question of the trajectory at `place`; `None` where the head of
    /// its run is lost. `made` is the router of its run, to be asked where other
    /// runs came.
    pub fn of(survey: &Survey, place: usize, made: Option<&Made>) -> Option<Self> {
        let beside = survey.beside(place);
        let head = survey.view(*beside.first()?).head()?;
        let asked = Asked::new(head, made);
        let ledger = Ledger::new(&head.pool);
        let mut grove = Self {
            models: head.pool.len(),
            nodes: Vec::new(),
            first: Vec::new(),
            start: None,
            known: HashMap::new(),
            ids: HashMap::new(),
            values: Vec::new(),
        };
        let mut seeds = HashSet::new();
        for other in beside {
            grove.add(&survey.view(other), &asked, &ledger, &mut seeds);
        }
        grove.values = grove.induce(Self::onward);
        Some(grove)
    }

    /// Adds what one run holds of the question.
    fn add(
        &mut self,
        view: &View<'_>,
        asked: &Asked<'_>,
        ledger: &Ledger,
        seeds: &mut HashSet<(u32, u64)>,
    ) {
        let trajectory = view.trajectory();
        if self.start.is_none() {
            self.start = asked.start(view);
        }
        for step in trajectory.steps().iter().filter(|step| is_written(step)) {
            let before = match trajectory.before(step) {
                None if step.index > 1 => continue, // What it follows is lost.
                None => None,
                Some(before) => match self.known.get(&before.content()) {
                    None => continue,
                    known => known.copied(),
                },
            };
            let said = asked.says(view, step);
            if let Some(drafter) = said.drafter {
                self.drafts(before, drafter);
            }
            let at = match self.known.get(&step.content()) {
                Some(&at) => {
                    let node = &mut self.nodes[at as usize];
                    // The asked router's own word, else that of who came first.
                    if node.next.is_none() || (said.is_own && !node.is_own) {
                        (node.next, node.is_own) = (said.next, said.is_own);
                    }
                    node.ruling = node.ruling.take().or(said.ruling);
                    at
                }
                None => self.push(
                    before,
                    step.content(),
                    Node {
                        model: view.writer(step),
                        cost: cost(view, step, ledger),
                        next: said.next,
                        is_own: said.is_own,
                        ruling: said.ruling,
                        stands: false,
                        verdict: None,
                        draws: 0,
                        children: Vec::new(),
                    },
                ),
            };
            let node = &mut self.nodes[at as usize];
            node.draws += u32::from(seeds.insert((at, step.seed())));
            node.stands |= step.kept;
            if step.kept {
                self.ids.insert(step.key(), at);
            }
        }
        for (leaf, outcome) in trajectory.outcomes() {
            let Some(&at) = self.known.get(&leaf.content()) else {
                continue;
            };
            let held = &mut self.nodes[at as usize].verdict;
            // One that could not be graded says less than one that was.
            if held.is_none() || outcome.verdict != Verdict::Ungraded {
                *held = Some(outcome.verdict);
            }
        }
    }

    fn push(&mut self, before: Option<u32>, content: u64, node: Node) -> u32 {
        let at = u32::try_from(self.nodes.len()).expect("fewer than 2^32 steps fit in memory");
        self.nodes.push(node);
        self.known.insert(content, at);
        match before {
            Some(before) => self.nodes[before as usize].children.push(at),
            None => self.first.push(at),
        }
        at
    }

    /// The own run had the step after a node drafted.
    fn drafts(&mut self, at: Option<u32>, drafter: usize) {
        let next = Some(Next::Draft(drafter));
        match at {
            Some(at) => {
                let node = &mut self.nodes[at as usize];
                (node.next, node.is_own) = (next, true);
            }
            None => self.start = next,
        }
    }

    /// The node of the step of this id, as [`crate::survey::step_key`] gives it.
    pub fn node_of(&self, key: u64) -> Option<u32> {
        self.ids.get(&key).copied()
    }

    /// The steps after a node, the first ones for `None`; rejected drafts
    /// included.
    pub(super) fn after(&self, at: Option<u32>) -> &[u32] {
        match at {
            Some(at) => &self.nodes[at as usize].children,
            None => &self.first,
        }
    }

    /// How the log's own router goes on after a node, for `None` how it begins.
    fn next(&self, at: Option<u32>) -> Option<&Next> {
        match at {
            Some(at) => self.nodes[at as usize].next.as_ref(),
            None => self.start.as_ref(),
        }
    }

    /// Whether the log holds what more than one model wrote somewhere: else
    /// there is nothing to compare.
    pub fn has_alternatives(&self) -> bool {
        let places = std::iter::once(None).chain((0..self.nodes.len()).map(|at| {
            // Counted when they were added.
            u32::try_from(at).ok()
        }));
        places.into_iter().any(|at| {
            let after = self
                .after(at)
                .iter()
                .map(|&child| &self.nodes[child as usize]);
            let mut models = after.filter(|node| node.stands).map(|node| node.model);
            let first = models.next();
            models.any(|model| Some(model) != first)
        })
    }

    /// Values of all nodes from the leaves back to the question; `of` has those
    /// of everything behind a node.
    pub(super) fn induce(&self, of: impl Fn(&Self, u32, &[Value]) -> Value) -> Vec<Value> {
        let mut values = vec![Value::default(); self.nodes.len()];
        // Steps come after what they follow.
        for (place, node) in self.nodes.iter().enumerate().rev() {
            values[place] = match node.verdict {
                Some(verdict) => Value::outcome(verdict),
                None => of(self, u32::try_from(place).unwrap_or(u32::MAX), &values),
            };
        }
        values
    }

    /// The steps after `at` by a model of which something is known, with their
    /// draws.
    fn written(&self, at: Option<u32>, model: usize, values: &[Value]) -> Vec<(f64, u32)> {
        let children = self.after(at).iter().copied();
        let is_known = |&child: &u32| {
            self.nodes[child as usize].model == Some(model) && values[child as usize].graded > 0.0
        };
        let draws = |child: u32| (f64::from(self.nodes[child as usize].draws), child);
        children.filter(is_known).map(draws).collect()
    }

    /// The mean over steps, each by its weight, of what comes with and after
    /// them.
    fn mean(&self, steps: &[(f64, u32)], values: &[Value]) -> Value {
        let part = |&(weight, at): &(f64, u32)| {
            let node = &self.nodes[at as usize];
            let mut value = values[at as usize].after(node.cost);
            // Two draws of one step that led to one answer are one answer.
            value.samples = value.samples.min(f64::from(node.draws));
            (weight, value)
        };
        Value::mean(&steps.iter().map(part).collect::<Vec<_>>())
    }

    /// Q(s, a): what follows `at` where `model` writes the next step, the mean
    /// over its continuations; with the number of answers that they led to.
    pub(super) fn by(&self, at: Option<u32>, model: usize, values: &[Value]) -> (Value, u32) {
        let known = self.written(at, model, values);
        let value = self.mean(&known, values);
        // Rounded down, but for the noise of the last digits.
        (value, (value.samples + 1e-9) as u32)
    }

    /// V(s): what follows `at` where the log's own router goes on.
    fn onward(&self, at: u32, values: &[Value]) -> Value {
        self.led(Some(at), values)
    }

    pub(super) fn led(&self, at: Option<u32>, values: &[Value]) -> Value {
        let (steps, is_own) = self.weighted(at, values);
        let value = self.mean(&steps, values);
        match is_own {
            true => value,
            false => value.by_others(),
        }
    }

    /// The steps after a node of which something is known, each with its weight
    /// in what the run's own router reaches; and whether that router goes on so.
    fn weighted(&self, at: Option<u32>, values: &[Value]) -> (Vec<(f64, u32)>, bool) {
        let is_own = at.is_none_or(|at| self.nodes[at as usize].is_own);
        let next = self.next(at);
        let steps = match next {
            Some(Next::By(writer)) => self.chosen(at, writer, values),
            Some(Next::Draft(drafter)) => self.drafted(at, *drafter, values),
            None => Vec::new(),
        };
        if steps.iter().any(|(weight, _)| *weight > 0.0) {
            return (steps, is_own);
        }
        // Of whoever was to write it nothing is known.
        let all = (0..self.models).flat_map(|model| self.written(at, model, values));
        (all.collect(), is_own && next.is_none())
    }

    /// The steps after a node where its writer is chosen ahead.
    fn chosen(&self, at: Option<u32>, writer: &Writer, values: &[Value]) -> Vec<(f64, u32)> {
        let by = |model| self.shared(at, model, writer.probability(model), values);
        (0..self.models).flat_map(by).collect()
    }

    /// The steps after a node that stand where a model drafts it: drafts, and
    /// what was written in place of the others. A draft of which nobody knows
    /// whether it stands says nothing.
    fn drafted(&self, at: Option<u32>, drafter: usize, values: &[Value]) -> Vec<(f64, u32)> {
        let mut steps = Vec::new();
        let mut again = vec![0.0; self.models];
        for (draft, ruling) in self.ruled(at, drafter) {
            let node = &self.nodes[draft as usize];
            let draws = f64::from(node.draws);
            for (model, again) in again.iter_mut().enumerate() {
                let weight = draws * ruling.probability(model);
                if model != drafter {
                    *again += weight;
                } else if values[draft as usize].graded > 0.0 {
                    steps.push((weight, draft));
                }
            }
        }
        for (model, weight) in again.into_iter().enumerate() {
            steps.extend(self.shared(at, model, weight, values));
        }
        steps
    }

    /// The drafts after a node on which a ruling is known.
    fn ruled(&self, at: Option<u32>, drafter: usize) -> impl Iterator<Item = (u32, &Writer)> {
        let children = self.after(at).iter().copied();
        children.filter_map(move |child| {
            let node = &self.nodes[child as usize];
            let ruling = node.ruling.as_ref()?;
            (node.model == Some(drafter)).then_some((child, ruling))
        })
    }

    /// A weight, shared by the draws of a model after a node.
    fn shared(
        &self,
        at: Option<u32>,
        model: usize,
        weight: f64,
        values: &[Value],
    ) -> Vec<(f64, u32)> {
        if weight <= 0.0 {
            return Vec::new();
        }
        let mut steps = self.written(at, model, values);
        let all: f64 = steps.iter().map(|(draws, _)| draws).sum();
        for (share, _) in &mut steps {
            *share *= weight / all;
        }
        steps
    }

    /// With which probability the log's own router has each model write the
    /// step after a node that stands; `None` where nobody decided.
    pub(super) fn chances(&self, at: Option<u32>) -> Option<Vec<f64>> {
        let models = 0..self.models;
        let drafter = match self.next(at)? {
            Next::By(writer) => {
                return Some(models.map(|model| writer.probability(model)).collect());
            }
            Next::Draft(drafter) => *drafter,
        };
        let mut all = 0.0;
        let mut chances = vec![0.0; self.models];
        for (draft, ruling) in self.ruled(at, drafter) {
            let draws = f64::from(self.nodes[draft as usize].draws);
            all += draws;
            for (model, chance) in chances.iter_mut().enumerate() {
                *chance += draws * ruling.probability(model);
            }
        }
        Some(match all > 0.0 {
            true => chances.into_iter().map(|chance| chance / all).collect(),
            false => models
                .map(|model| f64::from(u8::from(model == drafter)))
                .collect(),
        })
    }

    /// Draws after a node that count in what the log's own router reaches, and
    /// as how many answers of equal weight.
    pub(super) fn draws(&self, at: Option<u32>) -> (u32, usize) {
        let (mut steps, _) = self.weighted(at, &self.values);
        steps.retain(|(weight, _)| *weight > 0.0);
        let effective = self.mean(&steps, &self.values).samples;
        let draws = |at: u32| self.nodes[at as usize].draws;
        let draws = steps.iter().map(|&(_, at)| draws(at)).sum();
        // Rounded down, but for the noise of the last digits.
        (draws, (effective + 1e-9) as usize)
    }
}

/// Whether a step was written to its end: calls that gave none, and drafts that
/// nobody ruled on, are in the log beside the steps.
fn is_written(step: &Step) -> bool {
    let is_whole = !matches!(step.end, StepEnd::Error | StepEnd::Empty);
    step.kept || (step.purpose == Purpose::Draft && is_whole)
}

fn cost(view: &View<'_>, step: &Step, ledger: &Ledger) -> f64 {
    if view.is_by_person(step) {
        return 0.0;
    }
    let model = view
        .writer(step)
        .and_then(|place| view.head()?.pool.get(place));
    let cost = model.and_then(|model| ledger.output(&model.name, u64::from(step.tokens)));
    cost.unwrap_or(f64::NAN)
}

/// A router, or why it could not be made.
pub type Made = Result<Arc<dyn Router>, String>;
