//! What only servers with a tokenizer can tell: encodings and the context.

use pointsman::model::endpoint::{FailureKind, StepRequest};
use pointsman::model::http::served::Served;
use pointsman::model::prompt::{LocalTemplate, Template};
use serde_json::json;

use crate::bench::{Bench, quick, request};
use crate::servers::Kind;
use crate::sim::say;
use crate::tokenizer::Tokenizer;

#[tokio::test]
async fn a_blank_line_is_sent_as_the_model_knows_it_in_front_of_a_step() {
    let shifty = Tokenizer {
        shifty: true,
        marks: true,
    };
    let bench = Bench::odd(Kind::VLLM, |knobs| knobs.tokenizer = Some(shifty)).await;
    let bench = bench.after_probe().await;
    bench.sim.says("First.\n\n", say(&["So", ".\n\n"]));
    assert_eq!(bench.both().await.text, "So.");
    let ids = bench.bodies()[0]["prompt"].clone();
    let ids: Vec<u64> = serde_json::from_value(ids).unwrap();
    // The mark in front, and two newlines as they stand before a letter.
    assert_eq!((ids[0], &ids[ids.len() - 2..]), (1, &[198, 198][..]));
    // A prompt that ends otherwise is sent as text.
    let middle = StepRequest {
        prefix: "First".to_owned(),
        ..request()
    };
    bench.says(say(&[", then", ".\n\n"]));
    bench.try_step(middle).await.unwrap();
    assert_eq!(bench.bodies()[2]["prompt"], "1 + 1?\n\nFirst");
    // A tokenizer that knows blank lines as one token needs no help.
    let bench = Bench::probed(Kind::VLLM).await;
    bench.says(say(&["So", ".\n\n"]));
    bench.step().await;
    assert_eq!(bench.bodies()[0]["prompt"], "1 + 1?\n\nFirst.\n\n");
    assert_eq!(bench.fake.seen("/tokenize").len(), 0);
}

#[tokio::test]
async fn a_doubled_mark_of_the_beginning_is_remarked() {
    for (source, doubled) in [
        ("<s>{{ question }}\n\n", true),
        ("{{ question }}\n\n", false),
    ] {
        let bench = Bench::odd(Kind::VLLM, |knobs| {
            knobs.tokenizer = Some(Tokenizer {
                shifty: false,
                marks: true,
            });
        })
        .await;
        let template = LocalTemplate::from_source("own", source.to_owned()).unwrap();
        let template = Some(Template::Local(Box::new(template)));
        let endpoint = Served::with_options(&bench.spec, template, quick()).unwrap();
        let bench = Bench { endpoint, ..bench };
        let remarks = bench.found().await.remarks.join(" ");
        assert_eq!(
            remarks.contains("the same token twice"),
            doubled,
            "{remarks}"
        );
    }
}

#[tokio::test]
async fn a_server_without_a_tokenizer_is_asked_for_it_once() {
    let bench = Bench::odd(Kind::VLLM, |knobs| knobs.tokenizer = None).await;
    let found = bench.found().await;
    assert_eq!(found.remarks, [""; 0]);
    bench.says(say(&["So", ".\n\n"]));
    assert_eq!(bench.both().await.text, "So.");
    assert_eq!(bench.fake.seen("/tokenize").len(), 1);
}

#[tokio::test]
async fn steps_are_shrunk_to_the_context_or_refused_before_they_are_sent() {
    // "1 + 1?", a blank line, "First." and a blank line are 14 tokens.
    for kind in [Kind::VLLM, Kind::SGLANG] {
        let bench = Bench::odd(kind, |knobs| knobs.context = 400)
            .await
            .after_probe()
            .await;
        bench.says(say(&["So", ".\n\n"]));
        let long = StepRequest {
            max_tokens: 399,
            ..request()
        };
        bench.try_step(long).await.unwrap();
        let body = &bench.bodies()[0];
        let most = [
            &body["max_tokens"],
            &body["sampling_params"]["max_new_tokens"],
        ];
        assert!(most.contains(&&json!(386)), "{kind:?} {body}");
        let longer = StepRequest {
            prefix: "a".repeat(380),
            ..request()
        };
        bench.fake.forget();
        let error = bench.try_step(longer).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Context, "{kind:?}");
        let message = &error.message;
        assert!(
            message.contains("387 tokens") && message.contains("400"),
            "{message}"
        );
        assert_eq!(bench.asked().len(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn who_cannot_count_is_refused_by_the_server() {
    for kind in Kind::ALL {
        let bench = Bench::odd(kind, |knobs| {
            knobs.context = 1200;
            knobs.tokenizer = None;
        })
        .await
        .after_probe()
        .await;
        bench.says(say(&["So", ".\n\n"]));
        let long = StepRequest {
            prefix: "a".repeat(1300),
            ..request()
        };
        let error = bench.try_step(long).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Context, "{kind:?} {error}");
        assert_eq!(bench.asked().len(), 1, "{kind:?}");
    }
}
