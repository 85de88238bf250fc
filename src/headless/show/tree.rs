//! The tree of a problem: every step once, with its branches, rejected drafts
//! and rollouts.

use std::collections::HashMap;

use serde_json::json;

use crate::headless::Failure;
use crate::problem::answer::Verdict;
use crate::trace::label::Rating;
use crate::trace::record::{DecisionRecord, RunRecord};
use crate::trace::tree::{Node, Row, RowKind};
use crate::trace::{NodeIndex, Tree};

use super::grid::{Cell, grid};
use super::steps::{repeated, repetition, tokens};
use super::{Read, Shown, Subject, confidence, records, step_sign};

/// The tree of a problem in the order in which it is drawn; texts with
/// `content`.
///
/// # Errors
/// A problem that is in no run, or in several of which none is named.
pub fn tree(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
    content: bool,
) -> Result<Shown, Failure> {
    let read = Read::trajectory(subject, problem, run)?;
    let drawn = Drawn::of(&read.tree, subject.log.run(&read.run));
    let titles = [
        "",
        "tree",
        "step",
        "model",
        "confidence",
        "tokens",
        "end",
        "verdict",
        "label",
        "",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    rows.extend(drawn.rows.iter().map(|row| drawn.cells(row)));
    let mut text = grid(&rows);
    text.push_str(&drawn.summary());
    if content {
        let nodes: Vec<NodeIndex> = drawn.rows.iter().map(|row| row.node).collect();
        text.push_str(&records::texts(&read.tree, &nodes));
    }
    let steps: Vec<serde_json::Value> = drawn
        .rows
        .iter()
        .map(|row| drawn.json(row, content))
        .collect();
    let mut warnings = read.warnings.clone();
    warnings.extend(read.tree.faults().iter().map(ToString::to_string));
    let root = read.tree.decisions(None).iter();
    Ok(Shown {
        text,
        json: json!({
            "screen": "tree",
            "run": read.run,
            "problem": problem,
            "question": read.question(content),
            "first_decisions": root.map(|made| records::decision(made)).collect::<Vec<_>>(),
            "main_line": drawn.path.iter().map(|&node| &read.tree.node(node).step.id)
                .collect::<Vec<_>>(),
            "steps": steps,
        }),
        warnings,
    })
}

/// A tree with what its rows say.
struct Drawn<'t> {
    tree: &'t Tree,
    head: Option<&'t RunRecord>,
    rows: Vec<Row>,
    path: Vec<NodeIndex>,
    /// Steps of the main line, with the number of the first one before each
    /// that says the same.
    on_path: HashMap<NodeIndex, Option<u32>>,
    /// What began the rollout that a step is of.
    rollouts: HashMap<NodeIndex, &'t DecisionRecord>,
}

impl<'t> Drawn<'t> {
    fn of(tree: &'t Tree, head: Option<&'t RunRecord>) -> Self {
        let rows = tree.rows();
        let path = tree.main_line();
        let mut rollouts = HashMap::new();
        // Whatever a step follows stands above it.
        for row in &rows {
            let before = tree.node(row.node).parent;
            let before = before.and_then(|before| rollouts.get(&before).copied());
            if let Some(begun) = tree.rollout_that_begins(row.node).or(before) {
                rollouts.insert(row.node, begun);
            }
        }
        Self {
            tree,
            head,
            rows,
            on_path: path.iter().copied().zip(repeated(tree, &path)).collect(),
            path,
            rollouts,
        }
    }

    fn cells(&self, row: &Row) -> Vec<Cell> {
        let node = self.tree.node(row.node);
        let step = &node.step;
        let place = self.head.and_then(|head| head.place(&step.model));
        let models = self.head.map_or(0, |head| head.pool.len());
        let main = if self.on_path.contains_key(&row.node) {
            "→"
        } else {
            ""
        };
        let outcome = node.outcome();
        let sign = step_sign(step, place, models);
        vec![
            Cell::Left(main.to_owned()),
            Cell::Left(format!("{}{sign}", row.branches())),
            Cell::Right(step.index.to_string()),
            Cell::Left(step.model.clone()),
            Cell::Right(confidence(&step.confidence)),
            Cell::Right(tokens(step)),
            Cell::Left(step.end.name().to_owned()),
            Cell::Left(
                outcome
                    .map_or("", |outcome| outcome.verdict.name())
                    .to_owned(),
            ),
            Cell::Left(records::opinion(node.ballot().together())),
            Cell::Sentence(self.marks(row).join(", ")),
        ]
    }

    /// What is out of the ordinary about a step.
    fn marks(&self, row: &Row) -> Vec<String> {
        let node = self.tree.node(row.node);
        let begun = self.rollouts.get(&row.node);
        let made = self.led_to(node).filter(|made| !made.rollout);
        let branches = node.children.len();
        let again = self.on_path.get(&row.node).copied().flatten();
        let marks = [
            (row.kind == RowKind::Orphan).then(|| "the step before it is missing".to_owned()),
            (!node.step.kept).then(|| "rejected draft".to_owned()),
            begun.map(|begun| match self.tree.begins_rollout(row.node) {
                true => format!("rollout by {}", begun.action),
                false => "rollout".to_owned(),
            }),
            made.and_then(records::made_how),
            (branches > 1).then(|| format!("{branches} ways on")),
            records::miscalculation(&node.step),
            repetition(again),
        ];
        marks.into_iter().flatten().collect()
    }

    /// The decision by which a step was written.
    fn led_to(&self, node: &Node) -> Option<&'t DecisionRecord> {
        let id = node.step.decision.as_deref()?;
        let made = self.tree.decisions(node.parent).iter();
        made.map(|made| &**made).find(|made| made.id == id)
    }

    fn json(&self, row: &Row, content: bool) -> serde_json::Value {
        let node = self.tree.node(row.node);
        let step = &node.step;
        let before = node.parent.map(|before| &self.tree.node(before).step.id);
        let begun = self.rollouts.get(&row.node);
        let said = node.ballot().together();
        json!({
            "id": step.id,
            // As the log says it, also where it is missing.
            "after": before.or(step.parent.as_ref()),
            "step": step.index,
            "model": step.model,
            "purpose": step.purpose,
            "kept": step.kept,
            "missing_before": row.kind == RowKind::Orphan,
            "main_line": self.on_path.contains_key(&row.node),
            "lane": row.lane,
            "ways_on": node.children.len(),
            "drafts_after": node.drafts.len(),
            "rollout": begun.map(|begun| json!({
                "by": begun.action,
                "begins": self.tree.begins_rollout(row.node),
            })),
            "confidence": step.confidence,
            "usage": step.usage,
            "end": step.end,
            "scores": records::scores(node),
            "label": said.rating.map(Rating::name),
            "flagged": said.flagged,
            "decision": self.led_to(node).map(records::decision),
            "outcome": node.outcome().map(records::outcome),
            "text": content.then_some(&step.text),
        })
    }

    /// How many branches there are and how they came out.
    fn summary(&self) -> String {
        let nodes = || self.tree.nodes().map(|(_, node)| node);
        let ends: Vec<NodeIndex> = self.tree.leaves().collect();
        let of = |verdict: Verdict| {
            let outcomes = ends
                .iter()
                .filter_map(|&leaf| self.tree.node(leaf).outcome());
            outcomes
                .filter(|outcome| outcome.verdict == verdict)
                .count()
        };
        let [correct, wrong, ungraded] =
            [Verdict::Correct, Verdict::Wrong, Verdict::Ungraded].map(of);
        let forks = nodes().filter(|node| node.children.len() > 1).count()
            + usize::from(self.tree.children(None).len() > 1);
        let drafts = nodes().filter(|node| !node.step.kept).count();
        let rollouts = self.rows.iter();
        let rollouts = rollouts.filter(|row| self.tree.begins_rollout(row.node));
        format!(
            "steps {}, rejected drafts {drafts}, branchings {forks}, rollouts {}; ends {}: correct \
             {correct}, wrong {wrong}, ungraded {ungraded}\n",
            self.tree.len(),
            rollouts.count(),
            ends.len(),
        )
    }
}
