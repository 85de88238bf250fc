//! The pool file: which models there are, cheapest and weakest first.

mod key;
mod read;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::scorer::GradeMode;
use crate::trace::record::{Continuation, ModelFacts, PriceFacts, Sampling};

pub use key::KeyCommand;
pub use table::nearest;

/// A checked pool of two or more models in order of cost and capability.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Where it was read from; `None` for the embedded pair.
    pub path: Option<PathBuf>,
    pub sampling: Sampling,
    pub models: Vec<ModelSpec>,
    /// Models that score steps instead of writing them.
    pub scorers: Scorers,
    /// Who grades, where the file says so: with a `[grader]` table always.
    pub grading: Option<GradeMode>,
    /// What is odd but no error: unknown costs, mixed currencies.
    pub warnings: Vec<String>,
}

/// The optional `[judge]`, `[prm]`, `[verifier]`, `[grader]` and
/// `[embeddings]` tables.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scorers {
    pub judge: Option<ModelSpec>,
    pub prm: Option<ModelSpec>,
    pub verifier: Option<ModelSpec>,
    pub grader: Option<ModelSpec>,
    /// The encoder of questions, for query routers.
    pub embeddings: Option<ModelSpec>,
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

impl ServerKind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [Self; 10] = [
        Self::Embedded,
        Self::Local,
        Self::LlamaCpp,
        Self::Vllm,
        Self::Sglang,
        Self::Ollama,
        Self::Openai,
        Self::OpenaiCompatible,
        Self::Openrouter,
        Self::Litellm,
    ];

    /// The name in pool files and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Local => "local",
            Self::LlamaCpp => "llama-cpp",
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::Ollama => "ollama",
            Self::Openai => "openai",
            Self::OpenaiCompatible => "openai-compatible",
            Self::Openrouter => "openrouter",
            Self::Litellm => "litellm",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is reached over HTTP.
    pub fn is_http(self) -> bool {
        !matches!(self, Self::Embedded | Self::Local)
    }

    /// The address used where the pool names none: only for the services
    /// that have one.
    pub fn default_url(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Openrouter => Some("https://openrouter.ai/api/v1"),
            _ => None,
        }
    }
}

impl std::fmt::Display for ServerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
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
    /// The program that prints the key, with its arguments; run at first use.
    #[serde(default)]
    pub api_key_command: Option<KeyCommand>,
    /// The header that the bare key is sent in; `Authorization: Bearer` where
    /// there is none.
    #[serde(default)]
    pub api_key_header: Option<String>,
    #[serde(default)]
    pub price: Option<PriceFacts>,
    /// Context length in tokens where the server does not tell.
    #[serde(default)]
    pub context: Option<u32>,
    /// Seconds without a byte before a call is given up; default 120.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// How the model is made to go on from a partial answer: `emulated` accepts
    /// a chat route that is talked into it, `exact` refuses one.
    #[serde(default)]
    pub continuation: Option<Continuation>,
    /// Fields added to the body of every request for a step: what a server or
    /// a gateway knows beyond what is sent anyway.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl ModelSpec {
    /// A model with nothing but its name and its kind.
    pub fn new(name: impl Into<String>, server: ServerKind) -> Self {
        Self {
            name: name.into(),
            server,
            base_url: None,
            model: None,
            params: None,
            template: None,
            api_key_env: None,
            api_key_command: None,
            api_key_header: None,
            price: None,
            context: None,
            timeout: None,
            continuation: None,
            extra: serde_json::Map::new(),
        }
    }
}

impl From<&ModelSpec> for ModelFacts {
    fn from(spec: &ModelSpec) -> Self {
        Self {
            name: spec.name.clone(),
            server: spec.server.name().to_owned(),
            model: spec.model.clone(),
            params: spec.params,
            price: spec.price.clone(),
            template: spec.template.clone(),
            template_sha256: None,
            continuation: spec.continuation,
            context: spec.context,
            extra: spec.extra.clone(),
            weights: None,
        }
    }
}

/// Why a pool file cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PoolError {
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// A place in the file; `line` and `column` count from 1, `column` in
    /// characters.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        path: PathBuf,
        line: usize,
        column: usize,
        /// The key or table concerned, empty for a syntax error.
        key: String,
        message: String,
    },
}

impl Pool {
    /// Reads and checks a pool file.
    pub fn load(path: &Path) -> Result<Self, PoolError> {
        let unreadable = |reason: String| PoolError::Unreadable {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path)
            .map_err(|error| unreadable(format!("cannot read the pool file: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            unreadable(format!("not UTF-8 text (byte {at}): is this a pool file?"))
        })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a pool file; `path` is only for messages and for
    /// [`Pool::path`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, PoolError> {
        read::pool(text, path)
    }

    /// The pair of models inside the binary, with its scorers.
    pub fn embedded() -> Self {
        let model = |name: &str, model: &str, params: f64| ModelSpec {
            model: Some(model.to_owned()),
            params: Some(params),
            template: Some(super::prompt::PAIR.to_owned()),
            ..ModelSpec::new(name, ServerKind::Embedded)
        };
        Self {
            path: None,
            sampling: Sampling {
                temperature: 0.7,
                max_tokens: 160,
                max_steps: 20,
                ..Sampling::default()
            },
            models: vec![
                model("embedded-small", "small", 99_968.0),
                model("embedded-large", "large", 938_752.0),
            ],
            scorers: Scorers {
                judge: Some(model("embedded-judge", "judge", 938_752.0)),
                prm: Some(model("embedded-prm", "large", 938_752.0)),
                ..Scorers::default()
            },
            grading: None,
            warnings: Vec::new(),
        }
    }

    /// The model that grades where one does: the `[grader]`, else the most
    /// capable of the pool.
    pub fn grader(&self) -> Option<&ModelSpec> {
        self.scorers.grader.as_ref().or(self.models.last())
    }

    /// The model that judges steps for whoever asks: the `[judge]`, else the
    /// most capable of the pool.
    pub fn judge(&self) -> Option<&ModelSpec> {
        self.scorers.judge.as_ref().or(self.models.last())
    }

    /// The model that verifies steps for whoever asks: the `[verifier]`, else
    /// the most capable of the pool.
    pub fn verifier(&self) -> Option<&ModelSpec> {
        self.scorers.verifier.as_ref().or(self.models.last())
    }

    /// The unit in which the whole pool can be compared: the one currency all
    /// models are priced in, else `flops` where all parameters are known,
    /// else nothing.
    pub fn cost_unit(&self) -> Option<String> {
        let mut currencies = self.models.iter().map(|model| model.price.as_ref());
        if let Some(Some(first)) = currencies.next()
            && currencies.all(|price| price.is_some_and(|p| p.currency == first.currency))
        {
            return Some(first.currency.clone());
        }
        self.models
            .iter()
            .all(|model| model.params.is_some())
            .then(|| "flops".to_owned())
    }
}
