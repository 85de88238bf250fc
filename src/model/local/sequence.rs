//! One request in generation.

use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::cache::{Slot, Taken};
use super::sample::{RowStats, Sampler};
use super::text::{Detokenizer, Grown, StepText, TextModel};
use crate::model::endpoint::{EndpointError, FailureKind, StepReply, StepRequest};
use crate::trace::record::{Attempt, Continuation, StepEnd, Token, TopToken, Usage, ValueKind};

/// What the worker tells the future of a step.
pub enum Event {
    /// More text.
    Delta(String),
    /// The attempt is void.
    Restart,
    /// The end, either way.
    Done(Box<Result<StepReply, EndpointError>>),
}

/// A request on its way to the worker.
pub struct Job {
    pub request: StepRequest,
    /// The rendered prompt, partial answer included.
    pub prompt: String,
    /// Closed when the future is dropped: that cancels.
    pub events: UnboundedSender<Event>,
    pub started: Instant,
}

/// A request being worked on.
pub struct Sequence {
    job: Job,
    prompt: Vec<u32>,
    pub slot: usize,
    cached: usize,
    /// The sampled token that has not been through the network yet.
    next: Option<u32>,
    output: u32,
    /// Most tokens of an attempt, and whether the context set it.
    limit: (u32, bool),
    sampler: Sampler,
    detokenizer: Detokenizer,
    step: StepText,
    attempts: Vec<Attempt>,
}

/// Whether a request goes on.
pub enum Advance {
    Continue,
    /// To be sampled again from its last prompt token.
    Retry,
    Finished(StepEnd),
}

impl Sequence {
    /// `context` is the longest sequence in tokens; the prompt fits in it.
    pub fn new(job: Job, prompt: Vec<u32>, taken: Taken, context: usize) -> Self {
        let request = &job.request;
        let room = u32::try_from(context.saturating_sub(prompt.len())).unwrap_or(u32::MAX);
        let wanted = request.max_tokens.max(1);
        Self {
            slot: taken.slot,
            cached: taken.matched,
            next: None,
            output: 0,
            limit: (wanted.min(room), room < wanted),
            sampler: Sampler::new(request.seed, request.temperature, request.top_p),
            detokenizer: Detokenizer::after(&prompt),
            step: StepText::default(),
            attempts: Vec::new(),
            prompt,
            job,
        }
    }

    /// The future behind it was dropped.
    pub fn cancelled(&self) -> bool {
        self.job.events.is_closed()
    }

    /// Tokens still to go through the network before the next one is drawn.
    pub fn pending(&self, slot: &Slot) -> &[u32] {
        self.prompt
            .get(slot.tokens.len()..)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(self.next.as_slice())
    }

    /// Draws a token from the logits after everything so far.
    ///
    /// # Errors
    /// Logits that are no numbers, a token that cannot be decoded.
    pub fn advance(
        &mut self,
        logits: &[f32],
        text: &mut TextModel,
        eos: &[u32],
    ) -> Result<Advance, (FailureKind, String)> {
        let malformed = |message: String| (FailureKind::Malformed, message);
        let stats = RowStats::of(logits)
            .ok_or_else(|| malformed("the network gave logits that are no numbers".to_owned()))?;
        let id = self.sampler.draw(logits, &stats);
        self.output += 1;
        if eos.contains(&id) {
            return Ok(Advance::Finished(StepEnd::Eos));
        }
        let chunk = self.detokenizer.push(id, text);
        let chunk = chunk.map_err(|error| malformed(error.to_string()))?;
        let grown = self.step.push(token(chunk, id, logits, &stats, text));
        match grown {
            Grown::Delimiter => Ok(Advance::Finished(StepEnd::Delimiter)),
            Grown::Empty if self.attempts.is_empty() => Ok(Advance::Retry),
            Grown::Empty => Ok(Advance::Finished(StepEnd::Empty)),
            Grown::On if self.output >= self.limit.0 => Ok(Advance::Finished(self.cut_off())),
            Grown::On => {
                self.next = Some(id);
                self.show(false);
                Ok(Advance::Continue)
            }
        }
    }

    /// How a step ends at the token limit.
    fn cut_off(&self) -> StepEnd {
        if self.step.text.is_empty() && !self.attempts.is_empty() {
            StepEnd::Empty
        } else {
            StepEnd::Length
        }
    }

    /// Begins again after an empty attempt, with the random numbers that follow.
    pub fn retry(&mut self, slot: &mut Slot) {
        self.attempts.push(Attempt {
            role: self.job.request.role,
            usage: self.usage(),
            failure: "empty step: the delimiter came before any text".to_owned(),
            estimated: false,
        });
        self.cached = self.prompt.len() - 1;
        slot.truncate(self.cached);
        self.next = None;
        self.output = 0;
        self.detokenizer = Detokenizer::after(&self.prompt);
        self.step = StepText::after_empty();
        self.send(Event::Restart);
    }

    /// Sends the finished step.
    pub fn finish(mut self, end: StepEnd) {
        if end == StepEnd::Empty {
            self.step = StepText::default();
        }
        self.show(true);
        let mut notes = Vec::new();
        if !self.attempts.is_empty() {
            notes.push("retried once: empty step".to_owned());
        }
        if end == StepEnd::Length && self.limit.1 {
            notes.push("the context is full".to_owned());
        }
        let reply = StepReply {
            text: std::mem::take(&mut self.step.text),
            tokens: std::mem::take(&mut self.step.tokens),
            coverage: 1.0,
            values: ValueKind::RawLogit,
            end,
            end_note: (!notes.is_empty()).then(|| notes.join("; ")),
            continuation: Continuation::Exact,
            usage: self.usage(),
            attempts: std::mem::take(&mut self.attempts),
            seconds: self.job.started.elapsed().as_secs_f64(),
        };
        self.send(Event::Done(Box::new(Ok(reply))));
    }

    /// Sends a failure, with what was paid for.
    pub fn fail(mut self, endpoint: &str, kind: FailureKind, message: &str) {
        let mut attempts = std::mem::take(&mut self.attempts);
        attempts.push(Attempt {
            role: self.job.request.role,
            usage: self.usage(),
            failure: message.to_owned(),
            estimated: false,
        });
        self.send(Event::Done(Box::new(Err(EndpointError {
            endpoint: endpoint.to_owned(),
            kind,
            message: message.to_owned(),
            attempts,
        }))));
    }

    fn usage(&self) -> Usage {
        Usage {
            prompt: self.prompt.len() as u64,
            cached: Some(self.cached as u64),
            output: u64::from(self.output),
            ..Usage::default()
        }
    }

    fn show(&mut self, finished: bool) {
        if let Some(text) = self.step.unseen(finished) {
            self.send(Event::Delta(text));
        }
    }

    fn send(&self, event: Event) {
        // A closed channel is a cancelled step: nobody waits for the event.
        let _ = self.job.events.send(event);
    }
}

/// The record of a drawn token.
fn token(chunk: String, id: u32, logits: &[f32], stats: &RowStats, text: &mut TextModel) -> Token {
    let logprob = |id: u32| stats.logprob(logits[id as usize]);
    let top = stats.top.iter().map(|&id| TopToken {
        text: text.token_text(id).into(),
        logprob: logprob(id),
    });
    Token {
        text: chunk.into(),
        logprob: Some(logprob(id)),
        max_logit: Some(stats.max),
        top_logits: Vec::new(),
        top: top.collect(),
        math: false,
    }
}
