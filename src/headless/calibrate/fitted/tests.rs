//! Which steps of a log count, and what is made of them.

use super::*;
use crate::router::build;
use crate::trace::record::{Continuation, ModelFacts, Purpose, Record, StepEnd, StepRecord};
use crate::trace::samples;
use std::sync::Arc;

fn pool() -> Vec<ModelFacts> {
    ["small", "large"]
        .map(|name| ModelFacts::new(name, "vllm"))
        .to_vec()
}

/// Questions by their split; see `problem::split`.
const QUESTIONS: [(&str, Split); 3] = [
    ("1 + 1?", Split::Train),
    ("a", Split::Calibration),
    ("d", Split::Test),
];

fn step(problem: &str, index: u32, n: u32) -> StepRecord {
    let mut step = samples::step(&format!("{problem}-{index}-{n}"), None, "x");
    step.problem = problem.to_owned();
    step.index = index;
    let u = f64::from(n) + if n.is_multiple_of(2) { 0.0 } else { 1000.0 };
    step.confidence.measures.insert("logit_math".into(), u);
    step
}

/// A log of one problem for each split, ten steps of index 1 and six of index
/// 2 in each, after them what does not count.
fn log(folder: &Path, name: &str, change: impl Fn(&mut Vec<Record>)) -> PathBuf {
    let mut head = samples::run("r");
    head.pool = pool();
    let mut records = vec![Record::Run(Box::new(head))];
    for (question, _) in QUESTIONS {
        let mut problem =
            serde_json::json!({ "id": question, "question": question, "source": "plain" });
        problem["record"] = "problem".into();
        problem["run"] = "r".into();
        records.push(serde_json::from_value(problem).unwrap());
        let mut steps: Vec<StepRecord> = (0..10).map(|n| step(question, 1, n)).collect();
        steps.extend((0..6).map(|n| step(question, 2, n)));
        steps[0].purpose = Purpose::Draft;
        steps[0].kept = false;
        steps[1].purpose = Purpose::Regenerated;
        steps[1].model = "large".to_owned();
        // A draft that stands is a step as any other.
        steps[11].purpose = Purpose::Draft;
        let mut others: Vec<StepRecord> = (20..26).map(|n| step(question, 1, n)).collect();
        others[0].purpose = Purpose::Reference;
        others[1].model = "person".to_owned();
        others[2].continuation = Continuation::Edited;
        others[3].purpose = Purpose::Draft;
        others[3].kept = false;
        others[3].end = StepEnd::Error;
        others[4].purpose = Purpose::Draft;
        others[4].kept = false;
        others[4].index = 2;
        others[5].index = 2;
        let leaf = others[5].id.clone();
        steps.extend(others);
        // A line twice is one step.
        steps.push(steps[3].clone());
        records.extend(steps.into_iter().map(|step| Record::Step(Arc::new(step))));
        let outcome = samples::outcome(question, Some(&leaf));
        records.push(Record::Outcome(Box::new(outcome)));
    }
    change(&mut records);
    let lines: Vec<String> = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n")
        .collect();
    let path = folder.join(name);
    std::fs::write(&path, lines.concat()).unwrap();
    path
}

fn options(logs: Vec<PathBuf>, splits: &[Split]) -> StepsOptions {
    StepsOptions {
        logs,
        splits: splits.to_vec(),
        signal: Source::Logit,
        seed: 0,
        out: None,
    }
}

const DEFAULT: [Split; 2] = [Split::Train, Split::Calibration];

#[test]
fn the_steps_of_traces_that_go_on_count_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), "l.jsonl", |_| {});
    let made = steer(&options(vec![path.clone()], &DEFAULT)).unwrap();
    let source = &made.calibration.source;
    assert_eq!((source.problems, source.steps), (2, 32));
    assert_eq!(source.steps_by_model["large"], 2);
    assert_eq!(source.logs[0].name, "l.jsonl");
    assert_eq!(source.logs[0].sha256.len(), 64);
    assert_eq!(made.warnings, Vec::<String>::new());
    let [first, second] = &made.calibration.found.fits[..] else {
        panic!("{:?}", made.calibration.found);
    };
    assert_eq!((first.index, first.n, first.dropped), (1, 20, 0));
    let mixture = first.mixture.unwrap();
    assert!((mixture.unconfident.mean - 4.0).abs() < 1e-6, "{mixture:?}");
    assert!((mixture.confident.mean - 1005.0).abs() < 1e-6);
    assert_eq!((second.index, second.n), (2, 12));
    assert_eq!(second.steps_by_model["small"], 12);

    // Of one problem there are too few steps of index 2.
    let train = steer(&options(vec![path.clone()], &[Split::Train])).unwrap();
    let second = &train.calibration.found.fits[1];
    assert_eq!(
        second.degenerate.as_deref(),
        Some("6 values; 10 are needed")
    );
    let text = train.to_text();
    assert!(text.contains("degenerate: 6 values"), "{text}");

    let all = steer(&options(vec![path], &Split::ALL)).unwrap();
    assert_eq!(all.calibration.source.steps, 48);
    assert!(all.warnings[0].contains("test split"), "{:?}", all.warnings);
}

#[test]
fn what_is_written_is_what_the_router_reads_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), "l.jsonl", |_| {});
    for kind in ["steer", "percentile"] {
        let out = folder.path().join(format!("{kind}.json"));
        let options = StepsOptions {
            out: Some(out.clone()),
            ..options(vec![path.clone()], &DEFAULT)
        };
        let write = || match kind {
            "steer" => steer(&options).map(|made| made.to_text()),
            _ => percentile(&options).map(|made| made.to_text(Source::Logit)),
        };
        let text = write().unwrap();
        assert!(text.contains(&format!("--router {kind}:")), "{text}");
        let parameter = if kind == "steer" {
            "gamma=0.5"
        } else {
            "p=20,signal=logit"
        };
        let spec = format!("{kind}:{parameter},file={}", out.display());
        let router = build(&spec.parse().unwrap(), &pool(), None).unwrap();
        assert_eq!(router.signal(), Source::Logit);
        let failure = write().unwrap_err();
        assert!(failure.message.contains("there already"), "{failure}");
    }
}

#[test]
fn logs_of_several_pools_and_logs_without_a_step_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let one = log(folder.path(), "one.jsonl", |_| {});
    let other = log(folder.path(), "other.jsonl", |records| {
        if let Record::Run(head) = &mut records[0] {
            head.run = "q".to_owned();
            head.pool[1].name = "larger".to_owned();
        }
        records.truncate(1);
    });
    let failure = steer(&options(vec![one.clone(), other], &DEFAULT)).unwrap_err();
    assert_eq!(failure.exit, Exit::BadData);
    assert!(failure.message.contains("several pools"), "{failure}");
    let bare = log(folder.path(), "bare.jsonl", |records| records.truncate(2));
    let failure = steer(&options(vec![bare], &DEFAULT)).unwrap_err();
    assert!(
        failure.message.contains("no step in the logs counts"),
        "{failure}"
    );
    let mut without = options(vec![one], &DEFAULT);
    without.signal = Source::Entropy;
    let failure = steer(&without).unwrap_err();
    assert!(failure.message.contains("`entropy`"), "{failure}");
}
