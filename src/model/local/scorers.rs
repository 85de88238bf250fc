//! Scores by models in this process: a process-reward model on a large
//! model's likelihoods, and the hidden state of a question.

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::LocalEndpoint;
use crate::model::endpoint::{DELIMITER, Endpoint, EndpointError};
use crate::model::scorer::step::{
    EncodeFuture, Encoded, QuestionEncoder, ReadyFuture, Score, ScoreFuture, StepCase, StepScorer,
};
use crate::pair::prm::{Head, pooled};

/// A process-reward model: the likelihood that a model gives to a drafted step
/// through the head that was fitted on it ([`crate::pair::prm`]).
pub struct LikelihoodPrm {
    endpoint: LocalEndpoint,
    head: Head,
}

impl LikelihoodPrm {
    /// `head` must have been fitted on the likelihoods of this model.
    ///
    /// # Errors
    /// In words, where it was fitted on another's.
    pub fn new(endpoint: LocalEndpoint, head: Head) -> Result<Self, String> {
        match endpoint.weights() {
            Some(weights) if weights != head.model_sha256 => Err(
                "the head of the process-reward model was fitted on another model's likelihoods: \
                 fit it again by `pointsman pair prm`"
                    .to_owned(),
            ),
            _ => Ok(Self { endpoint, head }),
        }
    }

    /// Names model and head together, for run keys.
    pub fn fingerprint(&self) -> Option<String> {
        let mut hash = Sha256::new();
        hash.update(self.endpoint.weights()?);
        hash.update(serde_json::to_vec(&self.head).ok()?);
        Some(format!("{:x}", hash.finalize()))
    }

    async fn read(&self, case: StepCase) -> Result<Score, EndpointError> {
        let started = Instant::now();
        let prefix: String = case
            .before
            .iter()
            .map(|step| format!("{step}{DELIMITER}"))
            .collect();
        let read = self
            .endpoint
            .read_step(&case.question, &prefix, &case.step, &case.problem)
            .await?;
        let tokens = read.tokens.iter().map(|(text, p)| (text.as_str(), *p));
        let features = pooled(tokens);
        Ok(Score {
            value: features.map(|features| self.head.probability(&features)),
            note: Some(match features {
                Some([lowest, ..]) => format!("least likely number: p = {:.4}", lowest.exp()),
                None => "no score: the step holds no number".to_owned(),
            }),
            usage: read.usage,
            attempts: Vec::new(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

impl StepScorer for LikelihoodPrm {
    fn name(&self) -> &str {
        self.endpoint.name()
    }

    fn probe(&self) -> ReadyFuture<'_> {
        Box::pin(async { self.endpoint.probe().await.map(Into::into) })
    }

    fn score(&self, case: StepCase) -> ScoreFuture<'_> {
        Box::pin(self.read(case))
    }
}

/// Name of the encoder by the hidden state of `model`.
pub fn hidden_name(model: &str) -> String {
    format!("hidden:{model}")
}

/// The hidden state with which a local model of the pool ends the prompt of a
/// question: what it has read is cached for its first step.
pub struct HiddenState {
    name: String,
    endpoint: Arc<dyn Endpoint>,
}

impl HiddenState {
    /// `None` where the model does not run in this process.
    pub fn new(endpoint: Arc<dyn Endpoint>) -> Option<Self> {
        // Made and dropped: whether there is such a call, nothing is asked.
        drop(endpoint.encode("", "")?);
        Some(Self {
            name: hidden_name(endpoint.name()),
            endpoint,
        })
    }
}

impl QuestionEncoder for HiddenState {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe(&self) -> ReadyFuture<'_> {
        Box::pin(async { self.endpoint.probe().await.map(Into::into) })
    }

    fn encode<'a>(&'a self, question: &'a str, affinity: &'a str) -> EncodeFuture<'a> {
        match self.endpoint.encode(question, affinity) {
            Some(encoded) => encoded,
            // Checked when it was made.
            None => Box::pin(std::future::ready(Ok(Encoded::default()))),
        }
    }
}
