//! `export`: a log in the formats of others, and pictures of it.

mod formats;
mod output;
mod picture;
mod view;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use serde_json::{Map, Value};

use crate::counts::counted;
use crate::eval::regret::Regrets;
use crate::headless::Failure;
use crate::headless::export::{Chosen, Selection};
use crate::survey::{self, Survey};
use crate::trace::Log;
use crate::trace::export::table::Of;
use crate::trace::side::with_sides;
use crate::tui::sessions;

use output::{Outputs, Written};
pub(super) use output::{failed, is_there, write};
use picture::Picture;
use view::ViewArgs;

/// Write a log as tables, documents, spans or pictures
///
/// Tables (--csv, --parquet) of steps, decisions, outcomes, scores or labels;
/// documents (--markdown, --html) for people; spans for OpenTelemetry (--otel);
/// a log for Inspect (--inspect); pictures (--svg) of a screen and recordings
/// (--cast) of a trajectory. Several at once are written in one pass.
///
/// Tables and spans leave out what a model wrote unless --content asks for it;
/// documents, Inspect logs and pictures are of it. No file is written over but
/// by --force (a picture, which can be made again, always is), and none is in
/// its place before all of them are written. `-` writes to stdout.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("output").required(true).multiple(true))]
#[command(group = ArgGroup::new("picture").multiple(true))]
pub(super) struct ExportArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Only the trajectories of this problem; of a picture the one it shows,
    /// the first of the log where not given
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Only this run, by the beginning of its id
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Only the trajectories that fulfil an expression, also in pictures of
    /// `problems` and `analysis`; `replay --filter help` lists the names
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    filter: Option<String>,
    /// At most so many trajectories
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// A table as comma-separated values
    #[arg(long, value_name = "FILE", group = "output")]
    csv: Option<PathBuf>,
    /// A table as a Parquet file (where built with the feature `parquet`)
    #[arg(long, value_name = "FILE", group = "output")]
    parquet: Option<PathBuf>,
    /// What the table has a row for [default: steps]
    #[arg(long, value_enum, value_name = "KIND")]
    of: Option<Rows>,
    /// A page of Markdown
    #[arg(long, value_name = "FILE", group = "output")]
    markdown: Option<PathBuf>,
    /// A page of HTML that needs nothing else
    #[arg(long, value_name = "FILE", group = "output")]
    html: Option<PathBuf>,
    /// OpenTelemetry spans, a line of OTLP-JSON a trajectory
    #[arg(long, value_name = "FILE", group = "output")]
    otel: Option<PathBuf>,
    /// A log for Inspect: .json or .eval
    #[arg(long, value_name = "FILE", group = "output")]
    inspect: Option<PathBuf>,
    /// Questions, texts and answers in tables and spans as well
    #[arg(long)]
    content: bool,

    /// A picture of a screen
    #[arg(long, value_name = "FILE", groups = ["output", "picture"])]
    svg: Option<PathBuf>,
    /// A recording of a trajectory, step by step, for asciinema
    #[arg(long, value_name = "FILE", groups = ["output", "picture"])]
    cast: Option<PathBuf>,
    #[command(flatten)]
    view: ViewArgs,
    /// Seconds that a recording stays at a step
    #[arg(long, value_name = "SECONDS", requires = "cast", default_value_t = 1.5)]
    pace: f64,
    /// Columns of the window
    #[arg(long, requires = "picture", default_value_t = 120, value_parser = clap::value_parser!(u16).range(30..=400))]
    width: u16,
    /// Rows of the window
    #[arg(long, requires = "picture", default_value_t = 36, value_parser = clap::value_parser!(u16).range(8..=200))]
    height: u16,
    /// Theme of the picture
    #[arg(long, requires = "picture", value_name = "NAME")]
    theme: Option<String>,

    /// Draw it as in a talk: large, and without paths, hosts and names
    #[arg(long)]
    talk: bool,

    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Print what was written as a JSON document
    #[arg(long)]
    json: bool,
}

/// What a table has a row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    Steps,
    Decisions,
    Outcomes,
    Scores,
    Labels,
}

impl From<Rows> for Of {
    fn from(rows: Rows) -> Self {
        match rows {
            Rows::Steps => Self::Steps,
            Rows::Decisions => Self::Decisions,
            Rows::Outcomes => Self::Outcomes,
            Rows::Scores => Self::Scores,
            Rows::Labels => Self::Labels,
        }
    }
}

impl ExportArgs {
    fn selection(&self) -> Selection {
        Selection {
            problem: self.problem.clone(),
            run: self.run.clone(),
            filter: self.filter.clone(),
            limit: self.limit.map(|limit| limit as usize),
        }
    }

    fn has_pictures(&self) -> bool {
        self.svg.is_some() || self.cast.is_some()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.of.is_some() && self.csv.is_none() && self.parquet.is_none() {
            return Err(Failure::usage("--of is of a table: --csv or --parquet"));
        }
        if self.talk && !self.has_pictures() {
            let message = "--talk is of what is drawn: --svg or --cast";
            return Err(Failure::usage(message)
                .hint("a table or a document holds what the log holds, whoever reads it"));
        }
        if !self.pace.is_finite() || !(0.01..=3600.0).contains(&self.pace) {
            return Err(Failure::usage("--pace takes seconds from 0.01 to 3600"));
        }
        self.view.check()?;
        formats::check(self)
    }
}

pub(super) fn run(args: &ExportArgs) -> Result<(), Failure> {
    args.check()?;
    let outputs = Outputs::of(args)?;
    if args.json && outputs.has_stdout() {
        return Err(Failure::usage("--json and a file `-` both print to stdout"));
    }
    let reads_regret = args.selection().reads_regret()?;
    // What people said of the steps stands beside the logs.
    let logs = with_sides(&args.logs, None)?;
    // Pictures and regrets need what every trajectory came to; the rest reads
    // one after another and keeps none.
    let (log, mut survey) = match args.has_pictures() || reads_regret {
        true => {
            let (log, survey) = survey::read(&logs)?;
            (log, Some(survey))
        }
        false => (Log::open(&logs)?, None),
    };
    super::replay::check_log(&log, args.problem.as_deref())?;
    outputs.check(&log)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    if let Some(survey) = survey.as_mut().filter(|_| reads_regret) {
        Regrets::fill(survey, &sessions::build);
    }
    let mut told = Map::new();
    let mut written = match outputs.are_pictures() {
        true => Vec::new(),
        false => write_formats(args, &log, survey.as_ref(), &outputs, &mut told)?,
    };
    if let Some(survey) = survey.filter(|_| args.has_pictures()) {
        let mut picture = Picture::of(args, log, survey)?;
        written.extend(picture.write(args, &outputs)?);
    }
    for one in written {
        told.insert(one.name.to_owned(), one.path().into());
        one.finish()?;
    }
    match args.json {
        true => super::print(&super::document(&Value::from(told), "what was written")?),
        false => {
            let paths = told.values().filter_map(Value::as_str);
            for path in paths.filter(|path| *path != "-") {
                super::say(&format!("wrote {path}\n"));
            }
            Ok(())
        }
    }
}

/// Writes every format that is no picture, in one pass.
fn write_formats(
    args: &ExportArgs,
    log: &Log,
    survey: Option<&Survey>,
    outputs: &Outputs,
    told: &mut Map<String, Value>,
) -> Result<Vec<Written>, Failure> {
    // Nothing is begun before there is something to write.
    let mut chosen = Chosen::new(log, &args.selection(), survey)?;
    let Some(mut found) = chosen.advance()? else {
        return Err(chosen.none());
    };
    let mut formats = formats::begin(args, outputs)?;
    let (mut trajectories, mut damages) = (0_u64, Vec::new());
    loop {
        damages.append(&mut found.damages);
        trajectories += 1;
        let subject = found.subject();
        for format in &mut formats {
            format.add(&subject)?;
        }
        if formats.iter().all(|format| format.is_closed) {
            break;
        }
        match chosen.advance()? {
            Some(next) => found = next,
            None => break,
        }
    }
    if let Some(first) = damages.first() {
        let more = match damages.len() - 1 {
            0 => String::new(),
            more => format!(", and {}", counted(more, "more line")),
        };
        super::say(&format!("warning: {first}{more}; skipped\n"));
    }
    let mut counts = Map::new();
    let mut written = Vec::new();
    for format in formats {
        counts.insert(format.name.to_owned(), format.count.into());
        written.push(format.close()?);
    }
    told.insert("trajectories".to_owned(), trajectories.into());
    told.insert("counts".to_owned(), counts.into());
    Ok(written)
}
