//! Small models with random weights and real tokenizers, made on the spot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use pointsman::model::local::config::ModelConfig;
use pointsman::model::local::forward::Network;
use pointsman::model::local::{Render, WeightsSource};
use pointsman::model::pool::{ModelSpec, ServerKind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// Tensors by name: shape and values.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub qwen: bool,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv: usize,
    pub head_dim: usize,
    pub ffn: usize,
    pub vocab: usize,
    pub tied: bool,
    pub context: usize,
}

/// The shapes of the embedded pair.
pub const SMALL: Shape = Shape {
    qwen: true,
    hidden: 64,
    layers: 2,
    heads: 2,
    kv: 1,
    head_dim: 32,
    ffn: 176,
    vocab: 107,
    tied: true,
    context: 512,
};
pub const LARGE: Shape = Shape {
    hidden: 128,
    layers: 5,
    heads: 4,
    kv: 2,
    ffn: 352,
    ..SMALL
};

impl Shape {
    pub fn config(&self) -> Value {
        json!({
            "architectures": [if self.qwen { "Qwen2ForCausalLM" } else { "LlamaForCausalLM" }],
            "hidden_size": self.hidden, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.kv,
            "head_dim": self.head_dim, "intermediate_size": self.ffn, "vocab_size": self.vocab,
            "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": self.tied,
            "max_position_embeddings": self.context, "eos_token_id": 1
        })
    }

    pub fn tensors(&self, seed: u64) -> Tensors {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut tensors = Tensors::new();
        let mut add = |name: String, shape: &[usize], scale: f32, shift: f32| {
            let count: usize = shape.iter().product();
            let values = (0..count)
                .map(|_| shift + scale * (rng.random::<f32>() * 2.0 - 1.0))
                .collect();
            tensors.insert(name, (shape.to_vec(), values));
        };
        let (q, kv) = (self.heads * self.head_dim, self.kv * self.head_dim);
        let (hidden, ffn) = (self.hidden, self.ffn);
        let spread = |input: usize| (3.0 / input as f32).sqrt();
        add(
            "model.embed_tokens.weight".into(),
            &[self.vocab, hidden],
            0.3,
            0.0,
        );
        if !self.tied {
            add("lm_head.weight".into(), &[self.vocab, hidden], 0.3, 0.0);
        }
        add("model.norm.weight".into(), &[hidden], 0.2, 1.0);
        for layer in 0..self.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            add(name("input_layernorm.weight"), &[hidden], 0.2, 1.0);
            add(name("post_attention_layernorm.weight"), &[hidden], 0.2, 1.0);
            for (part, out) in [("q_proj", q), ("k_proj", kv), ("v_proj", kv)] {
                let part = format!("self_attn.{part}");
                add(
                    name(&format!("{part}.weight")),
                    &[out, hidden],
                    spread(hidden),
                    0.0,
                );
                if self.qwen {
                    add(name(&format!("{part}.bias")), &[out], 0.3, 0.0);
                }
            }
            add(
                name("self_attn.o_proj.weight"),
                &[hidden, q],
                spread(q),
                0.0,
            );
            add(
                name("mlp.gate_proj.weight"),
                &[ffn, hidden],
                spread(hidden),
                0.0,
            );
            add(
                name("mlp.up_proj.weight"),
                &[ffn, hidden],
                spread(hidden),
                0.0,
            );
            add(
                name("mlp.down_proj.weight"),
                &[hidden, ffn],
                spread(ffn),
                0.0,
            );
        }
        tensors
    }

    pub fn source(&self, seed: u64, tokenizer: &Value) -> WeightsSource {
        source(&self.config(), &self.tensors(seed), tokenizer)
    }

    pub fn network(&self, seed: u64) -> Network {
        let source = self.source(seed, &word_tokenizer());
        let config: ModelConfig = source.config().unwrap();
        Network::load(&source, config).unwrap()
    }
}

pub fn source(config: &Value, tensors: &Tensors, tokenizer: &Value) -> WeightsSource {
    WeightsSource::Bytes {
        config: Cow::Owned(config.to_string().into_bytes()),
        tokenizer: Cow::Owned(tokenizer.to_string().into_bytes()),
        weights: Cow::Owned(serialized(tensors, Dtype::F32)),
    }
}

/// A safetensors file; bf16 by cutting off the lower half of each value.
pub fn serialized(tensors: &Tensors, dtype: Dtype) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|value| {
                let bytes = value.to_le_bytes();
                if dtype == Dtype::BF16 {
                    bytes[2..].to_vec()
                } else {
                    bytes.to_vec()
                }
            });
            (name.clone(), shape.clone(), bytes.collect())
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// Like the embedded pair's: one character a token, the delimiter one token.
pub fn word_tokenizer() -> Value {
    let mut words: Vec<String> = vec!["<unk>".into(), "<eos>".into(), "\n\n".into()];
    words.extend((' '..='~').map(String::from));
    let vocab: BTreeMap<&str, usize> = words.iter().map(String::as_str).zip(0..).collect();
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 1, "content": "<eos>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true}],
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\n\n|[\\s\\S]"},
            "behavior": "Isolated", "invert": false},
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    })
}

/// Byte-level BPE over all bytes with a few merges: 256 bytes, then the
/// merged tokens, the last of them `<eos>`.
pub fn byte_tokenizer() -> Value {
    let mut letters: Vec<char> = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ').collect();
    let missing = 256 - letters.len() as u32;
    letters.extend((0..missing).filter_map(|i| char::from_u32(256 + i)));
    let mut vocab: BTreeMap<String, usize> = letters.iter().map(char::to_string).zip(0..).collect();
    // Ċ is the line break, Ã© an é.
    for (merged, id) in [("ĊĊ", 256), (".Ċ", 257), ("Ã©", 258), ("Ġa", 259)] {
        vocab.insert(merged.to_owned(), id);
    }
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 260, "content": "<eos>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true}],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": true},
        "model": {"type": "BPE", "vocab": vocab,
            "merges": [["Ċ", "Ċ"], [".", "Ċ"], ["Ã", "©"], ["Ġ", "a"]]}
    })
}

pub fn spec(name: &str, model: Option<&str>) -> ModelSpec {
    ModelSpec {
        model: model.map(str::to_owned),
        ..ModelSpec::new(name, ServerKind::Local)
    }
}

/// Question, then the partial answer.
pub fn render() -> Render {
    Arc::new(|question, prefix| Ok(format!("Q: {question}\nA: {prefix}")))
}
