//! Which failures are retried, what they cost and what they say.

use super::*;

#[tokio::test]
async fn passing_failures_are_retried_and_paid_for() {
    let fine = || tokens(&["ok"], "word");
    let cut = tokens(&["half", " a"], "word");
    let Answer::Stream { bytes, .. } = &cut else {
        unreachable!()
    };
    let keep = bytes.len() - 300;
    let text = String::from_utf8(bytes[..keep].to_vec()).unwrap();
    let cases = [
        (
            "500",
            Answer::error(500, "server_error", "boom"),
            "boom",
            false,
        ),
        (
            "busy",
            Answer::Status(503, vec![], "try later".to_owned()),
            "503",
            false,
        ),
        (
            "429",
            Answer::Status(
                429,
                vec![("retry-after", "0".to_owned())],
                "slow".to_owned(),
            ),
            "rate",
            false,
        ),
        (
            "cut",
            Answer::stream(text.clone()).ending(End::Cut),
            "broke off",
            true,
        ),
        ("ended early", Answer::stream(text), "ended before", true),
        (
            "error inside",
            Answer::stream("data: {\"error\":{\"code\":500,\"message\":\"late\"}}\n\n".to_owned()),
            "late",
            false,
        ),
        (
            "error field",
            Answer::stream("error: {\"code\":500,\"message\":\"old\"}\n\n".to_owned()),
            "old",
            false,
        ),
        (
            "proxy page",
            Answer::Status(
                200,
                vec![("content-type", "text/html".to_owned())],
                "<html>restarting".to_owned(),
            ),
            "text/html: <html>restarting",
            false,
        ),
        (
            "error in one body",
            Answer::json(
                200,
                &json!({ "error": { "code": 502, "message": "via proxy" } }),
            ),
            "via proxy",
            false,
        ),
    ];
    for (name, failure, part, estimated) in cases {
        let (reply, fake) = good(vec![failure, fine()]).await;
        assert_eq!(reply.text, "ok", "{name}");
        assert_eq!(fake.seen("/completion").len(), 2, "{name}");
        let [attempt] = &reply.attempts[..] else {
            panic!("{name}: {:?}", reply.attempts)
        };
        assert!(
            attempt.failure.contains(part),
            "{name}: {}",
            attempt.failure
        );
        assert_eq!(attempt.estimated, estimated, "{name}");
        assert_eq!(attempt.usage.output > 0, estimated, "{name}: {attempt:?}");
    }
}

#[tokio::test]
async fn a_loading_model_is_waited_for() {
    let loading = Answer::error(503, "unavailable_error", "Loading model");
    let mut answers = vec![loading; 4];
    answers.push(tokens(&["ok"], "word"));
    let (reply, fake) = good(answers).await;
    assert!(reply.attempts.is_empty());
    assert_eq!(fake.seen("/completion").len(), 5);
}

#[tokio::test]
async fn lasting_failures_are_not_retried_and_say_what_to_do() {
    let html = Answer::Status(
        200,
        vec![("content-type", "text/html".to_owned())],
        "<html>welcome</html>".to_owned(),
    );
    let context = json!({ "error": {
        "code": 400, "message": "too long", "type": "exceed_context_size_error",
        "n_prompt_tokens": 3001, "n_ctx": 2048,
    }});
    let cases = [
        (
            Answer::error(401, "authentication_error", "k"),
            FailureKind::Auth,
            "api_key_env",
        ),
        (
            Answer::error(404, "not_found_error", "no"),
            FailureKind::NotFound,
            "/completion",
        ),
        (
            Answer::error(400, "invalid_request_error", "bad n"),
            FailureKind::Refused,
            "bad n",
        ),
        (
            Answer::json(400, &context),
            FailureKind::Context,
            "3001 tokens",
        ),
        (html, FailureKind::Malformed, "text/html: <html>welcome"),
        (
            Answer::stream("data: {oops\n\n".to_owned()),
            FailureKind::Malformed,
            "{oops",
        ),
        (
            Answer::Status(429, vec![("retry-after", "9999".to_owned())], String::new()),
            FailureKind::RateLimited,
            "9999 s",
        ),
        (
            Answer::Status(
                307,
                vec![("location", "http://x/".to_owned())],
                String::new(),
            ),
            FailureKind::Refused,
            "base_url",
        ),
    ];
    for (answer, kind, part) in cases {
        let (error, fake) = bad(vec![answer]).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        // What is no answer at all may be the page of a proxy: once more.
        let calls = 1 + usize::from(kind == FailureKind::Malformed);
        assert_eq!(fake.seen("/completion").len(), calls, "{error}");
        assert_eq!(error.attempts.len(), calls);
    }
    let (error, fake) = bad(vec![Answer::error(500, "server_error", "always")]).await;
    assert_eq!(error.kind, FailureKind::Server);
    assert_eq!(
        (error.attempts.len(), fake.seen("/completion").len()),
        (3, 3)
    );
}

#[tokio::test]
async fn a_stalled_stream_times_out_and_is_asked_once_more() {
    let stalled = Answer::events(&[token("a", "a", 1)]).ending(End::Stall);
    let fake = Fake::start(vec![stalled]).await;
    let spec = ModelSpec {
        timeout: Some(0.3),
        ..spec(&fake.url)
    };
    let error = endpoint(&spec)
        .step(request(""), &NoProgress)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Timeout);
    assert!(error.message.contains("0.3 s"), "{error}");
    assert_eq!(fake.seen("/completion").len(), 2);
    assert!(
        error
            .attempts
            .iter()
            .all(|attempt| attempt.estimated && attempt.usage.output == 1)
    );
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = endpoint(&spec(&url))
        .step(request(""), &NoProgress)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Unreachable);
    assert!(error.message.contains("is the server running?"), "{error}");
}

#[tokio::test]
async fn dropping_the_step_closes_the_connection() {
    let stalled = Answer::events(&[token("a", "a", 1)]).ending(End::Stall);
    let fake = Fake::start(vec![stalled]).await;
    let endpoint = endpoint(&spec(&fake.url));
    let screen = Screen::default();
    {
        let step = endpoint.step(request(""), &screen);
        tokio::pin!(step);
        while screen.0.lock().unwrap().is_empty() {
            tokio::select! {
                reply = &mut step => panic!("{reply:?}"),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
    fake.closed().await;
}

/// A key that the test harness puts into the environment; setting one here
/// would be unsafe.
const PLANTED: &str = "CARGO_MANIFEST_DIR";

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let key = std::env::var(PLANTED).unwrap();
    let echo = |status| Answer::error(status, "authentication_error", &format!("bad key {key}"));
    for status in [200, 400, 401, 403, 404, 429, 500] {
        let answer = match status {
            200 => tokens(&["ok"], "word"),
            status => echo(status),
        };
        let fake = Fake::start(vec![answer]).await;
        let spec = ModelSpec {
            api_key_env: Some(PLANTED.to_owned()),
            ..spec(&fake.url)
        };
        let endpoint = endpoint(&spec);
        let result = endpoint.step(request(""), &NoProgress).await;
        let all = format!("{endpoint:?} {result:?} {spec:?}");
        assert!(!all.contains(&key), "{status}: {all}");
        assert_eq!(
            fake.seen("/completion")[0].authorization,
            Some(format!("Bearer {key}"))
        );
        if status == 401 {
            assert!(all.contains(PLANTED), "{all}");
        }
    }
}

#[tokio::test]
async fn an_error_field_that_is_empty_is_no_error() {
    for empty in [json!(null), json!(""), json!(false)] {
        let mut event = token("ok", "ok", 1);
        event["error"] = empty;
        let (reply, _) = good(vec![Answer::events(&[event, done("word", 1)])]).await;
        assert_eq!((reply.text.as_str(), reply.attempts.len()), ("ok", 0));
    }
}

#[tokio::test]
async fn what_a_cut_stream_has_cost_is_estimated() {
    let half = Answer::events(&[json!({ "content": "ten bytes!", "stop": false })]);
    let (reply, _) = good(vec![half.ending(End::Cut), tokens(&["ok"], "word")]).await;
    let [attempt] = &reply.attempts[..] else {
        panic!("{:?}", reply.attempts)
    };
    // Nobody counted: about four bytes a token, of the prompt and of what came.
    let prompt = "1 + 1?\n\nFirst.\n\n".len().div_ceil(4) as u64;
    assert_eq!((attempt.usage.prompt, attempt.usage.output), (prompt, 3));
    assert!(attempt.estimated);
}
