//! Everything that a log holds of one question on one ground: the steps of
//! all runs, branches and forests, each once, wherever it was written.

use std::collections::{HashMap, HashSet};

use crate::cost::Ledger;
use crate::problem::answer::Verdict;
use crate::survey::{Step, Survey, View};

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
    /// its run is lost.
    pub fn of(survey: &Survey, place: usize) -> Option<Self> {
        let beside = survey.beside(place);
        let head = survey.view(*beside.first()?).head()?;
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
            grove.add(&survey.view(other), &ledger, &mut seeds);
        }
        grove.values = grove.induce(|grove, at, values| grove.onward(at, values));
        Some(grove)
    }

    /// Adds what one run holds of the question.
    fn add(&mut self, view: &View<'_>, ledger: &Ledger, seeds: &mut HashSet<(u32, u64)>) {
        let trajectory = view.trajectory();
        if self.start == Next::Open {
            let writer = view.step(0).and_then(|step| view.writer(step));
            self.start = writer.map_or(Next::Open, Next::Model);
        }
        // What follows a draft that was rejected is nowhere.
        for step in trajectory.steps().iter().filter(|step| step.kept) {
            let next = next(view, step);
            if let Some(&at) = self.known.get(&step.content()) {
                self.ids.insert(step.key(), at);
                let other = seeds.insert((at, step.seed()));
                let node = &mut self.nodes[at as usize];
                node.draws += u32::from(other);
                // Who was asked first decides.
                if node.next == Next::Open {
                    node.next = next;
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
        let by_model: Vec<(Value, u32)> = (0..self.models)
            .map(|model| self.by(at, model, values))
            .collect();
        let weight = |model: usize| match self.next(at) {
            Next::Model(chosen) => f64::from(u8::from(*chosen == model)),
            Next::Drawn(probabilities) => probabilities.get(model).copied().unwrap_or(0.0),
            Next::Open => f64::from(by_model[model].1),
        };
        let mix = |weight: &dyn Fn(usize) -> f64| {
            let parts = by_model.iter().enumerate();
            let parts = parts.filter(|(_, (_, draws))| *draws > 0);
            let parts = parts.map(|(model, (value, _))| (weight(model), *value));
            Value::mean(&parts.collect::<Vec<_>>())
        };
        let wanted = mix(&weight);
        match wanted.graded > 0.0 {
            true => wanted,
            // Of whoever was to write it nothing is known.
            false => mix(&|model| f64::from(by_model[model].1)),
        }
    }

    /// Draws after a node of which something is known.
    pub(super) fn draws(&self, at: Option<u32>) -> u32 {
        let by = |model| self.by(at, model, &self.values).1;
        (0..self.models).map(by).sum()
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

/// Who was to go on after a step.
fn next(view: &View<'_>, step: &Step) -> Next {
    let trajectory = view.trajectory();
    // A person's choice is an override here, not the router's.
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
