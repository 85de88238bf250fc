//! Tokens per second of the local models at batch 1 and in ragged batches,
//! with random weights in the shapes of the embedded pair.
//!
//! One iteration is one token of every sequence: forward pass, statistics
//! over the vocabulary and sampling, at context lengths from 64 to 256.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman::model::endpoint::{Endpoint, NoProgress, StepRequest};
use pointsman::model::local::LocalEndpoint;
use pointsman::model::local::cache::Slot;
use pointsman::model::local::forward::{Chunk, Logits, Network};
use pointsman::model::local::sample::{RowStats, Sampler};
use pointsman::trace::record::Role;

#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use all of it"
)]
#[path = "../tests/local_model/fixture.rs"]
mod fixture;

use fixture::{LARGE, SMALL};

const PROMPT: usize = 64;
const LONGEST: usize = 256;

struct Decoder {
    network: Network,
    slots: Vec<Slot>,
    next: Vec<u32>,
    sampler: Sampler,
}

impl Decoder {
    fn new(shape: fixture::Shape, sequences: usize) -> Self {
        let network = shape.network(1);
        let mut slots: Vec<Slot> = (0..sequences)
            .map(|_| Slot::new(network.config(), LONGEST))
            .collect();
        let prompt = [4; PROMPT];
        for slot in 0..sequences {
            // Ragged: no two of the same length.
            let tokens = &prompt[slot..];
            let chunk = Chunk {
                slot,
                tokens,
                logits: Logits::None,
            };
            network
                .forward(&mut slots, &[chunk])
                .expect("the prompt fits");
        }
        Self {
            network,
            slots,
            next: vec![5; sequences],
            sampler: Sampler::new(1, 0.7, 1.0),
        }
    }

    fn step(&mut self) {
        for slot in &mut self.slots {
            if slot.tokens.len() >= LONGEST {
                slot.truncate(PROMPT);
            }
        }
        let chunks: Vec<Chunk<'_>> = self
            .next
            .chunks(1)
            .enumerate()
            .map(|(slot, tokens)| Chunk {
                slot,
                tokens,
                logits: Logits::Last,
            })
            .collect();
        let logits = self
            .network
            .forward(&mut self.slots, &chunks)
            .expect("a valid batch");
        for (next, logits) in self.next.iter_mut().zip(&logits) {
            let stats = RowStats::of(logits).expect("finite logits");
            *next = self.sampler.draw(logits, &stats);
            black_box(stats.logprob(logits[*next as usize]));
        }
    }
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("local_decode");
    for (name, shape) in [("small", SMALL), ("large", LARGE)] {
        for sequences in [1, 8, 16] {
            let mut decoder = Decoder::new(shape, sequences);
            group.throughput(Throughput::Elements(sequences as u64));
            group.bench_function(format!("{name}/batch_{sequences}"), |b| {
                b.iter(|| decoder.step());
            });
        }
    }
    group.finish();
}

/// Whole steps through the endpoint: prompt matching, detokenisation, the
/// alternatives' texts and progress included.
fn steps(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut group = criterion.benchmark_group("local_step");
    for (name, shape) in [("small", SMALL), ("large", LARGE)] {
        let source = shape.source(1, &fixture::word_tokenizer());
        let spec = fixture::spec(name, None);
        let endpoint =
            LocalEndpoint::from_source(&spec, source, fixture::render()).expect("a valid model");
        let step = |seed| {
            let request = StepRequest {
                question: "How many pens has Eva? ".repeat(4),
                prefix: String::new(),
                temperature: 0.7,
                top_p: 1.0,
                max_tokens: 64,
                seed,
                role: Role::Step,
                affinity: String::new(),
            };
            let reply = runtime.block_on(endpoint.step(request, &NoProgress));
            reply.expect("a step").usage.output
        };
        let (seed, output) = (0..)
            .map(|seed| (seed, step(seed)))
            .find(|&(_, output)| output == 64)
            .expect("some seed gives a long step");
        group.throughput(Throughput::Elements(output));
        group.bench_function(name, |b| b.iter(|| step(seed)));
    }
    group.finish();
}

criterion_group!(benches, decode, steps);
criterion_main!(benches);
