use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::train::params::Params;

/// Runs the online update over a stream of scores; mean coverage and bound.
fn stream(scores: impl Iterator<Item = f64>, params: &Params) -> (f64, f64) {
    let mut threshold = Threshold::new(0.5);
    for (index, score) in scores.enumerate() {
        let eta = params.eta(u32::try_from(index).unwrap() + 1);
        let miss = threshold.miss_rate(&[score]);
        threshold.update(miss, params.alpha, eta);
    }
    (threshold.coverage().unwrap(), threshold.bound().unwrap())
}

proptest! {
    /// For any scores whatever: coverage is at most the bound below 1 − α.
    #[test]
    fn coverage_stays_within_the_bound_for_any_stream(
        scores in prop::collection::vec(0.0..=1.0_f64, 1..600),
        alpha in 0.01..0.3_f64,
        decay in prop::sample::select(vec![0.0, 0.6, 0.9]),
    ) {
        let params = Params { alpha, eta_decay: decay, ..Params::default() };
        let (coverage, bound) = stream(scores.into_iter(), &params);
        prop_assert!(coverage >= 1.0 - alpha - bound);
    }

    #[test]
    fn the_recalibrated_miss_rate_is_at_most_alpha(
        scores in prop::collection::vec(0.0..=1.0_f64, 100..400),
        alpha in 0.02..0.5_f64,
    ) {
        let found = recalibrate(&scores, alpha).unwrap();
        prop_assert!(found.miss_rate <= alpha && found.miss_bound <= alpha);
    }
}

#[test]
fn a_constant_step_reaches_the_coverage_asked_for_from_both_sides() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let params = Params::default();
    let scores: Vec<f64> = (0..20_000).map(|_| rng.random::<f64>()).collect();
    let (coverage, bound) = stream(scores.into_iter(), &params);
    assert!((coverage - 0.95).abs() <= bound, "{coverage} {bound}");
    assert!(bound < 1e-3);
}

#[test]
fn decaying_steps_settle_at_the_quantile_of_the_scores() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let params = Params {
        eta_decay: 0.6,
        eta_0: 0.5,
        ..Params::default()
    };
    let mut threshold = Threshold::new(0.5);
    for update in 1..=200_000 {
        let miss = threshold.miss_rate(&[rng.random::<f64>()]);
        threshold.update(miss, 0.05, params.eta(update));
    }
    assert!((threshold.kappa() - 0.05).abs() < 0.01, "{threshold:?}");
}

/// Why the iterate is not clipped at 0: with scores near 0 the clipped rule
/// misses about one trajectory in five at α = 0.05, for ever.
#[test]
fn clipping_the_iterate_at_zero_would_break_the_bound() {
    let params = Params::default();
    let scores = || std::iter::repeat_n(0.01, 5000);
    let (mut clipped, mut misses) = (0.5_f64, 0.0);
    for score in scores() {
        let miss = f64::from(u8::from(clipped > score));
        misses += miss;
        clipped = (clipped - 0.1 * (miss - params.alpha)).clamp(0.0, 1.0);
    }
    let (coverage, bound) = stream(scores(), &params);
    assert!(coverage >= 0.95 - bound);
    assert!(1.0 - misses / 5000.0 < 0.95 - 10.0 * bound);
}

#[test]
fn a_miss_lowers_kappa_and_a_hit_raises_it() {
    let mut threshold = Threshold::new(0.5);
    threshold.update(1.0, 0.05, 0.1);
    assert!((threshold.kappa() - 0.405).abs() < 1e-12);
    threshold.update(0.0, 0.05, 0.1);
    assert!((threshold.kappa() - 0.41).abs() < 1e-12);
    assert_eq!(threshold.coverage(), Some(0.5));
    assert!((threshold.bound().unwrap() - 1.1 / 0.2).abs() < 1e-12);
}

fn verdict<'a>(incorrect: Option<bool>, writer: usize, pi: &'a [f64]) -> Verdict<'a> {
    Verdict {
        incorrect,
        writer: Some(writer),
        pi: Some(pi),
        allowed: &[true, true, true],
    }
}

#[test]
fn the_score_is_the_least_escalation_probability_over_incorrect_steps() {
    let (early, late) = ([0.5, 0.3, 0.2], [0.2, 0.1, 0.7]);
    let score = |verdicts: &[Verdict<'_>]| miss_score(verdicts.iter().copied());
    let wrong = Some(true);
    assert_eq!(score(&[]), 1.0);
    assert_eq!(
        score(&[verdict(Some(false), 0, &early), verdict(None, 0, &late)]),
        1.0
    );
    // The most probable of the more capable models decides …
    assert_eq!(score(&[verdict(wrong, 0, &early)]), 0.3);
    assert_eq!(score(&[verdict(wrong, 1, &early)]), 0.2);
    // … and above the most capable there is only itself.
    assert_eq!(score(&[verdict(wrong, 2, &late)]), 0.7);
    assert_eq!(
        score(&[verdict(wrong, 0, &late), verdict(wrong, 0, &early)]),
        0.3
    );
    let forced = Verdict {
        pi: None,
        ..verdict(wrong, 0, &early)
    };
    assert_eq!(score(&[forced]), 1.0);
}

/// Averaged over calibration sets, the next trajectory misses with
/// probability at most k/(n + 1); without ties with exactly that.
#[test]
fn recalibration_keeps_its_promise_on_the_next_trajectory() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (mut misses, mut bound) = (0.0, 0.0);
    for _ in 0..20_000 {
        let scores: Vec<f64> = (0..47).map(|_| rng.random::<f64>().powi(3)).collect();
        let found = recalibrate(&scores, 0.1).unwrap();
        misses += f64::from(u8::from(found.kappa > rng.random::<f64>().powi(3)));
        bound = found.miss_bound;
    }
    assert!(
        (misses / 20_000.0 - bound).abs() < 0.006,
        "{misses} {bound}"
    );
}

#[test]
fn too_small_a_sample_is_refused_with_the_size_needed() {
    assert_eq!(recalibrate(&[0.5; 19], 0.05).unwrap().rank, 1);
    let error = recalibrate(&[0.5; 18], 0.05).unwrap_err();
    assert_eq!(
        error.to_string(),
        "18 calibration trajectories cannot support α = 0.05: 19 are needed at least"
    );
    assert!(matches!(
        recalibrate(&[0.5, f64::NAN], 0.5),
        Err(RecalibrationError::Score { index: 1, .. })
    ));
    assert!(recalibrate(&[0.5; 50], 1.0).is_err());
}
