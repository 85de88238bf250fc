//! Calls that fail or are cancelled, a log that fills its disk, and leaving.

use pointsman::app::{Effect, EndpointState, Layer, NoticeLevel};
use pointsman::model::endpoint::{Capabilities, FailureKind};
use pointsman::session::{Event, Phase};
use pointsman::trace::record::{Continuation, Record, StepEnd, ValueKind};

use crate::flows::{models, three};
use crate::stage::{ANSWER, Cue, Heard, Stage, capabilities, live, priced, problems, run, say};

#[test]
fn quitting_asks_while_a_paid_call_runs() {
    let mut stage = Stage::on(
        live(priced(run("threshold:t=0.6", 12))),
        problems(),
        [Cue::Hang(vec!["2"])],
    );
    stage.keys("space q");
    assert_eq!(stage.model.layers, [Layer::ConfirmQuit]);
    stage.keys("x q space");
    assert_eq!(
        stage.model.layers,
        [Layer::ConfirmQuit],
        "only yes and no are answers"
    );
    stage.keys("n");
    assert!(stage.model.layers.is_empty() && !stage.model.quitting);
    assert!(stage.model.is_generating());
    stage.keys("q y");
    assert!(stage.model.quitting);
    assert_eq!(stage.terminal, [Effect::Quit]);
}

#[test]
fn quitting_does_not_ask_for_nothing() {
    let mut free = Stage::new([Cue::Hang(vec!["2"])]);
    free.keys("space q");
    assert!(free.model.quitting, "the local pair costs nothing");
    let mut idle = Stage::on(live(priced(run("threshold:t=0.6", 12))), problems(), []);
    idle.keys("q");
    assert!(idle.model.quitting);
}

#[test]
fn nothing_ticks_at_idle() {
    let mut stage = Stage::new(three());
    assert_eq!(stage.tick, None);
    stage.keys("j k tab T T ? esc : esc / esc v z M ctrl-l gg");
    assert_eq!(stage.tick, None);
    stage.keys("space");
    stage.settle();
    stage.keys("p");
    stage.settle();
    assert!(!stage.model.playing);
    assert_eq!(stage.notice(), "the tape ends here");
}

#[test]
fn without_a_log_nothing_is_generated() {
    let mut stage = Stage::new([say("2 + 2 = 4", 0.9)]);
    stage.keys("space");
    stage.disk_full = true;
    let before = stage.session().tree().clone();
    stage.cue([say("never recorded", 0.9)]);
    stage.keys("o enter");
    assert!(stage.notice().contains("disk full"), "{}", stage.notice());
    assert!(
        stage.notice().contains("generating is off"),
        "{}",
        stage.notice()
    );
    assert!(!stage.model.is_generating());
    assert_eq!(stage.calls.len(), 1, "the call was not made");
    let mended = stage.session().tree().len();
    for keys in ["space", "c", "o enter", "r"] {
        stage.keys(keys);
        assert!(
            stage.notice().contains("generating is off"),
            "{keys}: {}",
            stage.notice()
        );
        assert!(!stage.model.is_generating(), "{keys}");
    }
    assert_eq!(stage.calls.len(), 1);
    assert_eq!(
        stage.session().tree().len(),
        mended,
        "refused calls leave nothing behind"
    );
    assert!(before.len() <= mended);
    stage.keys("b space");
    assert_eq!(stage.at(), 1, "looking goes on");
    stage.settle();
}

#[test]
fn a_log_that_fails_mid_call_stops_the_call() {
    let mut stage = Stage::new([Cue::Hang(vec!["2 + 2"])]);
    stage.keys("space");
    stage.hear(Heard::LogFailed("disk full".into()));
    assert!(stage.open_calls.is_empty() && !stage.model.is_generating());
    stage.settle();
}

#[test]
fn a_failed_call_is_told_and_tried_again() {
    let down = Cue::Fail(FailureKind::Unreachable, "nobody listens at 127.0.0.1:1");
    let mut stage = Stage::new([say("2 + 2 = 4", 0.4), down, say(ANSWER, 0.9)]);
    stage.keys("space space");
    let notice = stage.model.notice.as_ref().unwrap();
    assert_eq!(notice.level, NoticeLevel::Error);
    assert!(notice.text.contains("nobody listens"), "{}", notice.text);
    assert!(matches!(
        stage.session().phase(),
        Phase::Failed {
            retryable: true,
            ..
        }
    ));
    stage.settle();
    stage.keys("R");
    assert_eq!(models(&stage), [0, 1, 1]);
    assert!(stage.session().outcome().is_some());
    stage.keys("R");
    assert_eq!(stage.notice(), "nothing has failed");
}

#[test]
fn retry_asks_a_server_that_was_down_again() {
    let mut stage = Stage::new([]);
    stage.model.endpoints[1] = EndpointState::Down("no answer".into());
    stage.keys("R");
    assert_eq!(stage.probed, [1]);
    assert!(matches!(stage.model.endpoints[1], EndpointState::Ready(_)));
    assert_eq!(stage.notice(), "asking the server again");
}

#[test]
fn escape_cancels_a_stream_and_stepping_asks_again() {
    let mut stage = Stage::new([Cue::Hang(vec!["2 + ", "2"])]);
    stage.keys("space");
    match stage.session().phase() {
        Phase::Generating(call) => assert_eq!(call.text, "2 + 2"),
        other => panic!("it streams: {other:?}"),
    }
    let stale = stage.open_calls[0].1.generation;
    assert_eq!(stage.tick, Some(120), "the busy sign moves");
    stage.keys("space");
    assert_eq!(stage.notice(), "a step is being generated: cancel it first");
    stage.keys("esc");
    assert!(!stage.model.is_generating() && stage.open_calls.is_empty());
    let cut = stage.log.iter().find_map(|record| match record {
        Record::Step(step) => Some((step.text.as_str(), step.kept, step.end)),
        _ => None,
    });
    assert_eq!(cut, Some(("2 + 2", false, StepEnd::Error)));
    stage.settle();
    stage.cue([say("2 + 2 = 4", 0.9)]);
    stage.keys("space");
    let Cue::Say(reply) = say("too late", 0.9) else {
        unreachable!("say says")
    };
    stage.hear(Heard::Session(
        0,
        Event::Reply {
            generation: stale,
            reply,
        },
    ));
    assert_eq!(stage.path(), ["small: 2 + 2 = 4"]);
    assert!(stage.logged(0) == *stage.session().tree());
    stage.keys("esc");
    assert_eq!(stage.notice(), "q quits", "escape never quits");
}

/// The inspector as it starts: everybody has been asked, nobody has answered.
fn probing(cues: impl IntoIterator<Item = Cue>) -> Stage {
    let mut stage = Stage::new(cues);
    stage.model.endpoints.fill(EndpointState::Probing);
    stage
}

fn silent() -> Box<Capabilities> {
    Box::new(Capabilities {
        values: ValueKind::None,
        ..capabilities()
    })
}

#[test]
fn a_step_waits_until_it_is_known_what_the_models_can_do() {
    let mut stage = probing(three());
    stage.keys("space");
    assert!(
        stage.notice().contains("goes on once"),
        "{}",
        stage.notice()
    );
    stage.hear(Heard::Probed(0));
    assert_eq!(stage.calls.len(), 0, "one has not answered");
    stage.hear(Heard::Probed(1));
    assert_eq!(models(&stage), [0]);
    assert_eq!(stage.notice(), "");
    let notes = stage.log.iter().filter_map(|record| match record {
        Record::Note(note) if note.kind == "probe" => Some(note.text.as_str()),
        _ => None,
    });
    let notes: Vec<&str> = notes.collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("tiny-small") && notes[0].contains("tiny-large"));
}

#[test]
fn what_waits_is_given_up() {
    let mut stage = probing([]);
    stage.keys("c esc");
    assert_eq!(stage.notice(), "nothing is waited for any more");
    stage.hear(Heard::Probed(0));
    stage.hear(Heard::Probed(1));
    assert_eq!(stage.calls.len(), 0);
}

#[test]
fn a_router_that_needs_more_is_refused_before_anything_is_paid_for() {
    let mut stage = probing([say("2 + 2 = 4", 0.9)]);
    stage.keys("space");
    stage.hear(Heard::Probed(0));
    stage.hear(Heard::Found(1, silent()));
    let refusal = "router `threshold:t=0.6` reads the confidence `prob`, but tiny-large (recorded) \
                   gives no probabilities of its tokens: ";
    for keys in ["", "space", "c", "C enter"] {
        stage.keys(keys);
        assert!(
            stage.notice().starts_with(refusal),
            "{keys}: {}",
            stage.notice()
        );
        assert_eq!(stage.calls.len(), 0, "{keys}");
    }
    let level = stage.model.notice.as_ref().map(|notice| notice.level);
    assert_eq!(level, Some(NoticeLevel::Error));
    let shown = stage.model.refusal().unwrap();
    assert_eq!(
        shown,
        stage.notice(),
        "the whole sentence is shown elsewhere"
    );
    // A person needs no confidence to choose a model.
    stage.keys("o enter");
    assert_eq!(stage.calls.len(), 1);
}

#[test]
fn emulation_that_nobody_accepted_is_refused_to_everybody() {
    let mut stage = probing([]);
    let emulated = Box::new(Capabilities {
        continuation: Continuation::Emulated,
        ..capabilities()
    });
    stage.hear(Heard::Found(0, emulated));
    stage.hear(Heard::Probed(1));
    for keys in ["", "space", "o enter"] {
        stage.keys(keys);
        assert!(
            stage.notice().contains("`continuation = \"emulated\"`"),
            "{}",
            stage.notice()
        );
    }
    assert_eq!(stage.calls.len(), 0);
}
