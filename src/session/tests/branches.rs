//! Overrides, edits, re-runs: siblings, never overwriting.

use super::script::{Bench, NOW, step};
use crate::model::endpoint::FailureKind;
use crate::session::{Command, Phase, Refusal};
use crate::trace::record::{Continuation, Record};

#[test]
fn an_override_is_a_branch_that_keeps_what_the_router_wanted() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.9);
    bench.command(Command::Back);
    bench.command(Command::Override { model: 1 });
    assert_eq!(
        bench.order[bench.order.len() - 2..],
        ["append decision", "generate 1"]
    );
    bench.reply(step("b = 3", 0.9));
    assert_eq!(bench.path(), ["small: a = 1", "large: b = 3"]);

    let tree = bench.session.tree();
    let first = tree.children(None)[0];
    assert_eq!(tree.children(Some(first)).len(), 2, "the old step is kept");
    let [routed, overridden] = tree.decisions(Some(first)) else {
        panic!("two decisions after the first step");
    };
    let by = overridden.overridden.as_ref().unwrap();
    assert_eq!((by.who.as_str(), by.when.as_str()), ("ada", NOW));
    assert_eq!(
        (by.wanted.as_str(), overridden.action.as_str()),
        ("small", "large")
    );
    assert_eq!(overridden.observation, routed.observation);
    assert_eq!(overridden.threshold, Some(0.5));
    assert_eq!(overridden.propensity, 0.0);
    let step = &tree.node(bench.session.cursor().unwrap()).step;
    assert_eq!(step.decision.as_deref(), Some(overridden.id.as_str()));
}

#[test]
fn the_first_step_can_be_overridden_too() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Override { model: 1 });
    assert_eq!(bench.order, ["append problem+decision", "generate 1"]);
    bench.reply(step("a = 1", 0.9));
    assert_eq!(bench.path(), ["large: a = 1"]);
    let decision = &bench.session.tree().decisions(None)[0];
    assert_eq!(decision.overridden.as_ref().unwrap().wanted, "small");
    assert_eq!(decision.after, None);
    bench.command(Command::Goto(None));
    assert_eq!(
        bench.session.command(Command::Override { model: 2 }, NOW),
        Err(Refusal::NoModel(2))
    );
}

#[test]
fn the_branch_last_grown_is_the_one_followed() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.9);
    let old = bench.session.cursor();
    bench.command(Command::Back);
    bench.command(Command::Override { model: 1 });
    bench.reply(step("b = 3", 0.9));
    bench.command(Command::Goto(None));
    bench.command(Command::Step);
    bench.command(Command::Step);
    assert_eq!(bench.path(), ["small: a = 1", "large: b = 3"]);
    // Growing the old branch makes it the followed one again.
    bench.command(Command::Goto(old));
    bench.one("c = 4", 0.9);
    bench.command(Command::Goto(None));
    let followed = bench.session.followed_path();
    assert_eq!(followed.len(), 3);
    assert_eq!(followed[1], old.unwrap());
    assert_eq!(
        bench
            .session
            .decision_after(Some(followed[0]))
            .unwrap()
            .overridden,
        None
    );
}

#[test]
fn a_rerun_is_a_fresh_draw_by_the_same_model_after_the_same_decision() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.command(Command::Step);
    let seed = bench.pending.as_ref().unwrap().request.seed;
    bench.reply(step("b = 2", 0.9));
    let old = bench.session.cursor().unwrap();
    bench.command(Command::Rerun);
    let call = bench.pending.clone().unwrap();
    assert_ne!(call.request.seed, seed);
    assert_eq!(call.request.prefix, "a = 1\n\n");
    // The same text is still a step of its own.
    bench.reply(step("b = 2", 0.9));
    let new = bench.session.cursor().unwrap();
    assert_ne!(new, old);
    let tree = bench.session.tree();
    assert_eq!(tree.siblings(new), [old, new]);
    assert_eq!(tree.node(old).step.decision, tree.node(new).step.decision);
}

#[test]
fn an_edit_is_a_persons_branch_that_costs_nothing() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.one("a = 1", 0.9);
    let cost = bench.session.cost_of_all();
    bench.command(Command::Edit {
        text: "a = 2\n".into(),
    });
    assert_eq!(bench.order.last().unwrap(), "append step+decision");
    assert_eq!(bench.path(), ["person: a = 2"]);
    assert_eq!(bench.session.cost_of_all(), cost);
    let at = bench.session.cursor();
    let node = bench.session.tree().node(at.unwrap());
    assert_eq!(node.step.continuation, Continuation::Edited);
    assert_eq!(node.step.confidence.value, None);
    // No confidence: the most capable model goes on.
    bench.command(Command::Step);
    assert_eq!(bench.pending.as_ref().unwrap().model, 1);
    assert_eq!(bench.pending.as_ref().unwrap().request.prefix, "a = 2\n\n");
}

#[test]
fn an_edit_needs_a_step_and_a_text() {
    let mut bench = Bench::new("small", 9);
    let edit = |text: &str| Command::Edit { text: text.into() };
    assert_eq!(bench.session.command(edit("x"), NOW), Err(Refusal::NoStep));
    bench.one("a = 1", 0.9);
    assert_eq!(
        bench.session.command(edit(" \n"), NOW),
        Err(Refusal::EmptyEdit)
    );
}

#[test]
fn an_edit_to_the_answer_ends_the_trajectory() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.command(Command::Edit {
        text: r"\boxed{7}".into(),
    });
    assert_eq!(bench.order.last().unwrap(), "append step+outcome");
}

#[test]
fn a_cancelled_call_is_kept_beside_the_trajectory_with_its_estimated_cost() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Step);
    let generation = bench.pending.as_ref().unwrap().generation;
    let text = "2 + 2 = 4, so".to_owned();
    bench
        .session
        .event(crate::session::Event::Delta { generation, text }, NOW);
    bench.command(Command::Cancel);
    assert_eq!(bench.order[2..], ["abort", "append step"]);
    let Some(Record::Step(step)) = bench.log.last() else {
        panic!("the abandoned step is logged");
    };
    assert!(!step.kept);
    assert_eq!(step.text, "2 + 2 = 4, so");
    // Thirteen bytes are about three tokens; nobody tells the exact count.
    let usage = step.attempts[0].usage;
    assert_eq!((usage.output, usage.cached), (3, None));
    let question = bench.session.problem().question.len() as u64;
    assert_eq!(usage.prompt, question / 4);
    assert!(step.attempts[0].estimated);
    assert_eq!(bench.session.cursor(), None);
    let cost = bench.session.cost_to(None);
    assert_eq!(cost.full(), Some(2.0 * (usage.prompt + 3) as f64));
    assert!(cost.estimated());
    assert_eq!(bench.session.cost_to(None).published(), Some(0.0));
    assert_eq!(
        bench.session.command(Command::Cancel, NOW),
        Err(Refusal::Idle)
    );
}

#[test]
fn a_failed_call_can_be_retried_at_its_place() {
    let mut bench = Bench::new("small", 9);
    assert_eq!(
        bench.session.command(Command::Retry, NOW),
        Err(Refusal::NothingFailed)
    );
    bench.one("a = 1", 0.9);
    bench.command(Command::Step);
    bench.fail(FailureKind::Unreachable);
    assert_eq!(bench.order.last().unwrap(), "append note");
    let Phase::Failed {
        retryable, message, ..
    } = bench.session.phase()
    else {
        panic!("failed");
    };
    assert!(*retryable);
    assert_eq!(message, "small: it broke");
    bench.command(Command::Back);
    bench.command(Command::Retry);
    assert_eq!(bench.pending.as_ref().unwrap().request.prefix, "a = 1\n\n");
    bench.reply(step("b = 2", 0.9));
    assert_eq!(bench.path(), ["small: a = 1", "small: b = 2"]);
}
