//! Runs the routers that have not run yet, each with each seed into a log of
//! its own; what is in the logs already is not paid for again.
//!
//! Of several jobs each runs its shard, into logs of its own in the same
//! folder. What is chosen of a sweep is chosen by all of them: a shard that
//! finds the others' settings not there yet stops before the choice, and the
//! same command, given again, goes on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::eval::choice::{Choice, choose};
use crate::eval::outcomes::ProblemKey;
use crate::eval::rows::Row;
use crate::eval::table::Over;
use crate::eval::{Outcomes, Rows};
use crate::headless::resume::Resume;
use crate::headless::solve::{SolveOptions, prepare, say, solve_prepared};
use crate::headless::train::watch_signals;
use crate::headless::{Exit, Failure, Launch, Options};
use crate::problem::Problem;
use crate::problem::shard::Part;
use crate::problem::split::Split;
use crate::router::RouterSpec;

use super::chosen::{Asked, Chosen};
use super::{EvalOptions, read};

const GO_ON: &str = "everything finished is saved: the same command goes on";

/// Runs what is missing and chooses among the settings of sweeps: these run on
/// the calibration problems, and only the one that is chosen on the problems
/// of the table.
pub fn run(options: &EvalOptions, asked: &[Asked], over: Over) -> Result<Chosen, Failure> {
    let plan = Plan::new(asked, over);
    let mut runner = Runner::new(options)?;
    runner.check(&plan)?;
    for anchor in &ANCHORS {
        runner.run(anchor, plan.splits_of_anchors())?;
    }
    for spec in plan.settings() {
        runner.run(spec, Some(vec![Split::Calibration]))?;
    }
    let waits = runner.waits(&plan)?;
    let (choices, mut kept) = match &waits {
        Some(_) => (Vec::new(), Vec::new()),
        None => runner.choose(&plan)?,
    };
    kept.extend(plan.plain.iter().copied().cloned());
    for spec in &kept {
        runner.run(spec, over.splits())?;
    }
    kept.extend(ANCHORS);
    let logs = runner.logs(Whose::Own)?;
    // A shard may hold no problem at all.
    let (mut rows, outcomes) = match (logs.is_empty(), options.launch.shard) {
        (true, Some(_)) => (Rows::default(), Outcomes::default()),
        _ => read(&logs)?,
    };
    rows.retain(|row| kept.iter().any(|spec| runner.is_of(row, spec)));
    if options.launch.shard.is_some() {
        // That the other shards are not among one's own logs is no news.
        rows.warnings.clear();
    }
    let part = runner.part()?;
    Ok(Chosen {
        rows,
        choices,
        warnings: waits.into_iter().collect(),
        damages: outcomes.damages,
        logs: outcomes.files,
        failed: runner.failed.into_values().collect(),
        part,
    })
}

/// They are run along with every router: without them there is no gap.
const ANCHORS: [RouterSpec; 2] = [RouterSpec::Small, RouterSpec::Large];

/// What runs on which problems.
struct Plan<'a> {
    sweeps: Vec<&'a Asked>,
    plain: Vec<&'a RouterSpec>,
    over: Over,
}

impl<'a> Plan<'a> {
    fn new(asked: &'a [Asked], over: Over) -> Self {
        let (sweeps, plain): (Vec<&Asked>, Vec<&Asked>) =
            asked.iter().partition(|one| one.sweep.is_sweep());
        let plain = plain.into_iter().flat_map(|one| &one.settings);
        let plain = plain.map(|setting| &setting.spec);
        Self {
            sweeps,
            plain: plain.filter(|spec| !ANCHORS.contains(spec)).collect(),
            over,
        }
    }

    /// Of all sweeps.
    fn settings(&self) -> impl Iterator<Item = &'a RouterSpec> {
        let settings = self.sweeps.iter().flat_map(|one| &one.settings);
        settings.map(|setting| &setting.spec)
    }

    /// The models alone run wherever anything is compared with them.
    fn splits_of_anchors(&self) -> Option<Vec<Split>> {
        let mut splits = self.over.splits()?;
        if !self.sweeps.is_empty() {
            splits.push(Split::Calibration);
        }
        Some(splits)
    }
}

/// Whose logs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those of this shard; of a run without shards all.
    Own,
    /// Those of every shard.
    All,
}

struct Runner<'o> {
    options: &'o EvalOptions,
    interrupted: Arc<AtomicBool>,
    /// Keys of the runs and how the names of their logs begin, by spec.
    done: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
    /// What was warned of: every run would say it again.
    warned: BTreeSet<String>,
    /// By run key.
    failed: BTreeMap<String, String>,
}

impl<'o> Runner<'o> {
    fn new(options: &'o EvalOptions) -> Result<Self, Failure> {
        let interrupted = Arc::new(AtomicBool::new(false));
        // Between two runs nobody else listens.
        watch_signals(&interrupted)?;
        std::fs::create_dir_all(&options.dir).map_err(|error| {
            let message = format!("cannot make {}: {error}", options.dir.display());
            Failure::new(Exit::Failed, message)
        })?;
        Ok(Self {
            options,
            interrupted,
            done: BTreeMap::new(),
            warned: BTreeSet::new(),
            failed: BTreeMap::new(),
        })
    }

    /// Puts every run together once, so that a router that cannot be built, or
    /// a table without problems, is refused before anything is paid for.
    fn check(&mut self, plan: &Plan<'_>) -> Result<(), Failure> {
        let seed = self.options.launch.seed;
        let routers = plan.plain.iter().copied().chain(plan.settings());
        for spec in ANCHORS.iter().chain(routers) {
            self.launch(spec, seed, None)?;
        }
        if !plan.sweeps.is_empty() {
            self.needs(Over::Calibration)?;
        }
        self.needs(plan.over)
    }

    /// Chooses a setting of every sweep; the choices, and what was chosen.
    fn choose(&self, plan: &Plan<'_>) -> Result<(Vec<Choice>, Vec<RouterSpec>), Failure> {
        let (mut choices, mut chosen) = (Vec::new(), Vec::new());
        if plan.sweeps.is_empty() {
            return Ok((choices, chosen));
        }
        let EvalOptions {
            choose: rule,
            ledger,
            quiet,
            ..
        } = *self.options;
        let (rows, _) = read(&self.logs(Whose::All)?)?;
        for sweep in &plan.sweeps {
            let of = |spec: &RouterSpec| rows.rows.iter().find(|row| self.is_of(row, spec));
            let settings = || sweep.settings.iter().map(|setting| &setting.spec);
            let found: Vec<&Row> = settings().filter_map(of).collect();
            let text = &sweep.sweep.text;
            let choice = choose(text, &found, &rows, rule, ledger)?;
            let is_it = |spec: &&RouterSpec| of(spec).is_some_and(|row| row.name == choice.chosen);
            let told = format!("sweep {text}: chose {} ({})", choice.chosen, choice.why);
            say(quiet, &told);
            chosen.extend(settings().find(is_it).cloned());
            choices.push(choice);
        }
        Ok((choices, chosen))
    }

    /// What keeps a shard from choosing among the settings of sweeps: results
    /// of other shards that are not there yet.
    fn waits(&self, plan: &Plan<'_>) -> Result<Option<String>, Failure> {
        if self.options.launch.shard.is_none() || plan.sweeps.is_empty() {
            return Ok(None);
        }
        let problems = self.whole(Over::Calibration.splits())?;
        let wanted: Vec<ProblemKey> = problems.iter().map(ProblemKey::of).collect();
        let logs = self.logs(Whose::All)?;
        let rows = match logs.is_empty() {
            true => Rows::default(),
            false => read(&logs)?.0,
        };
        let seeds = self.seeds();
        let (mut missing, mut all) = (0, 0);
        for spec in ANCHORS.iter().chain(plan.settings()) {
            let row = rows.rows.iter().find(|row| self.is_of(row, spec));
            let held = |problem: &ProblemKey, seed: u64| {
                let by_seed = row.and_then(|row| row.cells.get(problem));
                by_seed.is_some_and(|by_seed| by_seed.contains_key(&seed))
            };
            for seed in seeds.clone() {
                all += wanted.len();
                missing += wanted.iter().filter(|one| !held(one, seed)).count();
            }
        }
        Ok((missing > 0).then(|| {
            format!(
                "nothing is chosen of the sweeps yet: {missing} of {all} results on the \
                 calibration split are other shards' and not in {} yet; give every shard this \
                 command again once all have ended",
                self.options.dir.display()
            )
        }))
    }

    /// The problems of some splits, of all shards.
    fn whole(&self, splits: Option<Vec<Split>>) -> Result<Vec<Problem>, Failure> {
        let mut options = self.options(&RouterSpec::Small, self.options.launch.seed, splits);
        options.launch.shard = None;
        Ok(prepare(&options)?.problems)
    }

    /// What this shard is of the whole.
    fn part(&self) -> Result<Option<Part>, Failure> {
        let options = self.options(&RouterSpec::Small, self.options.launch.seed, None);
        Ok(prepare(&options)?.part)
    }

    /// Refuses a table without problems before anything is paid for. A shard
    /// may have none of them.
    fn needs(&mut self, over: Over) -> Result<(), Failure> {
        if !self.whole(over.splits())?.is_empty() {
            return Ok(());
        }
        let message = format!("no problem of the data set is in the {} split", over.name());
        Err(Failure::new(Exit::BadData, message).hint(
            "take more problems (`--limit`, `--problems`): the split follows from a hash of the \
             question, 20 % each are for calibration and for testing",
        ))
    }

    fn options(&self, spec: &RouterSpec, seed: u64, splits: Option<Vec<Split>>) -> SolveOptions {
        SolveOptions {
            launch: Options {
                router: Some(spec.clone()),
                seed,
                splits,
                ..self.options.launch.clone()
            },
            log: PathBuf::new(),
            resume: true,
            concurrency: self.options.concurrency,
            quiet: self.options.quiet,
        }
    }

    fn launch(
        &mut self,
        spec: &RouterSpec,
        seed: u64,
        splits: Option<Vec<Split>>,
    ) -> Result<Launch, Failure> {
        let launch = prepare(&self.options(spec, seed, splits))?;
        for warning in &launch.warnings {
            tell_once(&mut self.warned, self.options.quiet, warning);
        }
        Ok(launch)
    }

    fn seeds(&self) -> Range<u64> {
        let first = self.options.launch.seed;
        first..first.saturating_add(self.options.seeds)
    }

    /// Runs a router with every seed on the problems of some splits.
    fn run(&mut self, spec: &RouterSpec, splits: Option<Vec<Split>>) -> Result<(), Failure> {
        for seed in self.seeds() {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::new(Exit::Interrupted, "interrupted").hint(GO_ON));
            }
            self.run_once(spec, seed, splits.clone())?;
        }
        Ok(())
    }

    fn run_once(
        &mut self,
        spec: &RouterSpec,
        seed: u64,
        splits: Option<Vec<Split>>,
    ) -> Result<(), Failure> {
        let launch = self.launch(spec, seed, splits.clone())?;
        let key = launch.run.key.clone();
        let stem = format!("{}-{key}", spec.name());
        let log = self.own_log(&stem);
        let done = self.done.entry(spec.to_string()).or_default();
        done.0.insert(key.clone());
        done.1.insert(stem);
        if launch.problems.is_empty() || is_finished(&log, &launch)? {
            return Ok(());
        }
        let count = launch.problems.len();
        let what = match self.options.seeds {
            1 => format!("{spec}: {count} problems"),
            _ => format!("{spec}, seed {seed}: {count} problems"),
        };
        say(self.options.quiet, &what);
        let options = SolveOptions {
            log,
            ..self.options(spec, seed, splits)
        };
        let (warned, quiet) = (&mut self.warned, self.options.quiet);
        let mut tell = |warning: &str| tell_once(warned, quiet, warning);
        let solved = solve_prepared(&options, launch, &mut tell);
        let solved = solved.map_err(|failure| at(spec, failure))?;
        if let Some(stopped) = solved.stopped {
            return Err(at(spec, stopped).hint(GO_ON));
        }
        if solved.summary.errors > 0 {
            self.failed
                .insert(key, format!("{} of {spec}", solved.summary.errors));
        }
        Ok(())
    }

    /// The log of a run, of this shard.
    fn own_log(&self, stem: &str) -> PathBuf {
        let name = match self.options.launch.shard {
            Some(shard) => format!("{stem}-{}of{}.jsonl", shard.index(), shard.count()),
            None => format!("{stem}.jsonl"),
        };
        self.options.dir.join(name)
    }

    /// The logs of all runs that left one, those of every shard or this one's,
    /// in order of their names.
    fn logs(&self, whose: Whose) -> Result<Vec<PathBuf>, Failure> {
        let stems = self.done.values().flat_map(|(_, stems)| stems);
        let stems: BTreeSet<&str> = stems.map(String::as_str).collect();
        if let (Whose::All, Some(shard)) = (whose, self.options.launch.shard) {
            return self.logs_of_all(&stems, shard.count());
        }
        let own = stems.into_iter().map(|stem| self.own_log(stem));
        Ok(own.filter(|log| log.exists()).collect())
    }

    /// There may be any number of shards: the folder says which ran.
    fn logs_of_all(&self, stems: &BTreeSet<&str>, shards: u32) -> Result<Vec<PathBuf>, Failure> {
        let end = format!("of{shards}.jsonl");
        let is_shard = |name: &str| {
            let rest = name.strip_suffix(&end);
            let parts = rest.and_then(|rest| rest.rsplit_once('-'));
            parts.is_some_and(|(stem, index)| stems.contains(stem) && index.parse::<u32>().is_ok())
        };
        let failed = |error: std::io::Error| {
            let message = format!("cannot read {}: {error}", self.options.dir.display());
            Failure::new(Exit::Failed, message)
        };
        let mut logs = Vec::new();
        for entry in self.options.dir.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(is_shard) {
                logs.push(entry.path());
            }
        }
        logs.sort();
        Ok(logs)
    }

    fn is_of(&self, row: &Row, spec: &RouterSpec) -> bool {
        let keys = self.done.get(&spec.to_string()).map(|(keys, _)| keys);
        keys.is_some_and(|keys| !keys.is_disjoint(&row.keys))
    }
}

/// Warns of what every run would say again.
fn tell_once(warned: &mut BTreeSet<String>, quiet: bool, warning: &str) {
    if warned.insert(warning.to_owned()) {
        say(quiet, &format!("warning: {warning}"));
    }
}

/// Whether a log holds an outcome of every problem: then nothing is called, not
/// even to see whether the endpoints are there.
fn is_finished(log: &std::path::Path, launch: &Launch) -> Result<bool, Failure> {
    if log.metadata().map_or(0, |found| found.len()) == 0 {
        return Ok(false);
    }
    let held = Resume::read(log, launch)?;
    Ok(held.finished.len() == launch.problems.len())
}

/// A failure with the router at which it came.
fn at(spec: &RouterSpec, failure: Failure) -> Failure {
    Failure {
        message: format!("router `{spec}`: {}", failure.message),
        ..failure
    }
}
