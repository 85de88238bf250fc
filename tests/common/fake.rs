//! A server that says what a test wants it to say, whatever the dialect.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What the fake answers to one request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A body of these bytes, in chunks of `chunk` bytes.
    Stream {
        kind: &'static str,
        bytes: Vec<u8>,
        chunk: usize,
        end: End,
    },
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Nothing, but the connection stays.
    Silence,
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

    /// Server-sent events, written out.
    pub fn stream(text: String) -> Self {
        Self::body("text/event-stream", text)
    }

    /// Objects of JSON, one a line.
    pub fn lines(lines: &[Value]) -> Self {
        let text = lines.iter().map(|line| format!("{line}\n")).collect();
        Self::body("application/x-ndjson", text)
    }

    fn body(kind: &'static str, text: String) -> Self {
        Self::Stream {
            kind,
            bytes: text.into_bytes(),
            chunk: usize::MAX,
            end: End::Whole,
        }
    }

    pub fn chunked(mut self, size: usize) -> Self {
        if let Self::Stream { chunk, .. } = &mut self {
            *chunk = size;
        }
        self
    }

    pub fn ending(mut self, how: End) -> Self {
        if let Self::Stream { end, .. } = &mut self {
            *end = how;
        }
        self
    }

    /// The first `share` of the answer's body, which then ends like that.
    pub fn broken(self, share: f64, how: End) -> Self {
        let (kind, mut bytes) = match self {
            Self::Stream { kind, bytes, .. } => (kind, bytes),
            Self::Status(_, _, body) => ("application/json", body.into_bytes()),
            Self::Silence => return self,
        };
        bytes.truncate((bytes.len() as f64 * share) as usize);
        Self::Stream {
            kind,
            bytes,
            chunk: usize::MAX,
            end: how,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type", "application/json".to_owned());
        Self::Status(status, vec![kind], body.to_string())
    }

    /// An error in the form of llama.cpp, and of vLLM.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let error = json!({ "code": status, "message": message, "type": kind });
        Self::json(status, &json!({ "error": error }))
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub body: Value,
    pub authorization: Option<String>,
    pub headers: HeaderMap,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Answers what nobody scripted; `None` is "no such route".
pub type Handler = Box<dyn Fn(&Seen) -> Option<Answer> + Send + Sync>;

/// Makes another answer of the one that was to be given.
pub type Twist = Box<dyn Fn(Answer) -> Answer + Send + Sync>;

/// A running fake.
pub struct Fake {
    pub url: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    /// Answers by path; the last one of a path is repeated.
    answers: Mutex<Vec<(String, VecDeque<Answer>)>>,
    /// What befalls the next answers of a path.
    twists: Mutex<VecDeque<(String, Twist)>>,
    handler: Handler,
    seen: Mutex<Vec<Seen>>,
    /// Told when a stream was closed before its end.
    dropped: Notify,
}

impl Fake {
    /// A server that answers by `handler` what it is not told to answer.
    pub async fn serving(handler: Handler) -> Self {
        let shared = Arc::new(Shared {
            answers: Mutex::new(Vec::new()),
            twists: Mutex::new(VecDeque::new()),
            handler,
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
        Self {
            url,
            shared,
            server,
        }
    }

    /// Sets the answers of a path.
    pub fn on(&self, path: &str, answers: Vec<Answer>) {
        let mut all = self.shared.answers.lock().unwrap();
        all.retain(|(known, _)| known != path);
        all.push((path.to_owned(), answers.into()));
    }

    /// The next answer of a path is this instead, then all is as before.
    pub fn instead(&self, path: &str, answer: Answer) {
        self.twist(path, Box::new(move |_| answer.clone()));
    }

    /// Something befalls the next answer of a path.
    pub fn twist(&self, path: &str, twist: Twist) {
        let mut twists = self.shared.twists.lock().unwrap();
        twists.push_back((path.to_owned(), twist));
    }

    /// The requests to `path` so far.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
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
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap();
    let seen = Seen {
        path,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        authorization: headers
            .get(header::AUTHORIZATION)
            .map(|value| value.to_str().unwrap().to_owned()),
        headers,
    };
    shared.seen.lock().unwrap().push(seen.clone());
    let answer = shared.scripted(&seen.path);
    let answer = answer.or_else(|| (shared.handler)(&seen));
    let missing = || Answer::error(404, "not_found_error", "File Not Found");
    let answer = shared.twisted(&seen.path, answer.unwrap_or_else(missing));
    response(answer, &shared).await
}

impl Shared {
    fn scripted(&self, path: &str) -> Option<Answer> {
        let mut all = self.answers.lock().unwrap();
        let (_, queue) = all.iter_mut().find(|(known, _)| known == path)?;
        match queue.len() {
            0 | 1 => queue.front().cloned(),
            _ => queue.pop_front(),
        }
    }

    fn twisted(&self, path: &str, answer: Answer) -> Answer {
        let mut twists = self.twists.lock().unwrap();
        let at = twists.iter().position(|(known, _)| known == path);
        match at.and_then(|at| twists.remove(at)) {
            Some((_, twist)) => twist(answer),
            None => answer,
        }
    }
}

async fn response(answer: Answer, shared: &Arc<Shared>) -> Response {
    let guard = Guard {
        shared: Arc::clone(shared),
        done: false,
    };
    match answer {
        Answer::Silence => {
            std::future::pending::<()>().await;
            guard.disarm();
            Response::default()
        }
        Answer::Status(status, headers, body) => {
            let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
            for (name, value) in headers {
                response = response.header(name, value);
            }
            guard.disarm();
            response.body(Body::from(body)).unwrap()
        }
        Answer::Stream {
            kind,
            bytes,
            chunk,
            end,
        } => {
            let chunks: Vec<Result<Bytes, std::io::Error>> = bytes
                .chunks(chunk.min(bytes.len()).max(1))
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let sent = stream::iter(chunks);
            let body = match end {
                End::Whole => {
                    guard.disarm();
                    Body::from_stream(sent)
                }
                End::Cut => {
                    guard.disarm();
                    Body::from_stream(sent.chain(stream::once(async {
                        // Lets the chunks above reach the wire first.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        Err(std::io::Error::other("cut"))
                    })))
                }
                End::Stall => Body::from_stream(sent.chain(stream::once(async move {
                    let guard = guard;
                    std::future::pending::<()>().await;
                    guard.disarm();
                    Ok(Bytes::new())
                }))),
            };
            Response::builder()
                .header(header::CONTENT_TYPE, kind)
                .body(body)
                .unwrap()
        }
    }
}

/// Tells when an answer is dropped while it waits.
struct Guard {
    shared: Arc<Shared>,
    /// The answer does not wait, or was sent in whole.
    done: bool,
}

impl Guard {
    fn disarm(mut self) {
        self.done = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.shared.dropped.notify_one();
        }
    }
}
