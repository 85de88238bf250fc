//! What llama.cpp's server says. Every field may be missing.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::endpoint::DELIMITER;
use crate::model::http::dialect::{Ask, seed32};

/// One event of a streamed `/completion`, or its whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    pub content: Option<String>,
    pub tokens: Option<Vec<i64>>,
    pub stop: Option<bool>,
    pub stop_type: Option<String>,
    pub truncated: Option<bool>,
    pub tokens_predicted: Option<u64>,
    pub tokens_evaluated: Option<u64>,
    pub timings: Option<Timings>,
    pub completion_probabilities: Option<Vec<Entry>>,
    pub error: Option<Value>,
}

/// Counts of tokens; `prompt_n` leaves out the `cache_n` reused ones.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timings {
    pub cache_n: Option<u64>,
    pub prompt_n: Option<u64>,
    pub predicted_n: Option<u64>,
}

/// A token with its probability.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub id: Option<i64>,
    pub token: Option<String>,
    pub bytes: Option<Vec<u8>>,
    pub logprob: Option<f32>,
    pub top_logprobs: Option<Vec<Entry>>,
}

impl Entry {
    /// The bytes shown: the token's own, or the text where there are none.
    pub fn shown(&self) -> Vec<u8> {
        match (&self.bytes, &self.token) {
            (Some(bytes), _) if !bytes.is_empty() => bytes.clone(),
            (_, Some(text)) => text.clone().into_bytes(),
            _ => Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Props {
    pub build_info: Option<String>,
    pub default_generation_settings: GenerationSettings,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct GenerationSettings {
    pub n_ctx: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Models {
    pub data: Vec<ModelEntry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelEntry {
    pub id: String,
    pub aliases: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tokenized {
    pub tokens: Vec<Tokened>,
}

/// A token of `/tokenize`: with its text where the server knows to give it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Tokened {
    Piece {
        id: i64,
        piece: Value,
    },
    /// A server too old for pieces: the id alone, which is only counted.
    Bare(serde::de::IgnoredAny),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Templated {
    pub prompt: String,
}

/// The body of a `/completion`. The server's defaults are not neutral
/// (temperature 0.8, top_k 40, min_p 0.05 …), so every sampler is named.
pub(super) fn completion(ask: Ask<'_>) -> Value {
    let request = ask.request;
    let stop: &[&str] = if ask.stop { &[DELIMITER] } else { &[] };
    json!({
        "prompt": ask.prompt.body,
        "n_predict": ask.most,
        "stop": stop,
        "stream": true,
        "cache_prompt": true,
        "return_tokens": true,
        // Counts in every event, so that a cut stream has its usage too.
        "timings_per_token": true,
        "n_probs": ask.top,
        "post_sampling_probs": false,
        "seed": seed32(request.seed),
        "samplers": ["temperature", "top_p"],
        "temperature": request.temperature,
        "dynatemp_range": 0.0,
        "top_k": 0,
        "top_p": request.top_p,
        "min_p": 0.0,
        "typical_p": 1.0,
        "top_n_sigma": -1.0,
        "xtc_probability": 0.0,
        "repeat_last_n": 0,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "dry_multiplier": 0.0,
        "mirostat": 0,
        "ignore_eos": false,
    })
}
