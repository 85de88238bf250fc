//! What people say of steps: of those of one trajectory, and which trajectories
//! are to be labelled next.

use serde_json::json;

use crate::expr::Source;
use crate::headless::Failure;
use crate::problem::answer::Verdict;
use crate::survey::{Name, Survey};
use crate::trace::label::{FirstError, Opinion, Rating, first_error_of};
use crate::trace::tree::Node;
use crate::trace::{NodeIndex, Tree};

use super::grid::{Cell, grid};
use super::problems::arranged;
use crate::headless::labels::Person as Rated;

use super::{Arrangement, Read, Shown, Subject, records};

/// The steps of a problem's main line with what each person says of them; with
/// `who` that person alone. Texts of the steps with `content`.
///
/// # Errors
/// A problem that is in no run, or in several of which none is named.
pub fn labels(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
    who: Option<&str>,
    content: bool,
) -> Result<Shown, Failure> {
    let read = Read::trajectory(subject, problem, run)?;
    let tree = &read.tree;
    let path = tree.main_line();
    let people = people(tree, who);
    let mut titles = vec![
        Cell::Left("step".to_owned()),
        Cell::Left("model".to_owned()),
    ];
    titles.extend(people.iter().map(|who| Cell::Left((*who).to_owned())));
    let mut rows = vec![titles];
    let mut found = Vec::new();
    let mut notes = String::new();
    for &at in &path {
        let node = tree.node(at);
        rows.push(row(node, &people));
        found.push(step_json(node, &people, content));
        for who in &people {
            if let Some(note) = node.note_of(who) {
                notes.push_str(&format!("step {}, {who}: {note}\n", node.step.index));
            }
        }
    }
    let persons: Vec<Person<'_>> = people
        .iter()
        .map(|who| Person::of(tree, &path, who))
        .collect();
    let beside = beside(tree, &path, &people);
    let mut text = grid(&rows);
    text.push_str(&notes);
    text.extend(persons.iter().map(Person::line));
    if people.is_empty() {
        text.push_str("nobody labelled a step of it\n");
    }
    if beside > 0 {
        text.push_str(&format!(
            "{beside} labelled steps are beside the main line: `--screen tree` has them\n"
        ));
    }
    if content {
        text.push_str(&records::texts(tree, &path));
    }
    Ok(Shown {
        text,
        json: json!({
            "screen": "labels",
            "run": read.run,
            "problem": problem,
            "question": read.question(content),
            "people": persons.iter().map(Person::json).collect::<Vec<_>>(),
            "steps": found,
            "labelled_beside": beside,
        }),
        warnings: read.warnings,
    })
}

/// Who labelled any step, in the order in which they came.
fn people<'t>(tree: &'t Tree, only: Option<&str>) -> Vec<&'t str> {
    let mut people: Vec<&str> = Vec::new();
    for who in tree.nodes().flat_map(|(_, node)| node.people()) {
        if only.is_none_or(|only| only == who) && !people.contains(&who) {
            people.push(who);
        }
    }
    people
}

/// Labelled steps that are not of the path.
fn beside(tree: &Tree, path: &[NodeIndex], people: &[&str]) -> usize {
    let mut on_path = vec![false; tree.len()];
    for at in path {
        if let Some(seen) = on_path.get_mut(at.get()) {
            *seen = true;
        }
    }
    let nodes = tree.nodes().filter(|(at, _)| !on_path[at.get()]);
    let labelled = |node: &Node| {
        let ballot = node.ballot();
        people.iter().any(|who| !ballot.of(who).is_empty())
    };
    nodes.filter(|(_, node)| labelled(node)).count()
}

fn row(node: &Node, people: &[&str]) -> Vec<Cell> {
    let ballot = node.ballot();
    let mut cells = vec![
        Cell::Right(node.step.index.to_string()),
        Cell::Left(node.step.model.clone()),
    ];
    let said = people.iter().map(|who| records::opinion(ballot.of(who)));
    cells.extend(said.map(Cell::Left));
    cells
}

fn step_json(node: &Node, people: &[&str], content: bool) -> serde_json::Value {
    let ballot = node.ballot();
    let said = people.iter().filter_map(|who| {
        let (said, note) = (ballot.of(who), node.note_of(who));
        let anything = !said.is_empty() || note.is_some();
        anything.then(|| opinion_json(who, said, note))
    });
    let step = &node.step;
    json!({
        "step": step.index,
        "id": step.id,
        "model": step.model,
        "said": said.collect::<Vec<_>>(),
        "text": content.then_some(&step.text),
    })
}

fn opinion_json(who: &str, said: Opinion, note: Option<&str>) -> serde_json::Value {
    json!({
        "who": who,
        "rating": said.rating.map(Rating::name),
        "flagged": said.flagged,
        "skipped": said.skipped,
        "note": note,
    })
}

/// How far a person is with a trajectory.
struct Person<'t> {
    who: &'t str,
    done: usize,
    steps: usize,
    /// Where the first error is by their ratings, as the number of its step;
    /// `None` where they do not say.
    first_error: Option<Option<u32>>,
}

impl<'t> Person<'t> {
    fn of(tree: &Tree, path: &[NodeIndex], who: &'t str) -> Self {
        let said = path.iter().map(|&at| tree.node(at).ballot().of(&who));
        let said: Vec<Opinion> = said.collect();
        // Of several first errors the last one holds.
        let ratings = Rated(who.to_owned()).ratings(tree, path);
        let first = first_error_of(&ratings).filter(|_| !path.is_empty());
        Self {
            who,
            done: said.iter().filter(|said| said.is_done()).count(),
            steps: path.len(),
            first_error: first.map(|first| match first {
                FirstError::None => None,
                FirstError::At(at) => path.get(at).map(|&at| tree.node(at).step.index),
            }),
        }
    }

    fn line(&self) -> String {
        let first = match self.first_error {
            Some(Some(step)) => format!("the first error is at step {step}"),
            Some(None) => "no error".to_owned(),
            None => "the first error is not known".to_owned(),
        };
        format!(
            "{}: {} of {} steps done, {first}\n",
            self.who, self.done, self.steps
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "who": self.who,
            "done": self.done,
            "steps": self.steps,
            "first_error": self.first_error.map(|step| json!({ "step": step })),
        })
    }
}

/// The trajectories in the order in which they are labelled: those that tell
/// most first, or as `by` sorts them. With `who` how far that person is, else
/// everybody.
///
/// # Errors
/// An expression that is at fault, a filter that nothing fulfils, a run that is
/// not there.
pub fn queue(subject: &Subject<'_>, by: &Arrangement, who: Option<&str>) -> Result<Shown, Failure> {
    let table = arranged(subject, by)?;
    let survey = subject.survey;
    let order: Vec<u32> = match by.sort {
        Some(_) => table.order,
        None => survey.by_worth(&table.order),
    };
    let person = who.map(|who| survey.named(who));
    let done = order.iter().filter(|place| match person {
        Some(who) => survey.is_done(**place, who),
        None => survey.trajectories()[**place as usize].is_labelled(),
    });
    let (all, done) = (order.len(), done.count());
    let listed = order.iter().take(by.limit.unwrap_or(usize::MAX));
    let listed: Vec<Waiting<'_>> = listed
        .map(|&place| Waiting::of(survey, place, person))
        .collect();
    let titles = ["worth", "", "problem", "run", "steps", "done by"];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    rows.extend(listed.iter().map(Waiting::cells));
    let mut text = grid(&rows);
    if listed.len() < all {
        text.push_str(&format!("… and {} more\n", all - listed.len()));
    }
    text.push_str(&match who {
        Some(who) => format!("{who} is done with {done} of {all} trajectories\n"),
        None => format!("{done} of {all} trajectories have labels\n"),
    });
    Ok(Shown::of(
        text,
        json!({
            "screen": "labels",
            "who": who,
            "of": all,
            "done": who.map(|_| done),
            "labelled": who.is_none().then_some(done),
            "order": by.sort.as_deref().unwrap_or("worth"),
            "trajectories": listed.iter().map(Waiting::json).collect::<Vec<_>>(),
        }),
    ))
}

/// A trajectory of the queue.
struct Waiting<'s> {
    problem: &'s str,
    run: &'s str,
    worth: f64,
    regret: Option<f64>,
    verdict: Option<&'static str>,
    steps: usize,
    /// Who labelled it, and how many of its steps they are done with.
    people: Vec<(&'s str, usize)>,
}

impl<'s> Waiting<'s> {
    /// With the labels of one person, or of everybody.
    fn of(survey: &'s Survey, place: u32, person: Option<Option<Name>>) -> Self {
        let view = survey.view(place as usize);
        let (run, problem) = survey.key(view.trajectory());
        let people = view.labellers().into_iter();
        let people = people.filter(|who| person.is_none_or(|person| person == Some(*who)));
        Self {
            problem,
            run,
            worth: crate::survey::worth(&view),
            regret: view.regret(),
            verdict: view.verdict().map(Verdict::name),
            steps: Source::steps(&view),
            people: people
                .map(|who| (survey.name(who), view.done_by(Some(who))))
                .collect(),
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let steps = self.steps;
        let people = self.people.iter();
        let people = people.map(|(who, done)| format!("{who} {done}/{steps}"));
        vec![
            Cell::Right(format!("{:.2}", self.worth)),
            Cell::Left(self.verdict.unwrap_or("unfinished").to_owned()),
            Cell::Left(self.problem.to_owned()),
            Cell::Left(self.run.to_owned()),
            Cell::Right(steps.to_string()),
            Cell::Left(people.collect::<Vec<_>>().join(", ")),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let people = self.people.iter();
        let people = people.map(|(who, done)| json!({ "who": who, "done": done }));
        json!({
            "problem": self.problem,
            "run": self.run,
            "worth": self.worth,
            "regret": self.regret,
            "verdict": self.verdict,
            "steps": self.steps,
            "people": people.collect::<Vec<_>>(),
        })
    }
}
