//! Tours: playing them, and writing them by doing it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use pointsman::app::action::Context;
use pointsman::app::tour::{Deed, Target, Tour};
use pointsman::app::{
    Layer, Model, NoticeLevel, On, Page, Screen, Search, Slot, Table, View, Work,
};
use pointsman::expr::Expr;
use pointsman::session::Session;
use pointsman::tui::screens::{self, Drawn, ViewCache};
use pointsman::tui::sessions;
use pointsman::tui::talk::found;
use pointsman::tui::theme::{ColorDepth, Theme, Themes};

use crate::screens::{assert_picture, draw_dark, text};
use crate::stage::{Heard, Script, Stage, live, problems, run};
use crate::tables::two_runs;

pub const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets/tours")
        .join(name)
}

fn shipped() -> Tour {
    Tour::parse(&std::fs::read_to_string(asset("demo.tour")).unwrap()).unwrap()
}

/// The demo's log with a tour of it begun.
fn touring(tour: Tour) -> Stage {
    let (log, survey) = pointsman::survey::read(&[asset("demo.jsonl")]).unwrap();
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    model.begin_tour(tour, 1.0).unwrap();
    Stage::of(model, opener, Script::Cues([].into()))
}

pub fn theme(name: &str, depth: ColorDepth) -> Theme {
    Themes::new(None).load(name, depth).theme
}

/// A picture, with where everything is on it.
pub fn picture(stage: &Stage, (width, height): (u16, u16), theme: &Theme) -> (Buffer, Drawn) {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let drawn = screens::draw(
        area,
        &mut buffer,
        &stage.model,
        theme,
        &stage.keymap,
        &stage.pending,
        &mut ViewCache::default(),
    );
    (buffer, drawn)
}

/// Words with single blanks between them.
fn words(text: &str) -> String {
    let plain = text.replace('▐', " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn scene(stage: &Stage) -> usize {
    stage.model.talk.progress().unwrap().scene
}

/// Goes on to a scene (from 1), whose last deed is done, and stays there.
fn go_to(stage: &mut Stage, wanted: usize) {
    if !stage.model.talk.progress().unwrap().paused {
        stage.keys("p");
    }
    stage.settle();
    while scene(stage) < wanted {
        stage.keys("space");
        stage.settle();
    }
    assert_eq!(scene(stage), wanted);
}

#[test]
fn the_shipped_tour_plays_to_its_end_and_finds_what_it_points_at() {
    let tour = shipped();
    assert!((12..=24).contains(&tour.scenes.len()));
    let mut stage = touring(tour.clone());
    let dark = theme("dark", ColorDepth::TrueColor);
    let mut shown = vec![false; tour.scenes.len()];
    let mut milliseconds = 0;
    for _ in 0..20_000 {
        let at = scene(&stage) - 1;
        if !shown[at] && *stage.model.talk.highlights() == tour.scenes[at].highlight {
            shown[at] = true;
            for size in SIZES {
                stage.hear(Heard::Resize(size.0, size.1));
                let (buffer, drawn) = picture(&stage, size, &dark);
                let seen = text(&buffer);
                let caption = tour.scenes[at].caption.as_deref().unwrap();
                assert!(
                    words(&seen).contains(&words(caption)),
                    "scene {at}:\n{seen}"
                );
                for target in &tour.scenes[at].highlight {
                    let found = found(&buffer, &drawn, target);
                    assert!(
                        !found.is_empty(),
                        "scene {at}: no {target} at {size:?}:\n{seen}"
                    );
                }
            }
        }
        let notice = stage.model.notice.as_ref();
        let wrong = notice.filter(|notice| notice.level != NoticeLevel::Info);
        assert_eq!(wrong, None, "scene {at}");
        milliseconds += stage.tick.unwrap_or_default();
        if !stage.pass() {
            break;
        }
    }
    assert!(
        stage.model.talk.progress().unwrap().waits,
        "it came to its end"
    );
    assert_eq!(scene(&stage), tour.scenes.len());
    assert!(shown.iter().all(|shown| *shown), "{shown:?}");
    let minutes = milliseconds as f64 / 60_000.0;
    assert!((1.5..3.0).contains(&minutes), "{minutes} minutes");
    stage.keys("space");
    assert!(stage.notice().contains("the end: esc"));
}

#[test]
fn the_tour_in_the_readme_can_be_played() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, rest) = readme.split_once("### Talks").unwrap();
    let (_, rest) = rest.split_once("```toml\n").unwrap();
    let tour = Tour::parse(rest.split_once("```").unwrap().0).unwrap();
    assert_eq!(tour.scenes[0].highlight.len(), 3);
}

#[test]
fn scenes_look_as_they_should() {
    let mut stage = touring(shipped());
    for (number, name) in [
        (1, "problem"),
        (5, "action-set"),
        (9, "cost"),
        (10, "values"),
        (12, "routers"),
        (14, "slider"),
        (17, "calibration"),
        (18, "failures"),
        (19, "filter"),
    ] {
        go_to(&mut stage, number);
        for size in SIZES {
            let picture = text(&draw_dark(&mut stage, size));
            assert_picture(&format!("tour-{name}-{}x{}", size.0, size.1), &picture);
        }
    }
}

#[test]
fn going_back_gives_the_scene_as_it_was() {
    let mut stage = touring(shipped());
    let count = shipped().scenes.len();
    let mut forth = Vec::new();
    for number in 1..=count {
        go_to(&mut stage, number);
        forth.push(text(&draw_dark(&mut stage, (120, 40))));
    }
    for number in (1..count).rev() {
        stage.keys("left");
        stage.settle();
        assert_eq!(scene(&stage), number);
        let back = text(&draw_dark(&mut stage, (120, 40)));
        assert_eq!(back, forth[number - 1], "scene {number}");
    }
    stage.keys("left left");
    assert_eq!(scene(&stage), 1);
    // Before anything has come of the last key another one is pressed.
    stage.keys("space space space left left space");
    stage.settle();
    assert_eq!(scene(&stage), 3);
    assert_eq!(stage.at(), 1, "the first step of the second scene");
}

#[test]
fn a_tour_has_the_keys_until_esc() {
    let mut stage = touring(shipped());
    assert_eq!(stage.model.context(), Context::Tour);
    let before = stage.model.view.clone();
    stage.keys("j P t : x q");
    assert!(stage.model.quitting, "q quits");
    let mut stage = touring(shipped());
    stage.keys("j P t : f5 L /");
    stage.paste("wrong");
    stage.hear(Heard::Wheel(3, pointsman::app::Pane::Text));
    assert_eq!(stage.model.view, before);
    assert!(stage.model.layers.is_empty());
    go_to(&mut stage, 2);
    assert_eq!(stage.at(), 1);
    stage.keys("esc");
    assert!(!stage.model.talk.is_touring());
    assert_eq!(stage.tick, None, "nothing ticks once it is left");
    assert!(stage.model.view.talk, "still in front of people");
    stage.keys("space");
    assert_eq!(stage.at(), 2);
    stage.keys("P");
    assert_eq!(stage.model.view.screen, Screen::Problems);
}

#[test]
fn pausing_stops_the_clock_and_speed_moves_it() {
    let passes = |speed: f64| {
        let (log, survey) = pointsman::survey::read(&[asset("demo.jsonl")]).unwrap();
        let (mut model, opener) = sessions::replay(log, survey, Vec::new());
        model.begin_tour(shipped(), speed).unwrap();
        let mut stage = Stage::of(model, opener, Script::Cues([].into()));
        let mut milliseconds = 0;
        while scene(&stage) == 1 {
            milliseconds += stage.tick.unwrap();
            stage.pass();
        }
        milliseconds
    };
    assert_eq!((passes(1.0), passes(4.0)), (8000, 2000));
    let mut stage = touring(shipped());
    stage.keys("p");
    stage.settle();
    assert_eq!(scene(&stage), 1);
    stage.keys("p");
    assert!(stage.tick.is_some());
}

#[test]
fn a_tour_that_cannot_begin_says_why() {
    let tour = |head: &str| Tour::parse(&format!("{head}\n[[scene]]\n")).unwrap();
    let (log, survey) = pointsman::survey::read(&[asset("demo.jsonl")]).unwrap();
    let (mut model, _) = sessions::replay(log, survey, Vec::new());
    let wrong = model.begin_tour(tour("problem = \"nowhere\""), 1.0);
    assert!(wrong.unwrap_err().contains("`nowhere`"));
    let wrong = model.begin_tour(tour("problem = \"demo-022\"\nrun = \"x\""), 1.0);
    assert!(wrong.unwrap_err().contains("of run `x`"));
    assert!(!model.talk.is_touring() && !model.view.talk);
    let (mut model, _) = sessions::live(live(run("small", 4)), problems());
    assert!(
        model
            .begin_tour(tour(""), 1.0)
            .unwrap_err()
            .contains("replay")
    );
}

#[test]
fn a_tour_opens_no_file_and_does_nothing_but_look() {
    let tour = "problem = \"demo-022\"\n[[scene]]\n\
         do = [\"what-if\", \"other-rule\", \"delete-line\", { type = \"policy:path=/etc\" }, \"accept\"]\n\
         wait = \"key\"\n[[scene]]\n\
         do = [\"back-level\", \"palette\", { type = \"quit\" }, \"accept\"]\nwait = \"key\"\n";
    let mut stage = touring(Tour::parse(tour).unwrap());
    stage.settle();
    let asked = |stage: &Stage| {
        let heard = stage.heard.iter();
        let specs = heard.filter_map(|(heard, _)| match heard {
            Heard::Ruled { spec, .. } => Some(spec.clone()),
            Heard::Worked(Work::WhatIf(wanted)) => Some(wanted.spec().to_owned()),
            _ => None,
        });
        specs.collect::<Vec<_>>()
    };
    // The run's own router only.
    let asked = asked(&stage);
    assert!(
        !asked.is_empty() && asked.iter().all(|spec| spec == "policy"),
        "nobody read /etc: {asked:?}"
    );
    let seen = text(&draw_dark(&mut stage, (120, 40)));
    assert!(seen.contains("opens no file"), "{seen}");
    stage.keys("space");
    stage.settle();
    assert!(!stage.model.quitting);
    let notice = stage.notice();
    assert!(notice.contains("nothing that a tour does"), "{notice}");
    assert!(stage.terminal.is_empty() && stage.log.is_empty());
}

#[test]
fn going_back_takes_away_what_a_tour_set() {
    let tour = "problem = \"demo-022\"\n[[scene]]\nwait = \"key\"\n[[scene]]\n\
         do = [\"step\", \"breakpoint\", \"watch\", { type = \"confidence\" }, \"accept\", \
         \"values\", \"worth\", { type = \"1e6\" }, \"accept\", \"analysis\", \"next-pane\", \
         \"next-slice\", \"runs\", \"mark\", \"down\", \"compare\", \"down\"]\nwait = \"key\"\n";
    let mut stage = touring(Tour::parse(tour).unwrap());
    go_to(&mut stage, 1);
    let began = seen(&stage.model);
    let before = text(&draw_dark(&mut stage, (120, 40)));
    go_to(&mut stage, 2);
    let set = seen(&stage.model);
    assert_eq!((set.stops.len(), set.watches.len()), (1, 1));
    assert_eq!(set.worth, Some(1e6));
    assert!(stage.log.is_empty() && stage.labels.is_empty());
    stage.keys("left");
    stage.settle();
    let again = seen(&stage.model);
    assert_eq!(again.compared, (None, None, None));
    // Other trajectories were opened on the way.
    let cursors = began.cursors.clone();
    assert_eq!(Seen { cursors, ..again }, began);
    assert_eq!(stage.model.analysis.page, Page::default());
    assert_eq!(text(&draw_dark(&mut stage, (120, 40))), before);
}

#[test]
fn nothing_is_labelled_while_a_tour_is_recorded() {
    let (stage, tour) = recorded(|stage| {
        stage.keys("s A");
        assert!(stage.notice().contains("a tour holds no labels"));
        stage.keys("1 s");
    });
    assert!(stage.labels.is_empty() && stage.model.labelling.is_none());
    let deeds: Vec<Deed> = tour.unwrap().scenes.remove(0).deeds;
    assert!(
        deeds
            .iter()
            .all(|deed| matches!(deed, Deed::Act { action, .. } if action.is_for_tours()))
    );
}

#[test]
fn highlights_are_seen_without_colours() {
    let mono = theme("dark", ColorDepth::None);
    for (number, sign) in [(1, "╔"), (2, "▶  1 ○"), (5, "▶action set")] {
        let mut stage = touring(shipped());
        go_to(&mut stage, number);
        for size in SIZES {
            let seen = text(&picture(&stage, size, &mono).0);
            assert!(seen.contains(sign), "scene {number} at {size:?}:\n{seen}");
        }
    }
}

#[test]
fn what_is_not_on_screen_is_not_pointed_at() {
    let stage = touring(shipped());
    let (buffer, drawn) = picture(&stage, (120, 40), &theme("dark", ColorDepth::TrueColor));
    for target in ["runs", "what-if.slider", "step 9", "text nobody wrote this"] {
        let target = Target::parse(target).unwrap();
        assert!(found(&buffer, &drawn, &target).is_empty(), "{target}");
    }
}

// Recording.

/// What a person looks at, apart from talk mode itself.
#[derive(Debug, PartialEq)]
struct Seen {
    view: View,
    current: usize,
    layers: Vec<Layer>,
    search: Search,
    marks: BTreeMap<String, BTreeSet<String>>,
    table: Table,
    what_if: (String, f64),
    worth: Option<f64>,
    /// What was set to stop runs, and what is watched.
    stops: Vec<(On, bool)>,
    watches: Vec<Expr>,
    /// What is compared, and the rows of its cursors.
    compared: (Option<[usize; 2]>, Option<usize>, Option<usize>),
    /// The step at the cursor of every trajectory that was opened.
    cursors: Vec<Option<u32>>,
}

fn seen(model: &Model) -> Seen {
    let cursors = model.slots.iter().map(|slot| match slot {
        Slot::Open(session) => Some(cursor(session)),
        _ => None,
    });
    let breakpoints = model.debug.breakpoints.iter();
    let pair = model.compare.pair.as_ref();
    Seen {
        view: View {
            talk: false,
            mouse: false,
            ..model.view.clone()
        },
        current: model.current,
        layers: model.layers.clone(),
        search: model.search.clone(),
        marks: model.marks.clone(),
        table: model.table.clone(),
        what_if: (model.what_if.spec().to_owned(), model.what_if.value),
        worth: model.values.worth,
        stops: breakpoints
            .map(|found| (found.on.clone(), found.enabled))
            .collect(),
        watches: model.debug.watches.clone(),
        compared: (
            pair.map(|pair| pair.sides.each_ref().map(|side| side.entry)),
            pair.map(|pair| pair.cursor),
            model.compare.runs.as_ref().map(|runs| runs.cursor),
        ),
        cursors: cursors.collect(),
    }
}

fn cursor(session: &Session) -> u32 {
    let at = session.cursor();
    at.map_or(0, |at| session.tree().node(at).step.index)
}

/// Plays a tour on the log of [`two_runs`] to its end.
fn played(tour: Tour) -> Stage {
    let (mut stage, _folder) = two_runs();
    stage.model.begin_tour(tour, 1.0).unwrap();
    stage.keys("p");
    while !stage
        .model
        .talk
        .progress()
        .is_some_and(|at| at.waits && at.scene == at.of)
    {
        stage.keys("space");
        stage.settle();
    }
    stage
}

/// The tour of what is done to the log of [`two_runs`], as its file has it.
fn recorded(act: impl FnOnce(&mut Stage)) -> (Stage, Option<Tour>) {
    let (mut stage, _folder) = two_runs();
    stage.model.record_tour(vec!["log.jsonl".into()], None);
    act(&mut stage);
    let tour = stage.model.recorded_tour().map(|(tour, whole)| {
        assert!(whole);
        Tour::parse(&tour.to_toml()).unwrap()
    });
    (stage, tour)
}

#[test]
fn a_tour_recorded_of_several_logs_names_them_all_and_what_cannot_be_named_is_left_out() {
    let begun = |logs: &[&str], filter: &str, problem: &str| {
        let (mut stage, _folder) = two_runs();
        let logs = logs.iter().map(|log| (*log).to_owned()).collect();
        stage.model.entries[0].problem = problem.into();
        stage.model.record_tour(logs, Some(filter.to_owned()));
        stage.keys("s");
        let (tour, _) = stage.model.recorded_tour().unwrap();
        Tour::parse(&tour.to_toml()).unwrap()
    };
    let tour = begun(&["a.jsonl", "b.jsonl"], "wrong & steps > 2", "first");
    assert_eq!(tour.logs, ["a.jsonl", "b.jsonl"]);
    assert_eq!(tour.filter.as_deref(), Some("wrong & steps > 2"));
    assert_eq!(tour.problem.as_deref(), Some("first"));
    let long = "x".repeat(500);
    let tour = begun(&["a\nb.jsonl", "b.jsonl"], &long, "a\u{1b}[2J");
    assert_eq!(
        (tour.logs.len(), tour.filter, tour.problem),
        (0, None, None)
    );
}

#[test]
fn a_tour_recorded_and_played_gives_the_same() {
    let (stage, tour) = recorded(|stage| {
        stage.keys("s s b m P z f ctrl-u");
        stage.type_text("wrong");
        stage.keys("enter 2j enter s \"");
        stage.type_text("Wrong from here on");
        stage.keys("enter t 3l = / esc : ");
        stage.type_text("next-problem");
        stage.keys("enter p");
        stage.settle();
        stage.keys("o y ctrl-t");
    });
    let tour = tour.unwrap();
    let played = played(tour.clone());
    assert_eq!(seen(&played.model), seen(&stage.model));
    let captions: Vec<&str> = tour
        .scenes
        .iter()
        .filter_map(|scene| scene.caption.as_deref())
        .collect();
    assert_eq!(captions, ["Wrong from here on"]);
    let deeds = tour.scenes.iter().flat_map(|scene| &scene.deeds);
    let typed: Vec<&Deed> = deeds.filter(|deed| matches!(deed, Deed::Type(_))).collect();
    assert_eq!(
        typed.first(),
        Some(&&Deed::Type("wrong".into())),
        "{typed:?}"
    );
    let (_, nothing) = recorded(|_| {});
    assert_eq!(nothing, None);
}

/// Keys that may be pressed in any order on a recording.
const KEYS: &[&str] = &[
    "space",
    "s",
    "b",
    "c",
    "C",
    "B",
    "p",
    "ctrl-c",
    "enter",
    "enter",
    "<",
    ">",
    "j",
    "k",
    "gg",
    "G",
    "3j",
    "2G",
    "tab",
    "shift-tab",
    "]e",
    "[e",
    "]d",
    "]x",
    "m",
    "'",
    "/",
    "n",
    "N",
    "P",
    "ctrl-p",
    "L",
    "J",
    "K",
    "f",
    "o",
    "b",
    "z",
    "v",
    "T",
    "y",
    "ctrl-t",
    "t",
    "h",
    "l",
    ",",
    "=",
    "$",
    "R",
    "backspace",
    "ctrl-u",
    "4",
    ":",
    "?",
    "esc",
    "esc",
    "f5",
    "\"",
    "down",
    "up",
    "ctrl-d",
    "pageup",
    "x",
    "V",
    "a",
    "D",
    "d",
    "A",
    "X",
    "w",
    "W",
    "ctrl-o",
    "go",
    "]c",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_recorded_plays_back(
        keys in prop::collection::vec((prop::sample::select(KEYS), any::<bool>()), 1..60)
    ) {
        let (stage, tour) = recorded(|stage| {
            for (key, tick) in keys {
                stage.keys(key);
                if tick {
                    stage.pass();
                }
                if stage.model.quitting {
                    break;
                }
            }
            // What is still being typed is nothing yet.
            while matches!(stage.model.layers.last(), Some(Layer::Expression { .. })) {
                stage.keys("esc");
            }
            stage.settle();
        });
        if let Some(tour) = tour {
            let played = played(tour.clone());
            prop_assert_eq!(seen(&played.model), seen(&stage.model), "{}", tour.to_toml());
        }
    }
}
