//! Forests written to a log and read back, and logs that are refused.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Forest, ForestError, SPLITS};
use crate::problem::answer::Verdict;
use crate::problem::split::{RULE, Split};
use crate::session::forest::Shape;
use crate::session::forest::scripted::{Grower, NOW, settings};
use crate::trace::LogWriter;
use crate::trace::record::{LabelRecord, NoteRecord, Purpose, Record, RunRecord};

fn head() -> RunRecord {
    let mut head = RunRecord::clone(&settings().run);
    head.router.parameters.insert("references".into(), 4.into());
    head
}

fn grown(id: &str) -> Vec<Record> {
    let shape = Shape {
        branches: 2,
        max_nodes: 40,
        ..Shape::default()
    };
    Grower::new(id, shape).grown().log
}

/// A folder with one log of these records.
fn log(head: &RunRecord, records: &[Vec<Record>]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("forest.jsonl");
    let mut writer = LogWriter::create_or_append(&path, false).unwrap();
    writer
        .append(&[Record::Run(Box::new(head.clone()))])
        .unwrap();
    for records in records {
        writer.append(records).unwrap();
    }
    (folder, path)
}

fn refused(head: &RunRecord, records: &[Vec<Record>]) -> String {
    let (_folder, path) = log(head, records);
    Forest::load(&[path], None).unwrap_err().to_string()
}

/// A forest of problems whose every prefix is visited, with the folder that
/// its log is in.
pub(crate) struct Loaded {
    pub forest: Forest,
    _folder: TempDir,
}

pub(crate) fn loaded(problems: usize) -> Loaded {
    let shape = Shape {
        max_nodes: 2_000,
        ..Shape::default()
    };
    let grown = |n| Grower::new(&format!("p{n:02}"), shape).grown().log;
    let records: Vec<Vec<Record>> = (0..problems).map(grown).collect();
    let (folder, path) = log(&head(), &records);
    Loaded {
        forest: Forest::load(&[path], None).unwrap(),
        _folder: folder,
    }
}

/// Enough problems for every split to have one.
fn many() -> Vec<Vec<Record>> {
    (0..20).map(|n| grown(&format!("p{n:02}"))).collect()
}

#[test]
fn a_forest_is_read_back_whole() {
    let records = many();
    let (_folder, path) = log(&head(), &records);
    let forest = Forest::load(&[path], None).unwrap();
    assert_eq!(forest.problems.len(), 20);
    assert_eq!((forest.skipped.len(), forest.damages.len()), (0, 0));
    assert_eq!(forest.unit.as_deref(), Some("flops"));
    assert_eq!(
        forest.check_pool(&head().pool).map_err(|e| e.to_string()),
        Ok(())
    );
    let sizes = Split::ALL.map(|split| forest.split(split).unwrap().len());
    assert_eq!(sizes.iter().sum::<usize>(), 20);
    assert!(forest.floor().unwrap().problems == 20);

    for (problem, records) in forest.problems.iter().zip(&records) {
        let id = &problem.id;
        let count = |is: fn(&Record) -> bool| records.iter().filter(|r| is(r)).count();
        let calls = count(|r| matches!(r, Record::Step(s) if s.purpose == Purpose::Step));
        let ends = count(|r| matches!(r, Record::Outcome(_)));
        assert_eq!(problem.references.len(), 4);
        assert_eq!(problem.leaves().count() + 4, ends, "{id}");
        let weights: u32 = problem
            .steps
            .iter()
            .flat_map(|step| &step.children)
            .chain(&problem.first)
            .map(|child| child.branches)
            .sum();
        assert_eq!(weights as usize, calls, "{id}: every call is some child's");
        for (place, step) in problem.steps.iter().enumerate() {
            assert_eq!(step.leaf.is_none(), step.observation.is_some());
            assert_eq!(step.leaf.is_none(), !step.children.is_empty());
            for child in &step.children {
                let next = &problem.steps[child.step];
                assert_eq!((next.parent, next.model), (Some(place), child.model));
                assert_eq!(next.index, step.index + 1);
            }
            let Some(observation) = &step.observation else {
                continue;
            };
            assert_eq!(observation.writer, Some(step.model));
            assert_eq!(observation.index, step.index);
            assert!((step.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!(!step.drawn.is_empty());
            let drawn = |model: &usize| step.children_of(*model).next().is_some();
            assert!(
                step.drawn.iter().all(drawn),
                "{id}: what was drawn is there"
            );
            assert!(step.is_visited(2) || step.children.len() == 1);
        }
    }
}

#[test]
fn a_model_pays_again_for_what_it_has_not_read() {
    let (_folder, path) = log(&head(), &[grown("a")]);
    let forest = Forest::load(&[path], None).unwrap();
    let steps = &forest.problems[0].steps;
    let mut changes = 0;
    for step in steps {
        let parent = step.parent.map(|parent| &steps[parent]);
        let cached = step.usage.cached.unwrap();
        match parent {
            // The scripted prompt has 10 tokens, all of which its last call
            // and answer of 15 cover.
            Some(parent) if parent.model == step.model => assert_eq!(cached, 10),
            Some(_) if step.index == 2 => {
                assert_eq!(cached, 0);
                changes += 1;
            }
            _ => {}
        }
        // One parameter or ten, two operations each.
        let rate = [2.0, 20.0][step.model];
        assert_eq!(step.published, Some(rate * 5.0));
        assert_eq!(step.full, Some(rate * (15 - cached) as f64));
    }
    assert!(changes > 0);
}

#[test]
fn the_order_of_the_log_does_not_matter() {
    let one = grown("a");
    let (_a, path) = log(&head(), &[one.clone(), grown("b")]);
    let first = Forest::load(&[path], None).unwrap();
    let shape = Shape {
        branches: 2,
        max_nodes: 40,
        ..Shape::default()
    };
    let mut backwards = Grower::new("a", shape);
    backwards.backwards = true;
    let (_b, path) = log(&head(), &[grown("b"), backwards.grown().log]);
    assert_eq!(
        Forest::load(&[path], None).unwrap().problems,
        first.problems
    );
}

#[test]
fn shards_are_one_forest_and_a_problem_twice_is_one() {
    let (_a, one) = log(&head(), &[grown("a"), grown("b")]);
    let (_b, other) = log(
        &RunRecord {
            run: "other".into(),
            ..head()
        },
        &[],
    );
    let forest = Forest::load(&[&one, &other], None).unwrap();
    assert_eq!(forest.problems.len(), 2);
    let (_c, again) = log(&head(), &[grown("b"), grown("c")]);
    let forest = Forest::load(&[again], None).unwrap();
    let ids: Vec<&str> = forest.problems.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["b", "c"]);
}

/// The records as another run wrote them.
fn of_run(run: &str, records: Vec<Record>) -> Vec<Record> {
    let renamed = |record: Record| {
        let mut line = serde_json::to_value(record).unwrap();
        line["run"] = run.into();
        serde_json::from_value(line).unwrap()
    };
    records.into_iter().map(renamed).collect()
}

#[test]
fn shards_are_the_forest_of_one_run_whatever_order_they_are_named_in() {
    let shard = |run: &str, shard: &str| RunRecord {
        run: run.into(),
        shard: Some(shard.parse().unwrap()),
        ..head()
    };
    let (_w, whole) = log(&head(), &["a", "b", "c"].map(grown));
    let whole = Forest::load(&[whole], None).unwrap();
    let part = |run: &str, of: &str, problems: &[&str]| {
        let grown: Vec<_> = problems.iter().map(|id| of_run(run, grown(id))).collect();
        log(&shard(run, of), &grown)
    };
    let (_a, one) = part("one", "1/3", &["c", "a"]);
    let (_b, two) = part("two", "2/3", &["b"]);
    let (_c, three) = part("three", "3/3", &[]);
    for logs in [[&one, &two, &three], [&three, &two, &one]] {
        let forest = Forest::load(&logs, None).unwrap();
        assert_eq!(forest, whole);
    }
    let forest = Forest::load(&[&one, &three], None).unwrap();
    assert!(forest.warnings[0].contains("lack shard 2/3"));
}

#[test]
fn of_a_problem_that_several_runs_hold_the_last_counts_in_any_order() {
    let run = |run: &str, day: &str, leaf: &str| {
        let head = RunRecord {
            run: run.into(),
            started: format!("2026-01-{day}T00:00:00Z"),
            ..head()
        };
        let mut records = of_run(run, grown("a"));
        for record in &mut records {
            if let Record::Outcome(outcome) = record {
                outcome.verdict = match leaf {
                    "right" => Verdict::Correct,
                    _ => Verdict::Wrong,
                };
            }
        }
        log(&head, &[records])
    };
    let (_a, early) = run("z", "01", "right");
    let (_b, late) = run("b", "02", "wrong");
    for logs in [[&early, &late], [&late, &early]] {
        let forest = Forest::load(&logs, None).unwrap();
        assert_eq!(forest.problems.len(), 1);
        let mut leaves = forest.problems[0].leaves();
        assert!(leaves.all(|(_, leaf)| leaf.success == Some(false)));
        assert!(forest.warnings[0].contains("problem `a` found in several runs"));
    }
}

#[test]
fn problems_that_are_not_grown_are_left_out_with_the_reason() {
    let mut cut = grown("a");
    cut.truncate(cut.len() * 2 / 3);
    let (_folder, path) = log(&head(), &[cut.clone(), grown("b")]);
    let forest = Forest::load(&[path], None).unwrap();
    assert_eq!(forest.problems.len(), 1);
    assert_eq!(forest.skipped[0].problem, "a");
    let why = &forest.skipped[0].why;
    assert!(why.contains("unfinished"), "{why}");
    // Three records in, the reference run is not at its end.
    let begun = grown("a")[..3].to_vec();
    let told = refused(&head(), &[begun]);
    assert!(told.contains("`a` has 0 of 4 answers"), "{told}");
    assert!(told.contains("--resume"), "{told}");
}

#[test]
fn what_nothing_can_be_learnt_from_is_refused_with_the_reason() {
    let solved = RunRecord {
        command: "solve".into(),
        ..head()
    };
    let told = refused(&solved, &[grown("a")]);
    assert!(told.contains("its run is by `solve`"), "{told}");
    let told = refused(&head(), &[]);
    assert!(told.contains("holds no problem"), "{told}");

    let changed = |change: fn(&mut Record)| {
        let mut records = grown("a");
        records.iter_mut().for_each(change);
        refused(&head(), &[records])
    };
    let told = changed(|record| {
        if let Record::Decision(decision) = record {
            Arc::make_mut(decision).probabilities.clear();
        }
    });
    assert!(
        told.contains("no usable propensities (there is not one"),
        "{told}"
    );
    let told = changed(|record| {
        if let Record::Decision(decision) = record {
            Arc::make_mut(decision).probabilities = vec![0.0, 1.0];
        }
    });
    assert!(told.contains("above 0 and sum to 1"), "{told}");
    let told = changed(|record| {
        if let Record::Decision(decision) = record {
            Arc::make_mut(decision).observation.clear();
        }
    });
    assert!(told.contains("the observation"), "{told}");

    let mut alone = head();
    alone.router.parameters.clear();
    let mut records = grown("a");
    records.retain(|r| !matches!(r, Record::Step(s) if s.purpose == Purpose::Reference));
    let told = refused(&alone, &[records]);
    assert!(told.contains("no reference run"), "{told}");

    let note = Record::Note(NoteRecord {
        run: "run".into(),
        problem: None,
        when: NOW.into(),
        kind: SPLITS.into(),
        text: "even and odd".into(),
    });
    let told = refused(&head(), &[vec![note], grown("a")]);
    assert!(told.contains("another rule (even and odd)"), "{told}");
    assert!(!RULE.contains("even"));
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let (_a, one) = log(&head(), &[grown("a")]);
    let mut other = RunRecord {
        run: "other".into(),
        key: "other".into(),
        seed: 8,
        ..head()
    };
    let (_b, mixed) = log(&other, &[]);
    let told = Forest::load(&[&one, &mixed], None).unwrap_err().to_string();
    assert!(told.contains("seed 7") && told.contains("seed 8"), "{told}");

    other.pool[1].params = Some(3.0);
    let (_c, mixed) = log(&other, &[]);
    let told = Forest::load(&[&one, &mixed], None).unwrap_err().to_string();
    assert!(
        told.contains("model `large` is described otherwise"),
        "{told}"
    );
    let forest = Forest::load(&[&one], None).unwrap();
    let error = forest.check_pool(&other.pool[..1]).unwrap_err();
    assert!(
        error.to_string().contains("are small, large, not small"),
        "{error}"
    );
}

#[test]
fn a_split_without_problems_is_named() {
    let (_folder, path) = log(&head(), &[grown("a")]);
    let forest = Forest::load(&[path], None).unwrap();
    let there = forest.problems[0].split;
    for split in Split::ALL {
        match forest.split(split) {
            Ok(found) => assert_eq!((split, found.len()), (there, 1)),
            Err(error) => assert!(
                matches!(error, ForestError::EmptySplit { split: s, problems: 1 } if s == split)
            ),
        }
    }
}

#[test]
fn labels_stand_in_where_nobody_checked() {
    let mut records = grown("a");
    let step = records.iter().find_map(|record| match record {
        Record::Step(step) if step.purpose == Purpose::Step => Some(step.id.clone()),
        _ => None,
    });
    records.push(Record::Label(LabelRecord {
        run: "run".into(),
        step: step.unwrap(),
        problem: "a".into(),
        who: "ada".into(),
        when: NOW.into(),
        label: "bad".into(),
        note: None,
    }));
    let (_folder, path) = log(&head(), &[records]);
    let forest = Forest::load(&[path], None).unwrap();
    let said: Vec<bool> = forest.problems[0]
        .steps
        .iter()
        .filter_map(|step| step.verdict)
        .collect();
    assert_eq!(said, [false]);
}
