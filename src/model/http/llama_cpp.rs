//! llama.cpp's own server: streaming `/completion` on a prompt rendered here.
//!
//! Streaming is needed for the tokens: in a single answer the server removes
//! entries from the end of the list of probabilities, sometimes a real one.

mod encode;
mod stream;
mod wire;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::encode::Encoded;
use self::stream::{Generated, Vocabulary};
use self::wire::{Models, Props, Templated};
use self::writer::Writer;
use super::client::HttpClient;
use crate::model::endpoint::{
    Capabilities, Endpoint, EndpointError, FailureKind, NoProgress, ProbeFuture, Progress,
    StepFuture, StepReply, StepRequest,
};
use crate::model::pool::ModelSpec;
use crate::model::prompt::Template;
use crate::model::retry::{Failure, Gate, GivenUp, Policy};
use crate::trace::record::{Continuation, Role, Usage, ValueKind};

/// Room a step must have left in the context, unless its own limit is lower.
const LEAST_ROOM: u32 = 32;
/// Rendered prompts that are remembered where the server renders them.
const MOST_RENDERED: usize = 256;

/// How an endpoint behaves beyond what the pool says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Alternatives a token comes with.
    pub top: u32,
    /// Most calls in flight.
    pub concurrency: usize,
    pub retries: Policy,
    /// How long the probe waits for a model to load.
    pub loading_at_start: std::time::Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: 5,
            concurrency: 8,
            retries: Policy::default(),
            loading_at_start: std::time::Duration::from_secs(600),
        }
    }
}

/// A model served by `llama-server`.
#[derive(Debug)]
pub struct LlamaCpp {
    name: String,
    model: Option<String>,
    client: HttpClient,
    template: Template,
    options: Options,
    gate: Gate,
    /// Context of one slot in tokens, from the pool or asked once.
    context: OnceCell<Option<u32>>,
    /// Prompts the server rendered, by question.
    rendered: Mutex<HashMap<String, String>>,
    vocabulary: Mutex<Vocabulary>,
    /// Whether the server turned out to have no `/tokenize`.
    no_tokenizer: AtomicBool,
}

impl LlamaCpp {
    /// An endpoint with the usual [`Options`].
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn new(spec: &ModelSpec, template: Template) -> Result<Self, EndpointError> {
        Self::with_options(spec, template, Options::default())
    }

    /// An endpoint with `options`.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn with_options(
        spec: &ModelSpec,
        template: Template,
        options: Options,
    ) -> Result<Self, EndpointError> {
        let client = HttpClient::new(spec, "llama.cpp")
            .map_err(|failure| failure.of(&spec.name, Vec::new()))?;
        Ok(Self {
            name: spec.name.clone(),
            model: spec.model.clone(),
            client,
            template,
            options,
            gate: Gate::new(options.concurrency),
            context: OnceCell::new_with(spec.context.map(Some)),
            rendered: Mutex::new(HashMap::new()),
            vocabulary: Mutex::new(Vocabulary::new()),
            no_tokenizer: AtomicBool::new(false),
        })
    }

    fn vocabulary(&self) -> MutexGuard<'_, Vocabulary> {
        lock(&self.vocabulary)
    }

    async fn write(
        &self,
        request: StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        let started = Instant::now();
        let again = |failure: &Failure| {
            if failure.kind == FailureKind::RateLimited {
                self.gate.narrow();
            }
            progress.restart();
        };
        let outcome = self
            .options
            .retries
            .run(request.role, again, || self.attempt(&request, progress))
            .await;
        let (written, mut attempts) = outcome.map_err(|given_up| self.given_up(given_up))?;
        self.gate.widen();
        attempts.extend(written.attempts);
        let coverage = match written.text.len() {
            0 => 1.0,
            bytes => written.covered as f64 / bytes as f64,
        };
        let valued = written.tokens.iter().any(|token| token.logprob.is_some());
        Ok(StepReply {
            text: written.text,
            tokens: written.tokens,
            coverage,
            // The values are the softmax of the logits before all samplers.
            values: if valued {
                ValueKind::LogprobPreTemperature
            } else {
                ValueKind::None
            },
            end: written.end,
            end_note: written.note,
            continuation: Continuation::Exact,
            usage: written.usage,
            attempts,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    async fn attempt(
        &self,
        request: &StepRequest,
        progress: &dyn Progress,
    ) -> Result<writer::Written, Failure> {
        let _pass = self.gate.pass().await;
        let mut prompt = self.render(&request.question).await?;
        prompt.push_str(&request.prefix);
        let encoded = self.encode(&prompt).await?;
        let budget = self.budget(&prompt, &encoded, request.max_tokens).await?;
        let writer = Writer {
            server: self,
            request,
            prompt: &prompt,
            encoded: &encoded,
            budget,
            progress,
        };
        writer.write().await
    }

    /// The prompt in front of the answer.
    async fn render(&self, question: &str) -> Result<String, Failure> {
        let Template::Local(template) = &self.template else {
            return self.render_there(question).await;
        };
        template
            .render(question)
            .map_err(|error| Failure::new(FailureKind::Configuration, error.to_string()))
    }

    async fn render_there(&self, question: &str) -> Result<String, Failure> {
        if let Some(prompt) = lock(&self.rendered).get(question) {
            return Ok(prompt.clone());
        }
        let body = json!({ "messages": [{ "role": "user", "content": question }] });
        let templated: Templated = self.client.post("/apply-template", &body).await?;
        let mut rendered = lock(&self.rendered);
        if rendered.len() >= MOST_RENDERED {
            rendered.clear();
        }
        rendered.insert(question.to_owned(), templated.prompt.clone());
        Ok(templated.prompt)
    }

    /// How many tokens the step may have so that it fits the context.
    async fn budget(&self, prompt: &str, encoded: &Encoded, wanted: u32) -> Result<u32, Failure> {
        let Some(context) = self.context().await? else {
            return Ok(wanted);
        };
        // A token has at least one byte (but for a beginning-of-sequence
        // token), so a short prompt needs no counting.
        let at_most = u64::try_from(prompt.len()).unwrap_or(u64::MAX);
        if at_most.saturating_add(u64::from(wanted) + 2) <= u64::from(context) {
            return Ok(wanted);
        }
        let used = match encoded.count {
            Some(count) => count,
            None => match self.tokenize(prompt).await? {
                Some(tokens) => u32::try_from(tokens.len()).unwrap_or(u32::MAX),
                None => return Ok(wanted),
            },
        };
        let room = context.saturating_sub(used);
        if room < LEAST_ROOM.min(wanted) {
            return Err(Failure::new(
                FailureKind::Context,
                format!(
                    "the prompt's {used} tokens and a step of {wanted} exceed the context of \
                     {context}; start the server with a larger --ctx-size"
                ),
            ));
        }
        Ok(room.min(wanted))
    }

    async fn context(&self) -> Result<Option<u32>, Failure> {
        let asked = self.context.get_or_try_init(|| async {
            match self.client.get::<Props>("/props").await {
                Ok(props) => Ok(props.default_generation_settings.n_ctx),
                // A proxy in front may not pass it on: the server will say so
                // itself when the context is full.
                Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                Err(failure) => Err(failure),
            }
        });
        asked.await.copied()
    }

    /// The server's version, where it tells.
    async fn version(&self) -> Option<String> {
        let props: Props = self.client.get("/props").await.ok()?;
        props.build_info.map(|build| format!("llama.cpp {build}"))
    }

    async fn examine(&self) -> Result<Capabilities, EndpointError> {
        let policy = Policy {
            loading: self.options.loading_at_start,
            ..self.options.retries
        };
        let outcome = policy
            .run(Role::Probe, |_| {}, || self.examine_once())
            .await;
        outcome
            .map(|(capabilities, attempts)| {
                let paid = attempts.iter().map(|attempt| attempt.usage);
                let usage = paid.fold(capabilities.usage, Usage::plus);
                Capabilities {
                    usage,
                    ..capabilities
                }
            })
            .map_err(|given_up| self.given_up(given_up))
    }

    async fn examine_once(&self) -> Result<Capabilities, Failure> {
        let _: Value = self.client.get("/health").await?;
        let context = self.context().await?;
        self.check_model().await?;
        let seen = self.try_out().await?;
        let version = self.version().await;
        let valued = seen.tokens.iter().any(|token| token.logprob.is_some());
        Ok(Capabilities {
            top: u32::try_from(seen.top).unwrap_or(u32::MAX),
            which_stop: seen.which_stop,
            cached_count: seen.usage.cached.is_some(),
            context,
            token_ids: !self.vocabulary().is_empty(),
            version,
            usage: seen.usage,
            ..Capabilities::bare(
                Continuation::Exact,
                if valued {
                    ValueKind::LogprobPreTemperature
                } else {
                    ValueKind::None
                },
            )
        })
    }

    /// Whether the server has the model the pool names.
    async fn check_model(&self) -> Result<(), Failure> {
        let Some(wanted) = &self.model else {
            return Ok(());
        };
        let models: Models = self.client.get("/v1/models").await?;
        let is_it = |name: &str| {
            // The default id is the path of the model file.
            name == wanted || name.rsplit(['/', '\\']).next() == Some(wanted.as_str())
        };
        let mut names = models
            .data
            .iter()
            .flat_map(|model| std::iter::once(&model.id).chain(model.aliases.iter().flatten()));
        if names.any(|name| is_it(name)) {
            return Ok(());
        }
        let served: Vec<&str> = models.data.iter().map(|model| model.id.as_str()).collect();
        Err(Failure::new(
            FailureKind::NotFound,
            format!(
                "model `{wanted}` is not served by {}; available: {}",
                self.client.site().url,
                served.join(", ")
            ),
        ))
    }

    /// A few tokens, to see what comes with them.
    async fn try_out(&self) -> Result<Generated, Failure> {
        let request = StepRequest {
            question: "What is 1 + 1?".to_owned(),
            prefix: String::new(),
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: 4,
            seed: 0,
            role: Role::Probe,
            affinity: String::new(),
        };
        let prompt = self.render(&request.question).await?;
        let writer = Writer {
            server: self,
            request: &request,
            prompt: &prompt,
            encoded: &self.encode(&prompt).await?,
            budget: request.max_tokens,
            progress: &NoProgress,
        };
        writer.sample().await
    }

    fn given_up(&self, given_up: GivenUp) -> EndpointError {
        given_up.failure.of(&self.name, given_up.attempts)
    }
}

impl Endpoint for LlamaCpp {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe(&self) -> ProbeFuture<'_> {
        Box::pin(self.examine())
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(self.write(request, progress))
    }
}

/// A panic elsewhere leaves these maps whole: they are only caches.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
