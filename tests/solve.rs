//! `solve` as a process against a server that says what the test wants:
//! the summary, going on after a kill, failures, models that grade; and
//! `explore`, on the embedded pair too.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "solve/doctor.rs"]
mod doctor;
#[path = "solve/eval.rs"]
mod eval;
#[path = "solve/explore.rs"]
mod explore;
#[path = "solve/grading.rs"]
mod grading;
#[path = "solve/routers.rs"]
mod routers;
#[cfg(unix)]
#[path = "solve/secrets.rs"]
mod secrets;
#[path = "solve/shards.rs"]
mod shards;
#[path = "solve/training.rs"]
mod training;
#[path = "solve/trouble.rs"]
mod trouble;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::llama_fake::{Answer, End, Fake, token, tokens};
use pointsman::trace::Reader;
use pointsman::trace::record::{Record, TrajectoryEnd};
use serde_json::Value;
use tempfile::TempDir;

const PROBLEMS: &str = r#"{"id": "p1", "question": "1 + 1?", "gold": "2"}
{"id": "p2", "question": "2 + 2?", "gold": "4"}
{"id": "p3", "question": "What is love?"}
"#;

/// A folder with a pool of two models behind `url` and three problems.
fn folder(url: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let model = |name: &str, params: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nserver = \"llama-cpp\"\nbase_url = \"{url}\"\n\
             template = \"plain\"\nparams = {params}\n"
        )
    };
    let pool = model("small", "1e6") + &model("large", "1e7");
    std::fs::write(folder.path().join("pool.toml"), pool).unwrap();
    std::fs::write(folder.path().join("problems.jsonl"), PROBLEMS).unwrap();
    folder
}

fn pointsman(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn solve(folder: &Path, more: &[&str]) -> Command {
    solve_at_once(folder, "1", more)
}

fn solve_at_once(folder: &Path, concurrency: &str, more: &[&str]) -> Command {
    let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
    let mut command = pointsman(folder, &["solve", "--log", "log.jsonl", "--json"]);
    command
        .args(files)
        .args(["--concurrency", concurrency])
        .args(more);
    command
}

/// A folder in which the three problems were routed by `small`.
async fn finished() -> (Fake, TempDir) {
    let mut script = probes();
    script.extend([
        answer(r"\boxed{2}"),
        answer(r"\boxed{5}"),
        answer(r"\boxed{all}"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert!(output.status.success(), "{output:?}");
    (fake, folder)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn finish(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn records(folder: &Path) -> Vec<Record> {
    Reader::open(&folder.join("log.jsonl"))
        .unwrap()
        .filter_map(Result::ok)
        .map(|record| record.value)
        .collect()
}

fn probes() -> Vec<Answer> {
    vec![tokens(&["1"], "limit"), tokens(&["1"], "limit")]
}

fn answer(text: &str) -> Answer {
    tokens(&["The answer is ", text], "eos")
}

fn step(text: &str) -> Answer {
    tokens(&[text], "word")
}

/// A step that never comes to its end.
fn stalled(text: &str) -> Answer {
    Answer::events(&[token(text, text, 1)]).ending(End::Stall)
}

/// What a shell's `kill` sends.
fn interrupt(child: &Child) {
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// Waits until the server has seen so many completions.
async fn until_seen(fake: &Fake, count: usize) {
    for _ in 0..600 {
        if fake.seen("/completion").len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server saw {} calls", fake.seen("/completion").len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_summary_counts_what_came_of_every_problem() {
    let mut script = probes();
    script.extend([
        step("1 + 1 = 2"),
        answer(r"\boxed{2}"),
        answer(r"\boxed{5}"),
        answer(r"\boxed{all}"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "threshold:t=0.9"])).await;
    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    for (field, value) in [
        ("asked", 3),
        ("problems", 3),
        ("correct", 1),
        ("wrong", 1),
        ("ungraded", 1),
        ("errors", 0),
        ("truncated", 0),
        ("length_ended_steps", 0),
        ("steps", 4),
    ] {
        assert_eq!(summary[field], value, "{field}: {summary}");
    }
    assert_eq!(summary["router"], "threshold:t=0.9");
    assert_eq!(summary["accuracy"], 0.5);
    assert_eq!(summary["interval"].as_array().unwrap().len(), 2);
    // The confidence e^-0.25 = 0.78 is below t: the second step is large.
    assert_eq!(summary["large_share"], 0.25);
    assert_eq!(summary["cost"]["unit"], "flops");
    // 1 + 2 + 2 tokens by the small model, 2 by the large one.
    let total = 2.0 * (5.0 * 1e6 + 2.0 * 1e7);
    assert_eq!(summary["cost"]["total_published"], total);
    assert_eq!(summary["cost"]["published"], total / 3.0);
    assert_eq!(summary["cost"]["upper_bound"], false);

    let log = records(folder.path());
    assert!(matches!(log[0], Record::Run(_)));
    assert!(matches!(&log[1], Record::Note(note) if note.kind == "probe"));
    assert!(matches!(log[2], Record::Problem(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_goes_on_where_it_was() {
    let mut script = probes();
    script.extend([
        step("1 + 1 = 2"),
        answer(r"\boxed{2}"),
        step("2 + 2 = 4"),
        stalled("Let me see."),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let mut child: Child = solve(folder.path(), &["--router", "small"])
        .spawn()
        .unwrap();
    until_seen(&fake, 6).await;
    // SIGKILL: nothing can be saved any more.
    child.kill().unwrap();
    child.wait().unwrap();
    let before = records(folder.path());
    // A killed writer may leave half a line.
    let path = folder.path().join("log.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"record\":\"step\",\"run\":\"");
    std::fs::write(&path, &bytes).unwrap();

    // Other parameters are another run.
    let output = finish(solve(folder.path(), &["--router", "large", "--resume"])).await;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("the router was small, is now large"),
        "{said}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is touched");

    let mut script = probes();
    script.extend([answer(r"\boxed{4}"), answer("who knows")]);
    fake.on("/completion", script);
    let calls = fake.seen("/completion").len();
    let output = finish(solve(folder.path(), &["--router", "small", "--resume"])).await;
    assert!(output.status.success(), "{output:?}");
    let seen = fake.seen("/completion");
    assert_eq!(
        seen.len() - calls,
        4,
        "two probes, one step of p2, one of p3"
    );
    let prompt = seen[calls + 2].body["prompt"].as_str().unwrap();
    assert!(prompt.ends_with("2 + 2 = 4\n\n"), "{prompt}");

    let summary = summary(&output);
    assert_eq!(summary["problems"], 3);
    assert_eq!(summary["correct"], 2);
    assert_eq!(summary["damaged_lines"], 1);
    let after = records(folder.path());
    assert_eq!(after[..before.len()], before[..], "nothing kept is lost");
    let runs = after.iter().filter(|r| matches!(r, Record::Run(_)));
    assert_eq!(runs.count(), 1, "it is the same run");
    let resumed = |r: &&Record| matches!(r, Record::Note(note) if note.kind == "resume");
    assert_eq!(after.iter().filter(resumed).count(), 1);
    let p2 = after.iter().find_map(|record| match record {
        Record::Outcome(outcome) if outcome.problem == "p2" => Some(outcome),
        _ => None,
    });
    assert_eq!(p2.unwrap().steps, 2);
    // A second resume has nothing to do.
    let output = finish(solve(folder.path(), &["--router", "small", "--resume"])).await;
    assert_eq!(self::summary(&output)["problems"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_saves_and_says_130() {
    let mut script = probes();
    script.extend([answer(r"\boxed{2}"), stalled("2 + 2")]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let child = solve(folder.path(), &["--router", "small"])
        .spawn()
        .unwrap();
    until_seen(&fake, 4).await;
    interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(summary(&output)["problems"], 1);
    fake.closed().await;
    let cancelled = records(folder.path())
        .into_iter()
        .find_map(|record| match record {
            Record::Step(step) if !step.kept => Some(step),
            _ => None,
        });
    assert_eq!(cancelled.unwrap().attempts[0].failure, "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_fails_its_problem_and_no_other() {
    let mut script = probes();
    script.extend([
        answer(r"\boxed{2}"),
        Answer::error(400, "invalid_request_error", "no"),
        answer("love"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = said(&output);
    assert!(told.contains("1 of 3 problems failed: small"), "{told}");
    assert!(told.contains("--resume"), "{told}");
    let first = summary(&output);
    assert_eq!(
        (&first["errors"], &first["ungraded"]),
        (&1.into(), &2.into())
    );
    assert_eq!(first["wrong"], 0);

    // A failed problem is not finished: it is tried again.
    let mut script = probes();
    script.push(answer(r"\boxed{4}"));
    fake.on("/completion", script);
    let output = finish(solve(folder.path(), &["--router", "small", "--resume"])).await;
    assert!(output.status.success(), "{output:?}");
    let second = summary(&output);
    assert_eq!(
        (&second["errors"], &second["correct"]),
        (&0.into(), &2.into())
    );
    let ends: Vec<TrajectoryEnd> = records(folder.path())
        .iter()
        .filter_map(|record| match record {
            Record::Outcome(outcome) if outcome.problem == "p2" => Some(outcome.end),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [TrajectoryEnd::Error, TrajectoryEnd::Finished]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_stops_the_run_with_everything_saved() {
    let mut script = probes();
    script.extend([
        answer(r"\boxed{2}"),
        Answer::error(401, "authentication_error", "Invalid API Key"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--resume"), "{said}");
    let summary = summary(&output);
    assert_eq!(summary["correct"], 1);
    assert_eq!(summary["problems"], 2, "the third was not begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_is_refused_a_signal_the_server_cannot_give() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    let router = ["--router", "threshold:t=20,signal=logit"];
    let output = finish(solve(folder.path(), &router)).await;
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("not raw logits"), "{said}");
    assert!(!folder.path().join("log.jsonl").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_everything_failed_is_3() {
    let mut script = probes();
    script.extend((0..3).map(|_| Answer::error(400, "invalid_request_error", "no")));
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(said(&output).contains("3 of 3 problems failed"));
    assert_eq!(summary(&output)["errors"], 3, "told all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_results_of_the_same_question_and_command_are_gone_on_with() {
    let (fake, folder) = finished().await;
    let path = folder.path();
    let resume = ["--router", "small", "--resume"];

    // Fewer problems asked for are no fewer in the log.
    fake.on("/completion", probes());
    let output = finish(solve(path, &[&resume[..], &["--limit", "1"]].concat())).await;
    let counted = summary(&output);
    assert_eq!(
        (&counted["problems"], &counted["asked"]),
        (&3.into(), &3.into())
    );

    let log = std::fs::read_to_string(path.join("log.jsonl")).unwrap();
    std::fs::write(
        path.join("problems.jsonl"),
        PROBLEMS.replace("1 + 1?", "1 + 3?"),
    )
    .unwrap();
    let output = finish(solve(path, &resume)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = said(&output);
    assert!(told.contains("`p1` has another question"), "{told}");
    let after = std::fs::read_to_string(path.join("log.jsonl")).unwrap();
    assert_eq!(after, log, "nothing is touched");

    // At the screen a person may have chosen the models.
    std::fs::write(path.join("problems.jsonl"), PROBLEMS).unwrap();
    let head = r#""command":"solve""#;
    assert!(log.contains(head));
    let inspected = log.replace(head, r#""command":"inspect""#);
    std::fs::write(path.join("log.jsonl"), inspected).unwrap();
    let output = finish(solve(path, &resume)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = said(&output);
    assert!(
        told.contains("the command was inspect, is now solve"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_found_while_loading_is_named_by_its_line() {
    let (fake, folder) = finished().await;
    let path = folder.path().join("log.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    let is_outcome =
        |line: &&str| line.contains(r#""record":"outcome""#) && line.contains(r#""p2""#);
    let number = 1 + log.lines().position(|line| is_outcome(&line)).unwrap();
    let outcome = log.lines().find(is_outcome).unwrap();
    // Its head can be read, so that only loading it shows the damage.
    let damaged = outcome.replace(r#""verdict":"wrong""#, r#""verdict":"wrung""#);
    assert_ne!(outcome, damaged);
    std::fs::write(&path, log.replace(outcome, &damaged)).unwrap();

    let mut script = probes();
    script.push(answer(r"\boxed{4}"));
    fake.on("/completion", script);
    let output = finish(solve(folder.path(), &["--router", "small", "--resume"])).await;
    let told = said(&output);
    assert!(told.contains(&format!("line {number}: ")), "{told}");
    let counted = summary(&output);
    assert_eq!(counted["damaged_lines"], 1, "{counted}");
    assert_eq!(counted["damaged_at"], serde_json::json!([number]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_problems_are_in_flight_as_were_asked_for() {
    let mut script = probes();
    script.extend((0..10).map(|_| stalled("1")));
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let problems: String = (0..10)
        .map(|n| format!("{{\"id\": \"p{n}\", \"question\": \"{n} + 1?\"}}\n"))
        .collect();
    std::fs::write(folder.path().join("problems.jsonl"), problems).unwrap();
    let mut child = solve_at_once(folder.path(), "10", &["--router", "small"])
        .spawn()
        .unwrap();
    // None of the ten ends before all have begun.
    until_seen(&fake, 12).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_step_becomes_a_picture_that_others_may_read() {
    let (_fake, folder) = finished().await;
    let path = folder.path();
    let export = ["export", "log.jsonl", "--svg", "step.svg", "--json"];
    let output = finish(pointsman(path, &export)).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["svg"], "step.svg");
    let svg = std::fs::read_to_string(path.join("step.svg")).unwrap();
    assert!(svg.contains("<svg"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name| {
            let found = std::fs::metadata(path.join(name)).unwrap();
            found.permissions().mode()
        };
        assert_eq!(mode("step.svg"), mode("problems.jsonl"), "as any new file");
    }

    let output = finish(pointsman(path, &["replay", "log.jsonl"])).await;
    assert_eq!(output.status.code(), Some(2));
    let told = said(&output);
    assert!(told.contains("pointsman show LOG"), "{told}");
}
