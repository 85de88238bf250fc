//! Forward, back, along what is recorded, and until a condition holds.

use super::script::{Bench, NOW, live, problem, run, step, until};
use crate::expr::Field;
use crate::session::{Command, Event, Phase, Refusal, Session, Settings, Stop, StopAt};
use crate::trace::Tree;

const ANSWER: &str = r"The answer is \boxed{7}.";

#[test]
fn the_problem_is_logged_before_the_first_call_and_step_with_decision_in_one_write() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.command(Command::Step);
    assert_eq!(bench.order, ["append problem", "generate 0"]);
    bench.reply(step("2 + 2 = 4", 0.9));
    assert_eq!(bench.order[2..], ["append step+decision"]);
    assert!(!bench.session.is_generating());
    bench.command(Command::Step);
    assert_eq!(bench.order[3..], ["generate 0"]);
    assert_eq!(
        bench.pending.as_ref().unwrap().request.prefix,
        "2 + 2 = 4\n\n"
    );
}

#[test]
fn a_run_appends_each_step_before_the_next_call() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.command(Command::Run);
    bench.reply(step("2 + 2 = 4", 0.3));
    bench.reply(step("4 + 3 = 7", 0.9));
    bench.reply(step(ANSWER, 0.9));
    assert_eq!(
        bench.order,
        [
            "append problem",
            "generate 0",
            "append step+decision",
            "generate 1",
            "append step+decision",
            "generate 0",
            "append step+outcome",
        ]
    );
    let outcome = bench.session.outcome().unwrap();
    assert_eq!(outcome.verdict, crate::problem::answer::Verdict::Correct);
    assert_eq!(outcome.steps_by_model["large"], 1);
    assert_eq!(outcome.steps, 3);
    // 2 · parameters · output tokens, and the prompts in the full ledger.
    assert_eq!(outcome.cost.published, Some(2.0 * (5.0 + 50.0 + 5.0)));
    assert_eq!(outcome.cost.full, Some(2.0 * (15.0 + 150.0 + 15.0)));
    assert_eq!(
        bench.session.command(Command::Run, NOW),
        Err(Refusal::AtEnd)
    );
}

#[test]
fn back_and_forward_follow_the_recording_without_a_call() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.9);
    let calls = bench.order.len();
    bench.command(Command::Back);
    assert_eq!(bench.path(), ["small: a = 1"]);
    bench.command(Command::Back);
    assert_eq!(bench.path(), Vec::<String>::new());
    assert_eq!(
        bench.session.command(Command::Back, NOW),
        Err(Refusal::AtStart)
    );
    bench.command(Command::Step);
    bench.command(Command::Step);
    assert_eq!(bench.path().len(), 2);
    assert_eq!(bench.order.len(), calls);
    bench.command(Command::Goto(None));
    assert_eq!(bench.session.cursor(), None);
    bench.command(Command::Run);
    assert!(bench.session.is_generating(), "the tape's end generates");
    assert_eq!(
        bench.pending.as_ref().unwrap().request.prefix,
        "a = 1\n\nb = 2\n\n"
    );
}

#[test]
fn run_until_stops_where_the_condition_holds() {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.command(Command::RunUntil(until("escalation")));
    bench.reply(step("a = 1", 0.9));
    bench.reply(step("b = 2", 0.4));
    assert!(bench.pending.is_none());
    assert_eq!(bench.path().len(), 2);
    // Over the recording the same condition stops at the same step.
    bench.command(Command::Goto(None));
    bench.command(Command::RunUntil(until("confidence < 0.5")));
    assert_eq!(bench.path().len(), 2);
    assert!(bench.pending.is_none());
}

#[test]
fn stale_and_unknown_generations_change_nothing() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Step);
    let generation = bench.pending.as_ref().unwrap().generation;
    bench.command(Command::Cancel);
    bench.command(Command::Step);
    let before = bench.session.tree().clone();
    for stale in [generation, generation + 9] {
        let reply = Box::new(step("late", 0.9));
        let event = Event::Reply {
            generation: stale,
            reply,
        };
        assert_eq!(bench.session.event(event, NOW), Vec::new());
    }
    assert_eq!(*bench.session.tree(), before);
    assert!(bench.session.is_generating());
}

#[test]
fn deltas_are_kept_and_a_restart_forgets_them() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Step);
    let generation = bench.pending.as_ref().unwrap().generation;
    let delta = |text: &str| Event::Delta {
        generation,
        text: text.into(),
    };
    bench.session.event(delta("2 +"), NOW);
    bench.session.event(Event::Restart { generation }, NOW);
    bench.session.event(delta("3 "), NOW);
    bench.session.event(delta("+ 3"), NOW);
    let Phase::Generating(call) = bench.session.phase() else {
        panic!("still generating");
    };
    assert_eq!((call.text.as_str(), call.deltas), ("3 + 3", 2));
}

#[test]
fn a_busy_session_refuses_to_generate_again() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Step);
    for command in [
        Command::Step,
        Command::Run,
        Command::Override { model: 1 },
        Command::Edit { text: "x".into() },
    ] {
        assert_eq!(bench.session.command(command, NOW), Err(Refusal::Busy));
    }
}

#[test]
fn a_recording_can_be_walked_but_not_grown() {
    let mut bench = Bench::new("small", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.9);
    let tree = Tree::from_records("run", "p1", bench.log.clone());
    let settings = Settings::recorded(run("small", 9));
    let mut replay = Session::open(settings, problem(), tree);
    assert_eq!(replay.command(Command::Step, NOW), Ok(Vec::new()));
    assert_eq!(replay.command(Command::Run, NOW), Ok(Vec::new()));
    for command in [
        Command::Step,
        Command::Run,
        Command::Rerun,
        Command::Retry,
        Command::Override { model: 1 },
        Command::Edit { text: "x".into() },
    ] {
        assert_eq!(replay.command(command, NOW), Err(Refusal::TapeOnly));
    }
    assert_eq!(replay.cost_of_all(), bench.session.cost_of_all());
}

#[test]
fn somebody_who_looks_away_is_not_followed_and_the_run_goes_on() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    bench.reply(step("a = 1", 0.9));
    bench.command(Command::Back);
    bench.reply(step("b = 2", 0.9));
    assert_eq!(bench.session.cursor(), None);
    bench.reply(step(ANSWER, 0.9));
    assert_eq!(bench.session.cursor(), None);
    assert_eq!(bench.session.tree().len(), 3);
    bench.command(Command::Run);
    assert!(bench.session.outcome().is_some());
}

#[test]
fn the_same_run_gives_the_same_requests() {
    let requests = |_: ()| {
        let mut bench = Bench::of(Session::new(live("random:p=0.5", 9), problem()));
        bench.command(Command::Run);
        let mut seen = Vec::new();
        for text in ["a = 1", "b = 2", "c = 3", "d = 4"] {
            let call = bench.pending.as_ref().unwrap();
            seen.push((call.model, call.request.seed));
            bench.reply(step(text, 0.9));
        }
        seen
    };
    let first = requests(());
    assert_eq!(first, requests(()));
    let mut seeds: Vec<u64> = first.iter().map(|call| call.1).collect();
    seeds.dedup();
    assert_eq!(seeds.len(), 4, "every step is a draw of its own");
}

#[test]
fn a_run_stops_where_it_is_told_to_and_counts_what_it_could_not_decide() {
    let mut bench = Bench::new("small", 9);
    let stop = |id, at| Stop { id, at };
    bench.session.set_stops(vec![
        stop(1, StopAt::Step(2)),
        stop(2, StopAt::When(until("confidence < 0.5"))),
        stop(3, StopAt::When(until("prm < 0.5"))),
        stop(4, StopAt::Never),
    ]);
    bench.command(Command::RunUntil(until("step = 4")));
    bench.reply(step("a = 1", 0.9));
    bench.reply(step("b = 2", 0.4));
    assert!(!bench.session.is_generating(), "two stops hold");
    assert_eq!(bench.session.missed(), None, "it did not come so far");
    let met = bench.session.take_met();
    assert_eq!(met.hit, [1, 2]);
    assert_eq!(met.undecided[&3].steps, 2);
    assert_eq!(met.undecided[&3].fields, [Field::Prm]);
    assert_eq!(met.undecided[&4].steps, 2);
    assert!(met.undecided[&4].fields.is_empty());
    bench.command(Command::Run);
    bench.reply(step("c = 3", 0.9));
    bench.reply(step(ANSWER, 0.9));
    assert!(bench.session.take_met().hit.is_empty());
    bench.command(Command::BackUntil(None));
    let at = bench.session.cursor().unwrap();
    assert_eq!(bench.session.tree().node(at).step.index, 2);
    assert_eq!(
        bench.session.command(Command::BackUntil(None), NOW),
        Err(Refusal::NoStop)
    );
    assert_eq!(bench.session.cursor(), Some(at), "it stays where it was");
    // Along the recording too, and a single step is never stopped.
    bench.command(Command::Back);
    bench.command(Command::Run);
    assert_eq!(bench.session.cursor(), Some(at));
}
