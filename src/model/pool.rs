//! The pool file: which models there are, cheapest and weakest first.

use std::path::PathBuf;

use serde::Deserialize;

use crate::trace::record::{PriceFacts, Sampling};

/// A checked pool of two or more models in order of cost and capability.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Where it was read from; `None` for the embedded pair.
    pub path: Option<PathBuf>,
    pub sampling: Sampling,
    pub models: Vec<ModelSpec>,
}

/// The dialect an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// One of the two models inside the binary.
    Embedded,
    /// Safetensors in a local folder.
    Local,
    LlamaCpp,
    Vllm,
    Sglang,
    Ollama,
    Openai,
    OpenaiCompatible,
    Openrouter,
    Litellm,
}

/// One `[[model]]` of the pool file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    pub name: String,
    pub server: ServerKind,
    #[serde(default)]
    pub base_url: Option<String>,
    /// The name the server knows it by; for `local` the folder; for
    /// `embedded` `small` or `large`.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub params: Option<f64>,
    /// A built-in template's name, a path to a minijinja file, or `server`.
    #[serde(default)]
    pub template: Option<String>,
    /// Name of the environment variable that holds the key; never the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    #[serde(default)]
    pub price: Option<PriceFacts>,
    /// Context length in tokens where the server does not tell.
    #[serde(default)]
    pub context: Option<u32>,
    /// Seconds without a byte before a call is given up; default 120.
    #[serde(default)]
    pub timeout: Option<f64>,
}
