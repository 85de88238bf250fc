//! Grows a forest a problem: the large model's own answers, and a tree in
//! which every visited prefix is continued by every model. A bounded number of
//! problems at a time, each with many calls in flight.
//!
//! [`estimate`] says before it starts what it will take, `held` reads what a
//! log holds already, `grow` drives one problem, [`report`] counts from the
//! log alone, and [`loads`] is what calls took; [`Demand`] goes on growing
//! while a policy learns.

mod demand;
pub mod estimate;
mod grow;
mod held;
pub mod loads;
pub mod report;

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};

use crate::model::probed::Probed;
use crate::problem::Problem;
use crate::problem::split::{RULE, Split};
use crate::session::forest::{Forest, LEAST_REFERENCES, Shape};
use crate::trace::LogWriter;
use crate::trace::record::{Record, RunRecord};
use crate::train::forest::SPLITS;

use super::capability;
use super::drive::Shared;
use super::journal::Journal;
use super::launch::{Exploration, PARTIAL_LINE, note};
use super::opening::{may_go_on, new_empty_log, new_log, prepare_log, probe_note};
use super::scoring::Scoring;
use super::solve::{bar, runtime, say};
use super::stop::{RESUME, Stop};
use super::watch::{Missing, Notices};
use super::{Exit, Failure, Launch, Options};
pub use demand::Demand;
use estimate::Estimate;
use grow::{Grown, Meter, grow};
use held::Held;
pub use report::Report;

/// What `explore` is asked for beyond the run itself.
#[derive(Debug, Clone)]
pub struct ExploreOptions {
    pub launch: Options,
    pub exploration: Exploration,
    pub log: PathBuf,
    pub resume: bool,
    /// Only the problems that the log holds something of, whatever else is
    /// among those given.
    pub only_held: bool,
    /// A policy is to be trained on it: problems among which there is none to
    /// train on are refused before anything is called for.
    pub for_training: bool,
    /// Most problems in flight.
    pub concurrency: usize,
    /// Nobody is to be asked whether to begin.
    pub yes: bool,
    /// Only say what it would take: no call, no record.
    pub dry_run: bool,
    pub quiet: bool,
}

/// What came of it.
pub struct Explored {
    /// What it was reckoned to take.
    pub estimate: Estimate,
    /// Counted from the log; `None` after a dry run.
    pub report: Option<Report>,
    /// Why not everything was done.
    pub failure: Option<Failure>,
}

/// Grows the forests and counts the log.
///
/// # Errors
/// Anything that keeps it from starting, and a log that cannot be written.
/// What stops it later is no error: see [`Explored::failure`].
pub fn explore(options: &ExploreOptions) -> Result<Explored, Failure> {
    let shape = checked(options.exploration.shape)?;
    let mut launch = Launch::prepare(&Options {
        concurrency: Some(options.concurrency),
        exploration: Some(options.exploration),
        ..options.launch.clone()
    })?;
    if options.for_training {
        trainable(&launch)?;
    }
    let (held, writer) = open_log(options, &launch)?;
    let warnings = held.iter().flat_map(|held| &held.warnings);
    for warning in launch.warnings.iter().chain(warnings) {
        say(options.quiet, &format!("warning: {warning}"));
    }
    if let Some(held) = &held {
        launch.adopt(held.run.clone());
        if options.only_held {
            launch.problems.retain(|problem| held.knows(&problem.id));
        }
    }
    let whole = held.as_ref().map_or(0, |held| held.whole.len());
    let estimate = Estimate::new(&launch, shape, held.as_ref());
    if options.dry_run {
        return Ok(Explored {
            estimate,
            report: None,
            failure: None,
        });
    }
    say(options.quiet, &estimate.to_text());
    if estimate.problems > 0 && !options.yes {
        confirm()?;
    }
    let started = Instant::now();
    let run = launch.run.clone();
    let (asked, part) = (launch.problems.len(), launch.part);
    let done = if held.is_some() && estimate.problems == 0 {
        // Nothing is missing: the log stays as it is.
        Done::default()
    } else if asked == 0 {
        new_empty_log(&options.log, &run)?;
        Done::default()
    } else {
        let runtime = runtime()?;
        let done = runtime.block_on(work(options, shape, launch, held, writer))?;
        // Endpoints may hold threads that are busy: they are not waited for.
        runtime.shutdown_timeout(Duration::from_millis(200));
        done
    };
    let mut report = Report::of_log(&options.log, &run)?;
    report.shard = part;
    report.asked = asked;
    report.whole = whole + done.whole;
    report.failed = done.failed;
    report.seconds = started.elapsed().as_secs_f64();
    let failure = done.stopped.or_else(|| {
        done.first_failure
            .as_ref()
            .map(|first| some_failed(done.failed, asked, first))
    });
    Ok(Explored {
        estimate,
        report: Some(report),
        failure,
    })
}

fn trainable(launch: &Launch) -> Result<(), Failure> {
    let problems = &launch.problems;
    if launch.run.cost_unit.is_none() {
        let failure = Failure::usage("the cost of a step is not known, and a policy minimises it");
        return Err(failure.hint("give every model of the pool file `params`, or a `price`"));
    }
    let is_train = |problem: &Problem| Split::of(&problem.question) == Split::Train;
    if problems.iter().any(is_train) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "none of the {} problems falls into the train split (60 %, by a hash of the question)",
        problems.len()
    ))
    .hint("give more problems"))
}

fn checked(shape: Shape) -> Result<Shape, Failure> {
    if shape.references < LEAST_REFERENCES {
        return Err(Failure::usage(format!(
            "references {} must be at least {LEAST_REFERENCES}: the A/A floor is estimated from \
             them",
            shape.references
        )));
    }
    Ok(shape)
}

/// What the log holds of this exploration, locked for going on with it.
fn open_log(
    options: &ExploreOptions,
    launch: &Launch,
) -> Result<(Option<Held>, Option<LogWriter>), Failure> {
    let shape = options.exploration.shape;
    let path = &options.log;
    if options.dry_run {
        // Looking needs no lock and leaves no file.
        let there = may_go_on(path, options.resume)?;
        let held = there.then(|| Held::read(path, launch, shape)).transpose()?;
        return Ok((held, None));
    }
    let sync = is_paid(&launch.run);
    let found = prepare_log(path, options.resume, sync, |path| {
        Held::read(path, launch, shape)
    })?;
    Ok(found.unzip())
}

/// Whether calls leave this process: what was paid for is on the disk before
/// the next call; what this machine computed it computes again.
fn is_paid(run: &RunRecord) -> bool {
    let here = |server: &str| matches!(server, "embedded" | "local");
    run.pool.iter().any(|model| !here(&model.server))
}

/// Asks whether to begin, where there is somebody to ask.
fn confirm() -> Result<(), Failure> {
    let (input, mut shown) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !shown.is_terminal() {
        return Ok(());
    }
    // A closed stderr is no failure; the answer is then a guess, so: no.
    let _ = write!(shown, "Begin? [y/N] ");
    let _ = shown.flush();
    let mut answer = String::new();
    let read = input.lock().read_line(&mut answer);
    let yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    match read {
        Ok(_) if yes => Ok(()),
        _ => Err(
            Failure::new(Exit::Interrupted, "not begun: nothing was called").hint(
                "`--yes` begins without asking, `pointsman explore --dry-run` only says what \
                     it would take",
            ),
        ),
    }
}

fn some_failed(failed: usize, asked: usize, first: &str) -> Failure {
    Failure::new(
        Exit::Endpoint,
        format!("{failed} of {asked} problems failed: {first}"),
    )
    .hint("everything finished is saved; `--resume` goes on with them")
}

/// What was done in this session.
#[derive(Default)]
struct Done {
    /// Forests that are grown now.
    whole: usize,
    /// Problems at which an endpoint failed.
    failed: usize,
    first_failure: Option<String>,
    stopped: Option<Failure>,
}

async fn work(
    options: &ExploreOptions,
    shape: Shape,
    launch: Launch,
    held: Option<Held>,
    writer: Option<LogWriter>,
) -> Result<Done, Failure> {
    let stop = Arc::new(Stop::new(RESUME));
    let watching = stop.watch();
    let probed = tokio::select! {
        probed = capability::probe(&launch) => probed?,
        () = stop.stopped() => return Ok(Done { stopped: stop.reason(), ..Done::default() }),
    };
    for warning in capability::check(&launch.run, &probed)? {
        say(options.quiet, &format!("warning: {warning}"));
    }
    let mut writer = match writer {
        Some(writer) => writer,
        None => new_log(&options.log, is_paid(&launch.run))?,
    };
    begin(&mut writer, &launch, held.as_ref(), &probed)?;
    let shared = Shared {
        endpoints: launch.endpoints.clone(),
        log: Journal::new(writer)?,
        stop,
        grading: None,
        scoring: Scoring::default(),
        missing: Missing::of(&launch.run),
        notices: Notices::default(),
    };
    let done = all(options, shape, &launch, held, &shared).await;
    watching.abort();
    let mut done = done?;
    shared.log.finish()?;
    done.stopped = shared.stop.reason();
    Ok(done)
}

/// Writes what begins this session of the run.
fn begin(
    writer: &mut LogWriter,
    launch: &Launch,
    held: Option<&Held>,
    probed: &Probed,
) -> Result<(), Failure> {
    let mut records = Vec::new();
    match held {
        None => {
            records.push(Record::Run(Box::new(launch.run.clone())));
            records.push(note(&launch.run, SPLITS, splits(&launch.problems)));
        }
        Some(held) => {
            let mut text = format!(
                "{} of {} problems finished, {} lines damaged",
                held.whole.len(),
                launch.problems.len(),
                held.damaged
            );
            for warning in &held.warnings {
                text = format!("{text}; {warning}");
            }
            if writer.found_partial_line() {
                text = format!("{text}; {PARTIAL_LINE}");
            }
            records.push(note(&launch.run, "resume", text));
        }
    }
    records.push(probe_note(&launch.run, probed)?);
    writer.append(&records)?;
    Ok(())
}

/// By which rule the problems are split, and how many fall where.
fn splits(problems: &[Problem]) -> String {
    let mut counts: BTreeMap<Split, usize> = Split::ALL.map(|split| (split, 0)).into();
    for problem in problems {
        *counts.entry(Split::of(&problem.question)).or_default() += 1;
    }
    serde_json::json!({ "rule": RULE, "problems": counts }).to_string()
}

async fn all(
    options: &ExploreOptions,
    shape: Shape,
    launch: &Launch,
    held: Option<Held>,
    shared: &Shared,
) -> Result<Done, Failure> {
    let is_whole = |problem: &Problem| {
        let held = held.as_ref();
        held.is_some_and(|held| held.whole.contains(&problem.id))
    };
    let (whole, open): (Vec<&Problem>, Vec<&Problem>) = launch
        .problems
        .iter()
        .partition(|problem| is_whole(problem));
    let bar = bar(launch.problems.len(), options.quiet);
    bar.inc(whole.len() as u64);
    let meter = Meter::new(bar.clone());
    let (meter, held) = (&meter, held.as_ref());
    let mut growing = stream::iter(open)
        // Taken up only as others end; once stopped none is.
        .take_while(|_| std::future::ready(!shared.stop.is_stopped()))
        .map(|problem| async move {
            let recorded = match held {
                Some(held) => held.records(&problem.id)?,
                None => Vec::new(),
            };
            let mut forest =
                Forest::open(launch.settings.clone(), problem.clone(), shape, recorded);
            grow(shared, &mut forest, meter).await
        })
        .buffer_unordered(options.concurrency.max(1));
    let mut done = Done::default();
    let mut broken = None;
    while let Some(grown) = growing.next().await {
        for notice in shared.notices.take() {
            bar.suspend(|| say(options.quiet, &format!("warning: {notice}")));
        }
        match grown {
            Ok(Grown::Whole) => {
                done.whole += 1;
                bar.inc(1);
            }
            Ok(Grown::Failed(message)) => {
                done.failed += 1;
                done.first_failure.get_or_insert(message);
            }
            Ok(Grown::Stopped) => {}
            // Nothing more can be kept: the others are stopped too.
            Err(failure) => {
                shared.stop.stop(failure.clone());
                broken.get_or_insert(failure);
            }
        }
    }
    bar.finish_and_clear();
    broken.map_or(Ok(done), Err)
}
