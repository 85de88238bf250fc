//! Server-sent events, read from bytes as they come.

/// Most bytes one event may have: a step of 1024 tokens with 20 alternatives
/// stays far below it even in one event.
const MOST: usize = 16 << 20;

/// One event that carries data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Field name the data came under: `data`, or `error` (older llama.cpp).
    pub error: bool,
    /// The data lines, joined by newlines.
    pub data: String,
}

/// An event grew beyond all measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Splits a byte stream into events. Bytes may arrive cut anywhere, also
/// inside a character or between CR and LF.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_cr: bool,
}

impl Parser {
    /// Takes the next bytes and gives the events they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.event.data.len() > MOST {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// What is left at the end of the stream: an event whose closing blank
    /// line never came.
    pub fn finish(mut self) -> Option<Event> {
        let ended = self.end_line();
        ended.or_else(|| self.has_data.then_some(self.event))
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        // A comment (`: ping`) has an empty field name.
        let (field, value) = line.split_once(':').unwrap_or((line.as_ref(), ""));
        if matches!(field, "data" | "error") {
            if self.has_data {
                self.event.data.push('\n');
            }
            self.event
                .data
                .push_str(value.strip_prefix(' ').unwrap_or(value));
            self.event.error |= field == "error";
            self.has_data = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(bytes: &[u8]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut events = parser.push(bytes).unwrap();
        events.extend(parser.finish());
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn comments_other_fields_and_every_line_end_are_understood() {
        let stream =
            ": ping\n\ndata: a\n\nevent: x\r\ndata:b\r\ndata:  c\r\n\r\nid: 1\n\ndata\r\rdata: d";
        assert_eq!(data(stream.as_bytes()), ["a", "b\n c", "", "d"]);
    }

    #[test]
    fn an_error_field_is_told_apart() {
        let events = Parser::default()
            .push(b"error: {\"code\":500}\n\n")
            .unwrap();
        assert!(events[0].error);
        assert_eq!(events[0].data, "{\"code\":500}");
    }

    proptest! {
        #[test]
        fn cutting_the_bytes_anywhere_changes_nothing(
            lines in prop::collection::vec("[^\r\n]{0,12}", 1..6),
            crlf in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let stream: String = lines.iter().map(|line| format!("data: {line}{end}{end}")).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                events.extend(parser.push(&bytes[from..cut]).unwrap());
                from = cut;
            }
            let texts: Vec<String> = events.into_iter().map(|event| event.data).collect();
            prop_assert_eq!(texts, lines);
        }
    }
}
