use super::*;
use crate::trace::record::{PriceFacts, Role};
use crate::trace::samples;

/// A run of two models at 1 USD for a million prompt tokens, 2 for output.
fn run(currency: &str) -> RunRecord {
    let price = PriceFacts {
        input: Decimal::ONE,
        cached_input: None,
        cache_write: None,
        output: Decimal::TWO,
        currency: currency.into(),
        per: Decimal::from(1_000_000),
        as_of: None,
    };
    let mut run = samples::run("r");
    run.pool = ["small", "large"]
        .map(|name| ModelFacts {
            server: "openrouter".into(),
            price: Some(price.clone()),
            ..samples::model(name)
        })
        .into();
    run
}

/// A step of 10,000 prompt and 1,000 output tokens: 0.012 USD.
fn step(id: &str, model: &str, reported: Option<i64>) -> StepRecord {
    let mut step = samples::step(id, None, "text");
    step.model = model.into();
    step.usage = Usage {
        prompt: 10_000,
        cached: Some(0),
        output: 1_000,
        reported: reported.map(|units| Decimal::new(units, 4)),
        ..Usage::default()
    };
    step
}

fn finish(run: &RunRecord, steps: &[StepRecord]) -> Vec<Reported> {
    let mut reports = Reports::new(run);
    for step in steps {
        reports.step(step);
    }
    reports.finish()
}

#[test]
fn only_models_whose_every_call_was_told_are_held_against_their_price() {
    let run = run("USD");
    let (small, large) = ("small", "large");
    let mut steps = vec![
        step("a", small, Some(120)),
        step("b", small, Some(150)),
        step("c", large, Some(120)),
        step("d", large, None),
        // The log repeats a line.
        step("a", small, Some(120)),
    ];
    let found = finish(&run, &steps);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].calls, found[0].reported), (2, 0.027));
    assert_eq!(found[0].by_price, Some(0.024));
    let warning = found[0].warning().unwrap();
    assert!(
        warning.starts_with(
            "openrouter model `small` reports 0.0270 USD, the pool's price gives 0.0240: mend"
        ),
        "{warning}"
    );
    // An attempt that was billed and not told of silences the model.
    steps[1].attempts.push(Attempt {
        role: Role::Step,
        usage: Usage {
            prompt: 5,
            ..Usage::default()
        },
        failure: "cut".into(),
        estimated: true,
    });
    assert_eq!(finish(&run, &steps), []);
    // One that never reached it does not.
    steps[1].attempts[0].usage = Usage::default();
    assert_eq!(finish(&run, &steps)[0].calls, 2);
}

#[test]
fn one_percent_is_tolerated_and_an_upper_bound_may_be_far_above() {
    let run = run("USD");
    let small = "small";
    let differs = |mut step: StepRecord, cached: Option<u64>| {
        step.usage.cached = cached;
        finish(&run, &[step])[0].differs
    };
    assert!(!differs(step("a", small, Some(120)), Some(0)));
    assert!(!differs(step("a", small, Some(121)), Some(0)));
    assert!(differs(step("a", small, Some(122)), Some(0)));
    assert!(differs(step("a", small, Some(118)), Some(0)));
    assert!(!differs(step("a", small, Some(50)), None));
    assert!(differs(step("a", small, Some(130)), None));
    assert!(differs(step("a", small, Some(0)), Some(0)));
}

#[test]
fn a_price_in_another_currency_is_not_compared() {
    let run = run("EUR");
    let small = "small";
    let found = finish(&run, &[step("a", small, Some(500))]);
    assert_eq!((found[0].by_price, found[0].differs), (None, false));
    assert!(found[0].to_text().contains("no price in USD"));
    assert_eq!(found[0].warning(), None);
}
