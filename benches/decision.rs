//! One routing decision: the threshold rule, STEER's posterior, a percentile,
//! and a policy network of three layers of 64.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use pointsman::policy::{Checkpoint, HIDDEN, Network, Normalisation, PolicyFacts};
use pointsman::router::{RouterSpec, build};
use pointsman::signal::observation::Observation;

const SEED: u64 = 7;
const FEATURES: [&str; 7] = [
    "confidence",
    "step",
    "difficulty",
    "has_answer",
    "tokens",
    "writer_0",
    "writer_1",
];

fn observation() -> Observation {
    Observation {
        confidence: Some(0.62),
        index: 5,
        difficulty: Some(4.0),
        has_answer: false,
        tokens: Some(48),
        writer: Some(0),
        models: 2,
    }
}

fn checkpoint(models: &[String]) -> Checkpoint {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut sizes = vec![FEATURES.len()];
    sizes.extend(HIDDEN);
    sizes.push(models.len());
    let layers = sizes.windows(2).map(|pair| {
        let mut draw = |count: usize| (0..count).map(|_| random.random_range(-0.2..0.2)).collect();
        (pair[0], draw(pair[0] * pair[1]), draw(pair[1]))
    });
    let network = Network::from_layers(layers.collect());
    let facts = PolicyFacts {
        format: 1,
        features: FEATURES.map(str::to_owned).to_vec(),
        normalisation: Normalisation {
            mean: vec![0.5; FEATURES.len()],
            scale: vec![2.0; FEATURES.len()],
            ranks: BTreeMap::new(),
        },
        models: models.to_vec(),
        kappa: 0.3,
        epsilon: 0.01,
        signal: "prob".into(),
        escalation: "per-step".into(),
        weights: None,
        training: BTreeMap::new(),
    };
    Checkpoint {
        facts,
        network,
        files: BTreeMap::new(),
    }
}

fn decision(criterion: &mut Criterion) {
    let models = ["small".to_owned(), "large".to_owned()];
    let folder = tempfile::tempdir().expect("a folder for the policy");
    checkpoint(&models)
        .save(folder.path())
        .expect("the policy is written");
    let policy = format!("policy:path={}", folder.path().display());
    let seen = observation();
    let mut group = criterion.benchmark_group("decision");
    let pair = ["embedded-small".to_owned(), "embedded-large".to_owned()];
    for (name, spec, models) in [
        ("threshold", "threshold:t=0.6", &models),
        ("steer", "steer:gamma=0.5", &pair),
        ("percentile", "percentile:p=30", &pair),
        ("policy", &policy, &models),
    ] {
        let spec: RouterSpec = spec.parse().expect("a router spec");
        let router = build(&spec, models, None).expect("the router fits the pool");
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(router.decide(black_box(&seen), 0.5)));
        });
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
