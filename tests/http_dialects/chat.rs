//! Chat routes: how a model is made to go on, or why it is not.

use pointsman::model::endpoint::{Endpoint, FailureKind, StepRequest};
use pointsman::model::prompt::STEP_BY_STEP;
use pointsman::trace::record::{Continuation, Role, StepEnd, ValueKind};
use serde_json::{Value, json};

use crate::bench::{Bench, request};
use crate::servers::{Going, Kind};
use crate::sim::{finish, say};

#[tokio::test]
async fn a_chat_goes_on_from_its_last_message_where_that_works() {
    for (kind, going, flagged) in [
        (Kind::CHAT, Going::ByFlags, true),
        (Kind::CHAT, Going::Strictly, false),
        (Kind::CHAT, Going::ByItself, true),
        (Kind::OPENROUTER, Going::ByItself, true),
        (Kind::OPENROUTER, Going::Strictly, false),
        (Kind::LITELLM, Going::ByFlags, true),
        (Kind::LITELLM, Going::Strictly, false),
    ] {
        let bench = Bench::odd(kind, |knobs| knobs.going = going)
            .await
            .after_probe()
            .await;
        bench.sim.says("First.\n\n", say(&["So", ".\n\n"]));
        let reply = bench.both().await;
        assert_eq!(reply.text, "So.", "{kind:?} {going:?}");
        assert_eq!(reply.continuation, Continuation::Exact);
        let body = &bench.bodies()[0];
        let last = json!({ "role": "assistant", "content": "First.\n\n" });
        let expected = json!([
            { "role": "system", "content": STEP_BY_STEP },
            { "role": "user", "content": "1 + 1?" },
            last,
        ]);
        assert_eq!(body["messages"], expected, "{kind:?} {going:?}");
        assert_eq!(body["continue_final_message"] == true, flagged, "{going:?}");
        // Before the first step there is nothing to go on from.
        bench.fake.forget();
        bench.says(say(&["So", ".\n\n"]));
        let first = StepRequest {
            prefix: String::new(),
            ..request()
        };
        bench.try_step(first).await.unwrap();
        let body = &bench.bodies()[0];
        assert_eq!(body["messages"].as_array().unwrap().len(), 2, "{going:?}");
        assert_eq!(body["continue_final_message"], Value::Null, "{going:?}");
    }
}

#[tokio::test]
async fn a_chat_that_cannot_go_on_is_refused_and_says_what_would_do() {
    for (going, why) in [
        (Going::Anew, "it began anew: “?”"),
        (Going::Refused, "does not support assistant message prefill"),
    ] {
        for kind in [Kind::CHAT, Kind::OPENROUTER, Kind::LITELLM] {
            let bench = Bench::odd(kind, |knobs| knobs.going = going).await;
            let error = bench.endpoint.probe().await.unwrap_err();
            assert_eq!(error.kind, FailureKind::Configuration, "{kind:?}");
            for part in [
                why,
                "continuation = \"emulated\"",
                "cannot go on from a partial",
            ] {
                assert!(error.message.contains(part), "{kind:?} {error}");
            }
            // A step fails as the probe does, and is not tried again and again.
            let error = bench.fails().await;
            assert_eq!(error.kind, FailureKind::Configuration, "{kind:?}");
            // The user accepts it.
            let bench = Bench::with(
                kind,
                |knobs| knobs.going = going,
                |spec| spec.continuation = Some(Continuation::Emulated),
            )
            .await;
            let found = bench.found().await;
            assert_eq!(found.continuation, Continuation::Emulated, "{kind:?}");
            bench.says(say(&["So", ".\n\n"]));
            let reply = bench.both().await;
            assert_eq!(reply.continuation, Continuation::Emulated, "{kind:?}");
        }
    }
    // The user knows better.
    let bench = Bench::with(
        Kind::CHAT,
        |knobs| knobs.going = Going::Anew,
        |spec| spec.continuation = Some(Continuation::Exact),
    )
    .await;
    let found = bench.found().await;
    assert_eq!(found.continuation, Continuation::Exact);
    let remarks = found.remarks.join(" ");
    assert!(remarks.contains("not “, 7”"), "{remarks}");
}

#[tokio::test]
async fn openai_is_asked_for_the_next_step_and_every_step_says_so() {
    let bench = Bench::probed(Kind::OPENAI).await;
    bench.says(say(&["So", ".\n\n"]));
    for _ in 0..2 {
        assert_eq!(bench.step().await.continuation, Continuation::Emulated);
    }
    let other = StepRequest {
        affinity: "other".to_owned(),
        ..request()
    };
    bench.try_step(other).await.unwrap();
    let bodies = bench.bodies();
    let messages = bodies[0]["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[1]["role"]), (2, &json!("user")));
    let content = messages[1]["content"].as_str().unwrap();
    assert!(
        content.contains("1 + 1?") && content.contains("First.\n\n"),
        "{content}"
    );
    let keys: Vec<&str> = bodies
        .iter()
        .map(|body| body["prompt_cache_key"].as_str().unwrap())
        .collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
    assert_eq!(bodies[0]["max_completion_tokens"], 64);
    // It cannot be insisted on.
    let bench = Bench::with(
        Kind::OPENAI,
        |_| {},
        |spec| spec.continuation = Some(Continuation::Exact),
    )
    .await;
    let error = bench.endpoint.probe().await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Configuration);
    assert!(error.message.contains("take out"), "{error}");
}

#[tokio::test]
async fn who_gives_an_opinion_is_asked_plainly_and_says_all_of_it() {
    let accepted = |spec: &mut pointsman::model::pool::ModelSpec| {
        spec.continuation = Some(Continuation::Emulated);
    };
    for kind in [Kind::OPENAI, Kind::CHAT, Kind::OPENROUTER] {
        let bench = Bench::with(kind, |_| {}, accepted)
            .await
            .after_probe()
            .await;
        bench.says(finish(&[
            "Right", ",", "\n\n", "it", " is", " correct", ".",
        ]));
        for role in [Role::Judge, Role::Grader, Role::Verifier] {
            bench.fake.forget();
            let opinion = StepRequest {
                question: "Is it right?".to_owned(),
                prefix: String::new(),
                role,
                ..request()
            };
            let reply = bench.try_step(opinion).await.unwrap();
            assert_eq!(reply.text, "Right,\n\nit is correct.", "{kind:?} {role:?}");
            assert_eq!((reply.end, reply.coverage), (StepEnd::Eos, 1.0), "{kind:?}");
            let body = &bench.bodies()[0];
            let plain = json!([{ "role": "user", "content": "Is it right?" }]);
            assert_eq!(body["messages"], plain, "{kind:?} {role:?}");
            assert_eq!(body["stop"], Value::Null, "{kind:?} {role:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_no_step() {
    for kind in [Kind::OPENAI, Kind::CHAT, Kind::OPENROUTER, Kind::LITELLM] {
        let bench = Bench::probed(kind).await;
        bench.says(finish(&["I", " cannot"]));
        bench.sim.knobs().refusal = Some("I cannot help with that");
        let reply = bench
            .endpoint
            .step(request(), &pointsman::model::endpoint::NoProgress)
            .await;
        let error = reply.unwrap_err();
        assert_eq!(error.kind, FailureKind::Filtered, "{kind:?}");
        assert!(error.message.contains("I cannot help"), "{error}");
        assert_eq!(bench.asked().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_reasoning_model_is_told_apart_from_a_broken_one() {
    // Takes no sampling: no steps at all.
    for unsupported in [
        vec!["logprobs", "temperature", "top_p"],
        vec!["temperature"],
    ] {
        let bench = Bench::odd(Kind::OPENAI, |knobs| knobs.unsupported = unsupported).await;
        let error = bench.endpoint.probe().await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Refused, "{error}");
        assert!(
            error.message.contains("reasoning_effort = \"none\""),
            "{error}"
        );
    }
    // Gives no probabilities: the steps are there, and it is said why those
    // are not.
    let bench = Bench::odd(Kind::OPENAI, |knobs| knobs.unsupported = vec!["logprobs"]).await;
    let found = bench.found().await;
    assert_eq!((found.values, found.top), (ValueKind::None, 0));
    let remarks = found.remarks.join(" ");
    assert!(remarks.contains("reasoning_effort = \"none\""), "{remarks}");
    bench.says(say(&["So", ".\n\n"]));
    let reply = bench.both().await;
    assert_eq!(
        (reply.text.as_str(), reply.values),
        ("So.", ValueKind::None)
    );
}

#[tokio::test]
async fn openrouter_keeps_what_the_user_says_of_providers() {
    for (provider, expected) in [
        (
            json!({ "order": ["A"], "allow_fallbacks": false }),
            json!({ "order": ["A"], "allow_fallbacks": false, "require_parameters": true }),
        ),
        (
            json!({ "require_parameters": false }),
            json!({ "require_parameters": false }),
        ),
    ] {
        let bench = Bench::with(
            Kind::OPENROUTER,
            |_| {},
            |spec| {
                spec.extra.insert("provider".to_owned(), provider);
            },
        )
        .await;
        assert_eq!(
            bench.found().await.remarks,
            [""; 0],
            "the provider is pinned"
        );
        bench.says(say(&["So", ".\n\n"]));
        bench.both().await;
        for body in bench.bodies() {
            assert_eq!(body["provider"], expected);
        }
    }
}
