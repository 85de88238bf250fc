//! `labels`: labels beside logs of the embedded pair, summed up and exported.

use serde_json::{Value, json};

use super::*;

/// A log of the first problems of the demo.
fn log() -> TempDir {
    let folder = folder(&[]);
    let solve = [
        "solve", "--limit", "4", "--router", "policy", "--log", "a.jsonl", "--quiet",
    ];
    let output = run(folder.path(), &solve);
    assert!(output.status.success(), "{output:?}");
    folder
}

fn read(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The trajectories of the log: run, problem and steps.
fn trajectories(folder: &Path) -> Vec<(String, String, Vec<String>)> {
    let problems = read(folder, &["show", "a.jsonl", "--json"]);
    let listed = problems["trajectories"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = listed.map(|one| {
        let problem = text(&one["problem"]);
        let arguments = ["show", "a.jsonl", "--problem", &problem, "--json"];
        let steps = read(folder, &arguments)["steps"].clone();
        let steps = steps
            .as_array()
            .unwrap()
            .iter()
            .map(|step| text(&step["id"]));
        (text(&one["run"]), problem.clone(), steps.collect())
    });
    found.collect()
}

/// One line of a side file.
fn line(of: &(String, String, Vec<String>), step: usize, who: &str, label: &str) -> String {
    let (run, problem, steps) = of;
    let label = json!({
        "record": "label", "run": run, "step": steps[step], "problem": problem, "who": who,
        "when": format!("2026-01-02T03:04:{step:02}Z"), "label": label,
    });
    format!("{label}\n")
}

/// What a person says of every step of a trajectory.
fn all(
    of: &(String, String, Vec<String>),
    who: &str,
    label: impl Fn(usize) -> &'static str,
) -> String {
    (0..of.2.len())
        .map(|step| line(of, step, who, label(step)))
        .collect()
}

fn write(folder: &Path, lines: &[String]) {
    std::fs::write(folder.join("a.labels.jsonl"), lines.concat()).unwrap();
}

#[test]
fn people_are_counted_and_compared() {
    let folder = log();
    let path = folder.path();
    fails(
        path,
        &["labels", "a.jsonl"],
        1,
        &["nobody labelled", "replay"],
    );
    let found = trajectories(path);
    let before = std::fs::read(path.join("a.jsonl")).unwrap();
    // Of one mind but for the last step of the second trajectory.
    let last = found[1].2.len() - 1;
    let lines = [
        all(&found[0], "ada", |_| "good"),
        all(&found[0], "bob", |_| "good"),
        all(
            &found[1],
            "ada",
            |step| if step == 0 { "bad" } else { "good" },
        ),
        all(&found[1], "bob", |step| {
            if step == 0 || step == last {
                "bad"
            } else {
                "good"
            }
        }),
        line(&found[2], 0, "ada", "bad"),
        line(&found[2], 0, "ada", "retracted"),
        line(&found[2], 0, "ada", "skipped"),
        line(&found[2], 0, "ada", "flagged"),
    ];
    write(path, &lines);
    let report = read(path, &["labels", "a.jsonl", "--json"]);
    let (first, second) = (found[0].2.len(), found[1].2.len());
    let ada = &report["people"][0];
    assert_eq!(ada["who"], "ada");
    assert_eq!(ada["trajectories"], 3);
    assert_eq!(ada["good"], first + second - 1);
    assert_eq!((&ada["bad"], &ada["skipped"]), (&json!(1), &json!(1)));
    assert_eq!((&ada["flagged"], &ada["retracted"]), (&json!(1), &json!(1)));
    assert!(ada["seconds"].as_f64().unwrap() > 0.0);
    let pair = &report["agreement"][0];
    assert_eq!(
        (&pair["first"], &pair["second"]),
        (&json!("ada"), &json!("bob"))
    );
    let n = (first + second) as f64;
    let steps = &pair["steps"];
    assert_eq!(steps["items"], first + second);
    let observed = steps["observed"].as_f64().unwrap();
    assert!((observed - (n - 1.0) / n).abs() < 1e-12, "{steps}");
    // By hand: Ada finds one step of n wrong, Bob two, one of them Ada's.
    let expected = (1.0 / n) * (2.0 / n) + (1.0 - 1.0 / n) * (1.0 - 2.0 / n);
    let kappa = (observed - expected) / (1.0 - expected);
    assert!(
        (steps["kappa"].as_f64().unwrap() - kappa).abs() < 1e-9,
        "{steps}"
    );
    // Both put the first error of the second at its first step.
    assert_eq!(pair["first_error"]["items"], 2);
    assert_eq!(pair["first_error"]["observed"], 1.0);
    let output = run(path, &["labels", "a.jsonl"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("taken back") && text.contains("κ"), "{text}");
    let bob = read(path, &["labels", "a.jsonl", "--who", "bob", "--json"]);
    assert_eq!(bob["people"].as_array().unwrap().len(), 1);
    fails(
        path,
        &["labels", "a.jsonl", "--who", "eve"],
        2,
        &["no label is by `eve`", "ada, bob"],
    );
    assert_eq!(std::fs::read(path.join("a.jsonl")).unwrap(), before);
    // Tables see them, and folders count no trajectory twice.
    let bad = ["show", ".", "--filter", "any(label = bad)", "--json"];
    let bad = read(path, &bad);
    assert_eq!(bad["trajectories"].as_array().unwrap().len(), 1);
    assert_eq!(bad["of"], 4);
}

#[test]
fn all_good_is_no_kappa_of_one() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    write(
        path,
        &[
            all(&found[0], "ada", |_| "good"),
            all(&found[0], "bob", |_| "good"),
        ],
    );
    let report = read(path, &["labels", "a.jsonl", "--json"]);
    let steps = &report["agreement"][0]["steps"];
    assert_eq!(
        (&steps["observed"], &steps["kappa"]),
        (&json!(1.0), &Value::Null)
    );
}

/// What the log holds beside a trajectory rates its steps as well.
#[test]
fn people_are_compared_with_what_came_of_the_steps() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let people: Vec<String> = found.iter().map(|of| all(of, "ada", |_| "good")).collect();
    write(path, &people);
    let names = |report: &Value| -> Vec<String> {
        let pairs = report["agreement"].as_array().unwrap().iter();
        pairs
            .map(|pair| pair["second"].as_str().unwrap().to_owned())
            .collect()
    };
    // One way on says nothing but how it came out.
    let alone = read(path, &["labels", "a.jsonl", "--json"]);
    assert!(!names(&alone).contains(&"value profile".to_owned()));
    for router in ["small", "large"] {
        let solve = [
            "solve", "--limit", "4", "--router", router, "--log", "b.jsonl", "--quiet",
        ];
        std::fs::rename(path.join("b.jsonl"), path.join("c.jsonl")).ok();
        let output = run(path, &solve);
        assert!(output.status.success(), "{output:?}");
    }
    let logs = ["labels", "a.jsonl", "b.jsonl", "c.jsonl", "--json"];
    let beside = read(path, &logs);
    let pairs = beside["agreement"].as_array().unwrap().iter();
    let pair = pairs
        .clone()
        .find(|pair| pair["second"] == "value profile")
        .unwrap();
    assert_eq!(pair["first"], "ada");
    assert!(pair["steps"]["items"].as_u64().unwrap() > 0, "{pair}");
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn exports_of_a_log_hold_what_people_said_beside_it() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    write(path, &[line(&found[0], 1, "ada", "bad")]);
    let export = ["export", "a.jsonl", "--csv", "labels.csv", "--of", "labels"];
    let output = run(path, &export);
    assert!(output.status.success(), "{output:?}");
    let table = std::fs::read_to_string(path.join("labels.csv")).unwrap();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("ada") && table.contains("bad"), "{table}");
}

#[test]
fn labels_are_exported_in_the_fields_of_the_data_sets() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let lines = [
        all(&found[0], "ada", |_| "good"),
        line(&found[1], 1, "ada", "first-error"),
        line(&found[1], 0, "ada", "neutral"),
        // The first error is not known: the first step is open.
        line(&found[2], 1, "ada", "bad"),
        all(&found[3], "ada", |_| "good"),
        all(
            &found[3],
            "bob",
            |step| if step == 0 { "bad" } else { "good" },
        ),
    ];
    write(path, &lines);
    let export = |form, file| ["labels", "a.jsonl", "--export", form, file, "--json"];

    let done = read(path, &export("process-bench", "pb.json"));
    assert_eq!(done["rows"], 2, "{done}");
    assert_eq!(done["left_out"].as_object().unwrap().len(), 2, "{done}");
    let rows: Value =
        serde_json::from_slice(&std::fs::read(path.join("pb.json")).unwrap()).unwrap();
    let fields = [
        "final_answer_correct",
        "generator",
        "id",
        "label",
        "problem",
        "steps",
    ];
    for row in rows.as_array().unwrap() {
        assert_eq!(keys(row), fields);
        assert!(row["final_answer_correct"].is_boolean());
    }
    assert_eq!(
        (&rows[0]["label"], &rows[1]["label"]),
        (&json!(-1), &json!(1))
    );
    assert_eq!(rows[1]["id"], found[1].1.as_str());
    assert_eq!(rows[1]["steps"].as_array().unwrap().len(), found[1].2.len());
    // It is a data set that this program reads.
    let solve = [
        "solve",
        "--problems",
        "pb.json",
        "--router",
        "small",
        "--log",
        "b.jsonl",
        "--quiet",
    ];
    let output = run(path, &solve);
    assert!(output.status.success(), "{output:?}");

    let done = read(path, &export("prm800k", "prm.jsonl"));
    assert_eq!(done["rows"], 4, "{done}");
    let text = std::fs::read_to_string(path.join("prm.jsonl")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for row in &rows {
        assert_eq!(
            keys(row),
            [
                "generation",
                "is_initial_screening_question",
                "is_quality_control_question",
                "label",
                "labeler",
                "question",
                "timestamp"
            ]
        );
        assert_eq!(
            keys(&row["label"]),
            ["finish_reason", "steps", "total_time"]
        );
        for step in row["label"]["steps"].as_array().unwrap() {
            assert_eq!(
                keys(step),
                ["chosen_completion", "completions", "human_completion"]
            );
            assert_eq!(keys(&step["completions"][0]), ["flagged", "rating", "text"]);
        }
    }
    let label = |at: usize| &rows[at]["label"];
    assert_eq!(label(0)["finish_reason"], "solution");
    assert_eq!(label(1)["finish_reason"], "found_error");
    let steps = &label(1)["steps"];
    assert_eq!(steps[0]["completions"][0]["rating"], 0);
    assert_eq!(
        (
            &steps[0]["chosen_completion"],
            &steps[1]["chosen_completion"]
        ),
        (&json!(0), &Value::Null)
    );
    assert_eq!(steps[1]["completions"][0]["rating"], -1);

    // Nothing is overwritten.
    fails(
        path,
        &export("prm800k", "prm.jsonl"),
        2,
        &["prm.jsonl", "there already"],
    );
    assert_eq!(
        std::fs::read_to_string(path.join("prm.jsonl")).unwrap(),
        text
    );
    fails(
        path,
        &export("csv", "x"),
        2,
        &["`csv` is no form", "process-bench"],
    );
    let bob = [
        "labels",
        "a.jsonl",
        "--who",
        "bob",
        "--export",
        "process-bench",
        "bob.json",
        "--json",
    ];
    assert_eq!(read(path, &bob)["rows"], 1);
}

#[test]
fn a_torn_side_file_is_read_as_far_as_it_goes() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let text = [
        line(&found[0], 0, "ada", "good"),
        line(&found[0], 1, "ada", "bad"),
    ]
    .concat();
    std::fs::write(path.join("a.labels.jsonl"), &text[..text.len() - 12]).unwrap();
    let output = run(path, &["labels", "a.jsonl", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("a.labels.jsonl line 2"), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["people"][0]["good"], &report["people"][0]["bad"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn of_several_first_errors_of_a_person_the_last_one_counts() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let long = found.iter().find(|of| of.2.len() > 2).unwrap();
    // The times of these labels are in the order of the steps.
    let lines = [
        line(long, 0, "ada", "first-error"),
        line(long, 2, "ada", "first-error"),
        line(long, 1, "ada", "good"),
    ];
    write(path, &lines);
    let export = |form, file| {
        read(
            path,
            &["labels", "a.jsonl", "--export", form, file, "--json"],
        );
        std::fs::read_to_string(path.join(file)).unwrap()
    };
    let rows: Value = serde_json::from_str(&export("process-bench", "pb.json")).unwrap();
    assert_eq!(rows[0]["label"], 2);
    let row: Value = serde_json::from_str(&export("prm800k", "prm.jsonl")).unwrap();
    let steps = row["label"]["steps"].as_array().unwrap().iter();
    let ratings: Vec<&Value> = steps
        .map(|step| &step["completions"][0]["rating"])
        .collect();
    assert_eq!(ratings, [1, 1, -1]);
    assert_eq!(row["label"]["finish_reason"], "found_error");
}

#[test]
fn files_of_labels_are_named_and_told_from_logs() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let mine = line(&found[0], 0, "ada", "good") + &line(&found[0], 0, "eve", "odd");
    let elsewhere = mine.replace(&found[0].1, "another-problem");
    std::fs::write(path.join("mine.labels.jsonl"), mine + &elsewhere).unwrap();
    let named = [
        "labels",
        "a.jsonl",
        "--labels",
        "mine.labels.jsonl",
        "--json",
    ];
    let report = read(path, &named);
    assert_eq!(
        (&report["trajectories"], &report["people"][0]["who"]),
        (&json!(1), &json!("ada"))
    );
    fails(
        path,
        &["labels", "a.jsonl", "--labels", "no.jsonl"],
        2,
        &["no.jsonl"],
    );
    fails(
        path,
        &["labels", "a.jsonl", "--labels", "a.jsonl"],
        2,
        &["this is the log itself"],
    );
}

#[test]
fn nothing_that_a_terminal_obeys_leaves_hostile_names() {
    let folder = log();
    let path = folder.path();
    let found = trajectories(path);
    let who = "\u{1b}]52;c;eA==\u{7}\u{9b}2J\u{202e}eve\n";
    write(
        path,
        &[
            line(&found[0], 0, who, "good"),
            line(&found[0], 0, "ada", "bad"),
        ],
    );
    for form in [&["labels", "a.jsonl"][..], &["labels", "a.jsonl", "--json"]] {
        let output = run(path, form);
        assert!(output.status.success(), "{output:?}");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!shown.contains(obeyed), "{shown:?}");
    }
}
