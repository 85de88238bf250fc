//! Keeps an endpoint's key out of everything that comes back from it.
//!
//! Messages, notes and what the server says of itself are redacted. So is the
//! text of a step: a server or a model that repeats the key would put it into
//! the log. The tokens of such a step are dropped, because the key is in them
//! in pieces.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::Key;
use crate::model::endpoint::{
    Capabilities, Endpoint, EndpointError, ProbeFuture, Progress, StepFuture, StepReply,
    StepRequest,
};
use crate::model::pool::ModelSpec;
use crate::model::scorer::step::EncodeFuture;

/// Said of a step that held the key.
const TAKEN_OUT: &str = "the endpoint's key stood in the text and was taken out";

/// `endpoint` with its key kept out of what it gives; as it is where the pool
/// names no key for it.
pub fn guarded(spec: &ModelSpec, endpoint: Arc<dyn Endpoint>) -> Arc<dyn Endpoint> {
    match Key::of(spec) {
        Ok(Some(key)) => Arc::new(Guarded { endpoint, key }),
        // A header that there cannot be is told when the client is made.
        Ok(None) | Err(_) => endpoint,
    }
}

struct Guarded {
    endpoint: Arc<dyn Endpoint>,
    key: Key,
}

impl Guarded {
    async fn examine(&self) -> Result<Capabilities, EndpointError> {
        let mut found = self.endpoint.probe().await.map_err(|e| self.error(e))?;
        found.version = found.version.map(|version| self.key.redact(&version));
        for remark in &mut found.remarks {
            *remark = self.key.redact(remark);
        }
        Ok(found)
    }

    async fn write(
        &self,
        request: StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        let veil = Veil::new(&self.key, progress);
        let reply = self.endpoint.step(request, &veil).await;
        let reply = reply.map_err(|error| self.error(error))?;
        veil.end();
        Ok(self.reply(reply))
    }

    fn reply(&self, mut reply: StepReply) -> StepReply {
        for attempt in &mut reply.attempts {
            attempt.failure = self.key.redact(&attempt.failure);
        }
        reply.end_note = reply.end_note.map(|note| self.key.redact(&note));
        let text = self.key.redact_written(&reply.text);
        if text != reply.text {
            reply.text = text;
            reply.tokens.clear();
            reply.coverage = 0.0;
            reply.end_note = Some(match reply.end_note {
                Some(note) => format!("{note}; {TAKEN_OUT}"),
                None => TAKEN_OUT.to_owned(),
            });
        }
        reply
    }

    fn error(&self, mut error: EndpointError) -> EndpointError {
        redact_error(&self.key, &mut error);
        error
    }
}

/// Takes the key out of what went wrong.
pub(super) fn redact_error(key: &Key, error: &mut EndpointError) {
    error.message = key.redact(&error.message);
    for attempt in &mut error.attempts {
        attempt.failure = key.redact(&attempt.failure);
    }
}

impl Endpoint for Guarded {
    fn name(&self) -> &str {
        self.endpoint.name()
    }

    fn weights(&self) -> Option<String> {
        self.endpoint.weights()
    }

    fn encode<'a>(&'a self, question: &'a str, affinity: &'a str) -> Option<EncodeFuture<'a>> {
        self.endpoint.encode(question, affinity)
    }

    fn notice(&self) -> Option<String> {
        self.endpoint.notice()
    }

    fn probe(&self) -> ProbeFuture<'_> {
        Box::pin(self.examine())
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(self.write(request, progress))
    }
}

/// Text on its way to the screen, and from there into the log where the call
/// is cut off. What may be the beginning of the key is held back until it is
/// known not to be.
struct Veil<'a> {
    key: &'a Key,
    progress: &'a dyn Progress,
    held: Mutex<String>,
}

impl<'a> Veil<'a> {
    fn new(key: &'a Key, progress: &'a dyn Progress) -> Self {
        Self {
            key,
            progress,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more comes: what is held back is no key.
    fn end(&self) {
        let rest = std::mem::take(&mut *self.held());
        if !rest.is_empty() {
            self.progress.delta(&rest);
        }
    }
}

impl Progress for Veil<'_> {
    fn delta(&self, text: &str) {
        let mut held = self.held();
        held.push_str(text);
        let clean = self.key.redact_written(&held);
        let shown = clean.len() - self.key.begun(&clean);
        *held = clean.get(shown..).unwrap_or_default().to_owned();
        drop(held);
        if let Some(shown) = clean.get(..shown).filter(|shown| !shown.is_empty()) {
            self.progress.delta(shown);
        }
    }

    fn restart(&self) {
        self.held().clear();
        self.progress.restart();
    }

    fn is_watched(&self) -> bool {
        self.progress.is_watched()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::endpoint::FailureKind;
    use crate::model::pool::ServerKind;
    use crate::model::recorded::{Cue, Scripted, scripted_reply};
    use crate::trace::record::{Attempt, Role, Usage};

    /// A variable that is always there, and what it holds.
    const VARIABLE: &str = "CARGO_MANIFEST_PATH";

    fn planted() -> String {
        std::env::var(VARIABLE).unwrap()
    }

    fn behind_a_key(cues: Vec<Result<StepReply, EndpointError>>) -> Arc<dyn Endpoint> {
        let endpoint = Scripted::new("m");
        for answer in cues {
            endpoint.push(Cue {
                delay: Duration::ZERO,
                answer,
            });
        }
        let spec = ModelSpec {
            api_key_env: Some(VARIABLE.to_owned()),
            ..ModelSpec::new("m", ServerKind::Openai)
        };
        guarded(&spec, Arc::new(endpoint))
    }

    fn request() -> StepRequest {
        StepRequest {
            question: "q".to_owned(),
            prefix: String::new(),
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: 8,
            seed: 0,
            role: Role::Step,
            affinity: "p".to_owned(),
        }
    }

    #[derive(Default)]
    struct Screen(Mutex<Vec<String>>);

    impl Progress for Screen {
        fn delta(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    #[tokio::test]
    async fn a_step_that_repeats_the_key_is_shown_and_given_without_it() {
        let key = planted();
        let text = format!("my key is {key} / and more");
        let screen = Screen::default();
        let endpoint = behind_a_key(vec![Ok(scripted_reply(&text, 0.9))]);
        let reply = endpoint.step(request(), &screen).await.unwrap();
        assert_eq!(reply.text, "my key is [key] / and more");
        assert!(reply.tokens.is_empty() && reply.coverage == 0.0);
        assert!(reply.end_note.unwrap().contains("taken out"));
        let shown = screen.0.lock().unwrap().concat();
        assert_eq!(shown, "my key is [key] / and more");
    }

    #[test]
    fn a_key_that_comes_in_pieces_is_never_shown() {
        let key = Key::of(&ModelSpec {
            api_key_env: Some(VARIABLE.to_owned()),
            ..ModelSpec::new("m", ServerKind::Openai)
        });
        let (key, planted) = (key.unwrap().unwrap(), planted());
        let screen = Screen::default();
        let veil = Veil::new(&key, &screen);
        for piece in format!("<{planted}> and {}", &planted[..4]).chars() {
            veil.delta(&piece.to_string());
        }
        let before = screen.0.lock().unwrap().concat();
        assert_eq!(before, "<[key]> and ");
        veil.end();
        let after = screen.0.lock().unwrap().concat();
        assert_eq!(after, format!("<[key]> and {}", &planted[..4]));
    }

    #[tokio::test]
    async fn what_failed_says_nothing_of_the_key() {
        let key = planted();
        let error = EndpointError {
            endpoint: "m".to_owned(),
            kind: FailureKind::Refused,
            message: format!("available: {key}"),
            attempts: vec![Attempt {
                role: Role::Step,
                usage: Usage::default(),
                failure: format!("bad {key}"),
                estimated: false,
            }],
        };
        let endpoint = behind_a_key(vec![Err(error)]);
        let error = endpoint.step(request(), &Screen::default()).await;
        let shown = format!("{:?}", error.unwrap_err());
        assert!(!shown.contains(&key), "{shown}");
        assert!(shown.contains("available: [key]"), "{shown}");
    }

    #[tokio::test]
    async fn other_steps_pass_as_they_are() {
        let reply = scripted_reply("1 + 1 = 2", 0.9);
        let endpoint = behind_a_key(vec![Ok(reply.clone())]);
        let given = endpoint.step(request(), &Screen::default()).await;
        assert_eq!(given.unwrap(), reply);
    }
}
