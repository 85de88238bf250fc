//! Dense products of small row-major f64 matrices, in safe code that the
//! compiler vectorises. Every element is summed in the order of the inner
//! index whatever the shape, so that results are the same to the last bit.

/// Rows of a tile. With 4 columns its sums fit the registers of a plain
/// x86-64, with 8 those of AVX2.
const HEIGHT: usize = 4;

/// `out += a b` for `a` of `rows × inner`, `b` of `inner × cols` and `out` of
/// `rows × cols`; the number of rows follows from the lengths.
pub(super) fn add_product(out: &mut [f64], a: &[f64], b: &[f64], inner: usize, cols: usize) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(
            unsafe_code,
            reason = "a wider instruction set needs a check at run time"
        )]
        // SAFETY: the processor has AVX2.
        unsafe {
            add_product_avx2(out, a, b, inner, cols);
        }
        return;
    }
    add_tiles::<4>(out, a, b, inner, cols);
}

/// The same arithmetic in wider registers. AVX2 alone has no fused
/// multiplication and addition, so the results are the same to the last bit.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_product_avx2(out: &mut [f64], a: &[f64], b: &[f64], inner: usize, cols: usize) {
    add_tiles::<8>(out, a, b, inner, cols);
}

/// The product, `WIDTH` columns at a time.
#[inline(always)]
fn add_tiles<const WIDTH: usize>(out: &mut [f64], a: &[f64], b: &[f64], inner: usize, cols: usize) {
    if inner == 0 || cols == 0 {
        return;
    }
    let mut panel = vec![[0.0; WIDTH]; inner];
    for from in (0..cols).step_by(WIDTH) {
        let width = WIDTH.min(cols - from);
        for (packed, line) in panel.iter_mut().zip(b.chunks_exact(cols)) {
            *packed = [0.0; WIDTH];
            packed[..width].copy_from_slice(&line[from..from + width]);
        }
        let blocks = a.chunks(HEIGHT * inner).zip(out.chunks_mut(HEIGHT * cols));
        for (a, out) in blocks {
            if a.len() == HEIGHT * inner {
                store(out, cols, from, width, &tile::<HEIGHT, WIDTH>(a, &panel));
            } else {
                for (a, out) in a.chunks_exact(inner).zip(out.chunks_mut(cols)) {
                    store(out, cols, from, width, &tile::<1, WIDTH>(a, &panel));
                }
            }
        }
    }
}

/// The product of `R` rows with one packed panel.
#[inline(always)]
fn tile<const R: usize, const WIDTH: usize>(
    a: &[f64],
    panel: &[[f64; WIDTH]],
) -> [[f64; WIDTH]; R] {
    let rows: [&[f64]; R] = std::array::from_fn(|row| &a[row * panel.len()..][..panel.len()]);
    let mut sums = [[0.0; WIDTH]; R];
    for (index, line) in panel.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let factor = row[index];
            for (sum, value) in sum.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
    }
    sums
}

#[inline(always)]
fn store<const WIDTH: usize>(
    out: &mut [f64],
    cols: usize,
    from: usize,
    width: usize,
    sums: &[[f64; WIDTH]],
) {
    for (line, sum) in out.chunks_exact_mut(cols).zip(sums) {
        for (value, sum) in line[from..from + width].iter_mut().zip(sum) {
            *value += sum;
        }
    }
}

/// The transpose of a row-major matrix with `cols` columns.
pub(super) fn transposed(matrix: &[f64], cols: usize) -> Vec<f64> {
    if cols == 0 {
        return Vec::new();
    }
    let rows = matrix.len() / cols;
    let mut out = vec![0.0; matrix.len()];
    for (row, line) in matrix.chunks_exact(cols).enumerate() {
        for (col, value) in line.iter().enumerate() {
            out[col * rows + row] = *value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_agrees_with_the_definition_for_every_tail() {
        for (rows, inner, cols) in [(1, 1, 1), (4, 3, 4), (5, 7, 9), (11, 2, 6), (0, 3, 2)] {
            let a: Vec<f64> = (0..rows * inner).map(|i| (i as f64).sin()).collect();
            let b: Vec<f64> = (0..inner * cols).map(|i| (i as f64).cos()).collect();
            let mut out = vec![1.0; rows * cols];
            add_product(&mut out, &a, &b, inner, cols);
            for row in 0..rows {
                for col in 0..cols {
                    let sum: f64 = (0..inner)
                        .map(|k| a[row * inner + k] * b[k * cols + col])
                        .sum();
                    assert!((out[row * cols + col] - 1.0 - sum).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let a: Vec<f64> = (0..7 * 19).map(|i| (i as f64 * 1.7).sin()).collect();
        let b: Vec<f64> = (0..19 * 13).map(|i| (i as f64 * 0.3).cos()).collect();
        let (mut fast, mut plain) = (vec![0.1; 7 * 13], vec![0.1; 7 * 13]);
        add_product(&mut fast, &a, &b, 19, 13);
        add_tiles::<4>(&mut plain, &a, &b, 19, 13);
        assert_eq!(fast, plain);
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let matrix: Vec<f64> = (0..15).map(f64::from).collect();
        assert_eq!(transposed(&transposed(&matrix, 5), 3), matrix);
        assert_eq!(transposed(&matrix, 5)[1], 5.0);
    }
}
