//! The what-if screen: keys in, bands and pictures out.

use pointsman::app::action::Action;
use pointsman::app::{Effect, Msg, Screen, Work, update};
use pointsman::eval::what_if::Band;
use pointsman::train::params::CostLedger;
use pointsman::tui::sessions;

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
fn costs_are_counted_in_either_ledger_where_one_stands() {
    let (mut stage, _folder) = two_runs();
    stage.keys("t 1 0 0 h");
    let published = stage.model.what_if.now.estimate.cost;
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("published cost"), "{picture}");
    stage.keys("F");
    assert_eq!(value(&stage), 0.1, "where it was");
    assert_eq!(stage.model.what_if.ledger(), CostLedger::Full);
    let full = stage.model.what_if.now.estimate.cost;
    assert_ne!(full, published);
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("full cost of steps"), "{picture}");
    stage.keys("F");
    assert_eq!(stage.model.what_if.now.estimate.cost, published);
}

#[test]
fn what_takes_long_is_done_beside_the_screen_and_dropped_where_it_is_not_wanted() {
    let (mut stage, _folder) = two_runs();
    let act = |stage: &mut Stage, msg| update(&mut stage.model, msg, "");
    let action = |action| Msg::Action {
        action,
        count: None,
    };
    let work = |effects: Vec<Effect>| {
        let mut works = effects.into_iter().filter_map(|effect| match effect {
            Effect::Work(work) => Some(work),
            _ => None,
        });
        works.next()
    };
    let done = |stage: &Stage, work: Work| {
        let none = |_: &pointsman::survey::Survey, _| Err("no log".to_owned());
        work.done(&stage.model.survey, &sessions::build, &none)
    };
    let first = work(act(&mut stage, action(Action::WhatIf))).unwrap();
    assert!(
        stage.model.what_if.what_if().is_none(),
        "nothing waits for it"
    );
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("is being decided again"), "{picture}");
    // The other ledger is wanted before it is there.
    let second = work(act(&mut stage, action(Action::OtherLedger))).unwrap();
    let msg = done(&stage, first);
    act(&mut stage, msg);
    assert!(stage.model.what_if.what_if().is_none());
    let msg = done(&stage, second);
    act(&mut stage, msg);
    assert!(stage.model.what_if.what_if().is_some());
    // A value for a cost, and somebody slides before it is found.
    act(&mut stage, action(Action::ForCost));
    act(&mut stage, Msg::Text("50M".into()));
    let sought = work(act(&mut stage, action(Action::Accept))).unwrap();
    act(&mut stage, action(Action::Right));
    let slid = value(&stage);
    let msg = done(&stage, sought);
    act(&mut stage, msg);
    assert_eq!(value(&stage), slid);
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
