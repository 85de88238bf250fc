//! What every server is sent.

use pointsman::model::endpoint::{Endpoint, NoProgress, StepRequest};
use pointsman::model::pool::ServerKind;
use serde_json::{Value, json};

use crate::bench::{Bench, request};
use crate::common::fake::Answer;
use crate::servers::{Kind, MODEL};
use crate::sim::say;

/// A key that the test harness puts into the environment; setting one here
/// would be unsafe.
const PLANTED: &str = "CARGO_MANIFEST_DIR";

#[tokio::test]
async fn nothing_is_left_to_the_servers_defaults() {
    let sampled = [("temperature", json!(0.7)), ("top_p", json!(0.9))];
    let neutral = [
        ("min_p", json!(0.0)),
        ("presence_penalty", json!(0.0)),
        ("frequency_penalty", json!(0.0)),
    ];
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", ".\n\n"]));
        bench.blind_step().await;
        bench.step().await;
        let bodies = bench.bodies();
        let body = &bodies[0];
        let sampling = match kind.server {
            ServerKind::Sglang => &body["sampling_params"],
            ServerKind::Ollama => &body["options"],
            _ => body,
        };
        for (name, value) in &sampled {
            assert_eq!(&sampling[name], value, "{kind:?} {name}");
        }
        if kind.text && kind != Kind::COMPATIBLE {
            for (name, value) in &neutral {
                assert_eq!(&sampling[name], value, "{kind:?} {name}");
            }
        }
        let seed = sampling["seed"]
            .as_u64()
            .or(sampling["sampling_seed"].as_u64());
        assert!(seed.unwrap() <= u64::from(u32::MAX >> 1), "{kind:?}");
        assert_eq!(sampling["stop"], json!(["\n\n"]), "{kind:?}");
        let lengths = [
            "max_tokens",
            "max_completion_tokens",
            "max_new_tokens",
            "num_predict",
        ];
        let lengths: Vec<&Value> = lengths
            .iter()
            .map(|name| &sampling[name])
            .filter(|value| !value.is_null())
            .collect();
        assert_eq!(lengths, [&json!(64)], "{kind:?}");
        // Nobody watches the first: it comes in one piece.
        let streams = kind == Kind::OLLAMA;
        assert_eq!(body["stream"] == true, streams, "{kind:?}");
        assert_eq!(bodies[1]["stream"], true, "{kind:?}");
        if kind.text {
            let prompt = body.get("prompt").or(body.get("text"));
            assert_eq!(prompt, Some(&json!("1 + 1?\n\nFirst.\n\n")), "{kind:?}");
        }
        let named = kind != Kind::SGLANG;
        assert_eq!(body["model"] == MODEL, named, "{kind:?}");
    }
}

#[tokio::test]
async fn the_fields_of_each_server_are_its_own() {
    let expected = [
        (
            Kind::VLLM,
            json!({"logprobs": 5, "include_stop_str_in_output": true, "top_k": -1,
                "return_token_ids": true, "return_tokens_as_token_ids": false,
                "skip_special_tokens": true}),
        ),
        (
            Kind::COMPATIBLE,
            json!({"logprobs": 5, "include_stop_str_in_output": null, "top_k": null}),
        ),
        (
            Kind::SGLANG,
            json!({"return_logprob": true, "top_logprobs_num": 5, "logprob_start_len": -1,
                "return_text_in_logprobs": true}),
        ),
        (
            Kind::OLLAMA,
            json!({"raw": true, "truncate": false, "logprobs": true, "top_logprobs": 5}),
        ),
        (
            Kind::OPENAI,
            json!({"logprobs": true, "top_logprobs": 5, "max_tokens": null, "provider": null}),
        ),
        (
            Kind::OPENROUTER,
            json!({"provider": {"require_parameters": true}}),
        ),
        (
            Kind::CHAT,
            json!({"continue_final_message": true, "add_generation_prompt": false}),
        ),
        (Kind::LITELLM, json!({"continue_final_message": null})),
    ];
    for (kind, fields) in expected {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", ".\n\n"]));
        bench.step().await;
        let body = &bench.bodies()[0];
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&body[name], value, "{kind:?} {name}");
        }
        let retries = bench.asked()[0]
            .header("x-litellm-num-retries")
            .map(str::to_owned);
        let zero = (kind == Kind::LITELLM).then(|| "0".to_owned());
        assert_eq!(retries, zero, "{kind:?}");
    }
    let bench = Bench::probed(Kind::OLLAMA).await;
    bench.step().await;
    assert_eq!(bench.bodies()[0]["options"]["num_ctx"], 8192);
}

#[tokio::test]
async fn the_pool_adds_fields_of_its_own() {
    for kind in Kind::ALL {
        let extra = json!({ "priority": 3, "top_p": 0.5 });
        let bench = Bench::with(
            kind,
            |_| {},
            |spec| spec.extra = extra.as_object().unwrap().clone(),
        )
        .await;
        bench.says(say(&["So", ".\n\n"]));
        bench.step().await;
        for body in bench.bodies() {
            assert_eq!(
                (&body["priority"], &body["top_p"]),
                (&json!(3), &json!(0.5))
            );
        }
    }
}

#[tokio::test]
async fn calls_of_one_problem_are_sent_to_one_replica() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", ".\n\n"]));
        for affinity in ["one", "one", "two"] {
            let request = StepRequest {
                affinity: affinity.to_owned(),
                ..request()
            };
            bench.endpoint.step(request, &NoProgress).await.unwrap();
        }
        let asked = bench.asked();
        for header in ["x-session-id", "x-smg-routing-key"] {
            let keys: Vec<&str> = asked
                .iter()
                .map(|seen| seen.header(header).unwrap())
                .collect();
            assert_eq!(keys[0], keys[1], "{kind:?}");
            assert_ne!(keys[1], keys[2], "{kind:?}");
            assert!(!keys[0].contains("one"), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn the_key_is_sent_everywhere_and_never_shown() {
    let key = std::env::var(PLANTED).unwrap();
    for kind in Kind::ALL {
        for status in [200, 400, 401, 403, 404, 429, 500] {
            let keyed = |spec: &mut pointsman::model::pool::ModelSpec| {
                spec.api_key_env = Some(PLANTED.to_owned());
            };
            let bench = Bench::with(kind, |_| {}, keyed).await;
            bench.says(say(&["So", ".\n\n"]));
            bench.found().await;
            let said = format!("bad key {key}");
            if status != 200 {
                let refusal = Answer::error(status, "authentication_error", &said);
                bench.fake.on(kind.path(), vec![refusal]);
            }
            let result = bench.endpoint.step(request(), &NoProgress).await;
            assert_eq!(result.is_ok(), status == 200, "{kind:?}");
            let all = format!("{:?} {result:?}", bench.endpoint);
            assert!(!all.contains(&key), "{kind:?} {status}: {all}");
            if status == 401 {
                assert!(all.contains(PLANTED), "{all}");
            }
            let bearer = Some(format!("Bearer {key}"));
            for path in [
                kind.path(),
                "/v1/models",
                "/tokenize",
                "/version",
                "/api/show",
            ] {
                let seen = bench.fake.seen(path);
                assert!(
                    seen.iter().all(|seen| seen.authorization == bearer),
                    "{path}"
                );
            }
        }
    }
}
