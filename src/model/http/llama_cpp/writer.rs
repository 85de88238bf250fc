//! One attempt at a step: the step rules on top of single completions.

use super::LlamaCpp;
use super::encode::Encoded;
use super::stream::{Generated, Stop};
use super::wire::{self, Ask, Event};
use crate::model::blocks::{self, MOST_JOINS};
use crate::model::endpoint::{DELIMITER, FailureKind, Progress, StepRequest};
use crate::model::http::align::{RawToken, align};
use crate::model::http::client::content_type;
use crate::model::http::error::says;
use crate::model::http::sse;
use crate::model::retry::Failure;
use crate::trace::record::{Attempt, StepEnd, Token, Usage};

const COMPLETION: &str = "/completion";
/// Stands for bytes that are no whole character.
const CUT: char = '\u{fffd}';

/// A step as one attempt wrote it.
#[derive(Debug)]
pub(super) struct Written {
    pub text: String,
    pub tokens: Vec<Token>,
    /// Bytes of `text` with a probability.
    pub covered: usize,
    pub end: StepEnd,
    pub note: Option<String>,
    pub usage: Usage,
    /// Calls within this attempt that gave nothing.
    pub attempts: Vec<Attempt>,
}

/// Text going out to the screen. What may still be cut off its end is held
/// back: newlines, which may be the delimiter, and parts of characters.
struct Outlet<'p> {
    progress: &'p dyn Progress,
    sent: usize,
}

impl Outlet<'_> {
    /// Shows `text`, of which the first `sent` bytes are shown already.
    fn show(&mut self, text: &str) {
        if let Some(fresh) = text.trim_end_matches(['\n', CUT]).get(self.sent..)
            && !fresh.is_empty()
        {
            self.progress.delta(fresh);
            self.sent += fresh.len();
        }
    }
}

/// One attempt at the step of `request`, of at most `budget` tokens.
pub(super) struct Writer<'a> {
    pub server: &'a LlamaCpp,
    pub request: &'a StepRequest,
    /// Template, question and prefix.
    pub prompt: &'a str,
    /// `prompt` as the server takes it.
    pub encoded: &'a Encoded,
    pub budget: u32,
    pub progress: &'a dyn Progress,
}

impl Writer<'_> {
    /// Writes the step.
    ///
    /// # Errors
    /// The failure carries the usage of every call of this attempt.
    pub async fn write(&self) -> Result<Written, Failure> {
        let mut outlet = self.outlet();
        let first = self
            .generate(self.encoded, self.budget, true, &mut |text| {
                outlet.show(text);
                false
            })
            .await?;
        if first.text.trim().is_empty() && first.stop != Some(Stop::Eos) {
            return self.write_again(first).await;
        }
        let mut written = part(&first.text, &first.tokens);
        written.usage = first.usage;
        let last = self.join(&mut written, first, &mut outlet).await?;
        let (end, note) = ended(&last);
        written.end = end;
        written.note = match (written.note.take(), note) {
            (Some(a), Some(b)) => Some(format!("{a}; {b}")),
            (a, b) => a.or(b),
        };
        Ok(written)
    }

    /// Goes on behind blank lines inside an open block; returns the last call.
    async fn join(
        &self,
        written: &mut Written,
        first: Generated,
        outlet: &mut Outlet<'_>,
    ) -> Result<Generated, Failure> {
        let mut last = first;
        for _ in 0..MOST_JOINS {
            let spent = u32::try_from(written.usage.output).unwrap_or(u32::MAX);
            let left = self.budget.saturating_sub(spent);
            if last.stop != Some(Stop::Word) || left == 0 || !blocks::is_open(&written.text) {
                return Ok(last);
            }
            let before = format!("{}{DELIMITER}", written.text);
            let prompt = format!("{}{before}", self.prompt);
            let encoded = self
                .server
                .encode(&prompt)
                .await
                .map_err(|failure| paid(failure, written.usage))?;
            let next = self
                .generate(&encoded, left, true, &mut |text| {
                    outlet.show(&format!("{before}{text}"));
                    false
                })
                .await
                .map_err(|failure| paid(failure, written.usage))?;
            written.usage = written.usage.plus(next.usage);
            if next.text.trim().is_empty() {
                written.note = Some("ended inside an open block".to_owned());
                return Ok(next);
            }
            let more = part(&next.text, &next.tokens);
            written.text = before + &more.text;
            written.tokens.push(blank_line());
            written.tokens.extend(more.tokens);
            written.covered += more.covered;
            written.note = Some("joined over a blank line inside an open block".to_owned());
            last = next;
        }
        Ok(last)
    }

    /// The empty-step rule: once more without the stop, cut here at the first
    /// blank line after something that is not blank.
    async fn write_again(&self, first: Generated) -> Result<Written, Failure> {
        self.progress.restart();
        let empty = Attempt {
            role: self.request.role,
            usage: first.usage,
            failure: "empty step: retried without the stop".to_owned(),
            estimated: false,
        };
        let mut outlet = self.outlet();
        let second = self
            .generate(self.encoded, self.budget, false, &mut |text| {
                let step = blocks::step_end(text).and_then(|end| text.get(..end));
                outlet.show(step.unwrap_or(text).trim_start_matches('\n'));
                step.is_some()
            })
            .await
            .map_err(|failure| paid(failure, first.usage))?;
        let cut = blocks::step_end(&second.text);
        let whole = cut
            .and_then(|end| second.text.get(..end))
            .unwrap_or(&second.text);
        let step = whole.trim_start_matches('\n');
        let (end, note) = match cut {
            Some(_) => (StepEnd::Delimiter, None),
            None if whole.trim().is_empty() && second.stop != Some(Stop::Eos) => {
                (StepEnd::Empty, None)
            }
            None => ended(&second),
        };
        let remark = "retried once: empty step";
        let mut written = if step.trim().is_empty() {
            part("", &[])
        } else {
            // Aligned with the newlines in front, which are then dropped.
            let mut written = part(whole, &second.tokens);
            drop_front(&mut written, whole.len() - step.len());
            written
        };
        written.end = end;
        written.note =
            Some(note.map_or_else(|| remark.to_owned(), |note| format!("{remark}; {note}")));
        written.usage = second.usage;
        written.attempts.push(empty);
        Ok(written)
    }

    /// The bare completion, without any of the step rules.
    pub async fn sample(&self) -> Result<Generated, Failure> {
        self.generate(self.encoded, self.budget, false, &mut |_| false)
            .await
    }

    fn outlet(&self) -> Outlet<'_> {
        Outlet {
            progress: self.progress,
            sent: 0,
        }
    }

    /// One `/completion`. `watch` sees the text so far after every event; when
    /// it says so, the call is ended from here.
    async fn generate(
        &self,
        prompt: &Encoded,
        most: u32,
        stop: bool,
        watch: &mut (dyn FnMut(&str) -> bool + Send),
    ) -> Result<Generated, Failure> {
        let ask = Ask {
            prompt: &prompt.prompt,
            most,
            stop,
            top: self.server.options.top,
            model: self.server.model.as_deref(),
        };
        let body = wire::completion(ask, self.request);
        let mut generated = Generated::default();
        match self.receive(&body, &mut generated, watch).await {
            Ok(()) => Ok(generated),
            Err(failure) => Err(failure.paid(generated.usage, self.prompt.len(), &generated.text)),
        }
    }

    async fn receive(
        &self,
        body: &serde_json::Value,
        generated: &mut Generated,
        watch: &mut (dyn FnMut(&str) -> bool + Send),
    ) -> Result<(), Failure> {
        let client = &self.server.client;
        let mut response = client.open(COMPLETION, body).await?;
        let kind = content_type(&response);
        if kind != "text/event-stream" {
            // One JSON body: an error, or a proxy that does not stream.
            let body = client.rest(response).await?;
            let event: Event = serde_json::from_slice(&body)
                .map_err(|_| client.site().malformed(COMPLETION, &kind, &body))?;
            self.event(&event, &body, generated)?;
            watch(&generated.text);
            return self.finished(generated);
        }
        let mut parser = sse::Parser::default();
        while let Some(bytes) = client.next(&mut response).await? {
            let events = parser.push(&bytes).map_err(|sse::TooLong| {
                client
                    .site()
                    .malformed(COMPLETION, &kind, b"an event without end")
            })?;
            for event in events {
                if self.data(&event, generated)? || watch(&generated.text) {
                    return Ok(());
                }
            }
        }
        // An event cut in the middle cannot be read: the stream was cut then.
        if let Some(event) = parser.finish()
            && serde_json::from_str::<Event>(&event.data).is_ok()
        {
            self.data(&event, generated)?;
            watch(&generated.text);
        }
        self.finished(generated)
    }

    /// Takes one server-sent event; whether it was the last.
    fn data(&self, event: &sse::Event, generated: &mut Generated) -> Result<bool, Failure> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(generated.stop.is_some());
        }
        let site = self.server.client.site();
        let kind = "text/event-stream";
        if event.error {
            let value = serde_json::from_str(data).unwrap_or_else(|_| data.into());
            return Err(site.in_band(COMPLETION, &value));
        }
        let parsed: Event = serde_json::from_str(data)
            .map_err(|_| site.malformed(COMPLETION, kind, data.as_bytes()))?;
        self.event(&parsed, data.as_bytes(), generated)?;
        Ok(generated.stop.is_some())
    }

    fn event(&self, event: &Event, body: &[u8], generated: &mut Generated) -> Result<(), Failure> {
        let site = self.server.client.site();
        if let Some(error) = event.error.as_ref().filter(|error| says(error)) {
            return Err(site.in_band(COMPLETION, error));
        }
        if event.content.is_none() && event.stop.is_none() {
            return Err(site.malformed(COMPLETION, "application/json", body));
        }
        generated.take(event, &mut self.server.vocabulary());
        Ok(())
    }

    fn finished(&self, generated: &Generated) -> Result<(), Failure> {
        if generated.stop.is_some() {
            return Ok(());
        }
        let url = &self.server.client.site().url;
        Err(Failure::new(
            FailureKind::CutStream,
            format!("the stream from {url} ended before the step did; see the server's log"),
        ))
    }
}

/// A piece of the step with its tokens. The replacement character of a
/// character cut in two goes.
fn part(text: &str, tokens: &[RawToken]) -> Written {
    let whole = text.trim_end_matches(CUT);
    let aligned = align(whole, tokens);
    Written {
        text: whole.to_owned(),
        tokens: aligned.tokens,
        covered: aligned.covered,
        end: StepEnd::Delimiter,
        note: (whole.len() < text.len()).then(|| "cut inside a character".to_owned()),
        usage: Usage::default(),
        attempts: Vec::new(),
    }
}

/// Drops the first `count` bytes, newlines all of them, from text and tokens.
fn drop_front(written: &mut Written, count: usize) {
    written.text.drain(..count);
    let mut left = count;
    while left > 0
        && let Some(first) = written.tokens.first_mut()
    {
        let newlines = first.text.len() - first.text.trim_start_matches('\n').len();
        let dropped = newlines.min(left);
        if dropped == 0 {
            break;
        }
        left -= dropped;
        if first.logprob.is_some() {
            written.covered -= dropped;
        }
        first.text.drain(..dropped);
        if first.text.is_empty() {
            written.tokens.remove(0);
        }
    }
}

/// The delimiter between two joined parts: sampled, but cut off as a stop.
fn blank_line() -> Token {
    Token {
        text: DELIMITER.to_owned(),
        logprob: None,
        max_logit: None,
        top_logits: Vec::new(),
        top: Vec::new(),
        math: false,
    }
}

fn ended(last: &Generated) -> (StepEnd, Option<String>) {
    match last.stop {
        Some(Stop::Word) => (StepEnd::Delimiter, None),
        Some(Stop::Eos) => (StepEnd::Eos, None),
        Some(Stop::Limit) => (
            StepEnd::Length,
            last.truncated.then(|| "the context is full".to_owned()),
        ),
        // A server that does not say: taken for the delimiter, because the
        // trajectory can go on from there and an end of sequence would show
        // as an empty next step.
        Some(Stop::Unknown) | None => (
            StepEnd::Delimiter,
            Some("the server did not say why it stopped".to_owned()),
        ),
    }
}

/// `failure` with what the calls before it cost.
fn paid(failure: Failure, before: Usage) -> Failure {
    Failure {
        usage: before.plus(failure.usage),
        ..failure
    }
}
