//! A forest that grows while it is learnt from: where a policy comes to a
//! prefix that not all models have continued, they are asked, and the answers
//! are kept in the exploration's log.

use std::collections::HashMap;
use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::runtime::Runtime;

use crate::headless::drive::Shared;
use crate::headless::journal::Journal;
use crate::headless::opening::{prepare_log, probe_note};
use crate::headless::scoring::Scoring;
use crate::headless::solve::runtime;
use crate::headless::stop::{RESUME, Stop};
use crate::headless::watch::{Missing, Notices};
use crate::headless::{Exit, Failure, Launch, Options, capability};
use crate::problem::Problem;
use crate::session::Settings;
use crate::session::forest::{Forest, Shape};
use crate::signal::confidence::Source;
use crate::trace::record::{Record, RunRecord};
use crate::train::forest::{Forest as Learnt, ProblemForest, Step};
use crate::train::rollout::Grower;

use super::grow::{Grown, Meter, grow};
use super::held::Held;
use super::{ExploreOptions, is_paid};

/// The exploration, open for going on with it.
pub struct Demand {
    runtime: Runtime,
    shared: Shared,
    /// Listens for signals as long as calls may be made.
    _watching: tokio::task::JoinHandle<()>,
    head: RunRecord,
    settings: Settings,
    shape: Shape,
    held: Held,
    problems: HashMap<String, Problem>,
    /// Forests that were asked for, with everything recorded of them.
    open: HashMap<String, (Forest, Vec<Record>)>,
    meter: Meter,
    signal: Source,
    /// Steps that the forest may have at most.
    most: usize,
}

impl Demand {
    /// Opens the exploration of `options`, which is whole, for at most `most`
    /// steps.
    ///
    /// # Errors
    /// Those of preparing a run, of the log, of endpoints that do not answer.
    pub fn open(options: &ExploreOptions, signal: Source, most: usize) -> Result<Self, Failure> {
        let mut launch = Launch::prepare(&Options {
            concurrency: Some(options.concurrency),
            exploration: Some(options.exploration),
            ..options.launch.clone()
        })?;
        let shape = options.exploration.shape;
        let sync = is_paid(&launch.run);
        let opened = prepare_log(&options.log, true, sync, |path| {
            Held::read(path, &launch, shape)
        })?;
        let Some((held, mut writer)) = opened else {
            let message = format!("{}: the exploration is gone", options.log.display());
            return Err(Failure::new(Exit::Failed, message));
        };
        launch.adopt(held.run.clone());
        let runtime = runtime()?;
        let stop = Arc::new(Stop::new(RESUME));
        let watching = {
            let _on = runtime.enter();
            stop.watch()
        };
        let probed = runtime.block_on(capability::probe(&launch))?;
        // The exploration before it warned of what is odd.
        capability::check(&launch.run, &probed)?;
        writer.append(&[probe_note(&launch.run, &probed)?])?;
        Ok(Self {
            shared: Shared {
                endpoints: launch.endpoints.clone(),
                log: Journal::heard(writer)?,
                stop,
                grading: None,
                scoring: Scoring::default(),
                missing: Missing::of(&launch.run),
                notices: Notices::default(),
            },
            runtime,
            _watching: watching,
            head: held.run.clone(),
            settings: launch.settings.clone(),
            shape,
            held,
            problems: launch
                .problems
                .into_iter()
                .map(|p| (p.id.clone(), p))
                .collect(),
            open: HashMap::new(),
            meter: Meter::new(ProgressBar::hidden()),
            signal,
            most,
        })
    }

    /// Has every model continue a prefix, and keeps what follows from it.
    fn visit(&mut self, problem: &str, step: &Step) -> Result<ProblemForest, Failure> {
        if !self.open.contains_key(problem) {
            let known = self.problems.get(problem).ok_or_else(|| {
                Failure::usage(format!(
                    "problem `{problem}` is not among the problems given"
                ))
            })?;
            let records = self.held.records(problem)?;
            let forest = Forest::open(
                self.settings.clone(),
                known.clone(),
                self.shape,
                records.clone(),
            );
            self.open.insert(problem.to_owned(), (forest, records));
        }
        let Some((forest, records)) = self.open.get_mut(problem) else {
            // Put there above.
            return Err(Failure::new(Exit::Failed, "the forest is gone"));
        };
        forest.demand(step.id.clone());
        let grown = self
            .runtime
            .block_on(grow(&self.shared, forest, &self.meter))?;
        records.extend(self.shared.log.take_heard());
        match grown {
            Grown::Whole => {}
            Grown::Stopped => {
                let reason = self.shared.stop.reason();
                return Err(
                    reason.unwrap_or_else(|| Failure::new(Exit::Interrupted, "interrupted"))
                );
            }
            Grown::Failed(message) => {
                return Err(Failure::new(Exit::Endpoint, message)
                    .hint("everything finished is saved; `--resume` goes on with it"));
            }
        }
        let found = Learnt::of_records(&self.head, problem, records.clone(), self.signal)?;
        found.ok_or_else(|| {
            let message = format!("problem `{problem}`: its forest is not whole after growing");
            Failure::new(Exit::Failed, message)
        })
    }
}

impl Grower for Demand {
    fn grow(
        &mut self,
        problem: &str,
        step: &Step,
        steps: usize,
    ) -> Result<Option<ProblemForest>, Box<dyn std::error::Error>> {
        if steps >= self.most {
            return Ok(None);
        }
        Ok(Some(self.visit(problem, step)?))
    }
}
