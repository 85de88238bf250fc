//! A run under other values of its router's parameter.

use serde_json::json;

use crate::counts::counted;
use crate::eval::what_if::{Band, Outlook, Rule, WhatIf};
use crate::headless::{Exit, Failure};
use crate::train::params::CostLedger;

use super::grid::{Cell, grid};
use super::{Build, Shown, Subject, amount, percent};

/// Values that are shown where none is asked for.
const POINTS: usize = 21;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Which run, by the beginning of its id.
    pub run: Option<String>,
    /// Another router in place of the run's own.
    pub rule: Option<String>,
    /// Values of the parameter.
    pub values: Vec<f64>,
    /// The value at which a problem costs at most this much.
    pub cost: Option<f64>,
    /// The ledger that costs are in.
    pub ledger: CostLedger,
    /// Most trajectories listed of those that are not known.
    pub limit: Option<usize>,
}

/// Decides a run again; `build` makes routers.
///
/// # Errors
/// A run that is not there, a router that cannot be made or has no parameter
/// to slide.
pub fn what_if(subject: &Subject<'_>, asked: &Asked, build: Build<'_>) -> Result<Shown, Failure> {
    let run = match asked.run.as_deref() {
        // Whichever shard is named, all of them are decided again.
        None if subject.survey.is_one_run() => 0,
        run => subject.run(run)?,
    };
    let head = subject.head(run).ok_or_else(|| {
        Failure::new(
            Exit::BadData,
            "the head of the run is lost: its router is not known",
        )
    })?;
    let spec = asked.rule.as_deref().unwrap_or(&head.router.spec);
    let built = build(spec, head);
    let own = asked.rule.is_none();
    let (rule, by) = Rule::for_run(head, own, &built).map_err(Failure::usage)?;
    let by = by.describe();
    let made = WhatIf::new(subject.survey, run, &rule, asked.ledger);
    let what_if = made.map_err(|refusal| Failure::usage(refusal.to_string()))?;
    let slider = what_if.slider();
    let (low, high) = what_if.range();
    let outside = |value: &&f64| !(low..=high).contains(*value);
    if let Some(value) = asked.values.iter().find(outside) {
        let message = format!(
            "--value {value}: {} goes from {low} to {high}",
            slider.symbol
        );
        return Err(Failure::usage(message));
    }
    let sought = match asked.cost {
        None => None,
        Some(cost) => Some(for_cost(&what_if, cost)?),
    };
    let mut values = asked.values.clone();
    values.extend(sought);
    if values.is_empty() {
        values = what_if
            .frontier(POINTS)
            .iter()
            .map(|(value, _)| *value)
            .collect();
        values.push(slider.value);
        values.sort_by(f64::total_cmp);
        values.dedup();
    }
    let logged = own.then_some(slider.value);
    let titles = [
        slider.symbol,
        "unchanged",
        "branched",
        "unknown",
        "coverage",
        "accuracy",
        "estimated",
        "cost",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let mut found = Vec::new();
    for &value in &values {
        let outlook = what_if.at(value);
        rows.push(row(value, &outlook, logged));
        found.push(outlook_json(value, &outlook));
    }
    let one = values.as_slice();
    let changed = match one {
        [value] => changed(subject, &what_if, *value, asked.limit.unwrap_or(usize::MAX)),
        _ => Vec::new(),
    };
    let unit = subject.survey.unit_of(run);
    let mut text = grid(&rows);
    let costs = match asked.ledger {
        CostLedger::Published => "published cost",
        CostLedger::Full => "full cost of steps and rejected drafts",
    };
    text.push_str(&format!(
        "{} of `{}`, {}; {} {} = {}; {costs}{}; decided by {}\n",
        counted(what_if.trajectories(), "trajectory"),
        head.router.spec,
        counted(what_if.decisions(), "decision"),
        if own { "logged" } else { "asked" },
        slider.symbol,
        slider.value,
        unit.as_ref()
            .map_or_else(String::new, |unit| format!(" in {unit}")),
        if own { by } else { spec },
    ));
    if what_if.repeated() > 0 {
        text.push_str(&format!(
            "{} left out: the run was done again, and the last of each counts\n",
            counted(what_if.repeated(), "trajectory")
        ));
    }
    if what_if.torn() > 0 {
        text.push_str(&format!(
            "{} left out: the log lacks steps of them\n",
            counted(what_if.torn(), "trajectory")
        ));
    }
    for one in &changed {
        text.push_str(&format!(
            "{} step {}: {}\n",
            one["problem"].as_str().unwrap_or_default(),
            one["step"],
            one["band"].as_str().unwrap_or_default()
        ));
    }
    Ok(Shown {
        text,
        json: json!({
            "screen": "what-if",
            "run": subject.survey.name(subject.survey.runs()[run as usize].id),
            "router": spec,
            "parameter": slider.key,
            "logged": logged,
            "rule_value": slider.value,
            "as_logged": outlook_json(slider.value, &what_if.as_logged()),
            "decided_by": by,
            "ledger": asked.ledger.name(),
            "trajectories": what_if.trajectories(),
            "repeated": what_if.repeated(),
            "torn": what_if.torn(),
            "decisions": what_if.decisions(),
            "unit": unit.map(|unit| unit.to_string()),
            "for_cost": sought,
            "values": found,
            "changed": changed,
        }),
        warnings: Vec::new(),
    })
}

/// The value at which a problem costs so much.
fn for_cost(what_if: &WhatIf, cost: f64) -> Result<f64, Failure> {
    let unknown = || Failure::new(Exit::Failed, "the costs of this run are not known");
    let value = what_if.for_cost(cost).ok_or_else(unknown)?;
    match what_if.at(value).estimate.cost {
        Some(least) if least > cost => Err(Failure::new(
            Exit::Failed,
            format!(
                "no value with an estimate is as cheap as {cost}: the cheapest costs {least:.4e}"
            ),
        )),
        _ => Ok(value),
    }
}

fn row(value: f64, outlook: &Outlook, logged: Option<f64>) -> Vec<Cell> {
    let bounds = outlook
        .bounds()
        .map_or_else(String::new, |[low, high]| match high - low < 1e-9 {
            true => percent(Some(low)),
            false => format!("{:.1} … {:.1} %", 100.0 * low, 100.0 * high),
        });
    let estimate = outlook.estimate;
    let mut estimated = match estimate.accuracy {
        None => format!("– ({} unlike)", estimate.unlike.ceil()),
        accuracy => percent(accuracy),
    };
    if let Some([low, high]) = estimate.interval {
        estimated.push_str(&format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
    }
    if estimate.accuracy.is_some() && outlook.is_mostly_guessed() {
        estimated.push_str(" mostly guessed");
    }
    let mark = if Some(value) == logged { " logged" } else { "" };
    vec![
        Cell::Left(format!("{value:.4}{mark}")),
        Cell::Right(outlook.unchanged.to_string()),
        Cell::Right(outlook.branched.to_string()),
        Cell::Right(outlook.unknown.to_string()),
        Cell::Right(percent(Some(outlook.coverage()))),
        Cell::Right(bounds),
        Cell::Left(estimated),
        Cell::Right(amount(estimate.cost)),
    ]
}

fn outlook_json(value: f64, outlook: &Outlook) -> serde_json::Value {
    json!({
        "value": value,
        "unchanged": outlook.unchanged,
        "branched": outlook.branched,
        "unknown": outlook.unknown,
        "coverage": outlook.coverage(),
        "accuracy_bounds": outlook.bounds(),
        "known_cost": outlook.known_cost,
        "unpriced": outlook.unpriced,
        "estimate": {
            "accuracy": outlook.estimate.accuracy,
            "unlike": outlook.estimate.unlike,
            "interval": outlook.estimate.interval,
            "mostly_guessed": outlook.is_mostly_guessed(),
            "cost": outlook.estimate.cost,
        },
    })
}

/// The trajectories on whose way something changes.
fn changed(
    subject: &Subject<'_>,
    what_if: &WhatIf,
    value: f64,
    limit: usize,
) -> Vec<serde_json::Value> {
    let bands = [Band::Branched, Band::Unknown];
    let found = bands.into_iter().flat_map(|band| {
        let changed = what_if.changed(value, band, limit);
        changed.into_iter().map(move |one| (band, one))
    });
    let name = |place: usize| {
        let trajectory = &subject.survey.trajectories()[place];
        subject.survey.name(trajectory.problem)
    };
    found
        .take(limit)
        .map(|(band, one)| {
            json!({
                "problem": name(one.place),
                "band": band.name(),
                "step": one.step,
                "model": one.model,
                "verdict": one.verdict,
                "known": one.known,
                "correct": one.correct,
            })
        })
        .collect()
}
