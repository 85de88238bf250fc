//! Steps through the endpoint.

use std::sync::Mutex;

use futures_util::future::join_all;
use pointsman::model::endpoint::{
    DELIMITER, Endpoint, FailureKind, NoProgress, Progress, StepReply, StepRequest,
};
use pointsman::model::local::cache::Slot;
use pointsman::model::local::forward::{Chunk, Logits, Network};
use pointsman::model::local::sample::RowStats;
use pointsman::model::local::text::TextModel;
use pointsman::model::local::{LocalEndpoint, WeightsSource};
use pointsman::trace::record::{Role, StepEnd, ValueKind};
use serde_json::Value;

use super::fixture::{LARGE, SMALL, Shape, byte_tokenizer, render, source, spec, word_tokenizer};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn endpoint(shape: Shape, seed: u64, tokenizer: &Value) -> LocalEndpoint {
    let source = shape.source(seed, tokenizer);
    LocalEndpoint::from_source(&spec("toy", None), source, render()).unwrap()
}

fn request(prefix: &str, temperature: f64, seed: u64) -> StepRequest {
    StepRequest {
        question: "What is 1 + 2?".to_owned(),
        prefix: prefix.to_owned(),
        temperature,
        top_p: 1.0,
        max_tokens: 120,
        seed,
        role: Role::Step,
        affinity: "p".to_owned(),
    }
}

fn step(endpoint: &LocalEndpoint, request: StepRequest) -> StepReply {
    runtime()
        .block_on(endpoint.step(request, &NoProgress))
        .unwrap()
}

/// Everything but the wall time and what the cache happened to hold.
fn essence(mut reply: StepReply) -> StepReply {
    reply.seconds = 0.0;
    reply.usage.cached = None;
    for attempt in &mut reply.attempts {
        attempt.usage.cached = None;
    }
    reply
}

#[derive(Default)]
struct Collect(Mutex<String>);

impl Progress for Collect {
    fn delta(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// An untied model with a loud delimiter, so that it writes steps.
fn stepping(seed: u64) -> WeightsSource {
    let shape = Shape {
        vocab: 98,
        tied: false,
        ..SMALL
    };
    let mut tensors = shape.tensors(seed);
    let head = &mut tensors.get_mut("lm_head.weight").unwrap().1;
    for weight in &mut head[2 * shape.hidden..3 * shape.hidden] {
        *weight *= 2.5;
    }
    source(&shape.config(), &tensors, &word_tokenizer())
}

/// Greedy generation straight through, without stopping at steps.
fn one_shot(source: &WeightsSource, count: usize) -> String {
    let config = source.config().unwrap();
    let mut text = TextModel::load(&source.tokenizer().unwrap(), config.vocab).unwrap();
    let network = Network::load(source, config).unwrap();
    let prompt = (render())("What is 1 + 2?", "").unwrap();
    let mut next = text.encode(&prompt).unwrap();
    let mut slots = [Slot::new(network.config(), 0)];
    let mut generated = String::new();
    for _ in 0..count {
        let chunk = Chunk {
            slot: 0,
            tokens: &next,
            logits: Logits::Last,
        };
        let logits = network.forward(&mut slots, &[chunk]).unwrap().remove(0);
        let best = RowStats::of(&logits).unwrap().top[0];
        generated.push_str(&text.token_text(best));
        next = vec![best];
    }
    generated
}

/// A model whose greedy text has several non-empty steps, and that text.
fn talkative() -> (WeightsSource, String) {
    let texts = (0..200).map(|seed| {
        let source = stepping(seed);
        let text = one_shot(&source, 100);
        (source, text)
    });
    let several = |text: &str| {
        let steps: Vec<&str> = text.split(DELIMITER).collect();
        let whole = steps.iter().all(|step| step.len() > 1);
        steps.len() >= 4 && whole && !text.contains('<')
    };
    texts
        .into_iter()
        .find(|(_, text)| several(text))
        .expect("some random model writes several steps")
}

#[test]
fn greedy_step_by_step_is_greedy_one_shot() {
    let (source, whole) = talkative();
    let open = || LocalEndpoint::from_source(&spec("toy", None), source.clone(), render()).unwrap();
    let stepwise = open();
    let expected: Vec<&str> = whole.split(DELIMITER).collect();
    let mut prefix = String::new();
    let mut before = 0;
    for expected in &expected[..expected.len() - 1] {
        let reply = step(&stepwise, request(&prefix, 0.0, 1));
        assert_eq!(&reply.text, expected);
        assert_eq!(reply.end, StepEnd::Delimiter);
        let fresh = step(&open(), request(&prefix, 0.0, 9));
        assert_eq!(essence(fresh), essence(reply.clone()));
        // All of the last prompt and step but the delimiter, which was drawn
        // and never run through the network.
        assert_eq!(reply.usage.cached, Some(before));
        before = reply.usage.prompt + reply.usage.output - 1;
        prefix.push_str(&reply.text);
        prefix.push_str(DELIMITER);
    }
}

#[test]
fn concurrency_changes_no_step() {
    for shape in [SMALL, LARGE] {
        let requests: Vec<StepRequest> = (0..20)
            .map(|i| StepRequest {
                question: "7".repeat(i * 3 + 1),
                ..request("So.\n\n", 0.8, i as u64)
            })
            .collect();
        let crowd = endpoint(shape, 3, &word_tokenizer());
        let together = requests.iter().map(|r| crowd.step(r.clone(), &NoProgress));
        let together = runtime().block_on(join_all(together));
        let quiet = endpoint(shape, 3, &word_tokenizer());
        for (request, together) in requests.iter().zip(together) {
            let alone = step(&quiet, request.clone());
            assert_eq!(essence(together.unwrap()), essence(alone));
        }
    }
}

#[test]
fn a_reply_is_complete() {
    let endpoint = endpoint(SMALL, 4, &word_tokenizer());
    let seen = Collect::default();
    let reply = runtime()
        .block_on(endpoint.step(request("", 1.0, 5), &seen))
        .unwrap();
    assert_eq!(*seen.0.lock().unwrap(), reply.text);
    let joined: String = reply.tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(joined, reply.text);
    assert_eq!((reply.coverage, reply.values), (1.0, ValueKind::RawLogit));
    for token in &reply.tokens {
        assert_eq!(token.top.len(), 5);
        assert!(token.top.is_sorted_by(|a, b| a.logprob >= b.logprob));
        assert!(token.logprob.unwrap() <= token.top[0].logprob);
        assert!(token.max_logit.unwrap().is_finite());
    }
    assert_ne!(reply, step(&endpoint, request("", 1.0, 6)));
}

#[test]
fn bytes_of_a_character_come_out_together() {
    let shape = Shape {
        vocab: 261,
        ..SMALL
    };
    let tokenizer = byte_tokenizer();
    let toy = endpoint(shape, 8, &tokenizer);
    let mut ends = Vec::new();
    for seed in 0..40 {
        let seen = Collect::default();
        // High temperature: most bytes are broken characters, some are whole.
        let request = StepRequest {
            max_tokens: 60,
            ..request("é a.\n\n", 3.0, seed)
        };
        let reply = runtime().block_on(toy.step(request, &seen)).unwrap();
        let joined: String = reply.tokens.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(joined, reply.text);
        assert_eq!(*seen.0.lock().unwrap(), reply.text);
        assert!(!reply.text.contains(DELIMITER));
        ends.push(reply.end);
    }
    assert!(ends.contains(&StepEnd::Delimiter) || ends.contains(&StepEnd::Length));
}

/// A model whose logits are all alike, so that greedy draws token 0.
fn monotone(shape: Shape, tokenizer: &Value) -> LocalEndpoint {
    let mut tensors = shape.tensors(1);
    let norm = tensors.get_mut("model.norm.weight").unwrap();
    norm.1.fill(0.0);
    let source = source(&shape.config(), &tensors, tokenizer);
    LocalEndpoint::from_source(&spec("toy", None), source, render()).unwrap()
}

#[test]
fn an_empty_step_is_tried_once_more() {
    let mut tokenizer = word_tokenizer();
    let vocab = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    vocab.insert("<unk>".into(), 2.into());
    vocab.insert("\n\n".into(), 0.into());
    let reply = step(&monotone(SMALL, &tokenizer), request("", 0.0, 1));
    assert_eq!((reply.text.as_str(), reply.end), ("", StepEnd::Empty));
    assert!(reply.tokens.is_empty());
    assert_eq!(reply.attempts.len(), 1);
    assert_eq!(reply.attempts[0].usage.output, 1);
    assert_eq!(reply.usage.output, 2);
    assert_eq!(reply.usage.cached, Some(reply.usage.prompt - 1));
    assert!(reply.end_note.is_some());
}

#[test]
fn the_sequence_ends_at_eos_and_at_the_limits() {
    let mut config = SMALL.config();
    config["eos_token_id"] = serde_json::json!([7, 0]);
    let mut tensors = SMALL.tensors(1);
    tensors.get_mut("model.norm.weight").unwrap().1.fill(0.0);
    let source = source(&config, &tensors, &word_tokenizer());
    let ends = LocalEndpoint::from_source(&spec("toy", None), source, render()).unwrap();
    assert_eq!(step(&ends, request("", 0.0, 1)).end, StepEnd::Eos);

    let endless = monotone(SMALL, &word_tokenizer());
    let reply = step(
        &endless,
        StepRequest {
            max_tokens: 5,
            ..request("", 0.0, 1)
        },
    );
    assert_eq!((reply.end, reply.usage.output), (StepEnd::Length, 5));
    let reply = step(
        &endless,
        StepRequest {
            max_tokens: 9000,
            ..request("", 0.0, 1)
        },
    );
    assert_eq!(
        reply.usage.prompt + reply.usage.output,
        SMALL.context as u64
    );
    assert_eq!(reply.end_note.as_deref(), Some("the context is full"));
    let long = StepRequest {
        question: "1".repeat(600),
        ..request("", 0.0, 1)
    };
    let error = runtime()
        .block_on(endless.step(long, &NoProgress))
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Context);
}

#[test]
fn dropping_the_future_stops_the_generation() {
    struct First(tokio::sync::Notify);
    impl Progress for First {
        fn delta(&self, _: &str) {
            self.0.notify_one();
        }
    }
    // Left alone, each of these would go on for a million tokens.
    let shape = Shape {
        context: 1 << 20,
        ..SMALL
    };
    let endless = monotone(shape, &word_tokenizer());
    let long = StepRequest {
        max_tokens: 1 << 19,
        ..request("", 0.0, 1)
    };
    runtime().block_on(async {
        for _ in 0..40 {
            let first = First(tokio::sync::Notify::new());
            tokio::select! {
                _ = endless.step(long.clone(), &first) => panic!("it does not end"),
                () = first.0.notified() => {}
            }
        }
    });
    let short = StepRequest {
        max_tokens: 3,
        ..long
    };
    assert_eq!(step(&endless, short).usage.output, 3);
}
