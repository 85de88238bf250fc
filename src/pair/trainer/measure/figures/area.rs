//! Order statistics: quantiles, and the area under a receiver operating characteristic.

/// The value at `share` of the sorted values; negative infinity where there are none.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below the length"
    )]
    let index = (super::count(values.len()) * share) as usize;
    let last = values.len().saturating_sub(1);
    values
        .get(index.min(last))
        .copied()
        .unwrap_or(f64::NEG_INFINITY)
}

/// Probability that a wrong step has a lower signal than a right one, ties counted half; 0.5
/// where all are right or all wrong.
pub fn under_curve(mut scored: Vec<(f64, bool)>) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wrong = super::count(scored.iter().filter(|(_, wrong)| *wrong).count());
    let right = super::count(scored.len()) - wrong;
    let (mut below, mut pairs) = (0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let tied_wrong = super::count(ties.iter().filter(|(_, wrong)| *wrong).count());
        let tied_right = super::count(ties.len()) - tied_wrong;
        pairs += tied_right * (below + tied_wrong / 2.0);
        below += tied_wrong;
    }
    let all = wrong * right;
    if all > 0.0 { pairs / all } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_and_quantiles() {
        let perfect = vec![(0.1, true), (0.2, true), (0.3, false), (0.4, false)];
        assert_eq!(under_curve(perfect), 1.0);
        let tied = vec![(0.1, true), (0.1, false)];
        assert_eq!(under_curve(tied), 0.5);
        let mixed = vec![(0.1, true), (0.2, false), (0.3, true), (0.4, false)];
        assert_eq!(under_curve(mixed), 0.75);
        assert_eq!(under_curve(vec![(0.1, false)]), 0.5);
        assert_eq!(quantile(vec![3.0, 1.0, 2.0, 4.0], 0.5), 3.0);
        assert_eq!(quantile(vec![1.0], 1.0), 1.0);
        assert_eq!(quantile(Vec::new(), 0.5), f64::NEG_INFINITY);
    }
}
