use std::sync::Arc;

use crate::eval::regret::{Grove, Made, Standing};
use crate::eval::sample_runs::{add, head, outcome, step};
use crate::problem::answer::Verdict;
use crate::router::for_pool;
use crate::survey::{Fact, Survey};
use crate::trace::record::{DecisionRecord, PRM, Purpose, Record, ScoreRecord, StepEnd, Usage};
use crate::trace::samples;
use crate::train::wilson;

fn put(survey: &mut Survey, record: Record) {
    survey.add(Fact::of(&record).unwrap());
}

/// A draft with its reward, and the ruling on it; `by` wrote the step that
/// stands then.
fn draft(survey: &mut Survey, run: &str, id: &str, reward: Option<f64>, by: &str) {
    let mut drafted = step(run, "p", id, 0.5);
    drafted.purpose = Purpose::Draft;
    drafted.kept = drafted.model == by;
    put(survey, Record::Step(Arc::new(drafted)));
    let score = ScoreRecord {
        run: run.into(),
        step: Some(id.into()),
        problem: "p".into(),
        scorer: PRM.into(),
        model: None,
        value: reward,
        note: None,
        usage: Usage::default(),
        attempts: Vec::new(),
        cost: None,
    };
    put(survey, Record::Score(score));
    let before = &id[..id.len() - 1];
    let made = DecisionRecord {
        run: run.into(),
        action: by.into(),
        draft: Some(id.into()),
        ..samples::decision(
            &format!("{run} on {id}"),
            (!before.is_empty()).then_some(before),
        )
    };
    put(survey, Record::Decision(Arc::new(made)));
}

/// What was written in place of a draft.
fn again(survey: &mut Survey, run: &str, id: &str) {
    let mut again = step(run, "p", id, 0.5);
    again.purpose = Purpose::Regenerated;
    put(survey, Record::Step(Arc::new(again)));
}

/// `a` had `s` drafted, which stood, then `ss`, which did not (its reward is
/// 0.4): `sl` was written in its place, and that was wrong.
fn rejected(spec: &str, reward: Option<f64>) -> Survey {
    let mut survey = Survey::default();
    put(&mut survey, Record::Run(Box::new(head("a", spec))));
    draft(&mut survey, "a", "s", Some(0.9), "s");
    draft(&mut survey, "a", "ss", reward, "l");
    again(&mut survey, "a", "sl");
    put(&mut survey, outcome("a", "p", "sl", Verdict::Wrong, 11.0));
    survey
}

/// Beside [`rejected`]: `b` drafted `sS` there, with the reward 0.8, which
/// stood by its own rule and was right; `c` asked the small model alone, for
/// which `ss` was right. Nobody scored that one.
fn beside(spec: &str) -> Survey {
    let mut survey = rejected(spec, Some(0.4));
    put(
        &mut survey,
        Record::Run(Box::new(head("b", "rsd:delta=0.2"))),
    );
    draft(&mut survey, "b", "s", Some(0.9), "s");
    draft(&mut survey, "b", "sS", Some(0.8), "s");
    put(&mut survey, outcome("b", "p", "sS", Verdict::Correct, 2.0));
    put(&mut survey, Record::Run(Box::new(head("c", "small"))));
    add(&mut survey, "c", "p", "ss", &[0.5; 2], Verdict::Correct);
    survey
}

fn made(survey: &Survey) -> Made {
    let head = survey.runs()[0].head.as_ref().unwrap();
    for_pool(&head.router.spec.parse().unwrap(), &head.pool).map_err(|error| error.to_string())
}

/// V after the first step of the trajectory at `place`, and the chance of each
/// model to write the second.
fn after_the_first(survey: &Survey, place: usize, made: Option<&Made>) -> (Standing, Vec<f64>) {
    let grove = Grove::of(survey, place, made).unwrap();
    let line = grove.line(&survey.view(place)).unwrap();
    let standing = grove.profile(&line)[1].unwrap();
    (standing, grove.chances(Some(line.path[0])).unwrap())
}

#[test]
fn a_rule_on_drafts_is_asked_about_every_draft_that_is_there() {
    // Two drafts are known there, `ss` (0.4) and `sS` (0.8): right where they
    // stand. In place of either stands `sl`: wrong.
    for (spec, right, draws, chances) in [
        // One of two stands.
        ("rsd:delta=0.7", 0.5, 2, [0.5, 0.5]),
        ("rsd:delta=0.9", 0.0, 1, [0.0, 1.0]),
        ("rsd:delta=0.3", 1.0, 2, [1.0, 0.0]),
        // They stand in 0.4 and 0.8 of all cases: 1.2 / 2.
        ("rsd:accept=clip", 0.6, 3, [0.6, 0.4]),
    ] {
        let survey = beside(spec);
        let (standing, found) = after_the_first(&survey, 0, Some(&made(&survey)));
        assert!(
            (standing.right - right).abs() < 1e-12,
            "{spec} {standing:?}"
        );
        assert_eq!(standing.draws, draws, "{spec}");
        for (found, chance) in found.iter().zip(chances) {
            assert!((found - chance).abs() < 1e-12, "{spec} {found}");
        }
        if spec == "rsd:accept=clip" {
            // Of weights 0.4, 0.8 and 0.8: 2² / 1.44 = 2.8.
            assert_eq!(Some(standing.interval), wilson(standing.right, 2));
        }
    }
}

#[test]
fn what_a_draft_led_to_where_it_stood_counts_for_its_model() {
    let survey = beside("rsd:delta=0.7");
    let grove = Grove::of(&survey, 0, Some(&made(&survey))).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    let choice = grove.choice(&line, 1);
    let [small, large] = [0, 1].map(|model| choice.actions[model].unwrap());
    assert_eq!((small.right, small.draws, small.by_others), (1.0, 2, false));
    assert_eq!((large.right, large.draws), (0.0, 1));
    assert_eq!(choice.taken, Some(1));
    assert_eq!(choice.regret(None).unwrap().gain, 1.0);
    // To keep the draft is one override.
    let rescue = grove.smallest_rescue(&line).unwrap();
    assert_eq!((rescue.step, rescue.model, rescue.overrides), (2, 0, 1.0));
}

#[test]
fn without_its_rule_the_rulings_of_its_own_log_count() {
    let survey = beside("rsd:delta=0.7");
    // `a` rejected the only draft that it saw, `b` kept its only one.
    let (standing, chances) = after_the_first(&survey, 0, None);
    assert_eq!((standing.right, chances), (0.0, vec![0.0, 1.0]));
    let (standing, chances) = after_the_first(&survey, 1, None);
    assert_eq!((standing.right, chances), (1.0, vec![1.0, 0.0]));
    // A reward that is lost is asked for in vain: the log has the ruling.
    let mut survey = rejected("rsd:delta=0.7", None);
    put(&mut survey, Record::Run(Box::new(head("c", "small"))));
    add(&mut survey, "c", "p", "ss", &[0.5; 2], Verdict::Correct);
    let (standing, chances) = after_the_first(&survey, 0, Some(&made(&survey)));
    assert_eq!((standing.right, chances), (0.0, vec![0.0, 1.0]));
}

#[test]
fn a_draft_of_which_nobody_knows_whether_it_stands_says_nothing() {
    let mut survey = beside("rsd:delta=0.7");
    add(&mut survey, "c", "q", "ss", &[0.5; 2], Verdict::Correct);
    put(&mut survey, Record::Run(Box::new(head("d", "small"))));
    let mut other = step("d", "p", "ss", 0.5);
    other.text = "nobody scored this".into();
    for step in [step("d", "p", "s", 0.5), other] {
        put(&mut survey, Record::Step(Arc::new(step)));
    }
    put(&mut survey, outcome("d", "p", "ss", Verdict::Wrong, 2.0));
    let (standing, _) = after_the_first(&survey, 0, Some(&made(&survey)));
    assert_eq!((standing.right, standing.draws), (0.5, 2));
    // It counts for its model: two of three are right.
    let grove = Grove::of(&survey, 0, Some(&made(&survey))).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    let small = grove.choice(&line, 1).actions[0].unwrap();
    assert!((small.right - 2.0 / 3.0).abs() < 1e-12 && small.draws == 3);
}

#[test]
fn a_rejected_draft_is_no_alternative_and_one_without_a_ruling_no_step() {
    let mut survey = rejected("rsd:delta=0.7", Some(0.4));
    let mut cut_off = step("a", "p", "sS", 0.5);
    cut_off.purpose = Purpose::Draft;
    cut_off.kept = false;
    cut_off.end = StepEnd::Error;
    put(&mut survey, Record::Step(Arc::new(cut_off)));
    let grove = Grove::of(&survey, 0, None).unwrap();
    assert!(!grove.has_alternatives());
    assert_eq!(grove.nodes.len(), 3, "s, ss and sl");
}

#[test]
fn a_step_whose_beginning_is_lost_is_no_first_one() {
    let mut survey = Survey::default();
    put(&mut survey, Record::Run(Box::new(head("a", "small"))));
    put(
        &mut survey,
        Record::Step(Arc::new(step("a", "p", "ss", 0.5))),
    );
    put(
        &mut survey,
        Record::Step(Arc::new(step("a", "p", "ssl", 0.5))),
    );
    put(&mut survey, outcome("a", "p", "ssl", Verdict::Wrong, 2.0));
    put(&mut survey, Record::Run(Box::new(head("b", "large"))));
    add(&mut survey, "b", "p", "l", &[0.5], Verdict::Correct);
    let grove = Grove::of(&survey, 0, None).unwrap();
    assert!(grove.line(&survey.view(0)).is_none() && !grove.has_alternatives());
}

#[test]
fn a_coin_is_asked_for_its_probabilities_where_others_came() {
    let mut survey = Survey::default();
    for (run, spec) in [("a", "random:p=0.25"), ("b", "small"), ("c", "large")] {
        put(&mut survey, Record::Run(Box::new(head(run, spec))));
    }
    add(&mut survey, "a", "p", "ll", &[0.5; 2], Verdict::Wrong);
    // Of what follows `s` it knows nothing itself.
    add(&mut survey, "b", "p", "ss", &[0.5; 2], Verdict::Correct);
    add(&mut survey, "c", "p", "sl", &[0.5; 2], Verdict::Wrong);
    let made = made(&survey);
    let grove = Grove::of(&survey, 0, Some(&made)).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    let small = grove.choice(&line, 0).actions[0].unwrap();
    assert!((small.right - 0.75).abs() < 1e-12, "{small:?}");
    assert!(!small.by_others);
}
