//! Causal attention of one sequence over its own cache.
//!
//! Written over plain slices rather than batched matrix products: a row's
//! result must not depend on the other rows of the batch, and every query
//! head reads its group's keys and values in place, without repeated copies.

use super::cache::LayerCache;

/// Lanes of the dot product: fixed, so that the order of summation is too.
const LANES: usize = 16;

/// The shape of the heads.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    pub query: usize,
    pub kv: usize,
    pub dim: usize,
}

/// Appends one row's keys and values. `keys` and `values` are
/// `[kv_heads][head_dim]`, the keys already rotated.
pub fn append(cache: &mut LayerCache, keys: &[f32], values: &[f32], dim: usize) {
    for (rows, row) in cache.keys.iter_mut().zip(keys.chunks_exact(dim)) {
        rows.extend_from_slice(row);
    }
    for (rows, row) in cache.values.iter_mut().zip(values.chunks_exact(dim)) {
        rows.extend_from_slice(row);
    }
}

/// softmax(q kᵀ / √d) v over every position in the cache.
///
/// `query` and `out` are `[heads][head_dim]`; `scores` is scratch space.
pub fn attend(
    cache: &LayerCache,
    query: &[f32],
    out: &mut [f32],
    heads: Heads,
    scores: &mut Vec<f32>,
) {
    let dim = heads.dim;
    let group = heads.query / heads.kv;
    let scale = 1.0 / (dim as f32).sqrt();
    let rows = query.chunks_exact(dim).zip(out.chunks_exact_mut(dim));
    for (head, (query, out)) in rows.enumerate() {
        let keys = &cache.keys[head / group];
        let values = &cache.values[head / group];
        scores.clear();
        scores.extend(keys.chunks_exact(dim).map(|key| dot(query, key) * scale));
        let total = exponentials(scores);
        out.fill(0.0);
        for (value, weight) in values.chunks_exact(dim).zip(scores.iter()) {
            for (out, value) in out.iter_mut().zip(value) {
                *out += weight * value;
            }
        }
        let inverse = 1.0 / total;
        for out in out {
            *out *= inverse;
        }
    }
}

/// Replaces scores by exp(score − max) and returns their sum.
fn exponentials(scores: &mut [f32]) -> f32 {
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in scores {
        *score = (*score - max).exp();
        total += *score;
    }
    total
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_blocks.remainder().iter().zip(b_blocks.remainder());
    let rest: f32 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_covers_blocks_and_rest() {
        let a: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(dot(&a, &[2.0; 37]), 2.0 * 666.0);
    }

    #[test]
    fn query_heads_of_a_group_read_the_same_values() {
        let mut cache = LayerCache {
            keys: vec![Vec::new()],
            values: vec![Vec::new()],
        };
        append(&mut cache, &[1.0, 0.0], &[1.0, 2.0], 2);
        append(&mut cache, &[0.0, 1.0], &[3.0, 4.0], 2);
        let heads = Heads {
            query: 2,
            kv: 1,
            dim: 2,
        };
        let mut out = [0.0; 4];
        attend(
            &cache,
            &[0.0, 0.0, 100.0, 0.0],
            &mut out,
            heads,
            &mut Vec::new(),
        );
        assert_eq!(out[..2], [2.0, 3.0]);
        assert!((out[2] - 1.0).abs() < 1e-6 && (out[3] - 2.0).abs() < 1e-6);
    }
}
