//! `explore` as a process: on the embedded pair, and against servers that are
//! not there, that fail half way and that are asked twice.

use std::path::Path;
use std::process::Output;

use pointsman::problem::split::Split;
use pointsman::trace::record::{CHECKER, Purpose, Record};
use pointsman::train::forest::Forest;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::llama_fake::{Answer, Fake};
use crate::{answer, finish, folder, pointsman, probes, records, said, step, summary};

/// Three problems of the demo, in a forest of some thirty steps each.
const SMALL: [&str; 6] = ["--limit", "3", "--max-nodes", "16", "--seed", "5"];

async fn explore(folder: &Path, more: &[&str]) -> Output {
    let mut command = pointsman(folder, &["explore", "--log", "log.jsonl", "--json"]);
    command.args(more);
    finish(command).await
}

async fn small(folder: &Path, more: &[&str]) -> Output {
    explore(folder, &[&SMALL[..], more].concat()).await
}

fn forest(folder: &Path) -> Forest {
    Forest::load(&[folder.join("log.jsonl")], None).unwrap()
}

fn purpose(folder: &Path, wanted: Purpose) -> usize {
    let is = |record: &&Record| matches!(record, Record::Step(step) if step.purpose == wanted);
    records(folder).iter().filter(is).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_grows_into_a_forest_that_can_be_learnt_from() {
    let folder = TempDir::new().unwrap();
    let output = small(folder.path(), &[]).await;
    assert!(output.status.success(), "{output:?}");
    let told = said(&output);
    assert!(told.contains("3 problems: about "), "{told}");
    let document = summary(&output);
    let report = &document["report"];
    assert_eq!((&report["asked"], &report["whole"]), (&3.into(), &3.into()));
    assert_eq!(report["reference"]["trajectories"], 12);
    let floor = &report["floor"];
    assert_eq!(floor["problems"], 3);
    let interval = floor["interval"].as_array().unwrap();
    assert!(interval[0].as_f64() <= floor["value"].as_f64());
    assert!(floor["value"].as_f64() <= interval[1].as_f64());
    let steps = purpose(folder.path(), Purpose::Step);
    let references = purpose(folder.path(), Purpose::Reference);
    assert_eq!(report["forest"]["steps"], steps);
    assert_eq!(report["calls"], steps + references);
    assert!(report["cost"].as_f64().unwrap() > 0.0);

    let log = records(folder.path());
    let splits = log.iter().find_map(|record| match record {
        Record::Note(note) if note.kind == "splits" => Some(note.text.clone()),
        _ => None,
    });
    let splits: Value = serde_json::from_str(&splits.unwrap()).unwrap();
    let forest = forest(folder.path());
    assert_eq!(forest.problems.len(), 3);
    for split in Split::ALL {
        let found = forest.problems.iter().filter(|p| p.split == split).count();
        assert_eq!(splits["problems"][split.name()], found);
        assert_eq!(report["splits"][split.name()], found);
    }
    // Exact verdicts on every step, also of the reference run.
    let scores = log.iter().filter(|record| match record {
        Record::Score(score) => score.scorer == CHECKER,
        _ => false,
    });
    assert_eq!(scores.count(), steps + references);
    let all = forest.problems.iter().flat_map(|p| &p.steps);
    assert!(
        all.clone()
            .all(|step| step.verdict.is_some() && step.full.is_some())
    );
    let confident = |step: &&pointsman::train::forest::Step| {
        let seen = step.observation.as_ref();
        seen.is_some_and(|seen| seen.confidence.is_some())
    };
    assert!(all.filter(confident).count() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_exploration_goes_on_into_the_same_forest() {
    let whole = TempDir::new().unwrap();
    assert!(
        small(whole.path(), &["--concurrency", "1"])
            .await
            .status
            .success()
    );
    let wanted = forest(whole.path()).problems;
    let log = std::fs::read(whole.path().join("log.jsonl")).unwrap();
    let calls =
        |folder: &Path| purpose(folder, Purpose::Step) + purpose(folder, Purpose::Reference);
    // The first cut is within the head's line but for a few bytes.
    for share in [40, 73] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("log.jsonl");
        let cut = log.len() * share / 100;
        std::fs::write(&path, &log[..cut]).unwrap();

        let output = small(folder.path(), &["--epsilon", "0.9", "--resume"]).await;
        assert_eq!(output.status.code(), Some(2));
        let told = said(&output);
        assert!(told.contains("the router was explore:router="), "{told}");
        assert_eq!(
            std::fs::read(&path).unwrap().len(),
            cut,
            "nothing is touched"
        );

        // Another number of problems at a time is no other exploration.
        let output = small(folder.path(), &["--concurrency", "3", "--resume"]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(forest(folder.path()).problems, wanted, "cut at {share} %");
        assert_eq!(calls(folder.path()), calls(whole.path()), "nothing twice");
        let document = summary(&output);
        assert_eq!(document["report"]["whole"], 3);

        // Nothing is left to do, and nothing is done.
        let before = calls(folder.path());
        let output = small(folder.path(), &["--resume"]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(summary(&output)["estimate"]["calls"], 0);
        assert_eq!(calls(folder.path()), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_calls_nobody_and_leaves_nothing() {
    let fake = Fake::start(probes()).await;
    let folder = folder(&fake.url);
    let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
    let dry = [&files[..], &["--dry-run", "--router", "threshold:t=0.9"]].concat();
    let output = explore(folder.path(), &dry).await;
    assert!(output.status.success(), "{output:?}");
    let document = summary(&output);
    assert_eq!(document["report"], Value::Null);
    let estimate = &document["estimate"];
    assert_eq!(estimate["problems"], 3);
    assert_eq!(estimate["calls"], 3 * (40 + 64));
    assert_eq!(estimate["basis"]["assumed"]["steps"], 10);
    assert_eq!(estimate["unit"], "flops");
    assert_eq!(fake.seen("/completion").len(), 0);
    assert!(!folder.path().join("log.jsonl").exists());

    // What is in the log is measured.
    let folder = TempDir::new().unwrap();
    assert!(small(folder.path(), &[]).await.status.success());
    let before = std::fs::read(folder.path().join("log.jsonl")).unwrap();
    let more = ["--max-nodes", "16", "--seed", "5", "--limit", "6"];
    let resume = [&more[..], &["--resume", "--dry-run"]].concat();
    let output = explore(folder.path(), &resume).await;
    let estimate = &summary(&output)["estimate"];
    assert_eq!(estimate["problems"], 3);
    assert_eq!(estimate["basis"]["measured"]["problems"], 3);
    let made = purpose(folder.path(), Purpose::Step) + purpose(folder.path(), Purpose::Reference);
    assert_eq!(estimate["calls"].as_u64().unwrap().abs_diff(made as u64), 0);
    let after = std::fs::read(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_dies_is_3_and_what_was_done_is_kept() {
    // Four answers and a first step of the first problem, then no more.
    let mut script = probes();
    script.extend((0..4).map(|_| answer(r"\boxed{2}")));
    script.push(step("1 + 1 = 2"));
    script.push(Answer::error(400, "invalid_request_error", "no"));
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let files = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
    let one = [
        &files[..],
        &["--concurrency", "1", "--router", "threshold:t=0.9"],
    ]
    .concat();
    let output = explore(folder.path(), &one).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = said(&output);
    assert!(told.contains("3 of 3 problems failed: "), "{told}");
    assert!(told.contains("--resume"), "{told}");
    let report = &summary(&output)["report"];
    assert_eq!(
        (&report["whole"], &report["failed"]),
        (&0.into(), &3.into())
    );
    assert_eq!(report["reference"]["correct"], 4);
    let kept = purpose(folder.path(), Purpose::Step) + purpose(folder.path(), Purpose::Reference);
    assert_eq!(kept, 5);
    let refused = Forest::load(&[folder.path().join("log.jsonl")], None).unwrap_err();
    assert!(
        refused.to_string().contains("none of the 3 problems"),
        "{refused}"
    );

    // It comes back: what it said is not asked for again.
    let mut script = probes();
    script.push(answer(r"\boxed{2}"));
    fake.on("/completion", script);
    let before = fake.seen("/completion").len();
    let output = explore(folder.path(), &[&one[..], &["--resume"]].concat()).await;
    assert!(output.status.success(), "{output:?}");
    let made = fake.seen("/completion").len() - before;
    // Two probes; both models after the first step of p1; four answers and a
    // first step that ends of p2 and of p3.
    assert_eq!(made, 2 + 2 + 5 + 5);
    assert_eq!(forest(folder.path()).problems.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_explored_is_refused_before_any_call() {
    let folder = folder("http://127.0.0.1:9");
    let pool = ["--pool", "pool.toml", "--problems", "problems.jsonl"];
    for (more, code, words) in [
        (&pool[..], 3, "127.0.0.1:9"),
        (&["--epsilon", "0"], 2, "above 0"),
        (&["--references", "3"], 2, "at least 4"),
        (&["--branches", "0"], 2, "branches"),
        (&["--log", "no/such/log.jsonl"], 2, "no such folder"),
    ] {
        let mut command = pointsman(folder.path(), &["explore"]);
        if !more.contains(&"--log") {
            command.args(["--log", "log.jsonl"]);
        }
        command.args(more);
        let output = finish(command).await;
        let told = said(&output);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {told}");
        assert!(told.contains(words), "{more:?}: {told}");
        assert!(!folder.path().join("log.jsonl").exists(), "{more:?}");
    }
    std::fs::write(folder.path().join("log.jsonl"), "not a log\n").unwrap();
    let output = small(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("the log is not empty"));
    let output = small(folder.path(), &["--resume"]).await;
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(said(&output).contains("not a pointsman log"));
}
