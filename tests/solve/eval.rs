//! `eval` as a process: on a fixed log in every format, and running routers
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;

use pointsman::cost::Ledger;
use pointsman::problem::split::Split;
use pointsman::trace::Reader;
use pointsman::trace::record::{Record, RunRecord, ScoreRecord, StepRecord};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::llama_fake::Fake;
use crate::{
    PROBLEMS, answer, finish, finished, folder, interrupt, pointsman, probes, said, stalled,
    summary, until_seen,
};

/// A log of sixteen problems, written by hand: two seeds of one router, an
/// answer that is ungraded, one cut off, an endpoint that failed, a damaged
/// line, and a session at the screen.
fn fixed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn eval(folder: &Path, more: &[&str]) -> Output {
    pointsman(folder, &[&["eval"], more].concat())
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Numbers by six digits: the last ones are the mathematics library's own.
fn rounded(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.5e}", number.as_f64().unwrap());
            *value = text.parse::<f64>().unwrap().into();
        }
        Value::Array(all) => all.iter_mut().for_each(rounded),
        Value::Object(all) => all.values_mut().for_each(rounded),
        _ => {}
    }
}

fn assert_same(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_table_of_a_fixed_log_is_what_it_was_in_every_format() {
    let log = ["--log", "eval.jsonl"];
    let of = |more: &[&str]| printed(&eval(&fixed(), &[&log[..], more].concat()));
    let text = of(&["--published", "gsm8k"]);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{text}");
    assert_same("eval-text", &text);
    assert_same("eval-markdown", &of(&["--markdown", "--all-pairs"]));
    assert_same("eval-csv", &of(&["--csv", "--published", "math500"]));
    assert_same("eval-latex", &of(&["--latex", "--ledger", "full"]));
    let mut json: Value = serde_json::from_str(&of(&["--json"])).unwrap();
    rounded(&mut json);
    let json = serde_json::to_string_pretty(&json).unwrap();
    assert_same("eval-json", &json);
}

#[test]
fn routers_name_rows_of_a_log_and_sweeps_choose_among_them() {
    let of = |routers: &str, more: &[&str]| {
        let arguments = ["--log", "eval.jsonl", "--json", "--routers", routers];
        eval(&fixed(), &[&arguments[..], more].concat())
    };
    let names = |output: &Output| -> Vec<String> {
        let rows = summary(output)["table"]["rows"].clone();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = of("threshold:t=0.8", &[]);
    assert_eq!(names(&found), ["small", "large", "threshold:t=0.8"]);
    let found = of("threshold:t=0.5|0.8|0.9", &["--choose", "accuracy"]);
    assert!(found.status.success(), "{}", said(&found));
    let document = summary(&found);
    assert_eq!(document["table"]["over"], "test");
    assert_eq!(
        document["choices"][0]["candidates"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(names(&found).len(), 3);
    let told = said(&found);
    assert!(
        told.contains("the logs hold nothing of threshold:t=0.9"),
        "{told}"
    );

    let none = of("threshold:t=0.1..0.3/0.1", &[]);
    assert_eq!(none.status.code(), Some(2));
    let told = said(&none);
    assert!(
        told.contains("selects nothing: the logs hold small, large"),
        "{told}"
    );
    let absent = of("random:p=0.5", &[]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(said(&absent).contains("no run of `random:p=0.5` in the logs"));
}

#[test]
fn bad_input_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    std::fs::write(path.join("other.jsonl"), "{\"a\": 1}\n").unwrap();
    for (arguments, code, reason) in [
        (&[][..], 2, "--log"),
        (&["--log", "none.jsonl"][..], 2, "none.jsonl"),
        (
            &["--log", "other.jsonl"],
            4,
            "no run of `solve` in this log; 1 damaged line",
        ),
        (&["--routers", "treshold:t=1"], 2, "unknown router"),
        (
            &["--routers", "threshold:t=0.9..0.1/0.1"],
            2,
            "selects nothing",
        ),
        (&["--routers", "threshold:t=0..1/0.001"], 2, "more than 200"),
        (
            &["--routers", "threshold:t=0.5|0.6", "--limit", "1"],
            4,
            "split",
        ),
        (&["--routers", "small", "--compare", "small"], 2, "two rows"),
        (&["--routers", "small", "--choose", "best"], 2, "gap=SHARE"),
        (&["--routers", "small", "--published", "aime"], 2, "gsm8k"),
        (
            &["--routers", "small", "--json", "--csv"],
            2,
            "cannot be used",
        ),
    ] {
        let output = eval(path, arguments);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(reason), "{arguments:?}: {told}");
    }
}

/// Everything of one run in a log.
#[derive(Default)]
struct Logged {
    head: Option<RunRecord>,
    steps: BTreeMap<String, Vec<StepRecord>>,
    scores: BTreeMap<String, Vec<ScoreRecord>>,
    costs: BTreeMap<String, [f64; 2]>,
    splits: BTreeSet<Split>,
}

fn logged(path: &Path) -> Logged {
    let mut found = Logged::default();
    for record in Reader::open(path).unwrap() {
        match record.unwrap().value {
            Record::Run(head) => found.head = Some(*head),
            Record::Problem(record) => {
                found.splits.insert(Split::of(&record.problem.question));
            }
            Record::Step(step) => {
                let steps = found.steps.entry(step.problem.clone()).or_default();
                steps.push(StepRecord::clone(&step));
            }
            Record::Score(score) => {
                let scores = found.scores.entry(score.problem.clone()).or_default();
                scores.push(score);
            }
            Record::Outcome(outcome) => {
                let cost = [outcome.cost.published, outcome.cost.full].map(Option::unwrap);
                found.costs.insert(outcome.problem, cost);
            }
            _ => {}
        }
    }
    found
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// One sweep on the embedded pair: what is chosen, what runs where, that costs
/// add up, and that going on costs nothing.
#[test]
fn a_sweep_is_chosen_on_the_calibration_split_and_shown_on_the_test_split() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let command = [
        "--routers",
        "threshold:t=0.6|0.97,random:p=0.5",
        "--limit",
        "40",
        "--dir",
        "runs",
        "--choose",
        "accuracy",
    ];
    let output = eval(
        path,
        &[&command[..], &["--json", "--plot", "frontier.svg"]].concat(),
    );
    assert!(output.status.success(), "{}", said(&output));
    let document = summary(&output);
    let table = &document["table"];
    assert_eq!(table["over"], "test");
    let chosen = document["choices"][0]["chosen"].as_str().unwrap();
    let rows = table["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["small", "large", "random:p=0.5", chosen]);
    for row in rows {
        let figures = &row["figures"];
        assert!(figures["published"].as_f64() <= figures["full"].as_f64());
        assert_eq!(figures["problems"], rows[0]["figures"]["problems"]);
    }
    let svg = std::fs::read_to_string(path.join("frontier.svg")).unwrap();
    assert!(svg.contains(chosen) && svg.contains("calibration split"));

    let mut keys = BTreeSet::new();
    let mut logs = BTreeMap::new();
    for item in std::fs::read_dir(path.join("runs")).unwrap() {
        let file = item.unwrap().path();
        let found = logged(&file);
        let head = found.head.as_ref().unwrap();
        assert!(keys.insert(head.key.clone()), "two settings share a run");
        let (calibration, test) = (Split::Calibration, Split::Test);
        let expected = match head.router.spec.as_str() {
            "small" | "large" => BTreeSet::from([calibration, test]),
            "random:p=0.5" => BTreeSet::from([test]),
            spec if spec == chosen => BTreeSet::from([calibration, test]),
            _ => BTreeSet::from([calibration]),
        };
        assert_eq!(found.splits, expected, "{}", head.router.spec);
        let ledger = Ledger::new(&head.pool);
        for (problem, [published, full]) in &found.costs {
            let scores = found.scores.get(problem).cloned().unwrap_or_default();
            let total = ledger.total_with(&found.steps[problem], &scores);
            assert!(near(total.published().unwrap(), *published), "{problem}");
            assert!(near(total.full().unwrap(), *full), "{problem}");
            assert!(published <= full, "{problem}");
        }
        logs.insert(file.clone(), std::fs::read(&file).unwrap());
    }
    assert_eq!(logs.len(), 5);

    let again = eval(path, &[&command[..], &["--json"]].concat());
    assert_eq!(summary(&again), document);
    for (file, bytes) in logs {
        assert!(std::fs::read(&file).unwrap() == bytes, "{}", file.display());
    }
    // Settings that were not chosen did not run on the test split, nor others
    // on the calibration split: of all logs the test split makes a table.
    let output = eval(path, &["--log", "runs", "--json"]);
    assert_eq!(summary(&output)["table"]["over"], "test");
    assert!(said(&output).contains("the table is of the test split"));
    // The logs alone give the same rows.
    let of_logs = ["--log", "runs", "--split", "test", "--json", "--routers"];
    let routers = format!("{chosen};random:p=0.5");
    let output = eval(path, &[&of_logs[..], &[&routers]].concat());
    assert_eq!(summary(&output)["table"]["rows"], table["rows"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_table_goes_on_where_it_was_and_then_costs_nothing() {
    let mut script = probes();
    script.extend([
        answer(r"\boxed{2}"),
        answer(r"\boxed{5}"),
        answer(r"\boxed{all}"),
    ]);
    script.extend(probes());
    script.extend([answer(r"\boxed{2}"), stalled("2 + 2")]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let path = folder.path().to_owned();
    let command = || {
        let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
        let more = ["--concurrency", "1", "--json"];
        pointsman(
            &path,
            &[&["eval", "--routers", "large"], &files[..], &more].concat(),
        )
    };
    let child = command().spawn().unwrap();
    until_seen(&fake, 9).await;
    interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let told = said(&output);
    assert!(told.contains("router `large`: interrupted"), "{told}");
    assert!(told.contains("the same command goes on"), "{told}");

    let mut script = probes();
    script.extend([answer(r"\boxed{4}"), answer("who knows")]);
    fake.on("/completion", script);
    let calls = fake.seen("/completion").len();
    let output = finish(command()).await;
    let first = summary(&output);
    assert_eq!(
        fake.seen("/completion").len() - calls,
        4,
        "two probes, one step of p2, one of p3"
    );
    let rows = &first["table"]["rows"];
    assert_eq!(rows[0]["figures"]["correct"], 1);
    assert_eq!(rows[1]["figures"]["correct"], 2);
    assert_eq!(rows[0]["figures"]["ungraded"], 1, "p3 has no answer");
    assert_eq!(first["table"]["tests"][0]["problems"], 2);

    let calls = fake.seen("/completion").len();
    let output = finish(command()).await;
    assert_eq!(summary(&output), first);
    assert_eq!(fake.seen("/completion").len(), calls, "nothing is called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_is_3_and_names_the_router() {
    let mut script = probes();
    script.extend([
        answer(r"\boxed{2}"),
        crate::Answer::error(401, "authentication_error", "Invalid API Key"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
    let arguments = ["eval", "--routers", "small", "--concurrency", "1"];
    let output = finish(pointsman(folder.path(), &[&arguments[..], &files].concat())).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = said(&output);
    assert!(told.contains("router `small`: "), "{told}");
    assert!(told.contains("the same command goes on"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_different_problems_are_shown_flagged_and_not_tested() {
    let (fake, folder) = finished().await;
    let path = folder.path();
    let mut script = probes();
    script.extend([answer(r"\boxed{2}"), answer(r"\boxed{4}")]);
    fake.on("/completion", script);
    let fewer: String = PROBLEMS.lines().take(2).map(|l| format!("{l}\n")).collect();
    std::fs::write(path.join("fewer.jsonl"), fewer).unwrap();
    let arguments = [
        "solve",
        "--log",
        "large.jsonl",
        "--pool",
        "pool.toml",
        "--problems",
        "fewer.jsonl",
        "--router",
        "large",
        "--concurrency",
        "1",
    ];
    let output = finish(pointsman(path, &arguments)).await;
    assert!(output.status.success(), "{output:?}");

    let logs = ["--log", "log.jsonl", "large.jsonl"];
    let output = eval(path, &logs);
    let text = printed(&output);
    assert!(text.contains("rows cover different problems"), "{text}");
    assert!(text.contains("no paired test"), "{text}");
    let output = eval(path, &[&logs[..], &["--compare", "small,large"]].concat());
    assert_eq!(output.status.code(), Some(4));
    let told = said(&output);
    assert!(
        told.contains("1 on the first alone, 0 on the second alone, 2 on both"),
        "{told}"
    );
}
