//! What each rule of a panel would do: at every step of a trajectory, and over
//! confidence and step index.

use serde_json::json;

use crate::eval::analysis::rules::{Frame, Laid, NoSurface};
use crate::headless::{Exit, Failure};
use crate::policy::Explanation;
use crate::router::{Panel, RouterSpec};
use crate::session::{Command, Opinion, Session, Wants};
use crate::trace::{Log, NodeIndex};

use super::grid::{Cell, grid};
use super::{Shown, Subject, sign};

/// Parts of the range of confidences, and step indices at most.
const COLUMNS: usize = 32;
const ROWS: usize = 20;

/// Opens a recorded trajectory, by the ids of its run and its problem, with
/// the rules to ask.
pub type Open<'a> = &'a dyn Fn(&Log, &str, &str, &[RouterSpec]) -> Result<Box<Session>, String>;

/// What each rule would do at every step of a problem's main line, and why;
/// `named` are the rules, none for the usual ones.
///
/// # Errors
/// A problem that is in no run, or in several of which none is named; a named
/// rule that cannot be made.
pub fn rules(
    subject: &Subject<'_>,
    problem: &str,
    run: Option<&str>,
    named: &[RouterSpec],
    open: Open<'_>,
) -> Result<Shown, Failure> {
    let run = super::run_of(subject, problem, run)?;
    let opened = open(subject.log, &run, problem, named);
    let mut session = opened.map_err(|why| Failure::new(Exit::BadData, why))?;
    let path = session.tree().main_line();
    // The branch that is followed, so that nobody looks for it at every step.
    let end = Command::Goto(path.last().copied());
    session
        .command(end, "")
        .map_err(|why| Failure::new(Exit::BadData, why.to_string()))?;
    let panel = &session.settings().panel;
    check(panel, named)?;
    let asked: Vec<Asked<'_>> = path
        .iter()
        .enumerate()
        .map(|(at, &node)| Asked::of(&session, &path, at, node))
        .collect();
    let titles = ["step", "by", "next by", "router", "would", "", "why"];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    rows.extend(asked.iter().flat_map(Asked::cells));
    let mut text = grid(&rows);
    text.push('\n');
    text.push_str(&tallied(panel, &asked));
    let explained = asked.iter().filter_map(Asked::why_cells);
    let explained: Vec<Vec<Cell>> = explained.collect();
    if !explained.is_empty() {
        let titles = [
            "step",
            "policy",
            "π(large)",
            "κ",
            "margin",
            "adds most",
            "flips at",
            "sd",
        ];
        let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
        rows.extend(explained);
        text.push('\n');
        text.push_str(&grid(&rows));
    }
    Ok(Shown {
        text,
        json: json!({
            "screen": "rules",
            "run": run,
            "problem": problem,
            "router": session.settings().run.router.spec,
            "steps": asked.iter().map(Asked::json).collect::<Vec<_>>(),
            "left_out": left_out(panel),
        }),
        warnings: session.warnings().to_vec(),
    })
}

/// What a person named must be there.
fn check(panel: &Panel, named: &[RouterSpec]) -> Result<(), Failure> {
    match panel.missing().next().filter(|_| !named.is_empty()) {
        Some((spec, why)) => Err(Failure::usage(format!("--routers {spec}: {why}"))),
        None => Ok(()),
    }
}

/// A step and what the rules say of it.
struct Asked<'s> {
    session: &'s Session,
    node: NodeIndex,
    next: Option<NodeIndex>,
    opinions: Vec<Opinion>,
    why: Option<(String, Explanation)>,
}

impl<'s> Asked<'s> {
    fn of(session: &'s Session, path: &[NodeIndex], at: usize, node: NodeIndex) -> Self {
        let panel = &session.settings().panel;
        Self {
            session,
            node,
            next: path.get(at + 1).copied(),
            opinions: session.opinions(node, panel),
            why: session.explanation(node, panel),
        }
    }

    fn writer(&self, node: NodeIndex) -> &'s str {
        &self.session.tree().node(node).step.model
    }

    fn index(&self) -> u32 {
        self.session.tree().node(self.node).step.index
    }

    fn cells(&self) -> Vec<Vec<Cell>> {
        let settings = self.session.settings();
        let next = self.next.map_or("", |next| self.writer(next));
        let row = |opinion: &Opinion| {
            let name = opinion
                .wants
                .model()
                .map(|model| settings.model_name(model));
            let word = opinion.wants.word().map(str::to_owned);
            let would: Vec<String> = [name, word].into_iter().flatten().collect();
            let differs = opinion.differs == Some(true);
            vec![
                Cell::Right(self.index().to_string()),
                Cell::Left(self.writer(self.node).to_owned()),
                Cell::Left(next.to_owned()),
                Cell::Left(opinion.router.clone()),
                Cell::Left(would.join(" ")),
                Cell::Left(if differs { "≠" } else { "" }.to_owned()),
                Cell::Sentence(opinion.why.clone()),
            ]
        };
        self.opinions.iter().map(row).collect()
    }

    /// Why a policy decides so, where one can be asked.
    fn why_cells(&self) -> Option<Vec<Cell>> {
        let (policy, found) = self.why.as_ref()?;
        let most = found.features.first();
        let flip = found.flip.as_ref().map(|flip| {
            let model = self.session.settings().model_name(flip.action);
            format!("{} {:.3}: {model}", flip.feature, flip.to)
        });
        Some(vec![
            Cell::Right(self.index().to_string()),
            Cell::Left(policy.clone()),
            Cell::Right(format!("{:.3}", found.large)),
            Cell::Right(format!("{:.3}", found.kappa)),
            Cell::Right(format!("{:+.3}", found.margin())),
            Cell::Left(most.map_or_else(String::new, |most| {
                format!("{} {:+.3}", most.feature, most.gradient)
            })),
            Cell::Left(flip.unwrap_or_else(|| "–".to_owned())),
            Cell::Right(format!("{:.1}", found.distance)),
        ])
    }

    fn json(&self) -> serde_json::Value {
        let session = self.session;
        let settings = session.settings();
        let step = &session.tree().node(self.node).step;
        let opinion = |opinion: &Opinion| {
            json!({
                "router": opinion.router,
                "wants": wants(opinion.wants),
                "model": opinion.wants.model().map(|model| settings.model_name(model)),
                "differs": opinion.differs,
                "why": opinion.why,
            })
        };
        json!({
            "step": step.index,
            "id": step.id,
            "model": step.model,
            "next_model": self.next.map(|next| self.writer(next)),
            "opinions": self.opinions.iter().map(opinion).collect::<Vec<_>>(),
            "explanation": self.why.as_ref().map(|(policy, found)| {
                explanation(policy, found, session)
            }),
        })
    }
}

/// What is wanted, as programs read it.
fn wants(wants: Wants) -> &'static str {
    match wants {
        Wants::Next(_) => "next",
        Wants::Stands => "stands",
        Wants::Again(_) => "again",
        Wants::All(_) => "all",
        Wants::Unknown => "unknown",
    }
}

fn explanation(policy: &str, found: &Explanation, session: &Session) -> serde_json::Value {
    let features = found.features.iter().map(|of| {
        json!({
            "feature": of.feature,
            "value": of.value,
            "adds": of.gradient,
            "without": of.without,
            "deviation": of.deviation,
        })
    });
    json!({
        "policy": policy,
        "large": found.large,
        "expected": found.expected,
        "kappa": found.kappa,
        "margin": found.margin(),
        "features": features.collect::<Vec<_>>(),
        "flip": found.flip.as_ref().map(|flip| json!({
            "feature": flip.feature,
            "from": flip.from,
            "to": flip.to,
            "model": session.settings().model_name(flip.action),
        })),
        "distance": found.distance,
        "strange": found.strange().map(|of| &of.feature),
    })
}

/// How often each rule would have done something else.
fn tallied(panel: &Panel, asked: &[Asked<'_>]) -> String {
    let titles = ["router", "asked", "unknown", "otherwise"];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    for (at, (spec, _)) in panel.rules().enumerate() {
        let said = || asked.iter().filter_map(|asked| asked.opinions.get(at));
        let unknown = said().filter(|opinion| opinion.wants == Wants::Unknown);
        let differ = said().filter(|opinion| opinion.differs == Some(true));
        rows.push(vec![
            Cell::Left(spec.to_string()),
            Cell::Right(said().count().to_string()),
            Cell::Right(unknown.count().to_string()),
            Cell::Right(differ.count().to_string()),
        ]);
    }
    let mut text = grid(&rows);
    for (spec, why) in panel.missing() {
        text.push_str(&format!("left out: {spec} ({why})\n"));
    }
    text
}

fn left_out(panel: &Panel) -> Vec<serde_json::Value> {
    let missing = panel.missing();
    let told = missing.map(|(spec, why)| json!({ "router": spec.to_string(), "why": why }));
    told.collect()
}

/// What each rule decides over confidence and step index, with the steps of the
/// run in it; `named` are the rules, none for the usual ones.
///
/// # Errors
/// A run that is not there, or whose head is lost; a named rule that cannot be
/// made.
pub fn surfaces(
    subject: &Subject<'_>,
    run: Option<&str>,
    named: &[RouterSpec],
) -> Result<Shown, Failure> {
    let run = subject.run(run)?;
    let head = subject.head(run).ok_or_else(|| {
        let message = "the head of the run is lost: its pool is not known";
        Failure::new(Exit::BadData, message)
    })?;
    let panel = Panel::new(&head.pool, named);
    check(&panel, named)?;
    let of_run = subject.survey.trajectories().iter();
    let of_run = of_run.filter(|trajectory| trajectory.run == run);
    let frame = Frame {
        columns: COLUMNS,
        rows: ROWS,
        models: head.pool.len(),
        difficulty: median(
            of_run
                .clone()
                .filter_map(|trajectory| trajectory.difficulty),
        ),
    };
    let name = |place: usize| {
        let known = head.pool.get(place);
        known.map_or_else(|| place.to_string(), |model| model.name.clone())
    };
    let mut text = String::new();
    let mut found = Vec::new();
    for (spec, router) in panel.rules() {
        let laid = Laid::of(of_run.clone(), router.as_ref(), &frame);
        let signal = router.signal();
        text.push_str(&match &laid {
            Ok(laid) => format!("{spec} over {signal}\n{}\n", drawn(laid, frame.models)),
            Err(why) => format!("{spec}: {why}\n\n"),
        });
        found.push(json!({
            "router": spec.to_string(),
            "signal": signal.to_string(),
            "refused": laid.as_ref().err().map(NoSurface::to_string),
            "surface": laid.as_ref().ok().map(|laid| laid_json(laid, &name)),
        }));
    }
    for (at, model) in head.pool.iter().enumerate() {
        text.push_str(&format!(
            "{} {}  ",
            sign(Some(at), frame.models),
            model.name
        ));
    }
    text.push_str("after a step by the cheapest model; + steps of the log");
    if let Some(difficulty) = frame.difficulty {
        text.push_str(&format!("; difficulty {difficulty} (the median)"));
    }
    text.push('\n');
    for (spec, why) in panel.missing() {
        text.push_str(&format!("left out: {spec} ({why})\n"));
    }
    Ok(Shown::of(
        text,
        json!({
            "screen": "rules",
            "run": subject.survey.name(subject.survey.runs()[run as usize].id),
            "models": head.pool.iter().map(|model| &model.name).collect::<Vec<_>>(),
            "difficulty": frame.difficulty,
            "rules": found,
            "left_out": left_out(&panel),
        }),
    ))
}

/// A surface in signs, two columns a cell: the model, and whether steps of the
/// log lie there.
fn drawn(laid: &Laid, models: usize) -> String {
    let mut text = String::new();
    let rows = laid.surface.cells.iter().zip(&laid.counts);
    for ((cells, counts), step) in rows.zip(&laid.grid.steps) {
        text.push_str(&format!("step {step:<3} "));
        for (cell, &count) in cells.iter().zip(counts) {
            let model = sign(Some(cell.action), models);
            text.push_str(model);
            text.push_str(if count > 0 { "+" } else { model });
        }
        text.push('\n');
    }
    let [low, high] = [laid.range.0, laid.range.1].map(|end| format!("{end:.2}"));
    let columns = (2 * COLUMNS).saturating_sub(low.len());
    text.push_str(&format!("{:9}{low}{high:>columns$}\n", ""));
    text
}

fn laid_json(laid: &Laid, name: &dyn Fn(usize) -> String) -> serde_json::Value {
    let cells = laid.surface.cells.iter().map(|row| {
        let row = row.iter();
        let row = row.map(|cell| json!({ "model": name(cell.action), "large": cell.large }));
        row.collect::<Vec<_>>()
    });
    json!({
        "range": [laid.range.0, laid.range.1],
        "confidences": laid.grid.confidences,
        "steps": laid.grid.steps,
        "cells": cells.collect::<Vec<_>>(),
        "counts": laid.counts,
    })
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
