//! Which token wrote which bytes of a step.
//!
//! Servers cut the text at the stop string but not (or too much of) the list
//! of tokens; they hold back tokens that could begin a stop and fuse tokens
//! that share a character. Confidence is computed only from tokens that were
//! found in the text again.

use std::ops::Range;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::trace::record::{Token, TopLogit, TopToken, ValueKind};

mod retrace;

/// Log-probabilities at or below this stand for "never".
const FLOOR: f32 = -9999.0;

/// Bytes of a token: few.
pub type Bytes = SmallVec<[u8; 16]>;

/// A token as a server reported it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawToken {
    /// The token's own bytes, where they are known; may be part of a
    /// character.
    pub piece: Option<Bytes>,
    /// The bytes the server shows for it: empty where it was held back, with
    /// its neighbours' bytes where they were fused.
    pub shown: Bytes,
    /// Length of the server's text when this token had been shown.
    pub end: Option<usize>,
    /// Log-probability of the token, or its raw logit.
    pub value: Option<f32>,
    /// Best first.
    pub top: Vec<(CompactString, f32)>,
}

/// What is shown for bytes that are no whole character.
const CUT: char = '\u{fffd}';
/// How a token begins that is shown as its id (vLLM's
/// `--return-tokens-as-token-ids`).
const AS_ID: &str = "token_id:";

impl RawToken {
    /// A token that shows these bytes, which are its own. Part of a character
    /// shows as nothing or as U+FFFD: its bytes are not known then.
    pub fn showing(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok();
        let unknown =
            text.is_some_and(|text| text.starts_with(AS_ID) || text.trim_matches(CUT).is_empty());
        match unknown {
            true => Self::default(),
            false => Self {
                piece: Some(bytes.into()),
                shown: bytes.into(),
                ..Self::default()
            },
        }
    }
}

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    /// In order, never overlapping; with full coverage their texts joined are
    /// the text.
    pub tokens: Vec<Token>,
    /// Bytes of the text that tokens with a probability account for.
    pub covered: usize,
}

/// Bytes `start..end` of the text written by `raw[index]`.
#[derive(Debug, Clone, Copy)]
struct Span {
    index: usize,
    start: usize,
    end: usize,
}

/// Finds the tokens of `text`, which is cut at the stop.
///
/// Tokens behind the cut are dropped; one that straddles it keeps its part
/// inside. Where the tokens stop reproducing the text, those that carry
/// [`RawToken::end`] are found again from there; without it the rest is given
/// up. Tokens that share a character become one, with the sum of their
/// log-probabilities and the alternatives of the least certain.
///
/// With [`ValueKind::RawLogit`] the values are logits. The alternatives of the
/// tokens that are found are taken out of `raw`.
pub fn align(text: &str, raw: &mut [RawToken], kind: ValueKind) -> Aligned {
    let spans = find(text.as_bytes(), raw);
    let mut tokens = Vec::with_capacity(spans.len());
    let mut covered = 0;
    let mut group: Vec<usize> = Vec::new();
    let mut start = 0;
    let mut last_end = None;
    for span in spans {
        if group.is_empty() || last_end != Some(span.start) {
            group.clear();
            start = span.start;
        }
        group.push(span.index);
        last_end = Some(span.end);
        // What showed nothing belongs to the token that shows it.
        if span.start == span.end || !text.is_char_boundary(span.end) {
            continue;
        }
        // A gap may have begun the group inside a character: no text then.
        if let Some(part) = text.get(start..span.end) {
            let token = token(part, raw, &group, kind);
            if token.logprob.is_some() || token.max_logit.is_some() {
                covered += part.len();
            }
            tokens.push(token);
        }
        group.clear();
    }
    Aligned { tokens, covered }
}

fn find(text: &[u8], raw: &[RawToken]) -> Vec<Span> {
    let spans = walk(text, raw);
    let found: usize = spans.iter().map(|span| span.end - span.start).sum();
    let hides = |token: &RawToken| token.shown.is_empty() && token.piece.is_none();
    let again = found < text.len() && raw.iter().any(hides);
    again
        .then(|| retrace::retrace(text, raw))
        .flatten()
        .unwrap_or(spans)
}

/// Follows the tokens through the text, with an eye on the next one only.
fn walk(text: &[u8], raw: &[RawToken]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::with_capacity(raw.len());
    // Tokens held back since the last one that was placed.
    let mut held: Vec<usize> = Vec::new();
    let mut position = 0;
    for (index, token) in raw.iter().enumerate() {
        if position >= text.len() {
            break;
        }
        let hidden = held.iter().filter(|&&at| raw[at].piece.is_none()).count();
        let place = match place(text, position, token, hidden) {
            Place::Held => {
                held.push(index);
                continue;
            }
            Place::Lost => {
                let Some(end) = token.end else { break };
                position = position.max(end);
                held.clear();
                continue;
            }
            Place::At(start, end) => Span { index, start, end },
        };
        let own = give_back(&mut spans, &held, raw, place, text);
        held.clear();
        if own.start < own.end {
            spans.push(own);
        }
        position = own.end;
    }
    shown_by_none(&mut spans, &held, raw, text, position..text.len());
    spans
}

/// Gives the `rest` of the text, in which no token was found, to the `held`
/// ones that showed nothing because each is but a part of its characters.
fn shown_by_none(
    spans: &mut Vec<Span>,
    held: &[usize],
    raw: &[RawToken],
    text: &[u8],
    rest: Range<usize>,
) {
    let hidden = held.iter().filter(|&&at| raw[at].piece.is_none());
    let hidden: Vec<usize> = hidden.copied().collect();
    let bytes = text.get(rest.clone()).unwrap_or_default();
    let starts = rest.clone().filter(|&at| is_boundary(text, at));
    // Only long characters have parts, two at least; the first may be lost.
    if bytes.is_empty()
        || bytes.iter().any(u8::is_ascii)
        || starts.count() > (hidden.len() / 2).max(1)
    {
        return;
    }
    let Some((&last, before)) = hidden.split_last() else {
        return;
    };
    spans.extend(before.iter().map(|&index| nowhere(index, rest.start)));
    spans.push(Span {
        index: last,
        start: rest.start,
        end: rest.end,
    });
}

/// A token that shows nothing itself, in front of the one that does.
fn nowhere(index: usize, at: usize) -> Span {
    Span {
        index,
        start: at,
        end: at,
    }
}

enum Place {
    /// Nothing shown yet.
    Held,
    /// Not found in the text.
    Lost,
    At(usize, usize),
}

/// Most bytes of a character.
const CHARACTER: usize = 4;

/// Where `token` stands at or behind `position`; `hidden` tokens before it
/// showed nothing, and wrote what is between.
fn place(text: &[u8], position: usize, token: &RawToken, hidden: usize) -> Place {
    let rest = &text[position..];
    let fits = |bytes: &[u8]| !bytes.is_empty() && rest.starts_with(bytes);
    let shown = token.shown.as_slice();
    let piece = token.piece.as_deref().unwrap_or_default();
    if fits(shown) {
        return Place::At(position, position + shown.len());
    }
    if shown.is_empty() {
        return if fits(piece) {
            Place::At(position, position + piece.len())
        } else if piece.starts_with(rest) {
            Place::At(position, text.len())
        } else {
            Place::Held
        };
    }
    // The text was cut inside this token.
    if shown.starts_with(rest) || piece.starts_with(rest) {
        return Place::At(position, text.len());
    }
    // Before the next rule: the text may repeat, and its beginning, which hidden
    // tokens wrote, look like the end of what is shown.
    if hidden > 0 {
        let most = (hidden * CHARACTER).min(rest.len());
        let found = (1..=most).find(|&skip| {
            let tail = &rest[skip..];
            // The text may have been cut inside this token.
            tail.starts_with(shown) || (!tail.is_empty() && shown.starts_with(tail))
        });
        if let Some(skip) = found {
            // What was skipped is given back to those that wrote it.
            return Place::At(position, text.len().min(position + skip + shown.len()));
        }
    }
    // The front of what is shown was placed already, by its own token.
    let suffix = (1..shown.len())
        .map(|cut| shown.split_at(cut))
        .find(|(front, back)| fits(back) && text[..position].ends_with(front));
    if let Some((_, back)) = suffix {
        return Place::At(position, position + back.len());
    }
    if fits(piece) {
        return Place::At(position, position + piece.len());
    }
    // Something in between was lost: the server's text tells where it ended.
    if let Some(end) = token.end.filter(|end| *end <= text.len()) {
        for bytes in [shown, piece] {
            let start = end.saturating_sub(bytes.len());
            if !bytes.is_empty() && start >= position && &text[start..end] == bytes {
                return Place::At(start, end);
            }
        }
    }
    Place::Lost
}

/// Gives the tokens held back before `own` their part of what it shows, and
/// returns what is left for it.
fn give_back(
    spans: &mut Vec<Span>,
    held: &[usize],
    raw: &[RawToken],
    own: Span,
    text: &[u8],
) -> Span {
    let piece = raw[own.index].piece.as_deref().unwrap_or_default();
    let mut start = own.start;
    let mut given = 0;
    for (nth, &index) in held.iter().enumerate() {
        let own_start = if text[start..own.end].ends_with(piece) {
            own.end - piece.len()
        } else {
            own.end
        };
        let known = raw[index].piece.as_deref().unwrap_or_default();
        let end = if !known.is_empty() && text[start..own_start].starts_with(known) {
            start + known.len()
        } else if nth + 1 == held.len() && !piece.is_empty() && is_boundary(text, own_start) {
            // The only one left: what is not the shown token's own is its.
            own_start
        } else {
            break;
        };
        if start < end {
            spans.push(Span { index, start, end });
        } else if known.is_empty() {
            spans.push(nowhere(index, start));
        }
        start = end;
        given += 1;
    }
    let hidden = held[given..].iter();
    let hidden = hidden.filter(|&&index| raw[index].piece.is_none());
    spans.extend(hidden.map(|&index| nowhere(index, start)));
    Span { start, ..own }
}

/// Whether `at` is not inside a character of (valid UTF-8) `text`.
fn is_boundary(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)
}

fn token(text: &str, raw: &mut [RawToken], group: &[usize], kind: ValueKind) -> Token {
    let bare = Token {
        text: text.into(),
        logprob: None,
        max_logit: None,
        top_logits: Vec::new(),
        top: Vec::new(),
        math: false,
    };
    let best = |at: usize| raw[at].top.first().map_or(f32::NEG_INFINITY, |top| top.1);
    let least = group
        .iter()
        .copied()
        .min_by(|&a, &b| best(a).total_cmp(&best(b)));
    let mut logprobs = group.iter().map(|&at| raw[at].value.and_then(floored));
    let logprob = logprobs.try_fold(0.0, |sum, logprob| Some(sum + logprob?));
    let alternatives = least.map_or_else(Vec::new, |at| alternatives(&mut raw[at]));
    if kind == ValueKind::RawLogit {
        // Of a shared character the least certain position, as with the
        // alternatives.
        return Token {
            max_logit: alternatives.first().map(|(_, logit)| *logit),
            top_logits: alternatives
                .into_iter()
                .map(|(text, logit)| TopLogit { text, logit })
                .collect(),
            ..bare
        };
    }
    Token {
        logprob,
        top: alternatives
            .into_iter()
            .filter_map(|(text, logprob)| {
                let logprob = floored(logprob)?;
                Some(TopToken { text, logprob })
            })
            .collect(),
        ..bare
    }
}

/// Takes the alternatives, the sampled token among them where it is the best
/// one and the server left it out.
fn alternatives(raw: &mut RawToken) -> Vec<(CompactString, f32)> {
    let mut top = std::mem::take(&mut raw.top);
    top.retain(|(_, value)| !value.is_nan());
    for (_, value) in &mut top {
        *value = value.max(FLOOR);
    }
    let first = top.first().map_or(f32::NEG_INFINITY, |(_, value)| *value);
    let chosen = raw.value.filter(|value| !value.is_nan() && *value > first);
    if let Some(chosen) = chosen.filter(|_| !top.is_empty()) {
        let own = raw.piece.as_deref().unwrap_or(&raw.shown);
        let own = String::from_utf8_lossy(own).into();
        top.insert(0, (own, chosen.max(FLOOR)));
    }
    top
}

/// A log-probability without NaN or infinity; at most 0.
fn floored(logprob: f32) -> Option<f32> {
    (!logprob.is_nan()).then(|| logprob.clamp(FLOOR, 0.0))
}

#[cfg(test)]
#[path = "align_tests.rs"]
mod tests;
