//! A llama.cpp server that says what a test wants it to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What the fake answers to one request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A stream of these bytes, in chunks of `chunk` bytes.
    Stream {
        bytes: Vec<u8>,
        chunk: usize,
        end: End,
    },
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    /// The connection breaks off.
    Cut,
    /// Nothing more comes, but the connection stays.
    Stall,
}

impl Answer {
    pub fn events(events: &[Value]) -> Self {
        Self::stream(
            events
                .iter()
                .map(|event| format!("data: {event}\n\n"))
                .collect(),
        )
    }

    pub fn stream(text: String) -> Self {
        Self::Stream {
            bytes: text.into_bytes(),
            chunk: usize::MAX,
            end: End::Whole,
        }
    }

    pub fn chunked(self, size: usize) -> Self {
        match self {
            Self::Stream { bytes, end, .. } => Self::Stream {
                bytes,
                chunk: size,
                end,
            },
            other @ Self::Status(..) => other,
        }
    }

    pub fn ending(self, end: End) -> Self {
        match self {
            Self::Stream { bytes, chunk, .. } => Self::Stream { bytes, chunk, end },
            other @ Self::Status(..) => other,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type", "application/json".to_owned());
        Self::Status(status, vec![kind], body.to_string())
    }

    /// An error in llama.cpp's form.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({ "code": status, "message": message, "type": kind });
        Self::json(status, &json!({ "error": error }))
    }
}

/// The event of one token: what is shown, and the token's own text as the
/// first alternative.
pub fn token(shown: &str, own: &str, nth: u64) -> Value {
    let id = own
        .bytes()
        .fold(7_u64, |hash, byte| hash * 31 + u64::from(byte))
        % 50_000;
    json!({
        "index": 0, "content": shown, "tokens": [id], "stop": false,
        "tokens_predicted": nth, "tokens_evaluated": 20,
        "timings": { "cache_n": 12, "prompt_n": 8, "predicted_n": nth },
        "completion_probabilities": [{
            "id": id, "token": shown, "bytes": shown.as_bytes(), "logprob": -0.25,
            "top_logprobs": [
                { "id": id, "token": own, "bytes": own.as_bytes(), "logprob": -0.25 },
                { "id": 60_000, "token": "?", "bytes": [63], "logprob": -3.0 },
            ],
        }],
    })
}

/// The last event of a stream.
pub fn done(stop_type: &str, count: u64) -> Value {
    json!({
        "index": 0, "content": "", "tokens": [], "stop": true, "stop_type": stop_type,
        "stopping_word": if stop_type == "word" { "\n\n" } else { "" },
        "tokens_predicted": count, "tokens_evaluated": 20, "truncated": false,
        "timings": { "cache_n": 12, "prompt_n": 8, "predicted_n": count },
    })
}

/// A stream of these tokens, each shown as it is, and its end.
pub fn tokens(texts: &[&str], stop_type: &str) -> Answer {
    let mut events: Vec<Value> = texts
        .iter()
        .zip(1..)
        .map(|(text, nth)| token(text, text, nth))
        .collect();
    events.push(done(stop_type, texts.len() as u64));
    Answer::events(&events)
}

/// A running fake.
pub struct Fake {
    pub url: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    /// Answers by path; the last one of a path is repeated.
    answers: Mutex<Vec<(String, VecDeque<Answer>)>>,
    /// Path, body and authorization of every request.
    seen: Mutex<Vec<Seen>>,
    /// Told when a stream was closed before its end.
    dropped: Notify,
}

#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub body: Value,
    pub authorization: Option<String>,
}

impl Fake {
    /// A server with a model of 2048 tokens of context that answers
    /// `/completion` as told, in order; the last answer is repeated.
    pub async fn start(completions: Vec<Answer>) -> Self {
        let props = json!({ "default_generation_settings": { "n_ctx": 2048 }, "total_slots": 1 });
        let models = json!({ "data": [{ "id": "/m/tiny.gguf", "aliases": ["tiny"] }] });
        let shared = Arc::new(Shared {
            answers: Mutex::new(Vec::new()),
            seen: Mutex::new(Vec::new()),
            dropped: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        let fake = Self {
            url,
            shared,
            server,
        };
        fake.on(
            "/health",
            vec![Answer::json(200, &json!({ "status": "ok" }))],
        );
        fake.on("/props", vec![Answer::json(200, &props)]);
        fake.on("/v1/models", vec![Answer::json(200, &models)]);
        fake.on("/completion", completions);
        fake
    }

    /// Sets the answers of a path.
    pub fn on(&self, path: &str, answers: Vec<Answer>) {
        let mut all = self.shared.answers.lock().unwrap();
        all.retain(|(known, _)| known != path);
        all.push((path.to_owned(), answers.into()));
    }

    /// The requests to `path` so far.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }

    /// Waits until a stream was closed by the client.
    pub async fn closed(&self) {
        tokio::time::timeout(Duration::from_secs(30), self.shared.dropped.notified())
            .await
            .expect("the client closes the connection");
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let authorization = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap();
    shared.seen.lock().unwrap().push(Seen {
        path: path.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        authorization,
    });
    let answer = {
        let mut all = shared.answers.lock().unwrap();
        let queue = all.iter_mut().find(|(known, _)| *known == path);
        queue.and_then(|(_, queue)| match queue.len() {
            0 | 1 => queue.front().cloned(),
            _ => queue.pop_front(),
        })
    };
    let missing = || Answer::error(404, "not_found_error", "File Not Found");
    response(answer.unwrap_or_else(missing), &shared)
}

fn response(answer: Answer, shared: &Arc<Shared>) -> Response {
    match answer {
        Answer::Status(status, headers, body) => {
            let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Answer::Stream { bytes, chunk, end } => {
            let chunks: Vec<Result<Bytes, std::io::Error>> = bytes
                .chunks(chunk.min(bytes.len().max(1)))
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let guard = Guard {
                shared: Arc::clone(shared),
                whole: false,
            };
            let sent = stream::iter(chunks);
            let body = match end {
                End::Whole => Body::from_stream(sent),
                End::Cut => Body::from_stream(sent.chain(stream::once(async {
                    // Lets the chunks above reach the wire first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Err(std::io::Error::other("cut"))
                }))),
                End::Stall => Body::from_stream(sent.chain(stream::once(async move {
                    let mut guard = guard;
                    std::future::pending::<()>().await;
                    guard.whole = true;
                    Ok(Bytes::new())
                }))),
            };
            Response::builder()
                .header(header::CONTENT_TYPE, "text/event-stream")
                .body(body)
                .unwrap()
        }
    }
}

/// Tells when a stream is dropped while it waits.
struct Guard {
    shared: Arc<Shared>,
    whole: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.whole {
            self.shared.dropped.notify_one();
        }
    }
}
