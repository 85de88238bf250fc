//! One attempt at a step: the step rules on top of single completions.

use super::align::{RawToken, align};
use super::dialect::{Ask, Base, Dialect, Prepared, Prompt, Watch};
use super::generated::{Generated, Stop};
use crate::model::blocks::{self, MOST_JOINS};
use crate::model::endpoint::{DELIMITER, FailureKind, Progress, StepRequest};
use crate::model::retry::{Failure, tokens_of};
use crate::trace::record::{Attempt, StepEnd, Token, Usage, ValueKind};

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
    pub dialect: &'a dyn Dialect,
    pub base: &'a Base,
    pub request: &'a StepRequest,
    pub prompt: &'a Prompt,
    /// `prompt` as the server takes it.
    pub prepared: &'a Prepared,
    pub budget: u32,
    /// Alternatives a token.
    pub top: u32,
    /// What the values of this server are.
    pub kind: ValueKind,
    pub progress: &'a dyn Progress,
}

impl Writer<'_> {
    /// Writes the step.
    ///
    /// # Errors
    /// The failure carries the usage of every call of this attempt.
    pub async fn write(&self) -> Result<Written, Failure> {
        if self.dialect.writes_whole_replies(self.request.role) {
            return self.whole_reply().await;
        }
        let mut outlet = self.outlet();
        let mut first = self
            .generate(self.prepared, self.budget, true, &mut |text| {
                outlet.show(before_delimiter(text));
                false
            })
            .await?;
        if first.text.trim().is_empty() && first.stop != Some(Stop::Eos) {
            return self.write_again(first).await;
        }
        let mut written = self.part(&first.text, &mut first.tokens);
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

    /// Everything the model has to say, blank lines included.
    async fn whole_reply(&self) -> Result<Written, Failure> {
        let mut outlet = self.outlet();
        let mut reply = self
            .generate(self.prepared, self.budget, false, &mut |text| {
                outlet.show(text);
                false
            })
            .await?;
        let mut written = self.part(&reply.text, &mut reply.tokens);
        written.usage = reply.usage;
        (written.end, written.note) = match ended(&reply) {
            (StepEnd::Length, note) => (StepEnd::Length, note),
            _ => (StepEnd::Eos, None),
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
            // Where the server does not say, nobody ends within a block: the
            // next call will tell.
            let may_go_on = matches!(last.stop, Some(Stop::Word | Stop::Unknown));
            if !may_go_on || left == 0 || !blocks::is_open(&written.text) {
                return Ok(last);
            }
            let before = format!("{}{DELIMITER}", written.text);
            let prompt = self.prompt.with(&before);
            let prepared = self
                .dialect
                .prepare(self.base, &prompt)
                .await
                .map_err(|failure| paid(failure, written.usage))?;
            let mut next = self
                .generate(&prepared, left, true, &mut |text| {
                    outlet.show(&format!("{before}{}", before_delimiter(text)));
                    false
                })
                .await
                .map_err(|failure| paid(failure, written.usage))?;
            written.usage = written.usage.plus(next.usage);
            if next.text.trim().is_empty() {
                written.note = Some("ended inside an open block".to_owned());
                return Ok(next);
            }
            let more = self.part(&next.text, &mut next.tokens);
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
        let mut second = self
            .generate(self.prepared, self.budget, false, &mut |text| {
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
            self.part("", &mut [])
        } else {
            // Aligned with the newlines in front, which are then dropped.
            let mut written = self.part(whole, &mut second.tokens);
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

    fn outlet(&self) -> Outlet<'_> {
        Outlet {
            progress: self.progress,
            sent: 0,
        }
    }

    /// One completion. `watch` sees the text so far after every piece; when it
    /// says so, the call is ended from here.
    async fn generate(
        &self,
        prompt: &Prepared,
        most: u32,
        stop: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Generated, Failure> {
        let ask = Ask {
            prompt,
            request: self.request,
            most,
            stop,
            top: self.top,
            // A step without the stop is ended from here.
            stream: self.progress.is_watched()
                || self.dialect.traits().streams_only
                || (!stop && !self.dialect.writes_whole_replies(self.request.role)),
        };
        let mut generated = Generated::default();
        let mut cut = false;
        let mut watching = |text: &str| {
            cut = watch(text);
            cut
        };
        let called = self
            .dialect
            .generate(self.base, ask, &mut generated, &mut watching)
            .await;
        let checked = called
            .and_then(|()| match cut {
                true => Ok(()),
                false => generated.whole(self.base.client.site()),
            })
            .and_then(|()| self.same_values(&generated));
        if let Err(failure) = checked {
            let sent = self.prompt.text().len();
            return Err(failure.paid(generated.usage, sent, &generated.text));
        }
        self.count(&mut generated, cut);
        if stop {
            end_at_delimiter(&mut generated);
        }
        Ok(generated)
    }

    /// Counts what the server did not: a call that was ended from here before
    /// its counts came, or a server that has none. Nothing is free because
    /// nobody counted it.
    fn count(&self, generated: &mut Generated, cut: bool) {
        let seen = u64::try_from(generated.tokens.len()).unwrap_or(u64::MAX);
        let seen = seen.max(tokens_of(generated.text.len()));
        let usage = &mut generated.usage;
        if usage.prompt == 0 && usage.output == 0 {
            usage.prompt = match self.prepared.count {
                Some(count) => u64::from(count),
                None => tokens_of(self.prompt.text().len()),
            };
            usage.output = seen;
            generated.uncounted = true;
        } else if cut {
            usage.output = usage.output.max(seen);
        }
    }

    /// Refuses values that are not what the probe found: replicas behind one
    /// address that were started differently.
    fn same_values(&self, generated: &Generated) -> Result<(), Failure> {
        /// Fewer tokens say nothing.
        const LEAST: usize = 3;
        let (found, expected) = match (self.kind, generated.looks_like()) {
            (ValueKind::RawLogit, Some(ValueKind::LogprobPreTemperature))
                if generated.top > 1 && generated.tokens.len() >= LEAST =>
            {
                ("log-probabilities", "raw logits")
            }
            (
                ValueKind::LogprobPreTemperature | ValueKind::LogprobPostTemperature,
                Some(ValueKind::RawLogit),
            ) => ("raw logits", "log-probabilities"),
            _ => return Ok(()),
        };
        let url = &self.base.client.site().url;
        Err(Failure::new(
            FailureKind::Configuration,
            format!(
                "{url} gave {found} for this step, and {expected} when it was probed: replicas \
                 behind it disagree on --logprobs-mode; start all of them with the same one"
            ),
        ))
    }

    /// A piece of the step with its tokens. The replacement character of a
    /// character cut in two goes.
    fn part(&self, text: &str, tokens: &mut [RawToken]) -> Written {
        let whole = text.trim_end_matches(CUT);
        let aligned = align(whole, tokens, self.kind);
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
}

/// The text up to the delimiter, behind which a server may have shown more.
fn before_delimiter(text: &str) -> &str {
    text.split(DELIMITER).next().unwrap_or_default()
}

/// Ends the text at the delimiter, which some servers keep in it and some run
/// over. Where the server did not say why it ended, the tokens behind the
/// text may.
fn end_at_delimiter(generated: &mut Generated) {
    if let Some(at) = generated.text.find(DELIMITER) {
        generated.text.truncate(at);
        if generated.stop == Some(Stop::Unknown) {
            generated.inferred = Some("the end was inferred: the text went on to the delimiter");
        }
        generated.stop = Some(Stop::Word);
        return;
    }
    if generated.stop != Some(Stop::Unknown) {
        return;
    }
    let shown: usize = generated.tokens.iter().map(|token| token.shown.len()).sum();
    let Some(behind) = shown.checked_sub(generated.text.len()).filter(|n| *n > 0) else {
        return;
    };
    let mut last: Vec<u8> = Vec::new();
    for token in generated.tokens.iter().rev() {
        last.splice(0..0, token.shown.iter().copied());
        if last.len() >= behind {
            break;
        }
    }
    let behind = String::from_utf8_lossy(&last[last.len().saturating_sub(behind)..]).into_owned();
    if behind.contains('\n') {
        generated.stop = Some(Stop::Word);
        generated.inferred = Some("the end was inferred: the delimiter's tokens stand behind it");
    } else if ENDS.iter().any(|mark| behind.starts_with(mark)) {
        generated.stop = Some(Stop::Eos);
        generated.inferred = Some("the end was inferred: an end mark's token stands behind it");
    }
}

/// How the texts of tokens that end a sequence begin.
const ENDS: [&str; 5] = ["<|", "</s>", "<eos>", "<end_of_turn>", "<｜end"];

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
        if first.logprob.is_some() || first.max_logit.is_some() {
            written.covered -= dropped;
        }
        first.text.replace_range(..dropped, "");
        if first.text.is_empty() {
            written.tokens.remove(0);
        }
    }
}

/// The delimiter between two joined parts: sampled, but cut off as a stop.
fn blank_line() -> Token {
    Token {
        text: DELIMITER.into(),
        logprob: None,
        max_logit: None,
        top_logits: Vec::new(),
        top: Vec::new(),
        math: false,
    }
}

fn ended(last: &Generated) -> (StepEnd, Option<String>) {
    let (end, note) = reason(last);
    let note = match (note, last.uncounted) {
        (Some(note), true) => Some(format!("{note}; {UNCOUNTED}")),
        (None, true) => Some(UNCOUNTED.to_owned()),
        (note, false) => note,
    };
    (end, note)
}

/// Said of a step whose tokens are estimated.
const UNCOUNTED: &str = "nobody counted its tokens: they are estimated, four bytes each";

fn reason(last: &Generated) -> (StepEnd, Option<String>) {
    let inferred = last.inferred.map(str::to_owned);
    match last.stop {
        Some(Stop::Word) => (StepEnd::Delimiter, inferred),
        Some(Stop::Eos) => (StepEnd::Eos, inferred),
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
