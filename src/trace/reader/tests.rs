use std::io::Cursor;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::trace::samples::{any_record, run, step, step_of};

use super::*;

fn written(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        serde_json::to_writer(&mut bytes, record).unwrap();
        bytes.push(b'\n');
    }
    bytes
}

/// Records and damages of `bytes`.
fn read(bytes: &[u8]) -> (Vec<Record>, Vec<Damage>) {
    let mut records = Vec::new();
    let mut damages = Vec::new();
    for item in Reader::new(Cursor::new(bytes)) {
        match item {
            Ok(located) => records.push(located.value),
            Err(damage) => damages.push(damage),
        }
    }
    (records, damages)
}

#[test]
fn unknown_fields_are_ignored_and_unknown_kinds_counted() {
    let mut value = serde_json::to_value(step_of("p", "a")).unwrap();
    value["invented"] = serde_json::json!({"later": [1]});
    let text =
        format!("{value}\n\n{{\"record\":\"dream\",\"run\":\"r\"}}\n{{\"record\":\"dream\"}}\n");
    let mut reader = Reader::new(Cursor::new(text));
    assert!(matches!(reader.next(), Some(Ok(Located { line: 1, .. }))));
    assert!(reader.next().is_none());
    assert_eq!(reader.unknown_kinds()["dream"], 2);
}

#[test]
fn damage_says_where_and_what() {
    let good = written(&[step_of("p", "a")]);
    let good = String::from_utf8(good).unwrap();
    let text = format!("{good}{{\"record\":\"step\"}}\n[1]\nxyz\n{good}{{\"record\":\"st");
    let (records, damages) = read(text.as_bytes());
    assert_eq!(records.len(), 2);
    let shown: Vec<String> = damages.iter().map(ToString::to_string).collect();
    assert_eq!(shown[0], "line 2: not a record: missing field `run`");
    assert!(
        shown[1].starts_with("line 3: not a record: "),
        "{}",
        shown[1]
    );
    assert_eq!(shown[2], "line 4: not JSON: expected value at byte 1");
    assert!(
        shown[3].starts_with("line 6: the last line is cut off"),
        "{}",
        shown[3]
    );
    let kinds: Vec<DamageKind> = damages.iter().map(|damage| damage.kind).collect();
    use DamageKind::{Malformed, Truncated};
    assert_eq!(kinds, [Malformed, Malformed, Malformed, Truncated]);
    let (_, damages) = read(b"{\"record\":\"\xff\"}\n");
    assert_eq!(damages[0].to_string(), "line 1: not UTF-8 at byte 12");
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut head = run("r");
    head.format = FORMAT + 1;
    let bytes = written(&[Record::Run(Box::new(head))]);
    let (records, damages) = read(&bytes);
    assert!(records.is_empty());
    assert_eq!(damages[0].kind, DamageKind::NewerFormat);
    assert!(damages[0].reason.contains("log format 2"));
    // Also where its fields have changed so much that it is no record here.
    let (_, damages) = read(b"{\"record\":\"run\",\"format\":7}\n");
    assert_eq!(damages[0].kind, DamageKind::NewerFormat);
}

#[test]
fn an_unreadable_file_ends_with_damage() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
    }
    let mut reader = Reader::new(BufReader::new(Broken));
    let damage = reader.next().unwrap().unwrap_err();
    assert_eq!(damage.kind, DamageKind::Unreadable);
    assert!(reader.next().is_none());
    assert!(Reader::open(Path::new("no/such/log.jsonl")).is_err());
}

#[test]
fn a_missing_confidence_stays_missing() {
    let mut record = step("a", None, "x");
    record.confidence.value = None;
    let record = Record::Step(Arc::new(record));
    let (records, _) = read(&written(std::slice::from_ref(&record)));
    assert_eq!(records, [record]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_record_comes_back_as_it_was(records in vec(any_record(), 0..6)) {
        let bytes = written(&records);
        prop_assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), records.len());
        let (read, damages) = read(&bytes);
        prop_assert_eq!(read, records);
        prop_assert!(damages.is_empty());
    }

    #[test]
    fn a_log_cut_anywhere_keeps_its_whole_lines(
        records in vec(any_record(), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = written(&records);
        let cut = cut.index(bytes.len() + 1);
        let bytes = &bytes[..cut];
        // A line without its line feed is whole all the same.
        let ends: Vec<usize> = written(&records)
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at)
            .collect();
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        let at_border = cut == 0 || ends.iter().any(|&end| cut == end || cut == end + 1);
        let (read, damages) = read(bytes);
        prop_assert_eq!(read.as_slice(), &records[..whole]);
        prop_assert_eq!(damages.len(), usize::from(!at_border));
        prop_assert!(damages.iter().all(|damage| damage.kind == DamageKind::Truncated));
        prop_assert!(damages.iter().all(|damage| damage.line == whole as u64 + 1));
    }

    #[test]
    fn flipped_bytes_lose_only_their_lines(
        records in vec(any_record(), 1..6),
        flips in vec((any::<prop::sample::Index>(), 1_u8..=255), 1..4),
    ) {
        let whole = written(&records);
        let mut bytes = whole.clone();
        for (place, mask) in &flips {
            let at = place.index(bytes.len());
            bytes[at] ^= mask;
        }
        let (read, damages) = read(&bytes);
        // A line is untouched if its bytes and both line feeds around it are.
        let mut start = 0;
        let mut rest = read.iter();
        let mut touched = 0;
        for record in &records {
            let end = start + whole[start..].iter().position(|&byte| byte == b'\n').unwrap();
            let from = start.saturating_sub(1);
            if whole[from..=end] == bytes[from..=end] {
                prop_assert!(rest.any(|read| read == record), "an untouched record was lost");
            } else {
                touched += 1;
            }
            start = end + 1;
        }
        prop_assert!(damages.len() <= touched + flips.len());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }
}

#[test]
fn of_unwanted_kinds_only_the_kind_is_read() {
    let step = String::from_utf8(written(&[step_of("p", "a")])).unwrap();
    let head = String::from_utf8(written(&[Record::Run(Box::new(run("r")))])).unwrap();
    // The kind may stand anywhere in what others write.
    let odd = r#"{"run":"r","record":"step","problem":"p"}"#;
    let cut = &step[..step.len() / 2];
    let text = format!("{step}{odd}\n{head}{cut}\n{{\"record\":\"run\"}}\n");
    let reader = Reader::new(Cursor::new(text)).of_kinds(&[Kind::Run]);
    let (records, damages): (Vec<_>, Vec<_>) = reader.partition(Result::is_ok);
    assert_eq!(records.len(), 1);
    let lines: Vec<u64> = damages.into_iter().map(|d| d.unwrap_err().line).collect();
    assert_eq!(lines, [4, 5]);
}
