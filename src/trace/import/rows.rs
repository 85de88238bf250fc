//! Rows of JSON: one a line, elements of an array, or objects one after the
//! other over several lines, whichever the beginning of the file says.

use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use crate::problem::lines::{LineEnd, LineReader, trimmed};

use super::error::{ImportError, open};
use super::limits;

/// Bytes looked at to tell how rows are written.
const LOOKED_AT: usize = 1 << 20;

/// A row, or why it is none.
pub(super) struct Found<'a> {
    /// 1-based line on which it begins.
    pub line: u64,
    pub row: Result<&'a [u8], String>,
}

/// Hands over every row of a file, until it is told to stop.
///
/// # Errors
/// The file cannot be opened or read.
pub(super) fn each(
    path: &Path,
    take: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let source = BufReader::with_capacity(LOOKED_AT, open(path)?);
    each_of(source, limits::ROW, take).map_err(|source| ImportError::io(path, source))
}

fn each_of(
    mut source: impl BufRead,
    limit: usize,
    take: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    if is_lines(source.fill_buf()?) {
        lines(source, limit, take)
    } else {
        objects(source, limit, take)
    }
}

/// Whether the first line is a whole object; where it does not end in what was
/// looked at, it is one long row.
fn is_lines(begin: &[u8]) -> bool {
    let content = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin);
    let content = content.trim_ascii_start();
    if content.first() != Some(&b'{') {
        // Not an array: whatever it is, it is told line by line.
        return content.first() != Some(&b'[');
    }
    let mut scan = Scan::default();
    for (at, &byte) in content.iter().enumerate() {
        if byte == b'\n' {
            // Where the first line is damaged the second tells: within an
            // object none begins on a line of its own.
            return scan.depth == 0 || content.get(at + 1) == Some(&b'{');
        }
        scan.byte(byte);
    }
    true
}

fn lines(
    source: impl BufRead,
    limit: usize,
    take: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut lines = LineReader::new(source, limit);
    let mut bytes = Vec::new();
    while let Some(line) = lines.next_line(&mut bytes)? {
        let content = trimmed(&bytes);
        let row = match line.end {
            LineEnd::TooLong => Err(too_long(limit)),
            _ if content.is_empty() => continue,
            LineEnd::Newline | LineEnd::EndOfFile => Ok(content),
        };
        let found = Found {
            line: line.number,
            row,
        };
        if take(found).is_break() {
            break;
        }
    }
    Ok(())
}

fn too_long(limit: usize) -> String {
    format!("longer than {} MiB", limit >> 20)
}

/// Where in JSON a byte stands.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    fn byte(&mut self, byte: u8) {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Objects wherever they begin; what stands between them may be blanks, commas
/// and the brackets of one array.
fn objects(
    mut source: impl BufRead,
    limit: usize,
    take: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut line = 1;
    loop {
        match skip(&mut source, &mut line)? {
            None => return Ok(()),
            Some(b'{') => {}
            Some(byte) => {
                let what = format!("`{}` in place of an object", byte.escape_ascii());
                let row = Err(what);
                // Nobody knows where the next one begins.
                let _ = take(Found { line, row });
                return Ok(());
            }
        }
        let begins = line;
        let mut bytes = Vec::new();
        let whole = object(&mut source, limit, &mut bytes, &mut line)?;
        let row = match whole {
            Whole::Yes => Ok(bytes.as_slice()),
            Whole::TooLong => Err(too_long(limit)),
            Whole::CutOff => Err("the file ends within it".to_owned()),
        };
        if take(Found { line: begins, row }).is_break() {
            return Ok(());
        }
    }
}

enum Whole {
    Yes,
    TooLong,
    CutOff,
}

/// Reads up to the next byte that begins something, which it leaves there.
fn skip(source: &mut impl BufRead, line: &mut u64) -> io::Result<Option<u8>> {
    loop {
        let piece = match source.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok(None);
        }
        let between = |byte: &u8| byte.is_ascii_whitespace() || b",[]\xEF\xBB\xBF".contains(byte);
        let skipped = piece
            .iter()
            .position(|byte| !between(byte))
            .unwrap_or(piece.len());
        *line += newlines(&piece[..skipped]);
        let next = piece.get(skipped).copied();
        source.consume(skipped);
        if next.is_some() {
            return Ok(next);
        }
    }
}

/// Reads an object to its closing bracket; one that is too long is skipped.
fn object(
    source: &mut impl BufRead,
    limit: usize,
    bytes: &mut Vec<u8>,
    line: &mut u64,
) -> io::Result<Whole> {
    let mut scan = Scan::default();
    let mut too_long = false;
    loop {
        let piece = match source.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok(Whole::CutOff);
        }
        let end = piece.iter().position(|&byte| {
            scan.byte(byte);
            scan.depth == 0
        });
        let taken = end.map_or(piece.len(), |end| end + 1);
        if !too_long && bytes.len() + taken > limit {
            too_long = true;
            *bytes = Vec::new();
        }
        if !too_long {
            bytes.extend_from_slice(&piece[..taken]);
        }
        *line += newlines(&piece[..taken]);
        source.consume(taken);
        if end.is_some() {
            return Ok(match too_long {
                true => Whole::TooLong,
                false => Whole::Yes,
            });
        }
    }
}

fn newlines(piece: &[u8]) -> u64 {
    piece.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, limit: usize) -> Vec<(u64, Result<String, String>)> {
        let mut found = Vec::new();
        // A small buffer, so that rows span several fills; the first of them
        // holds what is looked at.
        let source = BufReader::with_capacity(24, text.as_bytes());
        each_of(source, limit, &mut |row| {
            let text = row.row.map(|row| String::from_utf8_lossy(row).into_owned());
            found.push((row.line, text));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_arrays_and_objects_over_several_lines_are_rows() {
        let ok = |line, text: &str| (line, Ok(text.to_owned()));
        assert_eq!(
            rows("{\"a\":1}\n\nno\n{\"b\":2}", 100),
            [ok(1, "{\"a\":1}"), ok(3, "no"), ok(4, "{\"b\":2}")]
        );
        // A first line that is damaged is one line still.
        let found = rows("{\"a\": \"\n{\"b\":2}\n", 100);
        assert_eq!((found.len(), &found[1]), (2, &ok(2, "{\"b\":2}")));
        assert_eq!(
            rows("\u{feff}[\n{\"a\": \"}\\\"\"},\n {\"b\":\n2}]\n", 100),
            [ok(2, "{\"a\": \"}\\\"\"}"), ok(3, "{\"b\":\n2}")]
        );
        assert_eq!(
            rows("{\n\"a\":1}\n{\n\"b\":[2]\n}\n", 100),
            [ok(1, "{\n\"a\":1}"), ok(3, "{\n\"b\":[2]\n}")]
        );
    }

    #[test]
    fn what_is_too_long_cut_off_or_no_row_is_told_by_its_line() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(200));
        let found = rows(&format!("{long}\n{{}}\n"), 100);
        assert!(found[0].1.as_ref().unwrap_err().contains("longer"));
        assert_eq!(found[1], (2, Ok("{}".to_owned())));
        let found = rows(&format!("[{long},\n{{}}, {{\"a\":"), 100);
        assert!(found[0].1.as_ref().unwrap_err().contains("longer"));
        assert_eq!(found[1], (2, Ok("{}".to_owned())));
        assert!(found[2].1.as_ref().unwrap_err().contains("ends within"));
        let found = rows("[{}, 1, {}]", 100);
        assert_eq!(found.len(), 2);
        assert!(found[1].1.as_ref().unwrap_err().contains("`1`"));
        assert!(rows("", 10).is_empty());
    }

    #[test]
    fn reading_stops_when_it_is_told_to() {
        let mut count = 0;
        each_of("{}\n{}\n{}\n".as_bytes(), 10, &mut |_| {
            count += 1;
            match count {
                2 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .unwrap();
        assert_eq!(count, 2);
    }
}
