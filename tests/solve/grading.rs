//! Models that grade and verify: in `solve`, and by `regrade` on what is
//! recorded.

use std::path::Path;
use std::process::Output;

use pointsman::problem::answer::{Grader as _, RuleGrader, Verdict};
use pointsman::trace::record::{OutcomeRecord, Record, RunRecord, ScoreRecord};
use tempfile::TempDir;

use crate::common::llama_fake::{Answer, End, Fake, token, tokens};
use crate::{
    answer, finish, folder, interrupt, pointsman, probes, records, said, solve, stalled, step,
    summary, until_seen,
};

/// An answer that the rules cannot compare.
const UNGRADED: &str = r"\boxed{9^{9^{9^{9}}}}";
/// Parameters of the grader: its tokens show in every sum.
const PARAMS: f64 = 1e9;
/// The fake's tokens of a call that says one word: 20 prompt, 12 of them
/// cached, 1 out.
const CALL: f64 = 2.0 * PARAMS * 9.0;

fn probe() -> Answer {
    tokens(&["1"], "limit")
}

fn word(text: &str) -> Answer {
    tokens(&[text], "eos")
}

fn refused() -> Answer {
    Answer::error(400, "invalid_request_error", "no")
}

/// A table of the pool for a model behind `url`.
fn table(name: &str, url: &str, more: &str) -> String {
    format!(
        "[{name}]\nname = \"judge\"\nserver = \"llama-cpp\"\nbase_url = \"{url}\"\n\
         template = \"plain\"\nparams = {PARAMS}\n{more}\n"
    )
}

fn add_to_pool(folder: &Path, text: &str) {
    let path = folder.join("pool.toml");
    let pool = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, pool + text).unwrap();
}

/// Three problems of which the rules call the first right, leave the second
/// ungraded, and have nothing to hold the third against.
async fn pool_fake() -> Fake {
    let grade = RuleGrader.grade(Some("4"), UNGRADED);
    assert_eq!(
        grade.verdict,
        Verdict::Ungraded,
        "the tests need such an answer"
    );
    let mut script = probes();
    script.extend([
        step("1 + 1 = 2"),
        answer(r"\boxed{2}"),
        answer(UNGRADED),
        answer(r"\boxed{all}"),
    ]);
    Fake::start(script).await
}

/// The problems as `small` writes them, graded by the rules.
async fn by_rules() -> (Fake, TempDir) {
    let fake = pool_fake().await;
    let folder = folder(&fake.url);
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert!(output.status.success(), "{output:?}");
    (fake, folder)
}

async fn regrade(folder: &Path, more: &[&str]) -> Output {
    let mut command = pointsman(folder, &["regrade", "log.jsonl", "--json"]);
    command.args(["--concurrency", "1"]).args(more);
    finish(command).await
}

fn outcomes(folder: &Path, problem: &str) -> Vec<OutcomeRecord> {
    let of = |record| match record {
        Record::Outcome(outcome) if outcome.problem == problem => Some(*outcome),
        _ => None,
    };
    records(folder).into_iter().filter_map(of).collect()
}

fn scores(folder: &Path, scorer: &str) -> Vec<ScoreRecord> {
    let of = |record| match record {
        Record::Score(score) if score.scorer == scorer => Some(score),
        _ => None,
    };
    records(folder).into_iter().filter_map(of).collect()
}

fn head(folder: &Path) -> RunRecord {
    match records(folder).into_iter().next() {
        Some(Record::Run(run)) => *run,
        other => panic!("no head: {other:?}"),
    }
}

fn bytes(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("log.jsonl")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_grades_what_the_rules_leave_open() {
    let fake = pool_fake().await;
    let judge = Fake::start(vec![probe(), word("**Correct**")]).await;
    let folder = folder(&fake.url);
    let path = folder.path();
    add_to_pool(path, &table("grader", &judge.url, ""));
    let output = finish(solve(path, &["--router", "small"])).await;
    assert!(output.status.success(), "{output:?}");
    let counted = summary(&output);
    assert_eq!(
        (&counted["correct"], &counted["ungraded"]),
        (&2.into(), &1.into())
    );
    assert_eq!(counted["grader_failed"], 0);

    let asked = judge.seen("/completion");
    assert_eq!(
        asked.len(),
        2,
        "a probe and p2: not p1, and not p3 without gold"
    );
    let body = asked[1].body.to_string();
    assert!(body.contains("2 + 2?") && body.contains("9^{9^"), "{body}");
    assert_eq!(asked[1].body["temperature"], 0.0);

    let found = outcomes(path, "p2");
    let [rules, model] = &found[..] else {
        panic!("two outcomes: {found:?}")
    };
    assert_eq!(
        (rules.verdict, model.verdict),
        (Verdict::Ungraded, Verdict::Correct)
    );
    assert_eq!(
        (model.grader.as_str(), model.rule.as_str()),
        ("llm:judge", "llm-grader")
    );
    assert!(model.reason.as_ref().unwrap().contains("**Correct**"));
    assert_eq!((&model.leaf, &model.answer), (&rules.leaf, &rules.answer));
    assert_eq!(model.regraded, None);
    // By exactly the grader's tokens, and in the full ledger only.
    assert_eq!(model.cost.published, rules.cost.published);
    assert_eq!(model.cost.full, rules.cost.full.map(|full| full + CALL));
    assert!(model.cost.published <= model.cost.full);
    let score = &scores(path, "grader")[0];
    assert_eq!(
        (score.value, score.model.as_deref()),
        (Some(1.0), Some("judge"))
    );
    assert_eq!(score.step, model.leaf);
    assert_eq!((score.usage.prompt, score.usage.output), (20, 1));
    let run = head(path);
    assert_eq!(run.grading.as_deref(), Some("rules-then-llm"));
    assert_eq!(run.scorers["grader"].params, Some(PARAMS));

    // It is another run than one that the rules grade alone.
    let rules_only = ["--router", "small", "--resume", "--grader", "rules"];
    fake.on("/completion", probes());
    let output = finish(solve(path, &rules_only)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = said(&output);
    assert!(
        told.contains("the grading was rules-then-llm by judge, is now rules"),
        "{told}"
    );
    // Graded is finished.
    judge.on("/completion", vec![probe(), refused()]);
    fake.on("/completion", probes());
    let output = finish(solve(path, &["--router", "small", "--resume"])).await;
    assert_eq!(summary(&output)["correct"], 2, "{output:?}");
    assert_eq!(outcomes(path, "p2").len(), 2);

    // Killed between the rules' outcome and the grader's word: asked again.
    let whole = String::from_utf8(bytes(path)).unwrap();
    let by_the_model =
        |line: &&str| line.contains("\"grader\":\"llm:") || line.contains("\"record\":\"score\"");
    let killed: Vec<&str> = whole.lines().filter(|line| !by_the_model(line)).collect();
    std::fs::write(path.join("log.jsonl"), killed.join("\n") + "\n").unwrap();
    assert_eq!(outcomes(path, "p2").len(), 1);
    judge.on("/completion", vec![probe(), word("Correct")]);
    fake.on("/completion", probes());
    let output = finish(solve(path, &["--router", "small", "--resume"])).await;
    assert_eq!(summary(&output)["correct"], 2, "{output:?}");
    assert_eq!(outcomes(path, "p2").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_model_grades_where_the_flag_says_so() {
    let mut script = probes();
    script.extend([answer(r"\boxed{3}"), word("Correct."), answer(r"\boxed{4}")]);
    script.extend([tokens(&["I ", "cannot ", "say"], "eos"), answer("love")]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let path = folder.path();
    let output = finish(solve(path, &["--router", "small", "--grader", "llm"])).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        fake.seen("/completion").len(),
        7,
        "the last model is probed once"
    );
    let last = |problem| outcomes(path, problem).pop().unwrap();
    assert_eq!(
        (last("p1").verdict, last("p1").grader.as_str()),
        (Verdict::Correct, "llm:large")
    );
    assert_eq!(last("p2").verdict, Verdict::Ungraded);
    assert!(
        last("p2")
            .reason
            .unwrap()
            .contains("no verdict: I cannot say")
    );
    assert_eq!(last("p3").rule, "no-gold");

    // Somebody has to be there to grade.
    let demo = ["solve", "--log", "b.jsonl", "--grader", "llm"];
    let output = finish(pointsman(path, &demo)).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said(&output).contains("add `--pool FILE`: its `[grader]`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grader_that_fails_leaves_the_rules_outcome_until_it_is_asked_again() {
    let fake = pool_fake().await;
    let judge = Fake::start(vec![probe(), refused()]).await;
    let folder = folder(&fake.url);
    let path = folder.path();
    add_to_pool(path, &table("grader", &judge.url, ""));
    let output = finish(solve(path, &["--router", "small"])).await;
    assert!(output.status.success(), "the run goes on: {output:?}");
    let told = said(&output);
    assert!(told.contains("the grader failed on 1 problems"), "{told}");
    let counted = summary(&output);
    assert_eq!(
        (&counted["grader_failed"], &counted["ungraded"]),
        (&1.into(), &2.into())
    );
    assert_eq!(outcomes(path, "p2").len(), 1);
    let noted = |r: &Record| matches!(r, Record::Note(note) if note.kind == "grader-error");
    assert!(records(path).iter().any(noted));

    judge.on("/completion", vec![probe(), refused()]);
    let output = regrade(path, &["--pool", "pool.toml"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(summary(&output)["grader"]["failed"], 1);
    assert_eq!(outcomes(path, "p2").len(), 1);

    judge.on("/completion", vec![probe(), word("Incorrect")]);
    let output = regrade(path, &["--pool", "pool.toml"]).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(outcomes(path, "p2").pop().unwrap().verdict, Verdict::Wrong);
    fake.on("/completion", probes());
    judge.on("/completion", vec![probe()]);
    let output = finish(solve(path, &["--router", "small", "--resume"])).await;
    let counted = summary(&output);
    assert_eq!(
        (&counted["grader_failed"], &counted["wrong"]),
        (&0.into(), &1.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grader_that_is_not_there_is_told_before_the_run() {
    let fake = pool_fake().await;
    let judge = Fake::start(vec![Answer::error(
        401,
        "authentication_error",
        "Invalid API Key",
    )])
    .await;
    let folder = folder(&fake.url);
    add_to_pool(folder.path(), &table("grader", &judge.url, ""));
    let output = finish(solve(folder.path(), &["--router", "small"])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(said(&output).contains("`--grader rules`"));
    assert!(!folder.path().join("log.jsonl").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grading_again_appends_what_changed_and_nothing_twice() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    // A rule of an earlier version had p1 wrong.
    let log = std::fs::read_to_string(path.join("log.jsonl")).unwrap();
    let is_p1 = |line: &&str| line.contains(r#""record":"outcome""#) && line.contains(r#""p1""#);
    let line = log.lines().find(is_p1).unwrap();
    let old = line.replace(r#""verdict":"correct""#, r#""verdict":"wrong""#);
    assert_ne!(line, old);
    std::fs::write(path.join("log.jsonl"), log.replace(line, &old)).unwrap();
    let before = bytes(path);

    let output = regrade(path, &["--dry-run"]).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["changed"], 1);
    assert_eq!(bytes(path), before, "a dry run appends nothing");

    let output = regrade(path, &[]).await;
    assert!(output.status.success(), "{output:?}");
    let report = summary(&output);
    assert_eq!(
        (&report["regraded"], &report["unchanged"]),
        (&3.into(), &2.into())
    );
    assert_eq!(report["verdicts"][0]["from"], "wrong");
    assert_eq!(report["verdicts"][0]["to"], "correct");
    assert_eq!(report["problems"][0]["problem"], "p1");
    assert_eq!(report["problems"][0]["log"], "log.jsonl");
    let after = bytes(path);
    assert_eq!(after[..before.len()], before[..], "nothing is overwritten");
    let found = outcomes(path, "p1");
    let [old, new] = &found[..] else {
        panic!("two outcomes: {found:?}")
    };
    let again = new.regraded.as_ref().unwrap();
    assert_eq!(again.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(again.replaces.verdict, Verdict::Wrong);
    assert_eq!(
        (&again.replaces.grader, &again.replaces.rule),
        (&old.grader, &old.rule)
    );
    assert_eq!(
        (&new.cost, &new.steps_by_model),
        (&old.cost, &old.steps_by_model)
    );
    let note = records(path).into_iter().find_map(|record| match record {
        Record::Note(note) if note.kind == "regrade" => Some(note),
        _ => None,
    });
    assert!(note.unwrap().text.contains(r#""changed":1"#));

    let output = regrade(path, &[]).await;
    assert_eq!(summary(&output)["changed"], 0);
    assert_eq!(bytes(path), after, "once is enough");
    let text = finish(pointsman(path, &["regrade", "."])).await;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("1 · 3 trajectories"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_asked_once_about_a_trajectory_and_is_paid_for_once() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    let judge = Fake::start(vec![probe(), word("Correct")]).await;
    add_to_pool(path, &table("grader", &judge.url, ""));
    let dry = regrade(path, &["--pool", "pool.toml", "--dry-run"]).await;
    assert_eq!(summary(&dry)["grader"]["asked"], 1, "{dry:?}");
    assert_eq!(judge.seen("/completion").len(), 0, "a dry run asks nobody");

    let output = regrade(path, &["--pool", "pool.toml"]).await;
    assert!(output.status.success(), "{output:?}");
    let report = summary(&output);
    assert_eq!(
        (&report["grader"]["asked"], &report["changed"]),
        (&1.into(), &1.into())
    );
    assert_eq!(report["grader"]["prompt_tokens"], 20);
    let found = outcomes(path, "p2");
    let [rules, model] = &found[..] else {
        panic!("two outcomes: {found:?}")
    };
    assert_eq!(model.verdict, Verdict::Correct);
    assert_eq!(model.cost.full, rules.cost.full.map(|full| full + CALL));
    assert_eq!(model.cost.published, rules.cost.published);
    assert_eq!(
        model.regraded.as_ref().unwrap().replaces.verdict,
        Verdict::Ungraded
    );

    let after = bytes(path);
    judge.on("/completion", vec![probe(), word("Incorrect")]);
    let seen = judge.seen("/completion").len();
    for more in [&["--pool", "pool.toml"][..], &[]] {
        let output = regrade(path, more).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(bytes(path), after, "{more:?}");
    }
    assert_eq!(
        judge.seen("/completion").len(),
        seen,
        "who is not asked need not be there"
    );
    // The rules alone are what was asked for here.
    let output = regrade(path, &["--grader", "rules"]).await;
    assert_eq!(
        summary(&output)["verdicts"][0]["to"],
        "ungraded",
        "{output:?}"
    );

    let output = regrade(path, &["--grader", "llm"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verifier_judges_every_step_once() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    let judge = Fake::start(vec![probe(), word("correct"), refused()]).await;
    add_to_pool(path, &table("verifier", &judge.url, ""));
    let before = bytes(path);
    let verify = ["--pool", "pool.toml", "--verify"];
    let dry = regrade(path, &[&verify[..], &["--dry-run"]].concat()).await;
    assert_eq!(summary(&dry)["verified"]["steps"], 4, "{dry:?}");

    let output = regrade(path, &verify).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        summary(&output)["verified"]["steps"],
        1,
        "what was done is kept"
    );
    judge.on(
        "/completion",
        vec![probe(), word("incorrect"), word("hm"), word("correct")],
    );
    let output = regrade(path, &verify).await;
    assert!(output.status.success(), "{output:?}");
    let report = summary(&output);
    let verified = &report["verified"];
    assert_eq!(verified["steps"], 3, "{report}");
    assert_eq!(
        (&verified["incorrect"], &verified["no_verdict"]),
        (&1.into(), &1.into())
    );
    assert_eq!(report["verifier"]["prompt_tokens"], 60);
    let values: Vec<Option<f64>> = scores(path, "verifier").iter().map(|s| s.value).collect();
    assert_eq!(values, [Some(1.0), Some(0.0), None, Some(1.0)]);
    let first = judge.seen("/completion")[1].body.to_string();
    assert!(
        first.contains("Previous steps:\\n\\nLast step:\\n1 + 1 = 2\\nVerdict:"),
        "{first}"
    );
    assert!(scores(path, "verifier")[0].cost.as_ref().unwrap().full == Some(CALL));

    let after = bytes(path);
    assert_eq!(after[..before.len()], before[..]);
    judge.on("/completion", vec![probe(), refused()]);
    let output = regrade(path, &verify).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bytes(path), after, "every step is judged");
    let output = regrade(path, &["--verify"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said(&output).contains("add `--pool FILE`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_regrade_keeps_what_was_done_and_goes_on() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    let judge = Fake::start(vec![probe(), word("correct"), stalled("corr")]).await;
    add_to_pool(path, &table("verifier", &judge.url, ""));
    let verify = ["--pool", "pool.toml", "--verify"];
    let mut command = pointsman(path, &["regrade", "log.jsonl", "--json"]);
    let child = command
        .args(["--concurrency", "1"])
        .args(verify)
        .spawn()
        .unwrap();
    until_seen(&judge, 3).await;
    // The log is locked while it is worked on.
    let output = regrade(path, &[]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("another process is writing this log"));
    interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(summary(&output)["verified"]["steps"], 1);
    assert_eq!(scores(path, "verifier").len(), 1);

    judge.on("/completion", vec![probe(), word("correct")]);
    let output = regrade(path, &verify).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["verified"]["steps"], 3, "the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_call_cost_is_kept() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    // Each attempt breaks off after a token.
    let cut = || Answer::events(&[token("Corr", "Corr", 1)]).ending(End::Cut);
    let judge = Fake::start(vec![probe(), cut()]).await;
    add_to_pool(path, &table("grader", &judge.url, ""));
    let output = regrade(path, &["--pool", "pool.toml"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(summary(&output)["grader"]["output_tokens"].as_u64() > Some(0));
    let scores = scores(path, "grader");
    let [score] = &scores[..] else {
        panic!("one score: {scores:?}")
    };
    assert_eq!(score.value, None);
    assert!(score.attempts.len() > 1);
    assert!(score.cost.as_ref().unwrap().full > Some(0.0));
    let found = outcomes(path, "p2");
    let [before, after] = &found[..] else {
        panic!("the rules' outcome, and it with what was paid: {found:?}")
    };
    assert_eq!(
        (&after.verdict, &after.grader),
        (&before.verdict, &before.grader),
        "the rules' verdict stands"
    );
    let paid = score.cost.as_ref().unwrap().full.unwrap();
    assert_eq!(after.cost.full, before.cost.full.map(|full| full + paid));
    assert_eq!(after.cost.published, before.cost.published);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_cut_or_damaged_anywhere_is_graded_as_far_as_it_is_whole() {
    let (_fake, folder) = by_rules().await;
    let path = folder.path();
    let whole = String::from_utf8(bytes(path)).unwrap();
    let wrong = whole.replace(r#""verdict":"correct""#, r#""verdict":"wrong""#);
    for cut in [wrong.len() / 2, wrong.len() - 1, wrong.len() - 20, 40] {
        let cut = wrong.floor_char_boundary(cut);
        std::fs::write(path.join("log.jsonl"), &wrong[..cut]).unwrap();
        let output = regrade(path, &[]).await;
        let after = bytes(path);
        assert_eq!(&after[..cut], &wrong.as_bytes()[..cut]);
        match output.status.code() {
            Some(0) => {
                let report = summary(&output);
                let tail = usize::from(!wrong[..cut].ends_with('\n') && cut < wrong.len() - 1);
                assert_eq!(report["damaged_lines"], tail, "{report}");
                let output = regrade(path, &[]).await;
                assert_eq!(bytes(path), after, "{output:?}");
            }
            // Not one finished trajectory is left.
            code => assert_eq!(code, Some(4), "{output:?}"),
        }
    }

    // A lost step: its trajectory cannot be read, and is not half graded.
    let lost = wrong
        .lines()
        .find(|line| line.contains("1 + 1 = 2") && line.contains(r#""record":"step""#))
        .unwrap();
    let damaged = wrong.replace(lost, "nonsense");
    std::fs::write(path.join("log.jsonl"), &damaged).unwrap();
    let output = regrade(path, &[]).await;
    assert!(output.status.success(), "{output:?}");
    let report = summary(&output);
    assert_eq!(
        (&report["incomplete"], &report["damaged_lines"]),
        (&1.into(), &1.into())
    );
    assert_eq!(report["changed"], 0);
    assert_eq!(bytes(path), damaged.as_bytes());

    std::fs::write(path.join("log.jsonl"), "not a log\n").unwrap();
    assert_eq!(regrade(path, &[]).await.status.code(), Some(4));
    std::fs::remove_file(path.join("log.jsonl")).unwrap();
    assert_eq!(regrade(path, &[]).await.status.code(), Some(2));
    assert!(!path.join("log.jsonl").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoint_errors_are_left_alone_and_the_embedded_pair_may_be_asked() {
    let mut script = probes();
    script.extend([answer(r"\boxed{2}"), refused(), answer("love")]);
    let fake = Fake::start(script).await;
    let folder = folder(&fake.url);
    let path = folder.path();
    let output = finish(solve(path, &["--router", "small"])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let before = bytes(path);
    let output = regrade(path, &[]).await;
    assert_eq!(summary(&output)["left_alone"], 1, "{output:?}");
    assert_eq!(bytes(path), before);

    // It makes no sense, and no crash.
    add_to_pool(
        path,
        "[grader]\nserver = \"embedded\"\nmodel = \"small\"\nmode = \"llm\"\n",
    );
    let output = regrade(path, &["--pool", "pool.toml"]).await;
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}
