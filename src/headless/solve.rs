//! Routes a whole data set: one session a problem, a bounded number at a time.

use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::runtime::{Builder, Runtime};

use crate::cost::Reported;
use crate::model::probed::Probed;
use crate::problem::Problem;
use crate::problem::answer::Verdict;
use crate::session::Session;
use crate::trace::LogWriter;
use crate::trace::record::{OutcomeRecord, Record};

use super::capability;
use super::drive::{Shared, drive};
use super::grading::second_opinion;
use super::journal::Journal;
use super::launch::{PARTIAL_LINE, note};
use super::opening::{new_empty_log, new_log, prepare_log, probe_note};
use super::plain::plain;
use super::resume::Resume;
use super::stop::{RESUME, Stop};
use super::summary::{Counter, Summary};
use super::watch::{Missing, Notices};
use super::{Exit, Failure, Launch, Options};

/// What `solve` is asked for beyond the run itself.
#[derive(Debug, Clone)]
pub struct SolveOptions {
    pub launch: Options,
    pub log: PathBuf,
    pub resume: bool,
    /// Most problems in flight.
    pub concurrency: usize,
    pub quiet: bool,
}

/// What came of it.
pub struct Solved {
    /// Counted from the log, earlier sessions of the run included.
    pub summary: Summary,
    /// Why the run stopped before its last problem.
    pub stopped: Option<Failure>,
}

/// Routes the data set and counts the log.
///
/// # Errors
/// Anything that keeps the run from starting, and a log that cannot be
/// written. A run that was stopped is no error: see [`Solved::stopped`].
pub fn solve(options: &SolveOptions) -> Result<Solved, Failure> {
    let launch = prepare(options)?;
    let mut tell = |warning: &str| say(options.quiet, &format!("warning: {warning}"));
    for warning in &launch.warnings {
        tell(warning);
    }
    solve_prepared(options, launch, &mut tell)
}

/// Puts the run together, before anything is called.
pub(super) fn prepare(options: &SolveOptions) -> Result<Launch, Failure> {
    Launch::prepare(&Options {
        concurrency: Some(options.concurrency),
        ..options.launch.clone()
    })
}

/// As [`solve`], for a run that [`prepare`] put together; its warnings were
/// told. `tell` is given those of the endpoints.
pub(super) fn solve_prepared(
    options: &SolveOptions,
    mut launch: Launch,
    tell: &mut dyn FnMut(&str),
) -> Result<Solved, Failure> {
    let gone_on = prepare_log(&options.log, options.resume, true, |path| {
        Resume::read(path, &launch)
    })?;
    for warning in gone_on.iter().flat_map(|(resume, _)| &resume.warnings) {
        say(options.quiet, &format!("warning: {warning}"));
    }
    if let Some((resume, _)) = &gone_on {
        launch.adopt(resume.run.clone());
    }
    let asked: Vec<String> = launch.problems.iter().map(|p| p.id.clone()).collect();
    let run = launch.run.clone();
    let part = launch.part;
    let counter = match gone_on {
        Some(_) => Counter::of_log(&options.log, &run)?,
        None => Counter::new(&run),
    };
    let (counter, stopped) = if launch.problems.is_empty() {
        if gone_on.is_none() {
            new_empty_log(&options.log, &run)?;
        }
        (counter, None)
    } else {
        let runtime = runtime()?;
        let ended = runtime.block_on(route(options, launch, gone_on, counter, tell))?;
        // Endpoints may hold threads that are busy: they are not waited for.
        runtime.shutdown_timeout(Duration::from_millis(200));
        ended
    };
    let summary = Summary {
        shard: part,
        ..counter.finish(&asked)
    };
    for warning in summary.reported.iter().filter_map(Reported::warning) {
        say(options.quiet, &format!("warning: {warning}"));
    }
    if summary.grader_failed > 0 {
        let text = format!(
            "warning: the grader failed on {} problems, whose rules' outcome stands; `pointsman \
             regrade` asks again",
            summary.grader_failed
        );
        say(options.quiet, &text);
    }
    Ok(Solved { summary, stopped })
}

/// What calls are waited for on: one thread, for waiting is all it does. Models
/// in this process and the log have threads of their own.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start threads: {error}")))
}

async fn route(
    options: &SolveOptions,
    launch: Launch,
    gone_on: Option<(Resume, LogWriter)>,
    counter: Counter,
    tell: &mut dyn FnMut(&str),
) -> Result<(Counter, Option<Failure>), Failure> {
    let stop = Arc::new(Stop::new(RESUME));
    let watching = stop.watch();
    let probed = tokio::select! {
        probed = capability::probe(&launch) => probed?,
        () = stop.stopped() => return Ok((counter, stop.reason())),
    };
    for warning in capability::check(&launch.run, &probed)? {
        tell(&warning);
    }
    let (resume, mut writer) = match gone_on {
        Some((resume, writer)) => (Some(resume), writer),
        None => (None, new_log(&options.log, true)?),
    };
    begin(&mut writer, &launch, resume.as_ref(), &probed)?;
    let mut shared = Shared {
        endpoints: launch.endpoints.clone(),
        log: Journal::counted(writer, counter)?,
        stop,
        grading: launch.grading.clone(),
        scoring: launch.scoring.clone(),
        missing: Missing::of(&launch.run),
        notices: Notices::default(),
    };
    let result = all(options, &launch, resume, &shared).await;
    watching.abort();
    result?;
    shared.log.finish()?;
    let counter = shared.log.take_counter();
    let counter = counter.unwrap_or_else(|| Counter::new(&launch.run));
    Ok((counter, shared.stop.reason()))
}

/// Writes what begins this session of the run.
fn begin(
    writer: &mut LogWriter,
    launch: &Launch,
    resume: Option<&Resume>,
    probed: &Probed,
) -> Result<(), Failure> {
    let note = |kind: &str, text: String| note(&launch.run, kind, text);
    let mut records = Vec::new();
    match resume {
        None => records.push(Record::Run(Box::new(launch.run.clone()))),
        Some(resume) => {
            let mut text = format!(
                "{} of {} problems finished, {} begun, {} lines damaged",
                resume.finished.len(),
                launch.problems.len(),
                resume.begun.len(),
                resume.damaged
            );
            for warning in &resume.warnings {
                text = format!("{text}; {warning}");
            }
            if writer.found_partial_line() {
                text = format!("{text}; {PARTIAL_LINE}");
            }
            records.push(note("resume", text));
        }
    }
    records.push(probe_note(&launch.run, probed)?);
    writer.append(&records)?;
    Ok(())
}

async fn all(
    options: &SolveOptions,
    launch: &Launch,
    resume: Option<Resume>,
    shared: &Shared,
) -> Result<(), Failure> {
    let (finished, mut begun) =
        resume.map_or_else(Default::default, |resume| (resume.finished, resume.begun));
    let bar = Progress::new(options, launch.problems.len());
    for outcome in finished.values() {
        bar.count(outcome);
    }
    let problems = launch.problems.iter();
    // Made as they are taken up: a session is a good deal larger than its
    // problem.
    let sessions = problems
        .filter(|problem| !finished.contains_key(&problem.id))
        .map(|problem: &Problem| {
            let settings = launch.settings.clone();
            match begun.remove(&problem.id) {
                Some(tree) => Session::open(settings, problem.clone(), tree),
                None => Session::new(settings, problem.clone()),
            }
        });
    let mut driven = stream::iter(sessions)
        // Sessions are taken up only as others end; a stopped run takes none.
        .take_while(|_| std::future::ready(!shared.stop.is_stopped()))
        .map(|session| work(shared, session))
        .buffer_unordered(options.concurrency.max(1));
    let mut broken = None;
    while let Some(ended) = driven.next().await {
        for notice in shared.notices.take() {
            let warn = || say(options.quiet, &format!("warning: {notice}"));
            bar.bar.suspend(warn);
        }
        match ended {
            Ok(Some(outcome)) => {
                bar.count(&outcome);
            }
            Ok(None) => {}
            // Nothing more can be kept: the others are stopped too.
            Err(failure) => {
                shared.stop.stop(failure.clone());
                broken.get_or_insert(failure);
            }
        }
    }
    bar.finish();
    broken.map_or(Ok(()), Err)
}

/// A problem to its end and to what a grader says of it. `None` where the run
/// was stopped first.
async fn work(shared: &Shared, mut session: Session) -> Result<Option<OutcomeRecord>, Failure> {
    match drive(shared, &mut session).await? {
        Some(outcome) => second_opinion(shared, &session, outcome).await.map(Some),
        None => Ok(None),
    }
}

/// The bar on a terminal; nothing elsewhere.
struct Progress {
    bar: ProgressBar,
    counts: Mutex<[usize; 3]>,
}

impl Progress {
    fn new(options: &SolveOptions, problems: usize) -> Self {
        Self {
            bar: bar(problems, options.quiet),
            counts: Mutex::new([0; 3]),
        }
    }

    fn count(&self, outcome: &OutcomeRecord) {
        let mut counts = self
            .counts
            .lock()
            .expect("no thread panics while it counts");
        counts[match outcome.verdict {
            Verdict::Correct => 0,
            Verdict::Wrong => 1,
            Verdict::Ungraded => 2,
        }] += 1;
        let [correct, wrong, ungraded] = *counts;
        self.bar.set_message(format!(
            "correct {correct} · wrong {wrong} · ungraded {ungraded}"
        ));
        self.bar.inc(1);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar on a terminal; nothing elsewhere.
pub(super) fn bar(length: usize, quiet: bool) -> ProgressBar {
    let shown = !quiet && std::io::stderr().is_terminal();
    let target = if shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

pub(super) fn say(quiet: bool, message: &str) {
    if !quiet {
        // A closed stderr is no failure.
        let _ = writeln!(std::io::stderr(), "{}", plain(message));
    }
}
