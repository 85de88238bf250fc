//! The tree and the records are two forms of one thing.

use proptest::prelude::*;

use super::script::{Bench, NOW, empty, live, problem, step, until};
use crate::model::endpoint::FailureKind;
use crate::session::{Command, Session};
use crate::trace::record::Record;
use crate::trace::{NodeIndex, Tree};

#[test]
fn a_step_a_person_wrote_cannot_be_re_run() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.command(Command::Edit {
        text: "a = 2".into(),
    });
    assert!(bench.session.command(Command::Rerun, NOW).is_err());
}

fn all_commands(node: usize) -> Vec<Command> {
    vec![
        Command::Step,
        Command::Back,
        Command::Goto(None),
        Command::Run,
        Command::RunUntil(until("step >= 3")),
        Command::Override { model: node % 3 },
        Command::Edit {
            text: format!("edited {node}"),
        },
        Command::Rerun,
        Command::Cancel,
        Command::Retry,
    ]
}

/// One thing that happens to a session.
#[derive(Debug, Clone)]
enum Move {
    Command(usize),
    Goto(usize),
    Reply(u8, f64),
    Empty,
    Fail(bool),
    GiveUp,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0..10_usize).prop_map(Move::Command),
        1 => (0..20_usize).prop_map(Move::Goto),
        6 => (0..6_u8, 0.01..1.0_f64).prop_map(|(text, u)| Move::Reply(text, u)),
        1 => Just(Move::Empty),
        1 => any::<bool>().prop_map(Move::Fail),
        1 => Just(Move::GiveUp),
    ];
    proptest::collection::vec(one, 1..60)
}

fn play(bench: &mut Bench, moves: &[Move]) {
    for (count, one) in moves.iter().enumerate() {
        match one {
            Move::Command(which) => {
                let command = all_commands(count).swap_remove(*which);
                if let Ok(outputs) = bench.session.command(command, NOW) {
                    bench.take(outputs);
                }
            }
            Move::Goto(node) => {
                let target: Option<NodeIndex> =
                    bench.session.tree().nodes().nth(*node).map(|(at, _)| at);
                bench.command(Command::Goto(target));
            }
            Move::Reply(text, u) if bench.session.is_generating() => {
                let text = if *text == 0 {
                    r"\boxed{7}".to_owned()
                } else {
                    format!("step {text}")
                };
                bench.reply(step(&text, *u));
            }
            Move::Empty if bench.session.is_generating() => bench.reply(empty()),
            Move::Fail(context) if bench.session.is_generating() => bench.fail(if *context {
                FailureKind::Context
            } else {
                FailureKind::Server
            }),
            Move::GiveUp if !bench.session.is_generating() => {
                let outputs = bench.session.give_up("given up");
                bench.take(outputs);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever happens, the log alone gives the live tree, the same events
    /// give the same log, and no record is lost by a clash of ids.
    #[test]
    fn the_log_rebuilds_the_tree_and_the_events_rebuild_the_log(moves in moves()) {
        let mut bench = Bench::new("threshold:t=0.5", 6);
        play(&mut bench, &moves);
        let rebuilt = Tree::from_records("run", "p1", bench.log.clone());
        prop_assert_eq!(&rebuilt, bench.session.tree());
        prop_assert_eq!(rebuilt.faults(), Vec::new());
        let steps = bench.log.iter().filter(|r| matches!(r, Record::Step(_))).count();
        prop_assert_eq!(rebuilt.len(), steps, "two steps with one id");

        let mut again = Bench::new("threshold:t=0.5", 6);
        play(&mut again, &moves);
        prop_assert_eq!(again.log, bench.log);
    }
}

#[test]
fn the_first_record_is_the_problem_and_it_is_there_once() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.4);
    let problems = bench
        .log
        .iter()
        .filter(|record| matches!(record, Record::Problem(_)));
    assert_eq!(problems.count(), 1);
    assert!(matches!(bench.log[0], Record::Problem(_)));
}

#[test]
fn a_recording_is_continued_where_it_stopped() {
    let mut whole = Bench::new("threshold:t=0.5", 9);
    whole.command(Command::Run);
    whole.reply(step("a = 1", 0.4));
    let kept = whole.log.clone();
    let expected = whole.pending.clone().unwrap();

    let tree = Tree::from_records("run", "p1", kept);
    let session = Session::open(live("threshold:t=0.5", 9), problem(), tree);
    let mut resumed = Bench::of(session);
    resumed.command(Command::Run);
    let call = resumed.pending.clone().unwrap();
    assert_eq!((call.model, call.request), (1, expected.request));
    assert_eq!(
        resumed.order,
        ["generate 1"],
        "the problem is there already"
    );
}

#[test]
fn a_step_whose_decision_was_lost_is_decided_again_before_it_is_followed() {
    let mut whole = Bench::new("threshold:t=0.5", 9);
    whole.one("a = 1", 0.4);
    let cut: Vec<Record> = whole.log[..2].to_vec();
    assert!(matches!(cut[1], Record::Step(_)));
    let tree = Tree::from_records("run", "p1", cut);
    let session = Session::open(live("threshold:t=0.5", 9), problem(), tree);
    let mut resumed = Bench::of(session);
    resumed.command(Command::Run);
    assert_eq!(resumed.order, ["append decision", "generate 1"]);
    assert_eq!(resumed.log[0], whole.log[2]);
}

#[test]
fn a_final_step_whose_outcome_was_lost_is_graded_again() {
    let mut whole = Bench::new("small", 9);
    whole.one(r"\boxed{7}", 0.9);
    let tree = Tree::from_records("run", "p1", whole.log[..2].to_vec());
    let mut resumed = Bench::of(Session::open(live("small", 9), problem(), tree));
    resumed.command(Command::Run);
    resumed.command(Command::Back);
    resumed.command(Command::Step);
    assert!(resumed.session.command(Command::Run, NOW).is_err());
    assert_eq!(resumed.log, whole.log[2..]);
}
