//! What went wrong on the wire, mapped to what it means for the run.

mod inner;
#[cfg(test)]
mod tests;
mod wait;

use reqwest::header::HeaderMap;
use serde_json::Value;
use time::OffsetDateTime;

use self::inner::Inner;
use super::client::IN_ALL;
use super::key::Key;
use crate::model::endpoint::FailureKind;
use crate::model::retry::{Again, Failure};

/// Most characters of a server's own words in a message.
const QUOTE: usize = 500;

/// What the TLS library says of an answer in plain HTTP.
const NOT_TLS: &str = "InvalidContentType";

/// What messages may need to know about the server.
#[derive(Debug, Clone)]
pub struct Site {
    pub url: String,
    pub key: Option<Key>,
    /// The dialect's name, e.g. `llama.cpp`.
    pub dialect: &'static str,
    /// Seconds without a byte after which a call is given up.
    pub timeout: f64,
}

impl Site {
    /// A server that wants no key.
    #[cfg(test)]
    pub(super) fn plain(url: &str, dialect: &'static str) -> Self {
        Self {
            url: url.to_owned(),
            key: None,
            dialect,
            timeout: 3.0,
        }
    }

    /// The server's words: one line, bounded, without the key.
    pub(super) fn quote(&self, text: &str) -> String {
        let text = match &self.key {
            Some(key) => key.redact(text),
            None => text.to_owned(),
        };
        let mut words = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if let Some((cut, _)) = words.char_indices().nth(QUOTE) {
            words.truncate(cut);
            words.push('…');
        }
        words
    }

    /// The call never got a whole answer.
    pub fn transport(&self, error: &reqwest::Error) -> Failure {
        let url = &self.url;
        if error.is_timeout() && !error.is_connect() {
            return Failure::new(
                FailureKind::Timeout,
                format!(
                    "no answer from {url} in {} s, or none that came to its end in {} s; raise \
                     `timeout` or lower the concurrency",
                    self.timeout,
                    self.timeout * f64::from(IN_ALL)
                ),
            );
        }
        let cause = self.quote(&root_cause(error));
        if error.is_connect() && url.starts_with("https:") && cause.contains(NOT_TLS) {
            return Failure::new(
                FailureKind::Unreachable,
                format!("{url} speaks no TLS: write `http://` in base_url ({cause})"),
            );
        }
        if error.is_connect() {
            return Failure::new(
                FailureKind::Unreachable,
                format!("cannot reach {url}; is the server running? ({cause})"),
            );
        }
        if error.is_builder() {
            return Failure::new(
                FailureKind::Configuration,
                format!("cannot ask {url}: {cause}"),
            );
        }
        // Before headers this is nearly always an idle connection that the
        // server closed; the request may have run.
        let again = if error.is_request() {
            Again::AtOnce
        } else {
            Again::Backoff
        };
        Failure {
            again,
            estimated: true,
            ..Failure::new(
                FailureKind::CutStream,
                format!(
                    "the connection to {url} broke off ({cause}); the server may have done the work"
                ),
            )
        }
    }

    /// An answer with a status other than success.
    pub fn status(&self, path: &str, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        let inner = Inner::of(body);
        let mut failure = self.classify(path, status, &inner);
        failure.retry = wait::should_retry(headers);
        let limited = failure.kind == FailureKind::RateLimited;
        if (limited || failure.kind == FailureKind::Server)
            && failure.again == Again::Backoff
            && let Some(wait) = wait::asked(headers, limited, OffsetDateTime::now_utc())
        {
            failure.again = Again::After(wait);
            if limited {
                failure.message = format!("{}; needs {} s", failure.message, seconds(wait));
            }
        }
        if let Some(id) = wait::text(headers, "x-request-id").filter(|id| !id.is_empty()) {
            // What the provider's support asks for.
            failure.message = format!("{} (request {})", failure.message, self.quote(id));
        }
        failure
    }

    /// An `error` object in an answer that claimed success.
    pub fn in_band(&self, path: &str, error: &Value) -> Failure {
        let inner = Inner::of_value(error);
        self.classify(path, inner.status(), &inner)
    }

    /// An answer that is not what the protocol says.
    pub fn malformed(&self, path: &str, content_type: &str, body: &[u8]) -> Failure {
        let shown = self.quote(&String::from_utf8_lossy(
            body.get(..1 << 16).unwrap_or(body),
        ));
        Failure::new(
            FailureKind::Malformed,
            format!(
                "{}{path} answered with {}: {shown}; is it {} that listens there?",
                self.url,
                self.quote(content_type),
                self.dialect
            ),
        )
    }

    fn classify(&self, path: &str, status: u16, inner: &Inner) -> Failure {
        let url = &self.url;
        let said = match self.quote(&inner.said()) {
            said if said.is_empty() => "no reason given".to_owned(),
            said => said,
        };
        let fail = |kind, message: String| Failure::new(kind, message);
        if inner.is_context(status) {
            let sizes = match (inner.prompt_tokens, inner.context) {
                (Some(prompt), Some(context)) => {
                    format!("the prompt's {prompt} tokens exceed the context of {context}")
                }
                _ => format!("the prompt exceeds the context: {said}"),
            };
            return fail(FailureKind::Context, sizes);
        }
        if inner.is_quota(status) {
            let message = format!("the account at {url} has no credit: {said}");
            return fail(FailureKind::Quota, message);
        }
        match status {
            401 | 403 => fail(FailureKind::Auth, self.key_advice(status, &said)),
            404 | 405 => fail(
                FailureKind::NotFound,
                format!(
                    "{url}{path} does not exist ({status}: {said}); is it {} that listens there, \
                     and with that model?",
                    self.dialect
                ),
            ),
            429 => fail(
                FailureKind::RateLimited,
                format!("rate limited by {url}: {said}"),
            ),
            503 if inner.is_loading() => Failure {
                again: Again::Loading,
                ..fail(
                    FailureKind::Server,
                    format!("the model at {url} is still loading; try again later"),
                )
            },
            501 => fail(
                FailureKind::Refused,
                format!("{url}{path} is not supported there: {said}"),
            ),
            408 | 409 | 425 | 500..=599 => fail(
                FailureKind::Server,
                format!("server error {status} from {url}: {said}; see the server's log"),
            ),
            300..=399 => fail(
                FailureKind::Refused,
                format!("{url} redirects elsewhere ({status}): put the final address in base_url"),
            ),
            _ => fail(
                FailureKind::Refused,
                match &inner.param {
                    Some(param) => format!(
                        "{url}{path} refuses `{}` ({status}): {said}",
                        self.quote(param)
                    ),
                    None => format!("{url}{path} refuses the request ({status}): {said}"),
                },
            ),
        }
    }

    fn key_advice(&self, status: u16, said: &str) -> String {
        let url = &self.url;
        match &self.key {
            Some(key) => format!(
                "{url} refuses the key ({status}: {said}): check {}",
                key.source()
            ),
            None => format!(
                "{url} wants a key ({status}: {said}): name the environment variable that holds it in \
                 `api_key_env`, or a command that prints it in `api_key_command`"
            ),
        }
    }
}

/// Whether an `error` field says that something went wrong: some servers
/// always send one.
pub fn says(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// The answer, where it claimed success and reports an error: beneath `error`,
/// or flat with `object: "error"`.
pub fn reported(answer: &Value) -> Option<&Value> {
    let inner = answer.get("error").is_some_and(says);
    let flat = answer.get("object").and_then(Value::as_str) == Some("error");
    // All of it: beside a bare text stand the type of the error and its code.
    (inner || flat).then_some(answer)
}

/// Whole seconds, rounded up.
fn seconds(wait: std::time::Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
