//! How fast answers are found and compared: our own labelled pairs, one core
//! and all, and the slowest inputs that were thought of.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman::headless::grade::grade;
use pointsman::problem::answer::{compare, extract};
use std::hint::black_box;

const PAIRS: &str = include_str!("../tests/data/answer-pairs.jsonl");

fn pairs(c: &mut Criterion) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Enough for threads to be worth starting.
    let input = PAIRS.repeat(20);
    let count = input.lines().count() as u64;
    let mut group = c.benchmark_group("grade_pairs");
    group
        .throughput(Throughput::Elements(count))
        .sample_size(20);
    for cores in [1, cores] {
        group.bench_function(format!("{cores}_cores"), |b| {
            b.iter(|| grade(black_box(input.as_bytes()), std::io::sink(), cores).unwrap());
        });
    }
    group.finish();
}

fn kinds(c: &mut Criterion) {
    let mut group = c.benchmark_group("compare");
    for (name, gold, answer) in [
        ("integers", "18", "18.0"),
        ("fractions", "\\frac{7}{8}", "0.875"),
        (
            "surds",
            "\\sqrt{72} + \\frac{1}{\\sqrt{2}}",
            "\\frac{13\\sqrt{2}}{2}",
        ),
        ("polynomials", "(x+2)(x-3)(x+5)", "x^3+4x^2-11x-30"),
        ("transcendental", "\\sin 40^\\circ", "\\cos 50^\\circ"),
        ("functions", "\\cos 2x", "1 - 2\\sin^2 x"),
        ("sets", "1, 2, 3, 4, 5, 6", "\\{6, 5, 4, 3, 2, 1\\}"),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| compare(black_box(gold), black_box(answer)));
        });
    }
    group.finish();
}

fn worst(c: &mut Criterion) {
    let list = |from: usize| {
        let items: Vec<String> = (0..300)
            .map(|n| format!("\\sqrt{{{}}}+\\pi", (n + from) % 300))
            .collect();
        items.join(", ")
    };
    let text = "\\boxed{".repeat((1 << 20) / 7);
    let mut group = c.benchmark_group("worst");
    group.sample_size(10);
    for (name, gold, answer) in [
        ("tower", "5".to_owned(), "10^{10^{10}}".to_owned()),
        ("braces_1mb", "5".to_owned(), "{".repeat(1 << 20)),
        (
            "digits_10k",
            "7".repeat(10_000),
            format!("{}8", "7".repeat(9_999)),
        ),
        ("irrational_list", list(0), list(7)),
        (
            "trigonometric_sum",
            "1".to_owned(),
            (1..800).map(|n| format!("\\sin {n}+")).collect::<String>() + "1",
        ),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| compare(black_box(&gold), black_box(&answer)));
        });
    }
    group.bench_function("extract_1mb", |b| b.iter(|| extract(black_box(&text))));
    group.finish();
}

criterion_group!(benches, pairs, kinds, worst);
criterion_main!(benches);
