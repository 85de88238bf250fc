//! `inspect`: the inspector, live.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::headless::{Exit, Failure, Launch};
use crate::router::Panel;
use crate::tui::run::Subject;
use crate::tui::sessions::{self, LabelsGo};

use super::options::{LabelArgs, PanelArgs, RunArgs};
use super::screen;
use super::talk::{self, Opened, TalkArgs};

#[derive(Debug, Clone, Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    panel: PanelArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    talk: TalkArgs,
    /// Log to append to; without it the session gets a file of its own in the data folder
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    labels: LabelArgs,
}

pub(super) fn run(args: &InspectArgs) -> Result<(), Failure> {
    let config = screen::configuration(args.labels.flags())?;
    let mut options = args.run.options("inspect", config.who.value.clone(), None);
    // The other problems stay in the picker.
    let wanted = options.problem.take();
    // Wrong files are told before the screen is.
    let mut launch = Launch::prepare(&options)?;
    let place = wanted.map_or(Ok(0), |id| place_of(&launch, &id))?;
    let named = args.panel.specs()?;
    let panel = Panel::new(&launch.settings.run.pool, &named);
    // What a person named must be there; the usual ones need not.
    if let Some((spec, why)) = panel.missing().next().filter(|_| !named.is_empty()) {
        return Err(Failure::usage(format!("--routers {spec}: {why}")));
    }
    super::needs_terminal("inspect", "pointsman solve --log FILE")?;
    let recording = args.talk.claim()?;
    let log = match &args.log {
        Some(log) => log.clone(),
        None => default_log(&launch)?,
    };
    let before = length(&log);
    let labels = args.labels.side_of(&log)?;
    launch.append_to(&log)?;
    let Launch {
        settings,
        endpoints,
        scoring,
        problems,
        writer,
        warnings,
        ..
    } = launch;
    let settings = settings.with_panel(Arc::new(panel));
    let (mut model, opener) = sessions::live(settings, problems);
    model.current = place;
    model.who.clone_from(&config.who.value);
    model.talk.private = talk::private(&config, args.run.pool());
    let opened = Opened::new(&[&log], None);
    model.log_name = opened.name();
    args.talk.begin(&mut model, opened);
    let left = screen::open(
        Subject {
            model,
            opener,
            endpoints,
            scoring,
            writer,
            labels: LabelsGo::To(labels),
        },
        &config,
        warnings,
    )?;
    if length(&log) > before {
        super::say(&format!(
            "The session is in {path}\nLook at it again: pointsman replay {path}\n",
            path = talk::told(&log, &left)
        ));
    } else if args.log.is_none() {
        remove_unused(&log);
    }
    recording.finish(&left)?;
    super::ended(left.how)
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Removes the file that was made for a session in which nothing happened.
fn remove_unused(log: &Path) {
    if length(log) == 0 {
        // An empty file left behind is no reason to complain.
        let _ = std::fs::remove_file(log);
    }
}

fn place_of(launch: &Launch, id: &str) -> Result<usize, Failure> {
    launch
        .problems
        .iter()
        .position(|problem| problem.id == id)
        .ok_or_else(|| {
            let failure = Failure::usage(format!("there is no problem `{id}`"));
            match launch.problems.first() {
                Some(first) => failure.hint(format!("ids look like `{}`", first.id)),
                None => failure,
            }
        })
}

/// Where sessions without `--log` go; `None` where there is no home.
pub(super) fn sessions_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "pointsman");
    folders.map(|folders| folders.data_dir().join("sessions"))
}

/// Nothing that was paid for is lost: without `--log` a session goes to a
/// file of its own in the data folder.
fn default_log(launch: &Launch) -> Result<PathBuf, Failure> {
    let folder = sessions_folder()
        .ok_or_else(|| Failure::usage("there is no home folder for the log: give --log FILE"))?;
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("cannot make the folder {}: {error}", folder.display()),
        )
        .hint("give --log FILE")
    })?;
    // `2026-11-22T20:12:58.123Z` without what file systems dislike.
    let stamp: String = launch
        .run
        .started
        .chars()
        .take(19)
        .map(|c| if c == ':' { '-' } else { c })
        .collect();
    Ok(folder.join(format!("{stamp}-{}.jsonl", launch.run.run)))
}
