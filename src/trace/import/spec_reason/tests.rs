//! Lists as the tool prints them.

use super::super::Format;
use super::super::samples::{Found, of_file, of_named, trajectories};
use super::*;
use crate::problem::answer::Verdict;
use crate::problem::dataset;

const LIST: &str = r#"[{'base_model_step': None,
  'final_num_output_tokens': 7,
  'justification': '8',
  'num_output_tokens_base': None,
  'num_output_tokens_small': 7,
  'score': 8,
  'small_model_step': "Aya's " 'walk',
  'step_id': 0,
  'step_str': "Aya's walk"},
 {'base_model_step': 'So 1 + 1 = 2,\nand \\boxed{2}',
  'base_model_time': 1.5,
  'final_num_output_tokens': 9,
  'justification': '3',
  'num_output_tokens_base': 9,
  'num_output_tokens_small': 4,
  'score': 3,
  'small_model_step': 'So 1 + 1 = 3',
  'step_id': 1,
  'step_str': 'So 1 + 1 = 2,\nand \\boxed{2}',
  'stop_reason': 'finished'}]
"#;

fn options(threshold: Option<f64>) -> Options {
    let data = b"{\"question\": \"zero?\", \"answer\": \"0\"}\n{\"question\": \"1+1?\", \"answer\": \"2\"}\n";
    Options {
        threshold,
        dataset: Some(dataset::read("d.jsonl", data).unwrap()),
        ..Options::default()
    }
}

fn of(name: &str, text: &str, options: &Options) -> Found {
    of_named(Format::SpecReason, name, text.as_bytes(), options)
}

#[test]
fn rejected_drafts_are_kept_beside_what_was_written_in_their_place() {
    let found = of("1/4.txt", LIST, &options(Some(7.0)));
    let [one] = trajectories(&found);
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
                s.usage.output,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (None, "small", "Aya's walk", true, Some(8.0), 7),
            (Some(0), "small", "So 1 + 1 = 3", false, Some(3.0), 4),
            (
                Some(0),
                "base",
                "So 1 + 1 = 2,\nand \\boxed{2}",
                true,
                None,
                9
            ),
        ]
    );
    assert_eq!(one.steps[2].in_place_of, Some(1));
    assert_eq!(one.steps[2].seconds, 1.5);
    let ruling = one.steps[1].ruling.as_ref().unwrap();
    assert_eq!(ruling.action, "base");
    assert!(ruling.reason.contains("3.00, τ = 7"), "{}", ruling.reason);
    let Routing::SpecReason {
        tau,
        first,
        averaged,
    } = one.origin.routing
    else {
        panic!("{:?}", one.origin.routing);
    };
    assert_eq!((tau, first, averaged), (Some(7.0), 0, false));
    assert_eq!(one.origin.repetition, 4);
    // Question and gold are those of the data set's row 1.
    assert_eq!(
        (one.problem.id.as_str(), one.problem.question.as_str()),
        ("1", "1+1?")
    );
    let end = one.conclusion.as_ref().unwrap();
    assert_eq!((end.leaf, end.grade.verdict), (Some(2), Verdict::Correct));
    assert!(
        one.notes.iter().any(|note| note.contains("row 1")),
        "{:?}",
        one.notes
    );
}

#[test]
fn what_nobody_says_is_not_known_and_what_contradicts_is_told() {
    let found = of("1/4.txt", LIST, &Options::default());
    let [one] = trajectories(&found);
    assert_eq!(one.problem.question, "");
    assert_eq!(
        one.conclusion.as_ref().unwrap().grade.verdict,
        Verdict::Ungraded
    );
    for what in [
        "the threshold",
        "questions and gold answers",
        "the models' names",
    ] {
        assert!(
            one.origin.not_held.iter().any(|lacks| lacks == what),
            "{what}"
        );
    }
    let found = of("1/4.txt", LIST, &options(Some(9.0)));
    let [one] = trajectories(&found);
    assert!(
        one.notes
            .iter()
            .any(|note| note.contains("1 of the rulings")),
        "{:?}",
        one.notes
    );
}

#[test]
fn how_it_stopped_is_kept() {
    let step = |text: &str, more: &str| {
        format!(
            "{{'step_str': '{text}', 'base_model_step': '{text}', 'small_model_step': None, 'score': None{more}}}"
        )
    };
    let end = |more: &str, texts: [&str; 3]| {
        let list = format!(
            "[{}, {}, {}]",
            step(texts[0], ""),
            step(texts[1], ""),
            step(texts[2], more)
        );
        let found = of("p/0.txt", &list, &Options::default());
        let [one] = trajectories(&found);
        let Routing::SpecReason { first, .. } = one.origin.routing else {
            panic!("{:?}", one.origin.routing);
        };
        assert_eq!((first, one.steps.len()), (3, 3));
        one.conclusion.as_ref().unwrap().end
    };
    let different = ["a", "b", "c"];
    assert_eq!(
        end(", 'stop_reason': 'finished'", different),
        TrajectoryEnd::Finished
    );
    assert_eq!(
        end(", 'stop_reason': 'finished'", ["a", "b", "b"]),
        TrajectoryEnd::Repetition
    );
    assert_eq!(
        end(", 'stop_reason': 'budget'", different),
        TrajectoryEnd::StepCap
    );
    assert_eq!(end("", different), TrajectoryEnd::Error);
}

#[test]
fn a_pickle_is_refused_and_says_how_to_get_the_twin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.pickle");
    std::fs::write(&path, b"\x80\x04\x95cos\nsystem\n").unwrap();
    for format in Format::ALL {
        let error = of_file(format, &path, &Options::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("pickle") && error.contains("pprint"),
            "{error}"
        );
    }
    let error = super::super::guess(&path).unwrap_err().to_string();
    assert!(error.contains(".txt"), "{error}");
    for text in ["[]", "{'a': 1}", "[{'step_str': 'a'}]", "[os.system('x')]"] {
        let found = of("p/0.txt", text, &Options::default());
        assert_eq!(
            (found.trajectories.len(), found.damaged.len()),
            (0, 1),
            "{text}"
        );
    }
}
