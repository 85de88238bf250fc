//! The side file of a log: what people said of its steps afterwards.
//!
//! A log holds what a run did and is never touched by those who look at it.
//! Their labels go to `LOG.labels.jsonl` beside it, records of the same format,
//! appended line by line: several people may label one log at the same time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::index::named_files;
use super::record::{LabelRecord, Record};
use super::{LogError, LogWriter};

/// How every name of a side file ends.
const ENDING: &str = ".labels.jsonl";
/// How often, and how long apart, an append tries to get a file that another
/// process is appending to: that takes milliseconds.
const TRIES: u32 = 40;
const APART: Duration = Duration::from_millis(25);

/// Whether a file is a side file, by its name.
pub fn is_side_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().ends_with(ENDING)
}

/// The side file of a log: `a.labels.jsonl` of `a.jsonl`. A side file is its own.
pub fn side_file(log: &Path) -> PathBuf {
    if is_side_file(log) {
        return log.to_path_buf();
    }
    let name = log.file_name().unwrap_or_default();
    let mut name = match log.extension() {
        Some(end) if end == "jsonl" => log.file_stem().unwrap_or(name).to_owned(),
        _ => name.to_owned(),
    };
    name.push(ENDING);
    log.with_file_name(name)
}

/// The log files that `paths` name with the side files that are there, in the
/// order in which [`Log::begin`](super::Log::begin) wants them: labels behind
/// what they are of. With `labels` that file is the side file of all; it need
/// not be there yet.
///
/// # Errors
/// As [`log_files`](super::index::log_files); [`LogError::OwnSide`] where `labels` is one of the logs.
pub fn with_sides<P: AsRef<Path>>(
    paths: &[P],
    labels: Option<&Path>,
) -> Result<Vec<PathBuf>, LogError> {
    let (sides, mut files): (Vec<PathBuf>, Vec<PathBuf>) = named_files(paths)?
        .into_iter()
        .partition(|path| is_side_file(path));
    let own = match labels {
        Some(labels) => {
            let real = |path: &Path| path.canonicalize().ok();
            let is_log = |log: &PathBuf| real(log).is_some_and(|log| Some(log) == real(labels));
            if files.iter().any(is_log) {
                return Err(LogError::OwnSide {
                    path: labels.to_path_buf(),
                });
            }
            vec![labels.to_path_buf()]
        }
        None => files.iter().map(|log| side_file(log)).collect(),
    };
    let mut added: Vec<PathBuf> = Vec::new();
    for side in sides.into_iter().chain(own) {
        if side.is_file() && !added.contains(&side) {
            added.push(side);
        }
    }
    files.extend(added);
    Ok(files)
}

/// Appends labels to a side file, which is made where there is none: whole
/// lines in one write, on the disk when it returns. A line that a killed
/// process left unfinished stays, and is ended.
///
/// # Errors
/// As [`LogWriter::create_or_append`] and [`LogWriter::append`].
pub fn append(path: &Path, labels: &[LabelRecord]) -> Result<(), LogError> {
    let records: Vec<Record> = labels.iter().cloned().map(Record::Label).collect();
    let mut tries = 0;
    loop {
        match LogWriter::create_or_append(path, true) {
            Err(LogError::Locked { .. }) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(APART);
            }
            // Let go of at once: the next person may append.
            writer => return writer?.append(&records),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::trace::samples::{run, step_of};
    use crate::trace::{Log, reader::DamageKind};

    fn label(step: &str, word: &str) -> LabelRecord {
        LabelRecord {
            run: "r".into(),
            step: step.into(),
            problem: "p".into(),
            who: "ada".into(),
            when: "2026-01-02T03:04:05Z".into(),
            label: word.into(),
            note: None,
        }
    }

    fn log(folder: &Path) -> PathBuf {
        let path = folder.join("a.jsonl");
        let mut writer = LogWriter::create_or_append(&path, false).unwrap();
        let head = Record::Run(Box::new(run("r")));
        writer.append(&[head, step_of("p", "s")]).unwrap();
        path
    }

    #[test]
    fn side_files_lie_beside_their_logs() {
        assert_eq!(
            side_file(Path::new("x/a.jsonl")),
            Path::new("x/a.labels.jsonl")
        );
        assert_eq!(
            side_file(Path::new("a.log")),
            Path::new("a.log.labels.jsonl")
        );
        let side = Path::new("a.labels.jsonl");
        assert_eq!(side_file(side), side);
        assert!(is_side_file(side) && !is_side_file(Path::new("labels.jsonl")));
    }

    #[test]
    fn labels_are_read_behind_their_log_and_the_log_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = log(folder.path());
        let before = fs::read(&path).unwrap();
        let side = side_file(&path);
        append(&side, &[label("s", "bad")]).unwrap();
        append(&side, &[label("s", "good"), label("s", "flagged")]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        for named in [path.as_path(), folder.path()] {
            let files = with_sides(&[named], None).unwrap();
            assert_eq!(files, [path.clone(), side.clone()]);
            let log = Log::open(&files).unwrap();
            let (tree, _) = log.tree("r", "p").unwrap();
            let labels = &tree.node(tree.find("s").unwrap()).labels;
            let words: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
            assert_eq!(words, ["bad", "good", "flagged"]);
            assert_eq!(log.trajectories().len(), 1);
        }
        // A folder without anybody's labels asked for is its logs alone.
        let alone = Log::open(&[folder.path()]).unwrap();
        assert_eq!(alone.paths().count(), 1);
    }

    #[test]
    fn labels_of_other_logs_make_no_trajectories() {
        let folder = tempfile::tempdir().unwrap();
        let path = log(folder.path());
        let shared = folder.path().join("mine.labels.jsonl");
        let mut other = label("t", "bad");
        other.problem = "elsewhere".into();
        append(&shared, &[other, label("s", "bad")]).unwrap();
        let files = with_sides(&[&path], Some(&shared)).unwrap();
        let log = Log::open(&files).unwrap();
        assert_eq!(log.trajectories().len(), 1);
        assert!(log.damages().next().is_none());
        let error = with_sides(&[&path], Some(&path)).unwrap_err();
        assert!(
            error.to_string().contains("this is the log itself"),
            "{error}"
        );
        // One that is not there yet is made by the first label.
        let files = with_sides(&[&path], Some(&folder.path().join("new.labels.jsonl")));
        assert_eq!(files.unwrap(), [path]);
    }

    #[test]
    fn what_is_said_later_is_heard_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = log(folder.path());
        let side = side_file(&path);
        let mut log = Log::open(&with_sides(&[&path], None).unwrap()).unwrap();
        let words = |log: &mut Log| {
            let mut heard = Vec::new();
            log.hear(&side, &mut |_, line| {
                let label: LabelRecord = serde_json::from_slice(line).unwrap();
                heard.push(label.label);
            })
            .unwrap();
            heard
        };
        assert_eq!(words(&mut log), [""; 0], "there is no such file yet");
        append(&side, &[label("s", "bad")]).unwrap();
        assert_eq!(words(&mut log), ["bad"]);
        assert_eq!(words(&mut log), [""; 0]);
        let mut other = label("t", "bad");
        other.problem = "elsewhere".into();
        append(&side, &[label("s", "good"), other]).unwrap();
        assert_eq!(words(&mut log), ["good"], "of another log nothing");
        // Half a line is heard when it is whole.
        let before = fs::read(&side).unwrap();
        append(&side, &[label("s", "flagged")]).unwrap();
        let whole = fs::read(&side).unwrap();
        fs::write(&side, &whole[..whole.len() - 9]).unwrap();
        assert_eq!(words(&mut log), [""; 0]);
        fs::write(&side, &whole).unwrap();
        assert_eq!(words(&mut log), ["flagged"]);
        let (tree, _) = log.tree("r", "p").unwrap();
        assert_eq!(tree.node(tree.find("s").unwrap()).labels.len(), 3);
        fs::write(&side, &before).unwrap();
        let error = log.hear(&side, &mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("became shorter"), "{error}");
    }

    #[test]
    fn a_torn_last_line_is_ended_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = log(folder.path());
        let side = side_file(&path);
        append(&side, &[label("s", "bad"), label("s", "good")]).unwrap();
        let whole = fs::read(&side).unwrap();
        fs::write(&side, &whole[..whole.len() - 9]).unwrap();
        append(&side, &[label("s", "neutral")]).unwrap();
        let log = Log::open(&with_sides(&[&path], None).unwrap()).unwrap();
        let (tree, _) = log.tree("r", "p").unwrap();
        let labels = &tree.node(tree.find("s").unwrap()).labels;
        let words: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
        assert_eq!(words, ["bad", "neutral"]);
        let kinds: Vec<DamageKind> = log.damages().map(|found| found.damage.kind).collect();
        assert_eq!(kinds, [DamageKind::Malformed]);
    }

    #[test]
    fn several_people_append_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = log(folder.path());
        let side = side_file(&path);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        append(&side, &[label("s", "good"), label("s", "flagged")]).unwrap();
                    }
                });
            }
        });
        let log = Log::open(&with_sides(&[&path], None).unwrap()).unwrap();
        let (tree, _) = log.tree("r", "p").unwrap();
        assert_eq!(tree.node(tree.find("s").unwrap()).labels.len(), 30);
        assert!(log.damages().next().is_none());
    }
}
