use std::sync::Arc;

use proptest::prelude::*;

use rust_decimal::Decimal;

use super::*;
use crate::problem::answer::Verdict;
use crate::trace::record::{
    CostFacts, FORMAT, ModelFacts, OutcomeRecord, PriceFacts, Record, RouterFacts, RunRecord,
    Sampling, TrajectoryEnd, Usage,
};
use crate::trace::samples;

fn run() -> RunRecord {
    let model = |name: &str| ModelFacts {
        params: Some(1.0),
        ..ModelFacts::new(name, "recorded")
    };
    RunRecord {
        format: FORMAT,
        run: "r".into(),
        key: "k".into(),
        started: String::new(),
        version: String::new(),
        command: "solve".into(),
        router: RouterFacts {
            spec: "small".into(),
            name: "small".into(),
            parameters: BTreeMap::new(),
            files: BTreeMap::new(),
        },
        pool: vec![model("small"), model("large")],
        sampling: Sampling::default(),
        seed: 0,
        signal: "prob".into(),
        cost_unit: Some("flops".into()),
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

fn outcome(problem: &str, verdict: Verdict, end: TrajectoryEnd) -> Record {
    Record::Outcome(Box::new(OutcomeRecord {
        run: "r".into(),
        problem: problem.into(),
        leaf: None,
        answer: None,
        gold: None,
        verdict,
        grader: "rules".into(),
        rule: "r".into(),
        reason: None,
        steps: 4,
        cost: CostFacts {
            published: Some(10.0),
            full: Some(30.0),
            upper_bound: false,
            estimated: false,
        },
        end,
        steps_by_model: BTreeMap::from([("small".into(), 3), ("large".into(), 1)]),
        error: None,
        regraded: None,
        rollout: false,
        extraction: None,
        forms: None,
    }))
}

fn count(records: Vec<Record>) -> Summary {
    let mut counter = Counter::new(&run());
    for record in records {
        counter.add(&record);
    }
    counter.finish(&["a".into(), "new".into()])
}

#[test]
fn ungraded_problems_are_neither_correct_nor_wrong() {
    use TrajectoryEnd::{Error, Finished, StepCap};
    let summary = count(vec![
        outcome("a", Verdict::Correct, Finished),
        outcome("b", Verdict::Wrong, StepCap),
        outcome("c", Verdict::Ungraded, Error),
        outcome("d", Verdict::Ungraded, Finished),
    ]);
    assert_eq!(summary.accuracy, Some(0.5));
    assert_eq!(summary.accuracy_all, Some(0.25));
    assert_eq!(
        (summary.ungraded, summary.errors, summary.truncated),
        (2, 1, 1)
    );
    assert_eq!((summary.problems, summary.asked), (4, 5));
    let failure = summary.failure().unwrap();
    assert_eq!(failure.exit, Exit::Endpoint);
    assert!(failure.message.starts_with("1 of 4 problems failed"));
    assert_eq!(summary.large_share, Some(0.25));
    assert_eq!(summary.cost.published, Some(10.0));
    assert_eq!(summary.cost.total_full, Some(120.0));
    assert!(summary.to_text().contains("50.0 % of the graded"));
}

#[test]
fn the_last_outcome_of_a_problem_counts_and_other_runs_do_not() {
    let Record::Outcome(mut other) = outcome("z", Verdict::Wrong, TrajectoryEnd::Finished) else {
        unreachable!()
    };
    other.run = "another".into();
    let summary = count(vec![
        outcome("a", Verdict::Ungraded, TrajectoryEnd::Error),
        outcome("a", Verdict::Correct, TrajectoryEnd::Finished),
        Record::Outcome(other),
    ]);
    assert_eq!(
        (summary.problems, summary.correct, summary.errors),
        (1, 1, 0)
    );
}

#[test]
fn what_a_vendor_reports_is_held_against_the_price() {
    let mut run = run();
    let price = PriceFacts {
        input: Decimal::ONE,
        cached_input: None,
        cache_write: None,
        output: Decimal::ONE,
        currency: "USD".into(),
        per: Decimal::ONE_THOUSAND,
        as_of: None,
    };
    run.pool[0].price = Some(price);
    let of = |reported: &str| {
        let mut counter = Counter::new(&run);
        for id in ["a", "b"] {
            let mut step = samples::step(id, None, "text");
            step.run = "r".into();
            step.usage = Usage {
                prompt: 10,
                cached: Some(0),
                output: 5,
                reported: Some(reported.parse().unwrap()),
                ..Usage::default()
            };
            counter.add(&Record::Step(Arc::new(step)));
        }
        counter.finish(&[])
    };
    let found = of("0.0151");
    assert_eq!(found.reported[0].by_price, Some(0.03));
    assert!(
        found
            .to_text()
            .contains("vendor     recorded model `small` reports 0.0302 USD")
    );
    assert_eq!(found.reported[0].warning(), None);
    assert!(of("0.02").reported[0].warning().is_some());
    let none = serde_json::to_value(count(Vec::new())).unwrap();
    assert!(none.get("reported").is_none());
}

#[test]
fn nothing_is_shown_as_unknown_and_never_as_zero() {
    let summary = count(Vec::new());
    assert_eq!(summary.accuracy, None);
    assert_eq!(summary.interval, None);
    assert_eq!(summary.cost.published, None);
    assert_eq!(summary.large_share, None);
    let Record::Outcome(mut unknown) = outcome("a", Verdict::Correct, TrajectoryEnd::Finished)
    else {
        unreachable!()
    };
    unknown.cost.full = None;
    let summary = count(vec![
        outcome("b", Verdict::Correct, TrajectoryEnd::Finished),
        Record::Outcome(unknown),
    ]);
    assert_eq!(summary.cost.full, None);
    assert_eq!(summary.cost.published, Some(10.0));
}

#[test]
fn wilson_agrees_with_the_textbook() {
    // 81 of 263 (Wilson 1927, as worked in Newcombe 1998): 0.2553 … 0.3662.
    let [low, high] = wilson(81, 263).unwrap();
    assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4);
    let [low, high] = wilson(0, 20).unwrap();
    assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 1e-4);
}

proptest! {
    #[test]
    fn wilson_holds_the_share_and_stays_within_bounds(
        (successes, trials) in (1..5000_usize).prop_flat_map(|n| (0..=n, Just(n)))
    ) {
        let [low, high] = wilson(successes, trials).unwrap();
        let p = successes as f64 / trials as f64;
        prop_assert!(0.0 <= low && low <= p + 1e-12);
        prop_assert!(p <= high + 1e-12 && high <= 1.0);
    }
}
