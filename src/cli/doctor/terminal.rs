//! What the terminal is and shows.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::path::Path;
use std::process::Command;

use crate::config::Config;
use crate::headless::doctor::{Check, Status};
use crate::tui::runner::editor;
use crate::tui::theme::ColorDepth;

const AREA: &str = "terminal";
/// What the screens are made for at the least.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

type Env = BTreeMap<String, String>;

/// Everything about the terminal.
pub fn checks(env: &Env, config: Option<&Config>) -> Vec<Check> {
    let ends = [
        ("stdin", stdin().is_terminal()),
        ("stdout", stdout().is_terminal()),
        ("stderr", stderr().is_terminal()),
    ];
    let shown = ends.iter().any(|(_, is_terminal)| *is_terminal);
    let size = shown.then(crossterm::terminal::size).and_then(Result::ok);
    let tmux = env.contains_key("TMUX").then(tmux_clipboard).flatten();
    vec![
        connected(&ends),
        sized(size),
        colours(env, config),
        unicode(env),
        copying(env, tmux.as_deref()),
        mouse(config),
        editing(env),
    ]
}

fn connected(ends: &[(&str, bool)]) -> Check {
    let missing: Vec<&str> = ends
        .iter()
        .filter(|(_, is_terminal)| !is_terminal)
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return Check::ok(AREA, "connected", "stdin, stdout and stderr are a terminal");
    }
    let text = format!("no terminal: {}", missing.join(", "));
    Check::ok(AREA, "connected", text).but(
        Status::Note,
        "`inspect`, `replay` and `train --watch` draw on one; the other commands need none",
    )
}

fn sized(size: Option<(u16, u16)>) -> Check {
    match size {
        None => Check::ok(AREA, "size", "unknown").but(
            Status::Note,
            "tables are made for 80 columns where there is no terminal",
        ),
        Some((columns, rows)) => {
            let check = Check::ok(AREA, "size", format!("{columns}×{rows}"));
            match columns >= COLUMNS && rows >= ROWS {
                true => check,
                false => check.but(
                    Status::Note,
                    format!("the screens are made for {COLUMNS}×{ROWS} or more: enlarge it"),
                ),
            }
        }
    }
}

/// What is set, for a person who wonders where a colour depth comes from.
fn set(env: &Env, names: &[&str]) -> String {
    let told = names.iter().filter_map(|name| {
        let value = env.get(*name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    });
    let told: Vec<String> = told.collect();
    match told.is_empty() {
        true => format!("none of {} is set", names.join(", ")),
        false => told.join(", "),
    }
}

fn colours(env: &Env, config: Option<&Config>) -> Check {
    let asked = config.and_then(|config| ColorDepth::from_name(&config.colors.value));
    let depth = asked.unwrap_or_else(|| ColorDepth::detect(env));
    let name = match depth {
        ColorDepth::None => "no colours".to_owned(),
        ColorDepth::TrueColor => "all colours".to_owned(),
        other => format!("{} colours", other.name()),
    };
    let origin = match (asked, config) {
        (Some(_), Some(config)) => format!("by {}", config.colors.origin),
        _ => set(env, &["NO_COLOR", "COLORTERM", "TERM"]),
    };
    let check = Check::ok(AREA, "colours", format!("{name} ({origin})"));
    match depth {
        ColorDepth::None if asked.is_none() => check.but(
            Status::Note,
            "set TERM to what the terminal is, or `colors` in the configuration",
        ),
        ColorDepth::Ansi16 if asked.is_none() => check.but(
            Status::Note,
            "where the terminal can show more, set COLORTERM=truecolor",
        ),
        _ => check,
    }
}

fn unicode(env: &Env) -> Check {
    const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];
    // The first that is set counts.
    let locale = LOCALE
        .iter()
        .find_map(|name| env.get(*name).filter(|value| !value.is_empty()));
    let lower = locale
        .map(|locale| locale.to_lowercase())
        .unwrap_or_default();
    let check = Check::ok(
        AREA,
        "unicode",
        format!(
            "signs and mathematics are shown in Unicode ({})",
            set(env, &LOCALE)
        ),
    );
    if !lower.contains("utf-8") && !lower.contains("utf8") && !cfg!(windows) {
        return check.but(
            Status::Note,
            "the locale does not say that the terminal shows it: where signs look wrong, set \
             LANG=C.UTF-8",
        );
    }
    if env.get("TERM").is_some_and(|term| term == "linux") {
        return check.but(
            Status::Note,
            "the Linux console has few signs: a terminal emulator shows all",
        );
    }
    check
}

/// Whether tmux lets programs set the clipboard, where it says.
fn tmux_clipboard() -> Option<String> {
    let asked = Command::new("tmux")
        .args(["show-options", "-s", "-v", "set-clipboard"])
        .output()
        .ok()?;
    let said = String::from_utf8(asked.stdout).ok()?;
    (asked.status.success() && !said.trim().is_empty()).then(|| said.trim().to_owned())
}

fn copying(env: &Env, tmux: Option<&str>) -> Check {
    let check = Check::ok(
        AREA,
        "copying",
        "`y` copies through the terminal (OSC 52), also over SSH",
    );
    if env.contains_key("TMUX") {
        return match tmux {
            Some("on") => check,
            Some(other) => check.but(
                Status::Note,
                format!(
                    "tmux keeps it for itself (set-clipboard {other}): `set -s set-clipboard on`"
                ),
            ),
            None => check.but(Status::Note, "tmux needs `set -s set-clipboard on`"),
        };
    }
    if env.contains_key("STY") {
        return check.but(
            Status::Note,
            "screen does not pass it on: select with the mouse instead",
        );
    }
    check
}

fn mouse(config: Option<&Config>) -> Check {
    let taken = config.is_some_and(|config| config.mouse.value);
    let text = match taken {
        true => "taken by the program: shift selects text; `M` gives it back",
        false => "the terminal's own; `M` lends it to the program",
    };
    Check::ok(AREA, "mouse", text)
}

fn editing(env: &Env) -> Check {
    let editor = editor(|name| env.get(name).cloned());
    let origin = ["VISUAL", "EDITOR"]
        .into_iter()
        .find(|name| env.get(*name).is_some_and(|value| !value.trim().is_empty()));
    let origin = origin.map_or_else(
        || "neither VISUAL nor EDITOR is set".to_owned(),
        |name| format!("by {name}"),
    );
    let check = Check::ok(AREA, "editor", format!("{editor} ({origin})"));
    let program = editor.split_whitespace().next().unwrap_or_default();
    match is_there(program, env.get("PATH").map_or("", String::as_str)) {
        true => check,
        false => check.but(
            Status::Note,
            "there is no such program: `e` edits a step with it; set EDITOR to one that is there",
        ),
    }
}

/// Whether a program can be found as a shell would find it.
fn is_there(program: &str, path: &str) -> bool {
    if program.contains(std::path::is_separator) {
        return Path::new(program).is_file();
    }
    let endings: &[&str] = if cfg!(windows) {
        &["", ".exe", ".cmd"]
    } else {
        &[""]
    };
    std::env::split_paths(path).any(|folder| {
        let named = endings
            .iter()
            .map(|end| folder.join(format!("{program}{end}")));
        named.into_iter().any(|file| file.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn a_small_or_missing_terminal_is_a_note() {
        assert_eq!(sized(Some((80, 24))).status, Status::Ok);
        assert_eq!(sized(Some((79, 24))).status, Status::Note);
        assert_eq!(sized(None).status, Status::Note);
        assert_eq!(connected(&[("stdin", true)]).status, Status::Ok);
        let piped = connected(&[("stdin", true), ("stdout", false)]);
        assert_eq!(
            (piped.status, piped.text.as_str()),
            (Status::Note, "no terminal: stdout")
        );
    }

    #[test]
    fn colours_say_where_they_come_from() {
        let told = |pairs: &[(&str, &str)]| {
            let check = colours(&env(pairs), None);
            (check.status, check.text)
        };
        let (status, text) = told(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]);
        assert_eq!(status, Status::Ok);
        assert_eq!(text, "all colours (COLORTERM=truecolor, TERM=xterm)");
        assert_eq!(told(&[("TERM", "xterm")]).0, Status::Note);
        let (_, none) = told(&[("NO_COLOR", "1"), ("TERM", "xterm")]);
        assert!(none.starts_with("no colours (NO_COLOR=1"), "{none}");
        assert!(
            told(&[])
                .1
                .contains("none of NO_COLOR, COLORTERM, TERM is set")
        );
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        let status = |pairs: &[(&str, &str)]| unicode(&env(pairs)).status;
        assert_eq!(status(&[("LANG", "en_US.UTF-8")]), Status::Ok);
        assert_eq!(
            status(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]),
            Status::Note
        );
        assert_eq!(
            status(&[("LANG", "C.utf8"), ("TERM", "linux")]),
            Status::Note
        );
        assert_eq!(status(&[]), Status::Note);
    }

    #[test]
    fn multiplexers_must_let_the_clipboard_through() {
        let status = |pairs: &[(&str, &str)], tmux| copying(&env(pairs), tmux).status;
        assert_eq!(status(&[], None), Status::Ok);
        assert_eq!(status(&[("TMUX", "/tmp/t")], Some("on")), Status::Ok);
        for said in [Some("external"), Some("off"), None] {
            assert_eq!(
                status(&[("TMUX", "/tmp/t")], said),
                Status::Note,
                "{said:?}"
            );
        }
        assert_eq!(status(&[("STY", "1.pts")], None), Status::Note);
    }

    #[test]
    fn an_editor_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ed"), "").unwrap();
        let path = folder.path().to_str().unwrap();
        let with = |pairs: &[(&str, &str)]| {
            let mut env = env(pairs);
            env.insert("PATH".into(), path.to_owned());
            editing(&env)
        };
        assert_eq!(with(&[("EDITOR", "ed -x")]).text, "ed -x (by EDITOR)");
        assert_eq!(with(&[("EDITOR", "ed -x")]).status, Status::Ok);
        assert_eq!(
            with(&[("VISUAL", "code"), ("EDITOR", "ed")]).status,
            Status::Note
        );
        assert!(with(&[]).text.starts_with("vi (neither"));
    }
}
