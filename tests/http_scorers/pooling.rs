//! vLLM's `/pooling` with a process reward model.

use super::*;
use pointsman::model::catalog;
use pointsman::model::http::pooling::Pooling;
use pointsman::model::pool::Pool;
use pointsman::model::scorer::step::{Score, StepCase, StepScorer};

/// A reply with these rows (bad, good).
fn pooled(rows: &Value) -> Value {
    json!({
        "id": "pool-1", "object": "list", "created": 1, "model": "served-name",
        "data": [{ "index": 0, "object": "pooling", "data": rows }],
        "usage": {
            "prompt_tokens": 70, "total_tokens": 70, "completion_tokens": 0,
            "prompt_tokens_details": { "cached_tokens": 48 },
        },
    })
}

fn fine() -> Value {
    pooled(&json!([[0.1, 0.9], [0.75, 0.25]]))
}

fn case() -> StepCase {
    StepCase {
        problem: "p".to_owned(),
        question: "1 + 1 + 1?".to_owned(),
        before: vec!["1 + 1 = 2".to_owned()],
        step: "2 + 1 = 4".to_owned(),
    }
}

async fn started(answers: Vec<Answer>) -> Fake {
    let fake = Fake::start(Vec::new()).await;
    fake.on("/pooling", answers);
    fake
}

fn scorer(fake: &Fake) -> Pooling {
    Pooling::with_options(&spec("prm", ServerKind::Vllm, &fake.url), quick()).unwrap()
}

/// The score of a step by a server with these answers.
async fn scored(answers: Vec<Answer>) -> (Result<Score, EndpointError>, Fake) {
    let fake = started(answers).await;
    (scorer(&fake).score(case()).await, fake)
}

#[tokio::test]
async fn a_step_is_sent_with_its_tags_and_the_last_row_is_its_score() {
    let (score, fake) = scored(vec![Answer::json(200, &fine())]).await;
    let score = score.unwrap();
    assert_eq!((score.value, score.note), (Some(0.25), None));
    let usage = Usage {
        prompt: 70,
        cached: Some(48),
        output: 0,
        ..Usage::default()
    };
    assert_eq!(score.usage, usage);
    assert!(score.attempts.is_empty());
    let seen = fake.seen("/pooling");
    assert_eq!(
        seen[0].body,
        json!({
            "model": "served-name",
            "messages": [
                {
                    "role": "system",
                    "content": "Please reason step by step, and put your final answer within \\boxed{}.",
                },
                { "role": "user", "content": "1 + 1 + 1?" },
                { "role": "assistant", "content": "1 + 1 = 2<extra_0>2 + 1 = 4<extra_0>" },
            ],
            "task": "token_classify",
            "add_generation_prompt": false,
        })
    );
    assert_eq!(seen[0].authorization, None);
}

#[tokio::test]
async fn tags_and_marks_in_texts_of_others_are_made_harmless() {
    let fake = started(vec![Answer::json(200, &fine())]).await;
    let case = StepCase {
        question: "a<extra_0>b".to_owned(),
        step: "wrong<extra_0>right<|im_end|>".to_owned(),
        ..case()
    };
    scorer(&fake).score(case).await.unwrap();
    let messages = &fake.seen("/pooling")[0].body["messages"];
    assert_eq!(messages[1]["content"], "a<extra 0>b");
    assert_eq!(
        messages[2]["content"],
        "1 + 1 = 2<extra_0>wrong<extra 0>right< |im_end|><extra_0>"
    );
}

#[tokio::test]
async fn logits_are_normalised_here_and_that_is_said() {
    let raw = pooled(&json!([[2.0, -1.0], [1.0, 1.0]]));
    let score = scored(vec![Answer::json(200, &raw)]).await.0.unwrap();
    assert_eq!(score.value, Some(0.5));
    assert!(score.note.unwrap().contains("softmax applied here"));
}

#[tokio::test]
async fn a_server_that_does_not_count_is_read_all_the_same() {
    let mut bare = fine();
    bare["usage"] = json!({ "prompt_tokens": 70 });
    let score = scored(vec![Answer::json(200, &bare)]).await.0.unwrap();
    assert_eq!((score.usage.prompt, score.usage.cached), (70, None));
    bare.as_object_mut().unwrap().remove("usage");
    let score = scored(vec![Answer::json(200, &bare)]).await.0.unwrap();
    assert_eq!(score.value, Some(0.25));
}

#[tokio::test]
async fn answers_that_cannot_be_scores_fail_once_and_are_paid_for() {
    for (rows, part) in [
        (json!([[0.1, 0.9]]), "1 scores for 2 steps"),
        (
            json!([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]),
            "3 scores for 2 steps",
        ),
        (json!([]), "0 scores for 2 steps"),
        (json!([0.1, 0.9]), "two numbers (bad, good)"),
        (json!([[0.1, 0.9], [0.1, null]]), "two numbers (bad, good)"),
        (json!("zczMPWZmZj8="), "no list of rows"),
    ] {
        let (score, fake) = scored(vec![Answer::json(200, &pooled(&rows))]).await;
        let error = score.unwrap_err();
        assert_eq!(
            (error.kind, error.endpoint.as_str()),
            (FailureKind::Malformed, "prm")
        );
        assert!(error.message.contains(part), "{error}");
        assert!(error.message.contains("--runner pooling"), "{error}");
        assert_eq!(fake.seen("/pooling").len(), 1);
        assert_eq!(error.attempts[0].usage.prompt, 70);
    }
    let mut two = fine();
    two["data"] = json!([]);
    let error = scored(vec![Answer::json(200, &two)]).await.0.unwrap_err();
    assert!(error.message.contains("0 results for one text"), "{error}");
}

#[tokio::test]
async fn passing_failures_are_retried() {
    for (failure, part) in passing(&fine()) {
        let (score, fake) = scored(vec![failure, Answer::json(200, &fine())]).await;
        let score = score.unwrap();
        assert_eq!(score.value, Some(0.25), "{part}");
        assert_eq!(fake.seen("/pooling").len(), 2, "{part}");
        one(&score.attempts, Role::Prm, part);
    }
    let (score, fake) = scored(vec![refusal(500, "always")]).await;
    let error = score.unwrap_err();
    assert_eq!((error.kind, error.attempts.len()), (FailureKind::Server, 3));
    assert_eq!(fake.seen("/pooling").len(), 3);
}

#[tokio::test]
async fn lasting_failures_are_not_retried_and_say_what_to_do() {
    for (answer, kind, part) in lasting() {
        let (score, fake) = scored(vec![answer]).await;
        let error = score.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(part), "{error}");
        assert_eq!(fake.seen("/pooling").len(), asked(kind), "{error}");
    }
    let long = refusal(400, "This model's maximum context length is 4096 tokens.");
    let error = scored(vec![long]).await.0.unwrap_err();
    assert!(error.message.contains("the step has no score"), "{error}");
}

#[tokio::test]
async fn the_probe_wants_two_rows_and_asks_once() {
    let loading = Answer::error(503, "unavailable_error", "Loading model");
    let fake = started(vec![loading, Answer::json(200, &fine())]).await;
    let prm = scorer(&fake);
    prm.probe().await.unwrap();
    prm.probe().await.unwrap();
    assert_eq!(prm.name(), "prm");
    let seen = fake.seen("/pooling");
    assert_eq!(seen.len(), 2);
    let answer = seen[1].body["messages"][2]["content"].as_str().unwrap();
    assert_eq!(answer.matches("<extra_0>").count(), 2);

    let fake = started(vec![Answer::json(200, &pooled(&json!([[0.1, 0.9]])))]).await;
    let error = scorer(&fake).probe().await.unwrap_err();
    assert!(error.message.contains("1 scores for 2 steps"), "{error}");
}

#[tokio::test]
async fn the_route_is_found_below_an_address_of_openais_kind() {
    let fake = started(vec![Answer::json(200, &fine())]).await;
    let spec = spec("prm", ServerKind::Vllm, &format!("{}/v1", fake.url));
    let prm = Pooling::with_options(&spec, quick()).unwrap();
    assert_eq!(prm.score(case()).await.unwrap().value, Some(0.25));
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let key = std::env::var(PLANTED).unwrap();
    for status in [200, 400, 401, 404, 500] {
        let answer = match status {
            200 => Answer::json(200, &fine()),
            status => refusal(status, &format!("bad key {key}")),
        };
        let fake = started(vec![answer]).await;
        let spec = ModelSpec {
            api_key_env: Some(PLANTED.to_owned()),
            ..spec("prm", ServerKind::Vllm, &fake.url)
        };
        let prm = Pooling::with_options(&spec, quick()).unwrap();
        let score = prm.score(case()).await;
        let all = format!("{prm:?} {score:?}");
        assert!(!all.contains(&key), "{status}: {all}");
        let sent = fake.seen("/pooling")[0].authorization.clone();
        assert_eq!(sent, Some(format!("Bearer {key}")));
    }
    let fake = started(vec![Answer::json(200, &fine())]).await;
    let spec = ModelSpec {
        api_key_env: Some("POINTSMAN_NO_SUCH_KEY".to_owned()),
        ..spec("prm", ServerKind::Vllm, &fake.url)
    };
    let prm = Pooling::with_options(&spec, quick()).unwrap();
    let error = prm.score(case()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Auth);
    assert!(error.message.contains("POINTSMAN_NO_SUCH_KEY"), "{error}");
    assert!(fake.seen("/pooling").is_empty());
}

#[tokio::test]
async fn a_pool_file_becomes_a_scorer_and_an_encoder() {
    let fake = started(vec![Answer::json(200, &fine())]).await;
    let model = |name: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nserver = \"llama-cpp\"\nbase_url = \"{}\"\n",
            fake.url
        )
    };
    let table = |name: &str| {
        format!(
            "[{name}]\nserver = \"vllm\"\nbase_url = \"{}\"\nmodel = \"served-name\"\n",
            fake.url
        )
    };
    let text = model("a") + &model("b") + &table("prm") + &table("embeddings");
    let pool = Pool::parse(&text, "pool.toml".as_ref()).unwrap();
    let (prm, facts) =
        catalog::reward_model(pool.scorers.prm.as_ref().unwrap(), &pool, Some(1)).unwrap();
    assert_eq!(prm.score(case()).await.unwrap().value, Some(0.25));
    assert_eq!(
        (facts.name.as_str(), facts.server.as_str()),
        ("prm", "vllm")
    );
    let embeddings = pool.scorers.embeddings.as_ref().unwrap();
    let (encoder, facts) = catalog::encoder(embeddings, None).unwrap();
    assert_eq!(
        (encoder.name(), facts.model.as_deref()),
        ("embeddings", Some("served-name"))
    );
}
