use std::sync::Arc;

use crate::eval::regret::Regrets;
use crate::eval::sample_runs::{add, decision, head, outcome, step};
use crate::expr::{Expr, Scope};
use crate::problem::answer::Verdict;
use crate::survey::{Fact, Survey};
use crate::trace::record::{Record, ScoreRecord, TrajectoryEnd};

use super::*;

fn start() -> Survey {
    let mut survey = Survey::default();
    for (run, spec) in [("a", "threshold:t=0.6"), ("b", "small"), ("c", "large")] {
        survey.add(Fact::Run(Box::new(head(run, spec))));
    }
    survey
}

fn places(survey: &Survey) -> Vec<usize> {
    (0..survey.trajectories().len()).collect()
}

#[test]
fn a_score_is_held_against_what_says_most() {
    let mut survey = start();
    add(&mut survey, "a", "p", "ss", &[0.9, 0.8], Verdict::Correct);
    add(&mut survey, "a", "q", "sl", &[0.2, 0.4], Verdict::Wrong);
    let found = Analysis::of(&survey, &places(&survey), Ask::default());
    assert_eq!(found.target, Target::Answer);
    let (name, all) = &found.reliability[0];
    assert_eq!((name.as_str(), all.steps, all.trajectories), ("all", 4, 2));
    assert_eq!((all.right, all.auroc), (0.5, Some(1.0)));
    let names: Vec<&str> = found
        .reliability
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["all", "s", "l"], "in the order of the pool");
    // A checker says more of a step than the answer.
    let refuted = ScoreRecord {
        run: "a".into(),
        step: Some("sl".into()),
        problem: "q".into(),
        scorer: "checker".into(),
        model: None,
        value: Some(0.0),
        note: None,
        usage: crate::trace::record::Usage::default(),
        attempts: Vec::new(),
        cost: None,
    };
    survey.add(Fact::of(&Record::Score(refuted)).unwrap());
    let found = Analysis::of(&survey, &places(&survey), Ask::default());
    assert_eq!(
        (found.target, found.reliability[0].1.steps),
        (Target::Verified, 1)
    );
    let asked = Ask {
        target: Some(Target::Answer),
        slice: Slice::Index,
        ..Ask::default()
    };
    let found = Analysis::of(&survey, &places(&survey), asked);
    let names: Vec<&str> = found
        .reliability
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["all", "step 1", "step 2"]);
}

#[test]
fn several_runs_of_one_question_are_one_to_an_interval() {
    let mut survey = start();
    for (run, path) in [("a", "s"), ("b", "ss"), ("c", "l")] {
        let us = &[0.9, 0.9][..path.len()];
        add(&mut survey, run, "p", path, us, Verdict::Correct);
    }
    add(&mut survey, "a", "q", "s", &[0.2], Verdict::Wrong);
    let found = Analysis::of(&survey, &places(&survey), Ask::default());
    let all = &found.reliability[0].1;
    assert_eq!((all.steps, all.trajectories, all.problems), (5, 4, 2));
    assert_eq!(all.bins.len(), 1);
    assert_eq!(Some(all.bins[0].interval), crate::train::wilson(0.8, 2));
    // One question with right steps and one with wrong ones: as in order of one
    // pair.
    assert_eq!(all.auroc, Some(1.0));
    let [low, high] = all.auroc_interval.unwrap();
    assert!((low - 0.2065).abs() < 1e-4 && high == 1.0, "{low} {high}");
}

#[test]
fn what_a_score_is_can_be_asked_in_an_expression() {
    let mut survey = start();
    let mut step = step("a", "p", "s", 0.9);
    step.confidence
        .measures
        .insert("entropy_truncated_math".into(), 0.3);
    survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
    survey.add(Fact::of(&outcome("a", "p", "s", Verdict::Correct, 1.0)).unwrap());
    let judged = ScoreRecord {
        run: "a".into(),
        step: Some("s".into()),
        problem: "p".into(),
        scorer: "judge".into(),
        model: None,
        value: Some(6.0),
        note: None,
        usage: crate::trace::record::Usage::default(),
        attempts: Vec::new(),
        cost: None,
    };
    survey.add(Fact::of(&Record::Score(judged)).unwrap());
    let view = survey.view(0);
    for score in [Score::Confidence, Score::Entropy, Score::Judge] {
        let value = score.of(view.step(0).unwrap()).unwrap();
        let away = format!("max({}) - ({value})", score.written());
        let text = format!("{away} < 1e-9 & {away} > -1e-9");
        let asked = Expr::condition(&text, Scope::Trajectory).unwrap();
        assert!(asked.holds(&view), "{text}");
    }
    assert_eq!(Score::Entropy.of(view.step(0).unwrap()), Some(-0.3));
}

#[test]
fn scores_that_are_no_probabilities_are_none_in_any_part() {
    let mut survey = start();
    add(&mut survey, "a", "p", "sl", &[0.5, 18.0], Verdict::Correct);
    let found = Analysis::of(&survey, &places(&survey), Ask::default());
    assert_eq!(found.reliability.len(), 3);
    for (name, of) in &found.reliability {
        assert_eq!((of.brier, of.ece), (None, None), "{name}");
    }
}

#[test]
fn a_score_of_one_value_stands_in_the_middle() {
    let mut survey = start();
    add(&mut survey, "a", "p", "ls", &[0.5, 0.5], Verdict::Correct);
    let found = Analysis::of(&survey, &places(&survey), Ask::default());
    let names: Vec<&str> = found
        .histograms
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["all", "s", "l"], "in the order of the pool");
    let all = &found.histograms[0].1;
    assert!(all.low < 0.5 && 0.5 < all.high);
    let held: Vec<usize> = (0..all.counts.len())
        .filter(|&at| all.counts[at] > 0)
        .collect();
    let middle = all.counts.len() / 2;
    assert!(held.len() == 1 && held[0].abs_diff(middle) <= 1, "{held:?}");
}

#[test]
fn a_run_in_another_unit_hides_only_its_own_costs() {
    let mut survey = start();
    let mut other = head("d", "small");
    other.cost_unit = Some("USD".into());
    survey.add(Fact::Run(Box::new(other)));
    add(&mut survey, "a", "p", "ss", &[0.5; 2], Verdict::Correct);
    add(&mut survey, "d", "p", "ss", &[0.5; 2], Verdict::Correct);
    assert_eq!(Costs::of(&survey, &[0, 1]).unit, None);
    assert_eq!(
        Costs::of(&survey, &[0]).unit,
        Some(crate::cost::Unit::Flops)
    );
}

#[test]
fn escalation_is_counted_by_position() {
    let mut survey = start();
    add(&mut survey, "a", "p", "sl", &[0.9, 0.8], Verdict::Correct);
    add(&mut survey, "a", "q", "ss", &[0.9, 0.8], Verdict::Wrong);
    add(&mut survey, "a", "r", "sl", &[0.9, 0.8], Verdict::Ungraded);
    let found = Escalation::of(&survey, &places(&survey));
    let share = |share: escalation::Share| (share.large, share.steps);
    // The middles of two halves.
    let [first, later] = [2, 7].map(|at| found.by_position[at]);
    assert_eq!((share(first.correct), share(first.wrong)), ((0, 1), (0, 1)));
    assert_eq!((share(later.correct), share(later.wrong)), ((1, 1), (0, 1)));
    let counted: usize = found
        .by_position
        .iter()
        .map(|both| both.correct.steps + both.wrong.steps)
        .sum();
    assert_eq!(counted, 4, "what is ungraded is in neither");
}

#[test]
fn parts_of_the_cost_sum_to_all_of_it() {
    let mut survey = start();
    let mut full = 0.0;
    for (id, prompt, cached, kept) in [
        ("s", 10, Some(0), true),
        // The large model has read nothing yet; its first draft is rejected.
        ("sS", 11, Some(11), false),
        ("sl", 11, Some(0), true),
        ("slL", 12, Some(12), true),
    ] {
        let mut step = step("a", "p", id, 0.9);
        step.usage.prompt = prompt;
        step.usage.cached = cached;
        step.kept = kept;
        full += match step.model.as_str() {
            "s" => (prompt - cached.unwrap() + 1) as f64,
            _ => 10.0 * (prompt - cached.unwrap() + 1) as f64,
        };
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
    }
    survey.add(Fact::of(&decision("a", "p", "s", "l", 1.0)).unwrap());
    let Record::Outcome(mut ended) = outcome("a", "p", "slL", Verdict::Correct, 21.0) else {
        unreachable!()
    };
    // A scorer took three.
    ended.cost.full = Some(full + 3.0);
    survey.add(Fact::of(&Record::Outcome(ended)).unwrap());
    let costs = Costs::of(&survey, &places(&survey));
    assert_eq!(
        costs.output,
        [("s".to_owned(), 1.0), ("l".to_owned(), 20.0)]
    );
    assert_eq!(
        (costs.prefill, costs.switches, costs.cached),
        (10.0, 110.0, 0.0)
    );
    assert_eq!((costs.drafts, costs.other), (1.0, 3.0));
    assert_eq!((costs.full, costs.published), (full + 3.0, 21.0));
    assert!(!costs.upper_bound);
    let written: f64 = costs.output.iter().map(|(_, cost)| cost).sum();
    let sum = written + costs.prefill + costs.switches + costs.cached + costs.drafts + costs.other;
    assert!((sum - costs.full).abs() < 1e-9);
}

#[test]
fn failures_are_told_apart() {
    let mut survey = start();
    // The large model would have been right at step 2; nobody asked.
    add(
        &mut survey,
        "a",
        "routing",
        "sss",
        &[0.9; 3],
        Verdict::Wrong,
    );
    add(
        &mut survey,
        "b",
        "routing",
        "sl",
        &[0.9; 2],
        Verdict::Correct,
    );
    // It was asked, but one step later.
    add(&mut survey, "a", "late", "ssl", &[0.9; 3], Verdict::Wrong);
    add(&mut survey, "b", "late", "sl", &[0.9; 2], Verdict::Correct);
    // Alone it is wrong as well.
    add(
        &mut survey,
        "a",
        "capability",
        "ss",
        &[0.9; 2],
        Verdict::Wrong,
    );
    add(
        &mut survey,
        "c",
        "capability",
        "ll",
        &[0.9; 2],
        Verdict::Wrong,
    );
    add(
        &mut survey,
        "a",
        "grading",
        "ss",
        &[0.9; 2],
        Verdict::Ungraded,
    );
    add(&mut survey, "a", "unclear", "ss", &[0.9; 2], Verdict::Wrong);
    add(&mut survey, "a", "right", "ss", &[0.9; 2], Verdict::Correct);
    for (run, path, verdict) in [
        ("a", "sss", Verdict::Wrong),
        ("b", "lss", Verdict::Wrong),
        ("c", "lll", Verdict::Correct),
    ] {
        add(&mut survey, run, "several", path, &[0.9; 3], verdict);
    }
    let Record::Outcome(mut cut) = outcome("a", "truncated", "s", Verdict::Wrong, 1.0) else {
        unreachable!()
    };
    cut.end = TrajectoryEnd::StepCap;
    survey.add(Fact::of(&Record::Step(Arc::new(step("a", "truncated", "s", 0.9)))).unwrap());
    survey.add(Fact::of(&Record::Outcome(cut)).unwrap());
    Regrets::fill(&mut survey, &|spec, head| {
        let router = crate::router::for_pool(&spec.parse().unwrap(), &head.pool);
        router.map_err(|error| error.to_string())
    });
    for failure in Failure::ALL {
        let place = survey.find("a", failure.name()).unwrap();
        let found = survey.trajectories()[place].failure();
        assert_eq!(found, Some(failure.name()));
    }
    let right = survey.find("a", "right").unwrap();
    assert_eq!(survey.trajectories()[right].failure(), None);
    // One step by the large model is not enough, all of them are.
    let several = survey.find("a", "several").unwrap();
    assert_eq!(survey.trajectories()[several].failure(), Some("routing"));
    let own: Vec<usize> = places(&survey)
        .into_iter()
        .filter(|&place| survey.trajectories()[place].run == 0)
        .collect();
    let funnel = Funnel::of(&survey, &own, Slice::Domain);
    assert_eq!(funnel.rows.len(), 1, "no domain is known");
    let row = &funnel.rows[0];
    assert_eq!((row.trajectories, row.correct), (8, 1));
    assert_eq!(row.failures, [2, 1, 1, 1, 1, 1]);
    assert!(row.is_unknown, "of a domain of that name it would not be");
}
