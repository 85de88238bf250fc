//! Grades recorded trajectories again, by the present rules and by the models
//! that are asked, and lets a verifier judge their steps. Every log keeps what
//! it held: what is new is appended, with what it takes the place of.

mod report;
mod trajectory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use crate::model::endpoint::Endpoint;
use crate::model::pool::Pool;
use crate::model::scorer::GradeMode;
use crate::trace::index::log_files;
use crate::trace::record::{NoteRecord, Record};
use crate::trace::{Log, LogWriter};

use super::clock::now;
use super::grading::{Grader, Grading, Scorer};
use super::journal::Journal;
use super::launch::PARTIAL_LINE;
use super::solve::{bar, runtime, say};
use super::stop::Stop;
use super::{Exit, Failure};

pub use report::{Asked, Change, Moved, Report, Said, Verified};
use trajectory::Work;

/// How a stopped `regrade` goes on.
const AGAIN: &str = "run the same command again, and it goes on";

/// What `regrade` is asked for.
#[derive(Debug, Clone, Default)]
pub struct RegradeOptions {
    /// Log files, or folders of them.
    pub logs: Vec<PathBuf>,
    pub pool: Option<PathBuf>,
    /// As the pool says where there is none; without a pool the rules.
    pub grader: Option<GradeMode>,
    /// Ask the verifier about every step that it has not judged yet.
    pub verify: bool,
    /// Most trajectories in flight.
    pub concurrency: usize,
    pub quiet: bool,
    /// Nothing is appended and nobody is asked.
    pub dry_run: bool,
}

/// What came of it.
pub struct Regraded {
    pub report: Report,
    /// Why not everything was done.
    pub failure: Option<Failure>,
}

/// Grades the trajectories of the logs again.
///
/// # Errors
/// Anything that keeps it from starting. What stops it later is no error, for
/// what was done is kept: see [`Regraded::failure`].
pub fn regrade(options: &RegradeOptions) -> Result<Regraded, Failure> {
    let files = log_files(&options.logs)?;
    let scorers = Scorers::choose(options)?;
    for warning in &scorers.warnings {
        say(options.quiet, &format!("warning: {warning}"));
    }
    let runtime = runtime()?;
    let regraded = runtime.block_on(all(options, scorers, &files));
    // Endpoints may hold threads that are busy: they are not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    regraded
}

/// The models that are asked.
struct Scorers {
    grading: Option<Grading>,
    verifier: Option<Scorer>,
    /// Nobody said who grades: verdicts of models stand.
    unsaid: bool,
    warnings: Vec<String>,
}

impl Scorers {
    fn choose(options: &RegradeOptions) -> Result<Self, Failure> {
        let pool = match &options.pool {
            Some(path) => Pool::load(path)?,
            None => Pool::embedded(),
        };
        let asked = options.grader.map_or(Grader::Pool, Grader::Mode);
        let most = Some(options.concurrency);
        let grader = match (Grading::mode(asked, &pool)?, pool.grader()) {
            (Some(mode), Some(spec)) => Some((mode, Scorer::new(spec, &pool, most)?)),
            _ => None,
        };
        if options.verify && pool.path.is_none() {
            return Err(Failure::usage("`--verify` asks a model, and none is named")
                .hint("add `--pool FILE`: its `[verifier]`, or its last model, is asked"));
        }
        let verifier = match (options.verify, pool.verifier()) {
            // One model is loaded once.
            (true, spec) if spec == pool.grader() && grader.is_some() => {
                grader.as_ref().map(|(_, scorer)| scorer.clone())
            }
            (true, Some(spec)) => Some(Scorer::new(spec, &pool, most)?),
            _ => None,
        };
        Ok(Self {
            unsaid: options.grader.is_none() && pool.grading.is_none(),
            grading: grader.map(|(mode, scorer)| Grading::new(mode, scorer)),
            verifier,
            warnings: pool.warnings,
        })
    }

    /// Makes ready who is asked.
    async fn probe(&self) -> Result<(), Failure> {
        let grader = self.grading.as_ref().map(|grading| &grading.grader);
        let mut ready: Vec<&Arc<dyn Endpoint>> = Vec::new();
        for scorer in grader.into_iter().chain(&self.verifier) {
            if !ready
                .iter()
                .any(|known| Arc::ptr_eq(known, &scorer.endpoint))
            {
                scorer.endpoint.probe().await?;
                ready.push(&scorer.endpoint);
            }
        }
        Ok(())
    }
}

async fn all(
    options: &RegradeOptions,
    scorers: Scorers,
    files: &[PathBuf],
) -> Result<Regraded, Failure> {
    let stop = Arc::new(Stop::new(AGAIN));
    let watching = stop.watch();
    let mut report = Report::new(
        options.dry_run,
        scorers
            .grading
            .as_ref()
            .map(|grading| &grading.grader.facts),
        scorers.verifier.as_ref().map(|verifier| &verifier.facts),
    );
    // A log that cannot be read is no reason to leave the others alone.
    let mut failures = Vec::new();
    let mut work = Work {
        scorers,
        stop,
        journal: None,
        dry_run: true,
    };
    if !options.dry_run && asks_anybody(files, &mut work, options).await {
        tokio::select! {
            ready = work.scorers.probe() => ready.map_err(unreachable)?,
            () = work.stop.stopped() => {}
        }
    }
    work.dry_run = options.dry_run;
    for path in files {
        if work.stop.is_stopped() {
            break;
        }
        if let Err(failure) = file(path, &mut work, options, &mut report).await {
            failures.push(failure);
        }
    }
    watching.abort();
    let failure = work.stop.reason().or_else(|| report.failure());
    if report.is_empty() && failure.is_none() {
        return Err(failures.into_iter().next().unwrap_or_else(nothing));
    }
    let mut failures = failure.into_iter().chain(failures);
    let failure = failures.next();
    for other in failures {
        say(options.quiet, &format!("warning: {other}"));
    }
    Ok(Regraded { report, failure })
}

/// Whether a model would be asked about anything: where none would, it need
/// not be there.
async fn asks_anybody(files: &[PathBuf], work: &mut Work, options: &RegradeOptions) -> bool {
    if work.scorers.grading.is_none() && work.scorers.verifier.is_none() {
        return false;
    }
    let dry = RegradeOptions {
        dry_run: true,
        quiet: true,
        ..options.clone()
    };
    let mut report = Report::default();
    for path in files {
        // What cannot be read is told when it is worked through.
        let _ = file(path, work, &dry, &mut report).await;
    }
    report.grader.asked > 0 || report.verified.steps > 0
}

fn unreachable(failure: Failure) -> Failure {
    match failure.hint {
        Some(_) => failure,
        None => failure.hint("start it, or grade without it by `--grader rules`"),
    }
}

fn nothing() -> Failure {
    Failure::new(Exit::BadData, "no finished trajectory in the log")
        .hint("make one by `pointsman solve --log FILE`")
}

/// Works through one log, which is locked before it is read: no other process
/// can append in between.
async fn file(
    path: &Path,
    work: &mut Work,
    options: &RegradeOptions,
    report: &mut Report,
) -> Result<(), Failure> {
    // What a model said is paid for; what the rules say is found again.
    let asks = work.scorers.grading.is_some() || work.scorers.verifier.is_some();
    let mut cut = false;
    work.journal = None;
    if !options.dry_run {
        let writer = LogWriter::create_or_append(path, asks)?;
        cut = writer.found_partial_line();
        work.journal = Some(Journal::new(writer)?);
    }
    let log = Log::open(&[path])?;
    report.begin_log(path, log.damages());
    let bar = bar(log.trajectories().len(), options.quiet);
    let mut runs: BTreeMap<String, Report> = BTreeMap::new();
    let mut broken = None;
    {
        let (work, log) = (&*work, &log);
        let mut done = stream::iter(log.trajectories())
            // Taken up only as others end; once stopped none is.
            .take_while(|_| std::future::ready(!work.stop.is_stopped()))
            .map(|found| async move {
                let mut of_one = Report::default();
                let done = work.trajectory(log, found.run, found.problem, &mut of_one);
                (found.run, done.await, of_one)
            })
            // In the log's order, so that the report is in it too.
            .buffered(options.concurrency.max(1));
        while let Some((run, done, of_one)) = done.next().await {
            bar.inc(1);
            runs.entry(run.to_owned()).or_default().add(of_one);
            if let Err(failure) = done {
                // Nothing more can be kept: the others are stopped too.
                work.stop.stop(failure.clone());
                broken.get_or_insert(failure);
            }
        }
    }
    bar.finish_and_clear();
    for (run, of_run) in runs {
        if broken.is_none() && of_run.appended() > 0 {
            work.append(vec![note(&run, &work.scorers, &of_run, cut)])?;
        }
        report.add(of_run);
    }
    broken.map_or(Ok(()), Err)
}

/// What was done to a run, for its log.
fn note(run: &str, scorers: &Scorers, done: &Report, cut: bool) -> Record {
    let grading = scorers.grading.as_ref();
    let mut counts = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "mode": grading.map_or(GradeMode::Rules, |grading| grading.mode).name(),
        "regraded": done.regraded,
        "changed": done.changed,
        "asked": done.grader.asked,
        "verified": done.verified.steps,
        "failed": done.grader.failed + done.verifier.failed,
    });
    if let Some(grading) = grading {
        counts["grader"] = serde_json::json!(grading.grader.facts);
    }
    if let Some(verifier) = &scorers.verifier {
        counts["verifier"] = serde_json::json!(verifier.facts);
    }
    if cut {
        counts["damage"] = PARTIAL_LINE.into();
    }
    Record::Note(NoteRecord {
        run: run.to_owned(),
        problem: None,
        when: now(),
        kind: "regrade".to_owned(),
        text: counts.to_string(),
    })
}
