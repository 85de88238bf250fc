//! A filter over a million steps in columns: what reading an expression for
//! each of them costs, without the log behind them.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman::expr::{Expr, Field, Scope, Source, Value};

const TRAJECTORIES: usize = 100_000;
const STEPS: usize = 10;

/// One trajectory of a table.
struct Row<'t> {
    confidences: &'t [f64],
    by_large: &'t [bool],
    wrong: bool,
}

impl Source for Row<'_> {
    fn steps(&self) -> usize {
        self.confidences.len()
    }

    fn of_trajectory(&self, field: Field) -> Value<'_> {
        match field {
            Field::Wrong => Value::Flag(self.wrong),
            Field::LargeShare => {
                let large = self.by_large.iter().filter(|large| **large).count();
                Value::Number(large as f64 / self.by_large.len() as f64)
            }
            _ => Value::Unknown,
        }
    }

    fn of_step(&self, at: usize, field: Field) -> Value<'_> {
        match field {
            Field::Confidence => Value::Number(self.confidences[at]),
            Field::Model if self.by_large[at] => Value::text("large"),
            Field::Model => Value::text("small"),
            _ => Value::Unknown,
        }
    }
}

fn filter(criterion: &mut Criterion) {
    // A fixed sequence that no compiler foresees.
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let confidences: Vec<f64> = (0..TRAJECTORIES * STEPS).map(|_| 30.0 * next()).collect();
    let by_large: Vec<bool> = (0..TRAJECTORIES * STEPS).map(|_| next() < 0.1).collect();
    let wrong: Vec<bool> = (0..TRAJECTORIES).map(|_| next() < 0.5).collect();
    let rows = || {
        wrong.iter().enumerate().map(|(at, &wrong)| {
            let steps = at * STEPS..(at + 1) * STEPS;
            Row {
                confidences: &confidences[steps.clone()],
                by_large: &by_large[steps],
                wrong,
            }
        })
    };
    let mut group = criterion.benchmark_group("expr");
    group.throughput(Throughput::Elements((TRAJECTORIES * STEPS) as u64));
    for text in [
        "wrong & large_share < 0.2 & any(confidence < 15 & model = small)",
        "count(confidence < 15) >= 5 | mean(confidence) > 20",
    ] {
        let condition = Expr::condition(text, Scope::Trajectory).expect("it is of the language");
        group.bench_function(text, |bencher| {
            bencher.iter(|| {
                rows()
                    .filter(|row| black_box(&condition).holds(row))
                    .count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, filter);
criterion_main!(benches);
