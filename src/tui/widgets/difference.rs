//! Two texts with what differs marked word by word.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use ratatui::style::Style;

use crate::eval::compare::{Difference, Sameness};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::wrap::WrappedLine;
use crate::tui::theme::Theme;

use super::transcript::wrap_text;

/// Pairs of texts kept wrapped.
const CACHED: usize = 256;

/// Wrapped pairs by what they are, so that a frame wraps and compares only what
/// is new.
#[derive(Default)]
pub struct Cache {
    pairs: HashMap<Key, Rc<Texts>>,
}

/// What a wrapped pair goes by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Of the comparison.
    pub serial: u64,
    /// Row of the alignment.
    pub row: usize,
    pub columns: u16,
    pub source: bool,
    pub theme: String,
}

/// Two texts in lines.
#[derive(Debug, Default)]
pub struct Texts {
    pub sides: [Text; 2],
    /// Whether they were too long to be compared word by word.
    pub by_line: bool,
}

/// A text in lines, and where it differs.
#[derive(Debug, Default)]
pub struct Text {
    pub lines: Vec<WrappedLine>,
    /// In order, by the bytes of the text made safe.
    marks: Vec<(Range<usize>, &'static str)>,
}

impl Cache {
    /// The texts of a row; compared only if `compared`.
    pub fn texts(
        &mut self,
        key: Key,
        texts: [Option<&str>; 2],
        compared: bool,
        theme: &Theme,
    ) -> Rc<Texts> {
        if let Some(known) = self.pairs.get(&key) {
            return Rc::clone(known);
        }
        if self.pairs.len() >= CACHED {
            self.pairs.clear();
        }
        let made = Rc::new(make(&key, texts, compared, theme));
        self.pairs.insert(key, Rc::clone(&made));
        made
    }
}

fn make(key: &Key, texts: [Option<&str>; 2], compared: bool, theme: &Theme) -> Texts {
    let clean = texts.map(|text| sanitize(text.unwrap_or_default()));
    let difference = match compared {
        true => Difference::of(&clean[0], &clean[1]),
        false => Difference::default(),
    };
    let side = |at: usize, removed: &'static str| Text {
        lines: match texts[at] {
            Some(_) => wrap_text(&clean[at], key.columns, key.source, theme),
            None => Vec::new(),
        },
        marks: marks(&difference, at, removed),
    };
    Texts {
        sides: [side(0, "diff.removed"), side(1, "diff.added")],
        by_line: difference.by_line,
    }
}

/// What of a side differs, with the role that says how.
fn marks(
    difference: &Difference,
    side: usize,
    changed: &'static str,
) -> Vec<(Range<usize>, &'static str)> {
    let of_it = difference.ops.iter().filter_map(|op| {
        let role = match op.sameness {
            Sameness::Same => return None,
            Sameness::Respelled => "diff.respelled",
            Sameness::Changed => changed,
        };
        let range = match side {
            0 => op.left.clone(),
            _ => op.right.clone(),
        };
        (!range.is_empty()).then_some((range, role))
    });
    of_it.collect()
}

impl Text {
    /// The style laid over the byte at `at`, and where it ends.
    pub fn shade(&self, at: usize, theme: &Theme) -> (Style, usize) {
        let place = self.marks.partition_point(|(range, _)| range.end <= at);
        match self.marks.get(place) {
            Some((range, role)) if range.start <= at => (theme.style(role), range.end),
            Some((range, _)) => (Style::default(), range.start),
            None => (Style::default(), usize::MAX),
        }
    }
}
