//! What a kind of server must know for us: how it is asked for a completion
//! and what it tells of itself. Everything else (retries, the step rules, the
//! probe) is the same for all of them.

pub(super) mod llama_cpp;
pub(super) mod ollama;
pub(super) mod openai;
pub(super) mod sglang;

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

use super::client::HttpClient;
use super::generated::Generated;
use crate::model::endpoint::{FailureKind, StepRequest};
use crate::model::pool::{ModelSpec, ServerKind};
use crate::model::prompt::{Template, TemplateError};
use crate::model::retry::Failure;
use crate::trace::record::{Continuation, Role, Usage, ValueKind};

pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Sees the text so far after every piece; says whether to end the call.
pub(super) type Watch<'w> = dyn FnMut(&str) -> bool + Send + 'w;

/// What every dialect has: one model on one server.
#[derive(Debug)]
pub(super) struct Base {
    /// The name the server knows the model by.
    pub model: Option<String>,
    pub client: HttpClient,
    /// `None` for chat routes, which are given messages.
    pub template: Option<Template>,
    /// Context length that the pool names.
    pub context: Option<u32>,
    /// Fields that the pool adds to every request.
    pub extra: Map<String, Value>,
}

impl Base {
    pub fn new(spec: &ModelSpec, template: Option<Template>, client: HttpClient) -> Self {
        Self {
            model: spec.model.clone(),
            client,
            template,
            context: spec.context,
            extra: spec.extra.clone(),
        }
    }

    /// `body` with the model's name, where there is one, and with what the
    /// pool adds.
    pub fn complete(&self, mut body: Value) -> Value {
        if let Some(fields) = body.as_object_mut() {
            if let Some(model) = &self.model {
                fields.insert("model".to_owned(), model.as_str().into());
            }
            let extra = self.extra.iter();
            fields.extend(extra.map(|(name, value)| (name.clone(), value.clone())));
        }
        body
    }
}

/// What a step goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    /// The template around the question; empty where the server is given
    /// messages.
    pub head: String,
    pub question: String,
    /// The partial answer, byte for byte.
    pub prefix: String,
}

impl Prompt {
    /// The whole prompt of a text route.
    pub fn text(&self) -> String {
        format!("{}{}", self.head, self.prefix)
    }

    /// The prompt with `more` behind the partial answer.
    pub fn with(&self, more: &str) -> Self {
        Self {
            prefix: format!("{}{more}", self.prefix),
            ..self.clone()
        }
    }
}

/// A prompt as the server takes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    /// Text, token ids or messages.
    pub body: Value,
    /// Tokens of it, where they were counted on the way.
    pub count: Option<u32>,
}

impl From<String> for Prepared {
    fn from(text: String) -> Self {
        Self {
            body: text.into(),
            count: None,
        }
    }
}

/// One completion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub prompt: &'a Prepared,
    /// Sampling, seed and the problem.
    pub request: &'a StepRequest,
    /// Most tokens.
    pub most: u32,
    /// Whether the server ends at the delimiter.
    pub stop: bool,
    /// Alternatives a token; 0 asks for no probabilities at all.
    pub top: u32,
    /// Whether somebody looks at the text as it comes.
    pub stream: bool,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Described {
    /// Context length in tokens.
    pub context: Option<u32>,
    pub version: Option<String>,
    /// What is odd.
    pub remarks: Vec<String>,
    /// What it took to find out, call by call.
    pub spent: Vec<Usage>,
}

/// What is known of a dialect before it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Traits {
    /// How it goes on from a partial answer.
    pub continuation: Continuation,
    /// What its values are; `None` where only the probe can tell, which then
    /// comes before the first step.
    pub values: Option<ValueKind>,
    /// Whether it can only be asked as a stream.
    pub streams_only: bool,
}

/// The dialect of a model's server and what messages call it.
///
/// # Errors
/// [`FailureKind::Configuration`]: a kind that is not reached over HTTP, or a
/// text route without a template.
pub(super) fn of(
    spec: &ModelSpec,
    templated: bool,
) -> Result<(Box<dyn Dialect>, &'static str), Failure> {
    use ServerKind::{
        Embedded, Litellm, LlamaCpp, Local, Ollama, Openai, OpenaiCompatible, Openrouter, Sglang,
        Vllm,
    };
    use openai::chat::{self, Chat};
    use openai::completions::{Completions, Flavour};
    let text = |dialect: Box<dyn Dialect>, label| match templated {
        true => Ok((dialect, label)),
        false => Err(Failure::new(
            FailureKind::Configuration,
            TemplateError::Missing.to_string(),
        )),
    };
    match spec.server {
        LlamaCpp => Ok((Box::<llama_cpp::LlamaCpp>::default(), "llama.cpp")),
        Vllm => text(Box::new(Completions::new(Flavour::Vllm)), "vLLM"),
        // A template says that there is a route for whole prompts.
        OpenaiCompatible | Litellm if templated => text(
            Box::new(Completions::new(Flavour::Plain)),
            spec.server.name(),
        ),
        OpenaiCompatible | Litellm | Openai | Openrouter => Ok((
            Box::new(Chat::new(chat::Kind::of(spec))),
            spec.server.name(),
        )),
        Sglang => text(Box::new(sglang::Sglang), "SGLang"),
        Ollama => text(Box::<ollama::Ollama>::default(), "Ollama"),
        Embedded | Local => Err(Failure::new(
            FailureKind::Configuration,
            format!("`{}` runs in this process: nobody is called", spec.server),
        )),
    }
}

/// `spec` with the address that its dialect's routes start from: servers with
/// routes of their own are often written with the version that OpenAI's begin
/// with.
pub(super) fn addressed(spec: &ModelSpec) -> ModelSpec {
    let root = matches!(
        spec.server,
        ServerKind::Vllm | ServerKind::Sglang | ServerKind::Ollama
    );
    let base_url = spec.base_url.as_deref().map(|url| {
        let url = url.trim_end_matches('/');
        let bare = url.strip_suffix("/v1").filter(|_| root);
        bare.unwrap_or(url).to_owned()
    });
    ModelSpec {
        base_url,
        ..spec.clone()
    }
}

/// How one kind of server is asked.
pub(super) trait Dialect: std::fmt::Debug + Send + Sync {
    /// What is known so far.
    fn traits(&self) -> Traits;

    /// Whether a call of that role is answered in whole: a chat that is asked
    /// for an opinion has nothing to go on from.
    fn writes_whole_replies(&self, _role: Role) -> bool {
        false
    }

    /// The template around `question`.
    fn head<'a>(&'a self, base: &'a Base, question: &'a str) -> Boxed<'a, String> {
        Box::pin(std::future::ready(rendered(base, question)))
    }

    /// The prompt as the server takes it.
    fn prepare<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared>;

    /// Tokens of the prompt; `None` where the server cannot say.
    fn count<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Option<u32>>;

    /// Context length in tokens, where it is known.
    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>>;

    /// Whether the server is there and has the model, and what it says of
    /// itself.
    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described>;

    /// One completion into `generated`, which holds what came also where the
    /// call fails. Dropping the future ends the generation.
    fn generate<'a>(
        &'a self,
        base: &'a Base,
        ask: Ask<'a>,
        generated: &'a mut Generated,
        watch: &'a mut Watch<'_>,
    ) -> Boxed<'a, ()>;
}

/// The template around `question`, rendered here.
pub(super) fn rendered(base: &Base, question: &str) -> Result<String, Failure> {
    match &base.template {
        Some(Template::Local(template)) => template
            .render(question)
            .map_err(|error| Failure::new(FailureKind::Configuration, error.to_string())),
        Some(Template::Server) | None => Ok(String::new()),
    }
}

/// The server does not have the model the pool names, but these.
fn not_served(base: &Base, wanted: &str, served: &[&str]) -> Failure {
    /// Most names in a message: a gateway has hundreds.
    const MOST: usize = 12;
    let mut available = served
        .iter()
        .take(MOST)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if served.len() > MOST {
        available = format!("{available} and {} more", served.len() - MOST);
    }
    Failure::new(
        FailureKind::NotFound,
        format!(
            "model `{wanted}` is not served by {}; available: {available}",
            base.client.site().url
        ),
    )
}

/// A seed that every server takes: 31 bits, since all ones of 32 mean "any" to
/// some and others refuse what is negative in 32 bits.
pub(super) fn seed32(seed: u64) -> u32 {
    let folded = (seed ^ (seed >> 32)) as u32;
    folded & (u32::MAX >> 1)
}
