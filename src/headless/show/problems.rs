//! The trajectories of a log: filtered, sorted and grouped.

use serde_json::json;

use crate::app::{Row, Table, Tally, Use};
use crate::eval::regret::Control;
use crate::headless::{Exit, Failure};
use crate::problem::area;
use crate::survey::{Survey, Texts, View};

use super::grid::{Cell, grid};
use super::{Shown, Subject, amount, percent, set, sign, tally};

/// How the table is arranged.
#[derive(Debug, Clone, Default)]
pub struct Arrangement {
    pub filter: Option<String>,
    pub sort: Option<String>,
    pub group: Option<String>,
    /// Only the run of this id.
    pub run: Option<String>,
    /// Most trajectories that are listed.
    pub limit: Option<usize>,
}

/// One row a trajectory, or a group.
///
/// # Errors
/// An expression that is at fault, a filter that nothing fulfils, a run that is
/// not there.
pub fn problems(subject: &Subject<'_>, by: &Arrangement) -> Result<Shown, Failure> {
    let table = arranged(subject, by)?;
    let all = subject.survey.trajectories().len();
    Ok(match by.group {
        Some(_) => groups(subject, &table, all),
        None => list(subject, &table, all, by.limit),
    })
}

/// The table, as it is arranged.
pub(super) fn arranged(subject: &Subject<'_>, by: &Arrangement) -> Result<Table, Failure> {
    let survey = subject.survey;
    let mut table = Table::default();
    table.fold = false;
    table.know_failures();
    if let Some(id) = &by.run {
        table.run = Some(subject.run(Some(id))?);
    }
    set(&mut table, Use::Filter, by.filter.as_deref(), survey)?;
    set(&mut table, Use::Sort, by.sort.as_deref(), survey)?;
    set(&mut table, Use::Group, by.group.as_deref(), survey)?;
    read_texts(subject, &mut table)?;
    table.refresh(survey, false);
    if let (true, Some(filter)) = (table.order.is_empty(), &by.filter) {
        let all = subject.survey.trajectories().len();
        let message = match by.run {
            Some(_) => format!("no trajectory of the run fulfils `{filter}`"),
            None => format!("none of the {all} trajectories fulfils `{filter}`"),
        };
        return Err(Failure::new(Exit::Failed, message));
    }
    Ok(table)
}

/// Reads the texts that expressions of the table are about, if any are.
fn read_texts(subject: &Subject<'_>, table: &mut Table) -> Result<(), Failure> {
    let texts_of = |survey: &Survey, place: usize| {
        let (run, problem) = survey.key(&survey.trajectories()[place]);
        Texts::of_log(subject.log, run, problem).map_err(|error| error.to_string())
    };
    while let Some(part) = table.next_part(subject.survey) {
        table.take_read(part.read(subject.survey, &texts_of));
    }
    match table.texts_failed() {
        Some(why) => Err(Failure::new(Exit::BadData, why)),
        None => Ok(()),
    }
}

/// That trajectories of a run that was done again are counted as well, and
/// those that lack steps.
fn again(table: &Table) -> String {
    let mut text = match table.superseded() {
        0 => String::new(),
        superseded => format!(
            "{superseded} of them were done again by a later run of the same router and seed\n"
        ),
    };
    if let Some(torn) = table.tally.torn_note() {
        text.push_str(&format!("{torn}: counts and costs of steps are too low\n"));
    }
    text
}

fn groups(subject: &Subject<'_>, table: &Table, all: usize) -> Shown {
    let titles = ["group", "n", "✓", "✗", "?", "·", "correct", "large", "cost"];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let mut found = Vec::new();
    let survey = subject.survey;
    for row in &table.rows {
        if let Row::Group { value, tally, .. } = row {
            let unit = tally.unit(survey);
            rows.push(counts(value, tally, unit.is_some()));
            found.push(json!({ "value": value, "came_to": super::tally(tally, unit.as_ref()) }));
        }
    }
    let unit = table.tally.unit(survey);
    rows.push(counts("all", &table.tally, unit.is_some()));
    Shown {
        text: format!("{}{}", grid(&rows), again(table)),
        json: json!({
            "screen": "problems",
            "of": all,
            "superseded": table.superseded(),
            "came_to": tally(&table.tally, unit.as_ref()),
            "groups": found,
        }),
        warnings: Vec::new(),
    }
}

/// `priced`: costs of different units have no mean.
fn counts(name: &str, tally: &Tally, priced: bool) -> Vec<Cell> {
    let number = |count: usize| Cell::Right(count.to_string());
    vec![
        Cell::Left(name.to_owned()),
        number(tally.trajectories),
        number(tally.correct),
        number(tally.wrong),
        number(tally.ungraded),
        number(tally.unfinished()),
        Cell::Right(percent(tally.accuracy())),
        Cell::Right(percent(tally.large_share())),
        Cell::Right(amount(tally.published().filter(|_| priced))),
    ]
}

fn list(subject: &Subject<'_>, table: &Table, all: usize, limit: Option<usize>) -> Shown {
    let survey = subject.survey;
    let titles = [
        "", "problem", "router", "domain", "diff", "steps", "large", "cost", "regret", "by model",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let mut found = Vec::new();
    let listed = limit.unwrap_or(usize::MAX).min(table.order.len());
    for &place in &table.order[..listed] {
        let view = survey.view(place as usize);
        let (run, problem) = survey.key(view.trajectory());
        let of = view.trajectory();
        let domain = of.domain.map(|domain| survey.name(domain));
        let cost = view.outcome().and_then(|outcome| outcome.published);
        let router = view.head().map(|head| head.router.spec.as_str());
        let verdict = view.verdict().map(crate::problem::answer::Verdict::name);
        rows.push(vec![
            Cell::Left(verdict.unwrap_or("unfinished").to_owned()),
            Cell::Left(problem.to_owned()),
            Cell::Left(router.unwrap_or("unknown").to_owned()),
            Cell::Left(domain.map(area).unwrap_or_default().to_owned()),
            Cell::Right(of.difficulty.map_or_else(String::new, |d| d.to_string())),
            Cell::Right(view.kept().to_string()),
            Cell::Right(percent(view.large_share())),
            Cell::Right(amount(cost)),
            Cell::Right(points(view.regret())),
            Cell::Left(lane(&view)),
        ]);
        let refuted = view.steps().find(|step| step.is_refuted() == Some(true));
        found.push(json!({
            "problem": problem,
            "run": run,
            "router": router,
            "domain": domain,
            "difficulty": of.difficulty,
            "verdict": verdict,
            "ended": view.outcome().map(|outcome| outcome.end.name()),
            "answer": view.outcome().and_then(|outcome| outcome.answer.as_deref()),
            "gold": of.gold(),
            "steps": view.kept(),
            "large_share": view.large_share(),
            "cost": {
                "published": cost,
                "full": view.outcome().and_then(|outcome| outcome.full),
            },
            "regret": view.regret(),
            "first_refuted": refuted.map(|step| step.index),
            "writers": writers(&view),
        }));
    }
    let mut text = grid(&rows);
    if listed < table.order.len() {
        text.push_str(&format!("… and {} more\n", table.order.len() - listed));
    }
    let shown = &table.tally;
    text.push_str(&format!(
        "{} of {all} trajectories: {} correct, {} wrong, {} ungraded, {} unfinished\n",
        shown.trajectories,
        shown.correct,
        shown.wrong,
        shown.ungraded,
        shown.unfinished()
    ));
    text.push_str(&again(table));
    text.push_str(&told(&subject.control));
    Shown {
        text,
        json: json!({
            "screen": "problems",
            "of": all,
            "superseded": table.superseded(),
            "came_to": tally(shown, shown.unit(survey).as_ref()),
            "regret": control(&subject.control),
            "trajectories": found,
        }),
        warnings: Vec::new(),
    }
}

/// A regret in points.
fn points(regret: Option<f64>) -> String {
    regret.map_or_else(|| "–".to_owned(), |regret| format!("{:.1}", 100.0 * regret))
}

/// What the decisions of the whole log lost, beside what chance makes.
fn told(control: &Control) -> String {
    let Some(regret) = control.regret else {
        return String::new();
    };
    let both = control.of_repeated.zip(control.against_itself);
    let itself = both.map_or_else(String::new, |(regret, itself)| {
        format!(
            "; over the {} whose choice was drawn more than once {:.1}, and {:.1} against itself \
             (A/A)",
            control.repeated,
            100.0 * regret,
            100.0 * itself
        )
    });
    format!(
        "mean regret {:.1} points over {} decisions of the log{itself}\n",
        100.0 * regret,
        control.decisions
    )
}

fn control(control: &Control) -> serde_json::Value {
    json!({
        "decisions": control.decisions,
        "mean": control.regret,
        "repeated": control.repeated,
        "of_repeated": control.of_repeated,
        "against_itself": control.against_itself,
    })
}

/// Places in the pool of who wrote the steps; none for a person.
fn writers(view: &View<'_>) -> Vec<Option<usize>> {
    let kept = view.steps().filter(|step| step.kept);
    kept.map(|step| view.writer(step)).collect()
}

/// The same as signs: emptier is cheaper.
fn lane(view: &View<'_>) -> String {
    let signs = writers(view).into_iter();
    signs.map(|writer| sign(writer, view.models())).collect()
}
