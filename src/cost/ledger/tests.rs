use rust_decimal::Decimal;

use super::*;
use crate::trace::record::{Confidence, Continuation, PriceFacts, Purpose, StepEnd, ValueKind};
use crate::trace::samples;

fn model(name: &str, params: Option<f64>, price: Option<PriceFacts>) -> ModelFacts {
    ModelFacts {
        params,
        price,
        ..samples::model(name)
    }
}

fn price(input: &str, cached: Option<&str>, output: &str) -> PriceFacts {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    PriceFacts {
        input: decimal(input),
        cached_input: cached.map(decimal),
        cache_write: None,
        output: decimal(output),
        currency: "USD".into(),
        per: decimal("1000000"),
        as_of: None,
    }
}

fn step(model: &str, usage: Usage, kept: bool) -> StepRecord {
    StepRecord {
        run: "r".into(),
        id: "s".into(),
        parent: None,
        problem: "p".into(),
        index: 1,
        model: model.into(),
        text: String::new(),
        purpose: Purpose::Step,
        kept,
        decision: None,
        tokens: Vec::new(),
        confidence: Confidence {
            value: None,
            source: "prob".into(),
            fallback: false,
            kind: ValueKind::None,
            unavailable: None,
            measures: BTreeMap::new(),
        },
        usage,
        attempts: Vec::new(),
        end: StepEnd::Delimiter,
        end_note: None,
        continuation: Continuation::Exact,
        seed: 0,
        seconds: 0.0,
        at: String::new(),
    }
}

#[test]
fn flops_count_output_only_in_the_published_ledger() {
    let ledger = Ledger::new(&[model("a", Some(10.0), None), model("b", Some(100.0), None)]);
    let usage = Usage {
        prompt: 50,
        cached: Some(20),
        output: 7,
        ..Usage::default()
    };
    let cost = ledger.step(&step("b", usage, true));
    assert_eq!(cost.published(), Some(2.0 * 100.0 * 7.0));
    assert_eq!(cost.full(), Some(2.0 * 100.0 * 37.0));
    assert!(!cost.upper_bound());
}

#[test]
fn a_rejected_draft_and_a_failed_attempt_are_in_the_full_ledger_only() {
    let ledger = Ledger::new(&[model("a", Some(1.0), None), model("b", Some(2.0), None)]);
    let usage = Usage {
        prompt: 0,
        cached: Some(0),
        output: 5,
        ..Usage::default()
    };
    assert_eq!(ledger.step(&step("a", usage, false)).published(), Some(0.0));
    let mut retried = step("a", usage, true);
    retried.attempts.push(Attempt {
        role: Role::Step,
        usage: Usage {
            prompt: 4,
            cached: None,
            output: 3,
            ..Usage::default()
        },
        failure: "cut".into(),
        estimated: true,
    });
    let cost = ledger.step(&retried);
    assert_eq!(cost.published(), Some(10.0));
    assert_eq!(cost.full(), Some(10.0 + 14.0));
    assert!(cost.upper_bound());
}

#[test]
fn money_is_exact_and_wins_over_flops() {
    let priced = price("0.40", Some("0.10"), "1.60");
    let ledger = Ledger::new(&[
        model("a", Some(1.0), Some(priced.clone())),
        model("b", None, Some(priced)),
    ]);
    assert_eq!(ledger.unit(), Some(&Unit::Money("USD".into())));
    let usage = Usage {
        prompt: 1000,
        cached: Some(400),
        output: 100,
        ..Usage::default()
    };
    let cost = ledger.step(&step("b", usage, true));
    assert_eq!(cost.published(), Some(0.00016));
    assert_eq!(cost.full(), Some(0.00044));
}

#[test]
fn without_a_common_unit_costs_are_unknown_not_zero() {
    let ledger = Ledger::new(&[model("a", Some(1.0), None), model("b", None, None)]);
    assert_eq!(ledger.unit(), None);
    let usage = Usage {
        prompt: 1,
        cached: None,
        output: 1,
        ..Usage::default()
    };
    assert_eq!(ledger.step(&step("a", usage, true)).published(), None);
    let total = ledger.total(&[step("a", usage, true), step("b", usage, true)]);
    assert_eq!(total.full(), None);
}

#[test]
fn the_total_is_the_sum_of_the_steps() {
    let ledger = Ledger::new(&[model("a", Some(3.0), None), model("b", Some(7.0), None)]);
    let steps: Vec<_> = (1..20)
        .map(|i| {
            let usage = Usage {
                prompt: 10 * i,
                cached: Some(i),
                output: i,
                ..Usage::default()
            };
            step(if i % 3 == 0 { "b" } else { "a" }, usage, i % 4 != 0)
        })
        .collect();
    let total = ledger.total(&steps);
    let sum: f64 = steps.iter().filter_map(|s| ledger.step(s).full()).sum();
    assert_eq!(total.full(), Some(sum));
    assert!(total.published() <= total.full());
}

fn score(output: u64) -> ScoreRecord {
    ScoreRecord {
        run: "r".into(),
        step: Some("s".into()),
        problem: "p".into(),
        scorer: "grader".into(),
        model: Some("g".into()),
        value: Some(1.0),
        note: None,
        usage: Usage {
            prompt: 10,
            cached: Some(4),
            output,
            ..Usage::default()
        },
        attempts: Vec::new(),
        cost: None,
    }
}

#[test]
fn a_grader_is_in_the_full_ledger_only_and_by_its_own_rate() {
    let pool = [model("a", Some(1.0), None), model("b", Some(2.0), None)];
    let ledger = Ledger::new(&pool);
    let mut asked = score(3);
    let grader = model("b", Some(100.0), None);
    let tally = ledger.score(&asked, &grader, Role::Grader);
    assert_eq!(tally.published(), Some(0.0));
    assert_eq!(tally.full(), Some(2.0 * 100.0 * 9.0));
    let judged = ledger.score(&asked, &grader, Role::Judge);
    assert_eq!(judged.published(), Some(2.0 * 100.0 * 3.0));

    let steps = CostFacts {
        published: Some(10.0),
        full: Some(40.0),
        upper_bound: false,
        estimated: false,
    };
    let cost = ledger.with_score(&steps, &tally);
    assert_eq!((cost.published, cost.full), (Some(10.0), Some(1840.0)));
    asked.cost = Some(tally.facts());
    assert_eq!(ledger.logged_score(&asked), tally);
}

#[test]
fn a_grader_without_a_rate_makes_the_full_cost_unknown_and_no_other() {
    let euros = PriceFacts {
        currency: "EUR".into(),
        ..price("1", None, "1")
    };
    let pool = [model("a", None, Some(price("1", None, "1")))];
    let ledger = Ledger::new(&pool);
    for grader in [model("g", Some(1.0), None), model("g", None, Some(euros))] {
        let mut asked = score(3);
        let tally = ledger.score(&asked, &grader, Role::Grader);
        assert_eq!((tally.published(), tally.full()), (Some(0.0), None));
        let cost = ledger.with_score(
            &CostFacts {
                published: Some(1.0),
                full: Some(1.0),
                ..CostFacts::default()
            },
            &tally,
        );
        assert_eq!((cost.published, cost.full), (Some(1.0), None));
        asked.cost = Some(tally.facts());
        assert_eq!(ledger.logged_score(&asked).full(), None);
        assert_eq!(ledger.logged_score(&asked).published(), Some(0.0));
    }
}

#[test]
fn money_stays_exact_with_a_grader_and_an_old_score_is_unknown() {
    let ledger = Ledger::new(&[model("a", None, Some(price("0.40", None, "1.60")))]);
    let grader = model("g", None, Some(price("0.1", None, "0.2")));
    let tally = ledger.score(&score(3), &grader, Role::Grader);
    let steps = CostFacts {
        published: Some(0.1),
        full: Some(0.2),
        ..CostFacts::default()
    };
    // 10 tokens in at 0.1 and 3 out at 0.2 in 1e6.
    assert_eq!(ledger.with_score(&steps, &tally).full, Some(0.200_001_6));
    assert_eq!(ledger.logged_score(&score(3)).full(), None);
    let mut free = score(0);
    free.usage = Usage::default();
    assert_eq!(ledger.logged_score(&free).full(), Some(0.0));
}

#[test]
fn a_person_costs_nothing() {
    let ledger = Ledger::new(&[model("a", Some(3.0), None), model("b", Some(7.0), None)]);
    let cost = ledger.step(&step(PERSON, Usage::default(), true));
    assert_eq!((cost.published(), cost.full()), (Some(0.0), Some(0.0)));
}
