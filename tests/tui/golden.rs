//! What was heard makes the session: fed again it gives the same one, and so
//! does its log.

use proptest::prelude::*;

use pointsman::app::{Effect, Model, Slot, update};
use pointsman::model::endpoint::FailureKind;
use pointsman::session::Session;

use crate::screens;
use crate::stage::{ANSWER, Cue, Script, Stage, live, problems, run, say};
use crate::tape;

/// Feeds what `stage` heard to a fresh model; nothing is performed.
fn again(stage: &Stage) -> Model {
    let (mut model, opener) =
        pointsman::tui::sessions::live(live(run("threshold:t=0.6", 12)), problems());
    for (heard, now) in &stage.heard {
        let msg = heard.msg(&opener, &model);
        let _: Vec<Effect> = update(&mut model, msg, now);
    }
    model
}

fn assert_same(stage: &Stage, again: &Model) {
    let model = &stage.model;
    assert_eq!(model.current, again.current);
    assert_eq!(model.view, again.view);
    assert_eq!(model.layers, again.layers);
    assert_eq!(model.search, again.search);
    assert_eq!(model.marks, again.marks);
    assert_eq!(model.notice, again.notice);
    assert_eq!(model.entries, again.entries);
    assert_eq!((model.playing, model.ticks), (again.playing, again.ticks));
    for (one, other) in model.slots.iter().zip(&again.slots) {
        match (one, other) {
            (Slot::Open(one), Slot::Open(other)) => {
                assert!(one.tree() == other.tree(), "the trees differ");
                assert_eq!(one.cursor(), other.cursor());
                assert_eq!(one.followed_path(), other.followed_path());
                assert_eq!(one.phase(), other.phase());
            }
            (Slot::Closed, Slot::Closed) => {}
            _ => panic!("one is open, the other is not"),
        }
    }
}

/// The log of every problem gives its tree.
fn assert_logged(stage: &Stage) {
    for (entry, slot) in stage.model.slots.iter().enumerate() {
        if let Slot::Open(session) = slot {
            assert!(stage.logged(entry) == *session.tree(), "entry {entry}");
        }
    }
}

#[test]
fn a_session_is_what_was_heard() {
    let mut stage = Stage::new([
        say("2 + 2 = 4", 0.9),
        Cue::Fail(FailureKind::Server, "it broke"),
        say("4 + 3 = 8", 0.4),
        Cue::Hang(vec!["4 +", " 3"]),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
        say("11 - 4", 0.9),
    ]);
    stage.keys("space space R space esc b o enter c b b b m / 4 enter n T j");
    stage.keys("T ctrl-p");
    stage.type_text("diff");
    stage.keys("enter space e");
    stage.save("11 - 4 = 7");
    stage.keys("ctrl-p enter tab G");
    stage.settle();
    assert_same(&stage, &again(&stage));
    assert_logged(&stage);
}

#[test]
fn a_replay_follows_the_branch_that_was_grown_last() {
    let mut stage = Stage::new([
        say("first", 0.9),
        say("old", 0.9),
        say("new", 0.4),
        say(ANSWER, 0.9),
    ]);
    stage.keys("space space b o enter c");
    let mut tape = tape::replay(&stage);
    assert_eq!(tape.followed(), stage.followed());
    tape.keys("c");
    assert_eq!(tape.path(), stage.path());
}

/// Keys that a person may press in any order.
const KEYS: &[&str] = &[
    "space",
    "space",
    "space",
    "b",
    "t",
    "$",
    "R",
    ",",
    ".",
    "c",
    "C",
    "p",
    "ctrl-c",
    "R",
    "o",
    "enter",
    "enter",
    "e",
    "r",
    "<",
    ">",
    "j",
    "k",
    "gg",
    "G",
    "3j",
    "tab",
    "shift-tab",
    "]e",
    "[e",
    "]x",
    "m",
    "'",
    "/",
    "n",
    "N",
    "P",
    "ctrl-p",
    "L",
    "J",
    "K",
    "f",
    "o",
    "b",
    "v",
    "z",
    "T",
    "y",
    "ctrl-t",
    "M",
    "backspace",
    "ctrl-u",
    "4",
    "=",
    ":",
    "?",
    "esc",
    "esc",
    "y",
    "down",
    "up",
    "ctrl-d",
    "pageup",
    "D",
    "d",
    "s",
    "]",
    "1",
    "2",
];

/// Steps, failures and hangs in a fixed mixture.
fn mixture(call: usize) -> Cue {
    match call % 11 {
        2 => Cue::Hang(vec!["4 +", " 3"]),
        5 => Cue::Fail(FailureKind::Server, "it broke"),
        6 => say("", 0.9),
        7 => say(ANSWER, 0.9),
        n => say(&format!("step {call} = {n}"), 0.3 + n as f64 / 15.0),
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Key(&'static str),
    Tick,
    /// The oldest call that hangs is answered.
    Answer,
    Save(bool),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        12 => prop::sample::select(KEYS).prop_map(Deed::Key),
        2 => Just(Deed::Tick),
        1 => Just(Deed::Answer),
        1 => any::<bool>().prop_map(Deed::Save),
    ];
    prop::collection::vec(deed, 1..120)
}

fn walk(deeds: &[Deed]) -> Stage {
    let (model, opener) =
        pointsman::tui::sessions::live(live(run("threshold:t=0.6", 12)), problems());
    let mut stage = Stage::of(model, opener, Script::Endless(mixture));
    for deed in deeds {
        // The editor blocks the loop until it is left.
        if stage.editor.is_some() {
            stage.save(if matches!(deed, Deed::Save(true)) {
                "by hand"
            } else {
                ""
            });
        }
        match deed {
            Deed::Key(key) => stage.keys(key),
            Deed::Tick => drop(stage.pass()),
            Deed::Answer if !stage.open_calls.is_empty() => stage.answer(say("late = 1", 0.5)),
            Deed::Answer | Deed::Save(_) => {}
        }
        if stage.model.quitting {
            break;
        }
    }
    stage
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_pressed_the_session_is_what_was_heard_and_logged(deeds in deeds()) {
        let mut stage = walk(&deeds);
        assert_same(&stage, &again(&stage));
        assert_logged(&stage);
        let moving = stage.model.playing || stage.model.is_generating();
        prop_assert!(!moving || stage.tick.is_some(), "what moves is drawn");
        let calls = stage.open_calls.len();
        let generating = stage.model.slots.iter().filter(|slot| match slot {
            Slot::Open(session) => Session::is_generating(session),
            _ => false,
        });
        prop_assert_eq!(calls, generating.count(), "no call is forgotten");
        for size in [(80, 24), (45, 12), (130, 30)] {
            screens::draw_dark(&mut stage, size);
        }
    }
}
