//! A naive forward pass in f64, written from the architectures' definition,
//! against the program's.

use pointsman::model::local::cache::Slot;
use pointsman::model::local::config::ModelConfig;
use pointsman::model::local::forward::{Chunk, Logits, Network};
use serde_json::{Value, json};

use super::fixture::{SMALL, Shape, Tensors, source, word_tokenizer};

struct Naive<'a> {
    shape: Shape,
    tensors: &'a Tensors,
    frequencies: Vec<f64>,
}

impl Naive<'_> {
    fn tensor(&self, name: &str) -> Vec<f64> {
        self.tensors[name].1.iter().map(|&v| f64::from(v)).collect()
    }

    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let weight = self.tensor(&format!("{name}.weight"));
        let bias = format!("{name}.bias");
        let bias = self.tensors.contains_key(&bias).then(|| self.tensor(&bias));
        let rows = weight.chunks(x.len()).enumerate();
        rows.map(|(i, row)| {
            let product: f64 = row.iter().zip(x).map(|(w, x)| w * x).sum();
            product + bias.as_ref().map_or(0.0, |bias| bias[i])
        })
        .collect()
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        let scale = (mean + 1e-6).sqrt();
        let weight = self.tensor(name);
        x.iter().zip(weight).map(|(x, w)| x / scale * w).collect()
    }

    /// Rotates pairs (i, i + d/2), as Hugging Face checkpoints expect.
    fn rotate(&self, head: &mut [f64], position: usize) {
        let half = head.len() / 2;
        for i in 0..half {
            let (sin, cos) = (position as f64 * self.frequencies[i]).sin_cos();
            let (a, b) = (head[i], head[i + half]);
            head[i] = a * cos - b * sin;
            head[i + half] = b * cos + a * sin;
        }
    }

    /// Logits after every token.
    fn logits(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        let shape = self.shape;
        let embedding = self.tensor("model.embed_tokens.weight");
        let row = |token: &u32| {
            let start = *token as usize * shape.hidden;
            embedding[start..start + shape.hidden].to_vec()
        };
        let mut xs: Vec<Vec<f64>> = tokens.iter().map(row).collect();
        for layer in 0..shape.layers {
            self.layer(&format!("model.layers.{layer}"), &mut xs);
        }
        let head = if shape.tied {
            "model.embed_tokens"
        } else {
            "lm_head"
        };
        let finish = |x: &Vec<f64>| self.linear(head, &self.norm("model.norm.weight", x));
        xs.iter().map(finish).collect()
    }

    fn layer(&self, name: &str, xs: &mut [Vec<f64>]) {
        let shape = self.shape;
        let dim = shape.head_dim;
        let mut keys: Vec<Vec<f64>> = Vec::new();
        let mut values: Vec<Vec<f64>> = Vec::new();
        for (position, x) in xs.iter_mut().enumerate() {
            let h = self.norm(&format!("{name}.input_layernorm.weight"), x);
            let mut q = self.linear(&format!("{name}.self_attn.q_proj"), &h);
            let mut k = self.linear(&format!("{name}.self_attn.k_proj"), &h);
            q.chunks_mut(dim)
                .for_each(|head| self.rotate(head, position));
            k.chunks_mut(dim)
                .for_each(|head| self.rotate(head, position));
            keys.push(k);
            values.push(self.linear(&format!("{name}.self_attn.v_proj"), &h));
            let mut mixed = vec![0.0; q.len()];
            for (head, query) in q.chunks(dim).enumerate() {
                let at = head / (shape.heads / shape.kv) * dim;
                let scores: Vec<f64> = keys
                    .iter()
                    .map(|k| {
                        query
                            .iter()
                            .zip(&k[at..at + dim])
                            .map(|(a, b)| a * b)
                            .sum::<f64>()
                    })
                    .map(|score| (score / (dim as f64).sqrt()).exp())
                    .collect();
                let total: f64 = scores.iter().sum();
                for (score, value) in scores.iter().zip(&values) {
                    for i in 0..dim {
                        mixed[head * dim + i] += score / total * value[at + i];
                    }
                }
            }
            let attended = self.linear(&format!("{name}.self_attn.o_proj"), &mixed);
            x.iter_mut().zip(attended).for_each(|(x, a)| *x += a);
            let h = self.norm(&format!("{name}.post_attention_layernorm.weight"), x);
            let gate = self.linear(&format!("{name}.mlp.gate_proj"), &h);
            let up = self.linear(&format!("{name}.mlp.up_proj"), &h);
            let gated: Vec<f64> = gate
                .iter()
                .zip(up)
                .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                .collect();
            let down = self.linear(&format!("{name}.mlp.down_proj"), &gated);
            x.iter_mut().zip(down).for_each(|(x, d)| *x += d);
        }
    }
}

fn compare(shape: Shape, config: &Value, frequencies: Vec<f64>) {
    let tensors = shape.tensors(11);
    let source = source(config, &tensors, &word_tokenizer());
    let config: ModelConfig = source.config().unwrap();
    let network = Network::load(&source, config).unwrap();
    let naive = Naive {
        shape,
        tensors: &tensors,
        frequencies,
    };
    let tokens: Vec<u32> = (0..48).map(|i| (i * 37 + 5) % shape.vocab as u32).collect();
    let expected = naive.logits(&tokens);
    let mut slots = [Slot::new(network.config(), 0)];
    for (token, expected) in tokens.iter().zip(&expected) {
        let chunk = Chunk {
            slot: 0,
            tokens: &[*token],
            logits: Logits::Last,
        };
        let logits = network.forward(&mut slots, &[chunk]).unwrap();
        for (z, expected) in logits[0].iter().zip(expected) {
            assert!(
                (f64::from(*z) - expected).abs() < 1e-4,
                "{z} for {expected}: {shape:?}"
            );
        }
    }
}

fn plain(shape: Shape) -> Vec<f64> {
    let dim = shape.head_dim as f64;
    let pairs = 0..shape.head_dim / 2;
    pairs
        .map(|i| 10_000_f64.powf(-2.0 * i as f64 / dim))
        .collect()
}

#[test]
fn qwen2_agrees_with_the_definition() {
    for tied in [true, false] {
        let shape = Shape { tied, ..SMALL };
        compare(shape, &shape.config(), plain(shape));
    }
}

#[test]
fn llama_agrees_with_the_definition() {
    let shape = Shape {
        qwen: false,
        heads: 4,
        kv: 2,
        head_dim: 24,
        tied: false,
        ..SMALL
    };
    compare(shape, &shape.config(), plain(shape));
}

#[test]
fn llama3_rope_scaling_agrees_with_the_definition() {
    let shape = Shape {
        qwen: false,
        ..SMALL
    };
    let mut config = shape.config();
    config["rope_scaling"] = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64});
    let scaled = |f: f64| {
        let wave = 2.0 * std::f64::consts::PI / f;
        if wave < 64.0 / 4.0 {
            f
        } else if wave > 64.0 {
            f / 8.0
        } else {
            let smooth = (64.0 / wave - 1.0) / 3.0;
            (1.0 - smooth) * f / 8.0 + smooth * f
        }
    };
    compare(
        shape,
        &config,
        plain(shape).into_iter().map(scaled).collect(),
    );
}
