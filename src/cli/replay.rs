//! `replay`: recorded trajectories, tape only.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;

use crate::config::Flags;
use crate::expr::{Expr, ExprError, FUNCTIONS, Field, Scope};
use crate::headless::scoring::Scoring;
use crate::headless::{Exit, Failure};
use crate::router::Panel;
use crate::trace::Log;
use crate::tui::run::Subject;
use crate::tui::sessions;

use super::options::PanelArgs;
use super::{screen, training};

#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    /// Log files, or folders of them; or the folder of a training run
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    panel: PanelArgs,
    /// Begin at the problem of this id
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Only the trajectories that fulfil an expression, e.g. "wrong &
    /// any(confidence < 0.5)"; `--filter help` lists the names
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    filter: Option<String>,
}

pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    if args.filter.as_deref() == Some("help") {
        return super::print(&names());
    }
    if let [path] = args.logs.as_slice()
        && training::is_run(path)
    {
        if args.filter.is_some() {
            let message = "--filter is for logs of trajectories: this is a training run";
            return Err(Failure::usage(message));
        }
        return training::show(path);
    }
    let log = open_log(&args.logs, args.problem.as_deref())?;
    let named = args.panel.specs()?;
    // What a person named must be there, for every run of the log.
    let heads = log.runs().iter().filter_map(|run| run.head.as_deref());
    for head in heads.filter(|_| !named.is_empty()) {
        let panel = Panel::new(&head.pool, &named);
        if let Some((spec, why)) = panel.missing().next() {
            return Err(Failure::usage(format!("--routers {spec}: {why}")));
        }
    }
    let places = match &args.filter {
        Some(filter) => filtered(&log, filter)?,
        None => sessions::places(&log),
    };
    super::needs_terminal("replay", "pointsman export LOG --svg FILE")?;
    let config = screen::configuration(Flags::default())?;
    let warnings = damage(&log).into_iter().collect();
    let all = log.trajectories().len();
    let name = match args.filter {
        Some(_) => format!("{} ({} of {all})", log_name(&args.logs), places.len()),
        None => log_name(&args.logs),
    };
    let (mut model, opener) = sessions::replay(log, places, named);
    if let Some(id) = &args.problem {
        let place = model.entries.iter().position(|entry| entry.problem == *id);
        model.current = place.ok_or_else(|| {
            Failure::usage(format!("problem `{id}` does not fulfil the `--filter`"))
        })?;
    }
    model.log_name = name;
    let subject = Subject {
        model,
        opener,
        endpoints: Vec::new(),
        scoring: Scoring::default(),
        writer: None,
    };
    super::ended(screen::open(subject, &config, warnings)?)
}

/// The names that an expression may hold, for `--filter help`.
fn names() -> String {
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

/// The trajectories that fulfil an expression.
fn filtered(log: &Log, filter: &str) -> Result<Vec<sessions::Place>, Failure> {
    let wrong = |error: ExprError| {
        Failure::usage(format!("--filter: {error}")).hint("`--filter help` lists the names")
    };
    let condition = Expr::condition(filter, Scope::Trajectory).map_err(wrong)?;
    // Models have the names that their run's pool gives them.
    let mut of_runs: HashMap<&str, Expr> = HashMap::new();
    let mut refused = None;
    for run in log.runs() {
        let of_run = match &run.head {
            None => Ok(condition.clone()),
            Some(head) => {
                let models = head.pool.iter().map(|model| model.name.as_str());
                condition.clone().over_models(&models.collect::<Vec<_>>())
            }
        };
        match of_run {
            Ok(condition) => {
                of_runs.insert(run.id.as_str(), condition);
            }
            Err(error) => refused = Some(error),
        }
    }
    if let Some(error) = refused.filter(|_| of_runs.is_empty()) {
        return Err(wrong(error));
    }
    let found = sessions::matching(log, |run| of_runs.get(run))?;
    if found.is_empty() {
        let all = log.trajectories().len();
        return Err(Failure::new(
            Exit::Failed,
            format!("none of the {all} trajectories fulfils `{condition}`"),
        ));
    }
    Ok(found)
}

/// Opens logs that hold at least one trajectory, and the problem asked for.
pub(super) fn open_log(paths: &[PathBuf], problem: Option<&str>) -> Result<Log, Failure> {
    let log = Log::open(paths)?;
    if log.trajectories().len() == 0 {
        let damaged = log.damages().count();
        return Err(Failure::new(
            Exit::BadData,
            format!("no trajectory in the log ({damaged} lines could not be read)"),
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
    Ok(log)
}

/// The first damaged line, and how many there are.
pub(super) fn damage(log: &Log) -> Option<String> {
    let mut damages = log.damages();
    let first = damages.next()?;
    let more = damages.count();
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and {more} more")
    };
    Some(format!(
        "{} line {}: {}{more}; skipped",
        first.path.display(),
        first.damage.line,
        first.damage.reason
    ))
}

fn log_name(logs: &[PathBuf]) -> String {
    let first = logs
        .first()
        .and_then(|path| path.file_name())
        .unwrap_or_default();
    let name = first.to_string_lossy();
    if logs.len() > 1 {
        format!("{name} +{}", logs.len() - 1)
    } else {
        name.into_owned()
    }
}
