//! The state of a session, and the two ways to change it.

use std::collections::BTreeMap;

use crate::cost::Tally;
use crate::expr::Expr;
use crate::problem::Problem;
use crate::trace::record::{DecisionRecord, OutcomeRecord, ProblemRecord, Record, StepRecord};
use crate::trace::{NodeIndex, Tree};

use super::{About, Command, Event, Met, Output, Refusal, Settings, Stop};

/// One problem of one run.
pub struct Session {
    pub(super) settings: Settings,
    pub(super) problem: Problem,
    pub(super) tree: Tree,
    /// Where the person looks; `None` is the question.
    pub(super) cursor: Option<NodeIndex>,
    pub(super) phase: Phase,
    pub(super) goal: Goal,
    /// Number of the last generation started.
    pub(super) generation: u64,
    /// Whether the problem's record is in the log.
    pub(super) recorded: bool,
    /// Of each step that was branched at, the child last looked at.
    pub(super) followed: BTreeMap<Option<NodeIndex>, NodeIndex>,
    /// Where runs stop on their way.
    pub(super) stops: Vec<Stop>,
    /// What the run that is on, or was last, met of them.
    pub(super) met: Met,
    /// Whether that run was stopped by one.
    pub(super) is_stopped: bool,
    /// What was wrong with the recording it was opened from.
    warnings: Vec<String>,
}

/// What a session is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Ready,
    Generating(Generating),
    /// A scorer is asked about what was just written, or about the question.
    Scoring(Scoring),
    /// The last call failed for good; [`Command::Retry`] tries it again.
    Failed {
        place: Place,
        message: String,
        retryable: bool,
    },
}

/// A call in flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Generating {
    pub generation: u64,
    pub place: Place,
    pub seed: u64,
    /// What has arrived so far.
    pub text: String,
    /// Pieces that have arrived: about one a token.
    pub deltas: u64,
}

/// A scorer being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Scoring {
    pub generation: u64,
    pub place: Place,
    /// The draft it is asked about; `None` where it is the question.
    pub draft: Option<Box<StepRecord>>,
    pub(super) about: About,
}

/// A call in flight, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InFlight<'a> {
    pub place: &'a Place,
    /// What is written so far; a draft that is being scored is whole.
    pub text: &'a str,
    /// Who is asked for a score, where the call writes nothing.
    pub scorer: Option<&'static str>,
}

/// Where a step is being put, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The step before it.
    pub after: Option<NodeIndex>,
    /// Place of the writing model in the pool.
    pub model: usize,
    /// The decision that led to it; the first step has none.
    pub decision: Option<String>,
}

/// How far to generate.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// One step.
    Step,
    /// To the end of the trajectory.
    End,
    /// To the end of a rollout, past every place at which a run stops; the
    /// cursor stays where it is.
    Rollout,
    /// To a step at which the condition holds.
    Until(Box<Expr>),
}

impl Session {
    /// A live session on a fresh problem.
    pub fn new(settings: Settings, problem: Problem) -> Self {
        let tree = Tree::new(settings.run.run.clone(), problem.id.clone());
        Self::with_tree(settings, problem, tree, false)
    }

    /// A session on recorded steps, looked at from the question on. Where the
    /// settings have an engine, new branches can be grown from them.
    pub fn open(settings: Settings, problem: Problem, tree: Tree) -> Self {
        // A damaged log may have lost the problem's record: it is written again.
        let recorded = tree.problem().is_some();
        Self::with_tree(settings, problem, tree, recorded)
    }

    fn with_tree(settings: Settings, problem: Problem, tree: Tree, recorded: bool) -> Self {
        Self {
            settings,
            problem,
            tree,
            cursor: None,
            phase: Phase::Ready,
            goal: Goal::Step,
            generation: 0,
            recorded,
            followed: BTreeMap::new(),
            stops: Vec::new(),
            met: Met::default(),
            is_stopped: false,
            warnings: Vec::new(),
        }
    }

    /// Keeps what was wrong with the recording, for whoever looks at it.
    pub fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Follows a command. `now` is RFC 3339, UTC.
    pub fn command(&mut self, command: Command, now: &str) -> Result<Vec<Output>, Refusal> {
        match command {
            Command::Back => self.back().map(|()| Vec::new()),
            Command::Goto(place) => self.goto(place).map(|()| Vec::new()),
            Command::Step => self.step(),
            Command::Run => self.run_to(Goal::End),
            Command::RunUntil(until) => self.run_to(Goal::Until(until)),
            Command::BackUntil(condition) => {
                self.back_until(condition.as_deref()).map(|()| Vec::new())
            }
            Command::Override { model } => self.override_next(model, now),
            Command::Rollout { after, model } => self.roll_out(after, model),
            Command::Edit { text } => self.edit(text, now),
            Command::Rerun => self.rerun(),
            Command::Cancel => self.cancel(now),
            Command::Retry => self.retry(),
        }
    }

    /// Takes what a call reported. Stale generations change nothing.
    pub fn event(&mut self, event: Event, now: &str) -> Vec<Output> {
        if let Phase::Scoring(current) = &self.phase {
            return match event {
                Event::Scored { generation, score } if generation == current.generation => {
                    self.score_came(*score)
                }
                Event::Failed { generation, error } if generation == current.generation => {
                    self.score_failed(error, now)
                }
                _ => Vec::new(),
            };
        }
        let Phase::Generating(current) = &mut self.phase else {
            return Vec::new();
        };
        match event {
            Event::Delta { generation, text } if generation == current.generation => {
                current.text.push_str(&text);
                current.deltas += 1;
                Vec::new()
            }
            Event::Restart { generation } if generation == current.generation => {
                current.text.clear();
                current.deltas = 0;
                Vec::new()
            }
            Event::Reply { generation, reply } if generation == current.generation => {
                self.commit(*reply, now)
            }
            Event::Failed { generation, error } if generation == current.generation => {
                self.fail(error, now)
            }
            _ => Vec::new(),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub fn cursor(&self) -> Option<NodeIndex> {
        self.cursor
    }

    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    pub fn is_live(&self) -> bool {
        self.settings.engine.is_some()
    }

    /// The call in flight.
    pub fn in_flight(&self) -> Option<InFlight<'_>> {
        match &self.phase {
            Phase::Generating(call) => Some(InFlight {
                place: &call.place,
                text: &call.text,
                scorer: None,
            }),
            Phase::Scoring(call) => Some(InFlight {
                place: &call.place,
                text: call.draft.as_ref().map_or("", |draft| draft.text.as_str()),
                scorer: Some(call.about.scorer()),
            }),
            Phase::Ready | Phase::Failed { .. } => None,
        }
    }

    /// Whether a call is in flight, to a model that writes or to one that
    /// scores.
    pub fn is_generating(&self) -> bool {
        matches!(self.phase, Phase::Generating(_) | Phase::Scoring(_))
    }

    /// Whether a rollout is being written, which nobody looks at.
    pub fn is_rolling_out(&self) -> bool {
        self.goal == Goal::Rollout && self.is_generating()
    }

    /// The condition that was run until, where the trajectory ended without it.
    pub fn missed(&self) -> Option<&str> {
        match &self.goal {
            Goal::Until(condition) if self.phase == Phase::Ready && !self.is_stopped => {
                (!self.reached(&self.goal)).then(|| condition.text())
            }
            _ => None,
        }
    }

    /// How the trajectory that ends at the cursor came out, if it ends there.
    pub fn outcome(&self) -> Option<&OutcomeRecord> {
        self.tree.outcome_at(self.cursor)
    }

    /// The decision that holds after `node`: the one its followed branch was
    /// made by, otherwise the last one made there. What began a rollout is none.
    pub fn decision_after(&self, node: Option<NodeIndex>) -> Option<&DecisionRecord> {
        let followed = self.next_on_branch(node).and_then(|child| {
            let id = self.tree.node(child).step.decision.as_deref()?;
            self.tree.choices(node).find(|d| d.id == id)
        });
        followed.or_else(|| self.tree.choices(node).last())
    }

    /// Cost of the path to `node` with the rejected drafts along it and after
    /// it, and with the scores that were asked for along it.
    pub fn cost_to(&self, node: Option<NodeIndex>) -> Tally {
        let path = node.map(|node| self.tree.path(node)).unwrap_or_default();
        let places = std::iter::once(None).chain(path.iter().copied().map(Some));
        let drafts = places.flat_map(|place| self.tree.drafts(place));
        // A call that was to begin a rollout is not of the path.
        let drafts = drafts.filter(|&&draft| !self.tree.begins_rollout(draft));
        let nodes: Vec<_> = path
            .iter()
            .chain(drafts)
            .map(|&at| self.tree.node(at))
            .collect();
        let scores = nodes.iter().flat_map(|node| &node.scores);
        let steps = nodes.iter().map(|node| &*node.step);
        self.settings
            .ledger
            .total_with(steps, scores.chain(self.tree.root_scores()))
    }

    /// Cost of everything generated for this problem, every branch included.
    pub fn cost_of_all(&self) -> Tally {
        let steps = self.tree.nodes().map(|(_, node)| &*node.step);
        let scores = self.tree.nodes().flat_map(|(_, node)| &node.scores);
        self.settings
            .ledger
            .total_with(steps, scores.chain(self.tree.root_scores()))
    }

    /// Published cost of the path to `node` had one model written all of its
    /// tokens: the small-only and large-only marks beside the cost so far.
    pub fn cost_if_all_by(&self, model: usize, node: Option<NodeIndex>) -> Option<f64> {
        let name = &self.settings.run.pool.get(model)?.name;
        let tokens: u64 = node
            .map(|node| self.tree.path(node))
            .unwrap_or_default()
            .iter()
            .map(|&at| self.tree.node(at).step.usage.output)
            .sum();
        self.settings.ledger.output(name, tokens)
    }

    /// The problem's record, once, before anything else of it.
    pub(super) fn introduce(&mut self, records: &mut Vec<Record>) {
        if !self.recorded {
            self.recorded = true;
            records.push(Record::Problem(ProblemRecord {
                run: self.settings.run.run.clone(),
                problem: self.problem.clone(),
            }));
        }
    }

    /// Puts records into the tree and returns them for the log.
    pub(super) fn record(&mut self, records: Vec<Record>) -> Output {
        for record in &records {
            self.tree.add(record.clone());
        }
        Output::Append(records)
    }
}
