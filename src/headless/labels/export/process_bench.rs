//! Rows of ProcessBench: where the first error of a solution is.

use std::collections::HashMap;

use serde::Serialize;

use crate::headless::labels::{Labelled, Person, Rater};
use crate::problem::answer::Verdict;
use crate::trace::label::FirstError;
use crate::trace::{NodeIndex, Tree};

use super::{Exported, question, texts};

/// A row, in the fields and the order of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub id: String,
    /// Who wrote the steps.
    pub generator: String,
    pub problem: String,
    pub steps: Vec<String>,
    pub final_answer_correct: bool,
    /// Place of the first wrong step, from 0; −1 where none is wrong.
    pub label: i64,
}

/// The main lines of which people know, and agree, where the first error is.
pub fn rows(labelled: &Labelled, who: Option<&str>) -> (Vec<Row>, Exported) {
    let mut done = Exported::default();
    let mut rows = Vec::new();
    let people = people(labelled, who);
    for tree in &labelled.trees {
        match row(tree, &people) {
            Ok(row) => rows.push((tree.run(), row)),
            Err(reason) => done.leave_out(reason),
        }
    }
    done.rows = rows.len();
    // A problem that several runs solved has an id for each.
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (_, row) in &rows {
        *counts.entry(row.id.clone()).or_default() += 1;
    }
    let named = rows.into_iter().map(|(run, mut row)| {
        if counts.get(&row.id).is_some_and(|count| *count > 1) {
            row.id = format!("{}-{run}", row.id);
        }
        row
    });
    (named.collect(), done)
}

fn people(labelled: &Labelled, who: Option<&str>) -> Vec<Person> {
    let people = labelled.people().into_iter();
    let wanted = people.filter(|name| who.is_none_or(|who| who == *name));
    wanted.map(|name| Person(name.to_owned())).collect()
}

fn row(tree: &Tree, people: &[Person]) -> Result<Row, &'static str> {
    let path = tree.main_line();
    let mut found = people
        .iter()
        .filter_map(|person| person.first_error(tree, &path));
    let first = found
        .next()
        .ok_or("trajectories whose first error is not known yet")?;
    if found.any(|other| other != first) {
        return Err("trajectories of which people disagree (--who takes one of them)");
    }
    let outcome = path.last().and_then(|&leaf| tree.node(leaf).outcome());
    let verdict = outcome.map(|outcome| outcome.verdict);
    let correct = match verdict {
        Some(Verdict::Correct) => true,
        Some(Verdict::Wrong) => false,
        _ => return Err("trajectories whose answer is not graded"),
    };
    Ok(Row {
        id: tree.problem_id().to_owned(),
        generator: generator(tree, &path),
        problem: question(tree).to_owned(),
        steps: texts(tree, &path),
        final_answer_correct: correct,
        label: match first {
            FirstError::None => -1,
            FirstError::At(at) => i64::try_from(at).unwrap_or(i64::MAX),
        },
    })
}

/// The models that wrote the steps, in the order in which they came in.
fn generator(tree: &Tree, path: &[NodeIndex]) -> String {
    let mut models: Vec<&str> = Vec::new();
    for &node in path {
        let model = tree.node(node).step.model.as_str();
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models.join("+")
}
