use proptest::prelude::*;

use super::super::action::{ACTIONS, Action};
use super::{
    Deed, LONGEST, MOST_BYTES, MOST_TIMES, PAUSE, Part, Rest, SHORTEST, Scene, Target, Tour,
};

const TOUR: &str = r#"
title = "One escalation"
problem = "demo-022"

[[scene]]
do = ["step", { action = "first", count = 2 }, { action = "right", times = 8 }, { type = "wrong" }]
every = 0.5
caption = "Not sure."
highlight = ["decision.action-set", "step 2", "text 7 * 8 = 64"]
pause = 6

[[scene]]
highlight = "cost"
wait = "key"

[[scene]]
"#;

#[test]
fn a_tour_is_read() {
    let tour = Tour::parse(TOUR).unwrap();
    assert_eq!(tour.title.as_deref(), Some("One escalation"));
    assert_eq!((tour.logs, tour.theme), (Vec::new(), None));
    let [first, second, last] = tour.scenes.as_slice() else {
        panic!("{:?}", tour.scenes);
    };
    assert_eq!(
        first.deeds,
        [
            Deed::once(Action::Step, None),
            Deed::once(Action::First, Some(2)),
            Deed::Act {
                action: Action::Right,
                count: None,
                times: 8
            },
            Deed::Type("wrong".into()),
        ]
    );
    assert_eq!((first.every(), first.rest), (500, Rest::Pause(6000)));
    assert_eq!(
        first.highlight,
        [
            Target::Part(Part::ActionSet),
            Target::Step(2),
            Target::Text("7 * 8 = 64".into())
        ]
    );
    assert_eq!(second.highlight, [Target::Part(Part::Cost)]);
    assert_eq!(second.rest, Rest::Key);
    assert_eq!(*last, Scene::default());
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_was_meant() {
    let scene = |line: &str| format!("title = \"x\"\n\n[[scene]]\n{line}\n");
    for (text, line, said) in [
        (
            "titel = \"x\"\n[[scene]]\n".to_owned(),
            1,
            "did you mean `title`?",
        ),
        ("title = 3\n[[scene]]\n".to_owned(), 1, "`title` is a text"),
        (
            "title = \"\"\n[[scene]]\n".to_owned(),
            1,
            "`title` is empty",
        ),
        ("title = \"x\"\n".to_owned(), 2, "no scene"),
        ("scene = []\n".to_owned(), 1, "at least one"),
        ("scene = 3\n".to_owned(), 1, "[[scene]]"),
        ("title = \n".to_owned(), 1, ""),
        (scene("paus = 3"), 4, "did you mean `pause`?"),
        (scene("zebra = 3"), 4, "known: do, every"),
        (scene("pause = -1"), 4, "from 0 to 600"),
        (scene("pause = 601"), 4, "from 0 to 600"),
        (scene("pause = nan"), 4, "number of seconds"),
        (scene("pause = \"3\""), 4, "number of seconds"),
        (scene("every = 0.01"), 4, "from 0.02 to 600"),
        (scene("wait = \"mouse\""), 4, "pause = SECONDS"),
        (scene("pause = 1\nwait = \"key\""), 5, "not both"),
        (scene("do = \"step\""), 4, "list in brackets"),
        (scene("do = [\"setp\"]"), 4, "did you mean `step`?"),
        (
            scene("do = [\n  \"step\",\n  \"quit\"]"),
            6,
            "nothing that a tour does",
        ),
        (
            scene("do = [{ action = \"run\", count = 2 }]"),
            4,
            "takes no count",
        ),
        (
            scene("do = [{ action = \"step\", count = 0 }]"),
            4,
            "from 1 to",
        ),
        (
            scene("do = [{ action = \"step\", times = 2000 }]"),
            4,
            "from 1 to 1000",
        ),
        (
            scene("do = [{ action = \"step\", type = \"x\" }]"),
            4,
            "`action`",
        ),
        (scene("do = [{ type = \"x\", times = 2 }]"), 4, "`action`"),
        (scene("do = [{ shell = \"rm\" }]"), 4, "unknown key `shell`"),
        (
            scene("do = [{ type = \"a\\u001bb\" }]"),
            4,
            "control character",
        ),
        (
            scene("highlight = \"decision.actionset\""),
            4,
            "`decision.action-set`",
        ),
        (scene("highlight = [\"step x\"]"), 4, "step N"),
        (
            "log = [\"a\", 3]\n[[scene]]\n".to_owned(),
            1,
            "`log` is a text",
        ),
    ] {
        let error = Tour::parse(&text).unwrap_err();
        assert!(error.message.contains(said), "{text}: {error}");
        assert_eq!(error.line, line, "{text}: {error}");
    }
    let long = format!("title = \"{}\"\n[[scene]]\n", "x".repeat(401));
    assert!(Tour::parse(&long).unwrap_err().message.contains("400"));
    let scenes = "[[scene]]\ndo = [{ action = \"right\", times = 1000 }]\n".repeat(21);
    assert!(
        Tour::parse(&scenes)
            .unwrap_err()
            .message
            .contains("21000 things")
    );
    let huge = "#".repeat(MOST_BYTES + 1);
    assert!(Tour::parse(&huge).unwrap_err().message.contains("256 KiB"));
}

/// What a tour does: it looks, and sets what lasts as long as the program.
const DONE: &[Action] = &[
    Action::Step,
    Action::Back,
    Action::Run,
    Action::RunUntil,
    Action::BackUntil,
    Action::RunBack,
    Action::Breakpoint,
    Action::BreakIf,
    Action::Watch,
    Action::Stops,
    Action::Enable,
    Action::Remove,
    Action::Cancel,
    Action::PreviousBranch,
    Action::NextBranch,
    Action::Down,
    Action::Up,
    Action::Left,
    Action::Right,
    Action::HalfPageDown,
    Action::HalfPageUp,
    Action::PageDown,
    Action::PageUp,
    Action::First,
    Action::Last,
    Action::NextPane,
    Action::PreviousPane,
    Action::Accept,
    Action::NextEscalation,
    Action::PreviousEscalation,
    Action::NextDisagreement,
    Action::PreviousDisagreement,
    Action::FirstError,
    Action::Mark,
    Action::NextMark,
    Action::JumpBack,
    Action::JumpForward,
    Action::Search,
    Action::NextMatch,
    Action::PreviousMatch,
    Action::ChooseProblem,
    Action::NextProblem,
    Action::PreviousProblem,
    Action::Problems,
    Action::Runs,
    Action::Filter,
    Action::SortBy,
    Action::GroupBy,
    Action::Fold,
    Action::WhatIf,
    Action::LargerStride,
    Action::LargerStrideBack,
    Action::LoggedValue,
    Action::ForCost,
    Action::OtherLedger,
    Action::OtherRule,
    Action::Values,
    Action::Worth,
    Action::Analysis,
    Action::NextScore,
    Action::NextTarget,
    Action::NextSlice,
    Action::Compare,
    Action::OnlyDifferences,
    Action::NextDifference,
    Action::PreviousDifference,
    Action::FirstDivergence,
    Action::Swap,
    Action::Source,
    Action::Shading,
    Action::Tree,
    Action::Complete,
    Action::DeleteBackward,
    Action::DeleteForward,
    Action::DeleteWord,
    Action::DeleteLine,
    Action::Palette,
    Action::Help,
    Action::BackLevel,
];

/// What it does not: calls, records, labels, the terminal, the clock, tours.
const NOT_DONE: &[Action] = &[
    Action::Play,
    Action::Retry,
    Action::Override,
    Action::Edit,
    Action::Rerun,
    Action::Rollouts,
    Action::Label,
    Action::RateBad,
    Action::RateNeutral,
    Action::RateGood,
    Action::RateFirstError,
    Action::FlagStep,
    Action::SkipStep,
    Action::NoteStep,
    Action::UndoLabel,
    Action::Blind,
    Action::NextUnlabelled,
    Action::PreviousUnlabelled,
    Action::LabelQueue,
    Action::Copy,
    Action::NextTheme,
    Action::Mouse,
    Action::Talk,
    Action::Caption,
    Action::NextScene,
    Action::PreviousScene,
    Action::PauseTour,
    Action::Redraw,
    Action::Suspend,
    Action::Quit,
];

#[test]
fn every_action_is_on_purpose_one_of_tours_or_not() {
    for info in ACTIONS {
        let lists = (DONE.contains(&info.action), NOT_DONE.contains(&info.action));
        let is_done = match lists {
            (true, false) => true,
            (false, true) => false,
            _ => panic!("`{}` is in neither list, or in both", info.id),
        };
        assert_eq!(info.action.is_for_tours(), is_done, "{}", info.id);
    }
}

#[test]
fn a_file_cannot_ask_for_what_no_tour_does() {
    for action in NOT_DONE {
        let text = format!("[[scene]]\ndo = [\"{action}\"]\n");
        let error = Tour::parse(&text).unwrap_err();
        assert!(
            error.message.contains("nothing that a tour does"),
            "{action}"
        );
    }
}

#[test]
fn parts_have_names_of_their_own() {
    for part in Part::ALL {
        assert_eq!(Part::from_id(part.id()), Some(*part));
    }
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{C}]{0,20}[^\\p{C}\\s][^\\p{C}]{0,20}"
}

fn deed() -> impl Strategy<Value = Deed> {
    let allowed: Vec<Action> = ACTIONS
        .iter()
        .map(|info| info.action)
        .filter(|action| action.is_for_tours())
        .collect();
    let act = (
        prop::sample::select(allowed),
        prop::option::of(1..99_999_u32),
        1..=MOST_TIMES / 2,
    );
    prop_oneof![
        act.prop_map(|(action, count, times)| Deed::Act {
            action,
            count: count.filter(|_| action.info().counts),
            times,
        }),
        text().prop_map(Deed::Type),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        prop::sample::select(Part::ALL).prop_map(Target::Part),
        any::<u32>().prop_map(Target::Step),
        text().prop_map(Target::Text),
    ]
}

fn scene() -> impl Strategy<Value = Scene> {
    let rest = prop_oneof![
        Just(Rest::Key),
        Just(Rest::Pause(PAUSE)),
        (0..=LONGEST).prop_map(Rest::Pause),
    ];
    (
        prop::collection::vec(deed(), 0..6),
        prop::option::of(SHORTEST..=LONGEST),
        rest,
        prop::option::of(text()),
        prop::collection::vec(target(), 0..4),
    )
        .prop_map(|(deeds, every, rest, caption, highlight)| Scene {
            deeds,
            every,
            rest,
            caption,
            highlight,
        })
}

fn tour() -> impl Strategy<Value = Tour> {
    let word = || prop::option::of(text());
    let logs = prop::collection::vec(text(), 0..4);
    let scenes = prop::collection::vec(scene(), 1..6);
    (word(), logs, word(), word(), word(), word(), scenes).prop_map(
        |(title, logs, filter, problem, run, theme, scenes)| Tour {
            title,
            logs,
            filter,
            problem,
            run,
            theme,
            scenes,
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(tour in tour()) {
        let printed = tour.to_toml();
        let read = Tour::parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&tour), "{}", printed);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Tour::parse(&text);
    }

    #[test]
    fn no_damage_to_a_tour_makes_the_reader_panic(at in 0..TOUR.len(), with in "\\PC{0,4}") {
        let mut text = TOUR.to_owned();
        let at = (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.replace_range(at..at, &with);
        let _ = Tour::parse(&text);
    }
}
