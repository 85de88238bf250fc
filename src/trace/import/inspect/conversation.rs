//! Who said what in the final conversation of a sample.

use std::collections::{BTreeMap, HashMap};

use crate::trace::import::text;

use super::events::Call;
use super::schema::{Content, Input, Message, Sample};

/// Stands before the name of an attachment.
pub(super) const ATTACHMENT: &str = "attachment://";
/// The role of models that score answers.
const GRADER: &str = "grader";
/// Types of the spans in which answers are scored: by one scorer, and by all.
const SCORER: &str = "scorer";
const SCORERS: &str = "scorers";
/// Calls that are looked through for one whose text a message goes on with.
const AHEAD: usize = 64;

/// Texts that are kept elsewhere, by their names.
pub(super) type Attachments = BTreeMap<String, String>;

/// What a call wrote, or a message that no call is known of.
pub(super) struct Segment<'a> {
    pub text: String,
    /// The text of the call itself, which may have blanks around it.
    pub wrote: String,
    /// The model, where the call or the message names it.
    pub model: Option<&'a str>,
    pub call: Option<&'a Call>,
    /// Calls before it that gave nothing of the conversation.
    pub lost: Vec<&'a Call>,
}

/// A sample taken apart.
pub(super) struct Conversation<'a> {
    pub segments: Vec<Segment<'a>>,
    /// Calls that scored the answer, by the name of the scorer where it is known.
    pub scoring: BTreeMap<Option<&'a str>, Vec<&'a Call>>,
    /// Calls behind the last segment.
    pub lost: Vec<&'a Call>,
    /// Calls of tools, which are no steps.
    pub tool_calls: usize,
    /// Attachments that are referred to and not there.
    pub missing: usize,
}

/// The text of a message: its reasoning, then what it says. Parts that are
/// neither, and reasoning that is not to be read, are left out.
pub(super) fn text_of(message: &Message, attachments: &Attachments, missing: &mut usize) -> String {
    let mut pieces: Vec<&str> = message.reasoning.as_deref().into_iter().collect();
    match &message.content {
        Content::Text(text) => pieces.push(text),
        Content::Parts(parts) => {
            for part in parts {
                let hidden = part.redacted == Some(true);
                let reasoning = match hidden {
                    true => part.summary.as_deref(),
                    false => part.reasoning.as_deref().filter(|text| !text.is_empty()),
                };
                pieces.extend(reasoning.or(part.summary.as_deref()));
                pieces.extend(part.text.as_deref());
            }
        }
    }
    let pieces = pieces.into_iter().filter(|piece| !piece.trim().is_empty());
    let resolved: Vec<String> = pieces
        .map(|piece| resolve(piece, attachments, missing))
        .collect();
    resolved.join("\n\n")
}

/// A text with its attachments in their places; one that is not there stays
/// as it is written.
pub(super) fn resolve(text: &str, attachments: &Attachments, missing: &mut usize) -> String {
    if !text.contains(ATTACHMENT) {
        return text.to_owned();
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(ATTACHMENT) {
        let (before, from) = rest.split_at(at);
        resolved.push_str(before);
        let name = name_of(from);
        match attachments.get(name) {
            Some(content) => resolved.push_str(content),
            None => {
                *missing += 1;
                resolved.push_str(ATTACHMENT);
                resolved.push_str(name);
            }
        }
        rest = from
            .get(ATTACHMENT.len() + name.len()..)
            .unwrap_or_default();
    }
    resolved.push_str(rest);
    resolved
}

/// The name behind a reference that begins a text.
fn name_of(from: &str) -> &str {
    let name = from.strip_prefix(ATTACHMENT).unwrap_or_default();
    let end = name.find(|c: char| !c.is_ascii_alphanumeric());
    name.get(..end.unwrap_or(name.len())).unwrap_or_default()
}

/// The names of the attachments that the texts of a sample refer to.
pub(super) fn needed(sample: &Sample) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |text: &str| {
        let mut rest = text;
        while let Some(at) = rest.find(ATTACHMENT) {
            let from = rest.get(at..).unwrap_or_default();
            let name = name_of(from);
            found.push(name.to_owned());
            rest = from
                .get(ATTACHMENT.len() + name.len()..)
                .unwrap_or_default();
        }
    };
    let mut message = |message: &Message| {
        look(message.reasoning.as_deref().unwrap_or_default());
        match &message.content {
            Content::Text(text) => look(text),
            Content::Parts(parts) => {
                for part in parts {
                    for text in [&part.text, &part.reasoning, &part.summary] {
                        look(text.as_deref().unwrap_or_default());
                    }
                }
            }
        }
    };
    sample.messages.iter().for_each(&mut message);
    for call in &sample.events.calls {
        call.input.iter().for_each(&mut message);
        let output = call.output.iter().chain(&sample.output);
        let choices = output.flat_map(|output| &output.choices);
        choices.for_each(|choice| message(&choice.message));
    }
    match &sample.input {
        Input::Text(text) => look(text),
        Input::Messages(messages) => messages.iter().for_each(&mut message),
    }
    if let Some(target) = text::scalar(&sample.target) {
        look(&target);
    }
    found
}

/// A call with what it wrote.
struct Written<'a> {
    call: &'a Call,
    text: String,
    used: bool,
}

/// Takes a sample apart.
pub(super) fn conversation<'a>(sample: &'a Sample, attachments: &Attachments) -> Conversation<'a> {
    let mut missing = 0;
    let mut scoring: BTreeMap<Option<&str>, Vec<&Call>> = BTreeMap::new();
    let mut written: Vec<Written<'a>> = Vec::new();
    for call in &sample.events.calls {
        match scorer(sample, call) {
            Some(name) => scoring.entry(name).or_default().push(call),
            None => written.push(Written {
                call,
                text: said(call, attachments, &mut missing),
                used: false,
            }),
        }
    }
    let spoken = spoken(sample, attachments, &mut missing);
    let mut matcher = Matcher::new(&written);
    let mut segments = Vec::new();
    if spoken.is_empty() {
        for at in 0..written.len() {
            if !written[at].text.trim().is_empty() {
                let text = written[at].text.clone();
                segments.push(matcher.take(&mut written, at, text));
            }
        }
    }
    for (message, text) in &spoken {
        matcher.message(&mut written, message, text, &mut segments);
    }
    let lost = matcher.rest(&mut written);
    let tools = sample
        .messages
        .iter()
        .map(|message| message.tool_calls.len());
    Conversation {
        segments,
        scoring,
        lost,
        tool_calls: tools.sum(),
        missing,
    }
}

/// The name of the scorer that a call was made by, where it is known; `None`
/// for calls that scored nothing.
fn scorer<'a>(sample: &'a Sample, call: &Call) -> Option<Option<&'a str>> {
    let spans = &sample.events.spans;
    let mut at = call.span_id.as_ref();
    let mut within = call.role.as_deref() == Some(GRADER);
    // As many steps as there are spans: a circle ends there.
    for _ in 0..=spans.len() {
        let Some(span) = at.and_then(|id| spans.get(id)) else {
            break;
        };
        if span.kind == SCORER {
            return Some(Some(&span.name));
        }
        within |= span.kind == SCORERS;
        at = span.parent_id.as_ref();
    }
    within.then_some(None)
}

fn said(call: &Call, attachments: &Attachments, missing: &mut usize) -> String {
    let choice = call
        .output
        .as_ref()
        .and_then(|output| output.choices.first());
    choice.map_or_else(String::new, |choice| {
        text_of(&choice.message, attachments, missing)
    })
}

/// What the assistant said, without what the sample brought along.
fn spoken<'a>(
    sample: &'a Sample,
    attachments: &Attachments,
    missing: &mut usize,
) -> Vec<(&'a Message, String)> {
    let mut given: HashMap<String, usize> = HashMap::new();
    if let Input::Messages(messages) = &sample.input {
        for message in messages.iter().filter(|one| one.role == "assistant") {
            let text = text_of(message, attachments, &mut 0);
            *given.entry(text).or_insert(0) += 1;
        }
    }
    let mut spoken = Vec::new();
    for message in sample.messages.iter().filter(|one| one.role == "assistant") {
        let text = text_of(message, attachments, missing);
        // Each of those that were given stands there once: a model may say the
        // same again.
        let again = given.get_mut(&text).filter(|left| **left > 0);
        let brought = match (message.source.as_deref(), again) {
            (Some("generate"), _) => false,
            (_, Some(left)) => {
                *left -= 1;
                true
            }
            (source, None) => source == Some("input"),
        };
        if !brought && !text.trim().is_empty() {
            spoken.push((message, text));
        }
    }
    spoken
}

/// Finds the calls that wrote messages.
struct Matcher {
    /// Places of calls by the id of what they wrote.
    by_id: HashMap<String, usize>,
    /// All calls before this place were used or given out as lost.
    next: usize,
}

impl Matcher {
    fn new(written: &[Written<'_>]) -> Self {
        let id = |one: &Written<'_>| {
            let output = one.call.output.as_ref()?;
            output.choices.first()?.message.id.clone()
        };
        let ids = written.iter().enumerate();
        Self {
            by_id: ids.filter_map(|(at, one)| Some((id(one)?, at))).collect(),
            next: 0,
        }
    }

    /// The segment of a call, with the calls before it that gave none.
    fn take<'a>(&mut self, written: &mut [Written<'a>], at: usize, text: String) -> Segment<'a> {
        let before = written.get_mut(self.next..at).unwrap_or_default();
        let lost = before.iter_mut().filter(|one| !one.used).map(|one| {
            one.used = true;
            one.call
        });
        let lost = lost.collect();
        self.next = self.next.max(at + 1);
        written[at].used = true;
        let call = written[at].call;
        Segment {
            text,
            wrote: std::mem::take(&mut written[at].text),
            model: Some(call.model.as_str()).filter(|name| !name.is_empty()),
            call: Some(call),
            lost,
        }
    }

    /// The calls behind the last one that was used.
    fn rest<'a>(&mut self, written: &mut [Written<'a>]) -> Vec<&'a Call> {
        let behind = written.get(self.next..).unwrap_or_default();
        let unused = behind.iter().filter(|one| !one.used);
        unused.map(|one| one.call).collect()
    }

    /// Adds the segments of a message: one where a call wrote all of it, more
    /// where calls went on with what was there.
    fn message<'a>(
        &mut self,
        written: &mut [Written<'a>],
        message: &'a Message,
        text: &str,
        segments: &mut Vec<Segment<'a>>,
    ) {
        let known = message.id.as_ref().and_then(|id| self.by_id.get(id));
        if let Some(&at) = known.filter(|&&at| !written[at].used) {
            segments.push(self.take(written, at, text.to_owned()));
            return;
        }
        let mut rest = text;
        let ahead = self.next..written.len().min(self.next + AHEAD);
        for at in ahead {
            let wrote = written[at].text.trim().to_owned();
            if written[at].used || wrote.is_empty() {
                continue;
            }
            let blank = rest.len() - rest.trim_start().len();
            let goes_on = rest
                .get(blank..)
                .is_some_and(|rest| rest.starts_with(&wrote));
            if goes_on {
                let (part, behind) = rest.split_at(blank + wrote.len());
                segments.push(self.take(written, at, part.to_owned()));
                rest = behind;
            }
        }
        if !rest.trim().is_empty() {
            segments.push(Segment {
                text: rest.to_owned(),
                wrote: String::new(),
                model: message.model.as_deref(),
                call: None,
                lost: Vec::new(),
            });
        }
    }
}
