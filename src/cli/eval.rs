//! `eval`: the results table.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::eval::choice::Rule;
use crate::eval::outcomes::SOLVE;
use crate::eval::published::Wanted;
use crate::eval::table::Over;
use crate::headless::eval::{
    EvalOptions, Evaluation, csv, eval, latex, markdown, text, write_plot,
};
use crate::headless::plain::plain;
use crate::headless::{Failure, Grader, Options};
use crate::model::scorer::GradeMode;
use crate::problem::shard::Shard;
use crate::train::params::CostLedger;

use super::options::{at_least_one, tell_of_array};

/// Compare routers: the results table
///
/// Of logs (`--log F…`, files or folders), or of routers (`--routers A,B,C`),
/// which are run on the problems first: each with each seed into a log of its
/// own in `--dir`; what is there already is not paid for again, and an
/// interrupted command goes on when it is given again. `small` and `large` are
/// always run along. With both, the routers name the rows to show.
///
/// A router may be swept over a range or a list: `threshold:t=0.1..0.9/0.1`,
/// `random:p=0.2|0.5`. All settings run on the calibration split, one is chosen
/// there (`--choose`), and only that one runs on the test split, which the
/// table is then of. The choice is printed with the figures it was made by.
///
/// Columns:
///   method       the router with its parameters, one row over all seeds
///   external     models it asks beside the pool (a PRM, a judge)
///   accuracy     correct / (correct + wrong); 95 % interval: Wilson's for one
///                seed, a bootstrap over problems for several
///   cost         mean of a problem in the published ledger: output tokens of
///                the kept steps, as the papers count
///   full cost    everything that was paid for (≤: an upper bound, where the
///                server does not tell cached tokens)
///   A/C          percent right by 1e12 FLOPs; with prices the share right by
///                0.01 of the currency (a US cent)
///   cost/large   relative to the large model alone, on the same problems
///   PGR          share of the accuracy gap between small and large recovered
///   CPT50/80/95  least cost/large at which settings of this router, mixed
///                problem by problem, recover 50, 80, 95 % of the gap
///   large        share of the kept steps by the last model of the pool
///   cut off      step cap, repetition, empty steps, full context
///   ungraded     neither right nor wrong: no gold answer, an answer that
///                cannot be judged, or an endpoint that failed; never counted
///                as wrong
///   failed       of these, ended by an endpoint's failure
///
/// Where rows cover different problems every figure is over those that all
/// have, which is said, and no paired test is made of them.
///
/// On many machines: with `--shard I/N` each of N jobs runs its part of the
/// problems, by a hash of their ids, into logs of its own in `--dir`, a folder
/// that all share. What is printed then is of that part alone; the table of all
/// is made once every shard has run:
///   pointsman eval --log DIR --routers A,B,C
/// With sweeps it takes two rounds, for a setting is chosen by the results of
/// all shards: the first round ends before the choice; when every shard has
/// ended, the same commands are given again, and run what was chosen on the
/// test split. Then the table.
///
/// Paired tests: McNemar's exact test for one seed (an exact sign test over
/// problems for several), with p by Holm's method over all tests made, and the
/// differences with 95 % bootstrap intervals.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct EvalArgs {
    /// Logs of `solve`, or folders of them: nothing is run
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "routers")]
    log: Vec<PathBuf>,
    /// Routers to run, or rows of the logs to show: specs, separated by commas
    /// or semicolons; a sweep as `threshold:t=0.1..0.9/0.1` or `t=0.5|0.7`
    #[arg(long, value_name = "SPECS")]
    routers: Vec<String>,
    /// Data set [default: the demo problems]
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    problems: Option<PathBuf>,
    /// Only the first N problems
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "log")]
    limit: Option<usize>,
    /// Run only one part of these problems, e.g. 2/4 for the second of four;
    /// `--log` makes the table of all parts
    #[arg(long, value_name = "I/N", conflicts_with_all = ["log", "plot", "compare", "all_pairs",
          "published", "forest"])]
    shard: Option<Shard>,
    /// Pool of models [default: the embedded pair]
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    pool: Option<PathBuf>,
    /// Runs of every router, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "log",
          value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "log")]
    seed: u64,
    /// Folder of the logs that are made
    #[arg(
        long,
        value_name = "DIR",
        default_value = "pointsman-eval",
        conflicts_with = "log"
    )]
    dir: PathBuf,
    /// Most problems in flight
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one,
          conflicts_with = "log")]
    concurrency: usize,
    /// Who grades: rules, llm, or rules-then-llm [default: as the pool says]
    #[arg(long, value_name = "MODE", conflicts_with = "log")]
    grader: Option<GradeMode>,
    /// How a setting of a sweep is chosen on the calibration split: `gap=S`
    /// (the cheapest that recovers the share S of the gap between the models
    /// alone, else the most accurate), `accuracy`, `ac`
    #[arg(long, value_name = "RULE", default_value_t = Rule::default())]
    choose: Rule,
    /// Ledger that decides: A/C, relative costs, the choice
    #[arg(long, default_value = "published")]
    ledger: LedgerName,
    /// Problems of the table [default: test where anything is swept, else all]
    #[arg(long)]
    split: Option<SplitName>,
    /// Test these two rows [default: every row against the policy where there
    /// is one, else against large]
    #[arg(long, value_name = "A,B", conflicts_with = "all_pairs")]
    compare: Option<String>,
    /// Test every two rows
    #[arg(long)]
    all_pairs: bool,
    /// Draw the frontier into this file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Rows that the papers published, beside ours: gsm8k, math500, omnimath,
    /// all
    #[arg(long, value_name = "SETS", value_delimiter = ',')]
    published: Vec<Wanted>,
    /// Logs of an exploration: adds the oracle and the line of chance
    #[arg(long, value_name = "FILE", num_args = 1..)]
    forest: Vec<PathBuf>,
    /// Print everything as one JSON document
    #[arg(long, group = "format")]
    json: bool,
    /// Print the rows as comma-separated values, with all digits
    #[arg(long, group = "format")]
    csv: bool,
    /// Print Markdown
    #[arg(long, group = "format")]
    markdown: bool,
    /// Print LaTeX tables (booktabs)
    #[arg(long, group = "format")]
    latex: bool,
    /// No progress, no warnings on stderr
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LedgerName {
    Published,
    Full,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SplitName {
    Test,
    All,
    Calibration,
}

impl EvalArgs {
    fn options(&self) -> EvalOptions {
        EvalOptions {
            logs: self.log.clone(),
            routers: self.routers.clone(),
            launch: Options {
                // What it makes are runs of `solve`, with which they go on.
                command: SOLVE.to_owned(),
                who: SOLVE.to_owned(),
                problems: self.problems.clone(),
                limit: self.limit,
                shard: self.shard,
                pool: self.pool.clone(),
                seed: self.seed,
                grader: self.grader.map_or(Grader::Pool, Grader::Mode),
                ..Options::default()
            },
            seeds: self.seeds,
            dir: self.dir.clone(),
            concurrency: self.concurrency,
            choose: self.choose,
            ledger: match self.ledger {
                LedgerName::Published => CostLedger::Published,
                LedgerName::Full => CostLedger::Full,
            },
            over: self.split.map(|split| match split {
                SplitName::Test => Over::Test,
                SplitName::All => Over::All,
                SplitName::Calibration => Over::Calibration,
            }),
            compare: self.compare.clone(),
            all_pairs: self.all_pairs,
            published: self.published.clone(),
            forest: self.forest.clone(),
            quiet: self.quiet,
        }
    }

    fn printed(&self, evaluation: &Evaluation) -> Result<String, Failure> {
        if self.json {
            return super::document(evaluation, "the results");
        }
        let text = match (self.csv, self.markdown, self.latex) {
            (true, ..) => csv::csv(evaluation),
            (_, true, _) => markdown::markdown(evaluation),
            (.., true) => latex::latex(evaluation),
            _ => text::text(evaluation, super::columns()),
        };
        Ok(plain(&text).into_owned())
    }
}

pub(super) fn run(args: &EvalArgs) -> Result<(), Failure> {
    if args.log.is_empty() {
        tell_of_array(args.shard, args.quiet);
    }
    let evaluation = eval(&args.options())?;
    // The other formats have no place for notes.
    if !args.quiet && (args.csv || args.json || args.latex) {
        for warning in evaluation.of_shard().iter().chain(evaluation.warnings()) {
            super::say(&format!("warning: {warning}\n"));
        }
    }
    super::print(&args.printed(&evaluation)?)?;
    if let Some(path) = &args.plot {
        write_plot(&evaluation, path)?;
    }
    evaluation.failure().map_or(Ok(()), Err)
}
