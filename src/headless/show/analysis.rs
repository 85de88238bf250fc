//! What a log says of its router as a whole.

use serde_json::json;

use crate::counts::counted;
use crate::eval::analysis::escalation::{Both, Share};
use crate::eval::analysis::{Analysis, Ask, Costs, Failure, Funnel, Histogram, Reliability};
use crate::expr::{Expr, Scope};
use crate::headless::{Exit, Failure as Stopped};

use super::grid::{Cell, grid};
use super::{Shown, Subject, amount, percent, wrong};

/// Looks at the trajectories that fulfil an expression, or at all of them.
///
/// # Errors
/// A wrong expression, or one that nothing fulfils; a run that is not there.
pub fn analysis(
    subject: &Subject<'_>,
    filter: Option<&str>,
    run: Option<&str>,
    ask: Ask,
) -> Result<(Shown, Analysis), Stopped> {
    let survey = subject.survey;
    let mut places: Vec<usize> = (0..survey.trajectories().len()).collect();
    if let Some(filter) = filter {
        let said = |error| wrong("filter", &error);
        let condition = Expr::condition(filter, Scope::Trajectory).map_err(said)?;
        let asked = survey.ask(&condition).map_err(said)?;
        places = asked.matching(subject.log, survey)?;
    }
    if run.is_some() {
        let run = subject.run(run)?;
        places.retain(|&place| survey.trajectories()[place].run == run);
    }
    if places.is_empty() {
        let message = "no trajectory is left to look at";
        return Err(Stopped::new(Exit::Failed, message));
    }
    let found = Analysis::of(survey, &places, ask);
    let mut text = format!(
        "{}; {} against {}\n\n",
        counted(found.trajectories, "trajectory"),
        ask.score.written(),
        found.target.name()
    );
    text.push_str(&grid(&reliability(&found)));
    text.push('\n');
    text.push_str(&grid(&mixtures(&found)));
    text.push('\n');
    text.push_str(&grid(&escalation(&found)));
    text.push('\n');
    text.push_str(&costs(&found.costs));
    text.push('\n');
    text.push_str(&grid(&funnel(&found)));
    Ok((
        Shown {
            text,
            json: document(&found),
            warnings: Vec::new(),
        },
        found,
    ))
}

fn titles(titles: &[&str]) -> Vec<Cell> {
    let left = titles.first().map(|title| Cell::Left((*title).to_owned()));
    let rest = titles.iter().skip(1);
    left.into_iter()
        .chain(rest.map(|title| Cell::Right((*title).to_owned())))
        .collect()
}

fn figure(value: Option<f64>) -> Cell {
    Cell::Right(value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}")))
}

fn reliability(found: &Analysis) -> Vec<Vec<Cell>> {
    let mut rows = vec![titles(&[
        found.ask.slice.name(),
        "steps",
        "trajectories",
        "problems",
        "right",
        "Brier",
        "ECE",
        "AUROC",
        "95 %",
    ])];
    for (name, of) in &found.reliability {
        let interval = of
            .auroc_interval
            .map_or_else(String::new, |[low, high]| format!("[{low:.3}, {high:.3}]"));
        rows.push(vec![
            Cell::Left(name.clone()),
            Cell::Right(of.steps.to_string()),
            Cell::Right(of.trajectories.to_string()),
            Cell::Right(of.problems.to_string()),
            Cell::Right(percent((of.steps > 0).then_some(of.right))),
            figure(of.brier),
            figure(of.ece),
            figure(of.auroc),
            Cell::Right(interval),
        ]);
    }
    rows
}

fn mixtures(found: &Analysis) -> Vec<Vec<Cell>> {
    let mut rows = vec![titles(&[
        "two normal distributions",
        "steps",
        "unconfident",
        "confident",
        "weight",
    ])];
    for (name, of) in &found.histograms {
        let steps: usize = of.counts.iter().sum();
        let mixture = of.fit.as_ref().and_then(|fit| fit.mixture.as_ref());
        let normal = |mean: f64, variance: f64| format!("{mean:.4} ± {:.4}", variance.sqrt());
        let cells = mixture.map(|mixture| {
            let (low, high) = (&mixture.unconfident, &mixture.confident);
            [
                normal(low.mean, low.variance),
                normal(high.mean, high.variance),
                format!("{:.3}", high.weight),
            ]
        });
        let mut row = vec![Cell::Left(name.clone()), Cell::Right(steps.to_string())];
        let cells = cells.unwrap_or_else(|| ["–", "–", "–"].map(str::to_owned));
        row.extend(cells.map(Cell::Right));
        rows.push(row);
    }
    rows
}

fn escalation(found: &Analysis) -> Vec<Vec<Cell>> {
    let mut rows = vec![titles(&["steps by the large model", "right", "wrong"])];
    let share = |share: Share| Cell::Right(percent(share.value()));
    let row =
        |name: String, both: &Both| vec![Cell::Left(name), share(both.correct), share(both.wrong)];
    let parts = found.escalation.by_position.len();
    for (at, both) in found.escalation.by_position.iter().enumerate() {
        let [from, to] = [at, at + 1].map(|at| 100 * at / parts.max(1));
        rows.push(row(format!("{from}–{to} % of the way"), both));
    }
    for (difficulty, both) in &found.escalation.by_difficulty {
        rows.push(row(format!("difficulty {difficulty}"), both));
    }
    rows
}

fn costs(costs: &Costs) -> String {
    let Some(unit) = &costs.unit else {
        return "the costs are not known, or are in different units\n".to_owned();
    };
    let mut rows = vec![titles(&[
        "cost of a trajectory",
        &unit.to_string(),
        "share",
    ])];
    let mut row = |name: String, cost: f64| {
        let share = (costs.full > 0.0).then(|| cost / costs.full);
        rows.push(vec![
            Cell::Left(name),
            Cell::Right(amount(Some(cost))),
            Cell::Right(percent(share)),
        ]);
    };
    for (name, cost) in &costs.output {
        row(format!("written by {name}"), *cost);
    }
    for (name, cost) in [
        ("prompts read", costs.prefill),
        ("prompts read after a switch", costs.switches),
        ("prompts from the cache", costs.cached),
        ("rejected drafts", costs.drafts),
        ("scorers and retries", costs.other),
        ("full", costs.full),
        ("published", costs.published),
    ] {
        row(name.to_owned(), cost);
    }
    let mut text = grid(&rows);
    if costs.upper_bound {
        text.push_str("prompts are upper bounds: some servers do not say what they cached\n");
    }
    text
}

fn funnel(found: &Analysis) -> Vec<Vec<Cell>> {
    let names = Failure::ALL.map(Failure::name);
    let heads: Vec<&str> = ["failures", "n", "right"]
        .into_iter()
        .chain(names)
        .collect();
    let mut rows = vec![titles(&heads)];
    let parts = found.by_domain.rows.iter().chain(&found.by_difficulty.rows);
    for row in parts {
        let mut cells = vec![Cell::Left(row.name.clone())];
        let counts = [row.trajectories, row.correct];
        cells.extend(
            counts
                .iter()
                .chain(&row.failures)
                .map(|count| Cell::Right(count.to_string())),
        );
        rows.push(cells);
    }
    rows
}

fn document(found: &Analysis) -> serde_json::Value {
    json!({
        "screen": "analysis",
        "trajectories": found.trajectories,
        "score": found.ask.score.written(),
        "right_by": found.target.name(),
        "by": found.ask.slice.name(),
        "reliability": found.reliability.iter().map(reliability_json).collect::<Vec<_>>(),
        "distribution": found.histograms.iter().map(histogram_json).collect::<Vec<_>>(),
        "escalation": {
            "by_position": found.escalation.by_position.iter().map(both_json).collect::<Vec<_>>(),
            "by_difficulty": found.escalation.by_difficulty.iter().map(|(difficulty, both)| {
                json!({ "difficulty": difficulty, "large": both_json(both) })
            }).collect::<Vec<_>>(),
        },
        "costs": costs_json(&found.costs),
        "failures": {
            "by_domain": funnel_json(&found.by_domain),
            "by_difficulty": funnel_json(&found.by_difficulty),
        },
    })
}

fn reliability_json((name, of): &(String, Reliability)) -> serde_json::Value {
    json!({
        "of": name,
        "steps": of.steps,
        "trajectories": of.trajectories,
        "problems": of.problems,
        "right": (of.steps > 0).then_some(of.right),
        "brier": of.brier,
        "ece": of.ece,
        "auroc": of.auroc,
        "auroc_interval": of.auroc_interval,
        "bins": of.bins.iter().map(|bin| json!({
            "steps": bin.steps,
            "score": bin.score,
            "right": bin.right,
            "interval": bin.interval,
        })).collect::<Vec<_>>(),
    })
}

fn histogram_json((name, of): &(String, Histogram)) -> serde_json::Value {
    let mixture = of.fit.as_ref().and_then(|fit| fit.mixture);
    json!({
        "of": name,
        "low": of.low,
        "high": of.high,
        "counts": of.counts,
        "mixture": mixture,
        "doubt": of.fit.as_ref().and_then(|fit| fit.degenerate).map(|why| why.to_string()),
    })
}

fn both_json(both: &Both) -> serde_json::Value {
    let share = |share: Share| json!({ "large": share.large, "steps": share.steps });
    json!({ "correct": share(both.correct), "wrong": share(both.wrong) })
}

fn costs_json(costs: &Costs) -> serde_json::Value {
    json!({
        "unit": costs.unit.as_ref().map(ToString::to_string),
        "trajectories": costs.trajectories,
        "output": costs.output.iter().map(|(model, cost)| {
            json!({ "model": model, "cost": cost })
        }).collect::<Vec<_>>(),
        "prefill": costs.prefill,
        "after_a_switch": costs.switches,
        "cached": costs.cached,
        "rejected_drafts": costs.drafts,
        "other": costs.other,
        "full": costs.full,
        "published": costs.published,
        "upper_bound": costs.upper_bound,
    })
}

fn funnel_json(funnel: &Funnel) -> serde_json::Value {
    let rows = funnel.rows.iter().map(|row| {
        let failures = Failure::ALL.iter().zip(row.failures);
        let failures: serde_json::Map<String, serde_json::Value> = failures
            .map(|(failure, count)| (failure.name().to_owned(), count.into()))
            .collect();
        json!({
            "of": row.name,
            "trajectories": row.trajectories,
            "correct": row.correct,
            "failures": failures,
        })
    });
    rows.collect()
}
