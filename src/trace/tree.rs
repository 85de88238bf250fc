//! The steps of one problem in one run as a tree.
//!
//! An override or a re-run makes a sibling, nothing is ever overwritten. The
//! tree is built from records in log order, or grown live one record at a
//! time; both give the same tree. Records whose step is missing (a damaged
//! line) are kept and reported by [`Tree::faults`], and put in place should
//! the step turn up later.

mod layout;
mod tried;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::problem::Problem;

use super::label::{Ballot, Label, Rating};
use super::record::{
    DELIMITER, DecisionRecord, LabelRecord, NoteRecord, OutcomeRecord, Record, ScoreRecord,
    StepEnd, StepId, StepRecord,
};

pub use layout::{Row, RowKind};

/// Position of a node in its [`Tree`]; given out in log order and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(u32);

impl NodeIndex {
    /// 0-based position in log order.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// A step with everything that was said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub step: Arc<StepRecord>,
    /// `None` for a first step and for an orphan.
    pub parent: Option<NodeIndex>,
    /// Kept steps after this one, oldest first: more than one is a branching.
    pub children: Vec<NodeIndex>,
    /// Rejected drafts of the step after this one, oldest first.
    pub drafts: Vec<NodeIndex>,
    /// Decisions made after this step in log order, overrides and what began
    /// rollouts included.
    pub decisions: Vec<Arc<DecisionRecord>>,
    pub scores: Vec<ScoreRecord>,
    pub labels: Vec<LabelRecord>,
    /// Outcomes of the trajectory that ends here, oldest first.
    pub outcomes: Vec<OutcomeRecord>,
}

impl Node {
    fn new(step: Arc<StepRecord>) -> Self {
        Self {
            step,
            parent: None,
            children: Vec::new(),
            drafts: Vec::new(),
            decisions: Vec::new(),
            scores: Vec::new(),
            labels: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// What people said of it.
    pub fn ballot(&self) -> Ballot<&str> {
        let labels = self.labels.iter();
        let known = labels.filter_map(|said| Some((said.who.as_str(), Label::named(&said.label)?)));
        known.collect()
    }

    /// The labels of a person that they did not take back, the last one last.
    fn standing_of(&self, who: &str) -> Vec<(Label, &LabelRecord)> {
        let mut standing = Vec::new();
        for said in self.labels.iter().filter(|said| said.who == who) {
            match Label::named(&said.label) {
                Some(Label::Retracted) => drop(standing.pop()),
                Some(label) => standing.push((label, said)),
                // A word that is not known is nothing to take back.
                None => {}
            }
        }
        standing
    }

    /// The last note of a person that they did not take back.
    pub fn note_of(&self, who: &str) -> Option<&str> {
        let mut standing = self.standing_of(who).into_iter().rev();
        standing.find_map(|(_, said)| said.note.as_deref())
    }

    /// The rating of a person that holds, with the record that gave it.
    pub fn rating_of(&self, who: &str) -> Option<(Rating, &LabelRecord)> {
        let mut standing = self.standing_of(who).into_iter().rev();
        standing.find_map(|(label, said)| Some((label.rating()?, said)))
    }

    /// Who said anything of it, in the order in which they came.
    pub fn people(&self) -> Vec<&str> {
        let mut people: Vec<&str> = Vec::new();
        for label in &self.labels {
            if !people.contains(&label.who.as_str()) {
                people.push(&label.who);
            }
        }
        people
    }

    /// Whether its parent is missing from the tree.
    pub fn is_orphan(&self) -> bool {
        self.parent.is_none() && self.step.parent.is_some()
    }

    /// The last outcome that holds for this leaf (grading again appends).
    pub fn outcome(&self) -> Option<&OutcomeRecord> {
        self.outcomes.last()
    }
}

/// What became of a record given to [`Tree::add`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// A new node.
    Step(NodeIndex),
    /// Attached to a node.
    Attached(NodeIndex),
    /// Belongs to the problem or to the place before the first step.
    Root,
    /// Kept until the step it names turns up.
    Waiting,
    /// A step of this id is there already.
    Duplicate(NodeIndex),
    /// Of another run or problem, or a run record.
    Ignored,
}

/// Something wrong with the records of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("step {step} follows step {parent}, which is missing")]
    Orphan { step: StepId, parent: StepId },
    #[error("step {step} follows a step that comes after it")]
    Cycle { step: StepId },
    #[error("step {step} was logged twice with different texts; the first is shown")]
    Conflict { step: StepId },
    #[error("a {record} names step {step}, which is missing")]
    Stray { record: &'static str, step: StepId },
}

/// A record that names a step.
#[derive(Debug, Clone, PartialEq)]
enum Attachment {
    Decision(Arc<DecisionRecord>),
    Score(ScoreRecord),
    Label(LabelRecord),
    Outcome(OutcomeRecord),
}

impl Attachment {
    fn name(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Score(_) => "score",
            Self::Label(_) => "label",
            Self::Outcome(_) => "outcome",
        }
    }
}

/// The tree of one problem in one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    run: String,
    problem_id: String,
    problem: Option<Problem>,
    nodes: Vec<Node>,
    by_id: HashMap<StepId, NodeIndex>,
    /// Kept first steps.
    roots: Vec<NodeIndex>,
    /// Rejected drafts of the first step.
    root_drafts: Vec<NodeIndex>,
    root_decisions: Vec<Arc<DecisionRecord>>,
    /// Scores of the question.
    root_scores: Vec<ScoreRecord>,
    root_outcomes: Vec<OutcomeRecord>,
    notes: Vec<NoteRecord>,
    /// Nodes by the parent that is missing.
    orphans: BTreeMap<StepId, Vec<NodeIndex>>,
    /// Records by the step that is missing.
    strays: BTreeMap<StepId, Vec<Attachment>>,
    /// Decisions that began rollouts.
    rollouts: usize,
    conflicts: Vec<StepId>,
    cycles: Vec<StepId>,
}

impl Tree {
    /// An empty tree of `problem` in `run`.
    pub fn new(run: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            problem_id: problem.into(),
            ..Self::default()
        }
    }

    /// The tree of `records`; those of other runs and problems are left out.
    pub fn from_records(
        run: impl Into<String>,
        problem: impl Into<String>,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let mut tree = Self::new(run, problem);
        for record in records {
            tree.add(record);
        }
        tree
    }

    /// Adds the next record of the log.
    pub fn add(&mut self, record: Record) -> Added {
        match record {
            Record::Run(_) => Added::Ignored,
            Record::Problem(record) => {
                if record.run != self.run || record.problem.id != self.problem_id {
                    return Added::Ignored;
                }
                self.problem = Some(record.problem);
                Added::Root
            }
            Record::Step(step) => {
                if self.is_other(&step.run, &step.problem) {
                    return Added::Ignored;
                }
                self.add_step(step)
            }
            Record::Decision(decision) => {
                if self.is_other(&decision.run, &decision.problem) {
                    return Added::Ignored;
                }
                self.rollouts += usize::from(decision.rollout);
                match decision.after.clone() {
                    Some(step) => self.attach(&step, Attachment::Decision(decision)),
                    None => {
                        self.root_decisions.push(decision);
                        Added::Root
                    }
                }
            }
            Record::Outcome(outcome) => {
                if self.is_other(&outcome.run, &outcome.problem) {
                    return Added::Ignored;
                }
                match outcome.leaf.clone() {
                    Some(step) => self.attach(&step, Attachment::Outcome(*outcome)),
                    None => {
                        self.root_outcomes.push(*outcome);
                        Added::Root
                    }
                }
            }
            Record::Score(score) => {
                if self.is_other(&score.run, &score.problem) {
                    return Added::Ignored;
                }
                match score.step.clone() {
                    Some(step) => self.attach(&step, Attachment::Score(score)),
                    None => {
                        self.root_scores.push(score);
                        Added::Root
                    }
                }
            }
            Record::Label(label) => {
                if self.is_other(&label.run, &label.problem) {
                    return Added::Ignored;
                }
                self.attach(&label.step.clone(), Attachment::Label(label))
            }
            Record::Note(note) => {
                if note.run != self.run || note.problem.as_ref() != Some(&self.problem_id) {
                    return Added::Ignored;
                }
                self.notes.push(note);
                Added::Root
            }
        }
    }

    fn is_other(&self, run: &str, problem: &str) -> bool {
        run != self.run || problem != self.problem_id
    }

    fn add_step(&mut self, step: Arc<StepRecord>) -> Added {
        if let Some(&known) = self.by_id.get(&step.id) {
            if self.nodes[known.get()].step.text != step.text {
                self.conflicts.push(step.id.clone());
            }
            return Added::Duplicate(known);
        }
        let index = NodeIndex(
            u32::try_from(self.nodes.len()).expect("a tree of 4 billion steps fits no memory"),
        );
        let id = step.id.clone();
        let parent = step.parent.clone();
        self.nodes.push(Node::new(step));
        self.by_id.insert(id.clone(), index);
        match parent {
            None => self.hang(index, None),
            Some(parent) => match self.by_id.get(&parent).copied() {
                Some(found) if found == index => self.cycles.push(id.clone()),
                Some(found) => self.hang(index, Some(found)),
                None => self.orphans.entry(parent).or_default().push(index),
            },
        }
        self.adopt(&id, index);
        Added::Step(index)
    }

    /// Puts what waited for step `id` in its place.
    fn adopt(&mut self, id: &str, index: NodeIndex) {
        for orphan in self.orphans.remove(id).unwrap_or_default() {
            if self.path(index).contains(&orphan) {
                self.cycles.push(self.nodes[orphan.get()].step.id.clone());
            } else {
                self.hang(orphan, Some(index));
            }
        }
        for attachment in self.strays.remove(id).unwrap_or_default() {
            self.attach_to(index, attachment);
        }
    }

    fn hang(&mut self, index: NodeIndex, parent: Option<NodeIndex>) {
        let node = &mut self.nodes[index.get()];
        node.parent = parent;
        let kept = node.step.kept;
        let (children, drafts) = match parent {
            Some(parent) => {
                let parent = &mut self.nodes[parent.get()];
                (&mut parent.children, &mut parent.drafts)
            }
            None => (&mut self.roots, &mut self.root_drafts),
        };
        let list = if kept { children } else { drafts };
        // Log order, also for an orphan whose parent came late.
        let place = list.partition_point(|&other| other < index);
        list.insert(place, index);
    }

    fn attach(&mut self, step: &str, attachment: Attachment) -> Added {
        match self.find(step) {
            Some(index) => {
                self.attach_to(index, attachment);
                Added::Attached(index)
            }
            None => {
                self.strays
                    .entry(step.to_owned())
                    .or_default()
                    .push(attachment);
                Added::Waiting
            }
        }
    }

    fn attach_to(&mut self, index: NodeIndex, attachment: Attachment) {
        let node = &mut self.nodes[index.get()];
        match attachment {
            Attachment::Decision(decision) => node.decisions.push(decision),
            Attachment::Score(score) => node.scores.push(score),
            Attachment::Label(label) => node.labels.push(label),
            Attachment::Outcome(outcome) => node.outcomes.push(outcome),
        }
    }

    /// Takes a label back that could not be written: the last one that is the
    /// same; whether there was one.
    pub fn remove_label(&mut self, label: &LabelRecord) -> bool {
        let Some(index) = self.find(&label.step) else {
            return false;
        };
        let labels = &mut self.nodes[index.get()].labels;
        let place = labels.iter().rposition(|known| known == label);
        place.map(|place| labels.remove(place)).is_some()
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    pub fn problem_id(&self) -> &str {
        &self.problem_id
    }

    /// The problem itself; `None` where its record is missing.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    pub fn notes(&self) -> &[NoteRecord] {
        &self.notes
    }

    /// Number of nodes, rejected drafts and orphans included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node at `index`.
    ///
    /// # Panics
    /// If the index is of another tree that has more nodes.
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.get()]
    }

    /// All nodes in log order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIndex, &Node)> {
        (0_u32..).map(NodeIndex).zip(&self.nodes)
    }

    /// The node of a step.
    pub fn find(&self, step: &str) -> Option<NodeIndex> {
        self.by_id.get(step).copied()
    }

    /// Kept steps after `node` (the first steps for `None`), oldest first.
    pub fn children(&self, node: Option<NodeIndex>) -> &[NodeIndex] {
        node.map_or(&self.roots, |node| &self.node(node).children)
    }

    /// Rejected drafts of the step after `node`, oldest first.
    pub fn drafts(&self, node: Option<NodeIndex>) -> &[NodeIndex] {
        node.map_or(&self.root_drafts, |node| &self.node(node).drafts)
    }

    /// Decisions made after `node` (about the first step for `None`), with
    /// those that began rollouts.
    pub fn decisions(&self, node: Option<NodeIndex>) -> &[Arc<DecisionRecord>] {
        node.map_or(&self.root_decisions, |node| &self.node(node).decisions)
    }

    /// Scores of the question.
    pub fn root_scores(&self) -> &[ScoreRecord] {
        &self.root_scores
    }

    /// The decision of this id after `node`.
    pub fn decision_of(&self, node: NodeIndex, id: &str) -> Option<&DecisionRecord> {
        let made = &self.node(node).decisions;
        let mut made = made.iter().map(|decision| &**decision);
        made.find(|decision| decision.id == id)
    }

    /// The decision of this id.
    pub fn decision(&self, id: &str) -> Option<&DecisionRecord> {
        let of_nodes = self.nodes.iter().flat_map(|node| &node.decisions);
        self.root_decisions
            .iter()
            .chain(of_nodes)
            .map(|decision| &**decision)
            .find(|decision| decision.id == id)
    }

    /// Outcomes of trajectories without any step.
    pub fn root_outcomes(&self) -> &[OutcomeRecord] {
        &self.root_outcomes
    }

    /// How the trajectory that ends at `leaf` came out; of one without any step
    /// for `None`.
    pub fn outcome_at(&self, leaf: Option<NodeIndex>) -> Option<&OutcomeRecord> {
        match leaf {
            Some(leaf) => self.node(leaf).outcome(),
            None => self.root_outcomes.last(),
        }
    }

    /// The nodes from the first step to `index`, both included. A rejected
    /// draft is only ever the last.
    pub fn path(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut path = vec![index];
        let mut at = index;
        while let Some(parent) = self.node(at).parent {
            path.push(parent);
            at = parent;
        }
        path.reverse();
        path
    }

    /// The partial answer up to and with `index`, byte for byte as the next
    /// prompt holds it: every whole step is followed by the delimiter; one
    /// that was cut off at the token limit goes on where it stopped.
    pub fn text(&self, index: NodeIndex) -> String {
        let mut text = String::new();
        for node in self.path(index) {
            let step = &self.node(node).step;
            text.push_str(&step.text);
            if step.end == StepEnd::Delimiter {
                text.push_str(DELIMITER);
            }
        }
        text
    }

    /// The nodes that share `index`'s parent, itself included, oldest first:
    /// kept steps for a kept step, rejected drafts for a rejected draft, and
    /// only itself for an orphan.
    pub fn siblings(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let node = self.node(index);
        if node.is_orphan() {
            return vec![index];
        }
        if node.step.kept {
            self.children(node.parent).to_vec()
        } else {
            self.drafts(node.parent).to_vec()
        }
    }

    /// Kept steps that nothing follows, oldest first.
    pub fn leaves(&self) -> impl Iterator<Item = NodeIndex> {
        self.nodes()
            .filter(|(_, node)| node.step.kept && node.children.is_empty())
            .map(|(index, _)| index)
    }

    /// The trajectory that was written last: the path to the latest leaf, with
    /// the rollouts left out, as if they had never been made.
    pub fn main_line(&self) -> Vec<NodeIndex> {
        let last = match self.rollouts {
            0 => self.leaves().last(),
            _ => self.last_own_leaf(),
        };
        last.map(|leaf| self.path(leaf)).unwrap_or_default()
    }

    /// What is wrong with the records: missing parents, strays, conflicts.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (parent, nodes) in &self.orphans {
            faults.extend(nodes.iter().map(|&node| Fault::Orphan {
                step: self.node(node).step.id.clone(),
                parent: parent.clone(),
            }));
        }
        faults.extend(
            self.cycles
                .iter()
                .map(|step| Fault::Cycle { step: step.clone() }),
        );
        faults.extend(
            self.conflicts
                .iter()
                .map(|step| Fault::Conflict { step: step.clone() }),
        );
        for (step, attachments) in &self.strays {
            faults.extend(attachments.iter().map(|attachment| Fault::Stray {
                record: attachment.name(),
                step: step.clone(),
            }));
        }
        faults
    }
}

#[cfg(test)]
mod tests;
