//! Trains a policy on a forest, which is grown first where there is none yet;
//! training itself makes no call but on demand. `output` is the folder that
//! a run leaves, `checks` what is looked at before it begins, `finish` what is computed once the iterations are done,
//! `markdown` and `plots` its report.

mod checks;
mod finish;
mod markdown;
mod output;
mod plots;

pub use output::FOREST;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;

use crate::problem::split::Split;
use crate::router::{RouterSpec, build};
use crate::signal::confidence::Source as Signal;
use crate::train::floor::{Floor, floor};
use crate::train::forest::Forest;
use crate::train::learner::Learner;
use crate::train::log::{FORMAT, ForestFacts, Head, TrainingRecord};
use crate::train::params::{ParamError, Params};
use crate::train::prepared::{Encoding, Prepared};
use crate::train::report::{Against, Report};
use crate::train::rollout::{Demand, ForestRollouts};
use crate::train::scores::Scores;
use crate::train::surface::Grid;
use crate::train::threshold::Recalibration;

use super::clock::now;
use super::explore::{Demand as Grower, ExploreOptions, explore};
use super::solve::bar;
use super::{Exit, Failure};
use checks::{above, judged, usable, warn, warn_of_promises};
use output::Output;

/// Where a forest comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Logs of one exploration: no call is made.
    Logs(Vec<PathBuf>),
    /// Grown first, or as far as its log lacks anything.
    Grow(Box<ExploreOptions>),
}

/// Goes on with an exploration while the policy learns.
#[derive(Debug, Clone)]
pub struct OnDemand {
    pub exploration: Box<ExploreOptions>,
    /// Steps that may be added at most.
    pub steps: usize,
}

/// What `train` is asked for.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    pub source: Source,
    /// Folder of the run.
    pub out: PathBuf,
    pub resume: bool,
    pub params: Params,
    /// α is what may be missed above the A/A floor of the train split.
    pub above_floor: bool,
    /// Calls beyond the exploration, where the policy comes to a prefix that
    /// not all models have continued, in training and in calibration.
    pub on_demand: Option<OnDemand>,
    /// Another confidence than the exploration saw.
    pub signal: Option<Signal>,
    /// Set by whoever wants the run to stop, with everything saved.
    pub stop: Arc<AtomicBool>,
    /// How it was asked for, for the report.
    pub command: String,
    pub quiet: bool,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Trained {
    pub out: PathBuf,
    pub kappa: f64,
    /// Or why κ could not be recalibrated.
    pub recalibration: Result<Recalibration, String>,
    /// The scores of the calibration split, where it has problems.
    pub scores: Option<Scores>,
    /// On the test split, or why nothing could be measured there.
    pub report: Result<Report, String>,
    pub text: String,
}

/// Everything a run reads, made ready.
struct Ground {
    forest: Forest,
    files: Vec<PathBuf>,
}

/// The logs of the forest, grown first where they lack anything.
///
/// # Errors
/// A folder that no run can be made in, told before anything is called for;
/// whatever stopped the exploration: what was done is kept.
pub fn grown(options: &TrainOptions) -> Result<Vec<PathBuf>, Failure> {
    Output::check(&options.out, options.resume)?;
    let exploration = match &options.source {
        Source::Logs(paths) => return Ok(paths.clone()),
        Source::Grow(exploration) => exploration,
    };
    if Output::begun(&options.out, options.resume)?.is_some() {
        // The forest was whole when the run began: no call is made for it,
        // whatever the options say this time, but for what was cut off while
        // the run asked for it.
        if exploration.log.is_file() && options.on_demand.is_none() {
            return Ok(vec![exploration.log.clone()]);
        }
        if exploration.log.is_file() {
            let mended = ExploreOptions {
                only_held: true,
                yes: true,
                ..ExploreOptions::clone(exploration)
            };
            let failure = explore(&mended)?.failure;
            return failure.map_or_else(|| Ok(vec![exploration.log.clone()]), Err);
        }
        let message = format!(
            "{}: the run in it was begun on another forest",
            options.out.display()
        );
        return Err(Failure::usage(message).hint("name it by `--forest`, or its log by `--log`"));
    }
    if exploration.log.parent() == Some(&options.out) {
        output::make(&options.out)?;
    }
    match explore(exploration)?.failure {
        Some(failure) => Err(failure),
        None => Ok(vec![exploration.log.clone()]),
    }
}

/// Refuses a forest that was grown around a confidence no policy is trained on.
fn check_signal(signal: Signal) -> Result<(), Failure> {
    if Signal::TRAINED.contains(&signal) {
        return Ok(());
    }
    let message = format!("the exploration saw the confidence `{signal}`: no policy reads it");
    Err(Failure::usage(message).hint("name another by `--signal`: prob, sampled or logit"))
}

/// Trains, or goes on with a run that was interrupted.
///
/// # Errors
/// A forest that nothing can be learnt from; parameters out of range; a folder
/// that holds something else; an interruption, with everything saved.
pub fn train(options: &TrainOptions) -> Result<Trained, Failure> {
    let files = output::files(&grown(options)?)?;
    let ground = Ground {
        forest: Forest::load(&files, options.signal)?,
        files,
    };
    check_signal(ground.forest.signal)?;
    warn(&ground.forest, options.quiet);
    let forest = &ground.forest;
    let learning = forest.split(Split::Train)?;
    let mut params = options.params.clone();
    let floor = floor(learning.iter().map(|problem| problem.reference_counts()));
    params.floor = above(floor, options.above_floor)?;
    // With the floor in it, and before anything is written.
    let refused = |error: ParamError| Failure::usage(error.to_string());
    let checked = params.check().map_err(refused)?;
    let params = Params::clone(&checked);
    // A forest that grew since the run began: what was fitted then holds.
    let begun = match options.on_demand {
        Some(_) => Output::begun(&options.out, options.resume)?,
        None => None,
    };
    let encoding = match &begun {
        Some(head) => Encoding {
            features: head.features.clone(),
            normalisation: head.normalisation.clone(),
        },
        None => Encoding::fit(&params.features, forest, &learning)?,
    };
    let mut prepared = Prepared::new(forest, &learning, &encoding, &params)?;
    if options.on_demand.is_none() {
        prepared.leave_out_unfollowed();
    }
    judged(&learning)?;
    usable(&prepared, options.quiet)?;
    let mut head = head(&ground, &params, &encoding, &prepared, floor)?;
    if let Some(on_demand) = &options.on_demand {
        head.forest.on_demand = on_demand.steps;
        head.forest.files.clear();
    }
    if let Some(begun) = begun {
        // Of a forest that grows these are what it was at the start.
        head.forest.steps = begun.forest.steps;
        head.forest.calibration_steps = begun.forest.calibration_steps;
        head.forest.trajectories = begun.forest.trajectories;
        head.forest.ungraded = begun.forest.ungraded;
    }
    let mut output = Output::open(&options.out, options.resume, head)?;
    let mut learner = match output.state() {
        Some(state) => Learner::resume(state).map_err(|error| {
            let told = format!("{}: the saved state: {error}", options.out.display());
            Failure::new(Exit::BadData, told)
                .hint("without its `state.json` the run begins anew, with the same result")
        })?,
        None => Learner::new(params, encoding.features.len(), forest.models.len())?,
    };
    warn_of_promises(options, floor, forest);
    let mut grower = match &options.on_demand {
        Some(on_demand) => {
            let most = output.head().forest.steps + on_demand.steps;
            Some(Grower::open(&on_demand.exploration, forest.signal, most)?)
        }
        None => None,
    };
    let demand = grower.as_mut().map(|grower| Demand {
        grower,
        encoding: &encoding,
    });
    let rollouts = ForestRollouts::new(prepared, learner.params(), demand);
    if iterate(&mut learner, rollouts, &encoding, &mut output, options)? {
        return Err(Failure::new(Exit::Interrupted, "interrupted").hint("go on with `--resume`"));
    }
    finish::finish(options, &ground, &learner, (&encoding, grower), output)
}

/// Rolls out and learns until all iterations are done, or until somebody asks
/// to stop: whether that was so.
fn iterate(
    learner: &mut Learner,
    mut rollouts: ForestRollouts<'_>,
    encoding: &Encoding,
    output: &mut Output,
    options: &TrainOptions,
) -> Result<bool, Failure> {
    let all = learner.params().iterations;
    let progress = bar(all as usize, options.quiet);
    progress.set_position(u64::from(learner.iteration()));
    let began = Instant::now();
    let before = output.seconds();
    loop {
        let surface = |learner: &Learner, grid: &Grid| {
            let kappa = learner.threshold().kappa();
            grid.surface(encoding, learner.policy(), learner.iteration(), kappa)
        };
        if learner.iteration() == 0 {
            let first = surface(learner, output.grid());
            output.append(&TrainingRecord::Surface(first))?;
        }
        if options.stop.load(Ordering::Relaxed) {
            output.save(learner, before + began.elapsed().as_secs_f64())?;
            return Ok(true);
        }
        let record = match learner.advance(&mut rollouts) {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => {
                output.save(learner, before + began.elapsed().as_secs_f64())?;
                return Err(error.into());
            }
        };
        show(&progress, &record);
        output.append(&TrainingRecord::Iteration(Box::new(record)))?;
        let done = learner.iteration();
        if done.is_multiple_of(output::EVERY) || done == all {
            let surface = surface(learner, output.grid());
            output.append(&TrainingRecord::Surface(surface))?;
            output.save(learner, before + began.elapsed().as_secs_f64())?;
        }
    }
    progress.finish_and_clear();
    Ok(false)
}

fn show(bar: &ProgressBar, record: &crate::train::record::Iteration) {
    bar.set_message(format!(
        "coverage {:.3} · miss {:.2} · κ {:.3}",
        record.policy.coverage, record.threshold.miss, record.threshold.kappa
    ));
    bar.inc(1);
}

fn head(
    ground: &Ground,
    params: &Params,
    encoding: &Encoding,
    prepared: &Prepared<'_>,
    floor: Option<Floor>,
) -> Result<Head, Failure> {
    let forest = &ground.forest;
    let mut problems = std::collections::BTreeMap::new();
    for problem in &forest.problems {
        *problems.entry(problem.split.name().to_owned()).or_default() += 1;
    }
    let models: Vec<String> = forest
        .models
        .iter()
        .map(|model| model.name.clone())
        .collect();
    let small = build(&RouterSpec::Small, &models, None)?;
    let calibration = forest.split(Split::Calibration).unwrap_or_default();
    let problems_of = || prepared.problems().iter();
    let leaves = || problems_of().flat_map(|problem| problem.forest.leaves().map(|(_, leaf)| leaf));
    Ok(Head {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: now(),
        params: params.clone(),
        features: encoding.features.clone(),
        normalisation: encoding.normalisation.clone(),
        models,
        signal: forest.signal.to_string(),
        unit: forest.unit.clone(),
        forest: ForestFacts {
            key: forest.key.clone(),
            files: output::hashes(&ground.files)?,
            problems,
            left_out: forest.skipped.len() + prepared.ungraded.len() + prepared.unfollowed.len(),
            trajectories: leaves().count(),
            ungraded: leaves().filter(|leaf| leaf.success.is_none()).count(),
            steps: prepared.steps(),
            calibration_steps: calibration.iter().map(|problem| problem.steps.len()).sum(),
            on_demand: 0,
        },
        floor,
        first_cost: prepared.first_cost(),
        large_cost: prepared.alone_cost(params.ledger),
        grid: Grid::new(prepared),
        anchors: Against::new(prepared, &*small, params.ledger).anchors(),
    })
}

/// Has a first SIGINT or SIGTERM set the flag; the second ends the program at
/// once. To be called once nobody is asked anything any more: a question is to
/// be left by the first.
///
/// # Errors
/// Signals cannot be watched.
pub fn watch_signals(flag: &Arc<AtomicBool>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot watch signals: {error}"))
    };
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag))
            .map_err(failed)?;
        signal_hook::flag::register(signal, Arc::clone(flag)).map_err(failed)?;
    }
    Ok(())
}
