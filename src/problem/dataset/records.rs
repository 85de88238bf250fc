//! Splits a file into its records: JSON lines, or the elements of one array,
//! whichever the first character says. At most one record's text is held, so
//! that a file of one endless line costs no memory.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value};

use crate::problem::lines::{LineEnd, LineReader, trimmed};

use super::error::{DatasetError, Fault};

/// Most bytes of one record.
pub(super) const RECORD_LIMIT: usize = 16 << 20;
/// Bytes looked at to tell text from binary.
const SNIFFED: usize = 8 << 10;

/// One record as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raw {
    /// 1-based line on which it begins.
    pub line: u64,
    /// What stands for it in an id: the line in JSON lines, the place in an
    /// array (1-based).
    pub number: u64,
    pub fields: Map<String, Value>,
}

/// Reads every record of `source`.
pub(super) fn split(source: impl Read) -> Result<Vec<Raw>, DatasetError> {
    let mut source = BufReader::with_capacity(SNIFFED.max(1 << 16), source);
    let failed = |source| DatasetError::new("", None, Fault::Io(source));
    let head = source.fill_buf().map_err(failed)?;
    if let Some(kind) = binary(&head[..head.len().min(SNIFFED)]) {
        return Err(DatasetError::new("", None, Fault::Binary(kind)));
    }
    let bom = head.starts_with(b"\xEF\xBB\xBF");
    if bom {
        source.consume(3);
    }
    let is_array = source
        .fill_buf()
        .map_err(failed)?
        .trim_ascii_start()
        .first()
        == Some(&b'[');
    if is_array {
        Elements::new(source).collect()
    } else {
        lines(source)
    }
}

/// What binary format `head` looks like, if any.
fn binary(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 6] = [
        (b"\x1f\x8b", "gzip: unpack it first"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"PAR1", "Parquet: convert it to JSON lines first"),
        (b"\x28\xb5\x2f\xfd", "zstd: unpack it first"),
        (b"\xff\xfe", "UTF-16: save it as UTF-8"),
        (b"\xfe\xff", "UTF-16: save it as UTF-8"),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|&(_, kind)| kind)
        .or_else(|| head.contains(&0).then_some("it holds zero bytes"))
}

fn lines(source: impl BufRead) -> Result<Vec<Raw>, DatasetError> {
    let mut lines = LineReader::new(source, RECORD_LIMIT);
    let mut bytes = Vec::new();
    let mut raws = Vec::new();
    while let Some(line) = lines
        .next_line(&mut bytes)
        .map_err(|source| DatasetError::new("", None, Fault::Io(source)))?
    {
        if line.end == LineEnd::TooLong {
            return Err(DatasetError::at(line.number, Fault::TooLong));
        }
        let content = trimmed(&bytes);
        if !content.is_empty() {
            let last = line.end == LineEnd::EndOfFile;
            let fields = object(content, last, 0)
                .map_err(|(_, fault)| DatasetError::at(line.number, fault))?;
            raws.push(Raw {
                line: line.number,
                number: line.number,
                fields,
            });
        }
    }
    Ok(raws)
}

/// Parses one object. Of an error, also the line within `content`, counted
/// from `first_line`. `last` tells that the file ends here, so that an early
/// end means a file cut off.
fn object(content: &[u8], last: bool, first_line: u64) -> Result<Map<String, Value>, (u64, Fault)> {
    let text = std::str::from_utf8(content)
        .map_err(|error| (first_line, Fault::NotUtf8(error.valid_up_to() + 1)))?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err((first_line, Fault::NotAnObject(kind_of(&other)))),
        Err(error) => {
            let line = first_line + (error.line() as u64).saturating_sub(1);
            if error.is_eof() && last {
                return Err((line, Fault::Truncated));
            }
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or_default();
            let hint = if error.is_eof() {
                "; a record must be on one line, or the file one array"
            } else {
                ""
            };
            let fault = format!("{reason} at column {}{hint}", error.column());
            Err((line, Fault::NotJson(fault)))
        }
    }
}

/// The JSON type of a value, as a message names it.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The elements of a top-level array, one at a time: finds where each ends by
/// its brackets and strings and leaves the parsing to serde_json.
struct Elements<R> {
    source: R,
    /// Line of the next byte, 1-based.
    line: u64,
    /// Elements given out.
    count: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeArray,
    InArray,
    Done,
}

/// How an element's text ended.
enum Found {
    Element,
    ArrayEnd,
    FileEnd,
}

impl<R: BufRead> Elements<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            line: 1,
            count: 0,
            state: State::BeforeArray,
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.source.fill_buf() {
                Ok(piece) => {
                    let Some(&byte) = piece.first() else {
                        return Ok(None);
                    };
                    self.source.consume(1);
                    self.line += u64::from(byte == b'\n');
                    return Ok(Some(byte));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Collects the text of the next element up to its comma or the end of
    /// the array, and the line it begins on.
    fn text(&mut self, text: &mut Vec<u8>) -> Result<(Found, u64), DatasetError> {
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let mut begins = self.line;
        loop {
            let line = self.line;
            let byte = self
                .byte()
                .map_err(|source| DatasetError::new("", Some(line), Fault::Io(source)))?;
            let Some(byte) = byte else {
                return Ok((Found::FileEnd, begins));
            };
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b']' if depth == 0 => return Ok((Found::ArrayEnd, begins)),
                    b',' if depth == 0 => return Ok((Found::Element, begins)),
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if text.is_empty() {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                begins = line;
            }
            if text.len() == RECORD_LIMIT {
                return Err(DatasetError::at(begins, Fault::TooLong));
            }
            text.push(byte);
        }
    }

    fn element(&mut self) -> Result<Option<Raw>, DatasetError> {
        if self.state == State::BeforeArray {
            // `split` saw the bracket behind blanks only.
            while self
                .byte()
                .is_ok_and(|byte| byte.is_some_and(|byte| byte != b'['))
            {}
            self.state = State::InArray;
        }
        let mut text = Vec::new();
        let (found, line) = self.text(&mut text)?;
        let content = text.trim_ascii_end();
        if matches!(found, Found::FileEnd) {
            return Err(DatasetError::at(self.line, Fault::Truncated));
        }
        if matches!(found, Found::ArrayEnd) {
            self.state = State::Done;
            if content.is_empty() && self.count == 0 {
                return Ok(None);
            }
        }
        let fields =
            object(content, false, line).map_err(|(line, fault)| DatasetError::at(line, fault))?;
        self.count += 1;
        Ok(Some(Raw {
            line,
            number: self.count,
            fields,
        }))
    }

    /// Nothing but blanks may follow the array.
    fn end(&mut self) -> Result<(), DatasetError> {
        let failed = |line, source| DatasetError::new("", Some(line), Fault::Io(source));
        loop {
            let line = self.line;
            match self.byte().map_err(|source| failed(line, source))? {
                None => return Ok(()),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(byte) => {
                    let found = format!("`{}`", byte.escape_ascii());
                    return Err(DatasetError::at(line, Fault::AfterArray(found)));
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Elements<R> {
    type Item = Result<Raw, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return self.end().err().map(Err);
        }
        match self.element() {
            Ok(Some(raw)) => Some(Ok(raw)),
            Ok(None) => self.end().err().map(Err),
            Err(error) => {
                self.state = State::Done;
                Some(Err(error))
            }
        }
    }
}
