//! Imported logs are read back as readers do: by survey, tree, what-if and the
//! results table.

use std::path::PathBuf;

use serde_json::json;

use crate::eval::what_if::{Rule, WhatIf};
use crate::eval::{Outcomes, Rows};
use crate::router::for_pool;
use crate::survey::{self, Survey};
use crate::trace::Log;
use crate::trace::record::{Purpose, Record};
use crate::trace::{Reader, Tree};
use crate::train::params::CostLedger;

use super::*;

const RSD: &str = r#"{"idx": 1, "question": "1+1?", "gt": "2", "code": ["a\n\nb\n\nc"], "pred": ["2"], "score": [true], "turn_info": [[0, 1], [1, 2], [2, 1]], "reward": [0.9, 0.25, 0.71]}
{"idx": 2, "question": "2+2?", "gt": "4", "code": ["d"], "pred": ["5"], "score": [false], "turn_info": [[0, 1]], "reward": [0.95]}
"#;
const RSD_NAME: &str = "test_x_-1_seed0_t0.0_s0_e-1_delta0.7_maxsteps9.jsonl";

fn options(folder: &Path, files: &[(&str, &str)]) -> ImportOptions {
    let write = |(name, text): &(&str, &str)| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    ImportOptions {
        files: files.iter().map(write).collect(),
        format: None,
        log: folder.join("out.jsonl"),
        dataset: None,
        threshold: None,
        models: Vec::new(),
        separator: "\n\n".to_owned(),
        limit: None,
        quiet: true,
    }
}

fn imported(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), files);
    let done = import(&options).unwrap();
    assert!(done.failure.is_none(), "{:?}", done.failure);
    (folder, options.log, done.summary)
}

fn tree(log: &Log, survey: &Survey, problem: &str) -> Tree {
    let mut all = survey.trajectories().iter();
    let found = all.find(|one| survey.key(one).1 == problem).unwrap();
    let (run, problem) = survey.key(found);
    let (tree, damages) = log.tree(run, problem).unwrap();
    assert!(damages.is_empty() && tree.faults().is_empty(), "{tree:?}");
    tree
}

#[test]
fn a_routed_run_is_read_as_one_of_our_own() {
    let (_folder, path, summary) = imported(&[(RSD_NAME, RSD)]);
    assert_eq!(
        (summary.trajectories, summary.runs, summary.steps),
        (2, 1, 5)
    );
    assert_eq!((summary.correct, summary.wrong), (1, 1));
    assert_eq!((summary.decisions, summary.scores), (4, 4));
    let (log, survey) = survey::read(&[&path]).unwrap();
    assert_eq!(log.damages().count(), 0);
    assert_eq!((survey.trajectories().len(), survey.steps()), (2, 5));
    let head = survey.runs()[0].head.as_deref().unwrap();
    assert_eq!(
        (head.router.spec.as_str(), head.command.as_str()),
        ("rsd:delta=0.7", "import")
    );

    let tree = tree(&log, &survey, "1");
    let line = tree.main_line();
    let texts: Vec<&str> = line
        .iter()
        .map(|&at| tree.node(at).step.text.as_str())
        .collect();
    assert_eq!(texts, ["a", "b", "c"]);
    let [a, b, c] = line.as_slice() else {
        panic!("{line:?}");
    };
    // The draft that was rejected after the first step bears its reward, and
    // the decision on it led to what stands.
    let drafts = tree.drafts(Some(*a));
    assert_eq!(drafts.len(), 1);
    let draft = tree.node(drafts[0]);
    assert_eq!(
        (draft.step.text.as_str(), draft.scores[0].value),
        ("", Some(0.25))
    );
    let decision = &tree.decisions(Some(*a))[0];
    assert_eq!(decision.draft.as_ref(), Some(&draft.step.id));
    assert_eq!(decision.action, "target");
    let stands = &tree.node(*b).step;
    assert_eq!(
        (stands.purpose, stands.decision.as_ref()),
        (Purpose::Regenerated, Some(&decision.id))
    );
    assert!(tree.node(*b).scores.is_empty());
    assert_eq!(tree.node(*c).step.confidence.value, None);
    let outcome = tree.node(*c).outcome().unwrap();
    assert_eq!((outcome.steps, outcome.steps_by_model["target"]), (3, 1));
    assert_eq!((outcome.cost.published, outcome.cost.full), (None, None));
}

#[test]
fn what_if_decides_an_imported_run_again() {
    let (_folder, path, _) = imported(&[(RSD_NAME, RSD)]);
    let (_, survey) = survey::read(&[&path]).unwrap();
    let head = survey.runs()[0].head.as_deref().unwrap();
    let rule = for_pool(&head.router.spec.parse().unwrap(), &head.pool).unwrap();
    let what_if = WhatIf::new(&survey, 0, &Rule::Of(&*rule), CostLedger::Published).unwrap();
    assert_eq!(what_if.slider().value, 0.7);
    let counts = |value: f64| {
        let outlook = what_if.at(value);
        (outlook.unchanged, outlook.branched, outlook.unknown)
    };
    assert_eq!(counts(0.7), (2, 0, 0));
    // The draft with 0.25 would have stood, and nobody knows what then.
    assert_eq!(counts(0.2), (1, 0, 1));
    // Drafts of 0.71 and 0.95 would have been written again.
    assert_eq!(counts(0.8), (1, 0, 1));
    assert_eq!(counts(0.97), (0, 0, 2));
}

#[test]
fn imported_runs_are_rows_of_the_results() {
    let solution = |id: &str, by: &str, correct: bool| {
        format!(
            "{{\"id\": \"{id}\", \"generator\": \"{by}\", \"problem\": \"q {id}\", \"steps\": [\"a\", \"b\"], \
             \"final_answer_correct\": {correct}, \"label\": 1}}\n"
        )
    };
    let bench = [
        solution("x", "m", true),
        solution("y", "n", false),
        solution("z", "m", false),
        solution("x", "m", true),
    ]
    .concat();
    let (_folder, path, summary) = imported(&[(RSD_NAME, RSD), ("bench.json", &bench)]);
    assert_eq!(
        (summary.runs, summary.trajectories, summary.labels),
        (3, 6, 8)
    );
    let rows = Rows::of(&Outcomes::read(&[&path]).unwrap());
    let names: Vec<(&str, usize)> = rows
        .rows
        .iter()
        .map(|row| (row.spec.as_str(), row.cells.len()))
        .collect();
    assert_eq!(names.len(), 3);
    assert!(
        names.contains(&("rsd:delta=0.7", 2)) && names.contains(&("none:model=m", 3)),
        "{names:?}"
    );
    assert!(
        rows.grounds
            .iter()
            .all(|ground| ground.describe().contains("not known"))
    );
    // The same id twice in a run is told apart.
    let (log, survey) = survey::read(&[&path]).unwrap();
    let again = tree(&log, &survey, "x#2");
    let leaf = *again.main_line().last().unwrap();
    assert_eq!(again.node(leaf).labels[0].label, "first-error");
}

#[test]
fn what_is_not_known_is_said_in_the_log() {
    let (_folder, path, summary) = imported(&[(RSD_NAME, RSD)]);
    assert!(summary.not_held.iter().any(|what| what == "costs"));
    let notes: Vec<String> = Reader::open(&path)
        .unwrap()
        .filter_map(|record| match record.unwrap().value {
            Record::Note(note) if note.problem.is_none() => Some(note.text),
            _ => None,
        })
        .collect();
    let [note] = notes.as_slice() else {
        panic!("{notes:?}");
    };
    let note: serde_json::Value = serde_json::from_str(note).unwrap();
    assert_eq!(note["source"]["name"], RSD_NAME);
    assert_eq!(note["format"], "rsd");
    assert_eq!(note["seed"], "of the source");
    assert!(note["sampling"].as_str().unwrap().contains("not known"));
}

#[test]
fn damage_is_counted_and_a_log_that_is_there_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = format!("{RSD}{{\"idx\": 3}}\n");
    let given = options(folder.path(), &[("some.jsonl", &damaged)]);
    let done = import(&given).unwrap();
    assert_eq!(
        (done.summary.trajectories, done.summary.damaged_rows),
        (2, 1)
    );
    let failure = done.failure.unwrap();
    assert_eq!(failure.exit, Exit::BadData);
    assert!(failure.message.contains("line 3"), "{failure}");
    let held = std::fs::read(&given.log).unwrap();
    let failure = import(&given).err().unwrap();
    assert_eq!(failure.exit, Exit::Usage);
    assert_eq!(std::fs::read(&given.log).unwrap(), held);

    // Of nothing there is no log.
    let other = ImportOptions {
        log: folder.path().join("none.jsonl"),
        format: Some(Format::ProcessBench),
        ..given.clone()
    };
    assert_eq!(import(&other).err().unwrap().exit, Exit::BadData);
    assert!(!other.log.exists());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");

    let few = ImportOptions {
        limit: Some(1),
        log: folder.path().join("few.jsonl"),
        ..given
    };
    let done = import(&few).unwrap();
    assert_eq!((done.summary.trajectories, done.failure), (1, None));
}

#[test]
fn what_says_nothing_of_a_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let given = options(folder.path(), &[(RSD_NAME, RSD)]);
    let dataset = ImportOptions {
        dataset: Some(PathBuf::from("some")),
        ..given.clone()
    };
    let models = ImportOptions {
        models: ["a", "b", "c", "d"].map(str::to_owned).into(),
        ..given.clone()
    };
    for wrong in [dataset, models] {
        assert_eq!(import(&wrong).err().unwrap().exit, Exit::Usage);
    }
    assert!(!given.log.exists());
}

#[test]
fn probabilities_of_an_inspect_log_are_the_steps_confidences() {
    let tokens: Vec<serde_json::Value> = ["1 + 1", " = 2.", "\n\n", "So 2"]
        .iter()
        .zip([-0.5, -0.25, -0.125, -0.75])
        .map(|(token, logprob)| json!({"token": token, "logprob": logprob, "bytes": null}))
        .collect();
    let message = json!({"id": "a", "role": "assistant", "content": "1 + 1 = 2.\n\nSo 2"});
    let sample = |tokens: &[serde_json::Value]| {
        json!({
            "id": tokens.len(), "input": "1+1?", "target": "2", "messages": [message],
            "scores": {"match": {"value": "C"}},
            "events": [{"event": "model", "model": "m", "output": {
                "choices": [{"message": message, "logprobs": {"content": tokens}}],
                "usage": {"input_tokens": 9, "output_tokens": 5},
            }}],
        })
    };
    let log = json!({
        "eval": {"model": "m", "model_generate_config": {"logprobs": true}},
        "samples": [sample(&tokens), sample(&tokens[..2]), sample(&[])],
    });
    let (_folder, path, summary) = imported(&[("log.json", &log.to_string())]);
    // Those of the second make a part of its text, the third has none.
    assert_eq!((summary.runs, summary.remarks), (1, 1));
    let (log, survey) = survey::read(&[&path]).unwrap();
    let head = survey.runs()[0].head.as_deref().unwrap();
    assert_eq!(head.signal, "prob");
    let steps = |problem: &str| {
        let tree = tree(&log, &survey, problem);
        let line = tree.main_line();
        let of = |&at| {
            let step = &tree.node(at).step;
            let texts: Vec<String> = step.tokens.iter().map(|one| one.text.to_string()).collect();
            (texts.concat(), step.usage.output, step.confidence.value)
        };
        line.iter().map(of).collect::<Vec<_>>()
    };
    let [(first, three, sure), (second, two, unsure)] = &steps("4")[..] else {
        panic!("{:?}", steps("4"));
    };
    assert_eq!((first.as_str(), second.as_str()), ("1 + 1 = 2.", "So 2"));
    // The end of the sequence is the last step's.
    assert_eq!((*three, *two), (3, 2));
    assert!((sure.unwrap() - (-0.5_f64).exp()).abs() < 1e-6);
    assert!((unsure.unwrap() - (-0.75_f64).exp()).abs() < 1e-6);
    for problem in ["2", "0"] {
        let none = |(texts, _, confidence): (String, u64, Option<f64>)| {
            texts.is_empty() && confidence.is_none()
        };
        assert!(steps(problem).into_iter().all(none), "{problem}");
    }
}

#[test]
fn a_file_of_no_format_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(
        folder.path(),
        &[("metrics.json", "{\"acc\": 1}"), (RSD_NAME, RSD)],
    );
    let done = import(&options).unwrap();
    assert_eq!((done.summary.trajectories, done.summary.refused), (2, 1));
    let failure = done.failure.unwrap();
    assert!(
        failure.message.contains("metrics.json"),
        "{}",
        failure.message
    );
    assert!(options.log.exists());
}

#[test]
fn a_log_is_not_made_under_the_name_of_a_file_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), &[(RSD_NAME, RSD)]);
    options.log = folder.path().join("out.labels.jsonl");
    let error = import(&options).err().unwrap();
    assert!(
        error.message.contains("files of labels"),
        "{}",
        error.message
    );
    assert!(!options.log.exists());
}
