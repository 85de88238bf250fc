//! `grade` on our own labelled pairs, which hold an example of each kind.

use std::io::Write as _;

use serde_json::Value;

use super::*;

const PAIRS: &str = include_str!("../data/answer-pairs.jsonl");

fn lines(output: &Output) -> Vec<Value> {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_labelled_pair_is_graded_as_labelled_and_in_order() {
    let folder = folder(&[("pairs.jsonl", PAIRS.as_bytes())]);
    let output = run(
        folder.path(),
        &[
            "grade",
            "--pairs",
            "pairs.jsonl",
            "--summary",
            "counts.json",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let graded = lines(&output);
    let wanted: Vec<Value> = PAIRS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(graded.len(), wanted.len());
    for (graded, wanted) in graded.iter().zip(&wanted) {
        assert_eq!(graded["id"], wanted["id"]);
        let verdict = if wanted["expected"] == true {
            "correct"
        } else {
            "wrong"
        };
        assert_eq!(graded["verdict"], verdict, "{graded} {wanted}");
        assert!(graded["rule"].is_string() && graded.get("reason").is_none());
    }
    let counts = std::fs::read_to_string(folder.path().join("counts.json")).unwrap();
    let counts: Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(counts["labelled"]["pairs"], wanted.len());
    assert_eq!(counts["labelled"]["pairs"], counts["labelled"]["agree"]);
    assert!(counts["categories"]["text_boxed"]["pairs"] == 1);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("agreement  100.0 %"), "{said}");
}

#[test]
fn pairs_come_from_stdin_and_bad_lines_are_named() {
    let folder = folder(&[]);
    let mut input = Vec::new();
    writeln!(
        input,
        "{{\"id\": \"x\", \"gold\": \"10^{{10^{{10}}}}\", \"answer\": \"10^{{10^{{10}}}}+1\"}}"
    )
    .unwrap();
    writeln!(input, "{{\"id\": \"y\", \"gold\": \"1\"}}").unwrap();
    let output = Command::cargo_bin("pointsman")
        .unwrap()
        .current_dir(folder.path())
        .args(["grade", "--pairs", "-", "--json"])
        .write_stdin(input)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let graded = lines(&output);
    assert_eq!(graded.len(), 1);
    assert_eq!(graded[0]["verdict"], "ungraded");
    assert!(graded[0]["reason"].is_string());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("line 2") && said.contains("prediction_text"),
        "{said}"
    );
}

#[test]
fn wrong_files_are_refused() {
    let folder = folder(&[]);
    fails(
        folder.path(),
        &["grade", "--pairs", "nope.jsonl"],
        2,
        &["nope.jsonl"],
    );
    fails(folder.path(), &["grade", "--pairs", "."], 2, &["folder"]);
    fails(folder.path(), &["grade"], 2, &["--pairs"]);
    std::fs::write(folder.path().join("pairs.jsonl"), PAIRS).unwrap();
    let over = [
        "grade",
        "--pairs",
        "pairs.jsonl",
        "--summary",
        "pairs.jsonl",
    ];
    fails(folder.path(), &over, 2, &["the pairs themselves"]);
    let kept = std::fs::read_to_string(folder.path().join("pairs.jsonl")).unwrap();
    assert_eq!(kept, PAIRS);
    let nowhere = [
        "grade",
        "--pairs",
        "pairs.jsonl",
        "--summary",
        "no/where.json",
    ];
    fails(folder.path(), &nowhere, 2, &["no such folder"]);
    let a_folder = ["grade", "--pairs", "pairs.jsonl", "--summary", "."];
    fails(folder.path(), &a_folder, 2, &["a folder, not a file"]);
}
