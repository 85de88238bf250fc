//! `export`: the inspector on a recorded step as a picture.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Model, Msg, Screen, update};
use crate::config::Flags;
use crate::headless::{Exit, Failure};
use crate::survey::Survey;
use crate::trace::Log;
use crate::tui::export_svg::{SvgOptions, buffer_to_svg};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::screens::{self, ViewCache};
use crate::tui::sessions;
use crate::tui::theme::{ColorDepth, Themes};

use super::screen;

#[derive(Debug, Clone, Args)]
pub(super) struct ExportArgs {
    /// Log files, or folders of them
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// The problem to show; the first of the log where not given
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// The step to show; the last where not given, 0 is the question
    #[arg(long, value_name = "N")]
    step: Option<u32>,
    /// Show the tree of branches in place of the steps
    #[arg(long)]
    tree: bool,
    /// Where to write the picture
    #[arg(long, value_name = "FILE")]
    svg: PathBuf,
    /// Columns of the window
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u16).range(30..=400))]
    width: u16,
    /// Rows of the window
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u16).range(8..=200))]
    height: u16,
    /// Theme of the picture
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Print what was written as a JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let flags = Flags {
        theme: args.theme.clone(),
        ..Flags::default()
    };
    let config = screen::configuration(flags)?;
    let (log, survey) = super::replay::open_log(&args.logs, args.problem.as_deref(), u64::MAX)?;
    if let Some(damage) = log.damage() {
        super::say(&format!("warning: {damage}\n"));
    }
    let picture = draw(args, log, survey, &config)?;
    write(&args.svg, &picture)?;
    if args.json {
        let done = serde_json::json!({ "svg": args.svg.to_string_lossy() });
        super::print(&format!("{done}\n"))?;
    }
    Ok(())
}

fn draw(
    args: &ExportArgs,
    log: Log,
    survey: Survey,
    config: &crate::config::Config,
) -> Result<String, Failure> {
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    if let Some(id) = &args.problem {
        let place = model.entries.iter().position(|entry| entry.problem == *id);
        model.current = place.unwrap_or(0);
    }
    let entry = model.current;
    let result = opener.open(entry, &model.entries[entry]);
    if let Err(message) = &result {
        return Err(Failure::new(Exit::BadData, message.clone()));
    }
    update(&mut model, Msg::Opened { entry, result }, "");
    update(
        &mut model,
        Msg::Resize {
            width: args.width,
            height: args.height,
        },
        "",
    );
    if args.tree {
        model.view.screen = Screen::Tree;
    }
    go_to_step(&mut model, args.step)?;
    // A picture has colours wherever it is made.
    let loaded =
        Themes::new(config.themes_folder()).load(&config.theme.value, ColorDepth::TrueColor);
    if let Some(warning) = loaded.warnings.first() {
        return Err(Failure::usage(warning.clone()));
    }
    let area = Rect::new(0, 0, args.width, args.height);
    let mut buffer = Buffer::empty(area);
    screens::draw(
        area,
        &mut buffer,
        &model,
        &loaded.theme,
        &Keymap::default(),
        &Pending::default(),
        &mut ViewCache::default(),
    );
    Ok(buffer_to_svg(
        &buffer,
        &SvgOptions::of_theme("pointsman", &loaded.theme),
    ))
}

/// The step asked for; a picture of another one would be a lie.
fn go_to_step(model: &mut Model, step: Option<u32>) -> Result<(), Failure> {
    let length = model
        .session()
        .map_or(0, |session| session.followed_path().len());
    if let Some(step) = step.filter(|&step| step as usize > length) {
        return Err(Failure::usage(format!(
            "there is no step {step}: the trajectory has {length}"
        )));
    }
    model.go_to_step(step.unwrap_or(u32::MAX));
    Ok(())
}

/// Writes the file whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!("cannot write {}: {error}", path.display()),
        )
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pointsman-");
    // A picture is no secret: whoever may read new files may read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
