//! From the configuration to the screen.

use std::collections::BTreeMap;

use crate::config::{self, Config, Flags, Sources};
use crate::headless::{Exit, Failure};
use crate::tui::input::keymap::Keymap;
use crate::tui::run::{Left, Look, Subject, run};
use crate::tui::terminal;
use crate::tui::theme::{ColorDepth, Themes};

/// The configuration of this person on this machine.
///
/// # Errors
/// A file, a variable or a flag that is wrong.
pub(super) fn configuration(flags: Flags) -> Result<Config, Failure> {
    let env = environment();
    let folder = config::config_dir(&env);
    config::load(Sources { env, folder, flags }).map_err(|error| Failure::usage(error.to_string()))
}

/// Opens the screen and stays until the person quits or a signal ends it.
///
/// # Errors
/// The terminal fails.
pub(super) fn open(
    subject: Subject,
    config: &Config,
    warnings: Vec<String>,
) -> Result<Left, Failure> {
    with_look(config, warnings, |look| run(subject, look))
}

/// Runs a screen that looks and listens as this person wants it to.
///
/// # Errors
/// The terminal fails.
pub(super) fn with_look<T>(
    config: &Config,
    mut warnings: Vec<String>,
    run: impl FnOnce(Look) -> std::io::Result<T>,
) -> Result<T, Failure> {
    let env = environment();
    let depth =
        ColorDepth::from_name(&config.colors.value).unwrap_or_else(|| ColorDepth::detect(&env));
    let themes = Themes::new(config.themes_folder());
    let loaded = themes.load(&config.theme.value, depth);
    warnings.extend(loaded.warnings);
    let (keymap, conflicts) = Keymap::with_bindings(&config.keys);
    warnings.extend(conflicts);
    let look = Look {
        themes,
        theme: loaded.theme,
        depth,
        keymap,
        mouse: config.mouse.value,
        shading: config.shading.value,
        warning: warnings.first().cloned(),
    };
    terminal::install_panic_hook();
    let ended = run(look);
    // The screen shows the first for a moment; all are told where they stay.
    for warning in &warnings {
        super::say(&format!("warning: {warning}\n"));
    }
    ended.map_err(|error| Failure::new(Exit::Failed, format!("the terminal failed: {error}")))
}

/// The environment's readable part: a variable that is not UTF-8 is nothing
/// that we read.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
