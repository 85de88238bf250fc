//! `show`: what the screens show, as text or JSON.

pub(in crate::cli) mod args;

use std::path::Path;

use crate::eval::analysis::{Analysis, Ask};
use crate::eval::regret::{Control, Regrets};
use crate::headless::figure;
use crate::headless::plain::plain;
use crate::headless::show::{self, Asked, Compared, Shown, Subject};
use crate::headless::{Exit, Failure};
use crate::train::log::TrainingLog;
use crate::tui::sessions;

use args::Screen;

pub(super) use args::ShowArgs;

pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    if args.filter.as_deref() == Some("help") {
        return super::print(&super::replay::names());
    }
    let screen = args.screen();
    if let Some(name) = args.idle().first() {
        let screen = screen.name();
        return Err(
            Failure::usage(format!("{name} says nothing on the screen `{screen}`"))
                .hint("`pointsman show --help` says what each screen takes"),
        );
    }
    let shown = match (screen, args.training()) {
        (Screen::Training, _) => training(args)?,
        (_, Some(run)) => {
            let message = format!("{} is a training run: it has no such screen", run.display());
            return Err(Failure::usage(message).hint("--screen training shows it"));
        }
        _ => of_log(args)?,
    };
    for warning in &shown.warnings {
        super::say(&format!("warning: {warning}\n"));
    }
    match args.json {
        true => super::print(&super::document(&shown.json, "what is shown")?),
        false => super::print(&plain(&shown.text)),
    }
}

fn training(args: &ShowArgs) -> Result<Shown, Failure> {
    let [path] = args.logs.as_slice() else {
        return Err(Failure::usage("one training run at a time"));
    };
    let log = TrainingLog::open(path);
    let log = log.map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    Ok(show::training(&log, args.limit))
}

fn of_log(args: &ShowArgs) -> Result<Shown, Failure> {
    let screen = args.screen();
    let labels = args.labels.as_deref();
    super::labels::must_be_there(labels)?;
    // To be compared it may be named with its run.
    let problem = args.problem.as_deref();
    let known = problem.filter(|_| screen != Screen::Compare);
    let (log, mut survey) = super::replay::open_labelled(&args.logs, labels, known, u64::MAX)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    let control = match (screen, problem) {
        (Screen::Problems | Screen::Analysis, _) | (Screen::Labels, None) => {
            Regrets::fill(&mut survey, &sessions::build)
        }
        _ => Control::default(),
    };
    let subject = Subject {
        log: &log,
        survey: &survey,
        control,
    };
    let run = args.run.as_deref();
    let who = args.who.as_deref();
    match screen {
        Screen::Runs => Ok(show::runs(&subject)),
        Screen::Problems => show::problems(&subject, &args.arrangement()),
        Screen::Steps => show::steps(&subject, args.problem()?, run, args.content),
        Screen::Tree => show::tree(&subject, args.problem()?, run, args.content),
        Screen::Labels => match problem {
            Some(problem) => show::labels(&subject, problem, run, who, args.content),
            None => show::queue(&subject, &args.arrangement(), who),
        },
        Screen::Rules => {
            let named = args.panel.specs()?;
            match problem {
                Some(problem) => show::rules(&subject, problem, run, &named, &sessions::recorded),
                None => show::surfaces(&subject, run, &named),
            }
        }
        Screen::Values => {
            show::values(&subject, args.problem()?, run, args.worth, &sessions::build)
        }
        Screen::Analysis => analysis(args, &subject),
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
        ),
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
        ),
        Screen::Training => training(args),
    }
}

fn analysis(args: &ShowArgs, subject: &Subject<'_>) -> Result<Shown, Failure> {
    let ask = Ask {
        score: args.score.unwrap_or_default(),
        target: args.right_by,
        slice: args.by.unwrap_or_default(),
    };
    let filter = args.filter.as_deref();
    let (shown, found) = show::analysis(subject, filter, args.run.as_deref(), ask)?;
    if let Some(folder) = &args.plots {
        plots(folder, &found)?;
    }
    Ok(shown)
}

/// Writes the figures of an analysis, each into a file of its own.
fn plots(folder: &Path, found: &Analysis) -> Result<(), Failure> {
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
