//! Who labelled how much, and who agrees with whom.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::eval::agreement::Agreement;
use crate::headless::show::grid::{Cell, grid};
use crate::trace::label::{Label, Rating};

use super::{Labelled, Pair, Rater, pairs, time};

/// What a person's labels come to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Counts {
    pub who: String,
    /// Trajectories in which a label of theirs stands.
    pub trajectories: usize,
    pub good: usize,
    pub neutral: usize,
    pub bad: usize,
    pub first_error: usize,
    pub flagged: usize,
    /// Steps passed over.
    pub skipped: usize,
    /// Labels that were taken back.
    pub retracted: usize,
    /// When the first and the last label were given.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Between labels, breaks of more than five minutes left out.
    pub seconds: f64,
}

/// Everything about the labels of a log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Trajectories with labels.
    pub trajectories: usize,
    pub people: Vec<Counts>,
    pub agreement: Vec<Pair>,
}

impl Report {
    /// The report, with `more` raters beside people and scorers; with `who` of
    /// that person alone.
    pub fn of(labelled: &Labelled, who: Option<&str>, more: Vec<Box<dyn Rater>>) -> Self {
        let people = labelled.people().into_iter();
        let people = people.filter(|name| who.is_none_or(|who| who == *name));
        Self {
            trajectories: labelled.trees.len(),
            people: people.map(|name| counts(labelled, name)).collect(),
            agreement: pairs(labelled, who, more),
        }
    }

    /// As text for a terminal, sanitised.
    pub fn to_text(&self) -> String {
        let mut text = people(&self.people);
        if self.agreement.is_empty() {
            text.push_str(
                "\nNo step was rated by two people, or by a person and a scorer or the value \
                 profile.\n",
            );
            return text;
        }
        text.push_str("\nSteps: right or wrong (κ with 95 % interval, trajectories as clusters)\n");
        text.push_str(&agreement(&self.agreement, |pair| &pair.steps));
        text.push_str("\nTrajectories: where the first error is, or that there is none\n");
        text.push_str(&agreement(&self.agreement, |pair| &pair.first_error));
        text
    }
}

fn counts(labelled: &Labelled, who: &str) -> Counts {
    let mut counts = Counts {
        who: who.to_owned(),
        ..Counts::default()
    };
    let own = || labelled.labels().filter(|(_, label)| label.who == who);
    let times: BTreeSet<&str> = own().map(|(_, label)| label.when.as_str()).collect();
    counts.from = times.first().map(|&first| first.to_owned());
    counts.to = times.last().map(|&last| last.to_owned());
    counts.seconds = time::worked(own().map(|(_, label)| label.when.as_str()));
    counts.retracted = own()
        .filter(|(label, _)| *label == Label::Retracted)
        .count();
    for tree in &labelled.trees {
        let opinions = tree.nodes().map(|(_, node)| node.ballot().of(&who));
        let mut any = false;
        for opinion in opinions.filter(|opinion| !opinion.is_empty()) {
            any = true;
            counts.flagged += usize::from(opinion.flagged);
            match opinion.rating {
                Some(Rating::Good) => counts.good += 1,
                Some(Rating::Neutral) => counts.neutral += 1,
                Some(Rating::Bad) => counts.bad += 1,
                Some(Rating::FirstError) => counts.first_error += 1,
                None => counts.skipped += usize::from(opinion.skipped),
            }
        }
        counts.trajectories += usize::from(any);
    }
    counts
}

fn people(people: &[Counts]) -> String {
    let titles = [
        "person",
        "trajectories",
        "good",
        "neutral",
        "bad",
        "first error",
        "flagged",
        "skipped",
        "taken back",
        "minutes",
    ];
    let mut rows: Vec<Vec<Cell>> = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    for one in people {
        let numbers = [
            one.trajectories,
            one.good,
            one.neutral,
            one.bad,
            one.first_error,
            one.flagged,
            one.skipped,
            one.retracted,
        ];
        let mut row = vec![Cell::Left(one.who.clone())];
        row.extend(numbers.map(|number| Cell::Right(number.to_string())));
        row.push(Cell::Right(format!("{:.1}", one.seconds.max(0.0) / 60.0)));
        rows.push(row);
    }
    grid(&rows)
}

fn agreement<'p>(pairs: &'p [Pair], of: impl Fn(&'p Pair) -> &'p Agreement) -> String {
    let titles = ["first", "second", "n", "agree", "κ", "from", "to"];
    let mut rows: Vec<Vec<Cell>> = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |x| format!("{x:.3}"));
    for pair in pairs {
        let found = of(pair);
        let share = found
            .observed
            .map(|share| format!("{:.1} %", 100.0 * share));
        rows.push(vec![
            Cell::Left(pair.first.clone()),
            Cell::Left(pair.second.clone()),
            Cell::Right(found.items.to_string()),
            Cell::Right(share.unwrap_or_else(|| "–".to_owned())),
            Cell::Right(number(found.kappa)),
            Cell::Right(number(found.interval.map(|(low, _)| low))),
            Cell::Right(number(found.interval.map(|(_, high)| high))),
        ]);
    }
    grid(&rows)
}
