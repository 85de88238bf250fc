//! Rules on drafts and on questions as a process: on the embedded pair with
//! its own scorers, and against a server that judges.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use pointsman::cost::Ledger;
use pointsman::trace::record::{
    DecisionRecord, Purpose, Record, Role, RunRecord, ScoreRecord, StepRecord,
};
use tempfile::TempDir;

use crate::common::llama_fake::{Answer, Fake, tokens};
use crate::{
    answer, finish, folder, interrupt, pointsman, probes, records, said, solve, step, summary,
};

/// What a log holds, by kind.
#[derive(Default)]
struct Held {
    head: Option<RunRecord>,
    steps: Vec<StepRecord>,
    scores: Vec<ScoreRecord>,
    decisions: Vec<DecisionRecord>,
}

fn held(folder: &Path) -> Held {
    let mut held = Held::default();
    for record in records(folder) {
        match record {
            Record::Run(head) => held.head = Some(*head),
            Record::Step(step) => held.steps.push(StepRecord::clone(&step)),
            Record::Score(score) => held.scores.push(score),
            Record::Decision(decision) => held.decisions.push(DecisionRecord::clone(&decision)),
            _ => {}
        }
    }
    held
}

async fn on_the_pair(folder: &Path, router: &str, more: &[&str]) -> Output {
    let mut command = pointsman(folder, &["solve", "--log", "log.jsonl", "--json"]);
    command
        .args(["--limit", "8", "--router", router])
        .args(more);
    finish(command).await
}

/// Every rule that rejects drafts keeps them beside the trajectory, with the
/// score and the decision, and charges both in the full ledger only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_drafts_are_kept_with_their_scores_and_charged() {
    for (router, scorer) in [("rsd:delta=0.9", "prm"), ("specreason:tau=8", "judge")] {
        let folder = TempDir::new().unwrap();
        let output = on_the_pair(folder.path(), router, &[]).await;
        assert!(output.status.success(), "{}", said(&output));
        let held = held(folder.path());
        let head = held.head.as_ref().unwrap();
        assert!(head.scorers.contains_key(scorer), "{:?}", head.scorers);
        let rejected: Vec<&StepRecord> = held.steps.iter().filter(|step| !step.kept).collect();
        assert!(
            !rejected.is_empty(),
            "{router} rejects nothing of eight problems"
        );
        assert!(rejected.iter().all(|step| step.purpose == Purpose::Draft));
        for draft in &rejected {
            let of_it = |score: &&ScoreRecord| score.step.as_ref() == Some(&draft.id);
            let score = held.scores.iter().find(of_it).unwrap();
            assert_eq!(score.scorer, scorer);
            assert!(score.cost.as_ref().unwrap().full.unwrap() > 0.0);
            let ruling = |decision: &&DecisionRecord| decision.draft.as_ref() == Some(&draft.id);
            let ruling = held.decisions.iter().find(ruling).unwrap();
            assert_eq!(ruling.action, "embedded-large");
            let again = held
                .steps
                .iter()
                .find(|step| step.decision.as_ref() == Some(&ruling.id));
            let again = again.unwrap();
            assert_eq!((again.purpose, again.kept), (Purpose::Regenerated, true));
            assert_eq!(again.parent, draft.parent);
        }
        // Every draft was looked at, kept or not.
        let drafts = held
            .steps
            .iter()
            .filter(|step| step.purpose == Purpose::Draft);
        assert_eq!(drafts.count(), held.scores.len());
        costs_add_up(folder.path(), &held);
        let summary = summary(&output);
        let (published, full) = (&summary["cost"]["published"], &summary["cost"]["full"]);
        assert!(published.as_f64() < full.as_f64());
    }
}

/// The steps and scores of each problem add up to what its outcome says.
fn costs_add_up(folder: &Path, held: &Held) {
    let ledger = Ledger::new(&held.head.as_ref().unwrap().pool);
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let steps = held
        .steps
        .iter()
        .map(|step| (step.problem.as_str(), ledger.step(step)));
    let scores = held
        .scores
        .iter()
        .map(|score| (score.problem.as_str(), ledger.logged_score(score)));
    for (problem, tally) in steps.chain(scores) {
        let sum = sums.entry(problem).or_default();
        sum.0 += tally.published().unwrap();
        sum.1 += tally.full().unwrap();
    }
    for record in records(folder) {
        if let Record::Outcome(outcome) = record {
            let sum = sums[outcome.problem.as_str()];
            let near = |a: f64, b: Option<f64>| (a - b.unwrap()).abs() <= 1e-9 * a;
            assert!(
                near(sum.0, outcome.cost.published),
                "{:?} {sum:?}",
                outcome.cost
            );
            assert!(near(sum.1, outcome.cost.full), "{:?} {sum:?}", outcome.cost);
        }
    }
}

/// STEER drafts the first step, has an unconfident one written again, and
/// decides ahead from there; the file it decides by is in the log by its hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steer_regenerates_unconfident_first_steps_and_names_its_file() {
    let folder = TempDir::new().unwrap();
    let mut command = pointsman(folder.path(), &["solve", "--log", "log.jsonl", "--json"]);
    command.args(["--limit", "30", "--router", "steer:gamma=0.9"]);
    let output = finish(command).await;
    assert!(output.status.success(), "{}", said(&output));
    let held = held(folder.path());
    let rejected: Vec<&StepRecord> = held.steps.iter().filter(|step| !step.kept).collect();
    assert!(!rejected.is_empty());
    assert!(rejected.iter().all(|step| step.index == 1));
    assert!(held.scores.is_empty(), "nobody is asked for a score");
    let files = &held.head.as_ref().unwrap().router.files;
    assert!(files.keys().any(|path| path.contains("steer")), "{files:?}");
    assert!(files.values().all(|hash| hash.len() == 64));
}

/// One model writes the whole answer, after one look at the question, which
/// the full ledger charges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_router_chooses_once_for_a_problem() {
    let folder = TempDir::new().unwrap();
    let output = on_the_pair(folder.path(), "query:share=0.5", &[]).await;
    assert!(output.status.success(), "{}", said(&output));
    let held = held(folder.path());
    assert_eq!(held.scores.len(), 8);
    assert!(held.scores.iter().all(|score| score.step.is_none()));
    assert_eq!(held.decisions.len(), 8);
    let mut writers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in &held.steps {
        writers.entry(&step.problem).or_default().push(&step.model);
    }
    for decision in &held.decisions {
        assert_eq!(decision.after, None);
        let wrote = &writers[decision.problem.as_str()];
        assert!(wrote.iter().all(|model| *model == decision.action));
    }
    let both: std::collections::BTreeSet<&str> =
        held.steps.iter().map(|s| s.model.as_str()).collect();
    assert_eq!(both.len(), 2, "half of the problems go to either model");
    costs_add_up(folder.path(), &held);
}

/// Two thresholds never share a result, nor do two files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_threshold_is_another_run() {
    let folder = TempDir::new().unwrap();
    let output = on_the_pair(folder.path(), "rsd:delta=0.5", &[]).await;
    assert!(output.status.success(), "{}", said(&output));
    for other in [
        "rsd:delta=0.6",
        "rsd:accept=clip",
        "specreason:tau=7",
        "steer:gamma=0.5",
    ] {
        let output = on_the_pair(folder.path(), other, &["--resume"]).await;
        assert_eq!(output.status.code(), Some(2), "{other}");
        assert!(
            said(&output).contains("the router was rsd:delta=0.5"),
            "{}",
            said(&output)
        );
    }
    let again = on_the_pair(folder.path(), "rsd:delta=0.5", &["--resume"]).await;
    assert!(again.status.success(), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_what_the_rule_asks_is_told_what_to_add() {
    let folder = folder("http://127.0.0.1:1");
    for (router, words) in [
        ("rsd", "server = \"vllm\""),
        ("steer:gamma=0.5", "calibrate steer"),
        ("percentile:p=20", "calibrate percentile"),
        ("query", "calibrate query"),
    ] {
        let output = finish(solve(folder.path(), &["--router", router])).await;
        assert_eq!(output.status.code(), Some(2), "{router}");
        assert!(said(&output).contains(words), "{router}: {}", said(&output));
        assert!(!folder.path().join("log.jsonl").exists());
    }
    let steer = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/pair/steer.json");
    let router = format!("steer:gamma=0.5,file={steer}");
    let output = finish(solve(folder.path(), &["--router", &router])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("another pool"), "{}", said(&output));
    let output = pointsman(
        folder.path(),
        &["explore", "--log", "f.jsonl", "--router", "rsd"],
    );
    let output = finish(output).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("nothing can be explored around it"),
        "{}",
        said(&output)
    );
}

/// The pool's last model judges where there is no `[judge]`. A reply without a
/// digit is no score, shown as such, and a rejection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_without_a_digit_is_no_score_and_a_rejection() {
    let mut script = probes();
    script.extend([
        step("1 + 1 = 3"),
        tokens(&["Hm"], "limit"),
        tokens(&["I cannot tell"], "limit"),
        step("1 + 1 = 2"),
        answer(r"\boxed{2}"),
        tokens(&[" 9"], "limit"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let more = [
        "--router",
        "specreason:tau=7,score=greedy",
        "--problem",
        "p1",
    ];
    let output = finish(solve(folder.path(), &more)).await;
    assert!(output.status.success(), "{}", said(&output));
    let held = held(folder.path());
    let values: Vec<Option<f64>> = held.scores.iter().map(|score| score.value).collect();
    assert_eq!(values, [None, Some(9.0)]);
    assert!(
        held.scores[0]
            .note
            .as_ref()
            .unwrap()
            .contains("I cannot tell")
    );
    let in_vain = &held.scores[0].attempts;
    assert!(in_vain[0].failure.contains("“Hm”"), "{in_vain:?}");
    assert!(
        held.decisions[0].reason.contains("no score"),
        "{}",
        held.decisions[0].reason
    );
    let texts: Vec<(&str, bool)> = held
        .steps
        .iter()
        .map(|s| (s.text.as_str(), s.kept))
        .collect();
    assert_eq!(
        texts,
        [
            ("1 + 1 = 3", false),
            ("1 + 1 = 2", true),
            (r"The answer is \boxed{2}", true)
        ]
    );
    assert_eq!(summary(&output)["correct"], 1);
}

/// A judge that fails half-way: what was drafted is in the log with its cost,
/// and the same command goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_fails_loses_nothing_and_resumes() {
    let mut script = probes();
    script.extend([
        step("1 + 1 = 2"),
        tokens(&[" 8"], "limit"),
        step("so 2"),
        Answer::error(400, "invalid_request_error", "no judging today"),
    ]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let more = [
        "--router",
        "specreason:tau=7,score=greedy",
        "--problem",
        "p1",
    ];
    let output = finish(solve(folder.path(), &more)).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let before = held(folder.path());
    let lost = before.steps.last().unwrap();
    assert_eq!((lost.text.as_str(), lost.kept), ("so 2", false));
    assert_eq!(lost.attempts[0].role, Role::Draft);

    let mut script = probes();
    script.extend([answer(r"\boxed{2}"), tokens(&[" 8"], "limit")]);
    fake.on("/completion", script);
    let more = [&more[..], &["--resume"]].concat();
    let output = finish(solve(folder.path(), &more)).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(summary(&output)["correct"], 1);
    let after = held(folder.path());
    // The first step was not written again.
    let first = after.steps.iter().filter(|step| step.text == "1 + 1 = 2");
    assert_eq!(first.count(), 1);
}

/// Interrupted while it runs, a rule on drafts goes on to the same result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_rule_on_drafts_ends_as_an_uninterrupted_one() {
    let arguments = |log: &'static str| {
        [
            "solve",
            "--log",
            log,
            "--json",
            "--limit",
            "60",
            "--router",
            "rsd",
            "--concurrency",
            "1",
        ]
    };
    let folder = TempDir::new().unwrap();
    let whole = finish(pointsman(folder.path(), &arguments("whole.jsonl"))).await;
    assert!(whole.status.success(), "{}", said(&whole));
    let child = pointsman(folder.path(), &arguments("cut.jsonl"))
        .spawn()
        .unwrap();
    let log = folder.path().join("cut.jsonl");
    for _ in 0..2_000 {
        if log.metadata().is_ok_and(|found| found.len() > 150_000) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    interrupt(&child);
    let cut = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    // On a fast machine it may have ended by then.
    let code = cut.await.unwrap().status.code();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
    let mut again = pointsman(folder.path(), &arguments("cut.jsonl"));
    again.arg("--resume");
    let again = finish(again).await;
    assert!(again.status.success(), "{}", said(&again));
    for field in ["correct", "wrong", "steps_by_model"] {
        assert_eq!(summary(&again)[field], summary(&whole)[field], "{field}");
    }
    let cost = |output: &Output| summary(output)["cost"]["published"].as_f64().unwrap();
    assert!((cost(&again) - cost(&whole)).abs() < 1e-6 * cost(&whole));
}
