//! The embeddings route.

use super::*;
use pointsman::model::http::embeddings::Embeddings;
use pointsman::model::scorer::step::{Encoded, QuestionEncoder};

const PATH: &str = "/v1/embeddings";

fn embedded(numbers: &Value) -> Value {
    json!({
        "object": "list", "model": "served-name",
        "data": [{ "index": 0, "object": "embedding", "embedding": numbers }],
        "usage": { "prompt_tokens": 6, "total_tokens": 6 },
    })
}

fn fine() -> Value {
    embedded(&json!([0.5, -0.25, 0]))
}

async fn started(answers: Vec<Answer>) -> Fake {
    let fake = Fake::start(Vec::new()).await;
    fake.on(PATH, answers);
    fake
}

fn encoder(fake: &Fake) -> Embeddings {
    Embeddings::with_options(&spec("embeddings", ServerKind::Vllm, &fake.url), quick()).unwrap()
}

async fn encoded(answers: Vec<Answer>) -> (Result<Encoded, EndpointError>, Fake) {
    let fake = started(answers).await;
    (encoder(&fake).encode("1 + 1?", "p").await, fake)
}

#[tokio::test]
async fn a_question_becomes_numbers() {
    let (found, fake) = encoded(vec![Answer::json(200, &fine())]).await;
    let found = found.unwrap();
    assert_eq!(found.features, [0.5, -0.25, 0.0]);
    let usage = Usage {
        prompt: 6,
        cached: None,
        output: 0,
        ..Usage::default()
    };
    assert_eq!(found.usage, usage);
    assert_eq!(
        fake.seen(PATH)[0].body,
        json!({ "model": "served-name", "input": "1 + 1?", "encoding_format": "float" })
    );
    // llama.cpp needs no name; an address of OpenAI's kind has the version.
    let spec = ModelSpec {
        model: None,
        ..spec("e", ServerKind::LlamaCpp, &format!("{}/v1", fake.url))
    };
    let encoder = Embeddings::with_options(&spec, quick()).unwrap();
    encoder.probe().await.unwrap();
    assert!(fake.seen(PATH)[1].body.get("model").is_none());
}

#[tokio::test]
async fn the_number_of_features_never_changes() {
    let fake = started(vec![
        Answer::json(200, &fine()),
        Answer::json(200, &embedded(&json!([0.5, 0.5]))),
        Answer::json(200, &fine()),
    ])
    .await;
    let encoder = encoder(&fake);
    encoder.probe().await.unwrap();
    let error = encoder.encode("q", "p").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Malformed);
    assert!(
        error.message.contains("2 numbers after one of 3"),
        "{error}"
    );
    assert_eq!(error.attempts[0].usage.prompt, 6);
    assert_eq!(encoder.encode("q", "p").await.unwrap().features.len(), 3);
}

#[tokio::test]
async fn answers_that_are_no_embedding_fail_once() {
    let mut none = fine();
    none["data"] = json!([]);
    for (body, part) in [
        (none, "0 embeddings for one text"),
        (embedded(&json!([])), "no list of finite numbers"),
        (embedded(&json!([1.0, null])), "no list of finite numbers"),
        (
            embedded(&json!("AACAPwAAAD8=")),
            "no list of finite numbers",
        ),
        (
            json!({ "object": "list" }),
            "answered with application/json",
        ),
    ] {
        let (found, fake) = encoded(vec![Answer::json(200, &body)]).await;
        let error = found.unwrap_err();
        assert_eq!(error.kind, FailureKind::Malformed, "{error}");
        assert!(error.message.contains(part), "{error}");
        // Another kind of answer may be a proxy's, and is asked for once more.
        let calls = 1 + usize::from(body.get("data").is_none());
        assert_eq!(fake.seen(PATH).len(), calls);
    }
}

#[tokio::test]
async fn passing_failures_are_retried_and_lasting_ones_are_not() {
    for (failure, part) in passing(&fine()) {
        let (found, fake) = encoded(vec![failure, Answer::json(200, &fine())]).await;
        let found = found.unwrap();
        assert_eq!(found.features.len(), 3, "{part}");
        assert_eq!(fake.seen(PATH).len(), 2, "{part}");
        one(&found.attempts, Role::Encoder, part);
    }
    for (answer, kind, part) in lasting() {
        let (found, fake) = encoded(vec![answer]).await;
        let error = found.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(part), "{error}");
        assert_eq!(fake.seen(PATH).len(), asked(kind), "{error}");
    }
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let key = std::env::var(PLANTED).unwrap();
    for status in [200, 401, 429] {
        let answer = match status {
            200 => Answer::json(200, &fine()),
            status => refusal(status, &format!("bad key {key}")),
        };
        let fake = started(vec![answer]).await;
        let spec = ModelSpec {
            api_key_env: Some(PLANTED.to_owned()),
            ..spec("embeddings", ServerKind::Openai, &fake.url)
        };
        let encoder = Embeddings::with_options(&spec, quick()).unwrap();
        let found = encoder.encode("q", "p").await;
        let all = format!("{encoder:?} {found:?}");
        assert!(!all.contains(&key), "{status}: {all}");
        let sent = fake.seen(PATH)[0].authorization.clone();
        assert_eq!(sent, Some(format!("Bearer {key}")));
    }
}
