//! One line of text being typed.

use unicode_segmentation::UnicodeSegmentation as _;

/// A line with a cursor; positions are grapheme borders, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineEdit {
    text: String,
    cursor: usize,
    /// Whether what stands there is only offered.
    offered: bool,
}

impl LineEdit {
    /// A line holding `text` with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            cursor: text.len(),
            text,
            offered: false,
        }
    }

    /// A line that offers `text`: what is typed takes its place, unless the
    /// cursor was moved or something deleted first.
    pub fn offering(text: impl Into<String>) -> Self {
        Self {
            offered: true,
            ..Self::new(text)
        }
    }

    /// Whether what stands there goes when something is typed.
    pub fn is_offer(&self) -> bool {
        self.offered
    }

    /// Keeps what was offered.
    pub fn keep(&mut self) {
        self.offered = false;
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub fn before(&self) -> &str {
        self.text.split_at(self.cursor).0
    }

    /// What stands under and after the cursor.
    pub fn after(&self) -> &str {
        self.text.split_at(self.cursor).1
    }

    /// Inserts text; line breaks and other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        if std::mem::take(&mut self.offered) {
            self.delete_line();
        }
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    pub fn left(&mut self) {
        self.cursor -= self
            .before()
            .graphemes(true)
            .next_back()
            .map_or(0, str::len);
    }

    pub fn right(&mut self) {
        self.cursor += self.after().graphemes(true).next().map_or(0, str::len);
    }

    pub fn home(&mut self) {
        self.cursor = 0;
    }

    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub fn delete_backward(&mut self) {
        let end = self.cursor;
        self.left();
        self.text.drain(self.cursor..end);
    }

    pub fn delete_forward(&mut self) {
        let length = self.after().graphemes(true).next().map_or(0, str::len);
        self.text.drain(self.cursor..self.cursor + length);
    }

    pub fn delete_word(&mut self) {
        let before = self.before().trim_end();
        let start = before.rfind(char::is_whitespace).map_or(0, |at| {
            at + before
                .split_at(at)
                .1
                .chars()
                .next()
                .map_or(1, char::len_utf8)
        });
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    pub fn delete_line(&mut self) {
        self.text.drain(..self.cursor);
        self.cursor = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphemes_are_moved_over_and_deleted_whole() {
        let mut line = LineEdit::new("a👩‍👩‍👧é");
        line.left();
        line.delete_backward();
        assert_eq!(line.text(), "aé");
        line.home();
        line.delete_forward();
        assert_eq!(line.text(), "é");
        line.end();
        line.insert("x\ny");
        assert_eq!(line.text(), "éxy");
    }

    #[test]
    fn a_word_and_a_line_are_deleted_up_to_the_cursor() {
        let mut line = LineEdit::new("confidence < 0.5  ");
        line.delete_word();
        assert_eq!(line.text(), "confidence < ");
        line.left();
        line.delete_line();
        assert_eq!((line.text(), line.before()), (" ", ""));
    }
}
