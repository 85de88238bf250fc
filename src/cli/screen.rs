//! From the configuration to the screen.

use std::borrow::Cow;
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
    let private = subject.model.talk.private.clone();
    let (ended, warnings) = looked(config, warnings, |look| run(subject, look));
    // Of a talk somebody may still be watching.
    let talk = matches!(&ended, Ok(left) if left.talk);
    let shown = warnings.iter().map(|warning| match talk {
        true => private.hide(warning),
        false => Cow::Borrowed(warning.as_str()),
    });
    tell(shown);
    ended.map_err(failed)
}

/// Runs a screen that looks and listens as this person wants it to.
///
/// # Errors
/// The terminal fails.
pub(super) fn with_look<T>(
    config: &Config,
    warnings: Vec<String>,
    run: impl FnOnce(Look) -> std::io::Result<T>,
) -> Result<T, Failure> {
    let (ended, warnings) = looked(config, warnings, run);
    tell(warnings.iter().map(|warning| warning.as_str().into()));
    ended.map_err(failed)
}

/// Runs it; with everything there is to warn of.
fn looked<T>(
    config: &Config,
    mut warnings: Vec<String>,
    run: impl FnOnce(Look) -> std::io::Result<T>,
) -> (std::io::Result<T>, Vec<String>) {
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
    (run(look), warnings)
}

/// The screen shows the first warning for a moment; all are told where they
/// stay.
fn tell<'w>(warnings: impl Iterator<Item = Cow<'w, str>>) {
    for warning in warnings {
        super::say(&format!("warning: {warning}\n"));
    }
}

fn failed(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("the terminal failed: {error}"))
}

/// The environment's readable part: a variable that is not UTF-8 is nothing
/// that we read.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
