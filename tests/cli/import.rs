//! `import`: other tools' files, on the command line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const BENCH: &str = r#"[
 {"id": "gsm8k-0", "generator": "m", "problem": "1+1?", "steps": ["1 + 1 = 3", "so 3"],
  "final_answer_correct": false, "label": 0},
 {"id": "gsm8k-1", "generator": "m", "problem": "2+2?", "steps": ["2 + 2 = 4", "so 4"],
  "final_answer_correct": true, "label": -1}
]
"#;
const RSD: &str = "{\"idx\": 1, \"question\": \"1+1?\", \"gt\": \"2\", \"code\": [\"a\\n\\nb\"], \"pred\": [\"2\"], \
     \"score\": [true], \"turn_info\": [[0, 1], [1, 2]], \"reward\": [0.9, 0.25]}\n";
const RSD_NAME: &str = "test_x_-1_seed0_t0.0_s0_e-1_delta0.7_maxsteps9.jsonl";
const SPEC_REASON: &str = "[{'step_str': 'so \\\\boxed{2}', 'small_model_step': \"so 3\", 'score': 2, \
     'justification': '2', 'num_output_tokens_small': 4, 'base_model_step': 'so \\\\boxed{2}', \
     'num_output_tokens_base': 5, 'stop_reason': 'finished'}]\n";

fn done(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [&["import"], arguments, &["--json"]].concat();
    let output = run(folder, &arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn shown(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [&["show"], arguments, &["--json"]].concat();
    let output = run(folder, &arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_format_is_guessed_and_told_and_the_log_is_shown_and_evaluated() {
    let folder = folder(&[("bench.json", BENCH.as_bytes())]);
    let path = folder.path();
    let output = run(path, &["import", "bench.json", "--log", "out.jsonl"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("read as process-bench"), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("2 trajectories with 4 steps in 1 run"),
        "{text}"
    );
    assert!(text.contains("not in the source: "), "{text}");

    let runs = shown(path, &["out.jsonl", "--screen", "runs"]);
    assert_eq!(runs["runs"][0]["router"]["spec"], "none:model=m");
    assert_eq!(runs["runs"][0]["came_to"]["correct"], 1);
    let labelled = ["out.jsonl", "--filter", "any(label = first-error)"];
    let listed = shown(path, &labelled);
    assert_eq!(listed["trajectories"].as_array().unwrap().len(), 1);
    assert_eq!(listed["trajectories"][0]["problem"], "gsm8k-0");
    // Nobody knows how many tokens a step had.
    let unknown = ["show", "out.jsonl", "--filter", "any(tokens >= 0)"];
    fails(path, &unknown, 1, &["none of the 2"]);
    let stats = run(path, &["stats", "out.jsonl"]);
    let stats = String::from_utf8(stats.stdout).unwrap();
    assert!(
        stats.contains("tokens       not counted of any step"),
        "{stats}"
    );
    let mut row = stats.lines().last().unwrap().split_whitespace();
    assert_eq!(row.next(), Some("m"), "{stats}");
    let row: Vec<&str> = row.skip(1).collect();
    assert_eq!(row, ["4", "4", "–", "–", "–", "–"], "{stats}");
    let output = run(path, &["eval", "--log", "out.jsonl", "--json"]);
    assert!(output.status.success(), "{output:?}");
    // Nobody routed: there is nothing to decide again.
    fails(
        path,
        &["show", "out.jsonl", "--screen", "what-if"],
        2,
        &["nobody says what routed this run"],
    );
}

/// Of every problem of a log: the question, the texts and models of the steps
/// that its outcome ends, and the verdict.
fn told(path: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let records: Vec<Value> = records.collect();
    let of = |kind: &'static str| records.iter().filter(move |one| one["record"] == kind);
    let steps: BTreeMap<&str, &Value> = of("step")
        .map(|step| (step["id"].as_str().unwrap(), step))
        .collect();
    let outcomes: BTreeMap<&str, &Value> = of("outcome")
        .map(|outcome| (outcome["problem"].as_str().unwrap(), outcome))
        .collect();
    of("problem")
        .map(|problem| {
            let id = problem["id"].as_str().unwrap();
            let outcome = outcomes[id];
            let step = |id: &Value| steps.get(id.as_str()?).copied();
            let line = std::iter::successors(step(&outcome["leaf"]), |at| step(&at["parent"]));
            let mut line: Vec<Value> = line
                .map(|step| {
                    json!([
                        step["text"],
                        step["model"],
                        step["usage"]["output"],
                        step["at"]
                    ])
                })
                .collect();
            line.reverse();
            let told = json!({
                "question": problem["question"],
                "gold": problem["gold"],
                "domain": problem["domain"],
                "difficulty": problem["difficulty"],
                "steps": line,
                "verdict": outcome["verdict"],
                "answer": outcome["answer"],
                "end": outcome["end"],
            });
            (id.to_owned(), told)
        })
        .collect()
}

#[test]
fn a_log_of_our_own_comes_back_from_inspect_as_it_was() {
    let folder = folder(&[]);
    let path = folder.path();
    // Drafts that stand and drafts that do not, and texts that may be the same.
    let solve = [
        "solve",
        "--limit",
        "8",
        "--router",
        "rsd:delta=0.7",
        "--log",
        "own.jsonl",
        "--quiet",
    ];
    let output = run(path, &solve);
    assert!(output.status.success(), "{output:?}");
    let own = told(&path.join("own.jsonl"));
    assert_eq!(own.len(), 8);
    for (file, log) in [("log.eval", "a.jsonl"), ("log.json", "b.jsonl")] {
        let output = run(path, &["export", "own.jsonl", "--inspect", file]);
        assert!(output.status.success(), "{output:?}");
        let summary = done(path, &[file, "--log", log]);
        assert_eq!(
            (&summary["runs"], &summary["trajectories"]),
            (&1.into(), &8.into())
        );
        assert_eq!(told(&path.join(log)), own, "{file}");
        let runs = shown(path, &[log, "--screen", "runs"]);
        let pool = json!(["embedded-small", "embedded-large"]);
        assert_eq!(runs["runs"][0]["pool"], pool);
    }
    // Of that log there is nothing to import.
    let again = ["import", "own.jsonl", "--log", "c.jsonl"];
    fails(path, &again, 4, &["a log of our own", "replay"]);
}

#[test]
fn what_a_format_does_not_store_is_said_on_the_command_line() {
    let files: [(&str, &[u8]); 3] = [
        (RSD_NAME, RSD.as_bytes()),
        ("0.txt", SPEC_REASON.as_bytes()),
        (
            "data.jsonl",
            b"{\"question\": \"1+1?\", \"answer\": \"2\"}\n",
        ),
    ];
    let folder = folder(&files);
    let path = folder.path();
    let rsd = done(path, &[RSD_NAME, "--models", "s,l,p", "--log", "rsd.jsonl"]);
    assert_eq!((&rsd["decisions"], &rsd["scores"]), (&2.into(), &2.into()));
    let runs = shown(path, &["rsd.jsonl", "--screen", "runs"]);
    assert_eq!(runs["runs"][0]["router"]["spec"], "rsd:delta=0.7");
    assert_eq!(runs["runs"][0]["pool"], json!(["s", "l"]));
    let what_if = shown(path, &["rsd.jsonl", "--value", "0.2"]);
    assert_eq!(what_if["values"][0]["unknown"], 1);

    std::fs::create_dir(path.join("0")).unwrap();
    std::fs::rename(path.join("0.txt"), path.join("0/3.txt")).unwrap();
    let spec = [
        "0/3.txt",
        "--threshold",
        "7",
        "--dataset",
        "data.jsonl",
        "--log",
        "spec.jsonl",
    ];
    let spec = done(path, &spec);
    assert_eq!((&spec["correct"], &spec["steps"]), (&1.into(), &2.into()));
    let runs = shown(path, &["spec.jsonl", "--screen", "runs"]);
    assert_eq!(
        runs["runs"][0]["router"]["spec"],
        "specreason:tau=7,score=greedy"
    );
}

#[test]
fn wrong_usage_is_2_and_nothing_is_written() {
    let folder = folder(&[("bench.json", BENCH.as_bytes()), ("out.jsonl", b"kept")]);
    let path = folder.path();
    let with = |more: &[&str], said: &[&str]| {
        fails(path, &[&["import", "bench.json"], more].concat(), 2, said);
    };
    with(&[], &["--log"]);
    with(&["--log", "out.jsonl"], &["is there already"]);
    with(&["--log", "no/such.jsonl"], &["no such folder"]);
    let log = ["--log", "new.jsonl"];
    let and = |more: &[&'static str]| [&log[..], more].concat();
    with(
        &and(&["--format", "csv"]),
        &["unknown format `csv`", "prm800k"],
    );
    with(
        &and(&["--threshold", "1"]),
        &["--threshold", "process-bench"],
    );
    with(&and(&["--models", "a"]), &["--models"]);
    with(&and(&["--models", "a,,b"]), &["each once"]);
    with(&and(&["--separator", ""]), &["empty"]);
    with(&and(&["--dataset", "bench.json"]), &["--dataset"]);
    fails(
        path,
        &["import", "gone.json", "--log", "new.jsonl"],
        2,
        &["gone.json"],
    );
    assert!(!path.join("new.jsonl").exists());
    assert_eq!(std::fs::read(path.join("out.jsonl")).unwrap(), b"kept");
}

#[test]
fn files_that_are_refused_are_4_and_say_why_in_one_sentence() {
    let mut climbing = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default();
    climbing.start_file("../up.json", stored).unwrap();
    let climbing = climbing.finish().unwrap().into_inner();
    let deep = format!("{{\"turn_info\": {}", "[".repeat(300_000));
    let files: [(&str, &[u8]); 5] = [
        ("0.pickle", b"\x80\x04\x95cos\nsystem\n"),
        ("up.eval", &climbing),
        ("deep.json", deep.as_bytes()),
        ("other.json", b"{\"a\": 1}"),
        ("row.jsonl", RSD.as_bytes()),
    ];
    let folder = folder(&files);
    let path = folder.path();
    let refused = |file: &str, said: &[&str]| {
        fails(
            path,
            &["import", file, "--log", "new.jsonl", "--quiet"],
            4,
            said,
        );
        assert!(!path.join("new.jsonl").exists(), "{file}");
    };
    refused("0.pickle", &["pickle", ".txt"]);
    refused("up.eval", &["../up.json", "leads out"]);
    refused("deep.json", &["nested deeper"]);
    refused("other.json", &["--format"]);
    refused(".", &["folder"]);
    // What could be read of several files is kept.
    let both = [
        "import",
        "row.jsonl",
        "up.eval",
        "--log",
        "new.jsonl",
        "--quiet",
    ];
    let output = run(path, &both);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("leads out"));
    assert!(path.join("new.jsonl").exists());
}
