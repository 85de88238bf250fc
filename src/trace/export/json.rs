//! JSON in which nothing stands that a terminal obeys.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::trace::visible::{escaped_json, without_credentials};

/// A value on one line, without credentials. What is unsafe to show is
/// escaped: whoever reads the document has the text as it was, and whoever
/// prints it is safe.
pub(super) fn write(out: &mut impl Write, mut value: Value) -> io::Result<()> {
    scrub(&mut value);
    let mut serializer = Serializer::with_formatter(out, Guarded);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// The same as bytes.
pub(super) fn bytes(value: Value) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write(&mut bytes, value)?;
    Ok(bytes)
}

/// A value that is to stand as a text within something else, clean already. Its
/// URLs are written in the way of JSON (`:\/\/`) that nobody takes for one when
/// that is cleaned: what is cut out of a URL there could be the end of a text.
pub(super) fn within(value: Value) -> String {
    // Writing to memory does not fail, and what is written is UTF-8.
    let text = bytes(value)
        .ok()
        .and_then(|text| String::from_utf8(text).ok());
    text.map_or_else(|| "null".to_owned(), |text| text.replace("://", ":\\/\\/"))
}

/// An array that grows: of its items only their text is kept, for as values
/// they would take many times its room.
#[derive(Default)]
pub(super) struct List {
    text: Vec<u8>,
    len: usize,
}

impl List {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, item: Value) {
        if self.len > 0 {
            self.text.push(b',');
        }
        self.len += 1;
        // Writing to memory does not fail, and a value is JSON.
        if write(&mut self.text, item).is_err() {
            self.text.extend_from_slice(b"null");
        }
    }

    /// The array.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        out.write_all(&self.text)?;
        out.write_all(b"]")
    }
}

/// An object whose last members are written by hand.
pub(super) fn open(out: &mut impl Write, object: Value) -> io::Result<()> {
    let bytes = bytes(object)?;
    out.write_all(bytes.strip_suffix(b"}").unwrap_or(&bytes))
}

/// Takes the credentials out of the URLs in every text and name.
fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(stripped) = without_credentials(text) {
                *text = stripped;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(map) => {
            if map.keys().any(|name| name.contains("://")) {
                let old = std::mem::take(map);
                let clean = |name: String| without_credentials(&name).into_owned();
                map.extend(old.into_iter().map(|(name, value)| (clean(name), value)));
            }
            map.values_mut().for_each(scrub);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Compact, with escapes for more than JSON asks for.
struct Guarded;

impl Formatter for Guarded {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        writer.write_all(escaped_json(fragment).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::trace::visible::is_unsafe;

    #[test]
    fn credentials_leave_texts_and_names() {
        let value = json!({"http://u:p@h": ["http://u:p@h", {"a": 1}]});
        let text = String::from_utf8(bytes(value).unwrap()).unwrap();
        assert_eq!(text, "{\"http://…@h\":[\"http://…@h\",{\"a\":1}]}");
    }

    #[test]
    fn json_within_a_text_stays_json_when_that_is_cleaned() {
        let value = json!([
            "\"https://u:p@h/?token=abc\"",
            "https://h\nme@x.org\u{202e}"
        ]);
        let text = within(value);
        assert_eq!(without_credentials(&text), text);
        assert!(!text.chars().any(is_unsafe));
        let read: Value = serde_json::from_str(&text).unwrap();
        let clean = json!(["\"https://…@h/?token=…\"", "https://h\nme@x.org\u{202e}"]);
        assert_eq!(read, clean);
    }

    proptest! {
        #[test]
        fn a_reader_has_the_text_and_a_terminal_nothing_to_obey(text in "(?s)[^:]{0,40}") {
            let bytes = bytes(json!({ "text": text })).unwrap();
            let written = String::from_utf8(bytes).unwrap();
            prop_assert!(!written.chars().any(is_unsafe), "{:?}", written);
            let read: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(&read["text"], &text);
        }
    }
}
