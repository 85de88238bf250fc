//! Two rows on the same problems: an exact test of who is right more often,
//! and intervals of the differences.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::train::interval::{Figure, bootstrap_all};
use crate::train::params::CostLedger;
use crate::train::report::Bounded;

use super::figures::{Tally, mean_accuracy, mean_cost, tallies};
use super::outcomes::ProblemKey;
use super::rows::Row;

/// A comparison of two rows, first minus second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    pub first: String,
    pub second: String,
    /// Problems that both rows have a graded answer to.
    pub problems: usize,
    /// Problems left out because one of them has none.
    pub ungraded: usize,
    /// Problems on which the first does better, by the mean over its seeds.
    pub better: usize,
    /// Problems on which the second does.
    pub worse: usize,
    /// Two-sided p of the exact sign test over problems. With one seed each
    /// this is McNemar's exact test.
    pub p: f64,
    /// `p` by Holm's method over all comparisons made together.
    pub p_holm: f64,
    pub test: &'static str,
    pub accuracy: Option<Bounded>,
    pub published: Option<Bounded>,
    pub full: Option<Bounded>,
}

/// Rows that no paired test can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    #[error(
        "`{first}` and `{second}` ran on different problems ({only_first} on the first alone, \
         {only_second} on the second alone, {both} on both): a paired test needs the same; run \
         what is missing, or compare on a split that both have"
    )]
    Problems {
        first: String,
        second: String,
        only_first: usize,
        only_second: usize,
        both: usize,
    },
    #[error("`{first}` and `{second}` have no problem on which both are graded")]
    Ungraded { first: String, second: String },
}

/// Compares two rows on their problems that `wanted` says.
///
/// # Errors
/// Rows of different problems; nothing graded in both.
pub fn compare(
    first: &Row,
    second: &Row,
    wanted: impl Fn(&ProblemKey) -> bool,
) -> Result<Paired, PairError> {
    let problems = same_problems(first, second, wanted)?;
    let all: Vec<(Tally, Tally)> = tallies(first, &problems)
        .into_iter()
        .zip(tallies(second, &problems))
        .collect();
    of_tallies([&first.name, &second.name], &all)
}

/// Compares what two rows came to, problem by problem: each pair is of one
/// problem, its repeats summed.
///
/// # Errors
/// Nothing graded in both.
pub fn of_tallies(names: [&str; 2], all: &[(Tally, Tally)]) -> Result<Paired, PairError> {
    let [first, second] = names.map(str::to_owned);
    let graded = all.iter().filter(|(a, b)| a.graded > 0.0 && b.graded > 0.0);
    let (ours, theirs): (Vec<Tally>, Vec<Tally>) = graded.copied().unzip();
    if ours.is_empty() {
        return Err(PairError::Ungraded { first, second });
    }
    let (better, worse) = signs(&ours, &theirs);
    let [accuracy, published, full] = differences(&ours, &theirs);
    let p = sign_test(better, worse);
    let one_seed = |tallies: &[Tally]| tallies.iter().all(|tally| tally.graded <= 1.0);
    Ok(Paired {
        first,
        second,
        problems: ours.len(),
        ungraded: all.len() - ours.len(),
        better,
        worse,
        p,
        p_holm: p,
        test: match one_seed(&ours) && one_seed(&theirs) {
            true => "exact McNemar",
            false => "exact sign test over problems",
        },
        accuracy,
        published,
        full,
    })
}

fn same_problems(
    first: &Row,
    second: &Row,
    wanted: impl Fn(&ProblemKey) -> bool,
) -> Result<Vec<ProblemKey>, PairError> {
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (first.problems(&wanted), second.problems(&wanted));
    if ours != theirs {
        return Err(PairError::Problems {
            first: first.name.clone(),
            second: second.name.clone(),
            only_first: ours.difference(&theirs).count(),
            only_second: theirs.difference(&ours).count(),
            both: ours.intersection(&theirs).count(),
        });
    }
    Ok(ours.into_iter().collect())
}

/// On how many problems the first does better, and the second.
fn signs(ours: &[Tally], theirs: &[Tally]) -> (usize, usize) {
    let mut counts = (0, 0);
    for (a, b) in ours.iter().zip(theirs) {
        // Shares by cross multiplication: equal ones are equal to the last bit.
        match (a.right * b.graded).total_cmp(&(b.right * a.graded)) {
            std::cmp::Ordering::Greater => counts.0 += 1,
            std::cmp::Ordering::Less => counts.1 += 1,
            std::cmp::Ordering::Equal => {}
        }
    }
    counts
}

/// Differences in accuracy, published and full cost: means over problems, with
/// the paired bootstrap over problems.
fn differences(ours: &[Tally], theirs: &[Tally]) -> [Option<Bounded>; 3] {
    let cost = |ledger| {
        move |sample: &[usize]| mean_cost(ours, ledger, sample) - mean_cost(theirs, ledger, sample)
    };
    let accuracy = |sample: &[usize]| mean_accuracy(ours, sample) - mean_accuracy(theirs, sample);
    let (published, full) = (cost(CostLedger::Published), cost(CostLedger::Full));
    let figures: [Figure<'_>; 3] = [&accuracy, &published, &full];
    let mut intervals = bootstrap_all(ours.len(), &figures).into_iter();
    let all: Vec<usize> = (0..ours.len()).collect();
    figures.map(|figure| {
        let interval = intervals.next().flatten();
        let value = figure(&all);
        value.is_finite().then_some(Bounded { value, interval })
    })
}

/// Two-sided p of so many signs for and against, each as likely as the other:
/// `min(1, 2·P(X ≤ min(b, c)))`, X binomial over b + c draws at ½.
#[must_use]
pub fn sign_test(b: usize, c: usize) -> f64 {
    let n = b + c;
    // The logarithm of one term of the sum after the other: none overflows.
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = term.exp();
    for k in 0..b.min(c) {
        term += ((n - k) as f64 / (k + 1) as f64).ln();
        sum += term.exp();
    }
    (2.0 * sum).min(1.0)
}

/// Holm's step-down method over p-values that are looked at together.
#[must_use]
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|&a, &b| ps[a].total_cmp(&ps[b]));
    let mut adjusted = vec![0.0; ps.len()];
    let mut least: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        least = least.max(ps[at] * (ps.len() - rank) as f64).min(1.0);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::samples::rows;
    use crate::train::wilson;

    fn near(found: f64, wanted: f64, within: f64) {
        assert!((found - wanted).abs() <= within, "{found} is not {wanted}");
    }

    #[test]
    fn the_exact_test_gives_published_values() {
        // Fagerland, Lydersen, Laake, BMC Med Res Methodol 13:91 (2013), the
        // exact conditional test: Bentur et al. 2009 (1 against 7) 0.070 and
        // Cavo et al. 2012 (6 against 16) 0.053.
        near(sign_test(1, 7), 0.070, 0.0005);
        near(sign_test(6, 16), 0.053, 0.0006);
        // Siegel, Nonparametric Statistics (1956), table D, one-tailed: N = 10
        // and x = 2 0.055, N = 20 and x = 5 0.021, N = 25 and x = 7 0.022.
        for (x, n, one_tailed) in [(2, 10, 0.055), (5, 20, 0.021), (7, 25, 0.022)] {
            near(sign_test(x, n - x) / 2.0, one_tailed, 0.0005);
        }
        assert_eq!(sign_test(0, 0), 1.0);
        assert_eq!(sign_test(5, 5), 1.0);
        near(sign_test(0, 10), 2.0 / 1024.0, 1e-12);
        // Far from where single terms can be computed.
        assert!(sign_test(5_000, 5_000) <= 1.0 && sign_test(4_000, 6_000) < 1e-80);
    }

    #[test]
    fn wilsons_interval_gives_published_values() {
        // Newcombe, Statistics in Medicine 17:857 (1998), table I, method 3.
        for (right, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(f64::from(right) / n as f64, n).unwrap();
            near(found[0], low, 0.00005);
            near(found[1], high, 0.00005);
        }
    }

    #[test]
    fn holm_steps_down_and_stays_in_order() {
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, wanted) in found.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            near(found, wanted, 1e-12);
        }
    }

    #[test]
    fn two_rows_are_compared_problem_by_problem() {
        let rows = rows(&[("small", 0, "++--+-?+", 1.0), ("large", 0, "+++++-+-", 3.0)]);
        let found = compare(&rows.rows[1], &rows.rows[0], |_| true).unwrap();
        assert_eq!((found.problems, found.ungraded), (7, 1));
        assert_eq!((found.better, found.worse), (2, 1));
        assert_eq!((found.p, found.test), (1.0, "exact McNemar"));
        near(found.accuracy.unwrap().value, 1.0 / 7.0, 1e-12);
        assert_eq!(found.published.unwrap().value, 2.0);
        assert_eq!(found.full.unwrap().interval, Some([4.0, 4.0]));
    }

    #[test]
    fn several_seeds_are_one_sign_a_problem() {
        let rows = rows(&[
            ("small", 0, "+-+", 1.0),
            ("small", 1, "--+", 1.0),
            ("large", 0, "+++", 3.0),
            ("large", 1, "+-+", 3.0),
        ]);
        let found = compare(&rows.rows[1], &rows.rows[0], |_| true).unwrap();
        // Means 1, ½, 1 against ½, 0, 1.
        assert_eq!((found.better, found.worse), (2, 0));
        assert_eq!(found.test, "exact sign test over problems");
    }

    #[test]
    fn rows_of_different_problems_are_refused() {
        let rows = rows(&[("small", 0, "++.", 1.0), ("large", 0, ".++", 3.0)]);
        let error = compare(&rows.rows[0], &rows.rows[1], |_| true).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("1 on the first alone, 1 on the second alone, 1 on both"),
            "{error}"
        );
        let ungraded = compare(&rows.rows[0], &rows.rows[1], |_| false);
        assert!(matches!(ungraded, Err(PairError::Ungraded { .. })));
    }
}
