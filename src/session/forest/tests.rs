//! Forests with models that the tests make up.

use std::collections::{BTreeMap, BTreeSet};

use super::scripted::{Grower, NOW, problem, speak};
use super::{Forest, Shape};
use crate::model::endpoint::{EndpointError, FailureKind, StepReply};
use crate::problem::Problem;
use crate::session::tests::script;
use crate::trace::NodeIndex;
use crate::trace::record::{
    Attempt, CHECKER, Purpose, Record, Role, StepEnd, TrajectoryEnd, Usage,
};

fn shape(branches: u32, max_nodes: u32) -> Shape {
    Shape {
        references: 4,
        branches,
        max_nodes,
    }
}

/// The records in an order of their own, each once. The problem's record is
/// left out where it is the first.
fn sorted(log: &[Record]) -> BTreeSet<String> {
    let lines = log
        .iter()
        .map(|record| serde_json::to_string(record).unwrap());
    lines.collect()
}

fn steps(log: &[Record], purpose: Purpose) -> usize {
    let is = |record: &&Record| matches!(record, Record::Step(step) if step.purpose == purpose);
    log.iter().filter(is).count()
}

/// The kept steps of the forest by node.
fn forest_nodes(forest: &Forest) -> Vec<NodeIndex> {
    let nodes = forest.tree().nodes();
    nodes
        .filter(|(_, node)| node.step.kept && node.step.purpose == Purpose::Step)
        .map(|(index, _)| index)
        .collect()
}

fn writers(forest: &Forest, node: NodeIndex) -> BTreeSet<&str> {
    let children = forest.tree().children(Some(node)).iter();
    children
        .map(|&child| forest.tree().node(child).step.model.as_str())
        .collect()
}

#[test]
fn every_leaf_has_an_outcome_and_every_decision_its_propensities() {
    for (id, max_nodes) in [("a", 12), ("b", 30), ("c", 500)] {
        let grown = Grower::new(id, shape(1, max_nodes)).grown();
        let tree = grown.forest.tree();
        assert_eq!(tree.faults(), Vec::new());
        let mut visited = 0;
        for node in forest_nodes(&grown.forest) {
            let at = tree.node(node);
            if at.children.is_empty() {
                assert_eq!(at.outcomes.len(), 1, "{id}: a leaf is graded once");
                assert_eq!(at.decisions.len(), 0, "{id}: nobody decides after the end");
                continue;
            }
            assert!(at.outcome().is_none());
            let decision = at.decisions.first().expect("an action was drawn here");
            assert_eq!(decision.probabilities.len(), 2);
            assert!((decision.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for decision in &at.decisions {
                let place = usize::from(decision.action == "large");
                assert_eq!(decision.propensity, decision.probabilities[place]);
                assert!(writers(&grown.forest, node).contains(decision.action.as_str()));
                assert_eq!(decision.observation["step"], Some(f64::from(at.step.index)));
            }
            if writers(&grown.forest, node).len() == 2 {
                visited += 1;
            } else {
                assert_eq!(
                    at.children.len(),
                    1,
                    "{id}: a completed prefix has one child"
                );
            }
        }
        assert!(visited > 0, "{id}: {max_nodes} calls visit something");
        let calls = steps(&grown.log, Purpose::Step);
        if max_nodes < 500 {
            // The budget is kept about: solutions differ in length.
            let most = max_nodes as usize * 3 / 2;
            assert!(calls <= most, "{id}: {calls} of {max_nodes}");
        } else {
            let drawn = |node: NodeIndex| writers(&grown.forest, node).len() == 2;
            let inner = forest_nodes(&grown.forest).into_iter();
            let open: Vec<_> = inner
                .filter(|&node| !tree.node(node).children.is_empty() && !drawn(node))
                .collect();
            let open = open.len();
            assert!(
                open * 4 < visited,
                "{id}: {open} not visited, {visited} visited"
            );
        }
    }
}

#[test]
fn the_reference_run_is_by_the_large_model_alone_and_its_answers_are_apart() {
    let grown = Grower::new("a", shape(1, 12)).grown();
    let tree = grown.forest.tree();
    let mut ends = 0;
    for (_, node) in tree.nodes() {
        if node.step.purpose != Purpose::Reference {
            continue;
        }
        assert_eq!(node.step.model, "large");
        assert!(node.children.len() <= 1 && node.decisions.is_empty());
        ends += usize::from(node.outcome().is_some());
    }
    assert_eq!(ends, 4);
    // Also where they say the same.
    let mut same = Grower::new("a", shape(1, 12));
    while same.turn(|_, _| StepReply {
        end: StepEnd::Eos,
        ..script::step(r"\boxed{7}", 0.9)
    }) {}
    let references =
        same.forest.tree().nodes().filter(|(_, node)| {
            node.step.purpose == Purpose::Reference && node.outcome().is_some()
        });
    assert_eq!(references.count(), 4);
    assert_eq!(same.calls, 5, "four answers, and one first step that ends");
}

#[test]
fn a_log_cut_off_anywhere_grows_into_the_same_forest_and_nothing_is_called_twice() {
    // The last is large enough for what no walk came to.
    for shape in [shape(1, 24), shape(2, 40), shape(1, 120)] {
        let whole = Grower::new("a", shape).grown();
        let wanted = sorted(&whole.log);
        for kept in 0..=whole.log.len() {
            let recorded = whole.log[..kept].to_vec();
            let held = steps(&recorded, Purpose::Step) + steps(&recorded, Purpose::Reference);
            let resumed = Grower::opened(problem("a"), shape, recorded).grown();
            assert_eq!(sorted(&resumed.log), wanted, "after {kept} records");
            assert_eq!(resumed.calls, whole.calls - held, "after {kept} records");
        }
    }
}

#[test]
fn a_line_that_is_lost_is_made_again_and_what_follows_it_is_kept() {
    let whole = Grower::new("a", shape(1, 24)).grown();
    for lost in 0..whole.log.len() {
        let mut recorded = whole.log.clone();
        let record = recorded.remove(lost);
        let resumed = Grower::opened(problem("a"), shape(1, 24), recorded).grown();
        assert_eq!(
            sorted(&resumed.log),
            sorted(&whole.log),
            "without {record:?}"
        );
        assert!(resumed.calls <= 1, "without {record:?}");
    }
}

#[test]
fn the_forest_does_not_depend_on_the_order_of_the_answers() {
    let forwards = Grower::new("a", shape(3, 60)).grown();
    let mut backwards = Grower::new("a", shape(3, 60));
    backwards.backwards = true;
    let backwards = backwards.grown();
    // Costs of a path count what was rejected beside it: nothing is here.
    assert_eq!(sorted(&forwards.log), sorted(&backwards.log));
    assert_eq!(forwards.calls, backwards.calls);
}

#[test]
fn equal_continuations_share_a_step_and_each_call_is_recorded() {
    let grown = Grower::new("a", shape(6, 120)).grown();
    let calls = steps(&grown.log, Purpose::Step);
    let nodes = forest_nodes(&grown.forest);
    assert!(nodes.len() < calls, "{} of {calls}", nodes.len());
    let mut texts: BTreeMap<_, usize> = BTreeMap::new();
    for node in nodes {
        let at = grown.forest.tree().node(node);
        let key = (
            at.step.parent.clone(),
            at.step.model.clone(),
            at.step.text.clone(),
        );
        *texts.entry(key).or_default() += 1;
    }
    assert!(texts.values().all(|&count| count == 1));
    assert_eq!(calls + steps(&grown.log, Purpose::Reference), grown.calls);
}

#[test]
fn a_prefix_that_is_asked_for_is_continued_by_every_model_to_its_ends() {
    let grown = Grower::new("c", shape(1, 12)).grown();
    let (nodes, before) = (forest_nodes(&grown.forest), grown.calls);
    let one = |node: &&NodeIndex| writers(&grown.forest, **node).len() == 1;
    let node = *nodes.iter().find(one).expect("a completed prefix");
    let asked = grown.forest.tree().node(node).step.id.clone();
    let mut more = grown;
    more.forest.demand(asked.clone());
    more.forest.demand("no such step".into());
    let more = more.grown();
    assert!(more.calls > before);
    assert_eq!(writers(&more.forest, node).len(), 2);
    let tree = more.forest.tree();
    for node in forest_nodes(&more.forest) {
        let at = tree.node(node);
        let ends = at.children.is_empty();
        assert_eq!(
            (ends, ends),
            (at.outcomes.len() == 1, at.decisions.is_empty())
        );
    }
    // It is there now: neither asking again nor resuming calls for anything.
    let (calls, log) = (more.calls, more.log.clone());
    let mut again = more;
    again.forest.demand(asked.clone());
    assert_eq!(again.grown().calls, calls);
    let mut resumed = Grower::opened(problem("c"), shape(1, 12), log);
    resumed.forest.demand(asked);
    assert_eq!(resumed.grown().calls, 0);
}

fn failure(kind: FailureKind) -> EndpointError {
    EndpointError {
        attempts: vec![Attempt {
            role: Role::Step,
            usage: Usage {
                prompt: 9,
                cached: None,
                output: 2,
                ..Usage::default()
            },
            failure: "cut".into(),
            estimated: false,
        }],
        ..script::failure(kind)
    }
}

#[test]
fn a_call_that_failed_is_made_again_and_what_it_cost_is_kept() {
    let whole = Grower::new("a", shape(1, 24)).grown();
    let mut grower = Grower::new("a", shape(1, 24));
    let wave = grower.forest.advance();
    grower.log.extend(wave.records);
    let text = ["half a ".to_owned(), "step".to_owned()];
    let error = failure(FailureKind::Server);
    grower
        .log
        .extend(grower.forest.failed(&wave.calls[0], error, &text, NOW));
    grower
        .log
        .extend(grower.forest.cancelled(&wave.calls[1], &[], NOW));
    for call in &wave.calls[2..] {
        let reply = speak(call.model, &call.request);
        grower.log.extend(grower.forest.take(call, reply, NOW));
    }
    let log = grower.log;
    let abandoned: Vec<_> = log
        .iter()
        .filter_map(|record| match record {
            Record::Step(step) if !step.kept => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(abandoned.len(), 2);
    assert_eq!(abandoned[0].text, "half a step");
    assert_eq!(abandoned[0].attempts[0].usage.output, 2);
    assert_eq!(abandoned[1].attempts[0].failure, "cancelled");
    assert!(matches!(&log[2], Record::Note(note) if note.kind == "endpoint-error"));

    let resumed = Grower::opened(problem("a"), shape(1, 24), log).grown();
    let made = resumed.forest.tree().nodes().filter(|(_, n)| n.step.kept);
    let all = whole.forest.tree().nodes().filter(|(_, n)| n.step.kept);
    assert_eq!(made.count(), all.count());
    assert_eq!(resumed.calls + 2, whole.calls);
}

#[test]
fn a_full_context_and_a_step_that_adds_nothing_end_their_trajectories() {
    let mut grower = Grower::new("a", shape(1, 24));
    // The small model has a short context, the large one falls silent.
    let mut ends = BTreeMap::new();
    loop {
        let wave = grower.forest.advance();
        if wave.is_empty() {
            break;
        }
        for call in wave.calls {
            let deep = call.request.prefix.len() > 20;
            let records = if deep && call.model == 0 {
                let error = script::failure(FailureKind::Context);
                grower.forest.failed(&call, error, &[], NOW)
            } else if deep {
                grower.forest.take(&call, script::empty(), NOW)
            } else {
                let reply = script::step("a step of no matter", 0.4);
                grower.forest.take(&call, reply, NOW)
            };
            for record in records {
                if let Record::Outcome(outcome) = record {
                    let count: &mut u32 = ends.entry(format!("{:?}", outcome.end)).or_default();
                    *count += 1;
                    assert_eq!(
                        outcome.error.is_some(),
                        outcome.end == TrajectoryEnd::Context
                    );
                }
            }
        }
    }
    // Four answers of the large model, and each model after the first step.
    assert_eq!(ends["Empty"], 4 + 1);
    assert_eq!(ends["Context"], 1);
    assert_eq!(ends.len(), 2);
}

#[test]
fn steps_of_the_embedded_language_are_checked_as_they_come() {
    let problem = Problem {
        question:
            "Mia has 46 coins. Mia bought 10 more. Mia sold 6. Mia traded each one for 3 new \
                   ones. How many coins are there now?"
                .into(),
        gold: Some("150".into()),
        ..problem("mia")
    };
    let said = [
        "First, Mia bought 10 more, so 46 + 10 = 66.",
        "Next, Mia sold 6, so 66 - 6 = 60.",
        "Next, Mia traded each one for 3 new ones, so 60 * 3 = 180.",
        r"The answer is \boxed{180}.",
    ];
    let mut grower = Grower::opened(problem, shape(1, 12), Vec::new());
    while grower.turn(|_, request| {
        let place = request.prefix.matches("\n\n").count();
        script::step(said[place.min(3)], 0.9)
    }) {}
    let mut right = 0;
    for (_, node) in grower.forest.tree().nodes() {
        let [score] = node.scores.as_slice() else {
            panic!("one score a step: {:?}", node.scores);
        };
        assert_eq!(score.scorer, CHECKER);
        // An error counts once: what goes on from it is right.
        let wanted = f64::from(u8::from(node.step.index > 1));
        assert_eq!(score.value, Some(wanted), "{}", node.step.text);
        assert_eq!(score.note.is_some(), wanted < 1.0);
        right += usize::from(wanted > 0.0);
    }
    assert!(right > 0);
}
