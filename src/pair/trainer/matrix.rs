//! Matrix products and the elementwise arithmetic of the trainer, on plain `f32` slices.
//!
//! Products go to the `gemm` crate, single-threaded; everything else is written so that the
//! compiler vectorises it: fixed lanes for sums, an exponential without a call.

use super::network::NORM_EPSILON;

/// A read-only matrix inside a slice; element (r, c) lies at `r * row_stride + c * col_stride`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> View<'a> {
    /// A row-major matrix that fills the slice from its start.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows begin `stride` elements apart.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(
            rows == 0 || cols == 0 || (rows - 1) * stride + cols <= data.len(),
            "view outside its slice"
        );
        Self {
            data,
            rows,
            cols,
            row_stride: stride,
            col_stride: 1,
        }
    }

    /// The transpose; nothing is moved.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// A row-major matrix that is written to.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<'a> ViewMut<'a> {
    /// A row-major matrix that fills the slice from its start.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows begin `stride` elements apart.
    pub fn strided(data: &'a mut [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(
            rows == 0 || cols == 0 || (rows - 1) * stride + cols <= data.len(),
            "view outside its slice"
        );
        assert!(cols <= stride, "rows of a written matrix must not overlap");
        Self {
            data,
            rows,
            cols,
            stride,
        }
    }
}

/// What happens to the values already in the destination of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    Replace,
    Add,
}

/// `out = scale * a b` or `out += scale * a b`.
#[allow(
    unsafe_code,
    reason = "gemm takes pointers; the views have checked every bound"
)]
pub fn multiply(out: ViewMut<'_>, into: Into, scale: f32, a: View<'_>, b: View<'_>) {
    assert_eq!(
        (out.rows, out.cols, a.cols),
        (a.rows, b.cols, b.rows),
        "shapes of a matrix product"
    );
    if out.rows == 0 || out.cols == 0 {
        return;
    }
    // A stride is at most the length of an allocation, which never exceeds isize::MAX.
    let stride = |value: usize| isize::try_from(value).unwrap_or(isize::MAX);
    // SAFETY: a view is only made when its last element lies inside its slice, the shapes agree,
    // and the destination is borrowed mutably, so it overlaps neither factor.
    unsafe {
        gemm::gemm(
            out.rows,
            out.cols,
            a.cols,
            out.data.as_mut_ptr(),
            1,
            stride(out.stride),
            into == Into::Add,
            a.data.as_ptr(),
            stride(a.col_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.col_stride),
            stride(b.row_stride),
            1.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

const LANES: usize = 16;

/// Inner product, summed in fixed lanes so that it vectorises (and is deterministic).
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f32>() + tail
}

/// The largest element; minus infinity for an empty slice.
#[must_use]
pub fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail = chunks
        .remainder()
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] {
                chunk[lane]
            } else {
                lanes[lane]
            };
        }
    }
    lanes.iter().copied().fold(tail, f32::max)
}

/// Replaces every `x` by `exp(x - shift)` and returns the sum.
pub fn exp_shifted(values: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let mut chunks = values.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            chunk[lane] = exp(chunk[lane] - shift);
            lanes[lane] += chunk[lane];
        }
    }
    let mut total: f32 = lanes.iter().sum();
    for value in chunks.into_remainder() {
        *value = exp(*value - shift);
        total += *value;
    }
    total
}

/// `exp(x)` to about 2 units in the last place, without a call, for x in -87..=88.
#[inline]
#[must_use]
pub fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN2_HIGH - whole * LN2_LOW;
    let mut poly = 1.987_569_1e-4_f32;
    poly = poly * rest + 1.398_199_9e-3;
    poly = poly * rest + 8.333_452e-3;
    poly = poly * rest + 4.166_579_6e-2;
    poly = poly * rest + 0.166_666_65;
    poly = poly * rest + 0.5;
    let series = poly * rest * rest + rest + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    series * power
}

/// Root-mean-square norm of one line; returns the inverse of the root mean square.
pub fn norm_line(x: &[f32], scale: &[f32], out: &mut [f32]) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "widths are small")]
    let mean_square = dot(x, x) / x.len() as f32;
    let inverse = (mean_square + NORM_EPSILON).sqrt().recip();
    for ((out, x), scale) in out.iter_mut().zip(x).zip(scale) {
        *out = x * inverse * scale;
    }
    inverse
}

/// `active = silu(gate) * up` for one line that holds the gates and then the ups.
pub fn gate_line(gate_up: &[f32], active: &mut [f32]) {
    let (gates, ups) = gate_up.split_at(active.len());
    for ((active, gate), up) in active.iter_mut().zip(gates).zip(ups) {
        *active = gate / (1.0 + exp(-gate)) * up;
    }
}

/// `out += scale * x`.
pub fn add_scaled(out: &mut [f32], scale: f32, x: &[f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += scale * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_close_to_the_library() {
        for step in -870..=880_i16 {
            let x = f32::from(step) / 10.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 5e-7, "exp({x}): {error}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn products_with_strides_and_transposes() {
        let a: Vec<f32> = (0..6_u8).map(f32::from).collect(); // 2 x 3
        let b: Vec<f32> = (0..6_u8).map(f32::from).collect(); // 2 x 3
        let mut out = vec![1.0; 6]; // 2 x 2 inside rows of 3
        multiply(
            ViewMut::strided(&mut out, 2, 2, 3),
            Into::Add,
            2.0,
            View::new(&a, 2, 3),
            View::new(&b, 2, 3).t(),
        );
        assert_eq!(out, [11.0, 29.0, 1.0, 29.0, 101.0, 1.0]);
    }

    #[test]
    fn sums_and_maxima() {
        let values: Vec<f32> = (0..37_u8).map(f32::from).collect();
        let squares: f32 = values.iter().map(|x| x * x).sum();
        assert!((dot(&values, &values) - squares).abs() < 1e-2);
        assert!((largest(&values) - 36.0).abs() < f32::EPSILON);
        let mut small = vec![0.0_f32; 19];
        assert!((exp_shifted(&mut small, 0.0) - 19.0).abs() < 1e-5);
    }
}
