//! Talk mode: what an audience sees, what it never sees, and that no call is
//! made.

use std::collections::BTreeMap;
use std::sync::Arc;

use pointsman::app::action::Action;
use pointsman::app::{EndpointState, Private, Slot};
use pointsman::problem::answer::RuleGrader;
use pointsman::router::{RouterSpec, build};
use pointsman::session::{Engine, Settings};
use pointsman::trace::LogWriter;
use pointsman::trace::label::Label;
use pointsman::trace::record::{LabelRecord, Record, RunRecord};
use pointsman::tui::sessions;
use pointsman::tui::theme::ColorDepth;

use crate::screens::{assert_picture, draw_dark, text};
use crate::stage::{ANSWER, Cue, Heard, Script, Stage, live, problems, run, say};
use crate::tables::two_runs;
use crate::tours::{SIZES, picture, theme};

#[test]
fn in_talk_mode_no_call_is_made_and_f5_lifts_that() {
    let mut stage = Stage::new([
        say("2 + 2 = 4", 0.9),
        Cue::Hang(vec!["4 "]),
        say(ANSWER, 0.9),
    ]);
    stage.keys("space space");
    assert_eq!(stage.open_calls.len(), 1);
    stage.keys("f5");
    assert!(
        stage.open_calls.is_empty(),
        "what was on its way is dropped"
    );
    let calls = stage.calls.len();
    // A call would fail the test: the stage counts them.
    for keys in ["space", "c", "o", "e", "r", "R", "C enter", "3s"] {
        stage.keys(keys);
        assert!(
            stage.notice().contains("tape only"),
            "{keys}: {}",
            stage.notice()
        );
        assert_eq!(
            (stage.calls.len(), stage.editor.is_some()),
            (calls, false),
            "{keys}"
        );
        assert!(stage.model.layers.is_empty(), "{keys}");
    }
    // What is on the tape is walked on.
    stage.keys("b space");
    assert_eq!(stage.at(), 1);
    stage.keys("f5 space");
    assert_eq!(stage.calls.len(), calls + 1);
}

#[test]
fn a_tape_that_ends_is_run_to_its_end_in_talk_mode() {
    let mut stage = Stage::new([say("2 + 2 = 4", 0.9), say(ANSWER, 0.9)]);
    stage.keys("c f5 gg c");
    assert_eq!(stage.at(), 2);
    stage.keys("gg C ctrl-u");
    stage.type_text("step = 1");
    stage.keys("enter");
    assert_eq!(stage.at(), 1);
}

#[test]
fn nobody_is_asked_anything_before_talk_mode_is_left() {
    let (mut model, opener) = sessions::live(live(run("threshold:t=0.6", 12)), problems());
    model.view.talk = true;
    model.put_off_probes(false);
    let mut stage = Stage::of(model, opener, Script::Cues([].into()));
    stage.keys("space j P esc");
    assert!(stage.probed.is_empty());
    stage.keys("f5");
    assert_eq!(stage.probed, [0, 1]);
    assert!(matches!(stage.model.endpoints[0], EndpointState::Ready(_)));
    stage.keys("f5 f5");
    assert_eq!(stage.probed, [0, 1], "once");
}

#[test]
fn keys_are_echoed_with_what_they_do_and_captions_stay_until_the_next() {
    let (mut stage, _folder) = two_runs();
    stage.keys("s");
    assert!(stage.model.talk.echo.is_empty(), "only in talk mode");
    stage.keys("f5 S ]e 2j");
    let echo: Vec<(Option<&str>, Action)> = stage
        .model
        .talk
        .echo
        .iter()
        .map(|pressed| (pressed.keys.as_deref(), pressed.action))
        .collect();
    assert_eq!(
        echo,
        [
            (Some("S"), Action::Back),
            (Some("]e"), Action::NextEscalation),
            (Some("2j"), Action::Down)
        ]
    );
    let last = text(&draw_dark(&mut stage, (80, 24)));
    let footer = last.lines().last().unwrap();
    assert!(footer.ends_with("2j  down"), "{footer:?}");
    assert!(footer.contains("]e  escalation"), "{footer:?}");
    stage.keys("k k k");
    let again = text(&draw_dark(&mut stage, (80, 24)));
    assert!(again.trim_end().ends_with("k ×3  up"), "{again}");
    stage.keys("\"");
    stage.type_text("What happens here?");
    stage.keys("enter");
    let captioned = text(&draw_dark(&mut stage, (80, 24)));
    assert!(captioned.contains("▐  What happens here?"), "{captioned}");
    stage.keys("k");
    assert!(!text(&draw_dark(&mut stage, (80, 24))).contains("What happens"));
}

#[test]
fn talk_mode_is_large_at_every_size() {
    for (name, keys) in [("steps", "s s f5"), ("tree", "s s T f5")] {
        let (mut stage, _folder) = two_runs();
        stage.keys(keys);
        for size in SIZES {
            let picture = text(&draw_dark(&mut stage, size));
            assert_picture(&format!("talk-{name}-{}x{}", size.0, size.1), &picture);
        }
    }
    let (mut stage, _folder) = two_runs();
    stage.keys("s s f5 \"");
    stage.type_text(&"a long line for everybody ".repeat(20));
    stage.keys("enter");
    for width in [1, 20, 30, 45, 79, 80, 100, 120, 200] {
        for height in [1, 5, 8, 11, 12, 13, 16, 24, 60] {
            draw_dark(&mut stage, (width, height));
        }
    }
}

// What nobody is to read.

const PERSON: &str = "lovelace";
const HOST: &str = "gpu-7.lab.example";
const FOLDER: &str = "/home/lovelace";
const FILE: &str = "secret-runs";
/// Somebody else, who labels too.
const OTHER: &str = "babbage";
const SECRETS: [&str; 5] = [PERSON, OTHER, HOST, FOLDER, FILE];

/// Settings under which a person with a name overrides.
fn by_person(run: RunRecord) -> Settings {
    let names: Vec<String> = run.pool.iter().map(|model| model.name.clone()).collect();
    let spec: RouterSpec = run.router.spec.parse().unwrap();
    let engine = Engine {
        router: build(&spec, &names, None).unwrap(),
        grader: Arc::new(RuleGrader),
        who: PERSON.into(),
    };
    Settings::live(run, engine)
}

/// A live session in which everything private is on some screen.
fn planted_live() -> Stage {
    let cues = [say("2 + 2 = 4", 0.9), say("4 + 3 = 7", 0.9), say("7", 0.9)];
    let mut stage = Stage::on(by_person(run("threshold:t=0.6", 12)), problems(), cues);
    stage.keys("space space b o enter b");
    stage.model.log_name = format!("{FILE}.jsonl");
    stage.model.endpoints[1] = EndpointState::Down(format!(
        "tiny-large: no answer from http://{HOST}:8000/v1 in 10 s"
    ));
    stage.model.endpoints[0] = EndpointState::Down(format!("cannot look up {HOST}"));
    stage.model.log_broken = Some(format!("cannot append to {FOLDER}/{FILE}.jsonl: disk full"));
    stage
}

/// A replay of two runs whose router was read from a folder, and whose large
/// model is called by the path of its file.
fn planted_replay() -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    for id in ["a", "b"] {
        let router = if id == "a" {
            "threshold:t=0.6"
        } else {
            "small"
        };
        let mut head = run(router, 4);
        (head.run, head.key) = (id.into(), id.into());
        head.pool[1].name = format!("{FOLDER}/{FILE}.gguf");
        let cues = [say("2 + 2 = 4", 0.5), say(ANSWER, 0.9)];
        let mut stage = Stage::on(live(head.clone()), problems(), cues);
        stage.keys("c");
        head.router.spec = format!("policy:path={FOLDER}/{FILE}");
        head.router.files = BTreeMap::from([(format!("{FOLDER}/{FILE}/policy.json"), "0".into())]);
        writer.append(&[Record::Run(Box::new(head))]).unwrap();
        writer.append(&stage.log).unwrap();
    }
    drop(writer);
    let (log, survey) = pointsman::survey::read(&[path]).unwrap();
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    model.who = PERSON.into();
    let mut stage = Stage::of(model, opener, Script::Cues([].into()));
    // The first step is rated by both, with a remark.
    stage.keys("s");
    let step = stage.session().cursor().unwrap();
    let labels = [PERSON, OTHER].map(|who| LabelRecord {
        note: Some(format!(
            "as {PERSON} wrote to {HOST}:8000, see {FOLDER}/{FILE}"
        )),
        ..stage.session().label(step, Label::Bad, who, "")
    });
    stage.hear(Heard::LabelsRead(labels.to_vec()));
    stage.keys("gg");
    (stage, folder)
}

/// Every screen and everything that lies over one: by the keys that show it, what
/// is typed into the field that they open, and the keys after that.
const SCREENS: &[(&str, &str, &str)] = &[
    ("", "", ""),
    ("s", "", ""),
    ("s s", "", ""),
    ("G", "", ""),
    ("T", "", ""),
    ("T G", "", ""),
    ("P", "", ""),
    ("P z", "", ""),
    ("P b", "router", "enter"),
    // Nothing is left of the table but what it was filtered by.
    ("P f", IN_AN_EXPRESSION, "enter"),
    ("P f", IN_AN_EXPRESSION, ""),
    ("L", "", ""),
    ("t", "", ""),
    ("t R", SPEC, ""),
    ("t R", SPEC, "enter"),
    ("V", "", ""),
    ("s s V", "", ""),
    ("a", "", ""),
    ("a j j", "", ""),
    ("a b", "", ""),
    ("a tab", "", ""),
    ("a tab j j", "", ""),
    ("a tab tab", "", ""),
    ("a tab tab tab", "", ""),
    ("a tab tab tab tab", "", ""),
    ("a P f", IN_AN_EXPRESSION, "enter a"),
    ("D", "", ""),
    ("D G tab", "", ""),
    ("P D", "", ""),
    ("L D", "", ""),
    ("L D enter", "", ""),
    ("s w", "model", "enter"),
    ("s s w", "model", "enter"),
    ("s s w", IN_A_STEP, "enter"),
    ("s s w", IN_A_STEP, "enter W"),
    ("s x W", "", ""),
    ("s X", IN_A_STEP, "enter W"),
    ("s X", IN_A_STEP, "enter W enter"),
    ("s X", IN_A_STEP, ""),
    ("s X", "model = ", ""),
    ("s A", "", ""),
    ("s A k", "", ""),
    ("s A j k", "", ""),
    ("s A x", "", ""),
    ("A", "", ""),
    ("ctrl-p", "", ""),
    (":", "", ""),
    ("?", "", ""),
    ("/", SPEC, ""),
    ("ctrl-p esc tab", "", ""),
    ("tab tab G", "", ""),
    ("s tab tab", "", ""),
];
const SPEC: &str = "policy:path=/home/lovelace/secret-runs";
const IN_AN_EXPRESSION: &str = "router ~ \"/home/lovelace/secret-runs/none\"";
const IN_A_STEP: &str = "model ~ \"/home/lovelace/secret-runs\"";

#[test]
fn nothing_private_is_drawn_on_any_screen_of_a_talk() {
    let dark = theme("dark", ColorDepth::TrueColor);
    let mut leaked = BTreeMap::new();
    let mut visible = BTreeMap::new();
    for (keys, typed, then) in SCREENS {
        for replay in [false, true] {
            for talk in [false, true] {
                let (mut stage, _folder) = match replay {
                    true => {
                        let (stage, folder) = planted_replay();
                        (stage, Some(folder))
                    }
                    false => (planted_live(), None),
                };
                stage.model.talk.private = Private::new([PERSON], [HOST]);
                stage.model.view.talk = talk;
                stage.keys(keys);
                if !typed.is_empty() {
                    stage.keys("ctrl-u");
                    stage.type_text(typed);
                    stage.keys(then);
                }
                for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
                    let shown = text(&picture(&stage, size, &dark).0);
                    for secret in SECRETS {
                        if shown.contains(secret) {
                            let keys = format!("{keys:?} {typed:?} {then:?}");
                            let place = format!("{keys} replay {replay} {size:?}\n{shown}");
                            match talk {
                                true => leaked.insert(secret, place),
                                false => visible.insert(secret, place),
                            };
                        }
                    }
                }
            }
        }
    }
    let leaks: Vec<String> = leaked
        .iter()
        .map(|(secret, place)| format!("{secret} at {place}"))
        .collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    // Outside of talk mode all of them are there to be seen.
    assert_eq!(visible.len(), SECRETS.len(), "{:?}", visible.keys());
}

#[test]
fn keys_are_echoed_on_every_screen_with_what_they_do_there() {
    for (keys, echoed) in [
        ("a tab", "tab  page"),
        ("V $", "$  worth"),
        ("V j", "j  down"),
        ("P f enter", "enter  take"),
        ("L D ]c", "]c  difference"),
        ("s x", "x  breakpoint"),
        ("w esc W", "W  stops"),
    ] {
        let (mut stage, _folder) = two_runs();
        stage.keys("f5");
        stage.keys(keys);
        // Fields and lists lie over the screen, never over its last line.
        let last = text(&draw_dark(&mut stage, (120, 40)));
        let footer = last.lines().last().unwrap();
        assert!(footer.ends_with(echoed), "{keys}: {footer:?}");
    }
}

#[test]
fn lists_have_space_between_their_rows_where_all_have_room() {
    let (mut stage, _folder) = two_runs();
    let rows = |stage: &mut Stage, height| {
        let picture = text(&draw_dark(stage, (120, height)));
        let lines = picture.lines().enumerate();
        let rows = lines.filter(|(_, line)| line.contains("threshold:") || line.contains("small"));
        rows.map(|(row, _)| row).collect::<Vec<_>>()
    };
    stage.keys("L");
    let close = rows(&mut stage, 24);
    stage.keys("f5");
    let apart = rows(&mut stage, 24);
    assert_eq!(close[1] - close[0], 1);
    assert_eq!(apart[1] - apart[0], 2);
    // Heading, two rows and the line below: no room for more.
    let low = rows(&mut stage, 8);
    assert_eq!(low[1] - low[0], 1);
}

#[test]
fn messages_lose_what_is_private_too() {
    let mut stage = planted_live();
    stage.model.log_broken = None;
    stage.model.talk.private = Private::new([PERSON], [HOST]);
    stage.keys("f5");
    for message in [
        format!("{FOLDER}/{FILE}.jsonl line 3: damaged"),
        format!("the editor `{PERSON}-edit` ended"),
        format!("cannot read `{FOLDER}/my {FILE}/x y`: gone"),
    ] {
        stage.hear(Heard::Edited(0, Err(message)));
        for size in SIZES {
            let shown = text(&draw_dark(&mut stage, size));
            for secret in SECRETS {
                assert!(!shown.contains(secret), "{secret}:\n{shown}");
            }
        }
    }
    stage.model.slots[0] = Slot::Failed(format!("cannot open {FOLDER}/{FILE}.jsonl"));
    let shown = text(&draw_dark(&mut stage, (80, 24)));
    assert!(shown.contains("cannot open [path]"), "{shown}");
}
