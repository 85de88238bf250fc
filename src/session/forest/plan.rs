//! What a forest needs next. The growth is played through from the question
//! at every turn, over what is there: it stops where an answer is missing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::session::machine::{Generating, Place};
use crate::session::seed::{forest_draw, forest_seed, reference_seed};
use crate::trace::NodeIndex;
use crate::trace::ids::prefix_id;
use crate::trace::record::{Purpose, Record};

use super::{Call, Forest, Wave};

/// Walks in a row that visit nothing new, after which there are no more: what
/// they leave open the policy hardly ever comes to.
const MOST_FRUITLESS: u32 = 8;

/// The state of the growth while it is played through.
#[derive(Default)]
struct Growth {
    /// Calls made for it.
    spent: u32,
    /// Steps of a solution, rounded up: the mean of the reference run.
    solution: u32,
    /// Prefixes that every model has continued; `None` is the question.
    visited: HashSet<Option<NodeIndex>>,
    /// Prefixes that nobody has continued yet, with their depths.
    open: BTreeMap<NodeIndex, u32>,
    /// How often a prefix was passed.
    passes: HashMap<Option<NodeIndex>, u32>,
}

impl Growth {
    /// Calls that finishing a prefix of this many steps is reckoned to take.
    fn to_finish(&self, depth: u32) -> u32 {
        self.solution.saturating_sub(depth).max(1)
    }

    /// Whether visiting `at`, by `calls` calls, leaves enough of the budget to
    /// finish everything that is open then. The question always is.
    fn affords(&self, at: NodeIndex, depth: u32, calls: u32, budget: u32) -> bool {
        let others = self.open.iter().filter(|&(&open, _)| open != at);
        let rest: u32 = others.map(|(_, &depth)| self.to_finish(depth)).sum();
        let own = calls * (1 + self.to_finish(depth + 1));
        self.spent + rest + own <= budget
    }

    /// What of `open`, in this order, can be visited by `calls` calls each so
    /// that enough of the budget is left to finish everything.
    fn affordable(&self, open: Vec<NodeIndex>, calls: u32, budget: u32) -> Vec<NodeIndex> {
        let mut needed = self.spent;
        needed += self.open.values().map(|&d| self.to_finish(d)).sum::<u32>();
        open.into_iter()
            .take_while(|at| {
                let depth = self.open.get(at).copied().unwrap_or(0);
                let own = calls.saturating_mul(1 + self.to_finish(depth + 1));
                needed = needed.saturating_add(own) - self.to_finish(depth);
                needed <= budget
            })
            .collect()
    }

    /// Passes `at`; how often it was passed before.
    fn pass(&mut self, at: Option<NodeIndex>) -> u32 {
        let passes = self.passes.entry(at).or_default();
        *passes += 1;
        *passes - 1
    }
}

impl Forest {
    /// What is to be done next. Nothing: the forest is grown.
    pub fn advance(&mut self) -> Wave {
        let mut wave = Wave {
            calls: self.missing_references(),
            ..Wave::default()
        };
        if !wave.calls.is_empty() {
            return self.introduced(wave);
        }
        let mut growth = Growth {
            solution: self.reference_steps(),
            ..Growth::default()
        };
        self.walk(&mut growth, &mut wave);
        if wave.calls.is_empty() {
            self.sweep(&mut growth, &mut wave);
        }
        if wave.calls.is_empty() {
            self.complete(&mut growth, &mut wave);
        }
        if wave.calls.is_empty() {
            self.meet_demand(&mut growth, &mut wave);
        }
        self.introduced(wave)
    }

    /// Puts the problem's record first, where it is not in the log.
    fn introduced(&mut self, mut wave: Wave) -> Wave {
        let mut records = Vec::new();
        self.session.introduce(&mut records);
        for record in &records {
            self.session.tree.add(record.clone());
        }
        records.append(&mut wave.records);
        wave.records = records;
        wave
    }

    /// The next step of every answer of the reference run that is not at its
    /// end.
    fn missing_references(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        for answer in 0..self.shape.references {
            let (last, ended) = self.reference(answer);
            if !ended {
                let seed = self.reference_seed(answer, last);
                let large = self.session.settings.models().saturating_sub(1);
                calls.push(self.call(last, large, Purpose::Reference, seed));
            }
        }
        calls
    }

    /// The last step of an answer of the reference run, and whether it is at
    /// its end.
    fn reference(&self, answer: u32) -> (Option<NodeIndex>, bool) {
        let mut at = None;
        while let Some(next) = self.made(at, self.reference_seed(answer, at)) {
            at = Some(next);
            if self.is_leaf(next) {
                return (at, true);
            }
        }
        (at, false)
    }

    fn reference_seed(&self, answer: u32, after: Option<NodeIndex>) -> u64 {
        let session = &self.session;
        reference_seed(
            session.settings.run.seed,
            &session.problem.id,
            answer,
            session.index_after(after),
        )
    }

    /// Mean number of steps of the reference run, rounded up.
    fn reference_steps(&self) -> u32 {
        let answers = self.shape.references;
        let lengths = (0..answers).map(|answer| self.depth(self.reference(answer).0));
        lengths.sum::<u32>().div_ceil(answers.max(1))
    }

    /// Walks until something is missing, the budget is needed for what is
    /// open, or nothing new is found.
    fn walk(&mut self, growth: &mut Growth, wave: &mut Wave) {
        let mut fruitless = 0;
        while fruitless < MOST_FRUITLESS {
            if growth.visited.contains(&None) && growth.open.is_empty() {
                return;
            }
            let mut at = None;
            let mut visited_one = false;
            loop {
                if !growth.visited.contains(&at) {
                    if !self.visit(at, growth, wave) {
                        return;
                    }
                    visited_one = true;
                }
                let next = self.follow(at, growth, wave);
                match next {
                    Some(next) if !self.is_leaf(next) => at = Some(next),
                    _ => break,
                }
            }
            fruitless = if visited_one { 0 } else { fruitless + 1 };
        }
    }

    /// Spends what the walks left of the budget: prefixes that they never came
    /// to are visited too, shallow ones first.
    fn sweep(&mut self, growth: &mut Growth, wave: &mut Wave) {
        let calls = self.calls_to_visit(self.session.settings.models());
        loop {
            // In an order that does not depend on when answers came.
            let mut open: Vec<_> = growth
                .open
                .iter()
                .map(|(&at, &depth)| (depth, self.prefix(Some(at)), at))
                .collect();
            open.sort();
            let open = open.into_iter().map(|(_, _, at)| at).collect();
            let chosen = growth.affordable(open, calls, self.shape.max_nodes);
            if chosen.is_empty() {
                return;
            }
            for at in chosen {
                let pass = growth.pass(Some(at));
                self.draw_model(at, pass, wave);
                self.continue_by_all(Some(at), growth, wave);
            }
            if !wave.calls.is_empty() {
                return;
            }
        }
    }

    /// Visits what was asked for beyond the budget, and completes it.
    fn meet_demand(&mut self, growth: &mut Growth, wave: &mut Wave) {
        let tree = &self.session.tree;
        let asked = self.demanded.iter().filter_map(|step| tree.find(step));
        let asked: Vec<NodeIndex> = asked.filter(|&at| !self.is_leaf(at)).collect();
        for at in asked {
            if !growth.visited.contains(&Some(at)) {
                self.continue_by_all(Some(at), growth, wave);
            }
        }
        if wave.calls.is_empty() {
            self.complete(growth, wave);
        }
    }

    /// Calls by which this many models continue a prefix.
    fn calls_to_visit(&self, models: usize) -> u32 {
        u32::try_from(models)
            .unwrap_or(u32::MAX)
            .saturating_mul(self.shape.branches)
    }

    /// Has every model continue `at`; false where that cannot be afforded or
    /// an answer is missing, which is then called for.
    fn visit(&mut self, at: Option<NodeIndex>, growth: &mut Growth, wave: &mut Wave) -> bool {
        let calls = self.calls_to_visit(self.session.settings.models());
        if let Some(at) = at
            && !growth.affords(at, self.depth(Some(at)), calls, self.shape.max_nodes)
        {
            return false;
        }
        self.continue_by_all(at, growth, wave)
    }

    /// Has every model continue `at`; false where an answer is missing, which
    /// is then called for.
    fn continue_by_all(
        &mut self,
        at: Option<NodeIndex>,
        growth: &mut Growth,
        wave: &mut Wave,
    ) -> bool {
        // The first step is the cheapest model's: nobody decides about it.
        let models = match at {
            None => self.session.writer_after(None)..self.session.writer_after(None) + 1,
            Some(_) => 0..self.session.settings.models(),
        };
        let calls = self.calls_to_visit(models.len());
        let depth = self.depth(at);
        let called = wave.calls.len();
        let mut children = Vec::new();
        for model in models {
            for branch in 0..self.shape.branches {
                match self.child(at, model, branch) {
                    Some(child) => children.push(child),
                    None => {
                        let seed = self.seed(at, model, branch);
                        wave.calls.push(self.call(at, model, Purpose::Step, seed));
                    }
                }
            }
        }
        if wave.calls.len() > called {
            return false;
        }
        growth.spent += calls;
        growth.visited.insert(at);
        if let Some(at) = at {
            growth.open.remove(&at);
        }
        for child in children {
            if !self.is_leaf(child) {
                growth.open.insert(child, depth + 1);
            }
        }
        true
    }

    /// The step that a walk goes to after `at`, which was visited.
    fn follow(
        &mut self,
        at: Option<NodeIndex>,
        growth: &mut Growth,
        wave: &mut Wave,
    ) -> Option<NodeIndex> {
        let pass = growth.pass(at);
        let model = match at {
            None => self.session.writer_after(None),
            Some(node) => self.draw_model(node, pass, wave),
        };
        let branch = self.draw_branch(at, pass);
        self.child(at, model, branch)
    }

    /// Continues what is open by the models drawn, each to its end; also what
    /// somebody asked for and was cut off from.
    fn complete(&mut self, growth: &mut Growth, wave: &mut Wave) {
        let open: Vec<NodeIndex> = growth.open.keys().copied().collect();
        let mut ends: HashSet<NodeIndex> = HashSet::new();
        for leaf in open {
            ends.insert(self.finish(leaf, growth, wave));
        }
        for loose in self.dangling() {
            if !ends.contains(&loose) {
                self.finish(loose, growth, wave);
            }
        }
    }

    /// Continues a prefix by the models drawn; where that ended or waits for a
    /// call.
    fn finish(&mut self, from: NodeIndex, growth: &mut Growth, wave: &mut Wave) -> NodeIndex {
        let mut at = from;
        while !self.is_leaf(at) {
            let pass = growth.pass(Some(at));
            let model = self.draw_model(at, pass, wave);
            match self.child(Some(at), model, 0) {
                Some(next) => at = next,
                None => {
                    let seed = self.seed(Some(at), model, 0);
                    wave.calls
                        .push(self.call(Some(at), model, Purpose::Step, seed));
                    break;
                }
            }
        }
        at
    }

    /// Prefixes that nobody has continued and that do not end there.
    fn dangling(&self) -> Vec<NodeIndex> {
        let nodes = self.session.tree.nodes();
        nodes
            .filter(|(index, node)| {
                node.step.kept
                    && node.step.purpose == Purpose::Step
                    && node.children.is_empty()
                    && !self.is_leaf(*index)
                    && self.is_whole(*index)
            })
            .map(|(index, _)| index)
            .collect()
    }

    /// The model that goes on after `node` when it is passed for the `pass`-th
    /// time; the decision is recorded where it is not yet.
    fn draw_model(&mut self, node: NodeIndex, pass: u32, wave: &mut Wave) -> usize {
        if let Some(&model) = self.drawn.get(&(node, pass)) {
            return model;
        }
        let observation = self.session.observe(node);
        let draw = self.draw(Some(node), "explore", pass);
        let Ok(engine) = self.session.engine() else {
            // Only live settings make a forest.
            return 0;
        };
        let choice = engine.router.decide(&observation, draw);
        let model = choice.action;
        let named = observation.named();
        let decision = self
            .session
            .numbered_decision(Some(node), named, choice, pass);
        if self.session.tree.decision_of(node, &decision.id).is_none() {
            let record = Record::Decision(Arc::new(decision));
            self.session.tree.add(record.clone());
            wave.records.push(record);
        }
        self.drawn.insert((node, pass), model);
        model
    }

    fn draw_branch(&self, at: Option<NodeIndex>, pass: u32) -> u32 {
        if self.shape.branches == 1 {
            return 0;
        }
        let draw = self.draw(at, "branch", pass);
        let branch = (draw * f64::from(self.shape.branches)) as u32;
        branch.min(self.shape.branches - 1)
    }

    fn draw(&self, at: Option<NodeIndex>, what: &str, pass: u32) -> f64 {
        let session = &self.session;
        let prefix = self.prefix(at);
        forest_draw(
            session.settings.run.seed,
            &session.problem.id,
            &prefix,
            what,
            pass,
        )
    }

    /// The step that the `branch`-th call of `model` after `at` gave.
    fn child(&mut self, at: Option<NodeIndex>, model: usize, branch: u32) -> Option<NodeIndex> {
        let seed = self.seed(at, model, branch);
        self.made(at, seed)
    }

    fn made(&self, at: Option<NodeIndex>, seed: u64) -> Option<NodeIndex> {
        let tree = &self.session.tree;
        let after = at.map(|node| tree.node(node).step.id.clone());
        tree.find(self.made.get(&(after, seed))?)
    }

    fn seed(&mut self, at: Option<NodeIndex>, model: usize, branch: u32) -> u64 {
        if let Some(&seed) = self.seeds.get(&(at, model, branch)) {
            return seed;
        }
        let session = &self.session;
        let seed = forest_seed(
            session.settings.run.seed,
            &session.problem.id,
            &self.prefix(at),
            &session.settings.model_name(model),
            branch,
        );
        self.seeds.insert((at, model, branch), seed);
        seed
    }

    /// Names what stands up to `at`, whatever the run.
    fn prefix(&self, at: Option<NodeIndex>) -> String {
        let tree = &self.session.tree;
        let path = at.map(|node| tree.path(node)).unwrap_or_default();
        path.into_iter().fold(String::new(), |before, node| {
            let step = &tree.node(node).step;
            let before = (!before.is_empty()).then_some(before.as_str());
            prefix_id(before, &step.model, &step.text)
        })
    }

    fn call(&self, after: Option<NodeIndex>, model: usize, purpose: Purpose, seed: u64) -> Call {
        let place = Place {
            after,
            model,
            decision: None,
        };
        Call {
            model,
            request: self.session.request(&place, seed),
            purpose,
            generating: Generating {
                generation: 0,
                place,
                seed,
                text: String::new(),
                deltas: 0,
            },
        }
    }
}
