//! `stats`: what logs of the embedded pair hold, in counts.

use serde_json::{Value, json};

use super::*;

fn read(folder: &Path, logs: &[&str]) -> Value {
    let output = run(folder, &[&["stats"], logs, &["--json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn total(rows: &Value, of: &str) -> f64 {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| number(&row[of])).sum()
}

#[test]
fn the_counts_are_those_of_the_records_and_of_the_table_of_runs() {
    let folder = show::logs();
    let path = folder.path();
    let stats = read(path, &["a.jsonl", "b.jsonl"]);
    assert_eq!(stats["runs"].as_array().unwrap().len(), 2);
    assert_eq!(stats["problems"], 6);
    assert_eq!(stats["trajectories"]["all"], 12);

    // Counted from the lines of the logs, by nothing of the program.
    let mut lines: Vec<Value> = Vec::new();
    for log in ["a.jsonl", "b.jsonl"] {
        let text = std::fs::read_to_string(path.join(log)).unwrap();
        lines.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    assert_eq!(stats["records"], lines.len());
    let of = |kind: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["record"] == kind).collect()
    };
    let steps = of("step");
    assert_eq!(stats["steps"]["all"], steps.len());
    let rows = &stats["steps"]["by"];
    assert_eq!(total(rows, "steps"), steps.len() as f64);
    let small: Vec<&&Value> = steps
        .iter()
        .filter(|step| step["model"] == "embedded-small" && step["purpose"] == "step")
        .collect();
    let row = &rows[0];
    assert_eq!(
        (&row["model"], &row["purpose"]),
        (&json!("embedded-small"), &json!("step"))
    );
    assert_eq!(row["steps"], small.len());
    let output: u64 = small
        .iter()
        .filter_map(|step| step["usage"]["output"].as_u64())
        .sum();
    assert_eq!(row["tokens"]["output"], output);
    let prompt: u64 = steps
        .iter()
        .filter_map(|step| step["usage"]["prompt"].as_u64())
        .sum();
    assert_eq!(stats["tokens"]["prompt"], prompt);
    let decisions = of("decision");
    assert_eq!(stats["decisions"]["all"], decisions.len());
    assert_eq!(
        total(&stats["decisions"]["by_model"], "decisions"),
        decisions.len() as f64
    );
    let times: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["at"].as_str())
        .collect();
    // All in UTC and to the millisecond: by their first 19 letters.
    let last = times.iter().map(|at| &at[..19]).max().unwrap();
    assert_eq!(&stats["time"]["last"].as_str().unwrap()[..19], last);

    // The table of runs counts the same trajectories.
    let runs = show::json(path, &["a.jsonl", "b.jsonl", "--screen", "runs"]);
    let table: Vec<&Value> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["came_to"])
        .collect();
    for verdict in ["correct", "wrong", "ungraded"] {
        let shown: f64 = table.iter().map(|row| number(&row[verdict])).sum();
        assert_eq!(number(&stats["verdicts"][verdict]), shown, "{verdict}");
    }
    let cost = &stats["costs"][0];
    assert_eq!(
        (&cost["unit"], &cost["ended"]),
        (&json!("flops"), &json!(12))
    );
    for ledger in ["published", "full"] {
        let shown: f64 = table
            .iter()
            .map(|row| number(&row["cost"][ledger]) * number(&row["trajectories"]))
            .sum();
        let counted = number(&cost[ledger]);
        assert!((counted - shown).abs() <= 1e-9 * shown, "{counted} {shown}");
    }
    // Counts and nothing else.
    let told = stats.to_string();
    assert!(
        !told.contains("accuracy") && !told.contains("interval"),
        "{told}"
    );
    let text = run(path, &["stats", "a.jsonl", "b.jsonl"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("1 × solve policy") && text.contains("1 × solve small"),
        "{text}"
    );
    assert!(!text.contains('%'), "{text}");
}

#[test]
fn labels_damage_and_what_a_newer_version_wrote_are_counted() {
    let folder = show::logs();
    let path = folder.path();
    let problem = show::json(path, &["a.jsonl"])["trajectories"][0].clone();
    let (run_id, id) = (
        problem["run"].as_str().unwrap(),
        problem["problem"].as_str().unwrap(),
    );
    let steps = show::json(path, &["a.jsonl", "--problem", id]);
    let label = |step: &str, word: &str| {
        let record = json!({
            "record": "label", "run": run_id, "step": step, "problem": id, "who": "ada",
            "when": "2099-01-02T03:04:05Z", "label": word,
        });
        format!("{record}\n")
    };
    let step = steps["steps"][0]["id"].as_str().unwrap();
    let side = [
        label(step, "good"),
        label(step, "retracted"),
        label("nowhere", "bad"),
    ];
    std::fs::write(path.join("a.labels.jsonl"), side.concat()).unwrap();
    let mut log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    log.push_str("{\"record\":\"weather\",\"run\":\"r\"}\n{\"record\":\"st");
    std::fs::write(path.join("a.jsonl"), log).unwrap();
    let stats = read(path, &["a.jsonl"]);
    assert_eq!(stats["files"].as_array().unwrap().len(), 2);
    let labels = &stats["labels"];
    assert_eq!(labels["by"]["ada"], json!({ "good": 1, "retracted": 1 }));
    assert_eq!((&labels["all"], &labels["steps"]), (&json!(3), &json!(1)));
    assert_eq!(labels["of_nothing"], 1);
    assert_eq!(stats["time"]["last"], "2099-01-02T03:04:05Z");
    assert_eq!(stats["unknown_kinds"], json!({ "weather": 1 }));
    assert_eq!(stats["damaged"]["lines"], 1);
    let reason = stats["damaged"]["first"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("cut off"), "{reason}");
}

#[test]
fn drafts_are_told_from_what_took_their_place() {
    let folder = folder(&[]);
    let path = folder.path();
    let solve = [
        "solve",
        "--limit",
        "4",
        "--router",
        "rsd:delta=0.9",
        "--log",
        "a.jsonl",
        "--quiet",
    ];
    let output = run(path, &solve);
    assert!(output.status.success(), "{output:?}");
    let stats = read(path, &["a.jsonl"]);
    let text = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps: Vec<Value> = lines.filter(|line| line["record"] == "step").collect();
    let drafts = steps
        .iter()
        .filter(|step| step["purpose"] == "draft")
        .count();
    let rejected = steps.iter().filter(|step| step["kept"] == false).count();
    assert!(rejected > 0, "the router is strict");
    assert_eq!(
        stats["drafts"],
        json!({ "all": drafts, "rejected": rejected })
    );
    let scored = number(&stats["scored"]["prm"]);
    assert!(scored >= drafts as f64, "{stats}");
}

#[test]
fn a_log_of_a_head_alone_is_counted_and_one_of_nothing_is_4() {
    let folder = show::logs();
    let path = folder.path();
    let log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    let head = log.lines().next().unwrap();
    std::fs::write(path.join("head.jsonl"), format!("{head}\n")).unwrap();
    std::fs::write(path.join("empty.jsonl"), "").unwrap();
    std::fs::write(path.join("notes.txt"), "hello\n").unwrap();
    let stats = read(path, &["head.jsonl"]);
    assert_eq!(stats["trajectories"]["all"], 0);
    assert_eq!(stats["runs"][0]["router"], "policy");
    fails(path, &["stats", "empty.jsonl"], 4, &["nothing in the log"]);
    fails(path, &["stats", "notes.txt"], 4, &["not a pointsman log"]);
    fails(path, &["stats", "none.jsonl"], 2, &["none.jsonl"]);
}

#[test]
fn names_from_a_log_cannot_command_the_terminal() {
    let folder = show::logs();
    let path = folder.path();
    let log = std::fs::read_to_string(path.join("a.jsonl")).unwrap();
    let evil = log.replace("embedded-large", "large\\u001b[2J\\nverdicts");
    std::fs::write(path.join("evil.jsonl"), evil).unwrap();
    let output = run(path, &["stats", "evil.jsonl"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("verdicts"))
            .count(),
        1
    );
    let json = run(path, &["stats", "evil.jsonl", "--json"]).stdout;
    assert!(!json.contains(&0x1b));
    assert!(serde_json::from_slice::<Value>(&json).is_ok());
}
