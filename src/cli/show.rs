//! `show`: what the screens show, as text or JSON.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app::read_amount;
use crate::eval::analysis::{Analysis, Ask, Score, Slice, Target};
use crate::eval::regret::{Control, Regrets};
use crate::headless::figure;
use crate::headless::plain::plain;
use crate::headless::show::{self, Arrangement, Asked, Compared, Subject};
use crate::headless::{Exit, Failure};
use crate::train::params::CostLedger;
use crate::tui::sessions;

/// Show what a log holds, without a screen
///
/// The same tables as the screens have, as text or as one JSON document: `runs`
/// (one row a run), `problems` (one row a trajectory; filtered, sorted and
/// grouped by expressions), `steps` (one trajectory, step by step),
/// `values` (what each model would have led to at each of its decisions, as far
/// as the log holds it), `analysis` (calibration, escalation, costs and
/// failures of all trajectories), `what-if` (every decision of a run decided
/// again under other values of its router's parameter, without a call) and
/// `compare` (two trajectories step by step and word by word, or two runs
/// problem by problem with paired statistics).
///
/// Texts of questions and steps are left out unless `--content` asks for them:
/// what a model wrote may try to tell its reader what to do.
#[derive(Debug, Clone, Args)]
pub(super) struct ShowArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Which screen [default: compare with --with or --with-run, values with
    /// --worth, analysis with --score, --right-by, --by or --plots, steps with
    /// --problem, what-if with --value, --cost, --ledger or --rule, else problems]
    #[arg(long, value_enum, value_name = "NAME")]
    screen: Option<Screen>,
    /// Only the trajectories that fulfil an expression; `replay --filter help`
    /// lists the names
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Sort by an expression, e.g. -cost
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Group by an expression, e.g. domain
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    group: Option<String>,
    /// The trajectory of this problem; to compare also ID@RUN
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Compare with this trajectory: ID, ID@RUN, or @RUN for the same problem
    /// in another run
    #[arg(long, value_name = "ID", requires = "problem")]
    with: Option<String>,
    /// Only this run, by the beginning of its id
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Compare with this run
    #[arg(long, value_name = "ID")]
    with_run: Option<String>,
    /// A value of the router's parameter; several times for several
    #[arg(long = "value", value_name = "X", allow_hyphen_values = true)]
    values: Vec<f64>,
    /// Find the value at which a problem costs at most this much
    #[arg(long, value_name = "C", value_parser = amount, allow_hyphen_values = true)]
    cost: Option<f64>,
    /// In `what-if`, the ledger that costs are in: published, or full (prompts
    /// and rejected drafts of the steps too) [default: published]
    #[arg(long, value_name = "NAME", value_parser = ledger)]
    ledger: Option<CostLedger>,
    /// What a right answer is worth in the unit of the costs: they count against
    /// it in `values`
    #[arg(long, value_name = "C", value_parser = worth, allow_hyphen_values = true)]
    worth: Option<f64>,
    /// In `analysis`, the score of steps that is looked at: confidence, prob,
    /// logit, sampled, entropy, prm or judge
    #[arg(long, value_name = "NAME", value_parser = score)]
    score: Option<Score>,
    /// In `analysis`, what says whether a step was right: verified, label or
    /// answer
    #[arg(long, value_name = "NAME", value_parser = target)]
    right_by: Option<Target>,
    /// In `analysis`, take it apart by model, index, domain or difficulty
    #[arg(long, value_name = "NAME", value_parser = slice)]
    by: Option<Slice>,
    /// In `analysis`, write the figures as SVG files into this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Let another router decide, e.g. policy:path=DIR
    #[arg(long, value_name = "SPEC")]
    rule: Option<String>,
    /// List at most so many trajectories
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Questions and texts of steps as well
    #[arg(long)]
    content: bool,
    /// As text (the default)
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// As one JSON document
    #[arg(long)]
    json: bool,
}

/// What a screen is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Screen {
    Runs,
    Problems,
    Steps,
    Values,
    Analysis,
    WhatIf,
    Compare,
}

/// One of several by its name.
fn one_of<T: Copy>(all: &[(&str, T)], name: &str) -> Result<T, String> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, one)| *one).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

fn ledger(name: &str) -> Result<CostLedger, String> {
    let all = [CostLedger::Published, CostLedger::Full];
    one_of(&all.map(|ledger| (ledger.name(), ledger)), name)
}

/// A number as the screens take it: 120, 4.5M, 1.2e8.
fn amount(text: &str) -> Result<f64, String> {
    read_amount(text)
        .ok_or_else(|| "it is a number that is not negative: 120, 4.5M, 1.2e8".to_owned())
}

fn worth(text: &str) -> Result<f64, String> {
    let worth = read_amount(text).filter(|worth| *worth > 0.0);
    worth.ok_or_else(|| "it is a number of more than 0: 120, 4.5M, 1.2e8".to_owned())
}

fn score(name: &str) -> Result<Score, String> {
    one_of(&Score::ALL.map(|score| (score.name(), score)), name)
}

fn target(name: &str) -> Result<Target, String> {
    let all = [
        ("verified", Target::Verified),
        ("label", Target::Label),
        ("answer", Target::Answer),
    ];
    one_of(&all, name)
}

fn slice(name: &str) -> Result<Slice, String> {
    let all = [
        ("model", Slice::Model),
        ("index", Slice::Index),
        ("domain", Slice::Domain),
        ("difficulty", Slice::Difficulty),
    ];
    one_of(&all, name)
}

impl ShowArgs {
    fn screen(&self) -> Screen {
        let other = self.rule.is_some() || self.ledger.is_some();
        let slides = !self.values.is_empty() || self.cost.is_some() || other;
        let asks = self.score.is_some() || self.right_by.is_some() || self.by.is_some();
        let analyses = asks || self.plots.is_some();
        match self.screen {
            Some(screen) => screen,
            None if self.with.is_some() || self.with_run.is_some() => Screen::Compare,
            None if self.worth.is_some() => Screen::Values,
            None if analyses => Screen::Analysis,
            None if self.problem.is_some() => Screen::Steps,
            None if slides => Screen::WhatIf,
            None => Screen::Problems,
        }
    }

    fn problem(&self) -> Result<&str, Failure> {
        self.problem
            .as_deref()
            .ok_or_else(|| Failure::usage("which trajectory?").hint("--problem takes its id"))
    }

    /// Options that say nothing on this screen, by their names.
    fn idle(&self) -> Vec<&'static str> {
        use Screen::{Analysis, Compare, Problems, Steps, Values, WhatIf};
        let screen = self.screen();
        let given = [
            ("--filter", self.filter.is_some(), &[Problems, Analysis][..]),
            ("--sort", self.sort.is_some(), &[Problems]),
            ("--group", self.group.is_some(), &[Problems]),
            (
                "--problem",
                self.problem.is_some(),
                &[Steps, Values, Compare],
            ),
            ("--with", self.with.is_some(), &[Compare]),
            (
                "--run",
                self.run.is_some(),
                &[Problems, Steps, Values, Analysis, WhatIf, Compare],
            ),
            ("--with-run", self.with_run.is_some(), &[Compare]),
            ("--value", !self.values.is_empty(), &[WhatIf]),
            ("--cost", self.cost.is_some(), &[WhatIf]),
            ("--ledger", self.ledger.is_some(), &[WhatIf]),
            ("--score", self.score.is_some(), &[Analysis]),
            ("--right-by", self.right_by.is_some(), &[Analysis]),
            ("--by", self.by.is_some(), &[Analysis]),
            ("--plots", self.plots.is_some(), &[Analysis]),
            ("--worth", self.worth.is_some(), &[Values]),
            ("--rule", self.rule.is_some(), &[WhatIf]),
            (
                "--limit",
                self.limit.is_some(),
                match self.problem {
                    None => &[Problems, WhatIf, Compare],
                    Some(_) => &[],
                },
            ),
            (
                "--content",
                self.content,
                match self.problem {
                    None => &[],
                    Some(_) => &[Steps, Compare],
                },
            ),
        ];
        let idle = given
            .into_iter()
            .filter(|(_, given, on)| *given && !on.contains(&screen));
        idle.map(|(name, ..)| name).collect()
    }
}

pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    if let Some(name) = args.idle().first() {
        let screen = args.screen().to_possible_value();
        let screen = screen.map_or_else(String::new, |value| value.get_name().to_owned());
        return Err(
            Failure::usage(format!("{name} says nothing on the screen `{screen}`"))
                .hint("`pointsman show --help` says what each screen takes"),
        );
    }
    // To be compared it may be named with its run.
    let problem = args.problem.as_deref();
    let problem = problem.filter(|_| args.screen() != Screen::Compare);
    let (log, mut survey) = super::replay::open_log(&args.logs, problem, u64::MAX)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    let control = match args.screen() {
        Screen::Problems | Screen::Analysis => Regrets::fill(&mut survey, &sessions::build),
        _ => Control::default(),
    };
    let subject = Subject {
        log: &log,
        survey: &survey,
        control,
    };
    let shown = match args.screen() {
        Screen::Runs => show::runs(&subject),
        Screen::Problems => show::problems(
            &subject,
            &Arrangement {
                filter: args.filter.clone(),
                sort: args.sort.clone(),
                group: args.group.clone(),
                run: args.run.clone(),
                limit: args.limit,
            },
        )?,
        Screen::Steps => show::steps(&subject, args.problem()?, args.run.as_deref(), args.content)?,
        Screen::Values => show::values(
            &subject,
            args.problem()?,
            args.run.as_deref(),
            args.worth,
            &sessions::build,
        )?,
        Screen::Analysis => {
            let ask = Ask {
                score: args.score.unwrap_or_default(),
                target: args.right_by,
                slice: args.by.unwrap_or_default(),
            };
            let filter = args.filter.as_deref();
            let (shown, found) = show::analysis(&subject, filter, args.run.as_deref(), ask)?;
            if let Some(folder) = &args.plots {
                plots(folder, &found)?;
            }
            shown
        }
        Screen::Compare => show::compare(
            &subject,
            &Compared {
                problem: args.problem.clone(),
                with: args.with.clone(),
                run: args.run.clone(),
                with_run: args.with_run.clone(),
                content: args.content,
                limit: args.limit,
            },
        )?,
        Screen::WhatIf => show::what_if(
            &subject,
            &Asked {
                run: args.run.clone(),
                rule: args.rule.clone(),
                values: args.values.clone(),
                cost: args.cost,
                ledger: args.ledger.unwrap_or_default(),
                limit: args.limit,
            },
            &sessions::build,
        )?,
    };
    match args.json {
        true => super::print(&super::document(&shown.json, "what is shown")?),
        false => super::print(&plain(&shown.text)),
    }
}

/// Writes the figures of an analysis, each into a file of its own.
fn plots(folder: &std::path::Path, found: &Analysis) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make the folder {}: {error}", folder.display());
        Failure::new(Exit::Failed, message)
    })?;
    for figure in figure::all(found) {
        let path = folder.join(figure.id).with_extension("svg");
        let picture = figure::svg(&figure)
            .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", figure.title)))?;
        super::export::write(&path, &picture)?;
        super::say(&format!("wrote {}\n", path.display()));
    }
    Ok(())
}
