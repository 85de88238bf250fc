//! The command line: wrong usage, wrong files, exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/grade.rs"]
mod grade;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/labels.rs"]
mod labels;
#[path = "cli/manual.rs"]
mod manual;
#[cfg(feature = "parquet")]
#[path = "cli/parquet.rs"]
mod parquet_file;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/show.rs"]
mod show;
#[path = "cli/stats.rs"]
mod stats;
#[path = "cli/twins.rs"]
mod twins;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A pool of two models behind a server that is not there.
const POOL: &str = r#"
[[model]]
name = "small"
server = "llama-cpp"
base_url = "http://127.0.0.1:9"
template = "plain"
params = 1e6

[[model]]
name = "large"
server = "llama-cpp"
base_url = "http://127.0.0.1:9"
template = "plain"
params = 1e7
"#;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::cargo_bin("pointsman")
        .unwrap()
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs and checks the exit code and that stderr says each of `said`.
fn fails(folder: &Path, arguments: &[&str], code: i32, said: &[&str]) {
    let output = run(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    for words in said {
        assert!(stderr.contains(words), "{arguments:?} says: {stderr}");
    }
    let error = stderr.lines().find(|line| !line.starts_with("warning: "));
    assert!(error.unwrap().starts_with("error: "), "{stderr}");
    assert!(output.stdout.is_empty());
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("pool.toml"), POOL).unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

#[test]
fn version_and_help_go_to_stdout() {
    let folder = folder(&[]);
    let output = run(folder.path(), &["--version"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        said.trim(),
        concat!("pointsman ", env!("CARGO_PKG_VERSION"))
    );
    for command in ["inspect", "replay", "solve", "explore", "doctor"] {
        let output = run(folder.path(), &[command, "--help"]);
        assert!(output.status.success(), "{command}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn wrong_usage_is_2() {
    let folder = folder(&[]);
    let path = folder.path();
    fails(path, &["solve"], 2, &["--log"]);
    fails(path, &["fly"], 2, &["fly"]);
    fails(path, &["replay"], 2, &["LOG"]);
    let solve = ["solve", "--log", "l.jsonl", "--pool", "pool.toml"];
    let with = |more: &[&str], said: &[&str]| {
        fails(path, &[&solve[..], more].concat(), 2, said);
    };
    with(
        &["--router", "treshold"],
        &["unknown router", "threshold:t=T"],
    );
    with(&["--router", "random"], &["random:p=0.3"]);
    with(
        &["--router", "policy"],
        &["trained for the pool [embedded-small, embedded-large]"],
    );
    with(&["--router", "policy:path=nowhere"], &["nowhere"]);
    with(&["--concurrency", "0"], &["at least 1"]);
    with(&["--temperature", "-1"], &["temperature"]);
    with(&["--top-p", "-1"], &["top-p must be above 0"]);
    with(&["--max-steps", "0"], &["max-steps"]);
    with(
        &["--problem", "nobody"],
        &["no problem `nobody`", "demo-001"],
    );
    assert!(!path.join("l.jsonl").exists(), "nothing was begun");
}

#[test]
fn files_that_are_not_there_are_2_and_named() {
    let folder = folder(&[]);
    let path = folder.path();
    let log = ["solve", "--log", "l.jsonl"];
    fails(
        path,
        &[&log[..], &["--pool", "no.toml"]].concat(),
        2,
        &["no.toml"],
    );
    let pool = [&log[..], &["--pool", "pool.toml"]].concat();
    fails(
        path,
        &[&pool[..], &["--problems", "no.jsonl"]].concat(),
        2,
        &["no.jsonl"],
    );
    let elsewhere = ["solve", "--pool", "pool.toml", "--log", "none/l.jsonl"];
    fails(path, &elsewhere, 2, &["none: no such folder"]);
    fails(path, &["solve", "--log", "."], 2, &["a folder, not a log"]);
    fails(path, &["replay", "no.jsonl"], 2, &["no.jsonl"]);
    fails(path, &["replay", "."], 2, &["no log files"]);
}

#[test]
fn a_bad_pool_is_2_with_its_line() {
    let typo = POOL.replacen("params", "parms", 1);
    let folder = folder(&[("bad.toml", typo.as_bytes()), ("binary.toml", b"\xff\xfe")]);
    let path = folder.path();
    let solve = |pool| ["solve", "--log", "l.jsonl", "--pool", pool];
    fails(path, &solve("bad.toml"), 2, &["bad.toml:7", "parms"]);
    fails(path, &solve("binary.toml"), 2, &["binary.toml"]);
}

#[test]
fn a_bad_data_set_is_4_with_its_line() {
    let folder = folder(&[
        ("empty.jsonl", b""),
        ("binary.jsonl", b"\x89PNG\r\n\x1a\n\x00\x00"),
        (
            "cut.jsonl",
            b"{\"question\": \"1 + 1?\", \"answer\": \"2\"}\n{\"questi",
        ),
        ("other.jsonl", b"{\"colour\": 7}\n"),
    ]);
    let solve = |file| {
        let head = ["solve", "--log", "l.jsonl", "--pool", "pool.toml"];
        [&head[..], &["--problems", file]].concat()
    };
    fails(folder.path(), &solve("empty.jsonl"), 4, &["empty.jsonl"]);
    fails(folder.path(), &solve("binary.jsonl"), 4, &["binary"]);
    fails(folder.path(), &solve("cut.jsonl"), 4, &["cut.jsonl line 2"]);
    fails(folder.path(), &solve("other.jsonl"), 4, &["colour"]);
}

#[test]
fn text_from_files_cannot_command_the_terminal() {
    let row = "{\"id\": \"\\u001b[2Jx\", \"question\": \"1 + 1?\", \"gold\": \"2\"}\n";
    let folder = folder(&[("evil.jsonl", row.as_bytes())]);
    let solve = ["solve", "--log", "l.jsonl", "--pool", "pool.toml"];
    let arguments = [
        &solve[..],
        &["--problems", "evil.jsonl", "--problem", "nobody"],
    ]
    .concat();
    fails(folder.path(), &arguments, 2, &["ids look like `[2Jx`"]);
}

#[test]
fn a_log_is_never_mixed_with_another_or_with_anything_else() {
    let folder = folder(&[
        ("taken.jsonl", b"{\"record\":\"note\"}\n"),
        ("notes.txt", b"hello\n"),
    ]);
    let path = folder.path();
    let solve = |log| ["solve", "--pool", "pool.toml", "--log", log];
    fails(path, &solve("taken.jsonl"), 2, &["not empty", "--resume"]);
    fails(
        path,
        &[&solve("notes.txt")[..], &["--resume"]].concat(),
        4,
        &["not a pointsman log"],
    );
    assert_eq!(std::fs::read(path.join("notes.txt")).unwrap(), b"hello\n");
}

#[test]
fn a_log_without_trajectories_is_4() {
    let folder = folder(&[("notes.txt", b"hello\n")]);
    fails(
        folder.path(),
        &["replay", "notes.txt"],
        4,
        &["not a pointsman log"],
    );
}

#[test]
fn without_a_terminal_the_screen_names_its_headless_twin() {
    let folder = folder(&[]);
    for command in [
        &["inspect", "--pool", "pool.toml"][..],
        &["--pool", "pool.toml"],
    ] {
        fails(folder.path(), command, 2, &["terminal", "solve --log"]);
    }
}

#[test]
fn a_server_that_is_not_there_is_3_and_leaves_no_log() {
    let folder = folder(&[]);
    let solve = ["solve", "--pool", "pool.toml", "--log", "l.jsonl"];
    fails(folder.path(), &solve, 3, &["small", "127.0.0.1:9"]);
    assert!(!folder.path().join("l.jsonl").exists());
}

#[test]
fn a_filter_says_what_is_wrong_with_it_before_a_terminal_is_asked_for() {
    let folder = folder(&[]);
    let path = folder.path();
    let solve = [
        "solve", "--limit", "3", "--router", "small", "--log", "l.jsonl",
    ];
    let output = run(path, &solve);
    assert!(output.status.success(), "{output:?}");
    let filter = |text| ["replay", "l.jsonl", "--filter", text];
    let names = run(path, &filter("help"));
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    assert!(
        names.contains("large_share") && names.contains("any"),
        "{names}"
    );
    let wrong = |text, said: &[&str]| fails(path, &filter(text), 2, said);
    wrong(
        "wrng",
        &["--filter: at 1", "did you mean `wrong`", "--filter help"],
    );
    wrong("confidence < 1", &["at 1", "any(confidence"]);
    wrong("any(model = smal)", &["no model `smal`", "did you mean"]);
    fails(
        path,
        &filter("steps > 1000"),
        1,
        &["none of the 3 trajectories"],
    );
    // One that is found needs the screen.
    fails(
        path,
        &filter("count(model = small) = steps"),
        2,
        &["terminal"],
    );
}
