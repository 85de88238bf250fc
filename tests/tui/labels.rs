//! Labelling with one hand: keys in, labels and pictures out.

use pointsman::app::action::{Action, Context};
use pointsman::app::{Effect, Model, Msg, Order, Screen, Slot, update};
use pointsman::trace::label::{Label, Rating};
use pointsman::trace::record::LabelRecord;
use pointsman::trace::side::{append, is_side_file};

use pointsman::tui::sessions::{LabelsGo, Sides};

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Heard, Stage, say};
use crate::tables::{replay_of, two_runs};

/// A replay of two routers over three problems of three, two and four steps,
/// labelled by Ada.
fn labelling() -> (Stage, tempfile::TempDir) {
    let (mut stage, folder) = two_runs();
    stage.model.who = "ada".into();
    stage.keys("A");
    (stage, folder)
}

/// Problem, step and word of every label that was written.
fn written(stage: &Stage) -> Vec<(String, u32, String)> {
    let labels = stage.labels.iter();
    let told = labels.map(|label| {
        let place = stage.model.survey.find(&label.run, &label.problem).unwrap();
        let tree = stage.session_of(place).tree();
        let index = tree.node(tree.find(&label.step).unwrap()).step.index;
        (label.problem.clone(), index, label.label.clone())
    });
    told.collect()
}

fn said(problem: &str, step: u32, word: &str) -> (String, u32, String) {
    (problem.to_owned(), step, word.to_owned())
}

fn problem(stage: &Stage) -> (&str, &str) {
    let entry = &stage.model.entries[stage.model.current];
    (&entry.problem, &entry.run)
}

#[test]
fn each_rating_goes_on_to_the_next_step_and_trajectory() {
    let (mut stage, _folder) = labelling();
    assert_eq!(stage.model.context(), Context::Label);
    assert_eq!((problem(&stage), stage.at()), (("sum", "a"), 1));
    stage.keys("3 2 1");
    assert_eq!(
        written(&stage),
        [
            said("sum", 1, "good"),
            said("sum", 2, "neutral"),
            said("sum", 3, "bad")
        ]
    );
    assert!(stage.labels.iter().all(|label| label.who == "ada"));
    assert!(stage.log.is_empty(), "the log is not touched");
    // The table has the repeats of a problem together.
    assert_eq!((problem(&stage), stage.at()), (("sum", "b"), 1));
    assert_eq!(stage.model.labelling.as_ref().unwrap().done(), 1);
    stage.keys("K");
    assert_eq!(problem(&stage), ("sum", "a"));
    stage.keys("J J");
    assert_eq!(problem(&stage), ("difference", "a"));
    stage.keys("esc");
    assert_eq!(stage.model.context(), Context::Inspector);
    stage.keys("3");
    assert_eq!(stage.labels.len(), 3, "digits are counts again");
}

#[test]
fn the_first_error_says_that_the_steps_before_it_are_right() {
    let (mut stage, _folder) = labelling();
    stage.keys("J J J J");
    assert_eq!((problem(&stage), stage.at()), (("root", "a"), 1));
    stage.keys("2 j e");
    assert_eq!(
        written(&stage),
        [
            said("root", 1, "neutral"),
            said("root", 2, "good"),
            said("root", 3, "first-error"),
        ]
    );
    // Both labels that the key gave are taken back at once, and one goes there.
    stage.keys("u");
    assert_eq!(
        written(&stage)[3..],
        [said("root", 3, "retracted"), said("root", 2, "retracted")]
    );
    assert_eq!(stage.at(), 3);
    stage.keys("u");
    assert_eq!(stage.at(), 1);
    let cursor = stage.model.cursor().unwrap();
    assert!(stage.model.own_opinion(cursor).is_empty());
    stage.keys("u");
    assert!(
        stage.notice().contains("no label of yours"),
        "{}",
        stage.notice()
    );
    assert_eq!(stage.labels.len(), 6, "nothing is ever deleted");
}

#[test]
fn of_several_first_errors_the_last_one_counts() {
    let (mut stage, _folder) = labelling();
    stage.keys("J J J J");
    assert_eq!((problem(&stage), stage.at()), (("root", "a"), 1));
    let ratings = |stage: &Stage| -> Vec<Option<Rating>> {
        let path = stage.session().followed_path();
        let of = |&node| stage.model.own_opinion(node).rating;
        path.iter().map(of).collect()
    };
    let [good, bad, first] = [Rating::Good, Rating::Bad, Rating::FirstError].map(Some);
    stage.keys("j j e");
    assert_eq!(ratings(&stage), [good, good, first, None]);
    // Further on: what had been marked is right then.
    assert_eq!(stage.at(), 4);
    stage.keys("e K");
    assert_eq!(problem(&stage), ("root", "a"));
    assert_eq!(ratings(&stage), [good, good, good, first]);
    // Before it: the other one is wrong, and not the first.
    stage.keys("g g j 1 e");
    assert_eq!(stage.at(), 3);
    assert!(stage.notice().contains("2 steps"), "{}", stage.notice());
    assert_eq!(ratings(&stage), [good, first, good, bad]);
    let given = stage.labels.len();
    stage.keys("u");
    assert_eq!(ratings(&stage), [bad, good, good, first]);
    assert!(stage.labels.len() > given, "nothing is ever deleted");
}

#[test]
fn what_was_given_to_a_trajectory_that_was_closed_is_taken_back_once_it_is_read() {
    let (mut stage, _folder) = labelling();
    let first = stage.model.current;
    stage.keys("3 J");
    stage.model.slots[first] = Slot::Closed;
    stage.keys("u");
    assert!(stage.notice().contains("read first"), "{}", stage.notice());
    assert_eq!((stage.model.current, stage.labels.len()), (first, 1));
    stage.keys("u");
    assert_eq!(
        written(&stage),
        [said("sum", 1, "good"), said("sum", 1, "retracted")]
    );
}

#[test]
fn others_are_heard_while_one_labels() {
    let (mut stage, folder) = labelling();
    let cursor = stage.model.cursor().unwrap();
    let of = |who: &str, word| {
        stage
            .session()
            .label(cursor, word, who, "2026-01-02T03:04:05Z")
    };
    let (mine, theirs) = (of("ada", Label::Good), of("bob", Label::Bad));
    let mut sides = Sides::new(stage.opener.clone(), LabelsGo::BesideTheLog);
    let (run, problem) = (mine.run.clone(), mine.problem.clone());
    assert_eq!(sides.others(&run, &problem), Ok(Vec::new()));
    sides.append(std::slice::from_ref(&mine)).unwrap();
    let mut side = std::fs::read_dir(folder.path()).unwrap();
    let side = side
        .find_map(|file| Some(file.unwrap().path()).filter(|path| is_side_file(path)))
        .unwrap();
    append(&side, std::slice::from_ref(&theirs)).unwrap();
    // What was said here is known here.
    assert_eq!(sides.others(&run, &problem), Ok(vec![theirs.clone()]));
    assert_eq!(sides.others(&run, &problem), Ok(Vec::new()));
    stage.hear(Heard::LabelsAdded(vec![theirs.clone()]));
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("bob  ⊖ bad"), "{picture}");
    let place = stage.model.current;
    let ballot = stage.model.survey.view(place).ballot(0).unwrap();
    assert_eq!(ballot.rating(), Some(Rating::Bad));
    // One of a log that is not open here is nobody's.
    let elsewhere = LabelRecord {
        problem: "elsewhere".into(),
        ..theirs
    };
    let before = stage.model.survey.trajectories().len();
    stage.hear(Heard::LabelsAdded(vec![elsewhere]));
    assert_eq!(stage.model.survey.trajectories().len(), before);
}

#[test]
fn others_are_asked_for_at_every_key_and_wait_for_what_is_being_opened() {
    let (mut stage, _folder) = labelling();
    let now = stage.now();
    let press = |model: &mut Model, action| {
        let count = None;
        update(model, Msg::Action { action, count }, &now)
    };
    let asks = |effects: &[Effect], place| effects.contains(&Effect::HearLabels { entry: place });
    let place = stage.model.current;
    let effects = press(&mut stage.model, Action::Blind);
    assert!(asks(&effects, place), "{effects:?}");
    let effects = press(&mut stage.model, Action::NextProblem);
    let next = stage.model.current;
    assert!(next != place && asks(&effects, next), "{effects:?}");
    assert!(
        effects.contains(&Effect::Open { entry: next }),
        "{effects:?}"
    );
    // It was read before this was said, and comes after it.
    let entry = stage.model.entries[next].clone();
    let result = stage.opener.open(next, &entry);
    let session = result.as_ref().unwrap();
    let step = session.followed_path()[0];
    let label = session.label(step, Label::Bad, "bob", "");
    update(
        &mut stage.model,
        Msg::LabelsAdded(vec![label.clone()]),
        &now,
    );
    update(
        &mut stage.model,
        Msg::Opened {
            entry: next,
            result,
        },
        &now,
    );
    assert_eq!(stage.session().tree().node(step).labels, [label]);
    // Who only looks is not asked at every key.
    let effects = press(&mut stage.model, Action::BackLevel);
    assert!(stage.model.labelling.is_none() && !asks(&effects, next));
}

#[test]
fn flags_stand_beside_ratings_and_skipped_steps_are_done() {
    let (mut stage, _folder) = labelling();
    stage.keys("f");
    assert_eq!(stage.at(), 1, "a flag is not all there is to say");
    stage.keys("f");
    assert!(stage.notice().contains("flagged it already"));
    stage.keys("1 s 3");
    let words: Vec<&str> = stage.labels.iter().map(|l| l.label.as_str()).collect();
    assert_eq!(words, ["flagged", "bad", "skipped", "good"]);
    assert_eq!(stage.model.labelling.as_ref().unwrap().done(), 1);
    stage.keys("K g g k");
    stage.keys("3");
    assert!(
        stage.notice().contains("this is the question"),
        "{}",
        stage.notice()
    );
}

#[test]
fn n_goes_to_steps_that_are_open_wherever_they_are() {
    let (mut stage, _folder) = labelling();
    stage.keys("j 3 k k n");
    assert_eq!((problem(&stage), stage.at()), (("sum", "a"), 3));
    stage.keys("N");
    assert_eq!(stage.at(), 1);
    let (mut stage, _folder) = labelling();
    // All of the second trajectory, and back to the end of the first.
    stage.keys("J 3 3 3 K K G n");
    assert_eq!((problem(&stage), stage.at()), (("difference", "a"), 1));
    stage.keys("N");
    assert_eq!((problem(&stage), stage.at()), (("sum", "a"), 3));
}

#[test]
fn the_most_telling_trajectories_come_first() {
    let (mut stage, _folder) = labelling();
    stage.keys("Q");
    assert_eq!(stage.model.labelling.as_ref().unwrap().order, Order::Worth);
    // Its steps were the least sure ones.
    assert_eq!(problem(&stage), ("root", "a"));
    stage.keys("J J");
    assert_eq!(problem(&stage), ("difference", "a"));
    stage.keys("Q K");
    assert_eq!(problem(&stage), ("sum", "b"), "the table's order again");
}

#[test]
fn what_a_decision_lost_comes_before_the_least_sure_step() {
    let wrong = r"The answer is $\boxed{8}$.";
    let first = |sure, answer| {
        vec![
            say("2 + 2 = 4", sure),
            say(answer, 0.95),
            say("11 - 4 = 7", 0.2),
            say(ANSWER, 0.95),
        ]
    };
    // The same first step; where the large model goes on from it, it is right.
    let router = "threshold:t=0.6";
    let runs = [
        ("a", router, first(0.9, wrong)),
        ("b", router, first(0.5, ANSWER)),
    ];
    let (mut stage, _folder) = replay_of(runs, "c J c");
    stage.model.who = "ada".into();
    stage.keys("J A Q");
    stage.settle();
    let lost = stage.model.survey.find("a", "sum").unwrap();
    assert_eq!(stage.model.survey.view(lost).regret(), Some(1.0));
    assert_eq!((problem(&stage), stage.at()), (("sum", "a"), 1));
    // A label changes nothing of that: nothing is worked out again.
    stage.keys("3 J");
    assert_eq!(problem(&stage), ("difference", "a"));
}

#[test]
fn notes_stand_beside_what_is_said_and_are_taken_back() {
    let (mut stage, _folder) = labelling();
    stage.keys("w");
    stage.type_text("reads \u{202e}oddly");
    stage.keys("enter");
    assert_eq!(stage.at(), 1, "a note is not all there is to say");
    let cursor = stage.model.cursor().unwrap();
    assert!(stage.model.own_opinion(cursor).is_empty());
    stage.keys("1 k");
    assert_eq!(
        written(&stage),
        [said("sum", 1, "noted"), said("sum", 1, "bad")]
    );
    let note = |stage: &Stage| {
        let node = stage.session().tree().node(cursor);
        node.note_of("ada").map(str::to_owned)
    };
    assert!(note(&stage).is_some_and(|note| note.starts_with("reads")));
    for blind in ["", "x"] {
        stage.keys(blind);
        let picture = text(&draw_dark(&mut stage, (120, 40)));
        assert!(picture.contains("oddly"), "{picture}");
        assert!(!picture.contains('\u{202e}'), "{picture}");
    }
    // Nothing written is no note, and the rating is what goes first.
    stage.keys("w ctrl-u enter u");
    assert!(stage.model.own_opinion(cursor).is_empty());
    assert!(note(&stage).is_some());
    stage.keys("u");
    assert_eq!(note(&stage), None);
    assert_eq!(stage.labels.len(), 4);
}

#[test]
fn blind_hides_what_sways_a_person() {
    let (mut stage, _folder) = labelling();
    let cursor = stage.model.cursor().unwrap();
    let other = LabelRecord {
        who: "bob".into(),
        note: Some("a remark of his".into()),
        ..stage.session().label(cursor, Label::Bad, "bob", "")
    };
    stage.hear(Heard::LabelsRead(vec![other.clone(), other]));
    stage.keys("j j k");
    stage.keys("k");
    let tells = [
        "small",
        "large",
        "threshold",
        "u 0.9",
        "bob",
        "a remark of his",
        "Who writes",
        "✓",
    ];
    stage.keys("esc w");
    stage.type_text("model = small");
    stage.keys("enter A");
    for size in [(80, 24), (120, 40), (60, 20)] {
        let open = text(&draw_dark(&mut stage, size));
        assert!(open.contains("small"), "{open}");
        stage.keys("x");
        // The last step is the one with the outcome.
        stage.keys("G");
        let picture = text(&draw_dark(&mut stage, size));
        stage.keys("g g");
        let first = text(&draw_dark(&mut stage, size));
        for told in tells {
            assert!(!picture.contains(told), "{told}: {picture}");
            assert!(!first.contains(told), "{told}: {first}");
        }
        assert!(picture.contains("BLIND"), "{picture}");
        stage.keys("x j");
    }
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(
        picture.contains("bob  ⊖ bad") && picture.contains("a remark of his"),
        "{picture}"
    );
    let labels = &stage.session().tree().node(cursor).labels;
    assert_eq!(labels.len(), 1, "what was read twice is known once");
    // What would show it all the same is not done.
    stage.keys("x :");
    stage.type_text("tree");
    stage.keys("enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    assert!(stage.notice().contains("esc leaves"), "{}", stage.notice());
}

#[test]
fn labels_that_cannot_be_written_are_not_given() {
    let (mut stage, _folder) = labelling();
    stage.keys("3");
    stage.disk_full = true;
    stage.keys("1");
    assert!(stage.notice().contains("disk full; the label is not given"));
    stage.keys("k");
    let cursor = stage.model.cursor().unwrap();
    assert!(stage.model.own_opinion(cursor).is_empty());
    // The one before it is what is taken back next.
    stage.disk_full = false;
    stage.keys("u");
    assert_eq!(
        written(&stage),
        [said("sum", 1, "good"), said("sum", 1, "retracted")]
    );
}

#[test]
fn tables_find_what_was_labelled() {
    let (mut stage, _folder) = labelling();
    stage.keys("3 1 J J e esc P f ctrl-u");
    stage.type_text("any(label = bad) | any(label = first-error)");
    stage.keys("enter");
    assert_eq!(stage.model.table.order, [0, 1]);
    stage.keys("f ctrl-u");
    stage.type_text("any(label = wrong)");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(
        picture.contains("first-error"),
        "says what is meant: {picture}"
    );
}

#[test]
fn a_live_session_is_labelled_as_far_as_it_went() {
    let cues = [
        say("2 + 2 = 4", 0.9),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
    ];
    let mut stage = Stage::new(cues);
    stage.keys("space space A 3 1");
    let words: Vec<&str> = stage.labels.iter().map(|l| l.label.as_str()).collect();
    assert_eq!(words, ["good", "bad"]);
    assert!(
        stage
            .log
            .iter()
            .all(|record| !matches!(record, pointsman::trace::record::Record::Label(_)))
    );
    stage.keys("K esc ] x");
    assert_eq!(stage.at(), 2, "the step that was labelled wrong");
}

#[test]
fn a_hostile_name_is_drawn_as_text() {
    let (mut stage, _folder) = two_runs();
    stage.model.who = "\u{1b}]0;x\u{7}a\u{202e}da\nb\u{9b}2J".into();
    stage.keys("A 3 k");
    let cursor = stage.model.cursor().unwrap();
    assert_eq!(stage.model.own_opinion(cursor).rating, Some(Rating::Good));
    for size in [(80, 24), (120, 40)] {
        let picture = text(&draw_dark(&mut stage, size));
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!picture.contains(obeyed), "{picture:?}");
    }
}

#[test]
fn labelling_at_every_size() {
    let (mut stage, _folder) = labelling();
    stage.keys("3 f 1 k");
    for (name, keys) in [("labels", ""), ("labels-blind", "x")] {
        stage.keys(keys);
        for size in [(80, 24), (120, 40), (200, 60)] {
            let name = format!("{name}-{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
        }
    }
}

#[test]
fn labels_of_a_log_that_does_not_stay_are_refused_and_not_lost() {
    let (stage, folder) = two_runs();
    let label = stage
        .session()
        .label(stage.session().followed_path()[0], Label::Good, "ada", "");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    let give = |labels| {
        let mut sides = Sides::new(stage.opener.clone(), labels);
        sides.append(std::slice::from_ref(&label))
    };
    let refused = give(LabelsGo::Nowhere).unwrap_err();
    assert!(refused.contains("does not stay"), "{refused}");
    assert_eq!(files(), before);
    give(LabelsGo::BesideTheLog).unwrap();
    assert_eq!(files(), before + 1);
}
