//! Holds the arrows of the map in `src/lib.rs`: which room may use which, and
//! which may name the crates that tie code to a screen, a shell or a network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the bottom up; a room uses rooms of lower rows only.
const ROWS: [&[&str]; 11] = [
    &["counts"],
    &["problem", "config"],
    &["trace", "pair"],
    &["model"],
    &["policy", "signal", "cost"],
    &["router", "expr"],
    &["session", "survey"],
    &["train"],
    &["eval"],
    &["app"],
    &["headless", "tui", "cli"],
];

/// Uses within one row: the command line starts the other faces, and the
/// screen is given a run that `headless` put together.
const WITHIN: [(&str, &str); 3] = [("cli", "tui"), ("cli", "headless"), ("tui", "headless")];

/// Crates and modules, and the only rooms that may name them.
const TIED: [(&[&str], &[&str]); 3] = [
    (&["ratatui", "crossterm"], &["tui", "cli"]),
    (&["clap"], &["cli"]),
    (&["tokio", "reqwest"], &["model", "headless", "tui", "cli"]),
];

struct Source {
    path: PathBuf,
    room: String,
    /// Without comments.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let first = inside.components().next().unwrap().as_os_str();
                let room = first.to_string_lossy().trim_end_matches(".rs").to_owned();
                let code = uncommented(&fs::read_to_string(&path).unwrap());
                found.push(Source { path, room, code });
            }
        }
    }
    found
}

fn uncommented(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether `code` names `path` as a path of its own: `use tokio::…` or
/// `tokio::spawn`, not `my_tokio` nor the word in a sentence.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(&format!("{path}::"))
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// Rooms that `code` uses: what stands behind `crate::`, also in a list.
fn rooms_used(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        let listed = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest,
        };
        let several = rest.starts_with('{');
        for part in listed.split(',').take(if several { usize::MAX } else { 1 }) {
            let name: String = part
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            rooms.push(name);
        }
    }
    rooms
}

fn row(room: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&room))
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| row(&source.room).is_none())
        .filter(|source| source.room != "lib" && source.room != "main")
        .map(|source| format!("{}: a room that is not in ROWS", source.path.display()))
        .collect();
    report(&faults);
}

#[test]
fn rooms_use_rooms_below_them_only() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(own) = row(&source.room) else {
            continue;
        };
        for used in rooms_used(&source.code) {
            let allowed = used == source.room
                || WITHIN.contains(&(source.room.as_str(), used.as_str()))
                || row(&used).is_none_or(|theirs| theirs < own);
            if !allowed {
                faults.push(format!(
                    "{}: `{}` may not use `{used}`",
                    source.path.display(),
                    source.room
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn screens_shells_and_networks_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for source in sources() {
        for (crates, rooms) in TIED {
            for name in crates {
                if !rooms.contains(&source.room.as_str()) && names(&source.code, name) {
                    faults.push(format!(
                        "{}: only {} may name {name}",
                        source.path.display(),
                        rooms.join(", ")
                    ));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn app_has_no_clock() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.room == "app")
        .filter(|source| names(&source.code, "std::time") || names(&source.code, "tokio"))
        .map(|source| format!("{}: app names a clock or tokio", source.path.display()))
        .collect();
    report(&faults);
}

#[test]
fn the_lookers_see_what_they_look_for() {
    assert!(names("use tokio::sync;", "tokio"));
    assert!(names("let x = tokio::spawn(y);", "tokio"));
    assert!(!names("crate::model::tokio::x; my_tokio::y", "tokio"));
    assert_eq!(rooms_used("use crate::trace::{Log, Tree};"), ["trace"]);
    assert_eq!(
        rooms_used("use crate::{model::pool, session};"),
        ["model", "session"]
    );
    assert_eq!(uncommented("a\n  // tokio::x\nb"), "a\nb");
}
