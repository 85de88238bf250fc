//! One problem's records as a forest to learn from.

use std::collections::{BTreeSet, HashMap};

use crate::cost::Ledger;
use crate::problem::answer::Verdict;
use crate::problem::split::Split;
use crate::signal::confidence::{Source, recorded};
use crate::signal::observation::Observation;
use crate::trace::record::{
    CHECKER, OutcomeRecord, Purpose, Record, RunRecord, StepId, Usage, VERIFIER,
};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

use super::{Alone, Child, ForestError, Leaf, ProblemForest, Step};

/// Farthest that a sum of probabilities may be from 1.
const SUM_TOLERANCE: f64 = 1e-6;

/// What came of reading a problem; first the question, or the id where its
/// record is lost.
pub(super) enum Built {
    Whole(String, Box<ProblemForest>),
    /// With the reason.
    Unusable(String, String),
}

/// The forest of `problem` in the run of `head`.
///
/// # Errors
/// Decisions that nothing can be learnt from, which no resumed exploration
/// would mend.
pub(super) fn problem(
    head: &RunRecord,
    problem: &str,
    records: Vec<Record>,
    signal: Source,
) -> Result<Built, ForestError> {
    let calls = calls(&records);
    let tree = Tree::from_records(&head.run, problem, records);
    let Some(known) = tree.problem() else {
        let why = "has lost its question".to_owned();
        return Ok(Built::Unusable(problem.to_owned(), why));
    };
    let question = known.question.trim().to_owned();
    let mut builder = Builder {
        head,
        signal,
        ledger: Ledger::new(&head.pool),
        tree: &tree,
        calls,
        steps: Vec::new(),
    };
    let whole = builder
        .references()
        .and_then(|references| Ok((references, builder.forest()?)));
    match whole {
        Ok((references, first)) => {
            let (references, alone) = references;
            let forest = ProblemForest {
                id: problem.to_owned(),
                split: Split::of(&question),
                references,
                alone,
                steps: builder.steps,
                first,
            };
            Ok(Built::Whole(question, Box::new(forest)))
        }
        Err(Lack::Unfinished(why)) => Ok(Built::Unusable(question, why)),
        Err(Lack::Propensities { step, why }) => Err(ForestError::NoPropensities {
            problem: problem.to_owned(),
            step,
            why,
        }),
    }
}

/// Calls that gave each step: a log may repeat a line, which is no other call.
fn calls(records: &[Record]) -> HashMap<StepId, u32> {
    let mut seeds: HashMap<StepId, BTreeSet<u64>> = HashMap::new();
    for record in records {
        if let Record::Step(step) = record {
            seeds.entry(step.id.clone()).or_default().insert(step.seed);
        }
    }
    seeds
        .into_iter()
        .map(|(step, seeds)| (step, u32::try_from(seeds.len()).unwrap_or(u32::MAX)))
        .collect()
}

/// Why a problem cannot be learnt from.
enum Lack {
    /// Going on with the exploration would mend it.
    Unfinished(String),
    Propensities {
        step: StepId,
        why: String,
    },
}

struct Builder<'a> {
    head: &'a RunRecord,
    signal: Source,
    ledger: Ledger,
    tree: &'a Tree,
    calls: HashMap<StepId, u32>,
    steps: Vec<Step>,
}

impl Builder<'_> {
    /// How each answer of the reference run came out, and their mean cost.
    fn references(&self) -> Result<(Vec<Option<bool>>, Alone), Lack> {
        let wanted = self.head.router.parameters.get("references");
        let wanted = wanted.and_then(serde_json::Value::as_u64).unwrap_or(0);
        let mut found = Vec::new();
        let mut costs = Vec::new();
        for (index, node) in self.tree.nodes() {
            if node.step.purpose == Purpose::Reference
                && let Some(outcome) = node.outcome()
            {
                let path = self.tree.path(index);
                let seed = path.first().map_or(0, |&at| self.tree.node(at).step.seed);
                costs.push(self.path_cost(&path));
                found.push((seed, success(outcome)));
            }
        }
        if (found.len() as u64) < wanted {
            let have = found.len();
            return Err(Lack::Unfinished(format!(
                "has {have} of {wanted} answers of the reference run"
            )));
        }
        // In an order that depends neither on when they were answered nor on
        // how they came out: the first of them stands for a single answer.
        found.sort_by_key(|&(seed, _)| seed);
        let answers = found.into_iter().map(|(_, success)| success).collect();
        let mean = |cost: fn(&Alone) -> Option<f64>| {
            let known: Option<Vec<f64>> = costs.iter().map(cost).collect();
            known.map(|known| known.iter().sum::<f64>() / known.len().max(1) as f64)
        };
        let alone = Alone {
            published: mean(|cost| cost.published),
            full: mean(|cost| cost.full),
        };
        Ok((answers, alone))
    }

    /// What a path cost, run alone.
    fn path_cost(&self, path: &[NodeIndex]) -> Alone {
        let sum = |cost: &dyn Fn(NodeIndex) -> Option<f64>| path.iter().map(|&at| cost(at)).sum();
        let step = |at: NodeIndex| &*self.tree.node(at).step;
        Alone {
            published: sum(&|at| {
                let step = step(at);
                self.ledger.output(&step.model, step.usage.output)
            }),
            full: sum(&|at| self.ledger.call(&step(at).model, self.usage(at))),
        }
    }

    /// Tokens of a call when its path alone is run; what the vendor said is of
    /// the call as it was.
    fn usage(&self, index: NodeIndex) -> Usage {
        let usage = self.tree.node(index).step.usage;
        Usage {
            cached: Some(self.cached(index, usage.prompt)),
            reported: None,
            ..usage
        }
    }

    /// Takes every step of the forest, parents first; the first steps.
    fn forest(&mut self) -> Result<Vec<Child>, Lack> {
        let mut first = Vec::new();
        let mut places: HashMap<NodeIndex, usize> = HashMap::new();
        let mut open: Vec<NodeIndex> = self.following(None);
        open.reverse();
        while let Some(index) = open.pop() {
            let node = self.tree.node(index);
            let parent = node.parent.and_then(|parent| places.get(&parent).copied());
            let step = self.step(index, parent)?;
            let place = self.steps.len();
            let child = Child {
                model: step.model,
                step: place,
                branches: self.calls.get(&node.step.id).copied().unwrap_or(1),
            };
            match parent {
                Some(parent) => self.steps[parent].children.push(child),
                None => first.push(child),
            }
            places.insert(index, place);
            self.steps.push(step);
            let mut following = self.following(Some(index));
            following.reverse();
            open.extend(following);
        }
        if first.is_empty() {
            return Err(Lack::Unfinished("has no step yet".to_owned()));
        }
        Ok(first)
    }

    /// The steps of the forest after `node`, in an order that does not depend
    /// on when their calls were answered; those of the reference run are none.
    fn following(&self, node: Option<NodeIndex>) -> Vec<NodeIndex> {
        let children = self.tree.own_children(node);
        let mut following: Vec<NodeIndex> = children
            .filter(|&child| self.tree.node(child).step.purpose == Purpose::Step)
            .collect();
        following.sort_by_key(|&child| {
            let step = &self.tree.node(child).step;
            (self.place(&step.model), &step.text)
        });
        following
    }

    fn step(&self, index: NodeIndex, parent: Option<usize>) -> Result<Step, Lack> {
        let node = self.tree.node(index);
        let record = &*node.step;
        let Some(model) = self.place(&record.model) else {
            let why = format!("has a step by `{}`, who is not in the pool", record.model);
            return Err(Lack::Unfinished(why));
        };
        let usage = self.usage(index);
        let mut step = Step {
            id: record.id.clone(),
            parent,
            model,
            index: record.index,
            usage,
            published: self.ledger.output(&record.model, usage.output),
            full: self.ledger.call(&record.model, usage),
            observation: None,
            confidences: Source::ALL.map(|source| recorded(&record.confidence, source)),
            propensities: Vec::new(),
            drawn: Vec::new(),
            children: Vec::new(),
            verdict: verdict(node),
            leaf: node.outcome().map(|outcome| Leaf {
                success: success(outcome),
                end: outcome.end,
            }),
        };
        if step.leaf.is_none() {
            self.decide(node, &mut step)?;
        }
        Ok(step)
    }

    /// What was seen after a step, and who was drawn with which probability.
    fn decide(&self, node: &Node, step: &mut Step) -> Result<(), Lack> {
        let id = &node.step.id;
        let lack = |why: &str| Lack::Propensities {
            step: id.clone(),
            why: why.to_owned(),
        };
        let made = node.decisions.iter().filter(|made| !made.rollout);
        let Some(decision) = made.clone().next() else {
            return Err(Lack::Unfinished(format!("ends at step {id}, unfinished")));
        };
        let children = node.children.iter();
        let children = children.filter(|&&child| !self.tree.begins_rollout(child));
        if children.clone().next().is_none() {
            return Err(Lack::Unfinished(format!("ends at step {id}, unfinished")));
        }
        let models = self.head.pool.len();
        let mu = &decision.probabilities;
        if mu.len() != models {
            return Err(lack("there is not one for each model"));
        }
        let sum: f64 = mu.iter().sum();
        let usable = mu.iter().all(|p| p.is_finite() && *p > 0.0);
        if !usable || (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(lack("they must be above 0 and sum to 1"));
        }
        let Some(mut seen) = Observation::from_named(&decision.observation, models) else {
            return Err(lack("the observation they belong to is damaged"));
        };
        if self.signal.name() != self.head.signal {
            seen.confidence = recorded(&node.step.confidence, self.signal);
        }
        step.observation = Some(seen);
        step.propensities.clone_from(mu);
        step.drawn = made.filter_map(|d| self.place(&d.action)).collect();
        // The one that was drawn, or all: another alone would be there because
        // it answered first, which is no draw.
        let writes = |&child: &NodeIndex| self.place(&self.tree.node(child).step.model);
        let writers: BTreeSet<usize> = children.filter_map(writes).collect();
        match step.drawn.first() {
            Some(drawn) if writers.contains(drawn) => Ok(()),
            _ if writers.len() == models => Ok(()),
            _ => Err(Lack::Unfinished(format!("ends at step {id}, unfinished"))),
        }
    }

    /// Prompt tokens that the writer of a step has in its cache when this path
    /// alone is run: those of its last call on it, and what it wrote then.
    fn cached(&self, index: NodeIndex, prompt: u64) -> u64 {
        let node = self.tree.node(index);
        let mut at = node.parent;
        while let Some(before) = at {
            let earlier = self.tree.node(before);
            if earlier.step.model == node.step.model {
                let usage = earlier.step.usage;
                return (usage.prompt + usage.output).min(prompt);
            }
            at = earlier.parent;
        }
        0
    }

    fn place(&self, model: &str) -> Option<usize> {
        self.head.pool.iter().position(|known| known.name == model)
    }
}

/// Whether a trajectory came out right; `None` where nobody could tell.
fn success(outcome: &OutcomeRecord) -> Option<bool> {
    match outcome.verdict {
        Verdict::Correct => Some(true),
        Verdict::Wrong => Some(false),
        Verdict::Ungraded => None,
    }
}

/// The verdict on a step: the exact checker's, else a person's label, else the
/// verifier's; of each the last.
fn verdict(node: &Node) -> Option<bool> {
    let by = |scorer: &str| {
        let said = node.scores.iter().filter(|score| score.scorer == scorer);
        said.filter_map(|score| score.value).next_back()
    };
    let label = || {
        let said = node.labels.iter().rev();
        said.map(|label| label.label.as_str())
            .find_map(|label| match label {
                "good" => Some(true),
                "bad" => Some(false),
                _ => None,
            })
    };
    by(CHECKER)
        .map(|value| value >= 0.5)
        .or_else(label)
        .or_else(|| by(VERIFIER).map(|value| value >= 0.5))
}
