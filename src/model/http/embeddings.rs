//! The embeddings route that OpenAI began and most servers have.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::dialect::openai::route;
use super::service::{PromptUsage, Service, ServiceOptions};
use crate::model::endpoint::{EndpointError, FailureKind};
use crate::model::pool::ModelSpec;
use crate::model::retry::Failure;
use crate::model::scorer::step::{EncodeFuture, Encoded, QuestionEncoder, Ready, ReadyFuture};
use crate::trace::record::{Role, Usage};

/// An embedding model behind a server.
#[derive(Debug)]
pub struct Embeddings {
    service: Service,
    path: String,
    /// Numbers in an embedding, as of the first one: a network was trained on
    /// that many.
    dimension: OnceLock<usize>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    data: Vec<Embedding>,
    #[serde(default)]
    usage: PromptUsage,
}

#[derive(Debug, Deserialize)]
struct Embedding {
    embedding: Value,
}

impl Embeddings {
    /// An encoder with the usual [`ServiceOptions`].
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn new(spec: &ModelSpec) -> Result<Self, EndpointError> {
        Self::with_options(spec, ServiceOptions::default())
    }

    /// An encoder with `options`.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn with_options(spec: &ModelSpec, options: ServiceOptions) -> Result<Self, EndpointError> {
        Ok(Self {
            service: Service::new(spec, spec.server.name(), options)?,
            path: route(spec.base_url.as_deref().unwrap_or_default(), "embeddings"),
            dimension: OnceLock::new(),
        })
    }

    async fn ask(&self, question: &str, role: Role) -> Result<Encoded, EndpointError> {
        let mut body = json!({ "input": question, "encoding_format": "float" });
        if let Some(model) = &self.service.model {
            body["model"] = model.as_str().into();
        }
        let called = self.service.call(role, || self.attempt(&body)).await?;
        let (features, usage) = called.value;
        Ok(Encoded {
            features,
            usage,
            attempts: called.attempts,
            seconds: called.seconds,
        })
    }

    async fn attempt(&self, body: &Value) -> Result<(Vec<f32>, Usage), Failure> {
        let sent = self.service.post::<Reply>(&self.path, body).await;
        let reply = sent.map_err(advised)?;
        let usage = Usage::from(reply.usage);
        let [found] = &reply.data[..] else {
            let found = reply.data.len();
            return Err(self.malformed(usage, &format!("{found} embeddings for one text")));
        };
        let Some(features) = numbers(&found.embedding).filter(|numbers| !numbers.is_empty()) else {
            return Err(self.malformed(usage, "an embedding that is no list of finite numbers"));
        };
        let expected = *self.dimension.get_or_init(|| features.len());
        if features.len() != expected {
            let problem = format!(
                "an embedding of {} numbers after one of {expected}: another model answers there \
                 now",
                features.len()
            );
            return Err(self.malformed(usage, &problem));
        }
        Ok((features, usage))
    }

    /// An answer that was paid for and cannot be used.
    fn malformed(&self, usage: Usage, problem: &str) -> Failure {
        let url = &self.service.client.site().url;
        let message = format!("{url}{} gave {problem}", self.path);
        Failure {
            usage,
            // The same text gets the same answer.
            retry: Some(false),
            ..Failure::new(FailureKind::Malformed, message)
        }
    }
}

impl QuestionEncoder for Embeddings {
    fn name(&self) -> &str {
        &self.service.name
    }

    fn probe(&self) -> ReadyFuture<'_> {
        Box::pin(async {
            let encoded = self.ask("What is 1 + 1?", Role::Probe).await?;
            let said = format!("turns a question into {} numbers", encoded.features.len());
            Ok(Ready::answered(said, encoded.usage, &encoded.attempts))
        })
    }

    fn encode<'a>(&'a self, question: &'a str, _affinity: &'a str) -> EncodeFuture<'a> {
        Box::pin(self.ask(question, Role::Encoder))
    }
}

/// The numbers of an embedding; `None` where one is none, or not finite.
fn numbers(value: &Value) -> Option<Vec<f32>> {
    let number = |value: &Value| Some(value.as_f64()? as f32).filter(|x| x.is_finite());
    value.as_array()?.iter().map(number).collect()
}

/// The failure with what to do about it on this route.
fn advised(mut failure: Failure) -> Failure {
    if matches!(failure.kind, FailureKind::NotFound | FailureKind::Refused) {
        failure.message = format!(
            "{}; it must serve an embedding model: llama.cpp with `--embeddings`, vLLM with \
             `--runner pooling`",
            failure.message
        );
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_are_finite_numbers() {
        assert_eq!(numbers(&json!([1, -0.5])), Some(vec![1.0, -0.5]));
        for other in [
            json!([1, null]),
            json!("AAAA"),
            json!([1e300]),
            json!([[1.0]]),
        ] {
            assert_eq!(numbers(&other), None, "{other}");
        }
    }
}
