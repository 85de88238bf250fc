//! Calls that fail or are cancelled, a log that fills its disk, and leaving.

use pointsman::app::{Effect, EndpointState, Layer, NoticeLevel};
use pointsman::model::endpoint::FailureKind;
use pointsman::session::{Event, Phase};
use pointsman::trace::record::{Record, StepEnd};

use crate::flows::{models, three};
use crate::stage::{ANSWER, Cue, Heard, Stage, live, priced, problems, run, say};

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
