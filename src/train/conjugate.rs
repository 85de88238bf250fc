//! Conjugate gradient for `H x = b` with H known only through its products,
//! and the vector arithmetic around it.

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most products with H.
    pub iterations: u32,
    /// Stops once |residual|² <= tolerance · |b|²: relative, because gradients
    /// of a nearly saturated policy are small.
    pub tolerance: f64,
}

/// x ≈ H⁻¹ b for a symmetric positive definite H, from x = 0. A direction
/// along which H is not positive ends the iteration early.
pub fn solve(product: &impl Fn(&[f64]) -> Vec<f64>, b: &[f64], limits: Limits) -> Vec<f64> {
    let mut x = vec![0.0; b.len()];
    let mut residual = b.to_vec();
    let mut direction = b.to_vec();
    let mut norm = dot(b, b);
    let enough = limits.tolerance * norm;
    for _ in 0..limits.iterations {
        // Also ends on NaN, which the caller finds in its duals.
        if norm.partial_cmp(&enough) != Some(std::cmp::Ordering::Greater) {
            break;
        }
        let image = product(&direction);
        let curvature = dot(&direction, &image);
        if curvature.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            break;
        }
        let length = norm / curvature;
        add_scaled(&mut x, length, &direction);
        add_scaled(&mut residual, -length, &image);
        let next = dot(&residual, &residual);
        let ratio = next / norm;
        for (direction, residual) in direction.iter_mut().zip(&residual) {
            *direction = residual + ratio * *direction;
        }
        norm = next;
    }
    x
}

/// Inner product, in four interleaved sums: fast and always the same.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<4>();
    let (b_lanes, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// `x += factor · y`.
pub fn add_scaled(x: &mut [f64], factor: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += factor * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        iterations: 10,
        tolerance: 1e-24,
    };

    #[test]
    fn a_small_system_is_solved_exactly() {
        let product = |x: &[f64]| vec![4.0 * x[0] + x[1], x[0] + 3.0 * x[1]];
        let x = solve(&product, &[1.0, 2.0], LIMITS);
        assert!((x[0] - 1.0 / 11.0).abs() < 1e-12 && (x[1] - 7.0 / 11.0).abs() < 1e-12);
    }

    #[test]
    fn a_zero_or_broken_right_side_ends_at_once() {
        let product = |_: &[f64]| panic!("no product is needed");
        assert_eq!(solve(&product, &[0.0; 3], LIMITS), [0.0; 3]);
        assert_eq!(solve(&product, &[f64::NAN; 3], LIMITS), [0.0; 3]);
    }

    #[test]
    fn tiny_right_sides_are_solved_to_the_same_relative_precision() {
        let product = |x: &[f64]| vec![2.0 * x[0], 8.0 * x[1]];
        let x = solve(&product, &[1e-150, 1e-150], LIMITS);
        assert!((x[0] / 5e-151 - 1.0).abs() < 1e-9);
    }
}
