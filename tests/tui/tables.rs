//! The tables of runs and problems: keys in, rows and pictures out.

use pointsman::app::action::Action;
use pointsman::app::{Effect, Msg, Row, Screen, Work};
use pointsman::trace::LogWriter;
use pointsman::trace::record::Record;
use pointsman::tui::sessions;

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Cue, Script, Stage, live, problems, run, say};

/// What a router makes of the problems: right, wrong, and cut off at the third
/// step.
fn trajectories() -> Vec<Cue> {
    vec![
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.4),
        say(ANSWER, 0.9),
        say("11 - 4 = 8", 0.3),
        say(r"The answer is $\boxed{8}$.", 0.95),
        say("49 = 7 * 7", 0.5),
        say("7", 0.9),
        say("7", 0.2),
        say("so", 0.2),
    ]
}

/// A replay of two routers over the same problems, and the folder of its log.
pub fn two_runs() -> (Stage, tempfile::TempDir) {
    let runs = [
        ("a", "threshold:t=0.6", trajectories()),
        ("b", "small", trajectories()),
    ];
    replay_of(runs, "c J c J c")
}

/// A replay of two runs, each made by these keys, and the folder of its log.
pub fn replay_of(runs: [(&str, &str, Vec<Cue>); 2], keys: &str) -> (Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    for (id, router, cues) in runs {
        let mut head = run(router, 4);
        head.run = id.into();
        head.key = id.into();
        let mut stage = Stage::on(live(head.clone()), problems(), cues);
        stage.keys(keys);
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

/// The ids and runs of the rows of one trajectory.
fn shown(stage: &Stage) -> Vec<(String, String)> {
    let table = &stage.model.table;
    let at = table.rows.iter().filter_map(|row| match row {
        Row::Trajectory { at, .. } => Some(*at),
        _ => None,
    });
    at.map(|at| {
        let trajectory = &stage.model.survey.trajectories()[table.order[at] as usize];
        let (run, problem) = stage.model.survey.key(trajectory);
        (problem.to_owned(), run.to_owned())
    })
    .collect()
}

fn typed(stage: &mut Stage, key: &str, expr: &str) {
    stage.keys(&format!("{key} ctrl-u"));
    stage.type_text(expr);
    stage.keys("enter");
}

#[test]
fn repeats_share_a_row_that_opens_and_a_trajectory_is_opened_and_left() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    assert_eq!(
        stage.model.table.rows.len(),
        3,
        "two runs of three problems"
    );
    assert!(shown(&stage).is_empty());
    stage.keys("j enter");
    let pair = |problem: &str, run: &str| (problem.to_owned(), run.to_owned());
    assert_eq!(
        shown(&stage),
        [pair("difference", "a"), pair("difference", "b")]
    );
    stage.keys("j j enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    let entry = &stage.model.entries[stage.model.current];
    assert_eq!(
        (entry.problem.as_str(), entry.run.as_str()),
        ("difference", "b")
    );
    assert!(stage.session().tree().len() > 1, "it was read from the log");
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    assert_eq!(stage.model.table.cursor, 3, "where it was left");
    stage.keys("h");
    assert!(shown(&stage).is_empty(), "closed again");
    stage.keys("z");
    assert_eq!(shown(&stage).len(), 6);
}

#[test]
fn expressions_filter_sort_and_group() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P z");
    typed(&mut stage, "f", "wrong & any(confidence < 0.4 & step = 1)");
    let of_run = |stage: &Stage| -> Vec<String> {
        shown(stage)
            .into_iter()
            .map(|(problem, _)| problem)
            .collect()
    };
    assert_eq!(of_run(&stage), ["difference", "difference"]);
    assert_eq!(stage.model.table.tally.wrong, 2);
    stage.keys("esc");
    assert_eq!(of_run(&stage).len(), 6, "esc takes the filter away");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    typed(&mut stage, "o", "-cost");
    let costs: Vec<f64> = stage
        .model
        .table
        .order
        .iter()
        .map(|&place| {
            stage
                .model
                .survey
                .view(place as usize)
                .outcome()
                .unwrap()
                .published
                .unwrap()
        })
        .collect();
    assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");
    typed(&mut stage, "b", "domain");
    let groups: Vec<(String, usize)> = stage
        .model
        .table
        .rows
        .iter()
        .filter_map(|row| match row {
            Row::Group { value, tally, .. } => Some((value.clone(), tally.trajectories)),
            _ => None,
        })
        .collect();
    // As their rows: the dearest first.
    assert_eq!(
        groups,
        [("arithmetic".to_owned(), 4), ("algebra".to_owned(), 2)]
    );
    stage.keys("gg j enter");
    assert_eq!(of_run(&stage), ["root", "root"]);
}

#[test]
fn texts_are_in_the_same_language() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P z");
    let problems = |stage: &Stage| -> Vec<String> {
        let shown = shown(stage).into_iter();
        shown.map(|(problem, _)| problem).collect()
    };
    for (filter, left) in [
        ("any(text ~ \"11 - 4\")", vec!["difference"; 2]),
        ("wrong & any(calculation = wrong)", vec!["difference"; 2]),
        ("question ~ sqrt & any(text ~ \"7 * 7\")", vec!["root"; 2]),
        (
            "router = small & any(text ~ boxed)",
            vec!["sum", "difference"],
        ),
        ("any(text ~ nowhere)", Vec::new()),
    ] {
        typed(&mut stage, "f", filter);
        assert_eq!(problems(&stage), left, "{filter}");
        assert_eq!(stage.model.table.texts_read(), None);
    }
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("no trajectory fulfils"), "{picture}");
    stage.keys("esc");
    typed(&mut stage, "o", "-count(text ~ \"7\")");
    assert_eq!(problems(&stage)[..2], ["root", "root"]);
    typed(&mut stage, "b", "any(text ~ \"7 * 7\")");
    let groups = stage.model.table.rows.iter();
    let groups: Vec<(&str, usize)> = groups
        .filter_map(|row| match row {
            Row::Group { value, tally, .. } => Some((value.as_str(), tally.trajectories)),
            _ => None,
        })
        .collect();
    assert_eq!(groups, [("yes", 2), ("no", 4)]);
}

#[test]
fn texts_of_a_live_run_are_seen_as_they_are_written() {
    let mut stage = Stage::on(live(run("small", 4)), problems(), trajectories());
    stage.keys("P");
    typed(&mut stage, "f", "any(text ~ \"4 + 3\")");
    assert!(shown(&stage).is_empty());
    typed(&mut stage, "f", "question ~ \"what is\"");
    assert_eq!(shown(&stage).len(), 3, "also where nothing is written yet");
    typed(&mut stage, "f", "any(text ~ \"4 + 3\")");
    stage.keys("P c P");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    let found: Vec<String> = shown(&stage).into_iter().map(|(id, _)| id).collect();
    assert_eq!(found, ["sum"]);
}

#[test]
fn texts_are_read_once_the_log_is() {
    let (stage, _folder) = two_runs();
    let mut model = stage.model;
    model.view.screen = Screen::Problems;
    model.reading = Some((1, 2));
    let mut act = |msg| pointsman::app::update(&mut model, msg, "");
    let texts = |effects: &[Effect]| {
        let is_texts = |effect: &&Effect| matches!(effect, Effect::Work(Work::Texts(_)));
        effects.iter().filter(is_texts).count()
    };
    let action = |action| Msg::Action {
        action,
        count: None,
    };
    act(action(Action::Filter));
    act(Msg::Text("any(text ~ boxed)".into()));
    let effects = act(action(Action::Accept));
    assert_eq!(texts(&effects), 0, "the survey would have to be copied");
    let effects = act(Msg::Surveyed {
        facts: Vec::new(),
        progress: None,
        warning: None,
    });
    // What decisions lost is worked out first: it changes the survey.
    let regrets = effects.into_iter().find_map(|effect| match effect {
        Effect::Work(Work::Regrets) => Some(Work::Regrets),
        _ => None,
    });
    assert!(regrets.is_some());
    let survey = std::sync::Arc::clone(&model.survey);
    let msg = Work::Regrets.done(&survey, &sessions::build, &|_, _| Err("no log".into()));
    let effects = pointsman::app::update(&mut model, msg, "");
    assert_eq!(texts(&effects), 1);
}

#[test]
fn wrong_expressions_stay_to_be_mended() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P");
    for (expr, said) in [
        ("larg_share < 1", "large_share"),
        ("steps", "a condition"),
        ("any(model = medium)", "medium"),
        ("any(calculation = wrogn)", "is never"),
    ] {
        typed(&mut stage, "f", expr);
        let picture = text(&draw_dark(&mut stage, (120, 40)));
        assert!(picture.contains(said), "{expr}: {picture}");
        stage.keys("esc");
        assert!(stage.model.table.filter.is_none());
    }
}

#[test]
fn runs_have_rows_that_open_their_problems() {
    let (mut stage, _folder) = two_runs();
    stage.keys("L");
    let rows = &stage.model.runs.rows;
    let tallies: Vec<(usize, usize, usize)> = rows
        .iter()
        .map(|row| (row.tally.correct, row.tally.wrong, row.tally.truncated))
        .collect();
    assert_eq!(tallies.len(), 2);
    assert_eq!(rows[1].tally.large, 0, "`small` never asks the large model");
    assert!(rows[0].tally.large > 0);
    stage.keys("j enter");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    assert!(shown(&stage).iter().all(|(_, run)| run == "b"));
    assert_eq!(shown(&stage).len(), 3);
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Runs);
    stage.keys("esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn the_next_problem_is_that_of_the_table() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P z");
    typed(&mut stage, "f", "wrong");
    stage.keys("gg enter");
    let first = stage.model.current;
    stage.keys("J");
    assert_ne!(stage.model.current, first);
    assert!(stage.session().tree().len() > 1, "it was read from the log");
    stage.keys("2J J");
    assert!(
        stage
            .model
            .notice
            .as_ref()
            .unwrap()
            .text
            .contains("last problem")
    );
    stage.keys("3K");
    assert_eq!(stage.model.current, first);
}

#[test]
fn what_is_of_one_screen_is_refused_on_another_with_the_way_there() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P :");
    stage.type_text("override");
    stage.keys("enter");
    assert!(
        stage
            .model
            .notice
            .as_ref()
            .unwrap()
            .text
            .contains("enter opens")
    );
    stage.keys("P :");
    stage.type_text("Group by");
    stage.keys("enter");
    assert!(
        stage
            .model
            .notice
            .as_ref()
            .unwrap()
            .text
            .contains("P shows it")
    );
}

#[test]
fn tables_of_a_live_run_grow_with_it() {
    let mut stage = Stage::on(live(run("small", 4)), problems(), trajectories());
    stage.keys("P");
    assert_eq!(stage.model.table.tally.unfinished(), 3);
    stage.keys("gg enter c esc");
    assert_eq!(stage.model.view.screen, Screen::Problems);
    assert_eq!(stage.model.table.tally.correct, 1);
}

/// The log of one trajectory, and its folder.
fn log_of_one(name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let head = run("small", 4);
    let mut live = Stage::on(live(head.clone()), problems(), trajectories());
    live.keys("c");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer.append(&[Record::Run(Box::new(head))]).unwrap();
    writer.append(&live.log).unwrap();
    (folder, path)
}

#[test]
fn a_log_that_is_torn_in_its_last_line_is_read_to_its_end() {
    let (_folder, path) = log_of_one("torn.jsonl");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let (log, survey) = pointsman::survey::read(std::slice::from_ref(&path)).unwrap();
    let (model, _) = sessions::replay(log, survey, Vec::new());
    assert_eq!(model.reading, None);
    // Piece by piece it comes to the same, in whatever pieces.
    let (log, survey) = pointsman::survey::begin(&[&path], 1).unwrap();
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    assert!(model.reading.is_some());
    while let Some(read) = opener.read_on() {
        let batch = read.unwrap();
        let msg = Msg::Surveyed {
            facts: batch.facts,
            progress: batch.progress,
            warning: batch.warning,
        };
        pointsman::app::update(&mut model, msg, "");
    }
    assert_eq!(model.reading, None);
    assert!(model.notice.unwrap().text.contains("torn.jsonl line"));
    assert_eq!(model.entries.len(), 1);
}

#[test]
fn a_trajectory_that_was_opened_too_early_is_opened_again_at_its_step() {
    let (_folder, path) = log_of_one("grows.jsonl");
    let half = std::fs::metadata(&path).unwrap().len() / 2;
    let (log, survey) = pointsman::survey::begin(&[&path], half).unwrap();
    let (mut model, opener) = sessions::replay(log, survey, Vec::new());
    let open = |model: &mut pointsman::app::Model, entry: usize| {
        let result = opener.open(entry, &model.entries[entry]);
        pointsman::app::update(model, Msg::Opened { entry, result }, "")
    };
    open(&mut model, 0);
    let early = model.session().unwrap().followed_path().len();
    assert!((1..3).contains(&early), "{early}");
    model.go_to_step(1);
    let batch = opener.read_on().unwrap().unwrap();
    let msg = Msg::Surveyed {
        facts: batch.facts,
        progress: batch.progress,
        warning: batch.warning,
    };
    let effects = pointsman::app::update(&mut model, msg, "");
    let again = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Open { entry: 0 }));
    assert_eq!(again.count(), 1);
    open(&mut model, 0);
    let session = model.session().unwrap();
    assert_eq!(session.followed_path().len(), 3);
    let at = session.tree().node(session.cursor().unwrap()).step.index;
    assert_eq!(at, 1, "whoever looked at a step still does");
}

#[test]
fn tables_at_every_size() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P j enter");
    for size in [(80, 24), (120, 40), (200, 60)] {
        let name = format!("problems-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
    typed(&mut stage, "b", "verdict");
    stage.keys("enter");
    insta::assert_snapshot!("groups-80x24", text(&draw_dark(&mut stage, (80, 24))));
    stage.keys("L");
    for size in [(80, 24), (120, 40), (200, 60)] {
        let name = format!("runs-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
}
