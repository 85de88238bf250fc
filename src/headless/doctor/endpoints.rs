//! Asking the endpoints of a pool file, each by itself: one that cannot be made
//! or reached says so and leaves the others alone.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::headless::solve::bar;
use crate::model::catalog::{self, Silence};
use crate::model::endpoint::{Capabilities, EndpointError};
use crate::model::pool::{ModelSpec, Pool};
use crate::model::scorer::step::Ready;
use crate::trace::record::{GRADER, JUDGE, ModelFacts, PRM, Usage, VERIFIER};

/// Role of a model that writes steps.
pub const MODEL: &str = "model";
/// Role of the pool's encoder of questions.
pub const EMBEDDINGS: &str = "embeddings";

/// Whether an endpoint can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ready,
    /// Its model was still loading when the time was up.
    Loading,
    Failed,
}

/// The variable that holds an endpoint's key; the key itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    pub variable: String,
    pub set: bool,
}

/// What was found of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Endpoint {
    pub name: String,
    /// `model`, or the table of the pool file: `prm`, `judge`, `verifier`,
    /// `grader`, `embeddings`.
    pub role: &'static str,
    /// Place of a model in the pool, from 1 for the cheapest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    pub server: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    pub state: State,
    /// Why it cannot be used, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of models that write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// What a scorer said to an example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What the probe took; of one that failed what is known of it.
    pub usage: Usage,
    pub seconds: f64,
    /// What the log would keep of it.
    #[serde(skip)]
    pub facts: ModelFacts,
}

/// Asks everybody in the pool file at the same time, each for `limit` at most.
pub async fn ask(pool: &Pool, limit: Duration, quiet: bool) -> Vec<Endpoint> {
    let scorers = &pool.scorers;
    let tables = [
        (JUDGE, &scorers.judge),
        (PRM, &scorers.prm),
        (VERIFIER, &scorers.verifier),
        (GRADER, &scorers.grader),
        (EMBEDDINGS, &scorers.embeddings),
    ];
    let models = pool.models.iter().zip(1..);
    let models = models.map(|(spec, place)| (MODEL, Some(place), spec));
    let tables = tables
        .into_iter()
        .filter_map(|(role, spec)| Some((role, None, spec.as_ref()?)));
    let asked: Vec<(&'static str, Option<usize>, &ModelSpec)> = models.chain(tables).collect();
    let bar = bar(asked.len(), quiet);
    let answers = asked.into_iter().map(|(role, place, spec)| {
        let bar = &bar;
        async move {
            let found = one(pool, role, spec, limit).await;
            tell(bar, &found);
            Endpoint { place, ..found }
        }
    });
    let found = join_all(answers).await;
    bar.finish_and_clear();
    found
}

fn tell(bar: &ProgressBar, found: &Endpoint) {
    bar.set_message(format!("{} answered", found.name));
    bar.inc(1);
}

/// Makes one endpoint and asks it.
async fn one(pool: &Pool, role: &'static str, spec: &ModelSpec, limit: Duration) -> Endpoint {
    let started = Instant::now();
    let mut found = Endpoint {
        name: spec.name.clone(),
        role,
        place: None,
        server: spec.server.name(),
        base_url: spec.base_url.clone(),
        model: spec.model.clone(),
        key: spec.api_key_env.as_ref().map(|variable| Key {
            variable: variable.clone(),
            set: std::env::var_os(variable).is_some_and(|value| !value.is_empty()),
        }),
        state: State::Ready,
        error: None,
        capabilities: None,
        said: None,
        usage: Usage::default(),
        seconds: 0.0,
        facts: ModelFacts::from(spec),
    };
    let answer = match role {
        PRM => match catalog::reward_model(spec, pool, Some(1)) {
            Ok((scorer, facts)) => {
                found.facts = facts;
                within(limit, spec, scorer.probe()).await
            }
            Err(error) => Answer::failed(error),
        },
        EMBEDDINGS => match catalog::encoder(spec, Some(1)) {
            Ok((encoder, facts)) => {
                found.facts = facts;
                within(limit, spec, encoder.probe()).await
            }
            Err(error) => Answer::failed(error),
        },
        // Whatever its role, it is asked by way of an endpoint.
        _ => match catalog::scorer(spec, pool, Some(1)) {
            Ok((endpoint, facts)) => {
                found.facts = facts;
                let probe = async { endpoint.probe().await.map(Ready::from) };
                within(limit, spec, probe).await
            }
            Err(error) => Answer::failed(error),
        },
    };
    found.seconds = started.elapsed().as_secs_f64();
    match answer {
        Answer::Ready(ready) => {
            found.usage = ready.usage;
            found.capabilities = ready.capabilities;
            found.said = ready.said;
        }
        Answer::Failed(state, error, usage) => {
            found.state = state;
            found.error = Some(error);
            found.usage = usage;
        }
    }
    found
}

/// What came of asking.
enum Answer {
    Ready(Ready),
    Failed(State, String, Usage),
}

impl Answer {
    fn failed(error: EndpointError) -> Self {
        let paid = error.attempts.iter().map(|attempt| attempt.usage);
        let usage = paid.reduce(Usage::plus).unwrap_or_default();
        Self::Failed(State::Failed, error.message, usage)
    }
}

/// Waits for an answer; where none comes in time, whether the model is still
/// being loaded decides what is said.
async fn within(
    limit: Duration,
    spec: &ModelSpec,
    probe: impl Future<Output = Result<Ready, EndpointError>>,
) -> Answer {
    match tokio::time::timeout(limit, probe).await {
        Ok(Ok(ready)) => Answer::Ready(ready),
        Ok(Err(error)) => Answer::failed(error),
        Err(_) => {
            let seconds = limit.as_secs_f64();
            let (state, message) = match catalog::silence(spec).await {
                Some(Silence::Loading(message)) => (
                    State::Loading,
                    format!("{message} ({seconds} s were waited; `--timeout` waits longer)"),
                ),
                // The probe tried again and again.
                Some(Silence::Unreachable(message)) => (State::Failed, message),
                None => (
                    State::Failed,
                    format!(
                        "no answer to the probe in {seconds} s: look at the server's log, or give \
                         it longer by `--timeout`"
                    ),
                ),
            };
            Answer::Failed(state, message, Usage::default())
        }
    }
}
