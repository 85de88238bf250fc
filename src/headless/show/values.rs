//! What the decisions of one trajectory were worth.

use serde_json::json;

use crate::eval::regret::{Choice, Grove, Line, Rescue, Standing, Worth};
use crate::headless::{Exit, Failure};
use crate::problem::answer::Verdict;

use super::grid::{Cell, grid};
use super::{Build, Shown, Subject, amount, percent, run_of};

/// What there is to say of a whole trajectory, each a sentence or nothing.
pub struct Remarks {
    /// What every model alone comes to.
    pub alone: String,
    /// Where it was lost.
    pub lost: String,
    /// What overrides would have changed.
    pub overrides: String,
}

/// The remarks on a path; `name` names the models, `cost` writes amounts.
pub fn remarks(
    grove: &Grove,
    line: &Line,
    profile: &[Option<Standing>],
    name: &dyn Fn(usize) -> String,
    cost: &dyn Fn(Option<f64>) -> String,
) -> Remarks {
    let alone = (0..grove.models()).filter_map(|model| {
        let (right, draws) = grove.alone(model)?;
        Some(format!("{} {:.0} % of {draws}", name(model), 100.0 * right))
    });
    let alone: Vec<String> = alone.collect();
    let told = |way: &Rescue| {
        let count = way.overrides;
        let overrides = match (count - 1.0).abs() < 1e-9 {
            true => "one override".to_owned(),
            false if count.fract() == 0.0 => format!("{count:.0} overrides"),
            false => format!("{count:.1} overrides"),
        };
        let first = if count > 1.0 { ", first" } else { "" };
        format!(
            "{overrides}{first} at step {} ({}): {:.0} % of {} right",
            way.step,
            name(way.model),
            100.0 * way.right,
            way.draws,
        )
    };
    let spent = line.spent.last().copied().filter(|cost| !cost.is_nan());
    let costs = |way: &Rescue| format!(", {} instead of {}", cost(way.cost), cost(spent));
    let overrides = match line.verdict {
        Some(Verdict::Wrong) => match grove.smallest_rescue(line) {
            Some(way) => {
                let singles = grove.single_rescues(line);
                let last = singles.last().filter(|last| last.step > way.step);
                let last = last.map_or_else(String::new, |last| {
                    format!("; the last chance is step {}", last.step)
                });
                format!("saved by {}{}{last}", told(&way), costs(&way))
            }
            None => "no override that the log knows of saves it".to_owned(),
        },
        Some(Verdict::Correct) => match grove.savings(line) {
            Some(way) => format!("cheaper by {}{}", told(&way), costs(&way)),
            None => {
                "no cheaper way that the log knows of is right at least half of the time".to_owned()
            }
        },
        Some(Verdict::Ungraded) | None => String::new(),
    };
    let mut lost = Vec::new();
    if line.verdict == Some(Verdict::Wrong)
        && let Some(step) = Grove::lost_from(profile)
    {
        lost.push(format!("lost with this router from step {step} on"));
    }
    if let Some(critical) = Grove::critical(profile) {
        lost.push(format!(
            "step {} cost most: {:.0} points",
            critical.step,
            100.0 * critical.drop
        ));
    }
    Remarks {
        alone: match alone.is_empty() {
            true => String::new(),
            false => format!("alone: {}", alone.join(" · ")),
        },
        lost: lost.join("; "),
        overrides,
    }
}

/// The values of a problem, decision by decision.
///
/// # Errors
/// A problem that is in no run, or in several of which none is named.
pub fn values(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
    worth: Worth,
    build: Build<'_>,
) -> Result<Shown, Failure> {
    let run = run_of(subject, problem, run)?;
    let survey = subject.survey;
    let place = survey.find(&run, problem).ok_or_else(|| {
        Failure::new(
            Exit::BadData,
            format!("problem `{problem}` cannot be read from the log"),
        )
    })?;
    let view = survey.view(place);
    let made = view.head().map(|head| build(&head.router.spec, head));
    let grove = Grove::of(survey, place, made.as_ref());
    let Some((grove, line)) = grove.and_then(|grove| {
        let line = grove.line(&view)?;
        Some((grove, line))
    }) else {
        return Err(Failure::new(
            Exit::BadData,
            format!(
                "problem `{problem}` has no steps, or those before them or the head of its run \
                 are lost"
            ),
        ));
    };
    let head = view.head();
    let name = |model: usize| {
        let known = head.and_then(|head| head.pool.get(model));
        known.map_or_else(|| model.to_string(), |model| model.name.clone())
    };
    let profile = grove.profile(&line);
    let unit = survey.unit_of(survey.trajectories()[place].run);
    let cost = |cost: Option<f64>| match &unit {
        Some(unit) => format!("{} {unit}", amount(cost)),
        None => amount(cost),
    };
    let remarks = remarks(&grove, &line, &profile, &name, &cost);
    let mut titles = vec![
        Cell::Right("step".to_owned()),
        Cell::Left("by".to_owned()),
        Cell::Right("right after it".to_owned()),
    ];
    titles.extend((0..grove.models()).map(|model| Cell::Right(name(model))));
    titles.push(Cell::Left("taken".to_owned()));
    titles.push(Cell::Left("regret".to_owned()));
    titles.push(Cell::Left("flips at".to_owned()));
    let mut rows = vec![titles];
    let mut found = Vec::new();
    for (after, standing) in profile.iter().enumerate() {
        let choice = grove.choice(&line, after);
        let writer = after.checked_sub(1).and_then(|at| line.writers[at]);
        rows.push(row(after, writer, standing.as_ref(), &choice, worth, &name));
        found.push(choice_json(
            after,
            writer,
            standing.as_ref(),
            &choice,
            worth,
            &name,
        ));
    }
    let mut text = grid(&rows);
    for remark in [&remarks.overrides, &remarks.lost, &remarks.alone] {
        if !remark.is_empty() {
            text.push_str(&format!("{remark}\n"));
        }
    }
    if !grove.has_alternatives() {
        text.push_str("the log holds what one model wrote here and nothing beside it\n");
    }
    let way = |way: Option<Rescue>| way.map(|way| way_json(&way, &name));
    Ok(Shown {
        text,
        json: json!({
            "screen": "values",
            "run": run,
            "problem": problem,
            "verdict": line.verdict,
            "worth": worth,
            "unit": unit.map(|unit| unit.to_string()),
            "steps": found,
            "alone": (0..grove.models()).map(|model| {
                let alone = grove.alone(model);
                json!({
                    "model": name(model),
                    "right": alone.map(|(right, _)| right),
                    "answers": alone.map_or(0, |(_, answers)| answers),
                })
            }).collect::<Vec<_>>(),
            "critical_step": Grove::critical(&profile).map(|critical| json!({
                "step": critical.step, "drop": critical.drop,
            })),
            "lost_from": Grove::lost_from(&profile),
            "rescue": way(grove.smallest_rescue(&line)
                .filter(|_| line.verdict == Some(Verdict::Wrong))),
            "single_rescues": match line.verdict {
                Some(Verdict::Wrong) => grove.single_rescues(&line),
                _ => Vec::new(),
            }.iter().map(|way| way_json(way, &name)).collect::<Vec<_>>(),
            "savings": way(grove.savings(&line)
                .filter(|_| line.verdict == Some(Verdict::Correct))),
        }),
        warnings: Vec::new(),
    })
}

fn way_json(way: &Rescue, name: &dyn Fn(usize) -> String) -> serde_json::Value {
    json!({
        "overrides": way.overrides,
        "step": way.step,
        "model": name(way.model),
        "right": way.right,
        "draws": way.draws,
        "cost": way.cost,
    })
}

fn choice_json(
    after: usize,
    writer: Option<usize>,
    standing: Option<&Standing>,
    choice: &Choice,
    worth: Worth,
    name: &dyn Fn(usize) -> String,
) -> serde_json::Value {
    let actions = choice.actions.iter().enumerate();
    let regret = choice.regret(worth);
    json!({
        "step": after,
        "model": writer.map(name),
        "right": standing.map(|known| known.right),
        "interval": standing.map(|known| known.interval),
        "draws": standing.map(|known| known.draws),
        "actions": actions.filter_map(|(model, action)| {
            let action = action.as_ref()?;
            Some(json!({
                "model": name(model),
                "right": action.right,
                "interval": action.interval,
                "draws": action.draws,
                "cost": action.cost,
                "by_others": action.by_others,
            }))
        }).collect::<Vec<_>>(),
        "taken": choice.taken.map(name),
        "regret": regret.as_ref().map(|regret| json!({
            "value": regret.value(),
            "gain": regret.gain,
            "interval": regret.interval,
            "rival": name(regret.rival),
            "noise": regret.noise,
            "is_noise": regret.is_noise(),
            "flips_at": regret.flips_at,
        })),
    })
}

fn row(
    after: usize,
    writer: Option<usize>,
    standing: Option<&Standing>,
    choice: &Choice,
    worth: Worth,
    name: &dyn Fn(usize) -> String,
) -> Vec<Cell> {
    let right = standing.map_or_else(
        || "–".to_owned(),
        |known| match known.draws {
            0 => percent(Some(known.right)),
            draws => format!("{} of {draws}", percent(Some(known.right))),
        },
    );
    let mut cells = vec![
        Cell::Right(after.to_string()),
        Cell::Left(writer.map_or_else(String::new, name)),
        Cell::Right(right),
    ];
    cells.extend(choice.actions.iter().map(|action| {
        let action = action.as_ref();
        Cell::Right(action.map_or_else(
            || "–".to_owned(),
            |action| {
                let mark = if action.by_others { "≈" } else { "" };
                format!("{mark}{} of {}", percent(Some(action.right)), action.draws)
            },
        ))
    }));
    let regret = choice.regret(worth);
    let told = regret.as_ref().map_or_else(String::new, |regret| {
        let [low, high] = regret.interval.map(|end| 100.0 * end);
        let none = if regret.gain > 0.0 { "" } else { "none: " };
        let noise = if regret.is_noise() { " (noise)" } else { "" };
        format!(
            "{none}{:.1} points [{low:.1}, {high:.1}]{noise}",
            100.0 * regret.gain
        )
    });
    cells.push(Cell::Left(choice.taken.map_or_else(String::new, name)));
    cells.push(Cell::Left(told));
    let flips = regret.and_then(|regret| regret.flips_at);
    cells.push(Cell::Left(
        flips.map_or_else(String::new, |at| amount(Some(at))),
    ));
    cells
}
