//! Two trajectories step by step.

use serde_json::json;

use crate::eval::compare::{Alignment, Alike, Difference, Op, Row, Sameness, steps_of};
use crate::headless::Failure;
use crate::trace::record::{OutcomeRecord, StepRecord};
use crate::trace::{NodeIndex, Tree};

use super::super::grid::{Cell, grid};
use super::super::{Shown, Subject, amount, records};
use super::{Compared, Place, Wanted};

/// A trajectory that was read.
struct Side {
    place: Place,
    router: String,
    tree: Tree,
    path: Vec<NodeIndex>,
    /// Lines of it that could not be read.
    warnings: Vec<String>,
}

impl Side {
    fn read(subject: &Subject<'_>, place: Place) -> Result<Self, Failure> {
        let (tree, damages) = subject.log.tree(&place.run, &place.problem)?;
        let head = subject.log.run(&place.run);
        Ok(Self {
            router: head.map_or_else(|| "unknown".to_owned(), |head| head.router.spec.clone()),
            path: tree.main_line(),
            tree,
            place,
            warnings: damages.iter().map(ToString::to_string).collect(),
        })
    }

    fn step(&self, at: Option<usize>) -> Option<&StepRecord> {
        Some(&self.tree.node(*self.path.get(at?)?).step)
    }

    fn outcome(&self) -> Option<&OutcomeRecord> {
        self.tree.outcome_at(self.path.last().copied())
    }

    fn json(&self) -> serde_json::Value {
        let outcome = self.outcome();
        json!({
            "run": self.place.run,
            "problem": self.place.problem,
            "router": self.router,
            "steps": self.path.len(),
            "outcome": outcome.map(records::outcome),
        })
    }

    fn text(&self) -> Vec<Cell> {
        let outcome = self.outcome();
        let verdict = outcome.map_or("not ended", |outcome| outcome.verdict.name());
        let cost = |of: fn(&OutcomeRecord) -> Option<f64>| amount(outcome.and_then(of));
        vec![
            Cell::Left(self.place.problem.clone()),
            Cell::Left(self.place.run.clone()),
            Cell::Left(self.router.clone()),
            Cell::Left(verdict.to_owned()),
            Cell::Right(self.path.len().to_string()),
            Cell::Right(cost(|outcome| outcome.cost.published)),
            Cell::Right(cost(|outcome| outcome.cost.full)),
        ]
    }
}

/// Compares a trajectory with the one that is wanted beside it.
pub fn trajectories(
    subject: &Subject<'_>,
    problem: &str,
    wanted: &Compared,
) -> Result<Shown, Failure> {
    let (problem, run) = subject.parts(problem);
    let with = wanted.with.as_deref();
    let (other, other_run) = match with.map(|with| (with, with.strip_prefix('@'))) {
        None => (problem, None),
        Some((with, Some(run))) if subject.runs_of(with).is_empty() => (problem, Some(run)),
        Some((with, _)) => subject.parts(with),
    };
    let other_run = other_run.or(wanted.with_run.as_deref());
    let same = other == problem;
    let not_in = other_run.filter(|_| same);
    let not_in = not_in.map(|run| subject.run_id(run)).transpose()?;
    let first = Wanted {
        problem,
        run: run.or(wanted.run.as_deref()),
        not_in: not_in.as_deref(),
        first_of_two: same && other_run.is_none(),
    };
    let first = subject.locate(&first, "--problem")?;
    let second = Wanted {
        problem: other,
        run: other_run,
        not_in: same.then_some(first.run.as_str()),
        first_of_two: false,
    };
    let second = subject.locate(&second, "--with")?;
    let sides = [Side::read(subject, first)?, Side::read(subject, second)?];
    let steps = sides
        .each_ref()
        .map(|side| steps_of(&side.tree, &side.path));
    let alignment = Alignment::of(&steps[0], &steps[1]);
    let rows: Vec<Told<'_>> = alignment
        .rows
        .iter()
        .map(|row| Told::of(*row, &sides))
        .collect();
    let first = alignment.first_divergence();
    let counts = alignment.counts();
    let warnings = sides.iter().flat_map(|side| side.warnings.clone());
    let warnings = warnings.collect();
    Ok(Shown {
        text: text(&sides, &rows, first, wanted.content),
        json: json!({
            "screen": "compare",
            "of": "trajectories",
            "sides": sides.each_ref().map(Side::json),
            "first_divergence": first.map(|at| rows[at].json(false)),
            "counts": {
                "same": counts.same,
                "respelled": counts.respelled,
                "changed": counts.changed,
                "unlike": counts.unlike,
                "only_left": counts.only_left,
                "only_right": counts.only_right,
                "other_writer": counts.other_writer,
            },
            "rows": rows.iter().map(|row| row.json(wanted.content)).collect::<Vec<_>>(),
        }),
        warnings,
    })
}

/// A row with its steps and what differs in them.
struct Told<'s> {
    row: Row,
    steps: [Option<&'s StepRecord>; 2],
    /// Of texts that are alike and not the same.
    difference: Option<Difference>,
}

impl<'s> Told<'s> {
    fn of(row: Row, sides: &'s [Side; 2]) -> Self {
        let steps = [sides[0].step(row.left), sides[1].step(row.right)];
        let compared = matches!(row.alike, Alike::Respelled | Alike::Changed);
        let difference = match steps {
            [Some(first), Some(second)] if compared => {
                Some(Difference::of(&first.text, &second.text))
            }
            _ => None,
        };
        Self {
            row,
            steps,
            difference,
        }
    }

    fn json(&self, content: bool) -> serde_json::Value {
        let side = |side: usize| {
            self.steps[side].map(|step| {
                json!({
                    "step": step.index,
                    "id": step.id,
                    "model": step.model,
                    "confidence": step.confidence.value,
                    "text": content.then_some(&step.text),
                })
            })
        };
        let words = self.difference.as_ref().map(|difference| {
            let [same, respelled, removed, added] = difference.counts();
            json!({
                "same": same,
                "respelled": respelled,
                "removed": removed,
                "added": added,
                "by_line": difference.by_line,
            })
        });
        json!({
            "left": side(0),
            "right": side(1),
            "alike": self.row.alike.name(),
            "same_writer": self.row.same_writer,
            "words": words,
            "parts": content.then(|| self.parts()),
        })
    }

    /// Stretches of the texts that are alike, written differently, or changed.
    fn parts(&self) -> Option<Vec<serde_json::Value>> {
        let (difference, [left, right]) = (self.difference.as_ref()?, self.texts()?);
        let part = |op: &Op| {
            json!({
                "alike": match op.sameness {
                    Sameness::Same => "same",
                    Sameness::Respelled => "respelled",
                    Sameness::Changed => "changed",
                },
                "left": left.get(op.left.clone()),
                "right": right.get(op.right.clone()),
            })
        };
        Some(difference.ops.iter().map(part).collect())
    }

    fn texts(&self) -> Option<[&'s str; 2]> {
        let [left, right] = self.steps;
        Some([&left?.text, &right?.text])
    }

    fn cells(&self) -> Vec<Cell> {
        let step = |side: usize| {
            let step = self.steps[side];
            let index = step.map_or_else(String::new, |step| step.index.to_string());
            [
                Cell::Right(index),
                Cell::Left(step.map_or_else(String::new, |step| step.model.clone())),
            ]
        };
        let words = self.difference.as_ref().map_or_else(String::new, |found| {
            let [same, respelled, removed, added] = found.counts();
            let unit = if found.by_line { "lines" } else { "words" };
            let respelled = match respelled {
                0 => String::new(),
                count => format!(", {count} written differently"),
            };
            format!("{same} {unit} the same{respelled}, -{removed} +{added}")
        });
        let alike = match (self.row.alike, self.row.same_writer) {
            (alike, true) => alike.name().to_owned(),
            (alike, false) => format!("{}, other model", alike.name()),
        };
        let [left, writer] = step(0);
        let [right, other] = step(1);
        vec![
            left,
            writer,
            right,
            other,
            Cell::Left(alike),
            Cell::Left(words),
        ]
    }

    /// The texts of the row as one, with marks around what differs.
    fn content(&self) -> String {
        let [left, right] = self.steps.map(|step| step.map(|step| step.text.as_str()));
        if let (Some(difference), Some(left), Some(right)) = (&self.difference, left, right) {
            let part = |op: &Op| {
                let ours = left.get(op.left.clone()).unwrap_or_default();
                let theirs = right.get(op.right.clone()).unwrap_or_default();
                match op.sameness {
                    Sameness::Same => theirs.to_owned(),
                    Sameness::Respelled => format!("[={ours}={theirs}=]"),
                    Sameness::Changed => {
                        let removed = (!ours.is_empty()).then(|| format!("[-{ours}-]"));
                        let added = (!theirs.is_empty()).then(|| format!("{{+{theirs}+}}"));
                        [removed, added].into_iter().flatten().collect()
                    }
                }
            };
            return difference
                .ops
                .iter()
                .map(part)
                .collect::<Vec<_>>()
                .join(" ");
        }
        if self.row.alike == Alike::Same {
            return left.unwrap_or_default().to_owned();
        }
        let left = left.map(|text| format!("[-{text}-]"));
        let right = right.map(|text| format!("{{+{text}+}}"));
        let both: Vec<String> = [left, right].into_iter().flatten().collect();
        both.join("\n")
    }
}

fn text(sides: &[Side; 2], rows: &[Told<'_>], first: Option<usize>, content: bool) -> String {
    let heading = |titles: &[&str]| -> Vec<Cell> {
        let titles = titles.iter().map(|title| Cell::Left((*title).to_owned()));
        titles.collect()
    };
    let titles = [
        "",
        "problem",
        "run",
        "router",
        "verdict",
        "steps",
        "cost",
        "full cost",
    ];
    let mut table = vec![heading(&titles)];
    for (name, side) in ["a", "b"].into_iter().zip(sides) {
        let mut cells = vec![Cell::Left(name.to_owned())];
        cells.extend(side.text());
        table.push(cells);
    }
    let mut text = grid(&table);
    text.push_str(&match first {
        None => "no difference\n".to_owned(),
        Some(at) => {
            let step = |side: usize| {
                let step = rows[at].steps[side];
                step.map_or_else(|| "none".to_owned(), |step| format!("step {}", step.index))
            };
            format!(
                "first difference: {} of a, {} of b ({}{})\n",
                step(0),
                step(1),
                rows[at].row.alike.name(),
                if rows[at].row.same_writer {
                    ""
                } else {
                    ", other model"
                },
            )
        }
    });
    let mut table = vec![heading(&["a", "model", "b", "model", "texts", "words"])];
    table.extend(rows.iter().map(Told::cells));
    text.push_str(&grid(&table));
    if content {
        for row in rows {
            let index = |side: usize| {
                let step = row.steps[side];
                step.map_or_else(|| "–".to_owned(), |step| step.index.to_string())
            };
            text.push_str(&format!(
                "\n{} | {}\n{}\n",
                index(0),
                index(1),
                row.content()
            ));
        }
    }
    text
}
