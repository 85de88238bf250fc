//! Breakpoints, watched expressions, the jump list and checks: keys in, places
//! and pictures out.

use pointsman::app::{Layer, listed_rows};
use ratatui::style::Modifier;

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Stage, say};
use crate::tape::replay;

/// Three steps, the second of which calculates wrongly, and says it again.
fn four() -> Stage {
    Stage::new([
        say("First we have 2 + 2 = 4 of them.", 0.9),
        say("Then there are 4 + 3 = 8 in all.", 0.4),
        say("Then there are 4 + 3 = 8 in all.", 0.7),
        say(ANSWER, 0.9),
    ])
}

fn typed(stage: &mut Stage, key: &str, expr: &str) {
    stage.keys(&format!("{key} ctrl-u"));
    stage.type_text(expr);
    stage.keys("enter");
}

#[test]
fn runs_stop_at_a_step_until_it_is_switched_off() {
    let mut stage = four();
    stage.keys("c gg 2j x");
    assert!(
        stage.notice().contains("stop at step 2"),
        "{}",
        stage.notice()
    );
    stage.keys("gg c");
    assert_eq!(stage.at(), 2);
    assert_eq!(stage.notice(), "stopped at breakpoint 1, step 2");
    stage.keys("c");
    assert_eq!(stage.at(), 4, "on to the end");
    stage.keys("[c");
    assert_eq!(stage.at(), 2);
    assert_eq!(stage.model.debug.breakpoints[0].hits, 2);
    stage.keys("[c");
    assert_eq!(stage.at(), 2);
    assert_eq!(
        stage.notice(),
        "no breakpoint stops at a step before this one"
    );
    stage.keys("W space esc gg c");
    assert_eq!(stage.at(), 4, "switched off");
    stage.keys("gg W space enter");
    assert_eq!(stage.at(), 2, "enter goes to the step of a row");
    stage.keys("x");
    assert!(stage.model.debug.breakpoints.is_empty(), "x takes it away");
}

#[test]
fn a_breakpoint_holds_on_a_branch_and_of_this_trajectory_only() {
    let mut stage = Stage::new([
        say("a = 1", 0.9),
        say("b = 2", 0.9),
        say(ANSWER, 0.9),
        say("c = 3", 0.9),
        say("d = 4", 0.9),
        say("e = 5", 0.9),
        say("f = 6", 0.9),
        say(ANSWER, 0.9),
    ]);
    stage.keys("c gg 2j x");
    // Step 1 again, on another branch: its step 2 is one as well.
    stage.keys("gg j r c");
    assert_eq!(stage.at(), 2);
    assert!(stage.notice().starts_with("stopped at breakpoint 1"));
    assert_eq!(stage.path()[1], "small: d = 4");
    stage.keys("J c");
    assert_eq!(stage.at(), 3, "the next problem has none");
}

#[test]
fn a_condition_stops_a_live_run_after_the_step_it_holds_at() {
    let mut stage = four();
    typed(&mut stage, "X", "calculation = wrong");
    stage.keys("c");
    assert_eq!((stage.at(), stage.calls.len()), (2, 2));
    assert_eq!(
        stage.notice(),
        "stopped at breakpoint 1, `calculation = wrong`"
    );
    typed(&mut stage, "X", "repeats");
    stage.keys("c");
    assert_eq!(stage.at(), 3);
    assert!(
        stage.notice().contains("(and 1 more)"),
        "{}",
        stage.notice()
    );
    stage.keys("c");
    assert_eq!(stage.at(), 4);
    // Backwards past the cursor, and until a condition with a stop before it.
    typed(&mut stage, "B", "step = 1");
    assert_eq!(stage.at(), 3);
    typed(&mut stage, "B", "");
    assert_eq!(stage.at(), 2);
    typed(&mut stage, "C", "");
    assert_eq!(stage.at(), 3, "an empty expression is none");
}

#[test]
fn a_recording_stops_likewise_and_while_it_plays() {
    let mut live = four();
    live.keys("c");
    live.settle();
    let mut tape = replay(&live);
    typed(&mut tape, "X", "calculation = wrong & !repeats");
    tape.keys("p");
    while tape.model.playing {
        assert!(tape.pass(), "playing asks for ticks");
    }
    assert_eq!(tape.at(), 2);
    assert!(tape.notice().starts_with("stopped at breakpoint 1"));
    tape.settle();
    tape.keys("c");
    assert_eq!(tape.at(), 4);
    typed(&mut tape, "B", "");
    assert_eq!(tape.at(), 2);
}

#[test]
fn what_cannot_be_decided_is_said() {
    let mut stage = four();
    typed(&mut stage, "X", "prm < 0.5");
    stage.keys("c");
    assert_eq!(stage.at(), 4, "it stops nothing");
    let said = "breakpoint 1, `prm < 0.5`, could not be decided at 4 steps \
                (prm: no process-reward model scored this step)";
    assert_eq!(stage.notice(), said);
    stage.keys("gg p");
    while stage.model.playing {
        assert!(stage.pass());
    }
    assert!(
        stage
            .notice()
            .starts_with("the tape ends here; breakpoint 1")
    );
    assert_eq!(stage.model.debug.breakpoints[0].undecided, 8);
    typed(&mut stage, "X", "prm <");
    assert!(matches!(
        stage.model.layers.last(),
        Some(Layer::Expression { error: Some(_), .. })
    ));
    stage.keys("esc");
    assert_eq!(listed_rows(&stage.model).len(), 1);
    // A name of another pool is refused where it is typed.
    typed(&mut stage, "X", "model = nobody");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("no model `nobody`"), "{picture}");
}

#[test]
fn watched_expressions_are_shown_with_what_they_were() {
    let mut stage = four();
    stage.keys("c");
    typed(&mut stage, "w", "confidence");
    typed(&mut stage, "w", "count(calculation = wrong)");
    typed(&mut stage, "w", "prm");
    stage.keys("2G");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    for line in [
        "confidence         0.4  was 0.9",
        "count(calculation… 1  was 0",
        "prm                unknown",
    ] {
        assert!(picture.contains(line), "{line}\n{picture}");
    }
    stage.keys("G");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("count(calculation… 2"), "{picture}");
    // Changed, then taken away.
    stage.keys("W enter ctrl-u");
    stage.type_text("step");
    stage.keys("enter j d d esc");
    assert_eq!(stage.model.debug.watches.len(), 1);
    assert_eq!(stage.model.debug.watches[0].text(), "step");
}

#[test]
fn far_movements_are_gone_back_over_problems_too() {
    let mut stage = four();
    stage.keys("c gg");
    stage.keys("ctrl-o");
    assert_eq!(stage.at(), 4, "back to where gg was pressed");
    stage.keys("ctrl-o");
    assert_eq!(stage.at(), 0, "where the run began");
    stage.keys("ctrl-o");
    assert!(stage.notice().contains("where it began"));
    stage.keys("alt-o");
    assert_eq!(stage.at(), 4);
    stage.keys("go");
    assert_eq!(stage.at(), 0);
    stage.keys("alt-o");
    assert!(stage.notice().contains("nothing lies ahead"));
    stage.keys(": 2");
    stage.keys("enter");
    assert_eq!(stage.at(), 2);
    stage.keys("J");
    assert_eq!((stage.model.current, stage.at()), (1, 0));
    stage.keys("ctrl-o");
    assert_eq!((stage.model.current, stage.at()), (0, 2));
    stage.keys("alt-o");
    assert_eq!(stage.model.current, 1);
    stage.keys("ctrl-o");
    // A step at a time is not far.
    stage.keys("k j k 2 ctrl-o");
    assert_eq!(stage.at(), 4);
}

#[test]
fn what_does_not_hold_is_marked_in_every_pane() {
    let mut stage = four();
    stage.keys("c 3G");
    let buffer = draw_dark(&mut stage, (120, 40));
    let picture = text(&buffer);
    assert!(
        picture.contains("≠ 4 + 3 = 7, the text says 8"),
        "{picture}"
    );
    assert!(
        picture.contains("↻ says again what step 2 said"),
        "{picture}"
    );
    let marked = buffer
        .content
        .iter()
        .filter(|cell| cell.symbol() == "8" && cell.modifier.contains(Modifier::UNDERLINED));
    assert_eq!(marked.count(), 2, "in the text of both steps");
    stage.keys("gg j");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(
        !picture.contains("the text says"),
        "step 1 is right:\n{picture}"
    );
}

#[test]
fn debugging_at_every_size() {
    let mut stage = four();
    stage.keys("c gg 2j x G");
    typed(&mut stage, "X", "confidence > 0.8");
    typed(&mut stage, "w", "confidence");
    typed(&mut stage, "w", "mean(confidence)");
    typed(&mut stage, "w", "prm");
    stage.keys("gg c c");
    for size in [(80, 24), (120, 40), (200, 60), (60, 20)] {
        let name = format!("debugging-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
    stage.keys("W j");
    for size in [(80, 24), (120, 40)] {
        let name = format!("debugging-list-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
}
