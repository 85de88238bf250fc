//! Which format a file is of, by how it begins: never by its name.

use std::io::Read as _;
use std::path::Path;

use super::Format;
use super::error::{ImportError, open};

/// Bytes looked at.
const LOOKED_AT: u64 = 4 << 20;
/// How an archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// How an archive without members begins.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

/// The format of a file.
///
/// # Errors
/// The file cannot be read, or is of none that is known.
pub fn guess(path: &Path) -> Result<Format, ImportError> {
    let begin = begin(path, LOOKED_AT)?;
    if is_pickle(&begin) {
        return Err(pickled(path));
    }
    if is_ours(&begin) {
        return Err(ImportError::refused(
            path,
            "a log of our own already: `replay`, `show` and `eval` read it as it is",
        ));
    }
    if begin.trim_ascii().is_empty() {
        return Err(ImportError::refused(path, "there is nothing in it"));
    }
    of(&begin).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        ImportError::refused(
            path,
            format!(
                "of no format that is known ({names}): where it is one, say which by `--format`"
            ),
        )
    })
}

fn begin(path: &Path, most: u64) -> Result<Vec<u8>, ImportError> {
    let mut begin = Vec::new();
    open(path)?
        .take(most)
        .read_to_end(&mut begin)
        .map_err(|source| ImportError::io(path, source))?;
    Ok(begin)
}

/// Refuses a pickle, whatever format was named: reading one runs what it holds.
pub(super) fn refuse_pickle(path: &Path) -> Result<(), ImportError> {
    match is_pickle(&begin(path, 2)?) {
        true => Err(pickled(path)),
        false => Ok(()),
    }
}

/// Whether a file begins as pickles of protocol 2 and later do.
fn is_pickle(begin: &[u8]) -> bool {
    matches!(begin, [0x80, 2..=5, ..])
}

fn pickled(path: &Path) -> ImportError {
    ImportError::refused(
        path,
        "a pickle, which runs code where it is opened and is never opened here: name the `.txt` \
         beside it, or print it where you trust it: `python -c \"import pickle, pprint, sys; \
         pprint.pprint(pickle.load(open(sys.argv[1], 'rb')))\" 0.pickle > 0.txt`",
    )
}

pub(super) fn of(begin: &[u8]) -> Option<Format> {
    if begin.starts_with(ZIP) || begin.starts_with(EMPTY_ZIP) {
        return Some(Format::Inspect);
    }
    let content = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin);
    let content = content.trim_ascii_start();
    let keys = first_keys(content);
    let has = |key: &str| keys.iter().any(|known| known == key);
    let all = |wanted: &[&str]| wanted.iter().all(|key| has(key));
    if is_printed_list(content) {
        Some(Format::SpecReason)
    } else if all(&["eval", "status"]) || all(&["eval", "samples"]) || all(&["eval", "version"]) {
        Some(Format::Inspect)
    } else if has("turn_info") || all(&["code", "pred", "score"]) {
        Some(Format::Rsd)
    } else if has("doc_id") && (has("resps") || has("filtered_resps") || has("arguments")) {
        Some(Format::LmEval)
    } else if all(&["question", "label"]) && (has("labeler") || has("timestamp")) {
        Some(Format::Prm800k)
    } else if all(&["problem", "steps", "label"]) {
        Some(Format::ProcessBench)
    } else {
        None
    }
}

/// Whether this begins as our own logs do.
fn is_ours(begin: &[u8]) -> bool {
    begin.starts_with(b"{") && first_keys(begin).iter().any(|key| key == "record")
}

/// Whether this is a list of dictionaries as Python prints them: JSON knows no
/// single quotes.
fn is_printed_list(content: &[u8]) -> bool {
    let Some(rest) = content.strip_prefix(b"[") else {
        return false;
    };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"{") else {
        return false;
    };
    rest.trim_ascii_start().starts_with(b"'")
}

/// The keys of the first object, as far as it goes; of a list those of its
/// first element.
fn first_keys(content: &[u8]) -> Vec<String> {
    let content = content.strip_prefix(b"[").unwrap_or(content);
    let mut keys = Vec::new();
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut begins = 0;
    let mut last: Option<&[u8]> = None;
    for (at, &byte) in content.iter().enumerate() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            if !in_text {
                last = content.get(begins + 1..at);
            }
            continue;
        }
        match byte {
            b'"' => {
                in_text = true;
                begins = at;
            }
            b':' if depth == 1 => {
                keys.extend(
                    last.take()
                        .map(|key| String::from_utf8_lossy(key).into_owned()),
                );
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => break,
            b'}' | b']' => depth -= 1,
            byte if depth == 0 && !byte.is_ascii_whitespace() => break,
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_file_tells_its_format() {
        let cases: [(&str, Option<Format>); 13] = [
            ("PK\u{3}\u{4}...", Some(Format::Inspect)),
            (
                "{\n  \"version\": 2, \"status\": \"success\", \"eval\": {\"model\": \"m",
                Some(Format::Inspect),
            ),
            (
                "{\"idx\": 0, \"code\": [\"a: {\"], \"turn_info\": [[0, 1]]}",
                Some(Format::Rsd),
            ),
            (
                "{\"code\": [\"x\"], \"pred\": [\"1\"], \"score\": [true]}",
                Some(Format::Rsd),
            ),
            ("[{'step_id': 0,", Some(Format::SpecReason)),
            (
                "{\"doc_id\": 0, \"doc\": {\"steps\": 1}, \"resps\": [[\"a\"]]}",
                Some(Format::LmEval),
            ),
            (
                "{\"labeler\": \"x\", \"question\": {}, \"label\": {\"steps\": []}}",
                Some(Format::Prm800k),
            ),
            (
                " [\n {\"id\": \"a\", \"problem\": \"\\\"steps\\\": :\", \"steps\": [], \"label\": -1}]",
                Some(Format::ProcessBench),
            ),
            ("{\"question\": \"a\", \"answer\": \"b\"}", None),
            ("{\"record\": \"run\"}", None),
            ("[1, 2]", None),
            ("", None),
            ("\"turn_info\": 1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn keys_are_those_of_the_first_object_alone() {
        let keys = first_keys(br#"{"a": {"b": "c:"}, "d\"e": [{"f": 1}], "g": "h"}, {"i": 2}"#);
        assert_eq!(keys, ["a", "d\\\"e", "g"]);
    }

    #[test]
    fn a_log_of_our_own_is_told() {
        assert!(is_ours(br#"{"record": "run", "format": 1}"#));
        assert!(!is_ours(br#"{"idx": 0, "code": ["{\"record\": 1}"]}"#));
        assert!(!is_ours(br#"[{"record": 1}]"#));
    }

    #[test]
    fn pickles_are_told_by_their_first_bytes() {
        assert!(is_pickle(&[0x80, 4, 0x95]));
        assert!(!is_pickle(b"[{'a"));
        assert!(!is_pickle(&[]));
    }
}
