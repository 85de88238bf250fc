//! The llama.cpp endpoint against a fake server: what it sends, what it makes
//! of odd answers, and which failures it retries.

// The helpers of a test binary are not test functions to clippy.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "http_llama_cpp/failures.rs"]
mod failures;

use std::sync::Mutex;
use std::time::Duration;

use common::llama_fake::{Answer, End, Fake, done, token, tokens};
use pointsman::model::catalog;
use pointsman::model::endpoint::{
    Endpoint, EndpointError, FailureKind, NoProgress, Progress, StepReply, StepRequest,
};
use pointsman::model::http::served::{Options, Served};
use pointsman::model::pool::{ModelSpec, Pool, ServerKind};
use pointsman::model::prompt::Template;
use pointsman::model::retry::Policy;
use pointsman::trace::record::{Continuation, Role, StepEnd, Usage, ValueKind};
use serde_json::json;

/// Retries without their pauses.
fn quick() -> Options {
    Options {
        retries: Policy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..Policy::default()
        },
        ..Options::default()
    }
}

fn spec(url: &str) -> ModelSpec {
    ModelSpec {
        base_url: Some(url.to_owned()),
        template: Some("plain".to_owned()),
        ..ModelSpec::new("m", ServerKind::LlamaCpp)
    }
}

fn endpoint(spec: &ModelSpec) -> Served {
    let template = Template::for_spec(spec, None).unwrap();
    Served::with_options(spec, Some(template), quick()).unwrap()
}

fn request(prefix: &str) -> StepRequest {
    StepRequest {
        question: "1 + 1?".to_owned(),
        prefix: prefix.to_owned(),
        temperature: 0.7,
        top_p: 0.9,
        max_tokens: 64,
        seed: u64::MAX,
        role: Role::Draft,
        affinity: "p".to_owned(),
    }
}

/// Text as a screen shows it.
#[derive(Default)]
struct Screen(Mutex<String>);

impl Progress for Screen {
    fn delta(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// One step from a server with these answers; the screen must have shown it.
async fn step(answers: Vec<Answer>) -> (Result<StepReply, EndpointError>, Fake) {
    let fake = Fake::start(answers).await;
    let screen = Screen::default();
    let reply = endpoint(&spec(&fake.url))
        .step(request("First.\n\n"), &screen)
        .await;
    if let Ok(reply) = &reply {
        let shown = screen.0.lock().unwrap().clone();
        assert_eq!(shown, reply.text.trim_end_matches(['\n', '\u{fffd}']));
    }
    (reply, fake)
}

async fn good(answers: Vec<Answer>) -> (StepReply, Fake) {
    let (reply, fake) = step(answers).await;
    (reply.expect("the step is written"), fake)
}

async fn bad(answers: Vec<Answer>) -> (EndpointError, Fake) {
    let (reply, fake) = step(answers).await;
    (reply.expect_err("the step fails"), fake)
}

fn texts(reply: &StepReply) -> Vec<&str> {
    reply
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect()
}

#[tokio::test]
async fn a_step_is_asked_for_in_full_and_read_in_full() {
    let (reply, fake) = good(vec![tokens(&["So", " 2", "."], "word")]).await;
    assert_eq!(reply.text, "So 2.");
    assert_eq!(texts(&reply), ["So", " 2", "."]);
    assert_eq!(reply.tokens[1].logprob, Some(-0.25));
    assert_eq!(reply.tokens[1].top[1].text, "?");
    assert_eq!(reply.coverage, 1.0);
    assert_eq!(reply.values, ValueKind::LogprobPreTemperature);
    assert_eq!(
        (reply.end, reply.end_note.as_deref()),
        (StepEnd::Delimiter, None)
    );
    assert_eq!(reply.continuation, Continuation::Exact);
    let usage = Usage {
        prompt: 20,
        cached: Some(12),
        output: 3,
        ..Usage::default()
    };
    assert_eq!(reply.usage, usage);
    assert!(reply.attempts.is_empty());

    let seen = fake.seen("/completion");
    let body = &seen[0].body;
    assert_eq!(body["prompt"], "1 + 1?\n\nFirst.\n\n");
    for (key, value) in [
        ("temperature", json!(0.7)),
        ("top_p", json!(0.9)),
        ("top_k", json!(0)),
        ("min_p", json!(0.0)),
        ("repeat_penalty", json!(1.0)),
        ("n_probs", json!(5)),
        ("n_predict", json!(64)),
        ("stop", json!(["\n\n"])),
        ("stream", json!(true)),
        ("return_tokens", json!(true)),
        ("cache_prompt", json!(true)),
        ("post_sampling_probs", json!(false)),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    // All ones would mean "any seed" to the server.
    assert!(body["seed"].as_u64().unwrap() < u64::from(u32::MAX));
    assert_eq!(seen[0].authorization, None);
}

#[tokio::test]
async fn every_end_is_told_apart() {
    for (said, end) in [
        ("word", StepEnd::Delimiter),
        ("eos", StepEnd::Eos),
        ("limit", StepEnd::Length),
    ] {
        let (reply, _) = good(vec![tokens(&["a"], said)]).await;
        assert_eq!(reply.end, end, "{said}");
    }
    let silent = json!({ "content": "", "stop": true, "tokens_predicted": 1 });
    let (reply, _) = good(vec![Answer::events(&[token("a", "a", 1), silent])]).await;
    assert!(reply.end_note.unwrap().contains("did not say"));
    // A model that ends the sequence at once has nothing more to say.
    let (reply, fake) = good(vec![tokens(&[], "eos")]).await;
    assert_eq!((reply.text.as_str(), reply.end), ("", StepEnd::Eos));
    assert_eq!(fake.seen("/completion").len(), 1);
}

#[tokio::test]
async fn streams_may_be_cut_into_any_bytes_and_carry_comments() {
    let events = [
        token("€ = ", "€ = ", 1),
        token("🌟", "🌟", 2),
        done("word", 2),
    ];
    let text: String = events
        .iter()
        .map(|event| format!(": ping\r\n\r\ndata: {event}\r\n\r\n"))
        .collect();
    for size in [1, 3, 7] {
        let (reply, _) = good(vec![Answer::stream(text.clone()).chunked(size)]).await;
        assert_eq!(reply.text, "€ = 🌟");
        assert_eq!(reply.coverage, 1.0);
    }
}

#[tokio::test]
async fn held_fused_and_straddling_tokens_are_aligned() {
    let events = [
        token("a", "a", 1),
        token("", "\n", 2),
        token("\n-", "-", 3),
        token(" b", " b", 4),
        token(".", ".\n\n", 5),
        done("word", 5),
    ];
    let (reply, _) = good(vec![Answer::events(&events)]).await;
    assert_eq!(reply.text, "a\n- b.");
    assert_eq!(texts(&reply), ["a", "\n", "-", " b", "."]);
    assert_eq!(reply.coverage, 1.0);
    // The stop's own tokens are shown as nothing and belong to no step.
    let events = [
        token("a", "a", 1),
        token("", "\n", 2),
        token("", "\n", 3),
        done("word", 3),
    ];
    let (reply, _) = good(vec![Answer::events(&events)]).await;
    assert_eq!(texts(&reply), ["a"]);
    assert_eq!(reply.usage.output, 3);
}

#[tokio::test]
async fn missing_probabilities_are_missing_and_not_made_up() {
    let mut bare = token("a step", "", 1);
    bare["completion_probabilities"] = json!(null);
    let (reply, _) = good(vec![Answer::events(&[bare, done("word", 1)])]).await;
    assert_eq!(reply.values, ValueKind::None);
    assert_eq!(reply.coverage, 0.0);
    assert_eq!(texts(&reply), ["a step"]);
    assert_eq!(reply.tokens[0].logprob, None);
}

#[tokio::test]
async fn a_character_cut_in_two_is_dropped_and_said() {
    let (reply, _) = good(vec![tokens(&["ab", "\u{fffd}"], "limit")]).await;
    assert_eq!(reply.text, "ab");
    assert_eq!(reply.end_note.as_deref(), Some("cut inside a character"));
    assert_eq!(texts(&reply), ["ab"]);
}

#[tokio::test]
async fn an_empty_step_is_retried_once_without_the_stop() {
    let empty = || tokens(&[], "word");
    let full = tokens(&["\n\n", "Then", " 2.", "\n\n", "More", " text"], "limit");
    let (reply, fake) = good(vec![empty(), full]).await;
    assert_eq!(reply.text, "Then 2.");
    assert_eq!(texts(&reply), ["Then", " 2."]);
    assert_eq!((reply.coverage, reply.end), (1.0, StepEnd::Delimiter));
    assert_eq!(reply.end_note.as_deref(), Some("retried once: empty step"));
    assert_eq!(reply.attempts.len(), 1);
    assert_eq!(reply.attempts[0].role, Role::Draft);
    let seen = fake.seen("/completion");
    assert_eq!(seen[1].body["stop"], json!([]));
    assert_eq!(seen[1].body["prompt"], seen[0].body["prompt"]);

    let (reply, fake) = good(vec![empty(), tokens(&["\n\n", "\n"], "limit")]).await;
    assert_eq!((reply.text.as_str(), reply.end), ("", StepEnd::Empty));
    assert_eq!(fake.seen("/completion").len(), 2);
    let (reply, _) = good(vec![empty(), tokens(&["\n", "end"], "eos")]).await;
    assert_eq!((reply.text.as_str(), reply.end), ("end", StepEnd::Eos));
}

#[tokio::test]
async fn a_blank_line_inside_an_open_block_continues_the_step() {
    let answers = vec![
        tokens(&["So \\[", " x"], "word"),
        tokens(&["y", " \\]"], "word"),
    ];
    let (reply, fake) = good(answers).await;
    assert_eq!(reply.text, "So \\[ x\n\ny \\]");
    assert_eq!(texts(&reply).concat(), reply.text);
    assert_eq!(reply.usage.output, 4);
    assert_eq!(reply.usage.prompt, 40);
    assert!(reply.coverage > 0.8 && reply.coverage < 1.0);
    assert!(reply.end_note.unwrap().contains("joined"));
    let seen = fake.seen("/completion");
    assert_eq!(seen[1].body["prompt"], "1 + 1?\n\nFirst.\n\nSo \\[ x\n\n");
    assert_eq!(seen[1].body["n_predict"], 62);
    // A block that is never closed ends after three joins.
    let (reply, fake) = good(vec![tokens(&["\\[ x"], "word")]).await;
    assert_eq!(fake.seen("/completion").len(), 4);
    assert_eq!(reply.text.matches("\n\n").count(), 3);
    // Nothing behind the blank line: the step ends before it.
    let (reply, _) = good(vec![tokens(&["$$ x"], "word"), tokens(&[], "eos")]).await;
    assert_eq!((reply.text.as_str(), reply.end), ("$$ x", StepEnd::Eos));
}

#[tokio::test]
async fn steps_are_shrunk_to_the_context_or_refused() {
    let fake = Fake::start(vec![tokens(&["ok"], "word")]).await;
    let props = |context: u32| {
        let settings = json!({ "n_ctx": context });
        vec![Answer::json(
            200,
            &json!({ "default_generation_settings": settings }),
        )]
    };
    let count = json!({ "tokens": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
    fake.on("/tokenize", vec![Answer::json(200, &count)]);
    fake.on("/props", props(60));
    let first = endpoint(&spec(&fake.url));
    first.step(request(""), &NoProgress).await.unwrap();
    assert_eq!(fake.seen("/completion")[0].body["n_predict"], 50);
    // Counted as asked, without the letter behind it where it can be told.
    assert_eq!(fake.seen("/tokenize")[0].body["content"], "1 + 1?\n\nA");
    assert_eq!(fake.seen("/completion")[0].body["prompt"], "1 + 1?\n\n");

    fake.on("/props", props(40));
    let second = endpoint(&spec(&fake.url));
    let error = second.step(request(""), &NoProgress).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Context);
    assert!(
        error.message.contains("10 tokens") && error.message.contains("40"),
        "{error}"
    );
    assert_eq!(fake.seen("/completion").len(), 1);

    // The context is asked for once an endpoint.
    fake.on("/props", props(2048));
    let third = endpoint(&spec(&fake.url));
    for _ in 0..2 {
        third.step(request(""), &NoProgress).await.unwrap();
    }
    assert_eq!(fake.seen("/props").len(), 3);
}

#[tokio::test]
async fn blanks_at_the_end_are_encoded_as_before_a_letter() {
    let fake = Fake::start(vec![tokens(&["ok"], "word")]).await;
    let piece = |id: u32, piece: &str| json!({ "id": id, "piece": piece });
    let pieces =
        json!({ "tokens": [piece(5, "1 + 1?"), piece(7, "\n"), piece(7, "\n"), piece(9, "A")] });
    fake.on("/tokenize", vec![Answer::json(200, &pieces)]);
    let first = endpoint(&spec(&fake.url));
    first.step(request(""), &NoProgress).await.unwrap();
    assert_eq!(fake.seen("/completion")[0].body["prompt"], json!([5, 7, 7]));
    // A server without the route is asked once and then gets text.
    let bare = Fake::start(vec![tokens(&["ok"], "word")]).await;
    let second = endpoint(&spec(&bare.url));
    for _ in 0..2 {
        second.step(request(""), &NoProgress).await.unwrap();
    }
    assert_eq!(bare.seen("/tokenize").len(), 1);
    assert_eq!(bare.seen("/completion")[1].body["prompt"], "1 + 1?\n\n");
}

#[tokio::test]
async fn the_server_renders_the_prompt_where_it_is_asked_to() {
    let fake = Fake::start(vec![tokens(&["ok"], "word")]).await;
    let prompt = json!({ "prompt": "<u>1 + 1?</u>\n" });
    fake.on("/apply-template", vec![Answer::json(200, &prompt)]);
    let spec = ModelSpec {
        template: None,
        ..spec(&fake.url)
    };
    let endpoint = endpoint(&spec);
    for _ in 0..2 {
        endpoint.step(request("A.\n\n"), &NoProgress).await.unwrap();
    }
    let asked = fake.seen("/apply-template");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].body["messages"],
        json!([{ "role": "user", "content": "1 + 1?" }])
    );
    assert_eq!(
        fake.seen("/completion")[1].body["prompt"],
        "<u>1 + 1?</u>\nA.\n\n"
    );
}

#[tokio::test]
async fn the_probe_says_what_the_server_can_do() {
    let fake = Fake::start(vec![tokens(&["2"], "limit")]).await;
    let loading = Answer::error(503, "unavailable_error", "Loading model");
    let healthy = Answer::json(200, &json!({ "status": "ok" }));
    fake.on("/health", vec![loading.clone(), loading, healthy]);
    let named = |model: &str| ModelSpec {
        model: Some(model.to_owned()),
        ..spec(&fake.url)
    };
    let seen = endpoint(&named("tiny")).probe().await.unwrap();
    assert_eq!(seen.values, ValueKind::LogprobPreTemperature);
    assert_eq!((seen.top, seen.context), (2, Some(2048)));
    assert!(seen.which_stop && seen.cached_count);
    assert_eq!(fake.seen("/health").len(), 3);
    assert!(endpoint(&named("tiny.gguf")).probe().await.is_ok());

    let error = endpoint(&named("other")).probe().await.unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound);
    assert!(error.message.contains("available: /m/tiny.gguf"), "{error}");

    let mut bare = token("2", "2", 1);
    bare["completion_probabilities"] = json!([]);
    bare["timings"] = json!(null);
    let end = json!({ "content": "", "stop": true });
    fake.on("/completion", vec![Answer::events(&[bare, end])]);
    let seen = endpoint(&named("tiny")).probe().await.unwrap();
    assert_eq!((seen.values, seen.top), (ValueKind::None, 0));
    assert!(!seen.which_stop && !seen.cached_count);
}

#[tokio::test]
async fn a_pool_becomes_endpoints() {
    let fake = Fake::start(vec![tokens(&["ok"], "eos")]).await;
    let model = |name: &str, server: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nserver = \"{server}\"\nbase_url = \"{}\"\n\
             model = \"tiny\"\ntemplate = \"smollm2\"\n",
            fake.url
        )
    };
    let parse = |text: String| Pool::parse(&text, "pool.toml".as_ref()).unwrap();
    let pool = parse(model("a", "llama-cpp") + &model("b", "llama-cpp"));
    let endpoints = catalog::build(&pool, None).unwrap();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(endpoints[1].name(), "b");
    let reply = endpoints[1].step(request(""), &NoProgress).await.unwrap();
    assert_eq!(reply.end, StepEnd::Eos);
}
