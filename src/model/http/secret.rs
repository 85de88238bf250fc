//! A key: sent in one header, shown to nobody.

use std::fmt::Write as _;

/// Shorter pieces of a key in base64 are too likely to be something else.
const LEAST_PIECE: usize = 12;

/// A key. `Debug` prints nothing of it, and [`Secret::redact`] takes it out of
/// what servers send back.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    key: String,
    /// What gives it away, longest first: the key, and its disguises.
    shapes: Vec<String>,
}

impl Secret {
    pub fn new(key: impl Into<String>) -> Self {
        let key = key.into();
        let mut shapes = shapes(&key);
        shapes.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        shapes.dedup();
        Self { key, shapes }
    }

    /// Reads the key from an environment variable, surrounding blanks off.
    ///
    /// # Errors
    /// A sentence that names the variable where it is unset, empty or not
    /// usable in a header.
    pub fn from_env(variable: &str) -> Result<Self, String> {
        let value = std::env::var(variable).map_err(|_| {
            format!("the environment variable {variable}, which holds the key, is not set")
        })?;
        Self::checked(&value)
            .map_err(|problem| format!("the environment variable {variable} {problem}"))
    }

    /// The key in `text`, surrounding blanks off, or what is wrong with it.
    pub(super) fn checked(text: &str) -> Result<Self, &'static str> {
        let key = text.trim();
        if key.is_empty() {
            return Err("is empty");
        }
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err("holds characters that no key has");
        }
        Ok(Self::new(key))
    }

    /// The key itself, for the one header it belongs in.
    pub(super) fn expose(&self) -> &str {
        &self.key
    }

    /// `text` without the key in it: as it is, as JSON or a URL escape it, or
    /// in base64, alone or behind a user's name.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for shape in &self.shapes {
            if text.contains(shape.as_str()) {
                text = text.replace(shape.as_str(), REDACTED);
            }
        }
        text
    }

    /// Text that a model wrote without the key in it. A short one, such as the
    /// `EMPTY` that servers without keys are given, is a word like others and
    /// stays, as does one in small letters.
    pub(super) fn redact_written(&self, text: &str) -> String {
        if !self.is_long() {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        let lower = self.key.to_lowercase();
        for shape in self
            .shapes
            .iter()
            .filter(|shape| **shape == self.key || **shape != lower)
        {
            if text.contains(shape.as_str()) {
                text = text.replace(shape.as_str(), REDACTED);
            }
        }
        text
    }

    /// Whether no word is as long.
    fn is_long(&self) -> bool {
        self.key.len() >= LEAST_LONG
    }

    /// How many bytes at the end of `text`, which a model wrote, may be the
    /// beginning of the key.
    pub(super) fn begun(&self, text: &str) -> usize {
        if !self.is_long() {
            return 0;
        }
        let longest = self.shapes.first().map_or(0, String::len);
        let tail = |length: &usize| {
            text.len()
                .checked_sub(*length)
                .and_then(|at| text.get(at..))
                .is_some_and(|tail| {
                    let begins = |shape: &String| shape.len() > *length && shape.starts_with(tail);
                    self.shapes.iter().any(begins)
                })
        };
        (1..longest.min(text.len() + 1))
            .rev()
            .find(tail)
            .unwrap_or(0)
    }
}

/// Bytes from which on a key is none of the words that models write.
const LEAST_LONG: usize = 12;

/// What stands in place of a key.
const REDACTED: &str = "[key]";

/// The key as it is and as it comes back in disguise.
fn shapes(key: &str) -> Vec<String> {
    // Names of media types are read in small letters.
    let mut shapes = vec![key.to_owned(), key.to_lowercase()];
    let escaped = serde_json::Value::from(key).to_string();
    shapes.extend(escaped.get(1..escaped.len() - 1).map(str::to_owned));
    // Some servers escape the slash too.
    shapes.push(key.replace('/', "\\/"));
    for upper in [true, false] {
        shapes.push(percent_encoded(key, upper));
    }
    for alphabet in [STANDARD, URL_SAFE] {
        for offset in 0..3 {
            let piece = base64_piece(key.as_bytes(), offset, alphabet);
            if piece.len() >= LEAST_PIECE {
                shapes.push(piece);
            }
        }
    }
    shapes
}

fn percent_encoded(key: &str, upper: bool) -> String {
    let mut encoded = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = match upper {
                true => write!(encoded, "%{byte:02X}"),
                false => write!(encoded, "%{byte:02x}"),
            };
        }
    }
    encoded
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The characters of a base64 text that `bytes` alone decide on, where
/// `offset` bytes (0..3) stand before them and any may follow.
fn base64_piece(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> String {
    let bit = |at: usize| {
        let byte = bytes.get(at / 8).copied().unwrap_or(0);
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let bits = bytes.len() * 8;
    // Bits of the first whole sextet within `bytes`.
    let first = (6 - offset * 8 % 6) % 6;
    (first..)
        .step_by(6)
        .take_while(|start| start + 6 <= bits)
        .map(|start| (start..start + 6).fold(0, |value, at| value << 1 | bit(at)))
        .map(|sextet| char::from(alphabet[sextet]))
        .collect()
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_writes_loses_no_words() {
        // What servers without keys are given.
        let word = Secret::new("EMPTY");
        assert_eq!(word.redact("the key EMPTY"), "the key [key]");
        for text in ["the EMPTY set", "the empty set"] {
            assert_eq!(word.redact_written(text), text);
        }
        assert_eq!(word.begun("EMP"), 0);
        let key = Secret::new("Sk-Planted-Key");
        assert_eq!(key.redact_written("it is Sk-Planted-Key."), "it is [key].");
        assert_eq!(key.redact_written("sk-planted-key"), "sk-planted-key");
    }

    #[test]
    fn debug_and_redacted_text_hold_nothing_of_the_key() {
        let secret = Secret::new("sk-planted-key");
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret.redact("bad key sk-planted-key!"), "bad key [key]!");
        assert_eq!(secret.begun("the key is sk-pla"), 6);
        assert_eq!(secret.begun("the key is sk-planted-key"), 0);
        assert_eq!(secret.begun("s"), 1);
        assert_eq!(secret.begun(""), 0);
        let missing = Secret::from_env("POINTSMAN_NO_SUCH_KEY").unwrap_err();
        assert!(missing.contains("POINTSMAN_NO_SUCH_KEY"));
    }

    #[test]
    fn a_key_in_disguise_is_taken_out() {
        let secret = Secret::new(r#"sk/pl+an"t\ed=12"#);
        for disguise in [
            r#"sk/pl+an\"t\\ed=12"#,
            "sk%2Fpl%2Ban%22t%5Ced%3D12",
            "sk%2fpl%2ban%22t%5ced%3d12",
        ] {
            assert_eq!(secret.redact(&format!("<{disguise}>")), "<[key]>");
        }
        // `key:`, `u:key`, `me:key` in base64: every way the key can lie.
        let secret = Secret::new("sk-planted-12345");
        for disguise in [
            "c2stcGxhbnRlZC0xMjM0NTo=",
            "dTpzay1wbGFudGVkLTEyMzQ1",
            "bWU6c2stcGxhbnRlZC0xMjM0NQ==",
            "YTpiOnNrLXBsYW50ZWQtMTIzNDU=",
        ] {
            let shown = secret.redact(&format!("Basic {disguise}"));
            assert!(shown.contains("[key]"), "{shown}");
            // What is left says nothing of the key but a few of its bits.
            assert!(shown.len() <= "Basic [key]".len() + 8, "{shown}");
        }
    }
}
