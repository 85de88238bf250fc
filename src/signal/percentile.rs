//! Percentiles of measured values.

/// The `p`-th percentile (0 to 100) of rising values, with linear
/// interpolation between neighbours: numpy's default. `None` of no values.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    at(sorted, (p / 100.0).clamp(0.0, 1.0) * last as f64)
}

/// The value at a place among values, between two of them on the line that
/// joins them. `None` outside.
pub fn at(values: &[f64], place: f64) -> Option<f64> {
    let below = place.floor().max(0.0) as usize;
    let low = *values.get(below)?;
    let high = values.get(below + 1).copied().unwrap_or(low);
    let part = place - below as f64;
    // From the nearer end, as numpy does: exact at both.
    Some(match part < 0.5 {
        true => low + (high - low) * part,
        false => high - (high - low) * (1.0 - part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy 2.4.6: np.percentile(values, [0, 12.5, 20, 50, 90, 99, 100]).
        let values = [0.1, 0.35, 0.35, 0.8, 1.7, 2.9, 3.0];
        let wanted = [0.1, 0.2875, 0.35, 0.8, 2.94, 2.993_999_999_999_999_8, 3.0];
        for (p, wanted) in [0.0, 12.5, 20.0, 50.0, 90.0, 99.0, 100.0]
            .iter()
            .zip(wanted)
        {
            assert_eq!(percentile(&values, *p), Some(wanted), "{p}");
        }
        assert_eq!(percentile(&[2.5], 37.0), Some(2.5));
        assert_eq!(percentile(&[], 50.0), None);
    }
}
