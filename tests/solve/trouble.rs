//! Servers that are in trouble: what a run does about it, and what it says.

use pointsman::trace::record::Record;
use serde_json::json;

use crate::common::llama_fake::{Answer, Fake, done};
use crate::{answer, finish, folder, probes, records, said, solve, solve_at_once, step, summary};

fn down() -> Answer {
    Answer::error(400, "invalid_request_error", "down")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_is_waited_for_and_told_once() {
    let limit = || {
        let headers = vec![
            ("x-ratelimit-remaining-requests", "0".to_owned()),
            ("x-ratelimit-reset-requests", "20ms".to_owned()),
        ];
        Answer::Status(429, headers, "slow down".to_owned())
    };
    let mut script = probes();
    for text in [r"\boxed{2}", r"\boxed{4}", r"\boxed{all}"] {
        script.extend([limit(), answer(text)]);
    }
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert!(output.status.success(), "{output:?}");
    let told = said(&output);
    assert_eq!(
        told.matches("limits the rate of calls").count(),
        1,
        "{told}"
    );
    let records = records(folder.path());
    let attempts = records.iter().filter_map(|record| match record {
        Record::Step(step) => Some(step.attempts.len()),
        _ => None,
    });
    assert_eq!(
        attempts.collect::<Vec<_>>(),
        [1, 1, 1],
        "each is in the log"
    );
    let noted = |record: &&Record| matches!(record, Record::Note(note) if note.kind == "warning");
    assert_eq!(records.iter().filter(noted).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_down_stops_the_run_and_is_named() {
    let problems: String = (0..80)
        .map(|n| format!("{{\"id\": \"p{n}\", \"question\": \"{n} + 1?\", \"gold\": \"1\"}}\n"))
        .collect();
    for (at_once, most) in [("1", 5), ("32", 64)] {
        let mut script = probes();
        script.push(down());
        let fake = Fake::start(script).await;
        let folder = folder(&fake.url);
        std::fs::write(folder.path().join("problems.jsonl"), &problems).unwrap();
        let output = finish(solve_at_once(
            folder.path(),
            at_once,
            &["--router", "small"],
        ))
        .await;
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let told = said(&output);
        assert!(told.contains("failed calls in a row to `small`"), "{told}");
        assert!(told.contains("down") && told.contains("--resume"), "{told}");
        let failed = summary(&output)["errors"].as_u64().unwrap();
        assert!(failed >= 5 && failed <= most, "{at_once}: {failed}");

        // Mended, it goes on: nothing that failed counts as finished.
        let mut script = probes();
        script.push(answer(r"\boxed{1}"));
        fake.on("/completion", script);
        let resume = ["--router", "small", "--resume"];
        let output = finish(solve_at_once(folder.path(), at_once, &resume)).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(summary(&output)["correct"], 80);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_router_gets_no_probabilities_any_more_is_stopped() {
    let bare = |n: u32| {
        let text = format!("{n} + 1 = {}", n + 1);
        let event = json!({ "content": text, "stop": false, "tokens_predicted": 3 });
        Answer::events(&[event, done("word", 3)])
    };
    let mut script = probes();
    script.push(step("1 + 1 = 2"));
    script.extend((2..40).map(bare));
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let router = ["--router", "threshold:t=0.5", "--limit", "1"];
    let output = finish(solve(folder.path(), &router)).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = said(&output);
    assert!(
        told.contains("probabilities missing in 95 % of steps (19 of 20)"),
        "{told}"
    );
    assert!(told.contains("--resume"), "{told}");
    // A router that reads none goes on.
    let mut script = probes();
    script.extend((2..40).map(bare));
    script.push(answer(r"\boxed{2}"));
    fake.on("/completion", script);
    std::fs::remove_file(folder.path().join("log.jsonl")).unwrap();
    let output = finish(solve(folder.path(), &["--router", "small", "--limit", "1"])).await;
    assert!(output.status.success(), "{output:?}");
}
