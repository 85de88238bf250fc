//! Models as Hugging Face checkpoints, and the state of an interrupted run.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, View};
use serde_json::{Value, json};

use super::network::{CONTEXT, Layout, NORM_EPSILON, Network, ROPE_THETA, Shape};
use super::optimizer::Optimizer;
use crate::pair::vocabulary::{EOS, PAD, Vocabulary};

/// What can go wrong with files of a run.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: not a checkpoint of the pair: {reason}")]
    Content { path: PathBuf, reason: String },
}

impl CheckpointError {
    fn content(path: &Path, reason: impl ToString) -> Self {
        Self::Content {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Writes a file so that a reader sees the old or the new content, never half of it.
///
/// # Errors
/// Any failure to write or rename.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let fail = |source| CheckpointError::File {
        path: path.to_owned(),
        source,
    };
    let temporary = path.with_extension("partial");
    fs::write(&temporary, bytes).map_err(fail)?;
    fs::rename(&temporary, path).map_err(fail)
}

struct Tensor {
    bytes: Vec<u8>,
    dims: Vec<usize>,
}

impl Tensor {
    fn new(values: &[f32], dims: &[usize]) -> Self {
        Self {
            bytes: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            dims: dims.to_vec(),
        }
    }
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.dims
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn write_tensors(
    path: &Path,
    tensors: &[(String, Tensor)],
    note: HashMap<String, String>,
) -> Result<(), CheckpointError> {
    let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let bytes = safetensors::serialize(named, Some(note))
        .map_err(|error| CheckpointError::content(path, error))?;
    write_whole(path, &bytes)
}

/// Writes `model.safetensors`, `config.json` and `tokenizer.json` into `directory`.
///
/// # Errors
/// Any failure to write.
pub fn export(
    network: &Network,
    vocabulary: &Vocabulary,
    directory: &Path,
) -> Result<(), CheckpointError> {
    fs::create_dir_all(directory).map_err(|source| CheckpointError::File {
        path: directory.to_owned(),
        source,
    })?;
    let tensors: Vec<(String, Tensor)> = network
        .layout
        .parameters
        .iter()
        .map(|parameter| {
            let values = &network.weights[parameter.range.clone()];
            (parameter.name.clone(), Tensor::new(values, &parameter.dims))
        })
        .collect();
    let note = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write_tensors(&directory.join("model.safetensors"), &tensors, note)?;
    let pretty = |value: &Value| format!("{value:#}\n").into_bytes();
    write_whole(
        &directory.join("config.json"),
        &pretty(&config_json(&network.shape)),
    )?;
    write_whole(
        &directory.join("tokenizer.json"),
        &pretty(&vocabulary.tokenizer_json()),
    )
}

/// The `config.json` of a Hugging Face Qwen2 model of this shape.
#[must_use]
pub fn config_json(shape: &Shape) -> Value {
    json!({
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT,
        "max_window_layers": shape.layers,
        "sliding_window": null,
        "use_sliding_window": false,
        // The f32 constant prints as 9.999999974752427e-7 when widened.
        "rms_norm_eps": f64::from((NORM_EPSILON * 1e9).round()) / 1e9,
        "rope_theta": ROPE_THETA,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "tie_word_embeddings": true,
        "use_cache": true,
        "torch_dtype": "float32",
        "eos_token_id": EOS,
        "pad_token_id": PAD,
    })
}

/// Reads an exported model back.
///
/// # Errors
/// A file is missing or is not an export of the pair.
pub fn import(directory: &Path) -> Result<Network, CheckpointError> {
    let config_path = directory.join("config.json");
    let text = read(&config_path)?;
    let config: Value = serde_json::from_slice(&text)
        .map_err(|error| CheckpointError::content(&config_path, error))?;
    let size = |key: &str| -> Result<usize, CheckpointError> {
        let value = config[key]
            .as_u64()
            .and_then(|value| usize::try_from(value).ok());
        value.ok_or_else(|| CheckpointError::content(&config_path, format!("{key} is missing")))
    };
    let shape = Shape {
        vocabulary: size("vocab_size")?,
        hidden: size("hidden_size")?,
        layers: size("num_hidden_layers")?,
        heads: size("num_attention_heads")?,
        kv_heads: size("num_key_value_heads")?,
        head: size("head_dim")?,
        feed_forward: size("intermediate_size")?,
    };
    let path = directory.join("model.safetensors");
    let bytes = read(&path)?;
    let tensors =
        SafeTensors::deserialize(&bytes).map_err(|error| CheckpointError::content(&path, error))?;
    let layout = Layout::new(&shape);
    let mut weights = vec![0.0; shape.parameters()];
    for parameter in &layout.parameters {
        copy_tensor(
            &tensors,
            &parameter.name,
            &mut weights[parameter.range.clone()],
            &path,
        )?;
    }
    Ok(Network {
        shape,
        layout,
        weights,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    fs::read(path).map_err(|source| CheckpointError::File {
        path: path.to_owned(),
        source,
    })
}

fn copy_tensor(
    tensors: &SafeTensors<'_>,
    name: &str,
    out: &mut [f32],
    path: &Path,
) -> Result<(), CheckpointError> {
    let tensor = tensors
        .tensor(name)
        .map_err(|error| CheckpointError::content(path, error))?;
    if tensor.dtype() != Dtype::F32 || tensor.data().len() != 4 * out.len() {
        return Err(CheckpointError::content(
            path,
            format!("{name} has another type or shape"),
        ));
    }
    for (out, bytes) in out.iter_mut().zip(tensor.data().as_chunks::<4>().0) {
        *out = f32::from_le_bytes(*bytes);
    }
    Ok(())
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Steps made.
    pub step: u32,
    /// Tokens read.
    pub tokens: u64,
    /// Wall time, seconds, over all sessions of the run.
    pub seconds: f64,
}

/// Saves everything needed to go on with a run.
///
/// # Errors
/// Any failure to write.
pub fn save_state(
    path: &Path,
    network: &Network,
    optimizer: &Optimizer,
    progress: Progress,
) -> Result<(), CheckpointError> {
    let size = [network.weights.len()];
    let tensors = [
        ("weights".to_owned(), Tensor::new(&network.weights, &size)),
        ("first".to_owned(), Tensor::new(&optimizer.first, &size)),
        ("second".to_owned(), Tensor::new(&optimizer.second, &size)),
    ];
    let text = serde_json::to_string(&(progress, optimizer.updates))
        .map_err(|error| CheckpointError::content(path, error))?;
    write_tensors(
        path,
        &tensors,
        HashMap::from([("progress".to_owned(), text)]),
    )
}

/// Restores what [`save_state`] saved into a network and optimizer of the same shape.
///
/// # Errors
/// The file is missing or belongs to another shape.
pub fn load_state(
    path: &Path,
    network: &mut Network,
    optimizer: &mut Optimizer,
) -> Result<Progress, CheckpointError> {
    let bytes = read(path)?;
    let bad = |error: &dyn ToString| CheckpointError::content(path, error.to_string());
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| bad(&error))?;
    copy_tensor(&tensors, "weights", &mut network.weights, path)?;
    copy_tensor(&tensors, "first", &mut optimizer.first, path)?;
    copy_tensor(&tensors, "second", &mut optimizer.second, path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| bad(&error))?;
    let note = header
        .metadata()
        .as_ref()
        .and_then(|note| note.get("progress"));
    let note = note.ok_or_else(|| bad(&"no progress note"))?;
    let (progress, updates) = serde_json::from_str(note).map_err(|error| bad(&error))?;
    optimizer.updates = updates;
    Ok(progress)
}
