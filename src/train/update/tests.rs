use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::train::conjugate::dot;
use crate::train::constraint::{constraint_surrogate, cost_surrogate};
use crate::train::episode::Episode;
use crate::train::episode::tests::{episode, transition};
use crate::train::params::ConstraintGradient;

const SOFTNESS: Softness = Softness {
    kappa: 0.5,
    epsilon: 0.1,
};

const TRUST: Trust = Trust {
    limits: Limits {
        iterations: 10,
        tolerance: 1e-10,
    },
    damping: 0.1,
    schedule: Schedule {
        ratio: 0.8,
        trials: 10,
        target_kl: 0.01,
    },
};

fn setting() -> (Vec<Episode>, Network, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let network = Network::random(2, 2, 1.0, &mut rng);
    let mut step = |action| transition(rng.random_range(-1.0..1.0), action);
    let episodes = vec![
        episode(vec![step(0), step(1), step(0)], true),
        episode(vec![step(1), step(1)], false),
        episode(vec![step(0), step(0)], true),
    ];
    (episodes, network, rng)
}

fn direction(network: &Network, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..network.parameter_count())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect()
}

#[test]
fn the_fisher_product_is_symmetric_and_positive() {
    let (episodes, network, mut rng) = setting();
    let batch = Batch::new(&episodes);
    let view = View::new(&batch, &network, SOFTNESS);
    for _ in 0..20 {
        let (x, y) = (direction(&network, &mut rng), direction(&network, &mut rng));
        let (left, right) = (
            dot(&y, &view.fisher(&x, 0.1)),
            dot(&x, &view.fisher(&y, 0.1)),
        );
        assert!((left - right).abs() < 1e-10 * left.abs().max(1.0));
        assert!(dot(&x, &view.fisher(&x, 0.0)) >= 0.0);
        assert!(dot(&x, &view.fisher(&x, 0.1)) >= 0.1 * dot(&x, &x));
    }
}

#[test]
fn the_fisher_form_is_the_second_order_of_the_divergence() {
    let (episodes, network, mut rng) = setting();
    let batch = Batch::new(&episodes);
    let view = View::new(&batch, &network, SOFTNESS);
    let x = direction(&network, &mut rng);
    let form = dot(&x, &view.fisher(&x, 0.0));
    let h = 1e-5;
    let theta = network.parameters();
    let moved: Vec<f64> = theta.iter().zip(&x).map(|(t, x)| t + h * x).collect();
    let mut other = network.clone();
    other.set_parameters(&moved).unwrap();
    let kl = view
        .soft
        .divergence(&View::new(&batch, &other, SOFTNESS).soft);
    assert!(
        (kl / (h * h) / (0.5 * form) - 1.0).abs() < 1e-2,
        "{kl} {form}"
    );
}

#[test]
fn the_gradient_agrees_with_central_differences_through_the_whole_chain() {
    let (episodes, network, mut rng) = setting();
    let batch = Batch::new(&episodes);
    let view = View::new(&batch, &network, SOFTNESS);
    let ratios = batch.ratios(&view.soft);
    let advantages: Vec<f64> = (0..7).map(|_| rng.random_range(-1.0..1.0)).collect();
    let surrogate = cost_surrogate(&batch, &ratios, &advantages, 1.0);
    let gradient = view.gradient(&surrogate);
    let x = direction(&network, &mut rng);
    let at = |by: f64| {
        let theta = network.parameters();
        let moved: Vec<f64> = theta.iter().zip(&x).map(|(t, x)| t + by * x).collect();
        view.attempt(&moved, &surrogate, &surrogate).cost
    };
    let found = (at(1e-6) - at(-1e-6)) / 2e-6;
    let exact = dot(&gradient, &x);
    assert!(
        (found - exact).abs() < 1e-5 * exact.abs().max(1.0),
        "{found} {exact}"
    );
}

#[test]
fn an_accepted_step_keeps_its_promises_and_a_broken_one_is_refused() {
    let (episodes, network, _) = setting();
    let batch = Batch::new(&episodes);
    let view = View::new(&batch, &network, SOFTNESS);
    let ratios = batch.ratios(&view.soft);
    let surrogates = |cost: [f64; 7]| {
        let cover = [0.2, -0.3, 0.1, -0.8, -0.4, 0.3, 0.1];
        (
            cost_surrogate(&batch, &ratios, &cost, 1.0),
            constraint_surrogate(&batch, &ratios, &cover, 0.0, ConstraintGradient::Advantage),
        )
    };
    let (cost, constraint) = surrogates([-0.5, 1.0, -0.2, 0.7, 0.4, -0.6, -0.1]);
    for c in [-0.05, -0.001, 0.02, 0.4] {
        let update = view.update(&cost, &constraint, c, TRUST);
        let (dual, trial) = (update.dual.unwrap(), update.trial.unwrap());
        assert_eq!(update.parameters.is_some(), update.rejected.is_none());
        if update.parameters.is_some() {
            assert!(trial.kl <= TRUST.schedule.target_kl && trial.constraint <= (-c).max(0.0));
            assert!(!dual.case.guards_cost() || trial.cost <= 0.0);
        }
    }
    let (cost, constraint) = surrogates([f64::INFINITY; 7]);
    let update = view.update(&cost, &constraint, -0.05, TRUST);
    assert_eq!(update.parameters, None);
    let why = update.rejected.unwrap().to_string();
    assert_eq!(why, "the cost gradient is not finite");
}
