//! Archives made here, in both shapes and every packing.

use std::io::{Cursor, Write as _};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::problem::answer::Verdict;
use crate::trace::import::samples::{Found, of_named, trajectories};
use crate::trace::import::{Format, Options, Step, Trajectory};
use crate::trace::record::{GRADER, StepEnd};

/// How a member is packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Packing {
    Stored,
    Deflated,
    /// Zstandard in so many frames.
    Zstd(usize),
    /// As `Zstd(1)`, but said to expand to nothing much.
    Lying,
}

/// An archive of these members. Those of zstd are written as stored ones and
/// their method is put in afterwards.
pub fn archive(members: &[(&str, &[u8], Packing)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, packing) in members {
        let method = match packing {
            Packing::Deflated => CompressionMethod::Deflated,
            _ => CompressionMethod::Stored,
        };
        // Large ones are those of ZIP64.
        let large = *packing == Packing::Zstd(2);
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(large);
        zip.start_file(*name, options).unwrap();
        match packing {
            Packing::Zstd(frames) => zip.write_all(&frames_of(content, *frames)).unwrap(),
            Packing::Lying => zip.write_all(&frames_of(content, 1)).unwrap(),
            _ => zip.write_all(content).unwrap(),
        }
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    for (name, content, packing) in members {
        match packing {
            Packing::Zstd(_) => patch(&mut bytes, name, Some(content.len())),
            Packing::Lying => patch(&mut bytes, name, None),
            _ => {}
        }
    }
    bytes
}

fn frames_of(content: &[u8], frames: usize) -> Vec<u8> {
    let size = content.len().div_ceil(frames.max(1)).max(1);
    let pieces = content.chunks(size);
    let packed = pieces.map(|piece| compress_to_vec(piece, CompressionLevel::Fastest));
    packed.flatten().collect()
}

/// Puts method 93 into both headers of a member, and its size when expanded
/// into that of the directory, where it fits there.
fn patch(bytes: &mut [u8], name: &str, size: Option<usize>) {
    let heads: [(&[u8], usize, usize); 2] = [(b"PK\x01\x02", 46, 10), (b"PK\x03\x04", 30, 8)];
    for (magic, length, method) in heads {
        let found = (0..bytes.len().saturating_sub(length + name.len())).find(|&at| {
            bytes[at..].starts_with(magic) && bytes[at + length..].starts_with(name.as_bytes())
        });
        let at = found.unwrap();
        bytes[at + method..at + method + 2].copy_from_slice(&93_u16.to_le_bytes());
        if let (Some(size), 46) = (size, length) {
            let held = u32::from_le_bytes(bytes[at + 24..at + 28].try_into().unwrap());
            if held != u32::MAX {
                let size = u32::try_from(size).unwrap();
                bytes[at + 24..at + 28].copy_from_slice(&size.to_le_bytes());
            }
        }
    }
}

fn header() -> Vec<u8> {
    let head = json!({
        "version": 2, "status": "success",
        "eval": {"task": "math", "model": "openai/small", "model_roles": {"grader": {"model": "openai/judge"}},
                 "model_generate_config": {"temperature": 0.5}},
        "stats": {"model_usage": {"openai/small": {}, "openai/judge": {}}},
    });
    head.to_string().into_bytes()
}

/// A sample as it is written: with `NaN`, huge numbers, a pool, an attachment,
/// a scorer's call and a call that led nowhere.
fn sample(id: Value, epoch: u64) -> String {
    let used = |input: u64, output: u64| json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output, "input_tokens_cache_read": 3, "total_cost": 0.25});
    let output = |id: &str, text: Value, stop: &str, usage: Value| {
        json!({
            "model": "openai/small",
            "choices": [{"message": {"id": id, "role": "assistant", "content": text}, "stop_reason": stop}],
            "usage": usage, "time": 1.5,
        })
    };
    let parts = json!([
        {"type": "reasoning", "reasoning": "first\n\nsecond"},
        {"type": "image", "image": "attachment://ffff"},
        {"type": "text", "text": "attachment://abc123"},
    ]);
    json!({
        "id": id, "epoch": epoch, "input": "what is 1 + 1?", "target": ["2", "two"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what is 1 + 1?"},
            {"id": "m1", "role": "assistant", "content": parts},
            {"role": "user", "content": "go on"},
            {"id": "m2", "role": "assistant", "content": "the answer is 2"},
        ],
        "scores": {
            "match": {"value": "C", "answer": "2", "explanation": "as it should be"},
            "length": {"value": 0.5},
        },
        "store": {"seed": 99_999_999_999_u64, "loss": "NAN"},
        "events": [
            {"event": "span_begin", "id": "s0", "type": "scorers", "name": "scorers"},
            {"event": "span_begin", "id": "s1", "parent_id": "s0", "type": "scorer", "name": "match"},
            {"event": "model", "model": "openai/small", "input": [], "input_refs": [[0, 1]],
             "output": output("m1", parts, "stop", used(10, 5)), "timestamp": "2026-01-01T00:00:00+00:00"},
            {"event": "model", "model": "openai/small", "input": [], "output": output("x", json!("a critique"), "stop", used(4, 1))},
            {"event": "model", "model": "openai/small", "input": [],
             "output": output("m2", json!("the answer is 2"), "max_tokens", used(20, 6))},
            {"event": "model", "model": "openai/judge", "span_id": "s1", "input": [],
             "output": output("g", json!("CORRECT"), "stop", used(30, 1))},
            {"event": "score", "intermediate": true},
        ],
        "attachments": {"abc123": "third"},
        "events_data": {"messages": [{"role": "user", "content": "what is 1 + 1?"}], "calls": []},
        "model_usage": {},
    })
    .to_string()
    .replace("\"NAN\"", "NaN")
    .replace("99999999999", "99999999999999999999")
}

fn read_members(members: &[(&str, &[u8], Packing)]) -> Found {
    let bytes = archive(members);
    of_named(Format::Inspect, "log.eval", &bytes, &Options::default())
}

fn check(one: &Trajectory) {
    let told: Vec<(&str, u64, StepEnd)> = one
        .steps
        .iter()
        .map(|step| (step.text.as_str(), step.usage.output, step.end))
        .collect();
    assert_eq!(
        told,
        [
            ("first", 5, StepEnd::Delimiter),
            ("second", 0, StepEnd::Delimiter),
            ("third", 0, StepEnd::Eos),
            ("the answer is 2", 6, StepEnd::Length),
        ]
    );
    let first = &one.steps[0];
    assert_eq!((first.usage.prompt, first.usage.cached), (10, Some(3)));
    assert_eq!(
        (first.seconds, first.at.as_str()),
        (1.5, "2026-01-01T00:00:00+00:00")
    );
    assert!(first.end_note.as_ref().unwrap().contains("3 steps"));
    // What the critique took is paid for.
    let last = &one.steps[3];
    assert_eq!(last.attempts.len(), 1);
    assert_eq!(last.attempts[0].usage.prompt, 4);
    let [score] = last.scores.as_slice() else {
        panic!("{last:?}");
    };
    assert_eq!(
        (score.scorer, score.model.as_deref()),
        (GRADER, Some("openai/judge"))
    );
    assert_eq!((score.value, score.usage.prompt), (Some(1.0), 30));
    let end = one.conclusion.as_ref().unwrap();
    assert_eq!(
        (end.grade.verdict, end.gold.as_deref()),
        (Verdict::Correct, Some("2"))
    );
    assert_eq!(end.grader, "inspect:match");
    assert_eq!(one.problem.question, "what is 1 + 1?");
    assert_eq!(one.origin.models, ["openai/small"]);
    assert_eq!(one.origin.sampling.temperature, 0.5);
    assert!(
        one.notes
            .iter()
            .any(|note| note == "other scores: length = 0.5")
    );
}

#[test]
fn whole_samples_are_read_from_every_packing() {
    let text = sample(json!("a/b"), 1);
    let other = sample(json!(7), 2);
    for packing in [
        Packing::Stored,
        Packing::Deflated,
        Packing::Zstd(1),
        Packing::Zstd(2),
    ] {
        let found = read_members(&[
            ("_journal/start.json", b"{}", packing),
            ("samples/a/b_epoch_1.json", text.as_bytes(), packing),
            ("samples/7_epoch_2.json", other.as_bytes(), packing),
            ("summaries.json", b"[]", packing),
            ("header.json", &header(), packing),
        ]);
        let [one, two] = trajectories(&found);
        check(one);
        check(two);
        assert_eq!((one.problem.id.as_str(), one.origin.repetition), ("a/b", 1));
        assert_eq!((two.problem.id.as_str(), two.origin.repetition), ("7", 2));
    }
}

/// The same sample, its sequences in chunks of one or two.
fn chunks() -> Vec<(String, String)> {
    let text = sample(json!("a"), 1).replace("attachment://abc123", "attachment://2");
    let mut whole: Value = tolerant::from_slice(text.as_bytes()).unwrap();
    let object = whole.as_object_mut().unwrap();
    let messages = object.remove("messages").unwrap();
    let events = object.remove("events").unwrap();
    object.remove("attachments");
    object.remove("events_data");
    object.insert("input".into(), "".into());
    // In the pool the question comes first, and one message is of no use.
    let messages = messages.as_array().unwrap();
    let pool = [
        &messages[1..2],
        &[json!({"role": "assistant", "content": "elsewhere"})],
        messages.as_slice(),
    ]
    .concat();
    object.insert("message_refs".into(), json!([[2, 5], [5, 7]]));
    let at = |sequence: &str, start: usize, items: &[Value]| {
        (
            format!("samples/a_epoch_1/{sequence}/{start}.json"),
            Value::from(items.to_vec()).to_string(),
        )
    };
    let events = events.as_array().unwrap();
    let texts = ["x", "y", "third", "z"].map(Value::from);
    vec![
        at("messages", 0, &pool[..3]),
        at("messages", 3, &pool[3..]),
        at("events", 4, &events[4..]),
        at("events", 0, &events[..4]),
        ("samples/a_epoch_1/events/stats.json".into(), "[]".into()),
        at("attachments", 0, &texts[..1]),
        at("attachments", 1, &texts[1..]),
        ("samples/a_epoch_1/sample.json".into(), whole.to_string()),
        ("samples/a_epoch_1/skeleton.json".into(), "{}".into()),
    ]
}

#[test]
fn chunked_samples_give_what_whole_ones_do_also_beside_them() {
    let text = sample(json!("b"), 1);
    let chunks = chunks();
    let head = header();
    let mut members: Vec<(&str, &[u8], Packing)> = chunks
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes(), Packing::Zstd(1)))
        .collect();
    members.push(("samples/b_epoch_1.json", text.as_bytes(), Packing::Deflated));
    members.push(("header.json", &head, Packing::Deflated));
    let found = read_members(&members);
    assert!(found.damaged.is_empty(), "{:?}", found.damaged);
    let [one, two] = trajectories(&found);
    check(one);
    check(two);
    // A chunk that is damaged is that of its sample alone.
    members[2].1 = b"[{";
    let found = read_members(&members);
    let [_] = trajectories(&found);
    assert!(
        found.damaged[0].reason.contains("events/4.json"),
        "{:?}",
        found.damaged
    );
}

#[test]
fn damaged_samples_are_told_by_their_members_and_others_read() {
    let text = sample(json!("b"), 1);
    let deep = format!("{{\"id\": 1, \"store\": {}", "[".repeat(5000));
    let found = read_members(&[
        ("header.json", &header(), Packing::Zstd(1)),
        ("samples/x_epoch_1.json", b"{\"id\": ", Packing::Zstd(1)),
        ("samples/y_epoch_1.json", deep.as_bytes(), Packing::Stored),
        ("samples/z_epoch_1.json", b"{\"id\": 1}", Packing::Stored),
        ("samples/b_epoch_1.json", text.as_bytes(), Packing::Stored),
    ]);
    let [_] = trajectories(&found);
    let reasons: Vec<&str> = found
        .damaged
        .iter()
        .map(|bad| bad.reason.as_str())
        .collect();
    assert_eq!(reasons.len(), 3);
    assert!(reasons[1].contains("nested deeper"), "{reasons:?}");
    assert!(reasons[2].contains("no text of a model"), "{reasons:?}");
    assert!(found.damaged[0].place.contains("x_epoch_1"));
}

#[test]
fn an_archive_that_is_no_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.eval");
    std::fs::write(&path, archive(&[("a.json", b"{}", Packing::Stored)])).unwrap();
    let error = crate::trace::import::samples::of_file(Format::Inspect, &path, &Options::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("header.json"), "{error}");
}

#[test]
fn json_logs_are_read_sample_by_sample() {
    let log = format!(
        "{{\"version\": 2, \"eval\": {{\"task\": \"math\", \"model\": \"openai/small\", \
         \"model_generate_config\": {{\"temperature\": 0.5}}}}, \"results\": {{\"x\": NaN}}, \
         \"samples\": [{}, {{\"id\": {{}}}}, {}]}}",
        sample(json!("a"), 1),
        sample(json!("b"), 1)
    );
    let found = of_named(
        Format::Inspect,
        "log.json",
        log.as_bytes(),
        &Options::default(),
    );
    let [one, two] = trajectories(&found);
    check(one);
    check(two);
    assert_eq!(found.damaged[0].place, "sample 2");
    assert_eq!(
        crate::trace::import::guess::of(log.as_bytes()),
        Some(Format::Inspect)
    );
}

/// A log in JSON, of an evaluation with this model, that says nothing of which
/// models it asked.
fn log(model: &str, samples: Value) -> Found {
    let log = json!({"eval": {"model": model}, "samples": samples}).to_string();
    of_named(
        Format::Inspect,
        "log.json",
        log.as_bytes(),
        &Options::default(),
    )
}

fn said(id: &str, text: &str, served: &str) -> Value {
    json!({"id": id, "role": "assistant", "source": "generate", "content": text, "model": served})
}

#[test]
fn a_log_of_several_models_has_them_all_whoever_wrote_a_sample() {
    let call = |asked: &str, message: &Value| {
        json!({"event": "model", "model": asked,
               "output": {"model": message["model"], "choices": [{"message": message}]}})
    };
    let (a, b, c) = (
        said("a", "one", "s-2026"),
        said("b", "two", "l-2026"),
        said("c", "three", "s-2026"),
    );
    let found = log(
        "none/none",
        json!([
            {"id": 1, "messages": [a], "events": [call("x/s", &a)]},
            {"id": 2, "messages": [a, b], "events": [call("x/s", &a), call("x/l", &b)]},
            // Nobody says how it was asked: elsewhere somebody does.
            {"id": 3, "messages": [c]},
            {"id": 4, "messages": [said("d", "four", "y-2026")], "model_usage": {"x/y": {}}},
        ]),
    );
    let all: [&Trajectory; 4] = trajectories(&found);
    for one in all {
        assert_eq!(one.origin.models, ["x/s", "x/l", "x/y"]);
        let unknown = "which model is the cheapest".to_owned();
        assert!(one.origin.not_held.contains(&unknown));
    }
    let writers = all.map(|one| one.steps.last().unwrap().model.as_str());
    assert_eq!(writers, ["x/s", "x/l", "x/s", "x/y"]);
}

#[test]
fn a_reply_that_repeats_an_example_is_a_step_and_the_example_is_none() {
    let example = json!({"role": "assistant", "content": "ANSWER: A"});
    let reply = said("r", "ANSWER: A", "m");
    let asked = json!({"role": "user", "content": "q"});
    let found = log(
        "m",
        json!([
            {"id": 1, "input": [asked, example], "messages": [asked, example, reply, said("s", "so", "m")]},
            {"id": 2, "input": [asked, example], "messages": [asked, example, example]},
        ]),
    );
    let [one, two] = trajectories(&found);
    let texts: Vec<&str> = one.steps.iter().map(|step| step.text.as_str()).collect();
    assert_eq!(texts, ["ANSWER: A", "so"]);
    assert_eq!(two.steps.len(), 1);
}

#[test]
fn calls_that_go_on_with_a_text_are_its_steps() {
    let output = |text: &str| json!({"choices": [{"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}], "usage": {"output_tokens": 1}});
    let call = |model: &str, text: &str| json!({"event": "model", "model": model, "input": [], "output": output(text)});
    let log = json!({
        "eval": {"model": "s"},
        "samples": [{
            "id": 1, "input": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "given"}],
            "target": "2", "scores": {"m": {"value": 0}},
            "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "given"},
                         {"role": "assistant", "content": "one\n\ntwo\n\nthree"}],
            "events": [call("s", "one"), call("s", "two (rejected)"), call("l", "\n\ntwo"), call("s", "three")],
        }],
    });
    let log = log.to_string();
    let found = of_named(
        Format::Inspect,
        "log.json",
        log.as_bytes(),
        &Options::default(),
    );
    let [one] = trajectories(&found);
    let told = |step: &Step| (step.model.clone(), step.text.clone(), step.attempts.len());
    let told: Vec<_> = one.steps.iter().map(told).collect();
    let step = |model: &str, text: &str, lost| (model.to_owned(), text.to_owned(), lost);
    assert_eq!(
        told,
        [
            step("s", "one", 0),
            step("l", "two", 1),
            step("s", "three", 0)
        ]
    );
    assert_eq!(
        one.conclusion.as_ref().unwrap().grade.verdict,
        Verdict::Wrong
    );
}
