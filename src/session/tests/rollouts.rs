//! Rollouts: tried, never decided.

use std::collections::HashSet;

use super::script::{Bench, empty, live, problem, step};
use crate::expr::{Expr, Scope};
use crate::model::endpoint::FailureKind;
use crate::problem::answer::Verdict;
use crate::session::{Command, Phase, Refusal, Session, Stop, StopAt};
use crate::trace::record::{ROLLOUT, Record};
use crate::trace::{NodeIndex, Standing, Tree};

const RIGHT: &str = r"\boxed{7}";
const WRONG: &str = r"\boxed{8}";

/// Two steps by the small model and the cursor on the first; the router would
/// go on with the small one.
fn two_steps() -> (Bench, NodeIndex) {
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.one("a = 1", 0.9);
    bench.one("b = 2", 0.9);
    bench.command(Command::Back);
    let at = bench.session.cursor().unwrap();
    (bench, at)
}

fn rollout(bench: &mut Bench, after: Option<NodeIndex>, model: usize) {
    bench.command(Command::Rollout { after, model });
}

fn seed(bench: &Bench) -> u64 {
    bench.pending.as_ref().unwrap().request.seed
}

#[test]
fn a_rollout_runs_to_its_end_and_leaves_everything_where_it_was() {
    let (mut bench, at) = two_steps();
    let before = (
        bench.session.followed_path(),
        bench.session.tree().main_line(),
        bench.session.decision_after(Some(at)).cloned(),
        bench.session.cost_to(Some(at)),
    );
    // Places at which runs stop are none for it.
    let condition = Expr::condition("step > 0", Scope::Step).unwrap();
    bench.session.set_stops(vec![Stop {
        id: 1,
        at: StopAt::When(Box::new(condition)),
    }]);
    rollout(&mut bench, Some(at), 1);
    assert!(bench.session.is_rolling_out());
    assert_eq!(bench.pending.as_ref().unwrap().model, 1);
    bench.reply(step("b = 3", 0.9));
    assert_eq!(
        bench.pending.as_ref().unwrap().model,
        0,
        "the router goes on"
    );
    assert_eq!(bench.session.cursor(), Some(at));
    bench.reply(step(RIGHT, 0.9));
    assert_eq!(*bench.session.phase(), Phase::Ready);

    let tree = bench.session.tree();
    let after = (
        bench.session.followed_path(),
        tree.main_line(),
        bench.session.decision_after(Some(at)).cloned(),
        bench.session.cost_to(Some(at)),
    );
    assert_eq!(after, before);
    let made = tree.decisions(Some(at)).last().unwrap();
    assert!(made.rollout && made.overridden.is_none());
    assert_eq!((made.router.as_str(), made.propensity), (ROLLOUT, 0.0));
    assert_eq!(made.reason, "a rollout by large; the router wanted small");
    let first = tree.children(Some(at))[1];
    assert!(tree.begins_rollout(first));
    let last = tree.children(Some(first))[0];
    assert_eq!(tree.rollout_of(last).unwrap().id, made.id);
    let outcome = tree.node(last).outcome().unwrap();
    assert_eq!((outcome.verdict, outcome.rollout), (Verdict::Correct, true));
    // Going on is deciding, with the seed that it would have had.
    bench.session.set_stops(Vec::new());
    bench.command(Command::Step);
    assert_eq!(bench.path(), ["small: a = 1", "small: b = 2"]);
}

#[test]
fn where_only_rollouts_follow_the_router_decides_as_if_there_were_none() {
    let mut plain = Bench::new("threshold:t=0.5", 9);
    plain.one("a = 1", 0.9);
    plain.command(Command::Step);
    let mut bench = Bench::new("threshold:t=0.5", 9);
    bench.one("a = 1", 0.9);
    let at = bench.session.cursor();
    for _ in 0..2 {
        rollout(&mut bench, at, 1);
        bench.reply(step(WRONG, 0.9));
    }
    assert_eq!(bench.session.next_on_branch(at), None);
    assert_eq!(bench.session.tree().main_line(), [at.unwrap()]);
    bench.command(Command::Step);
    assert_eq!(seed(&bench), seed(&plain));
    assert_eq!(bench.pending.as_ref().unwrap().model, 0);
    bench.reply(step(RIGHT, 0.9));
    plain.reply(step(RIGHT, 0.9));
    let (tree, other) = (bench.session.tree(), plain.session.tree());
    let ids = |tree: &Tree| -> Vec<String> {
        let line = tree.main_line().into_iter();
        line.map(|at| tree.node(at).step.id.clone()).collect()
    };
    assert_eq!(ids(tree), ids(other));
    let leaf = |tree: &Tree| {
        let leaf = *tree.main_line().last().unwrap();
        tree.node(leaf).outcome().cloned()
    };
    assert_eq!(leaf(tree), leaf(other), "cost and all");
}

#[test]
fn every_draw_has_a_seed_of_its_own() {
    let (mut bench, at) = two_steps();
    let mut seeds = HashSet::new();
    for model in [0, 1, 0, 1] {
        rollout(&mut bench, Some(at), model);
        for text in ["b = 2", RIGHT] {
            assert!(seeds.insert(seed(&bench)), "of model {model} at {text}");
            bench.reply(step(text, 0.9));
        }
    }
    assert_eq!(bench.session.tree().children(Some(at)).len(), 5);
}

#[test]
fn draws_of_a_rollout_are_its_own() {
    // Which model goes on after ten equal steps, in two rollouts.
    let mut bench = Bench::new("random:p=0.5", 12);
    let drawn = |bench: &mut Bench| {
        rollout(bench, None, 0);
        let mut models = Vec::new();
        for number in 0..10 {
            bench.reply(step(&format!("x = {number}"), 0.9));
            models.push(bench.pending.as_ref().unwrap().model);
        }
        bench.reply(step(RIGHT, 0.9));
        models
    };
    let (one, other) = (drawn(&mut bench), drawn(&mut bench));
    assert_ne!(one, other);
}

#[test]
fn the_outcome_of_a_rollout_is_not_the_problems() {
    let (mut bench, at) = two_steps();
    bench.command(Command::Goto(None));
    bench.command(Command::Run);
    bench.reply(step(WRONG, 0.9));
    rollout(&mut bench, Some(at), 1);
    bench.reply(step(RIGHT, 0.9));
    let outcomes = bench.log.iter().filter_map(|record| match record {
        Record::Outcome(outcome) => Some((**outcome).clone()),
        _ => None,
    });
    let standing: Standing = outcomes.collect();
    assert_eq!(standing.get().unwrap().verdict, Verdict::Wrong);
    // What the log says is what the session holds.
    let read = Tree::from_records("run", "p1", bench.log.iter().cloned());
    assert_eq!(&read, bench.session.tree());
    let line = read.main_line();
    let outcome = read.node(*line.last().unwrap()).outcome().unwrap();
    assert_eq!((line.len(), outcome.verdict), (3, Verdict::Wrong));
}

#[test]
fn a_log_cut_off_in_the_middle_of_a_rollout_goes_on_where_it_was() {
    let (mut bench, at) = two_steps();
    rollout(&mut bench, Some(at), 1);
    bench.reply(step("b = 3", 0.9));
    for length in 0..=bench.log.len() {
        let records = bench.log[..length].iter().cloned();
        let tree = Tree::from_records("run", "p1", records);
        assert_eq!(tree.faults(), []);
        let line = tree.main_line();
        let told: Vec<&str> = line
            .iter()
            .map(|&at| tree.node(at).step.text.as_str())
            .collect();
        assert!(["a = 1", "b = 2"].starts_with(&told), "{told:?}");
        let mut again = Bench::of(Session::open(live("threshold:t=0.5", 9), problem(), tree));
        again.command(Command::Run);
        assert_eq!(again.pending.as_ref().unwrap().model, 0);
        assert!(!again.session.is_rolling_out());
    }
}

#[test]
fn what_gives_no_step_ends_no_trajectory() {
    let (mut bench, at) = two_steps();
    // The most capable model has nothing to add.
    rollout(&mut bench, Some(at), 1);
    bench.reply(empty());
    assert_eq!(*bench.session.phase(), Phase::Ready);
    assert_eq!(bench.session.tree().node(at).outcome(), None);
    // Another takes over from the small one: that is of the rollout too.
    rollout(&mut bench, Some(at), 0);
    bench.reply(empty());
    bench.reply(step(RIGHT, 0.9));
    let tree = bench.session.tree();
    let last = *tree.children(Some(at)).last().unwrap();
    assert_eq!(tree.node(last).step.model, "large");
    assert!(tree.begins_rollout(last));
    assert_eq!(tree.choices(Some(at)).count(), 1);
    // A full context is a failure, and how the path to it ended it is not.
    rollout(&mut bench, Some(at), 0);
    bench.fail(FailureKind::Context);
    assert!(matches!(bench.session.phase(), Phase::Failed { .. }));
    assert_eq!(bench.session.tree().node(at).outcome(), None);
}

#[test]
fn a_failed_rollout_can_be_tried_again_and_the_cursor_stays() {
    let (mut bench, at) = two_steps();
    rollout(&mut bench, Some(at), 1);
    bench.reply(step("b = 3", 0.9));
    let first = seed(&bench);
    bench.fail(FailureKind::Server);
    bench.command(Command::Retry);
    assert_eq!(seed(&bench), first, "the very call");
    bench.reply(step(RIGHT, 0.9));
    assert_eq!(bench.session.cursor(), Some(at));
    assert_eq!(bench.session.tree().main_line().len(), 2);
}

#[test]
fn rollouts_are_refused_where_nothing_can_follow() {
    let mut bench = Bench::new("small", 9);
    bench.one(RIGHT, 0.9);
    let at = bench.session.cursor();
    assert_eq!(bench.session.may_roll_out(), Err(Refusal::AtEnd));
    let mut refused = |after, model| {
        let command = Command::Rollout { after, model };
        bench.session.command(command, super::script::NOW)
    };
    assert_eq!(refused(at, 0), Err(Refusal::AtEnd));
    assert_eq!(refused(None, 2), Err(Refusal::NoModel(2)));
}
