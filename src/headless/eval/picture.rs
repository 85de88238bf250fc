//! The frontier as places and lines, before anybody draws it.

use crate::eval::choice::point;
use crate::eval::rows::{LARGE, SMALL};
use crate::eval::table::MIX;

use super::Evaluation;
use super::forest::ORACLE;

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Small,
    Large,
    Oracle,
    Router,
}

/// A row at its relative cost and accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub name: String,
    pub place: (f64, f64),
    pub kind: Kind,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Mixing the models alone, problem by problem.
    Chance,
    /// Drawing a model at every step, on a forest.
    Forest,
    /// The hull of a router's settings.
    Hull,
    /// The settings of a sweep on the calibration split.
    Calibration,
}

/// Places that belong together, cheapest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    pub kind: LineKind,
}

/// Everything on the frontier.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub title: String,
    pub cost: String,
    pub lines: Vec<Line>,
    pub marks: Vec<Mark>,
}

/// The picture of an evaluation; `None` where no row has a relative cost.
pub fn of(evaluation: &Evaluation) -> Option<Picture> {
    let table = &evaluation.table;
    let mut marks: Vec<Mark> = table
        .rows
        .iter()
        .filter_map(|row| {
            let point = point(&row.name, &row.figures)?;
            Some(Mark {
                name: point.name,
                place: (point.cost, point.accuracy),
                kind: match row.router.as_str() {
                    SMALL => Kind::Small,
                    LARGE => Kind::Large,
                    _ => Kind::Router,
                },
            })
        })
        .collect();
    if marks.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    for family in &table.families {
        let chance = family.name.starts_with(MIX);
        // One setting and the models alone: the hull says nothing new.
        if !chance && family.points.len() < 2 {
            continue;
        }
        lines.push(Line {
            name: match chance {
                true => family.name.clone(),
                false => format!("{}, hull of its settings", family.name),
            },
            points: family.hull.clone(),
            kind: if chance {
                LineKind::Chance
            } else {
                LineKind::Hull
            },
        });
    }
    for choice in &evaluation.choices {
        let Some(family) = &choice.family else {
            continue;
        };
        let places = family
            .points
            .iter()
            .map(|point| (point.cost, point.accuracy));
        lines.push(Line {
            name: format!("{}, calibration split", choice.sweep),
            points: places.collect(),
            kind: LineKind::Calibration,
        });
    }
    if let Some(forest) = &evaluation.forest {
        let place = |row: &crate::train::report::Row| {
            Some((row.relative_cost?.value, row.figures.accuracy))
        };
        lines.push(Line {
            name: "random, on the forest".to_owned(),
            points: forest.random.iter().filter_map(place).collect(),
            kind: LineKind::Forest,
        });
        let oracle = forest.rows.iter().find(|row| row.name == ORACLE);
        marks.extend(oracle.and_then(|row| {
            Some(Mark {
                name: "oracle, on the forest".to_owned(),
                place: place(row)?,
                kind: Kind::Oracle,
            })
        }));
    }
    let of = match table.over.splits() {
        None => "accuracy and cost".to_owned(),
        Some(_) => format!("accuracy and cost on the {} split", table.over.name()),
    };
    let problems = table.rows.first().map_or(0, |row| row.figures.problems);
    Some(Picture {
        title: format!("{of} ({problems} problems)"),
        cost: format!(
            "{} cost, relative to the large model alone",
            table.ledger.name()
        ),
        lines,
        marks,
    })
}
