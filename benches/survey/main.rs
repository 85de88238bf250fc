//! 1.1 million steps of a hundred thousand trajectories: filtering and arranging
//! the table, deciding all of them again.

mod records;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman::app::Table;
use pointsman::eval::analysis::{Analysis, Ask};
use pointsman::eval::regret::Regrets;
use pointsman::eval::what_if::{self, Band, WhatIf};
use pointsman::expr::{Expr, Scope};
use pointsman::router::for_pool;
use pointsman::survey::Survey;
use pointsman::train::params::CostLedger;
use pointsman::tui::sessions;

use records::{Rule, Run, STEPS, TRAJECTORIES, survey};

/// Trajectories that the screen lists of a band.
const LISTED: usize = 1000;

/// The value as logged, one at which a part changes, and those at which nearly
/// everything does.
const VALUES: [f64; 4] = [0.5, 0.45, 0.1, 0.9];

/// The run that is asked about.
const ASKED: Run = run("r", Rule::Threshold(0.5), Rule::Threshold(0.5));
/// One that goes its way until the other decides otherwise.
const OTHER: Run = run("b", Rule::Threshold(0.1), Rule::Threshold(0.5));
/// The same of a rule on drafts.
const RSD: Run = run("r", Rule::Rsd(0.5), Rule::Rsd(0.5));
const OTHER_RSD: Run = run("b", Rule::Rsd(0.1), Rule::Rsd(0.5));

const fn run(name: &'static str, rule: Rule, like: Rule) -> Run {
    Run { name, rule, like }
}

fn filters(criterion: &mut Criterion, survey: &Survey) {
    let mut group = criterion.benchmark_group("filter over 1.1 million steps");
    group.throughput(Throughput::Elements((TRAJECTORIES * STEPS) as u64));
    group.sample_size(20);
    for text in [
        "wrong & large_share < 0.6 & any(confidence < 0.1 & model = small)",
        "mean(confidence) > 0.5 & count(escalation) < 4",
    ] {
        let expr = Expr::condition(text, Scope::Trajectory).expect("it parses");
        let asked = survey.ask(&expr).expect("it can be asked");
        group.bench_function(text, |bench| {
            bench.iter(|| {
                let held = (0..TRAJECTORIES).filter(|&place| asked.holds(survey, place));
                black_box(held.count())
            });
        });
    }
    group.finish();
}

fn tables(criterion: &mut Criterion, survey: &Survey) {
    let mut group = criterion.benchmark_group("a table of 100,000 trajectories");
    group.sample_size(10);
    group.bench_function("sorted and grouped", |bench| {
        bench.iter(|| {
            let mut table = Table::default();
            table
                .take(pointsman::app::Use::Sort, "-cost", survey)
                .and_then(|()| table.take(pointsman::app::Use::Group, "domain", survey))
                .expect("expressions");
            table.refresh(survey, false);
            black_box(table.rows.len())
        });
    });
    group.finish();
}

/// `known`: what the log knows beside the run.
#[expect(clippy::print_stderr, reason = "says what is measured")]
fn what_if(criterion: &mut Criterion, survey: &Survey, known: &str) {
    let head = survey.runs()[0].head.as_ref().expect("a head");
    let spec = head.router.spec.parse().expect("a spec");
    let router = for_pool(&spec, &head.pool).expect("a router");
    let rule = what_if::Rule::Of(&*router);
    let symbol = router.slider().expect("a parameter").symbol;
    let name = format!("what-if over a million decisions by {symbol}, {known}");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements((TRAJECTORIES * (STEPS - 1)) as u64));
    group.sample_size(10);
    group.bench_function("made", |bench| {
        bench.iter(|| black_box(WhatIf::new(survey, 0, &rule, CostLedger::Published).is_ok()));
    });
    let what_if = WhatIf::new(survey, 0, &rule, CostLedger::Published).expect("a what-if");
    for value in VALUES {
        let outlook = what_if.at(value);
        eprintln!(
            "{symbol} = {value}: {} unchanged, {} branched, {} unknown",
            outlook.unchanged, outlook.branched, outlook.unknown
        );
        group.bench_function(format!("at {symbol} = {value}"), |bench| {
            bench.iter(|| black_box(what_if.at(black_box(value))));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group(format!("the list of a band by {symbol}, {known}"));
    group.sample_size(10);
    for &value in &VALUES[1..] {
        for band in [Band::Branched, Band::Unknown] {
            group.bench_function(format!("{} at {symbol} = {value}", band.name()), |bench| {
                bench.iter(|| black_box(what_if.changed(black_box(value), band, LISTED)));
            });
        }
    }
    group.finish();
}

/// What is worked out beside the screen.
fn beside(criterion: &mut Criterion, survey: &Survey) {
    let places: Vec<usize> = (0..TRAJECTORIES).collect();
    let mut group = criterion.benchmark_group("beside the screen, over 1.1 million steps");
    group.throughput(Throughput::Elements((TRAJECTORIES * STEPS) as u64));
    group.sample_size(10);
    group.bench_function("regrets of one run", |bench| {
        bench.iter(|| black_box(Regrets::of(survey, &sessions::build).control));
    });
    group.bench_function("analysis", |bench| {
        bench.iter(|| black_box(Analysis::of(survey, &places, Ask::default()).trajectories));
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    let survey = survey(&[ASKED]);
    filters(criterion, &survey);
    tables(criterion, &survey);
    what_if(criterion, &survey, "nothing beside them");
    beside(criterion, &survey);
    drop(survey);
    let survey = self::survey(&[ASKED, OTHER]);
    what_if(criterion, &survey, "another run beside them");
    drop(survey);
    let survey = self::survey(&[RSD]);
    what_if(criterion, &survey, "nothing beside them");
    drop(survey);
    let survey = self::survey(&[RSD, OTHER_RSD]);
    what_if(criterion, &survey, "another run beside them");
}

criterion_group!(benches, all);
criterion_main!(benches);
