//! `train`: a policy from a forest.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::headless::Failure;
use crate::headless::explore::ExploreOptions;
use crate::headless::train::{FOREST, OnDemand, Source, TrainOptions, grown, train, watch_signals};
use crate::signal::confidence;
use crate::train::params::{CostLedger, Escalation, Params, Reference};
use crate::train::scores::Scores;

use super::explore::GrowArgs;
use super::options::RunArgs;
use super::training;

/// Train a threshold policy on a forest
///
/// A policy π(a|o) and its threshold κ are learnt together (threshold-
/// constrained policy optimisation): least cost, such that the probability of
/// "routed wrong and the large model right" stays at most alpha.
///
/// Without `--forest` one is grown first, as `explore` grows it: on the
/// embedded pair and its demo problems, or on a pool and problems of your own.
/// What that will take is told before it starts; what its log holds already is
/// not paid for again. Training then makes no call: the forest holds every
/// continuation.
///
/// It learns on the train split; κ is then recalibrated on the calibration
/// split, with a finite-sample guarantee, and the figures of the report are
/// computed on the test split.
///
/// The folder holds the policy (`policy.safetensors`, `policy.json`), every
/// iteration (`training.jsonl`), the report (`report.md`, `report.json`) with
/// its plots, and what `--resume` goes on from; a resumed run gives the same
/// policy, to the last bit.
#[derive(Debug, Clone, Args)]
pub(super) struct TrainArgs {
    /// Logs of one exploration, or folders of them [default: one is grown]
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["pool", "problems",
          "problem", "router", "limit", "references", "branches", "max_nodes", "epsilon",
          "concurrency", "log", "temperature", "top_p", "max_tokens", "max_steps"])]
    forest: Vec<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    grow: GrowArgs,
    /// Log of the forest that is grown, or gone on with [default: forest.jsonl
    /// in the folder of the run]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Steps that may be added to the forest on demand, where the policy comes
    /// to a prefix that not all models have continued, and as many again to
    /// calibrate it; without any it goes on there as the exploration did, and
    /// the weights of the rollout say so
    #[arg(long, value_name = "N", conflicts_with = "forest")]
    on_demand: Option<usize>,
    /// Begin without asking
    #[arg(long, short)]
    yes: bool,
    /// Folder of the run
    #[arg(long, value_name = "DIR", required = true)]
    out: PathBuf,
    /// Go on with the run in the folder
    #[arg(long)]
    resume: bool,
    /// Tolerated probability of a joint miss
    #[arg(long, value_name = "A", default_value_t = Params::default().alpha,
          allow_negative_numbers = true)]
    alpha: f64,
    /// Count alpha from the A/A floor up, which no router can be better than
    #[arg(long)]
    above_floor: bool,
    /// Confidence to learn from [default: the one that the exploration saw]
    #[arg(long, value_name = "SIGNAL", value_parser = trained_signal)]
    signal: Option<confidence::Source>,
    /// Ledger whose cost is minimised
    #[arg(long, default_value = "published")]
    ledger: LedgerName,
    /// Whether control may come back from the large model
    #[arg(long, default_value = "per-step")]
    escalation: EscalationName,
    /// What counts as the large model's own answer
    #[arg(long, default_value = "probability")]
    reference: ReferenceName,
    /// What the policy reads, separated by commas: confidence, step, difficulty,
    /// has_answer, tokens, writer_0 … [default: all but the difficulty]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    features: Vec<String>,
    /// Steps of the policy, each on one batch of rollouts
    #[arg(long, value_name = "N", default_value_t = Params::default().iterations)]
    iterations: u32,
    /// Problems an iteration [default: 20; 5 with `--paper`]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// The constants of the paper, as they are written, in place of those
    /// that reach the optimum where it is known
    #[arg(long)]
    paper: bool,
    /// Any other parameter, as it is called in `policy.json`, e.g.
    /// `eta-decay=0.6`
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Show the run on a screen while it goes on
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    watch: bool,
    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LedgerName {
    Published,
    Full,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EscalationName {
    PerStep,
    Absorbing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReferenceName {
    Single,
    Majority,
    Probability,
}

impl TrainArgs {
    fn source(&self) -> Source {
        match self.forest.is_empty() {
            true => Source::Grow(Box::new(self.exploration())),
            false => Source::Logs(self.forest.clone()),
        }
    }

    fn exploration(&self) -> ExploreOptions {
        let log = self.log.clone().unwrap_or_else(|| self.out.join(FOREST));
        ExploreOptions {
            // What the log holds was paid for.
            resume: true,
            for_training: true,
            yes: self.yes,
            quiet: self.quiet,
            ..self.grow.options(&self.run, log)
        }
    }

    fn params(&self) -> Result<Params, Failure> {
        let base = match self.paper {
            true => Params::default(),
            false => Params::settling(self.alpha),
        };
        let batch = self.batch.unwrap_or(base.batch);
        let params = Params {
            alpha: self.alpha,
            iterations: self.iterations,
            batch,
            constraint_window: base.constraint_window.max(batch),
            escalation: match self.escalation {
                EscalationName::PerStep => Escalation::PerStep,
                EscalationName::Absorbing => Escalation::Absorbing,
            },
            ledger: match self.ledger {
                LedgerName::Published => CostLedger::Published,
                LedgerName::Full => CostLedger::Full,
            },
            reference: match self.reference {
                ReferenceName::Single => Reference::Single,
                ReferenceName::Majority => Reference::Majority,
                ReferenceName::Probability => Reference::Probability,
            },
            features: self.features.clone(),
            seed: self.run.seed(),
            ..base
        };
        let params = self
            .set
            .iter()
            .try_fold(params, |params, set| with(&params, set))?;
        let checked = params
            .check()
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Params::clone(&checked))
    }
}

/// A confidence that policies are trained on.
fn trained_signal(text: &str) -> Result<confidence::Source, String> {
    let mut known = confidence::Source::TRAINED.into_iter();
    known
        .find(|source| source.name() == text)
        .ok_or_else(|| format!("unknown confidence source {text:?}: use prob, sampled or logit"))
}

/// Parameters with one of them set by its name.
fn with(params: &Params, set: &str) -> Result<Params, Failure> {
    let refuse = |why: String| Failure::usage(format!("--set {set}: {why}"));
    let (name, value) = set
        .split_once('=')
        .ok_or_else(|| refuse("write it as NAME=VALUE".to_owned()))?;
    if name == "floor" {
        return Err(refuse(
            "it is measured; `--above-floor` counts alpha from it up".to_owned(),
        ));
    }
    let mut all = serde_json::to_value(params).map_err(|error| refuse(error.to_string()))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    match all.as_object_mut() {
        Some(known) if known.contains_key(name) => known.insert(name.to_owned(), value),
        known => {
            let names = known.into_iter().flat_map(|known| known.keys().cloned());
            let names: Vec<String> = names.collect();
            return Err(refuse(format!(
                "no such parameter; there are {}",
                names.join(", ")
            )));
        }
    };
    serde_json::from_value(all).map_err(|error| refuse(error.to_string()))
}

pub(super) fn run(args: &TrainArgs) -> Result<(), Failure> {
    if args.watch {
        // Before anything is paid for.
        training::needs_screen()?;
    }
    let mut options = TrainOptions {
        source: args.source(),
        on_demand: args.on_demand.map(|steps| OnDemand {
            exploration: Box::new(args.exploration()),
            steps,
        }),
        out: args.out.clone(),
        resume: args.resume,
        params: args.params()?,
        above_floor: args.above_floor,
        signal: args.signal,
        stop: Arc::default(),
        command: super::command_line(),
        quiet: args.quiet || args.watch,
    };
    // Whoever is asked about the price is asked before the screen is taken,
    // and before a signal means "save and stop".
    options.source = Source::Logs(grown(&options)?);
    watch_signals(&options.stop)?;
    let trained = match args.watch {
        true => training::watch(options)?,
        false => train(&options)?,
    };
    if !args.json {
        return super::print(&trained.text);
    }
    let document = json!({
        "out": trained.out,
        "kappa": trained.kappa,
        "recalibration": trained.recalibration.as_ref().ok(),
        "not_recalibrated": trained.recalibration.as_ref().err(),
        "calibration_caveats": trained.scores.as_ref().map(Scores::caveats),
        "report": trained.report.as_ref().ok(),
        "not_measured": trained.report.as_ref().err(),
    });
    super::print(&super::document(&document, "the result")?)
}
