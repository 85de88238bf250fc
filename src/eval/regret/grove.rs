//! Everything that a log holds of one question on one ground: the steps of
//! all runs, branches and forests, each once, wherever it was written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::cost::Ledger;
use crate::eval::what_if::Rule;
use crate::problem::answer::Verdict;
use crate::router::{Router, Timing};
use crate::survey::{Step, Survey, View};
use crate::trace::record::RunRecord;

use super::value::Value;

/// Who writes the step after a node where the log's own router goes on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Nobody decided there.
    Open,
    Model(usize),
    /// By these probabilities, in pool order.
    Drawn(Vec<f64>),
}

/// A step, wherever it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Place of its model in the pool; `None` for a person's step.
    pub model: Option<usize>,
    /// Published cost; NaN where it is not known.
    pub cost: f64,
    pub next: Next,
    /// Whether that is the router of the run that is asked about, not that of
    /// another run that came this way.
    pub is_own: bool,
    pub verdict: Option<Verdict>,
    /// How often it was drawn, by different seeds.
    pub draws: u32,
    pub children: Vec<u32>,
}

/// The steps of one question, each once.
///
/// After a decision the log's own router goes on: the model that was chosen
/// there, or where choices were drawn every model by its probability. Where
/// nothing of that is in the log, what is there stands for it.
#[derive(Debug, Clone)]
pub struct Grove {
    pub(super) models: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) first: Vec<u32>,
    start: Next,
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
            start: Next::Open,
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
        if self.start == Next::Open {
            let writer = view.step(0).and_then(|step| view.writer(step));
            self.start = writer.map_or(Next::Open, Next::Model);
        }
        // What follows a draft that was rejected is nowhere.
        for step in trajectory.steps().iter().filter(|step| step.kept) {
            let (next, is_own) = asked.next(view, step);
            if let Some(&at) = self.known.get(&step.content()) {
                self.ids.insert(step.key(), at);
                let other = seeds.insert((at, step.seed()));
                let node = &mut self.nodes[at as usize];
                node.draws += u32::from(other);
                // The asked router's own word, else that of who came first.
                if node.next == Next::Open || (is_own && !node.is_own) {
                    (node.next, node.is_own) = (next, is_own);
                }
                continue;
            }
            let at = u32::try_from(self.nodes.len()).expect("fewer than 2^32 steps fit in memory");
            seeds.insert((at, step.seed()));
            let before = trajectory.before(step);
            let before = before.and_then(|step| self.known.get(&step.content()).copied());
            self.nodes.push(Node {
                model: view.writer(step),
                cost: cost(view, step, ledger),
                next,
                is_own,
                verdict: None,
                draws: 1,
                children: Vec::new(),
            });
            self.known.insert(step.content(), at);
            self.ids.insert(step.key(), at);
            match before {
                Some(before) => self.nodes[before as usize].children.push(at),
                None => self.first.push(at),
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

    /// The node of the step of this id, as [`crate::survey::step_key`] gives it.
    pub fn node_of(&self, key: u64) -> Option<u32> {
        self.ids.get(&key).copied()
    }

    /// The steps after a node, the first ones for `None`.
    pub(super) fn after(&self, at: Option<u32>) -> &[u32] {
        match at {
            Some(at) => &self.nodes[at as usize].children,
            None => &self.first,
        }
    }

    /// Who goes on after a node, for `None` who begins.
    pub(super) fn next(&self, at: Option<u32>) -> &Next {
        match at {
            Some(at) => &self.nodes[at as usize].next,
            None => &self.start,
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
            let mut models = self.after(at).iter();
            let first = models.next().map(|&child| self.nodes[child as usize].model);
            models.any(|&child| Some(self.nodes[child as usize].model) != first)
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

    /// Q(s, a): what follows `at` where `model` writes the next step, the mean
    /// over its continuations; with the number of draws of which something is
    /// known.
    pub(super) fn by(&self, at: Option<u32>, model: usize, values: &[Value]) -> (Value, u32) {
        let children = self.after(at).iter();
        let written = children.filter(|&&child| self.nodes[child as usize].model == Some(model));
        let known = written.filter_map(|&child| {
            let node = &self.nodes[child as usize];
            let value = values[child as usize];
            (value.graded > 0.0).then(|| (f64::from(node.draws), value.after(node.cost)))
        });
        let known: Vec<(f64, Value)> = known.collect();
        let draws: f64 = known.iter().map(|(draws, _)| draws).sum();
        (Value::mean(&known), draws as u32)
    }

    /// V(s): what follows `at` where the log's own router goes on.
    fn onward(&self, at: u32, values: &[Value]) -> Value {
        self.led(Some(at), values)
    }

    pub(super) fn led(&self, at: Option<u32>, values: &[Value]) -> Value {
        let (parts, is_own) = self.weighted(at, values);
        let parts: Vec<(f64, Value)> = parts
            .into_iter()
            .map(|(weight, value, _)| (weight, value))
            .collect();
        let value = Value::mean(&parts);
        match is_own {
            true => value,
            false => value.by_others(),
        }
    }

    /// What follows a node by each model of which something is known there, with
    /// its weight in what the run's own router reaches, and its draws; and
    /// whether that router goes on so.
    fn weighted(&self, at: Option<u32>, values: &[Value]) -> (Vec<(f64, Value, u32)>, bool) {
        let weight = |model: usize, draws: u32| match self.next(at) {
            Next::Model(chosen) => f64::from(u8::from(*chosen == model)),
            // A log may say anything.
            Next::Drawn(probabilities) => {
                let probability = probabilities.get(model).copied();
                probability.unwrap_or(0.0).clamp(0.0, 1.0)
            }
            Next::Open => f64::from(draws),
        };
        let by_model = (0..self.models).map(|model| (model, self.by(at, model, values)));
        let known = by_model.filter(|(_, (_, draws))| *draws > 0);
        let mut parts: Vec<(f64, Value, u32)> = known
            .map(|(model, (value, draws))| (weight(model, draws), value, draws))
            .collect();
        let mut is_own = at.is_none_or(|at| self.nodes[at as usize].is_own);
        // Of whoever was to write it nothing is known.
        if parts.iter().all(|(weight, ..)| *weight <= 0.0) {
            for (weight, _, draws) in &mut parts {
                *weight = f64::from(*draws);
            }
            is_own = false;
        }
        (parts, is_own)
    }

    /// Draws after a node that count in what the log's own router reaches, and
    /// as how many of equal weight: (Σ w)² / Σ w², Kish's effective size of a
    /// sample.
    pub(super) fn draws(&self, at: Option<u32>) -> (u32, usize) {
        let (mut parts, _) = self.weighted(at, &self.values);
        parts.retain(|(weight, ..)| *weight > 0.0);
        let all: f64 = parts.iter().map(|(weight, ..)| weight).sum();
        // A model's weight is shared by its draws.
        let squares = parts
            .iter()
            .map(|(weight, _, draws)| weight * weight / f64::from(*draws));
        let squares: f64 = squares.sum();
        let effective = if squares > 0.0 {
            all * all / squares
        } else {
            0.0
        };
        let draws = parts.iter().map(|(.., draws)| draws).sum();
        // Rounded down, but for the noise of the last digits.
        (draws, (effective + 1e-9) as usize)
    }
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

/// The run that is asked about, with its router where that can be asked anew.
struct Asked<'a> {
    head: &'a RunRecord,
    /// With the value of its parameter.
    rule: Option<(Rule<'a>, f64)>,
}

impl<'a> Asked<'a> {
    fn new(head: &'a RunRecord, made: Option<&'a Made>) -> Self {
        // Rules on drafts and questions see more than a step, and what draws is
        // in the log.
        let ahead = |made: &&Made| {
            made.as_ref()
                .map_or(true, |router| router.timing() == Timing::Ahead)
        };
        let rule = made.filter(ahead).and_then(|made| {
            let (rule, _) = Rule::for_run(head, true, made).ok()?;
            let fixed = matches!(head.router.name.as_str(), "small" | "large");
            let slider = rule.slider().map(|slider| slider.value);
            Some((rule, slider.or(fixed.then_some(0.0))?))
        });
        Self { head, rule }
    }

    /// Who goes on after a step, and whether that is the asked run's router.
    fn next(&self, view: &View<'_>, step: &Step) -> (Next, bool) {
        let of = view.head();
        if let Some((rule, value)) = &self.rule {
            let signal = of.and_then(|head| head.signal.parse().ok());
            let seen = rule.sees(view, step, signal, self.head);
            if let Some(next) = seen.next {
                return (Next::Model(next.at(*value)), true);
            }
        }
        let is_own = of.is_some_and(|of| of.key == self.head.key);
        (logged(view, step), is_own)
    }
}

/// Who was to go on after a step by the router that was there: what a person
/// chose says nothing of it.
fn logged(view: &View<'_>, step: &Step) -> Next {
    let trajectory = view.trajectory();
    let Some(made) = trajectory.routed_after(step) else {
        return Next::Open;
    };
    let probabilities = trajectory.probabilities(made);
    // Of a rule that draws they are those it draws by.
    if made.propensity < 1.0 && probabilities.len() == view.models() {
        return Next::Drawn(probabilities.to_vec());
    }
    view.place(made.action).map_or(Next::Open, Next::Model)
}
