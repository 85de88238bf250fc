use std::io::{Cursor, Read as _};
use std::ops::ControlFlow;

use serde_json::Value;

use super::sample::sample_id;
use super::*;
use crate::problem::answer::Verdict;
use crate::trace::Tree;
use crate::trace::export::Export;
use crate::trace::import;
use crate::trace::record::{Purpose, Record, StepRecord};
use crate::trace::samples;

fn step(id: &str, parent: Option<&str>, at: u32) -> StepRecord {
    let mut step = samples::step(id, parent, &format!("text of {id}"));
    step.at = format!("2026-01-01T00:00:{at:02}Z");
    step.usage.prompt = 10;
    step.usage.cached = Some(4);
    step.usage.output = 5;
    step
}

/// Steps a, b, with a draft d of b; and a branch c after a.
fn tree() -> Tree {
    let mut draft = step("d", Some("a"), 2);
    draft.kept = false;
    draft.purpose = Purpose::Draft;
    let mut b = step("b", Some("a"), 3);
    b.decision = Some("x".into());
    let mut outcome = samples::outcome("p", Some("b"));
    outcome.verdict = Verdict::Correct;
    let records = [
        Record::Step(step("a", None, 1).into()),
        Record::Step(step("c", Some("a"), 4).into()),
        Record::Step(draft.into()),
        Record::Decision(samples::decision("x", Some("a")).into()),
        Record::Step(b.into()),
        Record::Outcome(Box::new(outcome)),
    ];
    Tree::from_records("r", "p", records)
}

fn document() -> Value {
    let head = samples::run("r");
    let tree = tree();
    let mut log: Box<dyn Export<Vec<u8>>> = Box::new(Document::new(Vec::new()).unwrap());
    assert_eq!(log.add(&Subject::new(Some(&head), &tree)).unwrap(), 1);
    serde_json::from_slice(&log.finish().unwrap()).unwrap()
}

#[test]
fn a_log_has_what_its_reader_asks_for() {
    let log = document();
    assert_eq!(
        (&log["version"], &log["status"]),
        (&2.into(), &"success".into())
    );
    for field in ["created", "task", "dataset", "model", "config"] {
        assert!(!log["eval"][field].is_null(), "{field}");
    }
    assert_eq!(
        log["results"]["scores"][0]["metrics"]["accuracy"]["value"],
        1.0
    );
    let sample = &log["samples"][0];
    for field in [
        "id", "epoch", "input", "target", "messages", "output", "events",
    ] {
        assert!(!sample[field].is_null(), "{field}");
    }
    assert_eq!(sample["scores"]["verdict"]["value"], "C");
    // Cached tokens are not among the input.
    assert_eq!(sample["model_usage"]["small"]["input_tokens"], 24);
    assert_eq!(
        sample["model_usage"]["small"]["input_tokens_cache_read"],
        16
    );
}

#[test]
fn calls_name_what_stood_before_them_and_branches_their_anchors() {
    let log = document();
    let sample = &log["samples"][0];
    let events = sample["events"].as_array().unwrap();
    let of = |kind: &'static str| events.iter().filter(move |event| event["event"] == kind);
    let pool = &sample["events_data"]["messages"];
    let prompts: Vec<Vec<String>> = of("model")
        .map(|event| {
            let refs = event["input_refs"].as_array().unwrap().iter();
            refs.flat_map(|range| {
                let [from, to] = [0, 1].map(|at| range[at].as_u64().unwrap() as usize);
                (from..to).map(|at| pool[at]["id"].as_str().unwrap().to_owned())
            })
            .collect()
        })
        .collect();
    // The main line with its draft, then the branch.
    assert_eq!(
        prompts,
        [
            &["question"][..],
            &["question", "a"],
            &["question", "a"],
            &["question", "a"]
        ]
    );
    let written: Vec<&str> = of("model")
        .map(|event| event["output"]["completion"].as_str().unwrap())
        .collect();
    assert_eq!(
        written,
        ["text of a", "text of d", "text of b", "text of c"]
    );
    let anchors: Vec<&Value> = of("anchor").map(|event| &event["anchor_id"]).collect();
    assert_eq!(anchors, ["a"]);
    let branches: Vec<&Value> = of("branch").map(|event| &event["from_anchor"]).collect();
    assert_eq!(branches, ["a"]);
    assert_eq!(of("span_begin").count(), of("span_end").count());
    let decisions = of("info").filter(|event| event["data"]["kind"] == "decision");
    assert_eq!(decisions.count(), 1);
    assert!(of("info").all(|event| event["source"] == "route"));
}

/// Every call that is imported wrote the step that it wrote, even where a
/// rejected draft says the same and where a step holds a blank line.
#[test]
fn an_import_tells_drafts_from_the_steps_that_say_the_same() {
    let mut head = samples::run("r");
    head.pool = vec![samples::model("small"), samples::model("large")];
    let mut first = step("a", None, 1);
    first.text = "one\n\ntwo".into();
    let mut draft = step("d", Some("a"), 2);
    draft.kept = false;
    draft.purpose = Purpose::Draft;
    draft.text = "so 3".into();
    let mut again = step("b", Some("a"), 9);
    again.model = "large".into();
    again.text = "so 3".into();
    again.seconds = 2.5;
    let records = [
        Record::Step(first.into()),
        Record::Step(draft.into()),
        Record::Step(again.into()),
        Record::Outcome(Box::new(samples::outcome("p", Some("b")))),
    ];
    let tree = Tree::from_records("r", "p", records);
    let mut log: Box<dyn Export<Vec<u8>>> = Box::new(Document::new(Vec::new()).unwrap());
    log.add(&Subject::new(Some(&head), &tree)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    std::fs::write(&path, log.finish().unwrap()).unwrap();
    let mut found = Vec::new();
    let options = import::Options::default();
    import::read(import::Format::Inspect, &path, &options, &mut |row| {
        found.push(row);
        ControlFlow::Continue(())
    })
    .unwrap();
    let [import::Row::Trajectory(one)] = found.as_slice() else {
        panic!("{found:?}");
    };
    let steps: Vec<(&str, &str)> = one
        .steps
        .iter()
        .map(|step| (step.text.as_str(), step.model.as_str()))
        .collect();
    assert_eq!(steps, [("one\n\ntwo", "small"), ("so 3", "large")]);
    assert_eq!(one.origin.models, ["small", "large"]);
    let last = &one.steps[1];
    assert_eq!(
        (last.seconds, last.at.as_str()),
        (2.5, "2026-01-01T00:00:09Z")
    );
    // The draft is a call that gave no step.
    assert_eq!(last.attempts.len(), 1);
}

#[test]
fn an_archive_has_a_member_a_sample_and_its_header() {
    let head = samples::run("r");
    let tree = tree();
    let mut log: Box<dyn Export<Cursor<Vec<u8>>>> = Box::new(Archive::new(Cursor::new(Vec::new())));
    log.add(&Subject::new(Some(&head), &tree)).unwrap();
    let bytes = log.finish().unwrap().into_inner();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut read = |name: &str| -> Value {
        let mut text = String::new();
        archive
            .by_name(name)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let mut document = document();
    let samples = document.as_object_mut().unwrap().remove("samples").unwrap();
    assert_eq!(read("header.json"), document);
    assert_eq!(read("samples/p_epoch_1.json"), samples[0]);
    assert_eq!(read("summaries.json")[0]["id"], "p");
    assert_eq!(read("_journal/start.json")["eval"], document["eval"]);
}

#[test]
fn a_log_is_of_one_run() {
    let tree = tree();
    let other = Tree::new("s", "p");
    let mut log: Box<dyn Export<Vec<u8>>> = Box::new(Document::new(Vec::new()).unwrap());
    log.add(&Subject::new(None, &tree)).unwrap();
    let error = log.add(&Subject::new(None, &other)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn ids_cannot_lead_out_of_their_folder() {
    assert_eq!(sample_id("test/algebra/12"), "test/algebra/12");
    for hostile in [
        "../../etc/passwd",
        "/etc/passwd",
        "a\\..\\b",
        "a//b",
        "\u{1b}c",
        "",
    ] {
        let id = sample_id(hostile);
        assert!(
            !id.contains(['/', '\\', '\u{1b}']) || id.contains("\\u{1b}"),
            "{id}"
        );
        assert!(id.len() > 8, "{id}");
    }
    assert_ne!(sample_id("a//b"), sample_id("a/_b"));
    assert!(sample_id(&"x".repeat(1 << 20)).len() < 300);
}
