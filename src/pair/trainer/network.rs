//! The Qwen2 network of the trainer: sizes, parameters and where they lie.
//!
//! Semantics are those of the Hugging Face model: RMSNorm before attention and feed-forward,
//! biases on q, k and v only, grouped keys and values, half-split rotary positions, SwiGLU, the
//! embedding reused as output head. Parameters live in one flat vector; q, k, v (and gate, up)
//! lie next to each other, so that each group is one matrix product.

use rand::Rng;
use std::ops::Range;

/// Sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// Width of one head.
    pub head: usize,
    pub feed_forward: usize,
}

impl Shape {
    /// The small model of the pair.
    #[must_use]
    pub fn small(vocabulary: usize) -> Self {
        Self {
            vocabulary,
            hidden: 64,
            layers: 2,
            heads: 2,
            kv_heads: 1,
            head: 32,
            feed_forward: 176,
        }
    }

    /// The large model of the pair.
    #[must_use]
    pub fn large(vocabulary: usize) -> Self {
        Self {
            vocabulary,
            hidden: 128,
            layers: 5,
            heads: 4,
            kv_heads: 2,
            head: 32,
            feed_forward: 352,
        }
    }

    /// Width of q, k and v together.
    #[must_use]
    pub fn joined(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head
    }

    /// Number of parameters, the shared embedding counted once.
    #[must_use]
    pub fn parameters(&self) -> usize {
        Layout::new(self).total
    }
}

/// Base of the rotary angles.
pub const ROPE_THETA: f64 = 10_000.0;
/// Added to the mean square in every norm.
pub const NORM_EPSILON: f32 = 1e-6;
/// Longest row, tokens.
pub const CONTEXT: usize = 448;
/// Where the z-loss holds the log-sum-exp of the logits.
pub const LOG_SUM_TARGET: f32 = 20.0;
/// Weight of the z-loss.
pub const Z_WEIGHT: f32 = 0.5;

/// How a parameter is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A matrix of a layer: Muon.
    Matrix,
    /// Embedding, norms and biases: AdamW.
    Other,
}

/// A named parameter inside the flat vector.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Hugging Face name.
    pub name: String,
    pub range: Range<usize>,
    /// One or two dimensions, `[out, in]` for matrices.
    pub dims: Vec<usize>,
    pub kind: Kind,
}

/// Where the parameters of one layer lie; q, k, v and gate, up are joined.
#[derive(Clone, Debug)]
pub(super) struct LayerLayout {
    pub(super) norm1: Range<usize>,
    pub(super) qkv: Range<usize>,
    pub(super) qkv_bias: Range<usize>,
    pub(super) output: Range<usize>,
    pub(super) norm2: Range<usize>,
    pub(super) gate_up: Range<usize>,
    pub(super) down: Range<usize>,
}

/// Where every parameter lies.
#[derive(Clone, Debug)]
pub struct Layout {
    pub parameters: Vec<Parameter>,
    pub(super) embedding: Range<usize>,
    pub(super) layers: Vec<LayerLayout>,
    pub(super) norm: Range<usize>,
    total: usize,
}

impl Layout {
    /// Lays out the parameters of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut total = 0;
        let mut add = |name: String, dims: &[usize], kind: Kind| {
            let range = total..total + dims.iter().product::<usize>();
            total = range.end;
            parameters.push(Parameter {
                name,
                range: range.clone(),
                dims: dims.to_vec(),
                kind,
            });
            range
        };
        let (hidden, ffn) = (shape.hidden, shape.feed_forward);
        let (queries, keys) = (shape.heads * shape.head, shape.kv_heads * shape.head);
        let embedding = add(
            "model.embed_tokens.weight".to_owned(),
            &[shape.vocabulary, hidden],
            Kind::Other,
        );
        let mut layers = Vec::with_capacity(shape.layers);
        for layer in 0..shape.layers {
            let mut named = |part: &str, dims: &[usize], kind| {
                add(format!("model.layers.{layer}.{part}"), dims, kind)
            };
            let norm1 = named("input_layernorm.weight", &[hidden], Kind::Other);
            let q = named("self_attn.q_proj.weight", &[queries, hidden], Kind::Matrix);
            named("self_attn.k_proj.weight", &[keys, hidden], Kind::Matrix);
            let v = named("self_attn.v_proj.weight", &[keys, hidden], Kind::Matrix);
            let q_bias = named("self_attn.q_proj.bias", &[queries], Kind::Other);
            named("self_attn.k_proj.bias", &[keys], Kind::Other);
            let v_bias = named("self_attn.v_proj.bias", &[keys], Kind::Other);
            let output = named("self_attn.o_proj.weight", &[hidden, queries], Kind::Matrix);
            let norm2 = named("post_attention_layernorm.weight", &[hidden], Kind::Other);
            let gate = named("mlp.gate_proj.weight", &[ffn, hidden], Kind::Matrix);
            let up = named("mlp.up_proj.weight", &[ffn, hidden], Kind::Matrix);
            let down = named("mlp.down_proj.weight", &[hidden, ffn], Kind::Matrix);
            layers.push(LayerLayout {
                norm1,
                qkv: q.start..v.end,
                qkv_bias: q_bias.start..v_bias.end,
                output,
                norm2,
                gate_up: gate.start..up.end,
                down,
            });
        }
        let norm = add("model.norm.weight".to_owned(), &[hidden], Kind::Other);
        Self {
            parameters,
            embedding,
            layers,
            norm,
            total,
        }
    }
}

/// A network: its shape and its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    pub shape: Shape,
    pub layout: Layout,
    /// All parameters, in the order of [`Layout::parameters`].
    pub weights: Vec<f32>,
}

impl Network {
    /// A network with random weights: norms one, biases zero, matrices normal with a spread that
    /// keeps the residual stream near unit size.
    pub fn random(shape: Shape, rng: &mut impl Rng) -> Self {
        let layout = Layout::new(&shape);
        let mut weights = vec![0.0; layout.total];
        #[allow(clippy::cast_precision_loss, reason = "layer counts are small")]
        let depth = (2.0 * shape.layers as f32).sqrt().recip();
        for parameter in &layout.parameters {
            let slice = &mut weights[parameter.range.clone()];
            if parameter.name.ends_with("norm.weight") {
                slice.fill(1.0);
            } else if parameter.dims.len() == 2 {
                let into_stream = parameter.name.ends_with("o_proj.weight")
                    || parameter.name.ends_with("down_proj.weight");
                #[allow(clippy::cast_precision_loss, reason = "widths are small")]
                let spread = match parameter.kind {
                    Kind::Other => 0.05,
                    Kind::Matrix => {
                        0.6 * (parameter.dims[1] as f32).sqrt().recip()
                            * if into_stream { depth } else { 1.0 }
                    }
                };
                slice.fill_with(|| spread * normal(rng));
            }
        }
        Self {
            shape,
            layout,
            weights,
        }
    }

    /// The embedding, which is also the output head: `[token][hidden]`.
    #[must_use]
    pub fn embedding(&self) -> &[f32] {
        &self.weights[self.layout.embedding.clone()]
    }

    /// Scale of the last norm.
    #[must_use]
    pub fn final_norm(&self) -> &[f32] {
        &self.weights[self.layout.norm.clone()]
    }

    /// The weights of one layer.
    #[must_use]
    pub fn layer(&self, layer: usize) -> LayerWeights<'_> {
        let at = &self.layout.layers[layer];
        let slice = |range: &Range<usize>| &self.weights[range.clone()];
        LayerWeights {
            norm1: slice(&at.norm1),
            qkv: slice(&at.qkv),
            qkv_bias: slice(&at.qkv_bias),
            output: slice(&at.output),
            norm2: slice(&at.norm2),
            gate_up: slice(&at.gate_up),
            down: slice(&at.down),
        }
    }

    /// The slice of one named parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&[f32]> {
        let found = self
            .layout
            .parameters
            .iter()
            .find(|parameter| parameter.name == name)?;
        Some(&self.weights[found.range.clone()])
    }
}

/// Weights of one layer; matrices are `[out][in]`, groups lie one after the other.
#[derive(Clone, Copy, Debug)]
pub struct LayerWeights<'a> {
    pub norm1: &'a [f32],
    /// Queries, keys, values.
    pub qkv: &'a [f32],
    pub qkv_bias: &'a [f32],
    pub output: &'a [f32],
    pub norm2: &'a [f32],
    /// Gate, up.
    pub gate_up: &'a [f32],
    pub down: &'a [f32],
}

/// A standard normal number (Box–Muller).
#[allow(clippy::cast_possible_truncation, reason = "weights are f32")]
fn normal(rng: &mut impl Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    (radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()) as f32
}
