//! Keys on a live session, and what comes of them.

use pointsman::app::action::Context;
use pointsman::app::{Effect, Layer, Pane, Screen};
use pointsman::problem::answer::Verdict;
use pointsman::trace::record::{Continuation, Record};

use crate::stage::{ANSWER, Cue, Stage, say};

/// Two steps of the small model, the answer by the large one.
pub fn three() -> [Cue; 3] {
    [
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.4),
        say(ANSWER, 0.9),
    ]
}

pub fn models(stage: &Stage) -> Vec<usize> {
    stage.calls.iter().map(|(_, call)| call.model).collect()
}

#[test]
fn stepping_to_the_end_gives_an_outcome_and_then_nothing_more() {
    let mut stage = Stage::new(three());
    stage.keys("space s space");
    assert_eq!(
        models(&stage),
        [0, 0, 1],
        "the threshold escalates after 0.4"
    );
    let outcome = stage.session().outcome().unwrap();
    assert_eq!((outcome.verdict, outcome.steps), (Verdict::Correct, 3));
    assert_eq!(stage.model.verdict(0), Some(Verdict::Correct));
    stage.keys("space c");
    assert_eq!(stage.notice(), "the trajectory ends here");
    assert_eq!(stage.calls.len(), 3);
    stage.settle();
    assert!(stage.logged(0) == *stage.session().tree());
}

#[test]
fn run_goes_to_the_end_by_itself() {
    let mut stage = Stage::new(three());
    stage.keys("c");
    assert!(stage.session().outcome().is_some());
    assert_eq!(stage.at(), 3);
    let kinds: Vec<&str> = stage.log.iter().map(kind).collect();
    assert_eq!(
        kinds,
        [
            "problem", "step", "decision", "step", "decision", "step", "outcome"
        ]
    );
}

#[test]
fn back_and_forward_never_generate_again() {
    let mut stage = Stage::new(three());
    stage.keys("c b b S");
    assert_eq!(stage.at(), 0);
    stage.keys("b");
    assert_eq!(stage.at(), 0, "the question is the first place");
    stage.keys("space space space");
    assert_eq!((stage.at(), stage.calls.len()), (3, 3));
    let logged = stage.log.len();
    stage.keys("gg G c");
    assert_eq!((stage.at(), stage.log.len()), (3, logged));
}

#[test]
fn counts_move_by_as_many() {
    let mut stage = Stage::new(three());
    stage.keys("c gg 3j");
    assert_eq!(stage.at(), 3);
    stage.keys("2k");
    assert_eq!(stage.at(), 1);
    stage.keys("2G");
    assert_eq!(stage.at(), 2);
    stage.keys("9 9 G 2b");
    assert_eq!(stage.at(), 1);
    stage.keys("2 space");
    assert_eq!(stage.at(), 3);
    stage.keys("9 9 9 9 9 9 9 k");
    assert_eq!(stage.at(), 0);
    // A count before a key that takes none is forgotten with it.
    stage.keys("4 z j");
    assert_eq!(stage.at(), 1);
}

#[test]
fn an_override_makes_a_branch_and_records_what_the_router_wanted() {
    let mut stage = Stage::new(three());
    stage.keys("space space b o");
    assert_eq!(stage.model.layers, [Layer::Override { selected: 1 }]);
    stage.cue([say("by the large one", 0.9)]);
    // The third cue of the beginning comes first.
    stage.keys("enter");
    assert_eq!(
        stage.path(),
        ["small: 2 + 2 = 4", &format!("large: {ANSWER}")]
    );
    let decision = stage.log.iter().find_map(|record| match record {
        Record::Decision(decision) => decision.overridden.as_ref().map(|o| (decision, o)),
        _ => None,
    });
    let (decision, overridden) = decision.expect("an override in the log");
    assert_eq!(decision.action, "tiny-large");
    assert_eq!(
        (overridden.who.as_str(), overridden.wanted.as_str()),
        ("ada", "tiny-small")
    );
    assert_eq!(decision.propensity, 0.0);
    assert!(stage.session().outcome().is_some());
}

#[test]
fn a_digit_chooses_the_model_of_an_override() {
    let mut stage = Stage::new([say("a", 0.9), say("b", 0.9)]);
    stage.keys("space o 1 enter");
    assert_eq!(models(&stage), [0, 0]);
    stage.keys("o 7");
    assert_eq!(
        stage.model.layers,
        [Layer::Override { selected: 1 }],
        "there is no seventh"
    );
    stage.keys("gg");
    assert_eq!(stage.model.layers, [Layer::Override { selected: 0 }]);
    stage.keys("G");
    assert_eq!(stage.model.layers, [Layer::Override { selected: 1 }]);
    stage.keys("esc");
    assert!(stage.model.layers.is_empty());
    assert_eq!(stage.calls.len(), 2);
}

#[test]
fn branches_are_switched_and_stepping_stays_on_the_followed_one() {
    let mut stage = Stage::new([
        say("first", 0.9),
        say("old second", 0.9),
        say("old third", 0.9),
        say("new second", 0.9),
        say("new third", 0.9),
    ]);
    stage.keys("space space space b b o enter space");
    let new = ["small: first", "large: new second", "small: new third"];
    let old = ["small: first", "small: old second", "small: old third"];
    assert_eq!(stage.path(), new);
    stage.keys("b <");
    assert_eq!(stage.path(), old[..2]);
    assert_eq!(stage.followed(), old);
    stage.keys("b b space space space");
    assert_eq!(stage.path(), old);
    stage.keys("b > space");
    assert_eq!(stage.path(), new);
    stage.keys("b > space");
    assert_eq!(stage.path(), old, "branches go round");
    stage.keys("[b");
    assert_eq!(stage.notice(), "no other branch at this step");
    assert_eq!(stage.calls.len(), 5);
}

#[test]
fn a_rerun_is_a_fresh_call_beside_the_step() {
    let mut stage = Stage::new([say("first", 0.9), say("second", 0.9), say("again", 0.9)]);
    stage.keys("space space r");
    assert_eq!(stage.path(), ["small: first", "small: again"]);
    let (second, again) = (&stage.calls[1].1, &stage.calls[2].1);
    assert_eq!(second.request.prefix, again.request.prefix);
    assert_ne!(second.request.seed, again.request.seed);
    stage.keys("<");
    assert_eq!(stage.path(), ["small: first", "small: second"]);
    stage.keys("gg r");
    assert_eq!(stage.notice(), "choose a step first");
}

#[test]
fn an_edited_step_is_a_persons_branch() {
    let mut stage = Stage::new([say("frist", 0.9), say("second", 0.9)]);
    stage.keys("space e");
    assert_eq!(stage.editor, Some((0, "frist".to_owned())));
    stage.save("frist");
    assert_eq!(stage.notice(), "nothing was changed");
    stage.keys("e");
    stage.save("   ");
    assert_eq!(stage.notice(), "the edited text is empty");
    stage.keys("e");
    stage.save("first\n");
    assert_eq!(stage.path(), ["person: first"]);
    let at = stage.session().cursor().unwrap();
    assert_eq!(
        stage.session().tree().node(at).step.continuation,
        Continuation::Edited
    );
    stage.keys("space");
    assert_eq!(stage.calls[1].1.request.prefix, "first\n\n");
    // A person's step has no confidence: the rule asks the capable model.
    assert_eq!(stage.path(), ["person: first", "large: second"]);
    assert!(stage.logged(0) == *stage.session().tree());
    stage.keys("b <");
    assert_eq!(stage.path(), ["small: frist"], "what the model wrote stays");
}

#[test]
fn run_until_keeps_a_bad_expression_for_mending() {
    let mut stage = Stage::new(three());
    stage.keys("C ctrl-u");
    stage.type_text("confidence <");
    stage.keys("enter");
    match stage.model.layers.last() {
        Some(Layer::Expression {
            input,
            error: Some(error),
            ..
        }) => {
            assert_eq!(input.text(), "confidence <");
            assert!(error.contains("at 13: a name, a number"), "{error}");
        }
        other => panic!("the dialog stays open: {other:?}"),
    }
    assert!(stage.calls.is_empty());
    stage.type_text(" 0.5");
    assert!(matches!(
        stage.model.layers.last(),
        Some(Layer::Expression { error: None, .. })
    ));
    stage.keys("enter");
    assert_eq!((stage.at(), stage.calls.len()), (2, 2));
    assert!(!stage.model.is_generating());
    stage.keys("gg C enter");
    assert_eq!(stage.at(), 2, "`escalation` is what stands there at first");
    assert_eq!(stage.calls.len(), 2);
}

#[test]
fn an_expression_is_completed_and_runs_forward_and_back() {
    let mut stage = Stage::new(three());
    stage.keys("C ctrl-u");
    stage.type_text("esc");
    stage.keys("tab");
    stage.type_text(" & model = sm");
    stage.keys("tab");
    match stage.model.layers.last() {
        Some(Layer::Expression { input, .. }) => {
            assert_eq!(input.text(), "escalation & model = small");
        }
        other => panic!("the dialog is open: {other:?}"),
    }
    stage.keys("enter");
    assert_eq!(stage.at(), 2);
    stage.keys("c");
    assert_eq!(stage.at(), 3);
    // What was looked for before stands there.
    stage.keys("B enter");
    assert_eq!((stage.at(), stage.calls.len()), (2, 3));
    stage.keys("B enter");
    assert_eq!(stage.at(), 2);
    assert!(stage.notice().contains("holds at no step before"));
    stage.keys("B ctrl-u");
    stage.type_text("confidence > 0.8");
    stage.keys("enter");
    assert_eq!((stage.at(), stage.calls.len()), (1, 3));
}

#[test]
fn the_palette_goes_to_a_step_and_does_actions() {
    let mut stage = Stage::new(three());
    stage.keys("c");
    stage.keys(": 1 enter");
    assert_eq!(stage.at(), 1);
    stage.keys(":");
    stage.type_text("tree of branches");
    stage.keys("enter");
    assert_eq!(stage.model.view.screen, Screen::Tree);
    stage.keys("T :");
    stage.type_text("zzzz");
    stage.keys("enter");
    assert_eq!(stage.notice(), "no action is called `zzzz`");
    stage.keys(": down up ctrl-n esc");
    assert!(stage.model.layers.is_empty());
}

#[test]
fn search_finds_steps_round_and_back() {
    let mut stage = Stage::new(three());
    stage.keys("n");
    assert_eq!(stage.notice(), "nothing searched yet: / searches");
    stage.keys("c gg /");
    stage.type_text("= ");
    stage.keys("enter");
    assert_eq!(stage.at(), 1);
    stage.keys("n");
    assert_eq!(stage.at(), 2);
    stage.keys("n");
    assert_eq!(stage.at(), 1, "round");
    stage.keys("N");
    assert_eq!(stage.at(), 2);
    stage.keys("G N");
    assert_eq!(stage.at(), 2);
    stage.keys("2n");
    assert_eq!(stage.at(), 2);
    stage.keys("esc n");
    assert_eq!(stage.notice(), "nothing searched yet: / searches");
    stage.keys("/");
    stage.type_text("nowhere");
    stage.keys("enter");
    assert_eq!(stage.notice(), "`nowhere` is not on this path");
}

#[test]
fn a_search_given_up_leaves_the_one_before() {
    let mut stage = Stage::new(three());
    stage.keys("c /");
    stage.type_text("4");
    stage.keys("enter /");
    stage.type_text("boxed");
    stage.keys("esc");
    assert_eq!(stage.model.search.query, "4");
}

#[test]
fn marks_are_set_found_and_taken_away() {
    let mut stage = Stage::new(three());
    stage.keys("m");
    assert_eq!(stage.notice(), "choose a step first");
    stage.keys("c m gg space m gg '");
    assert_eq!(stage.at(), 1);
    stage.keys("'");
    assert_eq!(stage.at(), 3);
    stage.keys("'");
    assert_eq!(stage.notice(), "no other mark on this path");
    stage.keys("m gg 2'");
    assert_eq!(stage.at(), 0, "there is one mark left");
}

#[test]
fn escalations_and_errors_are_found() {
    let mut stage = Stage::new([
        say("a", 0.4),
        say("b", 0.9),
        say("c", 0.4),
        say(ANSWER, 0.9),
    ]);
    stage.keys("c gg ]e");
    assert_eq!(stage.at(), 2);
    stage.keys("]e");
    assert_eq!(stage.at(), 4);
    stage.keys("]e");
    assert_eq!(stage.notice(), "no other escalation on this path");
    stage.keys("[e");
    assert_eq!(stage.at(), 2);
    stage.keys("]x");
    assert_eq!(stage.notice(), "no step of this path was judged wrong");
    stage.keys("] esc");
    assert!(stage.pending.is_empty());
}

/// The threshold of the run is 0.6, the usual one 0.8: between them the two
/// disagree.
#[test]
fn steps_at_which_the_routers_disagree_are_found() {
    let mut stage = Stage::new([
        say("a", 0.9),
        say("b", 0.7),
        say("c", 0.9),
        say("d", 0.65),
        say(ANSWER, 0.9),
    ]);
    stage.keys("c gg ]d");
    assert_eq!(stage.at(), 2);
    stage.keys("]d");
    assert_eq!(stage.at(), 4);
    stage.keys("]d");
    assert_eq!(
        stage.notice(),
        "no other step on this path at which the routers disagree"
    );
    stage.keys("[d");
    assert_eq!(stage.at(), 2);
}

/// A draft that the rule rejected can be looked at, and says so.
#[test]
fn a_scorer_is_waited_for_and_a_draft_is_written_again() {
    let mut stage = Stage::on(
        crate::stage::live(crate::stage::run("rsd:delta=0.7", 12)),
        crate::stage::problems(),
        [say("2 + 2 = 5", 0.9), say("2 + 2 = 4", 0.9)],
    );
    stage.scores = [Some(0.1)].into();
    stage.keys("space");
    assert_eq!(stage.at(), 1);
    let session = stage.model.session().unwrap();
    let node = session.cursor().unwrap();
    let step = &session.tree().node(node).step;
    assert_eq!(
        (step.model.as_str(), step.text.as_str()),
        ("tiny-large", "2 + 2 = 4")
    );
    let draft = session.draft_of(node).unwrap();
    assert_eq!(session.tree().node(draft).step.text, "2 + 2 = 5");
    assert!(!session.is_generating());
}

#[test]
fn the_picker_opens_another_problem_and_the_first_stays_as_it_was() {
    let mut stage = Stage::new([say("2 + 2 = 4", 0.9), Cue::Hang(vec!["11"])]);
    stage.keys("space ctrl-p");
    assert_eq!(stage.model.context(), Context::Picker);
    stage.type_text("diff");
    stage.keys("enter");
    assert_eq!((stage.model.current, stage.at()), (1, 0));
    stage.keys("space");
    assert_eq!(stage.calls[1].0, 1);
    // The picker opens on the problem on screen.
    stage.keys("ctrl-p home enter");
    assert_eq!((stage.model.current, stage.at()), (0, 1));
    assert!(stage.model.is_generating(), "the other problem goes on");
    stage.answer(say("11 - 4 = 7", 0.9));
    assert_eq!(stage.at(), 1);
    assert_eq!(stage.session_of(1).tree().len(), 1);
    stage.settle();
    for entry in [0, 1] {
        assert!(stage.logged(entry) == *stage.session_of(entry).tree());
    }
}

#[test]
fn the_tape_of_a_live_session_plays_without_a_call() {
    let mut stage = Stage::new(three());
    stage.keys("c gg");
    stage.settle();
    stage.keys("p");
    assert_eq!(stage.tick, Some(900));
    stage.pass();
    assert_eq!(stage.at(), 1);
    stage.keys("p");
    stage.settle();
    assert_eq!((stage.at(), stage.model.playing), (1, false), "paused");
    stage.keys("p");
    stage.settle();
    assert_eq!((stage.at(), stage.calls.len()), (3, 3));
}

#[test]
fn somebody_who_looks_away_is_not_followed() {
    let mut stage = Stage::new([say("a", 0.9), Cue::Hang(vec!["b"])]);
    stage.keys("space space gg");
    stage.answer(say("b", 0.9));
    assert_eq!(stage.at(), 0);
    assert_eq!(stage.followed(), ["small: a", "small: b"]);
}

#[test]
fn the_tree_reaches_every_branch_and_rejected_draft() {
    let mut stage = Stage::new([
        say("first", 0.9),
        Cue::Hang(vec!["cut off"]),
        say("second", 0.9),
        say("other second", 0.9),
    ]);
    stage.keys("space space esc space r");
    stage.keys("T gg");
    let mut seen = Vec::new();
    for _ in 0..8 {
        stage.keys("j");
        seen.push(stage.path().last().cloned().unwrap_or_default());
    }
    seen.dedup();
    for text in ["first", "cut off", "second", "other second"] {
        assert!(
            seen.iter().any(|step| step.ends_with(&format!(": {text}"))),
            "{text}: {seen:?}"
        );
    }
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    assert_eq!(stage.model.view.focus, Pane::Steps);
}

#[test]
fn a_look_at_a_rejected_draft_does_not_lead_the_way() {
    let mut stage = Stage::new([
        say("first", 0.9),
        Cue::Hang(vec!["cut off"]),
        say("second", 0.9),
        say("third", 0.9),
    ]);
    stage.keys("space space esc space T");
    for _ in 0..4 {
        if stage
            .path()
            .last()
            .is_some_and(|step| step.ends_with("cut off"))
        {
            break;
        }
        stage.keys("k");
    }
    assert_eq!(stage.path().last().unwrap(), "small: cut off");
    stage.keys("T b space");
    assert_eq!(stage.path(), ["small: first", "small: second"]);
    stage.keys("space");
    assert_eq!(
        stage.path(),
        ["small: first", "small: second", "small: third"]
    );
}

#[test]
fn a_step_is_copied() {
    let mut stage = Stage::new(three());
    stage.keys("space y");
    assert_eq!(stage.clipboard.as_deref(), Some("2 + 2 = 4"));
    assert_eq!(stage.notice(), "copied 9 characters");
    stage.keys("ctrl-t");
    assert_eq!(stage.model.theme, "light");
    stage.keys("M ctrl-l ctrl-z");
    assert_eq!(
        stage.terminal,
        [Effect::Mouse(true), Effect::Redraw, Effect::Suspend]
    );
}

fn kind(record: &Record) -> &'static str {
    match record {
        Record::Run(_) => "run",
        Record::Problem(_) => "problem",
        Record::Step(_) => "step",
        Record::Score(_) => "score",
        Record::Decision(_) => "decision",
        Record::Outcome(_) => "outcome",
        Record::Label(_) => "label",
        Record::Note(_) => "note",
    }
}

#[test]
fn a_condition_that_never_held_is_said_so_and_the_past_is_seen_as_it_was() {
    let mut stage = Stage::new(three());
    stage.keys("C");
    // What is offered goes when something is typed.
    stage.type_text("confidence < 0.01");
    stage.keys("enter");
    assert_eq!(stage.at(), 3);
    assert_eq!(
        stage.notice(),
        "`confidence < 0.01` held at no step up to here"
    );
    // Over what is recorded too, and `steps` are those so far.
    stage.keys("gg C");
    stage.type_text("steps = 2");
    stage.keys("enter");
    assert_eq!((stage.at(), stage.calls.len()), (2, 3));
    stage.keys("G B");
    stage.type_text("steps = 1");
    stage.keys("enter");
    assert_eq!(stage.at(), 1);
}
