//! `demo`: a tour of the embedded demo, from a log that is part of the program.

use std::path::PathBuf;

use clap::Args;

use crate::config::Flags;
use crate::headless::{Exit, Failure};
use crate::survey;
use crate::tui::sessions::{self, LabelsGo};

use super::talk::{self, Opened, TalkArgs, TourArgs};
use super::tape::Tape;

/// Three runs over eight of the demo problems; `assets/tours/README.md` says
/// how they were made.
const LOG: &str = include_str!("../../assets/tours/demo.jsonl");
/// The tour of them.
const TOUR: &str = include_str!("../../assets/tours/demo.tour");

/// Watch a tour of the embedded demo: three minutes, no network, no call
///
/// A recorded session of the models inside the program, shown scene by scene
/// with captions: steps of the small model, an escalation, its action set and
/// cost, what each model would have led to, what another router would have done,
/// another κ, the tables, and why answers are wrong. `space` goes on, `left` goes
/// back, `p` pauses, `esc` gives you the keys, `q` quits.
#[derive(Debug, Clone, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    tour: TourArgs,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    // A wrong file is told before the screen is.
    let tour = match &args.tour.tour {
        Some(path) => talk::read(path)?,
        None => talk::parse(TOUR, "of the demo")?,
    };
    super::needs_terminal("demo", "pointsman solve --limit 8 --log FILE")?;
    let config = talk::configuration(Some(&tour), Flags::default())?;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Failure::new(Exit::Failed, format!("{what}: {error}"))
    };
    // Logs are read from files, piece by piece; this one goes when it is left.
    let folder = tempfile::Builder::new()
        .prefix("pointsman-demo-")
        .tempdir()
        .map_err(failed("cannot make a folder for the demo's log"))?;
    let path: PathBuf = folder.path().join("demo.jsonl");
    std::fs::write(&path, LOG).map_err(failed("cannot write the demo's log"))?;
    let (log, survey) = survey::read(&[&path])?;
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    let opened = Opened::new(&[&path], None);
    model.log_name = opened.name();
    let tape = Tape {
        model,
        opener,
        opened,
        // The log goes when it is left, and labels would with it.
        labels: LabelsGo::Nowhere,
        warnings: Vec::new(),
    };
    tape.show(&config, &TalkArgs::default(), Some((tour, args.tour.speed)))
}
