//! Word wrapping of styled text that knows where each piece came from.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::width;

/// A piece of styled text with the bytes of the source that it shows.
///
/// A piece is *exact* when `text` is those bytes themselves; then parts of it
/// map to parts of the source. Otherwise (`½` for `\frac12`) the whole piece
/// stands for the whole range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub style: Style,
    pub source: Range<usize>,
}

impl Piece {
    /// A piece.
    #[must_use]
    pub fn new(text: impl Into<String>, style: Style, source: Range<usize>) -> Self {
        Self {
            text: text.into(),
            style,
            source,
        }
    }

    /// Whether the piece has the length of its source, so that offsets into
    /// it are offsets into the source.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.text.len() == self.source.len()
    }

    /// Bytes `range` of the piece as a piece of their own.
    fn part(&self, range: Range<usize>) -> Self {
        let source = if self.is_exact() {
            self.source.start + range.start..self.source.start + range.end
        } else {
            self.source.clone()
        };
        let text = self.text.get(range).unwrap_or_default();
        Self {
            text: text.to_owned(),
            style: self.style,
            source,
        }
    }
}

/// One line on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrappedLine {
    pub pieces: Vec<Piece>,
}

impl WrappedLine {
    /// The bytes of the source that the line shows; `None` for an empty line.
    #[must_use]
    pub fn source(&self) -> Option<Range<usize>> {
        let start = self.pieces.iter().map(|piece| piece.source.start).min()?;
        let end = self.pieces.iter().map(|piece| piece.source.end).max()?;
        Some(start..end)
    }

    /// Columns of the line.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|piece| width::of(&piece.text)).sum()
    }

    /// The text without styles.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }

    /// The line for ratatui. `shade` gives the style laid over the bytes of
    /// the source at and after an offset, and where that style ends: pieces
    /// are cut there, so that shading follows tokens and not words.
    #[must_use]
    pub fn to_line(&self, mut shade: impl FnMut(usize) -> (Style, usize)) -> Line<'static> {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for piece in &self.pieces {
            shade_piece(piece, &mut shade, |text, style| match spans.last_mut() {
                Some(last) if last.style == style => last.content.to_mut().push_str(text),
                _ => spans.push(Span::styled(text.to_owned(), style)),
            });
        }
        Line::from(spans)
    }
}

fn shade_piece(
    piece: &Piece,
    shade: &mut impl FnMut(usize) -> (Style, usize),
    mut emit: impl FnMut(&str, Style),
) {
    if !piece.is_exact() {
        let (over, _) = shade(piece.source.start);
        return emit(&piece.text, piece.style.patch(over));
    }
    let mut at = 0;
    while at < piece.text.len() {
        let (over, end) = shade(piece.source.start + at);
        let mut stop = end
            .saturating_sub(piece.source.start)
            .clamp(at + 1, piece.text.len());
        // A token may end inside a character (byte-level vocabularies).
        while !piece.text.is_char_boundary(stop) {
            stop += 1;
        }
        emit(
            piece.text.get(at..stop).unwrap_or_default(),
            piece.style.patch(over),
        );
        at = stop;
    }
}

/// Wraps `pieces` to `columns` (at least 1). Newlines in the pieces end
/// lines; lines break after spaces, words longer than a line at graphemes.
/// No text is lost except the newlines; spaces that would stand beyond the
/// right edge stay at the end of their line and count as no width.
/// `indent` columns are left free on lines that continue one; the caller
/// draws them.
#[must_use]
pub fn wrap(pieces: &[Piece], columns: usize, indent: usize) -> Vec<WrappedLine> {
    let columns = columns.max(1);
    let indent = if indent < columns { indent } else { 0 };
    let mut wrapper = Wrapper {
        columns,
        indent,
        lines: Vec::new(),
        line: Vec::new(),
        used: 0,
        word: Vec::new(),
        word_width: 0,
    };
    for piece in pieces {
        wrapper.take(piece);
    }
    wrapper.end_word();
    wrapper.end_line();
    wrapper.lines
}

struct Wrapper {
    columns: usize,
    indent: usize,
    lines: Vec<WrappedLine>,
    line: Vec<Piece>,
    /// Columns used on the current line, its indent included.
    used: usize,
    /// The word that is growing; it may span pieces.
    word: Vec<Piece>,
    word_width: usize,
}

impl Wrapper {
    fn take(&mut self, piece: &Piece) {
        for (at, word) in piece.text.split_word_bound_indices() {
            let part = piece.part(at..at + word.len());
            if word.contains('\n') {
                self.end_word();
                // A bound holds one newline, but `\r\n` or runs are harmless.
                for _ in word.matches('\n') {
                    self.end_line();
                    self.used = 0;
                }
            } else if word.chars().all(|c| c == ' ') {
                self.end_word();
                self.space(part);
            } else {
                self.word_width += width::of(word);
                self.word.push(part);
            }
        }
    }

    /// Spaces never move to the next line.
    fn space(&mut self, part: Piece) {
        self.used += part.text.len();
        self.line.push(part);
    }

    /// Puts the word on this line, on the next, or in parts over several.
    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let begun = !self.line.is_empty();
        if begun && self.used + self.word_width > self.columns {
            self.break_line();
        }
        let word = std::mem::take(&mut self.word);
        let fits = self.used + self.word_width <= self.columns;
        self.word_width = 0;
        for piece in word {
            if fits {
                self.used += width::of(&piece.text);
                self.line.push(piece);
            } else {
                self.break_piece(&piece);
            }
        }
    }

    fn break_piece(&mut self, piece: &Piece) {
        let mut from = 0;
        for (at, grapheme) in piece.text.grapheme_indices(true) {
            let wide = width::of_grapheme(grapheme);
            if self.used + wide > self.columns
                && self.used > 0
                && !(self.line.is_empty() && from == at)
            {
                if from < at {
                    self.line.push(piece.part(from..at));
                }
                self.break_line();
                from = at;
            }
            self.used += wide;
        }
        if from < piece.text.len() {
            self.line.push(piece.part(from..piece.text.len()));
        }
    }

    /// Goes to a line that continues this one.
    fn break_line(&mut self) {
        self.end_line();
        self.used = self.indent;
    }

    fn end_line(&mut self) {
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in self.line.drain(..) {
            match pieces.last_mut() {
                // Joined again where it was only cut into words.
                Some(last)
                    if last.style == piece.style
                        && last.is_exact()
                        && piece.is_exact()
                        && last.source.end == piece.source.start =>
                {
                    last.text.push_str(&piece.text);
                    last.source.end = piece.source.end;
                }
                _ => pieces.push(piece),
            }
        }
        self.lines.push(WrappedLine { pieces });
    }
}
