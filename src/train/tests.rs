//! What is computed on a forest, held against rollouts over it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::episode::Episode;
use super::evaluate::{Figures, outcomes};
use super::forest::tests::{Loaded, loaded};
use super::forest::{Alone, Child, Forest, Leaf, ProblemForest, Step};
use super::learner::Learner;
use super::oracle::oracle;
use super::params::{Escalation, Params};
use super::prepared::{Encoding, Prepared};
use super::report::{of_policy, of_router};
use super::rollout::ForestRollouts;
use super::run::{Draw, Rollouts};
use super::scores::scores;
use super::threshold::recalibrate;
use crate::policy::Network;
use crate::problem::split::Split;
use crate::router::{RouterSpec, build};
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::{TrajectoryEnd, Usage};

fn params(escalation: Escalation) -> Params {
    Params {
        escalation,
        ..Params::default()
    }
}

/// The forest with verdicts that its language has none of: unsure steps are
/// taken for wrong ones.
fn judged(loaded: &mut Loaded) {
    for step in loaded.forest.problems.iter_mut().flat_map(|p| &mut p.steps) {
        let unsure = step.observation.as_ref().and_then(|seen| seen.confidence);
        step.verdict = unsure.map(|confidence| confidence > 0.4);
    }
}

fn with<R>(
    forest: &Forest,
    params: &Params,
    check: impl FnOnce(&Prepared<'_>, &Encoding) -> R,
) -> R {
    let problems: Vec<_> = forest.problems.iter().collect();
    let encoding = Encoding::fit(&[], forest, &problems).unwrap();
    let prepared = Prepared::new(forest, &problems, &encoding, params).unwrap();
    check(&prepared, &encoding)
}

fn network(features: usize, seed: u64) -> Network {
    // Far from uniform, so that thresholds matter.
    Network::random(features, 2, 3.0, &mut ChaCha8Rng::seed_from_u64(seed))
}

/// Unlike the probabilities of the exploration, so that they can be told apart.
const COIN: [f64; 2] = [0.25, 0.75];

fn coin(_: &[f64], allowed: &[bool]) -> Vec<f64> {
    match allowed {
        [false, true] => vec![0.0, 1.0],
        _ => COIN.to_vec(),
    }
}

fn batches(batch: usize, seed: u64) -> Params {
    Params {
        batch,
        seed,
        ..Params::default()
    }
}

fn rollout(prepared: &Prepared<'_>, iteration: u32, position: usize) -> Episode {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    rng.set_stream(u64::from(iteration) * 100 + position as u64);
    let draw = Draw {
        iteration,
        position,
    };
    let mut rollouts = ForestRollouts::new(prepared.clone(), &batches(4, 1), None);
    rollouts.rollout(draw, &coin, &mut rng).unwrap()
}

/// Exact expectations against the mean of many rollouts.
#[test]
fn the_expectation_over_a_forest_is_the_mean_of_its_rollouts() {
    let loaded = loaded(12);
    for escalation in [Escalation::PerStep, Escalation::Absorbing] {
        with(&loaded.forest, &params(escalation), |prepared, _| {
            let found = outcomes(prepared, &|_, allowed| coin(&[], allowed));
            // Every continuation is there: the forests are small.
            assert!(
                found
                    .iter()
                    .all(|outcome| (outcome.known - 1.0).abs() < 1e-12)
            );
            let figures = Figures::of(&found).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            let mut rollouts = ForestRollouts::new(prepared.clone(), &batches(12, 4), None);
            let episodes: Vec<Episode> = (0..600)
                .flat_map(|iteration| {
                    (0..12).map(move |position| Draw {
                        iteration,
                        position,
                    })
                })
                .map(|draw| rollouts.rollout(draw, &coin, &mut rng).unwrap())
                .collect();
            let n = episodes.len() as f64;
            let mean = |value: fn(&Episode) -> f64| episodes.iter().map(value).sum::<f64>() / n;
            let right = mean(|e| f64::from(u8::from(e.success)));
            assert!(
                (right - figures.accuracy).abs() < 0.02,
                "{right} {figures:?}"
            );
            let missed = mean(|e| 1.0 - e.covered());
            assert!(
                (missed - figures.miss.unwrap()).abs() < 0.02,
                "{missed} {figures:?}"
            );
            // Nobody decides about the first step: its cost is no action's.
            let first: f64 = prepared
                .problems()
                .iter()
                .map(|p| p.cost(p.forest.first[0].step))
                .sum::<f64>()
                / prepared.problems().len() as f64;
            let cost = mean(Episode::cost) + first;
            let published = figures.published.unwrap();
            assert!((cost / published - 1.0).abs() < 0.02, "{cost} {published}");
        });
    }
}

#[test]
fn rollouts_keep_the_probability_of_what_they_drew() {
    let loaded = loaded(12);
    with(
        &loaded.forest,
        &params(Escalation::Absorbing),
        |prepared, encoding| {
            for position in 0..40 {
                let episode = rollout(prepared, 0, position);
                episode.check(encoding.features.len(), 2).unwrap();
                for step in &episode.steps {
                    let absorbed = step.writer == Some(1);
                    let wanted = if absorbed { 1.0 } else { COIN[step.action] };
                    assert_eq!(step.propensity, wanted);
                    assert!(!absorbed || step.action == 1);
                }
            }
        },
    );
}

#[test]
fn every_problem_comes_once_an_epoch_whatever_was_rolled_out_before() {
    let loaded = loaded(12);
    with(&loaded.forest, &Params::default(), |prepared, _| {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut rollouts = ForestRollouts::new(prepared.clone(), &batches(4, 1), None);
        let mut all = Vec::new();
        for iteration in 0..6 {
            for position in 0..4 {
                let draw = Draw {
                    iteration,
                    position,
                };
                all.push(rollouts.rollout(draw, &coin, &mut rng).unwrap());
            }
        }
        // 24 rollouts over 12 problems: two epochs. Which problem comes when
        // depends on the draw alone: none but the last is rolled out here.
        let alone = rollout(prepared, 5, 3);
        let seen = |episode: &Episode| episode.steps[0].observation.clone();
        assert_eq!(seen(&alone), seen(&all[23]));
        let reference = |episodes: &[Episode]| {
            let mut known: Vec<f64> = episodes.iter().map(|e| e.reference_success).collect();
            known.sort_by(f64::total_cmp);
            known
        };
        let mut wanted: Vec<f64> = prepared.problems().iter().map(|p| p.reference).collect();
        wanted.sort_by(f64::total_cmp);
        assert_eq!(reference(&all[..12]), wanted);
        assert_eq!(reference(&all[12..]), wanted);
    });
}

/// No κ up to the score misses a step judged wrong, and the next one does.
#[test]
fn a_score_is_the_largest_threshold_up_to_which_nothing_is_missed() {
    let mut loaded = loaded(12);
    judged(&mut loaded);
    with(&loaded.forest, &Params::default(), |prepared, encoding| {
        let mut below_one = 0;
        for seed in 0..8 {
            let network = network(encoding.features.len(), seed);
            let found = scores(prepared, &network, seed);
            assert_eq!((found.cut, found.unjudged), (0, 0));
            let missed = |kappa: f64| -> Vec<f64> {
                let found = of_policy(prepared, &network, kappa);
                found.iter().map(|outcome| outcome.step_miss).collect()
            };
            for step in 0..=100 {
                let kappa = f64::from(step) / 100.0;
                for (score, miss) in found.scores.iter().zip(missed(kappa)) {
                    assert!(kappa > *score || miss == 0.0, "{kappa} {score} {miss}");
                }
            }
            for (at, score) in found.scores.iter().enumerate() {
                if *score < 1.0 {
                    below_one += 1;
                    assert!(missed(score + 1e-9)[at] > 0.0, "{score}");
                }
            }
        }
        assert!(below_one > 10, "{below_one}");
    });
}

#[test]
fn nothing_is_right_more_often_than_the_oracle_or_as_often_for_less() {
    let loaded = loaded(12);
    with(&loaded.forest, &Params::default(), |prepared, encoding| {
        let best = oracle(prepared);
        let models = ["small".to_owned(), "large".to_owned()];
        let specs = ["small", "random:p=1", "threshold:t=0.45"];
        let mut rules = Vec::new();
        for spec in specs {
            let spec: RouterSpec = spec.parse().unwrap();
            rules.push(of_router(prepared, &*build(&spec, &models, None).unwrap()));
        }
        rules.push(of_policy(
            prepared,
            &network(encoding.features.len(), 1),
            0.5,
        ));
        for rule in rules {
            for (best, other) in best.iter().zip(rule) {
                assert!(best.success >= other.success);
                let as_good = other.success > 0.99 || best.success < 0.01;
                assert!(!as_good || best.published <= other.published + 1e-9);
            }
        }
    });
}

#[test]
fn a_forest_without_a_continuation_says_how_much_it_does_not_know() {
    let mut loaded = loaded(12);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for problem in &mut loaded.forest.problems {
        for step in &mut problem.steps {
            if step.children.len() > 1 && rng.random_bool(0.3) {
                step.children.truncate(1);
                step.drawn = vec![step.children[0].model];
            }
        }
    }
    with(&loaded.forest, &Params::default(), |prepared, _| {
        let found = outcomes(prepared, &|_, allowed| coin(&[], allowed));
        let figures = Figures::of(&found).unwrap();
        assert!(figures.known < 0.95 && figures.known > 0.2, "{figures:?}");
        assert!((0.0..=1.0).contains(&figures.accuracy));
        // Rollouts go on where the exploration went, with its probabilities.
        let behaviour = 1.0 - 1e-9;
        let off: usize = (0..60)
            .map(|position| rollout(prepared, 0, position))
            .flat_map(|episode| episode.steps)
            .filter(|step| step.propensity < behaviour && !COIN.contains(&step.propensity))
            .count();
        assert!(off > 0);
    });
}

/// A problem of three models whose every prefix all of them continue: who
/// repairs a wrong step must be at least as capable as the step is hard.
fn three(number: usize) -> ProblemForest {
    let mut problem = ProblemForest {
        id: format!("p{number:03}"),
        split: Split::Train,
        references: vec![Some(true); 4],
        alone: Alone {
            published: Some(30.0),
            full: Some(30.0),
        },
        steps: Vec::new(),
        first: Vec::new(),
    };
    let first = grow(&mut problem, None, 0, 1, true);
    problem.first.push(first);
    problem
}

const COSTS: [f64; 3] = [1.0, 3.0, 10.0];

fn grow(
    problem: &mut ProblemForest,
    parent: Option<usize>,
    model: usize,
    index: u32,
    alive: bool,
) -> Child {
    // A number that the path alone decides.
    let path = parent.map_or(0, |parent| problem.steps[parent].usage.prompt) * 3 + model as u64;
    let salt = problem
        .id
        .bytes()
        .fold(path + 7, |sum, b| sum * 31 + u64::from(b));
    let hard = (salt / 5) % 3;
    let wrong = hard > 0 && model < hard as usize;
    let leaf = (index == 4).then_some(Leaf {
        success: Some(alive && !wrong),
        end: TrajectoryEnd::Finished,
    });
    let place = problem.steps.len();
    problem.steps.push(Step {
        id: format!("{place}"),
        parent,
        model,
        index,
        usage: Usage {
            prompt: path,
            cached: None,
            output: 1,
            ..Usage::default()
        },
        published: Some(COSTS[model]),
        full: Some(COSTS[model]),
        observation: leaf.is_none().then_some(Observation {
            confidence: Some(0.9 - 0.35 * hard as f64),
            index,
            difficulty: None,
            has_answer: false,
            tokens: Some(1),
            writer: Some(model),
            models: 3,
        }),
        confidences: [Some(0.9 - 0.35 * hard as f64); Source::ALL.len()],
        propensities: vec![1.0 / 3.0; 3],
        drawn: vec![0],
        children: Vec::new(),
        verdict: Some(!wrong),
        leaf,
    });
    if leaf.is_none() {
        for next in 0..3 {
            let alive = alive && (!wrong || next >= hard as usize);
            let child = grow(problem, Some(place), next, index + 1, alive);
            problem.steps[place].children.push(child);
        }
    }
    Child {
        model,
        step: place,
        branches: 1,
    }
}

#[test]
fn three_models_are_learnt_with_and_the_dearest_is_not_used_where_it_need_not_be() {
    let mut loaded = loaded(1);
    let large = loaded.forest.models[1].clone();
    loaded.forest.models.insert(1, large);
    loaded.forest.problems = (0..60).map(three).collect();
    let forest = &loaded.forest;
    let problems: Vec<_> = forest.problems.iter().collect();
    let encoding = Encoding::fit(&[], forest, &problems).unwrap();
    assert_eq!(encoding.features.last().unwrap(), "writer_2");
    let params = Params {
        iterations: 300,
        ..Params::settling(0.1)
    };
    let prepared = Prepared::new(forest, &problems, &encoding, &params).unwrap();
    let mut learner = Learner::new(params, encoding.features.len(), 3).unwrap();
    let figures = |learner: &Learner, kappa: f64| {
        Figures::of(&of_policy(&prepared, learner.policy(), kappa)).unwrap()
    };
    let before = figures(&learner, 0.3);
    let mut rollouts = ForestRollouts::new(prepared.clone(), learner.params(), None);
    learner.run(&mut rollouts, |_, _| ()).unwrap();
    let found = scores(&prepared, learner.policy(), 0);
    let kappa = recalibrate(&found.scores, 0.1).unwrap().kappa;
    let after = figures(&learner, kappa);
    assert!(after.step_miss <= 0.1, "{after:?}");
    assert!(after.accuracy > 0.85, "{after:?}");
    let all_large = COSTS[0] + 3.0 * COSTS[2];
    let cost = after.published.unwrap();
    assert!(cost < 0.8 * all_large, "{cost} {before:?}");
}

/// Where only the model that was drawn went on, the weights Π ρ make up for
/// it: their mean over many explorations is what the whole forest says.
#[test]
fn weighted_rollouts_over_a_forest_with_gaps_have_the_mean_of_the_whole_one() {
    let mut loaded = loaded(12);
    let whole = loaded.forest.problems.clone();
    let wanted = with(&loaded.forest, &Params::default(), |prepared, _| {
        let found = outcomes(prepared, &|_, allowed| coin(&[], allowed));
        Figures::of(&found).unwrap().accuracy
    });
    let (mut weighted, mut weights, mut plain, mut n) = (0.0, 0.0, 0.0, 0.0);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..400 {
        loaded.forest.problems.clone_from(&whole);
        for step in loaded.forest.problems.iter_mut().flat_map(|p| &mut p.steps) {
            if step.children.len() > 1 && rng.random_bool(0.4) {
                let drawn = usize::from(rng.random_bool(step.propensities[1]));
                step.children.retain(|child| child.model == drawn);
                step.drawn = vec![drawn];
            }
        }
        with(&loaded.forest, &Params::default(), |prepared, _| {
            let mut rollouts = ForestRollouts::new(prepared.clone(), &batches(12, 1), None);
            for position in 0..12 {
                let draw = Draw {
                    iteration: 0,
                    position,
                };
                let episode = rollouts.rollout(draw, &coin, &mut rng).unwrap();
                let ratio = |step: &super::episode::Transition| COIN[step.action] / step.propensity;
                let weight: f64 = episode.steps.iter().map(ratio).product();
                let right = f64::from(u8::from(episode.success));
                weighted += weight * right;
                weights += weight;
                plain += right;
                n += 1.0;
            }
        });
    }
    assert!((weights / n - 1.0).abs() < 0.03, "{}", weights / n);
    assert!(
        (weighted / n - wanted).abs() < 0.03,
        "{} {wanted}",
        weighted / n
    );
    assert!(
        (plain / n - weighted / n).abs() > 0.005,
        "the weights matter"
    );
}

#[test]
fn rules_are_compared_where_the_forest_is_complete() {
    let mut loaded = loaded(12);
    let gap = loaded.forest.problems[3]
        .steps
        .iter_mut()
        .find(|s| s.children.len() > 1);
    gap.unwrap().children.truncate(1);
    let ungraded = loaded.forest.problems[5].steps.iter_mut();
    let leaf = ungraded.filter_map(|step| step.leaf.as_mut()).next();
    leaf.unwrap().success = None;
    with(&loaded.forest, &Params::default(), |prepared, _| {
        let complete = prepared.complete();
        let ids: Vec<&str> = complete
            .problems()
            .iter()
            .map(|p| p.forest.id.as_str())
            .collect();
        assert_eq!(ids.len(), 10);
        assert!(!ids.contains(&"p03") && !ids.contains(&"p05"));
    });
}

/// Dropping only the walks that absorbing escalation cannot follow would
/// favour those that never escalate.
#[test]
fn absorbing_escalation_leaves_out_problems_that_it_cannot_follow() {
    let mut loaded = loaded(12);
    let steps = loaded.forest.problems[4].steps.iter_mut();
    let after_large = steps.filter(|step| step.model == 1 && !step.children.is_empty());
    let mut after_large = after_large;
    after_large
        .next()
        .unwrap()
        .children
        .retain(|child| child.model == 0);
    for (escalation, left) in [(Escalation::PerStep, 12), (Escalation::Absorbing, 11)] {
        with(&loaded.forest, &params(escalation), |prepared, _| {
            let mut prepared = prepared.clone();
            prepared.leave_out_unfollowed();
            assert_eq!(prepared.problems().len(), left);
            assert_eq!(prepared.unfollowed.len(), 12 - left);
        });
    }
}

/// One graded answer does not say how often the large model misses its own:
/// that is not known, and what is not known survives the disk.
#[test]
fn what_is_not_known_is_written_and_read_back() {
    let mut loaded = loaded(12);
    for problem in &mut loaded.forest.problems {
        problem.references[1..].fill(None);
    }
    let row = with(&loaded.forest, &Params::default(), |prepared, _| {
        let small = build(
            &RouterSpec::Small,
            &["small", "large"].map(str::to_owned),
            None,
        )
        .unwrap();
        let ledger = super::params::CostLedger::Full;
        super::report::Against::new(prepared, &*small, ledger).anchors()[1].clone()
    });
    assert_eq!((row.figures.miss, row.figures.miss_interval), (None, None));
    let text = serde_json::to_string(&row).unwrap();
    assert_eq!(
        serde_json::from_str::<super::report::Row>(&text).unwrap(),
        row
    );
    let fit = super::critic::Fit {
        loss: f64::NAN,
        diverged: true,
    };
    let text = serde_json::to_string(&fit).unwrap();
    let read: super::critic::Fit = serde_json::from_str(&text).unwrap();
    assert!(read.loss.is_nan() && read.diverged, "{text}");
}

#[test]
fn what_cannot_be_learnt_from_is_refused_with_the_reason() {
    let mut loaded = loaded(12);
    let names = ["confidence".to_owned(), "mood".to_owned()];
    let forest = &loaded.forest;
    let problems: Vec<_> = forest.problems.iter().collect();
    let error = Encoding::fit(&names, forest, &problems).unwrap_err();
    assert!(error.to_string().contains("mood"), "{error}");
    for problem in &mut loaded.forest.problems {
        problem.references.fill(None);
    }
    let forest = &loaded.forest;
    let problems = forest.split(Split::Train).unwrap();
    let encoding = Encoding::fit(&[], forest, &problems).unwrap();
    let error = Prepared::new(forest, &problems, &encoding, &Params::default()).unwrap_err();
    assert!(error.to_string().contains("regrade"), "{error}");
}
