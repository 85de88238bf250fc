use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::pool::{KeyCommand, ServerKind};
use crate::model::retry::{Again, Policy};
use crate::trace::record::Role;

fn spec(url: &str) -> ModelSpec {
    ModelSpec {
        base_url: Some(url.to_owned()),
        ..ModelSpec::new("m", ServerKind::LlamaCpp)
    }
}

#[test]
fn local_addresses_need_no_proxy() {
    for (url, local) in [
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://localhost", true),
        ("http://example.org", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), local, "{url}");
    }
}

#[test]
fn a_bad_address_or_header_is_a_configuration_error() {
    let failure = HttpClient::new(&spec("nonsense"), "x").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Configuration);
    let spec = ModelSpec {
        api_key_env: Some("POINTSMAN_NO_SUCH_KEY".to_owned()),
        api_key_header: Some("no header".to_owned()),
        ..spec("http://127.0.0.1:9")
    };
    let failure = HttpClient::new(&spec, "x").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Configuration);
}

#[tokio::test]
async fn a_missing_key_fails_the_call_and_names_the_variable() {
    let spec = ModelSpec {
        api_key_env: Some("POINTSMAN_NO_SUCH_KEY".to_owned()),
        ..spec("http://127.0.0.1:9")
    };
    let client = HttpClient::new(&spec, "x").unwrap();
    let failure = client.get::<Value>("/props").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(failure.message.contains("POINTSMAN_NO_SUCH_KEY"));
}

/// A server of raw connections: `serve` gets each with its number.
async fn server<F>(serve: impl Fn(usize, TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(number, stream));
        }
    });
    url
}

/// Reads one request; its head, in small letters. `None` at the end.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream
            .read(&mut bytes)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        seen.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Some(head.to_owned());
        }
    }
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// A server that takes the second request of its first connection and closes,
/// as one does whose idle limit runs out at that moment; all others answer.
/// Counts the requests it has read.
async fn closing_server() -> (String, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let url = server(move |number, mut stream| {
        let count = Arc::clone(&count);
        async move {
            let mut nth = 0;
            while request(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::SeqCst);
                nth += 1;
                if (number, nth) == (0, 2) {
                    return;
                }
                answer(&mut stream, "200 OK", "{}").await;
            }
        }
    })
    .await;
    (url, read)
}

#[tokio::test]
async fn a_connection_closed_under_a_call_is_seen_and_not_hidden_by_the_client() {
    let (url, read) = closing_server().await;
    let client = HttpClient::new(&spec(&url), "x").unwrap();
    let body = serde_json::json!({ "prompt": "p" });
    client.post::<Value>("/x", &body).await.unwrap();
    let failure = client.post::<Value>("/x", &body).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::CutStream);
    assert_eq!((failure.again, failure.estimated), (Again::AtOnce, true));
    assert!(
        failure.message.contains("may have done the work"),
        "{}",
        failure.message
    );
    // Nobody sent it again: it may have run, and is in no ledger then.
    assert_eq!(read.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn such_a_call_is_made_again_at_once_and_both_are_recorded() {
    let (url, read) = closing_server().await;
    let client = HttpClient::new(&spec(&url), "x").unwrap();
    let body = serde_json::json!({ "prompt": "p" });
    client.post::<Value>("/x", &body).await.unwrap();
    // A pause would be as long as this.
    let policy = Policy {
        first_pause: Duration::from_secs(3600),
        deadline: Duration::from_secs(60),
        ..Policy::default()
    };
    let call = || client.post::<Value>("/x", &body);
    let (_, attempts) = policy.run(Role::Step, |_| {}, call).await.unwrap();
    let [attempt] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert!(attempt.estimated, "{attempt:?}");
    assert_eq!(read.load(Ordering::SeqCst), 3);
}

/// A server that takes `good` only; remembers the heads of all requests.
async fn guarded_server(good: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let url = server(move |_, mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            while let Some(head) = request(&mut stream).await {
                let fine = head.contains(good);
                seen.lock().unwrap().push(head);
                match fine {
                    true => answer(&mut stream, "200 OK", "{}").await,
                    false => answer(&mut stream, "401 Unauthorized", "{}").await,
                }
            }
        }
    })
    .await;
    (url, heads)
}

#[cfg(unix)]
fn commanded(url: &str, script: &str) -> ModelSpec {
    ModelSpec {
        api_key_command: KeyCommand::new(["sh", "-c", script]),
        ..spec(url)
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_command_is_run_once_and_again_for_a_key_that_expired() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, key) = (folder.path().join("runs"), folder.path().join("key"));
    std::fs::write(&key, "token-one").unwrap();
    let script = format!("echo run >>'{}'; cat '{}'", runs.display(), key.display());
    let times = || {
        std::fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let (url, heads) = guarded_server("bearer token-one").await;
    let spec = commanded(&url, &script);
    let (a, b) = (
        HttpClient::new(&spec, "x").unwrap(),
        HttpClient::new(&spec, "x").unwrap(),
    );
    assert_eq!(times(), 0, "no command is run before it is needed");
    let (first, second) = tokio::join!(a.get::<Value>("/x"), b.get::<Value>("/x"));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(times(), 1, "models share the key of one command");

    // Another server takes the newer key only.
    let (url, _) = guarded_server("bearer token-two").await;
    std::fs::write(&key, "token-two").unwrap();
    let client = HttpClient::new(&commanded(&url, &script), "x").unwrap();
    client.get::<Value>("/x").await.unwrap();
    assert_eq!(times(), 2);
    let shown = format!("{client:?}");
    assert!(!shown.contains("token"), "{shown}");
    assert_eq!(
        client
            .site()
            .key
            .as_ref()
            .unwrap()
            .redact("token-one token-two"),
        "[key] [key]"
    );
    assert!(
        heads
            .lock()
            .unwrap()
            .iter()
            .all(|head| head.contains("bearer token-one"))
    );

    // One that takes none is asked once, since the command has no other.
    let (url, heads) = guarded_server("nothing will do").await;
    let client = HttpClient::new(&commanded(&url, &script), "x").unwrap();
    let failure = client.get::<Value>("/x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(
        failure.message.contains("the key command `sh`"),
        "{}",
        failure.message
    );
    assert_eq!((times(), heads.lock().unwrap().len()), (3, 1));
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_command_that_fails_fails_the_call() {
    let client = HttpClient::new(&commanded("http://127.0.0.1:9", "echo sk-x; exit 7"), "x");
    let failure = client.unwrap().get::<Value>("/x").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(
        failure.message.contains("exit status: 7"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("sk-x"), "{}", failure.message);
}

#[tokio::test]
async fn a_key_can_have_a_header_of_its_own() {
    let key = std::env::var("CARGO_PKG_NAME").unwrap();
    let (url, heads) = guarded_server("api-key: ").await;
    let spec = ModelSpec {
        api_key_env: Some("CARGO_PKG_NAME".to_owned()),
        api_key_header: Some("api-key".to_owned()),
        ..spec(&url)
    };
    let client = HttpClient::new(&spec, "x").unwrap();
    client.get::<Value>("/x").await.unwrap();
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].contains(&format!("api-key: {key}")),
        "{}",
        heads[0]
    );
    assert!(!heads[0].contains("authorization"), "{}", heads[0]);
}
