//! Two trajectories of forty steps: aligned, and told apart word by word;
//! two texts of a megabyte.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use pointsman::eval::compare::{Alignment, Difference, Step};

/// Words of the texts; numbers and formulas are among them.
const WORDS: usize = 400;

fn word(rng: &mut ChaCha8Rng) -> String {
    let number = rng.random_range(0..WORDS);
    match rng.random_range(0..10) {
        0 => format!("{number}.5"),
        1 => format!(r"$\frac{{{number}}}{{2}} + x_{{{number}}}$"),
        2 => format!("{number},"),
        _ => format!("word{number}"),
    }
}

fn sentence(rng: &mut ChaCha8Rng, words: usize) -> String {
    let words: Vec<String> = (0..words).map(|_| word(rng)).collect();
    words.join(" ")
}

/// The text with some words changed, taken away and put in.
fn changed(text: &str, rng: &mut ChaCha8Rng) -> String {
    let mut words: Vec<String> = Vec::new();
    for old in text.split(' ') {
        match rng.random_range(0..20) {
            0 => words.push(word(rng)),
            1 => {}
            2 => words.extend([old.to_owned(), word(rng)]),
            _ => words.push(old.to_owned()),
        }
    }
    words.join(" ")
}

fn steps(texts: &[String]) -> Vec<Step<'_>> {
    let step = |text| Step {
        text,
        writer: "small",
    };
    texts.iter().map(|text| step(text)).collect()
}

fn compare(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let left: Vec<String> = (0..40).map(|_| sentence(&mut rng, 60)).collect();
    let mut right: Vec<String> = left.iter().map(|text| changed(text, &mut rng)).collect();
    // The beginning is shared, and three steps are missing.
    right[..10].clone_from_slice(&left[..10]);
    right.drain(20..23);
    let (ours, theirs) = (steps(&left), steps(&right));
    let alignment = Alignment::of(&ours, &theirs);
    assert_eq!(alignment.rows.len(), 40);
    let mut group = criterion.benchmark_group("compare");
    group.bench_function("align 40 steps", |bencher| {
        bencher.iter(|| black_box(Alignment::of(black_box(&ours), black_box(&theirs))));
    });
    group.bench_function("words of 40 steps", |bencher| {
        bencher.iter(|| {
            for row in &alignment.rows {
                if let (Some(a), Some(b)) = (row.left, row.right) {
                    black_box(Difference::of(&left[a], &right[b]));
                }
            }
        });
    });
    let mut long = String::new();
    while long.len() < 1 << 20 {
        long.push_str(&sentence(&mut rng, 100));
        long.push('\n');
    }
    let end = long.floor_char_boundary(long.len() / 2);
    let one = format!("{}other{}", &long[..end], &long[end..]);
    let many = changed(&long, &mut rng);
    group.sample_size(10);
    group.bench_function("one word in a megabyte", |bencher| {
        bencher.iter(|| black_box(Difference::of(&long, &one)));
    });
    group.bench_function("words all over a megabyte", |bencher| {
        bencher.iter(|| black_box(Difference::of(&long, &many)));
    });
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
