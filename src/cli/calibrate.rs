//! `calibrate`: what routers read from a file, without training.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::headless::Failure;
use crate::headless::calibrate::{
    CalibrateOptions, EncoderName, Made, QueryOptions, StepsOptions, calibrate, percentile, query,
    steer,
};
use crate::problem::split::Split;
use crate::router::query::{Label, Recipe};
use crate::signal::confidence::{Domain, Source};

/// Set what a router decides by from what was measured, without training
#[derive(Debug, Clone, Args)]
pub(super) struct CalibrateArgs {
    #[command(subcommand)]
    command: CalibrateCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum CalibrateCommand {
    /// Set κ of a trained policy for another alpha
    ///
    /// From the scores that were kept with the policy: one for each problem of
    /// the calibration split, the largest κ up to which no threshold misses a
    /// step judged wrong. The guarantee is printed; an alpha that so few
    /// problems cannot support is refused.
    Policy(PolicyArgs),
    /// Fit the mixtures that `steer` decides by, from logs
    ///
    /// For each step index, two normal distributions are fitted to the
    /// confidences of the steps in the logs: of unconfident and of confident
    /// ones. Steps that end a trajectory and the answers of a reference run are
    /// left out; of a problem in several runs each counts, but of runs of the same router and seed
    /// (a shard that ran twice) only the last. The file belongs to the pool of the logs.
    Steer(StepsArgs),
    /// Take the percentiles that `percentile` decides by, from logs
    ///
    /// For each step index and every confidence, of the same steps as `steer`.
    Percentile(StepsArgs),
    /// Train the network that `query` reads questions by, on logs of both
    /// models alone
    ///
    /// The logs are of `solve --router small` and `solve --router large` over
    /// the same problems, with several seeds each: the shares of right answers
    /// are what is learnt. The network learns from the train split, scores of
    /// the calibration split turn a wanted share of the large model into a
    /// threshold, the test split is not looked at.
    Query(QueryArgs),
}

#[derive(Debug, Clone, Args)]
struct QueryArgs {
    /// Logs of `solve` with the routers `small` and `large`, or folders of them
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    log: Vec<PathBuf>,
    /// Pool of the logs [default: the embedded pair]
    #[arg(long, value_name = "FILE")]
    pool: Option<PathBuf>,
    /// How questions become numbers [default: hidden where the cheapest model
    /// runs in this process, embeddings where the pool has some, else ngrams]
    #[arg(long)]
    encoder: Option<Encoder>,
    /// What is learnt: gain, how often the large model does better; or
    /// difficulty, how often the small one fails
    #[arg(long, default_value = "gain")]
    label: LabelName,
    /// Seed of the training
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// New folder for the model; without one it is only told
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
    /// No progress bar, no warnings
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoder {
    Hidden,
    Embeddings,
    Ngrams,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LabelName {
    Gain,
    Difficulty,
}

#[derive(Debug, Clone, Args)]
struct PolicyArgs {
    /// Folder of the policy [default: the one that ships with the program]
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Tolerated probability of a miss
    #[arg(long, value_name = "A", allow_negative_numbers = true, required = true)]
    alpha: f64,
    /// New folder for the policy with this κ; without one it is only told
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Args)]
struct StepsArgs {
    /// Logs of `solve`, `inspect` or `explore`, or folders of them
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    log: Vec<PathBuf>,
    /// Problems to take [default: those of the calibration and the train split]
    #[arg(long)]
    split: Option<SplitName>,
    /// Confidence to fit: prob, sampled, logit, mean-prob, entropy, or one of
    /// them over all tokens (general-prob …); `percentile` takes all, and shows
    /// this one [default: logit; for `percentile` prob, or what there is]
    #[arg(long, value_name = "SIGNAL")]
    signal: Option<Source>,
    /// Tokens it is over: math or general (all)
    #[arg(long)]
    domain: Option<Domain>,
    /// Seed of the starts of the fits
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// New file for it; without one it is only told
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
}

/// The splits of problems that steps are taken from.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SplitName {
    Calibration,
    Train,
    /// The test split too.
    All,
}

impl StepsArgs {
    fn options(&self, signal: Source) -> Result<StepsOptions, Failure> {
        let signal = self.signal.unwrap_or(signal).within(self.domain);
        let splits: &[Split] = match self.split {
            None => &[Split::Train, Split::Calibration],
            Some(SplitName::Calibration) => &[Split::Calibration],
            Some(SplitName::Train) => &[Split::Train],
            Some(SplitName::All) => &Split::ALL,
        };
        Ok(StepsOptions {
            logs: self.log.clone(),
            splits: splits.to_vec(),
            signal: signal.map_err(|error| Failure::usage(error.to_string()))?,
            seed: self.seed,
            out: self.out.clone(),
        })
    }
}

pub(super) fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    match &args.command {
        CalibrateCommand::Policy(args) => of_policy(args),
        CalibrateCommand::Query(args) => of_query(args),
        CalibrateCommand::Steer(args) => {
            let made = steer(&args.options(Source::Logit)?)?;
            tell(args, &made, || made.to_text())
        }
        CalibrateCommand::Percentile(args) => {
            let options = args.options(Source::Prob)?;
            let made = percentile(&options)?;
            let shown = made.shown(options.signal);
            if shown != options.signal && args.signal.is_some() {
                super::say(&format!(
                    "warning: no step in the logs has the confidence `{}`: `{shown}` is shown\n",
                    options.signal
                ));
            }
            tell(args, &made, || made.to_text(shown))
        }
    }
}

fn of_query(args: &QueryArgs) -> Result<(), Failure> {
    let trained = query(&QueryOptions {
        logs: args.log.clone(),
        pool: args.pool.clone(),
        encoder: args.encoder.map(|encoder| match encoder {
            Encoder::Hidden => EncoderName::Hidden,
            Encoder::Embeddings => EncoderName::Embeddings,
            Encoder::Ngrams => EncoderName::Ngrams,
        }),
        recipe: Recipe {
            label: match args.label {
                LabelName::Gain => Label::Gain,
                LabelName::Difficulty => Label::Difficulty,
            },
            seed: args.seed,
            ..Recipe::default()
        },
        out: args.out.clone(),
        quiet: args.quiet,
    })?;
    for warning in trained.warnings.iter().filter(|_| !args.quiet) {
        super::say(&format!("warning: {warning}\n"));
    }
    super::print(&match args.json {
        true => super::document(&trained, "the result")?,
        false => trained.to_text(),
    })
}

fn tell<K: serde::Serialize>(
    args: &StepsArgs,
    made: &Made<K>,
    text: impl Fn() -> String,
) -> Result<(), Failure> {
    for warning in &made.warnings {
        super::say(&format!("warning: {warning}\n"));
    }
    super::print(&match args.json {
        true => super::document(made, "the calibration")?,
        false => text(),
    })
}

fn of_policy(args: &PolicyArgs) -> Result<(), Failure> {
    let found = calibrate(&CalibrateOptions {
        policy: args.policy.clone(),
        alpha: args.alpha,
        out: args.out.clone(),
    })?;
    let text = match args.json {
        true => super::document(&found, "the result")?,
        false => found.to_text(),
    };
    super::print(&text)
}
