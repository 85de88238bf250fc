//! The comparison: keys in, rows and pictures out.

use pointsman::app::action::Action;
use pointsman::app::{Effect, Item, Model, Msg, Pair, Screen, Work, update};
use pointsman::eval::compare::{Alike, Flip};
use pointsman::trace::LogWriter;
use pointsman::trace::record::Record;
use pointsman::tui::sessions;
use pointsman::tui::theme::ColorDepth;
use ratatui::style::{Color, Modifier};

use crate::screens::{HOSTILE, assert_clean, draw, draw_dark, text, theme};
use crate::stage::{ANSWER, Cue, Script, Stage, live, problems, run, say};
use crate::tables::two_runs;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A replay of runs over the first problems, each with what its models say.
fn replayed(runs: Vec<(&str, Vec<Cue>)>) -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    for (id, (router, cues)) in ["a", "b", "c"].into_iter().zip(runs) {
        let mut head = run(router, 12);
        head.run = id.into();
        head.key = id.into();
        let mut stage = Stage::on(live(head.clone()), problems(), cues);
        stage.keys("c J c");
        stage.settle();
        writer.append(&[Record::Run(Box::new(head))]).unwrap();
        writer.append(&stage.log).unwrap();
    }
    drop(writer);
    let (log, survey) = pointsman::survey::read(&[path]).unwrap();
    let (model, opener) = sessions::replay(log, survey, Vec::new());
    let stage = Stage::of(model, opener, Script::Cues([].into()));
    (stage, folder)
}

/// Two routers that part on the first problem and agree on the second.
fn parted() -> (Stage, tempfile::TempDir) {
    let first = "First we add the two numbers: 2 + 2 = 4.";
    let second = [say("11 - 4 = 7", 0.9), say(ANSWER, 0.95)];
    let mut policy = vec![
        say(first, 0.9),
        say("Half of that is 0.5 times 4, so it is 2.", 0.4),
        say("We draw 2 pictures of it.", 0.9),
        say(r"The answer is $\boxed{8}$.", 0.95),
    ];
    let mut small = vec![
        say(first, 0.9),
        say(r"Half of that is $\frac12$ times 4, so it is 2.", 0.9),
        say(ANSWER, 0.95),
    ];
    policy.extend(second.clone());
    small.extend(second);
    replayed(vec![("threshold:t=0.6", policy), ("small", small)])
}

fn pair(stage: &Stage) -> &Pair {
    stage.model.compare.pair.as_ref().unwrap()
}

fn kinds(stage: &Stage) -> Vec<Alike> {
    let rows = pair(stage).alignment.rows.iter();
    rows.map(|row| row.alike).collect()
}

/// Runs and problems of both sides.
fn sides(stage: &Stage) -> [(String, String); 2] {
    pair(stage).sides.each_ref().map(|side| {
        let entry = &stage.model.entries[side.entry];
        (entry.run.clone(), entry.problem.clone())
    })
}

fn place(run: &str, problem: &str) -> (String, String) {
    (run.to_owned(), problem.to_owned())
}

#[test]
fn a_trajectory_is_compared_with_that_of_the_other_run() {
    let (mut stage, _folder) = parted();
    stage.keys("D");
    assert_eq!(stage.model.view.screen, Screen::Compare);
    assert_eq!(sides(&stage), [place("a", "sum"), place("b", "sum")]);
    let all = [Alike::Same, Alike::Respelled, Alike::Left, Alike::Changed];
    assert_eq!(kinds(&stage), all);
    assert_eq!(pair(&stage).row(), Some(1), "where they part");
    stage.keys("]c");
    assert_eq!(pair(&stage).row(), Some(2));
    stage.keys("]c ]c");
    assert_eq!(pair(&stage).row(), Some(3));
    assert_eq!(stage.notice(), "no other step differs");
    stage.keys("2[c");
    assert_eq!(pair(&stage).row(), Some(1));
    stage.keys("gg [c");
    assert_eq!(pair(&stage).row(), Some(0));
    stage.keys("G ]v");
    assert_eq!(pair(&stage).row(), Some(1));
    stage.keys("D");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn what_is_on_its_way_when_the_sides_are_swapped_is_of_neither() {
    let (mut stage, _folder) = parted();
    stage.keys("D esc");
    let press = |model: &mut Model, action| {
        let count = None;
        let effects = update(model, Msg::Action { action, count }, "");
        let work = effects.into_iter().find_map(|effect| match effect {
            Effect::Work(work @ Work::Align { .. }) => Some(work),
            _ => None,
        });
        work.expect("they are compared beside the screen")
    };
    let first = press(&mut stage.model, Action::Compare);
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("comparing"), "{picture}");
    stage.keys("j ]v d d");
    let second = press(&mut stage.model, Action::Swap);
    for (work, is_it) in [(first, false), (second, true)] {
        let msg = work.done(&stage.model.survey, &sessions::build, &|_, _| {
            Err("no texts".to_owned())
        });
        update(&mut stage.model, msg, "");
        assert_eq!(pair(&stage).said.is_empty(), is_it);
    }
    assert_eq!(sides(&stage), [place("b", "sum"), place("a", "sum")]);
    let all = [Alike::Same, Alike::Respelled, Alike::Right, Alike::Changed];
    assert_eq!(kinds(&stage), all);
}

#[test]
fn what_does_not_differ_is_folded() {
    let (mut stage, _folder) = parted();
    stage.keys("D d");
    let fold = Item::Fold { from: 0, rows: 1 };
    assert_eq!(pair(&stage).items.first(), Some(&fold));
    assert_eq!(pair(&stage).items.len(), 4);
    assert_eq!(pair(&stage).row(), Some(1), "the cursor stays");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("1 step the same"), "{picture}");
    assert!(!picture.contains("we add the two"), "{picture}");
    stage.keys("gg enter");
    assert_eq!(pair(&stage).items[0], Item::Row(0), "the fold opens");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("we add the two"), "{picture}");
}

#[test]
fn sides_are_changed_swapped_and_opened() {
    let (mut stage, _folder) = parted();
    stage.keys("D ]c tab enter");
    assert_eq!(stage.model.view.screen, Screen::Compare);
    assert!(
        stage.notice().contains("no step on this side"),
        "{}",
        stage.notice()
    );
    stage.keys("s");
    assert_eq!(sides(&stage), [place("b", "sum"), place("a", "sum")]);
    assert_eq!(kinds(&stage)[2], Alike::Right);
    assert_eq!(pair(&stage).side, 0, "still on the trajectory of b");
    stage.keys("tab enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    let entry = &stage.model.entries[stage.model.current];
    assert_eq!((entry.run.as_str(), stage.at()), ("a", 3));
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Compare);
    assert_eq!(pair(&stage).row(), Some(2), "as it was left");
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn rows_of_the_table_are_marked_and_compared() {
    let (mut stage, _folder) = parted();
    stage.keys("P z D");
    assert_eq!(sides(&stage), [place("a", "sum"), place("b", "sum")]);
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    let listed: Vec<usize> = stage
        .model
        .table
        .order
        .iter()
        .map(|&at| at as usize)
        .collect();
    stage.keys("m G D");
    let entries = pair(&stage).sides.each_ref().map(|side| side.entry);
    assert_eq!(entries, [listed[0], listed[3]]);
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("different problems"), "{picture}");
    stage.keys("esc");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert_eq!(picture.matches('◆').count(), 1, "{picture}");
    stage.keys("gg m");
    assert_eq!(stage.model.compare.marked, None);
}

#[test]
fn branches_of_a_tree_are_compared() {
    let mut stage = Stage::new([
        say("first of all", 0.9),
        say("the old way", 0.9),
        say("the new way", 0.4),
        say(ANSWER, 0.9),
    ]);
    stage.keys("D");
    assert!(
        stage.notice().contains("no other run"),
        "{}",
        stage.notice()
    );
    stage.keys("space space b o enter c T D");
    assert_eq!(stage.model.view.screen, Screen::Compare);
    let [ours, theirs] = &pair(&stage).sides;
    assert_eq!(ours.entry, theirs.entry);
    assert_eq!((ours.path.len(), theirs.path.len()), (3, 2));
    assert_eq!(ours.path[0], theirs.path[0]);
    assert_eq!(
        kinds(&stage),
        [Alike::Same, Alike::Changed, Alike::Left],
        "two of four words are shared"
    );
    assert!(!pair(&stage).alignment.rows[1].same_writer);
    stage.keys("tab enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    assert!(stage.path().last().unwrap().ends_with("the old way"));
    // Now this branch is looked at, and the other one beside it.
    stage.keys("D");
    assert_eq!(pair(&stage).sides[0].path.len(), 2);
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    // A marked step of another branch goes before the nearest one.
    stage.keys("m > D");
    let marked = *pair(&stage).sides[1].path.last().unwrap();
    assert_eq!(stage.session().tree().node(marked).step.text, "the old way");
}

#[test]
fn two_runs_are_compared_problem_by_problem() {
    let (mut stage, _folder) = parted();
    stage.keys("L m j m D");
    assert_eq!(stage.model.view.screen, Screen::Compare);
    let runs = stage.model.compare.runs.as_ref().unwrap();
    let flips: Vec<Flip> = runs.between.cases.iter().map(|case| case.flip).collect();
    assert_eq!(flips, [Flip::Gained, Flip::BothRight]);
    let gap = runs.gap.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(
        (gap.paired.better, gap.paired.worse, gap.paired.p),
        (1, 0, 1.0)
    );
    assert!((gap.paired.accuracy.unwrap().value - 0.5).abs() < 1e-12);
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    for words in [
        "made by `test`",
        "exact McNemar over 2 problems",
        "b less a",
    ] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    stage.keys("d");
    let runs = stage.model.compare.runs.as_ref().unwrap();
    assert_eq!(runs.listed, [0], "only what is flipped");
    stage.keys("d enter");
    assert!(!stage.model.compare.shows_runs);
    assert_eq!(sides(&stage), [place("a", "sum"), place("b", "sum")]);
    stage.keys("esc");
    assert!(stage.model.compare.shows_runs, "back to the runs");
    stage.keys("s");
    let runs = stage.model.compare.runs.as_ref().unwrap();
    assert_eq!(
        runs.between.cases[0].flip,
        Flip::Lost,
        "the other way round"
    );
    assert!(runs.gap.is_some());
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Runs);
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert_eq!(picture.matches('◆').count(), 2, "{picture}");
}

#[test]
fn the_same_texts_by_other_models_part_where_the_writer_does() {
    let (mut stage, _folder) = two_runs();
    stage.keys("D");
    let rows = &pair(&stage).alignment.rows;
    assert!(rows.iter().all(|row| row.alike == Alike::Same));
    assert_eq!(pair(&stage).alignment.first_divergence(), Some(2));
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    let said = "first difference at step 3: the same text by another model";
    assert!(picture.contains(said), "{picture}");
}

#[test]
fn comparisons_at_every_size() {
    let (mut stage, _folder) = parted();
    stage.keys("D");
    for size in SIZES {
        let name = format!("compare-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
    stage.keys("v d");
    insta::assert_snapshot!(
        "compare-source-80x24",
        text(&draw_dark(&mut stage, (80, 24)))
    );
    stage.keys("v d esc L m j m D");
    for size in SIZES {
        let name = format!("compare-runs-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
}

#[test]
fn without_colour_attributes_mark_what_differs() {
    let (mut stage, _folder) = parted();
    stage.keys("D G");
    let mono = theme("dark", ColorDepth::None);
    for size in SIZES {
        let buffer = draw(&mut stage, size, &mono);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
        let marked = |modifier: Modifier| -> String {
            let cells = buffer.content.iter();
            let of_it = cells.filter(|cell| cell.modifier.contains(modifier));
            of_it.map(ratatui::buffer::Cell::symbol).collect()
        };
        let reversed = marked(Modifier::REVERSED);
        assert!(
            reversed.contains('8') && reversed.contains('7'),
            "{reversed}"
        );
        let respelled = marked(Modifier::ITALIC | Modifier::UNDERLINED);
        assert!(
            respelled.contains("0.5") && respelled.contains("1/2"),
            "{respelled}"
        );
    }
}

#[test]
fn a_step_higher_than_the_window_is_scrolled_through() {
    let long: String = (0..200)
        .map(|line| format!("line {line} of it\n"))
        .collect();
    let other = long.replace("line 150 of", "line 150 not of");
    let (mut stage, _folder) = replayed(vec![
        (
            "small",
            vec![say(&long, 0.9), say(ANSWER, 0.9), say(ANSWER, 0.9)],
        ),
        (
            "small",
            vec![say(&other, 0.9), say(ANSWER, 0.9), say(ANSWER, 0.9)],
        ),
    ]);
    stage.keys("D");
    let size = (120, 24);
    let first = text(&draw_dark(&mut stage, size));
    assert!(first.contains("line 0 of it"), "{first}");
    for _ in 0..14 {
        stage.keys("ctrl-f");
        draw_dark(&mut stage, size);
    }
    let later = text(&draw_dark(&mut stage, size));
    assert!(later.contains("line 150 not of it"), "{later}");
    assert_eq!(pair(&stage).row(), Some(0));
    for _ in 0..10 {
        stage.keys("ctrl-f");
        draw_dark(&mut stage, size);
    }
    assert_eq!(pair(&stage).row(), Some(1), "on to the next step");
    stage.keys("k");
    assert_eq!(text(&draw_dark(&mut stage, size)), first);
}

#[test]
fn hostile_texts_are_made_safe_and_no_size_panics() {
    let long = format!("{HOSTILE}{}", "$x$ long ".repeat(2_000));
    let cues = |end: &str| {
        vec![
            say(&format!("{HOSTILE} the same"), 0.9),
            say(&format!("{long} {end}"), 0.9),
            say(&format!("{HOSTILE} \\boxed{{{end}{HOSTILE}}}"), 0.9),
            say(ANSWER, 0.9),
            say(ANSWER, 0.9),
        ]
    };
    let (mut stage, _folder) = replayed(vec![("small", cues("one")), ("small", cues("two"))]);
    let dark = theme("dark", ColorDepth::TrueColor);
    for keys in ["D", "v", "d", "G", "s", "esc", "L", "D", "enter", "ctrl-d"] {
        stage.keys(keys);
        for size in [(80, 24), (140, 40), (50, 12)] {
            assert_clean(keys, &draw(&mut stage, size, &dark));
        }
    }
    for keys in ["", "esc"] {
        stage.keys(keys);
        for width in [1, 5, 29, 30, 31, 45, 80, 97, 98, 99, 100, 120, 200] {
            for height in [1, 3, 7, 8, 9, 12, 20, 24, 60] {
                draw(&mut stage, (width, height), &dark);
            }
        }
    }
}
