use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::pool::{ModelSpec, ServerKind};

/// A variable that is always there, and stands for a key.
const VARIABLE: &str = "CARGO_PKG_NAME";
const KEY: &str = env!("CARGO_PKG_NAME");

fn site() -> Site {
    let spec = ModelSpec {
        api_key_env: Some(VARIABLE.to_owned()),
        ..ModelSpec::new("m", ServerKind::LlamaCpp)
    };
    Site {
        url: "http://h".to_owned(),
        key: Key::of(&spec).unwrap(),
        dialect: "llama.cpp",
        timeout: 3.0,
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, value.parse().unwrap());
    }
    headers
}

fn of(status: u16, body: &str) -> Failure {
    site().status("/completion", status, &HeaderMap::new(), body.as_bytes())
}

/// What is done about a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    Fail,
    Backoff,
    /// Seconds.
    Wait(f64),
    Loading,
}

fn then(failure: &Failure) -> Then {
    match failure.again {
        _ if !failure.retryable() => Then::Fail,
        Again::Backoff | Again::AtOnce => Then::Backoff,
        Again::After(wait) => Then::Wait(wait.as_secs_f64()),
        Again::Loading => Then::Loading,
    }
}

/// Status, headers and body of an answer, and what it means.
type Row = (
    u16,
    Vec<(&'static str, &'static str)>,
    &'static str,
    FailureKind,
    Then,
);

const RATE: &str = r#"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#;
const QUOTA: &str = r#"{"error":{"message":"pay","type":"insufficient_quota","code":null}}"#;
const LOADING: &str =
    r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
const FULL: &str =
    r#"{"error":{"message":"This model's maximum context length is 8 tokens","code":400}}"#;

#[test]
fn the_failure_table() {
    use FailureKind::{Auth, Context, NotFound, Quota, RateLimited, Refused, Server};
    let after = |value| vec![("retry-after", value)];
    let yes = || vec![("x-should-retry", "true")];
    let no = || vec![("x-should-retry", "false")];
    let none = Vec::new;
    let cases: Vec<Row> = vec![
        (408, none(), "", Server, Then::Backoff),
        (409, none(), "", Server, Then::Backoff),
        (425, none(), "", Server, Then::Backoff),
        (500, none(), "", Server, Then::Backoff),
        (502, none(), "<html>", Server, Then::Backoff),
        (504, none(), "", Server, Then::Backoff),
        (529, none(), "", Server, Then::Backoff),
        (500, no(), "", Server, Then::Fail),
        (503, none(), "no worker", Server, Then::Backoff),
        (503, after("4"), "busy", Server, Then::Wait(4.0)),
        (503, none(), LOADING, Server, Then::Loading),
        (503, none(), "Model is loading", Server, Then::Loading),
        (429, none(), RATE, RateLimited, Then::Backoff),
        (429, none(), "slow down", RateLimited, Then::Backoff),
        (429, after("7"), RATE, RateLimited, Then::Wait(7.0)),
        (
            429,
            vec![("retry-after-ms", "250"), ("retry-after", "7")],
            RATE,
            RateLimited,
            Then::Wait(0.25),
        ),
        (
            429,
            vec![
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            RATE,
            RateLimited,
            Then::Wait(360.0),
        ),
        (429, no(), RATE, RateLimited, Then::Fail),
        (429, none(), QUOTA, Quota, Then::Fail),
        (429, after("7"), QUOTA, Quota, Then::Fail),
        (429, yes(), QUOTA, Quota, Then::Fail),
        (402, yes(), "", Quota, Then::Fail),
        (401, yes(), "", Auth, Then::Fail),
        (403, yes(), "", Auth, Then::Fail),
        (404, none(), "", NotFound, Then::Fail),
        (405, none(), "", NotFound, Then::Fail),
        (404, yes(), "", NotFound, Then::Backoff),
        (400, none(), "bad", Refused, Then::Fail),
        (422, none(), "bad", Refused, Then::Fail),
        (400, yes(), "bad", Refused, Then::Backoff),
        (501, none(), "", Refused, Then::Fail),
        (307, none(), "", Refused, Then::Fail),
        (400, none(), FULL, Context, Then::Fail),
        (400, yes(), FULL, Context, Then::Fail),
        (413, none(), "", Context, Then::Fail),
    ];
    for (status, sent, body, kind, expected) in cases {
        let failure = site().status("/x", status, &headers(&sent), body.as_bytes());
        let row = format!("{status} {sent:?} {body}: {}", failure.message);
        assert_eq!((failure.kind, then(&failure)), (kind, expected), "{row}");
    }
}

#[test]
fn every_form_of_an_error_is_read() {
    let cases = [
        (
            429,
            r#"{"error":{"code":"insufficient_quota","message":"m"}}"#,
            FailureKind::Quota,
            "m",
        ),
        (
            429,
            r#"{"error":{"error":{"type":"insufficient_quota","message":"deep"}}}"#,
            FailureKind::Quota,
            "deep",
        ),
        (
            429,
            r#"{"object":"error","message":"flat","type":"insufficient_quota","code":"429"}"#,
            FailureKind::Quota,
            "flat",
        ),
        (
            429,
            r#"{"object":"error","message":"flat","type":"RateLimitError","code":429}"#,
            FailureKind::RateLimited,
            "flat",
        ),
        (
            400,
            r#"{"error":{"message":"null code","code":null}}"#,
            FailureKind::Refused,
            "null code",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","n_probs"],"msg":"not a number"},{"msg":"second"}]}"#,
            FailureKind::Refused,
            "body.n_probs: not a number; second",
        ),
        (
            400,
            r#"{"detail":"bad n_probs"}"#,
            FailureKind::Refused,
            "bad n_probs",
        ),
        (
            404,
            r#"{"error":"model 'm' not found"}"#,
            FailureKind::NotFound,
            "model 'm' not found",
        ),
        (
            500,
            r#"{"error":"overloaded","error_type":"overloaded"}"#,
            FailureKind::Server,
            "overloaded",
        ),
        (
            400,
            r#"{"error":{"message":"no such thing","param":"top_k"}}"#,
            FailureKind::Refused,
            "refuses `top_k` (400)",
        ),
        (
            502,
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"out of memory"}}}"#,
            FailureKind::Server,
            "Provider returned error (out of memory)",
        ),
        (
            500,
            "<html>\n oops",
            FailureKind::Server,
            "a web page: oops;",
        ),
        (500, "", FailureKind::Server, "server error 500"),
        (500, "[1]", FailureKind::Server, "[1]"),
    ];
    for (status, body, kind, part) in cases {
        let failure = of(status, body);
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn an_error_inside_a_success_is_mapped_by_its_own_code() {
    use FailureKind::{Auth, Context, Quota, RateLimited, Refused, Server};
    let cases = [
        (json!({"error": {"code": 429, "message": "m"}}), RateLimited),
        (
            json!({"error": {"code": "429", "message": "m"}}),
            RateLimited,
        ),
        (
            json!({"error": {"code": null, "type": "rate_limit_error"}}),
            RateLimited,
        ),
        (
            json!({"error": {"code": 502, "message": "provider"}}),
            Server,
        ),
        (json!({"error": {"code": 402, "message": "m"}}), Quota),
        (
            json!({"error": {"error": {"code": "insufficient_quota"}}}),
            Quota,
        ),
        (json!({"error": "broke"}), Server),
        (json!({"error": "bad key", "code": 401}), Auth),
        (json!({"error": {"code": 400, "message": "bad"}}), Refused),
        (
            json!({"error": {"code": 400, "message": "exceeds the context window"}}),
            Context,
        ),
        (json!({"error": {"code": 200, "message": "odd"}}), Server),
        (
            json!({"object": "error", "message": "m", "code": 400}),
            Refused,
        ),
        (json!({"object": "error", "message": "m"}), Server),
    ];
    for (answer, kind) in cases {
        let error = reported(&answer).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(site().in_band("/x", error).kind, kind, "{answer}");
    }
    // The bare error, as an event carries it.
    let bare = json!({"code": "401", "message": "k"});
    assert_eq!(site().in_band("/x", &bare).kind, Auth);
    assert_eq!(site().in_band("/x", &json!("broke")).kind, Server);
}

#[test]
fn an_empty_error_is_none() {
    for empty in [json!(null), json!(""), json!(false), json!({}), json!([])] {
        assert_eq!(reported(&json!({"error": empty, "content": "x"})), None);
    }
    assert_eq!(reported(&json!({"object": "chat.completion"})), None);
    assert_eq!(reported(&json!([1])), None);
}

#[test]
fn a_full_context_is_told_in_many_words_and_from_other_refusals() {
    for said in [
        "This model's maximum context length is 512 tokens. However, you requested 600 tokens",
        "You passed 600 input tokens and requested 100 output tokens. However, the model's \
         context length is only 512 tokens",
        "'max_tokens' or 'max_completion_tokens' is too large: 600. This model's maximum context \
         length is 512 tokens",
        "The decoder prompt (length 600) is longer than the maximum model length of 512",
        "The input (600 tokens) is longer than the model's context length (512 tokens).",
        "the request exceeds the available context size (512 tokens), try increasing it",
        "the input length exceeds the context length",
        "Input is too long for requested model.",
        "prompt is too long: 208310 tokens > 200000 maximum",
    ] {
        let body = json!({"error": {"message": said, "type": "BadRequestError"}});
        let failure = of(400, &body.to_string());
        assert_eq!(failure.kind, FailureKind::Context, "{said}");
        assert!(!failure.retryable());
    }
    let sizes = r#"{"error":{"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#;
    let message = of(400, sizes).message;
    assert!(
        message.contains("9 tokens exceed the context of 8"),
        "{message}"
    );
    for (status, said) in [
        (400, "max_tokens must be at least 1"),
        (400, "unknown parameter context_length"),
        (400, "the context window parameter is not supported"),
        (
            429,
            "Rate limit reached: maximum context length per minute exceeded",
        ),
        (
            400,
            "Request too large: tokens per minute limit of this context length exceeded",
        ),
        (500, "cannot allocate the context size"),
    ] {
        let body = json!({"error": {"message": said}});
        assert_ne!(
            of(status, &body.to_string()).kind,
            FailureKind::Context,
            "{said}"
        );
    }
}

#[test]
fn a_rate_limit_says_how_long_it_takes() {
    let failure = site().status("/x", 429, &headers(&[("retry-after", "600.2")]), b"slow");
    assert_eq!(failure.again, Again::After(Duration::from_millis(600_200)));
    assert!(
        failure.message.contains("rate limited"),
        "{}",
        failure.message
    );
    assert!(
        failure.message.ends_with("needs 601 s"),
        "{}",
        failure.message
    );
}

#[test]
fn the_request_is_named_for_the_providers_support() {
    let named = headers(&[("x-request-id", "req_1"), ("retry-after", "2")]);
    let failure = site().status("/x", 429, &named, b"slow");
    assert!(
        failure.message.ends_with("needs 2 s (request req_1)"),
        "{}",
        failure.message
    );
}

#[test]
fn a_refused_key_is_named_by_where_it_comes_from() {
    let refused = of(401, r#"{"error":"bad"}"#).message;
    assert!(
        refused.contains("check the environment variable CARGO_PKG_NAME"),
        "{refused}"
    );
    let keyless = Site {
        key: None,
        ..site()
    };
    let wanted = keyless.status("/x", 403, &HeaderMap::new(), b"").message;
    assert!(
        wanted.contains("wants a key (403: no reason given)"),
        "{wanted}"
    );
    assert!(wanted.contains("api_key_command"), "{wanted}");
}

#[test]
fn a_key_that_the_server_repeats_is_taken_out() {
    let body = json!({"error": {"message": format!("Incorrect key {KEY}"), "param": KEY}});
    let body = body.to_string();
    for status in [400, 401, 402, 403, 404, 429, 500, 501, 503] {
        let failure = of(status, &body);
        assert!(!format!("{failure:?}").contains(KEY), "{failure:?}");
    }
    assert!(!format!("{:?}", site()).contains(KEY));
    let failure = site().malformed("/x", &format!("text/{KEY}"), body.as_bytes());
    assert!(!failure.message.contains(KEY), "{}", failure.message);
}

#[test]
fn a_web_page_is_told_by_its_title_and_silence_as_such() {
    let page = "<!DOCTYPE html>\n<html><head><title> Not here </title></head><body>…</body></html>";
    for (body, said) in [
        (page, "404: a web page, `Not here`"),
        (
            "<html><body>no <b>such</b> page</body></html>",
            "404: a web page: no such page)",
        ),
        ("<html><script", "404: a web page)"),
        ("<HTML><TITLE>İ</TITLE>", "404: a web page, `İ`"),
        ("<unk> is no token", "404: <unk> is no token"),
        ("", "404: no reason given"),
        ("{}", "404: {}"),
    ] {
        let message = of(404, body).message;
        assert!(message.contains(said), "{message}");
    }
    assert!(of(401, "").message.contains("(401: no reason given)"));
}
