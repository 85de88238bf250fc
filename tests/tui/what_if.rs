//! The what-if screen: keys in, bands and pictures out.

use pointsman::app::Screen;
use pointsman::eval::what_if::Band;

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Script, Stage, live, problems, run, say};
use crate::tables::two_runs;

fn value(stage: &Stage) -> f64 {
    (stage.model.what_if.value * 1e4).round() / 1e4
}

#[test]
fn the_slider_decides_the_log_again_and_opens_where_it_changes() {
    let (mut stage, _folder) = two_runs();
    stage.keys("t");
    assert_eq!(stage.model.view.screen, Screen::WhatIf);
    assert_eq!(value(&stage), 0.6, "as logged");
    let slid = &stage.model.what_if;
    assert_eq!((slid.now.unchanged, slid.now.coverage()), (3, 1.0));
    // Down to t = 0.1 the small model goes on everywhere, as it did in the
    // other run.
    stage.keys("1 0 0 h");
    assert_eq!(value(&stage), 0.1);
    let slid = &stage.model.what_if;
    let bands = Band::ALL.map(|band| slid.now.count(band));
    assert_eq!(bands, [0, 3, 0]);
    // What changed is listed at once.
    assert_eq!(slid.listed(), Band::Branched);
    stage.keys("j j enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    let entry = &stage.model.entries[stage.model.current];
    assert_eq!((entry.problem.as_str(), stage.at()), ("root", 1));
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::WhatIf);
    assert_eq!(value(&stage), 0.1, "where it was left");
    stage.keys("=");
    assert_eq!(value(&stage), 0.6);
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn bands_are_turned_and_a_cost_is_sought() {
    let (mut stage, _folder) = two_runs();
    stage.keys("t tab");
    assert_eq!(stage.model.what_if.listed(), Band::Branched);
    assert!(stage.model.what_if.list.is_empty());
    stage.keys("shift-tab");
    assert_eq!(stage.model.what_if.list.len(), 3);
    stage.keys("$");
    stage.type_text("50M");
    stage.keys("enter");
    let cost = stage.model.what_if.now.estimate.cost.unwrap();
    assert!(cost <= 50e6, "{cost}");
    assert!(value(&stage) < 0.6);
    stage.keys("$");
    stage.type_text("cheap");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("is no amount"), "{picture}");
}

#[test]
fn another_router_decides() {
    let (mut stage, _folder) = two_runs();
    stage.keys("t R ctrl-u");
    stage.type_text("rsd:delta=0.7");
    stage.keys("enter");
    assert_eq!(stage.model.what_if.now.unknown, 3, "no step has a reward");
    stage.keys("R ctrl-u");
    stage.type_text("random:p=0.3");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("no parameter to slide"), "{picture}");
    stage.keys("R ctrl-u");
    stage.type_text("nobody");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("unknown router `nobody`"), "{picture}");
    stage.keys("esc R ctrl-u");
    stage.type_text("policy:path=/nowhere");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("/nowhere"), "{picture}");
}

#[test]
fn a_live_run_is_decided_again_as_far_as_it_went() {
    let cues = [
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.4),
        say(ANSWER, 0.9),
    ];
    let mut stage = Stage::on(live(run("threshold:t=0.6", 4)), problems(), cues);
    stage.keys("t");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(
        picture.contains("no trajectory that came to an end"),
        "{picture}"
    );
    stage.keys("t c t");
    assert_eq!(stage.model.what_if.what_if().unwrap().trajectories(), 1);
    assert!(matches!(stage.script, Script::Cues(_)));
}

#[test]
fn what_if_at_every_size() {
    let (mut stage, _folder) = two_runs();
    stage.keys("t 8 0 h");
    for size in [(80, 24), (120, 40), (200, 60)] {
        let name = format!("what-if-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
}
