//! Rows of PRM800K: what one person said of each step of one solution, other
//! ways to go on at the same step among them.

use serde::Serialize;

use crate::headless::labels::{Labelled, Person, time};
use crate::trace::label::{Opinion, Rating};
use crate::trace::record::PRM;
use crate::trace::{NodeIndex, Tree};

use super::{Exported, question, texts};

/// A row, in the fields and the order of the data set's second phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub labeler: String,
    pub timestamp: String,
    pub generation: Option<u32>,
    pub is_quality_control_question: bool,
    pub is_initial_screening_question: bool,
    pub question: Question,
    pub label: Label,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    pub problem: String,
    /// A log holds no worked solution.
    pub ground_truth_solution: Option<String>,
    pub ground_truth_answer: Option<String>,
    pub pre_generated_steps: Vec<String>,
    pub pre_generated_answer: Option<String>,
    /// Product of the steps' scores by a process-reward model, where it looked
    /// at all of them.
    pub pre_generated_verifier_score: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    pub steps: Vec<Step>,
    /// Milliseconds.
    pub total_time: u64,
    /// `found_error`, `solution`, or `give_up` where the person stopped before
    /// either.
    pub finish_reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub completions: Vec<Completion>,
    pub human_completion: Option<Completion>,
    /// The completion that the solution goes on with.
    pub chosen_completion: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    pub text: String,
    /// 1 right, 0 neutral, −1 wrong; none where it was not rated.
    pub rating: Option<i8>,
    pub flagged: bool,
}

/// A row for each trajectory and person who rated its first step.
pub fn rows(labelled: &Labelled, who: Option<&str>) -> (Vec<Row>, Exported) {
    let mut done = Exported::default();
    let mut rows = Vec::new();
    let people = labelled.people();
    for tree in &labelled.trees {
        for name in people
            .iter()
            .filter(|name| who.is_none_or(|who| who == **name))
        {
            match row(tree, name) {
                Some(Ok(row)) => rows.push(row),
                Some(Err(reason)) => done.leave_out(reason),
                None => {}
            }
        }
    }
    done.rows = rows.len();
    (rows, done)
}

/// The row of a person; `None` where nothing of theirs stands.
fn row(tree: &Tree, who: &str) -> Option<Result<Row, &'static str>> {
    let opinion = |node: NodeIndex| tree.node(node).ballot().of(&who);
    if tree.nodes().all(|(node, _)| opinion(node).is_empty()) {
        return None;
    }
    let path = tree.main_line();
    let ratings = Person(who.to_owned()).ratings(tree, &path);
    let (steps, finish_reason) = steps(tree, &path, &ratings, &opinion);
    if steps.is_empty() {
        return Some(Err("labellings whose first step is not rated"));
    }
    let labels = tree.nodes().flat_map(|(_, node)| &node.labels);
    let own = labels.filter(|label| label.who == who);
    let times: Vec<&str> = own.map(|label| label.when.as_str()).collect();
    let outcome = path.last().and_then(|&leaf| tree.node(leaf).outcome());
    let problem = tree.problem();
    Some(Ok(Row {
        labeler: who.to_owned(),
        timestamp: times
            .iter()
            .copied()
            .max()
            .unwrap_or_default()
            .trim_end_matches('Z')
            .to_owned(),
        generation: None,
        is_quality_control_question: false,
        is_initial_screening_question: false,
        question: Question {
            problem: question(tree).to_owned(),
            ground_truth_solution: None,
            ground_truth_answer: problem.and_then(|problem| problem.gold.clone()),
            pre_generated_steps: texts(tree, &path),
            pre_generated_answer: outcome.and_then(|outcome| outcome.answer.clone()),
            pre_generated_verifier_score: verifier_score(tree, &path),
        },
        label: Label {
            steps,
            // Not negative, and centuries fit.
            total_time: (time::worked(times.iter().copied()) * 1000.0).round() as u64,
            finish_reason,
        },
    }))
}

/// The steps that the person rated, to the first wrong one or the first that is
/// not rated, and why they end there.
fn steps(
    tree: &Tree,
    path: &[NodeIndex],
    ratings: &[Option<Rating>],
    opinion: &impl Fn(NodeIndex) -> Opinion,
) -> (Vec<Step>, &'static str) {
    let mut steps = Vec::new();
    for (&node, &rating) in path.iter().zip(ratings) {
        let Some(rating) = rating else {
            return (steps, "give_up");
        };
        let is_error = rating.is_error();
        steps.push(Step {
            completions: completions(tree, (node, rating), opinion),
            human_completion: None,
            chosen_completion: (!is_error).then_some(0),
        });
        if is_error {
            return (steps, "found_error");
        }
    }
    (steps, "solution")
}

/// The step of the solution with its rating first, then the other ways to go on
/// from the same place: branches, and drafts that were rejected.
fn completions(
    tree: &Tree,
    (node, own): (NodeIndex, Rating),
    opinion: &impl Fn(NodeIndex) -> Opinion,
) -> Vec<Completion> {
    let before = tree.node(node).parent;
    let branches = tree.children(before).iter();
    let others = branches.chain(tree.drafts(before));
    let others = others.copied().filter(|&other| other != node);
    let all = std::iter::once(node).chain(others);
    all.map(|at| {
        let said = opinion(at);
        let rating = if at == node { Some(own) } else { said.rating };
        Completion {
            text: tree.node(at).step.text.clone(),
            rating: rating.map(|rating| match rating {
                Rating::Good => 1,
                Rating::Neutral => 0,
                Rating::Bad | Rating::FirstError => -1,
            }),
            flagged: said.flagged,
        }
    })
    .collect()
}

fn verifier_score(tree: &Tree, path: &[NodeIndex]) -> Option<f64> {
    let score = |&node: &NodeIndex| {
        let scores = tree.node(node).scores.iter().rev();
        let own = scores.filter(|score| score.scorer == PRM);
        own.filter_map(|score| score.value).next()
    };
    let scores: Option<Vec<f64>> = path.iter().map(score).collect();
    scores.map(|scores| scores.iter().product())
}
