//! A llama.cpp server that says what a test wants it to say.

use serde_json::{Value, json};

pub use super::fake::{Answer, End, Fake};

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

impl Fake {
    /// A server with a model of 2048 tokens of context that answers
    /// `/completion` as told, in order; the last answer is repeated.
    pub async fn start(completions: Vec<Answer>) -> Self {
        let props = json!({ "default_generation_settings": { "n_ctx": 2048 }, "total_slots": 1 });
        let models = json!({ "data": [{ "id": "/m/tiny.gguf", "aliases": ["tiny"] }] });
        let fake = Self::serving(Box::new(|_| None)).await;
        fake.on(
            "/health",
            vec![Answer::json(200, &json!({ "status": "ok" }))],
        );
        fake.on("/props", vec![Answer::json(200, &props)]);
        fake.on("/v1/models", vec![Answer::json(200, &models)]);
        fake.on("/completion", completions);
        fake
    }
}
