use std::sync::Arc;

use proptest::prelude::*;

use crate::eval::sample_runs::{add, decision, head, outcome, step};
use crate::problem::answer::Verdict;
use crate::router::for_pool;
use crate::survey::{Fact, Survey};
use crate::trace::record::{Override, Record, RunRecord};

use super::*;

/// A forest of one problem: the steps of every leaf, in this order; after each
/// step the small model was chosen, unless `large` names it.
fn forest(leaves: &[(&str, bool)], large: &[&str]) -> Survey {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "threshold:t=0.6"))));
    let mut add = |record: Record| survey.add(Fact::of(&record).unwrap());
    let mut known: Vec<&str> = Vec::new();
    for (leaf, right) in leaves {
        for end in 1..=leaf.len() {
            let id = &leaf[..end];
            if known.contains(&id) {
                continue;
            }
            known.push(id);
            add(Record::Step(Arc::new(step("a", "p", id, 0.5))));
            if end < leaf.len() {
                let next = if large.contains(&id) { "l" } else { "s" };
                add(decision("a", "p", id, next, 1.0));
            }
        }
        let verdict = match right {
            true => Verdict::Correct,
            false => Verdict::Wrong,
        };
        let tokens = leaf.to_lowercase();
        let cost = tokens.chars().map(|by| if by == 's' { 1.0 } else { 10.0 });
        add(outcome("a", "p", leaf, verdict, cost.sum()));
    }
    survey
}

/// Nobody is asked anew: what was decided is in the log.
fn unmade(_: &str, _: &RunRecord) -> Made {
    Err("not made".to_owned())
}

/// The path to the leaf that was written last.
fn lined(survey: &Survey) -> (Grove, Line) {
    let grove = Grove::of(survey, 0, None).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    (grove, line)
}

/// After the first step twice by either model: the large one is always right,
/// the small one once. The main line is the one that was wrong.
fn twice() -> Survey {
    forest(
        &[("sl", true), ("sL", true), ("sS", true), ("ss", false)],
        &[],
    )
}

#[test]
fn a_regret_worked_out_on_paper() {
    let (grove, line) = lined(&twice());
    let choice = grove.choice(&line, 1);
    let [small, large] = choice.actions[..] else {
        panic!("{choice:?}");
    };
    let (small, large) = (small.unwrap(), large.unwrap());
    assert_eq!((small.right, small.draws, small.cost), (0.5, 2, Some(1.0)));
    assert_eq!((large.right, large.draws, large.cost), (1.0, 2, Some(10.0)));
    assert_eq!(choice.taken, Some(0));
    let regret = choice.regret(None).unwrap();
    assert_eq!((regret.rival, regret.gain, regret.value()), (1, 0.5, 0.5));
    // Nine more of cost for half an answer more.
    assert_eq!(regret.flips_at, Some(18.0));
    // Wilson of 1 in 2: 0.0945 to 0.9055, of 2 in 2: 0.3424 to 1.
    let [low, high] = regret.interval;
    assert!(
        (low - (0.5 - 0.6576_f64.hypot(0.4055))).abs() < 1e-3,
        "{low}"
    );
    assert!((high - (0.5 + 0.4055)).abs() < 1e-3, "{high}");
    assert!((regret.noise - 0.4055 * 2_f64.sqrt()).abs() < 1e-3);
    assert!(regret.is_noise(), "of two draws nothing is sure");
    // At the price of the flip both are worth the same, below it the choice
    // was the better one.
    assert!(choice.regret(Some(18.0)).unwrap().gain.abs() < 1e-12);
    let cheap = choice.regret(Some(9.0)).unwrap();
    assert!((cheap.gain + 0.5).abs() < 1e-12 && cheap.value() == 0.0);
}

#[test]
fn noise_is_of_as_many_draws_as_the_rival_has() {
    let survey = forest(&[("sl", true), ("sS", true), ("ss", false)], &[]);
    let (grove, line) = lined(&survey);
    let regret = grove.choice(&line, 1).regret(None).unwrap();
    // Wilson of a half in one: 0.0547 to 0.9453, in two: 0.0945 to 0.9055.
    let noise = 0.4453_f64.hypot(0.4055);
    assert!((regret.noise - noise).abs() < 1e-3, "{}", regret.noise);
    assert!(regret.is_noise() && regret.gain == 0.5);
}

#[test]
fn where_costs_count_they_have_to_be_known() {
    let mut choice = lined(&twice()).0.choice(&lined(&twice()).1, 1);
    choice.actions[1].as_mut().unwrap().cost = None;
    assert_eq!(choice.regret(None).unwrap().gain, 0.5);
    assert_eq!(choice.regret(Some(9.0)), None);
}

#[test]
fn of_equal_rivals_the_cheapest_is_named() {
    let action = |right, cost| {
        Some(Action {
            right,
            interval: [0.0, 1.0],
            draws: 1,
            cost: Some(cost),
            by_others: false,
        })
    };
    let choice = Choice {
        actions: vec![action(0.0, 1.0), action(1.0, 5.0), action(1.0, 9.0)],
        taken: Some(0),
    };
    let regret = choice.regret(None).unwrap();
    assert_eq!((regret.rival, regret.flips_at), (1, Some(4.0)));
    // Below 4 a right answer is not worth it, above it is.
    assert!(choice.regret(Some(3.0)).unwrap().gain < 0.0);
    assert!(choice.regret(Some(5.0)).unwrap().gain > 0.0);
}

#[test]
fn where_one_model_wrote_there_is_no_regret() {
    let survey = forest(&[("ss", false)], &[]);
    let (grove, line) = lined(&survey);
    assert!(!grove.has_alternatives());
    assert_eq!(grove.choice(&line, 1).regret(None), None);
    // The last step is followed by nothing.
    assert_eq!(grove.choice(&line, 2).regret(None), None);
    assert!(Regrets::of(&survey, &unmade).of[0].is_empty());
}

#[test]
fn the_profile_says_where_it_was_lost() {
    let (grove, line) = lined(&twice());
    let profile = grove.profile(&line);
    let right: Vec<f64> = profile.iter().map(|known| known.unwrap().right).collect();
    assert_eq!(right, [0.5, 0.5, 0.0]);
    assert_eq!(profile[2].unwrap().draws, 0, "it ends there");
    // The router goes on with the small model: the large one's two draws say
    // nothing of it.
    let after_the_first = profile[1].unwrap();
    assert_eq!(after_the_first.draws, 2);
    assert_eq!(Some(after_the_first.interval), wilson(0.5, 2));
    let critical = Grove::critical(&profile).unwrap();
    assert_eq!((critical.step, critical.drop), (2, 0.5));
    assert_eq!(Grove::lost_from(&profile), Some(2));
    // Where the router goes on with the large model, V is another.
    let survey = forest(&[("sl", true), ("sS", true), ("ss", false)], &["s"]);
    let (grove, line) = lined(&survey);
    assert_eq!(grove.profile(&line)[1].unwrap().right, 1.0);
}

#[test]
fn one_override_saves_what_the_router_lost() {
    let (grove, line) = lined(&twice());
    let singles = grove.single_rescues(&line);
    assert_eq!(singles.len(), 1);
    let rescue = grove.smallest_rescue(&line).unwrap();
    assert_eq!(rescue, singles[0]);
    assert_eq!((rescue.step, rescue.model, rescue.right), (2, 1, 1.0));
    assert_eq!((rescue.overrides, rescue.cost), (1.0, Some(11.0)));
    // Nothing is cheaper than what was cheapest.
    assert_eq!(grove.savings(&line), None);
}

#[test]
fn two_overrides_where_one_is_not_enough() {
    // The large model helps only twice in a row; the router hands back.
    let survey = forest(&[("sll", true), ("sls", false), ("sss", false)], &[]);
    let (grove, line) = lined(&survey);
    assert!(grove.single_rescues(&line).is_empty());
    let rescue = grove.smallest_rescue(&line).unwrap();
    assert_eq!((rescue.overrides, rescue.step, rescue.model), (2.0, 2, 1));
    assert_eq!(rescue.cost, Some(21.0));
    // What leads nowhere right has none.
    let survey = forest(&[("sl", false), ("ss", false)], &[]);
    let (grove, line) = lined(&survey);
    assert_eq!(grove.smallest_rescue(&line), None);
}

#[test]
fn where_choices_are_drawn_the_draws_count_by_their_weight() {
    let mut survey = twice();
    let Record::Decision(made) = decision("a", "p", "s", "l", 0.75) else {
        unreachable!()
    };
    let mut made = (*made).clone();
    made.probabilities = vec![0.25, 0.75];
    survey.add(Fact::of(&Record::Decision(Arc::new(made))).unwrap());
    let (grove, line) = lined(&survey);
    let standing = grove.profile(&line)[1].unwrap();
    assert!((standing.right - (0.25 * 0.5 + 0.75)).abs() < 1e-12);
    // 1 / (0.25² / 2 + 0.75² / 2) = 3.2.
    assert_eq!(standing.draws, 4);
    assert_eq!(Some(standing.interval), wilson(standing.right, 3));
}

#[test]
fn the_cheaper_way_is_found_where_it_is_right_as_well() {
    let survey = forest(&[("sss", true), ("ssl", true), ("sl", true)], &["s"]);
    let (grove, line) = lined(&survey);
    assert_eq!(line.spent, [0.0, 1.0, 11.0]);
    let way = grove.savings(&line).unwrap();
    // One override at step 2; then the router goes on with the small model.
    assert_eq!((way.step, way.model, way.overrides), (2, 0, 1.0));
    assert_eq!((way.right, way.cost), (1.0, Some(3.0)));
}

#[test]
fn the_control_measures_chance() {
    let regrets = Regrets::of(&twice(), &unmade);
    let control = regrets.control;
    // The last step has nothing behind it.
    assert_eq!((control.decisions, control.regret), (1, Some(0.5)));
    // Right in one draw, wrong in the other: half of the time it is the wrong
    // one that was chosen.
    assert_eq!((control.repeated, control.against_itself), (1, Some(0.5)));
    assert_eq!(control.of_repeated, Some(0.5));
    assert_eq!(regrets.of[0].len(), 2);
    assert_eq!(regrets.of[0][0], 0.5);
    assert!(regrets.of[0][1].is_nan());
}

#[test]
fn what_is_ungraded_is_neither_right_nor_wrong() {
    let mut survey = twice();
    let ungraded = outcome("a", "p", "sL", Verdict::Ungraded, 11.0);
    // A graded outcome of the same leaf says more.
    survey.add(Fact::of(&ungraded).unwrap());
    let (grove, line) = lined(&survey);
    assert_eq!(grove.choice(&line, 1).actions[1].unwrap().draws, 2);
}

/// `small` was wrong; a policy of another run escalated twice and was right, and
/// after one escalation `small` alone was wrong.
fn beside() -> Survey {
    let mut survey = Survey::default();
    survey.add(Fact::Run(Box::new(head("a", "small"))));
    survey.add(Fact::Run(Box::new(head("b", "threshold:t=0.6"))));
    add(&mut survey, "a", "p", "sss", &[0.5; 3], Verdict::Wrong);
    add(&mut survey, "b", "p", "sll", &[0.5; 3], Verdict::Correct);
    survey
}

fn made(survey: &Survey) -> Made {
    let head = survey.runs()[0].head.as_ref().unwrap();
    for_pool(&head.router.spec.parse().unwrap(), &head.pool).map_err(|error| error.to_string())
}

#[test]
fn what_another_router_went_on_to_is_no_rescue_by_one_override() {
    let survey = beside();
    let made = made(&survey);
    let grove = Grove::of(&survey, 0, Some(&made)).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    // Where `small` would have come to is nowhere: what the other router came
    // to stands for it, and says so.
    let large = grove.choice(&line, 1).actions[1].unwrap();
    assert_eq!((large.right, large.by_others), (1.0, true));
    assert!(grove.single_rescues(&line).is_empty());
    let rescue = grove.smallest_rescue(&line).unwrap();
    assert_eq!((rescue.overrides, rescue.step), (2.0, 2));
    // Once it is there it counts, and nothing else.
    let mut survey = survey;
    survey.add(Fact::Run(Box::new(head("c", "random:p=0.5"))));
    add(&mut survey, "c", "p", "sls", &[0.5; 3], Verdict::Wrong);
    let grove = Grove::of(&survey, 0, Some(&made)).unwrap();
    let line = grove.line(&survey.view(0)).unwrap();
    let large = grove.choice(&line, 1).actions[1].unwrap();
    assert_eq!((large.right, large.by_others), (0.0, false));
}

#[test]
fn neither_a_person_nor_a_rollout_is_the_router() {
    let mut survey = twice();
    let right = |survey: &Survey| {
        let (grove, line) = lined(survey);
        grove.profile(&line)[1].unwrap().right
    };
    assert_eq!(right(&survey), 0.5);
    for rollout in [false, true] {
        let Record::Decision(made) = decision("a", "p", "s", "l", 0.0) else {
            unreachable!("it makes decisions");
        };
        let mut made = Arc::unwrap_or_clone(made);
        made.id = format!("other than the router: {rollout}");
        made.rollout = rollout;
        made.overridden = (!rollout).then(|| Override {
            who: "ada".into(),
            when: String::new(),
            wanted: "s".into(),
        });
        survey.add(Fact::of(&Record::Decision(Arc::new(made))).unwrap());
    }
    assert_eq!(right(&survey), 0.5);
}

#[test]
fn a_sure_override_is_worth_more_than_where_others_went() {
    // After "ss" the small model wrote nothing: what stands for it was right,
    // but is not the router's. One override before it is right half of the time.
    let survey = forest(&[("slS", false), ("sls", true), ("ssll", true)], &[]);
    let (grove, line) = lined(&survey);
    let first = line.path[0] as usize;
    let of: Vec<(f64, f64)> = grove.with_overrides()[..3]
        .iter()
        .map(|values| (values[first].right, values[first].sure))
        .collect();
    // Two overrides are the line itself.
    assert_eq!(of, [(1.0, 0.0), (0.5, 0.5), (1.0, 1.0)]);
}

/// Words over two models of at most four steps, without one that goes on
/// behind the end of another.
fn words() -> impl Strategy<Value = Vec<(String, bool)>> {
    let word = proptest::collection::vec(prop_oneof![Just('s'), Just('l'), Just('S')], 1..4);
    let word = word.prop_map(|rest| format!("s{}", rest.into_iter().collect::<String>()));
    proptest::collection::btree_map(word, any::<bool>(), 1..9).prop_map(|words| {
        let all: Vec<(String, bool)> = words.into_iter().collect();
        let is_end = |word: &String| {
            !all.iter()
                .any(|(other, _)| other != word && other.starts_with(word.as_str()))
        };
        all.iter()
            .filter(|(word, _)| is_end(word))
            .cloned()
            .collect()
    })
}

/// The steps that may come after `at`, each once.
fn nexts<'a>(words: &'a [(String, bool)], at: &str) -> Vec<&'a str> {
    let mut next: Vec<&str> = words
        .iter()
        .filter(|(word, _)| word.starts_with(at))
        .map(|(word, _)| &word[..=at.len()])
        .collect();
    next.sort_unstable();
    next.dedup();
    next
}

fn verdict(words: &[(String, bool)], at: &str) -> Option<f64> {
    let found = words.iter().find(|(word, _)| word == at);
    found.map(|(_, right)| f64::from(u8::from(*right)))
}

fn average(next: &[&str], of: impl Fn(&str) -> f64) -> f64 {
    next.iter().map(|id| of(id)).sum::<f64>() / next.len() as f64
}

/// V by walking every way there is: the small model goes on where it can, else
/// whoever does.
fn walked(words: &[(String, bool)], at: &str) -> f64 {
    let right = verdict(words, at);
    right.unwrap_or_else(|| {
        let (large, small): (Vec<&str>, Vec<&str>) = nexts(words, at)
            .into_iter()
            .partition(|id| id.ends_with('l'));
        let next = if small.is_empty() { large } else { small };
        average(&next, |id| walked(words, id))
    })
}

/// What at most so many overrides are sure to reach, by walking every way with
/// every override: where the small model wrote nothing, the router is sure of
/// nothing.
fn rescued(words: &[(String, bool)], at: &str, overrides: usize) -> f64 {
    let right = verdict(words, at);
    right.unwrap_or_else(|| {
        let (large, small): (Vec<&str>, Vec<&str>) = nexts(words, at)
            .into_iter()
            .partition(|id| id.ends_with('l'));
        let by = |next: &[&str], overrides| match next.is_empty() {
            true => 0.0,
            false => average(next, |id| rescued(words, id, overrides)),
        };
        let led = by(&small, overrides);
        match overrides.checked_sub(1) {
            Some(left) => led.max(by(&small, left)).max(by(&large, left)),
            None => led,
        }
    })
}

proptest! {
    #[test]
    fn values_are_those_of_walking_every_way(words in words()) {
        let leaves: Vec<(&str, bool)> = words.iter().map(|(word, right)| (word.as_str(), *right)).collect();
        let survey = forest(&leaves, &[]);
        let (grove, line) = lined(&survey);
        let profile = grove.profile(&line);
        let last = words.last().unwrap();
        for (number, standing) in profile.iter().enumerate() {
            let found = standing.unwrap();
            prop_assert!((found.right - walked(&words, &last.0[..number])).abs() < 1e-9);
            prop_assert!(found.interval[0] <= found.right + 1e-12);
            prop_assert!(found.right <= found.interval[1] + 1e-12);
        }
        for after in 0..=line.path.len() {
            let choice = grove.choice(&line, after);
            if let Some(regret) = choice.regret(None) {
                let taken = choice.actions[choice.taken.unwrap()].unwrap();
                let rival = choice.actions[regret.rival].unwrap();
                prop_assert!((regret.gain - (rival.right - taken.right)).abs() < 1e-12);
                prop_assert!(regret.interval[0] <= regret.gain && regret.gain <= regret.interval[1]);
            }
        }
        // The best that a given number of overrides is sure to reach, at every step.
        let by_overrides = grove.with_overrides();
        for (overrides, values) in by_overrides.iter().enumerate() {
            for (after, &at) in line.path.iter().enumerate() {
                let best = rescued(&words, &last.0[..=after], overrides);
                prop_assert!((values[at as usize].sure - best).abs() < 1e-9);
            }
        }
        // More overrides are never sure to reach less, wherever they start.
        for (fewer, more) in by_overrides.iter().zip(&by_overrides[1..]) {
            for (a, b) in fewer.iter().zip(more) {
                prop_assert!(b.sure >= a.sure - 1e-12);
            }
        }
    }
}
