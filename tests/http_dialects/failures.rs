//! Which failures are retried, what they cost and what they say.

use std::time::Duration;

use pointsman::model::endpoint::{Endpoint, FailureKind, NoProgress};
use pointsman::model::pool::ServerKind;
use serde_json::json;

use crate::bench::{Bench, Screen, quick, request};
use crate::common::fake::{Answer, End};
use crate::servers::Kind;
use crate::sim::say;

async fn bench(kind: Kind) -> Bench {
    let bench = Bench::probed(kind).await;
    bench.says(say(&["So", " it", " is", " 2", ".", "\n\n"]));
    bench
}

fn status(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Answer::Status(status, headers.collect(), body.to_owned())
}

#[tokio::test]
async fn passing_failures_are_retried_and_recorded() {
    let cases = [
        (
            "500",
            Answer::error(500, "InternalServerError", "boom"),
            "boom",
        ),
        ("502", status(502, &[], "<html>bad gateway</html>"), "502"),
        ("busy", status(503, &[], "no healthy upstream"), "503"),
        ("429", status(429, &[("retry-after", "0")], "slow"), "rate"),
        (
            "429 ms",
            status(429, &[("retry-after-ms", "1")], "slow"),
            "rate",
        ),
        (
            "nested error in a success",
            Answer::json(
                200,
                &json!({ "error": { "code": 502, "message": "via proxy" } }),
            ),
            "via proxy",
        ),
        (
            "textual code",
            Answer::json(
                200,
                &json!({ "error": { "code": "503", "message": "later" } }),
            ),
            "later",
        ),
        (
            "flat error in a success",
            Answer::json(
                200,
                &json!({ "object": "error", "message": "flat", "type": "x", "code": 500 }),
            ),
            "flat",
        ),
        (
            "error that is only text",
            Answer::json(200, &json!({ "error": "out of luck" })),
            "out of luck",
        ),
    ];
    for kind in Kind::ALL {
        for (name, answer, part) in &cases {
            let bench = bench(kind).await;
            bench.instead(answer.clone());
            let reply = bench.step().await;
            assert_eq!(reply.text, "So it is 2.", "{kind:?} {name}");
            let [attempt] = &reply.attempts[..] else {
                panic!("{kind:?} {name}: {:?}", reply.attempts)
            };
            assert!(
                attempt.failure.contains(part),
                "{kind:?}: {}",
                attempt.failure
            );
            assert_eq!(bench.asked().len(), 2, "{kind:?} {name}");
        }
    }
}

/// An error in the middle of a stream, as each server writes it.
fn error_within(kind: Kind, answer: Answer) -> Answer {
    let Answer::Stream { bytes, .. } = &answer else {
        panic!("{kind:?} was not asked for a stream")
    };
    let text = String::from_utf8(bytes.clone()).unwrap();
    let error = json!({ "error": { "message": "late", "type": "x", "code": 500 } });
    if kind.server == ServerKind::Ollama {
        let lines: Vec<&str> = text.lines().take(2).collect();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .chain([json!({ "error": "late" })])
            .collect();
        return Answer::lines(&lines);
    }
    let events: Vec<&str> = text.split_inclusive("\n\n").take(3).collect();
    Answer::stream(format!(
        "{}data: {error}\n\ndata: [DONE]\n\n",
        events.concat()
    ))
}

#[tokio::test]
async fn streams_that_break_are_written_anew_and_paid_for() {
    for kind in Kind::ALL {
        let bench = bench(kind).await;
        bench.twist(move |answer| error_within(kind, answer));
        bench.twist(|answer| answer.broken(0.6, End::Cut));
        let reply = bench.step().await;
        assert_eq!((reply.text.as_str(), reply.coverage), ("So it is 2.", 1.0));
        let [late, cut] = &reply.attempts[..] else {
            panic!("{kind:?}: {:?}", reply.attempts)
        };
        assert!(late.failure.contains("late"), "{kind:?}: {}", late.failure);
        assert!(
            cut.failure.contains("broke off"),
            "{kind:?}: {}",
            cut.failure
        );
        assert!(cut.estimated, "{kind:?}");
        // Whoever counts in every piece has counted what was lost.
        if matches!(kind, Kind::VLLM | Kind::SGLANG) {
            assert!(late.usage.output > 0 && cut.usage.output > 0, "{kind:?}");
        }
        // A stream that ends before the end, but whole in its own way.
        bench.twist(|answer| answer.broken(0.6, End::Whole));
        let reply = bench.step().await;
        let failure = &reply.attempts[0].failure;
        assert!(failure.contains("ended before"), "{kind:?}: {failure}");
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_that_breaks_off_is_asked_for_again() {
    for kind in Kind::ALL {
        let bench = bench(kind).await;
        bench.twist(|answer| answer.broken(0.5, End::Cut));
        let reply = bench.blind_step().await;
        assert_eq!(reply.text, "So it is 2.");
        assert_eq!(reply.attempts.len(), 1, "{kind:?}");
        assert!(reply.attempts[0].estimated, "{kind:?}");
    }
}

#[tokio::test]
async fn lasting_failures_are_not_retried_and_say_what_to_do() {
    let cases = [
        (status(401, &[], "{}"), FailureKind::Auth, "api_key_env"),
        (status(402, &[], "{}"), FailureKind::Quota, "no credit"),
        (
            Answer::json(
                429,
                &json!({ "error": { "code": "insufficient_quota", "message": "m" } }),
            ),
            FailureKind::Quota,
            "no credit",
        ),
        (
            Answer::json(404, &json!({ "detail": "Not Found" })),
            FailureKind::NotFound,
            "does not exist",
        ),
        (
            Answer::error(400, "BadRequestError", "bad n"),
            FailureKind::Refused,
            "bad n",
        ),
        (
            Answer::json(
                400,
                &json!({ "object": "error", "message": "flat no", "code": 400 }),
            ),
            FailureKind::Refused,
            "flat no",
        ),
        (
            Answer::json(422, &json!({ "detail": "unprocessable" })),
            FailureKind::Refused,
            "unprocessable",
        ),
        (
            Answer::error(
                400,
                "BadRequestError",
                "This model's maximum context length is 448 tokens. However, your prompt contains \
                 at least 449 input tokens.",
            ),
            FailureKind::Context,
            "448 tokens",
        ),
        (
            status(
                200,
                &[("content-type", "text/html")],
                "<html>welcome</html>",
            ),
            FailureKind::Malformed,
            "text/html: <html>welcome",
        ),
        (
            Answer::json(200, &json!({ "status": "fine" })),
            FailureKind::Malformed,
            "listens there",
        ),
        (
            status(429, &[("retry-after", "9999")], ""),
            FailureKind::RateLimited,
            "9999 s",
        ),
        (
            status(307, &[("location", "http://x/")], ""),
            FailureKind::Refused,
            "base_url",
        ),
    ];
    for kind in Kind::ALL {
        for (answer, expected, part) in &cases {
            let bench = bench(kind).await;
            bench.fake.on(kind.path(), vec![answer.clone()]);
            let error = bench.fails().await;
            assert_eq!(error.kind, *expected, "{kind:?} {error}");
            assert!(error.to_string().contains(part), "{kind:?} {error}");
            // What is no answer at all may be a proxy's page: once more.
            let tries = 1 + usize::from(*expected == FailureKind::Malformed);
            assert_eq!(
                (bench.asked().len(), error.attempts.len()),
                (tries, tries),
                "{error}"
            );
        }
        let bench = bench(kind).await;
        let always = Answer::error(500, "InternalServerError", "always");
        bench.fake.on(kind.path(), vec![always]);
        let error = bench.fails().await;
        assert_eq!(error.kind, FailureKind::Server, "{kind:?}");
        assert_eq!((error.attempts.len(), bench.asked().len()), (3, 3));
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_asked_once_more() {
    // Side by side: each waits for its time to run out.
    futures_util::future::join_all(Kind::ALL.map(falls_silent)).await;
}

async fn falls_silent(kind: Kind) {
    let mut bench = bench(kind).await;
    bench.spec.timeout = Some(1.5);
    bench.again(quick());
    bench.found().await;
    bench.fake.forget();
    // At once, and in the middle of a stream.
    bench.instead(Answer::Silence);
    bench.twist(|answer| answer.broken(0.6, End::Stall));
    let error = bench.fails().await;
    assert_eq!(error.kind, FailureKind::Timeout, "{kind:?}");
    assert!(error.message.contains("1.5 s"), "{error}");
    assert_eq!(
        (bench.asked().len(), error.attempts.len()),
        (2, 2),
        "{kind:?}"
    );
    bench.instead(Answer::Silence);
    let reply = bench.step().await;
    assert_eq!(reply.attempts.len(), 1, "{kind:?}");
}

#[tokio::test]
async fn dropping_the_step_ends_the_generation() {
    for kind in Kind::ALL {
        let bench = bench(kind).await;
        // Nobody looks: the answer would come in one piece.
        bench.instead(Answer::Silence);
        {
            let step = bench.endpoint.step(request(), &NoProgress);
            tokio::pin!(step);
            while bench.asked().is_empty() {
                tokio::select! {
                    reply = &mut step => panic!("{reply:?}"),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
        }
        bench.fake.closed().await;
        // In the middle of a stream.
        bench.twist(|answer| answer.broken(0.6, End::Stall));
        let screen = Screen::default();
        {
            let step = bench.endpoint.step(request(), &screen);
            tokio::pin!(step);
            while screen.0.lock().unwrap().is_empty() {
                tokio::select! {
                    reply = &mut step => panic!("{reply:?}"),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
        }
        bench.fake.closed().await;
    }
}

#[tokio::test]
async fn a_step_without_the_stop_is_ended_from_here() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["\n\n", "Then", ".", "\n\n", "More", " and", " more"]));
        bench.twist(|answer| answer);
        // The retry of an empty step never ends by itself.
        bench.twist(|answer| answer.ending(End::Stall));
        let reply = bench.step().await;
        assert_eq!(reply.text, "Then.", "{kind:?}");
        bench.fake.closed().await;
    }
}

#[tokio::test]
async fn what_a_provider_filters_or_gives_up_is_no_step() {
    for kind in Kind::ALL {
        let bench = bench(kind).await;
        match kind {
            Kind::SGLANG => {
                bench.sim.knobs().finish = Some("abort");
                let error = bench.fails().await;
                assert_eq!(error.kind, FailureKind::Server);
                assert!(error.message.contains("was aborted"), "{error}");
            }
            // Has no words for either.
            Kind::OLLAMA => {}
            _ => {
                bench.sim.knobs().finish = Some("content_filter");
                let error = bench.fails().await;
                assert_eq!(error.kind, FailureKind::Filtered, "{kind:?}");
                assert!(error.message.contains("filtered"), "{error}");
                assert_eq!(bench.asked().len(), 1, "{kind:?}");
                bench.sim.knobs().finish = Some("error");
                let error = bench.fails().await;
                assert_eq!(error.kind, FailureKind::Server, "{kind:?}");
                assert_eq!(error.attempts.len(), 3, "{kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn sglang_gives_up_by_the_status_it_would_have_had() {
    let abort = |status: u16, message: &str| {
        let finish = json!({ "type": "abort", "message": message, "status_code": status });
        let meta = json!({ "finish_reason": finish, "prompt_tokens": 9, "completion_tokens": 0 });
        Answer::json(200, &json!({ "text": "", "meta_info": meta }))
    };
    let bench = bench(Kind::SGLANG).await;
    bench.instead(abort(
        400,
        "The input is longer than the model's context length (8 tokens).",
    ));
    let error = bench.fails().await;
    assert_eq!(error.kind, FailureKind::Context, "{error}");
    bench.instead(abort(400, "bad sampling"));
    assert_eq!(bench.fails().await.kind, FailureKind::Refused);
}
