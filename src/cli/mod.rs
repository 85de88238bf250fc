//! The command line: parses, picks the face, maps failures to exit codes.

mod calibrate;
mod completions;
mod config;
mod demo;
mod doctor;
mod eval;
mod explore;
mod export;
mod grade;
mod import;
mod inspect;
mod keys;
mod labels;
mod layout;
mod man;
mod options;
mod pair;
mod regrade;
mod replay;
mod screen;
mod show;
mod solve;
mod stats;
mod talk;
mod tape;
mod themes;
mod train;
mod training;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use serde::Serialize;

use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};
use crate::trace::visible::escaped_json;
use crate::tui::run::Ended;

/// What the program is called.
const NAME: &str = "pointsman";

/// Step through, override, replay and compare stepwise routers between
/// language models.
///
/// Without a command: the inspector on the embedded pair and its demo
/// problems.
#[derive(Debug, Parser)]
#[command(name = NAME, version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    inspect: inspect::InspectArgs,
}

/// Commands whose arguments say at length what they do are described there.
#[derive(Debug, Subcommand)]
enum Command {
    /// Step through a problem live (the default command)
    Inspect(inspect::InspectArgs),
    /// Look at recorded trajectories: never a call
    Replay(replay::ReplayArgs),
    Demo(demo::DemoArgs),
    Solve(solve::SolveArgs),
    Explore(explore::ExploreArgs),
    Train(Box<train::TrainArgs>),
    Calibrate(calibrate::CalibrateArgs),
    Eval(Box<eval::EvalArgs>),
    Grade(grade::GradeArgs),
    Regrade(regrade::RegradeArgs),
    Import(import::ImportArgs),
    Doctor(doctor::DoctorArgs),
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Labels(labels::LabelsArgs),
    Export(Box<export::ExportArgs>),
    Config(config::ConfigArgs),
    Keys(keys::KeysArgs),
    Themes(themes::ThemesArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    /// Make the models inside the program
    #[command(hide = true)]
    Pair(pair::PairArgs),
}

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are printed, a closed pipe is no failure.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * Exit::Usage.code());
        }
    };
    let done = match cli.command {
        None => inspect::run(&cli.inspect),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Solve(args)) => solve::run(&args),
        Some(Command::Explore(args)) => explore::run(&args),
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Calibrate(args)) => calibrate::run(&args),
        Some(Command::Eval(args)) => eval::run(&args),
        Some(Command::Grade(args)) => grade::run(&args),
        Some(Command::Regrade(args)) => regrade::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Stats(args)) => stats::run(&args),
        Some(Command::Labels(args)) => labels::run(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Config(args)) => config::run(&args),
        Some(Command::Keys(args)) => keys::run(&args),
        Some(Command::Themes(args)) => themes::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Pair(args)) => pair::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}

/// The program's commands as help shows them, without those that are hidden.
fn shown() -> clap::Command {
    let all = Cli::command();
    let commands = all.get_subcommands().filter(|one| !one.is_hide_set());
    let mut shown = clap::Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .args_conflicts_with_subcommands(true)
        .args(all.get_arguments().cloned())
        .groups(all.get_groups().cloned())
        .subcommands(commands.cloned());
    if let Some(about) = all.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(about) = all.get_long_about() {
        shown = shown.long_about(about.clone());
    }
    shown
}

/// `error: what failed, on what`, then what to do.
fn report(failure: &Failure) {
    // A closed stderr leaves the exit code to speak.
    let _ = writeln!(io::stderr(), "error: {}", plain(&failure.to_string()));
}

/// Leaving by a signal is told by the exit code; everything finished is saved.
fn ended(how: Ended) -> Result<(), Failure> {
    match how {
        Ended::Quit => Ok(()),
        Ended::Interrupted => Err(Failure::new(Exit::Interrupted, "interrupted")),
    }
}

/// Tells the person something; a closed stderr is no failure.
fn say(text: &str) {
    let _ = io::stderr().write_all(plain(text).as_bytes());
}

/// A result as one JSON document; `what` names it where it is no JSON.
fn document(result: &impl Serialize, what: &str) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(result)
        .map_err(|error| Failure::new(Exit::Failed, format!("{what}: {error}")))?;
    Ok(format!("{}\n", escaped_json(&json)))
}

/// Columns of the terminal; where there is none, what always fits.
fn columns() -> usize {
    const ALWAYS_FIT: usize = 80;
    if !io::stdout().is_terminal() {
        return ALWAYS_FIT;
    }
    crossterm::terminal::size().map_or(ALWAYS_FIT, |(columns, _)| usize::from(columns))
}

/// Writes a result to stdout. Whoever closed the pipe has read enough.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Failed,
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// The command as it was given, for those who want to do it again; arguments
/// that a shell would take apart are quoted.
fn command_line() -> String {
    let quote = |argument: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
        match !argument.is_empty() && argument.chars().all(plain) {
            true => argument,
            false => format!("'{}'", argument.replace('\'', r"'\''")),
        }
    };
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| quote(argument.to_string_lossy().into_owned()));
    std::iter::once(NAME.to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Refuses to draw where nobody can see it; `instead` is the command that
/// needs no terminal.
fn needs_terminal(command: &str, instead: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{command}` draws on a terminal, and stdin or stdout is none"
    ))
    .hint(format!("without a terminal use `{instead}`")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
        super::shown().debug_assert();
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let names = |command: &clap::Command| -> Vec<String> {
            let commands = command.get_subcommands();
            commands.map(|one| one.get_name().to_owned()).collect()
        };
        let (all, shown) = (names(&super::Cli::command()), names(&super::shown()));
        assert!(all.contains(&"pair".to_owned()) && !shown.contains(&"pair".to_owned()));
        assert_eq!(shown.len(), all.len() - 1);
    }
}
