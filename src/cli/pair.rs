//! `pair`: how the models inside the program were made. For its maintainers.

use std::fmt::Write;
use std::path::{Path, PathBuf};

mod scorers;

use clap::{Args, Subcommand, ValueEnum};

use crate::headless::{Exit, Failure};
use crate::pair::demo::{DEMO_SEED, DemoProblem, demo_problems, to_json_lines};
use crate::pair::language::Split;
use crate::pair::language::solution::{Author, gold};
use crate::pair::trainer::checkpoint::{CheckpointError, import, write_whole};
use crate::pair::trainer::measure::figures::Row;
use crate::pair::trainer::measure::{Plan, Report, alone, lab, measure};
use crate::pair::trainer::recipe::Recipe;
use crate::pair::trainer::release::release;
use crate::pair::trainer::run::{CurvePoint, train};

#[derive(Debug, Clone, Args)]
pub(super) struct PairArgs {
    #[command(subcommand)]
    command: PairCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum PairCommand {
    /// Print the demo problems as JSON lines
    Demo {
        /// Problems of each difficulty from 1 to 10
        #[arg(long, value_name = "N", default_value_t = 20)]
        per_difficulty: usize,
    },
    /// Print generated problems with their gold solutions
    Problems(ProblemsArgs),
    /// Train a model from scratch, or go on where its run stopped
    Train(TrainArgs),
    /// Measure a pair on held-out problems
    Measure(MeasureArgs),
    /// Teach the large model to answer the judge's prompt, or measure a judge
    Judge(scorers::JudgeArgs),
    /// Fit the process-reward head on checked drafts, and measure it on others
    Prm(scorers::PrmArgs),
    /// Put the model of a finished run where the program takes it from
    Export {
        #[arg(long)]
        role: Role,
        /// Folder of the run
        #[arg(long, value_name = "DIR")]
        run: PathBuf,
        /// Folder of the shipped pair
        #[arg(long, value_name = "DIR", default_value = "assets/pair")]
        out: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
struct ProblemsArgs {
    #[arg(long, default_value = "training")]
    split: SplitName,
    #[arg(long, value_name = "N", default_value_t = 5)]
    count: usize,
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Whose style the solutions have
    #[arg(long, default_value = "large")]
    role: Role,
    /// As a problem file: JSON lines, without solutions
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Args)]
struct TrainArgs {
    #[arg(long)]
    role: Role,
    /// Folder of the run: checkpoint, curve and state; an unfinished run in it
    /// goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Updates; every phase of the recipe in proportion [default: the recipe's]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
}

#[derive(Debug, Clone, Args)]
struct MeasureArgs {
    /// Folder of the small model
    #[arg(long, value_name = "DIR", default_value = "assets/pair/small")]
    small: PathBuf,
    /// Folder of the large model
    #[arg(long, value_name = "DIR", default_value = "assets/pair/large")]
    large: PathBuf,
    /// Only this model, alone, once, on the calibration problems
    #[arg(long, value_name = "ROLE")]
    alone: Option<Role>,
    /// Problems on which thresholds are chosen
    #[arg(long, value_name = "N", default_value_t = 300)]
    calibration: usize,
    /// Problems on which figures are reported
    #[arg(long, value_name = "N", default_value_t = 500)]
    problems: usize,
    /// Seed of the problems
    #[arg(long, value_name = "N", default_value_t = 2_026)]
    seed: u64,
    /// Decodings of every problem
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    #[arg(long, value_name = "T", default_value_t = 0.7)]
    temperature: f32,
    /// Most a chosen threshold may cost, relative to the large model alone
    #[arg(long, value_name = "C", default_value_t = 0.38)]
    cost_limit: f64,
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Also write the chosen threshold, as `assets/pair/calibration.json`
    #[arg(long, value_name = "FILE")]
    write_calibration: Option<PathBuf>,
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Small,
    Large,
}

impl From<Role> for Author {
    fn from(role: Role) -> Self {
        match role {
            Role::Small => Self::Small,
            Role::Large => Self::Large,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitName {
    Training,
    Calibration,
    Evaluation,
    Demo,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Training => Self::Training,
            SplitName::Calibration => Self::Calibration,
            SplitName::Evaluation => Self::Evaluation,
            SplitName::Demo => Self::Demo,
        }
    }
}

pub(super) fn run(args: &PairArgs) -> Result<(), Failure> {
    match &args.command {
        PairCommand::Demo { per_difficulty } => {
            super::print(&to_json_lines(&demo_problems(*per_difficulty, DEMO_SEED)))
        }
        PairCommand::Problems(args) => super::print(&problems(args)),
        PairCommand::Train(args) => run_train(args),
        PairCommand::Measure(args) => run_measure(args),
        PairCommand::Judge(args) => scorers::run_judge(args),
        PairCommand::Prm(args) => scorers::run_prm(args),
        PairCommand::Export { role, run, out } => {
            release((*role).into(), run, out).map_err(failure)
        }
    }
}

fn problems(args: &ProblemsArgs) -> String {
    let drawn = lab::problems(args.split.into(), args.count, args.seed);
    if args.json {
        let split = args.split.to_possible_value();
        let split = split.as_ref().map_or("", |name| name.get_name());
        let numbered = drawn.iter().zip(1..).map(|(problem, number)| {
            DemoProblem::new(problem, format!("{split}-{}-{number:04}", args.seed))
        });
        return to_json_lines(&numbered.collect::<Vec<_>>());
    }
    let mut text = String::new();
    for problem in drawn {
        text.push_str(&format!(
            "[{} {}] {}\n\n{}\n\n",
            problem.domain.name(),
            problem.difficulty,
            problem.question,
            gold(&problem, args.role.into()).concat()
        ));
    }
    text
}

fn run_train(args: &TrainArgs) -> Result<(), Failure> {
    let author = args.role.into();
    let mut recipe = Recipe::of(author);
    if let Some(steps) = args.steps {
        recipe = recipe.over(steps);
    }
    let all = recipe.schedule.steps;
    train(author, &recipe, &args.out, |point| tell(point, all)).map_err(failure)?;
    super::say(&format!("The model is in {}\n", args.out.display()));
    Ok(())
}

/// A point of the curve.
fn tell(point: &CurvePoint, all: u32) {
    super::say(&format!(
        "step {}/{all}  {:.1} M tokens  {:.0} s  loss {:.4}  held out {:.4}  steps right {:.3}\n",
        point.step,
        point.tokens as f64 / 1e6,
        point.seconds,
        point.loss,
        point.held_out_loss,
        point.step_accuracy
    ));
}

fn run_measure(args: &MeasureArgs) -> Result<(), Failure> {
    let model = |folder: &Path| import(folder).map_err(failure);
    if let Some(role) = args.alone {
        let network = model(if role == Role::Small {
            &args.small
        } else {
            &args.large
        })?;
        let drawn = lab::problems(Split::Calibration, args.calibration, args.seed);
        let row = alone(&network, &drawn, args.temperature, args.threads);
        return show(args.json, &row, || line(&row));
    }
    let plan = Plan {
        calibration: args.calibration,
        evaluation: args.problems,
        seed: args.seed,
        seeds: args.seeds,
        temperature: args.temperature,
        cost_limit: args.cost_limit,
        threads: args.threads,
    };
    let (small, large) = (model(&args.small)?, model(&args.large)?);
    // Minutes of work: whoever waits sees every row as it is done.
    let report = measure(&small, &large, plan, |row| super::say(&line(row)));
    if let Some(path) = &args.write_calibration {
        let text = format!("{:#}\n", report.calibration_json());
        write_whole(path, text.as_bytes()).map_err(failure)?;
    }
    show(args.json, &report, || closing(&report))
}

fn show(
    json: bool,
    value: &impl serde::Serialize,
    text: impl Fn() -> String,
) -> Result<(), Failure> {
    if !json {
        return super::print(&text());
    }
    super::print(&super::document(value, "the report")?)
}

fn line(row: &Row) -> String {
    let percent = |value: f64| 100.0 * value;
    let mut line = format!(
        "{:37} {:5.1} % [{:.1}, {:.1}]  large {:5.1} %  wrong steps {:4.1} %",
        row.name,
        percent(row.accuracy.value),
        percent(row.accuracy.from),
        percent(row.accuracy.to),
        percent(row.large_steps),
        percent(row.wrong_steps),
    );
    // Writing to a string cannot fail.
    if let Some(relative) = row.relative {
        let gap = percent(relative.gap.value);
        let _ = write!(line, "  cost {:.3}  gap {gap:5.1} %", relative.cost);
    }
    if let Some(over) = row.over_random {
        let _ = write!(
            line,
            "  over random {:.1} [{:.1}, {:.1}]",
            percent(over.value),
            percent(over.from),
            percent(over.to)
        );
    }
    line + "\n"
}

fn closing(report: &Report) -> String {
    let mut text = format!("cost ratio 2N {:.2}\n", report.cost_ratio);
    let areas = [
        ("mean max logit", report.auc_mean_max_logit),
        ("min top-1", report.auc_min_top1),
        ("min top-1 of the large model", report.large_auc_min_top1),
    ];
    for (name, area) in areas {
        let _ = writeln!(
            text,
            "AUC of {name}: {:.3} [{:.3}, {:.3}]",
            area.value, area.from, area.to
        );
    }
    for found in &report.calibration {
        let chosen = found.chosen;
        let _ = writeln!(
            text,
            "calibrated {} < {:.4}: {:.1} % at cost {:.3} on the calibration problems",
            found.signal.name(),
            chosen.threshold,
            100.0 * chosen.accuracy,
            chosen.cost
        );
    }
    text
}

fn failure(error: CheckpointError) -> Failure {
    let exit = match error {
        CheckpointError::File { .. } => Exit::Failed,
        CheckpointError::Content { .. } => Exit::BadData,
    };
    Failure::new(exit, error.to_string())
}
