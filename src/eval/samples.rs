//! Runs by hand, for tests.

use std::collections::BTreeMap;
use std::path::Path;

use crate::problem::Problem;
use crate::problem::answer::Verdict;
use crate::trace::LogWriter;
use crate::trace::record::{
    CostFacts, FORMAT, ModelFacts, OutcomeRecord, ProblemRecord, Record, RouterFacts, RunRecord,
    Sampling, TrajectoryEnd,
};

use super::outcomes::Outcomes;
use super::rows::Rows;

fn model(name: &str, params: f64) -> ModelFacts {
    ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "embedded")
    }
}

/// The head of a run of `spec`, whose only parameter is its t.
pub fn head(run: &str, spec: &str, seed: u64) -> RunRecord {
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    let parameter = rest.split_once('=').and_then(|(key, value)| {
        let value: f64 = value.parse().ok()?;
        Some((key.to_owned(), value.into()))
    });
    RunRecord {
        format: FORMAT,
        run: run.into(),
        key: format!("{spec}-{seed}"),
        started: "2026-01-01T00:00:00Z".into(),
        version: "0".into(),
        command: "solve".into(),
        router: RouterFacts {
            spec: spec.into(),
            name: name.into(),
            parameters: parameter.into_iter().collect(),
            files: BTreeMap::new(),
        },
        pool: vec![model("s", 1e6), model("l", 1e7)],
        sampling: Sampling::default(),
        seed,
        signal: "prob".into(),
        cost_unit: Some("flops".into()),
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

pub fn problem(run: &str, id: &str, question: &str) -> Record {
    Record::Problem(ProblemRecord {
        run: run.into(),
        problem: Problem {
            id: id.into(),
            question: question.into(),
            gold: None,
            difficulty: None,
            domain: None,
            source: "plain".into(),
        },
    })
}

/// An outcome with one step by each model, that cost twice as much in full.
pub fn outcome(run: &str, id: &str, verdict: Verdict, cost: f64) -> OutcomeRecord {
    OutcomeRecord {
        run: run.into(),
        problem: id.into(),
        leaf: None,
        answer: None,
        gold: None,
        verdict,
        grader: "rules-v1".into(),
        rule: "equal".into(),
        reason: None,
        extraction: None,
        forms: None,
        steps: 2,
        cost: CostFacts {
            published: Some(cost),
            full: Some(2.0 * cost),
            ..CostFacts::default()
        },
        end: TrajectoryEnd::Finished,
        steps_by_model: [("s".to_owned(), 1), ("l".to_owned(), 1)].into(),
        error: None,
        regraded: None,
        rollout: false,
    }
}

pub fn write(path: &Path, records: &[Record]) {
    let _ = std::fs::remove_file(path);
    let mut writer = LogWriter::create_or_append(path, false).unwrap();
    writer.append(records).unwrap();
}

/// `+` correct, `-` wrong, `?` ungraded, `.` no outcome.
fn verdict(mark: char) -> Option<Verdict> {
    Some(match mark {
        '+' => Verdict::Correct,
        '-' => Verdict::Wrong,
        '?' => Verdict::Ungraded,
        _ => return None,
    })
}

/// The records of one run: a mark and the same cost for every problem.
pub fn records(run: &RunRecord, marks: &str, cost: f64) -> Vec<Record> {
    let mut records = vec![Record::Run(Box::new(run.clone()))];
    for (number, mark) in marks.chars().enumerate() {
        if let Some(verdict) = verdict(mark) {
            let id = format!("p{number}");
            records.push(problem(&run.run, &id, &format!("What is {number} + 1?")));
            let outcome = outcome(&run.run, &id, verdict, cost);
            records.push(Record::Outcome(Box::new(outcome)));
        }
    }
    records
}

/// Rows of runs given as (spec, seed, marks, cost a problem).
pub fn rows(runs: &[(&str, u64, &str, f64)]) -> Rows {
    let all = runs.iter().enumerate().flat_map(|(number, run)| {
        let (spec, seed, marks, cost) = *run;
        records(&head(&format!("run{number}"), spec, seed), marks, cost)
    });
    let all: Vec<Record> = all.collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    write(&path, &all);
    Rows::of(&Outcomes::read(&[&path]).unwrap())
}
