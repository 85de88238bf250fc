//! What hung on a draw, and what did not: coins, and persons in their place.

use crate::trace::record::Override;

use super::*;

#[test]
fn decisions_that_were_drawn_are_weighed_by_their_propensity() {
    // Half of the trajectories went on small (right), half large (wrong), by a
    // fair coin, at states that are all alike.
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "random:p=0.5"))));
    for n in 0..40 {
        let problem = format!("p{n}");
        let (path, verdict) = match n % 2 {
            0 => ("ss", Verdict::Correct),
            _ => ("sl", Verdict::Wrong),
        };
        for (at, u) in [0.5, 0.9].into_iter().enumerate() {
            let mut step = step("a", &problem, &path[..=at], u);
            step.decision = (at == 1).then(|| format!("as{}", &path[1..]));
            survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
        }
        let made = decision("a", &problem, "s", &path[1..], 0.5);
        survey.add(Fact::of(&made).unwrap());
        let cost = if n % 2 == 0 { 2.0 } else { 11.0 };
        let ended = outcome("a", &problem, path, verdict, cost);
        survey.add(Fact::of(&ended).unwrap());
    }
    let what_if = what_if(&survey, "threshold:t=0.6");
    let (small, large) = (what_if.at(0.4), what_if.at(0.6));
    assert_eq!((small.unchanged, small.unknown), (20, 20));
    assert!((small.estimate.accuracy.unwrap() - 1.0).abs() < 1e-9);
    assert!((large.estimate.accuracy.unwrap() - 0.0).abs() < 1e-9);
    assert!((small.estimate.cost.unwrap() - 2.0).abs() < 1e-9);
    assert!((large.estimate.cost.unwrap() - 11.0).abs() < 1e-9);
    assert_eq!(small.bounds(), Some([0.5, 1.0]));
}

#[test]
fn what_another_run_knows_anyway_did_not_hang_on_the_draw() {
    // The coin fell on small (right) once in four; a run of the small model
    // alone wrote the same.
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "random:p=0.25"))));
    survey.add(Fact::Run(Box::new(head("b", "small"))));
    for n in 0..40 {
        let problem = format!("p{n}");
        let (path, verdict) = match n % 4 {
            0 => ("ss", Verdict::Correct),
            _ => ("sl", Verdict::Wrong),
        };
        let drawn = if n % 4 == 0 { 0.25 } else { 0.75 };
        for (at, u) in [0.5, 0.9].into_iter().enumerate() {
            let mut step = step("a", &problem, &path[..=at], u);
            step.decision = (at == 1).then(|| format!("as{}", &path[1..]));
            survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
        }
        let made = decision("a", &problem, "s", &path[1..], drawn);
        survey.add(Fact::of(&made).unwrap());
        let ended = outcome("a", &problem, path, verdict, 2.0);
        survey.add(Fact::of(&ended).unwrap());
        let alone = match n % 4 {
            0 => Verdict::Correct,
            _ => Verdict::Wrong,
        };
        add(&mut survey, "b", &problem, "ss", &[0.5, 0.9], alone);
    }
    let small = what_if(&survey, "threshold:t=0.6").at(0.4);
    assert_eq!(
        (small.unchanged, small.branched, small.coverage()),
        (10, 30, 1.0)
    );
    // All is known: there is nothing to estimate.
    assert_eq!(small.bounds(), Some([0.25, 0.25]));
    assert_eq!(small.estimate.accuracy, Some(0.25));
    assert_eq!(small.estimate.cost, small.known_cost);
    // Where the large model is wanted that run knows nothing, and a draw stands
    // for those that fell otherwise, but never against what is certain.
    let all = what_if(&survey, "threshold:t=0.6").at(0.6);
    let [low, high] = all.bounds().unwrap();
    let accuracy = all.estimate.accuracy.unwrap();
    assert!((low..=high).contains(&accuracy), "{low} {accuracy} {high}");
    assert!(all.estimate.cost.unwrap() > 0.0);
}

/// Two fair coins a trajectory; another run shares the first step behind the
/// first coin only.
#[test]
fn a_draw_counts_as_long_as_what_is_behind_it_hangs_on_one() {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "random:p=0.5"))));
    survey.add(Fact::Run(Box::new(head("b", "random:p=0.5"))));
    for n in 0..80 {
        let problem = format!("p{n}");
        let path = ["sss", "ssl", "sls", "sll"][n % 4];
        for at in 1..=3 {
            let step = step("a", &problem, &path[..at], 0.5);
            survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
            if at < 3 {
                let made = decision("a", &problem, &path[..at], &path[at..=at], 0.5);
                survey.add(Fact::of(&made).unwrap());
            }
        }
        let verdict = if path == "sss" {
            Verdict::Correct
        } else {
            Verdict::Wrong
        };
        survey.add(Fact::of(&outcome("a", &problem, path, verdict, 3.0)).unwrap());
    }
    let alone = what_if(&survey, "threshold:t=0.6").at(0.4);
    assert_eq!((alone.unchanged, alone.unknown), (20, 60));
    let accuracy = alone.estimate.accuracy.unwrap();
    assert!(
        (accuracy - 1.0).abs() < 1e-9,
        "small alone is right: {accuracy}"
    );
    for n in 0..80 {
        add(
            &mut survey,
            "b",
            &format!("p{n}"),
            "ssl",
            &[0.5, 0.5, 0.5],
            Verdict::Wrong,
        );
    }
    let beside = what_if(&survey, "threshold:t=0.6").at(0.4);
    let accuracy = beside.estimate.accuracy.unwrap();
    assert!((accuracy - 1.0).abs() < 1e-9, "{accuracy}");
}

/// The first trajectory of [`three`] with a decision that a person took: its
/// propensity is 0, and nothing of it was drawn.
fn with_an_override(overridden: bool) -> Survey {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "threshold:t=0.6"))));
    survey.add(Fact::Run(Box::new(head("b", "small"))));
    // Of the small model alone there are two draws: one right, one wrong.
    for n in 0..4 {
        let problem = format!("p{n}");
        for (at, id) in ["s", "sl"].into_iter().enumerate() {
            let mut step = step("a", &problem, id, 0.5);
            step.decision = (at == 1).then(|| "asl".into());
            survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
            if at == 0 {
                let propensity = if overridden { 0.0 } else { 1.0 };
                let made = decision("a", &problem, "s", "l", propensity);
                let Record::Decision(made) = made else {
                    unreachable!()
                };
                let mut made = Arc::unwrap_or_clone(made);
                made.overridden = overridden.then(|| Override {
                    who: "ada".into(),
                    when: String::new(),
                    wanted: "l".into(),
                });
                survey.add(Fact::of(&Record::Decision(Arc::new(made))).unwrap());
            }
        }
        let ended = outcome("a", &problem, "sl", Verdict::Correct, 11.0);
        survey.add(Fact::of(&ended).unwrap());
        let both = step("b", &problem, "s", 0.5);
        survey.add(Fact::of(&Record::Step(Arc::new(both))).unwrap());
        for (letter, verdict) in [("s", Verdict::Correct), ("S", Verdict::Wrong)] {
            let id = format!("s{letter}");
            survey.add(Fact::of(&Record::Step(Arc::new(step("b", &problem, &id, 0.9)))).unwrap());
            survey.add(Fact::of(&outcome("b", &problem, &id, verdict, 2.0)).unwrap());
        }
    }
    survey
}

#[test]
fn what_a_person_chose_was_not_drawn() {
    let [routed, overridden] = [false, true].map(with_an_override);
    let made = overridden.view(0);
    assert_eq!(made.decision(Some(0)).unwrap().propensity, 0.0);
    assert_eq!((made.propensity(0), made.propensity(1)), (1.0, 1.0));
    // At t = 0.5 the small model goes on: half of its draws are right, and the
    // interval is that of outcomes, not of guesses weighed by propensities.
    let [a, b] = [&routed, &overridden].map(|survey| what_if(survey, "threshold:t=0.6").at(0.5));
    assert_eq!((a.branched, a.correct, a.wrong), (4, 2.0, 2.0));
    let [low, high] = a.estimate.interval.unwrap();
    assert!(low < 0.3 && high > 0.7, "{low} {high}");
    assert_eq!(a, b);
}

#[test]
fn what_was_drawn_beside_an_override_still_counts_by_its_propensity() {
    let mut survey = with_an_override(true);
    // The draft that the person asked for stands by the toss of a coin.
    let Record::Decision(ruled) = decision("a", "p0", "s", "l", 0.25) else {
        unreachable!()
    };
    let mut ruled = Arc::unwrap_or_clone(ruled);
    ruled.id = "ruling".into();
    ruled.draft = Some("sl".into());
    survey.add(Fact::of(&Record::Decision(Arc::new(ruled))).unwrap());
    assert_eq!(survey.view(0).propensity(1), 0.25);
}
