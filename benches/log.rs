//! The log: appending steps, indexing 100,000 lines, loading one trajectory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use pointsman::trace::record::{
    Confidence, Continuation, Purpose, Record, StepEnd, StepRecord, Token, Usage, ValueKind,
};
use pointsman::trace::{Log, LogWriter};

const APPENDED: usize = 10_000;
const INDEXED: usize = 100_000;
const STEPS: usize = 10;
const TOKENS: usize = 20;

/// Step `number` of a log in which every problem has [`STEPS`] steps.
fn step(number: usize) -> Record {
    let id = |number: usize| format!("{number:016x}");
    let token = |place: usize| Token {
        text: format!(" {place}").into(),
        logprob: Some(-0.125),
        max_logit: Some(21.5),
        top_logits: Vec::new(),
        top: Vec::new(),
        math: place.is_multiple_of(2),
    };
    let index = number % STEPS;
    Record::Step(Arc::new(StepRecord {
        run: "0123456789abcdef".into(),
        id: id(number),
        parent: (index > 0).then(|| id(number - 1)),
        problem: format!("test-{}", number / STEPS),
        index: index as u32 + 1,
        model: "small".into(),
        text: "Then $x = \\frac{1}{2}$, so the sum is \"17\" in all.".into(),
        purpose: Purpose::Step,
        kept: true,
        decision: Some(id(number)),
        tokens: (0..TOKENS).map(token).collect(),
        confidence: Confidence {
            value: Some(0.875),
            source: "prob".into(),
            fallback: false,
            kind: ValueKind::RawLogit,
            unavailable: None,
            measures: [("logit".into(), 21.5)].into(),
        },
        usage: Usage {
            prompt: 120,
            cached: Some(100),
            output: TOKENS as u64,
            ..Usage::default()
        },
        attempts: Vec::new(),
        end: StepEnd::Delimiter,
        end_note: None,
        continuation: Continuation::Exact,
        seed: 1,
        seconds: 0.125,
        at: "2026-01-01T00:00:00Z".into(),
    }))
}

fn steps(count: usize) -> Vec<Record> {
    (0..count).map(step).collect()
}

fn write(path: &Path, records: &[Record]) {
    let mut writer = LogWriter::create_or_append(path, false).expect("a writable temporary folder");
    for record in records {
        writer
            .append(std::slice::from_ref(record))
            .expect("room on the disk");
    }
}

fn append(criterion: &mut Criterion) {
    let records = steps(APPENDED);
    let mut group = criterion.benchmark_group("log");
    group.sample_size(10);
    group.throughput(Throughput::Elements(APPENDED as u64));
    group.bench_function("append 10k steps", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().expect("a temporary folder"),
            |folder| {
                write(&folder.path().join("log.jsonl"), &records);
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn index(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("log.jsonl");
    write(&path, &steps(INDEXED));
    let open = || Log::open(&[&path]).expect("a readable log");
    let mut group = criterion.benchmark_group("log");
    group.sample_size(10);
    group.throughput(Throughput::Elements(INDEXED as u64));
    group.bench_function("index 100k lines", |bencher| bencher.iter(open));
    group.finish();
    let log = open();
    let mut group = criterion.benchmark_group("log");
    group.bench_function("load one trajectory", |bencher| {
        bencher.iter(|| {
            log.tree(black_box("0123456789abcdef"), black_box("test-5000"))
                .expect("the trajectory is there")
        });
    });
    group.finish();
}

criterion_group!(benches, append, index);
criterion_main!(benches);
