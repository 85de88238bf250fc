//! From a pool to its endpoints.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{Endpoint, EndpointError, FailureKind};
use super::http::client::HttpClient;
use super::http::embeddings::Embeddings;
use super::http::guard::guarded;
use super::http::pooling::Pooling;
use super::http::served::{Options, Served};
use super::http::service::ServiceOptions;
use super::local::embedded::embedded_prm_head;
use super::local::scorers::LikelihoodPrm;
use super::local::{LocalEndpoint, Render};
use super::pool::{ModelSpec, Pool, ServerKind};
use super::prompt::{self, Template, TemplateError};
use super::retry::Again;
use super::scorer::judge::{Judge, JudgePrompt, Reading};
use super::scorer::step::{QuestionEncoder, StepScorer};
use crate::pair::trainer::judge::CUE;
use crate::trace::record::ModelFacts;

/// Makes one endpoint a model, in pool order. Nothing is loaded and nobody is
/// called before [`Endpoint::probe`] or [`Endpoint::step`].
///
/// `concurrency` is the most calls that will be in flight, where it is known:
/// an endpoint over HTTP lets that many through to its server.
///
/// # Errors
/// [`FailureKind::Configuration`] names the model that cannot be made.
pub fn build(
    pool: &Pool,
    concurrency: Option<usize>,
) -> Result<Vec<Arc<dyn Endpoint>>, EndpointError> {
    pool.models
        .iter()
        .map(|spec| Ok(guarded(spec, endpoint(spec, pool, concurrency)?)))
        .collect()
}

/// What the log keeps of the pool and its endpoints, in pool order: what the
/// pool file says, with the hashes of what it names.
///
/// # Errors
/// [`FailureKind::Configuration`]: a template file that cannot be read.
pub fn facts(
    pool: &Pool,
    endpoints: &[Arc<dyn Endpoint>],
) -> Result<Vec<ModelFacts>, EndpointError> {
    let described = pool.models.iter().zip(endpoints);
    described
        .map(|(spec, endpoint)| facts_of(spec, pool, endpoint.as_ref()))
        .collect()
}

/// The endpoint of a scorer of the pool, and what the log keeps of it. As with
/// [`build`] nobody is called.
///
/// # Errors
/// [`FailureKind::Configuration`] names the scorer that cannot be made.
pub fn scorer(
    spec: &ModelSpec,
    pool: &Pool,
    concurrency: Option<usize>,
) -> Result<(Arc<dyn Endpoint>, ModelFacts), EndpointError> {
    let endpoint = guarded(spec, endpoint(spec, pool, concurrency)?);
    let facts = facts_of(spec, pool, endpoint.as_ref())?;
    Ok((endpoint, facts))
}

/// The process reward model of the pool's `[prm]`, and what the log keeps of
/// it. Nobody is called.
///
/// # Errors
/// [`FailureKind::Configuration`].
pub fn reward_model(
    spec: &ModelSpec,
    pool: &Pool,
    concurrency: Option<usize>,
) -> Result<(Arc<dyn StepScorer>, ModelFacts), EndpointError> {
    if spec.server == ServerKind::Embedded {
        return embedded_prm(spec, pool, concurrency);
    }
    let scorer = Pooling::with_options(spec, service_options(concurrency))?;
    Ok((Arc::new(scorer), ModelFacts::from(spec)))
}

/// The pair's process-reward model: its large model's likelihoods, through the
/// head that was fitted on them.
fn embedded_prm(
    spec: &ModelSpec,
    pool: &Pool,
    concurrency: Option<usize>,
) -> Result<(Arc<dyn StepScorer>, ModelFacts), EndpointError> {
    let refuse = |message| refusal(spec, message);
    let head = embedded_prm_head().map_err(|error| refuse(error.to_string()))?;
    let render = local_render(spec, pool).map_err(refuse)?;
    let endpoint = LocalEndpoint::embedded(spec, render)
        .map_err(|error| refuse(error.to_string()))?
        .with_workers(copies(concurrency));
    let prm = LikelihoodPrm::new(endpoint, head).map_err(refuse)?;
    let facts = ModelFacts {
        weights: prm.fingerprint(),
        ..ModelFacts::from(spec)
    };
    Ok((Arc::new(prm), facts))
}

/// The judge of the pool's `[judge]`, or else its most capable model as a
/// judge, and what the log keeps of it. The pair's own judge is asked as it was
/// taught to be. Nobody is called.
///
/// # Errors
/// [`FailureKind::Configuration`].
pub fn judge(
    pool: &Pool,
    last: (&Arc<dyn Endpoint>, &ModelFacts),
    reading: Reading,
    concurrency: Option<usize>,
) -> Result<(Arc<dyn StepScorer>, ModelFacts), EndpointError> {
    let Some(spec) = &pool.scorers.judge else {
        let (endpoint, facts) = last;
        let judge = Judge::new(Arc::clone(endpoint)).with_reading(reading);
        return Ok((Arc::new(judge), facts.clone()));
    };
    let (endpoint, facts) = scorer(spec, pool, concurrency)?;
    let taught = spec.server == ServerKind::Embedded && spec.model.as_deref() == Some("judge");
    let prompt = match taught {
        true => JudgePrompt::Continue {
            suffix: CUE.to_owned(),
            max_tokens: TAUGHT_TOKENS,
        },
        false => JudgePrompt::Instruct,
    };
    let judge = Judge::new(endpoint)
        .with_prompt(prompt)
        .with_reading(reading);
    Ok((Arc::new(judge), facts))
}

/// Most tokens of an answer of the pair's judge.
const TAUGHT_TOKENS: u32 = 120;

/// The encoder of the pool's `[embeddings]`, and what the log keeps of it.
/// Nobody is called.
///
/// # Errors
/// [`FailureKind::Configuration`].
pub fn encoder(
    spec: &ModelSpec,
    concurrency: Option<usize>,
) -> Result<(Arc<dyn QuestionEncoder>, ModelFacts), EndpointError> {
    let encoder = Embeddings::with_options(spec, service_options(concurrency))?;
    Ok((Arc::new(encoder), ModelFacts::from(spec)))
}

/// Why a server does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It says that its model is still being loaded.
    Loading(String),
    /// Nobody listens there.
    Unreachable(String),
}

/// Why the server of `spec` does not answer, where it can be known in a moment.
pub async fn silence(spec: &ModelSpec) -> Option<Silence> {
    let mut spec = spec.clone();
    // The route is not below `/v1`, where some addresses end.
    spec.base_url = spec.base_url.map(|url| {
        let root = url.trim_end_matches('/');
        root.strip_suffix("/v1").unwrap_or(root).to_owned()
    });
    let client = HttpClient::new(&spec, spec.server.name()).ok()?;
    let asked = client.get::<serde::de::IgnoredAny>("/health");
    match tokio::time::timeout(MOMENT, asked).await {
        Ok(Err(failure)) if failure.again == Again::Loading => {
            Some(Silence::Loading(failure.message))
        }
        Ok(Err(failure)) if failure.kind == FailureKind::Unreachable => {
            Some(Silence::Unreachable(failure.message))
        }
        _ => None,
    }
}

/// How long a server is given to say that it is loading.
const MOMENT: Duration = Duration::from_secs(2);

fn service_options(concurrency: Option<usize>) -> ServiceOptions {
    let mut options = ServiceOptions::default();
    options.concurrency = concurrency.unwrap_or(options.concurrency);
    options
}

fn facts_of(
    spec: &ModelSpec,
    pool: &Pool,
    endpoint: &dyn Endpoint,
) -> Result<ModelFacts, EndpointError> {
    let template_sha256 = prompt::file_sha256(spec, folder(pool))
        .map_err(|error| refusal(spec, error.to_string()))?;
    Ok(ModelFacts {
        template_sha256,
        weights: endpoint.weights(),
        ..ModelFacts::from(spec)
    })
}

fn refusal(spec: &ModelSpec, message: String) -> EndpointError {
    EndpointError {
        endpoint: spec.name.clone(),
        kind: FailureKind::Configuration,
        message,
        attempts: Vec::new(),
    }
}

fn endpoint(
    spec: &ModelSpec,
    pool: &Pool,
    concurrency: Option<usize>,
) -> Result<Arc<dyn Endpoint>, EndpointError> {
    let refuse = |message| refusal(spec, message);
    match spec.server {
        ServerKind::Embedded | ServerKind::Local => {
            let render = local_render(spec, pool).map_err(&refuse)?;
            let opened = match spec.server {
                ServerKind::Embedded => LocalEndpoint::embedded(spec, render)
                    .map(|endpoint| endpoint.with_workers(copies(concurrency))),
                _ => LocalEndpoint::open(spec, render),
            };
            Ok(Arc::new(opened.map_err(|error| refuse(error.to_string()))?))
        }
        _ => {
            let template = match template_of(spec, pool) {
                Ok(template) => Some(template),
                // A chat route is given messages.
                Err(TemplateError::Missing) => None,
                Err(error) => return Err(refuse(error.to_string())),
            };
            let mut options = Options::default();
            options.concurrency = concurrency.unwrap_or(options.concurrency);
            Ok(Arc::new(Served::with_options(spec, template, options)?))
        }
    }
}

/// How many cores an embedded model may keep busy: it is small enough to be
/// held once a core. One call at a time needs one.
fn copies(concurrency: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    concurrency.unwrap_or(1).min(cores)
}

fn template_of(spec: &ModelSpec, pool: &Pool) -> Result<Template, TemplateError> {
    Template::for_spec(spec, folder(pool))
}

/// Where relative paths of the pool file start.
fn folder(pool: &Pool) -> Option<&Path> {
    pool.path.as_deref().and_then(Path::parent)
}

/// A local model's prompts are always rendered here.
fn local_render(spec: &ModelSpec, pool: &Pool) -> Result<Render, String> {
    match template_of(spec, pool).map_err(|error| error.to_string())? {
        Template::Local(template) => Ok(Arc::new(move |question: &str, prefix: &str| {
            template
                .prompt(question, prefix)
                .map_err(|error| error.to_string())
        })),
        Template::Server => {
            Err("a model in this process has no server to render its template".into())
        }
    }
}
