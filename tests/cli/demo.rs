//! `demo`, `--tour`, `--record-tour`: what is told without a terminal.

use super::*;

const TOUR: &str = "title = \"t\"\n\n[[scene]]\ndo = [\"step\"]\n";

/// A folder with a log of two demo problems and a tour.
fn with_log(tour: &str) -> TempDir {
    let folder = folder(&[("a.tour", tour.as_bytes())]);
    let solve = ["solve", "--limit", "2", "--log", "a.jsonl", "--quiet"];
    let output = run(folder.path(), &solve);
    assert!(output.status.success(), "{output:?}");
    folder
}

#[test]
fn the_demo_needs_a_terminal_and_names_its_twin() {
    let folder = folder(&[]);
    fails(
        folder.path(),
        &["demo"],
        2,
        &["draws on a terminal", "pointsman solve"],
    );
    let output = run(folder.path(), &["demo", "--help"]);
    assert!(output.status.success());
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        help.contains("--tour") && help.contains("--speed"),
        "{help}"
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[test]
fn a_wrong_tour_is_told_with_its_line_before_the_screen() {
    let folder = with_log("title = \"t\"\n[[scene]]\ndo = [\"setp\"]\n");
    let path = folder.path();
    std::fs::write(path.join("bytes.tour"), [0xff, 0xfe]).unwrap();
    std::fs::write(path.join("long.tour"), "#é\n".repeat(100_000)).unwrap();
    for command in [&["demo"][..], &["replay", "a.jsonl"]] {
        let with = |tour: &'static str| [command, &["--tour", tour]].concat();
        fails(
            path,
            &with("a.tour"),
            4,
            &["a.tour, line 3", "did you mean `step`?"],
        );
        fails(path, &with("gone.tour"), 2, &["--tour gone.tour"]);
        fails(path, &with("bytes.tour"), 4, &["bytes.tour", "UTF-8"]);
        fails(path, &with("long.tour"), 4, &["long.tour", "256 KiB"]);
    }
    fails(path, &["demo", "--speed", "0"], 2, &["from 0.05 to 100"]);
}

#[test]
fn a_tour_in_order_gets_as_far_as_the_terminal() {
    let folder = with_log(TOUR);
    let path = folder.path();
    let replay = ["replay", "a.jsonl", "--tour", "a.tour"];
    fails(path, &replay, 2, &["draws on a terminal"]);
    let both = [&replay[..], &["--record-tour", "b.tour"]].concat();
    fails(path, &both, 2, &["one of them"]);
    assert!(!path.join("b.tour").exists());
}

#[test]
fn the_log_of_the_demo_is_whole() {
    let folder = folder(&[]);
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/tours/demo.jsonl");
    let shown = run(folder.path(), &["show", log, "--screen", "runs", "--json"]);
    assert!(shown.status.success(), "{shown:?}");
    assert!(shown.stderr.is_empty(), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let runs = shown["runs"].as_array().unwrap();
    let came: Vec<(&str, u64)> = runs
        .iter()
        .map(|run| {
            let spec = run["router"]["spec"].as_str().unwrap();
            (spec, run["came_to"]["trajectories"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(came, [("policy", 8), ("small", 8), ("large", 8)]);
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.len() < 250_000, "the program carries it");
}
