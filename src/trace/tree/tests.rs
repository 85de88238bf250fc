use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

use crate::problem::Problem;
use crate::trace::record::{LabelRecord, ProblemRecord, Usage};
use crate::trace::samples::{any_record, decision, note, outcome, run, step};

use super::*;

fn s(id: &str, parent: Option<&str>) -> Record {
    Record::Step(Arc::new(step(id, parent, id)))
}

fn ended(id: &str, parent: Option<&str>, text: &str, end: StepEnd) -> Record {
    let mut record = step(id, parent, text);
    record.end = end;
    Record::Step(Arc::new(record))
}

fn draft(id: &str, parent: Option<&str>) -> Record {
    let mut record = step(id, parent, id);
    record.kept = false;
    Record::Step(Arc::new(record))
}

fn tree(records: impl IntoIterator<Item = Record>) -> Tree {
    Tree::from_records("r", "p", records)
}

fn names(tree: &Tree, nodes: impl IntoIterator<Item = NodeIndex>) -> Vec<String> {
    nodes
        .into_iter()
        .map(|node| tree.node(node).step.id.clone())
        .collect()
}

fn at(tree: &Tree, id: &str) -> NodeIndex {
    tree.find(id).unwrap()
}

/// a - b - c, with the branch b2 - c2 after a, and a rejected draft of b.
fn branched() -> Tree {
    tree([
        s("a", None),
        draft("b0", Some("a")),
        s("b", Some("a")),
        s("c", Some("b")),
        s("b2", Some("a")),
        s("c2", Some("b2")),
    ])
}

#[test]
fn paths_siblings_leaves_and_the_main_line() {
    let tree = branched();
    assert_eq!(names(&tree, tree.path(at(&tree, "c2"))), ["a", "b2", "c2"]);
    assert_eq!(names(&tree, tree.path(at(&tree, "b0"))), ["a", "b0"]);
    assert_eq!(names(&tree, tree.siblings(at(&tree, "b"))), ["b", "b2"]);
    assert_eq!(names(&tree, tree.siblings(at(&tree, "b0"))), ["b0"]);
    assert_eq!(names(&tree, tree.leaves()), ["c", "c2"]);
    assert_eq!(names(&tree, tree.main_line()), ["a", "b2", "c2"]);
    assert_eq!(names(&tree, tree.children(None).to_vec()), ["a"]);
    assert_eq!(
        names(&tree, tree.drafts(Some(at(&tree, "a"))).to_vec()),
        ["b0"]
    );
    assert!(tree.faults().is_empty());
    assert!(Tree::new("r", "p").main_line().is_empty());
}

#[test]
fn the_partial_answer_is_byte_exact() {
    let tree = tree([
        ended("a", None, "One.\n", StepEnd::Delimiter),
        ended("b", Some("a"), " two ", StepEnd::Length),
        ended("e", Some("b"), "", StepEnd::Empty),
        ended("c", Some("e"), "three", StepEnd::Eos),
    ]);
    assert_eq!(tree.text(at(&tree, "a")), "One.\n\n\n");
    assert_eq!(tree.text(at(&tree, "c")), "One.\n\n\n two three");
}

#[test]
fn the_drawing_keeps_a_trajectory_in_its_lane() {
    let tree = branched();
    let rows: Vec<(String, usize, bool, RowKind)> = tree
        .rows()
        .into_iter()
        .map(|row| {
            (
                tree.node(row.node).step.id.clone(),
                row.lane,
                row.fork,
                row.kind,
            )
        })
        .collect();
    let expected = [
        ("a", 0, false, RowKind::Step),
        ("b0", 1, true, RowKind::Draft),
        ("b2", 1, true, RowKind::Step),
        ("c2", 1, false, RowKind::Step),
        ("b", 0, false, RowKind::Step),
        ("c", 0, false, RowKind::Step),
    ];
    let expected = expected.map(|(id, lane, fork, kind)| (id.to_owned(), lane, fork, kind));
    assert_eq!(rows, expected);
}

#[test]
fn what_was_said_about_a_step_hangs_on_its_node() {
    let label = LabelRecord {
        run: "r".into(),
        step: "a".into(),
        problem: "p".into(),
        who: "me".into(),
        when: String::new(),
        label: "wrong".into(),
        note: None,
    };
    let score = ScoreRecord {
        run: "r".into(),
        step: Some("a".into()),
        problem: "p".into(),
        scorer: "prm".into(),
        model: None,
        value: None,
        note: None,
        usage: Usage::default(),
        attempts: Vec::new(),
        cost: None,
    };
    let problem = Problem {
        id: "p".into(),
        question: "q".into(),
        gold: None,
        difficulty: None,
        domain: None,
        source: "plain".into(),
    };
    let mut tree = tree([
        Record::Problem(ProblemRecord {
            run: "r".into(),
            problem: problem.clone(),
        }),
        Record::Decision(Arc::new(decision("d0", None))),
        s("a", None),
        Record::Decision(Arc::new(decision("d1", Some("a")))),
        Record::Label(label),
        Record::Score(score),
        Record::Note(note(Some("p"), "odd")),
        Record::Outcome(Box::new(outcome("p", Some("a")))),
    ]);
    assert_eq!(tree.problem(), Some(&problem));
    assert_eq!(tree.decisions(None)[0].id, "d0");
    let node = tree.node(at(&tree, "a"));
    assert_eq!(node.decisions[0].id, "d1");
    assert_eq!((node.labels.len(), node.scores.len()), (1, 1));
    assert!(node.outcome().is_some());
    assert_eq!(tree.decision("d1").unwrap().after.as_deref(), Some("a"));
    assert!(tree.decision("none").is_none());
    assert_eq!(tree.notes().len(), 1);
    assert_eq!(tree.add(Record::Run(Box::new(run("r")))), Added::Ignored);
    assert_eq!(
        tree.add(Record::Note(note(None, "of the run"))),
        Added::Ignored
    );
    assert_eq!(
        tree.add(Record::Outcome(Box::new(outcome("other", None)))),
        Added::Ignored
    );
    assert_eq!(
        tree.add(Record::Outcome(Box::new(outcome("p", None)))),
        Added::Root
    );
    assert_eq!(tree.root_outcomes().len(), 1);
}

#[test]
fn orphans_are_kept_reported_and_adopted() {
    let mut tree = tree([
        s("a", None),
        s("c", Some("b")),
        s("d", Some("c")),
        Record::Decision(Arc::new(decision("x", Some("b")))),
    ]);
    assert_eq!(tree.len(), 3);
    assert!(tree.node(at(&tree, "c")).is_orphan());
    let faults = tree.faults();
    assert_eq!(faults.len(), 2);
    assert_eq!(
        faults[0].to_string(),
        "step c follows step b, which is missing"
    );
    assert_eq!(
        faults[1].to_string(),
        "a decision names step b, which is missing"
    );
    let rows = tree.rows();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1].kind, RowKind::Orphan);
    tree.add(s("b", Some("a")));
    assert!(tree.faults().is_empty());
    assert_eq!(
        names(&tree, tree.path(at(&tree, "d"))),
        ["a", "b", "c", "d"]
    );
    assert_eq!(tree.node(at(&tree, "b")).decisions.len(), 1);
}

#[test]
fn a_step_logged_twice_is_one_node() {
    let mut tree = tree([s("a", None)]);
    assert_eq!(tree.add(s("a", None)), Added::Duplicate(at(&tree, "a")));
    assert!(tree.faults().is_empty());
    tree.add(ended("a", None, "other", StepEnd::Eos));
    assert_eq!(tree.faults(), [Fault::Conflict { step: "a".into() }]);
    assert_eq!(tree.len(), 1);
}

#[test]
fn cycles_are_cut_and_reported() {
    let tree = tree([
        s("a", Some("c")),
        s("b", Some("a")),
        s("c", Some("b")),
        s("x", Some("x")),
    ]);
    assert_eq!(tree.len(), 4);
    assert_eq!(names(&tree, tree.path(at(&tree, "c"))), ["a", "b", "c"]);
    assert_eq!(tree.rows().len(), 4);
    let cut: Vec<String> = tree.faults().iter().map(ToString::to_string).collect();
    assert_eq!(cut.len(), 2, "{cut:?}");
}

#[test]
fn a_long_trajectory_needs_no_deep_stack() {
    let ids: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
    let parents = std::iter::once(None).chain(ids.iter().map(|id| Some(id.as_str())));
    let tree = tree(ids.iter().zip(parents).map(|(id, parent)| s(id, parent)));
    assert_eq!(tree.rows().len(), ids.len());
    assert_eq!(tree.main_line().len(), ids.len());
}

proptest! {
    #[test]
    fn any_links_make_a_tree_that_shows_every_step_once(
        links in vec((0_u8..12, prop::option::of(0_u8..12), any::<bool>()), 0..30)
    ) {
        let tree = tree(links.iter().map(|(id, parent, kept)| {
            let parent = parent.map(|parent| parent.to_string());
            let mut record = step(&id.to_string(), parent.as_deref(), "x");
            record.kept = *kept;
            Record::Step(Arc::new(record))
        }));
        let mut drawn: Vec<NodeIndex> = tree.rows().into_iter().map(|row| row.node).collect();
        drawn.sort_unstable();
        let all: Vec<NodeIndex> = tree.nodes().map(|(index, _)| index).collect();
        prop_assert_eq!(drawn, all);
        for (index, _) in tree.nodes() {
            prop_assert!(tree.path(index).len() <= tree.len());
            prop_assert!(tree.siblings(index).contains(&index));
        }
        tree.faults();
    }

    #[test]
    fn any_records_make_a_tree(records in vec(any_record(), 0..10)) {
        let tree = tree(records);
        prop_assert_eq!(tree.rows().len(), tree.len());
    }
}
