//! `eval`: from a log of 100,000 steps to the table.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use pointsman::eval::table::{Over, Pairs};
use pointsman::eval::{Outcomes, Rows, Table};
use pointsman::train::params::CostLedger;

const STEPS: usize = 100_000;
/// Steps of a trajectory, tokens of a step.
const LENGTH: usize = 8;
const TOKENS: usize = 20;
const ROUTERS: [&str; 5] = [
    "small",
    "large",
    "threshold:t=0.5",
    "threshold:t=0.7",
    "threshold:t=0.9",
];

/// One run: its head, and for every problem its question, its steps and its
/// outcome, as `solve` writes them.
fn run(text: &mut String, number: usize, problems: usize) {
    let spec = ROUTERS[number];
    let name = spec.split(':').next().unwrap();
    let model = |name: &str, params: f64| {
        format!(r#"{{"name":"{name}","server":"embedded","params":{params}}}"#)
    };
    let _ = writeln!(
        text,
        r#"{{"record":"run","format":1,"run":"r{number}","key":"k{number}","started":"","version":"0","command":"solve","router":{{"spec":"{spec}","name":"{name}","parameters":{{"t":{number}}},"files":{{}}}},"pool":[{},{}],"sampling":{{"temperature":0.7,"top_p":1.0,"max_tokens":512,"max_steps":40}},"seed":0,"signal":"prob","cost_unit":"flops"}}"#,
        model("small", 1e6),
        model("large", 1e7),
    );
    let token = r#"{"text":" 17","logprob":-0.125,"max_logit":21.5,"math":true}"#;
    let tokens = vec![token; TOKENS].join(",");
    for problem in 0..problems {
        let _ = writeln!(
            text,
            r#"{{"record":"problem","run":"r{number}","id":"p{problem}","question":"What is {problem} + 1?","gold":"1","source":"plain"}}"#
        );
        for step in 0..LENGTH {
            let _ = writeln!(
                text,
                r#"{{"record":"step","run":"r{number}","id":"{problem:08x}{step:08x}","parent":null,"problem":"p{problem}","index":{step},"model":"small","text":"Then $x$ is \"17\" in all.","purpose":"step","kept":true,"tokens":[{tokens}],"confidence":{{"value":0.875,"source":"prob","kind":"raw-logit"}},"usage":{{"prompt":120,"cached":100,"output":20}},"end":"delimiter","continuation":"exact","seed":1,"seconds":0.125,"at":"2026-01-01T00:00:00Z"}}"#
            );
        }
        let right = (problem * (number + 3)) % 10 < 3 + number;
        let verdict = if right { "correct" } else { "wrong" };
        let cost = 1e8 * (1 + number) as f64;
        let _ = writeln!(
            text,
            r#"{{"record":"outcome","run":"r{number}","problem":"p{problem}","leaf":"x","answer":"1","gold":"1","verdict":"{verdict}","grader":"rules-v1","rule":"number","steps":{LENGTH},"cost":{{"published":{cost},"full":{cost},"upper_bound":false}},"end":"finished","steps_by_model":{{"small":{LENGTH}}}}}"#
        );
    }
}

fn eval(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let problems = STEPS / LENGTH / ROUTERS.len();
    let mut text = String::new();
    for number in 0..ROUTERS.len() {
        run(&mut text, number, problems);
    }
    std::fs::write(&path, text).unwrap();
    let mut group = criterion.benchmark_group("eval");
    group.sample_size(10);
    group.throughput(Throughput::Elements(STEPS as u64));
    group.bench_function("read 100k steps", |bencher| {
        bencher.iter(|| Outcomes::read(black_box(&[&path])).unwrap());
    });
    let rows = Rows::of(&Outcomes::read(&[&path]).unwrap());
    assert_eq!(rows.rows.len(), ROUTERS.len());
    let table = |pairs| Table::of(black_box(&rows), Over::All, CostLedger::Published, pairs);
    group.bench_function("table of 5 rows", |bencher| {
        bencher.iter(|| table(&Pairs::Default).unwrap());
    });
    group.bench_function("table of 5 rows, all pairs", |bencher| {
        bencher.iter(|| table(&Pairs::All).unwrap());
    });
    group.finish();
}

criterion_group!(benches, eval);
criterion_main!(benches);
