//! What went wrong on the wire, mapped to what it means for the run.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use time::{Date, Month, OffsetDateTime, Time};

use super::secret::Secret;
use crate::model::endpoint::FailureKind;
use crate::model::retry::{Again, Failure};

/// Most characters of a server's own words in a message.
const QUOTE: usize = 500;

/// What messages may need to know about the server.
#[derive(Debug, Clone)]
pub struct Site {
    pub url: String,
    /// Name of the environment variable with the key.
    pub key_env: Option<String>,
    pub key: Option<Secret>,
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
            key_env: None,
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
                    "no answer from {url} in {} s; raise `timeout` or lower the concurrency",
                    self.timeout
                ),
            );
        }
        let cause = self.quote(&root_cause(error));
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
                format!("the connection to {url} broke off ({cause})"),
            )
        }
    }

    /// An answer with a status other than success.
    pub fn status(&self, path: &str, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
        let inner = Inner::of(body);
        let mut failure = self.classify(path, status, &inner);
        if matches!(failure.kind, FailureKind::RateLimited | FailureKind::Server)
            && failure.again == Again::Backoff
            && let Some(wait) = retry_after(headers, OffsetDateTime::now_utc())
        {
            failure.again = Again::After(wait);
            if failure.kind == FailureKind::RateLimited {
                failure.message = format!("{}; it needs {} s", failure.message, wait.as_secs());
            }
        }
        failure
    }

    /// An `error` object in an answer that claimed success.
    pub fn in_band(&self, path: &str, error: &Value) -> Failure {
        let inner = Inner::of_value(error);
        // Without a code of its own a failure in mid-answer is the server's.
        let status = inner.code.unwrap_or(500);
        self.classify(path, status, &inner)
    }

    /// An answer that is not what the protocol says.
    pub fn malformed(&self, path: &str, content_type: &str, body: &[u8]) -> Failure {
        let shown = self.quote(&String::from_utf8_lossy(body.get(..2000).unwrap_or(body)));
        Failure::new(
            FailureKind::Malformed,
            format!(
                "{}{path} answered with {content_type}: {shown}; is this a {} server?",
                self.url, self.dialect
            ),
        )
    }

    fn classify(&self, path: &str, status: u16, inner: &Inner) -> Failure {
        let url = &self.url;
        let said = self.quote(&inner.message);
        let kind = inner.kind.as_str();
        let lower = said.to_lowercase();
        let fail = |kind, message: String| Failure::new(kind, message);
        if kind == "exceed_context_size_error"
            || status == 413
            || (matches!(status, 400 | 422)
                && ["context length", "context size", "context window"]
                    .iter()
                    .any(|part| lower.contains(part)))
        {
            let sizes = match (inner.prompt_tokens, inner.context) {
                (Some(prompt), Some(context)) => {
                    format!("the prompt's {prompt} tokens exceed the context of {context}")
                }
                _ => format!("the prompt exceeds the context: {said}"),
            };
            return fail(FailureKind::Context, sizes);
        }
        if status == 402 || kind == "insufficient_quota" {
            let message = format!("the account at {url} has no credit: {said}");
            return fail(FailureKind::Quota, message);
        }
        match status {
            401 | 403 => fail(FailureKind::Auth, self.key_advice(status)),
            404 | 405 => fail(
                FailureKind::NotFound,
                format!(
                    "{url}{path} does not exist ({status}: {said}); is this a {} server with that \
                     model?",
                    self.dialect
                ),
            ),
            429 => fail(
                FailureKind::RateLimited,
                format!("{url} is limiting the rate of calls ({said})"),
            ),
            503 if kind == "unavailable_error" || lower.contains("loading") => Failure {
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
                format!("{url}{path} refuses the request ({status}): {said}"),
            ),
        }
    }

    fn key_advice(&self, status: u16) -> String {
        let url = &self.url;
        match &self.key_env {
            Some(variable) => format!(
                "{url} refuses the key ({status}): check the environment variable {variable}"
            ),
            None => format!(
                "{url} wants a key ({status}): name the environment variable that holds it in \
                 `api_key_env`"
            ),
        }
    }
}

/// The error in an answer that claims success: under its name, or the whole
/// answer where it says of itself that it is one.
pub(super) fn error_in(answer: &Value) -> Option<&Value> {
    match answer.get("error") {
        Some(error) if is_error(error) => Some(error),
        _ => (answer.get("object").and_then(Value::as_str) == Some("error")).then_some(answer),
    }
}

/// Whether the field says that something went wrong, and not that nothing did.
pub(super) fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// The error object in its many spellings.
#[derive(Debug, Default)]
struct Inner {
    message: String,
    /// `type` or a textual `code`.
    kind: String,
    code: Option<u16>,
    prompt_tokens: Option<u64>,
    context: Option<u64>,
}

impl Inner {
    fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_value(value.get("error").unwrap_or(&value)),
            Err(_) => Self {
                message: String::from_utf8_lossy(body.get(..2000).unwrap_or(body)).into_owned(),
                ..Self::default()
            },
        }
    }

    fn of_value(value: &Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let code = value.get("code");
        let code_text = code.and_then(Value::as_str);
        Self {
            message: text("message")
                .or_else(|| text("detail"))
                .or_else(|| value.as_str())
                .map_or_else(|| value.to_string(), str::to_owned),
            kind: code_text
                .filter(|code| code.parse::<u16>().is_err())
                .or_else(|| text("type"))
                .unwrap_or_default()
                .to_owned(),
            code: code
                .and_then(Value::as_u64)
                .and_then(|code| u16::try_from(code).ok())
                .or_else(|| code_text.and_then(|code| code.parse().ok())),
            prompt_tokens: value.get("n_prompt_tokens").and_then(Value::as_u64),
            context: value.get("n_ctx").and_then(Value::as_u64),
        }
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// How long the server asks to wait: `retry-after-ms`, or `retry-after` in
/// seconds or as a date.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let seconds = |text: &str, unit: f64| {
        let number: f64 = text.trim().parse().ok()?;
        Duration::try_from_secs_f64(number * unit).ok()
    };
    if let Some(wait) = header("retry-after-ms").and_then(|text| seconds(text, 0.001)) {
        return Some(wait);
    }
    let text = header("retry-after")?;
    seconds(text, 1.0).or_else(|| {
        let until = http_date(text)? - now;
        Some(until.try_into().unwrap_or(Duration::ZERO))
    })
}

/// Reads the one date form HTTP still sends: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<OffsetDateTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split([' ', ':']);
    let mut next = || words.next();
    let day: u8 = next()?.parse().ok()?;
    let month = next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year: i32 = next()?.parse().ok()?;
    let hour: u8 = next()?.parse().ok()?;
    let minute: u8 = next()?.parse().ok()?;
    let second: u8 = next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    (next()? == "GMT").then(|| date.with_time(time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            url: "http://h".to_owned(),
            key_env: Some("SOME_KEY".to_owned()),
            key: Some(Secret::new("sk-planted")),
            dialect: "llama.cpp",
            timeout: 3.0,
        }
    }

    #[test]
    fn statuses_and_bodies_map_to_what_they_mean() {
        let cases = [
            (
                401,
                r#"{"error":{"message":"no"}}"#,
                FailureKind::Auth,
                "SOME_KEY",
            ),
            (402, "", FailureKind::Quota, "no credit"),
            (
                429,
                r#"{"error":{"code":"insufficient_quota","message":"m"}}"#,
                FailureKind::Quota,
                "no credit",
            ),
            (429, "slow down", FailureKind::RateLimited, "slow down"),
            (
                404,
                r#"{"error":"gone"}"#,
                FailureKind::NotFound,
                "/completion",
            ),
            (500, "<html>\n oops", FailureKind::Server, "<html> oops"),
            (503, "busy", FailureKind::Server, "server error 503"),
            (501, "{}", FailureKind::Refused, "not supported"),
            (301, "", FailureKind::Refused, "redirects"),
            (
                400,
                r#"{"detail":"bad n_probs"}"#,
                FailureKind::Refused,
                "bad n_probs",
            ),
            (
                400,
                r#"{"error":{"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#,
                FailureKind::Context,
                "9 tokens exceed the context of 8",
            ),
            (
                400,
                r#"{"message":"maximum context length is 8"}"#,
                FailureKind::Context,
                "maximum context length",
            ),
        ];
        for (status, body, kind, part) in cases {
            let failure = site().status("/completion", status, &HeaderMap::new(), body.as_bytes());
            assert_eq!(failure.kind, kind, "{status} {body}");
            assert!(failure.message.contains(part), "{}", failure.message);
        }
    }

    #[test]
    fn a_loading_model_is_told_from_a_busy_server() {
        let body =
            br#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
        let failure = site().status("/health", 503, &HeaderMap::new(), body);
        assert_eq!(failure.again, Again::Loading);
    }

    #[test]
    fn an_error_inside_a_success_is_mapped_by_its_own_code() {
        let value = serde_json::json!({"code": "401", "message": "k"});
        assert_eq!(site().in_band("/x", &value).kind, FailureKind::Auth);
        let value = serde_json::json!("broke");
        assert_eq!(site().in_band("/x", &value).kind, FailureKind::Server);
    }

    #[test]
    fn a_key_that_the_server_repeats_is_taken_out() {
        let body = br#"{"error":{"message":"Incorrect key sk-planted"}}"#;
        for status in [400, 404, 429, 500] {
            let failure = site().status("/x", status, &HeaderMap::new(), body);
            assert!(!format!("{failure:?}").contains("sk-planted"));
        }
        assert!(!format!("{:?}", site()).contains("sk-planted"));
        let failure = site().malformed("/x", "text/html", body);
        assert!(!failure.message.contains("sk-planted"));
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let now = http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        let wait = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("retry-after-ms", "1500"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            wait("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            wait("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-3"), None);
    }
}
