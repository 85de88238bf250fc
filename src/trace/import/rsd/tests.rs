//! Rows with turns and without, whole and broken.

use serde_json::json;

use super::super::Format;
use super::super::samples::{Found, of_named, trajectories};
use super::*;
use crate::problem::answer::Verdict;

const FILE: &str = "test_qwen_-1_seed3_t0.5_s0_e-1_delta0.7_maxsteps4.jsonl";

fn of(name: &str, row: &Value) -> Found {
    let text = format!("{row}\n");
    of_named(Format::Rsd, name, text.as_bytes(), &Options::default())
}

fn row(code: &str, turns: Value, reward: Value) -> Value {
    json!({
        "idx": 7, "question": "1+1?", "gt_cot": "", "gt": "2", "level": "Level 3",
        "type": "Algebra", "code": [code], "pred": ["2"], "report": [null],
        "score": [true], "token_counts": [10, 5, 4], "turn_info": turns, "reward": reward,
    })
}

#[test]
fn rewards_are_of_drafts_also_where_the_target_wrote_the_step() {
    let turns = json!([[0, 1], [1, 2], [2, 1]]);
    let found = of(FILE, &row("a\n\nb\n\nc", turns, json!([0.9, 0.25, 0.71])));
    let [one] = trajectories(&found);
    assert_eq!(one.origin.routing, Routing::Rsd { delta: Some(0.7) });
    assert_eq!(one.origin.models, ["draft", "target"]);
    assert_eq!(
        (one.origin.repetition, one.origin.sampling.temperature),
        (3, 0.5)
    );
    let told: Vec<_> = one
        .steps
        .iter()
        .map(|s| {
            let score = s.scores.first().and_then(|score| score.value);
            (
                s.parent,
                s.model.as_str(),
                s.text.as_str(),
                s.kept,
                score,
                s.in_place_of,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (None, "draft", "a", true, Some(0.9), None),
            (Some(0), "draft", "", false, Some(0.25), None),
            (Some(0), "target", "b", true, None, Some(1)),
            (Some(2), "draft", "c", true, Some(0.71), None),
        ]
    );
    let ruling = one.steps[1].ruling.as_ref().unwrap();
    assert_eq!(
        (ruling.action.as_str(), ruling.threshold),
        ("target", Some(0.7))
    );
    assert!(one.steps[2].ruling.is_none());
    let end = one.conclusion.as_ref().unwrap();
    assert_eq!((end.leaf, end.grade.verdict), (Some(3), Verdict::Correct));
    assert_eq!(end.grade.extracted.as_deref(), Some("2"));
    assert_eq!(
        (one.problem.difficulty, one.problem.domain.as_deref()),
        (Some(3.0), Some("Algebra"))
    );
    assert!(one.notes.iter().all(|note| !note.contains("do not follow")));
}

#[test]
fn a_row_may_have_a_type_and_a_subject() {
    let mut both = row("a", json!([[0, 1]]), json!([0.9]));
    both["subject"] = "Number Theory".into();
    let mut subject = both.clone();
    subject.as_object_mut().unwrap().remove("type");
    for (row, domain) in [(both, "Algebra"), (subject, "Number Theory")] {
        let found = of(FILE, &row);
        let [one] = trajectories(&found);
        assert_eq!(one.problem.domain.as_deref(), Some(domain));
    }
}

#[test]
fn steps_that_do_not_fit_the_turns_have_no_writer() {
    let turns = json!([[0, 1], [1, 2], [2, 1]]);
    let found = of(FILE, &row("a\n\nb", turns, json!([0.9, 0.25, 0.71])));
    let [one] = trajectories(&found);
    assert_eq!(one.steps.len(), 2);
    assert!(
        one.steps
            .iter()
            .all(|step| step.model == "unknown" && step.scores.is_empty())
    );
    assert!(
        one.notes
            .iter()
            .any(|note| note.contains("2 steps, `turn_info` 3")),
        "{:?}",
        one.notes
    );
    // Blank pieces are no steps, and count where they were turns.
    for text in ["a\n\nb\n\nc\n\n", "a\n\n\n\nb"] {
        let turns = json!([[0, 1], [1, 1], [2, 1]]);
        let found = of(FILE, &row(text, turns, json!([0.9, 0.8, 0.71])));
        let [one] = trajectories(&found);
        assert_eq!(one.steps.len(), 3, "{text:?}");
        assert!(one.steps.iter().all(|step| step.model == "draft"));
    }
}

#[test]
fn what_the_name_does_not_say_is_not_known() {
    let turns = json!([[0, 1], [1, 2]]);
    // NaN as Python writes it.
    let text = row("a\n\nb", turns, json!([0.1, "NaN"])).to_string();
    let text = text.replace("\"NaN\"", "NaN");
    let found = of_named(
        Format::Rsd,
        "some.jsonl",
        text.as_bytes(),
        &Options::default(),
    );
    let [one] = trajectories(&found);
    assert_eq!(one.origin.routing, Routing::Rsd { delta: None });
    assert_eq!(one.origin.repetition_kind, RepetitionKind::Only);
    for what in ["the threshold", "seed", "the models' names", "temperature"] {
        assert!(
            one.origin.not_held.iter().any(|lacks| lacks == what),
            "{what}"
        );
    }
    assert!(one.steps[1].scores.is_empty(), "its reward is no number");
    let options = Options {
        threshold: Some(0.4),
        models: ["s", "l", "p"].map(str::to_owned).into(),
        ..Options::default()
    };
    let found = of_named(Format::Rsd, "some.jsonl", text.as_bytes(), &options);
    let [one] = trajectories(&found);
    assert_eq!(one.origin.routing, Routing::Rsd { delta: Some(0.4) });
    assert_eq!(one.origin.scorers[PRM], "p");
    assert!(
        one.notes
            .iter()
            .any(|note| note.contains("1 of the rulings")),
        "{:?}",
        one.notes
    );
}

#[test]
fn rows_without_turns_are_solutions_of_one_model() {
    let row = json!({
        "idx": "a", "question": "q", "gt": 2, "code": ["x\n\ny", "z"], "pred": ["2", ""],
        "score": [true, false],
    });
    let found = of("some.jsonl", &row);
    let [one, two] = trajectories(&found);
    assert_eq!(one.origin.routing, Routing::None);
    assert_eq!((one.origin.repetition, two.origin.repetition), (0, 1));
    assert_eq!((one.steps.len(), two.steps.len()), (2, 1));
    let verdicts = [one, two].map(|t| t.conclusion.as_ref().unwrap().grade.verdict);
    assert_eq!(verdicts, [Verdict::Correct, Verdict::Wrong]);
    assert_eq!(one.problem.gold.as_deref(), Some("2"));
}

#[test]
fn a_row_that_is_none_is_told_and_the_next_one_read() {
    let good = row("a", json!([[0, 1]]), json!([0.9]));
    let odd = row("a", json!([[0, 3]]), json!([0.9]));
    let text = format!("{{\"idx\": 1\n{odd}\n{good}\n");
    let found = of_named(Format::Rsd, FILE, text.as_bytes(), &Options::default());
    let [_] = trajectories(&found);
    let places: Vec<&str> = found.damaged.iter().map(|bad| bad.place.as_str()).collect();
    assert_eq!(places, ["line 1", "line 2"]);
}
