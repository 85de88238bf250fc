//! Seeds of single steps and decisions, derived from the run's seed: the same
//! run gives the same trajectories whatever order its problems are solved in.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// Seed of the sampling of one step. `branch` counts the steps that were
/// already made at this place, so that a re-run is a fresh draw; the model is
/// left out, so that two routers share their random numbers.
pub(super) fn step_seed(run_seed: u64, problem: &str, index: u32, branch: usize) -> u64 {
    derive(
        run_seed,
        &["step", problem],
        &[u64::from(index), branch as u64],
    )
}

/// Uniform draw on [0, 1) for the decision after step `index`.
pub(super) fn routing_draw(run_seed: u64, problem: &str, index: u32, branch: usize) -> f64 {
    let seed = derive(
        run_seed,
        &["route", problem],
        &[u64::from(index), branch as u64],
    );
    uniform(seed)
}

/// Seed of the sampling of step `index` in a rollout, which its first decision
/// names. `branch` counts as it does for [`step_seed`].
pub(super) fn rollout_seed(
    run_seed: u64,
    problem: &str,
    rollout: &str,
    index: u32,
    branch: usize,
) -> u64 {
    derive(
        run_seed,
        &["rollout", problem, rollout],
        &[u64::from(index), branch as u64],
    )
}

/// Uniform draw on [0, 1) for a decision in a rollout.
pub(super) fn rollout_draw(
    run_seed: u64,
    problem: &str,
    rollout: &str,
    index: u32,
    branch: usize,
) -> f64 {
    uniform(derive(
        run_seed,
        &["rollout-route", problem, rollout],
        &[u64::from(index), branch as u64],
    ))
}

/// Seed of the sampling of step `index` in the `trajectory`-th answer of the
/// reference run.
pub(super) fn reference_seed(run_seed: u64, problem: &str, trajectory: u32, index: u32) -> u64 {
    derive(
        run_seed,
        &["reference", problem],
        &[u64::from(trajectory), u64::from(index)],
    )
}

/// Seed of the sampling of the `branch`-th step that `model` writes after
/// `prefix` in a forest. It follows from what stands there, not from when it
/// was asked for.
pub(super) fn forest_seed(
    run_seed: u64,
    problem: &str,
    prefix: &str,
    model: &str,
    branch: u32,
) -> u64 {
    derive(
        run_seed,
        &["forest", problem, prefix, model],
        &[u64::from(branch)],
    )
}

/// Uniform draw on [0, 1) on `what` when an exploration comes by `prefix`
/// for the `pass`-th time.
pub(super) fn forest_draw(
    run_seed: u64,
    problem: &str,
    prefix: &str,
    what: &str,
    pass: u32,
) -> f64 {
    uniform(derive(
        run_seed,
        &[what, problem, prefix],
        &[u64::from(pass)],
    ))
}

fn uniform(seed: u64) -> f64 {
    ChaCha8Rng::seed_from_u64(seed).random::<f64>()
}

fn derive(run_seed: u64, texts: &[&str], numbers: &[u64]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(run_seed.to_le_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    // 63 bits: JSON readers that hold numbers as i64 keep them exactly.
    u64::from_le_bytes(first) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_by_every_part_and_repeat() {
        let seed = step_seed(1, "p", 2, 0);
        assert_eq!(seed, step_seed(1, "p", 2, 0));
        for other in [
            step_seed(2, "p", 2, 0),
            step_seed(1, "q", 2, 0),
            step_seed(1, "p", 3, 0),
            step_seed(1, "p", 2, 1),
        ] {
            assert_ne!(seed, other);
        }
        let draw = routing_draw(1, "p", 2, 0);
        assert!((0.0..1.0).contains(&draw));
        // Logs hold what came of these: they must never change.
        assert_eq!(step_seed(7, "p1", 3, 1), 5_967_324_851_202_363_504);
    }
}
