//! A model behind an HTTP server, whatever its dialect: one layer of retries,
//! a bound on the calls in flight, the context's arithmetic.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::client::HttpClient;
use super::dialect::{self, Base, Dialect, Prepared, Prompt};
use super::probe;
use super::writer::{Writer, Written};
use crate::model::endpoint::{
    Capabilities, Endpoint, EndpointError, FailureKind, ProbeFuture, Progress, StepFuture,
    StepReply, StepRequest,
};
use crate::model::pool::ModelSpec;
use crate::model::prompt::Template;
use crate::model::retry::{Failure, Gate, GivenUp, Policy};
use crate::trace::record::{Role, Token, ValueKind};

/// Room a step must have left in the context, unless its own limit is lower.
const LEAST_ROOM: u32 = 32;

/// Rendered templates that are remembered.
const MOST_HEADS: usize = 1024;

/// Alternatives a token of a judge: all ten digits are to be among them, with
/// and without a blank in front.
const JUDGE_TOP: u32 = 20;

/// How an endpoint behaves beyond what the pool says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Alternatives a token comes with.
    pub top: u32,
    /// Most calls in flight.
    pub concurrency: usize,
    pub retries: Policy,
    /// How long the probe waits for a model to load.
    pub loading_at_start: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: 5,
            concurrency: 8,
            retries: Policy::default(),
            loading_at_start: Duration::from_secs(600),
        }
    }
}

/// A model on a server.
#[derive(Debug)]
pub struct Served {
    name: String,
    base: Base,
    dialect: Box<dyn Dialect>,
    options: Options,
    gate: Gate,
    /// Context of one sequence in tokens, from the pool or asked once.
    context: OnceCell<Option<u32>>,
    /// Rendered templates, by question.
    heads: Mutex<HashMap<String, String>>,
    /// What the probe found.
    found: OnceCell<Capabilities>,
}

impl Served {
    /// An endpoint with the usual [`Options`]; see [`Served::with_options`].
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn new(spec: &ModelSpec, template: Option<Template>) -> Result<Self, EndpointError> {
        Self::with_options(spec, template, Options::default())
    }

    /// An endpoint that speaks the dialect of `spec.server`. Text routes need a
    /// `template`.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn with_options(
        spec: &ModelSpec,
        template: Option<Template>,
        options: Options,
    ) -> Result<Self, EndpointError> {
        let fail = |failure: Failure| failure.of(&spec.name, Vec::new());
        let (dialect, label) = dialect::of(spec, template.is_some()).map_err(fail)?;
        let client = HttpClient::new(&dialect::addressed(spec), label).map_err(fail)?;
        Ok(Self {
            name: spec.name.clone(),
            base: Base::new(spec, template, client),
            dialect,
            options,
            gate: Gate::new(options.concurrency),
            context: OnceCell::new_with(spec.context.map(Some)),
            heads: Mutex::default(),
            found: OnceCell::new(),
        })
    }

    async fn write(
        &self,
        request: StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        let started = Instant::now();
        let wanted = match request.role {
            Role::Judge => self.options.top.max(JUDGE_TOP),
            _ => self.options.top,
        };
        let (kind, top) = match self.dialect.traits().values {
            Some(kind) => (kind, wanted),
            // What the values are is not in any answer: the probe tells.
            None => {
                let found = self.examined().await?;
                // A server may give values and no alternatives: it is asked for one.
                let least = u32::from(found.values != ValueKind::None);
                (found.values, wanted.min(found.top.max(least)))
            }
        };
        let again = |failure: &Failure| {
            self.gate.heed(failure);
            progress.restart();
        };
        let attempt = || self.attempt(&request, kind, top, progress);
        let outcome = self.options.retries.run(request.role, again, attempt).await;
        let (written, mut attempts) = outcome.map_err(|given_up| self.given_up(given_up))?;
        self.gate.widen();
        attempts.extend(written.attempts);
        let coverage = match written.text.len() {
            0 => 1.0,
            bytes => written.covered as f64 / bytes as f64,
        };
        let valued = |token: &Token| token.logprob.is_some() || token.max_logit.is_some();
        Ok(StepReply {
            values: match written.tokens.iter().any(valued) {
                true => kind,
                false => ValueKind::None,
            },
            text: written.text,
            tokens: written.tokens,
            coverage,
            end: written.end,
            end_note: written.note,
            continuation: self.dialect.traits().continuation,
            usage: written.usage,
            attempts,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    async fn attempt(
        &self,
        request: &StepRequest,
        kind: ValueKind,
        top: u32,
        progress: &dyn Progress,
    ) -> Result<Written, Failure> {
        let _pass = self.gate.pass().await;
        let prompt = self.prompt(&request.question, &request.prefix).await?;
        let prepared = self.dialect.prepare(&self.base, &prompt).await?;
        let budget = self.budget(&prompt, &prepared, request.max_tokens).await?;
        let writer = Writer {
            dialect: self.dialect.as_ref(),
            base: &self.base,
            request,
            prompt: &prompt,
            prepared: &prepared,
            budget,
            top,
            kind,
            progress,
        };
        writer.write().await
    }

    async fn prompt(&self, question: &str, prefix: &str) -> Result<Prompt, Failure> {
        Ok(Prompt {
            head: self.head(question).await?,
            question: question.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The template around `question`, which is the same at every step.
    async fn head(&self, question: &str) -> Result<String, Failure> {
        if let Some(head) = self.heads().get(question) {
            return Ok(head.clone());
        }
        let head = self.dialect.head(&self.base, question).await?;
        let mut heads = self.heads();
        if heads.len() >= MOST_HEADS {
            heads.clear();
        }
        heads.insert(question.to_owned(), head.clone());
        Ok(head)
    }

    /// A panic elsewhere leaves the map whole: it is only a cache.
    fn heads(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tokens the step may have so that it fits the context.
    async fn budget(
        &self,
        prompt: &Prompt,
        prepared: &Prepared,
        wanted: u32,
    ) -> Result<u32, Failure> {
        let context = self
            .context
            .get_or_try_init(|| self.dialect.context(&self.base))
            .await?;
        let found = self.found.get().and_then(|found| found.context);
        let Some(context) = found.or(*context) else {
            return Ok(wanted);
        };
        // A token has at least one byte (but for a beginning-of-sequence
        // token), so a short prompt needs no counting.
        let bytes = prompt.head.len() + prompt.question.len() + prompt.prefix.len();
        let at_most = u64::try_from(bytes).unwrap_or(u64::MAX);
        if at_most.saturating_add(u64::from(wanted) + 2) <= u64::from(context) {
            return Ok(wanted);
        }
        let counted = match prepared.count {
            Some(count) => Some(count),
            None => self.dialect.count(&self.base, prompt).await?,
        };
        // A server that does not count refuses what is too long itself.
        let Some(used) = counted else {
            return Ok(wanted);
        };
        let room = context.saturating_sub(used);
        if room < LEAST_ROOM.min(wanted) {
            return Err(Failure::new(
                FailureKind::Context,
                format!(
                    "the prompt's {used} tokens and a step of {wanted} exceed the context of \
                     {context}; serve the model with a longer context"
                ),
            ));
        }
        Ok(room.min(wanted))
    }

    /// What the probe finds; asked once, unless it fails.
    async fn examined(&self) -> Result<&Capabilities, EndpointError> {
        self.found
            .get_or_try_init(|| async {
                let policy = Policy {
                    loading: self.options.loading_at_start,
                    ..self.options.retries
                };
                let examine = || probe::examine(self.dialect.as_ref(), &self.base);
                let outcome = policy.run(Role::Probe, |_| {}, examine).await;
                outcome
                    .map(|(found, failed)| Capabilities {
                        // What earlier tries took is not lost.
                        usage: failed
                            .iter()
                            .fold(found.usage, |sum, attempt| sum.plus(attempt.usage)),
                        ..found
                    })
                    .map_err(|given_up| self.given_up(given_up))
            })
            .await
    }

    fn given_up(&self, given_up: GivenUp) -> EndpointError {
        given_up.failure.of(&self.name, given_up.attempts)
    }
}

impl Endpoint for Served {
    fn name(&self) -> &str {
        &self.name
    }

    fn notice(&self) -> Option<String> {
        self.gate.notice(&self.base.client.site().url)
    }

    fn probe(&self) -> ProbeFuture<'_> {
        Box::pin(async {
            let known = self.found.initialized();
            let found = self.examined().await?.clone();
            if known {
                // Asked again: is it still there?
                let described = self.dialect.describe(&self.base).await;
                described.map_err(|failure| failure.of(&self.name, Vec::new()))?;
            }
            Ok(found)
        })
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(self.write(request, progress))
    }
}
