//! Models that run inside this process: our own Qwen2 and Llama forward pass
//! in f32 on the CPU, from a Hugging Face folder or from bytes.
//!
//! ```text
//! endpoint   LocalEndpoint: hands requests to the worker, forwards its events
//! worker     a thread with the model: loads lazily, batches continuously
//! homes      which of several workers takes a call
//! scorers    what is made of them: a process-reward model, an encoder of questions
//! reading    likelihood of a given text, hidden state of a prompt
//! sequence   one request in generation: prompt, sampling, where the step ends
//! cache      key-value cache, slots matched by longest common prefix
//! forward    the network over a ragged batch · attention  one row over a cache
//! weights    safetensors to fused, transposed, detached tensors · config
//! text       tokenizer, incremental detokenisation, the step delimiter
//! sample     statistics of a row of logits, seeded sampling
//! ```
//!
//! **Reproducibility.** Every operation on a row of the batch gives the same
//! bits whatever the other rows are (see [`forward`]), so a request's tokens
//! and values depend on the request alone: not on concurrency, not on what the
//! cache held.

pub mod attention;
pub mod cache;
pub mod config;
pub mod embedded;
mod endpoint;
mod fingerprint;
pub mod forward;
mod homes;
mod reading;
pub mod sample;
pub mod scorers;
mod sequence;
pub mod text;
pub mod weights;
mod worker;

use std::path::PathBuf;

pub use endpoint::{LocalEndpoint, Render};
pub use fingerprint::fingerprint;
pub use reading::{Read, Reading};
pub use weights::WeightsSource;

/// Why a local model cannot be opened or run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{file} is not what was expected: {message}")]
    Config { file: String, message: String },
    #[error(
        "architecture {0:?} is not supported: use a Qwen2ForCausalLM or LlamaForCausalLM checkpoint"
    )]
    Architecture(String),
    #[error("the weights have no tensor {0}")]
    MissingTensor(String),
    #[error("tensor {name} has shape {found:?}, but config.json asks for {expected:?}")]
    Shape {
        name: String,
        expected: Vec<usize>,
        found: Vec<usize>,
    },
    #[error("the weights cannot be read: {0}")]
    Weights(String),
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    #[error("pool entry {name}: {message}")]
    Spec { name: String, message: String },
    #[error("the worker thread of {name} cannot be started: {source}")]
    Thread {
        name: String,
        source: std::io::Error,
    },
    #[error("computation failed: {0}")]
    Compute(#[from] candle_core::Error),
}
