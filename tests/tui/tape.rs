//! Recorded trajectories, read from a real log file: never a call.

use pointsman::app::{Mode, Model};
use pointsman::problem::answer::Verdict;
use pointsman::trace::record::{
    CostFacts, GRADER, Record, Regraded, Replaced, ScoreRecord, Usage, VERIFIER,
};
use pointsman::trace::{LogWriter, Tree};
use pointsman::tui::sessions;

use crate::screens;
use crate::stage::{ANSWER, Cue, Script, Stage, run, say};

/// Opens a replay of what a stage has logged.
pub fn replay(live: &Stage) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer
        .append(&[Record::Run(Box::new(run("threshold:t=0.6", 12)))])
        .unwrap();
    writer.append(&live.log).unwrap();
    drop(writer);
    // The file stays open after its folder is gone only where the log keeps
    // it open: it is kept for the test's life instead.
    let (log, survey) = pointsman::survey::read(&[path]).unwrap();
    let (model, opener) = sessions::replay(log, survey, Vec::new());
    let stage = Stage::of(model, opener, Script::Cues([].into()));
    drop(folder);
    stage
}

/// A record as a reader of its line gets it.
fn as_read(record: &Record) -> Record {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

fn recorded() -> Stage {
    let mut live = Stage::new([
        say("2 + 2 = 4", 0.9),
        Cue::Hang(vec!["cut"]),
        say("4 + 3 = 8", 0.4),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
    ]);
    live.keys("space space esc space b o enter space");
    live
}

/// What a scorer said of the step at that place of the log's steps.
fn score(live: &Stage, step: usize, scorer: &str, value: f64) -> Record {
    let mut steps = live.log.iter().filter_map(|record| match record {
        Record::Step(step) if step.kept => Some(step),
        _ => None,
    });
    let step = steps.nth(step).unwrap();
    Record::Score(ScoreRecord {
        run: step.run.clone(),
        step: Some(step.id.clone()),
        problem: step.problem.clone(),
        scorer: scorer.into(),
        model: Some("judge".into()),
        value: Some(value),
        note: None,
        usage: Usage::default(),
        attempts: Vec::new(),
        cost: Some(CostFacts {
            published: Some(0.0),
            full: Some(5e9),
            ..CostFacts::default()
        }),
    })
}

#[test]
fn a_replay_shows_the_newest_outcome_and_finds_what_a_verifier_judged_wrong() {
    let mut live = Stage::new([
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
    ]);
    live.keys("c");
    let before = live.session().cost_to(live.session().cursor());
    let first = live.session().outcome().unwrap().clone();
    assert_eq!(first.verdict, Verdict::Correct);
    let mut again = first.clone();
    again.verdict = Verdict::Wrong;
    again.grader = "llm:judge".into();
    again.reason = Some("the grader replied: Incorrect".into());
    again.regraded = Some(Regraded {
        when: "2026-01-02T03:04:05Z".into(),
        version: "0".into(),
        replaces: Replaced {
            grader: first.grader.clone(),
            verdict: first.verdict,
            rule: first.rule.clone(),
        },
    });
    // The grader's word on the whole is no word on its last step.
    let graded = score(&live, 2, GRADER, 0.0);
    live.log
        .extend([graded, Record::Outcome(Box::new(again.clone()))]);
    let mut tape = replay(&live);
    assert_eq!(tape.model.verdict(0), Some(Verdict::Wrong), "in the picker");
    tape.keys("G");
    assert_eq!(tape.session().outcome(), Some(&again));
    let shown = screens::text(&screens::draw_dark(&mut tape, (200, 60)));
    for text in [
        "llm:judge",
        "graded again, was correct",
        "replied: Incorrect",
    ] {
        assert!(shown.contains(text), "{text} in\n{shown}");
    }
    let cost = tape.session().cost_to(tape.session().cursor());
    assert_eq!(cost.published(), before.published());
    assert_eq!(cost.full(), before.full().map(|full| full + 5e9));
    tape.keys("gg ]x");
    assert_eq!(tape.notice(), "no step of this path was judged wrong");

    let verified = [
        score(&live, 0, VERIFIER, 1.0),
        score(&live, 1, VERIFIER, 0.0),
    ];
    live.log.extend(verified);
    let mut tape = replay(&live);
    tape.keys("gg ]x");
    assert_eq!(tape.at(), 2);
}

#[test]
fn the_tape_plays_to_its_end_and_stops() {
    let live = recorded();
    let mut tape = replay(&live);
    assert_eq!(tape.model.mode, Mode::Replay);
    assert_eq!((tape.at(), tape.tick), (0, None));
    tape.keys("p");
    let mut seen = Vec::new();
    while tape.model.playing {
        assert!(tape.pass(), "playing asks for ticks");
        seen.push(tape.at());
    }
    assert_eq!(seen, [1, 2, 3, 3]);
    assert_eq!(tape.notice(), "the tape ends here");
    tape.settle();
    assert_eq!(tape.path(), live.path());
    assert!(tape.session().outcome().is_some());
}

#[test]
fn a_replay_shows_what_the_live_session_showed_and_refuses_to_generate() {
    let live = recorded();
    let mut tape = replay(&live);
    assert_eq!(tape.followed(), live.followed());
    let written: Vec<Record> = live.log.iter().map(as_read).collect();
    let tree = Tree::from_records("run", "sum", written);
    assert!(
        *tape.session().tree() == tree,
        "the file gives another tree"
    );
    tape.keys("c");
    assert_eq!(tape.path(), live.path());
    for keys in ["space", "c", "o", "e", "r", "R"] {
        tape.keys(keys);
        assert!(!tape.notice().is_empty(), "{keys} says why not");
        assert!(
            tape.model.layers.is_empty() && tape.editor.is_none(),
            "{keys}"
        );
    }
    // Running until a condition holds is looking, too.
    tape.keys("g g C ctrl-u");
    tape.type_text("step >= 2");
    tape.keys("enter");
    assert_eq!(tape.at(), 2);
    tape.keys("G b <");
    assert!(tape.path()[1].contains("4 + 3 = 8"), "{:?}", tape.path());
    assert!(tape.calls.is_empty() && tape.log.is_empty());
    tape.keys("q");
    assert!(tape.model.quitting);
}

#[test]
fn a_replay_knows_how_each_problem_came_out() {
    let tape = replay(&recorded());
    let Model { entries, .. } = &tape.model;
    assert_eq!(entries.len(), 1);
    assert!(entries[0].title.contains("What is 2 + 2 + 3?"));
    assert!(tape.model.verdict(0).is_some());
}

#[test]
fn a_log_is_searched_by_what_its_trajectories_did() {
    use pointsman::expr::{Expr, Scope};
    let mut live = Stage::new([
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.4),
        say(ANSWER, 0.9),
    ]);
    live.keys("c");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    let head = Record::Run(Box::new(run("threshold:t=0.6", 12)));
    writer.append(&[head]).unwrap();
    writer.append(&live.log).unwrap();
    let (log, survey) = pointsman::survey::read(&[path]).unwrap();
    let found = |text: &str| {
        let condition = Expr::condition(text, Scope::Trajectory).unwrap();
        let asked = survey.ask(&condition).unwrap();
        asked.matching(&log, &survey).unwrap().len()
    };
    for held in [
        "correct",
        "steps = 3 & ended = finished",
        "any(confidence < 0.5 & model = small & escalation)",
        "first(escalation) = 2 & large_share < 34%",
        "router ~ THRESHOLD & any(text ~ \"4 + 3\")",
        "all(known(prob) & tokens > 0)",
        "cost > 0 & full_cost >= cost & overrides = 0",
    ] {
        assert_eq!(found(held), 1, "{held}");
    }
    for not in ["wrong", "any(truncated | edited)", "any(prm > 0)"] {
        assert_eq!(found(not), 0, "{not}");
    }
}
