//! `man`: manual pages, made from what the commands say of themselves.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;

use crate::config::VARIABLES;
use crate::headless::{Exit, Failure};
use crate::trace::atomic::{AtomicFile, Existing};

use super::export::{failed, is_there};

/// Print a manual page, or write all of them into a folder
///
/// Without a command the page of the program is printed, with one that of the
/// command (`pointsman man calibrate steer`), as roff:
///
///   pointsman man solve | man -l -
///   pointsman man --out ~/.local/share/man/man1
///
/// With `--out` there is a page for every command in the folder, which is made
/// where it is not there. A file that is there is kept unless `--force` is
/// given.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ManArgs {
    /// The command, and the command within it
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write the page of every command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write over pages that are there
    #[arg(long, requires = "out")]
    force: bool,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
}

/// A manual page.
struct Page {
    /// As `man` names it: `pointsman-solve.1`.
    file: String,
    roff: Vec<u8>,
}

pub(super) fn run(args: &ManArgs) -> Result<(), Failure> {
    let mut program = super::shown().disable_help_subcommand(true);
    program.build();
    if let Some(folder) = &args.out {
        let written = write(folder, &program, args.force)?;
        if args.json {
            let document = json!({ "written": written });
            return super::print(&super::document(&document, "what was written")?);
        }
        let pages = written.len();
        super::say(&format!("wrote {pages} pages into {}\n", folder.display()));
        return Ok(());
    }
    let page = page(found(&program, &args.command)?)?;
    let text = String::from_utf8_lossy(&page.roff);
    match args.json {
        true => {
            let document = json!({ "name": page.file, "page": text });
            super::print(&super::document(&document, "the page")?)
        }
        false => super::print(&text),
    }
}

/// The command that the words name.
fn found<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    let mut command = program;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let of = command.get_name();
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let failure = Failure::usage(format!("`{of}` has no command `{word}`"));
            match crate::config::suggest(word, names.iter().copied()) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None if names.is_empty() => failure,
                None => failure.hint(format!("there are {}", names.join(", "))),
            }
        })?;
    }
    Ok(command)
}

fn page(command: &Command) -> Result<Page, Failure> {
    let man = Man::new(command.clone())
        .source(format!("{} {}", super::NAME, env!("CARGO_PKG_VERSION")))
        .manual("Pointsman manual");
    let mut roff = Vec::new();
    man.render(&mut roff)
        .and_then(|()| match command.get_name() == super::NAME {
            true => of_the_whole().to_writer(&mut roff),
            false => Ok(()),
        })
        .map_err(|error| Failure::new(Exit::Failed, format!("the manual page: {error}")))?;
    Ok(Page {
        file: man.get_filename(),
        roff,
    })
}

/// What holds of every command: exit codes, files and variables.
fn of_the_whole() -> Roff {
    let mut roff = Roff::default();
    let codes = [
        ("0", "success"),
        ("1", "the work failed"),
        ("2", "wrong usage or configuration"),
        ("3", "an endpoint could not do it"),
        ("4", "bad data"),
        ("130", "interrupted; everything finished is saved"),
    ];
    list(&mut roff, "EXIT STATUS", &codes);
    let files = [
        (
            "config.toml",
            "settings: pointsman config --default prints one",
        ),
        ("keys.toml", "keys: pointsman keys --toml prints one"),
        (
            "themes/NAME.toml",
            "themes: pointsman themes NAME prints one",
        ),
    ];
    list(&mut roff, "FILES", &files);
    roff.text([roman(
        "They are in the configuration folder, ~/.config/pointsman on Linux; pointsman config says \
         which is read.",
    )]);
    let no_color = ("NO_COLOR", "no colours, where it is not empty");
    let variables: Vec<(&str, &str)> = VARIABLES.into_iter().chain([no_color]).collect();
    list(&mut roff, "ENVIRONMENT", &variables);
    roff
}

/// A section of names, each with what it is.
fn list(roff: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (name, what) in rows {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*what)]);
    }
    roff.control("PP", []);
}

/// Writes the pages of a program and its commands.
fn write(folder: &Path, program: &Command, force: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut pages = Vec::new();
    pages_of(program, &mut pages)?;
    let paths: Vec<PathBuf> = pages.iter().map(|page| folder.join(&page.file)).collect();
    let mut there = paths.iter().filter(|path| path.symlink_metadata().is_ok());
    if let Some(path) = there.next().filter(|_| !force) {
        return Err(is_there(path));
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make the folder {}: {error}", folder.display());
        Failure::new(Exit::Failed, message)
    })?;
    let existing = match force {
        true => Existing::Replaced,
        false => Existing::Kept,
    };
    for (page, path) in pages.iter().zip(&paths) {
        put(page, path, existing).map_err(|error| failed(path, &error))?;
    }
    Ok(paths)
}

fn put(page: &Page, path: &Path, existing: Existing) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(&page.roff)?;
    file.finish(existing)
}

/// The page of a command and of every one within it.
fn pages_of(command: &Command, pages: &mut Vec<Page>) -> Result<(), Failure> {
    pages.push(page(command)?);
    for within in command.get_subcommands() {
        pages_of(within, pages)?;
    }
    Ok(())
}
