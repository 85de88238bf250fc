//! Decoding one token at a time with a cache of keys and values, and whole routed trajectories.
//!
//! This is the trainer's own measuring stick: plain loops over the same flat weights. The
//! program itself loads the exported files through its ordinary model code.

use rand::Rng;

use super::attention::Rotary;
use super::matrix::{add_scaled, dot, exp_shifted, gate_line, largest, norm_line};
use super::network::{CONTEXT, Network, ROPE_THETA};
use crate::pair::language::prompt;
use crate::pair::language::solution::Author;
use crate::pair::vocabulary::{EOS, STEP_END, Vocabulary};

/// Longest step, tokens; gold steps of the large model have about a hundred at most.
const LONGEST_STEP: usize = 200;
/// Most steps of a trajectory; gold solutions have eight at most.
const MOST_STEPS: usize = 12;

/// One model with the keys and values of what it has read.
#[derive(Debug)]
pub struct Decoder<'a> {
    network: &'a Network,
    rotary: Rotary,
    /// Per layer, `[position][key heads · head | value heads · head]`.
    cache: Vec<Vec<f32>>,
    read: Vec<u32>,
    logits: Vec<f32>,
}

impl<'a> Decoder<'a> {
    /// A decoder that has read nothing.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        let shape = network.shape;
        let width = 2 * shape.kv_heads * shape.head;
        Self {
            network,
            rotary: Rotary::new(shape.head, ROPE_THETA, CONTEXT),
            cache: vec![vec![0.0; CONTEXT * width]; shape.layers],
            read: Vec::with_capacity(CONTEXT),
            logits: vec![0.0; shape.vocabulary],
        }
    }

    /// Reads `tokens`, keeping what it shares with what was read before, and returns the logits
    /// after the last one. `None` when the text is empty or longer than the context.
    pub fn read(&mut self, tokens: &[u32]) -> Option<&[f32]> {
        if tokens.is_empty() || tokens.len() > CONTEXT {
            return None;
        }
        let same = self
            .read
            .iter()
            .zip(tokens)
            .take_while(|(old, new)| old == new)
            .count();
        // The last token is always read again: its logits are wanted.
        self.read.truncate(same.min(tokens.len() - 1));
        for &token in &tokens[self.read.len()..] {
            let last = self.read.len() + 1 == tokens.len();
            self.step(token, last);
        }
        Some(&self.logits)
    }

    fn step(&mut self, token: u32, logits: bool) {
        let Network { shape, .. } = self.network;
        let position = self.read.len();
        let embedding = self.network.embedding();
        let mut stream = embedding[token as usize * shape.hidden..][..shape.hidden].to_vec();
        let mut normed = vec![0.0; shape.hidden];
        let mut joined = vec![0.0; shape.joined()];
        let mut attended = vec![0.0; shape.heads * shape.head];
        let mut wide = vec![0.0; 2 * shape.feed_forward];
        let mut active = vec![0.0; shape.feed_forward];
        let (queries, turned) = (
            shape.heads * shape.head,
            (shape.heads + shape.kv_heads) * shape.head,
        );
        for layer in 0..shape.layers {
            let weights = self.network.layer(layer);
            norm_line(&stream, weights.norm1, &mut normed);
            joined.copy_from_slice(weights.qkv_bias);
            apply(weights.qkv, &normed, &mut joined);
            for head in joined[..turned].chunks_exact_mut(shape.head) {
                self.rotary.turn(head, position, false);
            }
            let width = joined.len() - queries;
            self.cache[layer][position * width..][..width].copy_from_slice(&joined[queries..]);
            self.attend(layer, &joined[..queries], &mut attended);
            apply(weights.output, &attended, &mut stream);
            norm_line(&stream, weights.norm2, &mut normed);
            wide.fill(0.0);
            apply(weights.gate_up, &normed, &mut wide);
            gate_line(&wide, &mut active);
            apply(weights.down, &active, &mut stream);
        }
        self.read.push(token);
        if logits {
            norm_line(&stream, self.network.final_norm(), &mut normed);
            self.logits.fill(0.0);
            apply(embedding, &normed, &mut self.logits);
        }
    }

    fn attend(&self, layer: usize, queries: &[f32], out: &mut [f32]) {
        let shape = self.network.shape;
        let keys = shape.kv_heads * shape.head;
        let lines = &self.cache[layer][..(self.read.len() + 1) * 2 * keys];
        #[allow(clippy::cast_precision_loss, reason = "head widths are small")]
        let scale = (shape.head as f32).sqrt().recip();
        let heads = queries
            .chunks_exact(shape.head)
            .zip(out.chunks_exact_mut(shape.head));
        for (head, (query, out)) in heads.enumerate() {
            let from = head / (shape.heads / shape.kv_heads) * shape.head;
            let mut scores: Vec<f32> = lines
                .chunks_exact(2 * keys)
                .map(|line| scale * dot(query, &line[from..from + shape.head]))
                .collect();
            let most = largest(&scores);
            let total = exp_shifted(&mut scores, most);
            out.fill(0.0);
            for (line, score) in lines.chunks_exact(2 * keys).zip(&scores) {
                add_scaled(out, score / total, &line[keys + from..][..shape.head]);
            }
        }
    }
}

/// `out += W x`.
fn apply(weight: &[f32], x: &[f32], out: &mut [f32]) {
    for (out, line) in out.iter_mut().zip(weight.chunks_exact(x.len())) {
        *out += dot(line, x);
    }
}

/// Signals of one step over its math tokens, from the logits before any temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSignals {
    /// Mean of the largest logit.
    pub mean_max_logit: f64,
    /// Smallest probability of the most likely token.
    pub min_top1: f64,
}

/// One generated step.
#[derive(Clone, Debug)]
pub struct GeneratedStep {
    pub text: String,
    pub author: Author,
    pub tokens: usize,
    /// `None` when the step has no math token.
    pub signals: Option<StepSignals>,
}

/// A generated solution.
#[derive(Clone, Debug)]
pub struct Generated {
    pub steps: Vec<GeneratedStep>,
    /// 2N × generated tokens over both models, FLOP.
    pub cost: f64,
}

/// Both models, ready to write trajectories together.
#[derive(Debug)]
pub struct Writers<'a> {
    vocabulary: &'a Vocabulary,
    small: Decoder<'a>,
    large: Decoder<'a>,
    temperature: f32,
}

impl<'a> Writers<'a> {
    /// Decoders for a pair at a sampling temperature; 0 is greedy.
    #[must_use]
    pub fn new(
        vocabulary: &'a Vocabulary,
        small: &'a Network,
        large: &'a Network,
        temperature: f32,
    ) -> Self {
        Self {
            vocabulary,
            small: Decoder::new(small),
            large: Decoder::new(large),
            temperature,
        }
    }

    /// Writes a solution; `choose` names the author of the next step from the steps so far.
    pub fn solve<R: Rng>(
        &mut self,
        question: &str,
        mut choose: impl FnMut(&[GeneratedStep], &mut R) -> Author,
        rng: &mut R,
    ) -> Generated {
        let mut tokens = self
            .vocabulary
            .encode(&prompt(question))
            .unwrap_or_default();
        let mut generated = Generated {
            steps: Vec::new(),
            cost: 0.0,
        };
        while generated.steps.len() < MOST_STEPS {
            let author = choose(&generated.steps, rng);
            let step = self.step(author, &mut tokens, rng);
            generated.cost += 2.0 * self.parameters(author) * count(step.tokens);
            let done = step.tokens == 0 || tokens.last() != Some(&STEP_END);
            generated.steps.push(step);
            if done {
                break;
            }
        }
        generated
    }

    /// Number of parameters of one model.
    #[must_use]
    pub fn parameters(&self, author: Author) -> f64 {
        let decoder = if author == Author::Small {
            &self.small
        } else {
            &self.large
        };
        count(decoder.network.weights.len())
    }

    /// Generates up to the step end or the end of the text and appends to `tokens`.
    pub fn step(
        &mut self,
        author: Author,
        tokens: &mut Vec<u32>,
        rng: &mut impl Rng,
    ) -> GeneratedStep {
        let decoder = if author == Author::Small {
            &mut self.small
        } else {
            &mut self.large
        };
        let from = tokens.len();
        let (mut logit_sum, mut math, mut least) = (0.0, 0_usize, f64::INFINITY);
        while tokens.len() < from + LONGEST_STEP {
            let Some(logits) = decoder.read(tokens) else {
                break;
            };
            let most = largest(logits);
            let total: f64 = logits
                .iter()
                .map(|&logit| f64::from(logit - most).exp())
                .sum();
            let token = draw_token(logits, self.temperature, rng);
            tokens.push(token);
            if self.vocabulary.is_math(token) {
                logit_sum += f64::from(most);
                math += 1;
                least = least.min(total.recip());
            }
            if token == STEP_END || token == EOS {
                break;
            }
        }
        let signals = (math > 0).then(|| StepSignals {
            mean_max_logit: logit_sum / count(math),
            min_top1: least,
        });
        let text = self.vocabulary.decode(&tokens[from..]);
        GeneratedStep {
            text,
            author,
            tokens: tokens.len() - from,
            signals,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Draws a token from the softmax of `logits / temperature`; at 0 the first most likely one.
fn draw_token(logits: &[f32], temperature: f32, rng: &mut impl Rng) -> u32 {
    let most = largest(logits);
    if temperature <= 0.0 {
        let index = logits.iter().position(|&logit| logit >= most);
        return u32::try_from(index.unwrap_or(0)).unwrap_or(0);
    }
    let weights: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from((logit - most) / temperature).exp())
        .collect();
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding can leave nothing chosen; the most likely token is then as good as any.
    let index = found.unwrap_or_else(|| {
        weights
            .iter()
            .position(|&weight| weight >= 1.0)
            .unwrap_or(0)
    });
    u32::try_from(index).unwrap_or(0)
}
