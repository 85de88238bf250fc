use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::trace::LogWriter;
use crate::trace::reader::DamageKind;
use crate::trace::samples::{any_record, note, outcome, run, step, step_of};

use super::*;

fn append(path: &Path, records: &[Record]) {
    LogWriter::create_or_append(path, false)
        .unwrap()
        .append(records)
        .unwrap();
}

fn small_log(folder: &Path) -> PathBuf {
    let path = folder.join("a.jsonl");
    append(
        &path,
        &[
            Record::Run(Box::new(run("r"))),
            step_of("p", "a"),
            step_of("q \"x\" \u{e9}\n", "b"),
            Record::Note(note(None, "resumed")),
            Record::Note(note(Some("p"), "odd")),
            Record::Outcome(Box::new(outcome("p", Some("a")))),
        ],
    );
    path
}

#[test]
fn trajectories_are_found_and_loaded_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&[small_log(folder.path())]).unwrap();
    assert_eq!(log.len(), 6);
    assert_eq!(log.runs().len(), 1);
    assert_eq!(log.runs()[0].trajectories, 2);
    assert_eq!(log.run("r").unwrap().key, "k");
    let problems: Vec<(&str, bool)> = log
        .trajectories()
        .map(|trajectory| (trajectory.problem, trajectory.is_finished()))
        .collect();
    assert_eq!(problems, [("p", true), ("q \"x\" \u{e9}\n", false)]);
    let loaded = log.load_trajectory("r", "p").unwrap();
    assert_eq!(loaded.records.len(), 3);
    assert_eq!(loaded.records[0], step_of("p", "a"));
    assert!(loaded.damages.is_empty());
    let (tree, _) = log.tree("r", "p").unwrap();
    assert_eq!(tree.len(), 1);
    assert_eq!(tree.notes().len(), 1);
    let trajectory = log.trajectory("r", "p").unwrap();
    assert_eq!(
        log.load_kind(&trajectory, Kind::Outcome)
            .unwrap()
            .records
            .len(),
        1
    );
    assert_eq!(log.run_notes("r").unwrap().records.len(), 1);
    assert!(log.run_notes("none").unwrap().records.is_empty());
    let error = log.load_trajectory("r", "none").unwrap_err();
    assert!(error.to_string().contains("`none`"));
}

#[test]
fn folders_and_several_files_make_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let first = small_log(folder.path());
    let second = folder.path().join("b.jsonl");
    let mut other = step("z", None, "x");
    other.run = "s".into();
    append(&second, &[Record::Step(Arc::new(other)), step_of("p", "c")]);
    fs::write(folder.path().join("notes.txt"), "not a log").unwrap();
    let log = Log::open(&[folder.path(), &first]).unwrap();
    assert_eq!(log.paths().count(), 2, "the folder's logs, each once");
    assert_eq!(log.runs().len(), 2);
    assert!(log.run("s").is_none(), "its head is in another file");
    // One run over two files.
    assert_eq!(log.load_trajectory("r", "p").unwrap().records.len(), 4);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        Log::open(&[empty.path()]),
        Err(LogError::NoLogs { .. })
    ));
    assert!(Log::open(&[folder.path().join("none.jsonl")]).is_err());
}

#[test]
fn a_growing_file_is_refreshed() {
    let folder = tempfile::tempdir().unwrap();
    let path = small_log(folder.path());
    let mut log = Log::open(&[&path]).unwrap();
    assert_eq!(log.refresh().unwrap(), 0);
    append(&path, &[step_of("p", "c")]);
    assert_eq!(log.refresh().unwrap(), 1);
    // A record half written, then whole, then ended.
    let line = serde_json::to_string(&step_of("p", "d")).unwrap();
    let (head, rest) = line.split_at(line.len() / 2);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    assert_eq!(log.refresh().unwrap(), 0);
    assert_eq!(
        log.damages().next().unwrap().damage.kind,
        DamageKind::Truncated
    );
    file.write_all(rest.as_bytes()).unwrap();
    assert_eq!(log.refresh().unwrap(), 1);
    assert_eq!(log.damages().count(), 0);
    file.write_all(b"\nnonsense\n").unwrap();
    assert_eq!(log.refresh().unwrap(), 0);
    let damage = log.damages().next().unwrap();
    assert_eq!(damage.damage.line, 9);
    assert!(
        damage.to_string().contains("a.jsonl line 9: not JSON"),
        "{damage}"
    );
    assert_eq!(log.load_trajectory("r", "p").unwrap().records.len(), 5);
    fs::write(&path, "").unwrap();
    assert!(log.refresh().unwrap_err().to_string().contains("shorter"));
}

#[test]
fn damage_found_on_loading_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = small_log(folder.path());
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"record\":\"step\",\"run\":\"r\",\"problem\":\"p\"}\n")
        .unwrap();
    let log = Log::open(&[&path]).unwrap();
    let loaded = log.load_trajectory("r", "p").unwrap();
    assert_eq!(loaded.records.len(), 3);
    assert_eq!(loaded.damages[0].damage.line, 7);
    assert!(loaded.damages[0].damage.reason.contains("missing field"));
}

#[test]
fn a_file_that_is_no_log_spoils_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = small_log(folder.path());
    let bad = folder.path().join("b.jsonl");
    fs::write(&bad, "\u{0}\u{1}garbage\nmore\n").unwrap();
    let log = Log::open(&[folder.path()]).unwrap();
    assert_eq!(log.len(), Log::open(&[&good]).unwrap().len());
    let first = log.damages().next().unwrap();
    assert_eq!(
        (first.path.as_path(), first.damage.line),
        (bad.as_path(), 1)
    );
    // Nothing else: it is refused.
    fs::remove_file(&good).unwrap();
    let error = Log::open(&[folder.path()]).unwrap_err();
    assert!(
        error.to_string().contains("b.jsonl: not a pointsman log"),
        "{error}"
    );
}

#[test]
fn many_logs_are_read_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..300 {
        let run = format!("r{number:03}");
        let mut step = step("s", None, "text");
        step.run = run.clone();
        let records = [
            Record::Run(Box::new(crate::trace::samples::run(&run))),
            Record::Step(Arc::new(step)),
        ];
        append(&folder.path().join(format!("{run}.jsonl")), &records);
    }
    let log = Log::open(&[folder.path()]).unwrap();
    assert_eq!((log.runs().len(), log.trajectories().len()), (300, 300));
    for trajectory in log.trajectories() {
        let loaded = log
            .load_trajectory(trajectory.run, trajectory.problem)
            .unwrap();
        assert_eq!(loaded.records.len(), 1);
    }
}

#[test]
fn what_is_no_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    fs::write(&path, "{\"question\":\"q\"}\n").unwrap();
    assert!(matches!(Log::open(&[&path]), Err(LogError::NotALog { .. })));
    fs::write(&path, "{\"record\":\"run\",\"run\":\"r\",\"format\":9}\n").unwrap();
    let error = Log::open(&[&path]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 1: written in log format 9"),
        "{error}"
    );
    fs::write(&path, "").unwrap();
    assert!(Log::open(&[&path]).unwrap().is_empty());
    fs::write(&path, "{\"record\":\"run\",\"ru").unwrap();
    assert_eq!(Log::open(&[&path]).unwrap().damages().count(), 1);
    fs::write(&path, "{\"record\":\"dream\"}\nxx\n").unwrap();
    let log = Log::open(&[&path]).unwrap();
    assert_eq!(log.unknown_kinds()["dream"], 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_finds_what_the_reader_reads(
        records in vec(any_record(), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        append(&path, &records);
        let bytes = fs::read(&path).unwrap_or_default();
        fs::write(&path, &bytes[..cut.index(bytes.len() + 1)]).unwrap();
        let read = crate::trace::Reader::open(&path).unwrap();
        let (whole, damaged): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
        let log = Log::open(&[&path]).unwrap();
        prop_assert_eq!(log.len(), whole.len());
        prop_assert_eq!(log.damages().count(), damaged.len());
        let mut loaded = 0;
        for trajectory in log.trajectories() {
            let records = log.load_trajectory(trajectory.run, trajectory.problem).unwrap();
            prop_assert!(records.damages.is_empty());
            loaded += records.records.len();
        }
        for run in log.runs() {
            loaded += log.run_notes(&run.id).unwrap().records.len();
        }
        let runs = whole.iter().flatten().filter(|found| matches!(found.value, Record::Run(_)));
        prop_assert_eq!(loaded + runs.count(), whole.len());
    }
}
