//! `train` and `calibrate policy` as processes, on the embedded pair.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pointsman::policy::Checkpoint;
use pointsman::problem::split::Split;
use pointsman::train::forest::Forest;
use pointsman::train::log::TrainingLog;
use pointsman::train::params::Params;
use pointsman::train::prepared::{Encoding, Prepared};
use tempfile::TempDir;

use crate::{pointsman, said, summary};

/// A forest of thirty demo problems, grown once for all tests.
pub fn forest() -> &'static Path {
    static GROWN: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = GROWN.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("forest.jsonl");
        let arguments = [
            "explore",
            "--log",
            "forest.jsonl",
            "--limit",
            "30",
            "--quiet",
        ];
        let mut command = pointsman(folder.path(), &arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (folder, path)
    });
    path
}

/// `train` on the forest, into `out`.
fn train(folder: &Path, out: &str, more: &[&str]) -> Output {
    let mut command = pointsman(folder, &["train", "--out", out, "--forest"]);
    command.arg(forest()).args(more).output().unwrap()
}

const SHORT: [&str; 6] = [
    "--iterations",
    "300",
    "--alpha",
    "0.2",
    "--signal",
    "sampled",
];

/// Mean π of the large model after steps of the small one, by verdict: wrong,
/// right.
fn pi(policy: &Checkpoint) -> [f64; 2] {
    let signal = policy.facts.signal.parse().unwrap();
    let forest = Forest::load(&[forest()], Some(signal)).unwrap();
    let problems: Vec<_> = forest.problems.iter().collect();
    let encoding = Encoding {
        features: policy.facts.features.clone(),
        normalisation: policy.facts.normalisation.clone(),
    };
    let prepared = Prepared::new(&forest, &problems, &encoding, &Params::default()).unwrap();
    let mut sums = [(0.0, 0.0); 2];
    for problem in prepared.problems() {
        for (at, step) in problem.forest.steps.iter().enumerate() {
            if let (Some(verdict), None, 0) = (step.verdict, step.leaf, step.model) {
                let pi = policy.network.probabilities(problem.place(at).observation);
                let sum = &mut sums[usize::from(verdict)];
                *sum = (sum.0 + pi[1], sum.1 + 1.0);
            }
        }
    }
    sums.map(|(sum, count)| sum / count)
}

/// A short run on the shipped policy's terms: it learns to tell steps that are
/// wrong from steps that are right.
#[test]
fn a_short_run_learns() {
    let folder = TempDir::new().unwrap();
    let output = train(folder.path(), "run", &[&SHORT[..], &["--json"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let document = summary(&output);
    let rows = document["report"]["rows"].as_array().unwrap();
    let report = &document["report"];
    assert!(report["problems"].as_u64() <= report["of"].as_u64());
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names[..3], ["policy", "small", "large"]);
    let run = folder.path().join("run");
    let policy = Checkpoint::load(&run).unwrap();
    assert_eq!(document["kappa"].as_f64(), Some(policy.facts.kappa));
    let [wrong, right] = pi(&policy);
    assert!(wrong > right + 0.1, "{wrong} {right}");
    for name in [
        "report.md",
        "report.json",
        "frontier.svg",
        "training.svg",
        "surface.svg",
    ] {
        let text = std::fs::read_to_string(run.join(name)).unwrap();
        assert!(text.len() > 500, "{name}");
    }
    let log = TrainingLog::open(&run).unwrap();
    assert_eq!(log.iterations.len(), 300);
    assert_eq!(log.end.unwrap().kappa, policy.facts.kappa);
    // The policy can route.
    let arguments = [
        "solve",
        "--limit",
        "1",
        "--log",
        "s.jsonl",
        "--router",
        "policy:path=run",
    ];
    let output = pointsman(folder.path(), &arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// The shipped policy does the same, far more clearly.
#[test]
fn the_shipped_policy_tells_wrong_steps_from_right_ones() {
    let [wrong, right] = pi(&Checkpoint::embedded().unwrap());
    assert!(wrong > right + 0.2, "{wrong} {right}");
}

/// Interrupted by a signal and gone on with: the same policy to the last bit,
/// and the same log.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_policy() {
    let folder = TempDir::new().unwrap();
    let long = ["--iterations", "260", "--alpha", "0.2", "--quiet"];
    let whole = train(folder.path(), "whole", &long);
    assert!(whole.status.success(), "{}", said(&whole));

    let mut command = pointsman(folder.path(), &["train", "--out", "cut", "--forest"]);
    let mut child = command.arg(forest()).args(long).spawn().unwrap();
    let log = folder.path().join("cut/training.jsonl");
    let begun = Instant::now();
    let written = || std::fs::read(&log).map_or(0, |bytes| bytecount(&bytes));
    while written() < 60 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(child.id());
    let status = child.wait().unwrap();
    // Where the run was faster than the signal there is nothing to go on with.
    if !status.success() {
        assert_eq!(status.code(), Some(130));
        assert!(!folder.path().join("cut/policy.json").exists());
        let refused = train(
            folder.path(),
            "cut",
            &[&long[..], &["--resume", "--seed", "9"]].concat(),
        );
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains("differs in its parameters"));
    }
    let gone_on = train(folder.path(), "cut", &[&long[..], &["--resume"]].concat());
    assert!(gone_on.status.success(), "{}", said(&gone_on));
    let read = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    assert_eq!(
        read("cut/policy.safetensors"),
        read("whole/policy.safetensors")
    );
    let open = |path: &str| TrainingLog::open(&folder.path().join(path)).unwrap();
    let (one, other) = (open("cut"), open("whole"));
    assert_eq!(one.iterations, other.iterations);
    assert_eq!(one.surfaces, other.surfaces);
    assert_eq!(one.damaged, Vec::<usize>::new());
    // Gone on with once more, a finished run stays as it is.
    let before = read("cut/training.jsonl");
    let again = train(folder.path(), "cut", &[&long[..], &["--resume"]].concat());
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(read("cut/training.jsonl"), before);
    // A line that is lost is written again, the same one.
    let text = String::from_utf8(before).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let lost = [&lines[..40], &lines[41..]].concat().concat();
    std::fs::write(&log, lost).unwrap();
    let mended = train(folder.path(), "cut", &[&long[..], &["--resume"]].concat());
    assert!(mended.status.success(), "{}", said(&mended));
    assert_eq!(open("cut").iterations, other.iterations);
    assert_eq!(
        read("cut/policy.safetensors"),
        read("whole/policy.safetensors")
    );
}

/// A head that was cut off by a full disk is no run yet: it begins anew.
#[test]
fn a_run_that_did_not_get_to_its_first_line_begins_anew() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    let log = folder.path().join("run/training.jsonl");
    std::fs::write(&log, "{\"record\":\"run\",\"form").unwrap();
    let few = ["--iterations", "3", "--alpha", "0.2", "--quiet"];
    let refused = train(folder.path(), "run", &few);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let output = train(folder.path(), "run", &[&few[..], &["--resume"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(TrainingLog::open(&log).unwrap().iterations.len(), 3);
}

fn bytecount(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(unix)]
fn signal(process: u32) {
    let sent = std::process::Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn demo_question(id: &str) -> String {
    let demo = include_str!("../../assets/demo/problems.jsonl");
    let lines = demo
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut found = lines.filter(|problem| problem["id"] == id);
    found.next().unwrap()["question"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn wrong_requests_are_refused_with_the_reason_and_leave_nothing() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    std::fs::write(folder.path().join("taken/notes.txt"), "mine").unwrap();
    let cases: [(&str, &[&str], i32, &str); 8] = [
        ("out", &["--alpha", "0"], 2, "strictly between 0 and 1"),
        ("out", &["--alpha", "-3"], 2, "strictly between 0 and 1"),
        ("out", &["--set", "speed=3"], 2, "no such parameter"),
        ("out", &["--set", "damping=many"], 2, "damping=many"),
        (
            "out",
            &["--features", "confidence,mood"],
            2,
            "unknown feature",
        ),
        ("out", &["--batch", "0"], 2, "one problem at least"),
        ("out", &["--problems", "x.jsonl"], 2, "cannot be used with"),
        ("taken", &[], 2, "the folder is not empty"),
    ];
    for (out, more, code, says) in cases {
        let output = train(folder.path(), out, more);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{more:?} {}",
            said(&output)
        );
        assert!(said(&output).contains(says), "{more:?} {}", said(&output));
        assert!(!folder.path().join("out").exists(), "{more:?}");
    }
    // Told before anything is called for: nothing is left in the folder.
    let arguments = ["train", "--out", "one", "--problem", "demo-001"];
    let one = pointsman(folder.path(), &arguments).output().unwrap();
    let question = Split::of(&demo_question("demo-001"));
    assert_ne!(
        question,
        Split::Train,
        "choose another problem for this test"
    );
    assert_eq!(one.status.code(), Some(2), "{}", said(&one));
    assert!(said(&one).contains("train split"), "{}", said(&one));
    assert!(!folder.path().join("one/forest.jsonl").exists());
    let arguments = ["train", "--out", "out", "--forest", "nothing.jsonl"];
    let output = pointsman(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_policy_is_recalibrated_with_its_guarantee_or_refused() {
    let folder = TempDir::new().unwrap();
    let calibrate = |more: &[&str]| {
        let arguments = [&["calibrate", "policy"], more].concat();
        pointsman(folder.path(), &arguments).output().unwrap()
    };
    let output = calibrate(&["--alpha", "0.1", "--out", "other", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let found = summary(&output);
    let result = &found["recalibration"];
    let (rank, n) = (
        result["rank"].as_f64().unwrap(),
        result["trajectories"].as_f64().unwrap(),
    );
    assert_eq!(rank, (0.1 * (n + 1.0)).floor());
    assert_eq!(result["miss_bound"].as_f64().unwrap(), rank / (n + 1.0));
    let before = Checkpoint::embedded().unwrap();
    let after = Checkpoint::load(&folder.path().join("other")).unwrap();
    assert_eq!(Some(after.facts.kappa), result["kappa"].as_f64());
    assert_eq!(after.network, before.network);
    // A stricter α cannot raise κ.
    assert!(after.facts.kappa >= before.facts.kappa);
    let again = calibrate(&["--policy", "other", "--alpha", "0.05", "--json"]);
    assert_eq!(
        summary(&again)["recalibration"]["kappa"],
        before.facts.kappa
    );

    let refused = calibrate(&["--alpha", "0.0001"]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(
        said(&refused).contains("9999 are needed"),
        "{}",
        said(&refused)
    );
    assert_eq!(calibrate(&["--alpha", "1"]).status.code(), Some(2));
    assert_eq!(
        calibrate(&["--alpha", "0.1", "--out", "other"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        calibrate(&["--policy", "nowhere", "--alpha", "0.1"])
            .status
            .code(),
        Some(2)
    );
}

/// What the exploration left out is asked for where the policy comes to it,
/// kept in the log, and not asked for again by a run that goes on.
#[cfg(unix)]
#[test]
fn a_forest_grows_on_demand_and_an_interrupted_run_goes_on_to_the_same_policy() {
    let folder = TempDir::new().unwrap();
    let shape = ["--limit", "12", "--max-nodes", "12", "--on-demand", "5000"];
    let length = [
        "--iterations",
        "120",
        "--batch",
        "8",
        "--alpha",
        "0.4",
        "--quiet",
    ];
    let more = [&shape[..], &length[..]].concat();
    let start = |out: &str| {
        let mut command = pointsman(folder.path(), &["train", "--out", out]);
        command.args(&more);
        command
    };
    let whole = start("whole").output().unwrap();
    assert!(whole.status.success(), "{}", said(&whole));
    let log = TrainingLog::open(&folder.path().join("whole")).unwrap();
    let forest = |out: &str| {
        let path = folder.path().join(out).join("forest.jsonl");
        let forest = Forest::load(&[path], None).unwrap();
        forest
            .split(Split::Train)
            .unwrap()
            .iter()
            .map(|p| p.steps.len())
            .sum::<usize>()
    };
    assert!(forest("whole") > log.head.forest.steps + 20);
    // Wherever the policy came all models went on: it drew every action.
    let ons = log
        .iterations
        .values()
        .map(|one| one.batch.effective.unwrap());
    assert!(
        ons.into_iter()
            .all(|effective| (effective - 8.0).abs() < 1e-9)
    );

    // And no score of the calibration split ends where the forest does.
    let policy = Checkpoint::load(&folder.path().join("whole")).unwrap();
    let scores = &policy.facts.training["calibration"];
    assert!(!scores["scores"].as_array().unwrap().is_empty());
    assert_eq!(scores["cut"], 0);

    let mut child = start("cut").spawn().unwrap();
    let begun = Instant::now();
    let written = || std::fs::read(folder.path().join("cut/training.jsonl"));
    while written().map_or(0, |bytes| bytecount(&bytes)) < 12 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(child.id());
    let _ = child.wait().unwrap();
    let gone_on = start("cut").arg("--resume").output().unwrap();
    assert!(gone_on.status.success(), "{}", said(&gone_on));
    let read = |path: &str| std::fs::read(folder.path().join(path)).unwrap();
    assert_eq!(
        read("cut/policy.safetensors"),
        read("whole/policy.safetensors")
    );
    assert_eq!(forest("cut"), forest("whole"));
}

/// Nothing that a log holds is paid for twice: a whole forest stays as it is.
#[test]
fn a_forest_that_is_there_is_trained_on_without_a_call() {
    let folder = TempDir::new().unwrap();
    let grow = [
        "train",
        "--out",
        "run",
        "--limit",
        "12",
        "--max-nodes",
        "24",
        "--iterations",
        "3",
    ];
    let loose = ["--alpha", "0.4", "--quiet"];
    let output = pointsman(folder.path(), &grow)
        .args(loose)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let forest = folder.path().join("run/forest.jsonl");
    let before = std::fs::read(&forest).unwrap();
    let again = ["--log", "run/forest.jsonl"];
    let arguments = [&["train", "--out", "other"], &grow[3..]].concat();
    let output = pointsman(folder.path(), &arguments)
        .args(again)
        .args(loose)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(std::fs::read(&forest).unwrap(), before);
    // Nor is anything called for by a run that is gone on with by other
    // options: it is refused, with what differs.
    let arguments = ["train", "--out", "run", "--resume"];
    let output = pointsman(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("iterations was 3, is now 1000"),
        "{}",
        said(&output)
    );
    assert_eq!(std::fs::read(&forest).unwrap(), before);
}
