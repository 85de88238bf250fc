//! `show`: what the screens show, as text or JSON.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::headless::Failure;
use crate::headless::plain::plain;
use crate::headless::show::{self, Arrangement, Asked, Compared, Subject};
use crate::tui::sessions;

/// Show what a log holds, without a screen
///
/// The same tables as the screens have, as text or as one JSON document: `runs`
/// (one row a run), `problems` (one row a trajectory; filtered, sorted and
/// grouped by expressions), `steps` (one trajectory, step by step), `what-if`
/// (every decision of a run decided again under other values of its router's
/// parameter, without a call) and `compare` (two trajectories step by step and
/// word by word, or two runs problem by problem with paired statistics).
///
/// Texts of questions and steps are left out unless `--content` asks for them:
/// what a model wrote may try to tell its reader what to do.
#[derive(Debug, Clone, Args)]
pub(super) struct ShowArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Which screen [default: compare with --with or --with-run, steps with
    /// --problem, what-if with --value, --cost or --rule, else problems]
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
    /// Find the value at which a problem costs at most this much (published
    /// ledger)
    #[arg(long, value_name = "C")]
    cost: Option<f64>,
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
    WhatIf,
    Compare,
}

impl ShowArgs {
    fn screen(&self) -> Screen {
        let slides = !self.values.is_empty() || self.cost.is_some() || self.rule.is_some();
        match self.screen {
            Some(screen) => screen,
            None if self.with.is_some() || self.with_run.is_some() => Screen::Compare,
            None if self.problem.is_some() => Screen::Steps,
            None if slides => Screen::WhatIf,
            None => Screen::Problems,
        }
    }

    /// Options that say nothing on this screen, by their names.
    fn idle(&self) -> Vec<&'static str> {
        use Screen::{Compare, Problems, Steps, WhatIf};
        let screen = self.screen();
        let given = [
            ("--filter", self.filter.is_some(), &[Problems][..]),
            ("--sort", self.sort.is_some(), &[Problems]),
            ("--group", self.group.is_some(), &[Problems]),
            ("--problem", self.problem.is_some(), &[Steps, Compare]),
            ("--with", self.with.is_some(), &[Compare]),
            (
                "--run",
                self.run.is_some(),
                &[Problems, Steps, WhatIf, Compare],
            ),
            ("--with-run", self.with_run.is_some(), &[Compare]),
            ("--value", !self.values.is_empty(), &[WhatIf]),
            ("--cost", self.cost.is_some(), &[WhatIf]),
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
    let (log, survey) = super::replay::open_log(&args.logs, problem, u64::MAX)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    let subject = Subject {
        log: &log,
        survey: &survey,
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
        Screen::Steps => {
            let problem = args.problem.as_deref().ok_or_else(|| {
                Failure::usage("which trajectory?").hint("--problem takes its id")
            })?;
            show::steps(&subject, problem, args.run.as_deref(), args.content)?
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
                limit: args.limit,
            },
            &|spec, head| sessions::rule(spec, &head.pool),
        )?,
    };
    match args.json {
        true => super::print(&super::document(&shown.json, "what is shown")?),
        false => super::print(&plain(&shown.text)),
    }
}
