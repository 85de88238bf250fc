//! Lines of a file that may be damaged, huge or not text at all: never more
//! than a given number of bytes of one line is held.

use std::io::{self, BufRead};

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// At a line feed.
    Newline,
    /// At the end of the file: the last line, perhaps cut off.
    EndOfFile,
    /// Longer than the limit; its bytes were skipped.
    TooLong,
}

/// Where a line lies and how it ended; its bytes are in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// 1-based.
    pub number: u64,
    /// Byte offset of its first byte in the file.
    pub offset: u64,
    /// Bytes up to the next line, line feed included.
    pub length: u64,
    pub end: LineEnd,
}

/// Reads one line at a time into a buffer of bounded size.
#[derive(Debug)]
pub struct LineReader<R> {
    source: R,
    limit: usize,
    offset: u64,
    number: u64,
}

impl<R: BufRead> LineReader<R> {
    /// `limit` is the most bytes of one line, line feed excluded.
    pub fn new(source: R, limit: usize) -> Self {
        Self::starting_at(source, limit, 0, 1)
    }

    /// For a source that was moved to `offset`, where line `number` begins.
    pub fn starting_at(source: R, limit: usize, offset: u64, number: u64) -> Self {
        Self {
            source,
            limit,
            offset,
            number: number.saturating_sub(1),
        }
    }

    /// Reads the next line into `bytes` without its line ending (LF or CRLF).
    /// `None` at the end of the file.
    ///
    /// # Errors
    /// Those of the source.
    pub fn next_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<Line>> {
        bytes.clear();
        let offset = self.offset;
        let mut too_long = false;
        let mut ended = false;
        while !ended {
            let piece = match self.source.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                break;
            }
            let newline = piece.iter().position(|&byte| byte == b'\n');
            ended = newline.is_some();
            let content = &piece[..newline.unwrap_or(piece.len())];
            if !too_long && bytes.len() + content.len() > self.limit {
                too_long = true;
                // Give the memory back: the next line is rarely as long.
                *bytes = Vec::new();
            }
            if !too_long {
                bytes.extend_from_slice(content);
            }
            let used = content.len() + usize::from(ended);
            self.source.consume(used);
            self.offset += used as u64;
        }
        let length = self.offset - offset;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let end = match (too_long, ended) {
            (true, _) => LineEnd::TooLong,
            (false, true) => LineEnd::Newline,
            (false, false) => LineEnd::EndOfFile,
        };
        Ok(Some(Line {
            number: self.number,
            offset,
            length,
            end,
        }))
    }
}

/// `bytes` without a UTF-8 byte order mark and blanks around it.
pub fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Vec<(u64, u64, u64, LineEnd, Vec<u8>)> {
        // A tiny buffer, so that lines span several fills.
        let source = io::BufReader::with_capacity(3, text);
        let mut reader = LineReader::new(source, limit);
        let mut bytes = Vec::new();
        let mut found = Vec::new();
        while let Some(line) = reader.next_line(&mut bytes).unwrap() {
            found.push((
                line.number,
                line.offset,
                line.length,
                line.end,
                bytes.clone(),
            ));
        }
        found
    }

    #[test]
    fn lines_keep_their_place() {
        assert_eq!(
            lines(b"ab\r\n\ncdefg\nh", 100),
            [
                (1, 0, 4, LineEnd::Newline, b"ab".to_vec()),
                (2, 4, 1, LineEnd::Newline, Vec::new()),
                (3, 5, 6, LineEnd::Newline, b"cdefg".to_vec()),
                (4, 11, 1, LineEnd::EndOfFile, b"h".to_vec()),
            ]
        );
        assert!(lines(b"", 1).is_empty());
    }

    #[test]
    fn a_long_line_is_skipped_and_the_next_one_read() {
        let found = lines(b"abcdefgh\nok\nijklmnop", 4);
        assert_eq!(found[0].3, LineEnd::TooLong);
        assert!(found[0].4.is_empty());
        assert_eq!(found[1].4, b"ok");
        assert_eq!(found[1].1, 9);
        assert_eq!(found[2].3, LineEnd::TooLong);
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(lines(b"abcd\n", 4)[0].4, b"abcd");
    }

    #[test]
    fn a_byte_order_mark_and_blanks_are_trimmed() {
        assert_eq!(trimmed(b"\xEF\xBB\xBF {} \t"), b"{}");
    }
}
