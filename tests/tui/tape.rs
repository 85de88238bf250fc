//! Recorded trajectories, read from a real log file: never a call.

use pointsman::app::{Mode, Model};
use pointsman::trace::record::Record;
use pointsman::trace::{Log, LogWriter, Tree};
use pointsman::tui::sessions;

use crate::stage::{ANSWER, Cue, Script, Stage, run, say};

/// Opens a replay of what a stage has logged.
pub fn replay(live: &Stage) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer
        .append(&[Record::Run(Box::new(run("threshold:t=0.6", 12)))])
        .unwrap();
    writer.append(&live.log).unwrap();
    drop(writer);
    // The file stays open after its folder is gone only where the log keeps
    // it open: it is kept for the test's life instead.
    let (model, opener) = sessions::replay(Log::open(&[path]).unwrap());
    let stage = Stage::of(model, opener, Script::Cues([].into()));
    drop(folder);
    stage
}

/// A record as a reader of its line gets it.
fn as_read(record: &Record) -> Record {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

fn recorded() -> Stage {
    let mut live = Stage::new([
        say("2 + 2 = 4", 0.9),
        Cue::Hang(vec!["cut"]),
        say("4 + 3 = 8", 0.4),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
    ]);
    live.keys("space space esc space b o enter space");
    live
}

#[test]
fn the_tape_plays_to_its_end_and_stops() {
    let live = recorded();
    let mut tape = replay(&live);
    assert_eq!(tape.model.mode, Mode::Replay);
    assert_eq!((tape.at(), tape.tick), (0, None));
    tape.keys("p");
    let mut seen = Vec::new();
    while tape.model.playing {
        assert!(tape.pass(), "playing asks for ticks");
        seen.push(tape.at());
    }
    assert_eq!(seen, [1, 2, 3, 3]);
    assert_eq!(tape.notice(), "the tape ends here");
    tape.settle();
    assert_eq!(tape.path(), live.path());
    assert!(tape.session().outcome().is_some());
}

#[test]
fn a_replay_shows_what_the_live_session_showed_and_refuses_to_generate() {
    let live = recorded();
    let mut tape = replay(&live);
    assert_eq!(tape.followed(), live.followed());
    let written: Vec<Record> = live.log.iter().map(as_read).collect();
    let tree = Tree::from_records("run", "sum", written);
    assert!(
        *tape.session().tree() == tree,
        "the file gives another tree"
    );
    tape.keys("c");
    assert_eq!(tape.path(), live.path());
    for keys in ["space", "c", "o", "e", "r", "R"] {
        tape.keys(keys);
        assert!(!tape.notice().is_empty(), "{keys} says why not");
        assert!(
            tape.model.layers.is_empty() && tape.editor.is_none(),
            "{keys}"
        );
    }
    // Running until a condition holds is looking, too.
    tape.keys("g g C ctrl-u");
    tape.type_text("step >= 2");
    tape.keys("enter");
    assert_eq!(tape.at(), 2);
    tape.keys("G b <");
    assert!(tape.path()[1].contains("4 + 3 = 8"), "{:?}", tape.path());
    assert!(tape.calls.is_empty() && tape.log.is_empty());
    tape.keys("q");
    assert!(tape.model.quitting);
}

#[test]
fn a_replay_knows_how_each_problem_came_out() {
    let tape = replay(&recorded());
    let Model { entries, .. } = &tape.model;
    assert_eq!(entries.len(), 1);
    assert!(entries[0].title.contains("What is 2 + 2 + 3?"));
    assert!(entries[0].verdict.is_some());
}
