//! Data sets cut into shards, on the embedded pair: each part runs in a process
//! of its own, and their logs are read as one.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Output};

use pointsman::policy::Checkpoint;
use pointsman::trace::Log;
use pointsman::train::forest::Forest;
use serde_json::Value;
use tempfile::TempDir;

use crate::{pointsman, said, summary};

const SHARDS: [&str; 3] = ["1/3", "2/3", "3/3"];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    pointsman(folder, arguments).output().unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    output
}

/// Three processes at once, a shard each.
fn in_shards(folder: &Path, arguments: &[&str], logs: bool) -> Vec<Output> {
    let start = |(number, shard): (usize, &str)| -> Child {
        let mut command = pointsman(folder, arguments);
        command.args(["--shard", shard]);
        if logs {
            command.args(["--log", &format!("shards/{}.jsonl", number + 1)]);
        }
        command.spawn().unwrap()
    };
    let started: Vec<Child> = SHARDS.into_iter().enumerate().map(start).collect();
    let ended = started
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    let ended: Vec<Output> = ended.collect();
    for output in &ended {
        assert!(output.status.success(), "{}", said(output));
    }
    ended
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("shards")).unwrap();
    folder
}

fn table(folder: &Path, log: &str) -> Value {
    summary(&done(folder, &["eval", "--json", "--log", log]))["table"].clone()
}

const SOLVE: [&str; 6] = ["solve", "--limit", "24", "--seed", "3", "--json"];

#[test]
fn three_processes_give_the_table_of_one() {
    let folder = folder();
    let path = folder.path();
    let parts = in_shards(path, &SOLVE, true);
    let mut problems = 0;
    for (output, shard) in parts.iter().zip(SHARDS) {
        let part = &summary(output)["shard"];
        assert_eq!((&part["shard"], &part["of"]), (&shard.into(), &24.into()));
        assert_eq!(part["problems"], summary(output)["problems"]);
        problems += part["problems"].as_u64().unwrap();
    }
    assert_eq!(problems, 24);
    done(path, &[&SOLVE[..], &["--log", "whole.jsonl"]].concat());

    let (one, all) = (table(path, "whole.jsonl"), table(path, "shards"));
    assert_eq!(all["warnings"], one["warnings"]);
    let (one, all) = (&one["rows"][0], &all["rows"][0]);
    assert_eq!(all["name"], one["name"]);
    for figure in [
        "problems",
        "correct",
        "wrong",
        "accuracy",
        "published",
        "large_share",
    ] {
        assert_eq!(all["figures"][figure], one["figures"][figure], "{figure}");
        assert!(!all["figures"][figure].is_null(), "{figure}");
    }
    let log = Log::open(&[path.join("shards"), path.join("whole.jsonl")]).unwrap();
    let heads = || log.runs().iter().map(|run| run.head.as_ref().unwrap());
    let keys: BTreeSet<&String> = heads().map(|head| &head.key).collect();
    let runs: BTreeSet<&String> = heads().map(|head| &head.run).collect();
    assert_eq!((keys.len(), runs.len()), (1, 4));

    // Each problem twice, and a shard that is missing, are told.
    let both = done(path, &["eval", "--log", "shards", "whole.jsonl"]);
    let text = String::from_utf8(both.stdout).unwrap();
    assert!(text.contains("and 23 more found in several runs"), "{text}");
    let two = done(path, &["eval", "--log", "shards/1.jsonl", "shards/3.jsonl"]);
    let text = String::from_utf8(two.stdout).unwrap();
    assert!(text.contains("the logs lack shard 2/3"), "{text}");
}

#[test]
fn a_shard_goes_on_with_its_own_log_only_and_may_be_empty() {
    let folder = folder();
    let path = folder.path();
    let with = |shard: &[&str], more: &[&str]| {
        let arguments = [
            "solve", "--limit", "2", "--router", "small", "--log", "a.jsonl",
        ];
        run(path, &[&arguments[..], shard, more].concat())
    };
    for (wrong, reason) in [
        ("0/3", "counted from 1"),
        ("4/3", "counted from 1"),
        ("2of3", "write it i/n"),
        ("1/0", "counted from 1"),
    ] {
        for command in ["solve", "explore", "eval"] {
            let output = run(path, &[command, "--shard", wrong, "--log", "a.jsonl"]);
            assert_eq!(output.status.code(), Some(2), "{command} {wrong}");
            assert!(said(&output).contains(reason), "{}", said(&output));
        }
    }
    assert!(!path.join("a.jsonl").exists());

    let output = with(&["--shard", "1/3"], &[]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("shard      1/3: "), "{text}");
    assert!(with(&["--shard", "1/3"], &["--resume"]).status.success());
    for (other, is) in [
        (&["--shard", "2/3"][..], "shard 2/3"),
        (&[], "all problems"),
    ] {
        let output = with(other, &["--resume"]);
        assert_eq!(output.status.code(), Some(2));
        let told = said(&output);
        assert!(
            told.contains(&format!(
                "a.jsonl: the log is of shard 1/3, this run is of {is}"
            )),
            "{told}"
        );
    }

    // Of two problems most of fifty shards are empty.
    let mut empty = 0;
    for index in 1..=3 {
        let (shard, log) = (format!("{index}/50"), format!("shards/{index}.jsonl"));
        let arguments = [
            "solve", "--limit", "2", "--router", "small", "--json", "--log", &log, "--shard",
            &shard,
        ];
        let output = done(path, &arguments);
        assert_eq!(summary(&output)["shard"]["of"], 2);
        if summary(&output)["problems"] == 0 {
            empty += 1;
            let log = Log::open(&[path.join(&log)]).unwrap();
            assert_eq!((log.runs().len(), log.len()), (1, 1), "its head alone");
            done(path, &[&arguments[..], &["--resume"]].concat());
            let explored = [
                "explore",
                "--limit",
                "2",
                "--json",
                "--log",
                "empty.jsonl",
                "--shard",
                &shard,
            ];
            if empty == 1 {
                assert_eq!(summary(&done(path, &explored))["report"]["asked"], 0);
            }
        }
    }
    assert!(empty > 0);
}

#[test]
fn a_policy_learns_from_shards_what_it_learns_from_one_run_to_the_last_bit() {
    let folder = folder();
    let path = folder.path();
    in_shards(path, &["explore", "--limit", "30", "--quiet"], true);
    let whole = crate::training::forest().to_string_lossy().into_owned();
    let one = Forest::load(&[&whole], None).unwrap();
    let all = Forest::load(&[path.join("shards")], None).unwrap();
    assert_eq!(one.key, all.key);
    assert_eq!(one.problems.len(), all.problems.len());
    let train = |out: &str, forest: &[&str]| {
        let arguments = ["train", "--iterations", "40", "--alpha", "0.2", "--quiet"];
        let signal = ["--signal", "sampled", "--out", out, "--forest"];
        done(path, &[&arguments[..], &signal, forest].concat());
        let policy = std::fs::read(path.join(out).join("policy.safetensors")).unwrap();
        (
            policy,
            Checkpoint::load(&path.join(out)).unwrap().facts.kappa,
        )
    };
    let wanted = train("one", &[&whole]);
    assert_eq!(train("folder", &["shards"]), wanted);
    let turned = ["shards/3.jsonl", "shards/1.jsonl", "shards/2.jsonl"];
    assert_eq!(train("turned", &turned), wanted);
}

const EVAL: [&str; 9] = [
    "eval",
    "--routers",
    "random:p=0.5,threshold:t=0.3|0.9",
    "--limit",
    "40",
    "--dir",
    "shards",
    "--json",
    "--quiet",
];

#[test]
fn shards_choose_of_a_sweep_together_in_two_rounds() {
    let folder = folder();
    let path = folder.path();
    // One alone has nothing to choose by.
    let first = done(path, &[&EVAL[..], &["--shard", "1/3"]].concat());
    let document = summary(&first);
    assert_eq!(document["choices"], Value::Array(Vec::new()));
    assert_eq!(
        (&document["part"]["shard"], &document["part"]["of"]),
        (&"1/3".into(), &40.into())
    );
    let warnings = document["table"]["warnings"].to_string();
    assert!(
        warnings.contains("nothing is chosen of the sweeps yet"),
        "{warnings}"
    );

    in_shards(path, &EVAL, false);
    let second = in_shards(path, &EVAL, false);
    let chosen: BTreeSet<String> = second
        .iter()
        .map(|output| summary(output)["choices"][0]["chosen"].to_string())
        .collect();
    assert_eq!(chosen.len(), 1, "{chosen:?}");

    let mut whole = EVAL;
    whole[6] = "whole";
    let one = summary(&done(path, &whole));
    let routers = ["--routers", EVAL[2], "--json", "--quiet"];
    let all = summary(&done(
        path,
        &[&["eval", "--log", "shards"], &routers[..]].concat(),
    ));
    assert_eq!(all["choices"][0]["chosen"], one["choices"][0]["chosen"]);
    let rows = |document: &Value| -> Vec<(String, String, String)> {
        let rows = document["table"]["rows"].as_array().unwrap().iter();
        let figure = |row: &Value, name: &str| row["figures"][name].to_string();
        let told = |row: &Value| {
            let name = row["name"].as_str().unwrap().to_owned();
            (name, figure(row, "accuracy"), figure(row, "published"))
        };
        rows.map(told).collect()
    };
    assert_eq!(rows(&all), rows(&one));
    assert_eq!(rows(&one).len(), 4);
    // What is of a part says so in print.
    let text = done(path, &[&EVAL[..7], &["--shard", "2/3"]].concat());
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("shard 2/3: "), "{text}");
    assert!(text.contains("no table of the whole"), "{text}");
}

const PAIR: &str = r#"
[[model]]
name = "small"
server = "embedded"
model = "small"
params = 1e5

[[model]]
name = "large"
server = "embedded"
model = "large"
params = 1e6
"#;

/// Runs a script of the examples as its scheduler would.
fn script(folder: &Path, shell: &str, script: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_pointsman")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(shell);
    command.arg("-c").arg(script).current_dir(folder);
    command.env("PATH", path).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output
}

/// The block of a YAML file that is a container's script.
fn block(yaml: &str) -> String {
    let mut lines = yaml.lines().skip_while(|line| line.trim() != "- |");
    lines.next();
    let lines = lines.take_while(|line| line.starts_with("              "));
    lines
        .map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

#[cfg(unix)]
#[test]
fn the_scripts_of_the_examples_run_the_parts_of_one_run() {
    let folder = folder();
    let path = folder.path();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let read = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/problems.jsonl");
    let demo = std::fs::read_to_string(demo).unwrap();
    let few: Vec<&str> = demo.lines().take(6).collect();
    std::fs::write(path.join("math500.jsonl"), few.join("\n")).unwrap();
    std::fs::write(path.join("pool.toml"), PAIR).unwrap();

    let slurm = read("slurm/solve.sbatch");
    let of_slurm = |task: &str| {
        let variables = [
            ("PROBLEMS", "math500.jsonl"),
            ("POOL", "pool.toml"),
            ("RUNS", "runs"),
            ("N", "2"),
            ("SLURM_ARRAY_TASK_ID", task),
        ];
        script(path, "bash", &slurm, &variables);
    };
    of_slurm("1");
    // Requeued: it goes on.
    of_slurm("1");
    let pod = block(&read("kubernetes/job.yaml"));
    // Counted from 0: the second pod.
    script(
        path,
        "sh",
        &pod,
        &[("N", "2"), ("JOB_COMPLETION_INDEX", "1")],
    );
    let table = table(path, "runs");
    assert_eq!(table["rows"][0]["figures"]["problems"], 6);
    let told = table["warnings"].to_string();
    assert!(
        !told.contains("shard") && !told.contains("several runs"),
        "{told}"
    );
}
