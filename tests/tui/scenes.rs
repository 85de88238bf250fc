//! States of the inspector worth a picture.

use pointsman::app::EndpointState;
use pointsman::model::endpoint::FailureKind;
use pointsman::problem::Problem;
use pointsman::trace::record::ValueKind;

use crate::stage::{ANSWER, Cue, Stage, live, run, say};
use crate::tape;

/// A scene by name.
pub type Scene = (&'static str, fn() -> Stage);

/// Every scene.
pub const SCENES: &[Scene] = &[
    ("fresh", fresh),
    ("steps", steps),
    ("streaming", streaming),
    ("branch", branch),
    ("rerun-streaming", rerun_streaming),
    ("correct", correct),
    ("wrong", wrong),
    ("failed", failed),
    ("down", down),
    ("unavailable", unavailable),
    ("policy", probabilities),
    ("rejected", rejected),
    ("search", search),
    ("help", help),
    ("palette", palette),
    ("picker", picker),
    ("override", override_menu),
    ("run-until", run_until),
    ("quit", quit),
    ("tree", tree),
    ("latex", latex),
    ("source", source),
    ("replay", replay),
    ("empty", empty),
];

fn fresh() -> Stage {
    Stage::new([])
}

/// Three steps, the second of which escalates; the cursor on it.
fn steps() -> Stage {
    let mut stage = Stage::new([
        say("First we add the two numbers: 2 + 2 = 4.", 0.93),
        say("Then 4 + 3 is", 0.41),
        say("4 + 3 = 7, so the sum is 7.", 0.88),
    ]);
    stage.keys("space space space b m");
    stage
}

fn streaming() -> Stage {
    let mut stage = Stage::new([say("2 + 2 = 4.", 0.93), Cue::Hang(vec!["Then 4 ", "+ 3"])]);
    stage.keys("space space");
    stage.pass();
    stage
}

fn branch() -> Stage {
    let mut stage = Stage::new([
        say("2 + 2 = 4.", 0.93),
        say("4 + 3 = 8.", 0.71),
        say("4 + 3 = 7.", 0.97),
        say("4 + 3 = 7, surely.", 0.97),
    ]);
    stage.keys("space space b o enter e");
    stage.save("4 + 3 is 7.");
    stage.keys("<");
    stage
}

/// A branch being written beside steps that are there already.
fn rerun_streaming() -> Stage {
    let mut stage = Stage::new([
        say("2 + 2 = 4.", 0.93),
        say("4 + 3 = 8.", 0.71),
        say("8 is the sum.", 0.71),
        Cue::Hang(vec!["4 + 3 ", "= 7"]),
    ]);
    stage.keys("space space space b r");
    stage
}

fn correct() -> Stage {
    let mut stage = Stage::new([
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.4),
        say(ANSWER, 0.9),
    ]);
    stage.keys("c");
    stage
}

fn wrong() -> Stage {
    let mut stage = Stage::new([say("2 + 2 = 5", 0.9), say(r"So it is $\boxed{8}$.", 0.9)]);
    stage.keys("c");
    stage
}

fn failed() -> Stage {
    let message = "cannot reach http://127.0.0.1:8000/v1/completions: connection refused; \
                   is the server running?";
    let mut stage = Stage::new([
        say("2 + 2 = 4", 0.4),
        Cue::Fail(FailureKind::Unreachable, message),
    ]);
    stage.keys("space space");
    stage
}

fn down() -> Stage {
    let mut stage = Stage::new([]);
    stage.model.endpoints[1] =
        EndpointState::Down("tiny-large: no answer from http://127.0.0.1:8000 in 10 s".into());
    stage.model.endpoints[0] = EndpointState::Probing;
    stage
}

/// A server that tells no probabilities.
fn unavailable() -> Stage {
    let mut reply = pointsman::model::recorded::scripted_reply("2 + 2 = 4", 0.9);
    reply.tokens.clear();
    reply.coverage = 0.0;
    reply.values = ValueKind::None;
    reply.usage.cached = None;
    let mut stage = Stage::new([Cue::Say(Box::new(reply))]);
    stage.keys("space");
    stage
}

/// A rule with a coin: a propensity below one.
fn probabilities() -> Stage {
    let settings = live(run("random:p=0.3", 12));
    let mut stage = Stage::on(settings, crate::stage::problems(), [say("2 + 2 = 4", 0.9)]);
    stage.keys("space");
    stage
}

/// A draft that was rejected stands beside what took its place.
fn rejected() -> Stage {
    let mut stage = Stage::on(
        live(run("rsd:delta=0.7", 12)),
        crate::stage::problems(),
        [
            say("2 + 2 = 4", 0.9),
            say("So 4 + 3 = 8, that is one more than seven.", 0.4),
            say("The result is 2 + 2 = 4. Then 4 + 3 = 7.", 0.9),
            say(ANSWER, 0.9),
        ],
    );
    stage.scores = [0.93, 0.08, 0.98].map(Some).into();
    stage.keys("c j j gg j j");
    stage
}

fn search() -> Stage {
    let mut stage = steps();
    stage.keys("gg /");
    stage.type_text("sum");
    stage.keys("enter");
    stage
}

fn help() -> Stage {
    let mut stage = steps();
    stage.keys("?");
    stage
}

fn palette() -> Stage {
    let mut stage = steps();
    stage.keys(":");
    stage.type_text("branch");
    stage.keys("down");
    stage
}

fn picker() -> Stage {
    let mut stage = correct();
    stage.keys("ctrl-p");
    stage
}

fn override_menu() -> Stage {
    let mut stage = steps();
    stage.keys("o");
    stage
}

fn run_until() -> Stage {
    let mut stage = steps();
    stage.keys("C ctrl-u");
    stage.type_text("confidence <");
    stage.keys("enter");
    stage
}

fn quit() -> Stage {
    let run = crate::stage::priced(run("threshold:t=0.6", 12));
    let mut stage = Stage::on(
        live(run),
        crate::stage::problems(),
        [Cue::Hang(vec!["2 + 2 "])],
    );
    stage.keys("space q");
    stage
}

fn tree() -> Stage {
    let mut stage = Stage::new([
        say("2 + 2 = 4.", 0.93),
        Cue::Hang(vec!["4 + "]),
        say("4 + 3 = 8.", 0.71),
        say(r"The sum is $\boxed{8}$.", 0.8),
        say("4 + 3 = 7.", 0.97),
        say(ANSWER, 0.97),
    ]);
    stage.keys("space space esc space space b b o enter space m T k");
    stage
}

/// A problem as MATH and GSM8K write them, with characters of two columns.
fn latex() -> Stage {
    let problem = Problem {
        id: "math/algebra/12".into(),
        question: "Let $f(x) = \\frac{x^2 - 4}{x - 2}$ for $x \\neq 2$. Ein Café in 東京 sells \
                   $\\sqrt{49}$ cakes 🍰🍰 a day. Find \\[ \\sum_{i=1}^{n} \\binom{n}{i} \\] when \
                   $n = 3$."
            .into(),
        gold: Some("7".into()),
        difficulty: Some(4.0),
        domain: Some("Algebra".into()),
        source: "math".into(),
    };
    let mut stage = Stage::on(
        live(run("threshold:t=0.6", 12)),
        vec![problem],
        [
            say(
                "We have $\\sum_{i=1}^{3} \\binom{3}{i} = 2^3 - 1 = 7$, 答えは七です 🎉.",
                0.9,
            ),
            say(
                "He pays <<3*4=12>>12 dollars, i.e. $\\frac{12}{\\alpha_1} \\leq \\pi$.",
                0.5,
            ),
            say("Therefore the answer is $\\boxed{\\frac{14}{2}}$.", 0.95),
        ],
    );
    stage.keys("c");
    stage
}

fn source() -> Stage {
    let mut stage = latex();
    stage.keys("v");
    stage
}

fn replay() -> Stage {
    let mut stage = tape::replay(&correct());
    stage.model.log_name = "session.jsonl".into();
    stage.keys("space p");
    stage
}

fn empty() -> Stage {
    let mut stage = Stage::new([]);
    stage.hear(crate::stage::Heard::Opened(99));
    stage.model.slots[0] = pointsman::app::Slot::Failed("the file is gone: run.jsonl".into());
    stage
}
