//! The step against the closed-form optimum of random small problems.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const D: f64 = 0.01;
const LIMITS: Limits = Limits {
    iterations: 60,
    tolerance: 1e-28,
};

/// A dense symmetric positive definite matrix with its Cholesky factor L.
struct Dense {
    matrix: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
}

impl Dense {
    fn random(n: usize, rng: &mut ChaCha8Rng) -> Self {
        let root: Vec<Vec<f64>> = (0..n)
            .map(|_| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect())
            .collect();
        let entry = |i: usize, j: usize| -> f64 {
            let inner: f64 = (0..n).map(|k| root[i][k] * root[j][k]).sum();
            inner + if i == j { 0.1 } else { 0.0 }
        };
        let matrix: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n).map(|j| entry(i, j)).collect())
            .collect();
        let factor = cholesky(&matrix);
        Self { matrix, factor }
    }

    fn product(&self, x: &[f64]) -> Vec<f64> {
        self.matrix.iter().map(|row| dot(row, x)).collect()
    }

    /// L⁻¹ x: in these coordinates the trust region is a ball.
    fn whiten(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; x.len()];
        for i in 0..x.len() {
            let known: f64 = (0..i).map(|k| self.factor[i][k] * out[k]).sum();
            out[i] = (x[i] - known) / self.factor[i][i];
        }
        out
    }
}

fn cholesky(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut factor = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            factor[i][j] = match i == j {
                true => (matrix[i][i] - known).sqrt(),
                false => (matrix[i][j] - known) / factor[j][j],
            };
        }
    }
    factor
}

/// The optimum by the geometry of a ball cut by a plane, without any dual:
/// the objective gᵀy where a feasible point exists, else `None`.
fn optimum(h: &Dense, g: &[f64], b: &[f64], c: f64) -> Option<f64> {
    let (g, b) = (h.whiten(g), h.whiten(b));
    let radius = (2.0 * D).sqrt();
    let (gg, gb, bb) = (dot(&g, &g), dot(&g, &b), dot(&b, &b));
    if c - radius * bb.sqrt() > 0.0 {
        return None;
    }
    // The lowest point of the ball, if the plane leaves it.
    if c - radius * gb / gg.sqrt() <= 0.0 {
        return Some(-radius * gg.sqrt());
    }
    // Else the lowest point of the disc in which the plane cuts the ball.
    let disc = (2.0 * D - c * c / bb).max(0.0).sqrt();
    let inside = (gg - gb * gb / bb).max(0.0).sqrt();
    Some(-c * gb / bb - disc * inside)
}

struct Sample {
    h: Dense,
    g: Vec<f64>,
    b: Vec<f64>,
    c: f64,
}

fn sample(rng: &mut ChaCha8Rng) -> Sample {
    let n = rng.random_range(2..9);
    let vector = |rng: &mut ChaCha8Rng, n: usize, scale: f64| -> Vec<f64> {
        (0..n)
            .map(|_| scale * rng.random_range(-1.0..1.0))
            .collect()
    };
    // Scales over orders of magnitude, as those of a saturating policy.
    let scale = 10.0_f64.powf(rng.random_range(-2.0..2.0));
    let g = vector(rng, n, scale);
    let b = vector(rng, n, 1.0);
    Sample {
        h: Dense::random(n, rng),
        g,
        b,
        c: rng.random_range(-0.4..0.4),
    }
}

/// On 5000 problems: no constraint violated that can be met, no KL bound
/// exceeded, no step worse than the optimum; every case met.
#[test]
fn five_thousand_random_problems_are_solved_to_the_closed_form_optimum() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut met = [0_u32; 5];
    for _ in 0..5000 {
        let Sample { h, g, b, c } = sample(&mut rng);
        let problem = Problem {
            g: &g,
            b: &b,
            c,
            target_kl: D,
        };
        let found = step(problem, &|x: &[f64]| h.product(x), LIMITS).unwrap();
        met[usize::from(found.dual.case.number())] += 1;
        let kl = 0.5 * dot(&found.x, &h.product(&found.x));
        assert!(kl <= D * (1.0 + 1e-7), "KL {kl}: {:?}", found.dual);
        let constraint = c - dot(&b, &found.x);
        let objective = -dot(&g, &found.x);
        match optimum(&h, &g, &b, c) {
            Some(best) => {
                let close = 1e-6 * best.abs().max(1e-6 * dot(&g, &g).sqrt());
                assert!(constraint <= 1e-8, "{constraint}: {:?}", found.dual);
                assert!(
                    objective <= best + close,
                    "{objective} {best}: {:?}",
                    found.dual
                );
            }
            // Nothing feasible: the constraint falls as far as the ball allows.
            None => {
                let whitened = h.whiten(&b);
                let least = c - (2.0 * D * dot(&whitened, &whitened)).sqrt();
                assert!((constraint - least).abs() < 1e-8);
                assert_eq!(found.dual.case, Case::InfeasibleRecovery);
            }
        }
    }
    assert!(met[..4].iter().all(|&times| times > 100), "{met:?}");
}

proptest! {
    /// Random points of the feasible set are never better.
    #[test]
    fn no_feasible_point_beats_the_step(seed in 0_u64..1_000_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let Sample { h, g, b, c } = sample(&mut rng);
        let problem = Problem { g: &g, b: &b, c, target_kl: D };
        let found = step(problem, &|x: &[f64]| h.product(x), LIMITS).unwrap();
        let objective = -dot(&g, &found.x);
        for _ in 0..200 {
            let y: Vec<f64> = g.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
            let length = dot(&y, &h.product(&y)).sqrt();
            let scale = rng.random_range(0.0..1.0) * (2.0 * D).sqrt() / length;
            let y: Vec<f64> = y.iter().map(|y| scale * y).collect();
            if c + dot(&b, &y) <= 0.0 {
                prop_assert!(dot(&g, &y) >= objective - 1e-9 * objective.abs().max(1e-3));
            }
        }
    }
}

fn identity(x: &[f64]) -> Vec<f64> {
    x.to_vec()
}

#[test]
fn a_vanishing_constraint_gradient_leaves_the_plain_step() {
    let problem = Problem {
        g: &[3.0, 4.0],
        b: &[1e-6, 0.0],
        c: -0.1,
        target_kl: D,
    };
    let found = step(problem, &identity, LIMITS).unwrap();
    assert_eq!(found.dual.case, Case::NoConstraintGradient);
    let radius = (2.0 * D).sqrt();
    assert!((found.x[0] - 0.6 * radius).abs() < 1e-12);
    assert!((found.x[1] - 0.8 * radius).abs() < 1e-12);
}

#[test]
fn opposed_gradients_stop_at_the_constraint() {
    // Cheaper is exactly less covered: A = 0, where the formula is 0/0.
    let problem = Problem {
        g: &[-2.0, 0.0],
        b: &[1.0, 0.0],
        c: -0.05,
        target_kl: D,
    };
    let found = step(problem, &identity, LIMITS).unwrap();
    assert_eq!(found.dual.case, Case::Constrained);
    assert!((found.x[0] + 0.05).abs() < 1e-6, "{found:?}");
}

#[test]
fn a_violated_constraint_is_met_even_without_a_cost_gradient() {
    let problem = Problem {
        g: &[0.0, 0.0],
        b: &[1.0, 0.0],
        c: 0.05,
        target_kl: D,
    };
    let found = step(problem, &identity, LIMITS).unwrap();
    assert_eq!(found.dual.case, Case::FeasibleRecovery);
    assert!((found.x[0] - 0.05).abs() < 1e-12);
}

#[test]
fn steps_that_are_not_defined_are_refused_with_the_reason() {
    let attempt = |g: [f64; 2], b: [f64; 2], c: f64| {
        let problem = Problem {
            g: &g,
            b: &b,
            c,
            target_kl: D,
        };
        step(problem, &identity, LIMITS)
    };
    let nan = f64::NAN;
    let refused = |g, b, c| attempt(g, b, c).unwrap_err();
    assert_eq!(
        refused([nan, 0.0], [1.0, 0.0], -0.1),
        NoStep::NotFinite("the cost gradient")
    );
    assert_eq!(
        refused([1.0, 0.0], [nan, 0.0], -0.1),
        NoStep::NotFinite("the constraint gradient")
    );
    assert_eq!(
        refused([1.0, 0.0], [1.0, 0.0], nan),
        NoStep::NotFinite("the constraint value")
    );
    assert_eq!(refused([0.0; 2], [1.0, 0.0], -0.1), NoStep::NoCostGradient);
    assert_eq!(refused([0.0; 2], [0.0; 2], -0.1), NoStep::NoCostGradient);
    assert_eq!(
        refused([1.0, 0.0], [0.0; 2], 0.1),
        NoStep::NoConstraintGradient
    );
    assert_eq!(
        attempt([1.0, 0.0], [0.0; 2], -0.1).unwrap().dual.case,
        Case::NoConstraintGradient
    );
}

/// The sign error of the OmniSafe port, for the record: the same formulas fed
/// with an ascent g break the constraint on a large part of these problems.
#[test]
fn an_ascent_gradient_in_these_formulas_breaks_the_constraint() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut broken = 0;
    for _ in 0..1000 {
        let Sample { h, g, b, c } = sample(&mut rng);
        let ascent: Vec<f64> = g.iter().map(|g| -g).collect();
        let problem = Problem {
            g: &ascent,
            b: &b,
            c,
            target_kl: D,
        };
        let Ok(Step { dual, .. }) = step(problem, &|x: &[f64]| h.product(x), LIMITS) else {
            continue;
        };
        if dual.case == Case::InfeasibleRecovery {
            continue;
        }
        // Its step: θ + (v − νw)/λ with v = H⁻¹(−g), hence −x = (v − νw)/λ.
        let v = solve(&|x: &[f64]| h.product(x), &ascent, LIMITS);
        let w = solve(&|x: &[f64]| h.product(x), &b, LIMITS);
        let y: Vec<f64> = v
            .iter()
            .zip(&w)
            .map(|(v, w)| (v - dual.nu * w) / dual.lambda)
            .collect();
        if c + dot(&b, &y) > 1e-6 {
            broken += 1;
        }
    }
    assert!(broken > 100, "{broken}");
}
