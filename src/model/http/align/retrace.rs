//! The way through a text of tokens of which some show nothing, where looking
//! ahead by one token took a wrong turn: text that repeats itself.

use std::collections::HashSet;

use super::{RawToken, Span, is_boundary, nowhere};

/// Spans that account for the whole of `text`, or none: tokens that show
/// something wrote just that, and tokens that show nothing wrote characters
/// that no single one of them writes whole.
pub(super) fn retrace(text: &[u8], raw: &[RawToken]) -> Option<Vec<Span>> {
    let mut search = Search {
        text,
        raw,
        failed: HashSet::new(),
    };
    let mut spans = Vec::with_capacity(raw.len());
    search.reaches_the_end(0, 0, &mut spans).then_some(spans)
}

struct Search<'a> {
    text: &'a [u8],
    raw: &'a [RawToken],
    /// Tokens and places in the text from which there is no way.
    failed: HashSet<(usize, usize)>,
}

/// Dead ends after which no way is looked for.
const MOST_DEAD_ENDS: usize = 200;

impl Search<'_> {
    /// Leaves the way in `spans` where there is one from `start`, which the
    /// token `index` wrote.
    fn reaches_the_end(&mut self, index: usize, start: usize, spans: &mut Vec<Span>) -> bool {
        let kept = spans.len();
        let Some((run, position)) = self.follow_shown(index, start, spans) else {
            return true;
        };
        let hidden = self.raw[run..]
            .iter()
            .take_while(|token| shows_nothing(token))
            .count();
        let known = self.failed.contains(&(run, position));
        if hidden > 0 && !known && self.failed.len() < MOST_DEAD_ENDS {
            let ends: Vec<usize> = self.ends_of_hidden(position, hidden).collect();
            for end in ends {
                let tried = spans.len();
                let last = run + hidden - 1;
                spans.extend((run..last).map(|index| nowhere(index, position)));
                spans.push(Span {
                    index: last,
                    start: position,
                    end,
                });
                if self.reaches_the_end(run + hidden, end, spans) {
                    return true;
                }
                spans.truncate(tried);
            }
        }
        self.failed.insert((run, position));
        spans.truncate(kept);
        false
    }

    /// Follows the tokens that show what stands in the text; returns the first
    /// that does not with where it would stand, or none at the text's end.
    fn follow_shown(
        &self,
        mut index: usize,
        mut start: usize,
        spans: &mut Vec<Span>,
    ) -> Option<(usize, usize)> {
        while start < self.text.len() {
            let rest = &self.text[start..];
            let Some(token) = self.raw.get(index).filter(|token| !shows_nothing(token)) else {
                return Some((index, start));
            };
            let end = match token.shown.as_slice() {
                shown if rest.starts_with(shown) => start + shown.len(),
                // The text was cut inside this token.
                shown if shown.starts_with(rest) => self.text.len(),
                _ => return Some((index, start)),
            };
            spans.push(Span { index, start, end });
            (index, start) = (index + 1, end);
        }
        None
    }

    /// Where `hidden` tokens in a row may have ended that began at `start`: of
    /// long characters at least two tokens wrote each, but that the first may
    /// be lost; none where the next token shows what they wrote.
    fn ends_of_hidden(&self, start: usize, hidden: usize) -> impl Iterator<Item = usize> {
        let text = self.text;
        let long = text[start..]
            .iter()
            .take_while(|byte| !byte.is_ascii())
            .count();
        (start + 1..=start + long)
            .filter(move |&end| is_boundary(text, end))
            .take((hidden / 2).max(1))
            .chain([start])
    }
}

fn shows_nothing(token: &RawToken) -> bool {
    token.shown.is_empty()
}
