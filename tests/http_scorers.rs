//! The clients of scoring models against a fake vLLM: what they send, what
//! they make of odd answers, and which failures they retry.

// The helpers of a test binary are not test functions to clippy.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "http_scorers/embeddings.rs"]
mod embeddings;
#[path = "http_scorers/pooling.rs"]
mod pooling;

use std::time::Duration;

use common::llama_fake::{Answer, End, Fake};
use pointsman::model::endpoint::{EndpointError, FailureKind};
use pointsman::model::http::service::ServiceOptions;
use pointsman::model::pool::{ModelSpec, ServerKind};
use pointsman::model::retry::Policy;
use pointsman::trace::record::{Attempt, Role, Usage};
use serde_json::{Value, json};

/// A key that the test harness puts into the environment; setting one here
/// would be unsafe.
const PLANTED: &str = "CARGO_MANIFEST_DIR";

/// Retries without their pauses.
fn quick() -> ServiceOptions {
    ServiceOptions {
        retries: Policy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..Policy::default()
        },
        ..ServiceOptions::default()
    }
}

fn spec(name: &str, server: ServerKind, url: &str) -> ModelSpec {
    ModelSpec {
        base_url: Some(url.to_owned()),
        model: Some("served-name".to_owned()),
        ..ModelSpec::new(name, server)
    }
}

/// An error in vLLM's form.
fn refusal(status: u16, message: &str) -> Answer {
    let error =
        json!({ "message": message, "type": "BadRequestError", "param": null, "code": status });
    Answer::json(status, &json!({ "error": error }))
}

/// The body is cut off in the middle.
fn cut(whole: &Value) -> Answer {
    let text = whole.to_string();
    let half = text[..text.len() / 2].to_owned();
    Answer::stream(half).ending(End::Cut)
}

/// Answers that pass, with a part of what is kept of them.
fn passing(fine: &Value) -> Vec<(Answer, &'static str)> {
    let slow = vec![("retry-after", "0".to_owned())];
    vec![
        (refusal(500, "boom"), "boom"),
        (Answer::Status(503, vec![], "try later".to_owned()), "503"),
        (Answer::Status(429, slow, "slow".to_owned()), "rate"),
        (cut(fine), "broke off"),
        (
            Answer::json(
                200,
                &json!({ "error": { "code": 502, "message": "via proxy" } }),
            ),
            "via proxy",
        ),
    ]
}

/// Answers that last, with their kind and a part of the message.
fn lasting() -> Vec<(Answer, FailureKind, &'static str)> {
    let html = vec![("content-type", "text/html".to_owned())];
    let patience = vec![("retry-after", "9999".to_owned())];
    vec![
        (refusal(401, "no"), FailureKind::Auth, "api_key_env"),
        (
            refusal(404, "The model `served-name` does not exist."),
            FailureKind::NotFound,
            "--runner pooling",
        ),
        (
            refusal(400, "The model does not support Pooling API"),
            FailureKind::Refused,
            "--runner pooling",
        ),
        (
            refusal(400, "This model's maximum context length is 4096 tokens."),
            FailureKind::Context,
            "maximum context length is 4096",
        ),
        (
            Answer::Status(200, html, "<html>welcome</html>".to_owned()),
            FailureKind::Malformed,
            "text/html: <html>welcome",
        ),
        (
            Answer::Status(429, patience, String::new()),
            FailureKind::RateLimited,
            "9999 s",
        ),
    ]
}

/// How often a server is asked that gives such an answer every time: what is no
/// answer at all may be the page of a proxy, and is worth one more attempt.
fn asked(kind: FailureKind) -> usize {
    1 + usize::from(kind == FailureKind::Malformed)
}

/// The one attempt that failed before a call went through.
fn one(attempts: &[Attempt], role: Role, part: &str) {
    let [attempt] = attempts else {
        panic!("{part}: {attempts:?}")
    };
    assert!(attempt.failure.contains(part), "{}", attempt.failure);
    assert_eq!(attempt.role, role);
}
