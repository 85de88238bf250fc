//! A model behind a server that answers a request in one JSON body: one layer
//! of retries and one bound on the calls in flight for every route.

use std::future::Future;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::Instant;

use super::client::HttpClient;
use super::guard::redact_error;
use crate::model::endpoint::EndpointError;
use crate::model::pool::ModelSpec;
use crate::model::retry::{Failure, Gate, Policy};
use crate::trace::record::{Attempt, Role, Usage};

/// How a service behaves beyond what the pool says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceOptions {
    /// Most calls in flight.
    pub concurrency: usize,
    pub retries: Policy,
    /// How long the probe waits for a model to load.
    pub loading_at_start: Duration,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            concurrency: 8,
            retries: Policy::default(),
            loading_at_start: Duration::from_secs(600),
        }
    }
}

/// What a call gave, with what it took.
#[derive(Debug)]
pub(super) struct Called<T> {
    pub value: T,
    /// The attempts before the one that gave it.
    pub attempts: Vec<Attempt>,
    pub seconds: f64,
}

/// The client of one model on one server.
#[derive(Debug)]
pub(super) struct Service {
    /// Name of the pool's model.
    pub name: String,
    /// The name the server knows it by.
    pub model: Option<String>,
    pub client: HttpClient,
    options: ServiceOptions,
    gate: Gate,
}

impl Service {
    /// # Errors
    /// [`FailureKind::Configuration`](crate::model::endpoint::FailureKind::Configuration);
    /// nobody is called.
    pub fn new(
        spec: &ModelSpec,
        dialect: &'static str,
        options: ServiceOptions,
    ) -> Result<Self, EndpointError> {
        let client = HttpClient::new(spec, dialect);
        Ok(Self {
            name: spec.name.clone(),
            model: spec.model.clone(),
            client: client.map_err(|failure| failure.of(&spec.name, Vec::new()))?,
            options,
            gate: Gate::new(options.concurrency),
        })
    }

    /// `POST path` with a JSON body. A failure carries what the call has
    /// probably cost where the server may have worked without telling.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let sent = self.client.post(path, body).await;
        sent.map_err(|failure| failure.paid(Usage::default(), body.to_string().len(), ""))
    }

    /// Runs `attempt` until it succeeds, fails for good or the retries are used
    /// up.
    ///
    /// # Errors
    /// The last failure, with every attempt that was paid for.
    pub async fn call<T, F>(
        &self,
        role: Role,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Called<T>, EndpointError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut retries = self.options.retries;
        if role == Role::Probe {
            retries.loading = self.options.loading_at_start;
        }
        let started = Instant::now();
        let again = |failure: &Failure| self.gate.heed(failure);
        let bounded = || {
            let attempt = attempt();
            async {
                let _pass = self.gate.pass().await;
                attempt.await
            }
        };
        let outcome = retries.run(role, again, bounded).await;
        let (value, attempts) = outcome.map_err(|given_up| {
            let mut error = given_up.failure.of(&self.name, given_up.attempts);
            if let Some(key) = &self.client.site().key {
                redact_error(key, &mut error);
            }
            error
        })?;
        self.gate.widen();
        Ok(Called {
            value,
            attempts,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// The tokens of a call that generates nothing.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptUsage {
    prompt_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    /// In USD, by vendors that say it.
    #[serde(deserialize_with = "said_cost")]
    cost: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

/// What a vendor says a call cost. It decides nothing, so that what is no
/// amount is none instead of spoiling the reply.
pub(super) fn said_cost<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Decimal>, D::Error> {
    Ok(match &Value::deserialize(source)? {
        Value::Number(number) => amount(&number.to_string()),
        Value::String(text) => amount(text),
        _ => None,
    })
}

/// An amount of money as vendors write it.
pub(super) fn amount(digits: &str) -> Option<Decimal> {
    let digits = digits.trim();
    let amount = digits
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(digits));
    amount.ok().filter(|amount| !amount.is_sign_negative())
}

impl From<PromptUsage> for Usage {
    fn from(usage: PromptUsage) -> Self {
        let details = usage.prompt_tokens_details;
        Self {
            prompt: usage.prompt_tokens,
            cached: details.and_then(|details| details.cached_tokens),
            cache_write: details
                .and_then(|details| details.cache_write_tokens)
                .unwrap_or(0),
            reported: usage.cost,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vendor_says_of_a_call_is_read_and_nonsense_is_nothing() {
        let of = |text: &str| Usage::from(serde_json::from_str::<PromptUsage>(text).unwrap());
        let usage = of(r#"{"prompt_tokens":9,"cost":1.25e-5,
                "prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2}}"#);
        assert_eq!(
            (usage.prompt, usage.cached, usage.cache_write),
            (9, Some(4), 2)
        );
        assert_eq!(usage.reported, Some(Decimal::new(125, 7)));
        let told = |cost: &str| of(&format!(r#"{{"prompt_tokens":9,"cost":{cost}}}"#)).reported;
        assert_eq!(told("\"0.25\""), Some(Decimal::new(25, 2)));
        assert_eq!(told("0"), Some(Decimal::ZERO));
        for nonsense in ["null", "-1", "\"free\"", "[1]", "{}", "1e300", "true"] {
            assert_eq!(told(nonsense), None, "{nonsense}");
        }
        let usage =
            of(r#"{"prompt_tokens":9,"prompt_tokens_details":{"cache_write_tokens":null}}"#);
        assert_eq!(
            (usage.cached, usage.cache_write, usage.reported),
            (None, 0, None)
        );
    }
}
