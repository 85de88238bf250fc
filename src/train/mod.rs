//! What policies learn from: forests read back from their logs ([`forest`]),
//! and how far the large model misses its own answers ([`floor`]).

pub mod floor;
pub mod forest;

/// z of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

/// Wilson score interval at 95 % of a `share` found in `trials`; `None`
/// without trials.
///
/// `(p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)`
///
/// `share` may also be the mean of values between 0 and 1: their variance is
/// at most that of ones and zeros with the same mean, so the interval errs on
/// the wide side.
pub fn wilson(share: f64, trials: usize) -> Option<[f64; 2]> {
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let z2 = Z95 * Z95;
    let middle = share + z2 / (2.0 * n);
    let half = Z95 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = ((middle - half) / scale).max(0.0);
    let high = ((middle + half) / scale).min(1.0);
    Some([low, high])
}
