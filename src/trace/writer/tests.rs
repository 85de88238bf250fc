use std::fs;
use std::sync::Arc;

use crate::problem::dataset::ErrorCategory;
use crate::trace::record::{RunRecord, StepRecord, Token, TopToken};
use crate::trace::samples::{decision, note, run, step, step_of};
use crate::trace::{DamageKind, Reader};

use super::*;

fn read(path: &Path) -> (Vec<Record>, Vec<DamageKind>) {
    let (mut records, mut damages) = (Vec::new(), Vec::new());
    for item in Reader::open(path).unwrap() {
        match item {
            Ok(located) => records.push(located.value),
            Err(damage) => damages.push(damage.kind),
        }
    }
    (records, damages)
}

fn log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    (folder, path)
}

#[test]
fn what_is_appended_is_read_back_in_order() {
    let (_folder, path) = log();
    let records = [
        Record::Run(Box::new(run("r"))),
        step_of("p", "a"),
        step_of("p", "b"),
    ];
    let mut writer = LogWriter::create_or_append(&path, true).unwrap();
    assert!(!writer.existed());
    writer.append(&records[..2]).unwrap();
    assert_eq!(read(&path).0.len(), 2, "on disk before the next append");
    writer.append(&[]).unwrap();
    drop(writer);
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    assert!(writer.existed() && !writer.found_partial_line());
    writer.append(&records[2..]).unwrap();
    assert_eq!(read(&path), (records.to_vec(), vec![]));
}

#[test]
fn a_partial_last_line_is_neither_overwritten_nor_glued() {
    let (_folder, path) = log();
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer
        .append(&[step_of("p", "a"), step_of("p", "b")])
        .unwrap();
    drop(writer);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    assert!(writer.found_partial_line());
    assert_eq!(
        fs::read(&path).unwrap().len(),
        whole.len() - 9,
        "opening changes nothing"
    );
    writer.append(&[step_of("p", "c")]).unwrap();
    writer.append(&[step_of("p", "d")]).unwrap();
    let (records, damages) = read(&path);
    assert_eq!(
        records,
        [step_of("p", "a"), step_of("p", "c"), step_of("p", "d")]
    );
    assert_eq!(damages, [DamageKind::Malformed]);
    assert!(
        fs::read(&path)
            .unwrap()
            .starts_with(&whole[..whole.len() - 9])
    );
}

#[test]
fn what_is_held_back_is_written_before_the_first_append_and_once() {
    let (_folder, path) = log();
    let head = Record::Run(Box::new(run("r")));
    let mut writer = LogWriter::create_or_append(&path, true).unwrap();
    writer.begin_with(vec![head.clone()]);
    writer.append(&[]).unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), 0, "nothing happened");
    let mut bad = decision("d", None);
    bad.propensity = f64::NAN;
    assert!(writer.append(&[Record::Decision(Arc::new(bad))]).is_err());
    assert_eq!(fs::read(&path).unwrap().len(), 0, "nothing was written");
    writer.append(&[step_of("p", "a")]).unwrap();
    writer.append(&[step_of("p", "b")]).unwrap();
    let expected = vec![head, step_of("p", "a"), step_of("p", "b")];
    assert_eq!(read(&path), (expected, vec![]));
}

#[test]
fn what_is_remarked_waits_for_the_next_record() {
    let (_folder, path) = log();
    let head = Record::Run(Box::new(run("r")));
    let mut writer = LogWriter::create_or_append(&path, true).unwrap();
    writer.begin_with(vec![head.clone()]);
    writer.hold(vec![step_of("p", "a")]);
    assert_eq!(fs::read(&path).unwrap().len(), 0, "nothing happened");
    writer.append(&[step_of("p", "b")]).unwrap();
    writer.hold(vec![step_of("p", "c")]);
    let begun = vec![head, step_of("p", "a"), step_of("p", "b")];
    assert_eq!(read(&path).0, begun);
    writer.append(&[step_of("p", "d")]).unwrap();
    let whole = [begun, vec![step_of("p", "c"), step_of("p", "d")]].concat();
    assert_eq!(read(&path).0, whole);
}

#[test]
fn a_first_record_cut_off_can_be_gone_on_from() {
    for partial in ["{", "{\"record\":\"ru", "{\"record\":\"run\",\"for"] {
        let (_folder, path) = log();
        fs::write(&path, partial).unwrap();
        let mut writer = LogWriter::create_or_append(&path, false).unwrap();
        writer.append(&[step_of("p", "a")]).unwrap();
        assert_eq!(read(&path).0.len(), 1);
    }
}

#[test]
fn one_process_writes_a_log_at_a_time() {
    let (_folder, path) = log();
    let writer = LogWriter::create_or_append(&path, false).unwrap();
    let error = LogWriter::create_or_append(&path, false).unwrap_err();
    assert!(matches!(error, LogError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another process"));
    drop(writer);
    LogWriter::create_or_append(&path, false).unwrap();
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let (_folder, path) = log();
    for other in [
        "a,b,c\n1,2,3\n",
        "{\"question\": \"q\"}\n",
        "\u{0}\u{1}",
        "[{\"record\": 1}]",
    ] {
        fs::write(&path, other).unwrap();
        let error = LogWriter::create_or_append(&path, false).unwrap_err();
        assert!(matches!(error, LogError::NotALog { .. }), "{error}");
        assert_eq!(error.category(), ErrorCategory::BadData);
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    fs::write(&path, "{\"record\":\"run\",\"format\":99}\n").unwrap();
    let error = LogWriter::create_or_append(&path, false).unwrap_err();
    assert!(matches!(error, LogError::NewerFormat { .. }), "{error}");
    let missing = path.join("in/no/folder.jsonl");
    assert!(LogWriter::create_or_append(&missing, false).is_err());
}

#[test]
fn a_log_with_damaged_first_lines_is_still_a_log() {
    let (_folder, path) = log();
    let record = serde_json::to_string(&step_of("p", "a")).unwrap();
    fs::write(&path, format!("\n\u{7f}\u{7f}\n{record}\n")).unwrap();
    LogWriter::create_or_append(&path, false).unwrap();
}

fn with_nan() -> StepRecord {
    let mut record = step("a", None, "x");
    record.confidence.value = Some(f64::NAN);
    record.confidence.measures = [("entropy".into(), f64::INFINITY), ("min".into(), 0.5)].into();
    record.seconds = f64::NAN;
    record.tokens = vec![Token {
        text: "x".into(),
        logprob: Some(f32::NEG_INFINITY),
        max_logit: Some(f32::NAN),
        top_logits: Vec::new(),
        top: vec![
            TopToken {
                text: "x".into(),
                logprob: -0.5,
            },
            TopToken {
                text: "y".into(),
                logprob: f32::NEG_INFINITY,
            },
        ],
        math: true,
    }];
    record
}

#[test]
fn values_that_are_no_numbers_are_written_as_unknown() {
    let (_folder, path) = log();
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer
        .append(&[Record::Step(Arc::new(with_nan()))])
        .unwrap();
    let (records, damages) = read(&path);
    assert!(damages.is_empty());
    let [Record::Step(step)] = records.as_slice() else {
        panic!("one step: {records:?}")
    };
    assert_eq!(step.confidence.value, None);
    assert!(step.confidence.unavailable.is_some());
    assert_eq!(step.confidence.measures.len(), 1);
    assert_eq!(step.tokens[0].logprob, None);
    assert_eq!(step.tokens[0].max_logit, None);
    assert_eq!(step.tokens[0].top.len(), 1);
}

#[test]
fn a_decision_that_is_no_number_is_an_error_and_nothing_is_written() {
    let (_folder, path) = log();
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    let mut bad = decision("d", None);
    bad.probabilities = vec![0.5, f64::NAN];
    let records = [step_of("p", "a"), Record::Decision(Arc::new(bad))];
    let error = writer.append(&records).unwrap_err();
    assert!(error.to_string().contains("`probabilities`"), "{error}");
    let mut bad = decision("d", None);
    bad.propensity = f64::INFINITY;
    assert!(writer.append(&[Record::Decision(Arc::new(bad))]).is_err());
    let mut bad: RunRecord = run("r");
    bad.sampling.top_p = f64::NAN;
    assert!(writer.append(&[Record::Run(Box::new(bad))]).is_err());
    assert_eq!(fs::read(&path).unwrap().len(), 0);
    writer.append(&[Record::Note(note(None, "fine"))]).unwrap();
    assert_eq!(read(&path).0.len(), 1);
}

/// `/dev/full` is a disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_what_to_do() {
    let path = Path::new("/dev/full");
    let mut writer = LogWriter::create_or_append(path, false).unwrap();
    let error = writer.append(&[step_of("p", "a")]).unwrap_err();
    assert!(matches!(error, LogError::DiskFull { .. }), "{error}");
    let shown = error.to_string();
    assert!(
        shown.contains("/dev/full") && shown.contains("make room"),
        "{shown}"
    );
    assert!(writer.append(&[step_of("p", "a")]).is_err());
    assert_eq!(
        writer.buffer.first(),
        Some(&b'\n'),
        "the next append begins a line"
    );
}
