use std::convert::Infallible;
use std::time::Instant;

use rand::Rng;

use super::*;
use crate::train::episode::Transition;
use crate::train::episode::tests::{episode, transition};
use crate::train::params::Escalation;
use crate::train::run::{Behaviour, Draw, Rollouts, Rounds, deployed, draw_from, recalibrate_on};
use crate::train::search::Rejected;
use crate::train::tabular::{FEATURES, Seen, Tabular, Value, evaluate, optimum};

const ALPHA: f64 = 0.1;

fn learner(params: Params) -> Learner {
    Learner::new(params, FEATURES, 2).unwrap()
}

fn trained(params: Params) -> Learner {
    let mut learner = learner(params);
    learner.run(&mut Tabular, |_, _| ()).unwrap();
    learner
}

/// The deployed rule of a learner at a threshold, exactly.
fn deploy(learner: &Learner, kappa: f64) -> Value {
    let large = |seen: Seen| deployed(learner.policy(), kappa, &seen.features(), &[true; 2])[1];
    evaluate(large)
}

/// The largest threshold at which the deployed rule keeps the constraint.
fn at_coverage(learner: &Learner, alpha: f64) -> Value {
    let kappas = (0..=4000).rev().map(|step| f64::from(step) / 4000.0);
    let mut values = kappas.map(|kappa| deploy(learner, kappa));
    values.find(|value| value.miss <= alpha).unwrap()
}

/// Five seeds against the linear program, at the coverage asked for: the
/// deployed rule at the best threshold, and after recalibration on rollouts
/// (whose miss rate has a standard error of 0.2 %).
#[test]
fn the_learned_cost_is_within_5_percent_of_the_linear_programs_optimum() {
    let best = optimum(ALPHA);
    for seed in 0..5 {
        let params = Params {
            seed,
            batch: 5,
            ..Params::settling(ALPHA)
        };
        let learner = trained(params);
        let exact = at_coverage(&learner, ALPHA);
        let rounds = Rounds {
            trajectories: 20_000,
            rounds: 20,
            tolerance: 1e-3,
            seed: 1_000 + seed,
        };
        let kappa = learner.threshold().kappa();
        let settled = recalibrate_on(learner.policy(), kappa, ALPHA, rounds, &mut Tabular).unwrap();
        let found = deploy(&learner, settled.result.kappa);
        println!(
            "seed {seed}: optimum {best:.3}; at coverage {:.3} ({:+.1} %), miss {:.4}; \
             recalibrated κ {:.3} {:.3} ({:+.1} %), miss {:.4}, {} rounds",
            exact.cost,
            100.0 * (exact.cost / best - 1.0),
            exact.miss,
            settled.result.kappa,
            found.cost,
            100.0 * (found.cost / best - 1.0),
            found.miss,
            settled.path.len() - 1,
        );
        assert!(exact.cost <= 1.05 * best, "seed {seed}: {exact:?}");
        assert!(found.miss <= ALPHA + 0.01, "seed {seed}: {found:?}");
        assert!(found.cost <= 1.05 * best, "seed {seed}: {found:?}");
    }
}

/// The constants of the paper alone (one batch for J̄, a trust region of 0.01
/// throughout) do not get there: steps of full length along gradients of five
/// episodes wander, and θ saturates. Holds the finding that
/// [`Params::settling`] answers.
#[test]
fn a_trust_region_that_never_shrinks_misses_the_optimum() {
    let learner = trained(Params {
        alpha: ALPHA,
        seed: 1,
        ..Params::default()
    });
    let gap = at_coverage(&learner, ALPHA).cost / optimum(ALPHA) - 1.0;
    assert!(gap > 0.05, "{gap}");
}

#[test]
fn a_run_cut_in_two_equals_one_that_was_not_to_the_last_bit() {
    let params = Params {
        iterations: 24,
        seed: 3,
        ..Params::default()
    };
    let mut whole = learner(params.clone());
    let mut records = Vec::new();
    whole
        .run(&mut Tabular, |_, record| records.push(record.clone()))
        .unwrap();
    let mut first = learner(params);
    for _ in 0..11 {
        first.advance(&mut Tabular).unwrap();
    }
    // Through text, as a file would hold it.
    let text = serde_json::to_string(&first.state()).unwrap();
    drop(first);
    let mut second = Learner::resume(&serde_json::from_str(&text).unwrap()).unwrap();
    let mut rest = Vec::new();
    second
        .run(&mut Tabular, |_, record| rest.push(record.clone()))
        .unwrap();
    assert_eq!(second, whole);
    assert_eq!(rest, records[11..]);
    assert_eq!(second.advance(&mut Tabular).unwrap(), None);
    let line = serde_json::to_string(&records[5]).unwrap();
    assert_eq!(
        serde_json::from_str::<Iteration>(&line).unwrap(),
        records[5]
    );
}

#[test]
fn a_state_that_does_not_hold_together_is_refused() {
    let good = learner(Params::default()).state();
    assert!(Learner::resume(&good).is_ok());
    let mut short = good.clone();
    short.policy.pop();
    let error = Learner::resume(&short).unwrap_err().to_string();
    assert!(error.starts_with("the policy does not fit"), "{error}");
    let mut broken = good.clone();
    broken.policy[0] = f64::NAN;
    assert_eq!(Learner::resume(&broken), Err(StateError::NotFinite));
    let mut other = good;
    other.params.alpha = 2.0;
    assert!(matches!(Learner::resume(&other), Err(StateError::Param(_))));
    let one = Learner::new(Params::default(), 1, 1);
    assert_eq!(one, Err(StateError::Models(1)));
    let blind = Learner::new(Params::default(), 0, 2);
    assert_eq!(blind, Err(StateError::Features));
}

fn small(params: Params) -> Learner {
    Learner::new(params, 2, 2).unwrap()
}

#[test]
fn a_broken_episode_is_refused_by_its_place_and_nothing_changes() {
    let mut learner = small(Params::default());
    let before = learner.clone();
    let mut bad = transition(0.1, 0);
    bad.cost = f64::NAN;
    let episodes = [
        episode(vec![transition(0.2, 1)], true),
        episode(vec![bad], false),
    ];
    let error = learner.learn(&episodes).unwrap_err().to_string();
    assert!(
        error.contains("episode 1") && error.contains("cost NaN"),
        "{error}"
    );
    assert_eq!(learner.learn(&[]), Err(LearnError::NoEpisodes));
    assert_eq!(learner, before);
}

#[test]
fn missing_confidences_are_counted_and_teach_the_policy_nothing() {
    let mut learner = small(Params::default());
    let theta = learner.policy().parameters();
    let forced = |success| {
        let mut step = transition(f64::NAN, 1);
        step.propensity = 1.0;
        step.incorrect = Some(true);
        episode(vec![step.clone(), step], success)
    };
    let record = learner.learn(&[forced(true), forced(false)]).unwrap();
    assert_eq!((record.batch.incomplete, record.batch.free), (4, 0));
    assert!(!record.policy.accepted);
    assert!(matches!(record.policy.rejected, Some(Rejected::NoStep(_))));
    assert_eq!(learner.policy().parameters(), theta);
    // The most capable model ran for certain: no miss.
    assert_eq!(record.threshold.scores, [1.0, 1.0]);
    let finite = |fit: crate::train::critic::Fit| fit.loss.is_finite() && !fit.diverged;
    assert!(finite(record.critics.cost) && finite(record.critics.coverage));
}

#[test]
fn numbers_beyond_reason_reject_the_step_and_leave_finite_weights() {
    let mut learner = small(Params::default());
    let mut wild = transition(1e300, 0);
    wild.cost = 1e300;
    let mut rare = transition(0.2, 1);
    rare.propensity = 1e-308;
    let episodes = [
        episode(vec![wild, rare.clone(), rare.clone(), rare], true),
        episode(vec![transition(0.2, 1)], false),
    ];
    let record = learner.learn(&episodes).unwrap();
    assert!(!record.policy.accepted);
    let why = record.policy.rejected.clone().unwrap().to_string();
    assert!(why.contains("not finite"), "{why}");
    assert!(learner.policy().parameters().iter().all(|x| x.is_finite()));
    // The record still fits a line of JSON and comes back.
    let line = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Iteration>(&line).unwrap(), record);
}

#[test]
fn the_unit_of_the_cost_changes_nothing() {
    let run = |unit: f64| {
        let mut learner = small(Params::default());
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..20 {
            let episodes: Vec<Episode> = (0..5)
                .map(|_| {
                    let mut step = transition(rng.random_range(-1.0..1.0), 0);
                    step.action = usize::from(rng.random_bool(0.5));
                    step.cost = unit * (1.0 + 3.0 * step.action as f64);
                    episode(vec![step.clone(), step], rng.random_bool(0.8))
                })
                .collect();
            learner.learn(&episodes).unwrap();
        }
        learner.policy().parameters()
    };
    // A power of two rounds nothing.
    assert_eq!(run(1.0), run(2.0_f64.powi(40)));
}

/// Three models; each problem says by its one feature which it needs.
struct Ladder(Escalation);

impl Rollouts for Ladder {
    type Error = Infallible;

    fn rollout(
        &mut self,
        _: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, Infallible> {
        let needed = rng.random_range(0..3_usize);
        let mut steps = Vec::new();
        let (mut success, mut writer) = (true, 0);
        for _ in 0..3 {
            let allowed = self.0.allowed(Some(writer), 3);
            let observation = vec![needed as f64 - 1.0, writer as f64 - 1.0];
            let probabilities = policy(&observation, &allowed);
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let action = draw_from(&probabilities, rng);
            steps.push(Transition {
                observation,
                writer: Some(writer),
                allowed,
                action,
                propensity: probabilities[action],
                cost: [1.0, 3.0, 10.0][action],
                incorrect: Some(writer < needed),
            });
            success &= action >= needed;
            writer = action;
        }
        Ok(Episode {
            steps,
            success,
            reference_success: 1.0,
        })
    }
}

#[test]
fn with_three_models_the_largest_is_kept_for_problems_that_need_it() {
    for escalation in [Escalation::PerStep, Escalation::Absorbing] {
        let params = Params {
            escalation,
            batch: 5,
            ..Params::settling(0.05)
        };
        let mut learner = Learner::new(params, 2, 3).unwrap();
        learner.run(&mut Ladder(escalation), |_, _| ()).unwrap();
        let mass = |needed: f64| learner.behaviour(&[needed, -1.0], &[true; 3]);
        let (easy, hard) = (mass(-1.0), mass(1.0));
        assert!(hard[2] > 0.9, "{escalation:?} {hard:?}");
        assert!(easy[2] < 0.05, "{escalation:?} {easy:?}");
        assert!(mass(0.0)[0] < 0.05);
    }
}

/// Eight decisions, seven features.
struct Long;

impl Rollouts for Long {
    type Error = Infallible;

    fn rollout(
        &mut self,
        _: Draw,
        policy: Behaviour<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Episode, Infallible> {
        let steps: Vec<Transition> = (0..8)
            .map(|_| {
                let observation: Vec<f64> = (0..7).map(|_| rng.random_range(-2.0..2.0)).collect();
                let large = policy(&observation, &[true; 2])[1];
                let action = usize::from(rng.random::<f64>() < large);
                Transition {
                    incorrect: Some(rng.random_bool(0.1)),
                    observation,
                    writer: Some(0),
                    allowed: vec![true; 2],
                    action,
                    propensity: if action == 1 { large } else { 1.0 - large },
                    cost: 1.0 + 3.0 * action as f64,
                }
            })
            .collect();
        let lost = steps
            .iter()
            .any(|s| s.incorrect == Some(true) && s.action == 0);
        Ok(Episode {
            steps,
            success: !lost,
            reference_success: 1.0,
        })
    }
}

/// 1000 iterations × batch 5 × 8 decisions; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    for params in [Params::default(), Params::settling(0.05)] {
        let start = Instant::now();
        let mut learner = Learner::new(params, 7, 2).unwrap();
        learner.run(&mut Long, |_, _| ()).unwrap();
        println!("{:.2} s", start.elapsed().as_secs_f64());
    }
}
