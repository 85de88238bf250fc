//! A local model as an [`Endpoint`].

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::LocalError;
use super::config::ModelConfig;
use super::embedded::embedded_weights;
use super::homes::Homes;
use super::reading::{self, Read, Reading, Unread};
use super::sample::TOP;
use super::sequence::{Event, Job};
use super::weights::WeightsSource;
use super::worker::{Command, Plan, start};
use crate::model::endpoint::{
    Capabilities, Endpoint, EndpointError, FailureKind, ProbeFuture, Progress, StepFuture,
    StepReply, StepRequest,
};
use crate::model::pool::ModelSpec;
use crate::model::scorer::step::{EncodeFuture, Encoded};
use crate::trace::record::{Continuation, ValueKind};

/// Renders a prompt from the bare question and the partial answer, special
/// tokens included; the error says what is wrong with the template.
pub type Render = Arc<dyn Fn(&str, &str) -> Result<String, String> + Send + Sync>;

/// A model in this process. Opening reads the configuration only; the weights
/// are loaded by a thread of their own at the first probe or step, and freed
/// when the endpoint is dropped.
pub struct LocalEndpoint {
    plan: Plan,
    render: Render,
    /// Threads with the model, started as they are needed: each computes on
    /// one core, with weights and a cache of its own.
    workers: Vec<OnceLock<Result<mpsc::Sender<Command>, String>>>,
    homes: Homes,
}

impl LocalEndpoint {
    /// Opens the Hugging Face folder named by `spec.model`.
    ///
    /// # Errors
    /// No folder given, a file missing, an architecture or setting that is not
    /// supported: each by name.
    pub fn open(spec: &ModelSpec, render: Render) -> Result<Self, LocalError> {
        let folder = named(spec, "`model` must give the folder of the checkpoint")?;
        let source = WeightsSource::Folder(PathBuf::from(folder));
        source.check_files()?;
        Self::from_source(spec, source, render)
    }

    /// Opens one of the models inside the binary: `spec.model` is `small` or
    /// `large`.
    ///
    /// # Errors
    /// This build does not carry the model.
    pub fn embedded(spec: &ModelSpec, render: Render) -> Result<Self, LocalError> {
        let which = named(spec, "`model` must be `small` or `large`")?;
        let files = embedded_weights(which).ok_or_else(|| LocalError::Spec {
            name: spec.name.clone(),
            message: format!("this build carries no embedded model {which:?}"),
        })?;
        Self::from_source(spec, files.into(), render)
    }

    /// Opens a model from wherever its files are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_source(
        spec: &ModelSpec,
        source: WeightsSource,
        render: Render,
    ) -> Result<Self, LocalError> {
        let config = source.config()?;
        let asked = spec.context.map_or(usize::MAX, |context| context as usize);
        Ok(Self {
            plan: Plan {
                name: spec.name.clone(),
                source,
                context: config.context.min(asked),
                config,
            },
            render,
            workers: vec![OnceLock::new()],
            homes: Homes::new(1),
        })
    }

    /// The endpoint with up to `workers` threads. Calls of one affinity go to
    /// the one where their prefix is cached, unless it is much busier than
    /// another; what they answer does not depend on which it is.
    #[must_use]
    pub fn with_workers(self, workers: usize) -> Self {
        Self {
            workers: (0..workers.max(1)).map(|_| OnceLock::new()).collect(),
            homes: Homes::new(workers),
            ..self
        }
    }

    /// Shape and constants of the network.
    pub fn config(&self) -> &ModelConfig {
        &self.plan.config
    }

    /// A worker, started at its first call.
    fn worker(&self, place: usize) -> Result<&mpsc::Sender<Command>, EndpointError> {
        let worker = self.workers[place]
            .get_or_init(|| start(self.plan.clone()).map_err(|error| error.to_string()));
        worker
            .as_ref()
            .map_err(|message| self.error(FailureKind::Configuration, message.clone()))
    }

    fn error(&self, kind: FailureKind, message: String) -> EndpointError {
        EndpointError {
            endpoint: self.plan.name.clone(),
            kind,
            message,
            attempts: Vec::new(),
        }
    }

    fn stopped(&self) -> EndpointError {
        let message = "the thread of the local model has stopped: restart the program";
        self.error(FailureKind::Server, message.to_owned())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            top: TOP as u32,
            which_stop: true,
            cached_count: true,
            context: u32::try_from(self.plan.context).ok(),
            ..Capabilities::bare(Continuation::Exact, ValueKind::RawLogit)
        }
    }

    /// Reads a step after what stands before it: how likely the model finds
    /// each of its tokens. `prefix` is as in [`StepRequest::prefix`].
    ///
    /// # Errors
    /// [`FailureKind::Context`] where it does not fit, else what keeps the
    /// model from running.
    pub async fn read_step(
        &self,
        question: &str,
        prefix: &str,
        step: &str,
        affinity: &str,
    ) -> Result<Read, EndpointError> {
        let prompt = self.rendered(question, prefix)?;
        self.read(prompt, step.to_owned(), affinity).await
    }

    /// Reads a question's prompt to its end: [`Read::hidden`] holds as many
    /// numbers as [`ModelConfig::hidden`].
    ///
    /// # Errors
    /// As [`LocalEndpoint::read_step`].
    pub async fn read_question(
        &self,
        question: &str,
        affinity: &str,
    ) -> Result<Read, EndpointError> {
        let prompt = self.rendered(question, "")?;
        self.read(prompt, String::new(), affinity).await
    }

    async fn read(
        &self,
        prompt: String,
        text: String,
        affinity: &str,
    ) -> Result<Read, EndpointError> {
        let stay = self.homes.enter(affinity);
        let (reply, answer) = oneshot::channel();
        let job = reading::Job {
            reading: Reading { prompt, text },
            reply,
        };
        let worker = self.worker(stay.worker)?;
        let sent = worker.send(Command::Read(Box::new(job))).await;
        sent.map_err(|_| self.stopped())?;
        let found = answer.await.map_err(|_| self.stopped())?;
        found.map_err(|unread| match unread {
            Unread::Context(message) => self.error(FailureKind::Context, message),
            Unread::Failed(message) => self.error(FailureKind::Configuration, message),
        })
    }

    fn rendered(&self, question: &str, prefix: &str) -> Result<String, EndpointError> {
        (self.render)(question, prefix)
            .map_err(|message| self.error(FailureKind::Configuration, message))
    }

    async fn generate(
        &self,
        request: StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        let started = Instant::now();
        let prompt = self.rendered(&request.question, &request.prefix)?;
        let (events, mut received) = mpsc::unbounded_channel();
        let stay = self.homes.enter(&request.affinity);
        let worker = self.worker(stay.worker)?;
        let job = Job {
            request,
            prompt,
            events,
            started,
        };
        let sent = worker.send(Command::Step(Box::new(job))).await;
        sent.map_err(|_| self.stopped())?;
        while let Some(event) = received.recv().await {
            match event {
                Event::Delta(text) => progress.delta(&text),
                Event::Restart => progress.restart(),
                Event::Done(result) => return *result,
            }
        }
        Err(self.stopped())
    }
}

fn named<'a>(spec: &'a ModelSpec, message: &str) -> Result<&'a str, LocalError> {
    spec.model.as_deref().ok_or_else(|| LocalError::Spec {
        name: spec.name.clone(),
        message: message.to_owned(),
    })
}

impl Endpoint for LocalEndpoint {
    fn weights(&self) -> Option<String> {
        super::fingerprint(&self.plan.source)
    }

    fn name(&self) -> &str {
        &self.plan.name
    }

    fn probe(&self) -> ProbeFuture<'_> {
        Box::pin(async move {
            let (reply, ready) = oneshot::channel();
            let sent = self.worker(0)?.send(Command::Ready(reply)).await;
            sent.map_err(|_| self.stopped())?;
            let loaded = ready.await.map_err(|_| self.stopped())?;
            loaded.map_err(|message| self.error(FailureKind::Configuration, message))?;
            Ok(self.capabilities())
        })
    }

    fn encode<'a>(&'a self, question: &'a str, affinity: &'a str) -> Option<EncodeFuture<'a>> {
        Some(Box::pin(async move {
            let started = Instant::now();
            let read = self.read_question(question, affinity).await?;
            Ok(Encoded {
                features: read.hidden,
                usage: read.usage,
                attempts: Vec::new(),
                seconds: started.elapsed().as_secs_f64(),
            })
        }))
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(self.generate(request, progress))
    }
}
