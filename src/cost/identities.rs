//! What holds of costs whatever the tokens and the prices: property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::ledger::Ledger;
use super::rate::{Amount, Billed, Rate};
use crate::trace::record::{Attempt, ModelFacts, PriceFacts, Role, ScoreRecord, StepRecord, Usage};
use crate::trace::samples;

/// Up to 100 of the currency, in units of a hundredth of a cent.
fn amount() -> impl Strategy<Value = Decimal> {
    (0_i64..1_000_000).prop_map(|units| Decimal::new(units, 4))
}

fn price() -> impl Strategy<Value = PriceFacts> {
    let cache = (option::of(amount()), option::of(amount()));
    (amount(), cache, amount(), 0_u32..8).prop_map(|(input, cache, output, digits)| PriceFacts {
        input,
        cached_input: cache.0,
        cache_write: cache.1,
        output,
        currency: "USD".into(),
        per: Decimal::from(10_u64.pow(digits)),
        as_of: None,
    })
}

/// Counts that need not add up.
fn usage() -> impl Strategy<Value = Usage> {
    let tokens = || 0_u64..10_000_000;
    (tokens(), option::of(tokens()), tokens(), tokens()).prop_map(
        |(prompt, cached, cache_write, output)| Usage {
            prompt,
            cached,
            cache_write,
            output,
            reported: None,
        },
    )
}

fn money(rate: &Rate, usage: Usage) -> Decimal {
    match rate.call(usage) {
        Amount::Money(money) => money,
        Amount::Flops(_) => panic!("a price gives money"),
    }
}

/// The part of a usage that holds these tokens only.
fn part(prompt: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
    Usage {
        prompt,
        cached: Some(cached),
        cache_write,
        output,
        reported: None,
    }
}

fn model(price: PriceFacts) -> ModelFacts {
    ModelFacts {
        price: Some(price),
        ..samples::model("small")
    }
}

fn step(usage: Usage, kept: bool, attempts: &[Usage]) -> StepRecord {
    let mut step = samples::step("s", None, "text");
    step.usage = usage;
    step.kept = kept;
    step.attempts = attempts.iter().map(|&usage| attempt(usage)).collect();
    step
}

fn attempt(usage: Usage) -> Attempt {
    Attempt {
        role: Role::Step,
        usage,
        failure: "cut".into(),
        estimated: false,
    }
}

fn score(usage: Usage) -> ScoreRecord {
    ScoreRecord {
        run: "r".into(),
        step: Some("s".into()),
        problem: "p".into(),
        scorer: "prm".into(),
        model: Some("prm".into()),
        value: Some(0.5),
        note: None,
        usage,
        attempts: Vec::new(),
        cost: None,
    }
}

proptest! {
    #[test]
    fn a_prompt_is_billed_once_whatever_the_server_counts(usage in usage()) {
        let billed = Billed::of(usage);
        prop_assert_eq!(billed.uncached + billed.cached + billed.written, usage.prompt);
        prop_assert!(billed.cached <= usage.cached.unwrap_or(0));
        prop_assert!(billed.written <= usage.cache_write);
    }

    #[test]
    fn the_parts_of_a_call_sum_to_the_whole(price in price(), usage in usage()) {
        let rate = Rate::Money(price);
        let usage = Usage { cached: Some(usage.cached.unwrap_or(0)), ..usage };
        let Billed { uncached, cached, written } = Billed::of(usage);
        let parts = [
            part(uncached, 0, 0, 0),
            part(cached, cached, 0, 0),
            part(written, 0, written, 0),
            part(0, 0, 0, usage.output),
        ];
        let sum: Decimal = parts.iter().map(|&part| money(&rate, part)).sum();
        prop_assert_eq!(sum, money(&rate, usage));
        prop_assert!(sum >= Decimal::ZERO);
    }

    #[test]
    fn an_unknown_cached_count_is_at_least_any_known_split(
        price in price(),
        usage in usage(),
        cached in 0_u64..10_000_000,
        written in 0_u64..10_000_000,
    ) {
        let rate = Rate::Money(price);
        let unknown = Usage { cached: None, cache_write: 0, ..usage };
        let known = Usage { cached: Some(cached), cache_write: written, ..usage };
        prop_assert!(money(&rate, unknown) >= money(&rate, known));
        // Also where what was written is told and what was read is not.
        let half_known = Usage { cached: None, ..known };
        let same_writes = Billed::of(half_known).written == Billed::of(known).written;
        prop_assert!(!same_writes || money(&rate, half_known) >= money(&rate, known));
    }

    #[test]
    fn drafts_attempts_and_scores_are_in_the_full_ledger_only(
        price in price(),
        usages in vec(usage(), 4),
    ) {
        let model = model(price.clone());
        let ledger = Ledger::new(std::slice::from_ref(&model));
        let plain = ledger.step(&step(usages[0], true, &[]));
        let draft = ledger.step(&step(usages[1], false, &[]));
        let tried = ledger.step(&step(usages[0], true, &usages[2..3]));
        let scored = ledger.score(&score(usages[3]), &model, Role::Prm);
        prop_assert_eq!(draft.published(), Some(0.0));
        prop_assert_eq!(scored.published(), Some(0.0));
        prop_assert_eq!(tried.published(), plain.published());
        let all = tried.plus(&draft).plus(&scored);
        prop_assert_eq!(all.published(), plain.published());
        let rate = Rate::Money(price);
        let whole: Decimal = usages.iter().map(|&usage| money(&rate, usage)).sum();
        prop_assert_eq!(all.full(), Some(Amount::Money(whole).value()));
    }

    #[test]
    fn the_order_of_addition_does_not_matter(
        price in price(),
        steps in vec((usage(), any::<bool>(), vec(usage(), 0..3)), 0..12),
        seed in any::<prop::sample::Index>(),
    ) {
        let ledger = Ledger::new(&[model(price)]);
        let steps: Vec<StepRecord> = steps
            .iter()
            .map(|(usage, kept, attempts)| step(*usage, *kept, attempts))
            .collect();
        let mut turned = steps.clone();
        if !turned.is_empty() {
            let by = seed.index(turned.len());
            turned.rotate_left(by);
            turned[by..].reverse();
        }
        prop_assert_eq!(ledger.total(&steps), ledger.total(&turned));
        // In groups, as shards add them up.
        let (one, other) = steps.split_at(steps.len() / 2);
        let pooled = ledger.total(other).plus(&ledger.total(one));
        prop_assert_eq!(ledger.total(&steps), pooled);
    }
}
