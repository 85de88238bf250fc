//! Safetensors to the tensors of the forward pass: f32, detached from any
//! graph, projections that read the same input fused, everything transposed to
//! `[in, out]` (see [`super::forward`] for why).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::LocalError;
use super::config::ModelConfig;

/// Where a model comes from.
#[derive(Debug, Clone)]
pub enum WeightsSource {
    /// A Hugging Face folder: `config.json`, `tokenizer.json`, and
    /// `model.safetensors` or `model.safetensors.index.json` with its shards.
    Folder(PathBuf),
    /// The same three files as bytes.
    Bytes {
        config: Cow<'static, [u8]>,
        tokenizer: Cow<'static, [u8]>,
        weights: Cow<'static, [u8]>,
    },
}

impl WeightsSource {
    /// The checked configuration. Cheap: reads no weights.
    ///
    /// # Errors
    /// A missing or unreadable file by path, an unsupported architecture.
    pub fn config(&self) -> Result<ModelConfig, LocalError> {
        match self {
            Self::Folder(folder) => {
                let config = read(&folder.join("config.json"))?;
                let generation = std::fs::read(folder.join("generation_config.json")).ok();
                ModelConfig::parse(&config, generation.as_deref())
            }
            Self::Bytes { config, .. } => ModelConfig::parse(config, None),
        }
    }

    /// Whether every file that loading will need is there.
    ///
    /// # Errors
    /// The first missing file, by path.
    pub fn check_files(&self) -> Result<(), LocalError> {
        let Self::Folder(folder) = self else {
            return Ok(());
        };
        let mut needed = shards(folder)?;
        needed.push(folder.join("tokenizer.json"));
        for path in needed {
            std::fs::metadata(&path).map_err(|source| LocalError::Read { path, source })?;
        }
        Ok(())
    }

    /// The bytes of `tokenizer.json`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tokenizer(&self) -> Result<Cow<'static, [u8]>, LocalError> {
        match self {
            Self::Folder(folder) => Ok(Cow::Owned(read(&folder.join("tokenizer.json"))?)),
            Self::Bytes { tokenizer, .. } => Ok(tokenizer.clone()),
        }
    }

    fn buffers(&self) -> Result<Vec<Cow<'static, [u8]>>, LocalError> {
        match self {
            Self::Folder(folder) => {
                let paths = shards(folder)?;
                paths
                    .iter()
                    .map(|path| read(path).map(Cow::Owned))
                    .collect()
            }
            Self::Bytes { weights, .. } => Ok(vec![weights.clone()]),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LocalError> {
    std::fs::read(path).map_err(|source| LocalError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The weight files of a folder.
pub(super) fn shards(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        return Ok(vec![folder.join("model.safetensors")]);
    }
    let parsed: Index =
        serde_json::from_slice(&read(&index)?).map_err(|error| LocalError::Config {
            file: index.display().to_string(),
            message: error.to_string(),
        })?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The weights of one transformer block.
pub struct Block {
    /// `[hidden]`
    pub attention_norm: Tensor,
    /// `[hidden, (heads + 2·kv_heads)·head_dim]`: queries, keys, values.
    pub qkv: Tensor,
    pub qkv_bias: Option<Tensor>,
    /// `[heads·head_dim, hidden]`
    pub output: Tensor,
    pub output_bias: Option<Tensor>,
    /// `[hidden]`
    pub mlp_norm: Tensor,
    /// `[hidden, 2·ffn]`: gate, up.
    pub gate_up: Tensor,
    /// `[ffn, hidden]`
    pub down: Tensor,
}

/// All weights of a model.
pub struct Weights {
    /// `[vocab, hidden]`; `None` where the head is tied: an embedding is then
    /// a column of the head, which saves the second copy.
    pub embedding: Option<Tensor>,
    pub blocks: Vec<Block>,
    /// `[hidden]`
    pub norm: Tensor,
    /// `[hidden, vocab]`
    pub head: Tensor,
}

impl Weights {
    /// Loads and checks every tensor.
    ///
    /// # Errors
    /// A missing tensor by name, a shape that does not fit the configuration,
    /// a number format other than f64, f32, f16 or bf16.
    pub fn load(source: &WeightsSource, config: &ModelConfig) -> Result<Self, LocalError> {
        let buffers = source.buffers()?;
        let files = buffers
            .iter()
            .map(|buffer| SafeTensors::deserialize(buffer))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| LocalError::Weights(error.to_string()))?;
        let loader = Loader { files };
        let (hidden, vocab) = (config.hidden, config.vocab);
        let embedding = loader.tensor("model.embed_tokens.weight", &[vocab, hidden])?;
        // A checkpoint that leaves the head out means a tied one.
        let tied = config.tied || !loader.has("lm_head.weight");
        let head = if tied {
            transpose(&embedding)?
        } else {
            transpose(&loader.tensor("lm_head.weight", &[vocab, hidden])?)?
        };
        let blocks = (0..config.layers)
            .map(|layer| loader.block(config, layer))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            embedding: (!tied).then_some(embedding),
            blocks,
            norm: loader.tensor("model.norm.weight", &[hidden])?,
            head,
        })
    }
}

fn transpose(tensor: &Tensor) -> Result<Tensor, LocalError> {
    Ok(tensor.t()?.contiguous()?)
}

struct Loader<'a> {
    files: Vec<SafeTensors<'a>>,
}

impl Loader<'_> {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.tensor(name).is_ok())
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LocalError> {
        let view = self
            .files
            .iter()
            .find_map(|file| file.tensor(name).ok())
            .ok_or_else(|| LocalError::MissingTensor(name.to_owned()))?;
        if view.shape() != shape {
            return Err(LocalError::Shape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        let dtype = match view.dtype() {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => {
                return Err(LocalError::Weights(format!(
                    "tensor {name} is stored as {other:?}: only f64, f32, f16 and bf16 are read"
                )));
            }
        };
        let tensor = Tensor::from_raw_buffer(view.data(), dtype, shape, &Device::Cpu)?;
        Ok(tensor.to_dtype(DType::F32)?)
    }

    /// Several projections of the same input side by side, `[in, Σ out]`.
    fn fused(&self, parts: &[(String, usize)], input: usize) -> Result<Tensor, LocalError> {
        let parts = parts
            .iter()
            .map(|(name, output)| self.tensor(&format!("{name}.weight"), &[*output, input]))
            .collect::<Result<Vec<_>, _>>()?;
        transpose(&Tensor::cat(&parts, 0)?)
    }

    fn fused_bias(&self, parts: &[(String, usize)]) -> Result<Tensor, LocalError> {
        let parts = parts
            .iter()
            .map(|(name, output)| self.tensor(&format!("{name}.bias"), &[*output]))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(&parts, 0)?)
    }

    fn block(&self, config: &ModelConfig, layer: usize) -> Result<Block, LocalError> {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (hidden, ffn) = (config.hidden, config.ffn);
        let (queries, keys) = (
            config.heads * config.head_dim,
            config.kv_heads * config.head_dim,
        );
        let qkv = [
            (name("self_attn.q_proj"), queries),
            (name("self_attn.k_proj"), keys),
            (name("self_attn.v_proj"), keys),
        ];
        let output = [(name("self_attn.o_proj"), hidden)];
        let gate_up = [(name("mlp.gate_proj"), ffn), (name("mlp.up_proj"), ffn)];
        let bias = |wanted: bool, parts: &[(String, usize)]| {
            wanted.then(|| self.fused_bias(parts)).transpose()
        };
        Ok(Block {
            attention_norm: self.tensor(&name("input_layernorm.weight"), &[hidden])?,
            qkv: self.fused(&qkv, hidden)?,
            qkv_bias: bias(config.qkv_bias, &qkv)?,
            output: self.fused(&output, queries)?,
            output_bias: bias(config.output_bias, &output)?,
            mlp_norm: self.tensor(&name("post_attention_layernorm.weight"), &[hidden])?,
            gate_up: self.fused(&gate_up, hidden)?,
            down: self.fused(&[(name("mlp.down_proj"), hidden)], ffn)?,
        })
    }
}
