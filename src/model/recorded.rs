//! Endpoints that never leave the process: the tape and the script.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::endpoint::{
    Capabilities, DELIMITER, Endpoint, EndpointError, FailureKind, ProbeFuture, Progress,
    StepFuture, StepReply, StepRequest,
};
use crate::trace::record::{
    Continuation, StepEnd, StepId, StepRecord, Token, TopToken, Usage, ValueKind,
};

/// Plays recorded steps. Never does I/O: a step that was not recorded fails
/// with [`FailureKind::NotRecorded`].
#[derive(Debug, Clone)]
pub struct Recorded {
    name: String,
    /// Steps by problem and by the text in front of them.
    steps: HashMap<(String, String), Vec<StepRecord>>,
    values: ValueKind,
}

impl Recorded {
    /// The steps that model `name` wrote among `steps`, which must hold the
    /// steps before them as well, whoever wrote those.
    ///
    /// A step whose ancestors are not all there is left out: nobody can tell
    /// which prefix it continued.
    pub fn new(name: impl Into<String>, steps: &[StepRecord]) -> Self {
        let name = name.into();
        let by_id: HashMap<&str, &StepRecord> =
            steps.iter().map(|step| (step.id.as_str(), step)).collect();
        let mut found: HashMap<(String, String), Vec<StepRecord>> = HashMap::new();
        let mut values = ValueKind::None;
        for step in steps.iter().filter(|step| step.model == name) {
            let Some(before) = text_before(step, &by_id) else {
                continue;
            };
            values = values.min(step.confidence.kind);
            let key = (step.problem.clone(), before);
            found.entry(key).or_default().push(step.clone());
        }
        Self {
            name,
            steps: found,
            values,
        }
    }

    /// The step recorded for `request`: the one with its seed where several
    /// were, else the one that was kept, else the first.
    fn find(&self, request: &StepRequest) -> Option<&StepRecord> {
        let key = (request.affinity.clone(), bare(&request.prefix));
        let steps = self.steps.get(&key)?;
        steps
            .iter()
            .find(|step| step.seed == request.seed)
            .or_else(|| steps.iter().find(|step| step.kept))
            .or_else(|| steps.first())
    }

    fn play(
        &self,
        request: &StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        let Some(step) = self.find(request) else {
            return Err(EndpointError {
                endpoint: self.name.clone(),
                kind: FailureKind::NotRecorded,
                message: format!(
                    "no step of `{}` is recorded here for problem `{}`; a live run can write one",
                    self.name, request.affinity
                ),
                attempts: Vec::new(),
            });
        };
        progress.delta(&step.text);
        Ok(reply_from(step))
    }
}

/// The reply that was recorded as `step`.
fn reply_from(step: &StepRecord) -> StepReply {
    let covered: usize = step
        .tokens
        .iter()
        .filter(|token| token.logprob.is_some() || token.max_logit.is_some())
        .map(|token| token.text.len())
        .sum();
    StepReply {
        text: step.text.clone(),
        tokens: step.tokens.clone(),
        coverage: match step.text.len() {
            0 => 1.0,
            bytes => (covered as f64 / bytes as f64).min(1.0),
        },
        values: step.confidence.kind,
        end: step.end,
        end_note: step.end_note.clone(),
        continuation: step.continuation,
        usage: step.usage,
        attempts: step.attempts.clone(),
        seconds: step.seconds,
    }
}

/// The texts of all steps before `step`, without delimiters.
fn text_before(step: &StepRecord, by_id: &HashMap<&str, &StepRecord>) -> Option<String> {
    let mut texts: Vec<&str> = Vec::new();
    let mut parent: Option<&StepId> = step.parent.as_ref();
    while let Some(id) = parent {
        let before = by_id.get(id.as_str())?;
        // A damaged log may hold a circle.
        if texts.len() > by_id.len() {
            return None;
        }
        texts.push(&before.text);
        parent = before.parent.as_ref();
    }
    texts.reverse();
    Some(bare(&texts.concat()))
}

/// A prefix without its delimiters, which only depend on how the steps before
/// it ended.
fn bare(prefix: &str) -> String {
    prefix.replace(DELIMITER, "")
}

impl Endpoint for Recorded {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe(&self) -> ProbeFuture<'_> {
        let capabilities = Capabilities {
            top: 0,
            which_stop: true,
            cached_count: true,
            ..Capabilities::bare(Continuation::Exact, self.values)
        };
        Box::pin(std::future::ready(Ok(capabilities)))
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(async move { self.play(&request, progress) })
    }
}

/// Waits for a while, however the caller measures time.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One scripted answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// Waited for before the answer, with the injected sleep.
    pub delay: Duration,
    pub answer: Result<StepReply, EndpointError>,
}

/// An endpoint for tests: gives queued answers in order, never does I/O and
/// does not look at the clock.
pub struct Scripted {
    name: String,
    capabilities: Capabilities,
    queue: Mutex<VecDeque<Cue>>,
    seen: Mutex<Vec<StepRequest>>,
    sleep: Option<Sleep>,
}

impl Scripted {
    /// An endpoint with an empty queue.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            capabilities: Capabilities {
                top: 2,
                which_stop: true,
                cached_count: true,
                ..Capabilities::bare(Continuation::Exact, ValueKind::LogprobPreTemperature)
            },
            queue: Mutex::default(),
            seen: Mutex::default(),
            sleep: None,
        }
    }

    /// Says what the probe finds.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Says how delays are waited for; without it they are not.
    #[must_use]
    pub fn with_sleep(mut self, sleep: Sleep) -> Self {
        self.sleep = Some(sleep);
        self
    }

    /// Queues steps of these texts, each ended by the delimiter; see
    /// [`scripted_reply`].
    #[must_use]
    pub fn with_steps<'t>(self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        for text in texts {
            self.push(Cue {
                delay: Duration::ZERO,
                answer: Ok(scripted_reply(text, 0.9)),
            });
        }
        self
    }

    /// Queues one more answer.
    pub fn push(&self, cue: Cue) {
        lock(&self.queue).push_back(cue);
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<StepRequest> {
        lock(&self.seen).clone()
    }

    async fn answer(
        &self,
        request: StepRequest,
        progress: &dyn Progress,
    ) -> Result<StepReply, EndpointError> {
        lock(&self.seen).push(request);
        let cue = lock(&self.queue).pop_front();
        let Some(cue) = cue else {
            return Err(EndpointError {
                endpoint: self.name.clone(),
                kind: FailureKind::NotRecorded,
                message: "the script has no more steps".to_owned(),
                attempts: Vec::new(),
            });
        };
        if let Some(sleep) = &self.sleep {
            sleep(cue.delay).await;
        }
        if let Ok(reply) = &cue.answer {
            for token in &reply.tokens {
                progress.delta(&token.text);
            }
        }
        cue.answer
    }
}

/// A step of one token a word, each sampled with probability `certainty`.
/// A text that holds `\boxed` ends the sequence, any other at the delimiter.
pub fn scripted_reply(text: &str, certainty: f64) -> StepReply {
    let logprob = certainty.ln() as f32;
    let tokens: Vec<Token> = text
        .split_inclusive(' ')
        .map(|word| Token {
            text: word.into(),
            logprob: Some(logprob),
            max_logit: None,
            top_logits: Vec::new(),
            top: vec![TopToken {
                text: word.into(),
                logprob,
            }],
            math: false,
        })
        .collect();
    StepReply {
        text: text.to_owned(),
        coverage: 1.0,
        values: ValueKind::LogprobPreTemperature,
        end: if text.contains("\\boxed") {
            StepEnd::Eos
        } else {
            StepEnd::Delimiter
        },
        end_note: None,
        continuation: Continuation::Exact,
        usage: Usage {
            prompt: 10,
            cached: Some(0),
            output: tokens.len() as u64,
            ..Usage::default()
        },
        attempts: Vec::new(),
        seconds: 0.0,
        tokens,
    }
}

impl Endpoint for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe(&self) -> ProbeFuture<'_> {
        Box::pin(std::future::ready(Ok(self.capabilities.clone())))
    }

    fn step<'a>(&'a self, request: StepRequest, progress: &'a dyn Progress) -> StepFuture<'a> {
        Box::pin(self.answer(request, progress))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::NoProgress;
    use crate::trace::record::{Confidence, Purpose, Role};
    use std::collections::BTreeMap;

    fn step(id: &str, parent: Option<&str>, model: &str, text: &str) -> StepRecord {
        StepRecord {
            run: "r".to_owned(),
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            problem: "p".to_owned(),
            index: 1,
            model: model.to_owned(),
            text: text.to_owned(),
            purpose: Purpose::Step,
            kept: true,
            decision: None,
            tokens: Vec::new(),
            confidence: Confidence {
                value: None,
                source: "prob".to_owned(),
                fallback: false,
                kind: ValueKind::RawLogit,
                unavailable: None,
                measures: BTreeMap::new(),
            },
            usage: Usage::default(),
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            continuation: Continuation::Exact,
            seed: 1,
            seconds: 0.5,
            at: String::new(),
        }
    }

    fn request(prefix: &str, seed: u64) -> StepRequest {
        StepRequest {
            question: "q".to_owned(),
            prefix: prefix.to_owned(),
            temperature: 0.7,
            top_p: 1.0,
            max_tokens: 10,
            seed,
            role: Role::Step,
            affinity: "p".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_tape_plays_what_was_recorded_and_nothing_else() {
        let draft = StepRecord {
            kept: false,
            seed: 7,
            ..step("b0", Some("a"), "large", "draft")
        };
        let steps = [
            step("a", None, "small", "one"),
            draft,
            step("b", Some("a"), "large", "two\n\nhalves"),
            step("c", Some("b"), "small", "three"),
            step("x", Some("gone"), "small", "lost"),
            step("y", Some("y"), "small", "circle"),
        ];
        let small = Recorded::new("small", &steps);
        let large = Recorded::new("large", &steps);
        let play = async |tape: &Recorded, prefix: &str, seed| {
            let reply = tape.step(request(prefix, seed), &NoProgress).await;
            reply.map(|reply| reply.text)
        };
        assert_eq!(play(&small, "", 0).await.unwrap(), "one");
        assert_eq!(play(&large, "one\n\n", 0).await.unwrap(), "two\n\nhalves");
        assert_eq!(play(&large, "one\n\n", 7).await.unwrap(), "draft");
        let prefix = "one\n\ntwo\n\nhalves\n\n";
        assert_eq!(play(&small, prefix, 0).await.unwrap(), "three");
        let error = play(&large, "", 0).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::NotRecorded);
        assert_eq!(small.probe().await.unwrap().values, ValueKind::RawLogit);
    }

    #[tokio::test]
    async fn the_script_runs_in_order_and_remembers_what_it_was_asked() {
        let waited = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&waited);
        let sleep: Sleep = Arc::new(move |delay| {
            lock(&log).push(delay);
            Box::pin(std::future::ready(()))
        });
        let scripted = Scripted::new("s")
            .with_sleep(sleep)
            .with_steps(["a b", "\\boxed{1}"]);
        let first = scripted.step(request("", 0), &NoProgress).await.unwrap();
        assert_eq!((first.tokens.len(), first.end), (2, StepEnd::Delimiter));
        let last = scripted
            .step(request("a b\n\n", 0), &NoProgress)
            .await
            .unwrap();
        assert_eq!(last.end, StepEnd::Eos);
        assert!(scripted.step(request("", 0), &NoProgress).await.is_err());
        assert_eq!(scripted.requests()[1].prefix, "a b\n\n");
        assert_eq!(lock(&waited).len(), 2);
    }
}
