//! `config.json` and `generation_config.json` of a Hugging Face checkpoint.

use serde::Deserialize;
use serde_json::Value;

use super::LocalError;

/// Which network the checkpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// q, k and v projections have a bias.
    Qwen2,
    /// No bias unless `attention_bias` says so.
    Llama,
}

/// Shape and constants of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    pub architecture: Architecture,
    pub hidden: usize,
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key-value heads; `heads` is a multiple of it.
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Width of the gated MLP.
    pub ffn: usize,
    pub vocab: usize,
    pub rms_eps: f64,
    pub rope_theta: f64,
    pub rope_scaling: Option<Llama3Scaling>,
    /// Longest sequence in tokens.
    pub context: usize,
    /// Whether the output head is the transposed embedding.
    pub tied: bool,
    pub qkv_bias: bool,
    pub output_bias: bool,
    /// Tokens that end the sequence.
    pub eos: Vec<u32>,
}

/// Llama 3's rope scaling: long wavelengths stretched by `factor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Llama3Scaling {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_context: f64,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    #[serde(default = "default_eps")]
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_scaling: Option<Value>,
    /// Newer checkpoints put theta and scaling here.
    rope_parameters: Option<Value>,
    #[serde(default = "default_context")]
    max_position_embeddings: usize,
    #[serde(default)]
    tie_word_embeddings: bool,
    attention_bias: Option<bool>,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    hidden_act: Option<String>,
    eos_token_id: Option<Value>,
}

fn default_eps() -> f64 {
    1e-6
}

fn default_context() -> usize {
    2048
}

impl ModelConfig {
    /// Parses `config.json` and, where there is one, `generation_config.json`,
    /// whose end-of-sequence tokens are added to the config's own.
    ///
    /// # Errors
    /// Unsupported architectures and settings by name; impossible shapes.
    pub fn parse(config: &[u8], generation: Option<&[u8]>) -> Result<Self, LocalError> {
        let raw: Raw = serde_json::from_slice(config).map_err(|error| refuse(error.to_string()))?;
        let architecture = architecture(&raw)?;
        refuse_unsupported(&raw)?;
        let heads = raw.num_attention_heads;
        if heads == 0 || raw.hidden_size == 0 || raw.vocab_size == 0 {
            return Err(refuse(
                "hidden_size, vocab_size or num_attention_heads is 0",
            ));
        }
        let kv_heads = raw.num_key_value_heads.unwrap_or(heads);
        let head_dim = raw.head_dim.unwrap_or(raw.hidden_size / heads);
        if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
            return Err(refuse(format!(
                "num_attention_heads ({heads}) is not a multiple of num_key_value_heads ({kv_heads})"
            )));
        }
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(refuse(format!("head dimension {head_dim} is not even")));
        }
        let (rope_theta, rope_scaling) = rope(&raw)?;
        let qwen = architecture == Architecture::Qwen2;
        Ok(Self {
            architecture,
            hidden: raw.hidden_size,
            layers: raw.num_hidden_layers,
            heads,
            kv_heads,
            head_dim,
            ffn: raw.intermediate_size,
            vocab: raw.vocab_size,
            rms_eps: raw.rms_norm_eps,
            rope_theta,
            rope_scaling,
            context: raw.max_position_embeddings,
            tied: raw.tie_word_embeddings,
            qkv_bias: raw.attention_bias.unwrap_or(qwen),
            output_bias: !qwen && raw.attention_bias == Some(true),
            eos: eos(raw.eos_token_id.as_ref(), generation),
        })
    }

    /// Inverse frequencies of the rotary embedding, `head_dim / 2` of them.
    pub fn inverse_frequencies(&self) -> Vec<f64> {
        let dim = self.head_dim as f64;
        (0..self.head_dim / 2)
            .map(|i| self.rope_theta.powf(-(2.0 * i as f64) / dim))
            .map(|f| self.rope_scaling.map_or(f, |scaling| scaling.apply(f)))
            .collect()
    }

    /// Values of one token in the key-value cache over all layers.
    pub fn cache_values_per_token(&self) -> usize {
        2 * self.layers * self.kv_heads * self.head_dim
    }
}

impl Llama3Scaling {
    fn apply(&self, frequency: f64) -> f64 {
        let wavelength = 2.0 * std::f64::consts::PI / frequency;
        if wavelength < self.original_context / self.high_freq_factor {
            return frequency;
        }
        if wavelength > self.original_context / self.low_freq_factor {
            return frequency / self.factor;
        }
        let smooth = (self.original_context / wavelength - self.low_freq_factor)
            / (self.high_freq_factor - self.low_freq_factor);
        (1.0 - smooth) * frequency / self.factor + smooth * frequency
    }
}

fn refuse(message: impl Into<String>) -> LocalError {
    LocalError::Config {
        file: "config.json".to_owned(),
        message: message.into(),
    }
}

fn architecture(raw: &Raw) -> Result<Architecture, LocalError> {
    let named = raw.architectures.first().unwrap_or(&raw.model_type);
    match named.as_str() {
        "Qwen2ForCausalLM" | "qwen2" => Ok(Architecture::Qwen2),
        "LlamaForCausalLM" | "llama" => Ok(Architecture::Llama),
        other => Err(LocalError::Architecture(other.to_owned())),
    }
}

fn refuse_unsupported(raw: &Raw) -> Result<(), LocalError> {
    if raw.use_sliding_window {
        return Err(refuse("use_sliding_window is not supported"));
    }
    if raw.mlp_bias {
        return Err(refuse("mlp_bias is not supported"));
    }
    match raw.hidden_act.as_deref() {
        None | Some("silu" | "swish") => Ok(()),
        Some(other) => Err(refuse(format!(
            "hidden_act {other:?} is not supported, only silu"
        ))),
    }
}

fn rope(raw: &Raw) -> Result<(f64, Option<Llama3Scaling>), LocalError> {
    let parameters = raw.rope_parameters.as_ref().or(raw.rope_scaling.as_ref());
    let number = |key: &str| parameters.and_then(|p| p.get(key)).and_then(Value::as_f64);
    let theta = raw.rope_theta.or(number("rope_theta")).unwrap_or(10_000.0);
    let kind = parameters
        .and_then(|p| p.get("rope_type").or(p.get("type")))
        .and_then(Value::as_str)
        .unwrap_or("default");
    match kind {
        "default" => Ok((theta, None)),
        "llama3" => {
            let need = |key: &str| {
                number(key).ok_or_else(|| refuse(format!("rope scaling llama3 lacks {key}")))
            };
            let scaling = Llama3Scaling {
                factor: need("factor")?,
                low_freq_factor: need("low_freq_factor")?,
                high_freq_factor: need("high_freq_factor")?,
                original_context: need("original_max_position_embeddings")?,
            };
            Ok((theta, Some(scaling)))
        }
        other => Err(refuse(format!(
            "rope scaling {other:?} is not supported, only llama3"
        ))),
    }
}

/// End-of-sequence ids of both files: each a number, a list or absent.
fn eos(config: Option<&Value>, generation: Option<&[u8]>) -> Vec<u32> {
    let generation: Option<Value> = generation.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let also = generation.as_ref().and_then(|g| g.get("eos_token_id"));
    let mut ids: Vec<u32> = [config, also]
        .into_iter()
        .flatten()
        .flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            single => vec![single],
        })
        .filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Value {
        serde_json::json!({
            "architectures": ["Qwen2ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 176,
            "vocab_size": 107, "eos_token_id": 3
        })
    }

    fn parse(value: &Value) -> Result<ModelConfig, LocalError> {
        ModelConfig::parse(
            value.to_string().as_bytes(),
            Some(br#"{"eos_token_id":[5,3]}"#),
        )
    }

    #[test]
    fn defaults_follow_the_architecture() {
        let qwen = parse(&base()).unwrap();
        assert!(qwen.qkv_bias && !qwen.output_bias && !qwen.tied);
        assert_eq!((qwen.head_dim, qwen.eos), (32, vec![3, 5]));
        let mut llama = base();
        llama["architectures"] = serde_json::json!(["LlamaForCausalLM"]);
        assert!(!parse(&llama).unwrap().qkv_bias);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let with = |key: &str, value: Value| {
            let mut config = base();
            config[key] = value;
            parse(&config).unwrap_err().to_string()
        };
        assert!(with("architectures", serde_json::json!(["MambaForCausalLM"])).contains("Mamba"));
        assert!(with("rope_scaling", serde_json::json!({"type": "yarn"})).contains("yarn"));
        assert!(with("hidden_act", "gelu".into()).contains("gelu"));
        assert!(with("num_key_value_heads", 3.into()).contains("multiple"));
    }

    #[test]
    fn llama3_scaling_keeps_short_waves_and_stretches_long_ones() {
        let mut config = base();
        config["rope_theta"] = 500_000.0.into();
        config["rope_scaling"] = serde_json::json!({"rope_type": "llama3", "factor": 8.0,
            "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192});
        let scaled = parse(&config).unwrap();
        let plain = ModelConfig {
            rope_scaling: None,
            ..scaled.clone()
        };
        let (scaled, plain) = (scaled.inverse_frequencies(), plain.inverse_frequencies());
        assert_eq!(scaled[0], plain[0]);
        let last = plain.len() - 1;
        assert!((plain[last] / scaled[last] - 8.0).abs() < 1e-9);
    }
}
