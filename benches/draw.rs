//! The frame: a session of twelve steps at three sizes, from nothing and with
//! everything wrapped already.

#[path = "../tests/common/stage.rs"]
mod stage;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use pointsman::tui::screens::{self, ViewCache};
use pointsman::tui::theme::{ColorDepth, Theme, Themes};

use stage::{Stage, say};

/// A trajectory of twelve steps as a model writes them, looked at in its middle.
fn twelve_steps() -> Stage {
    let cues = (1..=12).map(|step| {
        let text = format!(
            "Step {step}: we have $\\frac{{{step}}}{{2}} + \\sqrt{{{step}}} \\leq x_{step}$, so that \
             <<{step}*12={}>>{} cakes are left. Adding the two parts of the sum gives the number \
             that was asked for in this part of the problem, which is checked below.",
            step * 12,
            step * 12
        );
        say(&text, 0.4 + f64::from(step) / 20.0)
    });
    let mut stage = Stage::new(cues);
    for _ in 0..12 {
        stage.keys("space");
    }
    stage.keys("6 G");
    stage
}

fn frame(stage: &Stage, area: Rect, theme: &Theme, cache: &mut ViewCache) -> Buffer {
    let mut buffer = Buffer::empty(area);
    screens::draw(
        area,
        &mut buffer,
        &stage.model,
        theme,
        &stage.keymap,
        &stage.pending,
        cache,
    );
    buffer
}

fn draw(criterion: &mut Criterion) {
    let mut stage = twelve_steps();
    let theme = Themes::new(None).load("dark", ColorDepth::TrueColor).theme;
    let mut group = criterion.benchmark_group("draw");
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let area = Rect::new(0, 0, width, height);
        for source in [false, true] {
            stage.model.view.source = source;
            let form = if source { "source" } else { "readable" };
            group.bench_function(format!("{width}x{height}/{form}/first"), |bencher| {
                bencher.iter(|| black_box(frame(&stage, area, &theme, &mut ViewCache::default())));
            });
            let mut cache = ViewCache::default();
            group.bench_function(format!("{width}x{height}/{form}/steady"), |bencher| {
                bencher.iter(|| black_box(frame(&stage, area, &theme, &mut cache)));
            });
        }
    }
    group.finish();
}

/// Every screen on the log of the shipped tour, in the largest window: 4 ms is
/// what a frame may take.
fn every_screen(criterion: &mut Criterion) {
    let log = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/tours/demo.jsonl");
    let theme = Themes::new(None).load("dark", ColorDepth::TrueColor).theme;
    let area = Rect::new(0, 0, 200, 60);
    let mut group = criterion.benchmark_group("draw every screen at 200x60");
    for (name, keys) in [
        ("inspector", "3 G"),
        ("tree", "3 G T"),
        ("problems", "P z"),
        ("runs", "L"),
        ("what-if", "t"),
        ("values", "V"),
        ("calibration", "a"),
        ("distribution", "a tab"),
        ("escalation", "a tab tab"),
        ("cost", "a tab tab tab"),
        ("failures", "a tab tab tab tab"),
        ("rules", "a tab tab tab tab tab"),
        ("compare", "D"),
        ("labels", "A"),
        ("talk", "3 G f5"),
        ("help", "?"),
        ("palette", ":"),
    ] {
        let (log, survey) = pointsman::survey::read(&[&log]).expect("the shipped log");
        let (model, opener) = pointsman::tui::sessions::replay(log, survey, Vec::new());
        let mut stage = Stage::of(model, opener, stage::Script::Cues([].into()));
        stage.keys(keys);
        let mut cache = ViewCache::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(frame(&stage, area, &theme, &mut cache)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = draw, every_screen
}
criterion_main!(benches);
