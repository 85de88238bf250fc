//! 1.1 million steps of a hundred thousand trajectories: filtering and arranging
//! the table, deciding all of them again.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman::app::Table;
use pointsman::eval::analysis::{Analysis, Ask};
use pointsman::eval::regret::Regrets;
use pointsman::eval::what_if::{Band, Rule, WhatIf};
use pointsman::expr::{Expr, Scope};
use pointsman::problem::Problem;
use pointsman::problem::answer::Verdict;
use pointsman::router::{RouterSpec, for_pool};
use pointsman::survey::{Fact, Survey};
use pointsman::trace::record::{
    Confidence, Continuation, CostFacts, DecisionRecord, FORMAT, ModelFacts, OutcomeRecord,
    ProblemRecord, Purpose, Record, RunRecord, Sampling, StepEnd, StepRecord, TrajectoryEnd, Usage,
    ValueKind,
};
use pointsman::train::params::CostLedger;
use pointsman::tui::sessions;

const TRAJECTORIES: usize = 100_000;
/// Ten decisions: all but the first step are decided about.
const STEPS: usize = 11;
/// Trajectories that the screen lists of a band.
const LISTED: usize = 1000;
const ROUTER: &str = "threshold:t=0.5";

/// A run: its name and its threshold.
#[derive(Clone, Copy)]
struct Run {
    name: &'static str,
    t: f64,
}

/// The run that is asked about.
const ASKED: Run = Run { name: "r", t: 0.5 };
/// One that goes its way until the other decides otherwise.
const OTHER: Run = Run { name: "b", t: 0.1 };

fn head(run: Run) -> RunRecord {
    let model = |name: &str, params: f64| ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "recorded")
    };
    let spec: RouterSpec = format!("threshold:t={}", run.t).parse().expect("a spec");
    RunRecord {
        format: FORMAT,
        run: run.name.into(),
        key: run.name.into(),
        started: "2026-01-02T03:04:05Z".into(),
        version: "0".into(),
        command: "solve".into(),
        router: spec.facts(BTreeMap::new()),
        pool: vec![model("small", 1e6), model("large", 1e7)],
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

/// A fixed sequence that no compiler foresees, from 0 to 1.
struct Numbers(u64);

impl Numbers {
    fn of(seed: usize) -> Self {
        let mut numbers = Self(seed as u64);
        for _ in 0..4 {
            numbers.next();
        }
        numbers
    }

    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

fn add(survey: &mut Survey, record: &Record) {
    survey.add(Fact::of(record).expect("a fact"));
}

fn trajectory(survey: &mut Survey, run: Run, n: usize) {
    let problem = format!("p{n}");
    let mut numbers = Numbers::of(n);
    // Of whom the text is: that of the run that is asked about, as long as the
    // other one decides alike.
    let mut text_of = ASKED.name;
    let id = |step: usize| format!("{:016x}", n * 100 + step + 1);
    add(
        survey,
        &Record::Problem(ProblemRecord {
            run: run.name.into(),
            problem: Problem {
                id: problem.clone(),
                question: "What is 6 times 7?".into(),
                gold: Some("42".into()),
                difficulty: Some((n % 9) as f64),
                domain: Some(["algebra", "geometry", "number"][n % 3].into()),
                source: "bench".into(),
            },
        }),
    );
    let mut by_large = false;
    let mut cost = 0.0;
    for step in 0..STEPS {
        let u = numbers.next();
        cost += if by_large { 1e8 } else { 1e7 };
        let record = StepRecord {
            run: run.name.into(),
            id: id(step),
            parent: step.checked_sub(1).map(id),
            problem: problem.clone(),
            index: step as u32 + 1,
            model: if by_large { "large" } else { "small" }.into(),
            text: format!("step {n} {step} {text_of}"),
            purpose: Purpose::Step,
            kept: true,
            decision: None,
            tokens: Vec::new(),
            confidence: Confidence {
                value: Some(u),
                source: "prob".into(),
                fallback: false,
                kind: ValueKind::LogprobPreTemperature,
                unavailable: None,
                measures: BTreeMap::new(),
            },
            usage: Usage {
                output: 5,
                ..Usage::default()
            },
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            continuation: Continuation::Exact,
            seed: step as u64,
            seconds: 0.1,
            at: String::new(),
        };
        add(survey, &Record::Step(Arc::new(record)));
        by_large = u < run.t;
        if by_large != (u < ASKED.t) && text_of != run.name {
            text_of = run.name;
            numbers = Numbers::of(TRAJECTORIES + n);
        }
        if step + 1 < STEPS {
            let made = DecisionRecord {
                run: run.name.into(),
                id: id(step),
                problem: problem.clone(),
                after: Some(id(step)),
                router: "threshold".into(),
                observation: BTreeMap::new(),
                probabilities: Vec::new(),
                threshold: Some(run.t),
                action_set: vec!["small".into()],
                action: if by_large { "large" } else { "small" }.into(),
                reason: String::new(),
                propensity: 1.0,
                draft: None,
                overridden: None,
                rollout: false,
            };
            add(survey, &Record::Decision(Arc::new(made)));
        }
    }
    let verdict = match numbers.next() < 0.7 {
        true => Verdict::Correct,
        false => Verdict::Wrong,
    };
    let outcome = OutcomeRecord {
        run: run.name.into(),
        problem,
        leaf: Some(id(STEPS - 1)),
        answer: Some("42".into()),
        gold: Some("42".into()),
        verdict,
        grader: "rules".into(),
        rule: "exact".into(),
        reason: None,
        extraction: None,
        forms: None,
        steps: STEPS as u32,
        cost: CostFacts {
            published: Some(cost),
            ..CostFacts::default()
        },
        end: TrajectoryEnd::Finished,
        steps_by_model: BTreeMap::new(),
        error: None,
        regraded: None,
        rollout: false,
    };
    add(survey, &Record::Outcome(Box::new(outcome)));
}

fn survey(runs: &[Run]) -> Survey {
    let mut survey = Survey::default();
    for &run in runs {
        add(&mut survey, &Record::Run(Box::new(head(run))));
        for n in 0..TRAJECTORIES {
            trajectory(&mut survey, run, n);
        }
    }
    survey
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
fn what_if(criterion: &mut Criterion, survey: &Survey, known: &str) {
    let head = survey.runs()[0].head.as_ref().expect("a head");
    let router = for_pool(&ROUTER.parse().expect("a spec"), &head.pool).expect("a router");
    let rule = Rule::Of(&*router);
    let mut group = criterion.benchmark_group(format!("what-if over a million decisions, {known}"));
    group.throughput(Throughput::Elements((TRAJECTORIES * (STEPS - 1)) as u64));
    group.sample_size(10);
    group.bench_function("made", |bench| {
        bench.iter(|| black_box(WhatIf::new(survey, 0, &rule, CostLedger::Published).is_ok()));
    });
    let what_if = WhatIf::new(survey, 0, &rule, CostLedger::Published).expect("a what-if");
    for value in [0.5, 0.45, 0.1] {
        group.bench_function(format!("at t = {value}"), |bench| {
            bench.iter(|| black_box(what_if.at(black_box(value))));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group(format!("the list of a band, {known}"));
    group.sample_size(10);
    for value in [0.45, 0.1] {
        for band in [Band::Branched, Band::Unknown] {
            group.bench_function(format!("{} at t = {value}", band.name()), |bench| {
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
}

criterion_group!(benches, all);
criterion_main!(benches);
