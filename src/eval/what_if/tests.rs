use std::sync::Arc;

use proptest::prelude::*;

use crate::eval::sample_runs::{add, decision, head, outcome, score, step};
use crate::problem::answer::Verdict;
use crate::router::for_pool;
use crate::survey::{Fact, Survey};
use crate::trace::record::{EMPTY_STEP, Purpose, Record, StepEnd, Usage};
use crate::train::params::CostLedger;

use super::*;

mod draws;

/// `threshold:t=0.6` over three problems, and the small model alone over two
/// of them:
///
/// - `p`: unsure (0.5) after the first step, so the large model wrote the
///   second: right. Alone the small one was wrong.
/// - `q`: sure all the way: right, alone as well (the same steps).
/// - `r`: unsure (0.2) after the first step: wrong. Alone is not known.
fn three() -> Survey {
    let mut survey = Survey::default();
    for (run, spec) in [("a", "threshold:t=0.6"), ("b", "small")] {
        survey.add(Fact::Run(Box::new(head(run, spec))));
    }
    add(&mut survey, "a", "p", "sl", &[0.5, 0.9], Verdict::Correct);
    add(&mut survey, "a", "q", "ss", &[0.8, 0.9], Verdict::Correct);
    add(&mut survey, "a", "r", "sl", &[0.2, 0.9], Verdict::Wrong);
    add(&mut survey, "b", "p", "ss", &[0.5, 0.9], Verdict::Wrong);
    add(&mut survey, "b", "q", "ss", &[0.8, 0.9], Verdict::Correct);
    survey
}

fn what_if(survey: &Survey, spec: &str) -> WhatIf {
    in_ledger(survey, spec, CostLedger::Published)
}

fn in_ledger(survey: &Survey, spec: &str, ledger: CostLedger) -> WhatIf {
    let head = survey.runs()[0].head.as_ref().unwrap();
    let router = for_pool(&spec.parse().unwrap(), &head.pool).unwrap();
    WhatIf::new(survey, 0, &Rule::Of(&*router), ledger).unwrap()
}

#[test]
fn bands_and_bounds_worked_out_on_paper() {
    let survey = three();
    let what_if = what_if(&survey, "threshold:t=0.6");
    assert_eq!((what_if.trajectories(), what_if.decisions()), (3, 3));
    let as_logged = what_if.at(0.6);
    assert_eq!((as_logged.unchanged, as_logged.coverage()), (3, 1.0));
    assert_eq!(as_logged.bounds(), Some([2.0 / 3.0, 2.0 / 3.0]));
    assert_eq!(as_logged.known_cost, Some((11.0 + 2.0 + 11.0) / 3.0));
    // Up to and with t = u the small model goes on. Of `p` that is in the log.
    let lower = what_if.at(0.5);
    assert_eq!((lower.unchanged, lower.branched, lower.unknown), (2, 1, 0));
    assert_eq!((lower.correct, lower.wrong), (1.0, 2.0));
    assert_eq!(lower.known_cost, Some((2.0 + 2.0 + 11.0) / 3.0));
    // Of `r` it is not.
    let lowest = what_if.at(0.1);
    assert_eq!(
        (lowest.unchanged, lowest.branched, lowest.unknown),
        (1, 1, 1)
    );
    assert_eq!(lowest.bounds(), Some([1.0 / 3.0, 2.0 / 3.0]));
    assert!((lowest.coverage() - 2.0 / 3.0).abs() < 1e-12);
    // Of so few steps nothing is expected, nor what it would cost.
    let estimate = lowest.estimate;
    assert_eq!((estimate.accuracy, estimate.unlike), (None, 1.0));
    assert_eq!(estimate.cost, None);
    // Above 0.8 the large model takes over `q`, which is nowhere.
    assert_eq!(what_if.at(0.85).unknown, 1);
}

#[test]
fn changed_trajectories_say_where() {
    let survey = three();
    let what_if = what_if(&survey, "threshold:t=0.6");
    let changed = what_if.changed(0.1, Band::Unknown, 9);
    assert_eq!(changed.len(), 1);
    let found = &changed[0];
    assert_eq!(
        (found.place, found.step, found.model),
        (2, Some(2), Some(0))
    );
    assert_eq!((found.known, found.correct), (0.0, None));
    let branched = what_if.changed(0.1, Band::Branched, 9);
    assert_eq!((branched[0].place, branched[0].correct), (0, Some(0.0)));
    assert_eq!(what_if.changed(0.1, Band::Unchanged, 9).len(), 1);
}

/// The runs of [`three`] in the other order: what the small model alone saw
/// comes first in the log.
#[test]
fn the_order_of_the_logs_does_not_matter() {
    let mut other = Survey::default();
    // It read another measure, so that its steps say nothing to the rule.
    let mut blind = head("b", "small");
    blind.signal = "entropy".into();
    other.add(Fact::Run(Box::new(blind)));
    other.add(Fact::Run(Box::new(head("a", "threshold:t=0.6"))));
    add(&mut other, "b", "p", "ss", &[0.5, 0.9], Verdict::Wrong);
    add(&mut other, "b", "q", "ss", &[0.8, 0.9], Verdict::Correct);
    add(&mut other, "a", "p", "sl", &[0.5, 0.9], Verdict::Correct);
    add(&mut other, "a", "q", "ss", &[0.8, 0.9], Verdict::Correct);
    add(&mut other, "a", "r", "sl", &[0.2, 0.9], Verdict::Wrong);
    let of_a = for_pool(
        &"threshold:t=0.6".parse().unwrap(),
        &head("a", "small").pool,
    )
    .unwrap();
    let other = WhatIf::new(&other, 1, &Rule::Of(&*of_a), CostLedger::Published).unwrap();
    assert_eq!(other.at(0.6).unchanged, 3, "as logged");
    let survey = three();
    let first = what_if(&survey, "threshold:t=0.6");
    for value in [0.1, 0.5, 0.6, 0.85] {
        let (a, b) = (first.at(value), other.at(value));
        assert_eq!(
            (a.unchanged, a.branched, a.unknown),
            (b.unchanged, b.branched, b.unknown)
        );
        assert_eq!((a.correct, a.wrong), (b.correct, b.wrong), "{value}");
    }
}

#[test]
fn a_step_by_a_person_costs_nothing_and_spoils_no_mean() {
    let mut survey = three();
    let mut edited = step("a", "e", "sl", 0.9);
    edited.model = "person".into();
    for step in [step("a", "e", "s", 0.2), edited] {
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
    }
    let ended = outcome("a", "e", "sl", Verdict::Correct, 1.0);
    survey.add(Fact::of(&ended).unwrap());
    let what_if = what_if(&survey, "threshold:t=0.6");
    let now = what_if.at(0.6);
    assert_eq!(
        (now.unchanged, now.unknown),
        (3, 1),
        "nobody knows what the rule would get"
    );
    assert!(now.known_cost.is_some());
    let logged = what_if.as_logged();
    assert_eq!((logged.unchanged, logged.coverage()), (4, 1.0));
    assert_eq!(logged.known_cost, Some((11.0 + 2.0 + 11.0 + 1.0) / 4.0));
}

#[test]
fn a_step_in_place_of_a_draft_without_a_score_is_not_guessed_to_stay() {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "rsd:delta=0.7"))));
    let mut draft = step("a", "p", "s", 0.5);
    draft.kept = false;
    draft.purpose = Purpose::Draft;
    let mut again = step("a", "p", "l", 0.9);
    again.purpose = Purpose::Regenerated;
    for step in [draft, again] {
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
    }
    let scored = |value| score("a", "p", "s", value);
    let ended = outcome("a", "p", "l", Verdict::Correct, 10.0);
    survey.add(Fact::of(&ended).unwrap());
    let judge = what_if(&survey, "specreason:tau=5");
    assert_eq!((judge.at(5.0).unknown, judge.at(0.0).unknown), (1, 1));
    assert_eq!(what_if(&survey, "rsd:delta=0.7").at(0.7).unknown, 1);
    survey.add(Fact::of(&scored(0.4)).unwrap());
    let scored = what_if(&survey, "rsd:delta=0.7");
    assert_eq!(scored.at(0.7).unchanged, 1, "below δ it is written again");
    assert_eq!(
        scored.at(0.4).unknown,
        1,
        "at its score it stands, and goes on nowhere"
    );
    assert_eq!(scored.for_cost(1e9).map(|value| value > 0.4), Some(true));
}

#[test]
fn what_stands_in_for_an_empty_step_is_not_the_routers_choice() {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "threshold:t=0.6"))));
    let mut empty = step("a", "p", "ss", 0.0);
    empty.text = String::new();
    empty.kept = false;
    empty.purpose = Purpose::Draft;
    empty.end = StepEnd::Empty;
    let Record::Decision(mut instead) = decision("a", "p", "s", "l", 1.0) else {
        unreachable!()
    };
    let made = Arc::make_mut(&mut instead);
    made.router = EMPTY_STEP.into();
    made.id = "e".into();
    let stands = step("a", "p", "sl", 0.9);
    for record in [
        Record::Step(Arc::new(step("a", "p", "s", 0.8))),
        decision("a", "p", "s", "s", 1.0),
        Record::Step(Arc::new(empty)),
        Record::Decision(instead),
        Record::Step(Arc::new(stands)),
        outcome("a", "p", "sl", Verdict::Correct, 11.0),
    ] {
        survey.add(Fact::of(&record).unwrap());
    }
    let what_if = what_if(&survey, "threshold:t=0.6");
    // Who wants the small model comes there by its silence, who wants the large
    // one at once.
    for value in [0.0, 0.6, 0.9] {
        let now = what_if.at(value);
        assert_eq!((now.unchanged, now.coverage()), (1, 1.0), "{value}");
        assert_eq!(now.known_cost, Some(11.0));
    }
}

#[test]
fn a_value_is_found_for_a_cost() {
    let survey = three();
    let what_if = what_if(&survey, "threshold:t=0.6");
    let at = |wanted: f64| {
        what_if
            .at(what_if.for_cost(wanted).unwrap())
            .estimate
            .cost
            .unwrap()
    };
    assert_eq!(at(8.0), 8.0, "as logged");
    assert_eq!(at(7.0), 5.0, "the next one below");
    assert_eq!(at(0.1), 5.0, "the cheapest of which anything is known");
}

#[test]
fn what_the_log_does_not_hold_is_unknown_and_never_guessed_to_stay() {
    let survey = three();
    let rsd = what_if(&survey, "rsd:delta=0.7");
    assert_eq!(rsd.at(0.7).unknown, 3, "no step has a reward");
    let other_measure = what_if(&survey, "threshold:t=0.6,signal=entropy");
    let outlook = other_measure.at(0.6);
    assert_eq!(outlook.unknown, 3);
    assert_eq!(outlook.bounds(), Some([0.0, 1.0]));
    for (blind, value) in [(&other_measure, 0.6), (&rsd, 0.7)] {
        let estimate = blind.at(value).estimate;
        let nothing = (estimate.accuracy, estimate.cost, estimate.unlike);
        assert_eq!(
            nothing,
            (None, None, 3.0),
            "nor is it known who would write"
        );
        let changed = blind.changed(value, Band::Unknown, 9);
        assert!(changed.iter().all(|one| one.model.is_none()));
    }
    let head = survey.runs()[0].head.as_ref().unwrap();
    let random = for_pool(&"random:p=0.3".parse().unwrap(), &head.pool).unwrap();
    let refused = WhatIf::new(&survey, 0, &Rule::Of(&*random), CostLedger::Published);
    assert_eq!(refused.unwrap_err(), Refusal::NoSlider);
}

#[test]
fn a_router_that_never_did_it_tells_nothing_of_it() {
    // Sure steps went on small and came out right, unsure ones went to the
    // large model: of small after unsure there is not one.
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "threshold:t=0.5"))));
    for n in 0..40 {
        let problem = format!("p{n}");
        let (path, u) = if n % 2 == 0 { ("ss", 0.9) } else { ("sl", 0.1) };
        add(
            &mut survey,
            "a",
            &problem,
            path,
            &[u, 0.9],
            Verdict::Correct,
        );
    }
    let alone = what_if(&survey, "threshold:t=0.5").at(0.05);
    assert_eq!((alone.unknown, alone.estimate.accuracy), (20, None));
    assert_eq!(alone.estimate.unlike, 20.0);
    // The small model alone on other problems is wrong there, mostly.
    survey.add(Fact::Run(Box::new(head("b", "small"))));
    for n in 0..20 {
        let problem = format!("q{n}");
        let verdict = if n < 15 {
            Verdict::Wrong
        } else {
            Verdict::Correct
        };
        add(&mut survey, "b", &problem, "ss", &[0.1, 0.9], verdict);
    }
    let beside = what_if(&survey, "threshold:t=0.5").at(0.05);
    let accuracy = beside.estimate.accuracy.unwrap();
    assert!(
        (accuracy - (20.0 + 20.0 * 0.25) / 40.0).abs() < 1e-9,
        "{accuracy}"
    );
    let [low, high] = beside.estimate.interval.unwrap();
    assert!(
        low < accuracy - 0.1 && accuracy + 0.1 < high,
        "{low} {high}"
    );
}

#[test]
fn a_policy_without_its_files_is_decided_by_what_it_left() {
    let mut survey = Survey::default();
    let mut policy = head("a", "policy");
    policy.router.parameters.insert("kappa".into(), 0.4.into());
    survey.add(Fact::Run(Box::new(policy)));
    for (at, id) in ["s", "sl"].into_iter().enumerate() {
        let step = step("a", "p", id, 0.5);
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
        if at == 0 {
            let Record::Decision(made) = decision("a", "p", "s", "l", 1.0) else {
                unreachable!()
            };
            let mut made = Arc::unwrap_or_clone(made);
            made.probabilities = vec![0.6, 0.4];
            survey.add(Fact::of(&Record::Decision(Arc::new(made))).unwrap());
        }
    }
    let ended = outcome("a", "p", "sl", Verdict::Correct, 11.0);
    survey.add(Fact::of(&ended).unwrap());
    let head = survey.runs()[0].head.as_ref().unwrap();
    let rule = Rule::recorded(head).unwrap();
    let what_if = WhatIf::new(&survey, 0, &rule, CostLedger::Published).unwrap();
    assert_eq!(what_if.slider().value, 0.4);
    assert_eq!(what_if.at(0.4).unchanged, 1, "{what_if:?}");
    assert_eq!(what_if.at(0.41).unknown, 1);
}

#[test]
fn the_full_ledger_counts_prompts_and_rejected_drafts() {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "rsd:delta=0.7"))));
    let usage = |prompt| Usage {
        prompt,
        cached: Some(0),
        output: 1,
        ..Usage::default()
    };
    let mut draft = step("a", "p", "s", 0.5);
    (draft.kept, draft.purpose, draft.usage) = (false, Purpose::Draft, usage(4));
    let mut again = step("a", "p", "l", 0.9);
    (again.purpose, again.usage) = (Purpose::Regenerated, usage(4));
    for step in [draft, again] {
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
    }
    let score = Record::Score(crate::trace::record::ScoreRecord {
        run: "a".into(),
        step: Some("s".into()),
        problem: "p".into(),
        scorer: "prm".into(),
        model: None,
        value: Some(0.4),
        note: None,
        usage: Usage::default(),
        attempts: Vec::new(),
        cost: None,
    });
    survey.add(Fact::of(&score).unwrap());
    survey.add(Fact::of(&outcome("a", "p", "l", Verdict::Correct, 10.0)).unwrap());
    // A token costs 1 of the small model and 10 of the large one, written or
    // read: a draft of 4 + 1 and what took its place.
    let full = in_ledger(&survey, "rsd:delta=0.7", CostLedger::Full);
    assert_eq!(full.ledger(), CostLedger::Full);
    assert_eq!(full.as_logged().known_cost, Some(5.0 + 50.0));
    assert_eq!(full.at(0.7).known_cost, Some(55.0));
    let published = what_if(&survey, "rsd:delta=0.7");
    assert_eq!(published.as_logged().known_cost, Some(10.0));
    // Where the draft stands it is paid for, and nothing else is known.
    assert_eq!(full.at(0.4).unknown, 1);
}

#[test]
fn a_prompt_that_nobody_counted_has_no_full_cost() {
    let survey = three();
    let unpriced = |ledger| {
        in_ledger(&survey, "threshold:t=0.6", ledger)
            .at(0.6)
            .unpriced
    };
    assert_eq!(unpriced(CostLedger::Published), 0);
    assert_eq!(unpriced(CostLedger::Full), 3);
}

#[test]
fn a_run_that_was_done_again_counts_once() {
    let mut survey = three();
    let mut again = head("c", "threshold:t=0.6");
    let first = survey.runs()[0].head.as_ref().unwrap();
    (again.key, again.command) = (first.key.clone(), first.command.clone());
    again.started = "2099-01-01T00:00:00Z".into();
    survey.add(Fact::Run(Box::new(again)));
    add(&mut survey, "c", "p", "sl", &[0.5, 0.9], Verdict::Wrong);
    let what_if = what_if(&survey, "threshold:t=0.6");
    assert_eq!((what_if.trajectories(), what_if.repeated()), (3, 1));
    // The last one counts.
    let logged = what_if.as_logged();
    assert_eq!((logged.correct, logged.wrong), (1.0, 2.0));
}

#[test]
fn a_trajectory_whose_steps_are_lost_is_left_out() {
    let mut survey = three();
    // The first two of three steps are gone.
    let last = step("a", "torn", "sls", 0.9);
    survey.add(Fact::of(&Record::Step(Arc::new(last))).unwrap());
    let Record::Outcome(mut ended) = outcome("a", "torn", "sls", Verdict::Correct, 12.0) else {
        unreachable!()
    };
    ended.steps = 3;
    survey.add(Fact::of(&Record::Outcome(ended)).unwrap());
    let torn = survey.find("a", "torn").unwrap();
    assert!(survey.view(torn).is_torn() && !survey.view(0).is_torn());
    let what_if = what_if(&survey, "threshold:t=0.6");
    assert_eq!((what_if.trajectories(), what_if.torn()), (3, 1));
    assert_eq!(what_if.at(0.6).unchanged, 3);
}

proptest! {
    /// Whatever is asked, the bands hold all trajectories, the parts sum to
    /// them, and the estimate lies within the bounds where nothing was drawn.
    #[test]
    fn nothing_is_lost_and_nothing_is_made_up(
        us in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0, any::<bool>()), 1..30),
        logged in 0.0_f64..1.0,
        asked in 0.0_f64..1.0,
    ) {
        let mut survey = Survey::default();
        survey.add(Fact::Run(Box::new(head("a", &format!("threshold:t={logged}")))));
        for (n, (first, second, right)) in us.iter().enumerate() {
            let path = if *first < logged { "sl" } else { "ss" };
            let verdict = if *right { Verdict::Correct } else { Verdict::Wrong };
            add(&mut survey, "a", &format!("p{n}"), path, &[*first, *second], verdict);
        }
        let what_if = what_if(&survey, &format!("threshold:t={logged}"));
        prop_assert_eq!(what_if.at(logged).unchanged, us.len());
        let outlook = what_if.at(asked);
        let changes = us.iter().filter(|(u, _, _)| (*u < logged) != (*u < asked)).count();
        prop_assert_eq!(outlook.unchanged, us.len() - changes);
        let parts = outlook.correct + outlook.wrong + outlook.ungraded + outlook.open;
        prop_assert!((parts - us.len() as f64).abs() < 1e-9);
        let [low, high] = outlook.bounds().unwrap();
        prop_assert!(low <= high);
        if let Some(accuracy) = outlook.estimate.accuracy {
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&accuracy));
        }
        let listed: usize = Band::ALL.iter().map(|band| what_if.changed(asked, *band, usize::MAX).len()).sum();
        prop_assert_eq!(listed, us.len());
    }
}
