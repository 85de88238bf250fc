//! Training from a forest in memory: 100 iterations of 5 problems, a tenth of
//! a run, with the constants of the paper and with those that settle; and
//! what a rule does on a whole split.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use pointsman::problem::split::Split;
use pointsman::signal::confidence::Source;
use pointsman::signal::observation::Observation;
use pointsman::trace::record::{ModelFacts, TrajectoryEnd, Usage};
use pointsman::train::forest::{Alone, Child, Forest, Leaf, ProblemForest, Step};
use pointsman::train::learner::Learner;
use pointsman::train::params::Params;
use pointsman::train::prepared::{Encoding, Prepared};
use pointsman::train::report::of_policy;
use pointsman::train::rollout::ForestRollouts;
use pointsman::train::scores::scores;

const SEED: u64 = 7;
/// Steps of every trajectory: all of them, by both models, are in the forest.
const STEPS: u32 = 6;
const PROBLEMS: usize = 400;

/// A problem whose every prefix both models continue.
fn problem(number: usize, random: &mut ChaCha8Rng) -> ProblemForest {
    let mut problem = ProblemForest {
        id: format!("p{number}"),
        split: Split::Train,
        references: vec![Some(true), Some(true), Some(true), Some(random.random())],
        alone: Alone {
            published: Some(6e7),
            full: Some(9e7),
        },
        steps: Vec::new(),
        first: Vec::new(),
    };
    let first = grow(&mut problem, None, 0, 1, true, random);
    problem.first.push(first);
    problem
}

fn grow(
    problem: &mut ProblemForest,
    parent: Option<usize>,
    model: usize,
    index: u32,
    alive: bool,
    random: &mut ChaCha8Rng,
) -> Child {
    let confidence: f64 = random.random();
    let wrong = random.random_bool((1.0 - confidence).powi(2) / if model == 0 { 1.0 } else { 4.0 });
    let leaf = (index == STEPS).then_some(Leaf {
        success: Some(alive && !wrong),
        end: TrajectoryEnd::Finished,
    });
    let place = problem.steps.len();
    problem.steps.push(Step {
        id: format!("{place}"),
        parent,
        model,
        index,
        usage: Usage::default(),
        published: Some(if model == 0 { 4e6 } else { 6e7 }),
        full: Some(if model == 0 { 5e6 } else { 8e7 }),
        observation: leaf.is_none().then_some(Observation {
            confidence: Some(confidence),
            index,
            difficulty: None,
            has_answer: false,
            tokens: Some(30),
            writer: Some(model),
            models: 2,
        }),
        confidences: [Some(confidence); Source::ALL.len()],
        propensities: vec![0.5, 0.5],
        drawn: vec![0],
        children: Vec::new(),
        verdict: Some(!wrong),
        leaf,
    });
    if leaf.is_none() {
        for next in 0..2 {
            // The large model repairs what was wrong just before.
            let alive = alive && (!wrong || next == 1);
            let child = grow(problem, Some(place), next, index + 1, alive, random);
            problem.steps[place].children.push(child);
        }
    }
    Child {
        model,
        step: place,
        branches: 1,
    }
}

fn forest() -> Forest {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let model = |name: &str| ModelFacts::new(name, "embedded");
    Forest {
        key: "bench".into(),
        models: vec![model("small"), model("large")],
        unit: Some("flops".into()),
        signal: Source::Prob,
        problems: (0..PROBLEMS).map(|n| problem(n, &mut random)).collect(),
        skipped: Vec::new(),
        damages: Vec::new(),
        warnings: Vec::new(),
    }
}

fn training(c: &mut Criterion) {
    let forest = forest();
    let problems: Vec<&ProblemForest> = forest.problems.iter().collect();
    let encoding = Encoding::fit(&[], &forest, &problems).expect("a sound forest");
    let mut group = c.benchmark_group("training");
    group.sample_size(10);
    let settling = Params {
        batch: 5,
        ..Params::settling(0.05)
    };
    for (name, params) in [("paper", Params::default()), ("settling", settling)] {
        let prepared = Prepared::new(&forest, &problems, &encoding, &params).expect("a forest");
        group.bench_function(format!("100 iterations of 5, {name}"), |b| {
            b.iter(|| {
                let mut learner = Learner::new(params.clone(), encoding.features.len(), 2)
                    .expect("sound parameters");
                let mut rollouts = ForestRollouts::new(prepared.clone(), &params, None);
                for _ in 0..100 {
                    black_box(learner.advance(&mut rollouts).expect("usable rollouts"));
                }
            });
        });
        if name == "paper" {
            let learner = Learner::new(params, encoding.features.len(), 2).expect("sound");
            group.bench_function("scores of 400 problems", |b| {
                b.iter(|| black_box(scores(&prepared, learner.policy(), SEED)));
            });
            group.bench_function("a policy on 400 problems", |b| {
                b.iter(|| black_box(of_policy(&prepared, learner.policy(), 0.5)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, training);
criterion_main!(benches);
