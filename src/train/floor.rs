//! The A/A floor of §4: how often the large model, run again, is wrong on a
//! problem that it got right before.

use serde::{Deserialize, Serialize};

use super::wilson;

/// `E[p_M(1−p_M)]`: below it no router can hold the joint miss probability,
/// for the large model itself does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Mean over the problems of `s(n−s)/(n(n−1))`, which estimates
    /// `p(1−p)` from s right answers of n without bias.
    pub value: f64,
    /// 95 % interval, on the wide side; its lower end is 0 or more.
    pub interval: [f64; 2],
    /// Problems it was estimated from.
    pub problems: usize,
    /// Graded answers it was estimated from.
    pub answers: u64,
}

/// The floor from each problem's graded answers of the large model, as
/// (right, graded). Problems with fewer than two say nothing; `None` where all
/// do.
pub fn floor(problems: impl IntoIterator<Item = (u32, u32)>) -> Option<Floor> {
    let mut sum = 0.0;
    let mut most: f64 = 0.0;
    let (mut count, mut answers) = (0, 0);
    for (right, graded) in problems {
        if graded < 2 {
            continue;
        }
        let estimate = |right: u32| {
            f64::from(right) * f64::from(graded.saturating_sub(right))
                / (f64::from(graded) * f64::from(graded - 1))
        };
        sum += estimate(right);
        // No problem with so many answers can give more.
        most = most.max(estimate(graded / 2));
        count += 1;
        answers += u64::from(graded);
    }
    let value = sum / count as f64;
    // Scaled to between 0 and 1, where Wilson's interval holds.
    let [low, high] = wilson(value / most, count)?;
    Some(Floor {
        value,
        interval: [low * most, high * most],
        problems: count,
        answers,
    })
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn it_is_the_mean_over_problems_and_its_interval_holds_it() {
        assert_eq!(floor([]), None);
        assert_eq!(floor([(1, 1), (0, 0)]), None);
        let found = floor([(4, 4), (2, 4), (0, 4), (3, 4)]).unwrap();
        assert!((found.value - (4.0 / 12.0 + 3.0 / 12.0) / 4.0).abs() < 1e-12);
        assert_eq!((found.problems, found.answers), (4, 16));
        assert!(found.interval[0] < found.value && found.value < found.interval[1]);
    }

    #[test]
    fn a_model_that_never_varied_may_still_vary() {
        let sure = floor(vec![(4, 4); 20]).unwrap();
        assert_eq!((sure.value, sure.interval[0]), (0.0, 0.0));
        assert!(sure.interval[1] > 0.03, "{sure:?}");
        assert!(floor(vec![(4, 4); 2_000]).unwrap().interval[1] < 0.001);
    }

    #[test]
    fn the_interval_holds_the_truth_nineteen_times_in_twenty() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        // p uniform on [0.6, 1]: E[p(1−p)] = 0.8 − (0.64 + 0.16/12).
        let truth = 0.8 - (0.64 + 0.16 / 12.0);
        let held = (0..400)
            .filter(|_| {
                let problems: Vec<(u32, u32)> = (0..60)
                    .map(|_| {
                        let p = rng.random_range(0.6..1.0);
                        let right = (0..4).filter(|_| rng.random_bool(p)).count();
                        (right as u32, 4)
                    })
                    .collect();
                let found = floor(problems).unwrap();
                (found.interval[0]..=found.interval[1]).contains(&truth)
            })
            .count();
        assert!(held >= 380, "{held} of 400");
    }
}
