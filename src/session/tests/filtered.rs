//! Steps that a provider filtered.

use crate::model::endpoint::{EndpointError, FailureKind};
use crate::session::{Command, Event, Phase, Session, Settings};
use crate::trace::record::{
    Attempt, DecisionRecord, ModelFacts, Record, Role, StepEnd, StepRecord, Usage,
};
use crate::trace::{Tree, record::TrajectoryEnd};

use super::script::{Bench, NOW, live, problem, step};

/// A pool of `small`, `mid` and `large`.
fn three(router: &str) -> Settings {
    let mut settings = live(router, 9);
    let mut run = (*settings.run).clone();
    let mid = ModelFacts {
        name: "mid".into(),
        ..run.pool[0].clone()
    };
    run.pool.insert(1, mid);
    settings.run = run.into();
    settings
}

/// The call in flight is filtered, and was paid for.
fn filter(bench: &mut Bench) {
    let generation = bench.pending.take().expect("a call in flight").generation;
    let error = EndpointError {
        endpoint: "m".into(),
        kind: FailureKind::Filtered,
        message: "finish_reason content_filter".into(),
        attempts: vec![Attempt {
            role: Role::Step,
            usage: Usage {
                prompt: 10,
                cached: Some(0),
                output: 4,
                ..Usage::default()
            },
            failure: "filtered".into(),
            estimated: false,
        }],
    };
    let outputs = bench
        .session
        .event(Event::Failed { generation, error }, NOW);
    bench.take(outputs);
}

fn decisions(bench: &Bench) -> Vec<&DecisionRecord> {
    let log = bench.log.iter();
    log.filter_map(|record| match record {
        Record::Decision(decision) => Some(&**decision),
        _ => None,
    })
    .collect()
}

fn filtered(bench: &Bench) -> Vec<&StepRecord> {
    let log = bench.log.iter();
    log.filter_map(|record| match record {
        Record::Step(step) if step.end == StepEnd::Error => Some(&**step),
        _ => None,
    })
    .collect()
}

#[test]
fn a_filtered_step_is_handed_to_the_next_more_capable_model() {
    let mut bench = Bench::new("small", 9);
    bench.command(Command::Run);
    filter(&mut bench);
    assert_eq!(bench.pending.as_ref().unwrap().model, 1);
    let [decision] = decisions(&bench)[..] else {
        panic!("one decision")
    };
    assert_eq!(
        decision.reason,
        "filtered by the provider of `small`; handed to `large`"
    );
    assert_eq!(
        (decision.router.as_str(), decision.action.as_str()),
        ("filtered", "large")
    );
    let [attempt] = filtered(&bench)[..] else {
        panic!("one attempt")
    };
    assert_eq!(attempt.attempts[0].usage.output, 4);
    // 14 tokens of a model with one parameter.
    let paid = bench.session.cost_of_all().full();
    assert_eq!(paid, Some(2.0 * 14.0));
    bench.reply(step("a = 1", 0.9));
    assert_eq!(bench.path(), ["large: a = 1"]);
    // The next step is the router's again.
    assert_eq!(bench.pending.as_ref().unwrap().model, 0);
}

#[test]
fn every_model_is_asked_once_and_then_the_call_has_failed() {
    let mut bench = Bench::of(Session::new(three("small"), problem()));
    bench.command(Command::Override { model: 1 });
    filter(&mut bench);
    assert_eq!(
        bench.pending.as_ref().unwrap().model,
        2,
        "more capable first"
    );
    filter(&mut bench);
    assert_eq!(
        bench.pending.as_ref().unwrap().model,
        0,
        "then less capable"
    );
    filter(&mut bench);
    assert!(bench.pending.is_none());
    let Phase::Failed { retryable, .. } = bench.session.phase() else {
        panic!("{:?}", bench.session.phase())
    };
    assert!(!retryable);
    assert_eq!(filtered(&bench).len(), 3);
    bench.session.give_up("filtered");
    let outcome = bench.session.outcome().unwrap();
    assert_eq!(outcome.end, TrajectoryEnd::Error);
    assert_eq!(outcome.cost.full, bench.session.cost_of_all().full());
}

#[test]
fn a_run_that_was_killed_goes_on_with_who_was_handed_the_step() {
    let mut bench = Bench::of(Session::new(three("small"), problem()));
    bench.command(Command::Run);
    filter(&mut bench);
    let mut tree = Tree::new("run", "p1");
    for record in bench.log.clone() {
        tree.add(record);
    }
    let mut bench = Bench::of(Session::open(three("small"), problem(), tree));
    bench.command(Command::Run);
    assert_eq!(bench.pending.as_ref().unwrap().model, 1);
    filter(&mut bench);
    assert_eq!(bench.pending.as_ref().unwrap().model, 2, "small was asked");
    filter(&mut bench);
    assert!(bench.pending.is_none());
}

#[test]
fn a_filtered_draft_is_written_by_another_model_and_not_ruled_on() {
    let mut bench = Bench::new("rsd:delta=0.7", 9);
    bench.command(Command::Step);
    filter(&mut bench);
    assert_eq!(bench.pending.as_ref().unwrap().request.role, Role::Step);
    bench.reply(step("a = 1", 0.9));
    assert!(bench.asked.is_none());
    assert_eq!(bench.path(), ["large: a = 1"]);
    // The next draft is looked at as ever.
    bench.one("b = 2", 0.9);
    assert!(bench.asked.is_some());
    // A scorer that refuses to read has no score.
    bench.fail_score(FailureKind::Filtered);
    assert_eq!(bench.pending.as_ref().unwrap().model, 1);
}
