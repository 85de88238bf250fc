//! `replay`: recorded trajectories, tape only.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::eval::regret::Regrets;
use crate::expr::{Expr, ExprError, FUNCTIONS, Field, Scope};
use crate::headless::{Exit, Failure};
use crate::router::Panel;
use crate::survey::{self, Survey};
use crate::trace::Log;
use crate::trace::side::with_sides;
use crate::tui::sessions::{self, LabelsGo};

use super::options::{LabelArgs, PanelArgs};
use super::talk::{self, Opened, TalkArgs, TourArgs};
use super::tape::Tape;
use super::training;

/// Bytes of a log that are read before the screen opens.
const FIRST: u64 = 16 << 20;

#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    /// Log files, or folders of them; or the folder of a training run
    #[arg(required_unless_present = "filter", value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    panel: PanelArgs,
    #[command(flatten)]
    talk: TalkArgs,
    #[command(flatten)]
    tour: TourArgs,
    /// Begin at the problem of this id
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Only the trajectories that fulfil an expression, e.g. "wrong &
    /// any(confidence < 0.5)"; `--filter help` lists the names
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    filter: Option<String>,
    #[command(flatten)]
    labels: LabelArgs,
}

pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    if args.filter.as_deref() == Some("help") {
        return super::print(&names());
    }
    if args.logs.is_empty() {
        return Err(Failure::usage("which log?")
            .hint("`pointsman replay LOG --filter EXPR`; `--filter help` needs none"));
    }
    if let [path] = args.logs.as_slice()
        && training::is_run(path)
    {
        if args.filter.is_some() {
            let message = "--filter is for logs of trajectories: this is a training run";
            return Err(Failure::usage(message));
        }
        if args.talk.is_given() || args.tour.tour.is_some() {
            let message = "talks are of trajectories: this is a training run";
            return Err(Failure::usage(message));
        }
        return training::show(path);
    }
    if args.tour.tour.is_some() && args.talk.is_recording() {
        let message = "--record-tour writes what you do, --tour plays what was done: one of them";
        return Err(Failure::usage(message));
    }
    let tour = args.tour.tour.as_deref().map(talk::read).transpose()?;
    // A filter and a tour are over everything; what comes behind the first part
    // is otherwise read while the screen is open.
    let bytes = if args.filter.is_some() || tour.is_some() {
        u64::MAX
    } else {
        FIRST
    };
    let labels = args.labels.labels.as_deref();
    let (log, survey) = open_labelled(&args.logs, labels, args.problem.as_deref(), bytes)?;
    let named = args.panel.specs()?;
    // What a person named must be there, for every run of the log.
    let heads = log.runs().iter().filter_map(|run| run.head.as_deref());
    for head in heads.filter(|_| !named.is_empty()) {
        let panel = Panel::new(&head.pool, &named);
        if let Some((spec, why)) = panel.missing().next() {
            return Err(Failure::usage(format!("--routers {spec}: {why}")));
        }
    }
    let all = survey.trajectories().len();
    let survey = match &args.filter {
        Some(filter) => filtered(&log, survey, filter)?,
        None => survey,
    };
    super::needs_terminal("replay", "pointsman show LOG")?;
    let config = talk::configuration(tour.as_ref(), args.labels.flags())?;
    let warnings: Vec<String> = log.damage().into_iter().collect();
    let opened = Opened::new(&args.logs, args.filter.as_deref());
    let name = match args.filter {
        Some(_) => {
            let kept = survey.trajectories().len();
            format!("{} ({kept} of {all})", opened.name())
        }
        None => opened.name(),
    };
    let (mut model, opener) = sessions::replay(log, survey, named);
    if let Some(id) = &args.problem {
        let place = model.entries.iter().position(|entry| entry.problem == *id);
        model.current = place.ok_or_else(|| {
            Failure::usage(format!("problem `{id}` does not fulfil the `--filter`"))
        })?;
    }
    model.log_name = name;
    let tape = Tape {
        model,
        opener,
        opened,
        labels: match &args.labels.labels {
            Some(path) => LabelsGo::To(path.clone()),
            None => LabelsGo::BesideTheLog,
        },
        warnings,
    };
    let tour = tour.map(|tour| (tour, args.tour.speed));
    tape.show(&config, &args.talk, tour)
}

/// The names that an expression may hold, for `--filter help`.
pub(super) fn names() -> String {
    let mut text = String::from(
        "An expression joins conditions by & (and), | (or), ! (not); numbers compare by < <= > >= \
         = !=,\ntexts by = != ~ (holds). What is not known is neither true nor false.\n",
    );
    let mut section = |title: &str, rows: &mut dyn Iterator<Item = (&str, &str)>| {
        text.push_str(&format!("\n{title}\n"));
        for (name, help) in rows {
            text.push_str(&format!("  {name:<14} {help}\n"));
        }
    };
    let of = |scope| {
        let fields = Field::ALL.iter().filter(move |info| info.scope == scope);
        fields.map(|info| (info.name, info.help))
    };
    section("of a trajectory", &mut of(Scope::Trajectory));
    section("of a step, within any(…), count(…) …", &mut of(Scope::Step));
    section("functions", &mut FUNCTIONS.into_iter());
    text
}

/// The part of a survey whose trajectories fulfil an expression.
pub(super) fn filtered(log: &Log, mut survey: Survey, filter: &str) -> Result<Survey, Failure> {
    let wrong = |error: ExprError| {
        Failure::usage(format!("--filter: {error}")).hint("`--filter help` lists the names")
    };
    let condition = Expr::condition(filter, Scope::Trajectory).map_err(wrong)?;
    if condition.reads_regret() {
        Regrets::fill(&mut survey, &sessions::build);
    }
    let asked = survey.ask(&condition).map_err(wrong)?;
    let found = asked.matching(log, &survey)?;
    if found.is_empty() {
        let all = survey.trajectories().len();
        return Err(Failure::new(
            Exit::Failed,
            format!("none of the {all} trajectories fulfils `{condition}`"),
        ));
    }
    Ok(survey.only(&found))
}

/// Opens logs that hold at least one trajectory, and the problem asked for,
/// with the labels in their side files, or in `labels` in place of these.
/// Without a problem not more than about `bytes` are read.
pub(super) fn open_labelled(
    paths: &[PathBuf],
    labels: Option<&Path>,
    problem: Option<&str>,
    bytes: u64,
) -> Result<(Log, Survey), Failure> {
    let bytes = if problem.is_some() { u64::MAX } else { bytes };
    let (log, survey) = survey::begin(&with_sides(paths, labels)?, bytes)?;
    check_log(&log, problem)?;
    Ok((log, survey))
}

/// Refuses a log without a trajectory, and one that lacks the problem asked for.
pub(super) fn check_log(log: &Log, problem: Option<&str>) -> Result<(), Failure> {
    if log.trajectories().len() == 0 && log.is_read() {
        let damaged = log.damages().count();
        return Err(Failure::new(
            Exit::BadData,
            match damaged {
                0 => "there is nothing in the log".to_owned(),
                1 => "no trajectory in the log: its one line could not be read".to_owned(),
                _ => format!("no trajectory in the log: {damaged} lines could not be read"),
            },
        )
        .hint("make one by `pointsman solve --log FILE`"));
    }
    if let Some(id) = problem
        && !log.trajectories().any(|found| found.problem == id)
    {
        let failure = Failure::usage(format!("no problem `{id}` in the log"));
        return Err(match log.trajectories().next() {
            Some(first) => failure.hint(format!("ids look like `{}`", first.problem)),
            None => failure,
        });
    }
    Ok(())
}
