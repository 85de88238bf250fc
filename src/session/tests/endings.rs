//! When a trajectory is over.

use super::script::{Bench, NOW, empty, step};
use crate::model::endpoint::{FailureKind, StepReply};
use crate::problem::answer::Verdict;
use crate::session::{Command, Phase, Refusal};
use crate::trace::record::{OutcomeRecord, Record, StepEnd, TrajectoryEnd};

fn outcome(bench: &Bench) -> &OutcomeRecord {
    match bench.log.last() {
        Some(Record::Outcome(outcome)) => outcome,
        other => panic!("the log ends with {other:?}"),
    }
}

#[test]
fn the_end_of_the_sequence_ends_the_trajectory() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(StepReply {
        end: StepEnd::Eos,
        ..step("I do not know.", 0.9)
    });
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Finished);
    assert!(bench.pending.is_none());
    assert_ne!(outcome(&bench).verdict, Verdict::Correct);
}

#[test]
fn an_empty_step_escalates_and_two_end_the_trajectory() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(step("a = 1", 0.9));
    bench.reply(empty());
    assert_eq!(
        bench.order[4..],
        ["append step", "append decision", "generate 1"],
        "the most capable model is asked instead"
    );
    let full = bench.session.cost_to(bench.session.cursor()).full();
    assert_eq!(full, Some(2.0 * 30.0), "the empty call is paid for");
    bench.reply(empty());
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Empty);
    assert_eq!(outcome(&bench).steps, 1);
    let all = bench.session.cost_of_all().full();
    assert_eq!(
        outcome(&bench).cost.full,
        all,
        "both empty calls are counted"
    );
    assert!(!bench.session.is_generating());
}

#[test]
fn an_escalated_empty_step_goes_on() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(empty());
    bench.reply(step("a = 1", 0.9));
    assert_eq!(bench.path(), ["large: a = 1"]);
    assert!(bench.session.is_generating());
}

#[test]
fn the_third_repetition_truncates() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    for _ in 0..3 {
        assert!(bench.pending.is_some());
        bench.reply(step("Again.", 0.9));
    }
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Repetition);
}

#[test]
fn the_step_cap_truncates() {
    let mut bench = Bench::new("small", 2);
    bench.command(Command::Run);
    bench.reply(step("a = 1", 0.9));
    bench.reply(step("b = 2", 0.9));
    assert_eq!(outcome(&bench).end, TrajectoryEnd::StepCap);
    assert_eq!(bench.session.tree().len(), 2);
}

#[test]
fn an_answer_in_the_last_step_allowed_is_an_answer() {
    let mut bench = Bench::new("small", 1);
    bench.command(Command::Run);
    bench.reply(step(r"\boxed{7}", 0.9));
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Finished);
    assert_eq!(outcome(&bench).verdict, Verdict::Correct);
}

#[test]
fn a_full_context_ends_the_problem_and_nothing_else() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(step("a = 1", 0.9));
    bench.fail(FailureKind::Context);
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Context);
    assert_eq!(outcome(&bench).error.as_deref(), Some("small: it broke"));
    assert_eq!(*bench.session.phase(), Phase::Ready);
    assert_eq!(
        bench.session.command(Command::Step, NOW),
        Err(Refusal::AtEnd)
    );
}

#[test]
fn a_problem_given_up_is_ungraded_never_wrong_and_can_go_on() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(step("a = 1", 0.9));
    bench.fail(FailureKind::Server);
    let outputs = bench.session.give_up("the server failed");
    bench.take(outputs);
    assert_eq!(outcome(&bench).end, TrajectoryEnd::Error);
    assert_eq!(outcome(&bench).verdict, Verdict::Ungraded);
    assert_eq!(outcome(&bench).error.as_deref(), Some("the server failed"));
    // Later, with the server up again:
    bench.command(Command::Run);
    bench.reply(step(r"\boxed{7}", 0.9));
    assert_eq!(outcome(&bench).verdict, Verdict::Correct);
    assert_eq!(outcome(&bench).steps, 2);
}
