//! The maintainers' command that makes the embedded pair.

use assert_cmd::Command;

fn pair(args: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("pointsman").expect("the program is built");
    command.arg("pair").args(args).assert()
}

fn stdout(done: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stdout).into_owned()
}

fn stderr(done: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

#[test]
fn problems_come_with_their_gold_solutions() {
    let text = stdout(&pair(&["problems", "--count", "2", "--role", "large"]).success());
    assert_eq!(text.matches("The answer is \\boxed{").count(), 2, "{text}");
    assert!(text.contains("The result is "), "{text}");
    let small = stdout(&pair(&["problems", "--count", "2", "--role", "small"]).success());
    assert_eq!(small.matches("The result is ").count(), 0, "{small}");
}

#[test]
fn a_model_is_trained_measured_and_put_in_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (run, assets, calibration) = (path("run"), path("assets"), path("calibration.json"));
    pair(&["train", "--role", "small", "--steps", "2", "--out", &run]).success();
    pair(&["export", "--role", "small", "--run", &run, "--out", &assets]).success();
    let small = path("assets/small");
    let done = pair(&[
        "measure",
        "--small",
        &small,
        "--large",
        &small,
        "--calibration",
        "2",
        "--problems",
        "2",
        "--seeds",
        "1",
        "--json",
        "--write-calibration",
        &calibration,
    ])
    .success();
    let report: serde_json::Value =
        serde_json::from_str(&stdout(&done)).expect("one JSON document on stdout");
    assert_eq!(report["cost_ratio"], 1.0);
    assert!(report["rows"].as_array().is_some_and(|rows| rows.len() > 5));
    let written = std::fs::read_to_string(calibration).expect("the calibration file");
    assert!(written.contains("threshold_prob"), "{written}");
}

#[test]
fn a_missing_or_foreign_model_is_named() {
    let missing = pair(&["measure", "--small", "no/such/folder"])
        .failure()
        .code(1);
    assert!(
        stderr(&missing).contains("no/such/folder"),
        "{}",
        stderr(&missing)
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("config.json"), "{}").expect("a writable folder");
    let path = folder.path().to_string_lossy();
    let foreign = pair(&["measure", "--small", &path]).failure().code(4);
    assert!(
        stderr(&foreign).contains("vocab_size is missing"),
        "{}",
        stderr(&foreign)
    );
}
