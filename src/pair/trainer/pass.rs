//! One pass through the network, forward and back, written out by hand.
//!
//! Activations live in a [`Workspace`] that is kept between batches. Logits are only computed
//! where the batch has a target.

use super::attention::{self, Rotary, Saved, Scratch};
use super::batch::Batch;
use super::loss::{self, Loss};
use super::matrix::{Into, View, ViewMut, add_scaled, dot, exp, gate_line, multiply, norm_line};
use super::network::{CONTEXT, Network, ROPE_THETA, Shape};

/// What the forward pass of a layer keeps for the backward pass.
#[derive(Debug, Default)]
struct LayerState {
    input: Vec<f32>,
    normed1: Vec<f32>,
    inverse1: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    log_sums: Vec<f32>,
    middle: Vec<f32>,
    normed2: Vec<f32>,
    inverse2: Vec<f32>,
    gate_up: Vec<f32>,
    active: Vec<f32>,
}

/// Buffers of a pass, kept between batches.
#[derive(Debug)]
pub struct Workspace {
    rotary: Rotary,
    scratch: Scratch,
    layers: Vec<LayerState>,
    stream: Vec<f32>,
    gathered: Vec<f32>,
    final_normed: Vec<f32>,
    final_inverse: Vec<f32>,
    logits: Vec<f32>,
    d_stream: Vec<f32>,
    d_hidden: Vec<f32>,
    d_wide: Vec<f32>,
    d_active: Vec<f32>,
}

impl Workspace {
    /// Buffers for networks of this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        Self {
            rotary: Rotary::new(shape.head, ROPE_THETA, CONTEXT),
            scratch: Scratch::default(),
            layers: (0..shape.layers).map(|_| LayerState::default()).collect(),
            stream: Vec::new(),
            gathered: Vec::new(),
            final_normed: Vec::new(),
            final_inverse: Vec::new(),
            logits: Vec::new(),
            d_stream: Vec::new(),
            d_hidden: Vec::new(),
            d_wide: Vec::new(),
            d_active: Vec::new(),
        }
    }

    /// Forward pass; afterwards [`Self::logits`] holds one line per loss position.
    pub fn forward(&mut self, network: &Network, batch: &Batch) {
        let Network {
            shape,
            layout,
            weights,
        } = network;
        let (tokens, hidden) = (batch.tokens.len(), shape.hidden);
        self.resize(shape, batch);
        let embedding = &weights[layout.embedding.clone()];
        for (line, &token) in self.stream.chunks_exact_mut(hidden).zip(&batch.tokens) {
            line.copy_from_slice(&embedding[token as usize * hidden..][..hidden]);
        }
        for (state, at) in self.layers.iter_mut().zip(&layout.layers) {
            state.input.copy_from_slice(&self.stream);
            norm(
                &self.stream,
                &weights[at.norm1.clone()],
                &mut state.normed1,
                &mut state.inverse1,
            );
            let joined = shape.joined();
            linear(
                &mut state.qkv,
                &state.normed1,
                &weights[at.qkv.clone()],
                tokens,
                Into::Replace,
            );
            let bias = &weights[at.qkv_bias.clone()];
            for line in state.qkv.chunks_exact_mut(joined) {
                add_scaled(line, 1.0, bias);
            }
            turn_heads(shape, &self.rotary, &batch.rows, &mut state.qkv, false);
            attention::forward(
                shape,
                &batch.rows,
                &state.qkv,
                &mut state.attended,
                &mut state.log_sums,
                &mut self.scratch,
            );
            linear(
                &mut self.stream,
                &state.attended,
                &weights[at.output.clone()],
                tokens,
                Into::Add,
            );
            state.middle.copy_from_slice(&self.stream);
            norm(
                &self.stream,
                &weights[at.norm2.clone()],
                &mut state.normed2,
                &mut state.inverse2,
            );
            linear(
                &mut state.gate_up,
                &state.normed2,
                &weights[at.gate_up.clone()],
                tokens,
                Into::Replace,
            );
            gate(&state.gate_up, &mut state.active, shape.feed_forward);
            linear(
                &mut self.stream,
                &state.active,
                &weights[at.down.clone()],
                tokens,
                Into::Add,
            );
        }
        for (line, &position) in self.gathered.chunks_exact_mut(hidden).zip(&batch.positions) {
            line.copy_from_slice(&self.stream[position * hidden..][..hidden]);
        }
        norm(
            &self.gathered,
            &weights[layout.norm.clone()],
            &mut self.final_normed,
            &mut self.final_inverse,
        );
        linear(
            &mut self.logits,
            &self.final_normed,
            embedding,
            batch.positions.len(),
            Into::Replace,
        );
    }

    /// Logits of the last forward pass, `[loss position][token]`.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Forward and backward pass. `gradient` (same layout as the weights) is added to; every
    /// loss position weighs `weight`, usually one over the positions of the whole step.
    pub fn backward(
        &mut self,
        network: &Network,
        batch: &Batch,
        weight: f32,
        gradient: &mut [f32],
    ) -> Loss {
        self.forward(network, batch);
        let Network {
            shape,
            layout,
            weights,
        } = network;
        let (tokens, hidden, ffn) = (batch.tokens.len(), shape.hidden, shape.feed_forward);
        let loss = loss::differentiate(&mut self.logits, &batch.targets, shape.vocabulary, weight);
        let positions = batch.positions.len();
        let embedding = &weights[layout.embedding.clone()];
        let d_logits = View::new(&self.logits, positions, shape.vocabulary);
        let d_embedding = ViewMut::new(
            &mut gradient[layout.embedding.clone()],
            shape.vocabulary,
            hidden,
        );
        multiply(
            d_embedding,
            Into::Add,
            1.0,
            d_logits.t(),
            View::new(&self.final_normed, positions, hidden),
        );
        let d_gathered = &mut self.d_hidden[..positions * hidden];
        let head = View::new(embedding, shape.vocabulary, hidden);
        multiply(
            ViewMut::new(d_gathered, positions, hidden),
            Into::Replace,
            1.0,
            d_logits,
            head,
        );
        let scale = &weights[layout.norm.clone()];
        norm_backward(
            d_gathered,
            &self.gathered,
            &self.final_inverse,
            scale,
            &mut gradient[layout.norm.clone()],
        );
        self.d_stream.fill(0.0);
        for (line, &position) in d_gathered.chunks_exact(hidden).zip(&batch.positions) {
            add_scaled(&mut self.d_stream[position * hidden..][..hidden], 1.0, line);
        }
        for (state, at) in self.layers.iter().zip(&layout.layers).rev() {
            let d_active = &mut self.d_active;
            linear_backward(
                &self.d_stream,
                &state.active,
                &weights[at.down.clone()],
                &mut gradient[at.down.clone()],
                d_active,
                tokens,
            );
            gate_backward(
                &state.gate_up,
                d_active,
                &mut self.d_wide[..tokens * 2 * ffn],
                ffn,
            );
            let d_wide = &self.d_wide[..tokens * 2 * ffn];
            linear_backward(
                d_wide,
                &state.normed2,
                &weights[at.gate_up.clone()],
                &mut gradient[at.gate_up.clone()],
                &mut self.d_hidden,
                tokens,
            );
            norm_backward(
                &mut self.d_hidden,
                &state.middle,
                &state.inverse2,
                &weights[at.norm2.clone()],
                &mut gradient[at.norm2.clone()],
            );
            add_scaled(&mut self.d_stream, 1.0, &self.d_hidden);

            let width = shape.heads * shape.head;
            let d_attended = &mut self.d_active[..tokens * width];
            linear_backward(
                &self.d_stream,
                &state.attended,
                &weights[at.output.clone()],
                &mut gradient[at.output.clone()],
                d_attended,
                tokens,
            );
            let d_qkv = &mut self.d_wide[..tokens * shape.joined()];
            let saved = Saved {
                qkv: &state.qkv,
                out: &state.attended,
                log_sums: &state.log_sums,
            };
            attention::backward(
                shape,
                &batch.rows,
                &saved,
                d_attended,
                d_qkv,
                &mut self.scratch,
            );
            turn_heads(shape, &self.rotary, &batch.rows, d_qkv, true);
            let d_bias = &mut gradient[at.qkv_bias.clone()];
            for line in d_qkv.chunks_exact(shape.joined()) {
                add_scaled(d_bias, 1.0, line);
            }
            linear_backward(
                d_qkv,
                &state.normed1,
                &weights[at.qkv.clone()],
                &mut gradient[at.qkv.clone()],
                &mut self.d_hidden,
                tokens,
            );
            norm_backward(
                &mut self.d_hidden,
                &state.input,
                &state.inverse1,
                &weights[at.norm1.clone()],
                &mut gradient[at.norm1.clone()],
            );
            add_scaled(&mut self.d_stream, 1.0, &self.d_hidden);
        }
        let d_embedding = &mut gradient[layout.embedding.clone()];
        for (line, &token) in self.d_stream.chunks_exact(hidden).zip(&batch.tokens) {
            add_scaled(
                &mut d_embedding[token as usize * hidden..][..hidden],
                1.0,
                line,
            );
        }
        loss
    }

    fn resize(&mut self, shape: &Shape, batch: &Batch) {
        let (tokens, positions, hidden) = (batch.tokens.len(), batch.positions.len(), shape.hidden);
        let (width, ffn) = (shape.heads * shape.head, shape.feed_forward);
        for state in &mut self.layers {
            for stream in [
                &mut state.input,
                &mut state.normed1,
                &mut state.middle,
                &mut state.normed2,
            ] {
                stream.resize(tokens * hidden, 0.0);
            }
            state.inverse1.resize(tokens, 0.0);
            state.inverse2.resize(tokens, 0.0);
            state.qkv.resize(tokens * shape.joined(), 0.0);
            state.attended.resize(tokens * width, 0.0);
            state.log_sums.resize(tokens * shape.heads, 0.0);
            state.gate_up.resize(tokens * 2 * ffn, 0.0);
            state.active.resize(tokens * ffn, 0.0);
        }
        self.stream.resize(tokens * hidden, 0.0);
        self.d_stream.resize(tokens * hidden, 0.0);
        self.d_hidden.resize(tokens * hidden, 0.0);
        self.d_wide
            .resize(tokens * (2 * ffn).max(shape.joined()), 0.0);
        self.d_active.resize(tokens * ffn, 0.0);
        self.gathered.resize(positions * hidden, 0.0);
        self.final_normed.resize(positions * hidden, 0.0);
        self.final_inverse.resize(positions, 0.0);
        self.logits.resize(positions * shape.vocabulary, 0.0);
    }
}

/// `out = x Wᵀ` for `tokens` rows.
fn linear(out: &mut [f32], x: &[f32], weight: &[f32], tokens: usize, into: Into) {
    if tokens == 0 {
        return;
    }
    let (wide, narrow) = (out.len() / tokens, x.len() / tokens);
    let weight = View::new(weight, wide, narrow);
    multiply(
        ViewMut::new(out, tokens, wide),
        into,
        1.0,
        View::new(x, tokens, narrow),
        weight.t(),
    );
}

/// Gradients of [`linear`]: adds to that of the weight, replaces that of the input.
fn linear_backward(
    d_out: &[f32],
    x: &[f32],
    weight: &[f32],
    d_weight: &mut [f32],
    d_x: &mut [f32],
    tokens: usize,
) {
    let (wide, narrow) = (d_out.len() / tokens, x.len() / tokens);
    let d_out = View::new(d_out, tokens, wide);
    multiply(
        ViewMut::new(d_weight, wide, narrow),
        Into::Add,
        1.0,
        d_out.t(),
        View::new(x, tokens, narrow),
    );
    multiply(
        ViewMut::new(d_x, tokens, narrow),
        Into::Replace,
        1.0,
        d_out,
        View::new(weight, wide, narrow),
    );
}

fn norm(x: &[f32], scale: &[f32], out: &mut [f32], inverses: &mut [f32]) {
    let width = scale.len();
    let lines = x
        .chunks_exact(width)
        .zip(out.chunks_exact_mut(width))
        .zip(inverses);
    for ((x, out), inverse) in lines {
        *inverse = norm_line(x, scale, out);
    }
}

/// Turns the gradient of the norm's output, in place, into that of its input.
fn norm_backward(d: &mut [f32], x: &[f32], inverses: &[f32], scale: &[f32], d_scale: &mut [f32]) {
    let width = scale.len();
    #[allow(clippy::cast_precision_loss, reason = "widths are small")]
    let width_f32 = width as f32;
    for ((d, x), &inverse) in d
        .chunks_exact_mut(width)
        .zip(x.chunks_exact(width))
        .zip(inverses)
    {
        for index in 0..width {
            d_scale[index] += d[index] * x[index] * inverse;
            d[index] *= scale[index];
        }
        let pull = dot(d, x) * inverse * inverse / width_f32;
        for (d, x) in d.iter_mut().zip(x) {
            *d = inverse * (*d - x * pull);
        }
    }
}

fn turn_heads(shape: &Shape, rotary: &Rotary, rows: &[usize], qkv: &mut [f32], backward: bool) {
    let turned = (shape.heads + shape.kv_heads) * shape.head;
    let mut lines = qkv.chunks_exact_mut(shape.joined());
    for &length in rows {
        for (position, line) in lines.by_ref().take(length).enumerate() {
            for head in line[..turned].chunks_exact_mut(shape.head) {
                rotary.turn(head, position, backward);
            }
        }
    }
}

/// `active = silu(gate) * up`, line by line.
fn gate(gate_up: &[f32], active: &mut [f32], width: usize) {
    for (line, active) in gate_up
        .chunks_exact(2 * width)
        .zip(active.chunks_exact_mut(width))
    {
        gate_line(line, active);
    }
}

fn gate_backward(gate_up: &[f32], d_active: &[f32], d_gate_up: &mut [f32], width: usize) {
    let lines = gate_up
        .chunks_exact(2 * width)
        .zip(d_active.chunks_exact(width))
        .zip(d_gate_up.chunks_exact_mut(2 * width));
    for ((line, d_active), d_line) in lines {
        let (gates, ups) = line.split_at(width);
        let (d_gates, d_ups) = d_line.split_at_mut(width);
        for index in 0..width {
            let sigmoid = 1.0 / (1.0 + exp(-gates[index]));
            let silu = gates[index] * sigmoid;
            d_ups[index] = d_active[index] * silu;
            d_gates[index] = d_active[index] * ups[index] * sigmoid * (1.0 + gates[index] - silu);
        }
    }
}
