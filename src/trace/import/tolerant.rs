//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand where a
//! number should, and are read as `null`. What nests deeper than is sensible
//! is refused before a parser goes down.

use std::io::{self, Read};

use serde::de::DeserializeOwned;

/// Deepest nesting that is read; the parser itself stops at 128.
pub(super) const DEEPEST: usize = 120;

/// Most characters that are told of what is wrong with a row.
const LONGEST: usize = 200;

/// Bytes read at once.
const PIECE: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Text,
    Escape,
    /// A `-` whose number has not begun yet.
    Minus,
    /// Within a word with a capital, so many letters in.
    Word(&'static str, usize),
}

/// Passes JSON on, with `null` for what is no JSON number.
pub(super) struct Tolerant<R> {
    source: R,
    piece: Vec<u8>,
    out: Vec<u8>,
    /// What of `out` was read already.
    given: usize,
    state: State,
    depth: usize,
    ended: bool,
}

impl<R: Read> Tolerant<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            piece: vec![0; PIECE],
            out: Vec::with_capacity(PIECE),
            given: 0,
            state: State::Plain,
            depth: 0,
            ended: false,
        }
    }

    /// Reads the next piece; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.out.clear();
        self.given = 0;
        while self.out.is_empty() && !self.ended {
            let read = match self.source.read(&mut self.piece) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.ended = read == 0;
            let piece = std::mem::take(&mut self.piece);
            let passed = self.pass(&piece[..read]);
            self.piece = piece;
            passed?;
            if self.ended {
                self.finish();
            }
        }
        Ok(!self.out.is_empty())
    }

    /// What was held back when the text ended.
    fn finish(&mut self) {
        match self.state {
            State::Minus => self.out.push(b'-'),
            State::Word(word, letters) => self.out.extend(&word.as_bytes()[..letters]),
            State::Plain | State::Text | State::Escape => {}
        }
    }

    fn pass(&mut self, mut piece: &[u8]) -> io::Result<()> {
        while let Some(&byte) = piece.first() {
            if self.state == State::Text {
                let special = |byte: &u8| matches!(byte, b'"' | b'\\');
                let plain = piece.iter().position(special).unwrap_or(piece.len());
                self.out.extend_from_slice(&piece[..plain]);
                piece = &piece[plain..];
                let Some(&byte) = piece.first() else {
                    return Ok(());
                };
                self.out.push(byte);
                self.state = match byte {
                    b'"' => State::Plain,
                    _ => State::Escape,
                };
            } else {
                self.byte(byte)?;
            }
            piece = &piece[1..];
        }
        Ok(())
    }

    /// One byte outside of texts.
    fn byte(&mut self, byte: u8) -> io::Result<()> {
        match self.state {
            State::Escape => {
                self.out.push(byte);
                self.state = State::Text;
            }
            State::Word(word, letters) => {
                if word.as_bytes().get(letters) != Some(&byte) {
                    return Err(invalid(format!("`{}…` is no JSON", &word[..letters])));
                }
                self.state = State::Word(word, letters + 1);
                if letters + 1 == word.len() {
                    self.out.extend_from_slice(b"null");
                    self.state = State::Plain;
                }
            }
            State::Minus if byte == b'I' => self.state = State::Word("Infinity", 1),
            State::Minus => {
                self.out.push(b'-');
                self.state = State::Plain;
                return self.byte(byte);
            }
            State::Plain | State::Text => self.plain(byte)?,
        }
        Ok(())
    }

    fn plain(&mut self, byte: u8) -> io::Result<()> {
        match byte {
            b'-' => self.state = State::Minus,
            b'N' => self.state = State::Word("NaN", 1),
            b'I' => self.state = State::Word("Infinity", 1),
            _ => {
                match byte {
                    b'"' => self.state = State::Text,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.depth > DEEPEST {
                    return Err(invalid(format!("nested deeper than {DEEPEST} levels")));
                }
                self.out.push(byte);
            }
        }
        Ok(())
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Read for Tolerant<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() && !self.fill()? {
            return Ok(0);
        }
        let left = &self.out[self.given..];
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

/// Reads one value and nothing after it.
///
/// # Errors
/// In words, without the name of the source.
pub(super) fn from_reader<T: DeserializeOwned>(source: impl Read) -> Result<T, String> {
    let source = io::BufReader::with_capacity(PIECE, Tolerant::new(source));
    let mut parser = serde_json::Deserializer::from_reader(source);
    let value = T::deserialize(&mut parser).map_err(|error| said(&error))?;
    parser.end().map_err(|error| said(&error))?;
    Ok(value)
}

/// As [`from_reader`], from memory.
///
/// # Errors
/// In words.
pub(super) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut json = Vec::with_capacity(bytes.len());
    Tolerant::new(bytes)
        .read_to_end(&mut json)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| said(&error))
}

/// What is wrong, without the line: rows are told by theirs. The parser quotes
/// whole texts; of them the beginning says enough.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(what, _)| what);
    match what.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &what[..end]),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let whole: Result<Value, String> = from_slice(text.as_bytes());
        // In pieces of one byte it is the same.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(into.len()).min(1);
                into[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let slow: Result<Value, String> = from_reader(Slow(text.as_bytes()));
        assert_eq!(whole.is_ok(), slow.is_ok(), "{text}");
        if let (Ok(whole), Ok(slow)) = (&whole, &slow) {
            assert_eq!(whole, slow, "{text}");
        }
        whole
    }

    #[test]
    fn what_python_calls_numbers_is_null_and_texts_are_left_alone() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity, -1.5], "c": "NaN -Infinity \" N"}"#;
        let expected = json!({
            "a": null, "b": [null, null, -1.5], "c": "NaN -Infinity \" N"
        });
        assert_eq!(read(text).unwrap(), expected);
        // Beyond what fits 64 bits it is a number still.
        assert_eq!(
            read("[18446744073709551616]").unwrap()[0].as_f64(),
            Some(18_446_744_073_709_551_616.0)
        );
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [
            "Nan",
            "[Inf]",
            "-",
            "N",
            "[-Infinit]",
            "{\"a\": -}",
            "[1] 2",
            "nul",
        ] {
            read(text).unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_a_line_however_long_the_text() {
        let long = format!("\"{}\"", "é".repeat(10_000));
        let why = from_slice::<Vec<u8>>(long.as_bytes()).unwrap_err();
        assert!(
            why.starts_with("invalid type") && why.ends_with('…'),
            "{why}"
        );
        assert_eq!(why.chars().count(), LONGEST + 1);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "[".repeat(1_000_000);
        assert!(read(&deep).unwrap_err().contains("nested deeper"));
        let fine = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        read(&fine).unwrap();
        // Brackets within a text nest nothing.
        read(&format!("\"{}\"", "[".repeat(1000))).unwrap();
    }

    proptest! {
        #[test]
        fn json_passes_unchanged(text in "(?s).{0,40}", number in any::<f64>()) {
            let number = if number.is_finite() { number } else { 0.5 };
            let value = json!({"text": text, "number": number, "list": [null, true, -3]});
            prop_assert_eq!(read(&value.to_string()).unwrap(), value);
        }
    }
}
