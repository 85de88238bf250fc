//! The results table: runs what is missing, reads what is logged, chooses on
//! the calibration split, compares on the test split.
//!
//! `runs` solves with every router into a log of its own; `chosen` settles
//! which rows there are; `forest` adds what knowing the future would give.
//! `grid` puts figures into cells, which `text`, `markdown` and
//! `latex` lay out; `csv` keeps them as numbers. `picture` is the
//! frontier, drawn by `plot` and `chart`.

mod chart;
mod chosen;
pub mod csv;
mod forest;
mod grid;
pub mod latex;
pub mod markdown;
mod picture;
mod plot;
mod runs;
pub mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::eval::choice::{Choice, ChoiceError, Rule};
use crate::eval::outcomes::{OutcomesError, counted};
use crate::eval::published::{Published, Wanted, published};
use crate::eval::sweep::{SweepError, expand, split};
use crate::eval::table::{Over, Pairs, TableError};
use crate::eval::{Outcomes, Rows, Table};
use crate::problem::shard::Part;
use crate::trace::index::FileDamage;
use crate::train::params::CostLedger;

use super::resume::named;
use super::{Exit, Failure, Options};
use chosen::{Asked, Chosen, Setting};
pub use forest::OnForest;

/// What `eval` is asked for.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// Logs to read; where there are none the routers are run.
    pub logs: Vec<PathBuf>,
    /// Routers, as they were written; sweeps among them.
    pub routers: Vec<String>,
    /// How the routers are run; the router of it counts for nothing.
    pub launch: Options,
    /// Runs of every router, with the seeds from `launch.seed` up.
    pub seeds: u64,
    /// Folder of the logs that are made.
    pub dir: PathBuf,
    /// Most problems in flight.
    pub concurrency: usize,
    pub choose: Rule,
    pub ledger: CostLedger,
    /// The problems of the table; without a word the test split where anything
    /// was chosen, else all.
    pub over: Option<Over>,
    /// Two rows, as they were written.
    pub compare: Option<String>,
    pub all_pairs: bool,
    pub published: Vec<Wanted>,
    /// Logs of an exploration, for the oracle.
    pub forest: Vec<PathBuf>,
    pub quiet: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Where the table is of one shard alone: its part of the problems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    pub table: Table,
    /// What was chosen of each sweep.
    pub choices: Vec<Choice>,
    pub forest: Option<OnForest>,
    pub published: Vec<Published>,
    pub logs: Vec<PathBuf>,
    /// Lines of the logs that could not be read.
    pub damaged_lines: usize,
    /// Routers at which an endpoint failed, and how often.
    #[serde(skip)]
    pub failed: Vec<String>,
}

impl Evaluation {
    /// Everything that a reader has to know beside the figures.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.table.warnings
    }

    /// What the table is of, where it is of one shard alone.
    #[must_use]
    pub fn of_shard(&self) -> Option<String> {
        let part = self.part?;
        Some(format!(
            "{part}. This is no table of the whole: once every shard has run, `pointsman eval \
             --log DIR --routers ...` makes it of their logs"
        ))
    }

    /// Why not all work was done: endpoints failed.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let message = format!("problems failed at an endpoint: {}", self.failed.join(", "));
        let failure = Failure::new(Exit::Endpoint, message);
        (!self.failed.is_empty()).then(|| failure.hint("the same command tries them again"))
    }
}

/// Makes the table.
///
/// # Errors
/// Routers or sweeps that cannot be read, logs without a run, a choice or a
/// comparison that cannot be made, a run that was stopped.
pub fn eval(options: &EvalOptions) -> Result<Evaluation, Failure> {
    let asked = asked(&options.routers)?;
    let pairs = pairs(options)?;
    check_compared(options, &asked, &pairs)?;
    let swept = asked.iter().any(|one| one.sweep.is_sweep());
    let over = options.over.unwrap_or(match swept {
        true => Over::Test,
        false => Over::All,
    });
    let chosen = match options.logs.is_empty() {
        true => runs::run(options, &asked, over)?,
        false => chosen::of_logs(options, &asked)?,
    };
    finish(options, chosen, over, &pairs)
}

fn finish(
    options: &EvalOptions,
    chosen: Chosen,
    over: Over,
    pairs: &Pairs,
) -> Result<Evaluation, Failure> {
    let (mut table, fallen_back) = match (chosen.part, chosen.rows.rows.is_empty()) {
        (Some(_), true) => (Table::empty(over, options.ledger), None),
        (Some(_), false) => (of_shard(options, &chosen.rows, over)?, None),
        (None, _) => table(options, &chosen.rows, over, pairs)?,
    };
    let over = table.over;
    let mut warnings = chosen.rows.warnings;
    warnings.extend(fallen_back);
    warnings.extend(chosen.warnings);
    warnings.extend(damaged(&chosen.damages));
    if over == Over::All && !chosen.choices.is_empty() {
        let text = "the table holds the problems that settings were chosen on: its figures of \
                    them are too good; `--split test` leaves those out";
        warnings.push(text.to_owned());
    }
    if over != Over::Test {
        warnings.extend(learnt_from(&table));
    }
    let forest = match options.forest.is_empty() {
        true => None,
        false => Some(forest::of(&options.forest, over, options.ledger)?),
    };
    if let (Some(forest), Some(ground)) = (&forest, table.grounds.first())
        && forest.pool != ground.pool
    {
        warnings.push("the forest is of another pool than the rows".to_owned());
    }
    warnings.append(&mut table.warnings);
    table.warnings = warnings;
    Ok(Evaluation {
        part: chosen.part,
        table,
        choices: chosen.choices,
        forest,
        published: published(&options.published),
        logs: chosen.logs,
        damaged_lines: chosen.damages.len(),
        failed: chosen.failed,
    })
}

/// What is to be known of rows whose routers may have learnt from the problems
/// shown.
fn learnt_from(table: &Table) -> Option<String> {
    const LEARN: [&str; 4] = ["policy", "query", "steer", "percentile"];
    let rows = table.rows.iter();
    let learnt: BTreeSet<&str> = rows
        .map(|row| row.router.as_str())
        .filter(|router| LEARN.contains(router))
        .collect();
    let named: Vec<&str> = learnt.into_iter().collect();
    (!named.is_empty()).then(|| {
        format!(
            "{}: where these learnt from the train and calibration problems of this very data, \
             their figures are too good; `--split test` shows what they have not seen",
            named.join(", ")
        )
    })
}

/// The table, and a word where it is of other problems than was meant: the
/// logs of a sweep hold settings that ran on the calibration split alone
/// beside routers that ran on the test split alone.
fn table(
    options: &EvalOptions,
    rows: &Rows,
    over: Over,
    pairs: &Pairs,
) -> Result<(Table, Option<String>), Failure> {
    let of = |over| Table::of(rows, over, options.ledger, pairs);
    match of(over) {
        Err(error @ TableError::NothingInCommon { .. }) if options.over.is_none() => {
            let Ok(table) = of(Over::Test) else {
                return Err(error.into());
            };
            let text = "not all rows have a problem in common: the table is of the test split";
            Ok((table, Some(text.to_owned())))
        }
        found => Ok((found?, None)),
    }
}

/// The table of a shard's own part, without comparisons: of so few problems
/// there may be none of the split, or none in common.
fn of_shard(options: &EvalOptions, rows: &Rows, over: Over) -> Result<Table, Failure> {
    match Table::of(rows, over, options.ledger, &Pairs::Given(Vec::new())) {
        Err(TableError::NoProblem { .. } | TableError::NothingInCommon { .. }) => {
            Ok(Table::empty(over, options.ledger))
        }
        found => Ok(found?),
    }
}

/// The routers that are asked for, every setting of them checked.
fn asked(routers: &[String]) -> Result<Vec<Asked>, Failure> {
    if routers.is_empty() {
        return Ok(Vec::new());
    }
    let specs = split(routers)?;
    specs
        .iter()
        .map(|text| {
            let sweep = expand(text)?;
            let setting = |written: &String| -> Result<Setting, Failure> {
                Ok(Setting {
                    spec: written.parse()?,
                    written: written.clone(),
                })
            };
            let settings = sweep.settings.iter().map(setting);
            let settings = settings.collect::<Result<_, _>>()?;
            Ok(Asked { sweep, settings })
        })
        .collect()
}

/// Refuses a comparison with a row that there cannot be, before anything is
/// run for it.
fn check_compared(options: &EvalOptions, asked: &[Asked], pairs: &Pairs) -> Result<(), Failure> {
    let Pairs::Given(named) = pairs else {
        return Ok(());
    };
    // What logs hold is known once they are read.
    if !options.logs.is_empty() {
        return Ok(());
    }
    let settings = asked.iter().flat_map(|one| &one.settings);
    let mut rows: BTreeSet<String> = settings.map(|setting| setting.spec.to_string()).collect();
    // A router's name is its only row; of a sweep one setting is left.
    let routers = asked.iter().filter_map(|one| one.settings.first());
    rows.extend(routers.map(|setting| setting.spec.name().to_owned()));
    rows.extend(["small", "large"].map(str::to_owned));
    for name in named.iter().flat_map(|(a, b)| [a, b]) {
        // A row is named by its spec as it is printed.
        let printed = name.parse::<crate::router::RouterSpec>();
        let printed = printed.map_or_else(|_| name.clone(), |spec| spec.to_string());
        if !rows.contains(name) && !rows.contains(&printed) {
            let known: Vec<&str> = rows.iter().map(String::as_str).collect();
            return Err(
                Failure::usage(format!("--compare {name}: there will be no such row"))
                    .hint(format!("known are {}", known.join(", "))),
            );
        }
    }
    Ok(())
}

fn pairs(options: &EvalOptions) -> Result<Pairs, Failure> {
    let Some(text) = &options.compare else {
        return Ok(match options.all_pairs {
            true => Pairs::All,
            false => Pairs::Default,
        });
    };
    match split(&[text])?.as_slice() {
        [a, b] => Ok(Pairs::Given(vec![(a.clone(), b.clone())])),
        found => Err(Failure::usage(format!(
            "--compare {text}: two rows are compared, not {}",
            found.len()
        ))
        .hint("e.g. `--compare policy,large`")),
    }
}

/// Rows of logs.
fn read(paths: &[PathBuf]) -> Result<(Rows, Outcomes), Failure> {
    let outcomes = Outcomes::read(paths)?;
    Ok((Rows::of(&outcomes), outcomes))
}

fn damaged(damages: &[FileDamage]) -> Option<String> {
    let named = named(damages)?;
    Some(format!(
        "{}, {named}",
        counted(damages.len(), "damaged line")
    ))
}

/// Writes the frontier as SVG.
///
/// # Errors
/// Nothing that could be drawn; what the drawing library or the disk says.
pub fn write_plot(evaluation: &Evaluation, path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let Some(picture) = picture::of(evaluation) else {
        let message = format!(
            "{shown}: there is nothing to draw: no row has a cost relative to \
                               the large model alone"
        );
        return Err(Failure::new(Exit::BadData, message)
            .hint("let `large` be among the rows, and every model have `params` or `price`"));
    };
    let text = plot::draw(&picture)
        .map_err(|error| Failure::new(Exit::Failed, format!("{shown}: cannot draw: {error}")))?;
    crate::trace::atomic::write_atomically(path, text.as_bytes())
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot write {shown}: {error}")))
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<OutcomesError> for Failure {
    fn from(error: OutcomesError) -> Self {
        match error {
            OutcomesError::Log(error) => error.into(),
            none @ OutcomesError::NoRun { .. } => Self::new(Exit::BadData, none.to_string())
                .hint("`pointsman solve --log FILE` makes one, and `eval --routers` many"),
        }
    }
}

impl From<ChoiceError> for Failure {
    fn from(error: ChoiceError) -> Self {
        let exit = match error {
            ChoiceError::NoSetting { .. } => Exit::Usage,
            ChoiceError::NoProblem { .. }
            | ChoiceError::Ungraded { .. }
            | ChoiceError::NoCost { .. } => Exit::BadData,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        let exit = match error {
            TableError::NoRow { .. } => Exit::Usage,
            TableError::NoProblem { .. }
            | TableError::NothingInCommon { .. }
            | TableError::Pair(_) => Exit::BadData,
        };
        Self::new(exit, error.to_string())
    }
}
