//! What the start-up probe finds out about each server.

use pointsman::model::endpoint::{Capabilities, Endpoint, FailureKind, StepRequest};
use pointsman::trace::record::{Continuation, ValueKind};

use crate::bench::{Bench, request};
use crate::common::fake::{Answer, End};
use crate::servers::{Kind, Knobs};
use crate::sim::{Values, say};

#[tokio::test]
async fn every_server_is_found_to_be_what_it_is() {
    for kind in Kind::ALL {
        let bench = Bench::new(kind).await;
        let found = bench.found().await;
        let expected = Capabilities {
            probabilities: true,
            top: 20,
            which_stop: kind.names_stop(),
            cached_count: kind != Kind::OLLAMA,
            context: Some(8192),
            token_ids: matches!(kind, Kind::VLLM | Kind::SGLANG),
            version: match kind {
                Kind::VLLM => Some("vLLM 0.32.0".to_owned()),
                Kind::SGLANG => Some("SGLang 0.5.21".to_owned()),
                Kind::OLLAMA => Some("Ollama 0.13.1".to_owned()),
                _ => None,
            },
            remarks: found.remarks.clone(),
            usage: found.usage,
            ..Capabilities::bare(
                match kind {
                    Kind::OPENAI => Continuation::Emulated,
                    _ => Continuation::Exact,
                },
                match kind {
                    Kind::SGLANG => ValueKind::LogprobPostTemperature,
                    _ => ValueKind::LogprobPreTemperature,
                },
            )
        };
        assert_eq!(found, expected, "{kind:?}");
        match kind {
            Kind::OPENROUTER => assert!(found.remarks[0].contains("pin one"), "{found:?}"),
            _ => assert_eq!(found.remarks, [""; 0], "{kind:?}"),
        }
        // Every call of the probe is in its count.
        let calls = bench.asked().len();
        let tries = match kind {
            Kind::CHAT | Kind::OPENROUTER => 1,
            // The first way was refused, and cost nothing.
            Kind::LITELLM => 2,
            _ => 0,
        };
        assert_eq!(calls, 4 + tries, "{kind:?}");
        assert!(
            found.usage.prompt > 4 * 30 && found.usage.output > 4,
            "{found:?}"
        );
        assert_eq!(found.usage.cached.is_some(), found.cached_count, "{kind:?}");
        // Asked again it only looks whether the server is there.
        bench.found().await;
        assert_eq!(bench.asked().len(), calls, "{kind:?}");
    }
}

#[tokio::test]
async fn what_the_values_are_is_measured() {
    use ValueKind::{LogprobPostTemperature, LogprobPreTemperature, RawLogit};
    for kind in Kind::ALL {
        for (values, expected) in [
            (Values::RawLogits, RawLogit),
            (Values::Logprobs, LogprobPreTemperature),
            (Values::ProcessedLogprobs, LogprobPostTemperature),
            (Values::Nothing, ValueKind::None),
        ] {
            let bench = Bench::odd(kind, |knobs| knobs.values = values).await;
            let found = bench.found().await;
            assert_eq!(found.values, expected, "{kind:?} {values:?}");
            let probabilities = !matches!(expected, RawLogit | ValueKind::None);
            assert_eq!(found.probabilities, probabilities, "{kind:?} {values:?}");
            let top = if values == Values::Nothing { 0 } else { 20 };
            assert_eq!(found.top, top, "{kind:?} {values:?}");
        }
        let bench = Bench::odd(kind, |knobs| knobs.values = Values::ProcessedLogits).await;
        let error = bench.endpoint.probe().await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Configuration, "{kind:?}");
        assert!(
            error.message.contains("--logprobs-mode raw_logits"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn fewer_alternatives_are_taken_where_more_are_refused() {
    for kind in Kind::ALL {
        for (most, found) in [(20, 20), (8, 5), (3, 2), (1, 1), (0, 0)] {
            let bench = Bench::odd(kind, |knobs| knobs.most_top = most).await;
            let seen = bench.found().await;
            assert_eq!(seen.top, found, "{kind:?} {most}");
            let none = seen.values == ValueKind::None;
            assert_eq!(none, found == 0, "{kind:?} {most}");
            if none {
                // Says why there are none.
                let remarks = seen.remarks.join(" ");
                assert!(remarks.contains("refuses "), "{kind:?} {remarks}");
            }
            bench.fake.forget();
            bench.says(say(&["So", ".\n\n"]));
            let reply = bench.step().await;
            assert_eq!(reply.text, "So.", "{kind:?} {most}");
            assert_eq!(bench.asked().len(), 1, "{kind:?} {most}");
        }
    }
}

#[tokio::test]
async fn a_server_that_takes_no_high_temperature_is_probed_all_the_same() {
    for kind in [Kind::VLLM, Kind::COMPATIBLE, Kind::CHAT, Kind::OPENROUTER] {
        let bench = Bench::odd(kind, |knobs| knobs.hottest = 1.0).await;
        let found = bench.found().await;
        assert_eq!(found.values, ValueKind::LogprobPreTemperature, "{kind:?}");
        let remarks = found.remarks.join(" ");
        assert!(remarks.contains("could not be told"), "{kind:?} {remarks}");
    }
}

#[tokio::test]
async fn servers_that_count_no_cached_tokens_leave_them_unknown() {
    for kind in Kind::ALL {
        let bench = Bench::odd(kind, |knobs| knobs.cached = false).await;
        let found = bench.found().await;
        assert!(!found.cached_count, "{kind:?}");
        assert_eq!(found.usage.cached, None, "{kind:?}");
        bench.says(say(&["So", ".\n\n"]));
        assert_eq!(bench.both().await.usage.cached, None, "{kind:?}");
    }
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::OLLAMA) {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", ".\n\n"]));
        let long = StepRequest {
            prefix: "First. ".repeat(9),
            ..request()
        };
        let first = bench.try_step(long.clone()).await.unwrap().usage;
        let second = bench.try_step(long).await.unwrap().usage;
        // The same prompt again, but for its last block.
        assert!(
            first.cached < second.cached,
            "{kind:?} {first:?} {second:?}"
        );
        assert!(second.cached.unwrap() < second.prompt, "{kind:?}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_served_is_named_with_those_that_are() {
    for kind in Kind::ALL {
        let bench = Bench::with(kind, |_| {}, |spec| spec.model = Some("absent".to_owned())).await;
        match bench.endpoint.probe().await {
            Err(error) => {
                assert_eq!(error.kind, FailureKind::NotFound, "{kind:?}");
                let message = &error.message;
                assert!(message.contains("absent"), "{kind:?} {message}");
                if matches!(kind, Kind::VLLM | Kind::SGLANG | Kind::OLLAMA) {
                    let both = message.contains("other") && message.contains("tiny");
                    assert!(both, "{kind:?} {message}");
                }
            }
            Ok(found) => panic!("{kind:?}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn a_gateway_without_a_list_of_models_can_still_be_used() {
    for kind in [
        Kind::COMPATIBLE,
        Kind::CHAT,
        Kind::OPENROUTER,
        Kind::LITELLM,
    ] {
        let html = Answer::Status(
            200,
            vec![("content-type", "text/html".to_owned())],
            "<html>a page</html>".to_owned(),
        );
        let refused = Answer::error(400, "BadRequestError", "no list here");
        for list in [None, Some(html), Some(refused)] {
            let bench = Bench::odd(kind, |knobs| knobs.lists_models = false).await;
            if let Some(list) = list {
                bench.fake.on("/v1/models", vec![list]);
            }
            let found = bench.found().await;
            assert_eq!(found.context, None, "{kind:?}");
            assert!(!found.remarks.is_empty(), "{kind:?}");
            bench.says(say(&["So", ".\n\n"]));
            assert_eq!(bench.both().await.text, "So.", "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_loading_model_is_waited_for_and_a_passing_failure_retried() {
    for kind in [Kind::VLLM, Kind::SGLANG, Kind::CHAT] {
        let bench = Bench::new(kind).await;
        let loading = Answer::error(503, "unavailable_error", "Loading model");
        for _ in 0..4 {
            bench.fake.instead("/v1/models", loading.clone());
        }
        bench.found().await;
        assert_eq!(bench.fake.seen("/v1/models").len(), 5, "{kind:?}");
    }
    for kind in Kind::ALL {
        // A completion of the probe that breaks off says nothing of the server.
        let bench = Bench::new(kind).await;
        bench.twist(|answer| answer.broken(0.5, End::Cut));
        let found = bench.found().await;
        assert_eq!(found.top, 20, "{kind:?}");
    }
    // Nor does a stream that ends before its end.
    let bench = Bench::new(Kind::OLLAMA).await;
    bench.twist(|answer| answer.broken(0.01, End::Whole));
    assert_eq!(bench.found().await.top, 20);
}

#[tokio::test]
async fn what_is_odd_is_remarked() {
    /// Remarks of a server that was changed and says that.
    async fn remarks(change: impl FnOnce(&mut Knobs), ending: &str, says: &[&str]) -> String {
        let bench = Bench::odd(Kind::VLLM, change).await;
        bench.sim.says(ending, say(says));
        bench.found().await.remarks.join(" ")
    }
    let anew = remarks(|_| {}, "4, 5, 6", &["Sure", "!"]).await;
    assert!(
        anew.contains("Sure!") && anew.contains("not “, 7”"),
        "{anew}"
    );
    let empty = remarks(|_| {}, "= 2.\n\n", &["\n\n", "More"]).await;
    assert!(empty.contains("an empty one"), "{empty}");
    // One token over and over: every list is the same.
    let same = remarks(|_| {}, "4, 5, 6", &[", 7"; 8]).await;
    assert!(same.contains("the same alternatives"), "{same}");
    let fine = remarks(|_| {}, "nothing", &["?"]).await;
    assert_eq!(fine, "");
}
