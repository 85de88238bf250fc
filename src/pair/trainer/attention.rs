//! Causal grouped-query attention over a batch of rows of different lengths, forward and
//! backward, with rotary positions.
//!
//! The rows lie one after the other, nothing is padded. Queries are taken in blocks: a block
//! only meets the keys up to its own end, and the scores of a block stay in the cache. The
//! backward pass computes the scores again from the stored log-sum-exp of every query.

use super::matrix::{Into, View, ViewMut, dot, exp_shifted, largest, multiply};
use super::network::Shape;

/// Queries per block.
const BLOCK: usize = 64;

/// Sine and cosine of every position, `[position][half of the head]`.
#[derive(Debug)]
pub struct Rotary {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    /// The table for positions below `longest`.
    #[must_use]
    pub fn new(head: usize, theta: f64, longest: usize) -> Self {
        let half = head / 2;
        let angles = (0..longest).flat_map(|position| {
            (0..half).map(move |pair| {
                #[allow(clippy::cast_precision_loss, reason = "positions and widths are small")]
                let (position, pair, half) = (position as f64, pair as f64, half as f64);
                position * theta.powf(-pair / half)
            })
        });
        #[allow(clippy::cast_possible_truncation, reason = "the table is kept in f32")]
        let (cos, sin) = angles
            .map(|angle| (angle.cos() as f32, angle.sin() as f32))
            .unzip();
        Self { half, cos, sin }
    }

    /// Turns one head in place; `backward` turns the other way, which is the gradient.
    pub fn turn(&self, head: &mut [f32], position: usize, backward: bool) {
        let range = position * self.half..(position + 1) * self.half;
        let (cos, sin) = (&self.cos[range.clone()], &self.sin[range]);
        let sign = if backward { -1.0 } else { 1.0 };
        let (low, high) = head.split_at_mut(self.half);
        for pair in 0..self.half {
            let (a, b, sin) = (low[pair], high[pair], sign * sin[pair]);
            low[pair] = a * cos[pair] - b * sin;
            high[pair] = b * cos[pair] + a * sin;
        }
    }
}

/// Scratch space for one block of scores and its gradient.
#[derive(Debug, Default)]
pub struct Scratch {
    scores: Vec<f32>,
    gradient: Vec<f32>,
}

impl Scratch {
    fn reserve(&mut self, longest: usize) {
        let size = BLOCK * longest;
        if self.scores.len() < size {
            self.scores.resize(size, 0.0);
            self.gradient.resize(size, 0.0);
        }
    }
}

/// One (block of queries, head) of one row.
struct Block {
    /// First token of the row in the batch.
    row: usize,
    /// First query and number of queries, within the row.
    from: usize,
    queries: usize,
    head: usize,
}

impl Block {
    fn keys(&self) -> usize {
        self.from + self.queries
    }
}

/// Calls `work` for every block of every head of every row.
fn each_block(shape: &Shape, rows: &[usize], mut work: impl FnMut(&Block)) {
    let mut row = 0;
    for &length in rows {
        for head in 0..shape.heads {
            for from in (0..length).step_by(BLOCK) {
                work(&Block {
                    row,
                    from,
                    queries: BLOCK.min(length - from),
                    head,
                });
            }
        }
        row += length;
    }
}

/// Columns of the joined q, k, v matrix that a head reads: offsets of its query, key and value.
fn columns(shape: &Shape, head: usize) -> (usize, usize, usize) {
    let key = shape.heads * shape.head + head / (shape.heads / shape.kv_heads) * shape.head;
    (head * shape.head, key, key + shape.kv_heads * shape.head)
}

fn scale(shape: &Shape) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "head widths are small")]
    let width = shape.head as f32;
    width.sqrt().recip()
}

/// Attention of all heads: `qkv` (tokens × joined width, already turned) to `out`
/// (tokens × heads · head) and the log-sum-exp of every query (`[token][head]`).
pub fn forward(
    shape: &Shape,
    rows: &[usize],
    qkv: &[f32],
    out: &mut [f32],
    log_sums: &mut [f32],
    scratch: &mut Scratch,
) {
    let (width, joined, head) = (shape.heads * shape.head, shape.joined(), shape.head);
    scratch.reserve(rows.iter().copied().max().unwrap_or(0));
    each_block(shape, rows, |block| {
        let (query, key, value) = columns(shape, block.head);
        let (keys, queries, first) = (block.keys(), block.queries, block.row + block.from);
        let scores = &mut scratch.scores[..queries * keys];
        let q = View::strided(&qkv[first * joined + query..], queries, head, joined);
        let k = View::strided(&qkv[block.row * joined + key..], keys, head, joined);
        let v = View::strided(&qkv[block.row * joined + value..], keys, head, joined);
        multiply(
            ViewMut::new(scores, queries, keys),
            Into::Replace,
            scale(shape),
            q,
            k.t(),
        );
        for (index, line) in scores.chunks_exact_mut(keys).enumerate() {
            let (seen, ahead) = line.split_at_mut(block.from + index + 1);
            ahead.fill(0.0);
            let most = largest(seen);
            let total = exp_shifted(seen, most);
            let inverse = total.recip();
            seen.iter_mut().for_each(|score| *score *= inverse);
            log_sums[(first + index) * shape.heads + block.head] = most + total.ln();
        }
        let o = ViewMut::strided(&mut out[first * width + query..], queries, head, width);
        multiply(o, Into::Replace, 1.0, View::new(scores, queries, keys), v);
    });
}

/// What the backward pass reads from the forward pass.
pub struct Saved<'a> {
    pub qkv: &'a [f32],
    pub out: &'a [f32],
    pub log_sums: &'a [f32],
}

/// Gradient of [`forward`]: `d_out` to `d_qkv`, which is overwritten.
pub fn backward(
    shape: &Shape,
    rows: &[usize],
    saved: &Saved<'_>,
    d_out: &[f32],
    d_qkv: &mut [f32],
    scratch: &mut Scratch,
) {
    let (width, joined, head) = (shape.heads * shape.head, shape.joined(), shape.head);
    let qkv = saved.qkv;
    scratch.reserve(rows.iter().copied().max().unwrap_or(0));
    d_qkv.fill(0.0);
    each_block(shape, rows, |block| {
        let (query, key, value) = columns(shape, block.head);
        let (keys, queries, first) = (block.keys(), block.queries, block.row + block.from);
        let size = queries * keys;
        let q = View::strided(&qkv[first * joined + query..], queries, head, joined);
        let k = View::strided(&qkv[block.row * joined + key..], keys, head, joined);
        let v = View::strided(&qkv[block.row * joined + value..], keys, head, joined);
        let d_o = View::strided(&d_out[first * width + query..], queries, head, width);
        let scores = &mut scratch.scores[..size];
        let gradient = &mut scratch.gradient[..size];
        multiply(
            ViewMut::new(scores, queries, keys),
            Into::Replace,
            scale(shape),
            q,
            k.t(),
        );
        multiply(
            ViewMut::new(gradient, queries, keys),
            Into::Replace,
            1.0,
            d_o,
            v.t(),
        );
        let lines = scores
            .chunks_exact_mut(keys)
            .zip(gradient.chunks_exact_mut(keys));
        for (index, (probability, gradient)) in lines.enumerate() {
            let token = first + index;
            let seen = block.from + index + 1;
            exp_shifted(
                &mut probability[..seen],
                saved.log_sums[token * shape.heads + block.head],
            );
            probability[seen..].fill(0.0);
            let at = token * width + query;
            let mean = dot(&d_out[at..at + head], &saved.out[at..at + head]);
            for (gradient, probability) in gradient.iter_mut().zip(probability.iter()) {
                *gradient = (*gradient - mean) * probability;
            }
        }
        let probability = View::new(scores, queries, keys);
        let gradient = View::new(gradient, queries, keys);
        let d_v = ViewMut::strided(&mut d_qkv[block.row * joined + value..], keys, head, joined);
        multiply(d_v, Into::Add, 1.0, probability.t(), d_o);
        let d_q = ViewMut::strided(&mut d_qkv[first * joined + query..], queries, head, joined);
        multiply(d_q, Into::Add, scale(shape), gradient, k);
        let d_k = ViewMut::strided(&mut d_qkv[block.row * joined + key..], keys, head, joined);
        multiply(d_k, Into::Add, scale(shape), gradient.t(), q);
    });
}
