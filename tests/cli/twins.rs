//! `show`: the tree, labels, rules and training runs, on logs of the embedded
//! pair.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use serde_json::{Value, json};

use super::show::{json, logs, text};
use super::*;

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The problem of the first trajectory.
fn first(folder: &Path, log: &str) -> String {
    word(&json(folder, &[log])["trajectories"][0]["problem"]).to_owned()
}

/// The lines of a log.
fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn append(path: &Path, records: &[Value]) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    for record in records {
        writeln!(file, "{record}").unwrap();
    }
}

#[test]
fn a_forest_is_told_with_every_branch() {
    let folder = folder(&[]);
    let path = folder.path();
    let explore = [
        "explore",
        "--limit",
        "1",
        "--max-nodes",
        "40",
        "--log",
        "f.jsonl",
    ];
    assert!(run(path, &explore).status.success());
    let id = first(path, "f.jsonl");
    let asked = ["f.jsonl", "--screen", "tree", "--problem", &id];
    let tree = json(path, &asked);
    let steps = rows(&tree["steps"]);
    let logged = records(&path.join("f.jsonl"));
    let of_kind = |kind: &str| logged.iter().filter(|one| one["record"] == *kind).count();
    assert_eq!(steps.len(), of_kind("step"));
    // Whatever a step follows stands above it, and says how many follow it.
    let mut ways: BTreeMap<&str, u64> = BTreeMap::new();
    for step in steps {
        if let Some(after) = step["after"].as_str() {
            *ways.get_mut(after).unwrap() += u64::from(step["kept"] == true);
        }
        ways.insert(word(&step["id"]), 0);
        assert_eq!(step["text"], Value::Null);
        assert_eq!(step["rollout"], Value::Null);
    }
    for step in steps {
        assert_eq!(step["ways_on"], ways[word(&step["id"])]);
    }
    let forks = ways.values().filter(|&&ways| ways > 1).count();
    assert!(forks > 0, "a forest branches");
    let ended = steps.iter().filter(|step| step["outcome"].is_object());
    assert_eq!(ended.count(), of_kind("outcome"));
    // The main line is what `steps` has.
    let line = json(path, &["f.jsonl", "--problem", &id]);
    let ids: Vec<&Value> = rows(&line["steps"])
        .iter()
        .map(|step| &step["id"])
        .collect();
    assert_eq!(rows(&tree["main_line"]).iter().collect::<Vec<_>>(), ids);
    let told = text(path, &asked);
    let drawn = told.lines().filter(|line| line.contains('├')).count();
    let aside = steps.iter().filter(|step| {
        let before = steps.iter().find(|other| other["id"] == step["after"]);
        step["lane"].as_u64() > before.map_or(Some(0), |before| before["lane"].as_u64())
    });
    assert_eq!(drawn, aside.count());
    assert!(told.contains("ways on"), "{told}");
    let content = json(path, &[&asked[..], &["--content"]].concat());
    assert!(content["steps"][0]["text"].is_string() && content["question"].is_string());
}

#[test]
fn rollouts_are_marked_and_no_part_of_the_main_line() {
    let folder = logs();
    let path = folder.path();
    let log = path.join("a.jsonl");
    let id = first(path, "a.jsonl");
    let before = json(path, &["a.jsonl", "--problem", &id]);
    let logged = records(&log);
    let of_it = |kind: &str| {
        let mut found = logged.iter();
        let found = found.find(|one| one["record"] == *kind && one["problem"] == *id);
        found.unwrap().clone()
    };
    let mut decision = of_it("decision");
    decision["id"] = json!("rolled");
    decision["after"] = before["steps"][0]["id"].clone();
    decision["rollout"] = json!(true);
    decision["propensity"] = json!(0.0);
    let mut steps = [of_it("step"), of_it("step")];
    let parents = [before["steps"][0]["id"].clone(), json!("r1")];
    for ((step, parent), name) in steps.iter_mut().zip(parents).zip(["r1", "r2"]) {
        step["id"] = json!(name);
        step["parent"] = parent;
        step["decision"] = Value::Null;
    }
    steps[0]["decision"] = json!("rolled");
    let mut outcome = of_it("outcome");
    outcome["leaf"] = json!("r2");
    outcome["rollout"] = json!(true);
    let [first, second] = steps;
    append(&log, &[decision.clone(), first, second, outcome]);

    let asked = ["a.jsonl", "--screen", "tree", "--problem", &id];
    let tree = json(path, &asked);
    let rolled: Vec<&Value> = rows(&tree["steps"])
        .iter()
        .filter(|step| step["rollout"].is_object())
        .collect();
    assert_eq!(rolled.len(), 2, "{tree:#}");
    for (step, begins) in rolled.iter().zip([true, false]) {
        let of = json!({ "by": decision["action"], "begins": begins });
        assert_eq!((&step["rollout"], &step["main_line"]), (&of, &json!(false)));
    }
    let told = text(path, &asked);
    assert!(
        told.contains("rollouts 1;") && told.contains("rollout by"),
        "{told}"
    );
    // Whatever is said of the problem stays as it was.
    assert_eq!(json(path, &["a.jsonl", "--problem", &id]), before);
}

#[test]
fn labels_are_told_by_person_and_by_trajectory() {
    let folder = logs();
    let path = folder.path();
    let id = first(path, "a.jsonl");
    let line = json(path, &["a.jsonl", "--problem", &id]);
    let steps = rows(&line["steps"]);
    let said = |step: usize, who: &str, label: &str, note: Option<&str>| {
        json!({
            "record": "label", "run": line["run"], "problem": id, "step": steps[step]["id"],
            "who": who, "when": "2026-01-02T03:04:05Z", "label": label, "note": note,
        })
    };
    std::fs::write(path.join("a.labels.jsonl"), "").unwrap();
    let mut labels = vec![
        said(0, "ada", "first-error", None),
        said(0, "ada", "flagged", None),
        said(0, "bob", "bad", None),
        said(0, "bob", "retracted", None),
        said(1, "bob", "noted", Some("look\u{1b}[2J here")),
    ];
    labels.extend((0..steps.len()).map(|step| said(step, "eve", "good", None)));
    append(&path.join("a.labels.jsonl"), &labels);

    let asked = ["a.jsonl", "--screen", "labels", "--problem", &id];
    let found = json(path, &asked);
    let people: Vec<&str> = rows(&found["people"])
        .iter()
        .map(|one| word(&one["who"]))
        .collect();
    assert_eq!(people, ["ada", "bob", "eve"]);
    let [ada, bob, eve] = [0, 1, 2].map(|at| &found["people"][at]);
    let index = &steps[0]["step"];
    assert_eq!(
        (&ada["done"], &ada["first_error"]["step"]),
        (&json!(1), index)
    );
    assert_eq!(
        (&bob["done"], &bob["first_error"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(eve["done"], steps.len());
    assert_eq!(eve["first_error"], json!({ "step": null }));
    let of_first = rows(&found["steps"][0]["said"]);
    assert_eq!(of_first.len(), 2, "bob took it back: {of_first:?}");
    assert_eq!(
        (&of_first[0]["rating"], &of_first[0]["flagged"]),
        (&json!("first-error"), &json!(true))
    );
    let told = text(path, &asked);
    assert!(told.contains("first-error, flagged"), "{told}");
    assert!(told.contains("step 2, bob: look[2J here"), "{told}");
    assert!(told.contains(&format!("the first error is at step {index}")));
    let only = json(path, &[&asked[..], &["--who", "eve"]].concat());
    assert_eq!(rows(&only["people"]).len(), 1);

    // The queue: what tells most comes first, and who is done is counted.
    let queue = json(path, &["a.jsonl", "--who", "eve"]);
    let waiting = rows(&queue["trajectories"]);
    assert_eq!((&queue["of"], &queue["done"]), (&json!(6), &json!(1)));
    let worth: Vec<f64> = waiting
        .iter()
        .map(|one| one["worth"].as_f64().unwrap())
        .collect();
    assert!(worth.is_sorted_by(|a, b| a >= b), "{worth:?}");
    assert!(worth[0] > worth[5], "{worth:?}");
    let own = waiting.iter().find(|one| one["problem"] == *id).unwrap();
    assert_eq!(
        own["people"],
        json!([{ "who": "eve", "done": steps.len() }])
    );
    let sorted = [
        "a.jsonl", "--screen", "labels", "--sort", "steps", "--limit", "2",
    ];
    let sorted = json(path, &sorted);
    assert_eq!(rows(&sorted["trajectories"]).len(), 2);
    assert_eq!(
        (&sorted["order"], &sorted["labelled"]),
        (&json!("steps"), &json!(1))
    );
    // Another file of labels takes the place of the one beside the log.
    std::fs::write(path.join("other.jsonl"), "").unwrap();
    let other = ["a.jsonl", "--screen", "labels", "--labels", "other.jsonl"];
    assert_eq!(json(path, &other)["labelled"], 0);
    let none = ["show", "a.jsonl", "--labels", "nowhere.jsonl"];
    fails(path, &none, 2, &["nowhere.jsonl", "no such file"]);
}

#[test]
fn rules_say_what_they_would_do_and_what_was_done() {
    let folder = logs();
    let path = folder.path();
    let id = first(path, "b.jsonl");
    let log = path.join("b.jsonl");
    let pool = &records(&log)[0]["pool"];
    let (small, large) = (&pool[0]["name"], &pool[1]["name"]);
    let asked = [
        "b.jsonl",
        "--problem",
        &id,
        "--routers",
        "small,large,rsd:delta=0.7",
    ];
    let found = json(path, &asked);
    assert_eq!(found["screen"], "rules");
    let steps = rows(&found["steps"]);
    let (last, before) = steps.split_last().unwrap();
    assert!(!before.is_empty());
    for step in before {
        let [own, other, drafts] = [0, 1, 2].map(|at| &step["opinions"][at]);
        assert_eq!((&own["model"], &own["differs"]), (small, &json!(false)));
        assert_eq!((&other["model"], &other["differs"]), (large, &json!(true)));
        assert_eq!(
            (&drafts["wants"], &drafts["differs"]),
            (&json!("unknown"), &Value::Null)
        );
        assert_eq!(step["next_model"], *small);
    }
    // Where it ends nothing is left to decide.
    assert_eq!(last["opinions"][1]["wants"], "unknown");
    let told = text(path, &asked);
    let differ = told.lines().filter(|line| line.contains('≠')).count();
    assert_eq!(differ, before.len(), "{told}");
    // The policy explains itself.
    let usual = json(path, &["b.jsonl", "--screen", "rules", "--problem", &id]);
    let why = &usual["steps"][0]["explanation"];
    let parts = rows(&why["features"]).iter();
    let sum: f64 = parts.map(|part| part["adds"].as_f64().unwrap()).sum();
    let moved = why["large"].as_f64().unwrap() - why["expected"].as_f64().unwrap();
    assert!((sum - moved).abs() < 0.01, "{why:#}");

    // Over confidence and step index: an edge, and every step in a cell.
    let asked = ["b.jsonl", "--routers", "threshold:t=0.5,rsd:delta=0.7"];
    let found = json(path, &asked);
    let surface = &found["rules"][0]["surface"];
    let confidences = rows(&surface["confidences"]).iter();
    let confidences: Vec<f64> = confidences.map(|u| u.as_f64().unwrap()).collect();
    for row in rows(&surface["cells"]) {
        for (cell, u) in rows(row).iter().zip(&confidences) {
            assert_eq!(cell["model"], if *u < 0.5 { large } else { small }.clone());
        }
    }
    let counts = rows(&surface["counts"]).iter().flat_map(rows);
    let counted: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    let measured = records(&log);
    let measured = measured
        .iter()
        .filter(|one| one["record"] == "step" && one["confidence"]["value"].is_number());
    assert_eq!(counted, measured.count() as u64);
    assert!(found["rules"][1]["refused"].is_string());
    assert!(text(path, &asked).contains("step 1"));
    let refused = [
        "show",
        "b.jsonl",
        "--routers",
        "steer:gamma=0.5,file=nowhere",
    ];
    fails(path, &refused, 2, &["--routers steer"]);
}

#[test]
fn a_training_run_is_told_by_iteration() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/training.jsonl");
    let log = log.to_str().unwrap();
    let folder = folder(&[]);
    let path = folder.path();
    let all = json(path, &[log]);
    assert_eq!(all["screen"], "training");
    let logged = records(Path::new(log));
    let iterations = logged.iter().filter(|one| one["record"] == "iteration");
    let numbers: BTreeSet<u64> = iterations
        .map(|one| one["iteration"].as_u64().unwrap())
        .collect();
    assert_eq!(rows(&all["iterations"]).len(), numbers.len());
    let last = json(path, &[log, "--limit", "2"]);
    let last: Vec<u64> = rows(&last["iterations"])
        .iter()
        .map(|one| one["iteration"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().rev().take(2).rev().eq(&last));
    let told = text(path, &[log]);
    assert!(
        told.contains("coverage") && told.contains("saved after"),
        "{told}"
    );
    fails(
        path,
        &["show", log, "--filter", "wrong"],
        2,
        &["--filter says nothing"],
    );
    fails(
        path,
        &["show", log, "--screen", "runs"],
        2,
        &["is a training run"],
    );
}

#[test]
fn what_says_nothing_there_is_refused() {
    let folder = logs();
    let path = folder.path();
    let id = first(path, "a.jsonl");
    let idle: [(&[&str], &str); 9] = [
        (&["--screen", "tree", "--limit", "3"], "--limit"),
        (
            &["--screen", "tree", "--problem", &id, "--who", "ada"],
            "--who",
        ),
        (
            &["--screen", "labels", "--problem", &id, "--sort", "cost"],
            "--sort",
        ),
        (&["--screen", "labels", "--group", "domain"], "--group"),
        (&["--screen", "labels", "--content"], "--content"),
        (&["--screen", "rules", "--filter", "wrong"], "--filter"),
        (&["--screen", "runs", "--labels", "a.jsonl"], "--labels"),
        (&["--group", "domain", "--limit", "3"], "--limit"),
        (&["--screen", "what-if", "--limit", "3"], "--limit"),
    ];
    for (arguments, option) in idle {
        let arguments = [&["show", "a.jsonl"], arguments].concat();
        fails(path, &arguments, 2, &[&format!("{option} says nothing")]);
    }
    fails(
        path,
        &["show", "a.jsonl", "--screen", "tree"],
        2,
        &["--problem"],
    );
    fails(
        path,
        &["show", "a.jsonl", "--screen", "training"],
        4,
        &["no training log"],
    );
    // Of what changes no more is listed than is asked for.
    let changed = json(path, &["a.jsonl", "--value", "0", "--limit", "1"]);
    assert_eq!(rows(&changed["changed"]).len(), 1);
}
