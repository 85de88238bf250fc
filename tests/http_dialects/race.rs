//! A server that closes an idle connection just as a request comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman::model::endpoint::{Endpoint, NoProgress};
use pointsman::model::http::served::Options;
use pointsman::model::retry::Policy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, request};
use crate::servers::Kind;
use crate::sim::say;

/// Passes requests on to `target`, one after the other on a connection, and
/// hangs up on those that `drops` counts: read, but not answered.
async fn relay(target: String, drops: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (target, drops) = (target.clone(), Arc::clone(&drops));
            tokio::spawn(serve(stream, target, drops));
        }
    });
    url
}

async fn serve(mut client: TcpStream, target: String, drops: Arc<AtomicUsize>) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let mut first = true;
    while let Some(request) = message(&mut client).await {
        // Only on a connection that was used before: an idle one.
        let left = drops.load(Ordering::SeqCst);
        if left > 0 && !first {
            drops.store(left - 1, Ordering::SeqCst);
            return;
        }
        first = false;
        server.write_all(&request).await.unwrap();
        let answer = message(&mut server).await.unwrap();
        client.write_all(&answer).await.unwrap();
    }
}

/// One HTTP message with a length, byte for byte.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut more = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text[..head]
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= head + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

#[tokio::test]
async fn a_connection_closed_under_a_request_is_replaced_at_once() {
    // In one piece: the relay knows messages by their lengths.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::OLLAMA) {
        let mut bench = Bench::new(kind).await;
        bench.says(say(&["So", ".\n\n"]));
        let drops = Arc::new(AtomicUsize::new(0));
        let target = bench.fake.url.trim_start_matches("http://").to_owned();
        bench.spec.base_url = Some(relay(target, Arc::clone(&drops)).await);
        // Any pause would outlast the test.
        let hour = Duration::from_secs(3600);
        bench.again(Options {
            retries: Policy {
                first_pause: hour,
                longest_pause: hour,
                deadline: 9 * hour,
                ..Policy::default()
            },
            ..Options::default()
        });
        bench.found().await;
        drops.store(1, Ordering::SeqCst);
        let step = bench.endpoint.step(request(), &NoProgress);
        let reply = tokio::time::timeout(Duration::from_secs(30), step).await;
        let reply = reply.expect("no pause before the second attempt").unwrap();
        assert_eq!(reply.text, "So.", "{kind:?}");
        assert_eq!(drops.load(Ordering::SeqCst), 0, "{kind:?}");
        let [attempt] = &reply.attempts[..] else {
            panic!("{kind:?}: {:?}", reply.attempts)
        };
        assert!(attempt.failure.contains("broke off"), "{}", attempt.failure);
        // It may have been computed all the same.
        assert!(attempt.estimated, "{kind:?}");
    }
}
