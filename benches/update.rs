//! One key: through the keymap, the model's update and its effects.

#[path = "../tests/common/stage.rs"]
mod stage;

use criterion::{Criterion, criterion_group, criterion_main};

use pointsman::tui::input::keys::{Code, Key};

use stage::{Heard, Stage, say};

fn update(criterion: &mut Criterion) {
    let cues = (1..=12).map(|step| say(&format!("step {step} = {step}"), 0.9));
    let mut stage = Stage::new(cues);
    for _ in 0..12 {
        stage.keys("space");
    }
    let mut group = criterion.benchmark_group("update");
    group.bench_function("move up and down", |bencher| {
        bencher.iter(|| {
            stage.key(Key::plain(Code::Char('k')));
            stage.key(Key::plain(Code::Char('j')));
            stage.heard.clear();
        });
    });
    group.bench_function("open and close the palette, typing", |bencher| {
        bencher.iter(|| {
            stage.keys(": r u n esc");
            stage.heard.clear();
        });
    });
    group.bench_function("resize", |bencher| {
        bencher.iter(|| {
            stage.hear(Heard::Resize(80, 24));
            stage.heard.clear();
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = update
}
criterion_main!(benches);
